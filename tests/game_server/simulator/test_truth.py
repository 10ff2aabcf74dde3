"""The simulator's truth against plain loops over the lines that it wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from game_server.simulator import Story, simulate

ACTOR_FIGURES = ("daily", "retention", "brackets", "funnels", "transitions", "concurrency", "sessions")


def _assert_same(truth: dict[str, Any], counted: dict[str, Any]) -> None:
    assert truth["objects"] == counted["objects"]
    assert truth["requests_by_status"] == counted["requests_by_status"]
    assert truth["totals"]["bytes_sent"] == counted["bytes_sent"]
    assert {reason: n for reason, n in truth["bot_requests"].items() if n} == counted["bot_requests"]
    for figure in ACTOR_FIGURES:
        assert truth[figure] == counted[figure], figure


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_truth_of_our_own_log_equals_a_naive_count(tmp_path: Path, count_naively: Any, seed: int) -> None:
    story = Story(release_day=5)
    made = simulate(25, 9, seed, "playerpath", tmp_path, rotate_hours=12, damage_ratio=0.01, story=story)
    assert made.truth is not None
    _assert_same(made.truth, count_naively("playerpath", tmp_path))


@pytest.mark.parametrize("format_", ["combined", "common", "json", "alb", "elb", "cloudfront"])
@pytest.mark.parametrize("seed", [4, 5])
def test_truth_of_a_visitors_log_equals_a_naive_count(
    tmp_path: Path, count_naively: Any, format_: str, seed: int
) -> None:
    made = simulate(20, 5, seed, format_, tmp_path, rotate_hours=6, damage_ratio=0.01, bot_ratio=0.6)
    assert made.truth is not None
    _assert_same(made.truth, count_naively(format_, tmp_path))
