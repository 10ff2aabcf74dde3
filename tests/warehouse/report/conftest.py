"""A made-up game of sixty days: the same rows every time, consistent where the report relies on it."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Table, create_engine, insert, select, update

from warehouse import schema
from warehouse.definitions import definition_rows

FIRST = date(2026, 8, 1)
NOW = datetime.fromisoformat("2026-09-30T06:15")
ROUTES = [
    ("POST", "/v1/sessions", 0.07, 18.0),
    ("GET", "/v1/players/{player_id}/state", 0.12, 9.0),
    ("PUT", "/v1/players/{player_id}/state", 0.2, 14.0),
    ("POST", "/v1/matches", 0.22, 22.0),
    ("POST", "/v1/matches/{match_id}/finish", 0.21, 31.0),
    ("GET", "/v1/shop", 0.1, 12.0),
    ("POST", "/v1/purchases", 0.01, 48.0),
    ("(none)", "(not found)", 0.07, 1.0),
]
EVENTS = ["login", "load_state", "match_start", "match_finish", "shop_view", "save_state"]


@dataclass(frozen=True)
class Rows:
    """A warehouse that consists of its engine."""

    engine: Engine


def write(engine: Engine, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows; columns that the row leaves out are filled with a neutral value of their type."""
    if not rows:
        return
    neutral: dict[str, Any] = {}
    for column in table.c:
        if column.nullable:
            neutral[column.name] = None
        else:
            kind = column.type.python_type
            neutral[column.name] = {
                datetime: datetime.combine(FIRST, time()),
                date: FIRST,
            }.get(kind) or kind()
    with engine.begin() as connection:
        connection.execute(insert(table), [neutral | row for row in rows])


@pytest.fixture(scope="session")
def empty_rows(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Rows]:
    """Give a maker of warehouses that have all tables and no row."""

    def make() -> Rows:
        path = tmp_path_factory.mktemp("warehouse") / "rows.db"
        engine = create_engine(f"sqlite:///{path}")
        schema.metadata.create_all(engine)
        return Rows(engine)

    return make


@pytest.fixture(scope="session")
def plausible(empty_rows: Callable[[], Rows]) -> Iterator[Rows]:
    """Give sixty days of a game with about 120 players a day, a slow release on day 40 and some bad lines."""
    rows = empty_rows()
    fill(rows.engine, days=60)
    yield rows
    rows.engine.dispose()


HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "\"'`><svg onload=alert(3)>",
    "</script><!--<script>alert(4)",
    "<a href='javascript:alert(5)'>go</a>&lt;b&gt;%{x}$x^2$",
    "line\u2028end\u2029\u202eabc\u2066\x00\x1b[31m",
    "@s1",
    "=HYPERLINK(1)",
    "x" * 65_536,
)
"""What people put into paths, referrers and user agents."""


@pytest.fixture(scope="session")
def hostile(empty_rows: Callable[[], Rows]) -> Iterator[Rows]:
    """Give a game of twenty days in which every text of a log is an attack."""
    rows = empty_rows()
    fill(rows.engine, days=20)
    changes: dict[Table, tuple[str, ...]] = {
        schema.traffic_hours: ("route", "method", "stream"),
        schema.traffic_sources: ("referrer_host", "utm_source", "utm_campaign"),
        schema.rejected_lines: ("raw", "reason"),
        schema.log_objects: ("format", "stream", "reason"),
        schema.object_sightings: ("object_uri",),
        schema.funnel_steps: ("event_name", "funnel"),
        schema.data_checks: ("found",),
        schema.load_runs: ("message", "engine"),
        schema.sessions: ("bot_reason",),
    }
    with rows.engine.begin() as connection:
        for table, columns in changes.items():
            # One row for each text; other rows stay, so that hostile and plain stand side by side.
            keys = connection.execute(select(*table.primary_key.columns).limit(len(HOSTILE))).fetchall()
            for key, value in zip(keys, HOSTILE, strict=False):
                chosen = [c == k for c, k in zip(table.primary_key.columns, key, strict=True)]
                connection.execute(update(table).where(*chosen).values(dict.fromkeys(columns, value)))
    day = FIRST + timedelta(3)
    write(
        rows.engine,
        schema.path_transitions,
        [
            {
                "activity_date": day,
                "from_event": one,
                "to_event": other,
                "transition_count": 9_000 + n,
                "player_count": 1,
            }
            for n, (one, other) in enumerate(zip(HOSTILE, HOSTILE[1:] + HOSTILE[:1], strict=True))
        ],
    )
    yield rows
    rows.engine.dispose()


def fill(engine: Engine, *, days: int, seed: int = 7) -> None:
    """Write a game of so many days."""
    chance = random.Random(seed)
    active = _active_days(chance, days)
    write(engine, schema.load_runs, [_run(days)])
    write(engine, schema.daily_activity, _daily(active, days, chance))
    write(engine, schema.retention, _retention(active, days))
    write(engine, schema.funnel_steps, _funnels(active, days, chance))
    _write_traffic(engine, days, chance)
    _write_quality(engine, days)


