"""The committed samples are what the script writes, their story can be seen, and their truth holds."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from game_server.simulator.samples import main

SAMPLES = Path(__file__).resolve().parents[3] / "samples"


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples, written anew."""
    folder = tmp_path_factory.mktemp("samples")
    main([str(folder)])
    return folder


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    return dict(json.loads((SAMPLES / "truth.json").read_text()))


def _contents(folder: Path) -> dict[str, bytes]:
    """By path; unpacked, as another zlib may pack the same content differently."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        p.relative_to(folder).as_posix(): gzip.decompress(p.read_bytes())
        if p.suffix == ".gz"
        else p.read_bytes()
        for p in files
    }


def test_committed_samples_are_what_the_script_writes(again: Path) -> None:
    committed, written = _contents(SAMPLES), _contents(again)
    assert committed.keys() == written.keys()
    assert [name for name, content in committed.items() if written[name] != content] == []


def test_samples_are_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) <= 4_000_000


def test_the_truth_of_the_samples_equals_a_naive_count(
    again: Path, truth: dict[str, Any], count_naively: Callable[..., Any], tmp_path: Path
) -> None:
    logs = again / "logs" / "server"
    (tmp_path / "logs").mkdir()
    for path in logs.rglob("*.log*"):
        if not path.name.endswith(".1.gz"):
            (tmp_path / "logs" / path.name).write_bytes(path.read_bytes())
    counted = count_naively("playerpath", tmp_path)
    for figure in ("daily", "retention", "brackets", "funnels", "sessions"):
        assert truth[figure] == counted[figure], figure


def test_the_rotated_file_is_the_same_content_under_another_name(truth: dict[str, Any]) -> None:
    contents = _contents(SAMPLES)
    ((rotated, original),) = truth["same_content"].items()
    assert contents[rotated] == contents[original]
    assert rotated not in truth["objects"]


def test_a_file_of_day_twelve_came_late(truth: dict[str, Any]) -> None:
    (late,) = [path for path in truth["objects"] if "/late/" in path]
    assert late.rsplit("/", 1)[1].startswith("web-1.4711.20260813T")


def test_the_slow_release_costs_return(truth: dict[str, Any]) -> None:
    shares = {}
    for name, days in (("before", range(39)), ("after", range(40, 59))):
        cohorts = [truth["retention"][day] for day in days]
        shares[name] = sum(c["classic"][1] for c in cohorts) / sum(c["cohort_size"] for c in cohorts)
    assert shares["before"] > 0.36
    assert shares["after"] < 0.27


def test_new_players_stop_at_the_tutorial(truth: dict[str, Any]) -> None:
    steps = [0] * 5
    for entry in truth["funnels"]:
        if entry["funnel"] == "onboarding":
            steps[entry["step_number"] - 1] += entry["players"]
    kept = [later / earlier for earlier, later in pairwise(steps)]
    assert kept[1] < 0.65
    assert min(kept[0], kept[2], kept[3]) > 0.85


def test_the_experiment_has_its_effect(truth: dict[str, Any]) -> None:
    control, gift = (truth["experiment"][name]["day_1"] for name in ("control", "gift"))
    assert gift["returned"] / gift["players"] - control["returned"] / control["players"] > 0.05
    assert abs(control["players"] - gift["players"]) < 3 * (control["players"] + gift["players"]) ** 0.5
