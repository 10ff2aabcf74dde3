"""Every column and metric is explained once, and the generated docs say the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from warehouse import schema
from warehouse.definitions import METRICS, definition_rows
from warehouse.docs import generated, stale_docs, write_docs

DOCS = Path(__file__).parents[2] / "docs"

# A daily figure that needs no words of its own, and the metric that has them.
COVERED_BY = {
    "history_days": "mau",
    "peak_at": "peak_concurrent_players",
    "first_time_payers": "payers",
}


def test_the_docs_are_up_to_date() -> None:
    assert stale_docs(DOCS) == []  # `make docs` writes them


def test_stale_docs_are_found_and_written(tmp_path) -> None:
    assert stale_docs(tmp_path) == ["tables.md", "metrics.md"]
    assert write_docs(tmp_path) == ["tables.md", "metrics.md"]
    assert stale_docs(tmp_path) == []
    (tmp_path / "tables.md").write_text("older")
    assert write_docs(tmp_path) == ["tables.md"]
    assert write_docs(tmp_path) == []


def test_every_column_has_its_line_in_the_docs_and_its_row_in_the_warehouse(wh) -> None:
    text = generated()["tables.md"]
    rows = wh.sql("SELECT table_name, column_name, position, definition FROM column_definitions")
    recorded = {
        (row.table_name, row.column_name): (row.position, row.definition) for row in rows.itertuples()
    }
    for table in schema.MODEL_TABLES + schema.OPERATION_TABLES:
        assert f"### {table.name}\n\n{table.comment}\n" in text
        assert recorded.pop((table.name, "(table)")) == (0, table.comment)
        for position, column in enumerate(table.columns, start=1):
            assert recorded.pop((table.name, column.name)) == (position, column.comment)
            assert f"{column.name}" in text
    assert recorded == {}


def test_every_figure_of_a_day_is_a_metric_with_a_definition() -> None:
    known = {metric.metric_id for metric in METRICS}
    figures = [c.name for c in schema.daily_activity.columns if not c.primary_key]
    assert [name for name in figures if COVERED_BY.get(name, name) not in known] == []


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.metric_id)
def test_a_definition_says_everything_and_its_query_runs(shared, metric) -> None:
    for text in (metric.formula, metric.grain, metric.caveat, metric.source, metric.example):
        assert len(text) > 8
        assert "\n" not in text
    frame = shared.sql(metric.query)
    assert len(frame.columns) >= 2
    assert f"## {metric.metric_id}\n" in generated()["metrics.md"]


def test_metric_ids_are_unique_and_recorded(wh) -> None:
    ids = sorted(metric.metric_id for metric in METRICS)
    assert len(ids) == len(set(ids))
    assert wh.sql("SELECT metric_id FROM metric_definitions ORDER BY metric_id").metric_id.tolist() == ids


def test_rows_of_definitions_are_in_the_order_of_their_keys() -> None:
    for table, rows in definition_rows().items():
        keys = [tuple(row[column.name] for column in table.primary_key.columns) for row in rows]
        assert keys == sorted(keys)
        assert len(keys) == len(set(keys))


def test_the_worked_example_of_retention_is_the_golden_one(wh, kit) -> None:
    """Three players, back on day 1, on day 5 and never (docs/metrics.md)."""
    kit.load(wh, "r1", kit.World({"ada": (0, 1), "bo": (0, 5), "cy": (0,)}))
    with wh.reading() as connection:
        t = schema.retention.c
        rows = connection.execute(
            select(t.retained_classic, t.retained_rolling, t.is_mature)
            .where(t.cohort_date == kit.DAY_1, t.day_n <= 6)
            .order_by(t.day_n)
        ).all()
    assert [row[0] for row in rows] == [3, 1, 0, 0, 0, 1, 0]
    assert [row[1] for row in rows] == [3, 2, 1, 1, 1, 1, 0]
    assert [row[2] for row in rows] == [True] * 6 + [False]
