"""Read a run's objects into lake parts, in this process: unpack, tell by content, parse, judge, write.

The calling thread reads and hashes; two workers parse blocks and encode Parquet (both let go of the
interpreter's lock). Memory holds a few blocks and the rows that wait to be written, whatever the size of the
input.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from jobs.access_logs.digest import TreeDigest
from jobs.access_logs.ingest import Ingested, Layout, directives, find_layout, first_data_line, ingest
from jobs.access_logs.lake import PartWriter, Rows, sample
from jobs.access_logs.reader import (
    HEAD_BYTES,
    Block,
    ObjectRefused,
    blocks,
    end_of_last_line,
    is_compressed,
    limited,
    open_stored,
    unpacked,
)
from jobs.access_logs.settings import IngestSettings
from jobs.engines.interface import Claim, Ingestion, LakePart, Progress, Receipt, SourceObject
from jobs.storage import filesystem, is_remote

SAMPLE_LINES = 1_000
JUDGED_LINES = 100  # an object of fewer lines is not refused for its share of rejected lines
WAITING_BYTES = 256 << 20  # rows of all objects that wait in memory
OBJECT_BYTES = 64 << 20  # rows of one object that wait until it is judged; beyond, they go to its own parts
Opener = Callable[[SourceObject], Iterator[bytes]]


def digest_of_line(line: bytes) -> str:
    """Give the digest by which candidates for the same content are found: of the first data line."""
    return hashlib.sha256(line).hexdigest()[:32]


@dataclass
class _Object:
    """One object while it is read."""

    source: SourceObject
    head: bytes
    first_line: bytes
    waiting: int
    rows: Rows = field(default_factory=Rows)
    parts: list[LakePart] = field(default_factory=list)
    writing: list[Future[LakePart]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    rejected: list[pa.Table] = field(default_factory=list)
    rejected_kept: int = 0
    lines_read: int = 0
    ignored: int = 0
    accepted: int = 0
    first_at: int | None = None
    last_at: int | None = None

    def add(self, read: Ingested) -> None:
        self.lines_read += read.lines_read
        self.ignored += read.ignored
        self.accepted += read.requests.num_rows
        self.rows.add("requests", read.layout.stream, read.requests)
        if read.requests.num_rows:
            bounds = pc.min_max(read.requests.column("at")).as_py()
            self.first_at = bounds["min"] if self.first_at is None else min(self.first_at, bounds["min"])
            self.last_at = bounds["max"] if self.last_at is None else max(self.last_at, bounds["max"])
        if read.rejected.num_rows:
            self.rows.add("rejected", read.layout.stream, read.rejected)
            for each in pc.value_counts(read.rejected.column("reason").cast(pa.string())).to_pylist():
                self.reasons[each["values"]] += each["counts"]
            if self.rejected_kept < SAMPLE_LINES:  # blocks come in order, so these are the first
                self.rejected.append(read.rejected.slice(0, SAMPLE_LINES - self.rejected_kept))
                self.rejected_kept += self.rejected[-1].num_rows


def ingest_objects(
    sources: Sequence[SourceObject],
    claims: Mapping[str, Sequence[Claim]],
    scratch_uri: str,
    settings: IngestSettings,
    progress: Progress = lambda _bytes, _lines: None,
    *,
    threads: int = 2,
    open_object: Opener | None = None,
) -> Ingestion:
    """Read every object whole or refuse it; write its lines as lake parts.

    Args:
        sources: new names only; the caller leaves out names that it knows.
        claims: loaded and retracted objects by the digest of their first data line.
        scratch_uri: the run's own folder of the lake.
        settings: what ingest fixes.
        progress: told of bytes (unpacked) and lines as they are read.
        threads: workers beside the calling thread.
        open_object: gives an object's unpacked bytes; tests pass their own.
    """
    with ThreadPoolExecutor(threads) as pool:
        return _Run(claims, PartWriter(scratch_uri), settings, progress, pool, open_object).read(sources)


class _Run:
    def __init__(
        self,
        claims: Mapping[str, Sequence[Claim]],
        writer: PartWriter,
        settings: IngestSettings,
        progress: Progress,
        pool: ThreadPoolExecutor,
        open_object: Opener | None,
    ) -> None:
        self._claims = {digest: list(known) for digest, known in claims.items()}
        self._writer = writer
        self._settings = settings
        self._progress = progress
        self._pool = pool
        self._open = open_object or self._open_stored
        self._shared = Rows()
        self._writing: deque[Future[LakePart]] = deque()
        self._parts: list[LakePart] = []

    def read(self, sources: Sequence[SourceObject]) -> Ingestion:
        receipts: dict[str, Receipt] = {}
        deferred: list[tuple[int, SourceObject]] = []
        for source in sources:
            receipt = self._read_first_time(source)
            if receipt is None:
                deferred.append((0, source))
            else:
                receipts[source.object_id] = receipt
        # Contents that begin alike are taken from the smallest up: each can only repeat or continue one
        # that stands: which of them came first makes no difference.
        for number, (_, source) in enumerate(deferred):
            with contextlib.suppress(ObjectRefused):  # said again, and recorded, when it is read
                deferred[number] = (self._size_of(source), source)
        for _, source in sorted(deferred, key=lambda each: (each[0], each[1].uri)):
            receipts[source.object_id] = self._guarded(source, self._read_among_claims)
        self._flush(0)
        self._parts += [future.result() for future in self._writing]
        return Ingestion(tuple(receipts[source.object_id] for source in sources), tuple(self._parts))

    def _read_first_time(self, source: SourceObject) -> Receipt | None:
        """Read an object with a first line that nobody has; None if one has it."""
        is_deferred = False

        def read(source: SourceObject) -> Receipt:
            nonlocal is_deferred
            pieces = self._open(source)
            begun = self._begin(source, pieces)
            if isinstance(begun, Receipt):
                return begun
            known = self._claims.setdefault(digest_of_line(begun.first_line), [])
            if known:
                is_deferred = True
                return self._receipt(begun, "empty", "", 0)
            return self._take(begun, self._pieces(begun, pieces), TreeDigest(), known)

        receipt = self._guarded(source, read)
        return None if is_deferred else receipt

    def _guarded(self, source: SourceObject, read: Callable[[SourceObject], Receipt]) -> Receipt:
        try:
            return read(source)
        except ObjectRefused as refused:
            return _refusal(source, str(refused))

    def _open_stored(self, source: SourceObject) -> Iterator[bytes]:
        stream = open_stored(source.uri)
        try:
            yield from unpacked(stream, self._settings)
        finally:
            stream.close()

    def _begin(self, source: SourceObject, pieces: Iterator[bytes]) -> _Object | Receipt:
        """Read as far as the first data line and the head by which the format is found."""
        limit, waiting = self._limit(source)
        head, source_pieces = b"", limited(pieces, limit) if limit is not None else pieces
        for piece in source_pieces:
            head += piece
            if len(head) >= HEAD_BYTES:
                break
        first_line = first_data_line(head)
        if first_line is None:
            if len(head) >= HEAD_BYTES:
                raise ObjectRefused(f"in no known format: no line in its first {HEAD_BYTES:,} bytes")
            return replace(_empty(source), waiting=waiting)
        return _Object(source, head, first_line, waiting)

    def _limit(self, source: SourceObject) -> tuple[int | None, int]:
        """Give the size up to which a growing local file is read, and how many lines wait for their end."""
        if not source.is_growing or self._settings.is_final or is_remote(source.uri):
            return None, 0
        path = filesystem(source.uri)[1]
        try:
            with Path(path).open("rb") as file:
                if is_compressed(file.read(16)):
                    return None, 0
            end = end_of_last_line(path, source.size_bytes)
        except OSError as error:
            raise ObjectRefused(f"cannot be read: {error.strerror}") from error
        return end, int(end < source.size_bytes)

    def _pieces(self, begun: _Object, pieces: Iterator[bytes]) -> Iterator[bytes]:
        limit, _ = self._limit(begun.source)
        yield begun.head if limit is None else begun.head[:limit]
        yield from pieces if limit is None else limited(pieces, limit - len(begun.head))

    def _whole(self, source: SourceObject, tree: TreeDigest) -> None:
        limit, _ = self._limit(source)
        pieces = self._open(source)
        for piece in pieces if limit is None else limited(pieces, limit):
            tree.update(piece)

    def _size_of(self, source: SourceObject) -> int:
        tree = TreeDigest()
        self._whole(source, tree)
        return tree.size_bytes

    def _read_among_claims(self, source: SourceObject) -> Receipt:
        """Read an object whose first line others have: it may repeat, continue or begin one of them."""
        begun = self._begin(source, self._open(source))
        if isinstance(begun, Receipt):
            return begun
        known = self._claims[digest_of_line(begun.first_line)]
        tree = TreeDigest(claim.size_bytes for claim in known)
        self._whole(source, tree)
        digest = tree.hexdigest()
        for claim in known:
            if claim.content_digest == digest:
                return self._receipt(begun, "known", digest, tree.size_bytes, object_id=claim.object_id)
        grown = [claim for claim in known if tree.digest_at.get(claim.size_bytes) == claim.content_digest]
        if grown:
            claim = max(grown, key=lambda each: each.size_bytes)
            pieces = self._pieces(begun, self._skip_head(source, begun))
            return self._take(begun, pieces, TreeDigest(), known, continues=claim)
        for claim in known:
            if claim.size_bytes > tree.size_bytes and self._begins(claim, tree.size_bytes, digest):
                return self._receipt(begun, "known", digest, tree.size_bytes, object_id=claim.object_id)
        return self._take(begun, self._pieces(begun, self._skip_head(source, begun)), TreeDigest(), known)

    def _skip_head(self, source: SourceObject, begun: _Object) -> Iterator[bytes]:
        left = len(begun.head)
        for piece in self._open(source):
            if left < len(piece):
                yield piece[left:]
            left = max(left - len(piece), 0)

    def _begins(self, claim: Claim, size_bytes: int, digest: str) -> bool:
        """Say whether a claimed object's first bytes are this content, by reading it again where it lies."""
        for uri in reversed(claim.uris):
            tree = TreeDigest([size_bytes, claim.size_bytes])
            with contextlib.suppress(ObjectRefused):
                for piece in self._open(SourceObject(claim.object_id, uri, -1, "", is_growing=False)):
                    tree.update(piece)
                    if tree.size_bytes >= claim.size_bytes:
                        break
            if tree.digest_at.get(claim.size_bytes) == claim.content_digest:
                return tree.digest_at.get(size_bytes) == digest
        raise ObjectRefused(
            f"begins like object {claim.object_id}, which is longer and can no longer be read to compare"
        )

    def _take(
        self,
        begun: _Object,
        pieces: Iterator[bytes],
        tree: TreeDigest,
        known: list[Claim],
        continues: Claim | None = None,
    ) -> Receipt:
        """Parse an object from its start, or from where the claim that it continues ends."""
        layout = find_layout(begun.head, self._settings)
        if layout is None:
            raise ObjectRefused("in no known format: no line parses")
        object_id = continues.object_id if continues else begun.source.object_id
        start = continues.size_bytes if continues else 0
        try:
            self._parse(begun, _hashed(pieces, tree), layout, object_id, start)
            if continues is None:
                _judge(begun, layout, self._settings.max_rejected_ratio)
        except ObjectRefused:
            self._writer.delete([future.result() for future in begun.writing])
            raise
        self._parts += [future.result() for future in begun.writing]
        begun.rows.move_to(self._shared)
        self._flush(WAITING_BYTES)
        digest, size = tree.hexdigest(), tree.size_bytes
        claim = Claim(
            object_id, digest, size, digest_of_line(begun.first_line), "loaded", (begun.source.uri,)
        )
        if continues:
            claim = replace(claim, uris=(*continues.uris, begun.source.uri))
            known.remove(continues)
        known.append(claim)
        status = "continued" if continues else "loaded"
        return self._receipt(begun, status, digest, size, object_id=object_id, layout=layout)

    def _parse(
        self, begun: _Object, pieces: Iterator[bytes], layout: Layout, object_id: str, start: int
    ) -> None:
        """Hand blocks to the workers and take their rows in order, a few blocks in flight."""
        first_read = 0 if not layout.is_splittable else start  # directives may change what later lines mean
        flying: deque[Future[Ingested]] = deque()
        state = layout

        def take() -> None:
            read = flying.popleft().result()
            begun.add(read)
            while begun.rows.size_bytes > OBJECT_BYTES:
                for key, tables in begun.rows.take(OBJECT_BYTES):
                    begun.writing.append(self._pool.submit(self._writer.write, key, tables))
                while sum(not each.done() for each in begun.writing) > 2:
                    next(each for each in begun.writing if not each.done()).result()

        for block in _cut_at(blocks(pieces, self._settings, first_read), start):
            self._progress(len(block.data), 0)
            if not layout.is_splittable:
                read = self._call(block, object_id, begun.first_line, state)
                state = read.layout
                if block.offset >= start:
                    begun.add(read)
                    self._progress(0, read.lines_read)
                continue
            flying.append(self._pool.submit(self._call, block, object_id, begun.first_line, layout))
            if len(flying) > 3:
                take()
        while flying:
            take()
        self._progress(0, begun.lines_read if layout.is_splittable else 0)

    def _call(self, block: Block, object_id: str, first_line: bytes, layout: Layout) -> Ingested:
        return ingest(block.data, block.offset, object_id, first_line, layout, self._settings)

    def _flush(self, more_than_bytes: int) -> None:
        for key, tables in self._shared.take(more_than_bytes):
            self._writing.append(self._pool.submit(self._writer.write, key, tables))
            if len(self._writing) > 3:
                self._parts.append(self._writing.popleft().result())

    def _receipt(
        self,
        begun: _Object,
        status: str,
        digest: str,
        size_bytes: int,
        *,
        object_id: str | None = None,
        layout: Layout | None = None,
    ) -> Receipt:
        said = directives(begun.head)
        return Receipt(
            source=begun.source,
            status=status,
            reason=None,
            object_id=object_id or begun.source.object_id,
            content_digest=digest,
            size_bytes=size_bytes,
            first_line_digest=digest_of_line(begun.first_line),
            format=layout.format if layout else None,
            stream=layout.stream if layout else None,
            host=said.get("host"),
            first_at=begun.first_at,
            last_at=begun.last_at,
            lines_read=begun.lines_read,
            accepted=begun.accepted,
            rejected=sum(begun.reasons.values()),
            ignored=begun.ignored,
            waiting=begun.waiting,
            rejected_by_reason=dict(begun.reasons),
            rejected_sample=sample(begun.rejected, SAMPLE_LINES),
        )


