"""What every metric and column means, once: rows for the warehouse, and the source of the generated docs.

Metrics are written down in :mod:`warehouse.metrics_return` and :mod:`warehouse.metrics_play`; a column's
definition is its comment in :mod:`warehouse.tables`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table

from warehouse.metrics_play import PLAY
from warehouse.metrics_return import RETURN
from warehouse.metrics_text import MetricDefinition
from warehouse.schema import (
    MODEL_TABLES,
    OPERATION_TABLES,
    column_definitions,
    data_type,
    metric_definitions,
)

METRICS: tuple[MetricDefinition, ...] = RETURN + PLAY


def definition_rows() -> dict[Table, list[dict[str, Any]]]:
    """Give the rows of metric_definitions and column_definitions, in the order of their keys."""
    metrics = [
        {column.name: getattr(metric, column.name) for column in metric_definitions.columns}
        for metric in sorted(METRICS, key=lambda metric: metric.metric_id)
    ]
    columns = [row for table in MODEL_TABLES + OPERATION_TABLES for row in _column_rows(table)]
    columns.sort(key=lambda row: (row["table_name"], row["column_name"]))
    return {metric_definitions: metrics, column_definitions: columns}


def _column_rows(table: Table) -> list[dict[str, Any]]:
    rows = [_row(table, "(table)", 0, "table", False, False, table.comment)]
    for position, column in enumerate(table.columns, start=1):
        rows.append(
            _row(
                table,
                column.name,
                position,
                data_type(column),
                bool(column.primary_key),
                bool(column.nullable),
                column.comment,
            )
        )
    return rows


def _row(
    table: Table, name: str, position: int, kind: str, is_key: bool, is_nullable: bool, definition: str | None
) -> dict[str, Any]:
    return {
        "table_name": table.name,
        "column_name": name,
        "position": position,
        "data_type": kind,
        "is_key": is_key,
        "is_nullable": is_nullable,
        "definition": definition or "",
    }
