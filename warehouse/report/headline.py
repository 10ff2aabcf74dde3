"""The figures of the last full day, in words and as cards, against the week before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pandas as pd

from warehouse import queries
from warehouse.queries import Readable
from warehouse.report import text
from warehouse.report.page import Card
from warehouse.report.period import Period

SPARK_DAYS = 28


@dataclass(frozen=True)
class Headline:
    """The first sentence, the sentences after it, and the cards."""

    lead: str
    sentences: tuple[str, ...]
    cards: tuple[Card, ...]


def headline(warehouse: Readable, period: Period) -> Headline:
    """Say what the game did on the last full day, and how that stands to the seven days before."""
    days = queries.activity(warehouse, until=period.day)
    days = days.merge(
        queries.dau(warehouse, until=period.day).drop(columns=["value", "dau"]), on="activity_date"
    )
    days = days.merge(
        queries.lifecycle(warehouse, until=period.day).drop(columns=["value", "dau"]), on="activity_date"
    )
    days = days.set_index("activity_date").sort_index()
    today = days.iloc[-1]
    week = days.iloc[-8:-1]
    cohorts = queries.retention(warehouse, until=period.day, max_day=7)
    returned = [_returned(cohorts, period, n) for n in (1, 7)]
    return Headline(
        lead=_lead(today, week, period),
        sentences=tuple(_sentences(today, week, returned[0])),
        cards=(
            _card(days, "dau", "Players", text.count, "dau"),
            _card(days, "new_players", "New players", text.count, "new_players"),
            _card(days, "mau", "Players in 30 days", text.count, "mau"),
            *(_return_card(found) for found in returned),
            _card(days, "median_session_s", "Median session", text.duration, "median_session_s"),
            _card(
                days,
                "peak_concurrent_players",
                "Most at once",
                text.count,
                "peak_concurrent_players",
            ),
            _card(days, "error_ratio", "Requests that failed", text.percent, "error_ratio"),
        ),
    )


def _lead(today: pd.Series[Any], week: pd.DataFrame, period: Period) -> str:
    players = text.plural(int(today["dau"]), "player")
    start = f"On {text.day(period.day, weekday=True)}, {players} played"
    if week.empty:
        return f"{start}. It is the first day of the logs, so there is nothing to compare it with yet."
    mean = week["dau"].mean()
    how = text.compared(today["dau"], mean)
    days = (
        "an average day of the week before"
        if len(week) == 7
        else f"an average of the {len(week)} days before"
    )
    if len(week) == 1:
        days = "the day before"
    amount = f"{mean:,.0f}" if mean >= 10 or len(week) == 1 else f"{mean:,.1f}"
    return f"{start}, {how} on {days} ({amount})." if how else f"{start}."


@dataclass(frozen=True)
class _Returned:
    """Classic day-n return of the last seven cohorts whose day n is over, and of the seven before these."""

    n: int
    ratio: float | None
    before: float | None
    players: int
    first: Any
    last: Any
    points: list[float]


def _returned(cohorts: pd.DataFrame, period: Period, n: int) -> _Returned:
    rows = cohorts[cohorts["day_n"] == n]
    over = rows[(rows["cohort_date"] <= pd.Timestamp(period.day - timedelta(days=n))) & rows["is_mature"]]
    last, before = over.iloc[-7:], over.iloc[-14:-7]

    def ratio(some: pd.DataFrame) -> float | None:
        size = int(some["cohort_size"].sum())
        return int(some["retained_classic"].sum()) / size if size else None

    weeks = [over.iloc[max(end - 7, 0) : end] for end in range(1, len(over) + 1)][-SPARK_DAYS:]
    return _Returned(
        n=n,
        ratio=ratio(last),
        before=ratio(before) if len(before) == 7 else None,
        players=int(last["cohort_size"].sum()),
        first=last["cohort_date"].min() if len(last) else None,
        last=last["cohort_date"].max() if len(last) else None,
        points=[ratio(week) or 0.0 for week in weeks],
    )


def _sentences(today: pd.Series[Any], week: pd.DataFrame, returned: _Returned) -> list[str]:
    new, back, again, away = (
        int(today[f"{kind}_players"]) for kind in ("new", "returning", "resurrected", "dormant")
    )
    said = []
    if not week.empty:
        said.append(
            f"{new:,} of them {'was' if new == 1 else 'were'} new, {back:,} had played the day before and"
            f" {again:,} came back after a break; {away:,} who had played the day before stayed away."
        )
    if returned.ratio is not None:
        span = (
            f"on {text.day(returned.last, year=False)}"
            if returned.first == returned.last
            else f"from {text.day(returned.first, year=False)} to {text.day(returned.last, year=False)}"
        )
        against = (
            f" ({text.percent(returned.before)} in the week before that)"
            if returned.before is not None
            else ""
        )
        said.append(
            f"Of the {text.plural(returned.players, 'player')} who first came {span},"
            f" {text.percent(returned.ratio)} returned the next day{against}."
        )
    if not text.missing(today["error_ratio"]):
        usual = week["error_ratio"].mean() if len(week) else None
        share, against = text.percent(today["error_ratio"]), ""
        if not text.missing(usual):
            before = text.percent(usual)
            against = f" ({'as' if before == share else before} in the week before)"
        said.append(f"{share} of players' requests failed on the server{against}.")
    return said


def _card(days: pd.DataFrame, name: str, label: str, write: Any, defined: str) -> Card:
    values = days[name].astype("float64")
    week = values.iloc[-8:-1].dropna()
    return Card(
        label=label,
        value=write(values.iloc[-1]),
        note=_against(values.iloc[-1], week.mean() if len(week) else None, write),
        defined=defined,
        spark=spark(values.iloc[-SPARK_DAYS:].tolist()),
    )


def _return_card(found: _Returned) -> Card:
    note = _against(found.ratio, found.before, text.percent)
    if found.ratio is None:
        note = f"No cohort is {text.plural(found.n, 'day')} old yet"
    return Card(
        label="Back the next day" if found.n == 1 else f"Back on day {found.n}",
        value=text.percent(found.ratio),
        note=note,
        defined="retention_classic",
        spark=spark(found.points),
    )


def _against(now: Any, before: Any, write: Any) -> str:
    if text.missing(before) or text.missing(now):
        return "Nothing to compare with yet"
    shown = write(before)
    if shown == write(now):
        return "as the week before"
    return f"{'▲' if float(now) > float(before) else '▼'} week before: {shown}"


def spark(values: Sequence[float]) -> str:
    """Give the points of a sparkline in a box of 100 by 24, empty where there are fewer than two figures."""
    found = [(n, v) for n, v in enumerate(values) if not text.missing(v)]
    if len(found) < 2:
        return ""
    low, high = min(v for _, v in found), max(v for _, v in found)
    width, height = max(len(values) - 1, 1), (high - low) or 1.0
    return " ".join(f"{100 * n / width:.1f},{22 - 20 * (v - low) / height:.1f}" for n, v in found)
