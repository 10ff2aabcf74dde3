"""Read one line of the combined family: Apache and nginx, common and combined, and our own server's format.

    [vhost] address ident user [10/Oct/2000:13:55:36 -0700] "request" status bytes ["referer" "user agent"]

This module is the definition. :mod:`jobs.access_logs.combined_blocks` reads the regular lines of a block at
once and gives for each of them exactly what :meth:`CombinedReader.read` gives; all others come here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

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
from jobs.access_logs.times import read_clf, read_iso

# The time that stands before the request: in brackets, or bare in ISO 8601; then perhaps gandi's `(0 s)`.
_TIME = re.compile(
    rb" (?:\[([^\]\[\" ]{8,40}(?: [+-][0-9]{4})?)\]"
    rb"|([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,19}(?:Z|[+-][0-9:]{2,6})?))"
    rb"(?: \(([0-9]{1,9}) s\))? \""
)
_BRACKETS = re.compile(rb" \[[^\]\[\"]{0,64}\] \"")  # something where the time should be
_REQUEST = re.compile(rb'([^"\\]*+(?:\\.[^"\\]*+)*+)" ([0-9]{3}|-) ([0-9]+|-)(?= |$)', re.DOTALL)
# A server that does not escape quotes: the request ends at the first quote that a status and a size follow.
_REQUEST_END = re.compile(rb'" ([0-9]{3}|-) ([0-9]+|-)(?= |$)')
_QUOTED = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"(?= |$)', re.DOTALL)
_QUOTE_END = re.compile(rb'"(?= |$)')
_OURS = re.compile(
    rb" ([0-9]{15,17}|-) ([0-9]{1,17}|-) ([^ \"]{1,256})"
    rb" ([0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}|-) ([A-Z]{2}|-)(?: .*)?",
    re.DOTALL,
)
_ADDRESS = re.compile(
    rb"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]{1,5})?|\[?[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f.]*\]?"
)
_LONGEST_ADDRESS = 64
_HOST = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)+(?::[0-9]{1,5})?")


class Head(NamedTuple):
    """What stands before the time."""

    address: bytes
    host: bytes | None
    user: bytes | None
    forwarded: bytes | None


class Tail(NamedTuple):
    """What follows the size."""

    referrer: bytes | None
    user_agent: bytes | None
    forwarded: bytes | None
    duration_us: int | None
    rest: bytes  # after the user agent, if nothing but it and the referrer stands before


def is_address(token: bytes) -> bool:
    """Tell an IPv4 or IPv6 address, with or without a port, from a name."""
    return len(token) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(token) is not None


def is_address_list(value: bytes) -> bool:
    """Tell an X-Forwarded-For value: addresses with commas between them, `unknown` among them allowed."""
    entries = [entry.strip(b" ") for entry in value.split(b",")]
    return any(map(is_address, entries)) and all(
        is_address(entry) or entry == b"unknown" for entry in entries
    )


def _name(user: bytes) -> bytes | None:
    return None if user in (b"-", b"") else user


def read_head(prefix: bytes) -> Head | None:
    """Read host, client and user from what stands before the time; None where it isn't a log's.

    >>> read_head(b"www.example.com 203.0.113.7 - jo")
    Head(address=b'203.0.113.7', host=b'www.example.com', user=b'jo', forwarded=None)
    """
    forwarded = None
    if prefix.startswith(b'"'):
        quoted, _, prefix = prefix[1:].partition(b'" ')
        forwarded = quoted if is_address_list(quoted) else None
    tokens = [token for token in prefix.split(b" ") if token]
    if b'"' in prefix or len(tokens) < 2:
        return None
    commas = next((n for n, token in enumerate(tokens) if not token.endswith(b",")), len(tokens))
    if commas:  # several addresses; perhaps the connection's own after them
        forwarded = b" ".join(tokens[: commas + 1])
        rest = tokens[commas + 1 :]
        address = rest.pop(0) if rest and is_address(rest[0]) else tokens[0][:-1]
        return Head(address, None, _name(b" ".join(rest[1:])), forwarded) if len(rest) > 1 else None
    first, second = tokens[:2]
    is_second_address = is_address(second)
    if len(tokens) == 2:  # host and address only
        return (
            Head(second, clean_host(first), None, forwarded)
            if is_second_address and not is_address(first)
            else None
        )
    if is_second_address:
        if is_address(first):  # a forwarded address before the connection's, not a site
            return Head(second, None, _name(b" ".join(tokens[3:])), forwarded or first)
        user = tokens[2] if len(tokens) == 3 else b" ".join(tokens[3:])
        return Head(second, clean_host(first), _name(user), forwarded)
    user = b" ".join(tokens[3:] if len(tokens) > 3 and tokens[2] == b"-" else tokens[2:])
    if second != b"-" and is_address(first) and _HOST.fullmatch(second):
        return Head(first, clean_host(second), _name(user), forwarded)
    user = b" ".join(tokens[2:])
    if len(tokens) == 4 and second != b"-" and tokens[2] == b"-" and not is_address(first):
        return Head(second, clean_host(first), _name(tokens[3]), forwarded)
    return Head(first, None, _name(user), forwarded)


def read_duration(first: bytes, last: bytes) -> int | None:
    """Read the duration from the first unquoted field after the size, and the last field of the line.

    Decimals are seconds (nginx `$request_time`), a whole number microseconds (Apache `%D`); a last field with
    the unit `ms` (Traefik) goes before them.
    """
    if last.endswith(b"ms"):
        milliseconds = read_seconds(last[:-2], 1_000)
        if milliseconds is not None:
            return milliseconds
    return read_seconds(first) if b"." in first else read_count(first)


def read_tail(tail: bytes) -> Tail:
    """Read the fields that follow the size: quoted ones in their known order, then whatever a server adds."""
    quoted: list[bytes] = []
    first = last = b""
    rest_at = None
    place = 0
    while place < len(tail):  # tail[place] is the space before a field
        if tail[place + 1 : place + 2] == b'"':
            match = _QUOTED.match(tail, place + 1)
            if match is not None:
                value, place = match.group(1), match.end()
            else:
                end = _QUOTE_END.search(tail, place + 2)
                if end is None:
                    break  # the line was cut off inside the quotes
                value, place = tail[place + 2 : end.start()], end.end()
            quoted.append(value)
            last = b'"'
            if len(quoted) == 2 and not first:
                rest_at = place
        else:
            end_of_field = tail.find(b" ", place + 1)
            end_of_field = len(tail) if end_of_field < 0 else end_of_field
            last = tail[place + 1 : end_of_field] or last
            first = first or tail[place + 1 : end_of_field]
            place = end_of_field
    forwarded = None
    named = quoted
    if quoted and is_address_list(quoted[0]):
        forwarded, named = quoted[0], quoted[1:]
        if len(named) == 1:
            named = [b"-", *named]
    elif len(quoted) > 2:
        forwarded = next((value for value in quoted[2:] if is_address_list(value)), None)
    referrer, user_agent = (named[0], named[1]) if len(named) >= 2 else (None, None)
    rest = b"" if rest_at is None else tail[rest_at:]
    return Tail(referrer, user_agent, forwarded, read_duration(first, last), rest)


def unwrap(line: bytes) -> bytes:
    """Take off the quotes of a line that some tool has put as a whole into one more pair."""
    if line.startswith(b'"') and line.endswith(b'"') and len(line) > 1:
        second = line.find(b'"', 1)
        if line[second - 2 : second] == b"] ":
            return line[1:-1]
    return line


def has_our_fields(line: bytes) -> bool:
    """Tell a line of our own server's from another combined one, by the five fields after the user agent."""
    line = unwrap(line)
    time = _TIME.search(line)
    request = None if time is None else _REQUEST.match(line, time.end())
    return request is not None and _OURS.fullmatch(read_tail(line[request.end() :]).rest) is not None


