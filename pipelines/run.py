"""One run: new objects in, every table and the published results out, or nothing at all.

Needs: sources, a warehouse, a lake. Makes: lake parts, one commit, published Parquet. Safe to run again: a
killed run leaves only scratch under its own name. Triage: exit 1 left the warehouse as it was, run it again;
exit 3 loaded all but the objects that it names.
"""

from __future__ import annotations

import datetime as dt
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

import warehouse
from jobs.access_logs.settings import IngestSettings
from jobs.engines.interface import Claim, Engine, Ingestion, LakePart, Receipt, SourceObject
from jobs.storage import is_remote, join
from pipelines import scratch
from pipelines.errors import PlayerpathError
from pipelines.keys import fingerprint, load_key
from pipelines.meaning import decided, ingest_settings, meaning_settings
from pipelines.progress import Reporter
from pipelines.settings import Settings, agreed, recorded
from pipelines.sources import STDIN, list_objects, spool_stdin
from pipelines.summary import RunSummary
from pipelines.version import VERSION
from warehouse.load import Committed, RunLoad, RunRecord

LOOK_BACK_DAYS = 30


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
    begun = time.monotonic()
    run_id = new_run_id()
    with tempfile.TemporaryDirectory(prefix="playerpath-") as folder, open_warehouse(request) as opened:
        key = load_key(opened.file)
        spooled = [
            spool_stdin(Path(folder), run_id) for source in dict.fromkeys(request.sources) if source == STDIN
        ]
        with opened.lease(run_id, wait_s=request.wait_s, on_wait=reporter.say) as lease:
            job = _Run(request, opened, lease, run_id, key, reporter, Path(folder))
            try:
                summary = job.run(spooled)
            except (PlayerpathError, warehouse.WarehouseError) as error:
                job.record_failure(error)
                raise
    return replace(summary, seconds=round(time.monotonic() - begun, 3))


def new_run_id() -> str:
    """Give a run's name: the time it began and something nobody else has."""
    return f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"


def open_warehouse(request: RunRequest) -> warehouse.Warehouse:
    """Open the warehouse, making it at its first run."""
    return warehouse.connect(request.warehouse_url, create=True)


