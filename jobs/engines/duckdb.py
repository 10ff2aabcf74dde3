"""DuckDB: the laptop's engine, in this process. It computes what Spark computes, from the same SQL."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from jobs import models
from jobs.access_logs.classify import classify as classify_requests
from jobs.access_logs.objects import ingest_objects
from jobs.access_logs.settings import IngestSettings, MeaningSettings
from jobs.engines import sql
from jobs.engines.duplicates import Digests, duplicates_table, find_lost
from jobs.engines.interface import Claim, Ingestion, LakePart, Progress, SourceObject
from jobs.engines.staging import DICTIONARIES, Classify, Staged, stage
from jobs.models.inputs import setting_tables

IN_MEMORY_ROWS = 6_000_000
"""Up to so many requests the scratch database is in memory (and spills): three times as fast to fill. Above,
it is a file, which is compressed."""

_ROWS_PER_BATCH = 65_536


class DuckDBEngine:
    """Read objects in this process, and compute the models in a scratch database that spills to disk."""

    name = "duckdb"

    def __init__(self, classify: Classify = classify_requests) -> None:
        """Take the function that gives requests their meaning; tests pass their own."""
        self._classify = classify
        self._built: list[_Build] = []

    def ingest(
        self,
        sources: Sequence[SourceObject],
        claims: Mapping[str, Sequence[Claim]],
        scratch_uri: str,
        settings: IngestSettings,
        progress: Progress = lambda _bytes, _lines: None,
    ) -> Ingestion:
        """Read every object whole or refuse it, writing its lines as Parquet parts below scratch_uri."""
        return ingest_objects(sources, claims, scratch_uri, settings, progress)

    def build(
        self, parts: Sequence[LakePart], settings: MeaningSettings, *, digests: Digests | None = None
    ) -> Mapping[str, pa.RecordBatchReader]:
        """Compute every model over the given lake parts.

        Args:
            parts: all of the lake's requests; parts of other tables are left out.
            settings: what requests mean.
            digests: of each object, those of its first data line and of its content: they decide which of two
                equal copies of a request stays. Without them the object's id decides.

        Returns:
            Table name → rows in the order of its key, read once from start to end; also ``object_duplicates``
            (object_id, duplicates: accepted lines of the object that do not survive). Valid until `close`.

        Raises:
            ValueError: for settings or requests that the models cannot take, in one line.
        """
        build = _Build(settings, self._classify, sum(part.row_count for part in parts))
        self._built.append(build)
        return build.run([part for part in parts if part.table_name == "requests"], digests)

    @property
    def seconds(self) -> Mapping[str, float]:
        """Seconds that each step of the last build took."""
        return self._built[-1].seconds if self._built else {}

    def close(self) -> None:
        """Give back memory and scratch files; tables not read by then are lost."""
        while self._built:
            self._built.pop().close()


class _Build:
    """One scratch database."""

    def __init__(self, settings: MeaningSettings, classify: Classify, row_count: int) -> None:
        self._settings = settings
        self._classify = classify
        self._folder = tempfile.mkdtemp(prefix="playerpath-", dir=settings.scratch_dir)
        is_small = row_count <= IN_MEMORY_ROWS
        self._con = duckdb.connect(
            ":memory:" if is_small else os.path.join(self._folder, "scratch.duckdb"),  # noqa: PTH118
            config={
                "threads": settings.threads,
                "memory_limit": f"{settings.memory_limit_mb}MB",
                "temp_directory": os.path.join(self._folder, "spill"),  # noqa: PTH118
                "preserve_insertion_order": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        self._catalog = self._con.sql("select current_database()").fetchall()[0][0]
        self.seconds: dict[str, float] = {}

    def close(self) -> None:
        self._con.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, parts: Sequence[LakePart], digests: Digests | None) -> Mapping[str, pa.RecordBatchReader]:
        tables = setting_tables(self._settings)
        with self._timed("(duplicates)"):
            lost = find_lost(self._con, parts, digests)
        with self._timed("(stage)"):
            staged = stage(self._con, parts, self._settings, self._classify, lost)
        self._load_settings(tables, staged)
        steps = list(models.steps(self._settings))
        last_use = {source: number for number, step in enumerate(steps) for source in step.model.sources}
        for number, step in enumerate(steps):
            with self._timed(step.model.name):
                self._compute(step)
            for name, last in last_use.items():
                if last == number and name not in models.KEYS:
                    self._con.execute(f'drop table "{name}"')
        readers = {name: self._reader(name) for name in models.KEYS}
        duplicates = duplicates_table(lost)
        return {**readers, "object_duplicates": duplicates.to_reader()}

    @contextlib.contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started

    def _load_settings(self, tables: Mapping[str, pa.Table], staged: Staged) -> None:
        for name, table in tables.items():
            if name == "wanted_events":
                place = table.column_names.index("event")
                table = table.set_column(place, "event", staged.dictionaries["words"].find(table["event"]))
            self._con.register("setting", table)
            self._con.execute(f'create table "{name}" as select * from setting')
            self._con.unregister("setting")

    def _compute(self, step: models.Step) -> None:
        text = sql.translate(step.model.sql, "duckdb")
        if step.adds:
            self._con.execute(f'insert into "{step.table}" {text}', dict(step.parameters))
            return
        reads_codes = any(
            source == "requests" or (source in models.ORDER and models.model(source).is_coded)
            for source in step.model.sources
        )
        if reads_codes and not step.model.is_coded:
            text = _decoded(f"({text})", sql.columns(step.model.sql), "words")
        if step.model.reads_ids_as_text:
            for source in step.model.sources:  # a temporary view stands before a table of its name
                self._con.execute(f'create temp view "{source}" as {self._with_ids(source)}')
        self._con.execute(f'create table "{step.table}" as {text}', dict(step.parameters) or None)
        if step.model.reads_ids_as_text:
            for source in step.model.sources:
                self._con.execute(f'drop view temp."{source}"')

    def _with_ids(self, table: str) -> str:
        """Give a query for a table with its ids as text."""
        place = f'"{self._catalog}".main."{table}"'  # in full, or a temporary view would mean itself
        columns = [name for name, *_ in self._con.sql(f"select * from {place} limit 0").description]
        return _decoded(place, columns, "ids")

    def _reader(self, name: str) -> pa.RecordBatchReader:
        """Give a table in the order of its key, dates and times as such."""
        key = ", ".join(f'"{column}"' for column in models.KEYS[name])
        # A cursor of its own: a connection forgets one result when it is asked for the next.
        is_text = models.model(name).reads_ids_as_text
        rows_of_table = f'select * from "{name}"' if is_text else self._with_ids(name)
        query = f"select * from ({rows_of_table}) order by {key}"
        rows = self._con.cursor().sql(query).to_arrow_reader(_ROWS_PER_BATCH)
        schema = pa.schema([pa.field(field.name, _kind(field)) for field in rows.schema])
        return pa.RecordBatchReader.from_batches(schema, (_dated(batch, schema) for batch in rows))


def _decoded(source: str, columns: Sequence[str], dictionary: str) -> str:
    """Give a query for a table or query with the text of those columns that are codes of a dictionary."""
    coded = [name for name in columns if DICTIONARIES.get(name) == dictionary]
    given = [f'd{coded.index(name)}.text as "{name}"' if name in coded else f'm."{name}"' for name in columns]
    joins = [f'left join {dictionary} as d{i} on m."{name}" = d{i}.code' for i, name in enumerate(coded)]
    return f"select {', '.join(given)} from {source} as m {' '.join(joins)}"


def _kind(field: pa.Field) -> pa.DataType:
    if field.name.endswith("_date"):
        return pa.date32()
    return pa.timestamp("us") if field.name.endswith("_at") else field.type


def _dated(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = []
    for column, field in zip(batch.columns, schema, strict=True):
        if pa.types.is_date32(field.type):
            column = pc.cast(column, pa.int32()).view(pa.date32())
        elif pa.types.is_timestamp(field.type):
            column = pc.cast(column, pa.int64()).view(field.type)
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=schema)
