"""What each request means: route, event, whether it makes a session. By the game server's routes, or without
rules.
"""

from __future__ import annotations

import numpy as np

from game_server.simulator import catalogue
from game_server.simulator.behaviour import Action
from game_server.simulator.dice import Array
from game_server.simulator.formats import Format
from game_server.simulator.rows import Columns
from game_server.simulator.vocabulary import ROUTES, Vocabulary

OTHER, NOT_FOUND = "(other)", "(not found)"
_WITH_ID = (Action.LOAD_STATE, Action.SAVE_STATE, Action.DELETE_ACCOUNT, Action.MATCH_FINISH)
_ID_FOLDED = (
    "/v1/players/{id}/state",
    "/v1/players/{id}/state",
    "/v1/players/{id}",
    "/v1/matches/{id}/finish",
)
_LIBRARY, _HEADLESS = catalogue.REASONS.index("library") + 1, catalogue.REASONS.index("headless") + 1


class Meaning:
    """Tables by kind of request: the vocabulary's targets, then the four that hold ids."""

    def __init__(self, vocabulary: Vocabulary, format_: Format, has_rules: bool) -> None:
        self._fixed, self._format, self.has_rules = len(vocabulary), format_, has_rules
        methods = [*vocabulary.table["method"].to_pylist(), *(ROUTES[a].method for a in _WITH_ID)]
        paths = [*vocabulary.table["path"].to_pylist(), *_ID_FOLDED]
        actions = [Action(a) for a in vocabulary.actions.tolist()] + list(_WITH_ID)
        if has_rules:
            named = [_by_rules(a, p) for a, p in zip(actions, paths, strict=True)]
        else:
            folded = [
                *vocabulary.folded,
                *(f"{ROUTES[a].method} {p}" for a, p in zip(_WITH_ID, _ID_FOLDED, strict=True)),
            ]
            named = [(text or OTHER, text, True) for text in folded]
        self.methods = sorted(set(methods))
        self.routes = [NOT_FOUND, *sorted({route for route, _, _ in named})]
        self.events = sorted({event for _, event, _ in named if event})
        self._method = np.array([self.methods.index(m) for m in methods])
        route_number = {route: number for number, route in enumerate(self.routes)}
        event_number = {event: number for number, event in enumerate(self.events)}
        self._route = np.array([route_number[route] for route, _, _ in named])
        self._event = np.array(
            [event_number[event] if event else -1 for _, event, _ in named], dtype=np.int32
        )
        self._is_activity = np.array([is_activity for _, _, is_activity in named])
        self._with_id = np.zeros(len(Action), dtype=np.int64)
        self._with_id[list(_WITH_ID)] = np.arange(len(_WITH_ID))

    def read(self, sessions: Columns, rows: Columns) -> Columns:
        """Columns method, route, event (-1 for none), reason (0 for a person), in_session."""
        fixed = self._fixed
        kind = np.where(rows["target"] < fixed, rows["target"], fixed + self._with_id[rows["action"]])
        status = rows["status"]
        event, route, in_session = self._event[kind], self._route[kind], self._is_activity[kind]
        if self.has_rules:
            event = np.where(status < 400, event, -1)
        else:
            lost = (status == 400) | (status == 404) | (status == 405)
            event, route = np.where(lost, -1, event), np.where(lost, 0, route)
        if self._format.is_player:
            in_session = in_session & (status != 401) & (status != 403)
        return {
            "method": self._method[kind],
            "route": route,
            "event": event.astype(np.int32),
            "reason": self._reasons(sessions, rows),
            "in_session": in_session,
        }

    def _reasons(self, sessions: Columns, rows: Columns) -> Array:
        if not self._format.has_agent:
            return np.zeros(len(rows["at"]), dtype=np.int8)
        reason = catalogue.UA_REASON[sessions["agent"][rows["session"]]]
        if self._format.is_player:  # a script that has logged in is a player's
            trusted = rows["is_known"] & ((reason == _LIBRARY) | (reason == _HEADLESS))
            reason = np.where(trusted, 0, reason)
        return np.asarray(reason)


def _by_rules(action: Action, path: str) -> tuple[str, str | None, bool]:
    """Route, event and whether it is activity, as the game server's rules have it."""
    if action in ROUTES:
        found = ROUTES[action]
        return found.template, found.event, found.is_activity
    if action == Action.HOME or path == "/favicon.ico":
        return path, None, False
    if action == Action.ASSET and path.count("/") == 2:
        return "/assets/{file}", None, False
    return OTHER, None, True
