"""What comes with the requests of a chain: pages and assets, failed tries, expired tokens, health checks,
damage.
"""

from __future__ import annotations

import numpy as np

from game_server.simulator import catalogue
from game_server.simulator.answers import answer, durations
from game_server.simulator.behaviour import Action, Opening, Persona
from game_server.simulator.dice import Array, Dice
from game_server.simulator.rows import Columns, concat, requests, sessions, take
from game_server.simulator.timeline import DAY_US, SECOND_US
from game_server.simulator.world import World

DAMAGES = 5  # kinds of spoilt lines, numbered from 1 (lines.damage)
_HEALTH_AGENT = next(i for i, agent in enumerate(catalogue.USER_AGENTS) if agent.reason == "health_check")
_HEALTH_ADDRESS = 0x64400001
_HEALTH_STEP_US = 7_000_000
_VARIANT = np.uint64(1 << 63)  # of RFC 9562, in the low half of a UUID


def with_extras(world: World, day: int, opened: Columns, rows: Columns, dice: Dice) -> Columns:
    """The rows with everything that accompanies them; the health checks' sessions are added to ``opened``."""
    parts = [
        rows,
        _failed_tries(rows, dice),
        _expired_tokens(world, rows, dice),
        _pages_of_players(world, opened, rows, dice),
        _assets_of_pages(world, opened, rows, dice),
        _health_checks(world, day, opened, dice),
    ]
    together = concat(parts)
    count = len(together["at"])
    tail = (
        opened["host"][together["session"]].astype(np.uint64)
        if world.is_lean
        else dice.bits(count) >> np.uint64(2)
    )
    together["tail"] = tail | _VARIANT
    spoilt = np.flatnonzero(dice.happens(count, world.damage_ratio))
    damaged = take(together, spoilt)
    damaged["damage"] = (1 + dice.below(len(spoilt), DAMAGES)).astype(np.int8)
    return concat([together, damaged])


def _failed_tries(rows: Columns, dice: Dice) -> Columns:
    """A 5xx or a refused login some seconds before the request that went through."""
    action = rows["action"]
    count = len(action)
    refused = (action == Action.LOGIN) & dice.happens(count, 0.02)
    broken = (action <= Action.DELETE_ACCOUNT) & dice.happens(count, 0.0015) & ~refused
    chosen = np.flatnonzero(refused | broken)
    tries = take(rows, chosen)
    tries["at"] = tries["at"] - SECOND_US - dice.below(len(chosen), 4 * SECOND_US)
    tries["status"] = np.where(refused[chosen], 401, 503).astype(np.int16)
    tries["size"] = np.full(len(chosen), 92, dtype=np.int64)
    tries["is_known"] = tries["is_known"] & (tries["action"] > Action.LOGIN)
    return tries


def _expired_tokens(world: World, rows: Columns, dice: Dice) -> Columns:
    """A 401 without a player id, then a fresh token, then the request that is already there."""
    count = len(rows["at"])
    expires = rows["is_known"] & (rows["action"] > Action.LOGIN) & dice.happens(count, 0.004)
    chosen = np.flatnonzero(expires)
    refused, refresh = take(rows, chosen), take(rows, chosen)
    refused["at"] = refused["at"] - 300_000
    refused["status"] = np.full(len(chosen), 401, dtype=np.int16)
    refused["size"] = np.full(len(chosen), 92, dtype=np.int64)
    refused["is_known"] = np.zeros(len(chosen), dtype=bool)
    refresh["at"] = refresh["at"] - 150_000
    refresh["action"] = np.full(len(chosen), Action.REFRESH, dtype=np.int8)
    refresh["target"] = np.full(len(chosen), world.vocabulary.start[Action.REFRESH], dtype=np.int64)
    refresh["status"] = np.full(len(chosen), 200, dtype=np.int16)
    refresh["size"] = np.full(len(chosen), 380, dtype=np.int64)
    return concat([refused, refresh])


