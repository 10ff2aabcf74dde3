"""The sections on return and funnels: who came back, and how far people get."""

from __future__ import annotations

from typing import Any

import pandas as pd

from warehouse import queries
from warehouse.queries import Readable
from warehouse.report import charts, text
from warehouse.report.charts import Line
from warehouse.report.page import Column, Figure, Section, View, table
from warehouse.report.period import Period

MAX_DAY = 30


def retention_section(warehouse: Readable, period: Period) -> Section:
    """Make the retention curve and the heat map of cohorts."""
    lead = "Of the players who first came on a day, how many came back later."
    curve = queries.retention_curve(warehouse, since=period.since, until=period.until, max_day=MAX_DAY)
    cohorts = queries.retention(warehouse, since=period.since, until=period.until, max_day=MAX_DAY)
    later = curve[curve["day_n"] >= 1]
    if later.empty:
        says = "No cohort is a day old yet, so nobody could have come back. Load another day of logs."
        return Section("retention", "Return", lead, (Figure("retention", "Return of new players", says),))
    return Section("retention", "Return", lead, (_curve(later), _cohorts(cohorts)))


def _curve(curve: pd.DataFrame) -> Figure:
    said = [
        f"{text.percent(ratio)} on day {n}"
        for n, ratio in zip(curve["day_n"].tolist(), curve["classic_ratio"].tolist(), strict=True)
        if n in (1, 7, 14, 30)
    ]
    says = f"Of new players, on average, came back: {', '.join(said)}."
    return Figure(
        id="retention-curve",
        title="How many come back, day by day after the first",
        says=says,
        alt=f"Two curves over the days after the first: exactly that day, and that day or later. {says}",
        views=(
            View(
                "all",
                "All",
                charts.lines(
                    curve,
                    "day_n",
                    (
                        Line("rolling_ratio", "on that day or later (rolling)", "@s2", "dash"),
                        Line("classic_ratio", "on exactly that day (classic)", "@s1"),
                    ),
                    x_title="Days after the first day",
                    y_title="Share of players",
                    tick_format=".0%" if curve["rolling_ratio"].max() >= 0.08 else ".1%",
                    is_time=False,
                ),
            ),
        ),
        table=table(
            "Weighted mean over the cohorts that are old enough",
            curve,
            (
                Column("day_n", "Day"),
                Column("cohorts", "Cohorts"),
                Column("players", "Players"),
                Column("classic_ratio", "Classic", text.percent),
                Column("rolling_ratio", "Rolling", text.percent),
            ),
        ),
        notes=(
            "Weighted by the size of the cohorts that are old enough for the day; each day has other"
            " cohorts, so the curve may rise.",
        ),
        defined=("retention_classic", "retention_rolling", "retention.is_mature"),
    )


def _cohorts(cohorts: pd.DataFrame) -> Figure:
    cohorts = cohorts[cohorts["day_n"] >= 1]
    sizes = cohorts.groupby("cohort_date")["cohort_size"].first()
    mature = cohorts[cohorts["is_mature"]]
    days = list(range(1, max(int(mature["day_n"].max()), 1) + 1))
    says = (
        f"Each row is the players of one first day ({text.plural(len(sizes), 'cohort')}): the stronger the"
        " colour, the more of them came back. Days that have not come yet are empty, not zero."
    )
    views = []
    for name, column, meaning in (
        ("classic", "classic_ratio", "on exactly day"),
        ("rolling", "rolling_ratio", "on or after day"),
    ):
        wide = cohorts.pivot(index="cohort_date", columns="day_n", values=column).reindex(columns=days)
        views.append(
            View(
                name,
                name.capitalize(),
                charts.heat(
                    [[None if pd.isna(v) else float(v) for v in row] for row in wide.to_numpy()],
                    x=days,
                    y=charts.stamps(wide.index.to_series()),
                    x_title="Days after the first day",
                    y_title="First day (UTC)",
                    hover="%{y|%a %-d %b %Y}: %{z:.1%} of %{customdata} came back " + meaning + " %{x}",
                    custom=[[int(sizes[cohort])] * len(days) for cohort in wide.index],
                    is_share=True,
                    y_is_time=True,
                    row_height=9 if len(wide) > 40 else 16,
                ),
            )
        )
    return Figure(
        id="retention-cohorts",
        title="Return of each day's new players",
        says=says,
        alt=f"Heat map, one row a first day, one column a day after it. {says}",
        views=tuple(views),
        table=_cohort_table(cohorts, sizes),
        defined=("retention_classic", "retention_rolling", "retention.cohort_size"),
    )


