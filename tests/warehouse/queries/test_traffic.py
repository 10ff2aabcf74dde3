"""What the queries on servers, sources and concurrency answer, against figures worked out by hand."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest

from warehouse import queries, schema

MONDAY = date(2026, 10, 5)
TUESDAY = date(2026, 10, 6)


def hour(at: str, route: str, status: int, requests: int, **more: Any) -> dict[str, Any]:
    return {
        "hour_at": datetime.fromisoformat(at),
        "stream": "server",
        "method": "GET",
        "route": route,
        "status": status,
        "is_bot": False,
        "request_count": requests,
        **more,
    }


HOURS = [
    hour("2026-10-05T10:00", "/a", 200, 8, bytes_sent=80, p50_ms=10.0, p95_ms=20.0, p99_ms=30.0),
    hour("2026-10-05T10:00", "/a", 500, 2, bytes_sent=20, p50_ms=60.0, p95_ms=70.0, p99_ms=80.0),
    hour("2026-10-05T23:00", "/a", 404, 5, bytes_sent=None),
    hour("2026-10-05T23:00", "/b", 200, 1, is_bot=True, p50_ms=999.0, p95_ms=999.0, p99_ms=999.0),
    hour("2026-10-06T00:00", "/b", 200, 4, p50_ms=5.0, p95_ms=5.0, p99_ms=5.0),
    hour("2026-10-06T00:00", "/b", 503, 7, stream="cloudfront"),
]


def test_traffic_of_a_day_counts_errors_and_keeps_streams_and_bots_apart(rows: Any) -> None:
    found = queries.traffic(rows({schema.traffic_hours: HOURS}))
    columns = ["start_at", "stream", "is_bot", "request_count", "client_errors", "server_errors"]
    assert found[columns].to_numpy().tolist() == [
        [pd.Timestamp(MONDAY), "server", False, 15, 5, 2],
        [pd.Timestamp(MONDAY), "server", True, 1, 0, 0],
        [pd.Timestamp(TUESDAY), "cloudfront", False, 7, 0, 7],
        [pd.Timestamp(TUESDAY), "server", False, 4, 0, 0],
    ]
    assert found["bytes_sent"].tolist()[0] == 100
    assert found["bytes_sent"].isna().tolist() == [False, True, True, True]


def test_traffic_by_hour_starts_at_the_hour_and_a_period_ends_with_its_last_day(rows: Any) -> None:
    found = queries.traffic(rows({schema.traffic_hours: HOURS}), until=MONDAY, by="hour")
    assert found["start_at"].tolist() == [
        pd.Timestamp("2026-10-05T10:00"),
        pd.Timestamp("2026-10-05T23:00"),
        pd.Timestamp("2026-10-05T23:00"),
    ]


def test_answer_times_are_weighted_by_requests_and_leave_bots_out(rows: Any) -> None:
    found = queries.latency(rows({schema.traffic_hours: HOURS}))
    assert found["timed_requests"].tolist() == [10, 4]
    assert found["p50_ms"].tolist() == [(8 * 10 + 2 * 60) / 10, 5.0]
    assert found["p95_ms"].tolist() == [(8 * 20 + 2 * 70) / 10, 5.0]
    assert found["p99_ms"].tolist() == [(8 * 30 + 2 * 80) / 10, 5.0]


def test_answer_times_that_no_log_holds_give_no_rows(rows: Any) -> None:
    assert queries.latency(rows({schema.traffic_hours: [HOURS[2]]})).empty


def test_errors_of_one_stream_by_route_worst_first(rows: Any) -> None:
    found = queries.errors(rows({schema.traffic_hours: HOURS}), stream="server")
    assert found.drop(columns="stream").to_dict("records") == [
        {
            "method": "GET",
            "route": "/a",
            "request_count": 15,
            "client_errors": 5,
            "server_errors": 2,
            "client_error_ratio": 5 / 15,
            "server_error_ratio": 2 / 15,
        },
        {
            "method": "GET",
            "route": "/b",
            "request_count": 5,
            "client_errors": 0,
            "server_errors": 0,
            "client_error_ratio": 0.0,
            "server_error_ratio": 0.0,
        },
    ]


def test_sources_add_up_days(rows: Any) -> None:
    source = {"referrer_host": "news.example", "utm_source": "(none)", "utm_campaign": "(none)"}
    tables = {
        schema.traffic_sources: [
            source | {"activity_date": MONDAY, "sessions": 3, "players": 2, "new_players": 1},
            source | {"activity_date": TUESDAY, "sessions": 2, "players": 2, "new_players": 0},
        ]
    }
    assert queries.sources(rows(tables)).to_dict("records") == [
        source | {"sessions": 5, "player_days": 4, "new_players": 1}
    ]


def test_players_at_once_are_a_mean_over_all_minutes_of_the_hour(rows: Any) -> None:
    def minute(at: str, players: int) -> dict[str, Any]:
        return {"minute_at": datetime.fromisoformat(at), "concurrent_players": players}

    tables = {
        schema.daily_activity: [
            {"activity_date": found, "dimension": "all", "value": "all"}
            for found in (MONDAY, TUESDAY, date(2026, 10, 12))  # two Mondays and a Tuesday
        ],
        schema.concurrency_minutes: [
            minute("2026-10-05T10:00", 6),
            minute("2026-10-05T10:59", 3),
            minute("2026-10-12T10:30", 3),
            minute("2026-10-06T23:59", 60),
        ],
    }
    found = queries.concurrency_by_hour(rows(tables)).set_index(["weekday", "hour"])
    assert len(found) == 2 * 24
    assert found.loc[(0, 10)].to_dict() == {"days": 2, "mean_players": 12 / 120, "peak_players": 6}
    assert found.loc[(1, 23)].to_dict() == {"days": 1, "mean_players": 1.0, "peak_players": 60}
    assert found.loc[(1, 10)].to_dict() == {"days": 1, "mean_players": 0.0, "peak_players": 0}


@pytest.mark.parametrize("until", [MONDAY, None])
def test_minutes_come_in_order(rows: Any, until: date | None) -> None:
    tables = {
        schema.concurrency_minutes: [
            {"minute_at": datetime.fromisoformat("2026-10-06T00:00"), "concurrent_players": 2},
            {"minute_at": datetime.fromisoformat("2026-10-05T23:59"), "concurrent_players": 1},
        ]
    }
    found = queries.concurrency(rows(tables), until=until)
    assert found["concurrent_players"].tolist() == ([1] if until else [1, 2])
