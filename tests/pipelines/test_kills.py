"""Runs that are killed, interrupted, or meet another: then each line counts once, nothing is left over."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import warehouse
from pipelines.progress import Reporter
from pipelines.run import RunRequest, run
from pipelines.summary import RunSummary

KEY = "a key that all warehouses share"


@pytest.fixture(scope="module")
def deliver(line: Callable[..., str], write: Callable[..., Path]) -> Callable[..., None]:
    """Write logs into a folder: at first four, then one more, one grown, one renamed and packed."""

    def deliver(folder: Path, *, late: bool) -> None:
        text = [line(f"/{n % 7}", second=60 * n, user=f"u{n % 3}") for n in range(40)]
        write(folder / "logs/a.log", *text[:10])
        write(folder / "logs/b.log", *text[10:20], "bad\n")
        write(folder / "logs/grown.log", *text[20:25])
        write(folder / "logs/packed.log", *text[25:30])
        if late:
            write(folder / "logs/grown.log", *text[20:30])
            (folder / "logs/packed.log").unlink()
            (folder / "logs/packed.1.gz").write_bytes(gzip.compress("".join(text[25:30]).encode()))
            write(folder / "logs/late.log", *text[30:])

    return deliver


@pytest.fixture(scope="module", autouse=True)
def _key() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAYERPATH_KEY", KEY)
        yield


@pytest.fixture(scope="module")
def killed_at(command) -> Callable[[Path, str], bool]:
    """Run the command in a process that is killed at a failpoint; say whether it was."""

    def killed_at(folder: Path, failpoint: str) -> bool:
        done = command(folder, "run", "logs", PLAYERPATH_KEY=KEY, PLAYERPATH_FAILPOINT=failpoint)
        return done.code == -signal.SIGKILL

    return killed_at


def load(folder: Path) -> RunSummary:
    """Run over a folder's logs in this process, as the command does."""
    lake, url = str(folder / "lake"), f"sqlite:///{folder}/playerpath.db"
    return run(RunRequest((str(folder / "logs"),), url, lake), Reporter())


def opened(folder: Path) -> warehouse.Warehouse:
    return warehouse.connect(f"sqlite:///{folder}/playerpath.db", read_only=True)


def published(folder: Path) -> tuple[int, dict[str, bytes]]:
    """Give the commit that is published, and the files that it lists; log_objects name their run."""
    (latest,) = folder.glob("lake/*/tables/latest.json")
    state = json.loads(latest.read_bytes())
    listed = [
        file["path"]
        for name, table in state["tables"].items()
        for file in table["files"]
        if "log_" not in name
    ]
    return state["commit_number"], {path: (latest.parent / path).read_bytes() for path in listed}


def left_over(folder: Path) -> list[Path]:
    """Give what no reader knows: files below runs/ that are not listed, scratch folders of this warehouse."""
    with opened(folder) as there:
        listed = {Path(file.uri) for file in there.lake_files()}
        found = set(folder.glob(f"lake/{there.warehouse_id}/runs/**/*.parquet"))
        scratch = Path(tempfile.gettempdir()).glob(f"playerpath-{there.warehouse_id}-*")
        return sorted([*found - listed, *listed - found, *scratch])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, deliver) -> dict[bool, tuple[str, dict[str, bytes]]]:
    """Digest and published files of one run that nobody disturbed, over the first logs and over all."""
    found = {}
    for late in (False, True):
        folder = tmp_path_factory.mktemp("undisturbed")
        deliver(folder, late=late)
        load(folder)
        found[late] = (opened(folder).digest(), published(folder)[1])
    return found


@pytest.mark.parametrize("failpoint", ["after_ingest", "before_commit"])
def test_killed_before_the_commit_a_run_is_as_if_it_had_not_been(
    tmp_path, deliver, killed_at, undisturbed, failpoint
) -> None:
    deliver(tmp_path, late=False)
    assert killed_at(tmp_path, failpoint)
    assert opened(tmp_path).commit_number == 0
    assert list(tmp_path.glob("lake/*/tables")) == []
    assert len(left_over(tmp_path)) > 1  # what the next run has to take away
    said = load(tmp_path)
    assert (said.objects, said.accepted, said.rejected) == (4, 30, 1)
    assert (opened(tmp_path).digest(), published(tmp_path)) == (
        undisturbed[False][0],
        (1, undisturbed[False][1]),
    )
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("failpoint", ["after_commit", "published_players", "before_swap", "after_swap"])
def test_killed_after_the_commit_a_run_with_nothing_new_publishes(
    tmp_path, deliver, killed_at, undisturbed, failpoint
) -> None:
    deliver(tmp_path, late=False)
    assert killed_at(tmp_path, failpoint)
    assert opened(tmp_path).commit_number == 1
    assert bool(list(tmp_path.glob("lake/*/tables/latest.json"))) == (failpoint == "after_swap")
    said = load(tmp_path)
    assert (said.objects, said.known_objects, said.tables) == (0, 4, {})
    assert (opened(tmp_path).digest(), published(tmp_path)) == (
        undisturbed[False][0],
        (1, undisturbed[False][1]),
    )
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("failpoint", ["after_ingest", "before_commit", "after_commit", "before_swap"])
def test_a_later_run_that_is_killed_leaves_what_stood_or_what_it_made(
    tmp_path, deliver, killed_at, undisturbed, failpoint
) -> None:
    deliver(tmp_path, late=False)
    load(tmp_path)
    deliver(tmp_path, late=True)
    assert killed_at(tmp_path, failpoint)
    is_committed = failpoint in ("after_commit", "before_swap")
    assert opened(tmp_path).digest() == undisturbed[is_committed][0]
    assert published(tmp_path) == (1, undisturbed[False][1])  # readers of the lake see the last whole state
    load(tmp_path)
    assert (opened(tmp_path).digest(), published(tmp_path)) == (
        undisturbed[True][0],
        (2, undisturbed[True][1]),
    )
    assert left_over(tmp_path) == []


