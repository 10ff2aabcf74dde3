"""Open the database behind a warehouse: SQLAlchemy engines, SQLite's pragmas, errors in one line.

SQLite keeps a rollback journal, not a write-ahead log: after a commit the one file is the whole warehouse
(a copy of it, also after a kill, lacks nothing), it works on network shares, and a load that replaces
tables writes each page once. `synchronous=EXTRA` also syncs the folder after the journal is gone, so that a
commit survives a power cut. Readers wait while a load writes, for at most `BUSY_SECONDS`.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, exc, make_url

from warehouse.errors import (
    NotAWarehouseError,
    WarehouseBusyError,
    WarehouseError,
    WarehouseMissingError,
    WarehousePermissionError,
    WarehouseStorageError,
    WarehouseUrlError,
)

BUSY_SECONDS = 60
CACHE_KIB = 65_536

# SQLite's own words for a failure → ours. The first that fits holds.
_SQLITE_FAILURES: tuple[tuple[str, type[WarehouseError], str], ...] = (
    ("file is not a database", NotAWarehouseError, "wanted a SQLite database, found a file of another kind"),
    ("database disk image is malformed", NotAWarehouseError, "wanted a SQLite database, found a damaged one"),
    ("file is encrypted", NotAWarehouseError, "wanted a SQLite database, found a file of another kind"),
    ("unable to open database file", WarehousePermissionError, "wanted to open it, found that it may not be"),
    ("attempt to write a readonly database", WarehousePermissionError, "wanted to write, found it read-only"),
    ("database is locked", WarehouseBusyError, f"locked by another process for over {BUSY_SECONDS} s"),
    ("database table is locked", WarehouseBusyError, "locked by another connection"),
    ("database or disk is full", WarehouseStorageError, "the disk is full"),
    ("disk i/o error", WarehouseStorageError, "the disk reports an input/output error"),
)


def shown(url: str) -> str:
    """Give a URL as it may be printed: without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except (exc.ArgumentError, ValueError):
        return re.sub(r"://[^@/]*@", "://***@", url)


def parse(url: str) -> URL:
    """Read a warehouse URL.

    Raises:
        WarehouseUrlError: it is no URL, or names a database that this version cannot use.
    """
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError) as error:
        raise WarehouseUrlError(
            f"wanted a warehouse URL such as sqlite:///playerpath.db, found {shown(url)}"
        ) from error
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise WarehouseUrlError(
            f"wanted a warehouse URL such as sqlite:///playerpath.db, found {shown(url)}"
            f" ({parsed.drivername} is not supported by this version)"
        )
    if parsed.database in (None, "", ":memory:"):
        raise WarehouseUrlError(f"wanted a file in the warehouse URL, found none in {shown(url)}")
    return parsed


def check_file(url: URL, *, create: bool, read_only: bool) -> None:
    """Refuse a missing folder or file, a folder in the file's place, and files that may not be used.

    Raises:
        WarehouseMissingError, NotAWarehouseError, WarehousePermissionError: with the path.
    """
    path = Path(str(url.database))
    try:
        if path.is_dir():
            raise NotAWarehouseError(f"{path}: wanted a warehouse file, found a folder")
        if not path.exists():
            if not path.parent.is_dir():
                raise WarehouseMissingError(f"{path}: wanted a folder for it, found no {path.parent}")
            if not create:
                raise WarehouseMissingError(f"{path}: wanted a warehouse, found no such file")
            if not os.access(path.parent, os.W_OK | os.X_OK):
                raise WarehousePermissionError(
                    f"{path}: wanted to make it, found that {path.parent} may not be written"
                )
        elif not os.access(path, os.R_OK if read_only else os.R_OK | os.W_OK):
            raise WarehousePermissionError(f"{path}: wanted to open it, found that it may not be")
    except PermissionError as error:
        raise WarehousePermissionError(f"{path}: wanted to look at it, found that it may not be") from error


def open_engine(url: URL, *, read_only: bool = False) -> Engine:
    """Make the engine of one database; connections are opened on use and closed after it."""
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        # The driver must not begin or commit by itself: DDL belongs into the transaction too.
        connection.isolation_level = None
        for pragma in (
            "foreign_keys=ON",
            "journal_mode=DELETE",
            "synchronous=EXTRA",
            f"cache_size=-{CACHE_KIB}",
            "temp_store=MEMORY",
            # Not the file's own read-only mode: that could not roll back what a killed run left behind.
            f"query_only={'ON' if read_only else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("playerpath_begin", "BEGIN"))

    return engine


@contextlib.contextmanager
def writing(engine: Engine, busy_s: float = BUSY_SECONDS) -> Iterator[Connection]:
    """One write transaction, which takes the write lock at once; rolled back on any exception."""
    with one_line_errors(engine), engine.connect() as connection:
        connection.execution_options(playerpath_begin="BEGIN IMMEDIATE")
        _set_pragma(connection, f"busy_timeout={int(busy_s * 1000)}")
        with connection.begin():
            yield connection


@contextlib.contextmanager
def reading(engine: Engine, busy_s: float = BUSY_SECONDS) -> Iterator[Connection]:
    """One read transaction: every statement in it sees the same state; writing is refused."""
    with one_line_errors(engine), engine.connect() as connection:
        _set_pragma(connection, f"busy_timeout={int(busy_s * 1000)}")
        _set_pragma(connection, "query_only=ON")
        with connection.begin():
            yield connection


def _set_pragma(connection: Connection, pragma: str) -> None:
    # Through the driver: a statement of the connection's own would begin the transaction.
    cursor = driver_cursor(connection)
    cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@contextlib.contextmanager
def one_line_errors(engine: Engine) -> Iterator[None]:
    """Turn the driver's errors about the database itself into a WarehouseError of one line."""
    try:
        yield
    except exc.DBAPIError as error:
        raise _in_one_line(engine.url, error.orig or error) from error
    except sqlite3.DatabaseError as error:
        raise _in_one_line(engine.url, error) from error


def _in_one_line(url: URL, error: BaseException) -> WarehouseError:
    words = str(error)
    where = str(url.database)
    for sign, kind, found in _SQLITE_FAILURES:
        if sign in words.lower():
            return kind(f"{where}: {found}")
    return WarehouseError(f"{where}: {' '.join(words.split())}")


def driver_cursor(connection: Connection) -> Any:
    """Give the driver's own cursor of a connection, for rows without any conversion."""
    return connection.connection.cursor()
