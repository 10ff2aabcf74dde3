"""Hand blocks to worker threads and take their rows in order, a few blocks in flight, whatever object they
belong to: many small objects keep both workers as busy as one large one.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from jobs.access_logs.ingest import Ingested, Layout
from jobs.access_logs.lake import PartWriter, Rows, sample
from jobs.access_logs.reader import Block
from jobs.access_logs.remote import Ingest
from jobs.access_logs.settings import IngestSettings
from jobs.engines.interface import LakePart, Progress

SAMPLE_LINES = 1_000
BLOCKS_IN_FLIGHT = 4
PARTS_IN_FLIGHT = 3
WAITING_BYTES = 192 << 20  # rows of all objects that wait in memory
OBJECT_BYTES = 64 << 20  # rows of one object that wait until it is judged; beyond, they go to its own parts


@dataclass
class ObjectLines:
    """The lines of one object as far as they were taken."""

    object_id: str
    first_line: bytes
    rows: Rows = field(default_factory=Rows)
    writing: list[Future[LakePart]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    lines_read: int = 0
    ignored: int = 0
    accepted: int = 0
    first_at: int | None = None
    last_at: int | None = None
    _rejected: list[pa.Table] = field(default_factory=list)
    _rejected_kept: int = 0
    last_block: Future[Ingested] | None = None  # only where directives change what later lines mean

    @property
    def rejected(self) -> int:
        """The number of rejected lines."""
        return sum(self.reasons.values())

    @property
    def rejected_sample(self) -> pa.Table | None:
        """The first rejected lines, by where they stand."""
        return sample(self._rejected, SAMPLE_LINES)

    def add(self, read: Ingested) -> None:
        """Take one block's rows and counts; blocks come in order."""
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
            if self._rejected_kept < SAMPLE_LINES:
                self._rejected.append(read.rejected.slice(0, SAMPLE_LINES - self._rejected_kept))
                self._rejected_kept += self._rejected[-1].num_rows

    def counted_with(self, more: ObjectLines | None) -> ObjectLines:
        """Give the counts, times and sample of both; no rows."""
        both = [self] if more is None else [self, more]
        firsts = [each.first_at for each in both if each.first_at is not None]
        lasts = [each.last_at for each in both if each.last_at is not None]
        return ObjectLines(
            self.object_id,
            self.first_line,
            reasons=sum((each.reasons for each in both), Counter()),
            lines_read=sum(each.lines_read for each in both),
            ignored=sum(each.ignored for each in both),
            accepted=sum(each.accepted for each in both),
            first_at=min(firsts, default=None),
            last_at=max(lasts, default=None),
            _rejected=[rows for each in both for rows in each._rejected],
        )


@dataclass(frozen=True)
class _Flying:
    lines: ObjectLines
    block: Future[Ingested] | None  # None: the object ends here
    is_counted: bool = True
    end: Callable[[], None] | None = None


class Workers:
    """The queue between the thread that reads and those that parse and encode. Used by one reading thread."""

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        writing_pool: ThreadPoolExecutor,
        writer: PartWriter,
        settings: IngestSettings,
        progress: Progress,
        ingest: Ingest,
    ) -> None:
        self._pool = pool
        self._writing_pool = writing_pool
        self._ingest = ingest
        self._writer = writer
        self._settings = settings
        self._progress = progress
        self._flying: deque[_Flying] = deque()
        self._shared = Rows()
        self._writing: deque[Future[LakePart]] = deque()
        self._parts: list[LakePart] = []

    def parse(self, lines: ObjectLines, given: Iterable[Block], layout: Layout, start: int) -> None:
        """Parse an object's blocks; lines before byte `start` are read for their directives only."""
        for block in given:
            read = self._pool.submit(self._parse_block, block, lines, layout, lines.last_block)
            if not layout.is_splittable:
                lines.last_block = read
            self._progress(len(block.data), 0)
            self._flying.append(_Flying(lines, read, is_counted=block.offset >= start))
            while len(self._flying) > BLOCKS_IN_FLIGHT:
                self._take()

    def end(self, lines: ObjectLines, end: Callable[[], None]) -> None:
        """Call `end` when all of the object's blocks have been taken."""
        self._flying.append(_Flying(lines, None, end=end))

    def keep(self, lines: ObjectLines) -> None:
        """Keep an object's rows: it is judged and taken."""
        self._parts += [future.result() for future in lines.writing]
        lines.rows.move_to(self._shared)
        self._flush(WAITING_BYTES)

    def drop(self, lines: ObjectLines) -> None:
        """Drop an object's rows: it is refused."""
        self._writer.delete([future.result() for future in lines.writing])
        lines.rows = Rows()

    def drain(self) -> None:
        """Take all blocks that are in flight."""
        while self._flying:
            self._take()

    def parts(self) -> tuple[LakePart, ...]:
        """Write what waits; give all parts."""
        self._flush(0)
        self._parts += [future.result() for future in self._writing]
        self._writing.clear()
        return tuple(self._parts)

    def _parse_block(
        self, block: Block, lines: ObjectLines, layout: Layout, before: Future[Ingested] | None
    ) -> Ingested:
        # A block that waits for the one before it cannot wait for ever: that one was handed out earlier.
        state = layout if before is None else before.result().layout
        return self._ingest(
            block.data, block.offset, lines.object_id, lines.first_line, state, self._settings
        )

    def _take(self) -> None:
        first = self._flying.popleft()
        if first.block is None:
            if first.end is not None:
                first.end()
            return
        read = first.block.result()
        if not first.is_counted:
            return
        first.lines.add(read)
        self._progress(0, read.lines_read)
        for key, tables in first.lines.rows.take(OBJECT_BYTES):
            first.lines.writing.append(self._writing_pool.submit(self._writer.write, key, tables))
            if len(first.lines.writing) > PARTS_IN_FLIGHT:
                first.lines.writing[-PARTS_IN_FLIGHT - 1].result()

    def _flush(self, more_than_bytes: int) -> None:
        for key, tables in self._shared.take(more_than_bytes):
            self._writing.append(self._writing_pool.submit(self._writer.write, key, tables))
            if len(self._writing) > PARTS_IN_FLIGHT:
                self._parts.append(self._writing.popleft().result())
