"""What a report that was written says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ReportSummary:
    """Where it is, how large, how long it took, the days it covers, its headline and its warnings."""

    path: Path
    size_bytes: int
    seconds: float
    first_date: str | None
    last_date: str | None
    headline: tuple[str, ...]
    alerts: tuple[str, ...]