def _hashed(pieces: Iterator[bytes], tree: TreeDigest) -> Iterator[bytes]:
    for piece in pieces:
        tree.update(piece)
        yield piece


def _cut_at(given: Iterator[Block], start: int) -> Iterator[Block]:
    """Cut the block in which a continuation starts, so that each block lies before or after it."""
    for block in given:
        cut = start - block.offset
        if 0 < cut < len(block.data):
            yield Block(block.data[:cut], block.offset)
            yield Block(block.data[cut:], start)
        else:
            yield block


def _judge(begun: _Object, layout: Layout, max_rejected_ratio: float) -> None:
    rejected = sum(begun.reasons.values())
    if not begun.accepted:
        raise ObjectRefused(f"no line could be read as {layout.format}: {_most(begun.reasons)}")
    judged = begun.accepted + rejected
    if judged >= JUDGED_LINES and rejected > max_rejected_ratio * judged:
        share = f"more than {max_rejected_ratio:.0%}"
        raise ObjectRefused(f"{rejected:,} of {judged:,} lines rejected, {share}: {_most(begun.reasons)}")


def _most(reasons: Counter[str]) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common(3))


def _empty(source: SourceObject) -> Receipt:
    return Receipt(source, "empty", None, source.object_id, "", 0, "", None, None, None, None, None)


def _refusal(source: SourceObject, reason: str) -> Receipt:
    return replace(_empty(source), status="refused", reason=reason)