class _Run:
    """The steps of one run, in the order in which they are called."""

    def __init__(
        self,
        request: RunRequest,
        opened: warehouse.Warehouse,
        lease: warehouse.Lease,
        run_id: str,
        key: bytes,
        reporter: Reporter,
        folder: Path,
    ) -> None:
        self._request = request
        self._warehouse = opened
        self._lease = lease
        self._run_id = run_id
        self._key = key
        self._reporter = reporter
        self._folder = folder
        self._started_at = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        self._root_uri = absolute(request.lake_uri)
        self._lake_uri = join(self._root_uri, opened.warehouse_id)
        self._scratch_uri = join(self._lake_uri, "runs", run_id)
        self._settings = request.settings
        self._engine: Engine | None = None

    def run(self, spooled: Sequence[SourceObject]) -> RunSummary:
        """List, read, build, commit, publish."""
        self._check_state()
        new, known = self._list(spooled)
        if not new:
            self._publish({})
            return RunSummary(self._run_id, known_objects=known)
        scratch.clean(self._lake_uri, self._warehouse.run_ids() | {self._run_id})
        try:
            return self._load(new, known)
        except BaseException:
            scratch.remove(self._scratch_uri)
            raise
        finally:
            if self._engine is not None:
                self._engine.close()

    def record_failure(self, error: Exception) -> None:
        """Record the failed run and its checks, in a small transaction of its own."""
        checks = getattr(error, "checks", ())
        self._warehouse.record_failure(self._record(), str(error), checks)

    def _check_state(self) -> None:
        state = self._warehouse.state()
        found = state.get(warehouse.KEY_FINGERPRINT)
        if found is not None and found != fingerprint(self._key):
            raise PlayerpathError(
                f"another key: wanted the one this warehouse was built under (fingerprint {found}), "
                f"found {fingerprint(self._key)}"
            )
        self._settings = agreed(self._request.settings, recorded(state))

    def _list(self, spooled: Sequence[SourceObject]) -> tuple[list[SourceObject], int]:
        """List the sources; give the objects with new names and the number of known ones."""
        today = self._started_at.date()
        dates = self._request.dates or [today - dt.timedelta(days=n) for n in range(LOOK_BACK_DAYS, -1, -1)]
        named = [source for source in self._request.sources if source != STDIN]
        final = self._request.is_final
        listed = list_objects(named, dates) if named else []
        sightings = self._warehouse.sightings([each.uri for each in listed])
        # A known file of which less was taken than it holds has a last line that waits.
        taken = {claim.object_id: claim.size_bytes for claim in self._warehouse.claims()} if final else {}
        new = []
        for each in listed:
            known = sightings.get((each.uri, each.version, each.size_bytes))
            if known is None or taken.get(known, each.size_bytes) < each.size_bytes:
                new.append(each)
        return [*new, *spooled], len(listed) - len(new)

    def _load(self, new: Sequence[SourceObject], known: int) -> RunSummary:
        self._engine = engine_for(self._request.engine)
        settings = ingest_settings(
            self._settings, self._key, self._request.format, self._request.geoip_file, self._request.is_final
        )
        ingestion = self._ingest(self._engine, new, settings)
        requests = [_as_part(file) for file in self._warehouse.lake_files("requests")]
        requests += [part for part in ingestion.parts if part.table_name == "requests"]
        self._settings = decided(self._settings, requests, self._reporter)
        if not any(receipt.status in ("loaded", "continued") for receipt in ingestion.receipts):
            tables: dict[str, pa.RecordBatchReader] = {}
        else:
            self._reporter.step(f"building tables from {len(requests):,} lake files")
            tables = dict(self._engine.build(requests, meaning_settings(self._settings, str(self._folder))))
        committed, record = self._commit(ingestion, tables, known)
        self._publish({})
        return self._summary(ingestion, committed, record)

    def _ingest(self, engine: Engine, new: Sequence[SourceObject], settings: IngestSettings) -> Ingestion:
        size = sum(max(each.size_bytes, 0) for each in new)
        self._reporter.step(f"reading {len(new):,} objects, {size / 1e6:,.1f} MB")
        self._reporter.expect(size)
        claims: dict[str, list[Claim]] = {}
        for claim in self._warehouse.claims():
            claims.setdefault(claim.first_line_digest, []).append(
                Claim(
                    object_id=claim.object_id,
                    content_digest=claim.content_digest,
                    size_bytes=claim.size_bytes,
                    first_line_digest=claim.first_line_digest,
                    status=claim.status,
                    uris=claim.uris,
                )
            )
        return engine.ingest(new, claims, self._scratch_uri, settings, self._reporter.read)

    def _commit(
        self, ingestion: Ingestion, tables: dict[str, pa.RecordBatchReader], known: int
    ) -> tuple[Committed, RunRecord]:
        self._reporter.step("loading the warehouse")
        given = tables.pop("object_duplicates", None)
        duplicates = None if given is None else given.read_all()
        record = self._record(ingestion, known)
        if duplicates is not None:
            more = (pc.sum(duplicates.column("duplicates")).as_py() or 0) - self._warehouse.duplicates()
            record = replace(record, accepted=record.accepted - more, duplicates=more)
        committed = self._warehouse.commit(
            RunLoad(
                run=record,
                lease=self._lease,
                receipts=[self._named(receipt) for receipt in ingestion.receipts],
                parts=ingestion.parts,
                tables=tables,
                duplicates=duplicates,
                settings={
                    name.removeprefix("settings."): value for name, value in self._settings.as_state().items()
                },
                state={warehouse.KEY_FINGERPRINT: fingerprint(self._key)},
            )
        )
        return committed, record

    def _named(self, receipt: Receipt) -> Receipt:
        """Standard input was read from a file that is gone soon: record it as what it was."""
        if Path(receipt.source.uri).parent == self._folder:
            return replace(receipt, source=replace(receipt.source, uri=f"{STDIN} of {self._run_id}"))
        return receipt

    def _record(self, ingestion: Ingestion | None = None, known: int = 0) -> RunRecord:
        receipts = ingestion.receipts if ingestion else ()
        read = [receipt for receipt in receipts if receipt.status in ("loaded", "continued")]
        return RunRecord(
            run_id=self._run_id,
            command="run",
            started_at=self._started_at,
            engine=self._request.engine,
            version=VERSION,
            settings_digest=self._settings.digest,
            objects=len(read),
            known_objects=known + sum(receipt.status == "known" for receipt in receipts),
            refused_objects=sum(receipt.status == "refused" for receipt in receipts),
            lines_read=sum(receipt.lines_read for receipt in read),
            accepted=sum(receipt.accepted for receipt in read),
            rejected=sum(receipt.rejected for receipt in read),
            ignored=sum(receipt.ignored for receipt in read),
            waiting=sum(receipt.waiting for receipt in receipts),
        )

    def _publish(self, tables: Mapping[str, pa.RecordBatchReader]) -> None:
        """Write the results beside the lake; a run with nothing new heals what a killed one left."""
        self._warehouse.publish(self._root_uri, tables)

    def _summary(self, ingestion: Ingestion, committed: Committed, record: RunRecord) -> RunSummary:
        reasons: Counter[str] = Counter()
        for receipt in ingestion.receipts:
            if receipt.status != "refused":
                reasons.update(receipt.rejected_by_reason)
        dates = sorted({part.activity_date for part in ingestion.parts if part.activity_date})
        return RunSummary(
            run_id=self._run_id,
            objects=record.objects,
            lines_read=record.lines_read,
            accepted=record.accepted,
            rejected=record.rejected,
            duplicates=record.duplicates,
            ignored=record.ignored,
            erased=record.erased,
            waiting=record.waiting,
            known_objects=record.known_objects,
            refused_objects=record.refused_objects,
            dates=tuple(dates),
            tables=committed.tables,
            refusals=tuple(
                (receipt.source.uri, receipt.reason or "")
                for receipt in ingestion.receipts
                if receipt.status == "refused"
            ),
            warnings=tuple(
                f"check {check.check_name}: {check.found}" for check in committed.checks if not check.passed
            ),
            rejected_by_reason=dict(reasons),
        )


def _as_part(file: warehouse.LakeFile) -> LakePart:
    return LakePart(
        uri=file.uri,
        table_name=file.table_name,
        stream=file.stream,
        activity_date=file.activity_date,
        object_ids=file.object_ids,
        row_count=file.row_count,
        size_bytes=file.size_bytes,
        digest=file.digest,
    )


def engine_for(name: str) -> Engine:
    """Give the engine of that name."""
    from jobs.engines.duckdb import DuckDBEngine

    makers: dict[str, Callable[[], Engine]] = {"duckdb": DuckDBEngine}
    return makers[name]()


def absolute(uri: str) -> str:
    """Give a lake's URI so that it means the same from any folder."""
    return uri if is_remote(uri) else str(Path(uri.removeprefix("file://")).absolute())
