"""truth.json: what a simulated log holds, as a document. Its layout is told in the docstring of
``simulate``.
"""

from __future__ import annotations

import gzip
import io
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from game_server.simulator import catalogue
from game_server.simulator.dice import Array
from game_server.simulator.timeline import HOUR_US, MINUTE_US
from game_server.simulator.truth.book import Book
from game_server.simulator.truth.chains import Chains, chain
from game_server.simulator.truth.experiment import exposures
from game_server.simulator.truth.figures import concurrency, daily, minute_text, retention, session_figures
from game_server.simulator.truth.paths import funnels, transitions

_LONG = ("transitions", "concurrency", "traffic_hours")  # files of their own


def document(book: Book, variant: Array | None = None, variants: Sequence[str] = ()) -> dict[str, Any]:
    """All that was counted. ``variant``: the experiment's, by player, where players' ids are logged."""
    found: dict[str, Any] = {
        "definitions": {
            "identity": "player" if book.format.is_player else "visitor",
            "rules": "game_server" if book.meaning.has_rules else None,
            "bots": "exclude",
            "stream": book.format.stream,
            "session_gap_s": 1800,
        },
        "objects": dict(sorted(book.objects.items())),
        **_totals(book),
    }
    if book.is_full:
        chains = chain(book.rows(), is_player=book.format.is_player)
        curves, brackets = retention(chains)
        found |= {
            "daily": daily(chains),
            "sessions": {
                "kept": session_figures(chains.sessions, "is_kept"),
                "unidentified": _unidentified(chains, book.format.is_player),
                "bots": session_figures(chains.sessions, "is_bot"),
            },
            "players": len(np.unique(chains.player_days["actor"])),
            "player_days": len(chains.player_days["day"]),
            "retention": curves,
            "brackets": brackets,
            "funnels": funnels(chains, book.meaning.events) if book.meaning.has_rules else [],
            "transitions": transitions(chains, book.meaning.events),
            "concurrency": _minutes(chains),
        }
        if variant is not None and book.format.is_player:
            found["experiment"] = exposures(chains, book.meaning.events, variant, variants)
    return found


def write_truth(found: dict[str, Any], out: Path) -> None:
    """Write truth.json, and what is long to files of its own beside it."""
    small = dict(found)
    for name in _LONG:
        if name in small:
            path = out / f"truth-{name}.json.gz"
            path.write_bytes(gz(_lines_of(small.pop(name)).encode()))
            small[f"{name}_file"] = path.name
    (out / "truth.json").write_text(_by_lines(small), encoding="utf-8", newline="\n")


def gz(content: bytes) -> bytes:
    """Compressed without name and time, so that equal content gives equal bytes (of one zlib)."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0, compresslevel=9) as file:
        file.write(content)
    return buffer.getvalue()


def _by_lines(found: dict[str, Any]) -> str:
    """JSON with one line for each entry of the lists and objects at the top."""
    parts = []
    for name, value in found.items():
        if isinstance(value, list) and value:
            text = "[\n  " + ",\n  ".join(json.dumps(row) for row in value) + "\n ]"
        elif isinstance(value, dict) and value:
            text = (
                "{\n  " + ",\n  ".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()) + "\n }"
            )
        else:
            text = json.dumps(value)
        parts.append(f" {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _lines_of(rows: list[Any]) -> str:
    return "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n"


def _unidentified(chains: Chains, is_player: bool) -> dict[str, dict[str, Any]]:
    if not is_player:
        return {}
    sessions = {**chains.sessions, "is_stranger": ~chains.sessions["is_known"] & ~chains.sessions["is_bot"]}
    return session_figures(sessions, "is_stranger")


def _minutes(chains: Chains) -> list[tuple[str, int]]:
    first, players = concurrency(chains)
    return [(minute_text(first + n), int(players[n])) for n in np.flatnonzero(players).tolist()]


def _totals(book: Book) -> dict[str, Any]:
    entries = book.objects.values()
    by_status: dict[int, int] = defaultdict(int)
    by_hour: dict[tuple[int, int, bool], list[int]] = defaultdict(lambda: [0, 0])
    by_route: dict[tuple[str, str, int, bool], list[int]] = defaultdict(lambda: [0, 0])
    reasons = dict.fromkeys(catalogue.REASONS, 0)
    bots_by_date: dict[str, int] = defaultdict(int)
    bytes_sent = 0
    for hour, method, route, status, reason, requests, size in book.totals():
        by_status[status] += requests
        bytes_sent += size
        for entry in (by_hour[(hour, status, reason > 0)], by_route[(method, route, status, reason > 0)]):
            entry[0] += requests
            entry[1] += size
        if reason:
            reasons[catalogue.REASONS[reason - 1]] += requests
            bots_by_date[minute_text(hour * 60)[:10]] += requests
    total = {
        name: sum(e[name] for e in entries)
        for name in ("lines", "accepted", "rejected", "duplicates", "ignored")
    }
    return {
        "totals": total
        | {"objects": len(book.objects), "bytes_sent": bytes_sent, "bot_requests": sum(reasons.values())},
        "bot_requests": reasons,
        "bot_requests_by_date": dict(sorted(bots_by_date.items())),
        "requests_by_status": {str(status): count for status, count in sorted(by_status.items())},
        "traffic_hours": [
            [minute_text(hour * (HOUR_US // MINUTE_US)), status, bot, *counted]
            for (hour, status, bot), counted in sorted(by_hour.items())
        ],
        "routes": [[*key, *counted] for key, counted in sorted(by_route.items())],
    }
