"""Read a run's objects into lake parts, in this process: unpack, tell by content, parse, judge, write.

The calling thread reads and hashes; two workers parse blocks and encode Parquet (both let go of the
interpreter's lock). Memory holds a few blocks and the rows that wait to be written, whatever the size of the
input.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from jobs.access_logs.digest import TreeDigest
from jobs.access_logs.ingest import Layout, directives, find_layout, first_data_line, ingest
from jobs.access_logs.lake import PartWriter
from jobs.access_logs.reader import (
    HEAD_BYTES,
    Block,
    LineStarts,
    ObjectRefused,
    blocks,
    end_of_last_line,
    is_compressed,
    limited,
    open_stored,
    unpacked,
)
from jobs.access_logs.remote import Processes
from jobs.access_logs.settings import IngestSettings
from jobs.access_logs.workers import ObjectLines, Workers
from jobs.engines.interface import Claim, Ingestion, Progress, Receipt, SourceObject
from jobs.storage import is_remote, local_path

PROCESSES_FROM_BYTES = 48 << 20  # stored; below, starting processes takes longer than it saves
JUDGED_LINES = 100  # an object of fewer lines is not refused for its share of rejected lines
Opener = Callable[[SourceObject], Iterator[bytes]]


def digest_of_line(line: bytes) -> str:
    """Give the digest by which candidates for the same content are found: of the first data line."""
    return hashlib.sha256(line).hexdigest()[:32]


@dataclass(frozen=True)
class _Begun:
    """An object of which the head was read."""

    source: SourceObject
    read: bytes  # of its pieces so far
    head: bytes  # by which its format is found
    first_line: bytes
    limit: int | None  # bytes of a growing file that are whole lines
    waiting: int

    @property
    def line_digest(self) -> str:
        return digest_of_line(self.first_line)


@dataclass(frozen=True)
class _Taken:
    """An object of which all lines were handed to the workers."""

    lines: ObjectLines
    last: ObjectLines  # the last line alone, where it has no line end
    last_start: int | None
    layout: Layout
    tree: TreeDigest


@dataclass(frozen=True)
class _LastLine:
    """A last line without a line end: a longer content may follow in the same run and hold all of it."""

    start: int
    lines: ObjectLines
    source: SourceObject
    receipt_without: Receipt


def ingest_objects(
    sources: Sequence[SourceObject],
    claims: Mapping[str, Sequence[Claim]],
    scratch_uri: str,
    settings: IngestSettings,
    progress: Progress = lambda _bytes, _lines: None,
    *,
    threads: int = 2,
    open_object: Opener | None = None,
    in_processes: bool | None = None,
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
        in_processes: parse in processes instead of threads; by itself, where the input is large.
    """
    if in_processes is None:
        size = sum(max(source.size_bytes, 0) for source in sources)
        # A look-up of countries is a function of this process.
        in_processes = size >= PROCESSES_FROM_BYTES and settings.country_of is None
    with (
        Processes(settings) as processes,
        ThreadPoolExecutor(threads) as pool,
        ThreadPoolExecutor(threads) as writing_pool,
    ):
        workers = Workers(
            pool,
            writing_pool,
            PartWriter(scratch_uri),
            settings,
            progress,
            processes.ingest if in_processes else ingest,
        )
        return _Run(claims, workers, settings, open_object).read(sources)


