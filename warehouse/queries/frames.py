"""How a question becomes a DataFrame that carries the definitions of its columns."""

from __future__ import annotations

from datetime import date
from typing import Any, Protocol

import pandas as pd
from sqlalchemy import Column, ColumnElement, Engine, Select, Table, and_, true


class Readable(Protocol):
    """A warehouse that can be asked: all that a query needs of it is the SQLAlchemy engine."""

    @property
    def engine(self) -> Engine: ...


def read(warehouse: Readable, statement: Select[Any], **means: str) -> pd.DataFrame:
    """Run a select and give its rows, one column per selected column, in its order.

    Columns named `_date` and `_at` come as datetime64 (UTC, without a zone). What SQL calls NULL is NaN, NaT
    or None. `.attrs["definitions"]` holds what each column means: the comment of the warehouse's column, or
    the text in `means` where the query adds something up.
    """
    columns = list(statement.selected_columns)
    names = [column.key or "" for column in columns]
    with warehouse.engine.connect() as connection:
        rows = connection.execute(statement).fetchall()
    frame = pd.DataFrame.from_records([tuple(row) for row in rows], columns=names)
    for name in names:
        if name.endswith(("_date", "_at")):
            frame[name] = pd.to_datetime(frame[name])
        elif name.endswith(("_ratio", "_s", "_ms")):
            frame[name] = frame[name].astype("float64")
    frame.attrs["definitions"] = {
        name: means.get(name) or _comment(column) for name, column in zip(names, columns, strict=True)
    }
    return frame


def _comment(column: ColumnElement[Any]) -> str:
    return (column.comment or "") if isinstance(column, Column) else ""


def between(column: Column[Any], since: date | None, until: date | None) -> ColumnElement[bool]:
    """Give the condition that a date lies in a period, both ends included; None leaves an end open."""
    bounds: list[ColumnElement[bool]] = [true()]
    if since is not None:
        bounds.append(column >= since)
    if until is not None:
        bounds.append(column <= until)
    return and_(*bounds)


def sliced(table: Table, dimension: str, value: str | None) -> ColumnElement[bool]:
    """Give the condition for one dimension; with `value` for one of its values."""
    chosen = table.c.dimension == dimension
    return chosen if value is None else and_(chosen, table.c.value == value)
