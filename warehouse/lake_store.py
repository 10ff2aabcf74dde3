"""Put files into a lake, whole or not at all: a folder, or a prefix on S3.

A local file is written beside its place, synced and renamed; on S3 an object appears when its upload is
complete.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from pyarrow import fs

S3_CONNECT_SECONDS = 5
S3_REQUEST_SECONDS = 60
S3_ATTEMPTS = 5
_COPY_BYTES = 1 << 20


@dataclass(frozen=True)
class StoredFile:
    """A file below a folder of the lake."""

    path: str  # relative to that folder
    size_bytes: int
    modified_at: datetime  # naive UTC


class LakeStore:
    """The files below one folder of a lake."""

    def __init__(self, lake_uri: str, *folders: str) -> None:
        self.uri = "/".join([_root_uri(lake_uri), *folders])
        self._is_local = not lake_uri.startswith("s3://")
        self._unsettled: set[Path] = set()
        self._files: Any
        if self._is_local:
            self._files, self._root = fs.LocalFileSystem(), self.uri.removeprefix("file://")
        else:
            self._files, self._root = _s3_from_environment(), self.uri.removeprefix("s3://")

    def read(self, path: str) -> bytes | None:
        """Give a file's bytes, or None if there is no such file."""
        try:
            with self._files.open_input_stream(self._at(path)) as stream:
                data: bytes = stream.read()
                return data
        except FileNotFoundError:
            return None

    def put(self, path: str, data: Any) -> None:
        """Write a file from bytes or from an open binary file; it is there whole, or not at all."""
        target = self._at(path)
        if not self._is_local:
            with self._files.open_output_stream(target) as stream:
                _copy(data, stream)
            return
        # S3 knows no folders; here they are made on the way.
        folder = Path(target).parent
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".{Path(target).name}.{os.getpid()}.tmp"
        try:
            with temporary.open("wb") as stream:
                _copy(data, stream)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        self._unsettled.add(folder)

    def settle(self) -> None:
        """Make sure that what was put survives a power cut: a rename is on disk only when its folder is."""
        for folder in sorted(self._unsettled):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        self._unsettled.clear()

    def exists(self, path: str) -> bool:
        return bool(self._files.get_file_info(self._at(path)).type == fs.FileType.File)

    def list(self) -> list[StoredFile]:
        """List all files, hidden and half-written ones too."""
        chosen = fs.FileSelector(self._root, allow_not_found=True, recursive=True)
        return [
            StoredFile(
                info.path.removeprefix(self._root).lstrip("/"),
                int(info.size),
                datetime.fromtimestamp(info.mtime_ns / 1e9, UTC).replace(tzinfo=None),
            )
            for info in self._files.get_file_info(chosen)
            if info.type == fs.FileType.File
        ]

    def remove(self, path: str) -> None:
        self._files.delete_file(self._at(path))

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"


def _root_uri(lake_uri: str) -> str:
    if lake_uri.startswith("s3://"):
        return lake_uri.rstrip("/")
    return f"file://{Path(lake_uri.removeprefix('file://')).absolute()}"


def _copy(data: Any, stream: Any) -> None:
    if isinstance(data, bytes):
        stream.write(data)
        return
    data.seek(0)
    while block := data.read(_COPY_BYTES):
        stream.write(block)


def _s3_from_environment() -> Any:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return _s3(endpoint, region)


@lru_cache(maxsize=4)
def _s3(endpoint: str, region: str) -> Any:
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