def _cohort_table(cohorts: pd.DataFrame, sizes: pd.Series[Any]) -> Any:
    picked = [n for n in (1, 2, 3, 5, 7, 14, 21, 30) if n <= MAX_DAY]
    wide = cohorts.pivot(index="cohort_date", columns="day_n", values="classic_ratio").reindex(columns=picked)
    rolling = cohorts.pivot(index="cohort_date", columns="day_n", values="rolling_ratio").reindex(
        columns=[7, 30]
    )
    frame = pd.DataFrame({"cohort_date": wide.index, "cohort_size": sizes.reindex(wide.index).to_numpy()})
    for n in picked:
        frame[f"classic_{n}"] = wide[n].to_numpy()
    for n in (7, 30):
        frame[f"rolling_{n}"] = rolling[n].to_numpy()
    return table(
        "Cohorts, newest first; a dash is a day that has not come yet",
        frame.iloc[::-1],
        (
            Column("cohort_date", "First day", text.day),
            Column("cohort_size", "Players"),
            *(Column(f"classic_{n}", f"Day {n}", text.percent) for n in picked),
            *(Column(f"rolling_{n}", f"Day {n} or later", text.percent) for n in (7, 30)),
        ),
    )


def funnels_section(warehouse: Readable, period: Period) -> Section:
    """Make one figure a funnel: the share that reaches each step."""
    lead = "How many get from the first step to the next, within the time the funnel allows."
    mature = queries.funnel(warehouse, since=period.since, until=period.until)
    every = queries.funnel(warehouse, since=period.since, until=period.until, mature_only=False)
    figures = []
    for number, name in enumerate(every["funnel"].drop_duplicates()):
        steps = mature[mature["funnel"] == name]
        is_open = steps.empty or int(steps["players"].iloc[0]) == 0
        figures.append(
            _funnel(f"funnel-{number + 1}", every[every["funnel"] == name] if is_open else steps, is_open)
        )
    if not figures:
        says = "No funnel has a cohort. Funnels are named in the rules file (--rules), under funnels."
        figures.append(Figure("funnels", "Funnels", says))
    return Section("funnels", "Funnels", lead, tuple(figures))


def _funnel(id_: str, steps: pd.DataFrame, is_open: bool) -> Figure:
    name = text.shown(steps["funnel"].iloc[0], 60)
    first, last = steps.iloc[0], steps.iloc[-1]
    said = [
        f"{text.percent(last['from_start_ratio'])} of {text.plural(int(first['players']), 'start')}"
        f" reached {text.shown(last['event_name'], 60)}."
    ]
    lost = steps["players"].shift() - steps["players"]
    if len(steps) > 2 and float(lost.max()) > 0:
        worst = steps.assign(lost=lost).nlargest(1, "lost").iloc[0]
        said.append(
            f"Most are lost before {text.shown(worst['event_name'], 60)}, which"
            f" {text.percent(worst['from_previous_ratio'])} of those at the step before reach."
        )
    cohorts = text.plural(int(first["cohorts"]), "cohort")
    note = (
        f"{cohorts}, all of them with time left: these figures will still grow."
        if is_open
        else f"{cohorts} whose time for the funnel is over; younger ones are left out."
    )
    return Figure(
        id=id_,
        title=f"Funnel: {name}",
        says=" ".join(said),
        bars=table(
            f"Funnel {name}, step by step",
            steps,
            (
                Column("event_name", "Step", text.shown),
                Column("players", "Players", text.count, is_bar=True),
                Column("from_start_ratio", "Of the start", text.percent),
                Column("from_previous_ratio", "Of the step before", text.percent),
            ),
        ),
        notes=(note,),
        defined=("funnel_conversion", "funnel_steps.players", "funnel_steps.is_mature"),
        is_half=True,
    )
