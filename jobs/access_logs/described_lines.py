"""Read lines of a format that its user described (see :mod:`jobs.access_logs.described`)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from jobs.access_logs.cloudfront import cookie_value
from jobs.access_logs.described import DescribedFormat
from jobs.access_logs.json_lines import read_duration
from jobs.access_logs.rows import (
    Line,
    clean_host,
    client_address,
    read_count,
    read_status,
    split_request,
    split_uri,
)
from jobs.access_logs.times import days_since_1970, read_any, read_clf, read_epoch, read_iso


@lru_cache(maxsize=65_536)
def _read_time(text: bytes, time_format: str) -> int | None:
    """Read a time by the format that the description names; a time without an offset is UTC."""
    if time_format == "clf":
        return read_clf(text)
    if time_format == "iso":
        return read_iso(text)
    if time_format.startswith("epoch_"):
        return read_epoch(text, {"s": 1_000_000, "ms": 1_000, "us": 1}[time_format.removeprefix("epoch_")])
    if time_format == "auto":
        return read_any(text)
    try:
        time = datetime.strptime(text.decode("utf-8", "backslashreplace"), time_format)  # noqa: DTZ007
    except ValueError:
        return None
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    offset = time.utcoffset()
    seconds = days_since_1970(time.year, time.month, time.day) * 86_400 + time.hour * 3_600
    seconds += time.minute * 60 + time.second - (int(offset.total_seconds()) if offset else 0)
    return seconds * 1_000_000 + time.microsecond


_LONGEST_TIME = 64
_DURATIONS = {"duration_s": 1_000_000, "duration_ms": 1_000, "duration_us": 1, "duration_ns": 0}


class DescribedReader:
    """Reads lines of a template or a list of fields."""

    def __init__(
        self, described: DescribedFormat, *, trusted_proxies: int = 0, id_cookie: str | None = None
    ) -> None:
        self._described = described
        self._pattern = re.compile(described.pattern.encode(), re.DOTALL)
        self._trusted_proxies, self._id_cookie = trusted_proxies, id_cookie

    def read(self, line: bytes) -> Line | str:
        """Read one line, or give the reason why it is none."""
        match = self._pattern.match(line)
        if match is None:
            return "not_in_format"
        cells: dict[str, bytes] = {}
        for column, value in zip(self._described.columns, match.groups(), strict=True):
            if column and value is not None:
                cells[column] = value

        def known(column: str) -> bytes | None:
            value = cells.get(column)
            return None if value in (b"", b"-") else value

        time = known("at")
        at = _read_time(time, self._described.time_format) if time and len(time) <= _LONGEST_TIME else None
        if at is None:
            return "no_time"
        method, uri = split_request(known("request"))
        host, path, query = split_uri(known("uri") or uri)
        durations = (read_duration(known(column), unit) for column, unit in _DURATIONS.items())
        return Line(
            at=at,
            address=client_address(known("address"), known("forwarded_for"), self._trusted_proxies),
            method=known("method") or method,
            path=known("path") or path,
            query=(known("query") or b"").removeprefix(b"?") or query,
            status=read_status(known("status")),
            bytes_sent=read_count(known("bytes_sent")),
            duration_us=next((micros for micros in durations if micros is not None), None),
            referrer=cells.get("referrer"),
            user_agent=cells.get("user_agent"),
            user=known("user"),
            authenticated_id=known("authenticated_id"),
            declared_id=known("declared_id") or cookie_value(known("cookie"), self._id_cookie),
            host=clean_host(known("host")) or host,
            country=known("country"),
            request_id=known("request_id") if self._described.is_unique else None,
        )
