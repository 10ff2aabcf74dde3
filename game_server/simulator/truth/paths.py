"""Funnels and transitions, counted from the chains."""

from __future__ import annotations

from typing import Any

import numpy as np

from game_server.simulator.dice import Array
from game_server.simulator.timeline import DAY_US, date_of
from game_server.simulator.truth.chains import Chains

# As the game server's rules declare them.
FUNNELS: tuple[tuple[str, str, int, tuple[str, ...]], ...] = (
    (
        "onboarding",
        "all",
        14,
        ("register", "tutorial_start", "tutorial_finish", "match_start", "match_finish"),
    ),
    ("purchase", "date", 14, ("shop_view", "purchase")),
)
START, EXIT = "(start)", "(exit)"


def funnels(chains: Chains, events: list[str]) -> list[dict[str, Any]]:
    """Players of each step by cohort date, with the median microseconds from the step before."""
    found: list[dict[str, Any]] = []
    rows = {name: values[_named(chains)] for name, values in chains.rows.items()}
    for name, cohort, window, steps in FUNNELS:
        wanted = [events.index(step) for step in steps]
        place = np.flatnonzero(rows["event"] == wanted[0])
        key = rows["actor"][place] << 24 | (rows["day"][place] if cohort == "date" else 0)
        place = place[np.unique(key, return_index=True)[1]]
        began, day, actor = rows["at"][place], rows["day"][place], rows["actor"][place]
        reached = np.ones(len(place), dtype=bool)
        for number, event in enumerate(wanted, start=1):
            waited = np.zeros(len(place), dtype=np.int64)
            if number > 1:
                of_event = np.append(np.flatnonzero(rows["event"] == event), len(rows["at"]))
                following = of_event[
                    np.minimum(np.searchsorted(of_event, place, side="right"), len(of_event) - 1)
                ]
                safe = np.minimum(following, len(rows["at"]) - 1)
                reached = reached & (following < len(rows["at"])) & (rows["actor"][safe] == actor)
                reached &= rows["at"][safe] - began <= window * DAY_US
                waited = rows["at"][safe] - rows["at"][place]
                place = np.where(reached, safe, place)
            found += _step(name, steps[number - 1], number, day, reached, waited)
    return found


def _step(
    name: str, event: str, number: int, day: Array, reached: Array, waited: Array
) -> list[dict[str, Any]]:
    entries = []
    for cohort in np.unique(day).tolist():
        inside = np.sort(waited[(day == cohort) & reached])
        entries.append(
            {
                "funnel": name,
                "cohort_date": date_of(cohort).isoformat(),
                "step_number": number,
                "event_name": event,
                "players": len(inside),
                "median_from_previous_us": int(inside[(len(inside) + 1) // 2 - 1])
                if number > 1 and len(inside)
                else None,
            }
        )
    return entries


def transitions(chains: Chains, events: list[str]) -> list[tuple[str, str, str, int, int]]:
    """Date, from, to, transitions and distinct players; sorted."""
    chosen = _named(chains)
    rows = {name: chains.rows[name][chosen] for name in ("session", "event", "day", "actor")}
    event, count = rows["event"].astype(np.int64), len(chosen)
    begins, ends = np.ones(count, dtype=bool), np.ones(count, dtype=bool)
    begins[1:] = rows["session"][1:] != rows["session"][:-1]
    ends[:-1] = begins[1:]
    names = [*events, START, EXIT]
    before = np.append(-1, event[:-1])[:count]
    source = np.where(begins, len(events), before)
    day = np.concatenate([rows["day"], rows["day"][ends]])
    source = np.concatenate([source, event[ends]])
    target = np.concatenate([event, np.full(int(ends.sum()), len(events) + 1)])
    actor = np.concatenate([rows["actor"], rows["actor"][ends]])
    key = (day * len(names) + source) * len(names) + target
    edges, place, totals = np.unique(key, return_inverse=True, return_counts=True)
    pairs = np.unique(place * chains.actors + actor)
    players = np.bincount(pairs // max(1, chains.actors), minlength=len(edges))
    found = []
    for edge, total, people in zip(edges.tolist(), totals.tolist(), players.tolist(), strict=True):
        rest, to = divmod(edge, len(names))
        number, from_ = divmod(rest, len(names))
        found.append((date_of(number).isoformat(), names[from_], names[to], total, people))
    return sorted(found)


def _named(chains: Chains) -> Array:
    return np.flatnonzero(chains.rows["is_kept"] & (chains.rows["event"] >= 0))
