"""Cut a block of bytes into lines, and columns out of lines, without touching single bytes in Python."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

NEWLINE, RETURN, HASH = 10, 13, 35
_BLANK = b" \t\r"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Lines:
    """The lines of a block: the place of their first byte, and that after their last (of text)."""

    block: bytes
    starts: Places
    ends: Places

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, number: int) -> bytes:
        return self.block[self.starts[number] : self.ends[number]]


def split_lines(block: bytes, is_object_start: bool = False) -> Lines:
    """Split on `\\n` only, dropping one `\\r` before it; bytes after the last `\\n` are a line too.

    A byte order mark at the start of an object belongs to no line.
    """
    data = np.frombuffer(block, dtype=np.uint8)
    newlines = np.flatnonzero(data == NEWLINE)
    ends = newlines
    if len(block) and data[-1] != NEWLINE:
        ends = np.append(newlines, len(block))
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1]) if len(ends) else np.zeros(0, np.int64)
    has_return = (
        (ends > starts) & (data[np.maximum(ends - 1, 0)] == RETURN) if len(ends) else np.zeros(0, bool)
    )
    if len(ends) > len(newlines):
        has_return[-1] = False  # no line end, so the byte belongs to the line
    ends = ends - has_return
    if is_object_start and block.startswith(_BYTE_ORDER_MARK):
        starts[0] = min(len(_BYTE_ORDER_MARK), int(ends[0]))
    return Lines(block, starts, ends)


def is_ignored(line: bytes) -> bool:
    """Tell a blank line, or one that begins with `#` (a directive), from one that should hold a request."""
    return line.startswith(b"#") or not line.strip(_BLANK)


def ignored_lines(lines: Lines) -> npt.NDArray[np.bool_]:
    """Tell for every line whether :func:`is_ignored`."""
    if not len(lines):
        return np.zeros(0, dtype=bool)
    data = np.frombuffer(lines.block, dtype=np.uint8)
    first = data[np.minimum(lines.starts, len(data) - 1)]
    ignored: npt.NDArray[np.bool_] = (lines.starts == lines.ends) | (first == HASH)
    may_be_blank = ~ignored & np.isin(first, np.frombuffer(_BLANK, np.uint8))
    for number in np.flatnonzero(may_be_blank).tolist():
        ignored[number] = is_ignored(lines[number])
    return ignored


def cut(block: bytes, starts: Places, ends: Places, is_null: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Copy the bytes between many pairs of places, in ascending order, into one binary array."""
    if not len(starts):
        return pa.array([], pa.binary())
    edges = np.empty(2 * len(starts), dtype=np.int32)
    edges[0::2], edges[1::2] = starts, ends
    # An array over the block itself whose even values are the pieces and whose odd ones lie between them.
    pieces = pa.Array.from_buffers(
        pa.binary(), len(edges) - 1, [None, pa.py_buffer(edges), pa.py_buffer(block)]
    )
    return pieces.take(pa.array(np.arange(0, len(edges) - 1, 2, dtype=np.int32), mask=is_null))


def windows(data: npt.NDArray[np.uint8], places: Places, width: int) -> npt.NDArray[np.uint8]:
    """Give the `width` bytes from each place on as a matrix; places too near the end are moved back."""
    every = np.ndarray((len(data) - width + 1,), dtype=f"V{width}", buffer=data, strides=(1,))
    return every[np.clip(places, 0, len(every) - 1)].view(np.uint8).reshape(len(places), width)


_WORD = 8
_LOW_NIBBLES = np.uint64(0x0F0F0F0F0F0F0F0F)
_HIGH_NIBBLES = np.uint64(0xF0F0F0F0F0F0F0F0)
_ZEROS = np.uint64(0x3030303030303030)  # the text "00000000"
_SIXES = np.uint64(0x0606060606060606)


def _eight_digits(text: npt.NDArray[np.uint64]) -> tuple[Places, npt.NDArray[np.bool_]]:
    """Read eight digits held in a little-endian word.

    Source: Daniel Lemire, "Quickly parsing eight digits" (2018): neighbours are added in pairs, three times.
    """
    is_number = ((text & _HIGH_NIBBLES) == _ZEROS) & (((text + _SIXES) & _HIGH_NIBBLES) == _ZEROS)
    value = (text & _LOW_NIBBLES) * np.uint64(2_561) >> np.uint64(8)
    value = (value & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(6_553_601) >> np.uint64(16)
    value = (value & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(42_949_672_960_001) >> np.uint64(32)
    return value.astype(np.int64), is_number


def read_digits(
    data: npt.NDArray[np.uint8], starts: Places, ends: Places
) -> tuple[Places, npt.NDArray[np.bool_]]:
    """Read whole numbers of 1 to 16 digits at many places at once.

    Returns the numbers, and where the bytes are digits and nothing else (elsewhere the number means nothing).
    """
    widths = ends - starts
    numbers = np.zeros(len(starts), dtype=np.int64)
    is_number = (widths >= 1) & (widths <= 2 * _WORD)
    if not is_number.any():
        return numbers, is_number
    if int(ends[is_number].min()) < 2 * _WORD:  # room before the first number
        data = np.concatenate([np.zeros(2 * _WORD, np.uint8), data])
        ends = ends + 2 * _WORD
    for scale, end, width in ((1, ends, widths), (10**_WORD, ends - _WORD, widths - _WORD)):
        if scale > 1 and not (widths > _WORD).any():
            break
        text = windows(data, end - _WORD, _WORD).view("<u8").reshape(-1)
        strange = (8 * np.clip(_WORD - width, 0, _WORD)).astype(np.uint64)  # bits before the number
        kept = np.where(strange < 64, ~np.uint64(0) << np.minimum(strange, np.uint64(63)), np.uint64(0))
        value, is_value = _eight_digits(text & kept | _ZEROS & ~kept)
        numbers += value * scale
        is_number &= is_value
    return numbers, is_number
