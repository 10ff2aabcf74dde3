"""What every engine takes and gives: plain values, so that the three can be read side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from jobs.access_logs.settings import IngestSettings, MeaningSettings


@dataclass(frozen=True)
class SourceObject:
    """One raw log object as listed, before anybody has read it."""

    object_id: str
    uri: str
    size_bytes: int  # as stored (compressed), -1 where the listing does not say (standard input)
    version: str  # ETag, or modification time in ns: with the uri and size it names one content
    is_growing: bool  # a local plain file: its last line without a line end is not yet part of it


@dataclass(frozen=True)
class Claim:
    """A loaded object's identity by content."""

    object_id: str
    content_digest: str
    size_bytes: int  # unpacked
    first_line_digest: str
    status: str
    uris: tuple[str, ...] = ()  # names under which the content was seen, newest last


@dataclass(frozen=True)
class LakePart:
    """One Parquet file that this run wrote; nobody reads it before the warehouse lists it."""

    uri: str
    table_name: str  # requests | rejected
    stream: str
    activity_date: str | None  # ISO date, NULL for rejected lines
    object_ids: tuple[str, ...]  # objects that have rows in it
    row_count: int
    size_bytes: int
    digest: str  # SHA-256 of the file


@dataclass(frozen=True)
class Receipt:
    """What reading one object gave. lines_read = accepted + rejected + ignored (of the lines read *now*).

    An object that continues a claim was read from where that ends (continued); where it ends inside a line,
    whole (replaced): all lines that the claim had give way.
    """

    source: SourceObject
    status: str  # loaded | continued | replaced (see below) | known | empty (no data line yet) | refused
    reason: str | None  # why refused
    object_id: str  # of the claim it continues or repeats, else its own
    content_digest: str  # of the whole content
    size_bytes: int  # unpacked, whole
    first_line_digest: str
    format: str | None
    stream: str | None
    host: str | None  # host and process of our own server's directive line
    first_at: int | None  # microseconds
    last_at: int | None
    lines_read: int = 0
    accepted: int = 0
    rejected: int = 0
    ignored: int = 0
    waiting: int = 0  # lines at the end of a growing file that have no line end yet
    rejected_by_reason: Mapping[str, int] = field(default_factory=dict)
    rejected_sample: pa.Table | None = None  # REJECTED rows, the first 1,000 of the object


@dataclass(frozen=True)
class Ingestion:
    """What one call of `ingest` gave: a receipt for each source, and the lake parts written.

    Receipts are in the order in which objects were taken: a claim's own comes before those that continue it.
    """

    receipts: tuple[Receipt, ...]
    parts: tuple[LakePart, ...]


Progress = Callable[[int, int], None]  # bytes and lines read since the last call

Tables = Mapping[str, Callable[[], pa.RecordBatchReader]]
"""Table name → a function that gives the table's rows in the order of its key, afresh each time it is called.

Tables come in the order in which they get ready: whoever takes them in that order waits least. The function
waits until its table is computed. If the computation fails, it raises what the computation raised.
"""


class Engine(Protocol):
    """Read objects into lake parts; build tables from lake parts."""

    name: str

    def ingest(
        self,
        sources: Sequence[SourceObject],
        claims: Mapping[str, Sequence[Claim]],  # by first_line_digest
        scratch_uri: str,  # LAKE/<warehouse id>/runs/<run id>
        settings: IngestSettings,
        progress: Progress,
    ) -> Ingestion:
        """Read every object whole or refuse it, writing its lines as Parquet parts below scratch_uri."""

    def build(
        self,
        parts: Sequence[LakePart],
        settings: MeaningSettings,
        *,
        digests: Mapping[str, tuple[str, str]] | None = None,
    ) -> Tables:
        """Compute every model over the given lake parts, the later ones while the first ones are taken.

        digests: of each object, those of its first data line and of its content. ``object_duplicates`` and
        the first of the other tables are ready when this returns.
        """

    def close(self) -> None:
        """Stop what is still being computed; give back memory and scratch files."""
