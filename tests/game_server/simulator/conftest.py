"""A second opinion on simulated logs: plain loops over the written lines, sharing no code with the
simulator.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

DAY, MINUTE, GAP = 86_400_000_000, 60_000_000, 1_800_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLF = r'(\S+) - - \[(\d\d/\w{3}/2\d{3}:\d\d:\d\d:\d\d) \+0000\] "([^"]*)" (\d{3}) (\d+)'
_COMBINED = _CLF + r' "([^"]*)" "([^"]*)"'
_PATTERNS = {
    "common": re.compile(_CLF),
    "combined": re.compile(_COMBINED),
    "playerpath": re.compile(_COMBINED + r" (\d+) (\d+) (\S+) ([0-9a-f-]{36}) (\w\w)"),
    "alb": re.compile(
        r'https (\S+) \S+ (\S+):\d+ \S+ \S+ \S+ \S+ (\d{3}) \d{3} \d+ (\d+) "([^"]*)" "([^"]*)" .*'
    ),
    "elb": re.compile(r'(2\S+) \S+ (\S+):\d+ \S+ \S+ \S+ \S+ (\d{3}) \d{3} \d+ (\d+) "([^"]*)" "([^"]*)" .*'),
}
_RULES = [  # method, path, event, is it activity
    ("POST", r"/v1/players", "register", True),
    ("POST", r"/v1/sessions", "login", True),
    ("DELETE", r"/v1/sessions", "logout", True),
    ("POST", r"/v1/sessions/refresh", None, False),
    ("GET", r"/v1/players/[^/]+/state", "load_state", True),
    ("PUT", r"/v1/players/[^/]+/state", "save_state", True),
    ("POST", r"/v1/tutorial/start", "tutorial_start", True),
    ("POST", r"/v1/tutorial/finish", "tutorial_finish", True),
    ("POST", r"/v1/matches", "match_start", True),
    ("POST", r"/v1/matches/[^/]+/finish", "match_finish", True),
    ("GET", r"/v1/leaderboards/[^/]+", "leaderboard_view", True),
    ("GET", r"/v1/shop", "shop_view", True),
    ("POST", r"/v1/purchases", "purchase", True),
    ("GET", r"/v1/wallet", "wallet_view", True),
    ("GET", r"/v1/experiments/[^/]+", "experiment_exposure", True),
    ("POST", r"/v1/heartbeat", None, False),
    ("PUT", r"/v1/email-consent", "email_consent", True),
    ("GET|POST", r"/v1/unsubscribe", None, False),
    ("DELETE", r"/v1/players/[^/]+", "delete_account", True),
    ("GET", r"/health|/ready|/|/index.html|/assets/[^/]+|/favicon.ico|/robots.txt", None, False),
]
_BOTS = {
    "crawler": "Googlebot|bingbot|AhrefsBot|SemrushBot|GPTBot",
    "library": "python-requests|curl/|Go-http-client|Wget",
    "health_check": "ELB-HealthChecker",
    "headless": "HeadlessChrome",
}
_PLATFORMS = {
    "android": "Android",
    "ios": "iPhone|iPad",
    "windows": "Windows",
    "macos": "Macintosh",
    "chromeos": "CrOS",
    "linux": "Linux",
}
_ID = re.compile(r"\d+|[0-9a-f]{8,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|.{33,}")
_FUNNELS = {
    "onboarding": ("all", ["register", "tutorial_start", "tutorial_finish", "match_start", "match_finish"]),
    "purchase": ("date", ["shop_view", "purchase"]),
}


def _instant(text: str) -> int:
    return int((datetime.fromisoformat(text) - _EPOCH) / timedelta(microseconds=1))


@functools.cache
def _clf_instant(text: str) -> int:
    return _instant(datetime.strptime(text + " +0000", "%d/%b/%Y:%H:%M:%S %z").isoformat())


def _asked(request: str) -> tuple[str | None, str | None]:
    """Method and path of a request line, None for what is not HTTP."""
    words = request.split(" ")
    if len(words) != 3:
        return None, None
    url = re.sub(r"^https?://[^/]+", "", words[1])
    return words[0], url.split("?")[0]


def _parse(name: str, line: str) -> dict[str, Any] | None:
    if name == "json":
        try:
            row = json.loads(line)
        except ValueError:
            return None
        found = (
            row["remote_addr"],
            row["time_local"][:-6],
            row["request"],
            row["status"],
            row["body_bytes_sent"],
            row["http_referer"],
            row["http_user_agent"],
        )
    elif name == "cloudfront":
        w = line.split("\t")
        if len(w) != 33:
            return None
        method, path = w[5], w[7]
        return {
            "at": _instant(f"{w[0]}T{w[1]}+00:00"),
            "address": w[4],
            "agent": w[10].replace("%20", " "),
            "method": method,
            "path": path,
            "status": int(w[8]),
            "bytes": int(w[3]),
            "id": w[14],
        }
    else:
        match = _PATTERNS[name].fullmatch(line)
        if match is None:
            return None
        found = match.groups()
        if name in ("alb", "elb"):
            at, address, status, size, request, agent = found
            method, path = _asked(request)
            return {
                "at": _instant(at.replace("Z", "+00:00")),
                "address": address,
                "agent": agent,
                "method": method,
                "path": path,
                "status": int(status),
                "bytes": int(size),
                "id": None,
            }
    method, path = _asked(found[2])
    row = {
        "at": _clf_instant(found[1]),
        "address": found[0],
        "method": method,
        "path": path,
        "status": int(found[3]),
        "bytes": int(found[4]),
        "agent": found[6] if len(found) > 6 else None,
        "id": None,
    }
    if name == "playerpath":
        row |= {"at": int(found[7]), "id": found[10], "player": None if found[9] == "-" else found[9]}
    return row


def _read(name: str, out: Path) -> Iterator[tuple[str, dict[str, int], list[dict[str, Any]]]]:
    for path in sorted((out / "logs").rglob("*")):
        if path.is_dir():
            continue
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        counts = {
            "lines": 0,
            "accepted": 0,
            "rejected": 0,
            "duplicates": 0,
            "ignored": 0,
            "size_bytes": len(content),
        }
        rows, first = [], None
        offset = 0
        for raw in content.decode().split("\n")[:-1]:
            place, offset = offset, offset + len(raw) + 1
            counts["lines"] += 1
            if not raw or raw.startswith("#"):
                counts["ignored"] += 1
                continue
            if first is None:
                first = int.from_bytes(hashlib.sha256(raw.encode()).digest()[:8], "big", signed=True)
            row = _parse(name, raw)
            counts["rejected" if row is None else "accepted"] += 1
            if row is not None:
                row["order"] = (row["at"], row["id"]) if row["id"] else (row["at"], first, place)
                rows.append(row)
        yield path.relative_to(out).as_posix(), counts, rows


def _mean(name: str, row: dict[str, Any]) -> None:
    """Add reason, player, is_known, event and in_session."""
    agent, player = row["agent"], row.get("player")
    reason = next((r for r, words in _BOTS.items() if agent and re.search(words, agent)), None)
    row["reason"] = None if player and reason in ("library", "headless") else reason
    row["is_known"] = player is not None
    row["who"] = player or (row["address"], agent)
    row["platform"] = (
        "(none)"
        if not agent or agent == "-"
        else next((p for p, words in _PLATFORMS.items() if re.search(words, agent)), "other")
    )
    row["event"], row["in_session"] = None, True
    if name == "playerpath":
        rule = next(
            (
                r
                for r in _RULES
                if row["method"] and re.fullmatch(r[0], row["method"]) and re.fullmatch(r[1], row["path"])
            ),
            None,
        )
        if rule:
            row["event"] = rule[2] if row["status"] < 400 else None
            row["in_session"] = rule[3]
        row["in_session"] = row["in_session"] and row["status"] not in (401, 403)
        row["is_kept"] = row["is_known"] and row["reason"] is None
    else:
        row["is_kept"] = row["reason"] is None
        if row["method"] and row["status"] not in (400, 404, 405):
            parts = ["{id}" if _ID.fullmatch(s) else s for s in [s for s in row["path"].split("/") if s][:4]]
            row["event"] = f"{row['method']} /{'/'.join(parts)}"


def _day(at: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=at // DAY)).isoformat()


def _figures(sessions: list[list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    by_date = defaultdict(list)
    for rows in sessions:
        by_date[_day(rows[0]["at"])].append((rows[-1]["at"] - rows[0]["at"], len(rows)))
    found = {}
    for day, shapes in by_date.items():
        timed = sorted(us for us, count in shapes if count > 1 and us <= DAY)
        found[day] = {
            "session_count": len(shapes),
            "single_request_sessions": sum(count == 1 for _, count in shapes),
            "implausible_sessions": sum(us > DAY for us, _ in shapes),
            "timed_sessions": len(timed),
            "session_us": sum(timed),
            "median_session_us": timed[(len(timed) + 1) // 2 - 1] if timed else None,
        }
    return found


def _count(name: str, out: Path) -> dict[str, Any]:
    objects, rows = {}, []
    for path, counts, found in _read(name, out):
        objects[path] = counts
        rows += found
    for row in rows:
        _mean(name, row)
    rows.sort(key=lambda row: row["order"])
    ids = [row["id"] for row in rows if row["id"]]
    assert len(ids) == len(set(ids))

    chains: dict[Any, list[list[dict[str, Any]]]] = defaultdict(list)
    for row in rows:
        if row["in_session"]:
            chain = chains[row["who"], row["reason"] is not None]
            if not chain or row["at"] - chain[-1][-1]["at"] > GAP:
                chain.append([])
            chain[-1].append(row)
    sessions = [session for chain in chains.values() for session in chain]
    kept = [session for session in sessions if session[0]["is_kept"]]
    counted = [row for row in rows if row["in_session"] and row["is_kept"]]
    truth = {
        "objects": objects,
        "requests_by_status": Counter(str(row["status"]) for row in rows),
        "bytes_sent": sum(row["bytes"] for row in rows),
        "bot_requests": Counter(row["reason"] for row in rows if row["reason"]),
        "sessions": {
            "kept": _figures(kept),
            "bots": _figures([s for s in sessions if s[0]["reason"]]),
            "unidentified": _figures([s for s in sessions if not s[0]["reason"] and not s[0]["is_kept"]]),
        },
    }
    active: dict[Any, set[int]] = defaultdict(set)
    for row in counted:
        active[row["who"]].add(row["at"] // DAY)
    minutes: dict[int, set[Any]] = defaultdict(set)
    play: Counter[int] = Counter()
    for session in kept:
        start, end = session[0]["at"], session[-1]["at"]
        for day in range(start // DAY, end // DAY + 1):
            play[day] += max(0, min(end, (day + 1) * DAY) - max(start, day * DAY))
        if end - start <= DAY:
            for minute in range(start // MINUTE, end // MINUTE + 1):
                minutes[minute].add(session[0]["who"])
    truth["daily"] = _daily(rows, counted, active, play, minutes, truth["sessions"]["kept"])
    truth["retention"], truth["brackets"] = _retention(active)
    truth["concurrency"] = [(_minute(m), len(who)) for m, who in sorted(minutes.items())]
    truth["transitions"] = _transitions(kept)
    truth["funnels"] = _funnels(counted) if name == "playerpath" else []
    return truth


def _minute(minute: int) -> str:
    return (_EPOCH + timedelta(minutes=minute)).isoformat()[:19]


def _daily(rows, counted, active, play, minutes, sessions) -> list[dict[str, Any]]:  # type: ignore[no-untyped-def]
    days = sorted({day for mine in active.values() for day in mine})
    by_day, platform = defaultdict(list), {}
    for row in counted:
        by_day[row["at"] // DAY].append(row)
        platform.setdefault((row["who"], row["at"] // DAY), row["platform"])
    strangers = {(row["who"], row["at"] // DAY) for row in rows if not row["is_known"] and not row["reason"]}
    found = []
    for n, day in enumerate(range(days[0], days[-1] + 1)):
        today = {who for who, mine in active.items() if day in mine}
        new = {who for who in today if min(active[who]) == day}
        back = {who for who in today - new if day - 1 in active[who]}
        peak = max(((len(who), -m) for m, who in minutes.items() if m // 1440 == day), default=(0, None))
        entry = {
            "activity_date": _day(day * DAY),
            "dau": len(today),
            "wau": sum(any(day - 7 < d <= day for d in mine) for mine in active.values()),
            "mau": sum(any(day - 30 < d <= day for d in mine) for mine in active.values()),
            "history_days": n + 1,
            "new_players": len(new),
            "returning_players": len(back),
            "resurrected_players": len(today - new - back),
            "dormant_players": sum(day - 1 in mine and day not in mine for mine in active.values()),
            "anonymous_visitors": sum(d == day for _, d in strangers) if "player" in rows[0] else 0,
            "request_count": len(by_day[day]),
            "event_count": sum(r["event"] is not None for r in by_day[day]),
            "error_count": sum(r["status"] >= 500 for r in by_day[day]),
            "play_us": play[day],
            "platforms": dict(Counter(platform[who, day] for who in today)),
            "peak_concurrent_players": peak[0],
            "peak_at": None if peak[1] is None else _minute(-peak[1]),
        }
        found.append(entry | sessions.get(entry["activity_date"], {}))
    return found


def _retention(active: dict[Any, set[int]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    last = max(day for mine in active.values() for day in mine)
    cohorts = defaultdict(list)
    for mine in active.values():
        cohorts[min(mine)].append(mine)
    curves, brackets = [], []
    for born, members in sorted(cohorts.items()):
        shown = [n for n in [*range(91), 120, 180, 360] if born + n <= last]
        same = {"cohort_date": _day(born * DAY), "cohort_size": len(members)}
        curves.append(
            same
            | {
                "day_n": shown,
                "classic": [sum(born + n in mine for mine in members) for n in shown],
                "rolling": [sum(max(mine) >= born + n for mine in members) for n in shown],
            }
        )
        for low, high in ((1, 1), (2, 4), (5, 11), (12, 25), (26, 53)):
            came = sum(any(low <= day - born <= high for day in mine) for mine in members)
            brackets.append(
                same | {"bracket": [low, high], "retained": came, "is_mature": born + high <= last}
            )
    return curves, brackets


def _transitions(kept: list[list[dict[str, Any]]]) -> list[tuple[str, str, str, int, int]]:
    edges = defaultdict(list)
    for session in kept:
        named = [row for row in session if row["event"]]
        if named:
            edges[_day(named[0]["at"]), "(start)", named[0]["event"]].append(named[0]["who"])
            edges[_day(named[-1]["at"]), named[-1]["event"], "(exit)"].append(named[-1]["who"])
        for one, other in pairwise(named):
            edges[_day(other["at"]), one["event"], other["event"]].append(other["who"])
    return sorted((*edge, len(who), len(set(who))) for edge, who in edges.items())


def _funnels(counted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    mine = defaultdict(list)
    for row in counted:
        if row["event"]:
            mine[row["who"]].append(row)
    found = []
    for name, (cohort, steps) in _FUNNELS.items():
        waits: dict[tuple[str, int], list[int]] = defaultdict(list)
        for rows in mine.values():
            seen = set()
            for place, row in enumerate(rows):
                key = "all" if cohort == "all" else _day(row["at"])
                if row["event"] != steps[0] or key in seen:
                    continue
                seen.add(key)
                waits[_day(row["at"]), 1].append(0)
                for number, step in enumerate(steps[1:], start=2):
                    later = next((p for p in range(place + 1, len(rows)) if rows[p]["event"] == step), None)
                    if later is None or rows[later]["at"] - row["at"] > 14 * DAY:
                        break
                    waits[_day(row["at"]), number].append(rows[later]["at"] - rows[place]["at"])
                    place = later
        for number, step in enumerate(steps, start=1):
            for day in sorted({day for day, _ in waits}):
                times = sorted(waits[day, number])
                middle = times[(len(times) + 1) // 2 - 1] if times and number > 1 else None
                found.append(
                    {
                        "funnel": name,
                        "cohort_date": day,
                        "step_number": number,
                        "event_name": step,
                        "players": len(times),
                        "median_from_previous_us": middle,
                    }
                )
    return found


@pytest.fixture
def count_naively() -> Callable[[str, Path], dict[str, Any]]:
    """Count the logs below a folder's ``logs/`` in a format, line by line."""
    return _count
