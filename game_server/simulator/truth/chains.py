"""Requests in each actor's order, cut into sessions and days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from game_server.simulator.dice import Array
from game_server.simulator.rows import Columns, take
from game_server.simulator.timeline import DAY_US
from game_server.simulator.truth.book import days, is_bot, is_known

SESSION_GAP_US = 1_800_000_000


@dataclass(frozen=True)
class Chains:
    """What the figures are counted from.

    rows: requests that make sessions, by actor and time, with ``session``, ``day`` and the actor as a small
    number; sessions: actor, start, end, requests, is_bot, is_kept; player_days: actor, day, first (row),
    requests, errors, previous and next active day of the actor (-1 for none). Days count from 1970, times
    are microseconds. Kept is what the figures above sessions use: no bots, and players only where players'
    ids are logged.
    """

    rows: Columns
    sessions: Columns
    player_days: Columns
    first_day: int
    last_day: int
    anonymous: Array  # day of each unidentified visitor's day
    actors: int
    codes: Array  # of the actors, by number (book.player_of)


def chain(rows: Columns, *, is_player: bool) -> Chains:
    """Order, sessionise, and find who was active when."""
    actors, number = np.unique(rows["actor"], return_inverse=True)
    if is_player:
        stranger = ~is_known(rows["actor"]) & ~is_bot(rows["actor"])
        visits = np.unique(number[stranger] << 24 | days(rows["at"][stranger]))
        anonymous = visits & (1 << 24) - 1
    else:
        anonymous = np.zeros(0, dtype=np.int64)
    rows = take({**rows, "actor": number}, np.flatnonzero(rows["in_session"]))
    rows = take(rows, _order(rows))
    bots = is_bot(actors)
    kept = ~bots & (is_known(actors) if is_player else True)

    actor, at = rows["actor"], rows["at"]
    starts = np.ones(len(at), dtype=bool)
    starts[1:] = (actor[1:] != actor[:-1]) | (at[1:] - at[:-1] > SESSION_GAP_US)
    first = np.flatnonzero(starts)
    last = np.append(first[1:], len(at))
    rows["session"], rows["day"], rows["is_kept"] = np.cumsum(starts) - 1, days(at), kept[actor]
    sessions = {
        "actor": actor[first],
        "start": at[first],
        "end": at[last - 1],
        "requests": last - first,
        "is_bot": bots[actor[first]],
        "is_kept": kept[actor[first]],
        "is_known": is_known(actors)[actor[first]],
    }
    player_days = _player_days(rows)
    active = player_days["day"]
    first_day, last_day = (int(active.min()), int(active.max())) if len(active) else (0, -1)
    return Chains(rows, sessions, player_days, first_day, last_day, anonymous, len(actors), actors)


def play_us(sessions: Columns, day_count: int, first_day: int) -> Array:
    """Microseconds of kept sessions that fall on each day."""
    start, end = sessions["start"][sessions["is_kept"]], sessions["end"][sessions["is_kept"]]
    total = np.zeros(day_count, dtype=np.int64)
    longest = int((days(end) - days(start)).max(initial=0))
    for later in range(longest + 1):
        day = days(start) + later
        spent = np.minimum(end, (day + 1) * DAY_US) - np.maximum(start, day * DAY_US)
        np.add.at(total, day[spent > 0] - first_day, spent[spent > 0])
    return total


def _order(rows: Columns) -> Array:
    """Rows by actor, time and what decides between equal times (the request id, or the place)."""
    base = int(rows["at"].min(initial=0))
    elapsed = rows["at"] - base
    bits = int(elapsed.max(initial=0)).bit_length()
    if int(rows["actor"].max(initial=0)).bit_length() + bits > 62:
        return np.asarray(np.lexsort((rows["tie"], elapsed, rows["actor"])))
    key = rows["actor"] << bits | elapsed
    order = np.argsort(key, kind="stable")
    if (key[order][1:] == key[order][:-1]).any():
        order = np.lexsort((rows["tie"], key))
    return np.asarray(order)


def _player_days(rows: Columns) -> Columns:
    kept = np.flatnonzero(rows["is_kept"])
    actor, day = rows["actor"][kept], rows["day"][kept]
    starts = np.ones(len(kept), dtype=bool)
    starts[1:] = (actor[1:] != actor[:-1]) | (day[1:] != day[:-1])
    first = np.flatnonzero(starts)
    last = np.append(first[1:], len(kept))
    failed = np.append(0, np.cumsum(rows["status"][kept] >= 500))
    named = np.append(0, np.cumsum(rows["event"][kept] >= 0))
    who, when = actor[first], day[first]
    same = who[1:] == who[:-1]
    previous, following = np.full(len(first), -1), np.full(len(first), -1)
    previous[1:] = np.where(same, when[:-1], -1)
    following[:-1] = np.where(same, when[1:], -1)
    return {
        "actor": who,
        "day": when,
        "first": kept[first],
        "requests": last - first,
        "errors": failed[last] - failed[first],
        "events": named[last] - named[first],
        "previous": previous,
        "next": following,
        "platform": rows["platform"][kept[first]],
    }
