"""A warehouse of a few rows, small enough to work out every answer by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, StaticPool, Table, create_engine, insert

from warehouse import schema

MONDAY = date(2026, 10, 5)


@dataclass(frozen=True)
class Rows:
    """A warehouse that consists of its engine."""

    engine: Engine


Make = Callable[[Mapping[Table, Sequence[Mapping[str, Any]]]], Rows]


@pytest.fixture
def rows() -> Iterator[Make]:
    """Give a maker of warehouses in memory: table → rows; what a row leaves out is NULL or neutral."""
    engines = []

    def make(tables: Mapping[Table, Sequence[Mapping[str, Any]]]) -> Rows:
        engine = create_engine("sqlite://", poolclass=StaticPool)
        engines.append(engine)
        schema.metadata.create_all(engine)
        with engine.begin() as connection:
            for table, found in tables.items():
                neutral = {column.name: _neutral(column) for column in table.c}
                connection.execute(insert(table), [neutral | row for row in found])
        return Rows(engine)

    yield make
    for engine in engines:
        engine.dispose()


def _neutral(column: Any) -> Any:
    if column.nullable:
        return None
    kind = column.type.python_type
    return {datetime: datetime.fromisoformat("2026-10-05T00:00"), date: MONDAY}.get(kind) or kind()
