"""Publish the tables of a committed warehouse as Parquet beside the lake, for Athena and anyone else.

    LAKE/<warehouse id>/tables/latest.json                       what is published now: every file of every
    table LAKE/<warehouse id>/tables/<table>/2026-10-<digest>.parquet  one a month of the table's date, or
    bucket-3-... LAKE/<warehouse id>/tables/<table>/_symlink_format_manifest/manifest   the table's files,
    for Athena

Files are named by their content and never change. `latest.json` is swapped last, so a reader sees one whole
state or the next one. A kill before the swap leaves files that nobody lists; the next run publishes again,
also one that finds nothing new, because `latest.json` then carries an older commit number than the
warehouse. Files that are no longer listed stay for 7 days, for readers that have begun with them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import pyarrow as pa
from sqlalchemy import Connection, Table

from warehouse.errors import PublishError
from warehouse.failpoints import failpoint
from warehouse.lake_store import LakeStore
from warehouse.parquet import Staging, encode
from warehouse.rows import stored_batches
from warehouse.schema import MODEL_TABLES, column_definitions, data_type, log_objects, metric_definitions
from warehouse.state import COMMIT_NUMBER, WAREHOUSE_ID, read_state

PUBLISHED_TABLES: tuple[Table, ...] = (*MODEL_TABLES, log_objects, metric_definitions, column_definitions)
KEEP_UNLISTED = timedelta(days=7)
LATEST = "latest.json"
MANIFEST = "_symlink_format_manifest/manifest"
_FORMAT_VERSION = 1


class Publishable(Protocol):
    """What publication needs of a warehouse."""

    @property
    def clock(self) -> Callable[[], datetime]: ...
    def reading(self) -> AbstractContextManager[Connection]: ...


@dataclass(frozen=True)
class Publication:
    """What a publication did."""

    commit_number: int
    written: tuple[str, ...]  # files, relative to the tables folder
    kept: int  # files that were there already
    removed: tuple[str, ...]  # files that nobody lists any more since 7 days

    @property
    def is_new(self) -> bool:
        return bool(self.written)


def publish(warehouse: Publishable, lake_uri: str, staging: Staging | None = None) -> Publication:
    """Bring the published tables up to the last commit; do nothing where they are.

    Args:
        lake_uri: a folder or `s3://bucket/prefix`; `$AWS_ENDPOINT_URL` is honoured.
        staging: what the last commit passed on; tables that are not in it are read from the warehouse.

    Raises:
        PublishError: the lake could not be read or written. The warehouse is committed; the next run
            publishes.
    """
    try:
        return _publish(warehouse, lake_uri, staging or Staging())
    except (OSError, pa.ArrowException) as error:
        words = " ".join(str(error).split())
        raise PublishError(f"wanted to publish the tables below {lake_uri}, found {words}") from error


def _publish(warehouse: Publishable, lake_uri: str, staging: Staging) -> Publication:
    now = warehouse.clock()
    with warehouse.reading() as connection:
        # One snapshot for all tables, and for the commit number that they belong to.
        state = read_state(connection)
        number = int(state.get(COMMIT_NUMBER, "0"))
        store = LakeStore(lake_uri, state[WAREHOUSE_ID], "tables")
        before = _read_latest(store)
        if number == 0 or before.get("commit_number") == number:
            return Publication(number, (), 0, _clean(store, before, now))
        listing, written, kept = _write_tables(connection, store, staging, number)
    _write_manifests(store, listing)
    latest = {
        "format_version": _FORMAT_VERSION,
        "warehouse_id": state[WAREHOUSE_ID],
        "commit_number": number,
        "published_at": _written(now),
        "tables": listing,
        "unlisted": _unlisted(store, listing, before, now),
    }
    failpoint("before_swap")
    with warehouse.reading() as connection:
        current = int(read_state(connection).get(COMMIT_NUMBER, "0"))
    if current != number:
        # A run that was paused here must not put an older state over a newer one.
        raise PublishError(f"wanted to publish commit {number}, found that commit {current} has followed it")
    _write_latest(store, latest)
    failpoint("after_swap")
    return Publication(number, tuple(written), kept, _clean(store, latest, now))


def _write_tables(
    connection: Connection, store: LakeStore, staging: Staging, number: int
) -> tuple[dict[str, Any], list[str], int]:
    listing: dict[str, Any] = {}
    written: list[str] = []
    there = {file.path for file in store.list()}
    kept = 0
    for table in PUBLISHED_TABLES:
        files = []
        staged = staging.take(table, number) or encode(table, stored_batches(connection, table))
        with closing(staged) as encoder:
            for file in encoder.files():
                path = f"{table.name}/{file.name}"
                if path in there:
                    kept += 1
                else:
                    store.put(path, file.content)
                    written.append(path)
                files.append(
                    {
                        "path": path,
                        "row_count": file.row_count,
                        "size_bytes": file.size_bytes,
                        "digest": file.digest,
                    }
                )
        listing[table.name] = {
            "columns": [{"name": column.name, "type": data_type(column)} for column in table.columns],
            "row_count": sum(file["row_count"] for file in files),
            "files": files,
        }
        failpoint(f"published_{table.name}")
    return listing, written, kept


def _write_manifests(store: LakeStore, listing: Mapping[str, Any]) -> None:
    for name, table in listing.items():
        text = "".join(f"{store.uri}/{file['path']}\n" for file in table["files"]).encode()
        path = f"{name}/{MANIFEST}"
        if store.read(path) != text:
            store.put(path, text)


def _read_latest(store: LakeStore) -> dict[str, Any]:
    data = store.read(LATEST)
    if data is None:
        return {}
    try:
        latest = json.loads(data)
    except ValueError:
        return {}  # not ours, or damaged: what is published is then written anew
    return latest if isinstance(latest, dict) and latest.get("format_version") == _FORMAT_VERSION else {}


def _write_latest(store: LakeStore, latest: Mapping[str, Any]) -> None:
    store.settle()  # what it lists comes first
    store.put(LATEST, (json.dumps(latest, indent=1, sort_keys=True) + "\n").encode())
    store.settle()


def _unlisted(
    store: LakeStore, listing: Mapping[str, Any], before: Mapping[str, Any], now: datetime
) -> dict[str, str]:
    """Give each file that nobody lists, and since when: since the publication that first found it so."""
    listed = {file["path"] for table in listing.values() for file in table["files"]}
    since: Mapping[str, str] = before.get("unlisted", {})
    return {
        file.path: since.get(file.path, _written(now))
        for file in store.list()
        if file.path not in listed and file.path != LATEST and not file.path.endswith(MANIFEST)
    }


def _clean(store: LakeStore, latest: Mapping[str, Any], now: datetime) -> tuple[str, ...]:
    """Remove files that have been unlisted for long enough, then forget them."""
    unlisted: Mapping[str, str] = latest.get("unlisted", {})
    due = sorted(path for path, since in unlisted.items() if _read(since) + KEEP_UNLISTED <= now)
    if not due:
        return ()
    for path in due:
        if store.exists(path):
            store.remove(path)
    rest = {path: since for path, since in unlisted.items() if path not in due}
    _write_latest(store, {**latest, "unlisted": rest})
    return tuple(due)


def _written(at: datetime) -> str:
    return at.isoformat(timespec="seconds") + "Z"


def _read(at: str) -> datetime:
    return datetime.fromisoformat(at.removesuffix("Z"))
