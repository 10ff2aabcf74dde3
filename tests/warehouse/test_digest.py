"""The canonical digest knows every value and nothing of the way there."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import Column, select

import warehouse
from warehouse import digest as module
from warehouse import schema
from warehouse.engine import writing
from warehouse.rows import stored_rows

COUNTED = schema.MODEL_TABLES
GOLDEN = "282c63a0cc641c9d7803b1d2dadf1015139ac1046a13f78dd33fd5c540a54052"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory, kit):
    """A warehouse with an object that has rejected lines; every test leaves it as it was."""
    wh = warehouse.connect(f"sqlite:///{tmp_path_factory.mktemp('digest')}/p.db", create=True)
    small = kit.World(kit.SMALL)
    sample = kit.sample("id-all", [40, 80])
    receipts = [kit.receipt("all", small.requests, rejected=2, host="web-1", rejected_sample=sample)]
    kit.load(wh, "r1", small, receipts=receipts, parts=[kit.Part("/lake/1", ("id-all",))])
    return wh


def digests_after(wh, statement: str) -> tuple[str, str]:
    """Change something, give the digests with and without objects, and take the change back."""
    with wh.engine.connect() as connection, connection.begin() as transaction:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        assert connection.exec_driver_sql(statement).rowcount > 0
        found = module.digest(connection), module.digest(connection, without_objects=True)
        transaction.rollback()
    return found


def test_it_is_one_sha_256(loaded) -> None:
    assert len(loaded.digest()) == 64
    assert int(loaded.digest(), 16)
    assert loaded.digest() != loaded.digest(without_objects=True)


def test_an_empty_warehouse_has_the_digest_of_any_other(wh, tmp_path) -> None:
    other = warehouse.connect(f"sqlite:///{tmp_path}/other.db", create=True)
    assert other.warehouse_id != wh.warehouse_id
    assert other.digest() == wh.digest()


def different(column: Column[object]) -> str:
    """An expression that differs from the column's value, NULL or not."""
    other = {
        "text": f"coalesce({column.name}, '') || 'x'",
        "boolean": f"1 - coalesce({column.name}, 0)",
        "date": "'2031-01-01'",
        "timestamp": f"coalesce(substr({column.name}, 1, 25) || '7', '2031-01-01')",
    }
    return other.get(schema.data_type(column), f"coalesce({column.name}, 0) + 1000")


@pytest.mark.parametrize("table", COUNTED, ids=lambda table: table.name)
def test_any_changed_value_of_a_table_changes_it(shared, table) -> None:
    seen = {shared.digest(): "nothing"}
    by = ", ".join(c.name for c in table.primary_key.columns)
    first = f"({by}) = (SELECT {by} FROM {table.name} ORDER BY {by} LIMIT 1)"
    for column in table.columns:
        with shared.engine.connect() as connection, connection.begin() as transaction:
            connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
            changed = connection.exec_driver_sql(
                f"UPDATE {table.name} SET {column.name} = {different(column)} WHERE {first}"
            )
            assert changed.rowcount == 1, column
            found = module.digest(connection)
            transaction.rollback()
        assert found not in seen, f"{column} and {seen.get(found)}"
        seen[found] = column.name
    assert shared.digest() in seen


def test_a_row_more_or_less_changes_it(loaded) -> None:
    after = digests_after(loaded, "DELETE FROM concurrency_minutes WHERE minute_at > '2026-11-02'")
    assert loaded.digest() not in after


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE rejected_lines SET reason = 'not_in_format' WHERE byte_offset = 40",
        "UPDATE rejected_lines SET raw = 'other' WHERE byte_offset = 80",
        "UPDATE rejected_lines SET byte_offset = 41 WHERE byte_offset = 40",
        "DELETE FROM rejected_lines WHERE byte_offset = 40",
        "UPDATE log_objects SET content_digest = 'other'",
        "UPDATE log_objects SET accepted = accepted - 1, rejected = rejected + 1",
        "UPDATE log_objects SET host = 'web-2'",
        "UPDATE log_objects SET size_bytes = 1",
        "UPDATE log_objects SET stream = 'elb'",
        "UPDATE log_objects SET first_at = '2026-10-01 00:00:00.000000'",
    ],
)
def test_objects_and_rejected_lines_count_only_with_objects(loaded, statement) -> None:
    after, after_without = digests_after(loaded, statement)
    assert loaded.digest() != after
    assert loaded.digest(without_objects=True) == after_without


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log_objects SET first_line_digest = 'other'",
        "UPDATE object_sightings SET object_uri = '/moved/all.log', etag_or_mtime = '9', size_bytes = 1",
        "DELETE FROM object_sightings",
        "DELETE FROM lake_file_objects",
        "UPDATE lake_files SET digest = 'x', row_count = 1, activity_date = NULL",
        "DELETE FROM data_checks",
        "UPDATE load_runs SET seconds = 9, version = 'other', engine = 'spark', lines_read = 1",
        "UPDATE warehouse_state SET value = 'other' WHERE name = 'warehouse_id'",
    ],
)
def test_how_it_was_loaded_leaves_no_trace(loaded, statement) -> None:
    assert digests_after(loaded, statement)[0] == loaded.digest()


