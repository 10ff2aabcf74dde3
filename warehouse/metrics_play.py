"""Definitions: how long people play, how many at once, what they do and meet, where they come from, money."""

from __future__ import annotations

from warehouse.metrics_text import MetricDefinition

_ALL = "dimension = 'all' AND value = 'all'"
_DAILY = "one UTC day (daily_activity), for all and for each value of a dimension"
_NO_EXPORT = "NULL until an export with purchases is loaded. "


def _daily(*columns: str) -> str:
    return (
        f"SELECT activity_date, {', '.join(columns)} FROM daily_activity WHERE {_ALL} ORDER BY activity_date"
    )


PLAY: tuple[MetricDefinition, ...] = (
    MetricDefinition(
        "session_count",
        "number of players' sessions that started on the day; a session is a chain of one actor's counted"
        " requests with gaps"
        " of at most 30 minutes",
        _DAILY,
        "Not split at midnight: it belongs to the day on which it started, while dau counts every day it"
        " touches. The gap"
        " is a recorded setting.",
        "PostHog sessions, GA4, Unity (30 minutes); Matomo alone splits at midnight",
        "2026-10-01: 3 (Bo's gaps are at most 10 minutes).",
        _daily("session_count"),
    ),
    MetricDefinition(
        "avg_session_s",
        "mean of duration_s over the day's sessions, without implausible ones (over 24 hours) and"
        " single-request ones",
        _DAILY,
        "The time after the last request is unknown, so every session is really longer. A session of one"
        " request has"
        " no length at all and is left out, not counted as 0.",
        "Snowplow: unknown engaged time is NULL",
        "2026-10-01: Ada 600 s, Bo 1,200 s, Cy NULL; the mean is 900 s.",
        _daily("avg_session_s"),
    ),
    MetricDefinition(
        "median_session_s",
        "median of duration_s over the same sessions: nearest rank, the ceil(n / 2)-th smallest",
        _DAILY,
        "An actual session's length, never a mean of two. It cannot be added up over days or values.",
        "nearest-rank percentile",
        "2026-10-01: of 600 s and 1,200 s the first, 600 s.",
        _daily("median_session_s"),
    ),
    MetricDefinition(
        "play_s",
        "sum of the player's session spans, each clipped to the day",
        "one player and UTC day (player_days)",
        "Time between first and last request of a session: idle time within 30 minutes is in, time after"
        " the last"
        " request is not.",
        "design of Playerpath, player_days",
        "2026-10-01: 600 s + 1,200 s + 0 s = 1,800 s.",
        "SELECT activity_date, sum(play_s) AS play_s FROM player_days GROUP BY activity_date ORDER BY"
        " activity_date",
    ),
    MetricDefinition(
        "concurrent_players",
        "number of distinct players with minute(started_at) <= minute <= minute(ended_at)",
        "one UTC minute (concurrency_minutes)",
        "Assumes that a player is there until his last request and gone in the next minute. Minutes with"
        " nobody have no row;"
        " implausible sessions are left out.",
        "design of Playerpath; no vendor computes it from logs",
        "2026-10-01 10:05 to 10:10: 2 (Ada and Bo); 10:20: 2 (Bo and Cy).",
        "SELECT minute_at, concurrent_players FROM concurrency_minutes ORDER BY minute_at",
    ),
    MetricDefinition(
        "peak_concurrent_players",
        "largest concurrent_players of the day; peak_at is the earliest such minute",
        _DAILY,
        "See concurrent_players.",
        "design of Playerpath",
        "2026-10-01: 2, first at 10:05.",
        _daily("peak_concurrent_players", "peak_at"),
    ),
    MetricDefinition(
        "request_count",
        "number of the players' counted requests on the day",
        _DAILY,
        "Less than the accepted lines: bots, uncounted routes, anonymous visitors and other streams are"
        " in traffic_hours only.",
        "design of Playerpath, Counted request",
        "2026-10-01: Ada 3, Bo 4, Cy 1; together 8.",
        _daily("request_count"),
    ),
    MetricDefinition(
        "bot_request_count",
        "number of the activity stream's requests of the day that the bot rules flag, whatever side is kept",
        _DAILY,
        "Bots that call themselves browsers are not found by their user agent.",
        "crawler lists and ua-parser cases; docs/formats.md says how many are found",
        "2026-10-01: 5 (the crawler).",
        _daily("bot_request_count"),
    ),
    MetricDefinition(
        "error_ratio",
        "players' requests answered with status 500 or above / request_count",
        _DAILY,
        "Of counted requests only; the errors of all requests are in traffic_hours. NULL on days without"
        " requests.",
        "design of Playerpath, daily_activity",
        "2026-10-01: 1 of 8 = 0.125 (Bo's 503).",
        _daily("error_ratio"),
    ),
    MetricDefinition(
        "latency_ms",
        "p50_ms, p95_ms, p99_ms: nearest rank, the ceil(q x n)-th smallest answer time, over buckets 2%"
        " wide; the value is"
        " the midpoint of the bucket",
        "one UTC hour, stream, method, route, status and bot verdict (traffic_hours); p95_ms also one"
        " player and day",
        "Within 1% of the exact value. Percentiles cannot be averaged or added up over rows. NULL where"
        " the format logs no"
        " times.",
        "nearest-rank percentile over integer bucket boundaries (jobs/access_logs/buckets.py)",
        "Ada on 2026-10-01: of 10, 20 and 30 ms the 3rd, within 1% of 30 ms.",
        "SELECT hour_at, route, p50_ms, p95_ms, p99_ms FROM traffic_hours WHERE NOT is_bot ORDER BY"
        " hour_at, route",
    ),
    MetricDefinition(
        "transition_count",
        "how often one event was directly followed by another in a session; (start) before the first,"
        " (exit) after the last",
        "one UTC day and pair of events (path_transitions)",
        "Counts transitions, not players: player_count has those. Requests without an event are skipped,"
        " equal neighbours"
        " count. No rare pair is dropped.",
        "PostHog paths",
        "2026-10-01: (start) to register 3, register to match_start 2, register to (exit) 1, match_start"
        " to (exit) 2.",
        "SELECT from_event, to_event, sum(transition_count) AS transition_count FROM path_transitions"
        " GROUP BY from_event, to_event ORDER BY transition_count DESC",
    ),
    MetricDefinition(
        "source_sessions",
        "number of players' sessions that started on the day, by referrer host, utm_source and utm_campaign"
        " of the session's first request",
        "one UTC day and source (traffic_sources)",
        "Browsers and apps often send no referrer: (none) is not the same as direct.",
        "design of Playerpath, traffic_sources",
        "2026-10-01: news.example 2 sessions, 2 players, 2 new; (none) 1, 1, 1.",
        "SELECT referrer_host, utm_source, utm_campaign, sum(sessions) AS sessions FROM traffic_sources"
        " GROUP BY referrer_host, utm_source, utm_campaign ORDER BY sessions DESC",
    ),
    MetricDefinition(
        "payers",
        "number of players with a purchase dated on the day; first_time_payers: of these, with their"
        " first one",
        _DAILY,
        _NO_EXPORT + "A payer need not be active in the logs on that day.",
        "PlayFab, GameAnalytics",
        "2026-10-02: 1 (Ada), who is also a first-time payer.",
        _daily("payers", "first_time_payers"),
    ),
    MetricDefinition(
        "revenue_usd_micros",
        "sum of the purchases dated on the day in millionths of a US dollar, each by the rate of its UTC"
        " date; refunds are"
        " negative on their own date",
        _DAILY,
        _NO_EXPORT + "Purchases only: advertising income is not in.",
        "PlayFab (daily rates)",
        "2026-10-02: 2,000,000 (2.00 US dollars).",
        _daily("revenue_usd_micros"),
    ),
    MetricDefinition(
        "arpdau_usd",
        "revenue_usd_micros / (1,000,000 x dau)",
        _DAILY,
        _NO_EXPORT + "NULL on days without active players, also where there was revenue.",
        "PlayFab, Unity",
        "2026-10-02: 2.00 / 1 active player = 2.00.",
        _daily("arpdau_usd"),
    ),
    MetricDefinition(
        "arppu_usd",
        "revenue_usd_micros / (1,000,000 x payers)",
        _DAILY,
        _NO_EXPORT + "Not the revenue of a player: only of one who pays, on a day when he pays.",
        "PlayFab, Unity",
        "2026-10-02: 2.00 / 1 payer = 2.00.",
        _daily("arppu_usd"),
    ),
)
