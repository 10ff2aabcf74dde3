"""What things cost and earn in the game: the money side of requests that are in the logs.

A purchase's article and amount follow from the request itself (its id), so that the logs, a later export and
its truth agree without being written together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from game_server.simulator.behaviour import Action
from game_server.simulator.catalogue import COUNTRY_CODES
from game_server.simulator.dice import Array, choice_table, mix
from game_server.simulator.rows import Columns, Traffic


@dataclass(frozen=True)
class Article:
    """Something on sale: price in millionths of each currency, coins that it puts into the wallet."""

    sku: str
    usd_micros: int
    eur_micros: int
    coins: int


ARTICLES = (
    Article("coins-small", 990_000, 990_000, 500),
    Article("coins-large", 4_990_000, 4_990_000, 3_000),
    Article("skin-ember", 2_990_000, 2_990_000, 0),
    Article("starter-pack", 1_990_000, 1_790_000, 1_200),
    Article("coins-chest", 19_990_000, 18_990_000, 14_000),
)
_ARTICLE_TABLE = choice_table([46, 20, 16, 14, 4])
_EURO = np.array([code in ("DE", "FR") for code in COUNTRY_CODES])
TUTORIAL_COINS = 100
_MATCH_COINS = choice_table([50, 30, 15, 5], [10, 20, 35, 80])
_UPGRADE_SHARE = 40  # percent of a match's coins that the save after it spends


def purchases(traffic: Traffic) -> Columns:
    """Purchases that went through: player, at, article (number in ARTICLES), is_euro, amount_micros,
    request's tail.
    """
    rows = _known(traffic, Action.PURCHASE)
    article = _ARTICLE_TABLE[mix(rows["tail"] ^ rows["at"].astype(np.uint64)) >> np.uint64(52)]
    is_euro = _EURO[traffic.sessions["country"][rows["session"]]]
    dollars = np.array([a.usd_micros for a in ARTICLES])[article]
    euros = np.array([a.eur_micros for a in ARTICLES])[article]
    return {
        "player": traffic.sessions["player"][rows["session"]],
        "at": rows["at"],
        "article": article,
        "is_euro": is_euro,
        "amount_micros": np.where(is_euro, euros, dollars),
        "tail": rows["tail"],
    }


def ledger(traffic: Traffic) -> Columns:
    """Changes of wallets by what was played and bought: player, at, coins. Never negative in sum: what a
    match earns comes in before a part of it is spent, half a second later.
    """
    matches = _known(traffic, Action.MATCH_FINISH)
    earned = _MATCH_COINS[mix(matches["tail"] ^ matches["at"].astype(np.uint64)) >> np.uint64(52)]
    upgrades = mix(matches["tail"] + np.uint64(1)) >> np.uint64(62) == 0
    tutorials = _known(traffic, Action.TUTORIAL_FINISH)
    bought = purchases(traffic)
    coins = np.array([a.coins for a in ARTICLES])[bought["article"]]
    players = traffic.sessions["player"]
    return {
        "player": np.concatenate(
            [
                players[matches["session"]],
                players[matches["session"][upgrades]],
                players[tutorials["session"]],
                bought["player"],
            ]
        ),
        "at": np.concatenate(
            [
                matches["at"],
                matches["at"][upgrades] + 500_000,
                tutorials["at"],
                bought["at"],
            ]
        ),
        "coins": np.concatenate(
            [
                earned,
                -(earned[upgrades] * _UPGRADE_SHARE // 100),
                np.full(len(tutorials["at"]), TUTORIAL_COINS),
                coins,
            ]
        ),
    }


def _known(traffic: Traffic, action: Action) -> dict[str, Array]:
    """A logged-in player's requests of an action that were answered well."""
    rows = traffic.requests
    chosen = (rows["action"] == action) & rows["is_known"] & (rows["status"] < 400) & (rows["damage"] == 0)
    return {name: values[chosen] for name, values in rows.items()}