def _active_days(chance: random.Random, days: int) -> dict[int, set[int]]:
    active: dict[int, set[int]] = {}
    for day in range(days):
        for _ in range(11 + chance.randrange(7) + (3 if (FIRST + timedelta(day)).weekday() >= 5 else 0)):
            loyalty = chance.random() ** 2.2
            slow = 0.72 if day >= 40 else 1.0
            active[len(active)] = {day} | {
                later
                for later in range(day + 1, days)
                if chance.random() < loyalty * slow * (0.35 + 0.65 * math.exp(-(later - day) / 14))
            }
    return active


def _daily(active: dict[int, set[int]], days: int, chance: random.Random) -> list[dict[str, Any]]:
    rows = []
    for day in range(days):
        today = {p for p, dates in active.items() if day in dates}
        before = {p for p, dates in active.items() if day - 1 in dates}
        new = {p for p in today if min(active[p]) == day}
        wau, mau = (
            len({p for p, d in active.items() if any(day - n < x <= day for x in d)}) for n in (7, 30)
        )
        sessions = round(len(today) * 1.7)
        rows.append(
            {
                "activity_date": FIRST + timedelta(day),
                "dimension": "all",
                "value": "all",
                "dau": len(today),
                "wau": wau,
                "mau": mau,
                "history_days": day + 1,
                "stickiness_ratio": len(today) / mau if day >= 29 else None,
                "new_players": len(new),
                "returning_players": len(today & before),
                "resurrected_players": len(today - before - new),
                "dormant_players": len(before - today),
                "anonymous_visitors": chance.randrange(4, 20),
                "session_count": sessions,
                "avg_session_s": 610.0 + chance.randrange(90),
                "median_session_s": 455.0 + chance.randrange(60),
                "peak_concurrent_players": len(today) // 6 + chance.randrange(3),
                "peak_at": datetime.combine(FIRST + timedelta(day), time(19, chance.randrange(60))),
                "request_count": sessions * 24,
                "bot_request_count": 80 + chance.randrange(60),
                "error_ratio": (0.021 if day >= 40 else 0.004) + chance.random() / 500,
            }
        )
    return rows


def _retention(active: dict[int, set[int]], days: int) -> list[dict[str, Any]]:
    rows = []
    for cohort in range(days):
        players = [d for d in active.values() if min(d) == cohort]
        for n in [*range(91), 120, 180, 360]:
            classic = sum(cohort + n in d for d in players)
            rolling = sum(max(d) >= cohort + n for d in players)
            rows.append(
                {
                    "cohort_date": FIRST + timedelta(cohort),
                    "day_n": n,
                    "dimension": "all",
                    "value": "all",
                    "cohort_size": len(players),
                    "retained_classic": classic,
                    "retained_rolling": rolling,
                    "classic_ratio": classic / len(players),
                    "rolling_ratio": rolling / len(players),
                    "is_mature": cohort + n <= days - 1,
                    "is_closed": cohort + n < days - 1,
                }
            )
    return rows


def _funnels(active: dict[int, set[int]], days: int, chance: random.Random) -> list[dict[str, Any]]:
    rows = []
    sizes = Counter(min(d) for d in active.values())
    funnels = {
        "onboarding": [
            ("register", 1.0),
            ("tutorial_start", 0.94),
            ("tutorial_finish", 0.61),
            ("match_start", 0.9),
            ("match_finish", 0.93),
        ],
        "purchase": [("shop_view", 1.0), ("purchase", 0.043)],
    }
    for funnel, steps in funnels.items():
        for day in range(days):
            start = previous = sizes[day]
            for number, (event, share) in enumerate(steps, 1):
                players = sum(chance.random() < share for _ in range(previous)) if number > 1 else start
                rows.append(
                    {
                        "funnel": funnel,
                        "cohort_date": FIRST + timedelta(day),
                        "step_number": number,
                        "dimension": "all",
                        "value": "all",
                        "event_name": event,
                        "players": players,
                        "from_start_ratio": players / start if start else None,
                        "from_previous_ratio": players / previous if number > 1 and previous else None,
                        "is_mature": day + 14 <= days - 1,
                    }
                )
                previous = players
    return rows


