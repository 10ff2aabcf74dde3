"""Read what follows the user agent of many combined lines at once: our own five fields, or durations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.access_logs.combined import read_duration
from jobs.access_logs.lines import Places, cut, read_digits
from jobs.access_logs.request_ids import are_uuids
from jobs.access_logs.text import data_of, offsets_of, to_bytes

Mask = npt.NDArray[np.bool_]

_DASH = ord("-")
_PIECES = 6  # of our own tail when split on spaces; the first, before the first space, is empty
_LONGEST_PLAYER = 256


def read_tails(
    block: bytes, starts: Places, ends: Places, has_ours: bool, needs_ours: bool
) -> tuple[dict[str, pa.Array], Mask]:
    """Read the bytes from the last quote of each line to its end; they hold no quote and begin with a space.

    Returns columns for the regular lines, and which these are. No columns where all tails are empty; own_at,
    our microsecond time, is NULL where the line has not our fields.
    """
    count = len(starts)
    regular = np.ones(count, dtype=bool)
    filled = np.flatnonzero(ends > starts)
    if not len(filled):
        return {}, regular
    tails = cut(block, starts[filled], ends[filled])
    columns: dict[str, pa.Array] = {}
    is_ours = np.zeros(len(filled), dtype=bool)
    durations = np.full(count, -1, dtype=np.int64)
    if has_ours:
        ours, is_ours = _read_ours(tails)
        if is_ours.any():
            rows = filled[is_ours]
            durations[rows] = ours.pop("duration_us")
            source = np.full(count, -1, dtype=np.int64)
            source[rows] = np.arange(len(rows))
            places = pa.array(source, mask=source < 0)
            columns = {name: values.take(places) for name, values in ours.items()}
    others = np.flatnonzero(~is_ours)
    if len(others):
        if needs_ours:
            regular[filled[others]] = False
        else:
            distinct = tails.take(pa.array(others)).dictionary_encode()
            read = [_read_durations(raw or b"", has_ours) for raw in to_bytes(distinct.dictionary)]
            codes = distinct.indices.to_numpy()
            durations[filled[others]] = np.array([micros for micros, _ in read], dtype=np.int64)[codes]
            regular[filled[others]] = np.array([is_regular for _, is_regular in read], dtype=bool)[codes]
    columns["duration_us"] = pa.array(durations, mask=durations < 0)
    if not regular.all():
        columns = {name: values.filter(pa.array(regular)) for name, values in columns.items()}
    return columns, regular


def _read_durations(tail: bytes, has_ours: bool) -> tuple[int, bool]:
    """Give the duration (-1 for none) of a tail that isn't plainly ours, and whether it's surely not ours."""
    pieces = [piece for piece in tail.split(b" ") if piece]
    if not pieces:
        return -1, True
    micros = read_duration(pieces[0], pieces[-1])
    if micros is not None and micros >= 1 << 60:
        return -1, False
    return -1 if micros is None else micros, not has_ours or tail.count(b" ") < _PIECES - 1


def _read_ours(tails: pa.Array) -> tuple[dict[str, pa.Array], Mask]:
    """Split tails on spaces into time, duration, player, request id and country; and tell which are such."""
    lists = pc.split_pattern(tails, b" ")
    edges = np.frombuffer(lists.buffers()[1], dtype=np.int32)[lists.offset : lists.offset + len(lists) + 1]
    rows = np.flatnonzero(np.diff(edges) == _PIECES)
    is_ours = np.zeros(len(tails), dtype=bool)
    if not len(rows):
        return {}, is_ours
    pieces = lists.values
    data, places = data_of(pieces), offsets_of(pieces).astype(np.int64)
    first = edges[:-1][rows].astype(np.int64)
    starts = [places[first + field] for field in range(1, _PIECES)]
    ends = [places[first + field + 1] for field in range(1, _PIECES)]
    widths = [end - start for start, end in zip(starts, ends, strict=True)]
    is_missing = [
        (width == 1) & (data[np.minimum(start, len(data) - 1)] == _DASH)
        for start, width in zip(starts, widths, strict=True)
    ]
    at, is_at = read_digits(data, starts[0], ends[0])
    duration, is_duration = read_digits(data, starts[1], ends[1])
    valid = (
        (places[first] == places[first + 1])
        & is_at
        & (widths[0] >= 15)
        & (widths[0] <= 17)
        & (is_missing[1] | is_duration & (widths[1] <= 17))
        & (widths[2] >= 1)
        & (widths[2] <= _LONGEST_PLAYER)
        & (is_missing[3] | are_uuids(data, starts[3], widths[3]))
        & (is_missing[4] | _are_countries(data, starts[4], widths[4]))
    )
    rows, first = rows[valid], first[valid]
    is_ours[rows] = True
    columns = {"own_at": pa.array(at[valid]), "duration_us": np.where(is_missing[1], -1, duration)[valid]}
    for field, name in ((2, "authenticated_id"), (3, "request_id"), (4, "country")):
        indices = pa.array(first + field + 1, mask=is_missing[field][valid])
        columns[name] = pieces.take(indices)
    return columns, is_ours


def _are_countries(data: npt.NDArray[np.uint8], starts: Places, widths: Places) -> Mask:
    valid: Mask = widths == 2
    for place in (0, 1):
        letter = data[np.minimum(starts + place, len(data) - 1)]
        valid &= (letter >= ord("A")) & (letter <= ord("Z"))
    return valid
