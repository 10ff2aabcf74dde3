"""What the queries on data quality answer, against figures worked out by hand."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pandas as pd

from warehouse import queries, schema


def run(run_id: str, hour: int, **more: Any) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "command": "run",
        "started_at": datetime.fromisoformat(f"2026-10-06T{hour:02d}:00"),
        "finished_at": datetime.fromisoformat(f"2026-10-06T{hour:02d}:01"),
        "status": "done",
        **more,
    }


def loaded(object_id: str, accepted: int, rejected: int, **more: Any) -> dict[str, Any]:
    return {
        "object_id": object_id,
        "content_digest": object_id,
        "status": "loaded",
        "format": "combined",
        "stream": "server",
        "lines_read": accepted + rejected,
        "accepted": accepted,
        "rejected": rejected,
        "size_bytes": 100,
        "last_at": datetime.fromisoformat("2026-10-05T22:30"),
        "run_id": "r1",
        **more,
    }


REFUSED = {"object_id": "c", "status": "refused", "reason": "cut short", "run_id": "r1"}


def test_lines_are_added_up_by_format_over_loaded_objects_only(rows: Any) -> None:
    tables = {schema.log_objects: [loaded("a", 8, 2), loaded("b", 5, 0), REFUSED]}
    found = queries.quality(rows(tables)).iloc[0]
    assert found[["objects", "lines_read", "accepted", "rejected", "size_bytes"]].tolist() == [
        2,
        15,
        13,
        2,
        200,
    ]
    assert found["last_at"] == pd.Timestamp("2026-10-05T22:30")


def test_rejections_are_counted_by_reason_with_the_first_line(rows: Any) -> None:
    def line(object_id: str, offset: int, reason: str, raw: str) -> dict[str, Any]:
        return {"object_id": object_id, "byte_offset": offset, "reason": reason, "raw": raw}

    tables = {
        schema.log_objects: [loaded("a", 8, 3), loaded("b", 5, 1)],
        schema.rejected_lines: [
            line("b", 5, "no_time", "fourth"),
            line("a", 70, "no_time", "second"),
            line("a", 90, "not_in_format", "third"),
            line("a", 9, "no_time", "first"),
        ],
    }
    assert queries.rejections(rows(tables)).to_dict("records") == [
        {"reason": "no_time", "rejected_lines": 3, "objects": 2, "raw": "first"},
        {"reason": "not_in_format", "rejected_lines": 1, "objects": 1, "raw": "third"},
    ]


def test_refused_objects_are_told_by_a_name_under_which_they_were_seen(rows: Any) -> None:
    tables = {
        schema.log_objects: [loaded("a", 8, 3), REFUSED],
        schema.object_sightings: [{"object_uri": "logs/c.gz", "object_id": "c", "run_id": "r1"}],
    }
    found = rows(tables)
    assert queries.refused(found)[["object_uri", "reason"]].to_numpy().tolist() == [
        ["logs/c.gz", "cut short"]
    ]
    assert queries.refused_count(found) == 1


def test_bots_are_counted_by_reason_and_people_are_not(rows: Any) -> None:
    def session(number: int, requests: int, reason: str | None) -> dict[str, Any]:
        return {
            "session_id": f"s{number}",
            "started_date": date(2026, 10, number),
            "player_id": "v1",
            "is_bot": reason is not None,
            "bot_reason": reason,
            "request_count": requests,
        }

    tables = {
        schema.sessions: [
            session(1, 5, "crawler"),
            session(2, 7, "crawler"),
            session(3, 20, "library"),
            session(4, 90, None),
            session(9, 90, "crawler"),
        ]
    }
    found = queries.bots(rows(tables), until=date(2026, 10, 8))
    assert found.to_numpy().tolist() == [["library", 1, 20, 1], ["crawler", 2, 12, 1]]


def test_checks_are_those_of_the_newest_run_failed_ones_first(rows: Any) -> None:
    def check(run_id: str, name: str, severity: str, passed: bool) -> dict[str, Any]:
        return {"run_id": run_id, "check_name": name, "severity": severity, "passed": passed, "found": "x"}

    tables = {
        schema.load_runs: [run("old", 3), run("new", 5)],
        schema.data_checks: [
            check("old", "z", "fail", False),
            check("new", "a", "fail", True),
            check("new", "b", "warn", False),
            check("new", "c", "fail", False),
        ],
    }
    found = rows(tables)
    assert queries.checks(found)["check_name"].tolist() == ["c", "b", "a"]
    assert queries.checks(found, run_id="old")["check_name"].tolist() == ["z"]
    assert queries.runs(found)["run_id"].tolist() == ["new", "old"]


def test_freshness_looks_at_the_stream_of_activity_and_at_committed_runs(rows: Any) -> None:
    def traffic(stream: str, hour: int) -> dict[str, Any]:
        return {
            "hour_at": datetime.fromisoformat(f"2026-10-05T{hour:02d}:00"),
            "stream": stream,
            "request_count": 1,
        }

    tables = {
        schema.warehouse_state: [{"name": "settings.stream", "value": "server"}],
        schema.load_runs: [run("r1", 3), run("failed", 5, status="failed")],
        schema.log_objects: [loaded("a", 8, 3)],
        schema.traffic_hours: [traffic("server", 22), traffic("cloudfront", 23)],
        schema.daily_activity: [
            {"activity_date": date(2026, 10, n), "dimension": "all", "value": "all"} for n in (4, 5)
        ],
    }
    assert queries.freshness(rows(tables)).iloc[0].to_dict() == {
        "first_date": pd.Timestamp("2026-10-04"),
        "last_date": pd.Timestamp("2026-10-05"),
        "last_request_at": pd.Timestamp("2026-10-05T22:30"),
        "last_hour_at": pd.Timestamp("2026-10-05T22:00"),
        "loaded_at": pd.Timestamp("2026-10-06T03:01"),
    }


def test_an_empty_warehouse_is_not_fresh_and_not_an_error(rows: Any) -> None:
    assert queries.freshness(rows({})).iloc[0].isna().all()
    assert queries.settings(rows({})) == {}
