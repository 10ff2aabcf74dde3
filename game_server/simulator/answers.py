"""How the servers answer: status, time taken and bytes, by what was asked and by the story."""

from __future__ import annotations

import numpy as np

from game_server.simulator.behaviour import Action
from game_server.simulator.dice import TABLE_BITS, Array, Dice, choice_table, lognormal_table
from game_server.simulator.rows import Columns
from game_server.simulator.world import World

A = Action

# Status when all is well, median milliseconds, median bytes.
_NORMAL: dict[Action, tuple[int, float, int]] = {
    A.REGISTER: (201, 46, 310), A.LOGIN: (200, 38, 420), A.LOAD_STATE: (200, 14, 2_400),
    A.SAVE_STATE: (200, 19, 64), A.TUTORIAL_START: (200, 11, 180), A.TUTORIAL_FINISH: (200, 13, 150),
    A.MATCH_START: (201, 17, 260), A.MATCH_FINISH: (200, 28, 340), A.LEADERBOARD: (200, 9, 3_900),
    A.SHOP: (200, 8, 5_200), A.PURCHASE: (201, 74, 210), A.WALLET: (200, 7, 96), A.EXPERIMENT: (200, 5, 72),
    A.HEARTBEAT: (204, 2, 0), A.EMAIL_CONSENT: (200, 21, 48), A.UNSUBSCRIBE: (200, 18, 1_100),
    A.REFRESH: (200, 12, 380), A.LOGOUT: (204, 9, 0), A.DELETE_ACCOUNT: (204, 60, 0), A.HOME: (200, 3, 6_214),
    A.ASSET: (200, 2, 0), A.ROBOTS: (200, 2, 118), A.NEWS: (200, 24, 14_300), A.WIKI: (200, 26, 11_800),
    A.THREAD: (200, 31, 18_700), A.PROFILE: (200, 22, 7_400), A.HEALTH: (200, 1, 15), A.SCAN: (404, 2, 162),
    A.ODD: (400, 1, 150),
}  # fmt: skip
_STATUS = np.array([_NORMAL[a][0] for a in A], dtype=np.int64)
_DURATIONS = np.concatenate([lognormal_table(_NORMAL[a][1] * 1000, 0.55, 30_000_000) for a in A])
_SIZES = np.concatenate([lognormal_table(_NORMAL[a][2], 0.35) if _NORMAL[a][2] > 100 else
                         lognormal_table(max(_NORMAL[a][2], 0.001), 0.0) for a in A])  # fmt: skip
_SIZES_LEAN = np.array([_NORMAL[a][2] for a in A], dtype=np.int64)
_ERRORS = choice_table([5, 2, 9, 3], [500, 502, 503, 504])
_SCANS = choice_table([86, 5, 5, 4], [404, 403, 400, 405])
_ODDS = choice_table([8, 2], [400, 408])
_ERROR_RATIO = 0.003
_NEVER_FAILS = np.isin(np.arange(len(A)), (A.REGISTER, A.LOGIN, A.SCAN, A.ODD, A.HEALTH, A.ROBOTS))
_CONFLICTS = np.isin(np.arange(len(A)), (A.SAVE_STATE, A.PURCHASE))
_CAN_MISS = np.isin(np.arange(len(A)), (A.MATCH_FINISH, A.NEWS, A.WIKI, A.THREAD, A.PROFILE))


def answer(world: World, sessions: Columns, rows: Columns, dice: Dice) -> None:
    """Set status, duration and size of each request."""
    action = rows["action"].astype(np.int64)
    count = len(action)
    slow = sessions["is_slow"][rows["session"]] & (action <= A.DELETE_ACCOUNT)
    status = _STATUS[action]
    luck = dice.bits(count)

    def chance(shift: int, probability: float | Array) -> Array:
        threshold = np.asarray(np.floor(np.asarray(probability) * 4096.0)).astype(np.int64)
        return np.asarray((luck >> np.uint64(shift) & np.uint64(4095)).astype(np.int64) < threshold)

    status = np.where(_CAN_MISS[action] & chance(0, 0.004), 404, status)
    status = np.where(_CONFLICTS[action] & chance(12, 0.012), 409, status)
    status = np.where((action == A.PURCHASE) & chance(24, 0.01), 403, status)
    status = np.where(action == A.SCAN, _SCANS[luck >> np.uint64(52)], status)
    status = np.where(action == A.ODD, _ODDS[luck >> np.uint64(52)], status)
    fails = chance(36, np.where(slow, world.story.slow_error_ratio, _ERROR_RATIO)) & ~_NEVER_FAILS[action]
    rows["status"][:] = np.where(fails, _ERRORS[luck >> np.uint64(52)], status)
    rows["duration"][:] = durations(action, dice.bits(count)) * np.where(slow, world.story.slow_factor, 1)
    rows["size"][:] = sizes(world, action, rows["status"], dice.bits(count))


def durations(action: Array, bits: Array) -> Array:
    """Microseconds."""
    return np.asarray(
        _DURATIONS[(action << TABLE_BITS) + (bits >> np.uint64(52)).astype(np.int64)]
        + (bits & np.uint64(63)).astype(np.int64)
    )


def sizes(world: World, action: Array, status: Array, bits: Array) -> Array:
    """Bytes of the body; errors are short, 204 and 304 have none."""
    normal = (
        _SIZES_LEAN[action]
        if world.is_lean
        else _SIZES[(action << TABLE_BITS) + (bits >> np.uint64(52)).astype(np.int64)]
    )
    normal = np.where((status >= 400) & (action != A.SCAN), 92, normal)
    return np.asarray(np.where((status == 204) | (status == 304), 0, normal))
