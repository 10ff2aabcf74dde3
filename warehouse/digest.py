"""The canonical digest: one SHA-256 over what the warehouse says, however it came to say it.

Two warehouses under one key and equal settings have equal digests if and only if they hold the same figures
for the same contents. Runs, names of objects, ids of objects and the order of loading leave no trace in it,
nor does the database: values are written in one form, rows in the order of their keys compared byte by
byte.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Connection, Select, Text, select

from warehouse.engine import driver_cursor
from warehouse.rows import BATCH_ROWS
from warehouse.schema import (
    MODEL_TABLES,
    column_definitions,
    log_objects,
    metric_definitions,
    rejected_lines,
)

_HEADER = b"playerpath canonical digest 1\n"
_OBJECT_TABLES = (log_objects, rejected_lines)
_LEFT_OUT = frozenset({"object_id", "run_id", "first_line_digest"})  # ids and what only finds candidates


def digest(connection: Connection, *, without_objects: bool = False) -> str:
    """Compute the canonical digest as 64 hex digits, with memory for one batch of rows.

    Args:
        without_objects: leave out log_objects and rejected_lines, so that the same lines in other objects
            compare.
    """
    whole = hashlib.sha256(_HEADER)
    for name, statement in sorted(_statements(without_objects).items()):
        columns = [column.name for column in statement.selected_columns]
        whole.update(f"{name} {','.join(columns)}\n".encode())
        for rows in _rows(connection, statement):
            # A list without its brackets, with a comma behind: the batches leave no trace.
            text = json.dumps(rows, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
            whole.update(text[1:-1].encode("ascii"))
            whole.update(b",")
        whole.update(b"\n")
    return whole.hexdigest()


def _statements(without_objects: bool) -> dict[str, Select[Any]]:
    statements = {
        table.name: select(*table.columns).order_by(*map(_bytewise, table.primary_key.columns))
        for table in (*MODEL_TABLES, metric_definitions, column_definitions)
    }
    if not without_objects:
        loaded = log_objects.c.status == "loaded"
        content = log_objects.c.content_digest
        statements["log_objects"] = (
            select(*_shown(log_objects.columns)).where(loaded).order_by(_bytewise(content))
        )
        statements["rejected_lines"] = (
            select(content, *_shown(rejected_lines.columns))
            .join_from(rejected_lines, log_objects)
            .where(loaded)
            .order_by(_bytewise(content), rejected_lines.c.byte_offset)
        )
    return statements


def _shown(columns: Iterable[Column[Any]]) -> list[Column[Any]]:
    return [column for column in columns if column.name not in _LEFT_OUT]


def _bytewise(column: Column[Any]) -> Any:
    """Order text by its bytes: SQLite's own collation, which other databases call C."""
    return column.collate("BINARY") if isinstance(column.type, Text) else column


def _rows(connection: Connection, statement: Select[Any]) -> Iterator[list[Any]]:
    """Give rows in canonical form, which is SQLite's own form of a value."""
    cursor = driver_cursor(connection)
    try:
        cursor.execute(str(statement.compile(connection, compile_kwargs={"literal_binds": True})))
        while rows := cursor.fetchmany(BATCH_ROWS):
            yield rows
    finally:
        cursor.close()


def canonical(row: Sequence[Any]) -> list[Any]:
    """Give a row of typed Python values, as other databases return it, in canonical form."""
    return [_canonical(value) for value in row]


def _canonical(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return value + 0.0  # -0.0, which SQLite does not keep
    return value
