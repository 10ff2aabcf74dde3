"""What the report says, as HTML, without a browser."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import plotly.graph_objects
import pytest
from sqlalchemy import delete, insert, update

from warehouse import schema
from warehouse.definitions import METRICS
from warehouse.report import ReportSummary, build_report

NOW = datetime.fromisoformat("2026-09-30T06:15")


class Reader(HTMLParser):
    """Collects what a browser would run, load or link to, and the text that it would show."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.elements: list[dict[str, str]] = []
        self.shown: list[str] = []
        self.scripts: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.elements.append({name: value or "" for name, value in attrs})
        self._inside = tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
        elif not self._inside:
            self.shown.append(data)

    @property
    def attributes(self) -> list[tuple[str, str]]:
        return [pair for element in self.elements for pair in element.items()]

    @property
    def text(self) -> str:
        return " ".join("".join(self.shown).split())

    @property
    def specs(self) -> list[dict[str, Any]]:
        found = [json.loads(script) for script in self.scripts if script.startswith("{")]
        return [spec for views in found for spec in views.values()]


def build(rows: Any, folder: Path) -> tuple[ReportSummary, Reader]:
    summary = build_report(rows, folder / "report.html", now=NOW)
    reader = Reader()
    reader.feed((folder / "report.html").read_text(encoding="utf-8"))
    return summary, reader


