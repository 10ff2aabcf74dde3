"""Transitions, funnels, traffic and sources, worked by hand."""

import datetime as dt

import pytest

from jobs.access_logs.buckets import midpoints
from jobs.access_logs.routes import Funnel

S, MINUTE, HOUR, DAY = 10**6, 60 * 10**6, 3600 * 10**6, 86_400 * 10**6
T = 20_000 * DAY + 12 * HOUR


def transitions(tables):
    return [
        (r["activity_date"].day, r["from_event"], r["to_event"], r["transition_count"], r["player_count"])
        for r in tables["path_transitions"]
    ]


def test_transitions_skip_requests_without_event_and_count_equal_neighbours(build, request_of):
    events = ["a", None, "a", "b"]
    requests = [request_of(at=T + n * S, event=event) for n, event in enumerate(events)]
    assert transitions(build(requests)) == [
        (4, "(start)", "a", 1, 1),
        (4, "a", "a", 1, 1),
        (4, "a", "b", 1, 1),
        (4, "b", "(exit)", 1, 1),
    ]


@pytest.mark.parametrize("first_event_after", [0, 10 * MINUTE])
def test_requests_without_event_bridge_two_events_over_a_gap_and_midnight(
    build, request_of, first_event_after
):
    start = 20_001 * DAY - HOUR
    requests = [
        request_of(at=start, event=None if first_event_after else "a"),
        request_of(at=start + first_event_after, event="a" if first_event_after else None),
        *(request_of(at=start + n * 20 * MINUTE) for n in (1, 2)),
        request_of(at=start + HOUR, event="b"),
        request_of(at=start + HOUR + 31 * MINUTE, event="c"),
    ]
    assert transitions(build(requests)) == [
        (4, "(start)", "a", 1, 1),
        (5, "(start)", "c", 1, 1),
        (5, "a", "b", 1, 1),
        (5, "b", "(exit)", 1, 1),
        (5, "c", "(exit)", 1, 1),
    ]


def test_transitions_count_players_once_a_day(build, request_of):
    requests = [request_of(at=T + n * S, event=event) for n, event in enumerate("abab")]
    requests += [request_of(at=T + n * S, event=event, visitor="v2") for n, event in enumerate("ab")]
    assert ((4, "a", "b", 3, 2)) in transitions(build(requests))


def funnel(tables):
    return [
        (
            r["cohort_date"].day,
            r["step_number"],
            r["players"],
            r["from_previous_ratio"],
            r["median_from_previous_s"],
        )
        for r in tables["funnel_steps"]
        if r["dimension"] == "all"
    ]


def test_one_request_fills_one_step_and_later_means_later_in_order(build, request_of, in_one_object):
    steps = (Funnel("twice", "all", DAY, ("a", "a", "b")),)
    once = in_one_object([request_of(at=T, event="a"), request_of(at=T, event="b")])
    twice = [
        *in_one_object([request_of(at=T, event=event) for event in "bab"]),
        request_of(at=T + 5 * S, event="a"),
        request_of(at=T + 7 * S, event="b"),
    ]
    assert funnel(build(once, funnels=steps)) == [
        (4, 1, 1, None, None),
        (4, 2, 0, 0.0, None),
        (4, 3, 0, None, None),
    ]
    assert funnel(build(twice, funnels=steps)) == [
        (4, 1, 1, None, None),
        (4, 2, 1, 1.0, 5.0),
        (4, 3, 1, 1.0, 2.0),
    ]


@pytest.mark.parametrize(("late", "players"), [(0, 1), (1, 0)])
def test_the_window_counts_from_step_one_and_is_inclusive(build, request_of, late, players):
    steps = (Funnel("f", "all", 14 * DAY, ("a", "b", "c")),)
    requests = [
        request_of(at=T, event="a"),
        request_of(at=T + 13 * DAY, event="b"),
        request_of(at=T + 14 * DAY + late, event="c"),
    ]
    rows = funnel(build(requests, funnels=steps))
    assert rows[:2] == [(4, 1, 1, None, None), (4, 2, 1, 1.0, 13 * 86_400.0)]
    assert rows[2] == (4, 3, players, float(players), 86_400.0 if players else None)


