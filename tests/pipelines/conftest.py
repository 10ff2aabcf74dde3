"""Run the command as its users do: in a process and a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAM = "from pipelines.cli import main; main()"
# Importing takes longer than most errors do: many commands one after the other, in one process.
PROGRAMS = """
import contextlib, io, json, os, sys
from pipelines.cli import main
done = []
for folder, args, env in json.load(sys.stdin):
    os.chdir(folder)
    os.environ.update(env)
    out, err, sys.argv = io.StringIO(), io.StringIO(), ["playerpath", *args]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            done.append((end.code, out.getvalue(), err.getvalue()))
    for name in env:
        del os.environ[name]
json.dump(done, sys.stdout)
"""
PROGRESS = (
    "reading ",
    "identity ",
    "building tables ",
    "loading the warehouse",
    "publishing",
    "waiting for ",
)
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/129.0 Safari/537.36"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    def __post_init__(self) -> None:
        assert "Traceback" not in self.err, self.err
        # Nothing that moves a cursor, rings a bell or changes a colour, whatever logs and names hold.
        assert all(text.isprintable() for text in (self.out + self.err).split("\n")), self.out + self.err

    @property
    def told(self) -> list[str]:
        """The lines on stderr that do not say how far a run is."""
        return [text for text in self.err.splitlines() if not text.startswith(PROGRESS)]


def environment(**given: str) -> dict[str, str]:
    """Give an environment in which nothing but what is given changes what the command does."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PLAYERPATH_", "AWS_"))}
    return kept | {"COLUMNS": "200"} | given


def run_command(folder: Path, *args: str, stdin: str = "", under: Sequence[str] = (), **env: str) -> Done:
    done = subprocess.run(
        [*under, sys.executable, "-c", PROGRAM, *args],
        cwd=folder,
        env=environment(**env),
        input=stdin.encode(),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode >= 0 or done.returncode == -signal.SIGKILL
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def run_commands(given: Sequence[tuple[Path, Sequence[str], dict[str, str]]]) -> list[Done]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAMS],
        env=environment(),
        input=json.dumps([(str(folder), list(args), env) for folder, args, env in given]).encode(),
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return [Done(*each) for each in json.loads(done.stdout)]


def combined_line(
    path: str = "/v1/shop", second: int = 1, user: str = "-", day: int = 1, agent: str = BROWSER
) -> str:
    at = f"{day:02}/Oct/2026:12:{second // 60:02}:{second % 60:02} +0000"
    return f'203.0.113.7 - {user} [{at}] "GET {path} HTTP/1.1" 200 512 "-" "{agent}"\n'


def write_lines(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(lines).encode("latin-1"))
    return path


@pytest.fixture(scope="session")
def command() -> Callable[..., Done]:
    """The command in its own process: `command(folder, *args, stdin="", under=(), **env)`.

    Its warehouse and lake are in the folder; `under` is a program that runs it.
    """
    return run_command


@pytest.fixture(scope="session")
def commands() -> Callable[..., list[Done]]:
    """Commands one after the other in one process: `commands([(folder, args, env), ...])`."""
    return run_commands


@pytest.fixture(scope="session")
def line() -> Callable[..., str]:
    """A combined line: `line(path, second, user, day, agent)`."""
    return combined_line


@pytest.fixture(scope="session")
def write() -> Callable[..., Path]:
    """Write a file of lines, with the folders above it: `write(path, *lines)`."""
    return write_lines
