"""What can be asked for: the game's routes, the pages of its site, and what scanners try.

``route`` and ``event`` are what the game server's own rules call a request; ``folded`` is the name that a
request has where there are no rules (method and path of at most four segments, ids folded).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from game_server.simulator.behaviour import Action
from game_server.simulator.dice import Array

A = Action


@dataclass(frozen=True)
class Route:
    method: str
    template: str
    event: str | None
    is_activity: bool = True


ROUTES: dict[Action, Route] = {
    A.REGISTER: Route("POST", "/v1/players", "register"),
    A.LOGIN: Route("POST", "/v1/sessions", "login"),
    A.LOAD_STATE: Route("GET", "/v1/players/{player_id}/state", "load_state"),
    A.SAVE_STATE: Route("PUT", "/v1/players/{player_id}/state", "save_state"),
    A.TUTORIAL_START: Route("POST", "/v1/tutorial/start", "tutorial_start"),
    A.TUTORIAL_FINISH: Route("POST", "/v1/tutorial/finish", "tutorial_finish"),
    A.MATCH_START: Route("POST", "/v1/matches", "match_start"),
    A.MATCH_FINISH: Route("POST", "/v1/matches/{match_id}/finish", "match_finish"),
    A.LEADERBOARD: Route("GET", "/v1/leaderboards/{board}", "leaderboard_view"),
    A.SHOP: Route("GET", "/v1/shop", "shop_view"),
    A.PURCHASE: Route("POST", "/v1/purchases", "purchase"),
    A.WALLET: Route("GET", "/v1/wallet", "wallet_view"),
    A.EXPERIMENT: Route("GET", "/v1/experiments/{experiment}", "experiment_exposure"),
    A.HEARTBEAT: Route("POST", "/v1/heartbeat", None, is_activity=False),
    A.EMAIL_CONSENT: Route("PUT", "/v1/email-consent", "email_consent"),
    A.UNSUBSCRIBE: Route("POST", "/v1/unsubscribe", None, is_activity=False),
    A.REFRESH: Route("POST", "/v1/sessions/refresh", None, is_activity=False),
    A.LOGOUT: Route("DELETE", "/v1/sessions", "logout"),
    A.DELETE_ACCOUNT: Route("DELETE", "/v1/players/{player_id}", "delete_account"),
    A.HEALTH: Route("GET", "/health", None, is_activity=False),
    A.ROBOTS: Route("GET", "/robots.txt", None, is_activity=False),
}
# The file names of the game's assets, with the bytes of each.
ASSETS: tuple[tuple[str, int], ...] = (
    ("/assets/game.4f1c9a72.js", 148_210),
    ("/assets/style.b7d01e44.css", 18_422),
    ("/assets/sprites.92ac.png", 211_904),
    ("/favicon.ico", 4_286),
    ("/assets/engine.0be7d1c5.js", 96_033),
    ("/assets/theme.6c5f.ogg", 402_118),
    ("/assets/font.e81b.woff2", 31_540),
    ("/assets/levels/forest/tiles/1.png", 40_112),
    ("/assets/levels/desert/tiles/2.png", 38_907),
    ("/assets/levels/castle/tiles/3.png", 44_870),
)
_NOUNS = ("relic", "forest", "tower", "shield", "dragon", "harbour", "ember", "frost", "crown", "bridge")
_SCANS = (
    "/wp-login.php",
    "/.env",
    "/phpmyadmin/index.php",
    "/.git/config",
    "/admin/",
    "/xmlrpc.php",
    "/cgi-bin/luci",
    "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
    "/solr/admin/info/system",
    "/boaform/admin/formLogin",
    "/wp-content/plugins/x/readme.txt",
    "/backup.zip",
    "/.aws/credentials",
    "/actuator/health",
    "/%2e%2e/etc/passwd",
)
# Not requests at all: method and path are missing for whoever reads them.
ODD_REQUESTS = ("-", "\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xFC\\x03\\x03", "\\x03\\x00\\x00/*\\xE0\\x00")

Line = tuple[Action, str, str, str | None]


def _lines(experiment: str) -> list[Line]:
    campaigns = (
        "",
        "utm_source=creator&utm_campaign=summer-trailer",
        "utm_source=newsletter&utm_campaign=august-news",
        "utm_source=ads&utm_campaign=launch-week",
    )
    found: list[Line] = []
    for action in (A.REGISTER, A.LOGIN):
        found += [(action, "POST", ROUTES[action].template, query or None) for query in campaigns]
    found += [(A.HOME, "GET", "/", query or None) for query in campaigns]
    found.append((A.HOME, "GET", "/index.html", None))
    for action in (
        A.TUTORIAL_START,
        A.TUTORIAL_FINISH,
        A.MATCH_START,
        A.PURCHASE,
        A.WALLET,
        A.HEARTBEAT,
        A.EMAIL_CONSENT,
        A.UNSUBSCRIBE,
        A.REFRESH,
        A.LOGOUT,
        A.HEALTH,
        A.ROBOTS,
    ):
        found.append((action, ROUTES[action].method, ROUTES[action].template, None))
    for query in (None, "limit=50", "limit=50&offset=50", "around=me"):
        found += [
            (A.LEADERBOARD, "GET", f"/v1/leaderboards/{board}", query) for board in ("weekly", "all-time")
        ]
    found += [
        (A.SHOP, "GET", "/v1/shop", query) for query in (None, "currency=EUR", "tab=skins", "tab=coins")
    ]
    found.append((A.EXPERIMENT, "GET", f"/v1/experiments/{experiment}", None))
    found += [(A.ASSET, "GET", path, None) for path, _ in ASSETS]
    found += [(A.NEWS, "GET", f"/news/{a}-of-the-{b}", None) for a in _NOUNS[:5] for b in _NOUNS]
    found += [
        (A.WIKI, "GET", f"/wiki/{a}/{b}", "lang=en" if (i + j) % 9 == 0 else None)
        for i, a in enumerate(_NOUNS)
        for j, b in enumerate(_NOUNS)
    ]
    found += [
        (A.THREAD, "GET", f"/forum/thread/{1000 + 37 * i}", f"page={i % 7}" if i % 3 == 0 else None)
        for i in range(1500)
    ]
    found += [
        (A.PROFILE, "GET", f"/u/{0x9E3779B1 * (i + 1) & 0xFFFFFFFF | 0x80000000:08x}", None)
        for i in range(800)
    ]
    found += [
        (A.SCAN, "GET" if i % 4 else "HEAD", path, "id=1%27" if i % 5 == 0 else None)
        for i, path in enumerate(_SCANS)
    ]
    return found


class Vocabulary:
    """All request targets that do not hold an id, as a table, and where each action's lie in it."""

    def __init__(self, experiment: str) -> None:
        lines = sorted(_lines(experiment), key=lambda line: line[0])
        odd = [(A.ODD, "", request, None) for request in ODD_REQUESTS]
        lines += odd
        self.actions = np.array([line[0] for line in lines], dtype=np.int64)
        self.table = targets([m for _, m, _, _ in lines], [p for _, _, p, _ in lines], [q for *_, q in lines])
        kinds = np.arange(len(Action))
        self.start = np.searchsorted(self.actions, kinds)
        self.count = np.searchsorted(self.actions, kinds, side="right") - self.start
        self.campaign_query = np.array(
            [0, 0, 0, 1, 2, 3, 0]
        )  # which of an action's first four a campaign uses
        self.folded = [fold(m, p) if m else None for _, m, p, _ in lines]
        self.asset_sizes = np.array([size for _, size in ASSETS], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.actions)

    def choose(self, bits: Array, actions: Array) -> Array:
        """A target for each action that has any, low numbers more often (the square of an even draw)."""
        even = bits >> np.uint64(40)
        skewed = (even * even >> np.uint64(24)).astype(np.int64)
        return np.asarray(self.start[actions] + (skewed * self.count[actions] >> 24))


TARGETS = pa.schema([("method", pa.string()), ("path", pa.string()), ("query", pa.string())])


def targets(methods: object, paths: object, queries: object) -> pa.Table:
    return pa.table([methods, paths, queries], schema=TARGETS)


_FOLDED = re.compile(
    r"[0-9]+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-fA-F]{8,}|.{33,}", re.ASCII
)


def fold(method: str, path: str) -> str:
    """Name of a request where no rules name it."""
    segments = [segment for segment in path.split("/") if segment][:4]
    return f"{method} /" + "/".join("{id}" if _FOLDED.fullmatch(s) else s for s in segments)
