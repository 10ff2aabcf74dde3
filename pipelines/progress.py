"""Say how a run goes on: a bar on a terminal, plain lines elsewhere, nothing on stdout."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

SECONDS_BETWEEN_LINES = 10.0


class Reporter:
    """Plain lines on stderr, at most one every ten seconds while objects are read."""

    def __init__(self) -> None:
        self._bytes = self._lines = self._total = 0
        self._begun = self._said = time.monotonic()

    def say(self, text: str) -> None:
        """Say one line now."""
        print(text, file=sys.stderr, flush=True)

    def step(self, name: str) -> None:
        """Say which step begins."""
        self.say(name)

    def expect(self, size_bytes: int) -> None:
        """Say how many bytes (as stored) there are to read."""
        self._total = size_bytes

    def read(self, size_bytes: int, lines: int) -> None:
        """Count bytes and lines read."""
        self._bytes += size_bytes
        self._lines += lines
        if time.monotonic() - self._said > SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            rate = self._bytes / (self._said - self._begun) / 1e6
            self.say(f"  read {self._bytes / 1e6:,.0f} MB unpacked, {self._lines:,} lines, {rate:,.0f} MB/s")


class Bar(Reporter):
    """A progress bar on a terminal."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress
        self._task = progress.add_task("starting", total=None)

    def say(self, text: str) -> None:
        self._progress.console.print(text, highlight=False, markup=False)

    def step(self, name: str) -> None:
        self._progress.update(self._task, description=name)

    def expect(self, size_bytes: int) -> None:
        self._progress.update(self._task, total=size_bytes or None)

    def read(self, size_bytes: int, lines: int) -> None:  # noqa: ARG002 the bar counts bytes
        self._progress.advance(self._task, size_bytes)


@contextmanager
def reporter() -> Iterator[Reporter]:
    """Give the reporter that fits where stderr goes."""
    if not sys.stderr.isatty():
        yield Reporter()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bar(progress)
