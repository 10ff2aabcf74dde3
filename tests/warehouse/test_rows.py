"""Rows reach the database as they came, whatever Arrow type or batch they came in."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse import schema
from warehouse.engine import writing
from warehouse.errors import LoadError
from warehouse.rows import arrow_schema, fitted, from_tuples, replace_rows, stored_batches, tuples

WORDS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=8)
TIMES = st.datetimes(datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2100-01-01"))
ROWS = st.lists(
    st.tuples(
        st.dates(date(1990, 1, 1), date(2100, 1, 1)),
        WORDS,
        st.booleans(),
        st.none() | WORDS,
        TIMES,
        st.none() | st.floats(0, 1e9),
        st.integers(1, 2**63 - 1),
        st.none() | st.integers(-(2**63), 2**63 - 1),
    ),
    max_size=40,
    unique_by=lambda row: (row[0], row[1].encode()),
)


def table_of(rows) -> pa.Table:
    made = [
        {
            "started_date": day,
            "session_id": word,
            "player_id": word + "!",
            "is_identified": truth,
            "is_bot": not truth,
            "bot_reason": maybe,
            "started_at": at,
            "ended_at": at + timedelta(microseconds=1),
            "duration_s": number,
            "request_count": count,
            "event_count": 0,
            "error_count": 0,
            "bytes_sent": size,
            "entry_event": maybe,
            "exit_event": word,
            "platform": None,
            "is_implausible": truth,
        }
        for day, word, truth, maybe, at, number, count, size in rows
    ]
    return pa.Table.from_pylist(made, schema=arrow_schema(schema.sessions))


@given(ROWS)
@settings(derandomize=True, deadline=None, max_examples=150)
def test_batch_to_tuples_and_back_is_the_same_batch(rows) -> None:
    table = table_of(rows)
    for batch in fitted(table, schema.sessions):
        assert from_tuples(tuples(batch), table.schema).equals(batch)


@given(ROWS)
@settings(derandomize=True, deadline=None, max_examples=25)
def test_tuples_are_what_arrow_says(rows) -> None:
    table = table_of(rows)
    made = [row for batch in fitted(table, schema.sessions) for row in tuples(batch)]
    assert made == [
        tuple(
            value.isoformat(" ", "microseconds")
            if isinstance(value, datetime)
            else value.isoformat()
            if isinstance(value, date)
            else int(value)
            if isinstance(value, bool)
            else value
            for value in row.values()
        )
        for row in table.to_pylist()
    ]


def test_a_table_comes_back_from_the_database_in_the_order_of_its_key(wh, small) -> None:
    for table in schema.MODEL_TABLES:
        given_rows = small.tables()[table.name]
        with writing(wh.engine) as connection:
            assert replace_rows(connection, table, fitted(given_rows, table)) == given_rows.num_rows
            assert replace_rows(connection, table, fitted(given_rows, table)) == given_rows.num_rows
        with wh.reading() as connection:
            assert pa.Table.from_batches(stored_batches(connection, table), given_rows.schema).equals(
                given_rows
            )


def test_sqlalchemy_reads_the_same_values(wh, small) -> None:
    rows = small.tables()["player_days"]
    with writing(wh.engine) as connection:
        replace_rows(connection, schema.player_days, fitted(rows, schema.player_days))
    with wh.reading() as connection:
        read = [dict(row) for row in connection.execute(schema.player_days.select()).mappings()]
    assert read == rows.to_pylist()


def test_narrow_wide_and_coded_columns_are_made_to_fit() -> None:
    given_rows = pa.table(
        {
            "minute_at": pa.array([datetime.fromisoformat("2026-10-01T10:00:00")], pa.timestamp("us", "UTC")),
            "concurrent_players": pa.array([3], pa.decimal128(38, 0)),
        }
    )
    (batch,) = fitted(given_rows, schema.concurrency_minutes)
    assert tuples(batch) == [("2026-10-01 10:00:00.000000", 3)]
    coded = pa.table(
        {
            "activity_date": [date(2026, 10, 1)],
            "from_event": pa.array(["a"]).dictionary_encode(),
            "to_event": pa.array(["b"], pa.large_string()),
            "transition_count": pa.array([2], pa.int16()),
            "player_count": pa.array([1.0]),
        }
    )
    (batch,) = fitted(coded, schema.path_transitions)
    assert tuples(batch) == [("2026-10-01", "a", "b", 2, 1)]


def test_a_reader_a_table_and_a_function_give_the_same_rows(small) -> None:
    table = small.tables()["sessions"]
    ways = [table, table.to_reader(max_chunksize=2), lambda: table.to_reader(max_chunksize=3)]
    made = [[row for batch in fitted(way, schema.sessions) for row in tuples(batch)] for way in ways]
    assert made[0] == made[1] == made[2]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            {"concurrent_players": ["many"]},
            "concurrency_minutes.concurrent_players: wanted int64, found string",
        ),
        ({"concurrent_players": [2.5]}, "concurrency_minutes.concurrent_players: wanted int64, found double"),
        (
            {"concurrent_players": [None]},
            "concurrency_minutes.concurrent_players: wanted a value in every row",
        ),
        ({"surprise": [1]}, "concurrency_minutes: wanted columns of the schema only, found surprise too"),
    ],
)
def test_rows_that_do_not_fit_are_named(change, line) -> None:
    rows = pa.table({"minute_at": [datetime.fromisoformat("2026-10-01")], "concurrent_players": [1]} | change)
    with pytest.raises(LoadError) as error:
        list(fitted(rows, schema.concurrency_minutes))
    assert str(error.value).startswith(line)


def test_a_column_that_is_not_there_is_null_or_named(small) -> None:
    table = small.tables()["players"]
    (batch,) = fitted(table.drop(["level"]), schema.players)
    assert batch.column("level").null_count == batch.num_rows
    with pytest.raises(LoadError, match="players: wanted active_days, found no such column"):
        list(fitted(table.drop(["active_days"]), schema.players))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_databases_keep_differently_are_refused(small, value) -> None:
    table = small.tables()["sessions"]
    column = pa.array([value] * table.num_rows)
    broken = table.set_column(table.schema.get_field_index("duration_s"), "duration_s", column)
    with pytest.raises(LoadError, match="finite numbers or NULL"):
        list(fitted(broken, schema.sessions))
