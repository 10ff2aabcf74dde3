"""What every format's reader gives of a line, and how it becomes a row of the lake.

A reader gives bytes as they stand in the line; text, hashes, buckets and the order of equal times are made
here, once for all formats, column by column.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.access_logs.buckets import bucket_of
from jobs.access_logs.request_ids import order_of_ids
from jobs.access_logs.requests import REQUESTS
from jobs.access_logs.settings import IngestSettings
from jobs.access_logs.text import escape, to_bytes, to_text, to_words
from jobs.access_logs.visitors import visitors_of


class Line(NamedTuple):
    """One line's fields as a reader finds them; None is what the format lacks or the line leaves out."""

    at: int  # microseconds since 1970 UTC
    address: bytes | None = None  # of the client: goes into the visitor hash and nowhere else
    method: bytes | None = None
    path: bytes | None = None
    query: bytes | None = None
    status: int | None = None
    bytes_sent: int | None = None
    duration_us: int | None = None
    referrer: bytes | None = None
    user_agent: bytes | None = None
    user: bytes | None = None
    authenticated_id: bytes | None = None
    declared_id: bytes | None = None
    host: bytes | None = None
    country: bytes | None = None
    request_id: bytes | None = None


_NUMBERS = {"at", "status", "bytes_sent", "duration_us"}
FIELDS = pa.schema(
    [pa.field("line", pa.int64())]
    + [pa.field(name, pa.int64() if name in _NUMBERS else pa.binary()) for name in Line._fields]
)
"""Columns of many lines read: the number of the line within its block, then those of :class:`Line`."""

_MAX_COUNT = 1 << 60  # larger numbers are not sizes or durations
_METHOD = re.compile(rb"[A-Za-z][A-Za-z0-9_-]{0,31}")
_PROTOCOL = re.compile(rb" HTTP/[0-9](?:\.[0-9])?")
_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]{0,15}://([^/?#]*)")
_PORT = re.compile(rb"(\[[^\]]*\]|[^:]*):[0-9]{1,5}")


def read_count(text: bytes | None) -> int | None:
    """Read a whole number that is not negative; anything else, such as `-`, is None."""
    if text is None or len(text) > 18 or not text.isdigit():
        return None
    return int(text)


def read_seconds(text: bytes | None, unit_us: int = 1_000_000) -> int | None:
    """Read a decimal duration as whole microseconds, cutting what is finer; negative ones are None."""
    if text is None or len(text) > 40:
        return None
    whole, _, fraction = text.partition(b".")
    if not (whole + fraction).isdigit() or len(whole) > 12:
        return None
    digits = (whole or b"0") + fraction[:12].ljust(12, b"0")
    return int(digits) * unit_us // 10**12


def clean_host(host: bytes | None) -> bytes | None:
    """Give a host's name in lower case, without a port; `-` and nothing are None."""
    if host is None or host in (b"", b"-"):
        return None
    with_port = _PORT.fullmatch(host)
    return (with_port.group(1) if with_port else host).lower() or None


def read_status(text: bytes | None) -> int | None:
    """Read an HTTP status; `-` and what has other than three digits are None."""
    return int(text) if text is not None and len(text) == 3 and text.isdigit() else None


def split_uri(uri: bytes | None) -> tuple[bytes | None, bytes | None, bytes | None]:
    """Split a request's target into host (of an absolute one), path and query (after the first `?`)."""
    if not uri:
        return None, None, None
    host = None
    absolute = None if uri.startswith(b"/") else _ABSOLUTE.match(uri)
    if absolute is not None:
        host = clean_host(absolute.group(1).rpartition(b"@")[2])
        uri = uri[absolute.end() :]
        if not uri.startswith(b"/"):
            uri = b"/" + uri
    path, _, query = uri.partition(b"?")
    return host, path or None, query or None


def split_request(request: bytes | None) -> tuple[bytes | None, bytes | None]:
    """Split `GET /shop?x=1 HTTP/1.1` into method and target; garbage gives None for both.

    The target may hold spaces. Without a protocol (HTTP/0.9) it must begin with a slash or a scheme.
    """
    if not request:
        return None, None
    method, _, rest = request.partition(b" ")
    if not rest or not _METHOD.fullmatch(method):
        return None, None
    for width in (9, 7):
        if _PROTOCOL.fullmatch(rest[-width:]):
            return method, rest[:-width] or None
    if rest.startswith(b"/") or _ABSOLUTE.match(rest):
        return method, rest
    return None, None


