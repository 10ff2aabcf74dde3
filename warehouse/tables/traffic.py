"""Requests by hour, where people came from, what followed what, and how many were there at once."""

from __future__ import annotations

from sqlalchemy import CheckConstraint

from warehouse.tables.columns import at_key, date_key, flag_key, int_key, integer, number, table, text_key

path_transitions = table(
    "path_transitions",
    date_key(
        "activity_date",
        "UTC date of the later request; for (start) of the first event, for (exit) of the last",
    ),
    text_key("from_event", "The earlier event, or (start)"),
    text_key("to_event", "The event that follows in the same session, or (exit)"),
    integer(
        "transition_count",
        "How often the one followed the other; equal neighbours count, requests without event are skipped",
    ),
    integer("player_count", "Distinct players who did it on that date"),
    CheckConstraint("player_count <= transition_count", name="players_within_transitions"),
    comment="One row per date and pair of consecutive events in players' sessions. Every pair is kept,"
    " none is cut as rare.",
    date_column="activity_date",
)

traffic_hours = table(
    "traffic_hours",
    at_key("hour_at", "Start of the UTC hour"),
    text_key("stream", "Family of logs: server, elb or cloudfront"),
    text_key("method", "Request method; (none) where the request field is empty or binary"),
    text_key(
        "route",
        "Route of the rules, or the folded path; (not found) for 400, 404, 405; (other) where nothing fits",
    ),
    int_key("status", "Response status; 0 where the format has none"),
    flag_key("is_bot", "Verdict on the requests of this row"),
    integer("request_count", "Requests, counted ones or not, of bots and people"),
    integer("bytes_sent", "Sum of body bytes sent; NULL where the format logs none", null=True),
    number(
        "p50_ms",
        "Median answer time in milliseconds, nearest rank over 2% buckets; NULL without times",
        null=True,
    ),
    number("p95_ms", "95th percentile of answer times in milliseconds, likewise", null=True),
    number("p99_ms", "99th percentile of answer times in milliseconds, likewise", null=True),
    CheckConstraint("request_count >= 1", name="has_a_request"),
    comment="One row per hour, stream, method, route, status and bot verdict, of every accepted line.",
    date_column="hour_at",
)

traffic_sources = table(
    "traffic_sources",
    date_key("activity_date", "UTC date on which the sessions started"),
    text_key(
        "referrer_host", "Host of the referrer of the session's first request; (none) where there is none"
    ),
    text_key("utm_source", "utm_source of the session's first request; (none) where there is none"),
    text_key("utm_campaign", "utm_campaign of the session's first request; (none) where there is none"),
    integer("sessions", "Players' sessions from there"),
    integer("players", "Distinct players of these"),
    integer("new_players", "Of these, players whose first session it was: each counts under one source"),
    CheckConstraint("new_players <= players AND players <= sessions", name="counts_nest"),
    comment="One row per date and source of players' sessions.",
    date_column="activity_date",
)

concurrency_minutes = table(
    "concurrency_minutes",
    at_key("minute_at", "Start of the UTC minute"),
    integer(
        "concurrent_players", "Distinct players with minute(started_at) <= this minute <= minute(ended_at)"
    ),
    CheckConstraint("concurrent_players >= 1", name="somebody_is_there"),
    comment="One row per minute in which a player was in a session; other minutes have no row."
    " Implausible sessions are out.",
    date_column="minute_at",
)
