"""What is planted in a simulated world on purpose, so that whoever reads its numbers can find it again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from game_server.simulator.dice import Array


@dataclass(frozen=True)
class Story:
    """Days count from the first, which is 0; a None never happens.

    release_day: from then on a share of the players of each day (``slow_share``) meets answers
    ``slow_factor`` times as slow and ``slow_error_ratio`` of them 5xx. Each of these comes back next day
    with ``slow_return`` of his usual chance, and one in four of them for good not. tutorial_finish_ratio:
    share of those who start the tutorial that finish it; most others never come back. experiment: name;
    players who register while it runs are exposed in their first session. ``lift`` multiplies the chance of
    the treated to play on each of their days 1 to 7.
    """

    release_day: int | None = None
    slow_share: float = 0.6
    slow_factor: int = 7
    slow_error_ratio: float = 0.07
    slow_return: float = 0.5
    tutorial_start_ratio: float = 0.93
    tutorial_finish_ratio: float = 0.66
    experiment: str = "daily-gift"
    variants: tuple[str, str] = ("control", "gift")
    experiment_days: tuple[int, int] | None = (0, 1_000_000)  # both included
    lift: float = 1.3

    def is_released(self, day: int) -> bool:
        return self.release_day is not None and day >= self.release_day

    def is_exposing(self, day: int) -> bool:
        return self.experiment_days is not None and self.experiment_days[0] <= day <= self.experiment_days[1]

    def variants_of(self, player_ids: list[str]) -> Array:
        """Number of each player's variant, a stable hash of experiment and player."""
        name = self.experiment
        return np.array(
            [variant_of(name, player_id, len(self.variants)) for player_id in player_ids], dtype=np.int8
        )


def variant_of(experiment: str, player_id: str, variants: int) -> int:
    """Stable assignment: the same player always gets the same variant, other experiments are independent.

    The first four bytes of SHA-256 of ``experiment:player_id``, big-endian, modulo the number of variants.
    """
    digest = hashlib.sha256(f"{experiment}:{player_id}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % variants
