"""How fast `ingest` reads each format: bytes in, Arrow out, in one process, on one thread.

python -m benchmarks.ingest [LINES]
"""

from __future__ import annotations

import gzip
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from benchmarks.inputs import FULL_LINES, LEAST_PLAYERS, SHAPES
from game_server.simulator import simulate
from jobs.access_logs.ingest import Layout, find_layout, first_data_line, ingest
from jobs.access_logs.settings import IngestSettings

FORMATS = ("playerpath", "combined", "common", "json", "alb", "elb", "cloudfront")
BLOCK_BYTES = 16 << 20
HEAD_BYTES = 1 << 20
SETTINGS = IngestSettings(key=b"a key for measuring, always the same")


@dataclass(frozen=True)
class Log:
    """One unpacked object, and what is found from its head."""

    data: bytes
    first_line: bytes
    layout: Layout


def logs(name: str, lines: int) -> list[Log]:
    """Simulate the usual game in a format, with as many lines as asked for or a few less."""
    arguments = dict(SHAPES["usual"])
    # Ten times the players of the other benchmarks: three days instead of thirty, so objects of useful size.
    players = max(LEAST_PLAYERS, 10 * arguments.pop("players") * lines // FULL_LINES)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        simulate(players, 60, 1, name, folder, lines=lines, hosts=1, truth="none", **arguments)
        for path in sorted(path for path in (Path(folder) / "logs").rglob("*") if path.is_file()):
            data = path.read_bytes()
            data = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
            head = data[:HEAD_BYTES]
            head = head[: head.rfind(b"\n") + 1]
            first_line, layout = first_data_line(head), find_layout(head, SETTINGS)
            if first_line is not None and layout is not None:  # else an object of directives alone
                found.append(Log(data, first_line, layout))
    return found


def blocks(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Cut an object into blocks of whole lines, each with its offset."""
    begin = 0
    while begin < len(data):
        end = data.rfind(b"\n", begin, begin + BLOCK_BYTES) + 1 or len(data)
        yield begin, data[begin:end]
        begin = end


def read(objects: list[Log]) -> int:
    """Read all objects; give the number of accepted lines."""
    accepted = 0
    for log in objects:
        layout = log.layout
        for offset, block in blocks(log.data):
            found = ingest(block, offset, "0" * 64, log.first_line, layout, SETTINGS)
            layout = found.layout
            accepted += found.requests.num_rows
    return accepted


def main() -> None:
    """Print one line for each format."""
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
    pa.set_cpu_count(1)
    for name in FORMATS:
        objects = logs(name, lines)
        size = sum(len(log.data) for log in objects)
        took = []
        accepted = 0
        for _ in range(3):
            begun = time.perf_counter()
            accepted = read(objects)
            took.append(time.perf_counter() - begun)
        seconds = statistics.median(took)
        print(
            f"ingest {name}: {accepted / seconds:,.0f} lines/s, {size / seconds / 1e6:,.0f} MB/s"
            f" ({accepted:,} lines of {size / max(accepted, 1):,.0f} bytes in {seconds:.2f} s)",
            flush=True,
        )


if __name__ == "__main__":
    main()
