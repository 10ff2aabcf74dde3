"""A connected warehouse: everything that runs, reports and people ask of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection, Engine, inspect, text

from warehouse.checks import CheckResult, run_checks
from warehouse.claims import ClaimedObject, LakeFile, read_claims, read_lake_files, read_sightings
from warehouse.digest import digest
from warehouse.engine import check_file, open_engine, parse, reading, shown, writing
from warehouse.errors import NotAWarehouseError, WarehouseVersionError
from warehouse.lease import Clock, Holder, Lease, current_holder, hold, release_dead
from warehouse.load import Committed, RunLoad, RunRecord, commit, record_failure, write_definitions
from warehouse.parquet import Staging
from warehouse.publication import Publication, publish
from warehouse.runs import count_duplicates, read_run, read_run_ids, read_runs
from warehouse.schema import SCHEMA_VERSION, metadata
from warehouse.state import (
    COMMIT_NUMBER,
    DEFINITIONS_DIGEST,
    WAREHOUSE_ID,
    compare_settings,
    read_state,
    recorded_settings,
    write_state,
)
from warehouse.state import SCHEMA_VERSION as VERSION_ENTRY

if TYPE_CHECKING:
    import pandas as pd

_SHOWN_TABLES = 5


def utc_now() -> datetime:
    """Give the time as the warehouse keeps it: UTC, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


class Warehouse:
    """One warehouse. Made by :func:`connect`."""

    def __init__(self, url: str, engine: Engine, warehouse_id: str, clock: Clock) -> None:
        self.url = shown(url)  # without its password
        self.engine = engine
        self.warehouse_id = warehouse_id
        self.clock = clock

    def __repr__(self) -> str:
        return f"<Warehouse {self.url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what is still open; each use opens its own connection, so this is for good manners only."""
        self.engine.dispose()

    @property
    def file(self) -> Path | None:
        """The file that holds the warehouse; None for a database server."""
        return None if self.engine.url.database is None else Path(self.engine.url.database)

    # What is there

    def reading(self) -> AbstractContextManager[Connection]:
        """One read transaction: a snapshot, which cannot write."""
        return reading(self.engine)

    def state(self) -> dict[str, str]:
        """Give all entries of warehouse_state."""
        with self.reading() as connection:
            return read_state(connection)

    @property
    def is_new(self) -> bool:
        """Say whether nothing was committed yet, so that no settings are recorded."""
        return self.commit_number == 0

    @property
    def commit_number(self) -> int:
        """Give the number of the last commit; 0 before the first."""
        return int(self.state().get(COMMIT_NUMBER, "0"))

    def settings(self) -> dict[str, str]:
        """Give the settings recorded at the first run."""
        return recorded_settings(self.state())

    def differences(self, given: Mapping[str, str]) -> list[str]:
        """List where given settings differ from the recorded ones, one line each."""
        return compare_settings(self.settings(), given)

    def sightings(self, uris: Iterable[str] | None = None) -> dict[tuple[str, str, int], str]:
        """Give known names: (uri, version, size as stored) → object_id; all, or those of the given URIs."""
        with self.reading() as connection:
            return read_sightings(connection, uris)

    def claims(self) -> list[ClaimedObject]:
        """Give every loaded or retracted content with its names."""
        with self.reading() as connection:
            return list(read_claims(connection))

    def lake_files(self, table_name: str | None = None) -> list[LakeFile]:
        """Give the lake files that readers may use, of `requests` or `rejected` or both."""
        with self.reading() as connection:
            return read_lake_files(connection, table_name)

    def runs(self, limit: int = 50) -> list[dict[str, Any]]:
        """Give the rows of load_runs, the newest run first."""
        with self.reading() as connection:
            return read_runs(connection, limit)

    def run_ids(self) -> set[str]:
        """Give the ids of all runs that were committed."""
        with self.reading() as connection:
            return read_run_ids(connection)

    def duplicates(self) -> int:
        """Count the lines of loaded objects whose request id another line stands for."""
        with self.reading() as connection:
            return count_duplicates(connection)

    def run(self, run_id: str) -> dict[str, Any] | None:
        """Give one run with its checks and objects; None if there is no such run."""
        with self.reading() as connection:
            return read_run(connection, run_id)

    def checks(self) -> tuple[CheckResult, ...]:
        """Check again that the numbers agree, without writing anything."""
        with self.reading() as connection:
            return run_checks(connection, recorded_settings(read_state(connection)))

    def digest(self, *, without_objects: bool = False) -> str:
        """Compute the canonical digest: equal for equal content, whatever the way there."""
        with self.reading() as connection:
            return digest(connection, without_objects=without_objects)

    def sql(self, query: str, **params: Any) -> pd.DataFrame:
        """Answer a query of one's own, read-only; `:name` stands for the parameter `name`.

        Columns named `_at` and `_date` come as timestamps (UTC, without a zone), those named `is_` as
        booleans.

        >>> wh.sql("SELECT activity_date, dau FROM daily_activity WHERE value = :value", value="ios")  #
        doctest: +SKIP
        """
        import pandas as pd  # half of a run's start-up time, and no run needs it

        with self.reading() as connection:
            result = connection.execute(text(query), params)
            frame = pd.DataFrame.from_records([tuple(row) for row in result], columns=list(result.keys()))
        for name in frame.columns:
            if name.endswith(("_at", "_date")):
                frame[name] = pd.to_datetime(frame[name], format="ISO8601")
            elif name.startswith("is_"):
                frame[name] = frame[name].astype("boolean" if frame[name].hasnans else "bool")
        return frame

    # What a run does

    def lease(
        self,
        run_id: str,
        wait_s: float = 600.0,
        on_wait: Callable[[str], None] = lambda _message: None,
        **timing: Any,
    ) -> AbstractContextManager[Lease]:
        """Hold the warehouse for one run, from reading the claims to its commit; see `hold`."""
        return hold(self.engine, run_id, wait_s=wait_s, on_wait=on_wait, **{"clock": self.clock, **timing})

    def holder(self) -> Holder | None:
        """Say who holds the warehouse; None if nobody does."""
        return current_holder(self.engine)

    def release(self, *, force: bool = False) -> Holder | None:
        """Free a lease whose holder is gone, with `force` any; give that holder, None if it was free."""
        return release_dead(self.engine, self.clock(), force=force)

    def commit(self, run_load: RunLoad) -> Committed:
        """Write all that a run changes in one transaction; see `commit`."""
        return commit(run_load, self.clock)

    def record_failure(self, run: RunRecord, message: str, checks: Sequence[CheckResult] = ()) -> None:
        """Record a failed run, and the checks that made it fail, in a transaction of its own."""
        with writing(self.engine) as connection:
            record_failure(connection, run, message, checks, self.clock())

    def publish(self, lake_uri: str, staging: Staging | None = None) -> Publication:
        """Bring the published tables up to the last commit; see `publish`."""
        return publish(self, lake_uri, staging)


