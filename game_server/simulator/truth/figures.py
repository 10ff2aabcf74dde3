"""Figures by day and by cohort, counted from the chains."""

from __future__ import annotations

from typing import Any

import numpy as np

from game_server.simulator import catalogue
from game_server.simulator.dice import Array
from game_server.simulator.rows import Columns
from game_server.simulator.timeline import DAY_US, MINUTE_US, date_of
from game_server.simulator.truth.chains import Chains, play_us

RETENTION_DAYS = (*range(91), 120, 180, 360)
BRACKETS = ((1, 1), (2, 4), (5, 11), (12, 25), (26, 53))
_IMPLAUSIBLE_US = DAY_US


def daily(chains: Chains) -> list[dict[str, Any]]:
    """One entry for each date from first to last activity."""
    first, count = chains.first_day, chains.last_day - chains.first_day + 1
    if count <= 0:
        return []
    days = chains.player_days
    day = days["day"] - first

    def by_day(values: Array | None = None) -> list[int]:
        return _sum_by(day, values, count)

    new, returning = days["previous"] < 0, days["previous"] == days["day"] - 1
    leaves = (days["next"] != days["day"] + 1) & (day + 1 < count)
    sessions = session_figures(chains.sessions, "is_kept")
    peaks = _peaks(concurrency(chains))
    platforms = np.zeros((count, len(catalogue.PLATFORMS)), dtype=np.int64)
    np.add.at(platforms, (day, days["platform"]), 1)
    columns = {
        "dau": by_day(),
        "wau": _trailing(days, first, count, 7),
        "mau": _trailing(days, first, count, 30),
        "history_days": [n + 1 for n in range(count)],
        "new_players": by_day(new),
        "returning_players": by_day(returning),
        "resurrected_players": by_day(~new & ~returning),
        "dormant_players": _sum_by(day[leaves] + 1, None, count),
        "anonymous_visitors": _sum_by(chains.anonymous - first, None, count),
        "request_count": by_day(days["requests"]),
        "event_count": by_day(days["events"]),
        "error_count": by_day(days["errors"]),
        "play_us": play_us(chains.sessions, count, first).tolist(),
    }
    found = []
    for n in range(count):
        date = date_of(first + n).isoformat()
        entry: dict[str, Any] = {"activity_date": date} | {
            name: values[n] for name, values in columns.items()
        }
        entry |= sessions.get(date, NO_SESSIONS)
        entry["peak_concurrent_players"], entry["peak_at"] = peaks.get(first + n, (0, None))
        entry["platforms"] = {
            name: int(total) for name, total in zip(catalogue.PLATFORMS, platforms[n], strict=True) if total
        }
        found.append(entry)
    return found


NO_SESSIONS: dict[str, Any] = {
    "session_count": 0, "single_request_sessions": 0, "implausible_sessions": 0, "timed_sessions": 0,
    "session_us": 0, "median_session_us": None,
}  # fmt: skip


