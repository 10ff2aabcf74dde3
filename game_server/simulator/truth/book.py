"""The account of what was written: lines of each object, totals, and what the actor-level truth is made
from.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from game_server.simulator import catalogue
from game_server.simulator.dice import Array
from game_server.simulator.formats import Format
from game_server.simulator.lines import damage
from game_server.simulator.rows import Columns, Traffic, concat
from game_server.simulator.timeline import DAY_US, HOUR_US
from game_server.simulator.truth.meaning import Meaning

_KNOWN_BIT, _BOT_BIT = 1 << 62, 1 << 61
_AGENT_BITS = 10
_OFFSET_BITS = 42
_HOUR, _ROUTE, _METHOD, _STATUS, _BOT = 16, 14, 5, 10, 3  # bits of a key of totals


@dataclass(frozen=True)
class Written:
    """A file as it was written: path, number of directives, first line after them, where its lines begin."""

    path: str
    head_lines: int
    first_line: bytes
    line_starts: Array
    size_bytes: int


class Book:
    """Counts of one stream. ``is_full`` keeps what actor-level truth needs: about 40 bytes a line."""

    def __init__(self, format_: Format, meaning: Meaning, start_us: int, *, is_full: bool) -> None:
        self.format, self.meaning, self.is_full = format_, meaning, is_full
        self.objects: dict[str, dict[str, Any]] = {}
        self._orders: list[int] = []
        self._parts: list[Columns] = []
        self._totals: dict[int, list[int]] = {}
        self._base_hour = start_us // HOUR_US - 24
        self.lines = self.size_bytes = 0

    def add(self, written: Written, traffic: Traffic) -> None:
        """Account for an object; the traffic's requests are its lines, in order, after the directives."""
        rows = traffic.requests
        spoilt = rows["damage"] > 0
        blank = int((rows["damage"] == damage.BLANK).sum())
        rejected = int(spoilt.sum()) - blank
        accepted = {name: values[~spoilt] for name, values in rows.items()} if spoilt.any() else rows
        self.objects[written.path] = {
            "lines": len(spoilt) + written.head_lines,
            "accepted": len(accepted["at"]),
            "rejected": rejected,
            "duplicates": 0,
            "ignored": blank + written.head_lines,
            "size_bytes": written.size_bytes,
        }
        self.lines += len(spoilt) + written.head_lines
        self.size_bytes += written.size_bytes
        at = accepted["at"] + accepted["duration"] if self.format.is_answer_time else accepted["at"]
        at = at // self.format.resolution_us * self.format.resolution_us
        meant = self.meaning.read(traffic.sessions, accepted)
        self._total(at, accepted, meant)
        if self.is_full:
            part = self._actors(traffic.sessions, accepted, at, meant)
            part["tie"] = accepted["tail"] if self.format.has_request_id else written.line_starts[~spoilt]
            self._parts.append(part)
            digest = hashlib.sha256(written.first_line).digest()
            self._orders.append(int.from_bytes(digest[:8], "big", signed=True))

    def rename(self, path: str, new_path: str) -> None:
        """The object was delivered under another name."""
        self.objects[new_path] = self.objects.pop(path)

    def rows(self) -> Columns:
        """All accepted requests, with ``tie``, which orders those of one actor and one time."""
        if self.format.has_request_id:
            return concat(self._parts)
        # Two objects may begin with the same line (a health check of each host): then the offset decides.
        rank = {order: number for number, order in enumerate(sorted(set(self._orders)))}
        return concat(
            [
                {**part, "tie": part["tie"] + (rank[order] << _OFFSET_BITS)}
                for part, order in zip(self._parts, self._orders, strict=True)
            ]
        )

    def totals(self) -> list[tuple[int, str, str, int, int, int, int]]:
        """Hour since 1970, method, route, status, bot reason's number, requests, bytes; sorted."""
        found = []
        for key, (requests, size) in self._totals.items():
            rest, values = key, []
            for bits in (_BOT, _STATUS, _METHOD, _ROUTE):
                values.append(rest & (1 << bits) - 1)
                rest >>= bits
            reason, status, method, route = values
            hour = rest + self._base_hour
            found.append(
                (
                    hour,
                    self.meaning.methods[method],
                    self.meaning.routes[route],
                    status,
                    reason,
                    requests,
                    size,
                )
            )
        return sorted(found)

    def _total(self, at: Array, rows: Columns, meant: Columns) -> None:
        key = at // HOUR_US - self._base_hour
        for bits, values in (
            (_ROUTE, meant["route"]),
            (_METHOD, meant["method"]),
            (_STATUS, rows["status"]),
            (_BOT, meant["reason"]),
        ):
            key = key << bits | values
        grouped = pa.table({"key": key, "size": rows["size"] + self.format.header_bytes}).group_by(
            "key", use_threads=False
        )
        counted = grouped.aggregate([("size", "count"), ("size", "sum")])
        for group, requests, size in zip(
            *(counted[name].to_pylist() for name in ("key", "size_count", "size_sum")), strict=True
        ):
            entry = self._totals.setdefault(group, [0, 0])
            entry[0] += requests
            entry[1] += size

    def _actors(self, sessions: Columns, rows: Columns, at: Array, meant: Columns) -> Columns:
        session = rows["session"]
        agent = sessions["agent"].astype(np.int64)
        if not self.format.keeps_empty:
            agent = np.where(agent == catalogue.EMPTY_AGENT, catalogue.NO_AGENT, agent)
        if not self.format.has_agent:
            agent = np.zeros_like(agent)
        actor = (sessions["address"] << _AGENT_BITS | agent)[session]
        if self.format.is_player:
            actor = np.where(rows["is_known"], sessions["player"][session] | _KNOWN_BIT, actor)
        none = catalogue.PLATFORMS.index("(none)")
        platform = (
            catalogue.UA_PLATFORM[sessions["agent"]] if self.format.has_agent else np.full(len(agent), none)
        )
        return {
            "actor": np.where(meant["reason"] > 0, actor | _BOT_BIT, actor),
            "at": at,
            "event": meant["event"],
            "status": rows["status"],
            "platform": platform[session].astype(np.int8),
            "in_session": meant["in_session"],
        }


def is_bot(actor: Array) -> Array:
    return np.asarray(actor & _BOT_BIT != 0)


def is_known(actor: Array) -> Array:
    return np.asarray(actor & _KNOWN_BIT != 0)


def player_of(actor: Array) -> Array:
    """Number in the population; only for known actors."""
    return np.asarray(actor & ~_KNOWN_BIT)


def days(at: Array) -> Array:
    """Day number since 1970."""
    return np.asarray(at // DAY_US)
