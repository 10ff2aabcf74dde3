"""Turn bytes of a log into text that is safe everywhere: valid UTF-8 without control characters."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

# C0 controls, DEL and the C1 controls: a terminal may run what follows them.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def _hex(match: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in match.group().encode())


def escape(raw: bytes) -> str:
    r"""Write bytes that are not UTF-8, and control characters, as ``\xhh``; keep all else as it is.

    >>> escape(b"caf\xc3\xa9 caf\xe9 \x1b[31m")
    'café caf\\xe9 \\x1b[31m'
    """
    return _CONTROL.sub(_hex, raw.decode("utf-8", errors="backslashreplace"))


def offsets_of(values: pa.Array) -> npt.NDArray[np.int32]:
    """Give the n + 1 byte offsets of a binary or string array within its data."""
    if not len(values):
        return np.zeros(1, dtype=np.int32)
    offsets = np.frombuffer(values.buffers()[1], dtype=np.int32)
    return offsets[values.offset : values.offset + len(values) + 1]


def data_of(values: pa.Array) -> npt.NDArray[np.uint8]:
    """Give the bytes that the offsets of a binary or string array point into."""
    data = values.buffers()[2]
    return np.frombuffer(data, dtype=np.uint8) if data is not None else np.zeros(0, np.uint8)


def to_bytes(values: pa.Array) -> list[bytes | None]:
    """Give an array's values as Python bytes, several times faster than ``to_pylist``."""
    offsets = offsets_of(values).tolist()
    data = data_of(values).tobytes()
    cells: list[bytes | None] = [data[a:b] for a, b in pairwise(offsets)]
    if values.null_count:
        for index in np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False)).tolist():
            cells[index] = None
    return cells


def to_text(values: pa.Array) -> pa.Array:
    """Turn a binary array into a string array by :func:`escape`; NULL stays NULL.

    Only values with a byte outside printable ASCII are looked at one by one.
    """
    text = values.view(pa.string())
    offsets = offsets_of(values)
    used = data_of(values)[offsets[0] : offsets[-1]]
    if not len(used) or (used.max() < 127 and used.min() >= 32):
        return text
    odd_bytes = np.flatnonzero((used < 32) | (used >= 127)) + offsets[0]
    # The value that holds a byte is the last one that begins at or before it (empty ones hold none).
    odd_rows = np.unique(np.searchsorted(offsets, odd_bytes, side="right") - 1)
    distinct = values.take(pa.array(odd_rows)).dictionary_encode()
    fixed = pa.array(
        [None if raw is None else escape(raw) for raw in to_bytes(distinct.dictionary)], pa.string()
    )
    # Nothing of what is replaced is ever decoded, so it does no harm that it is not UTF-8.
    source = np.arange(len(values), dtype=np.int64)
    source[odd_rows] = len(values) + distinct.indices.to_numpy(zero_copy_only=False)
    indices = pa.array(source)
    if values.null_count:
        indices = pc.if_else(values.is_null(), pa.scalar(None, pa.int64()), indices)
    return pa.concat_arrays([text, fixed]).take(indices)


def to_words(values: pa.Array) -> pa.DictionaryArray:
    """Turn a binary array into dictionary-encoded text; every entry of the dictionary is distinct.

    The array may be dictionary-encoded already.
    """
    if values.null_count == len(values):
        return pa.nulls(len(values), pa.dictionary(pa.int32(), pa.string()))
    encoded = values if isinstance(values, pa.DictionaryArray) else values.dictionary_encode()
    words = to_text(encoded.dictionary)
    # Where something was escaped, the raw byte 1 and the text "\\x01" become one word.
    is_changed = words.buffers()[2] is not None and words.buffers()[2].address != _address(encoded.dictionary)
    if words.null_count or (is_changed and pc.count_distinct(words).as_py() != len(words)):
        return words.take(encoded.indices).dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices, words)


def _address(values: pa.Array) -> int:
    data = values.buffers()[2]
    return 0 if data is None else int(data.address)
