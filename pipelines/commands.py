"""The small commands: each asks the warehouse or the simulator one thing and gives the text to print."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

import warehouse
from pipelines.errors import PlayerpathError, WrongUsage
from pipelines.terminal import shown
from warehouse.report import ReportSummary, build_report

DOCS = Path(__file__).resolve().parents[1] / "docs"


@contextmanager
def _opened(url: str) -> Iterator[warehouse.Warehouse]:
    """Open a warehouse that exists, for reading."""
    with warehouse.connect(url, read_only=True) as opened:
        yield opened


def report(url: str, out: Path) -> ReportSummary:
    """Write the report of a warehouse."""
    if out.is_dir():
        raise PlayerpathError(f"--out wants a file, found a folder: {out}")
    with _opened(url) as opened:
        try:
            return build_report(opened, out)
        except OSError as error:
            raise PlayerpathError(f"cannot write {out}: {error.strerror}") from None


def write_report(url: str, out: Path) -> str:
    """Write the report; say where it is."""
    said = report(url, out)
    return f"{said.path}: {said.size_bytes / 1e6:.1f} MB in {said.seconds:.1f} s"


def write_simulation(out: Path, players: int, days: int, seed: int, log_format: str, first: dt.date) -> str:
    """Write simulated logs and their truth; say what they hold."""
    from game_server.simulator.formats import FORMATS
    from game_server.simulator.simulate import simulate
    from game_server.simulator.writer import SimulationError

    if log_format not in FORMATS:
        raise WrongUsage(f"--format wants one of {', '.join(FORMATS)}; found {log_format!r}")
    try:
        made = simulate(players=players, days=days, seed=seed, format=log_format, out=out, start=first)
    except SimulationError as error:
        raise WrongUsage(str(error)) from None
    except OSError as error:
        raise PlayerpathError(f"cannot write to {out}: {error.strerror}") from None
    return f"{made.lines:,} lines in {made.objects:,} objects below {out}, counted in {out / 'truth.json'}"


def list_runs(url: str, limit: int, *, as_json: bool) -> str:
    """List the runs, newest first."""
    with _opened(url) as opened:
        runs = opened.runs(limit)
    if as_json:
        return json.dumps(runs, default=lambda value: value.isoformat())
    if not runs:
        return "no runs yet"
    columns = ["run_id", "status", "engine", "objects", "lines_read", "accepted", "rejected", "seconds"]
    return _table(pd.DataFrame(runs, columns=columns))


def show_run(url: str, run_id: str) -> str:
    """Show one run: its record, objects and checks."""
    with _opened(url) as opened:
        run = opened.sql("select * from load_runs where run_id = :run_id", run_id=run_id)
        if run.empty:
            raise PlayerpathError(f"no such run: {run_id} (playerpath runs list shows all)")
        objects = opened.sql(
            "select o.object_uri, l.status, l.format, l.lines_read, l.accepted, l.rejected, l.reason"
            " from object_sightings o join log_objects l on l.object_id = o.object_id"
            " where o.run_id = :run_id order by o.object_uri",
            run_id=run_id,
        )
        checks = opened.sql(
            "select check_name, severity, passed, found from data_checks where run_id = :run_id"
            " order by check_name",
            run_id=run_id,
        )
    record = "\n".join(f"{name:16} {_cell(value)}" for name, value in run.iloc[0].items())
    return "\n\n".join([record, _table(objects), _table(checks)])


def release_lease(url: str) -> str:
    """Free the lease of a dead run."""
    with warehouse.connect(url) as opened:
        holder = opened.release()
    return "the lease was free" if holder is None else f"released the lease of {holder}"


def list_rejected(url: str, reason: str | None, limit: int) -> str:
    """Give the count of each reason, then the first lines."""
    with _opened(url) as opened:
        counts = opened.sql(
            "select reason, count(*) as kept_lines, count(distinct object_id) as objects"
            " from rejected_lines group by reason order by kept_lines desc, reason"
        )
        total = opened.sql("select coalesce(sum(rejected), 0) as n from log_objects where status = 'loaded'")
        lines = opened.sql(
            "select r.reason, r.object_id, r.byte_offset, r.raw from rejected_lines r"
            " where :reason is null or r.reason = :reason order by r.object_id, r.byte_offset limit :limit",
            reason=reason,
            limit=limit,
        )
        refused = opened.sql(
            "select o.object_uri, l.reason from log_objects l"
            " join object_sightings o on o.object_id = l.object_id"
            " where l.status = 'refused' order by o.object_uri limit :limit",
            limit=limit,
        )
    said = [f"{int(total['n'].iloc[0]):,} rejected lines; the first 1,000 of each object are kept here"]
    said += [_table(frame) for frame in (counts, lines) if not frame.empty]
    if not refused.empty:
        said += ["refused objects", _table(refused)]
    return "\n\n".join(said)


def check_warehouse(url: str, *, digest: bool, without_objects: bool) -> tuple[str, bool]:
    """Give the canonical digest, or what the checks found."""
    with _opened(url) as opened:
        if digest:
            return opened.digest(without_objects=without_objects), True
        checks = opened.checks()
    frame = pd.DataFrame(
        [(c.check_name, c.severity, "ok" if c.passed else "FAILED", c.found) for c in checks]
    )
    frame.columns = pd.Index(["check", "severity", "result", "found"])
    return _table(frame), all(check.passed for check in checks)


def write_docs(*, check: bool) -> tuple[str, bool]:
    """Write the generated pages, or say which are not up to date."""
    from pipelines.command_docs import page
    from warehouse.docs import stale_docs
    from warehouse.docs import write_docs as write

    commands = DOCS / "commands.md"
    if not check:
        commands.write_text(page(), encoding="utf-8")
        return "\n".join(f"wrote {path}" for path in [*write(DOCS), commands]), True
    stale = list(stale_docs(DOCS))
    if not commands.exists() or commands.read_text(encoding="utf-8") != page():
        stale.append(str(commands))
    if stale:
        return f"not up to date: {', '.join(map(str, stale))} (make docs writes them)", False
    return "docs are up to date", True


def _table(frame: pd.DataFrame) -> str:
    """Lay a frame out for a terminal. Text from logs cannot move the cursor: control characters are shown."""
    cells = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    rows = [list(map(str, frame.columns)), *cells]
    widths = [min(max(len(row[n]) for row in rows), 100) for n in range(len(frame.columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return "-"
    return shown(value if isinstance(value, str) else str(value))
