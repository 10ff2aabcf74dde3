"""A small world whose tables agree with each other, made without the models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

import warehouse
from warehouse import schema
from warehouse.load import RunLoad, RunRecord
from warehouse.rows import arrow_schema

DAY_1 = date(2026, 10, 1)
OPENING = datetime.fromisoformat("2026-10-01T10:00:00")
LATER = datetime.fromisoformat("2026-11-02T03:00:00")


@dataclass(frozen=True)
class Source:
    uri: str
    version: str = "1"
    size_bytes: int = 100


@dataclass(frozen=True)
class Receipt:
    source: Source
    object_id: str
    status: str = "loaded"
    reason: str | None = None
    content_digest: str | None = None
    size_bytes: int | None = 1_000
    first_line_digest: str | None = "first"
    format: str | None = "combined"
    stream: str | None = "server"
    host: str | None = None
    first_at: int | None = 1_790_848_800_000_000
    last_at: int | None = 1_790_849_400_000_000
    lines_read: int = 0
    accepted: int = 0
    rejected: int = 0
    ignored: int = 0
    rejected_sample: pa.Table | None = None


@dataclass(frozen=True)
class Part:
    uri: str
    object_ids: tuple[str, ...]
    table_name: str = "requests"
    stream: str = "server"
    activity_date: str | None = "2026-10-01"
    row_count: int = 2
    size_bytes: int = 500
    digest: str = "d"


def receipt(name: str, lines: int, **more: Any) -> Receipt:
    """One object with that many accepted lines; its content is named after it."""
    values: dict[str, Any] = {
        "source": Source(f"/logs/{name}.log"),
        "object_id": f"id-{name}",
        "content_digest": f"content-{name}",
        "accepted": lines,
        "lines_read": lines + more.get("rejected", 0) + more.get("ignored", 0),
    }
    return Receipt(**(values | more))


def sample(object_id: str, offsets: Sequence[int]) -> pa.Table:
    """Rejected lines as ingest gives them."""
    return pa.table(
        {
            "object_id": pa.array([object_id] * len(offsets)).dictionary_encode(),
            "byte_offset": pa.array(offsets, pa.int64()),
            "reason": pa.array(["no_time"] * len(offsets)).dictionary_encode(),
            "raw": pa.array([f"line at {n}" for n in offsets], pa.string()),
        }
    )


@dataclass
class World:
    """Players and the days on which each has one session of two requests, ten minutes apart."""

    days: Mapping[str, Sequence[int]]  # player → day numbers, 0 is 2026-10-01
    platform: str = "ios"
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        return 2 * sum(len(days) for days in self.days.values())

    def tables(self) -> dict[str, pa.Table]:
        """Every table of the models, in the order of its key."""
        self._players()
        self._days()
        self._traffic()
        made = {}
        for table in schema.MODEL_TABLES:
            keys = [column.name for column in table.primary_key.columns]
            rows = sorted(self.rows.get(table.name, []), key=lambda row: [row[key] for key in keys])
            columns = arrow_schema(table)
            made[table.name] = pa.table(
                {f.name: pa.array([row.get(f.name) for row in rows], f.type) for f in columns}, schema=columns
            )
        return made

    def _players(self) -> None:
        sessions, player_days, players = [], [], []
        for player, numbers in self.days.items():
            starts = [OPENING + timedelta(days=n) for n in sorted(numbers)]
            for start in starts:
                end = start + timedelta(minutes=10)
                shared = {"player_id": player, "request_count": 2, "event_count": 2, "error_count": 0}
                sessions.append(
                    {
                        **shared,
                        "started_date": start.date(),
                        "session_id": f"s-{player}-{start:%d}",
                        "is_identified": False,
                        "is_bot": False,
                        "started_at": start,
                        "ended_at": end,
                        "duration_s": 600.0,
                        "bytes_sent": 1_024,
                        "entry_event": "GET /",
                        "exit_event": "GET /shop",
                        "platform": self.platform,
                        "is_implausible": False,
                    }
                )
                player_days.append(
                    {
                        **shared,
                        "activity_date": start.date(),
                        "session_count": 1,
                        "play_s": 600.0,
                        "p95_ms": 12.5,
                        "first_at": start,
                        "last_at": end,
                        "is_new": start == starts[0],
                        "platform": self.platform,
                    }
                )
            players.append(
                {
                    "player_id": player,
                    "first_seen_at": starts[0],
                    "last_seen_at": starts[-1] + timedelta(minutes=10),
                    "active_days": len(starts),
                    "session_count": len(starts),
                    "platform": self.platform,
                }
            )
        self.rows |= {"sessions": sessions, "player_days": player_days, "players": players}

    def _days(self) -> None:
        last = max((max(days) for days in self.days.values()), default=-1)
        active = [{p for p, days in self.days.items() if n in days} for n in range(last + 1)]
        first = {player: min(days) for player, days in self.days.items()}
        daily, retention, brackets, funnel = [], [], [], []
        for n, players in enumerate(active):
            before = active[n - 1] if n else set()
            new = {p for p in players if first[p] == n}
            returning = players & before
            for dimension, value in (("all", "all"), ("platform", self.platform)):
                daily.append(
                    {
                        "activity_date": DAY_1 + timedelta(days=n),
                        "dimension": dimension,
                        "value": value,
                        "dau": len(players),
                        "wau": len(set().union(*active[max(0, n - 6) : n + 1])),
                        "mau": len(set().union(*active[max(0, n - 29) : n + 1])),
                        "history_days": n + 1,
                        "new_players": len(new),
                        "returning_players": len(returning),
                        "resurrected_players": len(players - new - returning),
                        "dormant_players": len(before - players),
                        "anonymous_visitors": 0,
                        "session_count": len(players),
                        "avg_session_s": 600.0 if players else None,
                        "median_session_s": 600.0 if players else None,
                        "request_count": 2 * len(players),
                        "bot_request_count": 0,
                        "error_ratio": 0.0 if players else None,
                    }
                )
            for k in range(8) if new else ():
                classic = sum(n + k in self.days[p] for p in new)
                rolling = sum(max(self.days[p]) >= n + k for p in new)
                retention.append(
                    {
                        "cohort_date": DAY_1 + timedelta(days=n),
                        "day_n": k,
                        "dimension": "all",
                        "value": "all",
                        "cohort_size": len(new),
                        "retained_classic": classic,
                        "retained_rolling": rolling,
                        "classic_ratio": classic / len(new),
                        "rolling_ratio": rolling / len(new),
                        "is_mature": n + k <= last,
                        "is_closed": n + k < last,
                    }
                )
            if new:
                back = sum(n + 1 in self.days[p] for p in new)
                day = DAY_1 + timedelta(days=n)
                brackets.append(
                    {
                        "cohort_date": day,
                        "bracket": "1",
                        "cohort_size": len(new),
                        "retained": back,
                        "ratio": back / len(new),
                        "is_mature": n < last,
                    }
                )
                funnel.append(
                    {
                        "funnel": "visit",
                        "cohort_date": day,
                        "step_number": 1,
                        "dimension": "all",
                        "value": "all",
                        "event_name": "GET /",
                        "players": len(new),
                        "from_start_ratio": 1.0,
                        "is_mature": True,
                    }
                )
        self.rows |= {
            "daily_activity": daily,
            "retention": retention,
            "retention_brackets": brackets,
            "funnel_steps": funnel,
        }

    def _traffic(self) -> None:
        transitions, hours, sources, minutes = [], [], [], []
        for day in sorted({n for days in self.days.values() for n in days}):
            players = [p for p, days in self.days.items() if day in days]
            on = DAY_1 + timedelta(days=day)
            for before, after in (("(start)", "GET /"), ("GET /", "GET /shop"), ("GET /shop", "(exit)")):
                transitions.append(
                    {
                        "activity_date": on,
                        "from_event": before,
                        "to_event": after,
                        "transition_count": len(players),
                        "player_count": len(players),
                    }
                )
            hours.append(
                {
                    "hour_at": OPENING + timedelta(days=day),
                    "stream": "server",
                    "method": "GET",
                    "route": "/",
                    "status": 200,
                    "is_bot": False,
                    "request_count": 2 * len(players),
                    "bytes_sent": 1_024 * len(players),
                    "p50_ms": 10.5,
                }
            )
            sources.append(
                {
                    "activity_date": on,
                    "referrer_host": "(none)",
                    "utm_source": "(none)",
                    "utm_campaign": "(none)",
                    "sessions": len(players),
                    "players": len(players),
                    "new_players": sum(min(self.days[p]) == day for p in players),
                }
            )
            minutes.append({"minute_at": OPENING + timedelta(days=day), "concurrent_players": len(players)})
        self.rows |= {
            "path_transitions": transitions,
            "traffic_hours": hours,
            "traffic_sources": sources,
            "concurrency_minutes": minutes,
        }


SMALL = {"ada": (0, 1), "bo": (0, 5), "cy": (0,), "dan": (31, 32)}
SETTINGS = {"identity": "visitor", "bots": "exclude"}


def record(run_id: str, **more: Any) -> RunRecord:
    return RunRecord(run_id, "run", LATER, "duckdb", "0.0.0", "settings", **more)


def load(
    wh: warehouse.Warehouse, run_id: str, world: World | None = None, **more: Any
) -> warehouse.Committed:
    """Commit one run; with a world its tables and one object that holds all its lines."""
    if world is not None:
        more = {"tables": world.tables(), "receipts": [receipt("all", world.requests)]} | more
    with wh.lease(run_id) as lease:
        return wh.commit(RunLoad(**({"run": record(run_id), "lease": lease, "settings": SETTINGS} | more)))


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = LATER

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'playerpath.db'}"


@pytest.fixture
def wh(url: str, clock: Clock) -> Iterator[warehouse.Warehouse]:
    with warehouse.connect(url, create=True, clock=clock) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[warehouse.Warehouse]:
    """A warehouse with the small world in it, for tests that only read."""
    url = f"sqlite:///{tmp_path_factory.mktemp('shared')}/playerpath.db"
    with warehouse.connect(url, create=True, clock=Clock()) as opened:
        load(opened, "r1", World(SMALL))
        yield opened


@pytest.fixture
def small() -> World:
    return World(SMALL)


@pytest.fixture(scope="session")
def kit() -> Any:
    """The makers above, for test modules (which cannot import a conftest)."""

    makers = (World, Receipt, Source, Part, Clock, receipt, sample, record, load)
    return SimpleNamespace(
        SMALL=SMALL, SETTINGS=SETTINGS, DAY_1=DAY_1, **{maker.__name__: maker for maker in makers}
    )
