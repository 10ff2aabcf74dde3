"""The requests of a day: all sessions walk their chains together, then each request gets its answer."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from game_server.simulator import catalogue
from game_server.simulator.answers import answer
from game_server.simulator.behaviour import STOP, Action, Persona
from game_server.simulator.dice import Array, Dice
from game_server.simulator.extras import with_extras
from game_server.simulator.openings import open_sessions
from game_server.simulator.population import DayPlan, player_ids
from game_server.simulator.rows import EDGE, ODD, ORIGIN, Columns, Traffic, requests
from game_server.simulator.vocabulary import targets
from game_server.simulator.world import World

_WALK = 4  # stream of draws
_LONGEST_WALK = 600
_NO_LOGIN = (
    Action.HOME,
    Action.ASSET,
    Action.ROBOTS,
    Action.NEWS,
    Action.WIKI,
    Action.THREAD,
    Action.PROFILE,
    Action.UNSUBSCRIBE,
    Action.SCAN,
    Action.ODD,
    Action.HEALTH,
)
_PAGES = (Action.HOME, Action.ASSET, Action.NEWS, Action.WIKI, Action.THREAD, Action.PROFILE)
IS_OPEN = np.isin(np.arange(len(Action)), _NO_LOGIN)  # answered without a token
IS_PAGE = np.isin(np.arange(len(Action)), _PAGES)  # served by the CDN, from the origin only on a miss


def day_traffic(world: World, plan: DayPlan) -> Traffic:
    """All requests of the sessions that begin on a day; some come in after its midnight."""
    dice = Dice(world.seed, _WALK, plan.day)
    opened = open_sessions(world, plan)
    session, action, at, match = _walk(world, opened, dice)
    skipped = (action == Action.EXPERIMENT) & ~_exposed(plan, opened)[session]
    if skipped.any():
        session, action, at, match = (values[~skipped] for values in (session, action, at, match))
    rows = requests(len(session), session=session, action=action, at=at)
    people = opened["player"][session] >= 0
    rows["is_known"] = people & ~IS_OPEN[action]
    _aim(world, plan, opened, rows, match, dice)
    answer(world, opened, rows, dice)
    rows = with_extras(world, plan.day, opened, rows, dice)
    _place(rows, dice)
    return Traffic(opened, rows, _day_targets(world, plan, at, action, match), len(world.vocabulary))


def _exposed(plan: DayPlan, opened: Columns) -> Array:
    """Which sessions are of players that the experiment has taken in."""
    players = plan.players[plan.is_exposed]
    return np.isin(opened["player"], players)


def _walk(world: World, opened: Columns, dice: Dice) -> tuple[Array, Array, Array, Array]:
    """Session, action, time and number of the match (-1 for none) of each request, step by step."""
    behaviour = world.behaviour
    live = np.arange(len(opened["player"]))
    persona, opening = opened["persona"].astype(np.int64), opened["kind"].astype(np.int64)
    action, at = behaviour.first(opening), opened["started_at"]
    match = np.full(len(live), -1, dtype=np.int64)
    matches = 0
    steps: list[tuple[Array, Array, Array, Array]] = []
    for number in range(1, _LONGEST_WALK):
        starts = action == Action.MATCH_START
        begun = int(starts.sum())
        match[starts] = np.arange(matches, matches + begun)
        matches += begun
        steps.append((live, action, at, np.where(starts | (action == Action.MATCH_FINISH), match, -1)))
        action, gaps = behaviour.step(dice.bits(len(live)), persona, opening, action, number)
        goes_on = np.flatnonzero(action != STOP)
        if not len(goes_on):
            break
        live, persona, opening, match = live[goes_on], persona[goes_on], opening[goes_on], match[goes_on]
        action, at = action[goes_on], at[goes_on] + gaps[goes_on]
    session, actions, times, numbers = (np.concatenate(column) for column in zip(*steps, strict=True))
    return session, actions, times, numbers


def _aim(world: World, plan: DayPlan, opened: Columns, rows: Columns, match: Array, dice: Dice) -> None:
    """Set what each request asks for and where it says that it comes from."""
    vocabulary, session, action = world.vocabulary, rows["session"], rows["action"].astype(np.int64)
    target = vocabulary.choose(dice.bits(len(session)), action)
    campaign = opened["campaign"][session]
    with_campaign = np.isin(action, (Action.REGISTER, Action.LOGIN, Action.HOME))
    first = vocabulary.start[action] + np.where(
        rows["at"] == opened["started_at"][session], vocabulary.campaign_query[campaign], 0
    )
    target = np.where(with_campaign, first, target)

    fixed, people = len(vocabulary), len(plan.players)
    place = np.searchsorted(plan.players, opened["player"][session]) + fixed
    for kind, wanted in enumerate((Action.LOAD_STATE, Action.SAVE_STATE, Action.DELETE_ACCOUNT)):
        target = np.where(action == wanted, place + kind * people, target)
    target = np.where(action == Action.MATCH_FINISH, fixed + 3 * people + match, target)
    rows["target"] = target

    strays = (session % 7 == 0) & (not world.is_lean)
    page = catalogue.FIRST_OWN_PAGE + np.where(strays, session // 7 % len(catalogue.OWN_PAGES), 0)
    programs = opened["persona"][session] >= Persona.CRAWLER
    is_first = rows["at"] == opened["started_at"][session]
    sends_none = (session % 3 == 1) & (action <= Action.DELETE_ACCOUNT) & (not world.is_lean)
    rows["referrer"][:] = np.where(is_first, campaign, np.where(programs | sends_none, 0, page))


def _day_targets(world: World, plan: DayPlan, at: Array, action: Array, match: Array) -> pa.Table:
    """The targets that hold ids: a player's state (read, written), his account, and each match's end."""
    ids = pa.array(player_ids(plan.columns["number"], world.is_plain_id), pa.string())
    account = pc.binary_join_element_wise("/v1/players/", ids, "")
    state = pc.binary_join_element_wise(account, "/state", "")
    starts = np.flatnonzero(action == Action.MATCH_START)
    finish = pc.binary_join_element_wise(
        "/v1/matches/", _match_ids(world, plan.day, at[starts], match[starts]), "/finish", ""
    )
    people, matches = len(ids), len(starts)
    counts = (("GET", people), ("PUT", people), ("DELETE", people), ("POST", matches))
    methods = pa.concat_arrays([pa.repeat(word, count) for word, count in counts])
    return targets(
        methods,
        pa.concat_arrays([state, state, account, finish]),
        pa.nulls(3 * people + matches, pa.string()),
    )


def _match_ids(world: World, day: int, at: Array, match: Array) -> pa.Array:
    """A UUID for each match: its start in milliseconds (not in lean worlds), day and number."""
    at_ms = np.zeros(len(match), dtype=np.int64)
    if not world.is_lean:
        at_ms[match] = at // 1000
    numbers = np.arange(len(match)) * (1 if world.is_lean else 2_654_435_761) & 0xFFFFFFFF
    texts = [
        f"{ms >> 16:08x}-{ms & 65_535:04x}-7{day & 4095:03x}-8000-0000{number:08x}"
        for ms, number in zip(at_ms.tolist(), numbers.tolist(), strict=True)
    ]
    return pa.array(texts, pa.string())


def _place(rows: Columns, dice: Dice) -> None:
    """Say which machines see each request."""
    action = rows["action"].astype(np.int64)
    layer = np.full(len(action), ORIGIN | EDGE, dtype=np.int8)
    layer[IS_PAGE[action] & ~dice.happens(len(action), 0.05)] = EDGE
    layer[action == Action.HEALTH] = ORIGIN
    layer[action == Action.ODD] = ORIGIN | ODD
    rows["layer"] = layer