def client_address(address: bytes | None, forwarded: bytes | None, trusted_proxies: int) -> bytes | None:
    """Choose the client: the N-th entry of X-Forwarded-For from the right, if N proxies are trusted.

    A shorter list gives its leftmost entry; no list, the client field.
    """
    if not trusted_proxies or not forwarded or forwarded == b"-":
        return address
    entries = [entry for entry in (part.strip(b" ") for part in forwarded.split(b",")) if entry]
    return entries[max(len(entries) - trusted_proxies, 0)] if entries else address


def table_of(numbers: Sequence[int], lines: Sequence[Line]) -> pa.Table:
    """Put single lines into columns. Columns: those of FIELDS."""
    if not lines:
        return FIELDS.empty_table()
    columns = [pa.array(numbers, pa.int64())]
    for field, cells in zip(list(FIELDS)[1:], zip(*lines, strict=True), strict=True):
        if field.type == pa.int64() and field.name != "at":
            cells = tuple(None if cell is None or not 0 <= cell < _MAX_COUNT else cell for cell in cells)
        columns.append(pa.array(cells, field.type))
    return pa.table(columns, schema=FIELDS)


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Join what several readers found in one block. Lines stand in no order: rows know their offset."""
    return pa.concat_tables([FIELDS.empty_table(), *tables]).combine_chunks()


@dataclass(frozen=True)
class Place:
    """Where a block's lines come from."""

    object_id: str
    first_line: bytes  # the object's first data line: its digest orders equal times


def _column(table: pa.Table, name: str) -> pa.Array:
    chunked = table[name]
    return chunked.chunk(0) if chunked.num_chunks == 1 else chunked.combine_chunks()


def to_requests(
    table: pa.Table, byte_offsets: npt.NDArray[np.int64], place: Place, settings: IngestSettings
) -> pa.Table:
    """Turn lines read into rows of the lake.

    Parameters: a table of FIELDS; the byte offset of each of its lines. Columns of the result: REQUESTS.
    """
    count = table.num_rows
    duration = _column(table, "duration_us")
    ids = _column(table, "request_id")
    digest = hashlib.sha256(place.first_line).digest()
    order_hi = np.full(count, int.from_bytes(digest[:8], "big", signed=True), dtype=np.int64)
    order_lo = byte_offsets.astype(np.int64)
    if ids.null_count < count:
        has_id = ids.is_valid().to_numpy(zero_copy_only=False)
        id_hi, id_lo = order_of_ids(ids)
        order_hi, order_lo = np.where(has_id, id_hi, order_hi), np.where(has_id, id_lo, order_lo)
    address = _column(table, "address").dictionary_encode()
    user_agent = _column(table, "user_agent").dictionary_encode()
    columns: dict[str, pa.Array] = {
        "at": table["at"],
        "method": to_words(_column(table, "method")),
        "status": _column(table, "status").cast(pa.int16()),
        "bytes_sent": table["bytes_sent"],
        "duration_us": duration,
        "duration_bucket": _buckets(duration),
        "user_agent": to_words(user_agent),
        "visitor": visitors_of(address, user_agent, settings.key),
        "host": to_words(_column(table, "host")),
        "country": _countries(_column(table, "country"), address, settings),
        "order_hi": pa.array(order_hi),
        "order_lo": pa.array(order_lo),
        "object_id": pa.DictionaryArray.from_arrays(
            pa.array(np.zeros(count, np.int32)), pa.array([place.object_id], pa.string())
        ),
        "byte_offset": pa.array(byte_offsets.astype(np.int64)),
        "request_id": to_text(_column(table, "request_id")),
    }
    for name in ("path", "query", "referrer", "user", "authenticated_id", "declared_id"):
        columns[name] = to_words(_column(table, name))
    return pa.table([columns[name] for name in REQUESTS.names], schema=REQUESTS)


def _buckets(duration: pa.Array) -> pa.Array:
    if duration.null_count == len(duration):
        return pa.nulls(len(duration), pa.int16())
    buckets = bucket_of(pc.fill_null(duration, 0).to_numpy(zero_copy_only=False))
    return pc.if_else(duration.is_valid(), pa.array(buckets), pa.scalar(None, pa.int16()))


def _countries(logged: pa.Array, clients: pa.DictionaryArray, settings: IngestSettings) -> pa.Array:
    """Give the country that the log names, else that of the address, where a lookup is given."""
    words = to_words(logged)
    if settings.country_of is None or not logged.null_count:
        return words
    known = {
        raw: None if raw is None else settings.country_of(escape(raw)) for raw in to_bytes(clients.dictionary)
    }
    looked_up = pa.array([known[raw] for raw in to_bytes(clients.dictionary)], pa.string()).take(
        clients.indices
    )
    return pc.coalesce(words.cast(pa.string()), looked_up).dictionary_encode()
