"""A run's load is there whole or not at all; objects grow, lines add up."""

from __future__ import annotations

import pyarrow as pa
import pytest

import warehouse
from warehouse import schema
from warehouse.rows import stored_batches


def content(wh) -> dict[str, pa.Table]:
    from warehouse.rows import arrow_schema

    tables = [t for t in schema.metadata.sorted_tables if t.name != "warehouse_lease"]
    with wh.reading() as connection:
        return {t.name: pa.Table.from_batches(stored_batches(connection, t), arrow_schema(t)) for t in tables}


def objects(wh) -> dict[str, tuple[int, ...]]:
    frame = wh.sql("SELECT * FROM log_objects ORDER BY object_id")
    names = ["lines_read", "accepted", "rejected", "duplicates", "ignored"]
    return {row.object_id: tuple(int(row[n]) for n in names) for _, row in frame.iterrows()}


def test_a_commit_writes_everything_and_says_how_much(wh, kit, small) -> None:
    tables = small.tables()
    committed = kit.load(
        wh,
        "r1",
        small,
        receipts=[kit.receipt("a", small.requests, rejected=2, rejected_sample=kit.sample("x", [30, 10]))],
        parts=[kit.Part("/lake/p1.parquet", ("id-a",)), kit.Part("/lake/p2.parquet", ("id-a",), "rejected")],
        state={"key_fingerprint": "abc"},
    )
    assert committed.commit_number == 1
    assert committed.tables == {name: t.num_rows for name, t in tables.items()} | {
        "log_objects": 1,
        "object_sightings": 1,
        "rejected_lines": 2,
        "lake_files": 2,
    }
    found = content(wh)
    assert {name: found[name] for name in tables} == tables
    assert found["rejected_lines"].column("byte_offset").to_pylist() == [10, 30]
    assert found["rejected_lines"].column("object_id").to_pylist() == ["id-a", "id-a"]
    assert all(found["data_checks"].column("passed").to_pylist())
    assert wh.settings() == kit.SETTINGS
    assert wh.state()["key_fingerprint"] == "abc"
    (run,) = wh.runs()
    assert (run["status"], run["commit_number"], run["seconds"]) == ("done", 1, 0.0)
    assert not wh.is_new


def test_a_second_commit_replaces_the_tables(wh, kit, small) -> None:
    kit.load(wh, "r1", small)
    bigger = kit.World(dict(small.days) | {"eve": (3,)})
    more = kit.receipt("eve", 2)
    kit.load(wh, "r2", bigger, receipts=[more])
    assert content(wh)["players"] == bigger.tables()["players"]
    assert wh.commit_number == 2
    assert wh.sql("SELECT count(*) AS n FROM sessions").n[0] == 8


def test_tables_that_are_not_given_stay(wh, kit, small) -> None:
    kit.load(wh, "r1", small)
    before = content(wh)
    kit.load(
        wh, "r2", receipts=[kit.receipt("broken", 0, status="refused", content_digest=None, reason="cut")]
    )
    after = content(wh)
    assert {t.name: after[t.name] for t in schema.MODEL_TABLES} == {
        t.name: before[t.name] for t in schema.MODEL_TABLES
    }
    assert wh.sql("SELECT reason FROM log_objects WHERE status = 'refused'").reason.tolist() == ["cut"]


def test_a_failed_check_leaves_the_warehouse_as_it_was(wh, kit, small) -> None:
    kit.load(wh, "r1", small)
    before = content(wh)
    with pytest.raises(warehouse.ChecksFailedError) as error:
        kit.load(wh, "r2", small, receipts=[kit.receipt("b", 5)])
    assert str(error.value) == (
        "check every_line_is_in_traffic failed: accepted lines 19, requests in traffic_hours 14"
    )
    assert content(wh) == before
    wh.record_failure(kit.record("r2"), str(error.value), error.value.checks)
    run = wh.run("r2")
    assert run is not None
    assert (run["status"], run["commit_number"]) == ("failed", None)
    assert [c["check_name"] for c in run["checks"] if not c["passed"]] == ["every_line_is_in_traffic"]
    assert wh.run_ids() == {"r1"}
    assert wh.commit_number == 1


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"tables": {"salaries": pa.table({"a": [1]})}}, "wanted tables of the schema, found salaries"),
        (
            {"receipts": ["odd"]},
            "/logs/odd.log: wanted a status of loaded, continued, replaced, known, empty, refused, found odd",
        ),
        (
            {"receipts": ["continued"]},
            "/logs/continued.log: wanted the claim that it continues, found no id-c",
        ),
        ({"receipts": ["uneven"]}, "CHECK constraint failed: ck_log_objects_no_line_disappears"),
        (
            {"duplicates": pa.table({"object_id": ["x"], "duplicates": [1]})},
            "wanted a loaded object for 1 dup",
        ),
    ],
)
def test_a_load_that_makes_no_sense_is_one_line_and_changes_nothing(wh, kit, small, change, line) -> None:
    kit.load(wh, "r1", small)
    before = content(wh)
    made = {
        "odd": kit.receipt("odd", 0, status="odd"),
        "continued": kit.receipt("continued", 0, status="continued"),
        "uneven": kit.receipt("uneven", 5, lines_read=6),
    }
    if "receipts" in change:
        change = {"receipts": [made[name] for name in change["receipts"]]}
    with pytest.raises(warehouse.LoadError) as error:
        kit.load(wh, "r2", **change)
    assert str(error.value).startswith(line)
    assert "\n" not in str(error.value)
    assert content(wh) == before