class _Run:
    def __init__(
        self,
        claims: Mapping[str, Sequence[Claim]],
        workers: Workers,
        settings: IngestSettings,
        open_object: Opener | None,
    ) -> None:
        self._claims = {digest: list(known) for digest, known in claims.items()}
        self._workers = workers
        self._settings = settings
        self._open = open_object or self._open_stored
        self._receipts: dict[str, Receipt] = {}
        self._last_lines: dict[str, _LastLine] = {}  # by object_id

    def read(self, sources: Sequence[SourceObject]) -> Ingestion:
        begun_lines: set[str] = set()
        deferred: list[SourceObject] = []
        for source in sources:
            with self._refusing(source):
                pieces = self._open(source)
                begun = self._begin(source, pieces)
                if begun is None:
                    continue
                if begun.line_digest in begun_lines or self._claims.get(begun.line_digest):
                    deferred.append(source)
                    continue
                begun_lines.add(begun.line_digest)
                self._take(begun, self._whole_pieces(begun, pieces), None)
        self._workers.drain()
        # Contents that begin alike are taken from the smallest up: each can only repeat or continue one
        # that stands, and which of them came first makes no difference.
        for source in sorted(deferred, key=lambda each: (self._size_of(each), each.uri)):
            with self._refusing(source):
                self._read_among_claims(source)
            self._workers.drain()
        for last in self._last_lines.values():
            self._workers.keep(last.lines)
        return Ingestion(tuple(self._receipts.values()), self._workers.parts())

    @contextlib.contextmanager
    def _refusing(self, source: SourceObject) -> Iterator[None]:
        try:
            yield
        except ObjectRefused as refused:
            self._receipts[source.object_id] = _refusal(source, str(refused))

    def _open_stored(self, source: SourceObject) -> Iterator[bytes]:
        stream = open_stored(source.uri)
        try:
            yield from unpacked(stream, self._settings)
        finally:
            stream.close()

    def _begin(self, source: SourceObject, pieces: Iterator[bytes]) -> _Begun | None:
        """Read as far as the head by which the format is found; None if there is no data line yet."""
        limit, waiting = self._limit(source)
        parts, size = [], 0
        for piece in pieces if limit is None else limited(pieces, limit):
            parts.append(piece)
            size += len(piece)
            if size >= HEAD_BYTES:
                break
        read = b"".join(parts)
        head = read[:HEAD_BYTES]  # pieces are larger where they were unpacked, and that must change nothing
        first_line = first_data_line(head)
        if first_line is None:
            if size >= HEAD_BYTES:
                raise ObjectRefused(f"in no known format: no line in its first {HEAD_BYTES:,} bytes")
            self._receipts[source.object_id] = replace(_empty(source), waiting=waiting)
            return None
        return _Begun(source, read, head, first_line, limit, waiting)

    def _limit(self, source: SourceObject) -> tuple[int | None, int]:
        """Give the size up to which a growing local file is read, and how many lines wait for their end."""
        if not source.is_growing or self._settings.is_final or is_remote(source.uri):
            return None, 0
        path = local_path(source.uri)
        try:
            with Path(path).open("rb") as file:
                if is_compressed(file.read(16)):
                    return None, 0
            end = end_of_last_line(path, source.size_bytes)
        except OSError as error:
            raise ObjectRefused(f"cannot be read: {error.strerror}") from error
        return end, int(end < source.size_bytes)

    def _whole_pieces(self, begun: _Begun, after_head: Iterator[bytes]) -> Iterator[bytes]:
        yield begun.read
        if begun.limit is None:
            yield from after_head
        else:
            yield from limited(after_head, begun.limit - len(begun.read))

    def _read_again(self, begun: _Begun) -> Iterator[bytes]:
        pieces = self._open(begun.source)
        return pieces if begun.limit is None else limited(pieces, begun.limit)

    def _size_of(self, source: SourceObject) -> int:
        try:
            limit, _ = self._limit(source)
            return sum(map(len, self._open(source))) if limit is None else limit
        except ObjectRefused:
            return 0  # said, and recorded, when it is read

    def _read_among_claims(self, source: SourceObject) -> None:
        """Read an object whose first line others have: it may repeat, continue or begin one of them."""
        begun = self._begin(source, self._open(source))
        if begun is None:
            return
        known = self._claims.get(begun.line_digest, [])
        tree = TreeDigest(claim.size_bytes for claim in known)
        line_starts = LineStarts(claim.size_bytes for claim in known)
        for piece in self._read_again(begun):
            tree.update(piece)
            line_starts.update(piece)
        digest, size = tree.hexdigest(), tree.size_bytes
        same = [claim for claim in known if claim.content_digest == digest]
        grown = [claim for claim in known if tree.digest_at.get(claim.size_bytes) == claim.content_digest]
        if not same and not grown:
            longer = (claim for claim in known if claim.size_bytes > size)
            same = [claim for claim in longer if self._begins(claim, size, digest)]
        if same:
            repeated = ObjectLines(same[0].object_id, begun.first_line)
            self._receipts[source.object_id] = _receipt(begun, "known", digest, size, repeated)
            return
        if not grown:
            self._take(begun, self._read_again(begun), None)
            return
        continues = max(grown, key=lambda each: each.size_bytes)
        last = self._last_lines.get(continues.object_id)
        start = last.start if last else continues.size_bytes
        if not last and line_starts.at[start] != start:
            start = 0  # what was claimed ends inside a line: its lines give way to those of the whole
        self._take(begun, self._read_again(begun), continues, start)

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

    def _take(self, begun: _Begun, pieces: Iterator[bytes], continues: Claim | None, start: int = 0) -> None:
        """Parse an object from its start, or from where the lines of the claim that it continues end."""
        layout = find_layout(begun.head, self._settings)
        if layout is None:
            raise ObjectRefused("in no known format: no line parses")
        lines = ObjectLines(continues.object_id if continues else begun.source.object_id, begun.first_line)
        last = ObjectLines(lines.object_id, begun.first_line)
        unended: list[Block] = []
        tree = TreeDigest()
        # What stands before the start may hold directives that change what later lines mean.
        from_byte = start if layout.is_splittable else 0
        try:
            given = _cut_at(blocks(_hashed(pieces, tree), self._settings, from_byte), start)
            self._workers.parse(lines, _ended(given, unended), layout, start)
            last.last_block = lines.last_block
            self._workers.parse(last, unended, layout, start)
        except ObjectRefused as refused:
            reason = str(refused)
            self._workers.end(lines, lambda: self._refuse(begun, lines, reason))
            return
        taken = _Taken(lines, last, unended[0].offset if unended else None, layout, tree)
        status = "loaded" if continues is None else "continued" if start else "replaced"
        self._workers.end(lines, lambda: self._finish(begun, taken, status, continues))

    def _refuse(self, begun: _Begun, lines: ObjectLines, reason: str) -> None:
        self._workers.drop(lines)
        self._receipts[begun.source.object_id] = _refusal(begun.source, reason)

    def _finish(
        self,
        begun: _Begun,
        taken: _Taken,
        status: str,
        continues: Claim | None,
    ) -> None:
        """Judge an object of which all lines were taken, and claim it."""
        lines, whole = taken.lines, taken.lines.counted_with(taken.last)
        reason = None if continues else _judged(whole, taken.layout, self._settings.max_rejected_ratio)
        if reason is not None:
            self._refuse(begun, lines, reason)
            return
        before = self._last_lines.pop(lines.object_id, None)
        if before:
            self._receipts[before.source.object_id] = before.receipt_without
        self._workers.keep(lines)
        known = self._claims.setdefault(begun.line_digest, [])
        uris: tuple[str, ...] = (begun.source.uri,)
        if continues:
            uris = (*continues.uris, begun.source.uri)
            known.remove(continues)
        digest, size = taken.tree.hexdigest(), taken.tree.size_bytes
        known.append(Claim(lines.object_id, digest, size, begun.line_digest, "loaded", uris))
        self._receipts[begun.source.object_id] = _receipt(begun, status, digest, size, whole, taken.layout)
        if taken.last_start is not None:
            without = _receipt(begun, status, digest, size, lines, taken.layout)
            self._last_lines[lines.object_id] = _LastLine(taken.last_start, taken.last, begun.source, without)


