"""Build the report: ask, arrange, write one file."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from warehouse import queries
from warehouse.queries import Readable
from warehouse.report import cohorts, paths, players, quality, text, traffic
from warehouse.report.definitions import definitions
from warehouse.report.headline import headline
from warehouse.report.page import Page, Section, render
from warehouse.report.period import DAYS, Period, find_period
from warehouse.report.summary import ReportSummary


def write_report(
    warehouse: Readable, out: Path, *, title: str | None = None, now: datetime | None = None
) -> ReportSummary:
    """Write the report; see :func:`warehouse.report.build_report`."""
    started = perf_counter()
    written = (now or datetime.now(UTC)).replace(tzinfo=None)
    period = find_period(warehouse)
    page = _page(warehouse, period, title or "How the game is doing", written)
    html = render(page)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        part.write_text(html, encoding="utf-8", errors="backslashreplace", newline="\n")
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return ReportSummary(
        path=out,
        size_bytes=out.stat().st_size,
        seconds=perf_counter() - started,
        first_date=period.since.isoformat() if period else None,
        last_date=period.until.isoformat() if period else None,
        headline=(page.lead, *page.sentences),
        alerts=page.alerts,
    )


def _page(warehouse: Readable, period: Period | None, title: str, written: datetime) -> Page:
    alerts = quality.alerts(warehouse, period)
    colophon = _colophon(warehouse, written)
    if period is None:
        sections: tuple[Section, ...] = (quality.quality_section(warehouse, None),)
        return Page(
            title=title,
            subtitle="No activity yet",
            lead="No activity has been loaded yet, so there is nothing to report.",
            sentences=("Load logs with: playerpath run SOURCE, then write the report again.",),
            alerts=alerts,
            cards=(),
            cards_note="",
            sections=sections,
            definitions=definitions(warehouse, sections, ()),
            colophon=colophon,
        )
    top = headline(warehouse, period)
    sections = (
        players.players_section(warehouse, period),
        cohorts.retention_section(warehouse, period),
        cohorts.funnels_section(warehouse, period),
        paths.paths_section(warehouse, period),
        paths.hours_section(warehouse, period),
        traffic.traffic_section(warehouse, period),
        traffic.sources_section(warehouse, period),
        quality.quality_section(warehouse, period),
    )
    sentences = top.sentences
    if queries.settings(warehouse).get("settings.identity") == "visitor":
        sentences += ("Players are visitors here: address and user agent, as a keyed hash.",)
    span = f"{text.day(period.since)} to {text.day(period.until)}"
    if period.since == period.until:
        span = text.day(period.until)
    return Page(
        title=title,
        subtitle=f"{span} · logs to {text.moment(period.last_request_at)} · loaded"
        f" {text.moment(period.loaded_at)}",
        lead=top.lead,
        sentences=sentences,
        alerts=alerts,
        cards=top.cards,
        cards_note=f"{text.day(period.day, weekday=True)} against the mean of the seven days before it; the"
        " lines show up to 28 days. Return is of the last seven first days that are old enough.",
        sections=sections,
        definitions=definitions(warehouse, sections, top.cards),
        colophon=colophon,
    )


def _colophon(warehouse: Readable, written: datetime) -> tuple[str, ...]:
    recorded = queries.settings(warehouse)
    said = [
        f"Written {text.moment(written)}. Days and hours are UTC. The page shows the last {DAYS} days at most"
        " and asks for nothing from the network."
    ]
    kept = {"exclude": "left out of", "only": "alone counted in", "include": "counted in"}
    bots = kept.get(recorded.get("settings.bots", ""))
    return (*said, f"Bots are {bots} the figures on players.") if bots else tuple(said)
