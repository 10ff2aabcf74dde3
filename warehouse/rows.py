"""Rows between Arrow and a database: tables of the schema as Arrow schemas, batches as tuples and back.

The loader hands ready tuples to the driver's `executemany`: SQLAlchemy's typed parameters would take four
times as long. The shape of a value in SQLite is fixed here in both directions: timestamps as `2026-10-01
12:00:00.000000`, dates as `2026-10-01` (both sort as text), booleans as 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Table

from warehouse.engine import driver_cursor
from warehouse.errors import LoadError
from warehouse.schema import data_type

Rows: TypeAlias = "pa.Table | pa.RecordBatchReader | Callable[[], pa.RecordBatchReader]"
"""Rows of one table in the order of its key; a function gives a fresh reader each time it is called."""

BATCH_ROWS = 20_000
_SAMPLED_ROWS = 512

_ARROW: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}


def arrow_schema(table: Table) -> pa.Schema:
    """Give the one Arrow schema in which a table's rows are loaded, published and compared."""
    return pa.schema(
        [pa.field(c.name, _ARROW[data_type(c)], nullable=bool(c.nullable)) for c in table.columns]
    )


def fitted(rows: Rows, table: Table) -> Iterator[pa.RecordBatch]:
    """Give rows as batches of exactly the table's schema, whatever narrower or wider types they came in.

    Columns are matched by name; a nullable column that is missing is NULL.

    Raises:
        LoadError: a column is unknown, missing, of another type, or holds NULL where it must not.
    """
    schema, name = arrow_schema(table), table.name
    source = rows() if callable(rows) else rows
    unknown = [column for column in source.schema.names if column not in schema.names]
    if unknown:
        raise LoadError(f"{name}: wanted columns of the schema only, found {', '.join(unknown)} too")
    missing = [f.name for f in schema if f.name not in source.schema.names and not f.nullable]
    if missing:
        raise LoadError(f"{name}: wanted {', '.join(missing)}, found no such column")
    given = source.to_batches() if isinstance(source, pa.Table) else source
    for batch in given:
        for start in range(0, batch.num_rows, BATCH_ROWS):
            yield _fitted(batch.slice(start, BATCH_ROWS), schema, name)


def _fitted(batch: pa.RecordBatch, schema: pa.Schema, name: str) -> pa.RecordBatch:
    columns = []
    for field in schema:
        if field.name not in batch.schema.names:
            columns.append(pa.nulls(batch.num_rows, field.type))
            continue
        column = batch.column(field.name)
        try:
            columns.append(column if column.type == field.type else column.cast(field.type))
        except pa.ArrowException as error:
            raise LoadError(
                f"{name}.{field.name}: wanted {field.type}, found {column.type}: {error}"
            ) from error
        if not field.nullable and column.null_count:
            raise LoadError(f"{name}.{field.name}: wanted a value in every row, found NULL")
        # SQLite would keep it as NULL, PostgreSQL as NaN: the two must not differ.
        if pa.types.is_floating(field.type) and pc.all(pc.is_finite(columns[-1])).as_py() is False:
            raise LoadError(f"{name}.{field.name}: wanted finite numbers or NULL, found NaN or infinity")
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def tuples(batch: pa.RecordBatch) -> list[tuple[Any, ...]]:
    """Turn a batch into the tuples that SQLite's driver binds without looking twice."""
    return list(zip(*(_values(column) for column in batch.columns), strict=True))


def _values(column: pa.Array) -> list[Any]:
    if pa.types.is_date(column.type):
        # Few distinct days in many rows: write each day once.
        return _taken(column.dictionary_encode())
    if pa.types.is_timestamp(column.type):
        return _objects(column.cast(pa.string()))
    if pa.types.is_string(column.type):
        sampled = column.slice(0, _SAMPLED_ROWS)
        repeats = pc.count_distinct(sampled).as_py() * 4 < len(sampled)
        return _taken(column.dictionary_encode()) if repeats else _objects(column)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return _numbers(column)


def _objects(column: pa.Array) -> list[Any]:
    values: list[Any] = column.to_numpy(zero_copy_only=False).tolist()
    return values


def _taken(column: pa.DictionaryArray) -> list[Any]:
    """Python objects of a dictionary column, one object for each distinct value; NULL is None."""
    words = np.append(_objects(column.dictionary.cast(pa.string())), [None]).astype(object)
    places = pc.fill_null(column.indices, len(words) - 1).to_numpy(zero_copy_only=False)
    taken: list[Any] = words[places].tolist()
    return taken


def _numbers(column: pa.Array) -> list[Any]:
    if not column.null_count:
        return _objects(column)
    values = _objects(pc.fill_null(column, 0))
    for place in np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False)).tolist():
        values[place] = None
    return values


def from_tuples(rows: Iterable[tuple[Any, ...]], schema: pa.Schema) -> pa.RecordBatch:
    """Turn tuples as SQLite holds them back into a batch: the inverse of :func:`tuples`."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = []
    for field, values in zip(schema, columns, strict=True):
        if pa.types.is_temporal(field.type):
            arrays.append(pa.array(values, pa.string()).cast(field.type))
        elif pa.types.is_boolean(field.type):
            arrays.append(pa.array(values, pa.int8()).cast(pa.bool_()))
        else:
            arrays.append(pa.array(values, field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def stored_rows(
    connection: Connection, table: Table, order: str | None = None
) -> Iterator[list[tuple[Any, ...]]]:
    """Read a whole table in lists of raw tuples, by default in the order of its key."""
    names = ", ".join(_quoted(c.name) for c in table.columns)
    by = order or ", ".join(_quoted(c.name) for c in table.primary_key.columns)
    cursor = driver_cursor(connection)
    try:
        cursor.execute(f"SELECT {names} FROM {table.name} ORDER BY {by}")
        while rows := cursor.fetchmany(BATCH_ROWS):
            yield rows
    finally:
        cursor.close()


def stored_batches(connection: Connection, table: Table) -> Iterator[pa.RecordBatch]:
    """Read a whole table as Arrow, in the order of its key, with memory for one batch."""
    schema = arrow_schema(table)
    for rows in stored_rows(connection, table):
        yield from_tuples(rows, schema)


def replace_rows(connection: Connection, table: Table, given: Iterable[pa.RecordBatch]) -> int:
    """Replace a table's content by fitted batches in key order; give the number of rows.

    This is the loader of SQLite; another database's takes its place here (PostgreSQL: COPY into staging).
    """
    connection.exec_driver_sql(f"DELETE FROM {table.name}")
    return insert_rows(connection, table, given)


def insert_rows(connection: Connection, table: Table, given: Iterable[pa.RecordBatch]) -> int:
    """Append fitted batches by the driver's executemany."""
    names = ", ".join(_quoted(column.name) for column in table.columns)
    places = ", ".join("?" * len(table.columns))
    count = 0
    for batch in given:
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({places})", tuples(batch))
        count += batch.num_rows
    return count


def _quoted(name: str) -> str:
    return f'"{name}"'