def _hashed(pieces: Iterator[bytes], tree: TreeDigest) -> Iterator[bytes]:
    for piece in pieces:
        tree.update(piece)
        yield piece


def _ended(given: Iterator[Block], unended: list[Block]) -> Iterator[Block]:
    """Give the blocks without the last line if that has no line end; it goes to `unended`."""
    waiting: Block | None = None
    for block in given:
        if waiting:
            yield waiting
        waiting = block
    if waiting is None:
        return
    cut = waiting.data.rfind(b"\n") + 1
    if cut:
        yield Block(waiting.data[:cut], waiting.offset)
    if cut < len(waiting.data):
        unended.append(Block(waiting.data[cut:], waiting.offset + cut))


def _cut_at(given: Iterator[Block], start: int) -> Iterator[Block]:
    """Cut the block in which a continuation starts, so that each block lies before or after it."""
    for block in given:
        cut = start - block.offset
        if 0 < cut < len(block.data):
            yield Block(block.data[:cut], block.offset)
            yield Block(block.data[cut:], start)
        else:
            yield block


def _judged(lines: ObjectLines, layout: Layout, max_rejected_ratio: float) -> str | None:
    """Give the reason why an object is refused for its lines; None if it is taken."""
    if not lines.accepted:
        return f"no line could be read as {layout.format}: {_most(lines.reasons)}"
    judged = lines.accepted + lines.rejected
    if judged >= JUDGED_LINES and lines.rejected > max_rejected_ratio * judged:
        share = f"more than {max_rejected_ratio:.0%}"
        return f"{lines.rejected:,} of {judged:,} lines rejected, {share}: {_most(lines.reasons)}"
    return None


def _most(reasons: Counter[str]) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common(3))


def _receipt(
    begun: _Begun, status: str, digest: str, size_bytes: int, lines: ObjectLines, layout: Layout | None = None
) -> Receipt:
    return Receipt(
        source=begun.source,
        status=status,
        reason=None,
        object_id=lines.object_id,
        content_digest=digest,
        size_bytes=size_bytes,
        first_line_digest=begun.line_digest,
        format=layout.format if layout else None,
        stream=layout.stream if layout else None,
        host=directives(begun.head).get("host"),
        first_at=lines.first_at,
        last_at=lines.last_at,
        lines_read=lines.lines_read,
        accepted=lines.accepted,
        rejected=lines.rejected,
        ignored=lines.ignored,
        waiting=begun.waiting,
        rejected_by_reason=dict(lines.reasons),
        rejected_sample=lines.rejected_sample,
    )


def _empty(source: SourceObject) -> Receipt:
    return Receipt(source, "empty", None, source.object_id, "", 0, "", None, None, None, None, None)


def _refusal(source: SourceObject, reason: str) -> Receipt:
    return replace(_empty(source), status="refused", reason=reason)
