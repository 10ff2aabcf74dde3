"""Parse blocks in worker processes: much of parsing holds the interpreter's lock, so threads do not add up.

Each thread of the caller's pool has a process of its own, started on first use. They talk through pipes: a
block goes in, its rows come out. A process ends when its pipe does, also when the caller is killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, BinaryIO

from jobs.access_logs.ingest import Ingested, Layout, ingest
from jobs.access_logs.settings import IngestSettings

Ingest = Callable[[bytes, int, str, bytes, Layout, IngestSettings], Ingested]

_SERVE = "from jobs.access_logs.remote import serve; serve()"


class WorkerDied(RuntimeError):
    """A worker process ended before it answered: killed, or out of memory."""


class Processes:
    """One worker process for each thread that calls :meth:`ingest`. A context manager."""

    def __init__(self, settings: IngestSettings) -> None:
        self._settings = settings
        self._mine = threading.local()
        self._all: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_raised: object) -> None:
        for process in self._all:
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]
            process.wait()

    def ingest(
        self,
        block: bytes,
        offset: int,
        object_id: str,
        first_line: bytes,
        layout: Layout,
        settings: IngestSettings,
    ) -> Ingested:
        """Do what :func:`jobs.access_logs.ingest.ingest` does, in this thread's process.

        Raises:
            WorkerDied: the process is gone.
        """
        del settings  # it has them since it began
        process = self._process()
        try:
            _send(process.stdin, (len(block), offset, object_id, first_line, layout))  # type: ignore[arg-type]
            process.stdin.write(block)  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            answer = pickle.load(process.stdout)  # type: ignore[arg-type]  # noqa: S301 our own process
        except (OSError, EOFError) as error:
            raise WorkerDied(f"a worker process ended with {process.poll()}") from error
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[no-any-return]

    def _process(self) -> subprocess.Popen[bytes]:
        process: subprocess.Popen[bytes] | None = getattr(self._mine, "process", None)
        if process is None:
            process = subprocess.Popen(
                [sys.executable, "-c", _SERVE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                bufsize=1 << 20,
            )
            _widen(process.stdin, process.stdout)
            self._mine.process = process
            self._all.append(process)
            _send(process.stdin, self._settings)  # type: ignore[arg-type]  # by pipe: they hold the key
        return process


def serve() -> None:
    """Answer blocks on stdin with their rows on stdout until stdin ends."""
    given, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # nothing that prints may stand among the answers
    settings = pickle.load(given)  # noqa: S301 from the process that started this one
    while True:
        try:
            size, offset, object_id, first_line, layout = pickle.load(given)  # noqa: S301
        except EOFError:
            return
        try:
            answer: Any = ingest(given.read(size), offset, object_id, first_line, layout, settings)
        except Exception as error:  # whatever it is, it belongs to the caller
            answer = error
        pickle.dump(answer, answers, protocol=5)
        answers.flush()


def _widen(*pipes: Any) -> None:
    """Give pipes room for a mebibyte, where the system lets us: fewer switches between the processes."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        for pipe in pipes:
            with contextlib.suppress(OSError):
                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, 1 << 20)


def _send(pipe: BinaryIO, value: object) -> None:
    pickle.dump(value, pipe, protocol=5)
    pipe.flush()
