"""Read JSON lines: nginx (any of the usual variable names, values often strings), Caddy and Traefik.

For each of our fields the first name that the line has is taken; names with dots go into nested objects.
Another server's names are given by a field map (`json_fields`), which goes before the names known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jobs.access_logs.cloudfront import cookie_value, read_object, to_bytes
from jobs.access_logs.combined import is_address
from jobs.access_logs.rows import (
    Line,
    clean_host,
    client_address,
    read_count,
    read_seconds,
    read_status,
    split_request,
    split_uri,
)
from jobs.access_logs.times import read_any

NAMES: Mapping[str, tuple[str, ...]] = {
    "at": (
        "time_iso8601", "time_local", "msec", "StartUTC", "@timestamp", "timestamp", "time", "ts", "date",
        "datetime",
    ),
    "address": (
        "remote_addr", "request.client_ip", "request.remote_ip", "request.remote_addr", "ClientHost",
        "client_ip", "clientip", "remote_ip", "client", "ip",
    ),
    "forwarded_for": ("http_x_forwarded_for", "x_forwarded_for", "request.headers.X-Forwarded-For", "xff"),
    "user": ("remote_user", "user_id", "ClientUsername", "user"),
    "request": ("request",),
    "method": ("request_method", "request.method", "RequestMethod", "method", "verb"),
    "uri": ("request_uri", "request.uri", "RequestPath", "uri", "path", "url"),
    "query": ("args", "query_string", "query"),
    "status": ("status", "DownstreamStatus", "response", "status_code"),
    # The body's size goes before that of the whole answer.
    "bytes_sent": (
        "body_bytes_sent", "DownstreamContentSize", "size", "length", "bytes_sent", "bytes", "sent",
        "resp_size",
    ),
    "duration_s": ("request_time", "duration", "duration_s", "latency_s"),
    "duration_ms": ("duration_ms", "generation_time_milli", "request_time_ms", "latency_ms"),
    "duration_us": ("duration_us",),
    "duration_ns": ("Duration", "duration_ns"),
    "referrer": (
        "http_referer", "request.headers.Referer", "request_Referer", "referrer", "referer",
    ),
    "user_agent": (
        "http_user_agent", "request.headers.User-Agent", "request_User-Agent", "user_agent", "agent",
    ),
    "host": ("http_host", "host", "request.host", "RequestHost", "server_name", "vhost"),
    "country": ("geoip_country_code", "geoip2_country_code", "country", "http_cf_ipcountry"),
    "cookie": ("http_cookie", "request.headers.Cookie", "cookie"),
    "authenticated_id": (), "declared_id": (), "request_id": (),  # only where a field map names them
}  # fmt: skip
"""Our field → the names under which servers write it, best first."""

_UNITS = {
    "duration_s": 1_000_000,
    "duration_ms": 1_000,
    "duration_us": 1,
    "duration_ns": 0,
}  # in microseconds


def look_up(record: Mapping[str, object], name: str) -> bytes | None:
    """Give the text under a name, itself or a path of names with dots; of a list, its first value."""
    value: object = record.get(name)
    if value is None and "." in name:
        value = record
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, list):
        value = value[0] if value else None
    return to_bytes(value)


class JsonReader:
    """Reads one JSON object a line."""

    def __init__(
        self,
        fields: Iterable[tuple[str, str]] = (),
        *,
        trusted_proxies: int = 0,
        id_cookie: str | None = None,
        id_json_field: str | None = None,
        is_unique: bool = False,
    ) -> None:
        mapped = dict(fields)
        renamed = {"path": "uri", "referer": "referrer"}
        self._names = {**NAMES, **{renamed.get(column, column): (name,) for column, name in mapped.items()}}
        if any(column.startswith("duration_") for column in mapped):
            self._names |= {column: () for column in _UNITS if column not in mapped}
        self._trusted_proxies, self._id_cookie = trusted_proxies, id_cookie
        self._id_json_field, self._is_unique = id_json_field, is_unique

    def read(self, line: bytes) -> Line | str:
        """Read one line, or give the reason why it is none."""
        record = read_object(line)
        if record is None:
            return "bad_json"

        def get(field: str) -> bytes | None:
            for name in self._names.get(field, ()):
                value = look_up(record, name)
                if value is not None:
                    return value
            return None

        def known(field: str) -> bytes | None:
            value = get(field)
            return None if value in (b"", b"-") else value

        times = (look_up(record, name) for name in self._names["at"])
        at = next(
            (micros for micros in (read_any(time) for time in times if time) if micros is not None), None
        )
        if at is None:
            return "no_time"
        method, uri = split_request(known("request"))
        method, uri = known("method") or method, known("uri") or uri
        status = read_status(known("status"))
        if status is None and (uri is None or method is None):
            return "missing_fields"  # another log of the same server, such as Caddy's own
        host, path, query = split_uri(uri)
        durations = (read_duration(known(field), unit) for field, unit in _UNITS.items())
        address = known("address")
        declared = look_up(record, self._id_json_field) if self._id_json_field else None
        return Line(
            at=at,
            address=client_address(_without_port(address), known("forwarded_for"), self._trusted_proxies),
            method=method,
            path=path,
            query=query or known("query"),
            status=status,
            bytes_sent=read_count(known("bytes_sent")),
            duration_us=next((micros for micros in durations if micros is not None), None),
            referrer=get("referrer"),
            user_agent=get("user_agent"),
            user=known("user"),
            authenticated_id=known("authenticated_id"),
            declared_id=declared or known("declared_id") or cookie_value(get("cookie"), self._id_cookie),
            host=clean_host(known("host")) or host,
            country=known("country"),
            request_id=known("request_id") if self._is_unique else None,
        )


def read_duration(text: bytes | None, unit_us: int) -> int | None:
    """Read a number of a unit given in microseconds (0: nanoseconds) as whole microseconds."""
    if unit_us:
        return read_seconds(text, unit_us)
    nanoseconds = read_count(text)
    return None if nanoseconds is None else nanoseconds // 1_000


def _without_port(address: bytes | None) -> bytes | None:
    if address is not None and address.count(b":") == 1 and is_address(address):
        return address.partition(b":")[0]
    return address
