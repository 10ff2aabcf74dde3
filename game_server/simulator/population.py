"""Who plays on which day: players are born, come back less and less, and leave.

How many are born a day is worked out so that about ``daily_players`` play on every day from the first on:
the game opens with a rush of newcomers, which ebbs as old players fill the days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from game_server.simulator.behaviour import Persona
from game_server.simulator.catalogue import BROWSER_TABLE, CAMPAIGN_TABLE, COUNTRY_TABLE, agents_of
from game_server.simulator.dice import TABLE_SIZE, Array, Dice, choice_table, lognormal_table, mix
from game_server.simulator.rows import Columns, concat
from game_server.simulator.story import Story

# Share of newcomers, chance to play on a day while the game holds them, median days that it holds them, and
# the chance that the first day is the last.
_CASUAL = (0.625, 0.44, 4, 0.34)
_REGULAR = (0.31, 0.68, 8, 0.06)
_HARDCORE = (0.06, 0.93, 16, 0.02)
_TESTER = (0.005, 0.7, 40, 0.0)
_KINDS = (_CASUAL, _REGULAR, _HARDCORE, _TESTER)
_PERSONA_TABLE = choice_table([kind[0] for kind in _KINDS])
_LONGEST = 400
_FIRST_DAYS_BOOST = 1.25  # of the chance to play, on days 1 to 3
_STUCK_LEAVE = 0.8  # of those who do not finish the tutorial
_MORE_SESSIONS = (0.25, 0.7, 1.5, 0.6)  # a persona's mean sessions a day after the first
_WEEKDAYS = (0.95, 0.93, 0.95, 0.97, 1.04, 1.1, 1.06)  # Monday first
_PEOPLE, _ACTIVITY = 1, 2  # streams of draws


@dataclass(frozen=True)
class DayPlan:
    """The players of one day: rows of the population, who is new, and who meets the slow release."""

    day: int
    players: Array
    is_new: Array
    is_last: Array
    is_slow: Array
    is_exposed: Array  # in the experiment, exposed from the first session on
    columns: Columns  # of the population, for these players


class Population:
    """All players so far. ``advance`` is called for one day after the other."""

    def __init__(
        self, seed: int, daily_players: int, story: Story, first_weekday: int, is_plain_id: bool
    ) -> None:
        self._seed, self._daily, self._story, self._weekday = seed, daily_players, story, first_weekday
        self._lifetimes = [lognormal_table(median, 1.0, _LONGEST) for _, _, median, _ in _KINDS]
        self._newcomers: list[float] = []
        self._curve = _return_curve(self._lifetimes, story)
        self._is_plain_id = is_plain_id
        self.columns = self._born(0, 0)
        self._alive = np.zeros(0, dtype=np.int64)
        self._was_slow = np.zeros(0, dtype=bool)

    def __len__(self) -> int:
        return len(self.columns["number"])

    def advance(self, day: int) -> DayPlan:
        """Give birth to the day's newcomers and choose who plays."""
        dice = Dice(self._seed, _ACTIVITY, day)
        story = self._story
        weekday = _WEEKDAYS[(self._weekday + day) % 7]
        alive = self._alive[self.columns["last_day"][self._alive] >= day]
        age = day - self.columns["birth_day"][alive]
        chance = np.array([kind[1] for kind in _KINDS])[self.columns["persona"][alive]] * weekday
        chance = np.where(age <= 3, chance * _FIRST_DAYS_BOOST, chance)
        treated = self.columns["is_exposed"][alive] & (self.columns["variant"][alive] == 1) & (age <= 7)
        chance = np.where(treated, chance * story.lift, chance)
        chance = np.where(self._was_slow[alive], chance * story.slow_return, np.minimum(chance, 0.97))
        returning = alive[dice.happens(len(alive), chance)]

        expected = sum(n * self._curve[min(a, _LONGEST)] for a, n in enumerate(reversed(self._newcomers), 1))
        newcomers = max(self._daily * weekday - expected, 0.05 * self._daily)
        self._newcomers.append(newcomers)
        count = round(newcomers * (0.85 + int(dice.below(1, 301)[0]) / 1000))
        first = len(self)
        self.columns = concat([self.columns, self._born(day, count)])
        players = np.concatenate([returning, np.arange(first, first + count)])
        is_new = players >= first

        is_slow = dice.happens(len(players), story.slow_share if story.is_released(day) else 0.0)
        self._was_slow = np.zeros(len(self), dtype=bool)
        self._was_slow[players] = is_slow
        lost = players[is_slow & dice.happens(len(players), 0.25)]
        self.columns["last_day"][lost] = day
        self._alive = np.concatenate([alive, np.arange(first, first + count)])
        columns = {name: values[players] for name, values in self.columns.items()}
        is_last = columns["last_day"] == day
        return DayPlan(day, players, is_new, is_last & ~is_new, is_slow, columns["is_exposed"], columns)

    def _born(self, day: int, count: int) -> Columns:
        dice = Dice(self._seed, _PEOPLE, day)
        story = self._story
        number = dice.bits(count)
        persona = dice.draw(count, _PERSONA_TABLE)
        starts = dice.happens(count, story.tutorial_start_ratio)
        finishes = starts & dice.happens(count, story.tutorial_finish_ratio)
        lifetime = np.choose(persona, [dice.draw(count, table) for table in self._lifetimes])
        leaves = dice.happens(count, np.array([kind[3] for kind in _KINDS])[persona])
        leaves |= ~finishes & dice.happens(count, _STUCK_LEAVE)
        is_exposed = np.full(count, story.is_exposing(day))
        ids = player_ids(number, self._is_plain_id) if story.is_exposing(day) else []
        agents = dice.draw(3 * count, BROWSER_TABLE).reshape(3, count)
        machine = (persona == Persona.TESTER) & dice.happens(count, 0.5)
        agents[1] = np.where(machine, dice.draw(count, _MACHINES), agents[1])
        return {
            "number": number,
            "birth_day": np.full(count, day, dtype=np.int64),
            "last_day": day + np.where(leaves, 0, lifetime),
            "persona": persona,
            "opening": np.where(finishes, 4, np.where(starts, 3, 2)),  # behaviour.Opening.NEW_*
            "country": dice.draw(count, COUNTRY_TABLE),
            "campaign": dice.draw(count, CAMPAIGN_TABLE),
            "devices": 1 + dice.draw(count, _DEVICES_TABLE),
            "agent_0": agents[0],
            "agent_1": agents[1],
            "agent_2": agents[2],
            "is_exposed": is_exposed,
            "variant": story.variants_of(ids) if ids else np.zeros(count, dtype=np.int8),
        }


