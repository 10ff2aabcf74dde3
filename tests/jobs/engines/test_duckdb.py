"""The DuckDB engine: what it reads, what it drops, what it leaves behind."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from jobs.access_logs.lake import PartWriter, Rows
from jobs.access_logs.requests import REQUESTS
from jobs.access_logs.settings import MeaningSettings
from jobs.engines import duckdb as engine_module
from jobs.engines import staging
from jobs.engines.duckdb import DuckDBEngine

DAY = 86_400_000_000
T = 20_000 * DAY
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0"


def line(at: int = T, **said: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "at": at,
        "method": "GET",
        "path": "/shop",
        "status": 200,
        "visitor": "v1",
        "user_agent": BROWSER,
        "order_hi": 0,
        "order_lo": 0,
        "object_id": "o1",
        "byte_offset": 0,
    }
    return row | said


def lake(folder, lines, stream="server"):
    writer, waiting = PartWriter(str(folder / "lake")), Rows()
    for each in lines:
        waiting.add("requests", stream, pa.Table.from_pylist([each], schema=REQUESTS))
    return [writer.write(key, tables) for key, tables in waiting.take(0)]


@pytest.fixture
def engine():
    made = DuckDBEngine()
    yield made
    made.close()


def rows(tables, name):
    return tables[name]().read_all().to_pylist()


def same_id(at=T, **said):
    return line(at, request_id="id-1", order_hi=7, order_lo=9, **said)


def test_the_real_meaning_makes_sessions_with_events(engine, tmp_path):
    parts = lake(tmp_path, [line(), line(T + 1, path="/shop/17"), line(T + 2, status=404)])
    tables = engine.build(parts, MeaningSettings(scratch_dir=str(tmp_path)))
    (session,) = rows(tables, "sessions")
    assert (session["entry_event"], session["exit_event"], session["event_count"]) == (
        "GET /shop",
        "GET /shop/{id}",
        2,
    )


def test_copies_of_one_request_count_once_and_the_smallest_stays(engine, tmp_path):
    parts = lake(
        tmp_path,
        [
            same_id(object_id="o1", byte_offset=100, status=500),
            same_id(object_id="o2", byte_offset=5),
            same_id(object_id="o3", byte_offset=7),
            same_id(T + DAY, object_id="o1", byte_offset=300),
            line(T + 5, object_id="o1", byte_offset=400),
        ],
    )
    digests = {"o1": ("d", "c1"), "o2": ("d", "c2"), "o3": ("a", "c3")}
    tables = engine.build(parts, MeaningSettings(scratch_dir=str(tmp_path)), digests=digests)
    assert rows(tables, "object_duplicates") == [
        {"object_id": "o1", "duplicates": 1},
        {"object_id": "o2", "duplicates": 1},
    ]
    traffic = rows(tables, "traffic_hours")
    assert [(r["status"], r["request_count"]) for r in traffic] == [(200, 2), (200, 1)]


def test_equal_copies_in_one_object_lose_the_later_line(engine, tmp_path):
    parts = lake(tmp_path, [same_id(byte_offset=offset) for offset in (0, 50, 90)])
    tables = engine.build(parts, MeaningSettings(scratch_dir=str(tmp_path)))
    assert rows(tables, "object_duplicates") == [{"object_id": "o1", "duplicates": 2}]
    assert rows(tables, "sessions")[0]["request_count"] == 1


def test_ids_that_only_begin_alike_and_lines_without_id_are_different_requests(engine, tmp_path):
    begin_alike = [
        line(request_id=f"sixteen-bytes-00{n}", order_hi=1, order_lo=1, byte_offset=n) for n in range(2)
    ]
    no_id = [line(object_id=name, order_hi=3) for name in ("o1", "o2")]
    tables = engine.build(lake(tmp_path, begin_alike + no_id), MeaningSettings(scratch_dir=str(tmp_path)))
    assert rows(tables, "object_duplicates") == []
    assert rows(tables, "sessions")[0]["request_count"] == 4


def test_one_id_in_two_streams_is_two_requests(engine, tmp_path):
    parts = lake(tmp_path / "a", [same_id()]) + lake(tmp_path / "b", [same_id()], "cloudfront")
    tables = engine.build(parts, MeaningSettings(scratch_dir=str(tmp_path)))
    assert [row["stream"] for row in rows(tables, "traffic_hours")] == ["cloudfront", "server"]
    assert rows(tables, "sessions")[0]["request_count"] == 1


def test_a_request_before_1970_is_refused_in_one_line(engine, tmp_path):
    with pytest.raises(ValueError, match="wanted microseconds since 1970, found -1"):
        engine.build(lake(tmp_path, [line(-1)]), MeaningSettings(scratch_dir=str(tmp_path)))


def test_tables_of_a_file_database_equal_those_in_memory(tmp_path, monkeypatch):
    lines = [line(T + n * DAY // 7, visitor=f"v{n % 3}", byte_offset=n) for n in range(40)]
    parts = lake(tmp_path, lines)
    found = []
    for limit, per_task in ((10**6, 10**6), (0, 1)):
        monkeypatch.setattr(engine_module, "IN_MEMORY_ROWS", limit)
        monkeypatch.setattr(staging, "ROWS_PER_TASK", per_task)
        engine = DuckDBEngine()
        tables = engine.build(parts, MeaningSettings(scratch_dir=str(tmp_path)))
        found.append({name: rows(tables, name) for name in tables})
        engine.close()
    assert found[0] == found[1]


def test_closing_leaves_no_scratch_file(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    engine = DuckDBEngine()
    engine.build(lake(tmp_path, [line()]), MeaningSettings(scratch_dir=str(scratch)))
    assert list(scratch.iterdir())
    engine.close()
    assert list(scratch.iterdir()) == []


def test_parts_of_rejected_lines_are_left_out(engine, tmp_path):
    parts = [replace(part, table_name="rejected") for part in lake(tmp_path, [line()])]
    assert rows(engine.build(parts, MeaningSettings(scratch_dir=str(tmp_path))), "traffic_hours") == []


def test_rows_come_in_the_order_of_their_key_with_dates_and_times(engine, tmp_path):
    lines = [line(T + n * DAY, visitor=f"v{9 - n}", byte_offset=n) for n in range(5)]
    tables = engine.build(lake(tmp_path, lines), MeaningSettings(scratch_dir=str(tmp_path)))
    players = tables["player_days"]().read_all()
    assert players["player_id"].to_pylist() == ["v5", "v6", "v7", "v8", "v9"]
    assert players.schema.field("activity_date").type == pa.date32()
    assert players.schema.field("first_at").type == pa.timestamp("us")


def test_tables_come_while_later_models_are_still_computed(engine, tmp_path, monkeypatch):
    may_go_on = threading.Event()
    compute = engine_module._Build._compute

    def held(build, step):
        if step.model.name == "traffic_hours":
            assert may_go_on.wait(30)
        compute(build, step)

    monkeypatch.setattr(engine_module._Build, "_compute", held)
    tables = engine.build(lake(tmp_path, [line()]), MeaningSettings(scratch_dir=str(tmp_path)))
    assert len(rows(tables, "sessions")) == len(rows(tables, "path_transitions")) - 1 == 1
    may_go_on.set()
    assert list(tables)[-2:] == ["traffic_hours", "traffic_sources"]
    assert all(table() is not None for table in tables.values())


def test_all_tables_of_a_large_build_are_ready_when_it_returns(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(engine_module, "IN_MEMORY_ROWS", 0)
    engine.build(lake(tmp_path, [line()]), MeaningSettings(scratch_dir=str(tmp_path)))
    assert "traffic_sources" in engine.seconds


def test_a_table_can_be_read_again(engine, tmp_path):
    tables = engine.build(lake(tmp_path, [line()]), MeaningSettings(scratch_dir=str(tmp_path)))
    for name in tables:
        assert rows(tables, name) == rows(tables, name)


@pytest.mark.parametrize("failing", ["session_slots", "traffic_hours"])
def test_what_fails_in_a_model_is_raised_to_whoever_wants_its_table(engine, tmp_path, monkeypatch, failing):
    error = MemoryError("too little of it")
    compute = engine_module._Build._compute

    def failed(build, step):
        if step.model.name == failing:
            raise error
        compute(build, step)

    monkeypatch.setattr(engine_module._Build, "_compute", failed)
    parts = lake(tmp_path, [line()])
    with pytest.raises(MemoryError) as raised:
        rows(engine.build(parts, MeaningSettings(scratch_dir=str(tmp_path))), "traffic_hours")
    assert raised.value is error


def test_closing_stops_models_under_way_and_those_that_would_follow(tmp_path, monkeypatch):
    begun = threading.Event()
    compute = engine_module._Build._compute

    def endless(build, step):
        if step.model.name == "traffic_hours":
            begun.set()
            build._con.execute("select count(*) from range(100000000000) as a, range(1000) as b")
        compute(build, step)

    monkeypatch.setattr(engine_module._Build, "_compute", endless)
    engine = DuckDBEngine()
    tables = engine.build(lake(tmp_path / "lake", [line()]), MeaningSettings(scratch_dir=str(tmp_path)))
    assert begun.wait(30)
    engine.close()
    assert not any(thread.name == "models" for thread in threading.enumerate())
    with pytest.raises(duckdb.InterruptException):
        tables["traffic_hours"]()
    assert [path.name for path in tmp_path.iterdir()] == ["lake"]


def test_a_long_query_draws_no_bar_on_standard_output() -> None:
    build = engine_module._Build(MeaningSettings(), engine_module.classify_requests, 0)
    try:
        (shown,) = build._con.execute("select current_setting('enable_progress_bar')").fetchone()
    finally:
        build.close()
    assert shown in (False, "false")
