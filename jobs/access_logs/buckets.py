"""Number durations by one integer boundary table, so that late data merges and percentiles never differ.

Buckets are 2% wide (and never narrower than a microsecond), from 0 to one day; all above is in the last.
A percentile of the warehouse is a bucket's midpoint, so it lies within 1% of the exact one.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

_DAY_US = 86_400_000_000


def _boundaries() -> tuple[int, ...]:
    boundaries = [0]
    while boundaries[-1] < _DAY_US:
        last = boundaries[-1]
        boundaries.append(max(last + 1, last * 102 // 100))
    return tuple(boundaries)


BOUNDARIES: tuple[int, ...] = _boundaries()
"""Microseconds at which each bucket begins."""

_BOUNDARIES = np.array(BOUNDARIES, dtype=np.int64)


def bucket_of(duration_us: npt.NDArray[np.int64]) -> npt.NDArray[np.int16]:
    """Give the bucket k of each duration (0 or more): BOUNDARIES[k] <= duration < BOUNDARIES[k + 1]."""
    return (np.searchsorted(_BOUNDARIES, duration_us, side="right") - 1).astype(np.int16)


def midpoints() -> list[int]:
    """Give the microseconds that stand for each bucket; the last, which has no end, stands for its begin."""
    inner = [(a + b - 1) // 2 for a, b in pairwise(BOUNDARIES)]
    return [*inner, BOUNDARIES[-1]]
