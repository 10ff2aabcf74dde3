"""The data-quality panel: what became of every line, who was a machine, which runs and checks were made."""

from __future__ import annotations

import pandas as pd

from warehouse import queries
from warehouse.queries import Readable
from warehouse.report import text
from warehouse.report.page import Column, Figure, Section, table
from warehouse.report.period import Period

_FATES = {
    "accepted": "Accepted as requests",
    "rejected": "Rejected: could not be read",
    "duplicates": "Duplicates: another line has the same request id",
    "ignored": "Ignored: blank and directive lines",
    "erased": "Erased players' lines",
}


def quality_section(warehouse: Readable, period: Period | None) -> Section:
    """Make the panel; it needs no activity, so an empty warehouse has one too."""
    lead = "What was read and what was not. Every line is in exactly one of the counts."
    lines = queries.quality(warehouse)
    found = [_rejections(warehouse, lines), _refused(warehouse)]
    if period is not None:
        found.append(_bots(warehouse, period))
    # What did not happen is said in a sentence; panels are for what did.
    absent = " ".join(figure.says for figure in found if figure.says and figure.bars is None)
    figures = (
        _lines(lines, absent),
        *(figure for figure in found if figure.bars is not None),
        _formats(lines),
        _checks(warehouse),
        _runs(warehouse),
    )
    return Section("quality", "Data quality", lead, figures)


def alerts(warehouse: Readable, period: Period | None) -> tuple[str, ...]:
    """Say what a reader must know before he trusts the figures: refused objects, failed checks and runs."""
    said = []
    last_run = queries.runs(warehouse, limit=1)
    if len(last_run) and last_run["status"].iloc[0] == "failed":
        said.append(f"The last run failed: {text.shown(last_run['message'].iloc[0])}")
    broken = queries.checks(warehouse)
    for row in broken[~broken["passed"].astype("bool")].itertuples():
        said.append(f"Check {text.shown(row.check_name, 60)}: {text.shown(row.found)}")
    refused = queries.refused_count(warehouse)
    if refused:
        said.append(
            f"{text.plural(refused, 'object')} refused whole:"
            f" {'its' if refused == 1 else 'their'} lines count nowhere."
        )
    if period is not None and period.is_unfinished:
        said.append(
            f"The logs end at {text.moment(period.last_request_at)}, so"
            f" {text.day(period.until, weekday=True)} is taken as unfinished"
            + (
                f" and the headline is about {text.day(period.day, weekday=True)}."
                if period.day != period.until
                else "."
            )
        )
    return tuple(said)


def _lines(lines: pd.DataFrame, absent: str) -> Figure:
    total = int(lines["lines_read"].sum())
    if not total:
        return Figure("lines", "What became of every line", "No line has been read yet.")
    sums = {fate: int(lines[fate].sum()) for fate in _FATES}
    frame = pd.DataFrame(
        {
            "fate": list(_FATES.values()),
            "lines": list(sums.values()),
            "ratio": [n / total for n in sums.values()],
        }
    )
    says = (
        f"{text.plural(total, 'line')} read from {text.plural(int(lines['objects'].sum()), 'object')}:"
        f" {text.percent(sums['accepted'] / total)} accepted, {sums['rejected']:,} rejected."
        f" {absent}"
    )
    return Figure(
        id="lines",
        title="What became of every line",
        says=says.strip(),
        bars=table(
            "Lines by what became of them",
            frame,
            (
                Column("fate", "Lines", text.shown),
                Column("lines", "Count", text.count, is_bar=True),
                Column("ratio", "Of all read", text.percent),
            ),
        ),
        defined=tuple(f"log_objects.{name}" for name in ("lines_read", *_FATES)),
        is_half=True,
    )


def _rejections(warehouse: Readable, lines: pd.DataFrame) -> Figure:
    rejected = int(lines["rejected"].sum())
    frame = queries.rejections(warehouse)
    if frame.empty:
        return Figure("rejections", "Rejected lines by reason", "", is_half=True)
    kept = int(frame["rejected_lines"].sum())
    says = f"{text.plural(rejected, 'line')} rejected. List and replay them with: playerpath rejected."
    notes: tuple[str, ...] = ()
    if kept < rejected:
        notes = (f"{kept:,} are kept here, the first 1,000 of each object; the rest is in the lake.",)
    return Figure(
        id="rejections",
        title="Rejected lines by reason",
        says=says,
        bars=table(
            "Reasons, commonest first",
            frame,
            (
                Column("reason", "Reason", text.shown),
                Column("rejected_lines", "Lines", text.count, is_bar=True),
                Column("objects", "Objects"),
                Column("raw", "One of them", text.excerpt),
            ),
        ),
        notes=notes,
        defined=("rejected_lines.reason", "rejected_lines.raw"),
        is_half=True,
    )


