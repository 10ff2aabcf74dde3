"""The design's section 5 in plain Python: every table of a few dozen requests, in no hurry.

Loaded by the fixture ``recomputed``.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from jobs.access_logs.buckets import midpoints
from jobs.access_logs.routes import Funnel
from jobs.access_logs.settings import MeaningSettings

US = 1_000_000
MINUTE, HOUR, DAY = 60 * US, 3600 * US, 86_400 * US
N_OF_RETENTION = [*range(91), 120, 180, 360]
BRACKETS = {"1": (1, 1), "2-4": (2, 4), "5-11": (5, 11), "12-25": (12, 25), "26-53": (26, 53)}
Rows = list[dict[str, Any]]


def at(us: int | None) -> dt.datetime | None:
    return None if us is None else dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=us)  # noqa: DTZ001


def date(day: int) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=day)


def nearest(values: list[int], percent: int) -> int | None:
    return sorted(values)[math.ceil(percent * len(values) / 100) - 1] if values else None


def ms(buckets: list[int], percent: int) -> float | None:
    found = nearest(buckets, percent)
    return None if found is None else midpoints()[found] / 1000


def grouped(rows: Any, key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
    groups = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def total(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


class Recomputed:
    """The design's section 5, for lists of a few dozen requests."""

    def __init__(self, requests: list[Any], meant: MeaningSettings) -> None:
        self.meant, self.requests = meant, requests
        self.by_player = meant.identity == "player"
        acting = sorted((r for r in requests if r.is_in_session(meant)), key=self.order)
        self.chains = [self.session(chain) for chain in self.split(acting)]
        self.played = [s for s in self.chains if s["is_player"]]
        counted = [r for r in acting if self.is_player(r)]
        self.days = grouped(counted, lambda r: (self.actor(r), r.at // DAY))
        self.dates_of = {p: sorted(d for q, d in self.days if q == p) for p, _ in self.days}
        self.dates = sorted({day for _, day in self.days})

    def actor(self, r: Any) -> str:
        return (r.known_id if self.by_player else None) or r.visitor

    def is_player(self, r: Any) -> bool:
        is_known = not self.by_player or r.known_id is not None
        return r.is_in_session(self.meant) and r.is_on_kept_side(self.meant) and is_known

    def order(self, r: Any) -> Any:
        is_player, is_bot = self.is_player(r), r.bot_reason is not None
        fields = (
            r.stream, self.actor(r), self.by_player and r.known_id is not None,
            is_bot and self.meant.bots != "include", is_bot, r.bot_reason, r.event, r.route,
            r.method or "(none)", r.status or 0, r.bytes_sent, r.bucket,
            r.platform, r.referrer_host, r.utm_source, r.utm_campaign, r.country, r.is_in_session(self.meant),
            True, is_player,
        )  # fmt: skip
        return r.at, r.order_hi, r.order_lo, tuple((field is not None, field) for field in fields)

    def split(self, acting: list[Any]) -> list[list[Any]]:
        def side(r: Any) -> Any:
            is_bot = self.meant.bots != "include" and r.bot_reason is not None
            return self.actor(r), self.by_player and r.known_id is not None, is_bot

        chains: list[list[Any]] = []
        for rows in grouped(acting, side).values():
            for number, row in enumerate(rows):
                if number == 0 or row.at - rows[number - 1].at > self.meant.session_gap_us:
                    chains.append([])
                chains[-1].append(row)
        return chains

    def session(self, rows: list[Any]) -> dict[str, Any]:
        first, events = rows[0], [r for r in rows if r.event is not None]
        return {
            "rows": rows, "first": first, "events": events, "player": self.actor(first), "start": first.at,
            "end": rows[-1].at, "length": rows[-1].at - first.at, "is_player": self.is_player(first),
        }  # fmt: skip

    def sessions(self) -> Rows:
        return [
            {
                "started_date": date(s["start"] // DAY), "player_id": s["player"],
                "is_identified": self.by_player and s["first"].known_id is not None,
                "is_bot": s["first"].bot_reason is not None, "bot_reason": s["first"].bot_reason,
                "started_at": at(s["start"]), "ended_at": at(s["end"]),
                "duration_s": s["length"] / US if len(s["rows"]) > 1 else None,
                "request_count": len(s["rows"]), "event_count": len(s["events"]),
                "error_count": sum((r.status or 0) >= 500 for r in s["rows"]),
                "bytes_sent": total([r.bytes_sent for r in s["rows"]]),
                "entry_event": s["events"][0].event if s["events"] else None,
                "exit_event": s["events"][-1].event if s["events"] else None,
                "platform": s["first"].platform, "is_implausible": s["length"] > DAY,
            }
            for s in self.chains
        ]  # fmt: skip

    def play(self, player: str, day: int) -> int:
        spans = [
            (max(s["start"], day * DAY), min(s["end"], (day + 1) * DAY))
            for s in self.played
            if s["player"] == player
        ]
        return sum(max(0, end - start) for start, end in spans)  # fmt: skip

    def player_days(self) -> Rows:
        return [
            {
                "player_id": player, "activity_date": date(day),
                "session_count": sum(s["player"] == player and s["start"] // DAY == day for s in self.played),
                "request_count": len(rows), "event_count": sum(r.event is not None for r in rows),
                "play_s": self.play(player, day) / US,
                "error_count": sum((r.status or 0) >= 500 for r in rows),
                "p95_ms": ms([r.bucket for r in rows if r.bucket is not None], 95),
                "first_at": at(rows[0].at), "last_at": at(rows[-1].at),
                "is_new": day == self.dates_of[player][0],
                "platform": rows[0].platform, "country": rows[0].country,
                "purchase_count": None, "revenue_usd_micros": None,
            }
            for (player, day), rows in self.days.items()
        ]  # fmt: skip

    def players(self) -> Rows:
        rows = []
        for player, dates in self.dates_of.items():
            first = self.days[player, dates[0]][0]
            rows.append({
                "player_id": player, "first_seen_at": at(first.at),
                "last_seen_at": at(self.days[player, dates[-1]][-1].at), "active_days": len(dates),
                "session_count": sum(s["player"] == player for s in self.played), "platform": first.platform,
                "first_referrer_host": first.referrer_host, "utm_source": first.utm_source,
                "utm_campaign": first.utm_campaign, "country": first.country, "created_at": None,
                "level": None,
                "email_consent": None, "purchase_count": None, "revenue_usd_micros": None,
            })  # fmt: skip
        return rows

    def value(self, player: str, day: int, dimension: str) -> str:
        return "all" if dimension == "all" else getattr(self.days[player, day][0], dimension) or "(none)"

    def values(self, dimension: str) -> dict[str, int]:
        """Give each value and the first day on which somebody had it."""
        found: dict[str, int] = {}
        for player, day in sorted(self.days, key=lambda each: -each[1]):
            found[self.value(player, day, dimension)] = day
        return found

    def calendar(self) -> list[int]:
        if not self.dates:
            return []
        gaps = [(a, b) for a, b in zip(self.dates, self.dates[1:], strict=False) if b - a > 400]
        days = range(self.dates[0], self.dates[-1] + 1)
        return [day for day in days if not any(a < day < b for a, b in gaps)]

    def concurrent(self, day: int, dimension: str, value: str) -> Counter[int]:
        there: dict[int, set[str]] = defaultdict(set)
        for s in self.played:
            if s["length"] <= DAY:
                for minute in range(
                    max(s["start"] // MINUTE, day * 1440), min(s["end"] // MINUTE, day * 1440 + 1439) + 1
                ):
                    if self.value(s["player"], day, dimension) == value:
                        there[minute].add(s["player"])
        return Counter({minute: len(players) for minute, players in there.items()})

    def daily_activity(self) -> Rows:
        rows = []
        for dimension in ("all", *self.meant.dimensions):
            for value, first in self.values(dimension).items():
                rows += [self.day(day, dimension, value) for day in self.calendar() if day >= first]
        return rows

    def day(self, day: int, dimension: str, value: str) -> dict[str, Any]:
        def active(on: int) -> set[str]:
            return {p for p, d in self.days if d == on and self.value(p, d, dimension) == value}

        today, yesterday = active(day), {p for p, d in self.days if d == day - 1}
        new = {p for p in today if self.dates_of[p][0] == day}
        mau = {p for back in range(30) for p in active(day - back)}
        history = day - self.dates[0] + 1
        started = [s for s in self.played if s["start"] // DAY == day and s["player"] in today]
        lengths = [s["length"] for s in started if len(s["rows"]) > 1 and s["length"] <= DAY]
        requests = [r for p in today for r in self.days[p, day]]
        levels = self.concurrent(day, dimension, value)
        peak = max(levels.values(), default=0)
        middle = nearest(lengths, 50)
        anonymous = {
            self.actor(r) for r in self.requests if self.by_player and r.known_id is None
            and r.stream == self.meant.activity_stream and r.is_on_kept_side(self.meant)
            and r.at // DAY == day
        }  # fmt: skip
        bots = [
            r
            for r in self.requests
            if r.bot_reason and r.stream == self.meant.activity_stream and r.at // DAY == day
        ]
        is_all = dimension == "all"
        return {
            "activity_date": date(day), "dimension": dimension, "value": value, "dau": len(today),
            "wau": len({p for back in range(7) for p in active(day - back)}), "mau": len(mau),
            "history_days": history,
            "stickiness_ratio": len(today) / len(mau) if history >= 30 and mau else None,
            "new_players": len(new), "returning_players": len(today & yesterday),
            "resurrected_players": len(today - yesterday - new),
            "dormant_players": len(active(day - 1) - {p for p, d in self.days if d == day}),
            "anonymous_visitors": len(anonymous) if is_all else None, "session_count": len(started),
            "avg_session_s": sum(lengths) / (len(lengths) * US) if lengths else None,
            "median_session_s": None if middle is None else middle / US, "peak_concurrent_players": peak,
            "peak_at": at(min(m for m in levels if levels[m] == peak) * MINUTE) if peak else None,
            "request_count": len(requests), "bot_request_count": len(bots) if is_all else None,
            "error_ratio": sum((r.status or 0) >= 500 for r in requests) / len(requests) if requests else
            None,
            "payers": None, "first_time_payers": None, "revenue_usd_micros": None, "arpdau_usd": None,
            "arppu_usd": None,
        }  # fmt: skip

    def cohorts(self, dimension: str) -> dict[Any, list[str]]:
        return grouped(
            self.dates_of, lambda p: (self.dates_of[p][0], self.value(p, self.dates_of[p][0], dimension))
        )

    def retention(self) -> Rows:
        rows = []
        for dimension in ("all", *self.meant.dimensions):
            for (cohort, value), members in self.cohorts(dimension).items():
                for n in N_OF_RETENTION:
                    classic = sum(cohort + n in self.dates_of[p] for p in members)
                    rolling = sum(self.dates_of[p][-1] >= cohort + n for p in members)
                    rows.append({
                        "cohort_date": date(cohort), "day_n": n, "dimension": dimension, "value": value,
                        "cohort_size": len(members), "retained_classic": classic, "retained_rolling": rolling,
                        "classic_ratio": classic / len(members), "rolling_ratio": rolling / len(members),
                        "is_mature": cohort + n <= self.dates[-1], "is_closed": cohort + n < self.dates[-1],
                    })  # fmt: skip
        return rows

    def retention_brackets(self) -> Rows:
        rows = []
        for (cohort, _), members in self.cohorts("all").items():
            for bracket, (a, b) in BRACKETS.items():
                kept = sum(any(cohort + a <= d <= cohort + b for d in self.dates_of[p]) for p in members)
                rows.append({
                    "cohort_date": date(cohort), "bracket": bracket, "cohort_size": len(members),
                    "retained": kept,
                    "ratio": kept / len(members), "is_mature": cohort + b <= self.dates[-1],
                })  # fmt: skip
        return rows

    def funnel_steps(self) -> Rows:
        rows = []
        for funnel in self.meant.funnels:
            entries: dict[Any, list[list[int]]] = defaultdict(list)
            for player in self.dates_of:
                requests = sorted(
                    (r for (p, _), rs in self.days.items() if p == player for r in rs), key=self.order
                )
                begun: set[int] = set()
                for place, r in enumerate(requests):
                    cohort = 0 if funnel.cohort == "all" else r.at // DAY
                    if r.event != funnel.steps[0] or cohort in begun:
                        continue
                    begun.add(cohort)
                    times = self.follow(funnel, requests, place)
                    first = self.dates_of[player][0]
                    for dimension in ("all", *self.meant.dimensions):
                        entries[r.at // DAY, dimension, self.value(player, first, dimension)].append(times)
            for (cohort, dimension, value), reached in entries.items():
                counts = [sum(len(times) > n for times in reached) for n in range(len(funnel.steps))]
                for n, event in enumerate(funnel.steps):
                    waits = [times[n] - times[n - 1] for times in reached if len(times) > n > 0]
                    middle = nearest(waits, 50)
                    end = cohort * DAY + (funnel.window_us or 0)
                    rows.append({
                        "funnel": funnel.name, "cohort_date": date(cohort), "step_number": n + 1,
                        "dimension": dimension, "value": value, "event_name": event, "players": counts[n],
                        "from_start_ratio": counts[n] / counts[0],
                        "from_previous_ratio": counts[n] / counts[n - 1] if n and counts[n - 1] else None,
                        "median_from_previous_s": None if middle is None else middle / US,
                        "is_mature": funnel.window_us is None or end <= self.dates[-1] * DAY,
                    })  # fmt: skip
        return rows

    def follow(self, funnel: Funnel, requests: list[Any], place: int) -> list[int]:
        times = [requests[place].at]
        for event in funnel.steps[1:]:
            later = [n for n in range(place + 1, len(requests)) if requests[n].event == event]
            if not later or (
                funnel.window_us is not None and requests[later[0]].at - times[0] > funnel.window_us
            ):
                break
            place = later[0]
            times.append(requests[place].at)
        return times

    def path_transitions(self) -> Rows:
        pairs: dict[Any, list[str]] = defaultdict(list)
        for s in self.played:
            events = s["events"]
            if events:
                pairs[events[0].at // DAY, "(start)", events[0].event].append(s["player"])
                pairs[events[-1].at // DAY, events[-1].event, "(exit)"].append(s["player"])
            for a, b in pairwise(events):
                pairs[b.at // DAY, a.event, b.event].append(s["player"])
        return [
            {"activity_date": date(day), "from_event": a, "to_event": b, "transition_count": len(players),
             "player_count": len(set(players))}
            for (day, a, b), players in pairs.items()
        ]  # fmt: skip

    def traffic_hours(self) -> Rows:
        rows = []

        def key(r: Any) -> Any:
            return (
                r.at // HOUR,
                r.stream,
                r.method or "(none)",
                r.route,
                r.status or 0,
                r.bot_reason is not None,
            )

        groups = grouped(self.requests, key)
        for (hour, stream, method, route, status, is_bot), found in groups.items():
            buckets = [r.bucket for r in found if r.bucket is not None]
            rows.append({
                "hour_at": at(hour * HOUR), "stream": stream, "method": method, "route": route,
                "status": status,
                "is_bot": is_bot, "request_count": len(found),
                "bytes_sent": total([r.bytes_sent for r in found]),
                "p50_ms": ms(buckets, 50), "p95_ms": ms(buckets, 95), "p99_ms": ms(buckets, 99),
            })  # fmt: skip
        return rows

    def traffic_sources(self) -> Rows:
        def source(s: dict[str, Any]) -> Any:
            named = (s["first"].referrer_host, s["first"].utm_source, s["first"].utm_campaign)
            return s["start"] // DAY, *(text or "(none)" for text in named)

        firsts = {p: self.days[p, dates[0]][0].at for p, dates in self.dates_of.items()}
        return [
            {"activity_date": date(day), "referrer_host": host, "utm_source": utm, "utm_campaign": campaign,
             "sessions": len(found), "players": len({s["player"] for s in found}),
             "new_players": sum(s["start"] == firsts[s["player"]] for s in found)}
            for (day, host, utm, campaign), found in grouped(self.played, source).items()
        ]  # fmt: skip

    def concurrency_minutes(self) -> Rows:
        levels = {m: n for day in self.dates for m, n in self.concurrent(day, "all", "all").items()}
        return [{"minute_at": at(m * MINUTE), "concurrent_players": n} for m, n in levels.items()]
