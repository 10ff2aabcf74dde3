"""What `make bench` measures: each case a command of its own process, and the bars that are set for them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PLAYERPATH = str(Path(sys.executable).with_name("playerpath"))
GIGABYTE = 1e9


@dataclass(frozen=True)
class Case:
    """A command to measure.

    command: its arguments, given the folder of this repetition, which begins empty and is shared by the cases
    of a repetition. log: what it reads, kept in memory by the system (read once before). lines: of that log.
    needs: a case of the same repetition that must have gone well. found: what to remember of its output.
    """

    name: str
    title: str
    command: Callable[[Path], Sequence[str]]
    log: Path | None = None
    lines: int = 0
    needs: str | None = None
    found: Callable[[str], str] = lambda _: ""


@dataclass(frozen=True)
class Bar:
    """A figure that is set, and how it follows from one repetition: case → its (wall seconds, peak bytes)."""

    text: str
    needs: tuple[str, ...]
    figure: Callable[[Mapping[str, float], Mapping[str, float]], float]
    limit: float
    unit: str = ""
    is_least: bool = False

    def is_met(self, value: float) -> bool:
        """Tell whether a figure is on the right side."""
        return value >= self.limit if self.is_least else value <= self.limit


BARS = (
    Bar(
        "playerpath run / script by hand, wall time",
        ("run", "by_hand"),
        lambda wall, _: wall["run"] / wall["by_hand"],
        2.5,
    ),
    Bar(
        "GoAccess / playerpath run, wall time",
        ("goaccess", "run"),
        lambda wall, _: wall["goaccess"] / wall["run"],
        4.0,
        is_least=True,
    ),
    Bar(
        "playerpath run, peak memory",
        ("run",),
        lambda _, peak: peak["run"] / GIGABYTE,
        1.5,
        " GB",
    ),
    Bar(
        "playerpath run on 10 x lines, peak memory",
        ("large",),
        lambda _, peak: peak["large"] / GIGABYTE,
        2.0,
        " GB",
    ),
    Bar(
        "make run's job on samples/, wall time",
        ("samples",),
        lambda wall, _: wall["samples"],
        5.0,
        " s",
    ),
)


def cases(
    usual: Path, adverse: Path, lines: int, goaccess: str | None, large: tuple[Path, int] | None
) -> list[Case]:
    """Give all cases in the order in which each repetition runs them."""
    found = [
        Case("run", "playerpath run", _run(usual, "usual"), usual, lines, found=_counts),
        Case(
            "by_hand",
            "DuckDB script by hand",
            lambda _: [sys.executable, "-m", "benchmarks.by_hand", str(usual)],
            usual,
            lines,
            found=_counts_by_hand,
        ),
    ]
    if goaccess:
        found.append(
            Case(
                "goaccess",
                "GoAccess",
                lambda folder: [
                    *(goaccess, str(usual), "--log-format=COMBINED", "--no-progress", "--no-global-config"),
                    *("-o", str(folder / "goaccess.html")),
                ],
                usual,
                lines,
            )
        )
    found += [
        Case("again", "playerpath run, nothing new", _run(usual, "usual"), needs="run", found=_counts),
        Case(
            "digest",
            "warehouse check --digest",
            lambda folder: [
                PLAYERPATH,
                "warehouse",
                "check",
                "--digest",
                "--warehouse",
                _url(folder, "usual"),
            ],
            needs="run",
            found=lambda out: f"digest {out.strip()[:16]}",
        ),
        Case(
            "report",
            "playerpath report",
            lambda folder: [
                *(PLAYERPATH, "report", "--warehouse", _url(folder, "usual")),
                *("--out", str(folder / "report.html")),
            ],
            needs="run",
        ),
        Case(
            "adverse", "playerpath run, adverse log", _run(adverse, "adverse"), adverse, lines, found=_counts
        ),
        Case(
            "samples",
            "make run's job, on samples/",
            lambda folder: [sys.executable, "-m", "pipelines.demo", "--out", str(folder / "demo")],
        ),
        Case("help", "playerpath --help", lambda _: [PLAYERPATH, "--help"]),
    ]
    if large:
        path, many = large
        found.append(Case("large", "playerpath run, 10 x lines", _run(path, "large"), path, many,
                          found=_counts))  # fmt: skip
    return found


def _url(folder: Path, name: str) -> str:
    return f"sqlite:///{folder}/{name}.db"


def _run(log: Path, name: str) -> Callable[[Path], Sequence[str]]:
    return lambda folder: [
        *(PLAYERPATH, "run", str(log), "--json"),
        *("--warehouse", _url(folder, name), "--lake", str(folder / f"{name}-lake")),
    ]


def _counts(out: str) -> str:
    summary = json.loads(out)
    if not summary["objects"]:
        return f"{summary['known_objects']} known object"
    return (
        f"{summary['accepted']:,} requests, {summary['rejected']:,} rejected,"
        f" {summary['tables']['sessions']:,} sessions"
    )


def _counts_by_hand(out: str) -> str:
    requests, sessions = (int(number) for number in re.findall(r"\d+", out))
    return f"{requests:,} requests, {sessions:,} sessions"
