"""Numbers that must agree, checked over the loaded tables inside every run's transaction.

Each check looks at the whole warehouse, not at the run's rows: an error of an earlier run is found as well.
A check that fails rolls the run back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, Connection, and_, func, select, true

from warehouse.schema import (
    daily_activity,
    log_objects,
    path_transitions,
    player_days,
    players,
    retention,
    sessions,
    traffic_hours,
)


@dataclass(frozen=True)
class CheckResult:
    """What one check found; `found` is one line that gives both sides of the first disagreement."""

    check_name: str
    severity: str  # fail | warn
    passed: bool
    found: str


@dataclass(frozen=True)
class Check:
    """One agreement: a function that describes the first disagreement, or gives None."""

    name: str
    severity: str
    meaning: str
    disagreement: Callable[[Connection, Mapping[str, str]], str | None]


def run_checks(connection: Connection, settings: Mapping[str, str]) -> tuple[CheckResult, ...]:
    """Check everything.

    Args:
        settings: the recorded ones; `identity` (player, visitor) and `bots` (exclude, only, include) say
            which
            sessions the player tables stand on.
    """
    results = []
    for check in CHECKS:
        disagreement = check.disagreement(connection, settings)
        results.append(
            CheckResult(
                check.name, check.severity, disagreement is None, disagreement or f"holds: {check.meaning}"
            )
        )
    return tuple(results)


def kept_sessions(settings: Mapping[str, str]) -> ColumnElement[bool]:
    """Say which sessions the player tables stand on: of the side that is kept, under player of known ones."""
    bots, identity = settings.get("bots", "exclude"), settings.get("identity", "visitor")
    sides = {"exclude": sessions.c.is_bot.is_(False), "only": sessions.c.is_bot.is_(True)}
    return and_(
        sides.get(bots, true()),
        sessions.c.is_identified.is_(True) if identity == "player" else true(),
    )


def _lifecycle_adds_up(connection: Connection, _settings: Mapping[str, str]) -> str | None:
    t = daily_activity.c
    parts = t.new_players + t.returning_players + t.resurrected_players
    row = connection.execute(
        select(t.activity_date, t.dimension, t.value, t.dau, parts).where(t.dau != parts).limit(1)
    ).first()
    return (
        None
        if row is None
        else f"{row[0]} {row[1]}={row[2]}: dau {row[3]}, new + returning + resurrected {row[4]}"
    )


def _yesterday_adds_up(connection: Connection, _settings: Mapping[str, str]) -> str | None:
    t = daily_activity.c
    rows = connection.execute(
        select(t.activity_date, t.dau, t.returning_players + t.dormant_players)
        .where(t.dimension == "all", t.value == "all")
        .order_by(t.activity_date)
    ).all()
    before: tuple[date | None, int] = (None, 0)
    for day, dau, from_yesterday in rows:
        active = before[1] if before[0] == day - timedelta(days=1) else 0
        if active != from_yesterday:
            return f"{day}: active the day before {active}, returning + dormant {from_yesterday}"
        before = (day, dau)
    return None


def _dau_counts_player_days(connection: Connection, _settings: Mapping[str, str]) -> str | None:
    t = daily_activity.c
    counted = _by_date(
        connection, select(player_days.c.activity_date, func.count()).group_by("activity_date")
    )
    shown = _by_date(
        connection, select(t.activity_date, t.dau).where(t.dimension == "all", t.value == "all", t.dau != 0)
    )
    return _first_difference(shown, counted, "dau", "rows of player_days")


def _cohorts_add_up(connection: Connection, _settings: Mapping[str, str]) -> str | None:
    cohorts = connection.execute(
        select(func.coalesce(func.sum(retention.c.cohort_size), 0)).where(
            retention.c.day_n == 0, retention.c.dimension == "all"
        )
    ).scalar_one()
    seen = connection.execute(
        select(func.count()).select_from(players).where(players.c.first_seen_at.is_not(None))
    ).scalar_one()
    return None if cohorts == seen else f"sum of cohort sizes {cohorts}, players seen {seen}"


def _players_add_up(connection: Connection, _settings: Mapping[str, str]) -> str | None:
    days = connection.execute(
        select(func.count(), func.coalesce(func.sum(player_days.c.session_count), 0)).select_from(player_days)
    ).one()
    sums = connection.execute(
        select(
            func.coalesce(func.sum(players.c.active_days), 0),
            func.coalesce(func.sum(players.c.session_count), 0),
        )
    ).one()
    if tuple(days) == tuple(sums):
        return None
    return f"players: {sums[0]} days, {sums[1]} sessions; player_days: {days[0]} days, {days[1]} sessions"


def _sessions_agree(connection: Connection, settings: Mapping[str, str]) -> str | None:
    t = player_days.c
    counted = _by_date(
        connection,
        select(sessions.c.started_date, func.count()).where(kept_sessions(settings)).group_by("started_date"),
    )
    summed = _by_date(
        connection,
        select(t.activity_date, func.sum(t.session_count))
        .group_by(t.activity_date)
        .having(func.sum(t.session_count) != 0),
    )
    return _first_difference(summed, counted, "session_count of player_days", "sessions")


def _starts_agree(connection: Connection, settings: Mapping[str, str]) -> str | None:
    t = path_transitions.c
    for event, column in (("(start)", t.from_event), ("(exit)", t.to_event)):
        transitions = connection.execute(
            select(func.coalesce(func.sum(t.transition_count), 0)).where(column == event)
        ).scalar_one()
        with_event = connection.execute(
            select(func.count())
            .select_from(sessions)
            .where(kept_sessions(settings), sessions.c.event_count > 0)
        ).scalar_one()
        if transitions != with_event:
            return f"{event} transitions {transitions}, sessions with an event {with_event}"
    return None


def _every_line_is_in_traffic(connection: Connection, _settings: Mapping[str, str]) -> str | None:
    accepted = connection.execute(
        select(func.coalesce(func.sum(log_objects.c.accepted), 0)).where(log_objects.c.status == "loaded")
    ).scalar_one()
    requests = connection.execute(
        select(func.coalesce(func.sum(traffic_hours.c.request_count), 0))
    ).scalar_one()
    return (
        None if accepted == requests else f"accepted lines {accepted}, requests in traffic_hours {requests}"
    )


def _no_line_disappears(connection: Connection, _settings: Mapping[str, str]) -> str | None:
    t = log_objects.c
    parts = t.accepted + t.rejected + t.duplicates + t.ignored + t.erased
    row = connection.execute(
        select(t.object_id, t.lines_read, parts).where(t.lines_read != parts).limit(1)
    ).first()
    return None if row is None else f"object {row[0]}: lines_read {row[1]}, sum of the five counts {row[2]}"


def _by_date(connection: Connection, query: object) -> dict[date, int]:
    return {day: int(count) for day, count in connection.execute(query)}  # type: ignore[call-overload]


def _first_difference(left: dict[date, int], right: dict[date, int], here: str, there: str) -> str | None:
    for day in sorted(set(left) | set(right)):
        if left.get(day, 0) != right.get(day, 0):
            return f"{day}: {here} {left.get(day, 0)}, {there} {right.get(day, 0)}"
    return None


CHECKS: tuple[Check, ...] = (
    Check(
        "dau_is_new_returning_resurrected",
        "fail",
        "dau = new + returning + resurrected, on every day and for every dimension value",
        _lifecycle_adds_up,
    ),
    Check(
        "yesterday_is_returning_and_dormant",
        "fail",
        "the players of a day are the next day's returning and dormant ones",
        _yesterday_adds_up,
    ),
    Check("dau_counts_player_days", "fail", "dau = rows of player_days of the date", _dau_counts_player_days),
    Check("cohorts_sum_to_players", "fail", "cohort sizes add up to the players seen", _cohorts_add_up),
    Check(
        "players_sum_player_days",
        "fail",
        "days and sessions of players = those of player_days",
        _players_add_up,
    ),
    Check(
        "sessions_by_start_date",
        "fail",
        "session_count of player_days = kept sessions that started on the date",
        _sessions_agree,
    ),
    Check(
        "transitions_by_session",
        "fail",
        "(start) and (exit) transitions = kept sessions with an event",
        _starts_agree,
    ),
    Check(
        "every_line_is_in_traffic",
        "fail",
        "requests of traffic_hours = accepted lines of loaded objects",
        _every_line_is_in_traffic,
    ),
    Check(
        "no_line_disappears",
        "fail",
        "lines_read = accepted + rejected + duplicates + ignored + erased, for every object",
        _no_line_disappears,
    ),
)
