"""The one transaction of a run: claims, rejected lines, lake files, facts, aggregates, checks, run record.

Either all of it is there afterwards or nothing is. Readers of the committed warehouse therefore see whole
runs only, and a run that was killed can be started again as if it had never been.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, exc, insert, select, update

from warehouse.checks import CheckResult, run_checks
from warehouse.claims import ObjectReceipt, WrittenPart
from warehouse.definitions import definition_rows
from warehouse.errors import ChecksFailedError, LoadError
from warehouse.failpoints import failpoint
from warehouse.lease import Clock, Lease
from warehouse.objects import (
    drop_samples,
    unlist_lake_files,
    write_duplicates,
    write_lake_files,
    write_receipts,
)
from warehouse.parquet import Staging
from warehouse.rows import Rows, fitted, replace_rows
from warehouse.schema import MODEL_TABLES, data_checks, load_runs, metadata
from warehouse.state import (
    COMMIT_NUMBER,
    DEFINITIONS_DIGEST,
    LAST_COMMIT_AT,
    LAST_RUN,
    SETTINGS_PREFIX,
    read_state,
    recorded_settings,
    write_state,
)


@dataclass(frozen=True)
class RunRecord:
    """A run as `load_runs` keeps it; counts are of the objects that this run read."""

    run_id: str
    command: str  # run | rebuild | backfill | retract | erase
    started_at: datetime  # naive UTC
    engine: str
    version: str
    settings_digest: str
    objects: int = 0
    known_objects: int = 0
    refused_objects: int = 0
    lines_read: int = 0
    accepted: int = 0
    rejected: int = 0
    duplicates: int = 0
    ignored: int = 0
    erased: int = 0
    waiting: int = 0


@dataclass(frozen=True)
class RunLoad:
    """All that one run changes.

    Attributes:
        tables: rows of the models by table name, in the order of the table's key; a table that is not given
            stays. They are taken in the order of the mapping: those that are still being computed, which a
            function may wait for, come last.
        duplicates: object_id, duplicates of *all* objects, or None to leave them.
        settings: recorded at the warehouse's first commit; later ones must be equal (or rebuild: the new
            ones).
        state: other entries of `warehouse_state`, such as the key's fingerprint.
        staging: keeps the tables as Parquet while they pass by, for the publication that follows.
        unlisted: lake files that no reader uses any more, because others of this run stand for them.
        resampled: objects whose sample of rejected lines is replaced by that of their receipt.
    """

    run: RunRecord
    lease: Lease
    receipts: Sequence[ObjectReceipt] = ()
    parts: Sequence[WrittenPart] = ()
    tables: Mapping[str, Rows] = field(default_factory=dict)
    duplicates: pa.Table | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)
    staging: Staging | None = None
    unlisted: Sequence[str] = ()
    resampled: Sequence[str] = ()


@dataclass(frozen=True)
class Committed:
    """What a commit gave."""

    commit_number: int
    tables: dict[str, int]  # rows written, by table
    checks: tuple[CheckResult, ...]
    finished_at: datetime


def commit(load: RunLoad, clock: Clock) -> Committed:
    """Write everything in one transaction that only the holder of the lease can begin.

    Raises:
        LeaseLostError: another run has taken the lease.
        LoadError: rows do not fit the tables.
        ChecksFailedError: numbers that must agree do not.
        WarehouseStorageError: the disk is full or broken.
    """
    unknown = sorted(set(load.tables) - {table.name for table in MODEL_TABLES})
    if unknown:
        raise LoadError(f"wanted tables of the schema, found {', '.join(unknown)}")
    with load.lease.fenced() as connection:
        try:
            committed = _write(connection, load, clock)
        except exc.IntegrityError as error:
            raise LoadError(" ".join(str(error.orig).split())) from error
        failpoint("before_commit")
    failpoint("after_commit")
    if load.staging is not None:
        load.staging.commit_number = committed.commit_number
    return committed


def _write(connection: Connection, load: RunLoad, clock: Clock) -> Committed:
    state = read_state(connection)
    number = int(state.get(COMMIT_NUMBER, "0")) + 1
    # First, because other rows refer to it; its end is set last.
    connection.execute(insert(load_runs), [_run_row(load.run, clock(), "done", None, number)])
    drop_samples(connection, load.resampled)
    written = write_receipts(connection, load.run.run_id, load.receipts)
    unlist_lake_files(connection, load.unlisted)
    written["lake_files"] = write_lake_files(connection, load.run.run_id, load.parts)
    for name, rows in load.tables.items():
        table = metadata.tables[name]
        given = fitted(rows, table)
        if load.staging is not None:
            given = load.staging.passing(table, given)
        written[name] = replace_rows(connection, table, given)
    if load.duplicates is not None:
        write_duplicates(connection, load.duplicates)
    _write_state(connection, load, state, number, clock())
    checks = run_checks(connection, recorded_settings(read_state(connection)))
    failed = [check for check in checks if not check.passed and check.severity == "fail"]
    if failed:
        raise ChecksFailedError("; ".join(f"check {c.check_name} failed: {c.found}" for c in failed), checks)
    _write_checks(connection, load.run.run_id, checks)
    finished_at = clock()
    connection.execute(
        update(load_runs)
        .where(load_runs.c.run_id == load.run.run_id)
        .values(finished_at=finished_at, seconds=(finished_at - load.run.started_at).total_seconds())
    )
    return Committed(number, {name: count for name, count in written.items() if count}, checks, finished_at)


def _write_state(
    connection: Connection, load: RunLoad, state: Mapping[str, str], number: int, now: datetime
) -> None:
    digest = write_definitions(connection, state.get(DEFINITIONS_DIGEST))
    write_state(
        connection,
        {
            **load.state,
            **{SETTINGS_PREFIX + name: value for name, value in load.settings.items()},
            COMMIT_NUMBER: str(number),
            LAST_RUN: load.run.run_id,
            LAST_COMMIT_AT: f"{now:%Y-%m-%d %H:%M:%S}",
            DEFINITIONS_DIGEST: digest,
        },
    )


def write_definitions(connection: Connection, recorded_digest: str | None = None) -> str:
    """Fill metric_definitions and column_definitions if their texts changed; give the digest of the texts."""
    rows = definition_rows()
    digest = hashlib.sha256(repr([(t.name, r) for t, r in rows.items()]).encode()).hexdigest()
    if digest != recorded_digest:
        for table, values in rows.items():
            connection.execute(table.delete())
            connection.execute(insert(table), values)
    return digest


def record_failure(
    connection: Connection, run: RunRecord, message: str, checks: Sequence[CheckResult], now: datetime
) -> None:
    """Write the record of a failed run and of the checks that made it fail.

    A run that is recorded already was committed, and failed only afterwards: its record stays as it is.
    """
    if connection.execute(select(load_runs.c.run_id).where(load_runs.c.run_id == run.run_id)).first():
        return
    connection.execute(insert(load_runs), [_run_row(run, now, "failed", " ".join(message.split()), None)])
    _write_checks(connection, run.run_id, checks)


def _run_row(
    run: RunRecord, finished_at: datetime, status: str, message: str | None, number: int | None
) -> dict[str, Any]:
    return {
        **asdict(run),
        "finished_at": finished_at,
        "status": status,
        "message": message,
        "commit_number": number,
        "seconds": (finished_at - run.started_at).total_seconds(),
    }


def _write_checks(connection: Connection, run_id: str, checks: Sequence[CheckResult]) -> None:
    if checks:
        connection.execute(insert(data_checks), [{"run_id": run_id, **asdict(check)} for check in checks])
