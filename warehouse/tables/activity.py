"""Daily figures, retention and funnels."""

from __future__ import annotations

from sqlalchemy import CheckConstraint

from warehouse.tables.columns import at, date_key, flag, int_key, integer, number, table, text, text_key

_DIMENSION = "all, or the name of a dimension such as platform"
_VALUE_OF_DAY = "all, or the player's value of that dimension on the day; (none) where he has none"
_VALUE_OF_COHORT = "all, or the player's value of that dimension on his first day; (none) where he has none"

daily_activity = table(
    "daily_activity",
    date_key("activity_date", "UTC date"),
    text_key("dimension", _DIMENSION),
    text_key("value", _VALUE_OF_DAY),
    integer("dau", "Distinct players with at least one counted request on the day"),
    integer("wau", "Distinct players of the 7 days that end on this day"),
    integer("mau", "Distinct players of the 30 days that end on this day, with what history there is"),
    integer("history_days", "Days from the first activity of all to this day, this day included"),
    number("stickiness_ratio", "dau / mau; NULL while history_days is below 30", null=True),
    integer("new_players", "Players whose first day this is"),
    integer("returning_players", "Players active on this day and the day before"),
    integer("resurrected_players", "Players active on this day, not the day before, and not new"),
    integer("dormant_players", "Players active the day before and not on this day"),
    integer(
        "anonymous_visitors",
        "Distinct unidentified visitors with a request on the side kept; 0 under identity visitor; for all"
        " players only",
        null=True,
    ),
    integer("session_count", "Players' sessions that started on this day"),
    number(
        "avg_session_s",
        "Mean seconds of these, without implausible and single-request ones; NULL if none is left",
        null=True,
    ),
    number(
        "median_session_s",
        "Median seconds of these (nearest rank), without the same; NULL if none is left",
        null=True,
    ),
    integer("peak_concurrent_players", "Most players in a session in one minute of the day", null=True),
    at("peak_at", "The earliest such minute; NULL if there was none", null=True),
    integer("request_count", "Players' counted requests of the day"),
    integer(
        "bot_request_count",
        "Bots' requests of the activity stream on the day, whatever side is kept; for all players only",
        null=True,
    ),
    number(
        "error_ratio",
        "Players' answers with status 500 or above / request_count; NULL without requests",
        null=True,
    ),
    integer("payers", "Players with a purchase on the day; NULL until an export is loaded", null=True),
    integer(
        "first_time_payers",
        "Players whose first purchase was on the day; NULL until an export is loaded",
        null=True,
    ),
    integer(
        "revenue_usd_micros",
        "Revenue of the day in millionths of a US dollar; NULL until an export is loaded",
        null=True,
    ),
    number("arpdau_usd", "US dollars per active player: revenue_usd_micros / (1,000,000 x dau)", null=True),
    number("arppu_usd", "US dollars per paying player: revenue_usd_micros / (1,000,000 x payers)", null=True),
    CheckConstraint("mau >= wau AND wau >= dau", name="windows_nest"),
    comment="One row per UTC date from the first to the last activity, for all players and for each value"
    " of a dimension."
    " Every day's dau is its new, returning and resurrected players.",
    date_column="activity_date",
)

retention = table(
    "retention",
    date_key("cohort_date", "First day of the cohort's players"),
    int_key("day_n", "Days after it: 0 to 90, 120, 180, 360"),
    text_key("dimension", _DIMENSION),
    text_key("value", _VALUE_OF_COHORT),
    integer("cohort_size", "Players of the cohort"),
    integer("retained_classic", "Of these, active exactly day_n days after the first day"),
    integer("retained_rolling", "Of these, active on that day or any later one"),
    number("classic_ratio", "retained_classic / cohort_size", null=True),
    number("rolling_ratio", "retained_rolling / cohort_size", null=True),
    flag(
        "is_mature",
        "True if cohort_date + day_n is not after the last day with activity; others must not be drawn as"
        " zero",
    ),
    flag(
        "is_closed",
        "True if cohort_date + day_n is before the last day with activity: that day can only change by"
        " late logs",
    ),
    CheckConstraint("retained_classic <= retained_rolling", name="classic_within_rolling"),
    CheckConstraint("retained_rolling <= cohort_size", name="rolling_within_cohort"),
    comment="One row per cohort, day and dimension value: who came back on day n (classic), or on day n"
    " or later (rolling).",
    date_column="cohort_date",
)

retention_brackets = table(
    "retention_brackets",
    date_key("cohort_date", "First day of the cohort's players"),
    text_key("bracket", "Days after the first day, laid end to end: 1, 2-4, 5-11, 12-25, 26-53"),
    integer("cohort_size", "Players of the cohort"),
    integer("retained", "Of these, active on any day of the bracket"),
    number("ratio", "retained / cohort_size", null=True),
    flag("is_mature", "True if the bracket's last day is not after the last day with activity"),
    CheckConstraint("retained <= cohort_size", name="retained_within_cohort"),
    comment="One row per cohort and bracket of days: who came back on any day of it.",
    date_column="cohort_date",
)

funnel_steps = table(
    "funnel_steps",
    text_key("funnel", "Name of the funnel in the rules"),
    date_key(
        "cohort_date",
        "Date of the player's step 1: his first on that date, or his first ever where the funnel says"
        " cohort: all",
    ),
    int_key("step_number", "1 for the first step"),
    text_key("dimension", _DIMENSION),
    text_key("value", _VALUE_OF_COHORT),
    text("event_name", "Event that makes the step"),
    integer("players", "Players who reached the step in order, within the window after step 1"),
    number("from_start_ratio", "players / players of step 1", null=True),
    number("from_previous_ratio", "players / players of the step before; NULL for step 1", null=True),
    number(
        "median_from_previous_s",
        "Median seconds since the step before (nearest rank); NULL for step 1",
        null=True,
    ),
    flag("is_mature", "True if the window has passed for the whole cohort; without a window always true"),
    CheckConstraint("step_number >= 1", name="steps_count_from_one"),
    comment="One row per funnel, cohort, step and dimension value; one request fills one step.",
    date_column="cohort_date",
)