def connect(url: str, *, create: bool = False, read_only: bool = False, clock: Clock = utc_now) -> Warehouse:
    """Open a warehouse.

    Args:
        url: such as `sqlite:///playerpath.db`.
        create: make it if there is none.
        read_only: refuse to write through any of its connections.
        clock: naive UTC now.

    Raises:
        WarehouseUrlError: the URL names no database that this version can use.
        WarehouseMissingError: there is no such file or folder.
        WarehousePermissionError: it may not be read, or written.
        NotAWarehouseError: it is no database, or a database with other tables.
        WarehouseVersionError: another version of the program made it.
    """
    parsed = parse(url)
    check_file(parsed, create=create, read_only=read_only)
    engine = open_engine(parsed, read_only=read_only)
    with reading(engine) as connection:
        warehouse_id = _identify(connection, str(parsed.database))
    if warehouse_id is None:
        if not create or read_only:
            raise NotAWarehouseError(f"{parsed.database}: wanted a warehouse, found an empty database")
        warehouse_id = _create(engine, str(parsed.database), clock())
    return Warehouse(url, engine, warehouse_id, clock)


def _create(engine: Engine, name: str, now: datetime) -> str:
    with writing(engine) as connection:
        # Another process may have made it since we looked.
        there = _identify(connection, name)
        if there is not None:
            return there
        metadata.create_all(connection, checkfirst=False)
        warehouse_id = str(uuid.uuid4())
        write_state(
            connection,
            {
                WAREHOUSE_ID: warehouse_id,
                VERSION_ENTRY: str(SCHEMA_VERSION),
                "created_at": f"{now:%Y-%m-%d %H:%M:%S}",
                COMMIT_NUMBER: "0",
                DEFINITIONS_DIGEST: write_definitions(connection),
            },
        )
        return warehouse_id


def _identify(connection: Connection, name: str) -> str | None:
    """Give the warehouse's id; None for an empty database.

    Raises:
        NotAWarehouseError: other tables are in the way.
        WarehouseVersionError: its schema is not this program's.
    """
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    state = read_state(connection) if "warehouse_state" in tables else {}
    if WAREHOUSE_ID not in state or VERSION_ENTRY not in state:
        listed = ", ".join(sorted(tables)[:_SHOWN_TABLES]) + (", …" if len(tables) > _SHOWN_TABLES else "")
        raise NotAWarehouseError(
            f"{name}: wanted a warehouse or an empty database, found the tables {listed}"
        )
    version = state[VERSION_ENTRY]
    if version != str(SCHEMA_VERSION):
        raise WarehouseVersionError(
            f"{name}: wanted schema version {SCHEMA_VERSION}, found {version}"
            + (": a newer playerpath made it" if version.isdigit() and int(version) > SCHEMA_VERSION else "")
        )
    return state[WAREHOUSE_ID]