_DEVICES_TABLE = choice_table([0.66, 0.27, 0.07])
_MACHINES = np.concatenate([agents_of("library")[::2], agents_of("headless")[::2]])


def session_counts(dice: Dice, personas: Array) -> Array:
    """Sessions of each player on a day that he plays: one, and a geometric number more."""
    more = np.choose(personas, [dice.draw(len(personas), table) for table in _MORE_TABLES])
    return np.asarray(1 + more)


def _geometric(mean: float) -> Array:
    ratio = mean / (1 + mean)
    return choice_table([ratio**k for k in range(7)])


_MORE_TABLES = [_geometric(mean) for mean in _MORE_SESSIONS]


def player_ids(numbers: Array, is_plain: bool) -> list[str]:
    """Sixteen hex digits, behind ``p_`` for the game server's own log."""
    prefix = "" if is_plain else "p_"
    return [f"{prefix}{number:016x}" for number in numbers.tolist()]


def device_hash(numbers: Array, devices: Array, epoch: Array) -> Array:
    """What the address of a player's device is made from; it changes with the epoch."""
    return mix(numbers + mix(devices.astype(np.uint64) * np.uint64(1_000_003) + epoch.astype(np.uint64)))


def _return_curve(lifetimes: list[Array], story: Story) -> list[float]:
    """Expected share of a day's newcomers that plays n days later, without release and experiment."""
    stays = 1 - _STUCK_LEAVE * (1 - story.tutorial_start_ratio * story.tutorial_finish_ratio)
    curve = [1.0]
    for age in range(1, _LONGEST + 1):
        total = 0.0
        for (share, chance, _, leaves), table in zip(_KINDS, lifetimes, strict=True):
            alive = int((table >= age).sum()) / TABLE_SIZE
            boost = _FIRST_DAYS_BOOST if age <= 3 else 1.0
            total += share * stays * (1 - leaves) * alive * min(chance * boost, 0.97)
        curve.append(total)
    return curve
