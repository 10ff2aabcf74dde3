"""The bytes of one raw log object: unpacked, whole or refused, in blocks of whole lines.

A compressed object that is cut short, corrupt or followed by something else is refused: its lines are never
partly counted. Compression is told by the first bytes, never by the name.
"""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

import zstandard

from jobs.access_logs.settings import IngestSettings
from jobs.storage import filesystem, is_remote, local_path

READ_BYTES = 1 << 20
BLOCK_BYTES = 16 << 20
HEAD_BYTES = 1 << 20
STDIN = "-"


class ObjectRefused(Exception):
    """An object cannot be taken as a whole; the message is its reason, one line."""


class _Unpacker(Protocol):
    eof: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


def open_stored(uri: str) -> BinaryIO:
    """Open an object's stored bytes for reading in order.

    Raises:
        ObjectRefused: if it cannot be opened; the message says why.
    """
    try:
        if not is_remote(uri):  # any name that the system knows, also one that is not UTF-8
            return open(local_path(uri), "rb", buffering=0)  # noqa: PTH123 given to the caller
        files, path = filesystem(uri)
        stream: BinaryIO = files.open_input_stream(path, compression=None)
    except (OSError, ValueError) as error:
        raise ObjectRefused(f"cannot be opened: {first_line(error)}") from error
    return stream


def first_line(error: BaseException) -> str:
    """Give an error's first line, for a reason of one line."""
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


def unpacked(stream: BinaryIO, settings: IngestSettings) -> Iterator[bytes]:
    """Yield the unpacked bytes of a stored object in pieces of about a mebibyte.

    Raises:
        ObjectRefused: cut short, corrupt, or over the caps of the settings.
    """
    try:
        head = stream.read(READ_BYTES)
        kind = _kind(head)
        pieces = _stored(stream, head) if kind is None else _unpack(stream, head, kind, settings)
        size = 0
        for piece in pieces:
            size += len(piece)
            if size > settings.max_unpacked_bytes:
                raise ObjectRefused(f"more than {settings.max_unpacked_bytes:,} bytes unpacked")
            yield piece
    except (OSError, zlib.error, zstandard.ZstdError, EOFError) as error:
        raise ObjectRefused(f"corrupt or unreadable: {first_line(error)}") from error


def is_compressed(head: bytes) -> bool:
    """Say whether the first bytes are those of gzip, bzip2 or Zstandard."""
    return _kind(head) is not None


def _kind(head: bytes) -> str | None:
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"BZh") and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return "bzip2"
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return "zstd"
    return None


def _stored(stream: BinaryIO, head: bytes) -> Iterator[bytes]:
    piece = head
    while piece:
        yield piece
        piece = stream.read(READ_BYTES)


def _unpack(stream: BinaryIO, head: bytes, kind: str, settings: IngestSettings) -> Iterator[bytes]:
    """Unpack member after member; the object must end where a member ends (zero padding allowed)."""
    data, packed_size, unpacked_size = head, len(head), 0
    unpacker = _unpacker(kind)
    while True:
        piece = _step(unpacker, data)
        unpacked_size += len(piece)
        if unpacked_size > 100 * READ_BYTES and unpacked_size > packed_size * settings.max_unpack_ratio:
            raise ObjectRefused(f"unpacks to more than {settings.max_unpack_ratio:,} times its size")
        if piece:
            yield piece
        if not unpacker.eof:
            data = b"" if _needs_output(unpacker) else stream.read(READ_BYTES)
            packed_size += len(data)
            if not data and not _needs_output(unpacker):
                raise ObjectRefused(f"cut short: its {kind} stream does not end")
            continue
        data = unpacker.unused_data or stream.read(READ_BYTES)
        packed_size += len(data) if not unpacker.unused_data else 0
        while data and not data.strip(b"\0"):  # tape padding
            data = stream.read(READ_BYTES)
        if not data:
            return
        if len(data) < 10:
            data += stream.read(READ_BYTES)
        if _kind(data) != kind:
            raise ObjectRefused(f"corrupt: something that is not {kind} follows its {kind} stream")
        unpacker = _unpacker(kind)


class _Gzip:
    """zlib's object with the interface of bz2's: at most a few mebibytes out for each piece in."""

    def __init__(self) -> None:
        self._object = zlib.decompressobj(wbits=31)
        self._pending = b""

    @property
    def eof(self) -> bool:
        return self._object.eof

    @property
    def unused_data(self) -> bytes:
        return self._object.unused_data

    @property
    def needs_output(self) -> bool:
        return bool(self._pending)

    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes:
        piece = self._object.decompress(self._pending + data, max_length)
        self._pending = self._object.unconsumed_tail
        return piece


