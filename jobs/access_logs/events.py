"""Which route each request took, which event it is and who asked: a column at a time.

With rules, by the first rule whose method and path template fit; without, by the path with its ids folded.
What exactly is done: docs/rules.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.access_logs.columns import Codes, Encoded, distinct
from jobs.access_logs.paths import fold, segments, shapes
from jobs.access_logs.routes import Funnel, Route, Rules, RulesError

__all__ = [
    "NOT_FOUND",
    "OTHER",
    "Funnel",
    "Route",
    "Routed",
    "Rules",
    "RulesError",
    "builtin_rules",
    "event_names",
    "load_rules",
    "routed",
]

OTHER = "(other)"
NOT_FOUND = "(not found)"
_NOT_FOUND_STATUSES = (400, 404, 405)  # without rules: addresses that scanners try are no events of the game
_STATUS_SLOTS = 1_000  # status 0 stands for a missing one


@dataclass(frozen=True)
class Routed:
    """What rules say of each row."""

    route: pa.DictionaryArray  # not NULL
    event: pa.DictionaryArray
    is_activity: npt.NDArray[np.bool_]
    caller: pa.StringArray | None  # the player id in the path; None where no row has one


def load_rules(text: str, name: str) -> Rules:
    """Read a rules file's text; ``name`` is for messages. Raises RulesError, whose message is one line."""
    # PyYAML is imported where a file is read, not by every process that classifies.
    from jobs.access_logs.rules_file import RulesFile

    return RulesFile(text, name).rules()


def builtin_rules(name: str) -> Rules:
    """Give the rules that ship with the package: ``game_server``. Raises RulesError for another name."""
    from jobs.access_logs.rules_file import builtin_text

    return load_rules(builtin_text(name), f"{name}.yaml")


def routed(method: Encoded, path: Encoded, status: npt.NDArray[np.int64], rules: Rules | None) -> Routed:
    """Decide each row's route, event, activity and caller. A missing status is 0.

    Requests without method or path have no event, and route ``(other)``; without rules, ``(not found)`` goes
    before it.
    """
    status = np.where((status > 0) & (status < _STATUS_SLOTS), status, 0)
    if rules is None or not rules.routes:
        return _without_rules(method, path, status)
    return _by_rules(method, path, status, rules)