@pytest.fixture(scope="module")
def page(plausible: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[ReportSummary, Reader]:
    return build(plausible, tmp_path_factory.mktemp("report"))


def test_the_summary_tells_what_was_written(page: tuple[ReportSummary, Reader]) -> None:
    summary, _ = page
    assert summary.size_bytes == summary.path.stat().st_size <= 8_000_000
    assert (summary.first_date, summary.last_date) == ("2026-08-01", "2026-09-29")
    assert re.fullmatch(
        r"On Tuesday 29 September 2026, \d+ players played, .* an average day of the week before \(\d+\)\.",
        summary.headline[0],
    )
    assert list(summary.path.parent.iterdir()) == [summary.path]


def test_every_section_has_its_figures(page: tuple[ReportSummary, Reader]) -> None:
    _, reader = page
    titles = (
        "Players per day, in 7 days and in 30 days",
        "Where each day's players came from, and who stayed away",
        "How many come back, day by day after the first",
        "Return of each day's new players",
        "Funnel: onboarding",
        "The commonest steps from one event to the next",
        "Players at once, by weekday and hour (UTC)",
        "Requests of people and bots",
        "Answer times: the mean of the hourly percentiles",
        "Share of requests that failed",
        "Errors by route",
        "Sources of players' sessions",
        "What became of every line",
        "Rejected lines by reason",
        "Refused objects",
        "Bots by reason",
        "Checks of the last run",
        "Last runs",
    )
    assert [title for title in titles if title not in reader.text] == []


def test_every_chart_is_valid_and_names_its_axes(page: tuple[ReportSummary, Reader]) -> None:
    _, reader = page
    for spec in reader.specs:
        plain = json.loads(re.sub(r'"@\w+(/[\d.]+)?"', '"#123456"', json.dumps(spec)))
        plotly.graph_objects.Figure(data=plain["data"], layout=plain["layout"])
        if plain["data"][0]["type"] != "sankey":
            assert plain["layout"]["xaxis"]["title"]["text"]
            assert plain["layout"]["yaxis"]["title"]["text"]


def test_every_chart_has_a_text_alternative_and_a_table(page: tuple[ReportSummary, Reader]) -> None:
    _, reader = page
    images = [element["aria-label"] for element in reader.elements if element.get("role") == "img"]
    assert len(images) == len(set(images)) == 9
    assert min(len(image) for image in images) > 60
    assert reader.tags.count("details") >= len(images)


def test_every_figure_links_to_a_definition_that_the_page_has(page: tuple[ReportSummary, Reader]) -> None:
    _, reader = page
    ids = {value for name, value in reader.attributes if name == "id"}
    links = {value[1:] for name, value in reader.attributes if name == "href" and value.startswith("#")}
    assert links <= ids
    defined = {link.removeprefix("def-") for link in links if link.startswith("def-")}
    assert defined - {metric.metric_id for metric in METRICS} == {one for one in defined if "-" in one}
    assert "This warehouse does not define it." not in reader.text


def test_days_that_have_not_come_are_empty_in_the_heat_map(page: tuple[ReportSummary, Reader]) -> None:
    _, reader = page
    classic = next(
        s for s in reader.specs if s["data"][0]["type"] == "heatmap" and len(s["data"][0]["y"]) == 60
    )
    cells = classic["data"][0]["z"]
    assert [cell is None for cell in cells[-3]] == [False] * 2 + [True] * 28
    assert None not in cells[0]


def test_the_sankey_has_no_cycle_and_says_what_is_folded_away(page: tuple[ReportSummary, Reader]) -> None:
    _, reader = page
    link = next(s for s in reader.specs if s["data"][0]["type"] == "sankey")["data"][0]["link"]
    assert not set(link["source"]) & set(link["target"])
    assert "24 rarer pairs with 30,120 transitions (24%) are folded away" in reader.text


def test_the_page_asks_for_nothing_and_runs_its_own_scripts_only(page: tuple[ReportSummary, Reader]) -> None:
    _, reader = page
    loading = [
        value
        for name, value in reader.attributes
        if name in ("src", "href", "srcset", "action") and not value.startswith(("#", "data:,"))
    ]
    assert loading == []
    policy = next(value for name, value in reader.attributes if name == "content" and "default-src" in value)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline" not in policy.split("style-src")[0]


def test_the_same_warehouse_gives_the_same_page(plausible: Any, tmp_path: Path) -> None:
    one = build_report(plausible, tmp_path / "one.html", now=NOW).path.read_bytes()
    assert build_report(plausible, tmp_path / "two.html", now=NOW).path.read_bytes() == one


def test_an_empty_warehouse_has_a_page_that_says_so(empty_rows: Callable[[], Any], tmp_path: Path) -> None:
    summary, reader = build(empty_rows(), tmp_path)
    assert summary.headline[0] == "No activity has been loaded yet, so there is nothing to report."
    assert summary.first_date is None
    assert "No line has been read yet." in reader.text
    assert reader.specs == []


def test_parts_that_are_missing_become_sentences(
    plausible: Any, empty_rows: Callable[[], Any], tmp_path: Path
) -> None:
    rows = empty_rows()
    row = {
        "activity_date": date(2026, 8, 1),
        "dimension": "all",
        "value": "all",
        "dau": 1,
        "wau": 1,
        "mau": 1,
    }
    counts = {
        column.name: 0 for column in schema.daily_activity.c if not column.nullable and column.name not in row
    }
    with rows.engine.begin() as connection:
        connection.execute(
            insert(schema.daily_activity), [counts | row | {"history_days": 1, "new_players": 1}]
        )
    summary, reader = build(rows, tmp_path)
    assert summary.headline[0] == (
        "On Saturday 1 August 2026, 1 player played. It is the first day of the logs, so there is nothing to"
        " compare it with yet."
    )
    for sentence in (
        "No cohort is a day old yet",
        "No funnel has a cohort",
        "No session has an event",
        "No session lasted",
        "No request of these days is in the warehouse",
        "No session of these days has a source",
        "No check has been recorded yet",
        "No run has been recorded yet",
    ):
        assert sentence in reader.text


def test_logs_without_answer_times_say_so(
    plausible: Any, empty_rows: Callable[[], Any], tmp_path: Path
) -> None:
    rows = copied(plausible, empty_rows)
    with rows.engine.begin() as connection:
        connection.execute(update(schema.traffic_hours).values(p50_ms=None, p95_ms=None, p99_ms=None))
        connection.execute(delete(schema.funnel_steps))
    _, reader = build(rows, tmp_path)
    assert "The logs of these days hold no answer times." in reader.text


def test_an_unfinished_last_day_is_not_the_headline(
    plausible: Any, empty_rows: Callable[[], Any], tmp_path: Path
) -> None:
    rows = copied(plausible, empty_rows)
    evening = datetime.fromisoformat("2026-09-29T18:00")
    with rows.engine.begin() as connection:
        connection.execute(delete(schema.traffic_hours).where(schema.traffic_hours.c.hour_at > evening))
        connection.execute(
            update(schema.log_objects)
            .where(schema.log_objects.c.status == "loaded")
            .values(last_at=evening + timedelta(minutes=42))
        )
    summary, _ = build(rows, tmp_path)
    assert summary.headline[0].startswith("On Monday 28 September 2026, ")
    assert (
        "The logs end at 29 Sep 2026, 18:42 UTC, so Tuesday 29 September 2026 is taken as unfinished and the"
        " headline is about Monday 28 September 2026."
    ) in summary.alerts


def test_refused_objects_and_broken_checks_stand_before_the_figures(
    page: tuple[ReportSummary, Reader],
) -> None:
    summary, reader = page
    assert summary.alerts == (
        "Check days_without_logs: no line between 2026-09-04 02:00 and 03:00",
        "1 object refused whole: its lines count nowhere.",
    )
    assert all(alert in reader.text for alert in summary.alerts)


def test_a_file_that_cannot_be_written_leaves_the_old_one(plausible: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError, match="file"):
        build_report(plausible, tmp_path / "file" / "report.html", now=NOW)
    assert (tmp_path / "file").read_text() == "not a folder"


def test_hostile_text_makes_no_element_and_no_attribute(hostile: Any, tmp_path: Path) -> None:
    _, reader = build(hostile, tmp_path)
    assert not {"img", "iframe", "object", "embed", "form", "base"} & set(reader.tags)
    assert [name for name, _ in reader.attributes if name.startswith("on")] == []
    assert [
        value for name, value in reader.attributes if name == "href" and value.startswith("javascript")
    ] == []
    assert "<img src=x onerror=alert(2)>" in reader.text
    assert "⟨U+202E⟩" in reader.text
    assert (tmp_path / "report.html").stat().st_size < 8_000_000


def copied(rows: Any, empty_rows: Callable[[], Any]) -> Any:
    """Copy a warehouse, to be changed."""
    copy = empty_rows()
    copy.engine.dispose()
    shutil.copyfile(rows.engine.url.database, copy.engine.url.database)
    return copy
