"""Who plays, who comes back, how far they get, and what follows what."""

from __future__ import annotations

from datetime import date

import pandas as pd
from sqlalchemy import Float, Integer, cast, func, select

from warehouse.queries.frames import Readable, between, read, sliced
from warehouse.schema import daily_activity, funnel_steps, path_transitions, retention_brackets
from warehouse.schema import retention as retention_table


def dau(
    warehouse: Readable,
    *,
    since: date | None = None,
    until: date | None = None,
    dimension: str = "all",
    value: str | None = None,
) -> pd.DataFrame:
    """Give players per day, trailing week and trailing month.

    Columns: activity_date, value, dau, wau, mau, history_days, stickiness_ratio (NaN in the first 30 days).
    """
    t = daily_activity.c
    return read(
        warehouse,
        select(t.activity_date, t.value, t.dau, t.wau, t.mau, t.history_days, t.stickiness_ratio)
        .where(between(t.activity_date, since, until), sliced(daily_activity, dimension, value))
        .order_by(t.activity_date, t.value),
    )


def lifecycle(
    warehouse: Readable,
    *,
    since: date | None = None,
    until: date | None = None,
    dimension: str = "all",
    value: str | None = None,
) -> pd.DataFrame:
    """Give each day's players by what they did the day before.

    Columns: activity_date, value, dau, new_players, returning_players, resurrected_players (these three add
    up to dau) and dormant_players (positive; they are not among dau).
    """
    t = daily_activity.c
    return read(
        warehouse,
        select(
            t.activity_date,
            t.value,
            t.dau,
            t.new_players,
            t.returning_players,
            t.resurrected_players,
            t.dormant_players,
        )
        .where(between(t.activity_date, since, until), sliced(daily_activity, dimension, value))
        .order_by(t.activity_date, t.value),
    )


def activity(
    warehouse: Readable,
    *,
    since: date | None = None,
    until: date | None = None,
    dimension: str = "all",
    value: str | None = None,
) -> pd.DataFrame:
    """Give how much was played each day.

    Columns: activity_date, value, dau, session_count, avg_session_s, median_session_s,
    peak_concurrent_players, peak_at, request_count, bot_request_count, error_ratio, anonymous_visitors.
    """
    t = daily_activity.c
    return read(
        warehouse,
        select(
            t.activity_date,
            t.value,
            t.dau,
            t.session_count,
            t.avg_session_s,
            t.median_session_s,
            t.peak_concurrent_players,
            t.peak_at,
            t.request_count,
            t.bot_request_count,
            t.error_ratio,
            t.anonymous_visitors,
        )
        .where(between(t.activity_date, since, until), sliced(daily_activity, dimension, value))
        .order_by(t.activity_date, t.value),
    )


def retention(
    warehouse: Readable,
    *,
    since: date | None = None,
    until: date | None = None,
    max_day: int | None = None,
    dimension: str = "all",
    value: str | None = None,
) -> pd.DataFrame:
    """Give who of each cohort came back on day n (classic), or on day n or later (rolling).

    Columns: cohort_date, day_n, value, cohort_size, retained_classic, retained_rolling, classic_ratio,
    rolling_ratio, is_mature, is_closed. Both ratios are NaN while a row is not mature: an unfinished day is
    not a zero.
    """
    t = retention_table.c
    frame = read(
        warehouse,
        select(
            t.cohort_date,
            t.day_n,
            t.value,
            t.cohort_size,
            t.retained_classic,
            t.retained_rolling,
            t.classic_ratio,
            t.rolling_ratio,
            t.is_mature,
            t.is_closed,
        )
        .where(between(t.cohort_date, since, until), sliced(retention_table, dimension, value))
        .where(t.day_n <= (max_day if max_day is not None else 10_000))
        .order_by(t.cohort_date, t.value, t.day_n),
    )
    immature = ~frame["is_mature"].astype("bool")
    frame.loc[immature, ["classic_ratio", "rolling_ratio"]] = float("nan")
    return frame


