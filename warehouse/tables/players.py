"""What each player did: sessions, days, and the player himself."""

from __future__ import annotations

from sqlalchemy import CheckConstraint

from warehouse.tables.columns import at, date_key, flag, integer, number, table, text, text_key

sessions = table(
    "sessions",
    date_key(
        "started_date",
        "UTC date of started_at; a session belongs to this day, also where it crosses midnight",
    ),
    text_key(
        "session_id",
        "Derived from actor, bot verdict (except under bots include) and start; the same in every run",
    ),
    text("player_id", "The actor: a known player id, or the visitor hash where none is known"),
    flag(
        "is_identified",
        "True for a known player id; false for an anonymous visitor, and for all under identity visitor",
    ),
    flag("is_bot", "True for a chain of bot requests; under bots include the verdict on its first request"),
    text(
        "bot_reason",
        "Why it is a bot: crawler, library, health_check or headless; NULL for people",
        null=True,
    ),
    at("started_at", "Time of its first request"),
    at("ended_at", "Time of its last request"),
    number(
        "duration_s",
        "ended_at - started_at in seconds; NULL for a single request, whose length nobody knows",
        null=True,
    ),
    integer("request_count", "Counted requests in it"),
    integer("event_count", "Of these, requests that a rule names as an event"),
    integer("error_count", "Of these, answered with status 500 or above"),
    integer("bytes_sent", "Sum of body bytes sent; NULL where the format logs none", null=True),
    text("entry_event", "Its first event; NULL if it has none", null=True),
    text("exit_event", "Its last event; NULL if it has none", null=True),
    text(
        "platform",
        "Platform of its first request: android, ios, windows, macos, linux, chromeos, other, (none)",
        null=True,
    ),
    flag("is_implausible", "True over 24 hours: kept, but left out of averages and concurrency"),
    CheckConstraint("ended_at >= started_at", name="ends_after_start"),
    CheckConstraint("request_count >= 1", name="has_a_request"),
    comment="One row per session: a maximal chain of one actor's counted requests with gaps of at most 30"
    " minutes"
    " (exactly 30:00 stays inside), never split at midnight. Bots' sessions are kept too, with is_bot true.",
    date_column="started_date",
)

player_days = table(
    "player_days",
    text_key("player_id", "The player (the visitor hash under identity visitor)"),
    date_key("activity_date", "UTC date on which he had at least one counted request"),
    integer(
        "session_count",
        "Sessions that started on this day; 0 where he only went on with one from the day before",
    ),
    integer("request_count", "Counted requests dated this day"),
    integer("event_count", "Of these, requests that a rule names as an event"),
    number("play_s", "Seconds of his session spans that fall on this day"),
    integer("error_count", "Of the requests, answered with status 500 or above"),
    number(
        "p95_ms",
        "95th percentile of answer times in milliseconds, nearest rank over 2% buckets; NULL without times",
        null=True,
    ),
    at("first_at", "Time of his first counted request of the day"),
    at("last_at", "Time of his last counted request of the day"),
    flag("is_new", "True on his first day"),
    text("platform", "Platform of his first counted request of the day", null=True),
    text("country", "Country (ISO 3166) of his first counted request of the day, where known", null=True),
    integer(
        "purchase_count", "Purchases dated this day; NULL until an export with purchases is loaded", null=True
    ),
    integer(
        "revenue_usd_micros",
        "Their sum in millionths of a US dollar; NULL until an export is loaded",
        null=True,
    ),
    CheckConstraint("request_count >= 1", name="has_a_request"),
    CheckConstraint("last_at >= first_at", name="ends_after_start"),
    comment="One row per player and UTC day with at least one counted request, on the side of bots that"
    " is kept.",
    date_column="activity_date",
)

players = table(
    "players",
    text_key("player_id", "The player (the visitor hash under identity visitor)"),
    at(
        "first_seen_at",
        "First counted activity in the logs: his first day and cohort; NULL if known from an export only",
        null=True,
    ),
    at("last_seen_at", "Latest counted activity in the logs", null=True),
    integer("active_days", "Number of days with activity"),
    integer("session_count", "Number of sessions"),
    text("platform", "Platform on his first day", null=True),
    text(
        "first_referrer_host",
        "Referrer's host of his first request; NULL if it names none",
        null=True,
    ),
    text("utm_source", "utm_source of his first request; NULL if it has none", null=True),
    text("utm_campaign", "utm_campaign of his first request; NULL if it has none", null=True),
    text("country", "Country (ISO 3166) on his first day, where known", null=True),
    at(
        "created_at",
        "From the export: when his account was made; an attribute, never his first day",
        null=True,
    ),
    integer("level", "From the export: his level", null=True),
    flag("email_consent", "From the export: whether he agreed to e-mail", null=True),
    integer("purchase_count", "From the export: number of purchases", null=True),
    integer("revenue_usd_micros", "From the export: revenue in millionths of a US dollar", null=True),
    comment="One row per player: what the logs say of him over all days, and what the latest export knows.",
)
