"""The sections on paths and hours: what follows what, and how many are there at once."""

from __future__ import annotations

import pandas as pd

from warehouse import queries
from warehouse.queries import Readable
from warehouse.report import charts, text
from warehouse.report.page import Column, Figure, Section, View, table
from warehouse.report.period import Period

DRAWN_PAIRS = 22
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HUES = ("@s1", "@s2", "@s3", "@s4", "@s6", "@s7")


def paths_section(warehouse: Readable, period: Period) -> Section:
    """Make the Sankey of the commonest steps from one event to the next."""
    lead = "What players do after what, within a session."
    pairs = queries.transitions(warehouse, since=period.since, until=period.until)
    if pairs.empty:
        says = (
            "No session has an event, so there are no paths. Events come from paths, or from the rules file."
        )
        return Section("paths", "Paths", lead, (Figure("paths", "Paths", says),))
    drawn, folded = pairs.head(DRAWN_PAIRS), pairs.iloc[DRAWN_PAIRS:]
    total, hidden = int(pairs["transition_count"].sum()), int(folded["transition_count"].sum())
    top = drawn.iloc[0]
    says = (
        f"The commonest step leads from {text.shown(top['from_event'], 60)} to"
        f" {text.shown(top['to_event'], 60)} ({text.count(top['transition_count'])} times,"
        f" {text.percent(top['transition_count'] / total)} of all)."
    )
    if len(folded):
        says += (
            f" Drawn are the {len(drawn)} commonest of {len(pairs):,} pairs of events;"
            f" {text.plural(len(folded), 'rarer pair')} with {text.plural(hidden, 'transition')}"
            f" ({text.percent(hidden / total)}) {'is' if len(folded) == 1 else 'are'} folded away."
        )
    figure = Figure(
        id="paths",
        title="The commonest steps from one event to the next",
        says=says,
        alt=f"Sankey diagram: events at the left, what followed at the right. {says}",
        views=(View("all", "All", charts.sankey(drawn, hues=_hues(drawn))),),
        table=table(
            "Steps, commonest first",
            pairs,
            (
                Column("from_event", "From", text.shown),
                Column("to_event", "To", text.shown),
                Column("transition_count", "Times", text.count, is_bar=True),
                Column("player_days", "Player days"),
            ),
            longest=200,
        ),
        notes=("(start) and (exit) are the ends of a session. Requests that are no event are skipped.",),
        defined=("transition_count", "path_transitions.player_count"),
    )
    return Section("paths", "Paths", lead, (figure,))


def _hues(pairs: pd.DataFrame) -> dict[str, str]:
    events = dict.fromkeys([*pairs["from_event"], *pairs["to_event"]])
    named = [event for event in events if event not in ("(start)", "(exit)")]
    return {"(start)": "@s5", "(exit)": "@s5"} | {e: HUES[n % len(HUES)] for n, e in enumerate(named)}


def hours_section(warehouse: Readable, period: Period) -> Section:
    """Make the heat map of players at once by weekday and hour."""
    lead = "How many are in a session at the same time, by hour of the week."
    frame = queries.concurrency_by_hour(warehouse, since=period.since, until=period.until)
    if frame.empty or float(frame["mean_players"].max()) == 0:
        says = "No session lasted, so nobody was there at the same time as another."
        return Section("hours", "Hours", lead, (Figure("hours", "Players at once", says),))
    best = frame.nlargest(1, "mean_players").iloc[0]
    peak = frame.nlargest(1, "peak_players").iloc[0]
    says = (
        f"It is busiest on {WEEKDAYS[int(best['weekday'])]} from {int(best['hour']):02d}:00 to"
        f" {(int(best['hour']) + 1) % 24:02d}:00 UTC, with {text.decimal(best['mean_players'])} players at"
        f" once on average; the most in one minute were {text.count(peak['peak_players'])}."
    )
    hours = list(range(24))
    wide = {
        name: frame.pivot(index="weekday", columns="hour", values=name).reindex(index=range(7), columns=hours)
        for name in ("mean_players", "peak_players")
    }
    views = tuple(
        View(
            name.removesuffix("_players"),
            heading,
            charts.heat(
                [[None if pd.isna(v) else float(v) for v in row] for row in wide[name].to_numpy()],
                x=hours,
                y=[name[:3] for name in WEEKDAYS],
                x_title="Hour of the day (UTC)",
                y_title="Weekday (UTC)",
                hover="%{y}, %{x}:00 UTC: %{z:.1f} players at once",
                is_share=False,
                row_height=28,
            ),
        )
        for name, heading in (("mean_players", "Mean"), ("peak_players", "Peak"))
    )
    shown = frame.assign(
        weekday=[WEEKDAYS[n] for n in frame["weekday"]], hour=[f"{n:02d}:00" for n in frame["hour"]]
    )
    figure = Figure(
        id="hours",
        title="Players at once, by weekday and hour (UTC)",
        says=says,
        alt=f"Heat map of seven weekdays by 24 hours. {says}",
        views=views,
        table=table(
            "Players at once by hour of the week",
            shown,
            (
                Column("weekday", "Weekday", text.shown),
                Column("hour", "Hour (UTC)", text.shown),
                Column("mean_players", "Mean", text.decimal),
                Column("peak_players", "Peak"),
                Column("days", "Days"),
            ),
        ),
        notes=("The mean is over all minutes of these hours, those with nobody too.",),
        defined=("concurrent_players",),
    )
    return Section("hours", "Hours", lead, (figure,))