def start(folder: Path, *args: str, **more: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", "from pipelines.cli import main; main()", *args],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **more,  # type: ignore[call-overload]
    )


def test_killed_at_whatever_moment_the_next_run_ends_with_the_same(tmp_path, deliver, undisturbed) -> None:
    deliver(tmp_path, late=True)
    for moment in (0.5, 0.7, 0.9, 1.1):
        with start(tmp_path, "run", "logs") as process:
            try:
                process.wait(moment)
            except subprocess.TimeoutExpired:
                process.kill()
    load(tmp_path)
    assert (opened(tmp_path).digest(), published(tmp_path)[1]) == undisturbed[True]
    assert left_over(tmp_path) == []


def until(condition: Callable[[], bool]) -> None:
    """Look again until it holds; fail after a minute."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited a minute for nothing"
        time.sleep(0.02)


def test_two_runs_at_once_wait_for_each_other_and_load_every_object_once(
    tmp_path, deliver, undisturbed
) -> None:
    deliver(tmp_path, late=True)
    with warehouse.connect(f"sqlite:///{tmp_path}/playerpath.db", create=True) as mine:
        said = [tmp_path / "said-1", tmp_path / "said-2"]
        with mine.lease("the-first"):
            both = [start(tmp_path, "run", "logs", "--json", "--wait", "60") for _ in said]
            for process, path in zip(both, said, strict=True):
                assert process.stderr is not None
                path.write_bytes(process.stderr.readline())
        ends = [json.loads(process.communicate(timeout=60)[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    for path in said:
        assert path.read_text().startswith("waiting for run ")
    assert any("run the-first" in path.read_text() for path in said)
    assert sorted((end["objects"], end["known_objects"]) for end in ends) == [(0, 5), (5, 0)]
    assert opened(tmp_path).digest() == undisturbed[True][0]


def test_a_run_that_may_not_wait_ends_with_one_line(tmp_path, deliver, command) -> None:
    deliver(tmp_path, late=False)
    with (
        warehouse.connect(f"sqlite:///{tmp_path}/playerpath.db", create=True) as mine,
        mine.lease("the-first"),
    ):
        done = command(tmp_path, "run", "logs", "--wait", "0", PLAYERPATH_KEY=KEY)
        kept = command(tmp_path, "runs", "release")
    assert (done.code, done.out, len(done.told)) == (1, "", 1)
    assert done.told[0].startswith("playerpath: wanted the warehouse for run ")
    assert "within 0 s, found it held by run the-first (host " in done.told[0]
    assert (kept.code, len(kept.told)) == (1, 1)  # its holder lives
    assert opened(tmp_path).runs() == []


def test_a_run_that_is_interrupted_says_so_and_leaves_nothing(tmp_path, deliver, undisturbed) -> None:
    deliver(tmp_path, late=False)
    with start(tmp_path, "run", "-", "logs", stdin=subprocess.PIPE) as process:
        until(lambda: (tmp_path / "playerpath.db").exists() and _is_held(tmp_path))
        time.sleep(0.2)  # into the reading of standard input, which nobody ends
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert err.decode().splitlines()[-1] == "playerpath: stopped; the warehouse is as it was"
    assert opened(tmp_path).commit_number == 0
    assert left_over(tmp_path) == []
    load(tmp_path)
    assert opened(tmp_path).digest() == undisturbed[False][0]


def _is_held(folder: Path) -> bool:
    try:
        with opened(folder) as there:
            return there.holder() is not None
    except warehouse.WarehouseError:
        return False  # it is being made


def test_a_lake_that_takes_no_results_fails_the_run_but_not_its_commit(
    tmp_path, deliver, command, undisturbed
) -> None:
    deliver(tmp_path, late=False)
    with warehouse.connect(f"sqlite:///{tmp_path}/playerpath.db", create=True) as mine:
        tables = tmp_path / "lake" / mine.warehouse_id / "tables"
    tables.parent.mkdir(parents=True)
    tables.write_text("a file where the folder of the results has to be")
    done = command(tmp_path, "run", "logs", PLAYERPATH_KEY=KEY)
    assert (done.code, done.out, len(done.told)) == (1, "", 1)
    assert done.told[0].startswith("playerpath: wanted to publish the tables below ")
    assert (opened(tmp_path).digest(), left_over(tmp_path)) == (undisturbed[False][0], [])
    assert [run["status"] for run in opened(tmp_path).runs()] == ["done"]
    tables.unlink()
    assert load(tmp_path).known_objects == 4
    assert published(tmp_path) == (1, undisturbed[False][1])