def test_a_date_funnel_has_a_cohort_each_date_and_an_all_funnel_the_first_only(build, request_of):
    requests = [request_of(at=T + n * DAY, event=event) for n, event in ((0, "a"), (1, "a"), (2, "b"))]
    requests.append(request_of(at=T + DAY + HOUR, event="a"))
    by_date = build(requests, funnels=(Funnel("f", "date", None, ("a", "b")),))
    first_ever = build(requests, funnels=(Funnel("f", "all", None, ("a", "b")),))
    assert [row[:3] for row in funnel(by_date)] == [(4, 1, 1), (4, 2, 1), (5, 1, 1), (5, 2, 1)]
    assert [row[:3] for row in funnel(first_ever)] == [(4, 1, 1), (4, 2, 1)]


@pytest.mark.parametrize(("last_day", "is_mature"), [(13, False), (14, True)])
def test_a_funnel_is_mature_when_its_window_has_passed(build, request_of, last_day, is_mature):
    requests = [request_of(at=T, event="a"), request_of(at=T + last_day * DAY)]
    rows = build(requests, funnels=(Funnel("f", "all", 14 * DAY, ("a", "b")),))["funnel_steps"]
    assert {row["is_mature"] for row in rows} == {is_mature}
    assert {row["value"] for row in rows} == {"all", "windows"}


def test_percentiles_are_nearest_rank_over_merged_buckets(build, request_of):
    buckets = [*[100] * 50, *[200] * 44, 300, 301, 302, 303, 304, 305]
    requests = [request_of(at=T + n, bucket=bucket) for n, bucket in enumerate(buckets)]
    requests.append(request_of(at=T + 200))
    tables = build(requests)
    middle = midpoints()
    (hour,) = tables["traffic_hours"]
    assert (hour["p50_ms"], hour["p95_ms"], hour["p99_ms"]) == tuple(
        middle[b] / 1000 for b in (100, 300, 304)
    )
    assert tables["player_days"][0]["p95_ms"] == middle[300] / 1000


def test_traffic_counts_every_line_of_every_stream(build, request_of):
    requests = [
        request_of(at=T, method=None, status=None, route="(other)"),
        request_of(at=T + 1, bytes_sent=3),
        request_of(at=T + 2, bytes_sent=None, is_activity_route=False),
        request_of(at=T + 3, stream="cloudfront", route="/x", status=500),
        request_of(at=T + 4, bot_reason="crawler"),
        request_of(at=T + HOUR, bytes_sent=4),
    ]
    rows = build(requests)["traffic_hours"]
    hour = dt.datetime(2024, 10, 4, 12)  # noqa: DTZ001
    assert [tuple(row.values())[:8] for row in rows] == [
        (hour, "cloudfront", "GET", "/x", 500, False, 1, None),
        (hour, "server", "(none)", "(other)", 0, False, 1, None),
        (hour, "server", "GET", "(other)", 200, False, 2, 3),
        (hour, "server", "GET", "(other)", 200, True, 1, None),
        (hour + dt.timedelta(hours=1), "server", "GET", "(other)", 200, False, 1, 4),
    ]


def test_a_session_has_the_source_of_its_first_request_and_a_new_player_one_source(build, request_of):
    requests = [
        request_of(at=T, referrer_host=None),
        request_of(at=T + S, referrer_host="own.example"),
        request_of(at=T + HOUR, referrer_host="news.example", utm_source="mail", utm_campaign="c1"),
    ]
    tables = build(requests)
    assert [tuple(row.values())[1:] for row in tables["traffic_sources"]] == [
        ("(none)", "(none)", "(none)", 1, 1, 1),
        ("news.example", "mail", "c1", 1, 1, 0),
    ]
    (player,) = tables["players"]
    assert (player["first_referrer_host"], player["utm_source"], player["session_count"]) == (None, None, 2)
