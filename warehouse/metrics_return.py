"""Definitions: how many play, who is new, who comes back, how far they get."""

from __future__ import annotations

from warehouse.metrics_text import MetricDefinition

_ALL = "dimension = 'all' AND value = 'all'"
_DAILY = "one UTC day (daily_activity), for all and for each value of a dimension"
_POSTHOG_LIFECYCLE = "PostHog lifecycle; the identities are ours and are checked on every load"


def _daily(*columns: str) -> str:
    return (
        f"SELECT activity_date, {', '.join(columns)} FROM daily_activity WHERE {_ALL} ORDER BY activity_date"
    )


RETURN: tuple[MetricDefinition, ...] = (
    MetricDefinition(
        "dau",
        "number of distinct players with at least one counted request on the day",
        _DAILY,
        "Any counted request makes a player active, not only a login or the start of a session."
        " Heartbeats, refreshes and"
        " static files do not count where the rules say so. Under identity visitor a player is an address"
        " and a user"
        " agent: several people behind one address with the same browser are one.",
        "GameAnalytics, PlayFab and Unity differ in what counts as active; the recorded rules say what"
        " counts here",
        "2026-10-01 to 2026-10-06: 3, 1, 0, 0, 0, 1.",
        _daily("dau"),
    ),
    MetricDefinition(
        "wau",
        "number of distinct players of the trailing 7 days, the day itself included",
        _DAILY,
        "A rolling window, not a calendar week; in the first 6 days the window holds what history there is.",
        "PostHog trends, Unity, PlayFab",
        "2026-10-06: 3, since all three were seen within 7 days.",
        _daily("wau"),
    ),
    MetricDefinition(
        "mau",
        "number of distinct players of the trailing 30 days, the day itself included",
        _DAILY,
        "A rolling window, not a calendar month; history_days says how much history it had.",
        "PostHog trends, Unity, PlayFab",
        "2026-10-06: 3, with history_days 6.",
        _daily("mau", "history_days"),
    ),
    MetricDefinition(
        "stickiness_ratio",
        "dau / mau",
        _DAILY,
        "NULL while history_days is below 30. Many new players can hide that old ones leave: read it"
        " beside retention.",
        "Unity glossary",
        "2026-10-06: NULL (6 days of history); from 30 days on it would be 1 / 3 = 0.333.",
        _daily("stickiness_ratio"),
    ),
    MetricDefinition(
        "new_players",
        "number of players whose first day, the day of their first counted request in the logs, is this day",
        _DAILY,
        "First activity in the logs, not the making of the account: in the first days of the logs old"
        " players look new."
        " Late logs can move a player to an earlier day.",
        _POSTHOG_LIFECYCLE,
        "2026-10-01: 3; all later days: 0.",
        _daily("new_players"),
    ),
    MetricDefinition(
        "returning_players",
        "number of players active on this day and on the day before",
        _DAILY,
        "Not all who came back: who skipped a day is resurrected. dau = new + returning + resurrected.",
        _POSTHOG_LIFECYCLE,
        "2026-10-02: 1 (Ada).",
        _daily("returning_players"),
    ),
    MetricDefinition(
        "resurrected_players",
        "number of players active on this day, not on the day before, and not new",
        _DAILY,
        "One skipped day is enough.",
        _POSTHOG_LIFECYCLE,
        "2026-10-06: 1 (Bo).",
        _daily("resurrected_players"),
    ),
    MetricDefinition(
        "dormant_players",
        "number of players active on the day before and not on this day",
        _DAILY,
        "Not part of this day's dau. dau of the day before = returning + dormant holds for all; under a"
        " dimension the"
        " player is counted under his value of the day before, and the sums need not agree.",
        _POSTHOG_LIFECYCLE,
        "2026-10-02: 2 (Bo, Cy); 2026-10-03: 1 (Ada).",
        _daily("dormant_players"),
    ),
    MetricDefinition(
        "anonymous_visitors",
        "number of distinct unidentified visitors with a request on the side kept",
        _DAILY,
        "A visitor is a keyed hash of address and user agent. Who logs in later counts here and as a"
        " player: nothing is"
        " stitched together. Always 0 under identity visitor.",
        "design of Playerpath, Visitor",
        "2026-10-01: 1 (the visitor who looked at the shop).",
        _daily("anonymous_visitors"),
    ),
    MetricDefinition(
        "retention_classic",
        "classic_ratio = retained_classic / cohort_size: share of the cohort active exactly day_n days"
        " after the first day",
        "one cohort (first day), day n and dimension value (retention)",
        "Read only rows with is_mature: for the others the day has not come yet, and an empty cell is not"
        " a zero. Days are"
        " UTC calendar days, not 24 hours from the first request.",
        "GameAnalytics strict retention, PlayFab; golden case of PostHog issue 13748",
        "Cohort 2026-10-01, D0 to D6: 3, 1, 0, 0, 0, 1, 0 of 3; D6 is not mature.",
        "SELECT day_n, 1.0 * sum(retained_classic) / sum(cohort_size) AS classic_ratio, sum(cohort_size)"
        " AS players"
        f" FROM retention WHERE {_ALL} AND is_mature GROUP BY day_n ORDER BY day_n",
    ),
    MetricDefinition(
        "retention_rolling",
        "rolling_ratio = retained_rolling / cohort_size: share of the cohort active day_n days after the"
        " first day or later",
        "one cohort (first day), day n and dimension value (retention)",
        "Rises whenever somebody comes back after a long time, so it is only as good as its date; never"
        " falls for a"
        " given cohort and day. Not comparable with classic retention.",
        "PostHog retention; golden case of PostHog issue 13748",
        "Cohort 2026-10-01, D0 to D6: 3, 2, 1, 1, 1, 1, 0 of 3.",
        "SELECT day_n, 1.0 * sum(retained_rolling) / sum(cohort_size) AS rolling_ratio, sum(cohort_size)"
        " AS players"
        f" FROM retention WHERE {_ALL} AND is_mature GROUP BY day_n ORDER BY day_n",
    ),
    MetricDefinition(
        "retention_bracket",
        "ratio = retained / cohort_size: share of the cohort active on any day of the bracket"
        " (day 1, 2-4, 5-11, 12-25, 26-53)",
        "one cohort (first day) and bracket (retention_brackets)",
        "Wider brackets catch more players: compare a bracket with itself over time, not with the next one.",
        "PostHog custom brackets: widths laid end to end after day 0",
        "Cohort 2026-10-01: day 1 1/3, days 2-4 0/3, days 5-11 1/3 and not mature (it ends on 2026-10-12).",
        "SELECT bracket, 1.0 * sum(retained) / sum(cohort_size) AS ratio FROM retention_brackets"
        " WHERE is_mature GROUP BY bracket",
    ),
    MetricDefinition(
        "funnel_conversion",
        "from_start_ratio = players of the step / players of step 1; from_previous_ratio = players of the"
        " step / players of"
        " the step before. A step is the player's earliest later request of its event within the window"
        " after step 1",
        "one funnel, cohort date, step and dimension value (funnel_steps)",
        "Steps must come in order, other events may lie between; one request fills one step. Read only"
        " rows with"
        " is_mature: the window of the others is still open.",
        "PostHog funnels (sequential order, window of 14 days)",
        "register, match_start: 3 players, then 2; from_start_ratio 2 / 3 = 0.667.",
        "SELECT funnel, step_number, event_name, sum(players) AS players FROM funnel_steps"
        f" WHERE {_ALL} AND is_mature GROUP BY funnel, step_number, event_name ORDER BY funnel, step_number",
    ),
    MetricDefinition(
        "funnel_time",
        "median_from_previous_s = median (nearest rank) of the seconds from the step before to this one",
        "one funnel, cohort date, step and dimension value (funnel_steps)",
        "Only of players who reached the step: it says nothing of those who gave up.",
        "PostHog funnels, time to convert",
        "match_start: Ada needed 480 s, Bo 1,200 s; the median is 480 s.",
        "SELECT funnel, cohort_date, step_number, median_from_previous_s FROM funnel_steps"
        f" WHERE {_ALL} AND step_number > 1 ORDER BY funnel, cohort_date, step_number",
    ),
)
