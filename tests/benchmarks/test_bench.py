"""The benchmarks run end to end on tiny logs; how fast they are is for people to judge on a quiet machine."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.ingest import FORMATS, logs, read
from benchmarks.inputs import make_log
from benchmarks.measure import measure
from benchmarks.page import BEGIN, END, write_page

ROOT = Path(__file__).resolve().parents[2]
LINES = 600


def bench(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the bench in a folder of its own, on a tiny log, once."""
    own = ["--lines", str(LINES), "--repetitions", "1", "--cache", str(tmp_path / "cache")]
    own += ["--page", str(tmp_path / "benchmarks.md"), "--skip", "goaccess", "--skip", "samples"]
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.bench", *own, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_one_command_makes_the_logs_and_writes_a_row_for_each_case_and_bar(tmp_path: Path) -> None:
    done = bench(tmp_path, "--large", "--write")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if "|" in line]
    rows = {row[0]: row[1:] for row in cells}
    for case in (
        "playerpath run",
        "DuckDB script by hand",
        "playerpath run, nothing new",
        "warehouse check --digest",
        "playerpath report",
        "playerpath run, adverse log",
        "playerpath --help",
        "playerpath run, 10 x lines",
    ):
        wall, least, most, cpu = (float(cell) for cell in rows[case][:4])
        assert 0 < least <= wall <= most, case
        assert cpu > 0, case
        assert int(rows[case][4]) >= 10, case  # a Python process alone is larger
    assert rows["playerpath run / script by hand, wall time"][-1] in ("met", "not met")
    assert rows["playerpath run on 10 x lines, peak memory"][-1] == "met"
    assert rows["GoAccess / playerpath run, wall time"][-1] == "not measured"
    assert str(tmp_path) not in page
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {
        f"usual-{LINES}.log",
        f"adverse-{LINES}.log",
        f"usual-{LINES * 10}.log",
    }


def test_a_case_that_fails_is_told_and_the_others_are_still_measured(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    make_log("usual", LINES, cache / f"usual-{LINES}.log")
    (cache / f"adverse-{LINES}.log").write_bytes(b"no line of this is a log's\n" * 200)
    done = bench(tmp_path, "--skip", "report", "--skip", "again", "--skip", "digest", "--write")
    assert done.returncode == 1
    assert "playerpath run, adverse log: exit code" in done.stderr
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "| playerpath run, adverse log |  |  |  |  |  |  | failed |" in page
    assert "| playerpath --help | 0" in page


def test_logs_are_of_exactly_so_many_lines_and_the_same_every_time(tmp_path: Path) -> None:
    for shape in ("usual", "adverse"):
        make_log(shape, LINES, tmp_path / "one.log")
        make_log(shape, LINES, tmp_path / "two.log")
        data = (tmp_path / "one.log").read_bytes()
        assert data.count(b"\n") == LINES
        assert data == (tmp_path / "two.log").read_bytes()


def test_figures_replace_the_last_ones_and_the_words_around_them_stay(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write_page(page, "new")
    assert page.read_text(encoding="utf-8") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    page.write_text("no place", encoding="utf-8")
    with pytest.raises(SystemExit, match="no place for the figures"):
        write_page(page, "new")


@pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="memory of child processes is read from /proc"
)
def test_peak_memory_is_that_of_the_whole_tree(tmp_path: Path) -> None:
    hold = "held = bytearray(b'x' * 60_000_000)"
    child = f"import time; {hold}; time.sleep(1)"
    parent = f"import subprocess, sys; {hold}; subprocess.run([sys.executable, '-c', {child!r}])"
    begun = time.monotonic()
    took = measure([sys.executable, "-c", parent], folder=tmp_path)
    assert took.code == 0
    assert took.peak_bytes > 120_000_000
    assert 1.0 <= took.wall_s <= time.monotonic() - begun
    assert took.cpu_s < took.wall_s


def test_exit_code_and_output_of_a_command_are_kept(tmp_path: Path) -> None:
    took = measure(
        [sys.executable, "-c", "import sys; print('said'); sys.exit('what went wrong')"], folder=tmp_path
    )
    assert (took.code, took.out.strip(), took.err.strip()) == (1, "said", "what went wrong")


@pytest.mark.parametrize("name", FORMATS)
def test_ingest_is_measured_on_logs_of_every_format(name: str) -> None:
    objects = logs(name, LINES)
    lines = sum(log.data.count(b"\n") for log in objects)
    assert 0.9 * LINES < lines <= LINES
    assert 0.9 * lines < read(objects) <= lines
