"""Rules as values: what a rules file says, read and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from jobs.access_logs.paths import ANY


class RulesError(ValueError):
    """A rules file that cannot be used; the message is one line: file, line, what was wanted and found."""


@dataclass(frozen=True)
class Route:
    """One rule: requests of these methods whose path fits the template, and what they mean."""

    methods: tuple[str, ...]  # none: any method
    path: str  # the template as written
    segments: tuple[str, ...]  # literals; ANY for a named part
    parts: tuple[str | None, ...]  # the parts' names, None for a literal
    has_rest: bool  # the last part takes one segment or more
    status: tuple[tuple[int, int], ...]  # half-open ranges in which the event happened
    event: str | None
    caller: int | None  # the segment that names the player who asks
    is_activity: bool
    attributes: tuple[str, ...]

    def takes(self, method: str, segments: Sequence[str]) -> bool:
        """Tell whether a request has this route."""
        if self.methods and method not in self.methods:
            return False
        if len(segments) != len(self.segments) and not (self.has_rest and len(segments) > len(self.segments)):
            return False
        return all(mine in (ANY, theirs) for mine, theirs in zip(self.segments, segments, strict=False))


@dataclass(frozen=True)
class Funnel:
    """Steps of which each must follow the one before it."""

    name: str
    cohort: str  # date: a player's first step 1 of each date; all: his first ever
    window_us: int | None  # from step 1 to any later step, inclusive; None: no limit
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Rules:
    """A rules file. Two are equal when their texts are."""

    digest: str  # SHA-256 of the text
    name: str = field(compare=False)
    text: str = field(compare=False, repr=False)
    routes: tuple[Route, ...] = field(compare=False, default=())
    funnels: tuple[Funnel, ...] = field(compare=False, default=())
    query_parameter: str | None = field(compare=False, default=None)  # whose value is a player id
    cookie: str | None = field(compare=False, default=None)  # for IngestSettings.id_cookie
    json_field: str | None = field(compare=False, default=None)  # for IngestSettings.id_json_field
    clients: tuple[str, ...] = field(compare=False, default=())  # beginnings of the game's own user agents
