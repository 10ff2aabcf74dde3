"""Each check finds the error that it is there for."""

from __future__ import annotations

import pytest

from warehouse.checks import CHECKS, run_checks
from warehouse.engine import writing

BREAKS = {
    "dau_is_new_returning_resurrected": (
        "UPDATE daily_activity SET new_players = new_players + 1 WHERE dimension = 'platform'"
        " AND activity_date = '2026-10-02'",
        "2026-10-02 platform=ios: dau 1, new + returning + resurrected 2",
    ),
    "yesterday_is_returning_and_dormant": (
        "UPDATE daily_activity SET dormant_players = 5 WHERE value = 'all' AND activity_date = '2026-10-03'",
        "2026-10-03: active the day before 1, returning + dormant 5",
    ),
    "dau_counts_player_days": (
        "UPDATE player_days SET activity_date = '2026-10-09' WHERE player_id = 'cy'",
        "2026-10-01: dau 3, rows of player_days 2",
    ),
    "cohorts_sum_to_players": (
        "UPDATE retention SET cohort_size = 4 WHERE day_n = 0 AND cohort_date = '2026-10-01'",
        "sum of cohort sizes 5, players seen 4",
    ),
    "players_sum_player_days": (
        "UPDATE players SET active_days = 3 WHERE player_id = 'bo'",
        "players: 8 days, 7 sessions; player_days: 7 days, 7 sessions",
    ),
    "sessions_by_start_date": (
        "DELETE FROM sessions WHERE session_id = 's-bo-06'",
        "2026-10-06: session_count of player_days 1, sessions 0",
    ),
    "transitions_by_session": (
        "UPDATE path_transitions SET transition_count = 4 WHERE to_event = '(exit)'"
        " AND activity_date = '2026-10-01'",
        "(exit) transitions 8, sessions with an event 7",
    ),
    "every_line_is_in_traffic": (
        "DELETE FROM traffic_hours WHERE hour_at > '2026-11-01'",
        "accepted lines 14, requests in traffic_hours 10",
    ),
}


def failed(wh) -> dict[str, str]:
    return {check.check_name: check.found for check in wh.checks() if not check.passed}


def test_a_world_that_agrees_passes_every_check(shared) -> None:
    assert failed(shared) == {}
    assert [check.check_name for check in shared.checks()] == [check.name for check in CHECKS]


def test_an_empty_warehouse_passes_every_check(wh) -> None:
    assert failed(wh) == {}


@pytest.mark.parametrize("name", BREAKS)
def test_a_check_finds_its_error_and_gives_both_sides(shared, kit, name) -> None:
    statement, found = BREAKS[name]
    with shared.engine.connect() as connection, connection.begin() as transaction:
        assert connection.exec_driver_sql(statement).rowcount > 0
        results = {result.check_name: result for result in run_checks(connection, kit.SETTINGS)}
        transaction.rollback()
    assert (results[name].passed, results[name].found) == (False, found)


def test_every_check_that_the_database_does_not_hold_itself_is_broken_here() -> None:
    assert {check.name for check in CHECKS} - set(BREAKS) == {"no_line_disappears"}


@pytest.mark.parametrize(
    ("settings", "left_out"),
    [
        ({"identity": "visitor", "bots": "exclude"}, "is_bot = 1"),
        ({"identity": "visitor", "bots": "only"}, "is_bot = 0"),
        ({"identity": "player", "bots": "include"}, "is_identified = 0, is_bot = 1"),
    ],
)
def test_only_sessions_of_players_on_the_side_that_is_kept_are_compared(
    wh, kit, small, settings, left_out
) -> None:
    tables = small.tables()
    rows = tables["sessions"].to_pylist()
    identity, bots = settings["identity"], settings["bots"]
    for row in rows:
        row |= {"is_identified": identity == "player", "is_bot": bots == "only"}
    sessions = type(tables["sessions"]).from_pylist(rows, schema=tables["sessions"].schema)
    kit.load(wh, "r1", small, tables=tables | {"sessions": sessions}, settings=settings)
    copy = (
        "CREATE TEMP TABLE more AS SELECT * FROM sessions LIMIT 1",
        f"UPDATE more SET session_id = 'x', {left_out}",
        "INSERT INTO sessions SELECT * FROM more",
    )
    with writing(wh.engine) as connection:
        for statement in copy:
            connection.exec_driver_sql(statement)
    assert failed(wh) == {}
