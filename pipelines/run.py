"""One run: new objects in, every table and the published results out, or nothing at all.

Needs: sources, a warehouse, a lake. Makes: lake parts, one commit, published Parquet. Safe to run again: a
killed run leaves only scratch under its own name. Triage: exit 1 left the warehouse as it was, run it again;
exit 3 loaded all but the objects that it names.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from jobs.engines.interface import SourceObject
from pipelines.grown import give_way, past_the_limit
from pipelines.job import WAITING, Job, RunRequest, started
from pipelines.progress import Reporter
from pipelines.sources import STDIN, list_objects, spool_stdin
from pipelines.summary import RunSummary

LOOK_BACK_DAYS = 30

__all__ = ["RunRequest", "run"]


def run(request: RunRequest, reporter: Reporter) -> RunSummary:
    """Run the main job.

    Raises:
        PlayerpathError, warehouse.WarehouseError: nothing was changed; the message is one line.
    """
    with started(request, reporter, create=True) as job:
        new, known = _listed(job)
        if STDIN in request.sources:
            new.append(spool_stdin(job.folder, job.run_id))
        if not new:
            job.publish()
            return job.nothing_new(known)
        ingestion, change = give_way(job, job.ingest(new, job.warehouse.claims()))
        summary = job.finish(ingestion, known, change)
        return replace(summary, warnings=(*summary.warnings, *past_the_limit(job, ingestion)))


def _listed(job: Job) -> tuple[list[SourceObject], int]:
    """List the sources; give the objects with new names and the number of known ones."""
    asked = job.request
    today = job.started_at.date()
    dates = asked.dates or [today - dt.timedelta(days=n) for n in range(LOOK_BACK_DAYS, -1, -1)]
    named = [source for source in asked.sources if source != STDIN]
    listed = list_objects(named, dates) if named else []
    sightings = job.warehouse.sightings([each.uri for each in listed])
    endings = ("",) if asked.is_final else ("", WAITING)
    new = [
        each
        for each in listed
        if not any((each.uri, each.version + end, each.size_bytes) in sightings for end in endings)
    ]
    return new, len(listed) - len(new)