def _pages_of_players(world: World, opened: Columns, rows: Columns, dice: Dice) -> Columns:
    """The game's own page and files, a second or two before a player's first request."""
    is_first = (rows["at"] == opened["started_at"][rows["session"]]) & (
        opened["persona"][rows["session"]] < Persona.TESTER
    )
    first = take(rows, np.flatnonzero(is_first))
    session = first["session"]
    is_new = np.isin(opened["kind"][session], (Opening.NEW_LEAVES, Opening.NEW_STUCK, Opening.NEW_DONE))
    home = requests(
        len(session),
        session=session,
        action=Action.HOME,
        at=first["at"] - 2_600_000 + dice.below(len(session), SECOND_US),
        target=world.vocabulary.start[Action.HOME]
        + world.vocabulary.campaign_query[opened["campaign"][session]],
        referrer=opened["campaign"][session],
    )
    answer(world, opened, home, dice)
    wanted = np.where(is_new, world.assets, dice.below(len(session), min(3, world.assets) + 1))
    return concat([home, _assets(world, home, wanted, is_new, dice)])


def _assets_of_pages(world: World, opened: Columns, rows: Columns, dice: Dice) -> Columns:
    """Files that a visitor's browser loads for the site's pages; of programs only headless browsers do."""
    action, persona = rows["action"], opened["persona"][rows["session"]]
    browses = ((persona == Persona.VISITOR) | (persona == Persona.HEADLESS)) & (action >= Action.HOME)
    pages = take(rows, np.flatnonzero(browses))
    count = len(pages["at"])
    is_cold = dice.happens(count, 0.3)
    wanted = np.where(is_cold, dice.below(count, world.assets + 1), 0)
    return _assets(world, pages, wanted, is_cold, dice)


def _assets(world: World, pages: Columns, wanted: Array, is_cold: Array, dice: Dice) -> Columns:
    row = np.repeat(np.arange(len(wanted)), wanted)
    count = len(row)
    number = np.arange(count) - np.repeat(np.cumsum(wanted) - wanted, wanted)
    number %= len(world.vocabulary.asset_sizes)
    unchanged = ~is_cold[row] & dice.happens(count, 0.6)
    bits = dice.bits(count)
    return requests(
        count,
        session=pages["session"][row],
        action=Action.ASSET,
        at=pages["at"][row] + 120_000 + 40_000 * number + (bits & np.uint64(0x7FFF)).astype(np.int64),
        duration=durations(np.full(count, Action.ASSET, dtype=np.int64), bits),
        status=np.where(unchanged, 304, 200),
        size=np.where(unchanged, 0, world.vocabulary.asset_sizes[number]),
        target=world.vocabulary.start[Action.ASSET] + number,
        referrer=catalogue.FIRST_OWN_PAGE,
    )


def _health_checks(world: World, day: int, opened: Columns, dice: Dice) -> Columns:
    """The load balancer's question to each host, every ``health_check_s`` seconds."""
    first = len(opened["player"])
    added = sessions(
        world.hosts, player=-1, address=_HEALTH_ADDRESS, agent=_HEALTH_AGENT, host=np.arange(world.hosts),
        persona=Persona.SCRIPT, kind=Opening.POLL, started_at=world.day_us(day),
    )  # fmt: skip
    for name, values in added.items():
        opened[name] = np.concatenate([opened[name], values])
    if not world.health_check_s:
        return requests(0)
    times = np.arange(0, DAY_US, world.health_check_s * SECOND_US)
    count = len(times) * world.hosts
    late = np.repeat(np.arange(world.hosts), len(times)) * _HEALTH_STEP_US  # one host after the other
    checks = requests(
        count,
        session=first + np.repeat(np.arange(world.hosts), len(times)),
        action=Action.HEALTH,
        at=world.day_us(day) + np.tile(times, world.hosts) + late + dice.below(count, 3_000),
        target=world.vocabulary.start[Action.HEALTH],
    )
    answer(world, opened, checks, dice)
    return checks
