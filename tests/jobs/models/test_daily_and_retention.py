"""Days, lifecycle and retention, worked by hand."""

import datetime as dt

import pytest

S, MINUTE, DAY = 10**6, 60 * 10**6, 86_400 * 10**6
FIRST = 20_000
NOON = DAY // 2


def on(request_of, player, *days, **said):
    return [request_of(at=(FIRST + day) * DAY + NOON, visitor=player, **said) for day in days]


def rows_of(tables, value="all"):
    return [row for row in tables["daily_activity"] if row["value"] == value]


def test_three_players_returning_on_day_1_on_day_5_and_never(build, request_of):
    tables = build([*on(request_of, "a", 0, 1), *on(request_of, "b", 0, 5), *on(request_of, "c", 0)])
    cells = [row for row in tables["retention"] if row["dimension"] == "all" and row["cohort_date"].day == 4]
    assert [row["day_n"] for row in cells] == [*range(91), 120, 180, 360]
    assert [row["retained_classic"] for row in cells[:7]] == [3, 1, 0, 0, 0, 1, 0]
    assert [row["retained_rolling"] for row in cells[:7]] == [3, 2, 1, 1, 1, 1, 0]
    assert [row["classic_ratio"] for row in cells[:2]] == [1.0, 1 / 3]
    assert [row["is_mature"] for row in cells[:7]] == [True] * 6 + [False]
    assert [row["is_closed"] for row in cells[:7]] == [True] * 5 + [False] * 2
    assert {row["cohort_size"] for row in cells} == {3}


def test_rolling_retention_counts_returns_between_the_days_that_have_a_column(build, request_of):
    tables = build([*on(request_of, "a", 0, 100), *on(request_of, "b", 0, 120), *on(request_of, "c", 0, 361)])
    cells = {row["day_n"]: row for row in tables["retention"] if row["dimension"] == "all"}
    assert [cells[n]["retained_rolling"] for n in (90, 120, 180, 360)] == [3, 2, 1, 1]
    assert [cells[n]["retained_classic"] for n in (90, 120, 180, 360)] == [0, 1, 0, 0]


def test_brackets_hold_their_first_and_last_day(build, request_of):
    tables = build(
        [
            r
            for n, day in enumerate([1, 2, 4, 5, 11, 12, 25, 26, 53, 54])
            for r in on(request_of, f"p{n}", 0, day)
        ]
    )
    brackets = tables["retention_brackets"]
    assert [(r["bracket"], r["retained"], r["ratio"], r["is_mature"]) for r in brackets] == [
        ("1", 1, 0.1, True),
        ("12-25", 2, 0.2, True),
        ("2-4", 2, 0.2, True),
        ("26-53", 2, 0.2, True),
        ("5-11", 2, 0.2, True),
    ]  # fmt: skip


