"""The fixed part of a simulated world: its size, its story, its chains and what can be asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from game_server.simulator.behaviour import Behaviour
from game_server.simulator.story import Story
from game_server.simulator.timeline import DAY_US, day_start_us
from game_server.simulator.vocabulary import Vocabulary


@dataclass(frozen=True)
class World:
    """What all days of one simulation share.

    visitor_ratio and bot_ratio are people without an account and programs, per daily player; assets: files
    that a session with a cold cache loads (the rest loads up to three); damage_ratio: spoilt lines per line;
    is_lean: few random digits, for samples that have to be small; is_plain_id: player ids without ``p_``.
    """

    seed: int
    players: int
    start: date
    story: Story = field(default_factory=Story)
    requests_per_session: float = 12.0
    visitor_ratio: float = 0.4
    bot_ratio: float = 0.08
    assets: int = 5
    hosts: int = 2
    health_check_s: int = 300
    damage_ratio: float = 0.0005
    is_lean: bool = False
    is_plain_id: bool = False
    behaviour: Behaviour = field(init=False, repr=False)
    vocabulary: Vocabulary = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "behaviour", Behaviour(self.requests_per_session))
        object.__setattr__(self, "vocabulary", Vocabulary(self.story.experiment))

    def day_us(self, day: int) -> int:
        """Start of a day of the simulation, in microseconds since 1970."""
        return day_start_us(self.start) + day * DAY_US
