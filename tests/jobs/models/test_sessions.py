"""Sessions, worked by hand."""

import datetime as dt
import hashlib

import pytest

S, MINUTE, HOUR, DAY = 10**6, 60 * 10**6, 3600 * 10**6, 86_400 * 10**6
T = 20_000 * DAY + 23 * HOUR  # 2024-10-04 23:00
MIDNIGHT = 20_001 * DAY


def spans(tables):
    return [
        (row["player_id"], row["started_at"].isoformat(), row["request_count"]) for row in tables["sessions"]
    ]


def test_a_gap_of_exactly_thirty_minutes_stays_inside_and_one_microsecond_more_does_not(build, request_of):
    inside = build([request_of(at=T), request_of(at=T + 30 * MINUTE)])
    outside = build([request_of(at=T), request_of(at=T + 30 * MINUTE + 1)])
    assert [row["request_count"] for row in inside["sessions"]] == [2]
    assert [row["request_count"] for row in outside["sessions"]] == [1, 1]


@pytest.mark.parametrize("offset", [0, 1, 29 * MINUTE, 30 * MINUTE - 1])
def test_where_a_slot_of_time_begins_makes_no_difference(build, request_of, offset):
    steps = [0, 30 * MINUTE, 60 * MINUTE, 60 * MINUTE, 90 * MINUTE + 1]
    rows = build([request_of(at=T + offset + step) for step in steps])["sessions"]
    assert [row["request_count"] for row in rows] == [4, 1]


def test_a_session_crosses_midnight_and_belongs_to_its_start_date(build, request_of, in_one_object):
    requests = [
        request_of(
            at=MIDNIGHT - 10 * MINUTE, event="a", status=500, bytes_sent=5, platform="ios", country="DE"
        ),
        request_of(at=MIDNIGHT, event=None, platform="windows", bucket=10),
        request_of(at=MIDNIGHT + 20 * MINUTE, event="b", bytes_sent=7),
    ]
    tables = build(in_one_object(requests))
    identity = f"{MIDNIGHT - 10 * MINUTE} visitor v1"
    assert tables["sessions"] == [
        {
            "started_date": dt.date(2024, 10, 4),
            "session_id": hashlib.md5(identity.encode(), usedforsecurity=False).hexdigest(),
            "player_id": "v1",
            "is_identified": False,
            "is_bot": False,
            "bot_reason": None,
            "started_at": dt.datetime(2024, 10, 4, 23, 50),  # noqa: DTZ001
            "ended_at": dt.datetime(2024, 10, 5, 0, 20),  # noqa: DTZ001
            "duration_s": 1800.0,
            "request_count": 3,
            "event_count": 2,
            "error_count": 1,
            "bytes_sent": 12,
            "entry_event": "a",
            "exit_event": "b",
            "platform": "ios",
            "is_implausible": False,
        }
    ]
    days = tables["player_days"]
    assert [row["activity_date"] for row in days] == [dt.date(2024, 10, 4), dt.date(2024, 10, 5)]
    assert [row["session_count"] for row in days] == [1, 0]
    assert [row["play_s"] for row in days] == [600.0, 1200.0]
    assert [row["platform"] for row in days] == ["ios", "windows"]
    assert [row["country"] for row in days] == ["DE", None]
    assert [row["is_new"] for row in days] == [True, False]


def test_one_request_has_no_duration_and_two_at_one_time_have_zero(build, request_of, in_one_object):
    assert build([request_of(at=T)])["sessions"][0]["duration_s"] is None
    both = in_one_object([request_of(at=T), request_of(at=T)])
    assert build(both)["sessions"][0]["duration_s"] == 0.0


@pytest.mark.parametrize(("extra", "is_implausible"), [(0, False), (1, True)])
def test_over_twenty_four_hours_is_implausible_and_kept_out_of_averages(
    build, request_of, extra, is_implausible
):
    start = 20_000 * DAY
    requests = [request_of(at=start + n * 30 * MINUTE) for n in range(48)] + [
        request_of(at=start + DAY + extra)
    ]
    tables = build(requests, session_gap_us=30 * MINUTE + 1)
    (row,) = tables["sessions"]
    assert row["duration_s"] == 86_400 + extra / 1e6
    assert row["is_implausible"] is is_implausible
    first = tables["daily_activity"][0]
    assert first["avg_session_s"] == (None if is_implausible else 86_400.0)
    assert first["peak_concurrent_players"] == (0 if is_implausible else 1)
    assert len(tables["concurrency_minutes"]) == (0 if is_implausible else 1441)
    assert [day["play_s"] for day in tables["player_days"]] == [86_400.0, extra / 1e6]


def test_bots_and_people_of_one_actor_are_separate_chains_except_under_include(
    build, request_of, in_one_object
):
    requests = in_one_object(
        [
            request_of(at=T, bot_reason="library"),
            request_of(at=T + S),
            request_of(at=T + 2 * S, bot_reason="crawler"),
        ]
    )
    apart = {
        bots: [
            (r["is_bot"], r["bot_reason"], r["request_count"]) for r in build(requests, bots=bots)["sessions"]
        ]
        for bots in ("exclude", "only", "include")
    }
    assert sorted(apart["exclude"]) == [(False, None, 1), (True, "library", 2)]
    assert sorted(apart["only"]) == sorted(apart["exclude"])
    assert apart["include"] == [(True, "library", 3)]


def test_equal_times_are_ordered_by_request_not_by_reading(build, request_of):
    first = request_of(at=T, event="first", platform="ios", order_lo=1, byte_offset=1)
    last = request_of(at=T, event="last", platform="linux", order_lo=2, byte_offset=2)
    for requests in ([first, last], [last, first]):
        (row,) = build(requests)["sessions"]
        assert (row["entry_event"], row["exit_event"], row["platform"]) == ("first", "last", "ios")


def test_lines_of_equal_order_in_two_objects_are_ordered_by_their_fields(build, request_of):
    one = request_of(at=T, event="zebra", order_hi=5, order_lo=7, object_id="o1")
    two = request_of(at=T, event="ant", order_hi=5, order_lo=7, object_id="o2")
    for requests in ([one, two], [two, one]):
        (row,) = build(requests)["sessions"]
        assert (row["entry_event"], row["exit_event"]) == ("ant", "zebra")


def test_what_does_not_count_neither_forms_nor_extends_a_session(build, request_of):
    requests = [
        request_of(at=T, known_id="p"),
        request_of(at=T + 20 * MINUTE, known_id="p", is_activity_route=False),
        request_of(at=T + 25 * MINUTE, known_id="p", status=401),
        request_of(at=T + 40 * MINUTE, known_id="p"),
        request_of(at=T + 41 * MINUTE, known_id="p", stream="elb"),
    ]
    tables = build(requests, identity="player")
    assert [row["request_count"] for row in tables["sessions"]] == [1, 1]
    assert sum(row["request_count"] for row in tables["traffic_hours"]) == 5


def test_a_player_named_like_a_visitor_is_somebody_else(build, request_of, in_one_object):
    requests = in_one_object(
        [request_of(at=T, visitor="v1"), request_of(at=T + S, visitor="x", known_id="v1")]
    )
    tables = build(requests, identity="player")
    assert sorted((r["player_id"], r["is_identified"]) for r in tables["sessions"]) == [
        ("v1", False),
        ("v1", True),
    ]
    assert [(r["player_id"], r["request_count"]) for r in tables["player_days"]] == [("v1", 1)]
    assert tables["daily_activity"][0]["anonymous_visitors"] == 1
