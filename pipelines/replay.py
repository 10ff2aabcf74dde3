"""Read objects that hold rejected lines, or were refused, again: after a fix, or in a described format.

Needs: the raw objects where they were. Makes: lines that can be read now are taken, each at its place in its
object; what was taken before stays as it is. Safe to run again: a second replay finds nothing. Triage: an
object that changed or is gone is said and passed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.access_logs.lake import PartWriter, Rows, sample
from jobs.access_logs.requests import REJECTED, REQUESTS
from jobs.access_logs.workers import SAMPLE_LINES
from jobs.engines.interface import Ingestion, LakePart, Receipt, SourceObject
from jobs.storage import filesystem, join
from pipelines.errors import PlayerpathError
from pipelines.job import TAKEN, Change, Job, RunRequest, as_part, started
from pipelines.progress import Reporter
from pipelines.sources import list_objects
from pipelines.summary import RunSummary

_CANDIDATES = """
select o.object_id, o.status, o.content_digest, s.object_uri
from log_objects as o inner join object_sightings as s on s.object_id = o.object_id
where o.status = 'refused' or (o.status = 'loaded' and o.rejected > 0)
order by o.object_id, s.sighting_number
"""


@dataclass(frozen=True)
class _Candidate:
    object_id: str
    content_digest: str | None
    is_refused: bool
    uri: str  # the newest name


def replay(warehouse_url: str, lake_uri: str, log_format: str, reporter: Reporter) -> RunSummary:
    """Take what can be read now.

    Raises:
        PlayerpathError, warehouse.WarehouseError: nothing was changed; the message is one line.
    """
    request = RunRequest((), warehouse_url, lake_uri, format=log_format, is_final=True)
    with started(request, reporter) as job:
        found, notes = _found(_candidates(job))
        again = job.ingest([source for source, _ in found], []) if found else Ingestion((), ())
        refused = {candidate.object_id for _, candidate in found if candidate.is_refused}
        taken, change, more = _taken(job, again, {c.object_id: c for _, c in found}, refused)
        notes += more
        if not any(receipt.status in TAKEN for receipt in taken.receipts):
            job.publish()
            return job.nothing_new(0, notes)
        return replace(job.finish(taken, 0, change), notes=tuple(notes))


def _candidates(job: Job) -> list[_Candidate]:
    newest: dict[str, _Candidate] = {}
    rows = job.warehouse.sql(_CANDIDATES)
    for object_id, status, digest, uri in rows.itertuples(index=False):
        newest[object_id] = _Candidate(object_id, digest, status == "refused", uri)
    return list(newest.values())


def _found(candidates: Sequence[_Candidate]) -> tuple[list[tuple[SourceObject, _Candidate]], list[str]]:
    found, notes = [], []
    for candidate in candidates:
        try:
            (listed,) = list_objects([candidate.uri], [])
        except (PlayerpathError, ValueError):
            notes.append(f"{candidate.uri} is no longer there: not replayed")
            continue
        found.append((replace(listed, object_id=candidate.object_id), candidate))
    return found, notes


def _taken(
    job: Job, again: Ingestion, candidates: Mapping[str, _Candidate], refused: set[str]
) -> tuple[Ingestion, Change, list[str]]:
    """Give the receipts and parts of what is new: whole objects that were refused, single lines of others."""
    notes: list[str] = []
    receipts: list[Receipt] = []
    requests = _read(again.parts, "requests")
    rejected_now = _read(again.parts, "rejected")
    listed = job.warehouse.lake_files("rejected")
    old = _read([as_part(file) for file in listed], "rejected")
    rows = Rows()
    resampled: list[str] = []
    for receipt in again.receipts:
        candidate = candidates[receipt.source.object_id]
        if receipt.status not in TAKEN or receipt.object_id != candidate.object_id:
            continue
        mine = _of(requests, candidate.object_id)
        if candidate.object_id in refused:
            receipts.append(receipt)
            rows.add("requests", receipt.stream or "", mine)
            rows.add("rejected", receipt.stream or "", _of(rejected_now, candidate.object_id))
            continue
        if receipt.content_digest != candidate.content_digest:
            notes.append(f"{candidate.uri} has changed since it was loaded: not replayed")
            continue
        before = _of(old, candidate.object_id)
        gained = mine.filter(pc.is_in(mine["byte_offset"], value_set=before["byte_offset"]))
        if not gained.num_rows:
            continue
        left = before.filter(pc.invert(pc.is_in(before["byte_offset"], value_set=gained["byte_offset"])))
        bounds = pc.min_max(gained["at"]).as_py()
        rows.add("requests", receipt.stream or "", gained)
        old = pa.concat_tables([_of(old, candidate.object_id, is_not=True), left])
        resampled.append(candidate.object_id)
        receipts.append(
            replace(
                receipt,
                status="continued",
                lines_read=0,
                accepted=gained.num_rows,
                rejected=-gained.num_rows,
                ignored=0,
                waiting=0,
                first_at=bounds["min"],
                last_at=bounds["max"],
                rejected_by_reason={},
                rejected_sample=sample([left], SAMPLE_LINES) if left.num_rows else None,
            )
        )
    unlisted: tuple[str, ...] = ()
    if resampled:
        unlisted = tuple(file.uri for file in listed)
        rows.add("rejected", "server", old)
    writer = PartWriter(join(job.scratch_uri, "replayed"))
    parts = tuple(writer.write(key, tables) for key, tables in rows.take(0))
    PartWriter(job.scratch_uri).delete(list(again.parts))
    return Ingestion(tuple(receipts), parts), Change(unlisted, tuple(resampled)), notes


def _of(rows: pa.Table, object_id: str, *, is_not: bool = False) -> pa.Table:
    mine = pc.equal(rows["object_id"].cast(pa.string()), object_id)
    return rows.filter(pc.invert(mine) if is_not else mine)


def _read(parts: Sequence[LakePart], table_name: str) -> pa.Table:
    schema = REQUESTS if table_name == "requests" else REJECTED
    tables = [schema.empty_table()]
    for part in parts:
        if part.table_name == table_name:
            files, path = filesystem(part.uri)
            with files.open_input_file(path) as file:
                tables.append(pq.read_table(file).cast(schema))
    return pa.concat_tables(tables)