class _Zstd:
    """Zstandard's object; a piece in is cut small, because its output cannot be bounded."""

    def __init__(self) -> None:
        self._object = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        self._pending = b""

    @property
    def eof(self) -> bool:
        return bool(self._object.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._object.unused_data) + self._pending

    @property
    def needs_output(self) -> bool:
        return bool(self._pending)

    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes:  # noqa: ARG002 the others' signature
        data = self._pending + data
        self._pending = data[16_384:]
        return bytes(self._object.decompress(data[:16_384]))


def _unpacker(kind: str) -> Any:
    return {"gzip": _Gzip, "bzip2": bz2.BZ2Decompressor, "zstd": _Zstd}[kind]()


def _step(unpacker: Any, data: bytes) -> bytes:
    piece: bytes = unpacker.decompress(data, 4 * READ_BYTES)
    return piece


def _needs_output(unpacker: Any) -> bool:
    if isinstance(unpacker, bz2.BZ2Decompressor):
        return not unpacker.needs_input
    return bool(unpacker.needs_output)


@dataclass(frozen=True)
class Block:
    """Whole lines of an object, and where they begin in its unpacked bytes."""

    data: bytes
    offset: int


def blocks(pieces: Iterable[bytes], settings: IngestSettings, start: int = 0) -> Iterator[Block]:
    """Cut pieces into blocks of whole lines, from byte `start` on.

    A line that fills a block is given cut to one byte over the cap, so that the parser rejects it as too long
    and no line of any length is ever held in memory.
    """
    cap = settings.max_line_bytes
    pending: list[bytes] = []
    pending_size, offset, position = 0, start, 0
    is_skipping = False  # inside a line over the cap whose beginning has been given already
    for whole_piece in pieces:
        position += len(whole_piece)
        if position <= start:
            continue
        piece = whole_piece[max(start - (position - len(whole_piece)), 0) :]
        if is_skipping:
            end = piece.find(b"\n")
            if end < 0:
                offset += len(piece)
                continue
            offset += end + 1
            piece, is_skipping = piece[end + 1 :], False
        pending.append(piece)
        pending_size += len(piece)
        if pending_size < BLOCK_BYTES:
            continue
        end = piece.rfind(b"\n") + 1
        if end:  # nearly always: then the lines are copied once
            pending[-1] = piece[:end]
            data, rest = b"".join(pending), piece[end:]
        else:
            joined = b"".join(pending)
            end = joined.rfind(b"\n") + 1
            data, rest = joined[:end], joined[end:]
        if data:
            yield Block(data, offset)
            offset += len(data)
        elif len(rest) > cap:
            yield Block(rest[: cap + 1], offset)
            offset += len(rest)
            rest, is_skipping = b"", True
        pending, pending_size = [rest], len(rest)
    data = b"".join(pending)
    if data:
        yield Block(data, offset)


class LineStarts:
    """For given sizes of a content that arrives in pieces: where the line begins that a cut there would hit.

    ``at[size]`` is size itself where the content up to there ends with a line.
    """

    def __init__(self, marks: Iterable[int]) -> None:
        self._marks = sorted(set(marks), reverse=True)
        self._position = self._start = 0
        self.at: dict[int, int] = {}

    def update(self, piece: bytes) -> None:
        """Add the next bytes."""
        end = self._position + len(piece)
        while self._marks and self._marks[-1] <= end:
            mark = self._marks.pop()
            found = piece.rfind(b"\n", 0, mark - self._position)
            self.at[mark] = self._start if found < 0 else self._position + found + 1
        found = piece.rfind(b"\n")
        if found >= 0:
            self._start = self._position + found + 1
        self._position = end


def end_of_last_line(path: str, size_bytes: int) -> int:
    """Give the size of a local file up to its last line end: what comes after it is not yet a line."""
    with open(path, "rb") as file:  # noqa: PTH123 the plain call, for its seek
        end = size_bytes
        while end > 0:
            begin = max(end - READ_BYTES, 0)
            file.seek(begin)
            found = file.read(end - begin).rfind(b"\n")
            if found >= 0:
                return begin + found + 1
            end = begin
    return 0


def limited(pieces: Iterable[bytes], size_bytes: int) -> Iterator[bytes]:
    """Yield the first size_bytes bytes only: a file that grows while it is read is read as it was listed."""
    left = size_bytes
    for piece in pieces:
        if left <= 0:
            return
        yield piece[:left]
        left -= len(piece)
