"""The sessions that begin on a day: of players, of visitors without an account, and of programs."""

from __future__ import annotations

import numpy as np

from game_server.simulator import catalogue
from game_server.simulator.behaviour import Opening, Persona
from game_server.simulator.dice import Array, Dice, choice_table, mix
from game_server.simulator.population import DayPlan, device_hash, session_counts
from game_server.simulator.rows import Columns, concat, sessions
from game_server.simulator.timeline import DAY_US, SECOND_US
from game_server.simulator.world import World

_OPENINGS = 3  # stream of draws
_HOME_EPOCH_DAYS = 9  # a line at home keeps its address that long, a phone's changes every day
_PROGRAMS = (  # persona, opening, user agents, share of the programs' sessions
    (Persona.CRAWLER, Opening.CRAWL, catalogue.agents_of("crawler"), 0.4),
    (Persona.SCRIPT, Opening.POLL, catalogue.agents_of("library"), 0.25),
    (Persona.HEADLESS, Opening.BROWSE, catalogue.agents_of("headless"), 0.15),
    (Persona.SCANNER, Opening.SCAN, catalogue.BROWSER_TABLE, 0.2),
)
_SCANNER_AGENT = choice_table([5, 2, 1, 1], [0, 1, 2, 3])  # a browser's name, none, an empty one, a library's


def open_sessions(world: World, plan: DayPlan) -> Columns:
    """All sessions that begin on the plan's day, in no order."""
    dice = Dice(world.seed, _OPENINGS, plan.day)
    start = world.day_us(plan.day)
    return concat(
        [
            _of_players(world, plan, dice, start),
            _of_visitors(world, plan.day, dice, start),
            *(_of_programs(world, dice, start, *kind) for kind in _PROGRAMS),
        ]
    )


def _of_players(world: World, plan: DayPlan, dice: Dice, start: int) -> Columns:
    people = plan.columns
    counts = session_counts(dice, people["persona"])
    counts[plan.is_new & (people["opening"] != Opening.NEW_DONE)] = 1
    row = np.repeat(np.arange(len(counts)), counts)
    total = len(row)
    at = start + _times_of_day(dice, catalogue.COUNTRY_OFFSETS_S[people["country"][row]], total)
    order = np.lexsort((at, row))
    row, at = row[order], at[order]
    is_first = np.ones(total, dtype=bool)
    is_first[1:] = row[1:] != row[:-1]

    kind = np.full(total, Opening.RETURN, dtype=np.int64)
    kind[plan.is_exposed[row] & dice.happens(total, 0.25)] = Opening.RETURN_EXPOSED
    soaks = (people["persona"][row] == Persona.TESTER) & dice.happens(total, 0.03)
    kind[soaks & ~plan.is_new[row]] = Opening.SOAK
    deletes = plan.is_last[row] & (counts[row] == 1) & dice.happens(total, 0.02)
    kind[deletes] = Opening.DELETE
    opens_new = plan.is_new[row] & is_first
    kind[opens_new] = people["opening"][row][opens_new]

    device = dice.below(total, people["devices"][row])
    device[opens_new] = 0
    epoch = np.where(device == 0, plan.day // _HOME_EPOCH_DAYS, plan.day)
    number = people["number"][row]
    agents = np.choose(device, [people[f"agent_{n}"][row] for n in range(3)])
    return sessions(
        total,
        player=plan.players[row],
        address=catalogue.address_codes(device_hash(number, device, epoch)),
        agent=agents,
        country=people["country"][row],
        host=dice.below(total, world.hosts),
        persona=people["persona"][row],
        kind=kind,
        campaign=np.where(opens_new, people["campaign"][row], 0),
        is_slow=plan.is_slow[row],
        started_at=at,
    )


def _of_visitors(world: World, day: int, dice: Dice, start: int) -> Columns:
    count = _about(dice, world.players * world.visitor_ratio)
    # Drawn from a pool, so that some come back; a visitor keeps address and browser.
    number = mix(dice.below(count, max(1, 25 * count)) + (world.seed << 20))
    country = catalogue.COUNTRY_TABLE[number >> np.uint64(52)]
    agent = catalogue.BROWSER_TABLE[mix(number) >> np.uint64(52)]
    agent[(number & np.uint64(63)) == 0] = catalogue.NO_AGENT
    return sessions(
        count,
        player=-1,
        address=catalogue.address_codes(
            device_hash(number, number * np.uint64(0), number * np.uint64(0) + np.uint64(day // 30))
        ),
        agent=agent,
        country=country,
        host=dice.below(count, world.hosts),
        persona=Persona.VISITOR,
        kind=Opening.BROWSE,
        campaign=dice.draw(count, catalogue.CAMPAIGN_TABLE),
        started_at=start + _times_of_day(dice, catalogue.COUNTRY_OFFSETS_S[country], count),
    )


def _of_programs(
    world: World, dice: Dice, start: int, persona: Persona, opening: Opening, agents: Array, share: float
) -> Columns:
    count = 1 + _about(dice, world.players * world.bot_ratio * share)
    machine = dice.below(count, 3 + count // 4).astype(np.uint64) + np.uint64(1000 * int(persona))
    agent = agents[mix(machine) >> np.uint64(52)]
    if persona == Persona.SCANNER:
        library = catalogue.agents_of("library")[machine & np.uint64(4095)]
        nothing, empty = np.full(count, catalogue.NO_AGENT), np.full(count, catalogue.EMPTY_AGENT)
        agent = np.choose(dice.draw(count, _SCANNER_AGENT), [agent, nothing, empty, library])
    return sessions(
        count,
        player=-1,
        address=catalogue.address_codes(mix(machine)),
        agent=agent,
        country=dice.draw(count, catalogue.COUNTRY_TABLE),
        host=dice.below(count, world.hosts),
        persona=persona,
        kind=opening,
        started_at=start + _microseconds(dice, dice.below(count, 86_400)),
    )


def _about(dice: Dice, mean: float) -> int:
    """A tenth more or less than the mean."""
    return round(mean * (0.9 + int(dice.below(1, 201)[0]) / 1000))


def _times_of_day(dice: Dice, offset_s: Array, count: int) -> Array:
    """Microseconds of the UTC day, by the rhythm of each one's local day."""
    local = dice.draw(count, catalogue.HOUR_TABLE) * 3600 + dice.below(count, 3600)
    return _microseconds(dice, (local - offset_s) % (DAY_US // SECOND_US))


def _microseconds(dice: Dice, seconds: Array) -> Array:
    # What comes just before a session (its page, a failed try) must not fall into the day before.
    early = np.where(seconds < 10, 10, 0)
    return np.asarray((seconds + early) * SECOND_US + dice.below(len(seconds), SECOND_US))
