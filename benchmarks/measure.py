"""Measure one command: wall seconds, CPU seconds, and the peak memory of its whole process tree.

CPU seconds come from the kernel when the command has ended (`wait4`: the process and all that it waited for).
Memory is the sum of the resident sizes of the command and its descendants, read from /proc every 20 ms, and
never less than the largest of these processes was by the kernel's own account; pages that processes share
count once for each, so the sum is rather too high. Without /proc it is that largest process alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

INTERVAL_S = 0.02
LOOKS_PER_TREE = 5  # the tree itself is read again at every fifth look
PROC = Path("/proc")


@dataclass(frozen=True)
class Measured:
    """What one run of a command took."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    code: int
    out: str
    err: str


def measure(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None
) -> Measured:
    """Run a command in a folder and measure it; its output is kept, whatever its exit code."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,  # a group of its own, to end with all its workers
        )
        watch = _Watch(process.pid)
        watch.start()
        try:
            _, status, used = os.wait4(process.pid, 0)
            wall_s = time.perf_counter() - begun
        except BaseException:  # stopped by hand: nothing that we started goes on
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        finally:
            watch.stop()
        process.returncode = os.waitstatus_to_exitcode(status)  # else Popen waits for it once more
        largest = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        out.seek(0)
        err.seek(0)
        return Measured(
            wall_s=wall_s,
            cpu_s=used.ru_utime + used.ru_stime,
            peak_bytes=max(watch.peak_bytes, largest),
            code=process.returncode,
            out=out.read().decode(errors="replace"),
            err=err.read().decode(errors="replace"),
        )


class _Watch(threading.Thread):
    """Looks at a process tree's resident size until it is stopped."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.root = root
        self.peak_bytes = 0
        self._stopped = threading.Event()

    def run(self) -> None:
        if not PROC.is_dir():
            return
        page = os.sysconf("SC_PAGE_SIZE")
        looks, pids = 0, [self.root]
        while not self._stopped.wait(INTERVAL_S):
            if looks % LOOKS_PER_TREE == 0:
                pids = tree(self.root)
            looks += 1
            self.peak_bytes = max(self.peak_bytes, sum(_resident_pages(pid) for pid in pids) * page)

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def tree(root: int) -> list[int]:
    """Give a process and its living descendants."""
    children: dict[int, list[int]] = {}
    for path in PROC.iterdir():
        if path.name.isdecimal():
            children.setdefault(_parent(path), []).append(int(path.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def _parent(path: Path) -> int:
    try:
        # The name before it stands in brackets and may hold anything, spaces and brackets too.
        return int((path / "stat").read_bytes().rpartition(b")")[2].split()[1])
    except OSError:  # ended since
        return -1


def _resident_pages(pid: int) -> int:
    try:
        return int((PROC / str(pid) / "statm").read_bytes().split()[1])
    except OSError:  # ended since
        return 0
