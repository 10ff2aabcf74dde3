"""What ``simulate`` promises of its files: same bytes, no line lost, limits, and refusals in one sentence."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from game_server.simulator import SimulationError, simulate
from game_server.simulator.dice import Dice, mix
from game_server.simulator.formats import FORMATS

PUBLIC = ["playerpath", "combined", "common", "json", "alb", "elb", "cloudfront"]


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(_content(p)).hexdigest() for p in files}


def _content(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@pytest.mark.parametrize("format_", PUBLIC)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path, format_: str) -> None:
    for folder, seed in (("a", 7), ("b", 7), ("c", 8)):
        simulate(12, 2, seed, format_, tmp_path / folder, health_check_s=3600)
    assert _digests(tmp_path / "a") == _digests(tmp_path / "b")
    assert _digests(tmp_path / "a") != _digests(tmp_path / "c")


def test_the_bytes_are_those_of_every_other_platform(tmp_path: Path) -> None:
    simulate(15, 3, 7, "playerpath", tmp_path, truth="none")
    digests = _digests(tmp_path / "logs")
    assert hashlib.sha256(json.dumps(digests).encode()).hexdigest()[:16] == "dcfa5d348f2c1ad7"


def test_dice_hand_out_the_raw_stream_of_the_bit_generator() -> None:
    raw = np.random.PCG64(np.random.SeedSequence([5, 2, 9])).random_raw(1000)
    assert (Dice(5, 2, 9).bits(1000) == raw).all()


def test_the_hash_is_the_published_one() -> None:
    # First output of SplitMix64 with seed 0, and with seed 1234567 (Vigna's reference implementation).
    found = mix(np.array([0, 1234567], dtype=np.uint64)).tolist()
    assert found == [0xE220A8397B1DCDAF, 6457827717110365317]


@pytest.mark.parametrize("format_", PUBLIC)
def test_every_line_of_every_object_is_accounted_for(tmp_path: Path, format_: str) -> None:
    made = simulate(20, 2, 3, format_, tmp_path, damage_ratio=0.05, rotate_hours=6)
    assert made.truth is not None
    files = {
        p.relative_to(tmp_path).as_posix(): _content(p) for p in (tmp_path / "logs").rglob("*") if p.is_file()
    }
    assert made.truth["objects"].keys() == files.keys()
    for path, entry in made.truth["objects"].items():
        assert entry["lines"] == files[path].count(b"\n")
        assert entry["size_bytes"] == len(files[path])
        assert entry["lines"] == sum(entry[n] for n in ("accepted", "rejected", "duplicates", "ignored"))
    assert made.lines == made.truth["totals"]["lines"]
    assert made.truth["totals"]["rejected"] > 0


def test_a_line_limit_is_met_to_the_line(tmp_path: Path) -> None:
    whole = simulate(20, 4, 3, "combined", tmp_path / "whole")
    cut = simulate(20, 4, 3, "combined", tmp_path / "cut", lines=2_345)
    assert cut.lines == 2_345
    assert sum(_content(p).count(b"\n") for p in (tmp_path / "cut" / "logs").iterdir()) == 2_345
    first = min(p.name for p in (tmp_path / "whole" / "logs").iterdir())
    assert _content(tmp_path / "whole/logs" / first).startswith(_content(tmp_path / "cut/logs" / first))
    assert whole.lines > 2_345


def test_a_size_limit_ends_the_log_after_the_period_that_reaches_it(tmp_path: Path) -> None:
    made = simulate(20, 9, 3, "combined", tmp_path, size_bytes=500_000, rotate_hours=6)
    sizes = [entry["size_bytes"] for entry in (made.truth or {})["objects"].values()]
    assert sum(sizes) == made.size_bytes >= 500_000
    assert made.size_bytes - sum(sizes[-2:]) < 500_000 + max(sizes)


def test_lines_of_a_file_stand_in_the_order_of_their_answers(tmp_path: Path) -> None:
    simulate(300, 2, 3, "playerpath", tmp_path, damage_ratio=0)
    out_of_order = 0
    for path in (tmp_path / "logs").iterdir():
        fields = [line.rsplit(" ", 5) for line in path.read_text().splitlines()[1:]]
        came_in = [int(at) for _, at, *_ in fields]
        answered = [int(at) + int(duration) for _, at, duration, *_ in fields]
        assert answered == sorted(answered)
        out_of_order += came_in != sorted(came_in)
    assert out_of_order > 0


def test_about_the_wanted_number_of_players_plays_on_every_day(tmp_path: Path) -> None:
    made = simulate(200, 30, 3, "playerpath", tmp_path, requests_per_session=3, start=date(2026, 1, 1))
    dau = [day["dau"] for day in (made.truth or {})["daily"]]
    assert len(dau) == 30
    assert all(140 < players < 260 for players in dau)
    assert 180 < sum(dau) / 30 < 220


def test_heavy_parts_of_the_truth_can_be_left_out(tmp_path: Path) -> None:
    full = simulate(15, 2, 3, "combined", tmp_path / "full")
    totals = simulate(15, 2, 3, "combined", tmp_path / "totals", truth="totals")
    none = simulate(15, 2, 3, "combined", tmp_path / "none", truth="none")
    assert none.truth is None
    assert not (tmp_path / "none" / "truth.json").exists()
    assert totals.truth is not None
    assert "daily" not in totals.truth
    assert full.truth is not None
    assert totals.truth["routes"] == full.truth["routes"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"players": 0}, "players: wanted 1 or more, found 0"),
        ({"days": 0}, "days: wanted 1 or more, found 0"),
        ({"seed": -1}, "seed: wanted 0 or more, found -1"),
        ({"format": "xml"}, "format: wanted one of playerpath, .*, found 'xml'"),
        ({"truth": "half"}, "truth: wanted one of full, totals, none, found 'half'"),
        ({"rotate_hours": 5}, "rotate_hours: wanted a whole part of a day .*, found 5"),
    ],
)
def test_arguments_that_make_no_log_are_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    arguments = {"players": 10, "days": 2, "seed": 1, "format": "combined", "out": tmp_path / "x"} | change
    with pytest.raises(SimulationError, match=message):
        simulate(**arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()


def test_a_folder_with_logs_is_refused(tmp_path: Path) -> None:
    simulate(10, 1, 1, "combined", tmp_path)
    with pytest.raises(SimulationError, match="is not empty: wanted a new folder"):
        simulate(10, 1, 2, "combined", tmp_path)


def test_all_formats_that_users_can_name_are_tested() -> None:
    assert {*PUBLIC, "cloudfront-few"} == FORMATS.keys()
