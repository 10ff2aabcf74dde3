"""Random draws that are the same on every platform: raw PCG64 bits, integer arithmetic, tables rounded
beforehand.

NumPy promises the stream of a bit generator, not the streams of its distributions, and ``exp`` differs in
the last digit between C libraries. So nothing here draws a float: a draw is a look-up in a table of 4,096
quantiles.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

TABLE_BITS = 12
TABLE_SIZE = 1 << TABLE_BITS
_ALL = (1 << 64) - 1


class Dice:
    """An independent stream of draws, named by a seed and a path of small integers such as (what, day)."""

    def __init__(self, seed: int, *stream: int) -> None:
        self._generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *stream])))

    def bits(self, count: int) -> Array:
        """64 random bits each; for a full range ``integers`` hands out the raw stream, and faster than
        random_raw.
        """
        return self._generator.integers(0, _ALL, count, dtype=np.uint64, endpoint=True)

    def below(self, count: int, bound: int | Array) -> Array:
        """Integers from 0 to ``bound`` - 1 as int64; ``bound`` may be an array of ``count`` and at most
        2^31.
        """
        return scale(self.bits(count), bound)

    def happens(self, count: int, probability: float | Array) -> Array:
        """Booleans; probabilities are cut to 1/65,536, so that no rounding of theirs shows."""
        threshold = np.asarray(np.floor(np.asarray(probability) * 65_536.0), dtype=np.int64)
        return np.asarray((self.bits(count) >> np.uint64(48)).astype(np.int64) < threshold)

    def draw(self, count: int, table: Array) -> Array:
        """A value of a table of 4,096 quantiles each."""
        return np.asarray(table[self.bits(count) >> np.uint64(64 - TABLE_BITS)])


def scale(bits: Array, bound: int | Array) -> Array:
    """The upper 32 of 64 bits, scaled to 0 .. ``bound`` - 1."""
    upper = bits >> np.uint64(32)
    return np.asarray((upper * np.asarray(bound).astype(np.uint64) >> np.uint64(32)).astype(np.int64))


def mix(values: Array) -> Array:
    """A fixed hash of 64-bit integers: the finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    z = values.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def choice_table(weights: Sequence[float], values: Sequence[int] | None = None) -> Array:
    """4,096 entries that hold each value in proportion to its weight."""
    chosen = range(len(weights)) if values is None else values
    edges = [0]
    total = sum(weights)
    running = 0.0
    for weight in weights:
        running += weight
        edges.append(round(running / total * TABLE_SIZE))
    table = np.zeros(TABLE_SIZE, dtype=np.int64)
    for value, start, end in zip(chosen, edges, edges[1:], strict=False):
        table[start:end] = value
    return table


def quantile_table(quantile: Callable[[float], float]) -> Array:
    """4,096 quantiles of a distribution, rounded to three significant digits and to whole numbers."""
    return np.array([_rounded(quantile((i + 0.5) / TABLE_SIZE)) for i in range(TABLE_SIZE)], dtype=np.int64)


@functools.cache
def lognormal_table(median: float, sigma: float, most: float = 1e12) -> Array:
    normal = NormalDist()
    table = quantile_table(lambda q: min(most, median * math.exp(sigma * normal.inv_cdf(q))))
    table.flags.writeable = False  # everybody shares it
    return table


def _rounded(value: float) -> int:
    if value < 1:
        return round(value)
    digits = max(0, math.floor(math.log10(value)) - 2)
    step = int(10**digits)
    return round(value / step) * step