def test_rows_that_break_a_tables_rules_are_one_line_and_change_nothing(wh, kit, small) -> None:
    kit.load(wh, "r1", small)
    before = content(wh)
    tables = small.tables()
    twice = pa.concat_tables([tables["players"], tables["players"].slice(0, 1)])
    with pytest.raises(warehouse.LoadError, match=r"UNIQUE constraint failed: players\.player_id"):
        kit.load(wh, "r2", tables=tables | {"players": twice})
    assert content(wh) == before


def test_a_run_id_is_used_once(wh, kit) -> None:
    kit.load(wh, "r1")
    with pytest.raises(warehouse.LoadError, match="run_id"):
        kit.load(wh, "r1")


def test_a_failure_after_the_commit_leaves_the_record_of_the_commit(wh, kit) -> None:
    kit.load(wh, "r1")
    wh.record_failure(kit.record("r1"), "could not publish")
    assert [run["status"] for run in wh.runs()] == ["done"]


def test_a_continued_object_grows_and_keeps_its_id(wh, kit) -> None:
    day = kit.World({"ada": (0,)})
    kit.load(wh, "r1", day, receipts=[kit.receipt("a", 2, ignored=1, host="web-1", first_at=5, last_at=9)])
    two = kit.World({"ada": (0, 1)})
    grown = kit.receipt(
        "a",
        2,
        status="continued",
        content_digest="content-a+",
        rejected=3,
        size_bytes=2_000,
        first_at=3,
        last_at=8,
        source=kit.Source("/logs/a.log", "2"),
    )
    kit.load(wh, "r2", two, receipts=[grown])
    assert objects(wh) == {"id-a": (8, 4, 3, 0, 1)}
    (row,) = wh.sql("SELECT * FROM log_objects").to_dict("records")
    assert (row["content_digest"], row["size_bytes"], row["host"], row["run_id"]) == (
        "content-a+",
        2_000,
        "web-1",
        "r2",
    )
    assert (row["first_at"].value, row["last_at"].value) == (3_000, 9_000)
    (claim,) = wh.claims()
    assert claim == warehouse.ClaimedObject("id-a", "content-a+", 2_000, "first", "loaded", ("/logs/a.log",))


def test_an_object_can_appear_and_grow_within_one_run(wh, kit) -> None:
    rest = kit.receipt("a", 2, status="continued", content_digest="whole", source=kit.Source("/logs/a.1"))
    again = kit.receipt("a", 9, status="known", source=kit.Source("/logs/copy"))
    kit.load(wh, "r1", kit.World({"ada": (0, 1)}), receipts=[kit.receipt("a", 2), rest, again])
    assert objects(wh) == {"id-a": (4, 4, 0, 0, 0)}
    assert wh.claims()[0].uris == ("/logs/a.log", "/logs/a.1", "/logs/copy")


def test_a_refused_object_can_be_read_again_under_its_id(wh, kit) -> None:
    refused = kit.receipt("a", 0, status="refused", content_digest=None, reason="cut short")
    kit.load(wh, "r1", receipts=[refused])
    assert wh.claims() == []
    kit.load(wh, "r2", kit.World({"ada": (0,)}), receipts=[kit.receipt("a", 2)])
    assert [claim.object_id for claim in wh.claims()] == ["id-a"]


def test_an_object_without_lines_is_known_by_name_and_claims_nothing(wh, kit) -> None:
    empty = kit.receipt("a", 0, status="empty", first_line_digest="", ignored=1)
    kit.load(wh, "r1", receipts=[empty])
    before = wh.digest()
    kit.load(wh, "r2", receipts=[kit.receipt("b", 0, status="empty", content_digest="content-a")])
    assert len(wh.sightings()) == 2
    assert wh.claims() == []
    assert wh.digest() == before
    kit.load(wh, "r3", kit.World({"ada": (0,)}), receipts=[kit.receipt("a", 2)])
    assert [claim.object_id for claim in wh.claims()] == ["id-a"]


