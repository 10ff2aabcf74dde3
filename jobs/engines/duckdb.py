"""DuckDB: the laptop's engine, in this process. It computes what Spark computes, from the same SQL."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from jobs import models
from jobs.access_logs.classify import classify as classify_requests
from jobs.access_logs.objects import ingest_objects
from jobs.access_logs.settings import IngestSettings, MeaningSettings
from jobs.engines import sql
from jobs.engines.duplicates import Digests, duplicates_table, find_lost
from jobs.engines.interface import Claim, Ingestion, LakePart, Progress, SourceObject, Tables
from jobs.engines.staging import DICTIONARIES, Classify, Staged, stage
from jobs.models.inputs import setting_tables

IN_MEMORY_ROWS = 6_000_000
"""Up to so many requests the scratch database is in memory (and spills): three times as fast to fill. Above,
it is a file, which is compressed, and every model is computed before the first table is handed out: whoever
loads tables holds a database's write lock meanwhile, and may not wait for long with it."""

_STOP_POLL_S = 0.05
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
    ) -> Tables:
        """Compute every model over the given lake parts.

        Returns once the first table is ready; the others follow in a thread (up to ``IN_MEMORY_ROWS``).

        Args:
            parts: all of the lake's requests; parts of other tables are left out.
            settings: what requests mean.
            digests: of each object, those of its first data line and of its content: they decide which of two
                equal copies of a request stays. Without them the object's id decides.

        Returns:
            Table name → function that gives its rows; also ``object_duplicates`` (object_id, duplicates:
            accepted lines of the object that do not survive), without waiting. Valid until `close`.

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
        _draw_nothing(self._con)
        self._catalog = self._con.sql("select current_database()").fetchall()[0][0]
        self._is_small = is_small
        self._is_stopped = False
        self._thread: threading.Thread | None = None
        self.seconds: dict[str, float] = {}

    def close(self) -> None:
        self._is_stopped = True
        while self._thread is not None and self._thread.is_alive():
            self._con.interrupt()  # again and again: it is lost between two statements
            self._thread.join(_STOP_POLL_S)
        self._con.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, parts: Sequence[LakePart], digests: Digests | None) -> Tables:
        tables = setting_tables(self._settings)
        with self._timed("(duplicates)"):
            lost = find_lost(self._con, parts, digests)
        with self._timed("(stage)"):
            staged = stage(self._con, parts, self._settings, self._classify, lost)
        self._load_settings(tables, staged)
        ready: dict[str, Future[None]] = {name: Future() for name in models.ORDER if name in models.KEYS}
        self._thread = threading.Thread(target=self._compute_all, args=(ready,), name="models")
        self._thread.start()
        for future in ready.values():
            future.result()
            if self._is_small:
                break
        duplicates = duplicates_table(lost)
        return {"object_duplicates": duplicates.to_reader} | {
            name: self._rows_when(future, name) for name, future in ready.items()
        }

    def _compute_all(self, ready: Mapping[str, Future[None]]) -> None:
        """Compute the models in order, telling of each table when it is there, or why it will not be."""
        try:
            steps = list(models.steps(self._settings))
            last_use = {source: number for number, step in enumerate(steps) for source in step.model.sources}
            for number, step in enumerate(steps):
                if self._is_stopped:
                    raise CancelledError
                with self._timed(step.model.name):
                    self._compute(step)
                if step.table in ready:
                    ready[step.table].set_result(None)
                for name, last in last_use.items():
                    if last == number and name not in models.KEYS:
                        self._con.execute(f'drop table "{name}"')
        except BaseException as error:  # whatever it is, it belongs to whoever waits for a table
            for future in ready.values():
                if not future.done():
                    future.set_exception(error)

    def _rows_when(self, future: Future[None], name: str) -> Callable[[], pa.RecordBatchReader]:
        def rows() -> pa.RecordBatchReader:
            future.result()
            return self._reader(name)

        return rows

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
                view = self._with_ids(self._con, source)
                self._con.execute(f'create temp view "{source}" as {view}')
        self._con.execute(f'create table "{step.table}" as {text}', dict(step.parameters) or None)
        if step.model.reads_ids_as_text:
            for source in step.model.sources:
                self._con.execute(f'drop view temp."{source}"')

    def _with_ids(self, con: duckdb.DuckDBPyConnection, table: str) -> str:
        """Give a query for a table with its ids as text."""
        place = f'"{self._catalog}".main."{table}"'  # in full, or a temporary view would mean itself
        columns = [name for name, *_ in con.sql(f"select * from {place} limit 0").description]
        return _decoded(place, columns, "ids")

    def _reader(self, name: str) -> pa.RecordBatchReader:
        """Give a table in the order of its key, dates and times as such."""
        key = ", ".join(f'"{column}"' for column in models.KEYS[name])
        # A cursor of its own: a connection forgets one result when it is asked for the next, and this one is
        # busy with the models that follow.
        con = self._con.cursor()
        _draw_nothing(con)
        is_text = models.model(name).reads_ids_as_text
        rows_of_table = f'select * from "{name}"' if is_text else self._with_ids(con, name)
        query = f"select * from ({rows_of_table}) order by {key}"
        rows = con.sql(query).to_arrow_reader(_ROWS_PER_BATCH)
        schema = pa.schema([pa.field(field.name, _kind(field)) for field in rows.schema])
        return pa.RecordBatchReader.from_batches(schema, (_dated(batch, schema) for batch in rows))


def _decoded(source: str, columns: Sequence[str], dictionary: str) -> str:
    """Give a query for a table or query with the text of those columns that are codes of a dictionary."""
    coded = [name for name in columns if DICTIONARIES.get(name) == dictionary]
    given = [f'd{coded.index(name)}.text as "{name}"' if name in coded else f'm."{name}"' for name in columns]
    joins = [f'left join {dictionary} as d{i} on m."{name}" = d{i}.code' for i, name in enumerate(coded)]
    return f"select {', '.join(given)} from {source} as m {' '.join(joins)}"


def _draw_nothing(con: duckdb.DuckDBPyConnection) -> None:
    """Keep DuckDB's progress bar from stdout, which belongs to the caller (and to --json)."""
    con.execute("set enable_progress_bar = false")


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
