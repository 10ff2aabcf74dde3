"""The report: one HTML file that people open every morning.

`build_report` asks `warehouse.queries` and defines no metric of its own.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.report.summary import ReportSummary

if TYPE_CHECKING:
    from warehouse.queries import Readable

__all__ = ["ReportSummary", "build_report"]


def build_report(
    warehouse: Readable, out: Path, *, title: str | None = None, now: datetime | None = None
) -> ReportSummary:
    """Write the report of a warehouse as one HTML file that works offline.

    `title` names the game; `now` is the time that the page says it was written (UTC; None: now). The
    file is written beside its place and moved there, so that a reader never opens half of it.

    Raises OSError where the file cannot be written.
    """
    # Loaded here, so that a command which only offers the report does not wait for pandas.
    from warehouse.report.build import write_report

    return write_report(warehouse, out, title=title, now=now)
