"""What a run asks before it reads: known names, claimed contents, lake files that exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import pyarrow as pa
from sqlalchemy import Connection, select

from warehouse.engine import driver_cursor
from warehouse.schema import lake_file_objects, lake_files, log_objects, object_sightings

NAMES_AT_ONCE = 500  # SQLite takes at most 999 parameters in old builds


class SourceSeen(Protocol):
    """An object as listed: the part of the engines' `SourceObject` that the warehouse keeps."""

    @property
    def uri(self) -> str: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def version(self) -> str: ...


class ObjectReceipt(Protocol):
    """What reading one object gave: the part of the engines' `Receipt` that the warehouse keeps."""

    @property
    def source(self) -> SourceSeen: ...
    @property
    def status(self) -> str: ...  # loaded | continued | replaced | known | empty | refused
    @property
    def reason(self) -> str | None: ...
    @property
    def object_id(self) -> str: ...
    @property
    def content_digest(self) -> str | None: ...
    @property
    def size_bytes(self) -> int | None: ...
    @property
    def first_line_digest(self) -> str | None: ...
    @property
    def format(self) -> str | None: ...
    @property
    def stream(self) -> str | None: ...
    @property
    def host(self) -> str | None: ...
    @property
    def first_at(self) -> int | None: ...  # microseconds
    @property
    def last_at(self) -> int | None: ...
    @property
    def lines_read(self) -> int: ...
    @property
    def accepted(self) -> int: ...
    @property
    def rejected(self) -> int: ...
    @property
    def ignored(self) -> int: ...
    @property
    def rejected_sample(self) -> pa.Table | None: ...


class WrittenPart(Protocol):
    """A lake file that the run wrote: the part of the engines' `LakePart` that the warehouse keeps."""

    @property
    def uri(self) -> str: ...
    @property
    def table_name(self) -> str: ...
    @property
    def stream(self) -> str: ...
    @property
    def activity_date(self) -> str | None: ...  # ISO date
    @property
    def object_ids(self) -> tuple[str, ...]: ...
    @property
    def row_count(self) -> int: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def digest(self) -> str: ...


@dataclass(frozen=True)
class ClaimedObject:
    """A content that the warehouse knows, with the names under which it was seen, newest last."""

    object_id: str
    content_digest: str
    size_bytes: int  # unpacked
    first_line_digest: str
    status: str  # loaded | retracted
    uris: tuple[str, ...]


@dataclass(frozen=True)
class LakeFile:
    """One Parquet file of the lake that readers may use. Has the fields of the engines' `LakePart`."""

    uri: str
    table_name: str
    stream: str
    activity_date: str | None
    object_ids: tuple[str, ...]
    row_count: int
    size_bytes: int
    digest: str
    run_id: str


def read_sightings(
    connection: Connection, uris: Iterable[str] | None = None
) -> dict[tuple[str, str, int], str]:
    """Give the known names: (uri, version, size as stored) → object_id, of all or of the given URIs."""
    names = None if uris is None else list(uris)
    select_all = "SELECT object_uri, etag_or_mtime, size_bytes, object_id FROM object_sightings"
    known: dict[tuple[str, str, int], str] = {}
    cursor = driver_cursor(connection)
    try:
        if names is None or len(names) > 20 * NAMES_AT_ONCE:
            # From here on one pass over the table is faster than many look-ups.
            wanted = None if names is None else set(names)
            for uri, version, size, object_id in cursor.execute(select_all):
                if wanted is None or uri in wanted:
                    known[uri, version, size] = object_id
            return known
        for start in range(0, len(names), NAMES_AT_ONCE):
            some = names[start : start + NAMES_AT_ONCE]
            places = ", ".join("?" * len(some))
            for uri, version, size, object_id in cursor.execute(
                f"{select_all} WHERE object_uri IN ({places})", some
            ):
                known[uri, version, size] = object_id
        return known
    finally:
        cursor.close()


def read_claims(connection: Connection) -> Iterator[ClaimedObject]:
    """Give every loaded or retracted content, in the order of object ids."""
    objects = (
        select(
            log_objects.c.object_id,
            log_objects.c.content_digest,
            log_objects.c.size_bytes,
            log_objects.c.first_line_digest,
            log_objects.c.status,
            object_sightings.c.object_uri,
        )
        .outerjoin_from(log_objects, object_sightings)
        .where(log_objects.c.status.in_(["loaded", "retracted"]), log_objects.c.content_digest.is_not(None))
        .order_by(log_objects.c.object_id, object_sightings.c.sighting_number)
    )
    for _, rows in groupby(connection.execute(objects), key=lambda row: str(row.object_id)):
        seen = list(rows)
        object_id, digest, size, first_line, status, _ = seen[0]
        newest_first = [str(row.object_uri) for row in reversed(seen) if row.object_uri is not None]
        yield ClaimedObject(
            str(object_id),
            str(digest),
            int(size or 0),
            str(first_line or ""),
            str(status),
            tuple(reversed(dict.fromkeys(newest_first))),
        )


def read_lake_files(connection: Connection, table_name: str | None = None) -> list[LakeFile]:
    """Give the lake files that readers may use, in the order of table, date and address."""
    files = select(lake_files).order_by(lake_files.c.table_name, lake_files.c.activity_date, lake_files.c.uri)
    holders = select(lake_file_objects).order_by(lake_file_objects.c.uri, lake_file_objects.c.object_id)
    if table_name is not None:
        files = files.where(lake_files.c.table_name == table_name)
        holders = holders.join(lake_files).where(lake_files.c.table_name == table_name)
    objects: dict[str, list[str]] = {}
    for uri, object_id in connection.execute(holders):
        objects.setdefault(uri, []).append(object_id)
    return [
        LakeFile(
            uri=row.uri,
            table_name=row.table_name,
            stream=row.stream,
            activity_date=None if row.activity_date is None else row.activity_date.isoformat(),
            object_ids=tuple(objects.get(row.uri, ())),
            row_count=row.row_count,
            size_bytes=row.size_bytes,
            digest=row.digest,
            run_id=row.run_id,
        )
        for row in connection.execute(files)
    ]
