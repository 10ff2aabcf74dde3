"""Which formats there are, and how an object's format is found from its first lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from jobs.access_logs import cloudfront
from jobs.access_logs.cloudfront import CloudFrontJsonReader, CloudFrontReader
from jobs.access_logs.combined import CombinedReader, has_our_fields
from jobs.access_logs.described import DescribedFormat
from jobs.access_logs.described_lines import DescribedReader
from jobs.access_logs.elb import ElbReader
from jobs.access_logs.json_lines import JsonReader
from jobs.access_logs.lines import is_ignored, split_lines
from jobs.access_logs.rows import Line
from jobs.access_logs.settings import IngestSettings

FORMATS: dict[str, str] = {
    "playerpath": "server",
    "combined": "server",
    "alb": "elb",
    "elb": "elb",
    "cloudfront": "cloudfront",
    "cloudfront_json": "cloudfront",
    "json_lines": "server",
}
"""Names of the formats that ship with the package, and the stream that each belongs to."""

_PLAYERPATH = re.compile(rb"#Playerpath: ?(.*)", re.DOTALL)
_PAIR = re.compile(r"([a-z_]{1,32})=([^\s=]{1,128})")
_HEADERLESS = re.compile(
    rb"[0-9]{4}-[0-9]{2}-[0-9]{2}\t[0-9]{2}:[0-9]{2}:[0-9]{2}\t[^\t]*\t[0-9-]+\t[^\t]+\t[A-Z-]+\t[^\t]*\t[^\t]*\t[0-9]{3}\t"
)


class UnknownFormatError(ValueError):
    """The settings name a format that neither ships with the package nor is described."""


class Reader(Protocol):
    """What every format gives: one line in, its fields or the reason why it has none out."""

    def read(self, line: bytes) -> Line | str: ...


@dataclass(frozen=True)
class Layout:
    """How to read an object's lines: found from its head, and advanced where a directive changes it."""

    format: str
    stream: str  # server | elb | cloudfront
    fields: tuple[str, ...] = ()  # the columns of W3C's `#Fields`
    is_splittable: bool = True  # False where a directive in the middle changes the meaning of later lines


def reader_of(layout: Layout, settings: IngestSettings) -> Reader:
    """Give the reader of one line of an object with this layout."""
    proxies, cookie = settings.trusted_proxies, settings.id_cookie
    if layout.format in ("combined", "playerpath"):
        return CombinedReader(
            has_ours=settings.format != "combined",
            needs_ours=layout.format == "playerpath",
            trusted_proxies=proxies,
        )
    if layout.format in ("alb", "elb"):
        return ElbReader(is_classic=layout.format == "elb")
    if layout.format == "cloudfront":
        return CloudFrontReader(layout.fields, trusted_proxies=proxies, id_cookie=cookie)
    if layout.format == "cloudfront_json":
        return CloudFrontJsonReader(trusted_proxies=proxies, id_cookie=cookie)
    if layout.format == "json_lines":
        return JsonReader(
            settings.json_fields,
            trusted_proxies=proxies,
            id_cookie=cookie,
            id_json_field=settings.id_json_field,
        )
    for described in settings.described_formats:
        if described.name == layout.format:
            if described.json_fields:
                return JsonReader(
                    described.json_fields,
                    trusted_proxies=proxies,
                    id_cookie=cookie,
                    id_json_field=settings.id_json_field,
                    is_unique=described.is_unique,
                )
            return DescribedReader(described, trusted_proxies=proxies, id_cookie=cookie)
    raise UnknownFormatError(_unknown(layout.format, settings))


def advance(layout: Layout, directive: bytes) -> Layout:
    """Give the layout after a directive line: `#Fields` names the columns of the lines that follow."""
    fields = cloudfront.read_fields(directive) if layout.format == "cloudfront" else None
    return layout if fields is None else replace(layout, fields=fields)


def find_layout(head: bytes, settings: IngestSettings) -> Layout | None:
    """Find the format of an object by the first line that some format reads; None if no line is read by any.

    head: the first bytes of the unpacked object, at most 1 MiB, in whole lines if it has any. With
    `settings.format` other than `auto` only that one is tried. Formats described by the user go first.

    Raises UnknownFormatError.
    """
    names = [settings.format]
    if settings.format == "auto":
        names = [described.name for described in settings.described_formats] + list(FORMATS)
    elif settings.format not in FORMATS and not _is_described(settings.format, settings):
        raise UnknownFormatError(_unknown(settings.format, settings))
    fields: tuple[str, ...] | None = None
    is_ours = False
    readers: dict[Layout, Reader] = {}
    lines = split_lines(head, is_object_start=True)
    for number in range(len(lines)):
        line = lines[number]
        if is_ignored(line):
            fields = cloudfront.read_fields(line) or fields
            is_ours = is_ours or line.startswith(b"#Playerpath:")
            continue
        if len(line) > settings.max_line_bytes:
            continue
        for layout in _candidates(line, names, fields, is_ours):
            if layout not in readers:
                readers[layout] = reader_of(layout, settings)
            if isinstance(readers[layout].read(line), Line):
                return layout
    return None


def _candidates(
    line: bytes, names: list[str], fields: tuple[str, ...] | None, is_ours: bool
) -> Iterator[Layout]:
    """Give the layouts that a line may have, most particular first."""
    for name in names:
        stream = FORMATS.get(name, "server")
        if name not in FORMATS:
            yield Layout(name, stream)
        elif name == "cloudfront":
            if fields is not None and cloudfront.is_cloudfront(fields):
                yield Layout(name, stream, fields, is_splittable=False)
            elif fields is None and _HEADERLESS.match(line):
                yield Layout(name, stream, cloudfront.FIELDS, is_splittable=False)
        elif name == "cloudfront_json":
            if line.startswith(b"{") and b'"x-edge-' in line:
                yield Layout(name, stream)
        elif name == "json_lines":
            if line.startswith(b"{") and b'"x-edge-' not in line:
                yield Layout(name, stream)
        elif name == "playerpath":
            if is_ours or names == [name] or has_our_fields(line):
                yield Layout(name, stream)
        else:
            yield Layout(name, stream)


def _is_described(name: str, settings: IngestSettings) -> bool:
    return any(described.name == name for described in settings.described_formats)


def _unknown(name: str, settings: IngestSettings) -> str:
    known = [*FORMATS, *(described.name for described in settings.described_formats)]
    return f"wanted a format ({', '.join(known)}), found {name!r}"


def first_data_line(head: bytes) -> bytes | None:
    """Give the first line that is neither blank nor a directive, without its end; None if there is none."""
    place = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    while place < len(head):
        newline = head.find(b"\n", place)
        end = len(head) if newline < 0 else newline
        line = head[place : end - 1 if newline >= 0 and head[place:end].endswith(b"\r") else end]
        if not is_ignored(line):
            return line
        place = end + 1
    return None


def directives(head: bytes) -> dict[str, str]:
    """Give what our own server's first line says of the file: host, process, sequence. Empty for other logs.

    >>> directives(b"#Playerpath: 1.0 host=web-1 process=4711 sequence=12\\n")
    {'host': 'web-1', 'process': '4711', 'sequence': '12'}
    """
    found = _PLAYERPATH.match(head.partition(b"\n")[0])
    return dict(_PAIR.findall(found.group(1).decode("utf-8", "backslashreplace"))) if found else {}


__all__ = [
    "FORMATS",
    "DescribedFormat",
    "Layout",
    "Reader",
    "UnknownFormatError",
    "advance",
    "directives",
    "find_layout",
    "first_data_line",
    "reader_of",
]