def retention_curve(
    warehouse: Readable,
    *,
    since: date | None = None,
    until: date | None = None,
    max_day: int | None = None,
    dimension: str = "all",
    value: str | None = None,
) -> pd.DataFrame:
    """Give the weighted mean of retention over the cohorts that are mature for the day.

    Columns: day_n, value, cohorts, players (in these cohorts), classic_ratio, rolling_ratio. Each ratio is
    the sum of the retained over the sum of the cohort sizes. Cohorts differ from day to day, so a curve may
    rise.

    Source: the weighted mean over eligible cohorts, as PostHog draws it.
    """
    t = retention_table.c
    players = func.sum(t.cohort_size)
    return read(
        warehouse,
        select(
            t.day_n,
            t.value,
            func.count().label("cohorts"),
            cast(players, Integer).label("players"),
            (cast(func.sum(t.retained_classic), Float) / players).label("classic_ratio"),
            (cast(func.sum(t.retained_rolling), Float) / players).label("rolling_ratio"),
        )
        .where(between(t.cohort_date, since, until), sliced(retention_table, dimension, value))
        .where(t.is_mature, t.day_n <= (max_day if max_day is not None else 10_000))
        .group_by(t.day_n, t.value)
        .order_by(t.day_n, t.value),
        cohorts="Cohorts whose day n has come",
        players="Players of these cohorts",
        classic_ratio="Weighted mean: all who came back on exactly day n / all players of these cohorts",
        rolling_ratio="Weighted mean: all who came back on day n or later / all players of these cohorts",
    )


def brackets(warehouse: Readable, *, since: date | None = None, until: date | None = None) -> pd.DataFrame:
    """Give who of each cohort came back on any day of a bracket of days.

    Columns: cohort_date, bracket, cohort_size, retained, ratio (NaN while not mature), is_mature.
    """
    t = retention_brackets.c
    frame = read(
        warehouse,
        select(t.cohort_date, t.bracket, t.cohort_size, t.retained, t.ratio, t.is_mature)
        .where(between(t.cohort_date, since, until))
        .order_by(t.cohort_date, t.bracket),
    )
    frame["ratio"] = frame["ratio"].astype("float64").where(frame["is_mature"].astype("bool"))
    return frame


def funnel(
    warehouse: Readable,
    *,
    name: str | None = None,
    since: date | None = None,
    until: date | None = None,
    mature_only: bool = True,
    dimension: str = "all",
    value: str | None = None,
) -> pd.DataFrame:
    """Give how many got to each step of a funnel, added up over its cohorts.

    Columns: funnel, step_number, event_name, value, cohorts, players, from_start_ratio, from_previous_ratio
    (NaN for step 1). In a funnel with `cohort: date` a player counts once for each date on which he took step
    1. With `mature_only` cohorts whose window is still open are left out, because they can only look worse
    than they are.
    """
    t = funnel_steps.c
    statement = (
        select(
            t.funnel,
            t.step_number,
            func.min(t.event_name).label("event_name"),
            t.value,
            func.count().label("cohorts"),
            cast(func.sum(t.players), Integer).label("players"),
        )
        .where(between(t.cohort_date, since, until), sliced(funnel_steps, dimension, value))
        .group_by(t.funnel, t.value, t.step_number)
        .order_by(t.funnel, t.value, t.step_number)
    )
    if name is not None:
        statement = statement.where(t.funnel == name)
    if mature_only:
        statement = statement.where(t.is_mature)
    frame = read(
        warehouse,
        statement,
        event_name="Event that makes the step",
        cohorts="Cohorts that are added up",
        players="Players of these cohorts who reached the step in order, within the window after step 1",
    )
    groups = frame.groupby(["funnel", "value"], sort=False)["players"]
    frame["from_start_ratio"] = _ratio(frame["players"], groups.transform("first"))
    frame["from_previous_ratio"] = _ratio(frame["players"], groups.shift())
    frame.attrs["definitions"] |= {
        "from_start_ratio": "players / players of step 1",
        "from_previous_ratio": "players / players of the step before; empty for step 1",
    }
    return frame


def _ratio(part: pd.Series[int], whole: pd.Series[int]) -> pd.Series[float]:
    over = whole.astype("float64")
    return part.astype("float64") / over.where(over > 0)


def transitions(warehouse: Readable, *, since: date | None = None, until: date | None = None) -> pd.DataFrame:
    """Give how often one event followed another in a session, commonest first.

    Columns: from_event, to_event ((start) and (exit) mark the ends), transition_count, player_days (players
    of each day, added up: a player who did it on two days counts twice).
    """
    t = path_transitions.c
    count = func.sum(t.transition_count)
    return read(
        warehouse,
        select(
            t.from_event,
            t.to_event,
            cast(count, Integer).label("transition_count"),
            cast(func.sum(t.player_count), Integer).label("player_days"),
        )
        .where(between(t.activity_date, since, until))
        .group_by(t.from_event, t.to_event)
        .order_by(count.desc(), t.from_event, t.to_event),
        transition_count="How often the one followed the other in a session",
        player_days="Players of each day, added up over the days",
    )
