"""The columns of simulated traffic before it is written: sessions, their requests, and the texts of request
targets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from game_server.simulator.dice import Array

# Which of our machines see a request.
ORIGIN = 1  # the game server
EDGE = 2  # CloudFront
ODD = 4  # only a plain web server logs it (not HTTP at all)

Columns = dict[str, Array]

SESSION_COLUMNS: dict[str, type] = {
    "player": np.int64,  # number in the population, -1 for nobody known
    "address": np.int64,  # catalogue.address_codes
    "agent": np.int16,  # index in catalogue.USER_AGENTS
    "country": np.int8,
    "host": np.int8,
    "persona": np.int8,
    "kind": np.int8,  # how the session opens (behaviour.Opening)
    "campaign": np.int8,
    "is_slow": np.bool_,  # met the slow release
    "started_at": np.int64,  # microseconds since 1970
}
REQUEST_COLUMNS: dict[str, type] = {
    "session": np.int64,  # row of the sessions
    "at": np.int64,  # microseconds since 1970 when the request came in
    "duration": np.int64,  # microseconds until it was answered
    "status": np.int16,
    "size": np.int64,  # bytes of the body
    "action": np.int8,  # behaviour.Action
    "target": np.int64,  # row of the targets
    "referrer": np.int16,
    "is_known": np.bool_,  # the player's id is logged
    "layer": np.int8,
    "damage": np.int8,  # how the writer spoils the line (lines.damage), 0 for not
    "tail": np.uint64,  # low half of the request id
}


@dataclass(frozen=True)
class Traffic:
    """Sessions, requests, and the targets of these days that are not in the fixed vocabulary (player and
    match ids).
    """

    sessions: Columns
    requests: Columns
    targets: pa.Table  # method, path, query; rows after those of the vocabulary
    vocabulary_size: int

    def __len__(self) -> int:
        return len(self.requests["at"])

    def pick(self, rows: Array) -> Traffic:
        """These requests only, in this order; sessions and targets stay whole."""
        return Traffic(self.sessions, take(self.requests, rows), self.targets, self.vocabulary_size)

    def compact(self) -> Traffic:
        """Drop sessions and targets that no request names."""
        used, session = np.unique(self.requests["session"], return_inverse=True)
        fixed = self.vocabulary_size
        dynamic = self.requests["target"] >= fixed
        used_targets, place = np.unique(self.requests["target"][dynamic] - fixed, return_inverse=True)
        target = self.requests["target"].copy()
        target[dynamic] = place + fixed
        requests = {**self.requests, "session": session, "target": target}
        return Traffic(take(self.sessions, used), requests, self.targets.take(pa.array(used_targets)), fixed)

    def plus(self, other: Traffic) -> Traffic:
        """Both, with the other's references moved behind ours."""
        fixed = self.vocabulary_size
        shifted = dict(other.requests)
        shifted["session"] = shifted["session"] + len(self.sessions["player"])
        shifted["target"] = np.where(
            shifted["target"] >= fixed, shifted["target"] + len(self.targets), shifted["target"]
        )
        return Traffic(
            concat([self.sessions, other.sessions]),
            concat([self.requests, shifted]),
            pa.concat_tables([self.targets, other.targets]),
            fixed,
        )


def take(columns: Columns, rows: Array) -> Columns:
    return {name: values[rows] for name, values in columns.items()}


def concat(parts: list[Columns]) -> Columns:
    """One set of columns from several; each has the same names."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def sessions(count: int, **given: Array | int | bool) -> Columns:
    return _filled(SESSION_COLUMNS, count, given)


def requests(count: int, **given: Array | int | bool) -> Columns:
    return _filled(REQUEST_COLUMNS, count, given)


def _filled(kinds: dict[str, type], count: int, given: dict[str, Array | int | bool]) -> Columns:
    unknown = given.keys() - kinds.keys()
    if unknown:
        raise KeyError(f"no such columns: {sorted(unknown)}")
    return {
        name: np.broadcast_to(np.asarray(given.get(name, 0), dtype=kind), (count,)).copy()
        for name, kind in kinds.items()
    }
