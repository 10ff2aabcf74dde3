"""Read a block of an access log: bytes in, Arrow out. No file, no clock, no environment.

Every line of a block becomes one request, one rejected line, or is ignored (blank lines and directives), so
lines_read = accepted + rejected + ignored. The regular lines of the combined family are read as columns, all
others one by one; what a line means never depends on which way it went.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from jobs.access_logs import combined_blocks
from jobs.access_logs.combined import CombinedReader
from jobs.access_logs.formats import (
    FORMATS,
    DescribedFormat,
    Layout,
    UnknownFormatError,
    advance,
    directives,
    find_layout,
    first_data_line,
    reader_of,
)
from jobs.access_logs.lines import Lines, Places, ignored_lines, split_lines
from jobs.access_logs.quarantine import rejected_table
from jobs.access_logs.rows import Line, Place, joined, table_of, to_requests
from jobs.access_logs.settings import IngestSettings


@dataclass(frozen=True)
class Ingested:
    """What one block gave."""

    requests: pa.Table  # REQUESTS
    rejected: pa.Table  # REJECTED
    lines_read: int
    ignored: int
    layout: Layout  # as it stands after this block


def ingest(
    block: bytes,
    offset: int,
    object_id: str,
    first_line: bytes,
    layout: Layout,
    settings: IngestSettings,
    *,
    in_columns: bool = True,
) -> Ingested:
    """Read the lines of a block.

    block: whole lines; the last may lack its line end only at the end of the object. offset: of the block's
    first byte in the unpacked object. first_line: the object's first data line. layout: as
    :func:`find_layout` or the block before gave it. in_columns: False reads every line by itself, which gives
    the same rows slowly (for tests).

    Raises UnknownFormatError where the layout's described format is not among the settings.
    """
    lines = split_lines(block, is_object_start=offset == 0)
    is_ignored = ignored_lines(lines)
    is_long = ~is_ignored & (lines.ends - lines.starts > settings.max_line_bytes)
    wanted = np.flatnonzero(~is_ignored & ~is_long)
    rejected: dict[int, str] = dict.fromkeys(np.flatnonzero(is_long).tolist(), "too_long")
    tables: list[pa.Table] = []
    for numbers, layout in _sections(lines, is_ignored, wanted, layout):  # noqa: B020 - the last one is the result
        reader = reader_of(layout, settings)
        if in_columns and isinstance(reader, CombinedReader):
            table, numbers = combined_blocks.read_block(lines, numbers, reader)
            tables.append(table)
        read: list[Line] = []
        places: list[int] = []
        for number in numbers.tolist():
            line = reader.read(lines[number])
            if isinstance(line, str):
                rejected[number] = line
            else:
                places.append(number)
                read.append(line)
        tables.append(table_of(places, read))
    found = joined(tables)
    at = found["at"].to_numpy()
    is_outside = (at < settings.earliest_at) | (at >= settings.latest_at)
    if is_outside.any():
        rejected |= dict.fromkeys(found["line"].to_numpy()[is_outside].tolist(), "out_of_bounds")
        found = found.filter(pa.array(~is_outside)).combine_chunks()
    byte_offsets = lines.starts[found["line"].to_numpy()] + offset
    numbers_rejected = sorted(rejected)
    return Ingested(
        requests=to_requests(found, byte_offsets, Place(object_id, first_line), settings),
        rejected=rejected_table(
            object_id,
            [int(lines.starts[number]) + offset for number in numbers_rejected],
            [rejected[number] for number in numbers_rejected],
            [lines[number] for number in numbers_rejected],
        ),
        lines_read=len(lines),
        ignored=int(is_ignored.sum()),
        layout=layout,
    )


def _sections(
    lines: Lines, is_ignored: npt.NDArray[np.bool_], wanted: Places, layout: Layout
) -> list[tuple[Places, Layout]]:
    """Cut the lines to read where a directive changes the layout; the last section's is the block's."""
    sections = []
    place = 0
    for number in np.flatnonzero(is_ignored).tolist() if layout.fields else ():
        changed = advance(layout, lines[number])
        if changed != layout:
            end = int(np.searchsorted(wanted, number))
            sections.append((wanted[place:end], layout))
            place, layout = end, changed
    return [*sections, (wanted[place:], layout)]


__all__ = [
    "FORMATS",
    "DescribedFormat",
    "Ingested",
    "Layout",
    "UnknownFormatError",
    "directives",
    "find_layout",
    "first_data_line",
    "ingest",
]
