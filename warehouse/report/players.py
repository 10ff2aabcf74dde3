"""The section on players: how many play, and whether they are new, regular or back after a break."""

from __future__ import annotations

from warehouse import queries
from warehouse.queries import Readable
from warehouse.report import charts, text
from warehouse.report.charts import Line
from warehouse.report.page import Column, Figure, Section, View, table
from warehouse.report.period import Period


def players_section(warehouse: Readable, period: Period) -> Section:
    """Make the charts of daily players and of their lifecycle."""
    return Section(
        "players",
        "Players",
        "How many play, and whether they are new, regular or back after a break.",
        (_dau(warehouse, period), _lifecycle(warehouse, period)),
    )


def _dau(warehouse: Readable, period: Period) -> Figure:
    frame = queries.dau(warehouse, since=period.since, until=period.until)
    peak = frame.nlargest(1, "dau").iloc[0]
    says = (
        f"From {text.day(frame['activity_date'].iloc[0])} to {text.day(frame['activity_date'].iloc[-1])}"
        f" a day had {frame['dau'].mean():,.0f} players on average;"
        f" the most, {text.count(peak['dau'])}, came on {text.day(peak['activity_date'])}."
    )
    if len(frame) == 1:
        when = text.day(frame["activity_date"].iloc[0])
        says = f"The logs hold one day, {when}, with {text.plural(int(peak['dau']), 'player')}."
    notes = []
    if int(frame["history_days"].iloc[0]) < 30:
        notes.append("In the first 30 days of the logs the 30-day figure has less history to count.")
    if period.is_unfinished:
        notes.append(f"The logs end during {text.day(period.until)}: that day is not complete.")
    return Figure(
        id="dau",
        title="Players per day, in 7 days and in 30 days",
        says=says,
        alt=f"Line chart of daily, weekly and monthly players over time. {says}",
        views=(
            View(
                "all",
                "All",
                charts.lines(
                    frame,
                    "activity_date",
                    (
                        Line("mau", "in 30 days", "@s3", "dot", 1.6),
                        Line("wau", "in 7 days", "@s2", "dash", 1.6),
                        Line("dau", "per day", "@s1", "solid", 2.4),
                    ),
                    x_title="UTC day",
                    y_title="Distinct players",
                ),
            ),
        ),
        table=table(
            "Players per day, newest first",
            frame.iloc[::-1],
            (
                Column("activity_date", "Day", text.day),
                Column("dau", "Per day"),
                Column("wau", "In 7 days"),
                Column("mau", "In 30 days"),
                Column("stickiness_ratio", "Stickiness", text.percent),
            ),
        ),
        notes=tuple(notes),
        defined=(
            "dau",
            "wau",
            "mau",
            "stickiness_ratio",
        ),
    )


def _lifecycle(warehouse: Readable, period: Period) -> Figure:
    frame = queries.lifecycle(warehouse, since=period.since, until=period.until)
    kinds = ("new_players", "returning_players", "resurrected_players", "dormant_players")
    sums = {kind: int(frame[kind].sum()) for kind in kinds}
    gained = sums["new_players"] + sums["resurrected_players"]
    says = (
        f"{gained:,} arrivals ({sums['new_players']:,} new, {sums['resurrected_players']:,} back after a"
        f" break) stand against {sums['dormant_players']:,} times when a player of the day before"
        " stayed away."
    )
    drawn = frame.assign(away=-frame["dormant_players"])
    return Figure(
        id="lifecycle",
        title="Where each day's players came from, and who stayed away",
        says=says,
        alt=f"Bars per day: new, returning and resurrected players above zero, dormant ones below. {says}",
        views=(
            View(
                "all",
                "All",
                charts.stacked(
                    drawn,
                    "activity_date",
                    (
                        Line("returning_players", "returning", "@s1"),
                        Line("resurrected_players", "resurrected", "@s2"),
                        Line("new_players", "new", "@s3"),
                        Line("away", "dormant", "@s5"),
                    ),
                    x_title="UTC day",
                    y_title="Players (dormant below zero)",
                ),
            ),
        ),
        table=table(
            "Lifecycle per day, newest first",
            frame.iloc[::-1],
            (
                Column("activity_date", "Day", text.day),
                Column("new_players", "New"),
                Column("returning_players", "Returning"),
                Column("resurrected_players", "Resurrected"),
                Column("dormant_players", "Dormant"),
            ),
        ),
        defined=kinds,
    )
