"""Open a URI: a local path or ``s3://bucket/key``, through pyarrow's file systems.

Every client states its time-outs and its number of tries: the defaults of the SDK wait for minutes.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

from pyarrow import fs

S3_CONNECT_SECONDS = 5
S3_REQUEST_SECONDS = 60
S3_ATTEMPTS = 5


def is_remote(uri: str) -> bool:
    """Say whether a URI names an object store rather than a path on this machine."""
    return uri.startswith("s3://")


def join(uri: str, *names: str) -> str:
    """Put names below a URI: ``join("s3://b/lake", "runs", "r1")`` is ``s3://b/lake/runs/r1``."""
    return "/".join([uri.rstrip("/"), *names])


def filesystem(uri: str) -> tuple[fs.FileSystem, str]:
    """Give the file system that holds a URI, and the URI's path on it."""
    if is_remote(uri):
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        return _s3(endpoint, region), uri.removeprefix("s3://")
    return _LOCAL, local_path(uri)


def local_path(uri: str) -> str:
    """Give the local path that a path or ``file://`` URI (which is percent-encoded) names."""
    if uri.startswith("file://"):
        uri = os.fsdecode(unquote_to_bytes(uri.removeprefix("file://")))
    return str(Path(uri).absolute())


def local_uri(path: str) -> str:
    """Give the path itself, or its ``file://`` URI where its bytes are not UTF-8, so that it stays text.

    >>> local_uri("/logs/a b.log"), local_uri("/logs/\\udcff.log")
    ('/logs/a b.log', 'file:///logs/%FF.log')
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        return "file://" + quote_from_bytes(os.fsencode(path))
    return path


_LOCAL = fs.LocalFileSystem()


@lru_cache(maxsize=4)
def _s3(endpoint: str, region: str) -> fs.FileSystem:
    scheme, _, host = endpoint.partition("://")
    return fs.S3FileSystem(
        region=region,
        endpoint_override=host or None,
        scheme=scheme or "https",
        connect_timeout=S3_CONNECT_SECONDS,
        request_timeout=S3_REQUEST_SECONDS,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=S3_ATTEMPTS),
        allow_bucket_creation=False,
    )
