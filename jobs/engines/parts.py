"""Read lake parts: Parquet files of requests, on disk or on S3."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.engines.interface import LakePart
from jobs.storage import filesystem

REPEATED = [
    *("method", "path", "query", "referrer", "user_agent", "visitor", "user", "authenticated_id"),
    *("declared_id", "host", "country", "object_id"),
]
"""Text that repeats, read as dictionaries."""


def open_part(part: LakePart) -> pq.ParquetFile:
    """Open a part."""
    files, path = filesystem(part.uri)
    return pq.ParquetFile(files.open_input_file(path), read_dictionary=REPEATED, pre_buffer=True)


def read(part: LakePart, columns: Sequence[str], row_groups: Sequence[int] = ()) -> pa.Table:
    """Read columns of a part: of all its row groups, or of those given."""
    with open_part(part) as file:
        chosen = list(row_groups) or list(range(file.num_row_groups))
        return file.read_row_groups(chosen, columns=list(columns), use_threads=False)
