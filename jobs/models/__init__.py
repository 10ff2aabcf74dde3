"""The models: one Spark SQL file a table, in the order in which they are computed.

Spark runs the files as they stand; the other engines translate them (:mod:`jobs.engines.sql`). What a model
reads, its grain and its window are read from its header, so that the file says all there is to know.

Inside the models a date is a number of days and a time a number of microseconds, both since 1970 UTC; engines
turn ``*_date`` and ``*_at`` into dates and timestamps when they hand the tables out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

from jobs.access_logs.settings import MeaningSettings

ORDER: tuple[str, ...] = (
    "activity_slots",
    "session_slots",
    "session_spans",
    "edge_requests",
    "session_facts",
    "sessions",
    "player_days",
    "players",
    "day_counts",
    "dimension_days",
    "calendar",
    "active_players",
    "session_lengths",
    "concurrency_ranges",
    "concurrency_minutes",
    "daily_activity",
    "retention",
    "retention_brackets",
    "funnel_events",
    "funnel_progress",
    "funnel_next_step",
    "funnel_entries",
    "funnel_steps",
    "event_pairs",
    "path_transitions",
    "traffic_hours",
    "traffic_sources",
)

KEYS: Mapping[str, tuple[str, ...]] = {
    "sessions": ("started_date", "session_id"),
    "player_days": ("player_id", "activity_date"),
    "players": ("player_id",),
    "daily_activity": ("activity_date", "dimension", "value"),
    "retention": ("cohort_date", "day_n", "dimension", "value"),
    "retention_brackets": ("cohort_date", "bracket"),
    "funnel_steps": ("funnel", "cohort_date", "step_number", "dimension", "value"),
    "path_transitions": ("activity_date", "from_event", "to_event"),
    "traffic_hours": ("hour_at", "stream", "method", "route", "status", "is_bot"),
    "traffic_sources": ("activity_date", "referrer_host", "utm_source", "utm_campaign"),
    "concurrency_minutes": ("minute_at",),
}
"""The tables that engines hand out, and their keys; the other models are steps on the way."""

_HEADER = re.compile(r"\A(?:--[^\n]*\n)+")
_LABEL = re.compile(r"^-- (Source|Grain|Columns|Window|Late data|Again): ", re.MULTILINE)
_DAYS = re.compile(r"days (-?\d+)\.\.(-?\d+)")


@dataclass(frozen=True)
class Window:
    """Which days of its sources a model needs for a row of day d: from it follows what to rebuild.

    kind: ``days`` (d+first to d+last), ``chain`` (days that an actor's sessions link), ``cohort`` (all days
    of the cohort's players), ``history`` (all days of the players touched).
    """

    kind: str
    first: int = 0
    last: int = 0

    @classmethod
    def parse(cls, text: str) -> Window:
        """Read the `Window:` line of a header. Raises ValueError for a kind that nobody knows."""
        if days := _DAYS.match(text):
            return cls("days", int(days[1]), int(days[2]))
        kind = re.split(r"\W", text, maxsplit=1)[0]
        if kind not in ("chain", "cohort", "history", "as"):
            raise ValueError(f"window: wanted days A..B, chain, cohort or history, found {text!r}")
        return cls("history" if kind == "as" else kind)


@dataclass(frozen=True)
class Model:
    """One SQL file and what its header says."""

    name: str
    sql: str
    about: str
    sources: tuple[str, ...]
    grain: str
    window: Window
    reads_ids_as_text: bool
    """An engine may keep player_id as a code in every table, but must give this model the text."""

    @property
    def is_coded(self) -> bool:
        """Say whether an engine may keep all of this table's text as codes.

        Models over coded tables use text for equality and grouping only, never its order or content.
        """
        return "[coded]" in self.grain


@dataclass(frozen=True)
class Step:
    """One model to compute: a new table, or more rows of one."""

    model: Model
    table: str
    parameters: Mapping[str, int] = field(default_factory=dict)
    adds: bool = False


@lru_cache(maxsize=64)
def model(name: str) -> Model:
    """Read a model's file. Raises FileNotFoundError, and ValueError for a header that lacks a label."""
    sql = (files(__name__) / f"{name}.sql").read_text(encoding="utf-8")
    header = _HEADER.match(sql)
    parts = _LABEL.split(header[0] if header else "")
    labels = {label: " ".join(re.sub(r"^--", "", text, flags=re.MULTILINE).split()) for label, text in
              zip(parts[1::2], parts[2::2], strict=True)}  # fmt: skip
    missing = {"Source", "Grain", "Columns", "Window", "Late data", "Again"} - labels.keys()
    if missing:
        raise ValueError(f"{name}.sql: header lacks {', '.join(sorted(missing))}")
    sources = re.sub(r"\([^)]*\)", "", labels["Source"])
    return Model(
        name=name,
        sql=sql,
        about=" ".join(re.sub(r"^--", "", parts[0], flags=re.MULTILINE).split()),
        sources=tuple(source.strip() for source in sources.split(",")),
        grain=labels["Grain"],
        window=Window.parse(labels["Window"]),
        reads_ids_as_text="(player_id as text)" in labels["Source"],
    )


def steps(settings: MeaningSettings) -> Iterator[Step]:
    """Give all models in order, with the numbers that stand for `:name` in their text."""
    gap = {"slot_us": max(settings.session_gap_us, 1), "session_gap_us": settings.session_gap_us}
    for name in ORDER:
        if name == "funnel_next_step":
            longest = max((len(funnel.steps) for funnel in settings.funnels), default=0)
            for number in range(2, longest + 1):
                yield Step(model(name), "funnel_progress", {"step_number": number}, adds=True)
            continue
        sql = model(name).sql
        yield Step(model(name), name, {key: value for key, value in gap.items() if f":{key}" in sql})
