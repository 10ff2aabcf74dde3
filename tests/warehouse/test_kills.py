"""Real processes, really killed: what is left is the state before the run or the state after it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import warehouse

ROOT = Path(__file__).parents[2]
PROGRAM = """
import importlib.util, sys, warehouse
url, lake, run_id, commits = sys.argv[1:5]
spec = importlib.util.spec_from_file_location("worlds", sys.argv[5])
worlds = importlib.util.module_from_spec(spec)
sys.modules["worlds"] = worlds
spec.loader.exec_module(worlds)
wh = warehouse.connect(url, create=True)
world = worlds.World(worlds.SMALL)
with warehouse.Staging() as staging:
    if commits == "commit":
        receipts = [] if wh.claims() else [worlds.receipt("all", world.requests)]
        worlds.load(wh, run_id, world, receipts=receipts, staging=staging)
    wh.publish(lake, staging)
print(wh.digest())
"""


def run(url: str, lake: Path, run_id: str, *, commit: bool = True, failpoint: str = "") -> tuple[int, str]:
    worlds = str(Path(__file__).with_name("conftest.py"))
    what = "commit" if commit else "nothing new"
    made = subprocess.run(
        [sys.executable, "-c", PROGRAM, url, str(lake), run_id, what, worlds],
        cwd=ROOT,
        env=os.environ | {"PLAYERPATH_FAILPOINT": failpoint},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode in (0, -signal.SIGKILL), made.stderr
    return made.returncode, made.stdout.strip()


def tree(lake: Path) -> dict[str, bytes]:
    """Everything that readers of a lake see: latest.json and what it lists."""
    (latest,) = lake.glob("*/tables/latest.json")
    state = json.loads(latest.read_bytes())
    listed = [file["path"] for table in state["tables"].values() for file in table["files"]]
    return {path: (latest.parent / path).read_bytes() for path in listed}


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> tuple[str, dict[str, bytes]]:
    """Digest and published files of a run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("clean")
    status, digest = run(f"sqlite:///{folder}/p.db", folder / "lake", "r1")
    assert status == 0
    return digest, tree(folder / "lake")


def test_killed_before_the_commit_nothing_of_the_run_is_there(tmp_path, clean) -> None:
    url, lake = f"sqlite:///{tmp_path}/p.db", tmp_path / "lake"
    assert run(url, lake, "r1", failpoint="before_commit")[0] == -signal.SIGKILL
    wh = warehouse.connect(url)
    assert wh.commit_number == 0
    assert wh.claims() == []
    assert wh.runs() == []
    assert not lake.exists()
    assert run(url, lake, "r2") == (0, clean[0])
    assert without_runs(tree(lake)) == without_runs(clean[1])


@pytest.mark.parametrize("place", ["after_commit", "published_sessions", "before_swap"])
def test_killed_between_commit_and_swap_a_run_with_nothing_new_publishes(tmp_path, clean, place) -> None:
    url, lake = f"sqlite:///{tmp_path}/p.db", tmp_path / "lake"
    assert run(url, lake, "r1", failpoint=place)[0] == -signal.SIGKILL
    wh = warehouse.connect(url)
    assert wh.commit_number == 1
    assert wh.digest() == clean[0]
    assert list(lake.glob("*/tables/latest.json")) == []
    assert run(url, lake, "r2", commit=False) == (0, clean[0])
    assert tree(lake) == clean[1]
    assert wh.run_ids() == {"r1"}


def test_killed_after_the_swap_nothing_is_left_to_do(tmp_path, clean) -> None:
    url, lake = f"sqlite:///{tmp_path}/p.db", tmp_path / "lake"
    assert run(url, lake, "r1", failpoint="after_swap")[0] == -signal.SIGKILL
    assert tree(lake) == clean[1]


def without_runs(files: dict[str, bytes]) -> dict[str, bytes]:
    # log_objects name the run that changed them.
    return {path: data for path, data in files.items() if not path.startswith("log_objects/")}
