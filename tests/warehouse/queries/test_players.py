"""What the queries on players answer, against figures worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd
import pytest

from warehouse import queries, schema

# Three players of 1 October return on day 1, on day 5 and never; one player of 5 October returns on day 1.
# The last day with activity is 7 October.
CLASSIC = {date(2026, 10, 1): [3, 1, 0, 0, 0, 1, 0], date(2026, 10, 5): [1, 1, 0, 0, 0, 0, 0]}
ROLLING = {date(2026, 10, 1): [3, 2, 1, 1, 1, 1, 0], date(2026, 10, 5): [1, 1, 0, 0, 0, 0, 0]}
LAST = date(2026, 10, 7)


def cohorts() -> list[dict[str, Any]]:
    return [
        {
            "cohort_date": cohort,
            "day_n": n,
            "dimension": "all",
            "value": "all",
            "cohort_size": sizes[0],
            "retained_classic": sizes[n],
            "retained_rolling": ROLLING[cohort][n],
            "classic_ratio": sizes[n] / sizes[0],
            "rolling_ratio": ROLLING[cohort][n] / sizes[0],
            "is_mature": (LAST - cohort).days >= n,
            "is_closed": (LAST - cohort).days > n,
        }
        for cohort, sizes in CLASSIC.items()
        for n in range(7)
    ]


def day(number: int, **figures: int) -> dict[str, Any]:
    return {
        "activity_date": date(2026, 10, number),
        "dimension": "all",
        "value": "all",
        "wau": 9,
        "mau": 9,
        "session_count": 0,
        "request_count": 0,
        "history_days": number,
        **figures,
    }


def test_players_of_a_period_come_in_order_of_days(rows: Any) -> None:
    tables = {schema.daily_activity: [day(3, dau=4), day(1, dau=2), day(2, dau=3), day(4, dau=5)]}
    found = queries.dau(rows(tables), since=date(2026, 10, 2), until=date(2026, 10, 3))
    assert found["dau"].tolist() == [3, 4]
    assert found["activity_date"].tolist() == [pd.Timestamp("2026-10-02"), pd.Timestamp("2026-10-03")]
    assert found["stickiness_ratio"].isna().all()


def test_a_dimension_gives_its_values_and_leaves_all_out(rows: Any) -> None:
    tables = {
        schema.daily_activity: [
            day(1, dau=5),
            day(1, dau=3) | {"dimension": "platform", "value": "android"},
            day(1, dau=2) | {"dimension": "platform", "value": "ios"},
        ]
    }
    assert queries.dau(rows(tables), dimension="platform")["dau"].tolist() == [3, 2]
    assert queries.dau(rows(tables), dimension="platform", value="ios")["dau"].tolist() == [2]
    assert queries.dau(rows(tables))["dau"].tolist() == [5]


def test_lifecycle_keeps_dormant_players_positive(rows: Any) -> None:
    figures = {"new_players": 2, "returning_players": 1, "resurrected_players": 1, "dormant_players": 3}
    found = queries.lifecycle(rows({schema.daily_activity: [day(2, dau=4, **figures)]}))
    assert found.drop(columns=["activity_date", "value"]).to_dict("records") == [{"dau": 4, **figures}]


def test_retention_of_days_that_have_not_come_is_missing_and_not_zero(rows: Any) -> None:
    found = queries.retention(rows({schema.retention: cohorts()}), since=date(2026, 10, 5))
    assert found["classic_ratio"].tolist()[:3] == [1.0, 1.0, 0.0]
    assert found["classic_ratio"].isna().tolist() == [False] * 3 + [True] * 4
    assert found["rolling_ratio"].isna().tolist() == [False] * 3 + [True] * 4


def test_the_curve_is_weighted_by_the_size_of_mature_cohorts(rows: Any) -> None:
    found = queries.retention_curve(rows({schema.retention: cohorts()}))
    assert found["cohorts"].tolist() == [2, 2, 2, 1, 1, 1, 1]
    assert found["players"].tolist() == [4, 4, 4, 3, 3, 3, 3]
    assert found["classic_ratio"].tolist() == [1.0, 2 / 4, 0.0, 0.0, 0.0, 1 / 3, 0.0]
    assert found["rolling_ratio"].tolist() == [1.0, 3 / 4, 1 / 4, 1 / 3, 1 / 3, 1 / 3, 0.0]


def test_the_curve_stops_at_the_day_asked_for(rows: Any) -> None:
    assert queries.retention_curve(rows({schema.retention: cohorts()}), max_day=1)["day_n"].tolist() == [0, 1]


def test_a_bracket_that_is_not_over_has_no_ratio(rows: Any) -> None:
    bracket = {"cohort_date": date(2026, 10, 1), "cohort_size": 4, "retained": 1, "ratio": 0.25}
    tables = {
        schema.retention_brackets: [
            bracket | {"bracket": "1", "is_mature": True},
            bracket | {"bracket": "2-4", "is_mature": False},
        ]
    }
    found = queries.brackets(rows(tables))
    assert found["ratio"].tolist()[0] == 0.25
    assert found["ratio"].isna().tolist() == [False, True]


def steps(cohort: int, counts: Sequence[int], *, is_mature: bool) -> list[dict[str, Any]]:
    return [
        {
            "funnel": "onboarding",
            "cohort_date": date(2026, 10, cohort),
            "step_number": number,
            "dimension": "all",
            "value": "all",
            "event_name": ("register", "tutorial", "match")[number - 1],
            "players": players,
            "is_mature": is_mature,
        }
        for number, players in enumerate(counts, 1)
    ]


def test_a_funnel_adds_up_cohorts_whose_time_is_over(rows: Any) -> None:
    tables = {
        schema.funnel_steps: [
            *steps(1, (10, 5, 2), is_mature=True),
            *steps(2, (6, 3, 2), is_mature=True),
            *steps(3, (8, 1, 0), is_mature=False),
        ]
    }
    found = queries.funnel(rows(tables))
    assert found["event_name"].tolist() == ["register", "tutorial", "match"]
    assert found["players"].tolist() == [16, 8, 4]
    assert found["cohorts"].tolist() == [2, 2, 2]
    assert found["from_start_ratio"].tolist() == [1.0, 0.5, 0.25]
    assert found["from_previous_ratio"].tolist()[1:] == [0.5, 0.5]
    assert found["from_previous_ratio"].isna().tolist() == [True, False, False]
    assert queries.funnel(rows(tables), mature_only=False)["players"].tolist() == [24, 9, 4]


def test_a_funnel_that_nobody_started_has_no_ratios(rows: Any) -> None:
    found = queries.funnel(rows({schema.funnel_steps: steps(1, (0, 0, 0), is_mature=True)}))
    assert found["from_start_ratio"].isna().all()
    assert found["from_previous_ratio"].isna().all()


def test_transitions_add_up_days_and_the_commonest_stands_first(rows: Any) -> None:
    def step(number: int, one: str, other: str, count: int, players: int) -> Mapping[str, Any]:
        return {
            "activity_date": date(2026, 10, number),
            "from_event": one,
            "to_event": other,
            "transition_count": count,
            "player_count": players,
        }

    tables = {
        schema.path_transitions: [
            step(1, "(start)", "login", 2, 2),
            step(1, "login", "login", 4, 1),
            step(2, "(start)", "login", 3, 2),
        ]
    }
    assert queries.transitions(rows(tables)).to_dict("records") == [
        {"from_event": "(start)", "to_event": "login", "transition_count": 5, "player_days": 4},
        {"from_event": "login", "to_event": "login", "transition_count": 4, "player_days": 1},
    ]


@pytest.mark.parametrize(
    "name", [n for n in queries.__all__ if n not in ("Readable", "refused_count", "settings")]
)
def test_every_answer_says_what_its_columns_mean_also_when_it_is_empty(rows: Any, name: str) -> None:
    found = getattr(queries, name)(rows({}))
    assert list(found.attrs["definitions"]) == list(found.columns)
    assert all(found.attrs["definitions"].values())
