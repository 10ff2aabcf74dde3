"""Find the raw log objects that a SOURCE names: a file, a folder, a glob, ``s3://bucket/prefix`` or ``-``.

Listing only: nothing is opened here. A pattern with ``{date}`` chooses objects by the dates in their names,
never lines.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fnmatch
import glob
import hashlib
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from jobs.engines.interface import SourceObject
from jobs.storage import S3_ATTEMPTS, S3_CONNECT_SECONDS, S3_REQUEST_SECONDS, is_remote, local_path, local_uri
from pipelines.errors import PlayerpathError, WrongUsage

STDIN = "-"
_DATE = re.compile(r"\{date(?::([^{}]*))?\}")
_MAGIC = re.compile(r"[*?\[]")


def expand_dates(source: str, dates: Sequence[dt.date]) -> list[str]:
    """Write a pattern's ``{date}`` or ``{date:%Y/%m/%d}`` out for each date; a name without one is itself.

    >>> expand_dates("logs/{date}.gz", [dt.date(2026, 10, 1), dt.date(2026, 10, 2)])
    ['logs/2026-10-01.gz', 'logs/2026-10-02.gz']
    """
    if not _DATE.search(source):
        return [source]
    written = (
        _DATE.sub(lambda found, day=day: day.strftime(found.group(1) or "%Y-%m-%d"), source)  # type: ignore[misc]
        for day in dates
    )
    return list(dict.fromkeys(written))


def parse_dates(text: str) -> list[dt.date]:
    """Read ``FROM..TO`` (both days included) or one day.

    Raises:
        WrongUsage: not two ISO dates in order.
    """
    first, _, last = text.partition("..")
    try:
        begin, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last or first)
    except ValueError:
        raise WrongUsage(f"--dates wants FROM..TO as 2026-10-01..2026-10-31, found {text!r}") from None
    if end < begin:
        raise WrongUsage(f"--dates wants FROM before TO, found {text!r}")
    return [begin + dt.timedelta(days=n) for n in range((end - begin).days + 1)]


def list_objects(sources: Iterable[str], dates: Sequence[dt.date]) -> list[SourceObject]:
    """List the objects of all sources, each name once, in the order of their names.

    Raises:
        PlayerpathError: a source is missing, unreadable or holds no objects.
    """
    found: dict[str, SourceObject] = {}
    for source in sources:
        expanded = expand_dates(source, dates)
        is_pattern = len(expanded) != 1 or expanded[0] != source
        listed = [each for name in expanded for each in _list(name, is_optional=is_pattern)]
        if not listed and not is_pattern:
            raise PlayerpathError(f"no log objects: wanted files in {source}, found none")
        found.update((each.uri, each) for each in listed)
    return [found[uri] for uri in sorted(found)]


def object_id(uri: str, size_bytes: int, version: str) -> str:
    """Give the id of an object that nobody has claimed: from its name and version, the same at a retry."""
    text = f"{uri}\0{size_bytes}\0{version}".encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()[:16]


def spool_stdin(folder: Path, run_id: str) -> SourceObject:
    """Copy standard input to a file, because a content may have to be read twice."""
    path = folder / f"stdin-{run_id}"
    with path.open("wb") as out:
        while piece := sys.stdin.buffer.read(1 << 20):
            out.write(piece)
    size = path.stat().st_size
    return SourceObject(object_id(STDIN, size, run_id), str(path), size, run_id, is_growing=False)


def _list(source: str, *, is_optional: bool) -> Iterator[SourceObject]:
    if is_remote(source):
        yield from _list_s3(source)
        return
    path = local_path(source) if source.startswith("file://") else source
    try:
        if _exists(path):
            yield from _list_path(Path(path))
        elif _MAGIC.search(path):
            for match in sorted(glob.glob(path, recursive=True)):  # noqa: PTH207 absolute patterns too
                yield from _list_path(Path(match))
        elif not is_optional:
            raise PlayerpathError(f"no such file or folder: {source}")
    except PermissionError as error:
        raise PlayerpathError(f"cannot read {error.filename or source}: permission denied") from None
    except OSError as error:
        raise PlayerpathError(f"cannot read {error.filename or source}: {error.strerror}") from None


def _exists(path: str) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _raise(error: OSError) -> None:
    raise error


def _list_path(path: Path) -> Iterator[SourceObject]:
    if path.is_dir():
        for folder, names, files in os.walk(path, onerror=_raise):
            names[:] = sorted(name for name in names if not name.startswith("."))
            for name in sorted(files):
                # What is gone since the folder was read was rotated; a link that leads nowhere is no object.
                with contextlib.suppress(FileNotFoundError):
                    if not name.startswith("."):
                        yield from _list_file(Path(folder) / name)
    else:
        yield from _list_file(path)


def _list_file(path: Path) -> Iterator[SourceObject]:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        return
    uri = local_uri(str(path.absolute()))
    version = str(status.st_mtime_ns)
    yield SourceObject(object_id(uri, status.st_size, version), uri, status.st_size, version, is_growing=True)


def _list_s3(source: str) -> Iterator[SourceObject]:
    from botocore.exceptions import BotoCoreError, ClientError  # a run on local files need not load the SDK

    bucket, _, key = source.removeprefix("s3://").partition("/")
    magic = _MAGIC.search(key)
    prefix = key[: magic.start()] if magic else key
    try:
        pages = s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for entry in page.get("Contents", []):
                name, size = entry["Key"], entry["Size"]
                if name.endswith("/") or (magic and not fnmatch.fnmatchcase(name, key)):
                    continue
                uri, version = f"s3://{bucket}/{name}", entry["ETag"].strip('"')
                yield SourceObject(object_id(uri, size, version), uri, size, version, is_growing=False)
    except (BotoCoreError, ClientError) as error:
        raise PlayerpathError(f"cannot list {source}: {error}") from None


def s3_client() -> Any:  # boto3 makes its clients' types at run time
    """Give an S3 client with explicit time-outs; $AWS_ENDPOINT_URL is honoured by the SDK."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        config=Config(
            connect_timeout=S3_CONNECT_SECONDS,
            read_timeout=S3_REQUEST_SECONDS,
            retries={"max_attempts": S3_ATTEMPTS, "mode": "standard"},
        ),
    )