def _refused(warehouse: Readable) -> Figure:
    found, frame = queries.refused_count(warehouse), queries.refused(warehouse)
    if not found:
        return Figure("refused", "Refused objects", "No object was refused.", is_half=True)
    return Figure(
        id="refused",
        title="Refused objects",
        says=f"{text.plural(found, 'object')} refused whole; none of their lines is in the figures.",
        bars=table(
            "Refused objects by name",
            frame,
            (Column("object_uri", "Object", text.shown), Column("reason", "Why", text.shown)),
        ),
        defined=("log_objects.status", "log_objects.reason"),
        is_half=True,
    )


def _bots(warehouse: Readable, period: Period) -> Figure:
    frame = queries.bots(warehouse, since=period.since, until=period.until)
    if frame.empty:
        return Figure("bots", "Bots by reason", "No request was taken for a bot's.", is_half=True)
    requests = int(frame["request_count"].sum())
    sessions = text.plural(int(frame["sessions"].sum()), "session")
    says = f"{text.plural(requests, 'request')} in {sessions} of bots."
    return Figure(
        id="bots",
        title="Bots by reason",
        says=says,
        bars=table(
            "Bots, most requests first",
            frame,
            (
                Column("bot_reason", "Verdict", text.shown),
                Column("request_count", "Requests", text.count, is_bar=True),
                Column("sessions", "Sessions"),
                Column("actors", "Actors"),
            ),
        ),
        defined=("sessions.is_bot", "sessions.bot_reason", "bot_request_count"),
        is_half=True,
    )


def _formats(lines: pd.DataFrame) -> Figure:
    if lines.empty:
        return Figure("formats", "What was loaded", "No object has been loaded yet.")
    says = "; ".join(
        f"{text.plural(row['objects'], 'object')} in format {text.shown(row['format'], 40)} of the stream"
        f" {text.shown(row['stream'], 40)}"
        for row in lines.head(4).to_dict("records")
    )
    return Figure(
        id="formats",
        title="What was loaded",
        says=f"{says}.",
        bars=table(
            "Loaded objects by format and stream",
            lines,
            (
                Column("format", "Format", text.shown),
                Column("stream", "Stream", text.shown),
                Column("objects", "Objects"),
                Column("lines_read", "Lines", text.count, is_bar=True),
                Column("size_bytes", "Size", text.size),
                Column("first_at", "From", text.moment),
                Column("last_at", "To", text.moment),
            ),
        ),
        defined=("log_objects.format", "log_objects.stream", "log_objects.size_bytes"),
    )


def _checks(warehouse: Readable) -> Figure:
    frame = queries.checks(warehouse)
    if frame.empty:
        return Figure("checks", "Checks of the last run", "No check has been recorded yet.")
    passed = frame["passed"].astype("bool")
    failed = int((~passed).sum())
    says = (
        f"All {text.plural(len(frame), 'check')} passed."
        if not failed
        else f"{failed} of {text.plural(len(frame), 'check')} did not pass; they stand first."
    )
    return Figure(
        id="checks",
        title="Checks of the last run",
        says=says,
        bars=table(
            "Checks, those that did not pass first",
            frame.assign(result=passed.map({True: "passed", False: "did not pass"})),
            (
                Column("check_name", "Check", text.shown),
                Column("result", "Result", text.shown),
                Column("severity", "If broken", text.shown),
                Column("found", "Found", text.shown),
            ),
        ),
        defined=("data_checks.severity", "data_checks.passed"),
    )


def _runs(warehouse: Readable) -> Figure:
    frame = queries.runs(warehouse)
    if frame.empty:
        return Figure("runs", "Last runs", "No run has been recorded yet.")
    last = frame.iloc[0]
    says = (
        f"The last one ended on {text.moment(last['finished_at'])}: {text.shown(last['status'], 20)}, after"
        f" {text.duration(last['seconds'])}."
    )
    return Figure(
        id="runs",
        title="Last runs",
        says=says,
        bars=table(
            "Runs, newest first",
            frame.assign(
                status=frame["status"].where(
                    frame["message"].isna(), frame["status"] + ": " + frame["message"].fillna("")
                )
            ),
            (
                Column("finished_at", "Ended", text.moment),
                Column("command", "Command", text.shown),
                Column("status", "Status", text.shown),
                Column("engine", "Engine", text.shown),
                Column("lines_read", "Lines read"),
                Column("accepted", "Accepted"),
                Column("rejected", "Rejected"),
                Column("seconds", "Time", text.duration),
                Column("run_id", "Run", text.shown),
            ),
        ),
        notes=("A run that finds nothing new leaves no row.",),
        defined=("load_runs.status", "load_runs.seconds"),
    )
