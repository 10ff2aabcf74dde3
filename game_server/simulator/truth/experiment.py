"""What the planted experiment did: players by variant, and who came back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from game_server.simulator.dice import Array
from game_server.simulator.truth.book import player_of
from game_server.simulator.truth.chains import Chains


def exposures(
    chains: Chains, events: list[str], variant: Array, variants: Sequence[str]
) -> dict[str, dict[str, dict[str, int]]]:
    """By variant: exposed players; for days 1 and 7 after the first exposure, of those whose day lies in the
    log (``players``), how many were active on it (``returned``).
    """
    rows = chains.rows
    exposed = np.flatnonzero(rows["is_kept"] & (rows["event"] == events.index("experiment_exposure")))
    actor, first = np.unique(rows["actor"][exposed], return_index=True)
    day = rows["day"][exposed[first]]
    of_actor = variant[player_of(chains.codes[actor])]
    active = np.unique(chains.player_days["actor"] << 24 | chains.player_days["day"])
    found: dict[str, dict[str, dict[str, int]]] = {}
    for number, name in enumerate(variants):
        mine = of_actor == number
        found[name] = {"exposed": {"players": int(mine.sum())}}
        for later in (1, 7):
            inside = mine & (day + later <= chains.last_day)
            returned = np.isin(actor[inside] << 24 | (day[inside] + later), active)
            found[name][f"day_{later}"] = {"players": int(inside.sum()), "returned": int(returned.sum())}
    return found