def _without_rules(method: Encoded, path: Encoded, status: Codes) -> Routed:
    folded = fold(path.values)
    present, places, has_pair = _pairs(method, path, folded, pc.not_equal(path.values, ""))
    size = len(folded.dictionary)
    texts = pc.binary_join_element_wise(
        method.values.take(pa.array(present // max(size, 1))),
        folded.dictionary.take(pa.array(present % max(size, 1))),
        " ",
    )
    is_not_found = np.isin(status, _NOT_FOUND_STATUSES)
    is_event = has_pair & ~is_not_found
    codes = np.where(is_event, places + 2, is_not_found).astype(np.int32)
    words = pa.concat_arrays([pa.array([OTHER, NOT_FOUND]), texts])
    return Routed(
        route=pa.DictionaryArray.from_arrays(pa.array(codes), words),
        event=pa.DictionaryArray.from_arrays(pa.array(codes, mask=~is_event), words),
        is_activity=np.ones(len(codes), dtype=np.bool_),
        caller=None,
    )


def _by_rules(method: Encoded, path: Encoded, status: Codes, rules: Rules) -> Routed:
    longest = max(len(route.segments) for route in rules.routes)
    # One segment more than any template has, so that a longer path does not fit a shorter template.
    lists = segments(path.values, longest + 1)
    literals = sorted({text for route in rules.routes for text in route.segments})
    shaped = shapes(lists, pa.array(literals, pa.string()))
    present, places, has_pair = _pairs(method, path, shaped, pc.starts_with(path.values, "/"))

    methods, texts = method.values.to_pylist(), shaped.dictionary.to_pylist()
    size = max(len(texts), 1)
    groups: dict[tuple[int, ...], int] = {(): 0}
    group_of_pair = np.zeros(len(present) + 1, dtype=np.int64)
    for at, pair in enumerate(present.tolist()):
        fitting = _fitting(rules, methods[pair // size], texts[pair % size])
        group_of_pair[at] = groups.setdefault(fitting, len(groups))
    group = group_of_pair[np.where(has_pair, places, len(present))]

    meanings = [_meaning(rules, fitting) for fitting in groups]
    event = np.stack([meaning.event for meaning in meanings])[group, status]
    segment = np.stack([meaning.caller for meaning in meanings])[group, status]
    is_activity = np.stack([meaning.is_activity for meaning in meanings])[group, status]
    templates = pa.array([rules.routes[fitting[0]].path if fitting else OTHER for fitting in groups])
    return Routed(
        route=pa.DictionaryArray.from_arrays(pa.array(group.astype(np.int32)), templates),
        event=pa.DictionaryArray.from_arrays(
            pa.array(event.astype(np.int32), mask=event < 0), pa.array(event_names(rules), pa.string())
        ),
        is_activity=is_activity,
        caller=_callers(lists, path, segment),
    )


def _pairs(
    method: Encoded, path: Encoded, reduced: pa.DictionaryArray, is_usable: pa.BooleanArray
) -> tuple[Codes, Codes, npt.NDArray[np.bool_]]:
    """Give the pairs of method and reduced path that occur, each row's place among them, who has one."""
    size = max(len(reduced.dictionary), 1)
    of_path = np.where(
        is_usable.to_numpy(zero_copy_only=False), reduced.indices.to_numpy().astype(np.int64), -1
    )
    reduced_codes = np.concatenate((of_path, [-1]))[path.codes]
    is_method = pc.not_equal(method.values, "").to_numpy(zero_copy_only=False)
    has_pair = (reduced_codes >= 0) & np.concatenate((is_method, [False]))[method.codes]
    pairs = method.codes * size + reduced_codes
    present, found = distinct(pairs[has_pair], max(len(method.values), 1) * size)
    places = np.zeros(len(pairs), dtype=np.int64)
    places[has_pair] = found
    return present, places, has_pair


def _callers(lists: pa.ListArray, path: Encoded, segment: Codes) -> pa.StringArray | None:
    has_caller = segment >= 0
    if not has_caller.any():
        return None
    begins = lists.offsets.to_numpy().astype(np.int64)
    # The first value of each list is the text before the leading slash.
    places = begins[np.where(has_caller, path.codes, 0)] + segment + 1
    return lists.values.take(pa.array(places, mask=~has_caller))


def _fitting(rules: Rules, method: str, shape: str) -> tuple[int, ...]:
    """Give the first rule that takes the request, and the later ones of its template, for other statuses."""
    names = shape.strip("/").split("/") if shape != "/" else []
    taking = (at for at, route in enumerate(rules.routes) if route.takes(method, names))
    first = next(taking, None)
    if first is None:
        return ()
    template = rules.routes[first].path
    return (first, *(at for at in taking if rules.routes[at].path == template))


@dataclass(frozen=True)
class _Meaning:
    """What one group of rules says, by status."""

    event: Codes  # place in event_names, -1: none
    caller: Codes  # the segment, -1: none
    is_activity: npt.NDArray[np.bool_]


@lru_cache(maxsize=4_096)
def _meaning(rules: Rules, fitting: tuple[int, ...]) -> _Meaning:
    if not fitting:
        nothing = np.full(_STATUS_SLOTS, -1)
        return _Meaning(nothing, nothing, np.ones(_STATUS_SLOTS, dtype=np.bool_))
    # The first rule whose condition holds speaks; where none does, the first of all, but without its event.
    speaks = np.full(_STATUS_SLOTS, fitting[0])
    holds = np.zeros(_STATUS_SLOTS, dtype=np.bool_)
    for at in reversed(fitting):
        for low, high in rules.routes[at].status:
            speaks[max(low, 1) : high] = at
            holds[max(low, 1) : high] = True
    events = event_names(rules)
    event = np.array([events.index(route.event) if route.event else -1 for route in rules.routes])
    caller = np.array([-1 if route.caller is None else route.caller for route in rules.routes])
    is_activity = np.array([route.is_activity for route in rules.routes])
    statuses = np.arange(_STATUS_SLOTS)
    is_let_in = (statuses > 0) & (statuses < 400)  # without a status nothing proves it
    return _Meaning(
        event=np.where(holds, event[speaks], -1),
        caller=np.where(is_let_in, caller[speaks], -1),
        is_activity=is_activity[speaks],
    )


def event_names(rules: Rules) -> list[str]:
    """Give the events that the rules name, in order."""
    return sorted({route.event for route in rules.routes if route.event})