def _write_traffic(engine: Engine, days: int, chance: random.Random) -> None:
    traffic, minutes, paths, sources = [], [], [], []
    for day in range(days):
        start = datetime.combine(FIRST + timedelta(day), time())
        slow = 2.6 if day >= 40 else 1.0
        for hour in range(24):
            busy = 0.25 + math.sin((hour - 7) / 24 * math.tau) ** 2 * (1.2 if hour > 12 else 0.5)
            for minute in range(60):
                count = round(busy * 7 + chance.random() * 3 - 1)
                if count > 0:
                    minutes.append(
                        {
                            "minute_at": start + timedelta(hours=hour, minutes=minute),
                            "concurrent_players": count,
                        }
                    )
            for method, route, share, base in ROUTES:
                requests = round(600 * busy * share)
                cells = {200: requests, 404: requests // 40, 500: round(requests * 0.02) if slow > 1 else 0}
                for status, count in ({404: requests} if route == "(not found)" else cells).items():
                    if count:
                        p50 = base * slow * (0.9 + chance.random() / 5)
                        traffic.append(
                            {
                                "hour_at": start + timedelta(hours=hour),
                                "stream": "server",
                                "method": method,
                                "route": route,
                                "status": status,
                                "is_bot": route == "(not found)",
                                "request_count": count,
                                "bytes_sent": count * 700,
                                "p50_ms": p50,
                                "p95_ms": p50 * 3.4,
                                "p99_ms": p50 * 7.5,
                            }
                        )
        pairs: dict[tuple[str, str], int] = defaultdict(int)
        for one in ["(start)", *EVENTS]:
            for other in [*EVENTS, "(exit)"]:
                weight = len(one) * 7 + len(other) * 11
                pairs[one, other] = (weight * weight) % 97 + (
                    60 if (one, other) == ("(start)", "login") else 0
                )
        paths += [
            {
                "activity_date": start.date(),
                "from_event": one,
                "to_event": other,
                "transition_count": count,
                "player_count": min(count, 30),
            }
            for (one, other), count in pairs.items()
            if count and (one, other) != ("(start)", "(exit)")
        ]
        for number, (host, source, campaign) in enumerate(
            [
                ("(none)", "(none)", "(none)"),
                ("www.reddit.com", "(none)", "(none)"),
                ("news.ycombinator.com", "(none)", "(none)"),
                ("(none)", "newsletter", "autumn-2026"),
            ]
        ):
            sources.append(
                {
                    "activity_date": start.date(),
                    "referrer_host": host,
                    "utm_source": source,
                    "utm_campaign": campaign,
                    "sessions": 90 // (number * 3 + 1),
                    "players": 60 // (number * 3 + 1),
                    "new_players": 8 // (number + 1),
                }
            )
    write(engine, schema.traffic_hours, traffic)
    write(engine, schema.concurrency_minutes, minutes)
    write(engine, schema.path_transitions, paths)
    write(engine, schema.traffic_sources, sources)


def _run(days: int) -> dict[str, Any]:
    done = datetime.combine(FIRST + timedelta(days), time(4, 2, 11))
    return {
        "run_id": "20260930T040207-1f3a",
        "command": "run",
        "started_at": done - timedelta(seconds=4),
        "finished_at": done,
        "engine": "duckdb",
        "version": "0.1.0",
        "status": "done",
        "commit_number": 1,
        "objects": 61,
        "refused_objects": 1,
        "lines_read": 295_102,
        "accepted": 294_881,
        "rejected": 96,
        "duplicates": 44,
        "ignored": 81,
        "seconds": 3.82,
    }


def _write_quality(engine: Engine, days: int) -> None:
    run = "20260930T040207-1f3a"
    end = datetime.combine(FIRST + timedelta(days), time()) - timedelta(seconds=1)
    write(
        engine,
        schema.log_objects,
        [
            {
                "object_id": "o1",
                "content_digest": "aa",
                "size_bytes": 61_000_000,
                "format": "playerpath",
                "stream": "server",
                "first_at": datetime.combine(FIRST, time()),
                "last_at": end,
                "lines_read": 295_102,
                "accepted": 294_881,
                "rejected": 96,
                "duplicates": 44,
                "ignored": 81,
                "status": "loaded",
                "run_id": run,
            },
            {
                "object_id": "o2",
                "status": "refused",
                "reason": "cut short: the gzip stream has no end",
                "run_id": run,
            },
        ],
    )
    write(
        engine,
        schema.object_sightings,
        [{"object_uri": "logs/web-1.4711.20260904T000000.000012.log.gz", "object_id": "o2", "run_id": run}],
    )
    reasons = ["not_in_format"] * 61 + ["no_time"] * 24 + ["out_of_bounds"] * 11
    write(
        engine,
        schema.rejected_lines,
        [
            {"object_id": "o1", "byte_offset": n * 400, "reason": reason, "raw": f"\\x16\\x03\\x01 line {n}"}
            for n, reason in enumerate(reasons)
        ],
    )
    write(
        engine,
        schema.data_checks,
        [
            {"run_id": run, "check_name": name, "severity": severity, "passed": passed, "found": found}
            for name, severity, passed, found in [
                ("lifecycle_adds_up", "fail", True, "60 of 60 days"),
                ("retention_is_nested", "fail", True, "0 rows break it"),
                ("days_without_logs", "warn", False, "no line between 2026-09-04 02:00 and 03:00"),
            ]
        ],
    )
    write(
        engine,
        schema.sessions,
        [
            {
                "session_id": f"b{n}",
                "player_id": f"v{n % 9}",
                "is_bot": True,
                "bot_reason": ("crawler", "library", "crawler", "headless")[n % 4],
                "started_date": FIRST + timedelta(n % days),
                "request_count": 12 + n,
            }
            for n in range(80)
        ],
    )
    write(engine, schema.warehouse_state, [{"name": "settings.stream", "value": "server"}])
    for table, rows in definition_rows().items():
        write(engine, table, rows)
