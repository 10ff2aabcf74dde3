"""Read CloudFront standard logs: the W3C form, whose `#Fields` line names the columns, and its JSON form.

Source: AWS, "Standard logging reference" (CloudFront). Fields are taken by name, so any choice of them that
has a time and a status is read. Values are URL-encoded, in older files twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from jobs.access_logs.rows import (
    Line,
    clean_host,
    client_address,
    read_count,
    read_seconds,
    read_status,
    split_uri,
)
from jobs.access_logs.times import read_epoch, read_iso

FIELDS: tuple[str, ...] = (
    "date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method", "cs(Host)", "cs-uri-stem",
    "sc-status", "cs(Referer)", "cs(User-Agent)", "cs-uri-query", "cs(Cookie)", "x-edge-result-type",
    "x-edge-request-id", "x-host-header", "cs-protocol", "cs-bytes", "time-taken", "x-forwarded-for",
    "ssl-protocol", "ssl-cipher", "x-edge-response-result-type", "cs-protocol-version", "fle-status",
    "fle-encrypted-fields", "c-port", "time-to-first-byte", "x-edge-detailed-result-type",
    "sc-content-type", "sc-content-len", "sc-range-start", "sc-range-end",
)  # fmt: skip
"""The legacy log's columns in order: what a file without its header lines is read by."""

_DOUBLY_ENCODED = re.compile(rb"%25[0-9A-Fa-f]{2}")
_SEPARATORS = re.compile(r"[\t ]+")
_RUNS_OF_SPACES = re.compile(rb" +")

Get = Callable[[str], bytes | None]


_REMEMBERED_BYTES = 512  # longer values are made up by somebody


def read_fields(directive: bytes) -> tuple[str, ...] | None:
    """Give the names of a `#Fields:` line, which tabs or spaces separate; None for another directive."""
    if not directive.startswith(b"#Fields:"):
        return None
    return tuple(name for name in _SEPARATORS.split(directive[8:].decode("latin-1").strip()) if name)


def is_cloudfront(fields: tuple[str, ...]) -> bool:
    """Tell CloudFront's columns from those of other W3C logs (IIS, Netscaler, streaming servers)."""
    names = set(fields)
    has_time = {"date", "time"} <= names or bool({"timestamp", "timestamp(ms)"} & names)
    return has_time and "sc-status" in names and any(name.startswith("x-edge-") for name in names)


def decode(value: bytes | None) -> bytes | None:
    """Undo URL-encoding, twice where the value was encoded twice. `-` stays."""
    if value is None or b"%" not in value:
        return value
    return _decoded(value) if len(value) <= _REMEMBERED_BYTES else _decoded.__wrapped__(value)


@lru_cache(maxsize=16_384)  # user agents and referrers come again and again
def _decoded(value: bytes) -> bytes:
    decoded = unquote_to_bytes(value)
    return unquote_to_bytes(decoded) if _DOUBLY_ENCODED.search(value) else decoded


def cookie_value(cookies: bytes | None, name: str | None) -> bytes | None:
    """Give the value of one cookie of a Cookie header."""
    if cookies is None or name is None:
        return None
    for cookie in cookies.split(b";"):
        key, equals, value = cookie.strip().partition(b"=")
        if equals and key == name.encode() and value:
            return value
    return None


def _time(get: Get) -> int | None:
    date, time = get("date"), get("time")
    if date is not None and time is not None:
        return read_iso(date + b" " + time)
    seconds, milliseconds = get("timestamp"), get("timestamp(ms)")
    if milliseconds is not None:
        return read_epoch(milliseconds, 1_000)
    return read_epoch(seconds) if seconds is not None else None


def read_named(get: Get, trusted_proxies: int, id_cookie: str | None) -> Line | str:
    """Read one request from its named fields (None: the field is missing or `-`)."""
    at = _time(get)
    if at is None:
        return "no_time"
    status, stem = get("sc-status"), get("cs-uri-stem")
    if status is None and stem is None:
        return "missing_fields"
    _, path, query = split_uri(stem)
    return Line(
        at=at,
        address=client_address(get("c-ip"), decode(get("x-forwarded-for")), trusted_proxies),
        method=get("cs-method"),
        path=path,
        query=get("cs-uri-query") or query,
        status=read_status(status),
        bytes_sent=read_count(get("sc-bytes")),
        duration_us=read_seconds(get("time-taken")),
        referrer=decode(get("cs(Referer)") or get("cs-referer")),
        user_agent=decode(get("cs(User-Agent)") or get("cs-user-agent")),
        declared_id=cookie_value(decode(get("cs(Cookie)") or get("cs-cookie")), id_cookie)
        if id_cookie
        else None,
        host=clean_host(get("cs(Host)") or get("cs-host") or get("x-host-header")),
        country=get("c-country"),
        request_id=get("x-edge-request-id"),
    )


# Where `-` is what the client sent or did not send, the visitor's hash keeps it apart from a missing field.
_KEEPS_DASH = {"cs(Referer)", "cs(User-Agent)", "cs-referer", "cs-user-agent"}


def _present(name: str, value: bytes | None) -> bytes | None:
    return None if value is None or value == b"" or (value == b"-" and name not in _KEEPS_DASH) else value


class CloudFrontReader:
    """Reads W3C lines by the names of their columns."""

    def __init__(
        self, fields: tuple[str, ...], *, trusted_proxies: int = 0, id_cookie: str | None = None
    ) -> None:
        self._places = {name: place for place, name in enumerate(fields)}
        needed = [
            name
            for name in ("date", "time", "timestamp", "timestamp(ms)", "sc-status")
            if name in self._places
        ]
        self._least = 1 + max((self._places[name] for name in needed), default=0)
        self._trusted_proxies, self._id_cookie = trusted_proxies, id_cookie

    def read(self, line: bytes) -> Line | str:
        """Read one line, or give the reason why it is none."""
        cells = line.split(b"\t") if b"\t" in line else _RUNS_OF_SPACES.split(line.strip(b" "))
        if len(cells) < self._least:
            return "missing_fields" if len(cells) > 2 else "not_in_format"

        def get(name: str) -> bytes | None:
            place = self._places.get(name)
            return None if place is None or place >= len(cells) else _present(name, cells[place].strip(b" "))

        return read_named(get, self._trusted_proxies, self._id_cookie)


class CloudFrontJsonReader:
    """Reads JSON objects whose keys are the W3C names; every value is a string."""

    def __init__(self, *, trusted_proxies: int = 0, id_cookie: str | None = None) -> None:
        self._trusted_proxies, self._id_cookie = trusted_proxies, id_cookie

    def read(self, line: bytes) -> Line | str:
        """Read one line, or give the reason why it is none."""
        record = read_object(line)
        if record is None:
            return "bad_json"
        return read_named(
            lambda name: _present(name, to_bytes(record.get(name))), self._trusted_proxies, self._id_cookie
        )


def read_object(line: bytes) -> Mapping[str, object] | None:
    """Read a line as one JSON object, numbers as the text they are written in; None if it is none."""
    try:
        value = json.loads(
            line.decode("utf-8", "surrogateescape"), parse_int=str, parse_float=str, parse_constant=str
        )
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def to_bytes(value: object) -> bytes | None:
    """Give a JSON string or number as bytes (the line's own, where they are not UTF-8); others are None."""
    if not isinstance(value, str):
        return None
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a surrogate pair, written as an escape
        return value.encode("utf-8", "surrogatepass")