def test_a_thousand_rejected_lines_are_kept_of_each_object(wh, kit) -> None:
    first = kit.receipt("a", 0, rejected=700, rejected_sample=kit.sample("id-a", range(700)))
    kit.load(
        wh, "r1", receipts=[first, kit.receipt("b", 0, rejected_sample=kit.sample("id-b", [5]), rejected=1)]
    )
    more = kit.receipt(
        "a", 0, status="continued", rejected=900, rejected_sample=kit.sample("id-a", range(1_000, 1_900))
    )
    kit.load(wh, "r2", receipts=[more])
    kept = wh.sql("SELECT object_id, count(*) AS n, max(byte_offset) AS last FROM rejected_lines GROUP BY 1")
    assert kept.values.tolist() == [["id-a", 1_000, 1_299], ["id-b", 1, 5]]
    assert objects(wh)["id-a"][2] == 1_600


def test_the_lines_that_are_kept_are_the_first_of_the_object(wh, kit) -> None:
    backwards = kit.sample("id-a", range(1_200, 0, -1))
    kit.load(wh, "r1", receipts=[kit.receipt("a", 0, rejected=1_200, rejected_sample=backwards)])
    assert wh.sql("SELECT max(byte_offset) AS last FROM rejected_lines")["last"].tolist() == [1_000]


def test_duplicates_move_lines_of_all_objects_and_back(wh, kit) -> None:
    world = kit.World({"ada": (0,)})
    two = [kit.receipt("a", 2), kit.receipt("b", 2)]
    kit.load(wh, "r1", world, receipts=two, duplicates=pa.table({"object_id": ["id-b"], "duplicates": [2]}))
    assert objects(wh) == {"id-a": (2, 2, 0, 0, 0), "id-b": (2, 0, 0, 2, 0)}
    assert wh.duplicates() == 2
    # A later object holds the copies that survive: both counts are corrected.
    ids = pa.array(["id-a", "id-b"]).dictionary_encode()
    kit.load(
        wh,
        "r2",
        world,
        receipts=[kit.receipt("c", 1)],
        duplicates=pa.table({"object_id": ids, "duplicates": pa.array([2, 1], pa.int32())}),
    )
    assert objects(wh) == {"id-a": (2, 0, 0, 2, 0), "id-b": (2, 1, 0, 1, 0), "id-c": (1, 1, 0, 0, 0)}


def test_standard_input_leaves_no_name_behind(wh, kit) -> None:
    kit.load(wh, "r1", receipts=[kit.receipt("a", 0, source=kit.Source("-", "", -1))])
    assert wh.sightings() == {}
    assert len(wh.claims()) == 1


def test_texts_are_rewritten_only_when_they_change(wh, kit, monkeypatch) -> None:
    definitions = wh.sql("SELECT * FROM metric_definitions")
    kit.load(wh, "r1")
    assert wh.sql("SELECT * FROM metric_definitions").equals(definitions)
    from warehouse import load as module

    rows = module.definition_rows()
    rows[schema.metric_definitions][0]["caveat"] = "changed"
    monkeypatch.setattr(module, "definition_rows", lambda: rows)
    kit.load(wh, "r2")
    assert "changed" in wh.sql("SELECT caveat FROM metric_definitions").caveat.tolist()


def test_a_transaction_that_fails_for_lack_of_room_changes_nothing(wh, kit, small, monkeypatch) -> None:
    import sqlite3

    from warehouse import load as module

    kit.load(wh, "r1", small)
    before = content(wh)

    def full(*_args: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(module, "write_lake_files", full)
    with pytest.raises(warehouse.WarehouseStorageError, match="the disk is full"):
        kit.load(wh, "r2", small, receipts=[])
    assert content(wh) == before


def test_tables_are_taken_in_the_order_in_which_they_are_given(wh, kit, small) -> None:
    taken = []

    def later(name: str, rows: pa.Table):
        return lambda: taken.append(name) or rows.to_reader()

    tables = {name: later(name, rows) for name, rows in reversed(small.tables().items())}
    kit.load(wh, "r1", small, tables=tables)
    assert taken == list(tables)
    assert {name: content(wh)[name] for name in tables} == small.tables()


def test_rows_that_fail_to_come_change_nothing_and_raise_what_they_raised(wh, kit, small) -> None:
    kit.load(wh, "r1", small)
    before = content(wh)
    error = MemoryError("too little of it")

    def failing() -> pa.RecordBatchReader:
        raise error

    with warehouse.Staging() as staging, pytest.raises(MemoryError) as raised:
        kit.load(wh, "r2", tables=small.tables() | {"traffic_hours": failing}, staging=staging)
    assert raised.value is error
    assert content(wh) == before
