"""The figures of a bench as tables: on the terminal, and as a section of docs/benchmarks.md."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
import shutil
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.cases import BARS, GIGABYTE, Case
from benchmarks.inputs import FULL_LINES
from benchmarks.measure import Measured

LIBRARIES = ("pyarrow", "numpy", "duckdb", "sqlglot", "sqlalchemy", "pandas", "plotly")
COLUMNS = ("case", "wall s", "min", "max", "CPU s", "peak MB", "lines/s", "found")
BAR_COLUMNS = ("bar", "measured", "over repetitions", "wanted", "")
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
INTRODUCTION = f"""# Benchmarks

What the whole job costs, beside what a user would pick instead: a DuckDB script that parses with `read_csv`
and counts sessions (`benchmarks/by_hand.py`; no other table, no check, nothing stored), and GoAccess.

To repeat it: `make bench`; or, to measure all there is and write it here,
`python -m benchmarks.bench --large --all --write`, on a machine that does nothing else. The first time makes
the logs in `out/bench` (1.4 GB; `--large` 7 GB more).

How it is measured: each case is a process of its own, with its log in the system's page cache, into a new
SQLite warehouse. A repetition runs all cases one after the other, so that whatever else goes on falls on
all of them. Seconds are medians; CPU seconds are the kernel's, with all child processes. Peak memory is the
highest of all repetitions: the largest sum of the resident sizes of the process and its descendants, looked
at every 20 ms, and at least the kernel's own peak of the largest of them; shared pages count in each, so it
is rather too high. MB and GB are 10^6 and 10^9 bytes. Ratios are those of the medians, beside them the
smallest and largest of one repetition.

{BEGIN}
{END}
"""


@dataclass
class Results:
    """What was measured, and what failed."""

    cases: Sequence[Case]
    log_lines: int
    repetitions: int
    notes: list[str]
    failures: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)  # that the smaller benchmarks printed
    differing: set[str] = field(default_factory=set)  # digests, if they are not all the same
    _taken: dict[str, list[Measured]] = field(default_factory=dict)
    _found: dict[str, str] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)

    def add(self, name: str, took: Measured, found: str, *, is_good: bool) -> None:
        """Remember one measurement; a case that failed once has no figures."""
        if not is_good:
            self._failed.add(name)
            return
        before = self._found.setdefault(name, found)
        if name == "digest" and before != found:
            self.differing |= {before, found}
        self._taken.setdefault(name, []).append(took)

    def went_well(self, name: str) -> bool:
        """Tell whether a case has run without failure so far."""
        return name in self._taken and name not in self._failed

    def rows(self) -> list[list[str]]:
        """Give the cells of the table of cases."""
        found = []
        for case in self.cases:
            if not self.went_well(case.name):
                found.append([case.title, *[""] * (len(COLUMNS) - 2), "failed"])
                continue
            taken = self._taken[case.name]
            wall = [took.wall_s for took in taken]
            middle = statistics.median(wall)
            found.append(
                [
                    case.title,
                    *(f"{seconds:.2f}" for seconds in (middle, min(wall), max(wall))),
                    f"{statistics.median(took.cpu_s for took in taken):.2f}",
                    f"{max(took.peak_bytes for took in taken) / 1e6:,.0f}",
                    f"{case.lines / middle:,.0f}" if case.lines else "",
                    self._found[case.name],
                ]
            )
        return found

    def bars(self) -> list[list[str]]:
        """Give the cells of the table of bars: a ratio is that of the medians, a peak the highest."""
        found = []
        for bar in BARS:
            wanted = f"{'≥' if bar.is_least else '≤'} {bar.limit:g}{bar.unit}"
            if not all(self.went_well(name) for name in bar.needs):
                found.append([bar.text, "", "", wanted, "not measured"])
                continue
            taken = {name: self._taken[name] for name in bar.needs}
            value = bar.figure(
                {name: statistics.median(took.wall_s for took in each) for name, each in taken.items()},
                {name: max(took.peak_bytes for took in each) for name, each in taken.items()},
            )
            each = [
                bar.figure(
                    {name: took[number].wall_s for name, took in taken.items()},
                    {name: took[number].peak_bytes for name, took in taken.items()},
                )
                for number in range(min(len(took) for took in taken.values()))
            ]
            verdict = "met" if bar.is_met(value) else "not met"
            spread = f"{min(each):.2f} to {max(each):.2f}"
            found.append([bar.text, f"{value:.2f}{bar.unit}", spread, wanted, verdict])
        return found

    def remarks(self) -> list[str]:
        """Give what has to be said beside the tables."""
        said = list(self.notes)
        if self.log_lines != FULL_LINES:
            said.append(f"The bars are for {FULL_LINES:,} lines.")
        return said


def show(results: Results) -> None:
    """Print the tables."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console()
    times = "once" if results.repetitions == 1 else f"{results.repetitions} times"
    rows = results.rows()
    for title, columns, cells in (
        (f"{results.log_lines:,} combined lines, {times}", COLUMNS[:-1], [row[:-1] for row in rows]),
        ("bars", BAR_COLUMNS, results.bars()),
    ):
        table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for number, column in enumerate(columns):
            is_text = number == 0 or column in ("wanted", "")
            table.add_column(column, justify="left" if is_text else "right", no_wrap=column != "bar")
        for row in cells:
            table.add_row(*row)
        console.print(table)
    found = [f"{row[0]}: {row[-1]}" for row in rows if row[-1]]
    for line in (*found, *results.remarks(), *results.lines):
        console.print(line, markup=False, highlight=False)


def as_markdown(results: Results, command: str) -> str:
    """Give the section with the tables."""
    parts = [
        f"`{command}` on {dt.datetime.now(dt.UTC):%Y-%m-%d}, {_machine()}.",
        f"The usual and the adverse log have {results.log_lines:,} combined lines each;"
        f" {results.repetitions} repetition{'s' * (results.repetitions > 1)}.",
        _table(COLUMNS, results.rows(), {0, len(COLUMNS) - 1}),
        _table(BAR_COLUMNS, results.bars(), {0, 3, 4}),
        *results.remarks(),
    ]
    if results.lines:
        parts.append("Parts of it, each in a process of its own:")
        parts.append("\n".join(f"- {line}" for line in results.lines))
    return "\n\n".join(parts)


def write_page(page: Path, section: str) -> None:
    """Put the section into the page in place of the last one; all around it stays."""
    text = page.read_text(encoding="utf-8") if page.exists() else INTRODUCTION
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{page} has no place for the figures: wanted the lines {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n{section}\n{END}{after}", encoding="utf-8", newline="\n")


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], texts: set[int]) -> str:
    rule = ["---" if number in texts else "---:" for number in range(len(columns))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (columns, rule, *rows))


def _machine() -> str:
    """The machine in neutral words: what decides the figures, not whose it is."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GIGABYTE
    versions = [f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES]
    if shutil.which("goaccess"):
        said = subprocess.run(["goaccess", "--version"], capture_output=True, text=True, check=False).stdout
        versions.append(said.partition("\n")[0].strip(" .").replace(" - ", " "))
    return (
        f"{cores} cores, {memory:.0f} GB of memory, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}, {', '.join(versions)}"
    )
