"""What people and programs do next: one Markov chain per persona, its pauses, and how a session opens.

The same model drives written logs and, one request at a time, players against a real server:
:meth:`Behaviour.step` takes arrays of any length, also of one.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from game_server.simulator.dice import TABLE_BITS, TABLE_SIZE, Array, choice_table, lognormal_table


class Action(IntEnum):
    REGISTER = 0
    LOGIN = 1
    LOAD_STATE = 2
    SAVE_STATE = 3
    TUTORIAL_START = 4
    TUTORIAL_FINISH = 5
    MATCH_START = 6
    MATCH_FINISH = 7
    LEADERBOARD = 8
    SHOP = 9
    PURCHASE = 10
    WALLET = 11
    EXPERIMENT = 12
    HEARTBEAT = 13
    EMAIL_CONSENT = 14
    UNSUBSCRIBE = 15
    REFRESH = 16
    LOGOUT = 17
    DELETE_ACCOUNT = 18
    HOME = 19
    ASSET = 20
    ROBOTS = 21
    NEWS = 22
    WIKI = 23
    THREAD = 24
    PROFILE = 25
    HEALTH = 26
    SCAN = 27
    ODD = 28


STOP = 29
_FOLLOW_CHAIN = 30  # in a script: leave it, let the chain choose


class Persona(IntEnum):
    CASUAL = 0
    REGULAR = 1
    HARDCORE = 2
    TESTER = 3
    VISITOR = 4  # nobody is logged in
    CRAWLER = 5
    SCRIPT = 6
    HEADLESS = 7
    SCANNER = 8


class Opening(IntEnum):
    """How a session begins, before the chain takes over."""

    RETURN = 0
    RETURN_EXPOSED = 1
    NEW_LEAVES = 2  # registers and goes
    NEW_STUCK = 3  # starts the tutorial and does not finish it
    NEW_DONE = 4
    DELETE = 5  # comes back to delete the account
    BROWSE = 6
    CRAWL = 7
    POLL = 8
    SCAN = 9
    SOAK = 10  # a tester's machine that stays in the game for more than a day


_A = Action
_SCRIPTS: dict[Opening, tuple[int, ...]] = {
    Opening.RETURN: (_A.LOGIN, _A.LOAD_STATE),
    Opening.RETURN_EXPOSED: (_A.LOGIN, _A.EXPERIMENT, _A.LOAD_STATE),
    Opening.NEW_LEAVES: (_A.REGISTER, _A.EXPERIMENT, STOP),
    Opening.NEW_STUCK: (_A.REGISTER, _A.EXPERIMENT, _A.TUTORIAL_START, STOP),
    Opening.NEW_DONE: (_A.REGISTER, _A.EXPERIMENT, _A.TUTORIAL_START, _A.TUTORIAL_FINISH),
    Opening.DELETE: (_A.LOGIN, _A.LOAD_STATE, _A.DELETE_ACCOUNT, STOP),
    Opening.BROWSE: (_A.HOME,),
    Opening.CRAWL: (_A.ROBOTS,),
    Opening.POLL: (_A.LEADERBOARD,),
    Opening.SCAN: (_A.SCAN,),
    Opening.SOAK: (_A.LOGIN,),
}
_SCRIPT_LENGTH = 5
SCRIPTS = np.full((len(Opening), _SCRIPT_LENGTH + 1), _FOLLOW_CHAIN, dtype=np.int64)
for _opening, _script in _SCRIPTS.items():
    SCRIPTS[_opening, : len(_script)] = _script

# What follows an action, without the chance to stop. Rows that are missing go on as after MATCH_FINISH.
_LOBBY: dict[int, float] = {
    _A.MATCH_START: 60,
    _A.SHOP: 11,
    _A.LEADERBOARD: 12,
    _A.WALLET: 5,
    _A.HEARTBEAT: 5,
    _A.EMAIL_CONSENT: 0.6,
}
_PLAY: dict[int, dict[int, float]] = {
    _A.TUTORIAL_FINISH: {_A.MATCH_START: 93, _A.SHOP: 3, _A.LEADERBOARD: 4},
    _A.MATCH_START: {_A.MATCH_FINISH: 93, _A.HEARTBEAT: 4, STOP: 3},
    _A.MATCH_FINISH: {_A.SAVE_STATE: 55, _A.MATCH_START: 28, _A.LEADERBOARD: 8, _A.SHOP: 7, _A.WALLET: 2},
    _A.SAVE_STATE: {_A.MATCH_START: 78, _A.SHOP: 8, _A.LEADERBOARD: 9, _A.WALLET: 3, _A.HEARTBEAT: 2},
    _A.SHOP: {_A.MATCH_START: 55, _A.WALLET: 14, _A.SAVE_STATE: 12, _A.LEADERBOARD: 6},
    _A.PURCHASE: {_A.WALLET: 55, _A.SAVE_STATE: 25, _A.MATCH_START: 20},
    _A.UNSUBSCRIBE: {STOP: 1},
    _A.LOGOUT: {STOP: 1},
    _A.DELETE_ACCOUNT: {STOP: 1},
    _A.HEARTBEAT: {_A.HEARTBEAT: 35, _A.MATCH_START: 45, _A.LEADERBOARD: 20},
}
_BUYS = {Persona.CASUAL: 1.5, Persona.REGULAR: 5.0, Persona.HARDCORE: 11.0, Persona.TESTER: 3.0}
_BROWSE: dict[int, float] = {
    _A.HOME: 12,
    _A.NEWS: 26,
    _A.WIKI: 24,
    _A.THREAD: 16,
    _A.PROFILE: 7,
    _A.LEADERBOARD: 10,
    _A.SHOP: 5,
}
_OTHERS: dict[Persona, tuple[dict[int, float], float]] = {  # what they do, and how many requests
    Persona.VISITOR: (_BROWSE, 3.0),
    Persona.CRAWLER: ({_A.NEWS: 30, _A.WIKI: 45, _A.THREAD: 20, _A.HOME: 3, _A.PROFILE: 12}, 20.0),
    Persona.SCRIPT: ({_A.LEADERBOARD: 80, _A.SHOP: 20}, 16.0),
    Persona.HEADLESS: ({_A.HOME: 40, _A.NEWS: 40, _A.LEADERBOARD: 20}, 4.0),
    Persona.SCANNER: ({_A.SCAN: 93, _A.ODD: 7}, 25.0),
}
_STAYS = {Persona.CASUAL: 0.8, Persona.REGULAR: 1.1, Persona.HARDCORE: 1.7, Persona.TESTER: 0.9}

# Milliseconds before an action, median and spread: a match lasts, a shop is a click away.
_PAUSES: dict[int, tuple[float, float]] = {
    _A.LOAD_STATE: (350, 0.4), _A.SAVE_STATE: (1_500, 0.6), _A.TUTORIAL_START: (6_000, 0.8),
    _A.TUTORIAL_FINISH: (95_000, 0.5), _A.MATCH_START: (9_000, 1.1), _A.MATCH_FINISH: (85_000, 0.6),
    _A.LEADERBOARD: (5_000, 1.0), _A.SHOP: (7_000, 1.0), _A.PURCHASE: (20_000, 0.9), _A.WALLET: (2_500, 0.8),
    _A.EXPERIMENT: (180, 0.4), _A.HEARTBEAT: (60_000, 0.02), _A.EMAIL_CONSENT: (8_000, 0.8),
    _A.UNSUBSCRIBE: (4_000, 0.8), _A.LOGOUT: (15_000, 1.2), _A.HOME: (12_000, 1.2), _A.NEWS: (25_000, 1.2),
    _A.WIKI: (40_000, 1.2), _A.THREAD: (45_000, 1.2), _A.PROFILE: (12_000, 1.0), _A.SCAN: (900, 0.8),
    _A.ODD: (900, 0.8), _A.DELETE_ACCOUNT: (30_000, 0.7),
}  # fmt: skip
_HASTE = {Persona.CRAWLER: 4, Persona.SCRIPT: 64, Persona.HEADLESS: 2}  # sixteenths of a person's pause
_LONGEST_PAUSE_MS = 2_400_000  # the tail crosses the half hour that ends a session, now and then
_EXACT_GAP_US = 1_800_000_000
_STEPS = len(Action)
_ONE_IN_1024 = np.uint64(1023)


class Behaviour:
    """The chains for sessions of a wanted mean length.

    requests_per_session: mean of the requests that a player's session makes of itself; openings alone make
    two to five, so that is the floor. Assets, retries and refreshed tokens come on top.
    """

    def __init__(self, requests_per_session: float) -> None:
        self._haste = np.array([_HASTE.get(p, 16) for p in Persona], dtype=np.int64)
        pauses = [_PAUSES.get(action, (1_000, 0.5)) for action in Action]
        self._pause = np.concatenate([lognormal_table(*pause, _LONGEST_PAUSE_MS) for pause in pauses])
        rows = [_chain_row(persona, action, requests_per_session) for persona in Persona for action in Action]
        self._next = np.concatenate(rows).astype(np.uint8)

    def first(self, openings: Array) -> Array:
        return np.asarray(SCRIPTS[openings, 0])

    def step(
        self, bits: Array, personas: Array, openings: Array, actions: Array, number: int
    ) -> tuple[Array, Array]:
        """The next action of each session (STOP for none) and the microseconds before it.

        bits: 64 random ones each; number: how many actions the session has had.
        """
        row = (personas.astype(np.int64) * _STEPS + actions) << TABLE_BITS
        following = self._next[row + (bits & np.uint64(TABLE_SIZE - 1)).astype(np.int64)].astype(np.int64)
        if number <= _SCRIPT_LENGTH:
            scripted = SCRIPTS[openings, number]
            following = np.where(scripted != _FOLLOW_CHAIN, scripted, following)
        soaking = openings == Opening.SOAK
        following[soaking] = Action.LEADERBOARD if number < 80 else STOP
        place = np.minimum(following, _STEPS - 1) << TABLE_BITS
        pause_ms = self._pause[place + (bits >> np.uint64(12) & np.uint64(TABLE_SIZE - 1)).astype(np.int64)]
        jitter = (bits >> np.uint64(24) & np.uint64(0x7FFFF)).astype(
            np.int64
        )  # up to half a second, in microseconds
        gaps = (pause_ms * self._haste[personas] >> 4) * 1000 + jitter
        # A tester's script waits for exactly the half hour that ends a session, or a microsecond more.
        exact = (personas == Persona.TESTER) & ((bits >> np.uint64(44) & np.uint64(31)) == 0)
        gaps[exact] = _EXACT_GAP_US + (bits[exact] >> np.uint64(50) & np.uint64(1)).astype(np.int64)
        away = (bits >> np.uint64(51) & _ONE_IN_1024) == 0
        gaps[away] += 1_000_000 * (900 + (bits[away] >> np.uint64(24) & np.uint64(2047)).astype(np.int64))
        gaps[soaking] = 1_100_000_000 + jitter[soaking] * 1_000
        return following, gaps


def _chain_row(persona: Persona, action: int, requests_per_session: float) -> Array:
    """The 4,096 equally likely followers of an action."""
    if persona in _OTHERS:
        weights, stay = _OTHERS[persona]
        stop = 1.0 / max(1.0, stay * min(1.0, requests_per_session / 6))
    else:
        weights = dict(_PLAY.get(action, _LOBBY))
        stop = 1.0 / max(1.3, requests_per_session * _STAYS[persona] - 2.0)
        if action == Action.SHOP:
            weights[Action.PURCHASE] = _BUYS[persona]
        if action == Action.TUTORIAL_FINISH:  # who got this far wants to play, however short the sessions are
            stop = min(stop, 0.05)
        elif action in (Action.MATCH_START, Action.EXPERIMENT):  # who stops here is in the weights
            stop = 0.0
    total = sum(weights.values())
    chances = {following: weight / total * (1.0 - stop) for following, weight in weights.items()}
    chances[STOP] = chances.get(STOP, 0.0) + stop
    if persona not in _OTHERS and action not in (Action.LOGOUT, Action.DELETE_ACCOUNT, Action.UNSUBSCRIBE):
        chances[Action.LOGOUT] = 0.12 * chances[STOP]
        chances[Action.UNSUBSCRIBE] = 0.01 * chances[STOP]
        chances[STOP] *= 0.87
    return choice_table(list(chances.values()), list(chances))
