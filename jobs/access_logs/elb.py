"""Read lines of AWS load balancers: application (ALB, 25 fields and more) and classic (12 or 15 fields).

Source: AWS, "Access logs for your Application Load Balancer", "Access logs for your Classic Load Balancer".
Fields are taken from the front by position; whatever AWS adds at the end does no harm (29 until 2024, 34 in
2026). A processing time of -1 means that no target answered: the duration is then missing.
"""

from __future__ import annotations

import re

from jobs.access_logs.rows import (
    Line,
    read_count,
    read_seconds,
    read_status,
    split_request,
    split_uri,
)
from jobs.access_logs.times import read_iso

_QUOTED = rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
_NODE = rb"([^ \"]++) ([^ \"]++) [^ \"]++ "  # client:port, preceded by the balancer's name; then the target
_TIMES = rb"(-?[0-9.]++|-) (-?[0-9.]++|-) (-?[0-9.]++|-) "
_COUNTS = rb"([0-9]{3}|-) [^ \"]++ ([0-9]++|-) ([0-9]++|-) "
_WHEN = rb"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,19}Z?) "
_ALB = re.compile(
    rb"[a-z][a-z0-9]{1,7} " + _WHEN + _NODE + _TIMES + _COUNTS + _QUOTED + b" " + _QUOTED + rb"(?= |$)",
    re.DOTALL,
)
_CLASSIC = re.compile(
    _WHEN + _NODE + _TIMES + _COUNTS + _QUOTED + rb"(?: " + _QUOTED + rb")?(?= |$)", re.DOTALL
)
# After the user agent: cipher, protocol, target group, trace id, then the name that TLS asked for.
_DOMAIN = re.compile(rb" [^ \"]++ [^ \"]++ [^ \"]++ \"[^\"]*+\" \"([^\"]*+)\"")


def _client(node: bytes) -> bytes | None:
    address, _, port = node.rpartition(b":")
    if not address or not port.isdigit():
        return node if node != b"-" else None
    return address.strip(b"[]")


class ElbReader:
    """Reads lines of one kind of load balancer."""

    def __init__(self, *, is_classic: bool) -> None:
        self.is_classic = is_classic
        self._pattern = _CLASSIC if is_classic else _ALB

    def read(self, line: bytes) -> Line | str:
        """Read one line, or give the reason why it is none."""
        match = self._pattern.match(line)
        if match is None:
            return "not_in_format"
        time, _, node, *waits, status, _, sent, request, user_agent = match.groups()
        at = read_iso(time)
        if at is None:
            return "no_time"
        parts = [read_seconds(wait) for wait in waits]
        method, uri = split_request(request)
        host, path, query = split_uri(uri)
        if host is None and not self.is_classic:
            domain = _DOMAIN.match(line, match.end())
            host = domain.group(1).lower() if domain and domain.group(1) not in (b"-", b"") else None
        return Line(
            at=at,
            address=_client(node),
            method=method,
            path=path,
            query=query,
            status=read_status(status),
            bytes_sent=read_count(sent),
            duration_us=None if None in parts else sum(part for part in parts if part is not None),
            user_agent=user_agent,
            host=host,
        )
