"""The steps that every command that changes a warehouse takes: settings, ingest, build, commit, publish.

Needs: the warehouse's lease. Makes: lake parts below the run's own name, one commit, published Parquet. A job
that fails leaves the warehouse as it was, and its record in ``load_runs``.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow.compute as pc

import warehouse
from jobs.access_logs.remote import WorkerDied
from jobs.access_logs.settings import IngestSettings
from jobs.engines.interface import Claim, Engine, Ingestion, LakePart, Receipt, SourceObject, Tables
from jobs.storage import is_remote, join, local_path
from pipelines import scratch
from pipelines.errors import PlayerpathError, WrongUsage
from pipelines.keys import fingerprint, load_key
from pipelines.meaning import decided, geoip_digest, ingest_settings, meaning_settings
from pipelines.progress import Reporter
from pipelines.settings import Settings, agreed, recorded
from pipelines.sources import STDIN
from pipelines.summary import RunSummary
from pipelines.version import VERSION
from warehouse.failpoints import failpoint
from warehouse.load import Committed, RunLoad, RunRecord

TAKEN = ("loaded", "continued", "replaced")
WAITING = "~"  # behind the version of a file of which the last line was not taken


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


@dataclass(frozen=True)
class Change:
    """What a job changes beside what its receipts say."""

    unlisted: tuple[str, ...] = ()  # lake files that others of this job stand for
    resampled: tuple[str, ...] = ()  # objects whose sample of rejected lines is replaced


@contextlib.contextmanager
def started(request: RunRequest, reporter: Reporter, *, create: bool = False) -> Iterator[Job]:
    """Hold a warehouse for one job; a failure is recorded, and its scratch removed.

    Raises:
        PlayerpathError, warehouse.WarehouseError: nothing was changed; the message is one line.
    """
    run_id = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    with (
        warehouse.connect(request.warehouse_url, create=create) as opened,
        opened.lease(run_id, wait_s=request.wait_s, on_wait=reporter.say) as lease,
        scratch.folder(opened.warehouse_id) as folder,
    ):
        job = Job(request, opened, lease, run_id, load_key(opened.file), reporter, folder)
        try:
            job.check_state()
            yield job
        except (PlayerpathError, warehouse.WarehouseError) as error:
            job.record_failure(error)
            raise
        except OSError as error:  # a lake or a scratch folder that is full, gone or not ours to write
            told = PlayerpathError(" ".join(str(error).split()))
            job.record_failure(told)
            raise told from error
        finally:
            job.close()


class Job:
    """One run's way through the warehouse; made by :func:`started`."""

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
        self.request = request
        self.warehouse = opened
        self.run_id = run_id
        self.reporter = reporter
        self.folder = folder  # on this machine; gone when the job ends
        self.settings = request.settings
        self.started_at = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        self.lake_uri = join(_absolute(request.lake_uri), opened.warehouse_id)
        self.scratch_uri = join(self.lake_uri, "runs", run_id)
        self._begun = time.monotonic()
        self._lease = lease
        self._key = key
        self._engine: Engine | None = None
        self._ingest_settings: IngestSettings | None = None
        self._has_scratch = False

    def check_state(self) -> None:
        """Take the recorded settings, and refuse another key, other settings, or what ingest cannot use."""
        state = self.warehouse.state()
        found = state.get(warehouse.KEY_FINGERPRINT)
        if found is not None and found != fingerprint(self._key):
            raise PlayerpathError(
                f"another key: wanted the one this warehouse was built under (fingerprint {found}), "
                f"found {fingerprint(self._key)}"
            )
        asked, given = self.request, self.request.settings
        if asked.geoip_file:
            given = replace(given, geoip=geoip_digest(asked.geoip_file))
        self.settings = agreed(given, recorded(state))
        if self.settings.geoip and not asked.geoip_file:
            raise WrongUsage("this warehouse takes countries from a database: wanted --geoip, found none")
        self._ingest_settings = ingest_settings(
            self.settings, self._key, asked.format, asked.geoip_file, asked.is_final
        )

    def close(self) -> None:
        """Give back what is not part of the commit."""
        if self._engine is not None:
            self._engine.close()
        # Asked of the warehouse, not remembered: a run can be stopped between its commit and the next line.
        with contextlib.suppress(warehouse.WarehouseError):
            if self._has_scratch and self.run_id not in self.warehouse.run_ids():
                scratch.remove(self.scratch_uri)

    def record_failure(self, error: Exception) -> None:
        """Record the failed run and its checks, in a small transaction of its own."""
        with contextlib.suppress(warehouse.WarehouseError):  # the error that is told is the first one
            self.warehouse.record_failure(self._record(), str(error), getattr(error, "checks", ()))

    @property
    def engine(self) -> Engine:
        """The engine that was asked for."""
        if self._engine is None:
            self._engine = _engine_for(self.request.engine)
        return self._engine

    def ingest(self, new: Sequence[SourceObject], claims: Sequence[warehouse.ClaimedObject]) -> Ingestion:
        """Read objects into lake parts below the run's own folder."""
        scratch.clean(self.lake_uri, self.warehouse.run_ids() | {self.run_id})
        self._has_scratch = True
        size = sum(max(each.size_bytes, 0) for each in new)
        self.reporter.step(f"reading {len(new):,} objects, {size / 1e6:,.1f} MB")
        self.reporter.expect(size)
        by_line: dict[str, list[Claim]] = {}
        for claim in claims:
            by_line.setdefault(claim.first_line_digest, []).append(_as_claim(claim))
        if self._ingest_settings is None:
            raise ValueError("wanted check_state before ingest")
        try:
            ingestion = self.engine.ingest(
                new, by_line, self.scratch_uri, self._ingest_settings, self.reporter.read
            )
        except WorkerDied as error:
            raise PlayerpathError(f"{error}: killed, or out of memory?") from error
        failpoint("after_ingest")
        return ingestion

    def finish(self, ingestion: Ingestion, known: int, change: Change | None = None) -> RunSummary:
        """Build every table, commit, publish."""
        change = change or Change()
        listed = self.warehouse.lake_files("requests")
        requests = [as_part(file) for file in listed if file.uri not in change.unlisted]
        requests += [part for part in ingestion.parts if part.table_name == "requests"]
        self.settings = decided(self.settings, requests, self.reporter)
        tables: Tables = {}
        if any(receipt.status in TAKEN for receipt in ingestion.receipts):
            self.reporter.step(f"building tables from {len(requests):,} lake files")
            meaning = meaning_settings(self.settings, str(self.folder))
            try:
                tables = self.engine.build(requests, meaning, digests=self._digests(ingestion))
            except ValueError as error:  # requests that the models cannot take, or a damaged lake file
                raise PlayerpathError(" ".join(str(error).split())) from error
        with warehouse.Staging() as staging:
            committed, record = self._commit(ingestion, tables, known, change, staging)
            self.publish(staging)
        return self._summary(ingestion, committed, record)

    def publish(self, staging: warehouse.Staging | None = None) -> None:
        """Write the results beside the lake; a run with nothing new heals what a killed one left."""
        self.reporter.step("publishing")
        self.warehouse.publish(_absolute(self.request.lake_uri), staging)

    def nothing_new(self, known: int, notes: Sequence[str] = ()) -> RunSummary:
        """Say that there was nothing to do."""
        return RunSummary(self.run_id, known_objects=known, seconds=self._seconds(), notes=tuple(notes))

    def _digests(self, ingestion: Ingestion) -> Mapping[str, tuple[str, str]]:
        """Of each object the digests of its first data line and content: they order equal copies."""
        claimed = {c.object_id: (c.first_line_digest, c.content_digest) for c in self.warehouse.claims()}
        read = {
            receipt.object_id: (receipt.first_line_digest, receipt.content_digest)
            for receipt in ingestion.receipts
            if receipt.status in TAKEN
        }
        return {**claimed, **read}

    def _commit(
        self,
        ingestion: Ingestion,
        tables: Tables,
        known: int,
        change: Change,
        staging: warehouse.Staging,
    ) -> tuple[Committed, RunRecord]:
        self.reporter.step("loading the warehouse")
        duplicates = tables["object_duplicates"]().read_all() if tables else None
        record = self._record(ingestion, known)
        if duplicates is not None:
            more = (pc.sum(duplicates.column("duplicates")).as_py() or 0) - self.warehouse.duplicates()
            record = replace(record, accepted=record.accepted - more, duplicates=more)
        committed = self.warehouse.commit(
            RunLoad(
                run=record,
                lease=self._lease,
                receipts=[self._named(receipt) for receipt in ingestion.receipts],
                parts=ingestion.parts,
                tables={name: rows for name, rows in tables.items() if name != "object_duplicates"},
                duplicates=duplicates,
                settings={
                    name.removeprefix("settings."): value for name, value in self.settings.as_state().items()
                },
                state={warehouse.KEY_FINGERPRINT: fingerprint(self._key)},
                staging=staging,
                unlisted=change.unlisted,
                resampled=change.resampled,
            )
        )
        return committed, record

    def _named(self, receipt: Receipt) -> Receipt:
        """Name an object as the warehouse keeps it.

        Standard input was read from a file that is gone soon. A version of a file of which the last line
        waits is told from the same version read to its end (``--final``).
        """
        source = receipt.source
        if Path(source.uri).parent == self.folder:
            return replace(receipt, source=replace(source, uri=f"{STDIN} of {self.run_id}"))
        if receipt.waiting:
            return replace(receipt, source=replace(source, version=source.version + WAITING))
        return receipt

    def _record(self, ingestion: Ingestion | None = None, known: int = 0) -> RunRecord:
        receipts = ingestion.receipts if ingestion else ()
        read = [receipt for receipt in receipts if receipt.status in TAKEN]
        return RunRecord(
            run_id=self.run_id,
            command="run",
            started_at=self.started_at,
            engine=self.request.engine,
            version=VERSION,
            settings_digest=self.settings.digest,
            objects=len(read),
            known_objects=known + sum(receipt.status == "known" for receipt in receipts),
            refused_objects=sum(receipt.status == "refused" for receipt in receipts),
            lines_read=sum(receipt.lines_read for receipt in read),
            accepted=sum(receipt.accepted for receipt in read),
            rejected=sum(receipt.rejected for receipt in read),
            ignored=sum(receipt.ignored for receipt in read),
            waiting=sum(receipt.waiting for receipt in receipts),
        )

    def _seconds(self) -> float:
        return round(time.monotonic() - self._begun, 3)

    def _summary(self, ingestion: Ingestion, committed: Committed, record: RunRecord) -> RunSummary:
        named = [self._named(receipt) for receipt in ingestion.receipts]
        empty = [receipt.source.uri for receipt in named if receipt.status == "empty"]
        reasons: Counter[str] = Counter()
        for receipt in ingestion.receipts:
            if receipt.status in TAKEN:
                reasons.update(receipt.rejected_by_reason)
        return RunSummary(
            run_id=self.run_id,
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
            dates=tuple(sorted({part.activity_date for part in ingestion.parts if part.activity_date})),
            tables=committed.tables,
            seconds=self._seconds(),
            refusals=tuple(
                (receipt.source.uri, receipt.reason or "") for receipt in named if receipt.status == "refused"
            ),
            empty_objects=len(empty),
            notes=(f"no line yet in {empty[0]}{_and_more(len(empty) - 1)}",) if empty else (),
            warnings=tuple(
                f"check {check.check_name}: {check.found}" for check in committed.checks if not check.passed
            ),
            rejected_by_reason=dict(reasons),
        )


def _as_claim(claim: warehouse.ClaimedObject) -> Claim:
    return Claim(
        object_id=claim.object_id,
        content_digest=claim.content_digest,
        size_bytes=claim.size_bytes,
        first_line_digest=claim.first_line_digest,
        status=claim.status,
        uris=claim.uris,
    )


def as_part(file: warehouse.LakeFile) -> LakePart:
    """Give a lake file as engines take it."""
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


def _and_more(count: int) -> str:
    return f" and {count:,} more" if count else ""


def _engine_for(name: str) -> Engine:
    from jobs.engines.duckdb import DuckDBEngine

    makers: dict[str, Callable[[], Engine]] = {"duckdb": DuckDBEngine}
    return makers[name]()


def _absolute(uri: str) -> str:
    """Give a lake's URI so that it means the same from any folder."""
    return uri if is_remote(uri) else local_path(uri)
