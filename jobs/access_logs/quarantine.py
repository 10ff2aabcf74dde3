"""Why a line is rejected, and the row that is kept of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa

from jobs.access_logs.requests import REJECTED
from jobs.access_logs.text import escape

REASONS: dict[str, str] = {
    "not_in_format": "the line does not have the form of the object's format",
    "no_time": "the line has no time, or one that can't be read",
    "out_of_bounds": "the line's time lies outside the bounds (1990 to 2100, unless set otherwise)",
    "too_long": "the line is longer than the cap on a line's length",
    "bad_json": "the line is not one JSON object",
    "missing_fields": "the line lacks fields that its format always has (often: cut short by a crash)",
}
"""The fixed list of reasons, with a sentence each. Nothing else is ever written as a reason."""

RAW_BYTES = 8_192  # of a rejected line that are kept
_LOOKAHEAD = 64  # an address that begins inside the kept part is masked whole
_V4 = re.compile(rb"(?<![0-9])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9])")
_V6 = re.compile(rb"[0-9A-Fa-f:]{2,}(?:\.[0-9.]+)?")
_MASK = b"(address)"


def _mask_v4(match: re.Match[bytes]) -> bytes:
    return _MASK if all(int(part) <= 255 for part in match.group().split(b".")) else match.group()


def _mask_v6(match: re.Match[bytes]) -> bytes:
    # `::` shortens an address; without it there are eight groups (a time of day has three or four).
    text = match.group()
    return _MASK if b"::" in text or text.count(b":") >= 6 else text


def mask_addresses(raw: bytes) -> bytes:
    """Replace IPv4 and IPv6 addresses by `(address)`; rather too many than too few."""
    return _V4.sub(_mask_v4, _V6.sub(_mask_v6, raw))


def keep_raw(line: bytes) -> str:
    """Give what is kept of a rejected line: its first 8 KiB, addresses masked, safe as text."""
    return escape(mask_addresses(line[: RAW_BYTES + _LOOKAHEAD])[:RAW_BYTES])


def rejected_table(
    object_id: str, offsets: Sequence[int], reasons: Sequence[str], lines: Sequence[bytes]
) -> pa.Table:
    """Build the rows of rejected lines, in the order given. Columns: those of REJECTED."""
    words = pa.array(reasons, pa.string()).dictionary_encode()
    objects = pa.array([object_id] * len(offsets), pa.string()).dictionary_encode()
    raw = pa.array([keep_raw(line) for line in lines], pa.string())
    return pa.table([objects, pa.array(offsets, pa.int64()), words, raw], schema=REJECTED)
