"""Recognise UUIDs, and turn request ids into two numbers that keep their order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from jobs.access_logs.lines import Places, windows
from jobs.access_logs.text import data_of, offsets_of

UUID_WIDTH = 36
_DASHES = (8, 13, 18, 23)
_DIGITS = tuple(place for place in range(UUID_WIDTH) if place not in _DASHES)
_ID_BYTES = 16
_NIBBLES = np.full(256, 255, dtype=np.uint8)
for _digits in (b"0123456789abcdef", b"0123456789ABCDEF"):
    _NIBBLES[np.frombuffer(_digits, np.uint8)] = np.arange(16, dtype=np.uint8)


def _text_columns(data: npt.NDArray[np.uint8], starts: Places) -> npt.NDArray[np.uint8]:
    """Give the 36 bytes from each place on, a row for each of the 36; zeros after the end of the data."""
    padded = np.concatenate([data, np.zeros(UUID_WIDTH, np.uint8)])
    return np.ascontiguousarray(windows(padded, starts, UUID_WIDTH).T)


def _read(text: npt.NDArray[np.uint8]) -> tuple[list[npt.NDArray[np.uint8]], npt.NDArray[np.bool_]]:
    """Give the 32 digits of UUIDs, and where the text is one."""
    digits = [_NIBBLES[text[place]] for place in _DIGITS]
    is_uuid = np.ones(text.shape[1], dtype=bool)
    for digit in digits:
        is_uuid &= digit <= 15
    for place in _DASHES:
        is_uuid &= text[place] == ord("-")
    return digits, is_uuid


def are_uuids(data: npt.NDArray[np.uint8], starts: Places, widths: Places) -> npt.NDArray[np.bool_]:
    """Tell where a piece of the data is a UUID with dashes, in small or capital letters."""
    _, is_uuid = _read(_text_columns(data, starts))
    is_uuid &= widths == UUID_WIDTH
    return is_uuid


def order_of_ids(ids: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Give 128 bits of each request id as two signed integers whose order is that of the bits.

    A UUID gives its own bits; any other id its first 16 bytes, zeros where it is shorter.
    """
    offsets = offsets_of(ids).astype(np.int64)
    widths = np.diff(offsets)
    text = _text_columns(data_of(ids), offsets[:-1])
    digits, is_uuid = _read(text)
    is_uuid &= widths == UUID_WIDTH
    bits = np.empty((len(ids), _ID_BYTES), dtype=np.uint8)
    for place in range(_ID_BYTES):
        own = digits[2 * place] << 4 | digits[2 * place + 1] & 15
        bits[:, place] = np.where(is_uuid, own, np.where(widths > place, text[place], 0))
    signed = (bits.view(">u8").astype(np.uint64) ^ np.uint64(1 << 63)).view(np.int64)
    return signed[:, 0], signed[:, 1]