def test_ids_of_objects_and_runs_leave_no_trace(loaded) -> None:
    with loaded.engine.connect() as connection, connection.begin() as transaction:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        for table in ("log_objects", "object_sightings", "rejected_lines", "lake_file_objects"):
            connection.exec_driver_sql(f"UPDATE {table} SET object_id = 'zz-' || object_id")
        for table in ("load_runs", "log_objects", "object_sightings", "lake_files", "data_checks"):
            connection.exec_driver_sql(f"UPDATE {table} SET run_id = 'other'")
        after = module.digest(connection)
        transaction.rollback()
    assert loaded.digest() == after


def test_refused_and_retracted_objects_leave_no_trace(loaded, kit) -> None:
    before = loaded.digest()
    refused = kit.receipt(
        "bad", 0, status="refused", rejected=30, reason="r", rejected_sample=kit.sample("id-bad", [1])
    )
    kit.load(loaded, "r2", receipts=[refused])
    assert loaded.digest() == before


def test_the_order_of_loading_and_the_grouping_into_runs_leave_no_trace(tmp_path, kit) -> None:
    """Objects in any order, one or several a run, with ids, names and runs of their own: one digest."""
    digests = set()
    for seed in range(6):
        dice = random.Random(seed)
        wh = warehouse.connect(f"sqlite:///{tmp_path}/{seed}.db", create=True)
        names = [f"o{n}" for n in range(5)]
        dice.shuffle(names)
        loaded: list[str] = []
        while names:
            now = names[: dice.randint(1, 3)]
            names = names[len(now) :]
            loaded += now
            world = kit.World({name: (int(name[1]), 9) for name in loaded})
            receipts = [
                kit.receipt(
                    name,
                    4,
                    object_id=f"{dice.random()}",
                    source=kit.Source(f"/{dice.random()}"),
                    rejected=2,
                    rejected_sample=kit.sample("x", [9, 3]),
                )
                for name in now
            ]
            kit.load(wh, f"run {dice.random()}", world, receipts=receipts)
        digests.add(wh.digest())
    assert len(digests) == 1


def test_the_order_of_insertion_leaves_no_trace(loaded) -> None:
    before = loaded.digest()
    with writing(loaded.engine) as connection:
        for table in COUNTED:
            rows = [row for some in stored_rows(connection, table) for row in some]
            random.Random(1).shuffle(rows)
            connection.exec_driver_sql(f"DELETE FROM {table.name}")
            places = ", ".join("?" * len(table.columns))
            connection.exec_driver_sql(f"INSERT INTO {table.name} VALUES ({places})", rows)
    assert loaded.digest() == before


def test_every_table_is_read_in_the_order_of_its_key() -> None:
    """SQLite would give that order unasked."""
    for name, statement in module._statements(without_objects=False).items():
        assert "ORDER BY" in str(statement), name


def test_the_size_of_a_batch_leaves_no_trace(loaded, monkeypatch) -> None:
    before = loaded.digest()
    monkeypatch.setattr(module, "BATCH_ROWS", 3)
    assert loaded.digest() == before


def test_neighbouring_values_cannot_be_taken_for_each_other(tmp_path) -> None:
    digests = []
    for number, (source, campaign) in enumerate(
        [("a", "bc"), ("ab", "c"), ('a","b', "c"), ("(none)", "null")]
    ):
        wh = warehouse.connect(f"sqlite:///{tmp_path}/{number}.db", create=True)
        with writing(wh.engine) as connection:
            connection.exec_driver_sql(
                "INSERT INTO traffic_sources VALUES ('2026-10-01', 'h', ?, ?, 1, 1, 1)", (source, campaign)
            )
        digests.append(wh.digest())
    assert len(set(digests)) == 4


def test_typed_values_of_another_database_have_the_same_form(loaded) -> None:
    """What SQLAlchemy gives for other databases, brought into canonical form, is what SQLite gives raw."""
    with loaded.reading() as connection:
        for table in COUNTED:
            keys = list(table.primary_key.columns)
            typed = [module.canonical(row) for row in connection.execute(select(table).order_by(*keys))]
            raw = [list(row) for some in stored_rows(connection, table) for row in some]
            assert typed == raw
    assert str(module.canonical([-0.0])) == "[0.0]"


def test_it_is_the_same_in_every_process_and_version_of_this_schema(tmp_path, kit) -> None:
    """A golden digest: if it changes, the header's number must change too, and people must be told."""
    wh = warehouse.connect(f"sqlite:///{tmp_path}/golden.db", create=True)
    kit.load(wh, "r1", kit.World({"ada": (0, 2), "bo": (1,)}))
    with writing(wh.engine) as connection:
        for table in ("metric_definitions", "column_definitions"):
            connection.exec_driver_sql(f"DELETE FROM {table}")  # their texts may change
    assert wh.digest() == GOLDEN


def test_memory_stays_flat_by_reading_in_batches(loaded, monkeypatch) -> None:
    sizes = []
    real = module.json.dumps

    def counted(rows, **how):
        sizes.append(len(rows))
        return real(rows, **how)

    monkeypatch.setattr(module, "BATCH_ROWS", 2)
    monkeypatch.setattr(module.json, "dumps", counted)
    loaded.digest()
    assert max(sizes) == 2
