"""What objects that grew ask for: lines that gave way leave the lake, and too many rejected lines are said.

Needs: a run's receipts, the lake files that are listed. Makes: new files below the run's own name; the commit
lists them in place of those that held lines which gave way. Safe to run again: what a run that fails wrote is
its scratch.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import warehouse
from jobs.access_logs.lake import PartWriter
from jobs.access_logs.objects import JUDGED_LINES
from jobs.access_logs.requests import REJECTED, REQUESTS
from jobs.access_logs.settings import IngestSettings
from jobs.engines.interface import Ingestion, LakePart
from jobs.storage import filesystem, join
from pipelines.job import TAKEN, Change, Job

_EPOCH = dt.date(1970, 1, 1)


def give_way(job: Job, ingestion: Ingestion) -> tuple[Ingestion, Change | None]:
    """Take out the lines that objects had before they were read whole again; most runs have none."""
    objects = {receipt.object_id for receipt in ingestion.receipts if receipt.status == "replaced"}
    if not objects:
        return ingestion, None
    files = [file for file in job.warehouse.lake_files() if not objects.isdisjoint(file.object_ids)]
    parts = without_objects(files, objects, join(job.scratch_uri, "rest"))
    change = Change(tuple(file.uri for file in files), tuple(sorted(objects)))
    return replace(ingestion, parts=(*ingestion.parts, *parts)), change


def past_the_limit(job: Job, ingestion: Ingestion) -> tuple[str, ...]:
    """Name objects that would have been refused for their rejected lines had they come as they are now."""
    grown = {r.object_id: r.source.uri for r in ingestion.receipts if r.status in TAKEN and r.rejected}
    if not any(receipt.status in ("continued", "replaced") for receipt in ingestion.receipts):
        return ()
    counts = job.warehouse.sql(
        "select object_id, rejected, accepted + rejected + duplicates + erased as judged from log_objects"
        " where status = 'loaded' and rejected > 0 order by object_id"
    )
    ratio = IngestSettings.max_rejected_ratio
    return tuple(
        f"{grown[object_id]} grew:"
        f" now {rejected:,} of its {judged:,} lines are rejected, more than {ratio:.0%}"
        for object_id, rejected, judged in counts.itertuples(index=False)
        if object_id in grown and judged >= JUDGED_LINES and rejected > ratio * judged
    )


def without_objects(
    files: Sequence[warehouse.LakeFile], objects: Collection[str], folder_uri: str
) -> list[LakePart]:
    """Write what files hold of other objects than these; one file at a time is in memory."""
    writer = PartWriter(folder_uri)
    given = pa.array(sorted(objects), pa.string())
    parts = []
    for file in files:
        files_there, path = filesystem(file.uri)
        with files_there.open_input_file(path) as opened:
            rows = pq.read_table(opened).cast(REQUESTS if file.table_name == "requests" else REJECTED)
        rows = rows.filter(pc.invert(pc.is_in(rows["object_id"].cast(pa.string()), value_set=given)))
        if rows.num_rows:
            date = file.activity_date
            day = None if date is None else (dt.date.fromisoformat(date) - _EPOCH).days
            parts.append(writer.write((file.table_name, file.stream, day), [rows]))
    return parts