def session_figures(sessions: Columns, flag: str) -> dict[str, dict[str, Any]]:
    """By start date, of the sessions that have the flag; durations leave out implausible and single-request
    ones.
    """
    chosen = np.flatnonzero(sessions[flag])
    start, duration = sessions["start"][chosen], sessions["end"][chosen] - sessions["start"][chosen]
    requests = sessions["requests"][chosen]
    order = np.lexsort((duration, start // DAY_US))
    day = (start // DAY_US)[order]
    found = {}
    for number, low, high in _groups(day):
        rows = order[low:high]
        long, single = duration[rows] > _IMPLAUSIBLE_US, requests[rows] == 1
        timed = duration[rows][~long & ~single]
        found[date_of(number).isoformat()] = {
            "session_count": len(rows),
            "single_request_sessions": int(single.sum()),
            "implausible_sessions": int(long.sum()),
            "timed_sessions": len(timed),
            "session_us": int(timed.sum()),
            "median_session_us": int(timed[(len(timed) + 1) // 2 - 1]) if len(timed) else None,
        }
    return found


def retention(chains: Chains) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Classic and rolling retention, and brackets, of each cohort; only days up to the last activity."""
    days = chains.player_days
    is_first = days["previous"] < 0
    born = np.zeros(chains.actors, dtype=np.int64)
    born[days["actor"][is_first]] = days["day"][is_first]
    cohort = born[days["actor"]]
    age = days["day"] - cohort
    is_last = days["next"] < 0
    curves, brackets = [], []
    order = np.argsort(cohort, kind="stable")
    for day, low, high in _groups(cohort[order]):
        rows = order[low:high]
        span = chains.last_day - day
        size = int(is_first[rows].sum())
        active = np.bincount(age[rows], minlength=span + 1)
        left = np.bincount(age[rows][is_last[rows]], minlength=span + 1)
        staying = size - np.concatenate([[0], np.cumsum(left)])
        shown = [n for n in RETENTION_DAYS if n <= span]
        date = date_of(day).isoformat()
        curves.append({
            "cohort_date": date, "cohort_size": size, "day_n": shown,
            "classic": [int(active[n]) for n in shown], "rolling": [int(staying[n]) for n in shown],
        })  # fmt: skip
        for low_n, high_n in BRACKETS:
            inside = rows[(age[rows] >= low_n) & (age[rows] <= high_n)]
            brackets.append({
                "cohort_date": date, "bracket": [low_n, high_n], "cohort_size": size,
                "retained": len(np.unique(days["actor"][inside])), "is_mature": high_n <= span,
            })  # fmt: skip
    return curves, brackets


def concurrency(chains: Chains) -> tuple[int, Array]:
    """First minute since 1970, and distinct players in each minute from it on."""
    sessions = chains.sessions
    plausible = sessions["is_kept"] & (sessions["end"] - sessions["start"] <= _IMPLAUSIBLE_US)
    start, end = sessions["start"][plausible] // MINUTE_US, sessions["end"][plausible] // MINUTE_US
    if not len(start):
        return 0, np.zeros(0, dtype=np.int64)
    first, count = int(start.min()), int(end.max() - start.min()) + 2
    # A player's sessions lie over half an hour apart, so no minute holds two of one player.
    change = np.bincount(start - first, minlength=count) - np.bincount(end - first + 1, minlength=count)
    return first, np.cumsum(change)


def _peaks(counted: tuple[int, Array]) -> dict[int, tuple[int, str]]:
    """By day: the highest count of a minute and the earliest minute that has it."""
    first, players = counted
    minutes = first + np.arange(len(players))
    found = {}
    for day, low, high in _groups(minutes * MINUTE_US // DAY_US):
        top = int(np.argmax(players[low:high]))
        if players[low + top] > 0:
            found[day] = (int(players[low + top]), minute_text(int(minutes[low + top])))
    return found


def minute_text(minute: int) -> str:
    """A minute since 1970 as ISO time, UTC."""
    day, rest = divmod(minute, 1440)
    return f"{date_of(day).isoformat()}T{rest // 60:02d}:{rest % 60:02d}:00"


def _trailing(days: Columns, first: int, count: int, width: int) -> list[int]:
    """Distinct players in the ``width`` days that end with each day: an active day covers the days until the
    next.
    """
    gap = np.where(days["next"] < 0, width, days["next"] - days["day"])
    start = days["day"] - first
    end = np.minimum(start + np.minimum(gap, width), count)
    change = np.bincount(start, minlength=count + 1) - np.bincount(end, minlength=count + 1)
    return [int(total) for total in np.cumsum(change)[:count]]


def _sum_by(day: Array, values: Array | None, count: int) -> list[int]:
    total = np.zeros(count, dtype=np.int64)
    inside = (day >= 0) & (day < count)
    np.add.at(total, day[inside], 1 if values is None else values[inside].astype(np.int64))
    return [int(n) for n in total]


def _groups(ordered: Array) -> list[tuple[int, int, int]]:
    """Value, first and end of each run of equal values."""
    if not len(ordered):
        return []
    first = np.append(0, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1)
    last = np.append(first[1:], len(ordered))
    return [(int(ordered[low]), int(low), int(high)) for low, high in zip(first, last, strict=True)]
