"""What the models give is what the warehouse's tables take: two rooms, one list of columns."""

import pytest

from jobs import models
from jobs.access_logs.settings import MeaningSettings
from jobs.engines.duckdb import DuckDBEngine
from warehouse.rows import arrow_schema
from warehouse.schema import MODEL_TABLES


@pytest.fixture(scope="module")
def built():
    """The tables of an empty lake: columns without rows."""
    engine = DuckDBEngine()
    made = engine.build([], MeaningSettings())
    tables = {
        name: (rows() if callable(rows) else rows).read_all()
        for name, rows in made.items()
        if name != "object_duplicates"
    }
    yield tables
    engine.close()


def test_there_is_a_table_for_every_model_and_a_model_for_every_table(built) -> None:
    assert set(built) == {table.name for table in MODEL_TABLES}


@pytest.mark.parametrize("table", MODEL_TABLES, ids=lambda table: table.name)
def test_columns_are_the_same_and_what_no_model_gives_may_be_missing(built, table) -> None:
    given = built[table.name].schema
    wanted = arrow_schema(table)
    assert [name for name in given.names if name not in wanted.names] == []
    assert [field.name for field in wanted if field.name not in given.names and not field.nullable] == []
    for field in given:
        assert str(field.type).partition("[")[0] in {
            str(wanted.field(field.name).type).partition("[")[0],
            "int8" if str(wanted.field(field.name).type) == "int64" else "",
            "int16" if str(wanted.field(field.name).type) == "int64" else "",
            "int32" if str(wanted.field(field.name).type) == "int64" else "",
            "null" if wanted.field(field.name).nullable else "",
        }, field.name


@pytest.mark.parametrize("table", MODEL_TABLES, ids=lambda table: table.name)
def test_the_key_of_the_model_is_the_key_of_the_table(table) -> None:
    assert list(models.KEYS[table.name]) == [column.name for column in table.primary_key.columns]
