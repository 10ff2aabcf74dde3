"""Log files on disk: each host's requests in the order in which they were answered, cut into periods."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from game_server.simulator.dice import Array, mix
from game_server.simulator.formats import Format
from game_server.simulator.lines.damage import spoil
from game_server.simulator.lines.pieces import Texts, texts_of
from game_server.simulator.rows import ODD, Traffic, take
from game_server.simulator.timeline import DAY_US, HOUR_US
from game_server.simulator.truth.book import Book, Written
from game_server.simulator.world import World

_CHUNK = 50_000  # lines put together at once: their columns stay in the processor's cache


class SimulationError(Exception):
    """A simulation that cannot be done as asked."""


@dataclass
class LogWriter:
    """Writes what one format sees of the traffic, below ``folder``; paths in the book are relative to
    ``root``.

    line_limit: stop after that many lines; size_limit: stop after the period in which unpacked bytes reach
    it.
    """

    world: World
    format: Format
    root: Path
    folder: Path
    book: Book | None
    rotate_hours: int = 24
    is_compressed: bool = False
    hosts: int = 0  # files that a period is spread over; 0 for as many as the world has
    line_limit: int | None = None
    size_limit: int | None = None
    lines: int = 0
    size_bytes: int = 0
    objects: int = 0

    def __post_init__(self) -> None:
        self.hosts = self.hosts or self.world.hosts
        if 24 % self.rotate_hours:
            raise SimulationError(
                "rotate_hours: wanted a whole part of a day (1, 2, 3, 4, 6, 8, 12 or 24), "
                f"found {self.rotate_hours}"
            )

    @property
    def is_full(self) -> bool:
        is_long = self.line_limit is not None and self.lines >= self.line_limit
        return is_long or (self.size_limit is not None and self.size_bytes >= self.size_limit)

    def write_day(self, day: int, traffic: Traffic, numbers: Array) -> None:
        """Write the files of a day; ``traffic`` holds the requests answered on it, by time of answer."""
        seen = traffic.requests["layer"] & self.format.layer != 0
        if not self.format.sees_odd:
            seen &= traffic.requests["layer"] & ODD == 0
        traffic = traffic.pick(np.flatnonzero(seen))
        if self.format.has_request_id and self.world.is_lean and not self.format.is_player:
            # A number that counts up costs a small sample less than random digits do.
            traffic.requests["tail"][:] = np.arange(len(traffic), dtype=np.uint64) + np.uint64(1 << 61)
        texts = texts_of(
            self.world,
            traffic,
            numbers,
            keeps_empty=self.format.keeps_empty,
            is_encoded=self.format.is_encoded,
        )
        answered = traffic.requests["at"] + traffic.requests["duration"]
        # Most requests come over the session's connection, one in sixteen over another, to whatever host.
        hops = mix(traffic.requests["at"]) & np.uint64(15) == 0
        host = (traffic.sessions["host"][traffic.requests["session"]] + hops) % self.hosts
        period_us = self.rotate_hours * HOUR_US
        for period in range(24 // self.rotate_hours):
            start = self.world.day_us(day) + period * period_us
            low, high = np.searchsorted(answered, [start, start + period_us]).tolist()
            sequence = day * (24 // self.rotate_hours) + period
            if self.line_limit is not None:
                heads = self.format.head(0, 0).count(b"\n") * self.hosts
                high = min(high, low + max(0, self.line_limit - self.lines - heads))
            for number in range(self.hosts):
                rows = low + np.flatnonzero(host[low:high] == number)
                if len(rows) or self.format.is_player:
                    self._write_file(texts, rows, number, start, start + period_us, sequence)
            if self.is_full:
                return

    def _write_file(self, texts: Texts, rows: Array, host: int, start: int, end: int, sequence: int) -> None:
        name = self.format.file_name(host, start, end, sequence)
        if self.is_compressed and not name.endswith(".gz"):
            name += ".gz"
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        head = self.format.head(host, sequence)
        first_line, size = b"", len(head)
        starts = []
        with path.open("wb") as plain, _packed(plain, name.endswith(".gz")) as file:
            file.write(head)
            for chunk, line_starts in self._chunks(texts, rows):
                first_line = first_line or _first_data_line(chunk)
                starts.append(size + line_starts)
                size += len(chunk)
                file.write(chunk)
        head_lines = head.count(b"\n")
        self.lines += len(rows) + head_lines
        self.size_bytes += size
        self.objects += 1
        if self.book is not None:
            offsets = np.concatenate(starts) if starts else np.zeros(0, dtype=np.int64)
            written = Written(path.relative_to(self.root).as_posix(), head_lines, first_line, offsets, size)
            self.book.add(written, texts.traffic.pick(rows))

    def _chunks(self, texts: Texts, rows: Array) -> Iterator[tuple[memoryview, Array]]:
        for start in range(0, len(rows), _CHUNK):
            chosen = take(texts.traffic.requests, rows[start : start + _CHUNK])
            lines = self.format.lines(texts, chosen)
            damage = chosen["damage"]
            if damage.any():
                place = np.flatnonzero(damage)
                kinds = damage[place].tolist()
                spoilt = [
                    spoil(line[:-1], kind, self.format.is_clf) + "\n"
                    for line, kind in zip(lines.take(pa.array(place)).to_pylist(), kinds, strict=True)
                ]
                lines = pc.replace_with_mask(lines, pa.array(damage != 0), pa.array(spoilt, pa.string()))
            yield _bytes_of(lines)


def split_at(traffic: Traffic, end_us: int) -> tuple[Traffic, Traffic]:
    """Requests answered before a time, in the order of their answers, and the others."""
    answered = traffic.requests["at"] + traffic.requests["duration"]
    order = np.argsort(answered, kind="stable")
    place = int(np.searchsorted(answered[order], end_us))
    return traffic.pick(order[:place]), traffic.pick(order[place:]).compact()


def day_end_us(world: World, day: int) -> int:
    return world.day_us(day) + DAY_US


def _packed(plain: Any, is_gz: bool) -> Any:
    """A gz stream without name and time, so that equal content gives equal bytes."""
    if not is_gz:
        return plain
    return gzip.GzipFile(filename="", mode="wb", fileobj=plain, mtime=0, compresslevel=9)


def _bytes_of(lines: pa.Array) -> tuple[memoryview, Array]:
    """The lines as they stand in memory, and where each begins."""
    _, offsets, data = lines.buffers()
    starts = np.frombuffer(offsets, dtype=np.int32)[lines.offset : lines.offset + len(lines) + 1]
    first, last = int(starts[0]), int(starts[-1])
    return memoryview(data)[first:last], starts[:-1].astype(np.int64) - first


def _first_data_line(chunk: memoryview) -> bytes:
    start = 0
    head = bytes(chunk[:1_000_000])
    while start < len(head):
        end = head.index(b"\n", start)
        if end > start:
            return head[start:end]
        start = end + 1
    return b""
