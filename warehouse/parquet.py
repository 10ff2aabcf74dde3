"""Rows of one table as Parquet files, by month of its date or bucket of its key, always the same bytes.

The bytes depend on the rows and on the version of the Parquet writer only, not on how the rows were cut
into batches: a file is named by its digest, so equal content has one name and is written once.
"""

from __future__ import annotations

import hashlib
import tempfile
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import Table

from warehouse.rows import arrow_schema

BUCKETS = 8  # of tables without a date; fixed, since it decides which rows share a file
ROW_GROUP_ROWS = 131_072
_IN_MEMORY_BYTES = 4 << 20  # of a finished file; beyond, it waits on disk
_DIGEST_DIGITS = 32
_BATCHES_BEHIND = 8  # that the staging thread may be behind the database: memory for so many


@dataclass(frozen=True)
class EncodedFile:
    """One finished Parquet file; its content can be read until the next one is asked for."""

    name: str  # 2026-10-<digest>.parquet, bucket-3-<digest>.parquet, all-<digest>.parquet
    row_count: int
    size_bytes: int
    digest: str
    content: IO[bytes]


class TableEncoder:
    """Writes one table's rows, which come in the order of its key, as Parquet files. Close it in any case."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._schema = arrow_schema(table)
        self._parts: dict[str, _Part] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        for name, rows in _split(self._table, batch):
            if name not in self._parts:
                self._parts[name] = _Part(self._schema, self._table)
            self._parts[name].add(rows)

    def finish(self) -> None:
        """Write what waits for a whole row group; nothing can be added any more."""
        for part in self._parts.values():
            part.end()

    def files(self) -> Iterator[EncodedFile]:
        """Finish the files and give them in the order of their parts."""
        for name in sorted(self._parts):
            with self._parts.pop(name) as part:
                yield part.finish(name)

    def close(self) -> None:
        for part in self._parts.values():
            part.close()


class Staging:
    """Parquet files of the tables that a run loads, made while the rows pass by on their way to the
    database.

    Give it to the commit and then to the publication, so that no row is read twice. A context manager: what
    was staged is gone at its end, published or not. The files are written in a thread of its own, a few
    batches behind; what fails there is raised to whoever passes the next batches or takes the table.
    """

    def __init__(self) -> None:
        self.commit_number: int | None = None  # of the commit that the rows went with; set by it
        self._encoders: dict[str, TableEncoder] = {}
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="staging")
        self._waiting: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._worker.shutdown(cancel_futures=True)
        for encoder in self._encoders.values():
            encoder.close()

    def passing(self, table: Table, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give the batches on, keeping what they hold."""
        encoder = self._encoders[table.name] = TableEncoder(table)
        for batch in batches:
            self._do(encoder.add, batch)
            yield batch
        self._do(encoder.finish)

    def take(self, table: Table, commit_number: int) -> TableEncoder | None:
        """Give what was staged of a table, once; None if that is nothing, or belongs to another commit."""
        self._wait(0)
        return self._encoders.pop(table.name, None) if commit_number == self.commit_number else None

    def _do(self, work: Callable[..., None], *given: pa.RecordBatch) -> None:
        self._wait(_BATCHES_BEHIND)
        self._waiting.append(self._worker.submit(work, *given))

    def _wait(self, count: int) -> None:
        """Wait until no more than so many pieces of work are left."""
        while len(self._waiting) > count:
            self._waiting.popleft().result()


def encode(table: Table, batches: Iterable[pa.RecordBatch]) -> TableEncoder:
    """Write all rows of a table."""
    encoder = TableEncoder(table)
    try:
        for batch in batches:
            encoder.add(batch)
    except BaseException:
        encoder.close()
        raise
    return encoder


class _Part:
    """One file while it grows: whole row groups are written, the rest waits."""

    def __init__(self, schema: pa.Schema, table: Table) -> None:
        self._schema = schema
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self._row_count = 0
        self._size = 0
        self._digest = ""  # until the end
        # It lives as long as the part does.
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115
        # A dictionary of values that hardly repeat costs time and saves nothing.
        unique = {column.name for column in table.primary_key.columns} - {"dimension", "value", "stream"}
        self._writer = pq.ParquetWriter(
            pa.PythonFile(self._file, mode="w"),
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=[f.name for f in schema if pa.types.is_string(f.type) and f.name not in unique],
            store_schema=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()

    def close(self) -> None:
        self._writer.close()  # or its own finalizer would write into the closed file
        self._file.close()

    def add(self, rows: pa.RecordBatch) -> None:
        self._waiting.append(rows)
        self._waiting_rows += rows.num_rows
        while self._waiting_rows >= ROW_GROUP_ROWS:
            self._write(ROW_GROUP_ROWS)

    def end(self) -> None:
        """Write the last row group, and compute the digest."""
        if self._digest:
            return
        if self._waiting_rows:
            self._write(self._waiting_rows)
        self._writer.close()
        self._file.seek(0)
        digest = hashlib.sha256()
        while block := self._file.read(1 << 20):
            digest.update(block)
            self._size += len(block)
        self._digest = digest.hexdigest()

    def finish(self, name: str) -> EncodedFile:
        self.end()
        self._file.seek(0)
        file = f"{name}-{self._digest[:_DIGEST_DIGITS]}.parquet"
        return EncodedFile(file, self._row_count, self._size, self._digest, self._file)

    def _write(self, count: int) -> None:
        table = pa.Table.from_batches(self._waiting, self._schema).combine_chunks()
        self._writer.write_table(table.slice(0, count), row_group_size=ROW_GROUP_ROWS)
        self._waiting = table.slice(count).to_batches()
        self._waiting_rows -= count
        self._row_count += count


def _split(table: Table, batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Cut a batch by part, keeping the order of the rows within each."""
    if not batch.num_rows:
        return
    numbers, name = _months(table, batch) if "date_column" in table.info else _buckets(table, batch)
    if numbers[0] == numbers[-1] and (numbers == numbers[0]).all():
        yield name(int(numbers[0])), batch
        return
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    ends = np.r_[starts[1:], len(ordered)]
    rows = batch.take(pa.array(order))
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        yield name(int(ordered[start])), rows.slice(start, end - start)


def _months(table: Table, batch: pa.RecordBatch) -> tuple[Any, Any]:
    dates = batch.column(table.info["date_column"])
    numbers = pc.add(pc.multiply(pc.year(dates), 12), pc.subtract(pc.month(dates), 1))
    return numbers.to_numpy(zero_copy_only=False), lambda n: f"{n // 12:04d}-{n % 12 + 1:02d}"


def _buckets(table: Table, batch: pa.RecordBatch) -> tuple[Any, Any]:
    if table.info.get("is_small"):
        return np.zeros(batch.num_rows, np.int64), lambda _: "all"
    keys = zip(*(batch.column(c.name).to_pylist() for c in table.primary_key.columns), strict=True)
    numbers = [zlib.crc32("\x00".join(map(str, key)).encode()) % BUCKETS for key in keys]
    return np.array(numbers), lambda n: f"bucket-{n}"
