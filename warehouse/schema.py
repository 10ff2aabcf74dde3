"""The relational model: every table of the warehouse by name, and what code needs to know about them as sets.

`SCHEMA_VERSION` counts up with every change of a table; a warehouse with a newer one is refused.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, DateTime, Float, Table, Text

from warehouse.tables.activity import daily_activity, funnel_steps, retention, retention_brackets
from warehouse.tables.columns import metadata
from warehouse.tables.operations import (
    column_definitions,
    data_checks,
    lake_file_objects,
    lake_files,
    load_runs,
    log_objects,
    metric_definitions,
    object_sightings,
    rejected_lines,
    restatements,
    warehouse_lease,
    warehouse_state,
)
from warehouse.tables.players import player_days, players, sessions
from warehouse.tables.traffic import concurrency_minutes, path_transitions, traffic_hours, traffic_sources

SCHEMA_VERSION = 1

MODEL_TABLES: tuple[Table, ...] = (
    sessions,
    player_days,
    players,
    daily_activity,
    retention,
    retention_brackets,
    funnel_steps,
    path_transitions,
    traffic_hours,
    traffic_sources,
    concurrency_minutes,
)
"""Computed by the models from requests; a run replaces them."""

OPERATION_TABLES: tuple[Table, ...] = (
    load_runs,
    log_objects,
    object_sightings,
    rejected_lines,
    lake_files,
    restatements,
    data_checks,
    metric_definitions,
    column_definitions,
    warehouse_state,
)
"""Written by the load itself."""

INTERNAL_TABLES: tuple[Table, ...] = (lake_file_objects, warehouse_lease)
"""Not for readers: left out of docs, digest and publication."""


def data_type(column: Column[object]) -> str:
    """Name a column's type as the docs do: text, integer, double, boolean, date or timestamp."""
    names = {Text: "text", Float: "double", Boolean: "boolean", Date: "date", DateTime: "timestamp"}
    return next((name for kind, name in names.items() if isinstance(column.type, kind)), "integer")


__all__ = [
    "INTERNAL_TABLES",
    "MODEL_TABLES",
    "OPERATION_TABLES",
    "SCHEMA_VERSION",
    "column_definitions",
    "concurrency_minutes",
    "daily_activity",
    "data_checks",
    "data_type",
    "funnel_steps",
    "lake_file_objects",
    "lake_files",
    "load_runs",
    "log_objects",
    "metadata",
    "metric_definitions",
    "object_sightings",
    "path_transitions",
    "player_days",
    "players",
    "rejected_lines",
    "restatements",
    "retention",
    "retention_brackets",
    "sessions",
    "traffic_hours",
    "traffic_sources",
    "warehouse_lease",
    "warehouse_state",
]
