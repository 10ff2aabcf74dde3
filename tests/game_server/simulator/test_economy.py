"""The money side of the simulated game, and the behaviour model one request at a time."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

import numpy as np
import pytest

from game_server.simulator import variant_of
from game_server.simulator.behaviour import STOP, Action, Behaviour, Opening, Persona
from game_server.simulator.dice import Dice
from game_server.simulator.economy import ARTICLES, ledger, purchases
from game_server.simulator.population import Population
from game_server.simulator.rows import Traffic
from game_server.simulator.simulate import days_of_traffic
from game_server.simulator.story import Story
from game_server.simulator.world import World


@pytest.fixture(scope="module")
def traffic() -> list[Traffic]:
    world = World(seed=3, players=150, start=date(2026, 8, 1))
    population = Population(3, 150, Story(), 5, is_plain_id=False)
    return [day for _, day in days_of_traffic(world, 4, population)]


def test_each_purchase_in_the_log_has_an_article_and_its_price(traffic: list[Traffic]) -> None:
    bought = 0
    for day in traffic:
        rows = day.requests
        well = (rows["action"] == Action.PURCHASE) & (rows["status"] == 201) & (rows["damage"] == 0)
        found = purchases(day)
        assert sorted(found["at"].tolist()) == sorted(rows["at"][well].tolist())
        for article, is_euro, amount in zip(
            *(found[name].tolist() for name in ("article", "is_euro", "amount_micros")), strict=True
        ):
            wanted = ARTICLES[article]
            assert amount == (wanted.eur_micros if is_euro else wanted.usd_micros)
        bought += len(found["at"])
    assert bought > 10


def test_a_wallet_is_never_negative(traffic: list[Traffic]) -> None:
    wallets: dict[int, int] = defaultdict(int)
    spent = 0
    for day in traffic:
        changes = ledger(day)
        order = np.argsort(changes["at"], kind="stable")
        players, amounts = changes["player"][order].tolist(), changes["coins"][order].tolist()
        for player, coins in zip(players, amounts, strict=True):
            wallets[player] += coins
            spent += coins < 0
            assert wallets[player] >= 0
    assert spent > 50


def test_one_session_can_be_stepped_alone() -> None:
    behaviour, dice = Behaviour(10), Dice(1, 99)
    persona, opening = np.array([Persona.REGULAR]), np.array([Opening.NEW_DONE])
    action = behaviour.first(opening)
    actions = [int(action[0])]
    while actions[-1] != STOP and len(actions) < 600:
        action, gap = behaviour.step(dice.bits(1), persona, opening, action, len(actions))
        assert gap[0] > 0
        actions.append(int(action[0]))
    assert actions[:4] == [Action.REGISTER, Action.EXPERIMENT, Action.TUTORIAL_START, Action.TUTORIAL_FINISH]
    assert actions[-1] == STOP


def test_many_sessions_stepped_together_walk_as_each_would_alone() -> None:
    behaviour, bits = Behaviour(10), Dice(1, 98).bits(200)
    personas = np.arange(200) % 4
    openings, actions = np.full(200, Opening.RETURN), np.full(200, Action.MATCH_FINISH)
    together = behaviour.step(bits, personas, openings, actions, 9)
    for n in range(200):
        one = slice(n, n + 1)
        alone = behaviour.step(bits[one], personas[one], openings[one], actions[one], 9)
        assert [int(values[0]) for values in alone] == [int(values[n]) for values in together]


def test_variants_are_assigned_by_a_stable_hash() -> None:
    # Computed with sha256sum and the shell.
    assert [variant_of("daily-gift", f"p_{n}", 2) for n in range(8)] == [0, 1, 0, 1, 0, 0, 1, 0]
    assert 450 < sum(variant_of("other", str(n), 2) for n in range(1000)) < 550