class CombinedReader:
    """Reads lines of the combined family, each told by itself.

    has_ours: our own format's five fields after the user agent are read as such.
    needs_ours: the object is our own server's, where a line with something else there was cut short.
    """

    def __init__(self, *, has_ours: bool = True, needs_ours: bool = False, trusted_proxies: int = 0) -> None:
        self.has_ours = has_ours
        self.needs_ours = needs_ours
        self.trusted_proxies = trusted_proxies

    def read(self, line: bytes) -> Line | str:
        """Read one line, or give the reason (of quarantine.REASONS) why it is none."""
        line = unwrap(line)
        time = _TIME.search(line)
        if time is None:
            return "no_time" if _BRACKETS.search(line) else "not_in_format"
        request = _REQUEST.match(line, time.end())
        if request is not None:
            asked, status, size, end = request.group(1), request.group(2), request.group(3), request.end()
        else:
            found = _REQUEST_END.search(line, time.end())
            if found is None:
                return "not_in_format"
            asked, status, size = line[time.end() : found.start()], found.group(1), found.group(2)
            end = found.end()
        head = read_head(line[: time.start()])
        if head is None:
            return "not_in_format"
        tail = read_tail(line[end:])
        ours = _OURS.fullmatch(tail.rest) if self.has_ours else None
        if ours is None and self.needs_ours and (tail.rest or tail.user_agent is None):
            return "missing_fields"
        bracketed, bare, waited = time.groups()
        at = read_clf(bracketed) if bracketed is not None else read_iso(bare)
        if at is None and bracketed is not None:
            at = read_iso(bracketed)
        duration, player, request_id, country = tail.duration_us, None, None, None
        if ours is not None:
            micros, took, player, request_id, country = (_name(field) for field in ours.groups())
            at = at if micros is None else read_count(micros)
            duration = read_count(took)
        elif waited is not None:
            duration = read_seconds(waited)
        if at is None:
            return "no_time"
        method, uri = split_request(asked)
        host, path, query = split_uri(uri)
        forwarded = head.forwarded or tail.forwarded
        return Line(
            at=at,
            address=client_address(head.address, forwarded, self.trusted_proxies),
            method=method,
            path=path,
            query=query,
            status=read_status(status),
            bytes_sent=read_count(size),
            duration_us=duration,
            referrer=tail.referrer,
            user_agent=tail.user_agent,
            user=head.user,
            authenticated_id=player,
            host=head.host or host,
            country=country,
            request_id=request_id,
        )
