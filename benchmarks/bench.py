"""`make bench`: speed and memory of the whole job, beside what a user would pick instead.

    python -m benchmarks.bench [--large] [--all] [--write]

Makes its inputs once (about 1.4 GB, with --large 8 GB), then runs every case in its own process with the log
in the system's page cache, one case after the other, and all of them again for every repetition: what else
the machine does then falls on all of them alike. See :mod:`benchmarks.measure` for how it is measured.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cases import Case, cases
from benchmarks.inputs import FULL_LINES, cached_name
from benchmarks.measure import Measured, measure
from benchmarks.page import Results, as_markdown, show, write_page

ROOT = Path(__file__).resolve().parents[1]
KEY = "a key for measuring, the same in every repetition"
PAGE = ROOT / "docs" / "benchmarks.md"
NO_GOACCESS = "GoAccess is not installed (Debian: apt-get install goaccess); its line is left out."


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; exit 1 only if something failed to run: what is fast enough is for people to say."""
    asked = _parser().parse_args(arguments)
    cache: Path = asked.cache.absolute()
    usual, adverse = (_input(cache, shape, asked.lines) for shape in ("usual", "adverse"))
    large = (_input(cache, "usual", asked.lines * 10), asked.lines * 10) if asked.large else None
    goaccess = shutil.which("goaccess")
    todo = [
        case for case in cases(usual, adverse, asked.lines, goaccess, large) if case.name not in asked.skip
    ]
    notes = [] if goaccess else [NO_GOACCESS]
    results = Results(todo, asked.lines, asked.repetitions, notes)
    for repetition in range(asked.repetitions):
        with tempfile.TemporaryDirectory(dir=cache, prefix="measuring-") as folder:
            for case in todo:
                _say(f"{repetition + 1} of {asked.repetitions}: {case.title}")
                _take(case, Path(folder), results)
    for name in ("ingest", "classify") if asked.all else ():
        _say(f"python -m benchmarks.{name}")
        _take_lines(name, asked, results)
    if results.differing:
        results.failures.append(f"the canonical digests differ: {', '.join(sorted(results.differing))}")
    command = " ".join(["python -m benchmarks.bench", *_told(asked)])
    show(results)
    if asked.write:
        write_page(asked.page, as_markdown(results, command))
        _say(f"wrote {asked.page}")
    for failure in results.failures:
        print(failure, file=sys.stderr)
    return 1 if results.failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench", description="Speed and memory.")
    parser.add_argument("--cache", type=Path, default=ROOT / "out" / "bench", help="folder of the inputs")
    parser.add_argument(
        "--lines", type=int, default=FULL_LINES, help="lines of the log (the bars are for 3 M)"
    )
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--large", action="store_true", help="also ten times the lines")
    parser.add_argument("--all", action="store_true", help="also benchmarks.ingest and benchmarks.classify")
    parser.add_argument("--skip", action="append", default=[], metavar="CASE", help="as goaccess, or samples")
    parser.add_argument("--write", action="store_true", help="write the figures to the page, too")
    parser.add_argument("--page", type=Path, default=PAGE, help="docs/benchmarks.md")
    return parser


def _told(asked: argparse.Namespace) -> list[str]:
    """The arguments that say what was measured, not where it lay."""
    told = [] if asked.lines == FULL_LINES else [f"--lines {asked.lines}"]
    told += [] if asked.repetitions == 3 else [f"--repetitions {asked.repetitions}"]
    told += [f"--skip {name}" for name in asked.skip]
    return told + [f"--{name}" for name in ("large", "all", "write") if getattr(asked, name)]


def _input(cache: Path, shape: str, lines: int) -> Path:
    path = cache / cached_name(shape, lines)
    if not path.exists():
        _say(f"making {path.name} (once)")
        # A process of its own: this one stays small, for a child's peak begins with its parent's.
        made = [sys.executable, "-m", "benchmarks.inputs", shape, str(lines), str(path)]
        subprocess.run(made, cwd=ROOT, check=True)
    return path


def _take(case: Case, folder: Path, results: Results) -> None:
    """Measure a case once."""
    if case.needs and not results.went_well(case.needs):
        results.failures.append(f"{case.title}: not measured, for {case.needs} failed")
        return
    if case.log:
        _warm(case.log)
    took = measure(case.command(folder), folder=ROOT, environment=_environment())
    found, words = "", ""
    if took.code == 0:
        try:
            found = case.found(took.out)
        except (ValueError, KeyError) as error:
            words = f"unexpected output: {error!r}"
    else:
        words = f"exit code {took.code}: {_last_line(took)}"
    if words:
        results.failures.append(f"{case.title}: {words}")
    results.add(case.name, took, found, is_good=not words)


def _take_lines(name: str, asked: argparse.Namespace, results: Results) -> None:
    """Run one of the smaller benchmarks; it prints its own figures."""
    lines = asked.lines if name == "classify" else max(asked.lines // 10, 1)
    done = measure(
        [sys.executable, "-m", f"benchmarks.{name}", str(lines)], folder=ROOT, environment=_environment()
    )
    if done.code:
        results.failures.append(f"benchmarks.{name}: exit code {done.code}: {_last_line(done)}")
    results.lines += done.out.splitlines()


def _warm(path: Path) -> None:
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 20):
            pass


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PLAYERPATH_")}
    return kept | {"PLAYERPATH_KEY": KEY}


def _last_line(took: Measured) -> str:
    return (took.err.strip() or took.out.strip() or "no output").splitlines()[-1]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
