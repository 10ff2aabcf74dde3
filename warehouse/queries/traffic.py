"""What the servers answered, how fast, where people came from, and how many were there at once."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Literal

import pandas as pd
from sqlalchemy import Column, ColumnElement, Float, Integer, and_, case, cast, extract, func, select, true

from warehouse.queries.frames import Readable, between, read
from warehouse.schema import concurrency_minutes, daily_activity, traffic_hours, traffic_sources

Grain = Literal["day", "hour"]


def traffic(
    warehouse: Readable, *, since: date | None = None, until: date | None = None, by: Grain = "day"
) -> pd.DataFrame:
    """Give requests of people and bots, of every accepted line, counted ones or not.

    Columns: start_at (of the UTC day or hour), stream, is_bot, request_count, client_errors (status 400 to
    499), server_errors (500 and above), bytes_sent (NaN where the format logs none).
    """
    t = traffic_hours.c
    start = _start(t.hour_at, by)
    return read(
        warehouse,
        select(
            start.label("start_at"),
            t.stream,
            t.is_bot,
            *_counts(),
            func.sum(t.bytes_sent).label("bytes_sent"),
        )
        .where(_within(t.hour_at, since, until))
        .group_by(start, t.stream, t.is_bot)
        .order_by(start, t.stream, t.is_bot),
        start_at=f"Start of the UTC {by}",
        bytes_sent="Sum of body bytes sent; empty where the format logs none",
        **_MEANS,
    )


def latency(
    warehouse: Readable,
    *,
    since: date | None = None,
    until: date | None = None,
    by: Grain = "day",
    stream: str | None = None,
) -> pd.DataFrame:
    """Give typical answer times of people's requests, of routes whose times are logged.

    Columns: start_at, stream, timed_requests, p50_ms, p95_ms, p99_ms. A percentile here is the mean of the
    hourly percentiles of each route and status in `traffic_hours`, weighted by their requests. It is *not*
    the percentile of all the day's requests, which hourly percentiles cannot give; it moves with it, and a
    slow hour weighs what it served.
    """
    t = traffic_hours.c
    start = _start(t.hour_at, by)
    timed = func.sum(t.request_count)
    statement = (
        select(
            start.label("start_at"),
            t.stream,
            cast(timed, Integer).label("timed_requests"),
            *(
                (func.sum(column * t.request_count) / cast(timed, Float)).label(column.name)
                for column in (t.p50_ms, t.p95_ms, t.p99_ms)
            ),
        )
        .where(_within(t.hour_at, since, until), t.p50_ms.is_not(None), t.is_bot.is_(False))
        .group_by(start, t.stream)
        .order_by(start, t.stream)
    )
    if stream is not None:
        statement = statement.where(t.stream == stream)
    weighted = "mean over hours and routes of the {} of each, weighted by requests"
    return read(
        warehouse,
        statement,
        start_at=f"Start of the UTC {by}",
        timed_requests="People's requests of the rows whose answer times are logged",
        p50_ms=weighted.format("median"),
        p95_ms=weighted.format("95th percentile"),
        p99_ms=weighted.format("99th percentile"),
    )


def errors(
    warehouse: Readable, *, since: date | None = None, until: date | None = None, stream: str | None = None
) -> pd.DataFrame:
    """Give the answers of each route that were errors, most server errors first; people and bots.

    Columns: stream, method, route, request_count, client_errors, server_errors, client_error_ratio,
    server_error_ratio. Routes without an error are in it too. Logs of different streams tell of the same
    requests: name a `stream` before adding rows up.
    """
    t = traffic_hours.c
    statement = (
        select(t.stream, t.method, t.route, *_counts())
        .where(_within(t.hour_at, since, until))
        .group_by(t.stream, t.method, t.route)
    )
    if stream is not None:
        statement = statement.where(t.stream == stream)
    frame = read(warehouse, statement, **_MEANS)
    for kind in ("client", "server"):
        frame[f"{kind}_error_ratio"] = frame[f"{kind}_errors"].astype("float64") / frame["request_count"]
        frame.attrs["definitions"][f"{kind}_error_ratio"] = f"{kind}_errors / request_count"
    order = ["server_errors", "client_errors", "request_count", "stream", "method", "route"]
    return frame.sort_values(order, ascending=[False, False, False, True, True, True], ignore_index=True)


def sources(warehouse: Readable, *, since: date | None = None, until: date | None = None) -> pd.DataFrame:
    """Give where players' sessions came from, most sessions first.

    Columns: referrer_host, utm_source, utm_campaign ((none) where there is none), sessions, player_days
    (players of each day, added up), new_players.
    """
    t = traffic_sources.c
    sessions = func.sum(t.sessions)
    keys = (t.referrer_host, t.utm_source, t.utm_campaign)
    return read(
        warehouse,
        select(
            *keys,
            cast(sessions, Integer).label("sessions"),
            cast(func.sum(t.players), Integer).label("player_days"),
            cast(func.sum(t.new_players), Integer).label("new_players"),
        )
        .where(between(t.activity_date, since, until))
        .group_by(*keys)
        .order_by(sessions.desc(), *keys),
        sessions="Players' sessions from there",
        player_days="Players of each day, added up over the days",
        new_players="Players whose first day it was",
    )


def concurrency(warehouse: Readable, *, since: date | None = None, until: date | None = None) -> pd.DataFrame:
    """Give the players in a session, minute by minute; a minute with nobody has no row.

    Columns: minute_at, concurrent_players.
    """
    t = concurrency_minutes.c
    return read(
        warehouse,
        select(t.minute_at, t.concurrent_players)
        .where(_within(t.minute_at, since, until))
        .order_by(t.minute_at),
    )


def concurrency_by_hour(
    warehouse: Readable, *, since: date | None = None, until: date | None = None
) -> pd.DataFrame:
    """Give how many play at once at each hour of the week, UTC.

    Columns: weekday (0 Monday to 6 Sunday), hour, days (of that weekday in the period), mean_players (over
    all their minutes, those with nobody too), peak_players. All 24 hours of each weekday that the period has.
    """
    t = concurrency_minutes.c
    day, hour = func.date(t.minute_at), extract("hour", t.minute_at)
    busy = read(
        warehouse,
        select(
            day.label("activity_date"),
            hour.label("hour"),
            cast(func.sum(t.concurrent_players), Integer).label("player_minutes"),
            func.max(t.concurrent_players).label("peak_players"),
        )
        .where(_within(t.minute_at, since, until))
        .group_by(day, hour),
    )
    a = daily_activity.c
    days = read(
        warehouse,
        select(a.activity_date).where(a.dimension == "all", between(a.activity_date, since, until)),
    )["activity_date"]
    grid = pd.DataFrame({"activity_date": days}).merge(pd.DataFrame({"hour": range(24)}), how="cross")
    busy["hour"] = busy["hour"].astype("int64")
    grid = grid.merge(busy, how="left", on=["activity_date", "hour"]).fillna(
        {"player_minutes": 0, "peak_players": 0}
    )
    grid["weekday"] = grid["activity_date"].dt.day_of_week
    found = grid.groupby(["weekday", "hour"], as_index=False).agg(
        days=("activity_date", "size"),
        player_minutes=("player_minutes", "sum"),
        peak_players=("peak_players", "max"),
    )
    found["mean_players"] = found["player_minutes"].astype("float64") / (60 * found["days"])
    found["peak_players"] = found["peak_players"].astype("int64")
    result = found[["weekday", "hour", "days", "mean_players", "peak_players"]]
    result.attrs["definitions"] = {
        "weekday": "0 for Monday to 6 for Sunday, UTC",
        "hour": "Hour of the day, UTC",
        "days": "Days of that weekday in the period",
        "mean_players": "Players in a session, mean over all minutes of these hours",
        "peak_players": "Most players in a session in one minute of these hours",
    }
    return result


_MEANS = {
    "request_count": "Requests, counted ones or not, of bots and people",
    "client_errors": "Of these, answered with status 400 to 499",
    "server_errors": "Of these, answered with status 500 or above",
}


def _counts() -> tuple[ColumnElement[Any], ...]:
    t = traffic_hours.c

    def total(condition: ColumnElement[bool]) -> ColumnElement[Any]:
        return cast(func.sum(case((condition, t.request_count), else_=0)), Integer)

    return (
        total(true()).label("request_count"),
        total(and_(t.status >= 400, t.status < 500)).label("client_errors"),
        total(t.status >= 500).label("server_errors"),
    )


def _start(column: Column[Any], by: Grain) -> ColumnElement[Any]:
    # func.date and not a cast: SQLite's CAST AS DATE keeps the year alone.
    return func.date(column) if by == "day" else column


def _within(column: Column[Any], since: date | None, until: date | None) -> ColumnElement[bool]:
    """Give the condition that a timestamp lies in a period of UTC days, both included."""
    bounds: list[ColumnElement[bool]] = [true()]
    if since is not None:
        bounds.append(column >= datetime.combine(since, time()))
    if until is not None:
        bounds.append(column < datetime.combine(until + timedelta(days=1), time()))
    return and_(*bounds)
