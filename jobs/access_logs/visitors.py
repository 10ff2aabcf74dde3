"""Name a visitor without his address: a keyed hash of address and user agent.

The first 32 hex digits of HMAC-SHA256(key, b"v1\\0" + frame(address) + frame(user agent)), where
frame(missing) is a zero byte and frame(value) is a one, the length in four bytes (big-endian) and the value.
So a format without user agents, `-` and an empty one give three visitors.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.access_logs.text import to_bytes

_PREFIX = b"v1\0"
_CACHE_ENTRIES = 250_000  # about 60 MB: visitors come back in the next block
_CACHED_BYTES = 1_024  # longer pairs are made up by somebody: hashing them again is cheaper than keeping them
_BLOCK = 64  # of SHA-256


def frame(value: bytes | None) -> bytes:
    """Write a value such that no two pairs of values have the same bytes one after the other."""
    return b"\0" if value is None else b"\1" + len(value).to_bytes(4, "big") + value


class VisitorHash:
    """HMAC-SHA256 under one key, remembering results. Threads may share it: they write equal values."""

    def __init__(self, key: bytes) -> None:
        padded = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + _PREFIX)
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))
        self._known: dict[bytes, str] = {}

    def of(self, address: bytes | None, user_agent: bytes | None) -> str:
        """Give the 32 hex digits of one visitor."""
        return self.of_framed(frame(address) + frame(user_agent))

    def of_framed(self, pair: bytes) -> str:
        """Give the 32 hex digits of two framed values."""
        known = self._known.get(pair)
        if known is not None:
            return known
        inner = self._inner.copy()
        inner.update(pair)
        outer = self._outer.copy()
        outer.update(inner.digest())
        visitor = outer.hexdigest()[:32]
        if len(pair) <= _CACHED_BYTES:
            if len(self._known) >= _CACHE_ENTRIES:
                self._known = {}
            self._known[pair] = visitor
        return visitor


@lru_cache(maxsize=4)
def hasher(key: bytes) -> VisitorHash:
    """Give the one hasher of a key in this process."""
    return VisitorHash(key)


def _codes(values: pa.DictionaryArray) -> npt.NDArray[np.int32]:
    codes: npt.NDArray[np.int32] = pc.fill_null(values.indices, len(values.dictionary)).to_numpy()
    return codes


def visitors_of(
    addresses: pa.DictionaryArray, user_agents: pa.DictionaryArray, key: bytes
) -> pa.DictionaryArray:
    """Hash every row's address and user agent, each distinct pair once.

    Parameters: two dictionary-encoded binary arrays of one length, NULL where the format lacks the field.
    """
    # What is missing has the code after the last one.
    framed_addresses = [frame(value) for value in [*to_bytes(addresses.dictionary), None]]
    framed_agents = [frame(value) for value in [*to_bytes(user_agents.dictionary), None]]
    width = len(framed_agents)
    codes = _codes(addresses).astype(np.int64) * width + _codes(user_agents)
    pairs = pa.array(codes).dictionary_encode()
    of = hasher(key).of_framed
    rows, columns = np.divmod(pairs.dictionary.to_numpy(), width)
    names = [
        of(framed_addresses[row] + framed_agents[column])
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
    ]
    return pa.DictionaryArray.from_arrays(pairs.indices, pa.array(names, pa.string()))
