"""Write requests and rejected lines as Parquet parts, one UTC day and stream a file.

Parts lie below the run's own folder and are nobody's until the warehouse lists them in ``lake_files``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import itertools
import threading
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.access_logs.settings import DAY_US
from jobs.engines.interface import LakePart
from jobs.storage import filesystem, is_remote, join

NUMBERS = ("at", "order_hi", "order_lo", "byte_offset", "bytes_sent", "duration_us")
Key = tuple[str, str, int | None]  # table, stream, day since 1970


class PartWriter:
    """Write tables as files with names of their own below one folder; safe to call from several threads."""

    def __init__(self, scratch_uri: str) -> None:
        self._scratch_uri = scratch_uri
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def write(self, key: Key, tables: list[pa.Table]) -> LakePart:
        """Write tables of one key as one file."""
        table_name, stream, day = key
        rows = pa.concat_tables(tables).unify_dictionaries()
        date = None if day is None else (dt.date(1970, 1, 1) + dt.timedelta(days=day)).isoformat()
        with self._lock:
            number = next(self._numbers)
        folders = [table_name, f"stream={stream}"] + ([f"activity_date={date}"] if date else [])
        uri = join(self._scratch_uri, *folders, f"part-{number:06d}.parquet")
        data = encode(rows)
        files, path = filesystem(uri)
        if not is_remote(uri):  # S3 has no folders: making them would leave empty objects
            files.create_dir(path.rpartition("/")[0], recursive=True)
        with files.open_output_stream(path) as out:
            out.write(data)
        return LakePart(
            uri=uri,
            table_name=table_name,
            stream=stream,
            activity_date=date,
            object_ids=tuple(sorted(pc.unique(rows.column("object_id").cast(pa.string())).to_pylist())),
            row_count=rows.num_rows,
            size_bytes=data.size,
            digest=hashlib.sha256(data).hexdigest(),
        )

    def delete(self, parts: list[LakePart]) -> None:
        """Delete parts of an object that was refused after they were written."""
        for part in parts:
            files, path = filesystem(part.uri)
            files.delete_file(path)


def encode(rows: pa.Table) -> pa.Buffer:
    """Encode rows as one Parquet file in memory."""
    sink = io.BytesIO()
    numbers = [name for name in NUMBERS if name in rows.column_names]
    pq.write_table(
        rows,
        sink,
        compression="zstd",
        compression_level=1,
        use_dictionary=[name for name in rows.column_names if name not in numbers],
        column_encoding=dict.fromkeys(numbers, "DELTA_BINARY_PACKED"),
        write_statistics=["at"] if "at" in rows.column_names else False,
        row_group_size=262_144,
        dictionary_pagesize_limit=4 << 20,
        store_schema=False,
    )
    return pa.py_buffer(sink.getbuffer())


def by_day(requests: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    """Split requests by their UTC day (days since 1970), keeping their order."""
    if not requests.num_rows:
        return
    days = np.floor_divide(requests.column("at").to_numpy(), DAY_US)
    if days.min() == days.max():
        yield int(days[0]), requests
        return
    order = np.argsort(days, kind="stable")
    ordered = days[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    ends = np.r_[starts[1:], len(ordered)]
    sorted_rows = requests if bool((order[1:] > order[:-1]).all()) else requests.take(pa.array(order))
    for begin, end in zip(starts.tolist(), ends.tolist(), strict=True):
        yield int(ordered[begin]), sorted_rows.slice(begin, end - begin)


class Rows:
    """Rows that wait to be written, by table, stream and day."""

    def __init__(self) -> None:
        self._waiting: dict[Key, list[pa.Table]] = {}
        self._sizes: dict[Key, int] = {}

    @property
    def size_bytes(self) -> int:
        """The memory that waiting rows take."""
        return sum(self._sizes.values())

    def add(self, table_name: str, stream: str, rows: pa.Table) -> None:
        """Keep rows until somebody takes them."""
        if not rows.num_rows:
            return
        days = by_day(rows) if table_name == "requests" else iter([(None, rows)])
        per_row = rows.nbytes / rows.num_rows
        for day, part in days:
            key = (table_name, stream, day)
            self._waiting.setdefault(key, []).append(part)
            self._sizes[key] = self._sizes.get(key, 0) + int(per_row * part.num_rows) + 1

    def move_to(self, other: Rows) -> None:
        """Give all waiting rows to another."""
        for key, tables in self._waiting.items():
            other._waiting.setdefault(key, []).extend(tables)
            other._sizes[key] = other._sizes.get(key, 0) + self._sizes[key]
        self._waiting, self._sizes = {}, {}

    def take(self, more_than_bytes: int) -> Iterator[tuple[Key, list[pa.Table]]]:
        """Give the largest keys for writing until at most so many bytes wait."""
        while self._waiting and self.size_bytes > more_than_bytes:
            key = max(self._sizes, key=lambda each: self._sizes[each])
            del self._sizes[key]
            yield key, self._waiting.pop(key)


def sample(rejected: list[pa.Table], limit: int) -> pa.Table | None:
    """Give the first rejected lines, by where they stand in the object."""
    if not rejected:
        return None
    rows = pa.concat_tables(rejected).unify_dictionaries()
    return rows.take(pc.sort_indices(rows, sort_keys=[("byte_offset", "ascending")])[:limit])