def test_lifecycle_adds_up(build, request_of):
    days = {"a": (0, 1, 2, 4), "b": (0, 2, 3), "c": (2,), "d": (4,)}
    tables = build([request for player in days for request in on(request_of, player, *days[player])])
    rows = rows_of(tables)
    names = ("dau", "new_players", "returning_players", "resurrected_players", "dormant_players")
    assert [tuple(row[name] for name in names) for row in rows] == [
        (2, 2, 0, 0, 0),
        (1, 0, 1, 0, 1),
        (3, 1, 1, 1, 0),
        (1, 0, 1, 0, 2),
        (2, 1, 0, 1, 1),
    ]
    assert [row["history_days"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["mau"] for row in rows] == [2, 2, 3, 3, 4]


def test_weeks_and_months_trail_and_stickiness_waits_for_thirty_days(build, request_of):
    tables = build([*on(request_of, "a", 0, 36), *on(request_of, "b", 6, 29), *on(request_of, "c", 29)])
    rows = {row["history_days"] - 1: row for row in rows_of(tables)}
    assert [rows[day]["wau"] for day in (0, 5, 6, 7, 12, 13, 29, 35, 36)] == [1, 1, 2, 1, 1, 0, 2, 2, 1]
    assert [rows[day]["mau"] for day in (0, 6, 28, 29, 30, 35, 36)] == [1, 2, 2, 3, 2, 2, 3]
    assert rows[28]["stickiness_ratio"] is None
    assert rows[29]["stickiness_ratio"] == 2 / 3
    assert rows[30]["stickiness_ratio"] == 0.0
    assert (rows[30]["error_ratio"], rows[30]["dau"], rows[30]["request_count"]) == (None, 0, 0)


@pytest.mark.parametrize(("gap", "rows_between"), [(400, 399), (401, 0)])
def test_a_gap_of_over_four_hundred_days_has_no_rows(build, request_of, gap, rows_between):
    rows = rows_of(build(on(request_of, "a", 0, gap)))
    assert len(rows) == 2 + rows_between
    assert (rows[-1]["history_days"], rows[-1]["resurrected_players"]) == (gap + 1, 1)
    assert (rows[-1]["mau"], rows[-1]["wau"]) == (1, 1)


def test_a_value_of_a_dimension_is_that_of_the_days_first_request(build, request_of, in_one_object):
    requests = in_one_object(
        [
            request_of(at=FIRST * DAY, visitor="a", platform="ios", country="DE"),
            request_of(at=FIRST * DAY + S, visitor="a", platform="windows"),
            request_of(at=FIRST * DAY + S, visitor="b", platform="windows"),
            request_of(at=(FIRST + 1) * DAY, visitor="a", platform="windows"),
            request_of(at=(FIRST + 2) * DAY, visitor="b", platform="windows"),
        ]
    )
    tables = build(requests, dimensions=("platform", "country"))
    names = ("dau", "wau", "new_players", "returning_players", "resurrected_players", "dormant_players")
    assert [tuple(row[name] for name in names) for row in rows_of(tables, "ios")] == [
        (1, 1, 1, 0, 0, 0),
        (0, 1, 0, 0, 0, 0),
        (0, 1, 0, 0, 0, 0),
    ]
    assert [tuple(row[name] for name in names) for row in rows_of(tables, "windows")] == [
        (1, 1, 1, 0, 0, 0),
        (1, 2, 0, 1, 0, 1),
        (1, 2, 0, 0, 1, 1),
    ]
    assert {row["value"] for row in tables["daily_activity"]} == {"all", "ios", "windows", "DE", "(none)"}
    assert [row["activity_date"].day for row in rows_of(tables, "(none)")] == [4, 5, 6]
    assert {row["anonymous_visitors"] for row in rows_of(tables, "ios")} == {None}


def test_means_medians_and_peaks(build, request_of):
    start = FIRST * DAY
    requests = []
    for player, begin, length in (
        ("a", 0, 60),
        ("b", 60, 180),
        ("c", 90, 600),
        ("d", 1200, 0),
        ("e", 7200, 20),
    ):
        requests.append(request_of(at=start + begin * S, visitor=player))
        if length:
            requests.append(request_of(at=start + (begin + length) * S, visitor=player))
    tables = build(requests)
    (row,) = rows_of(tables)
    assert (row["session_count"], row["avg_session_s"], row["median_session_s"]) == (5, 215.0, 60.0)
    assert (row["peak_concurrent_players"], row["peak_at"]) == (3, dt.datetime(2024, 10, 4, 0, 1))  # noqa: DTZ001
    assert [r["concurrent_players"] for r in tables["concurrency_minutes"]] == [1, 3, 2, 2, 2, *[1] * 7, 1, 1]


def test_no_row_of_a_table_without_a_player(build, request_of):
    bots = [
        request_of(at=FIRST * DAY, bot_reason="crawler"),
        request_of(at=FIRST * DAY + S, bot_reason="crawler"),
    ]
    empty, only_bots = build([]), build(bots)
    assert all(rows == [] for rows in empty.values())
    assert [name for name, rows in only_bots.items() if rows] == ["sessions", "traffic_hours"]
    assert only_bots["sessions"][0]["request_count"] == 2


def test_bots_and_anonymous_visitors_are_counted_beside_players(build, request_of):
    at = FIRST * DAY
    requests = [
        request_of(at=at, known_id="p"),
        request_of(at=at + 1, visitor="a"),
        request_of(at=at + 2, visitor="a", is_activity_route=False),
        request_of(at=at + 3, visitor="b", status=403),
        request_of(at=at + 4, visitor="c", bot_reason="crawler", is_activity_route=False),
        request_of(at=at + 5, visitor="d", stream="elb", bot_reason="crawler"),
    ]
    (row,) = rows_of(build(requests, identity="player"))
    assert (row["dau"], row["anonymous_visitors"], row["bot_request_count"]) == (1, 2, 1)
    (row,) = rows_of(build(requests, identity="visitor"))
    assert (row["dau"], row["anonymous_visitors"], row["bot_request_count"]) == (3, 0, 1)
