"""Who asks and from where: user agents, countries, addresses, referrers and campaigns of the simulated world.

Addresses come from ranges that belong to nobody (RFC 6598 shared space 100.64.0.0/10, RFC 3849 documentation
2001:db8::/32), so that no simulated log points at a person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from game_server.simulator.dice import Array, choice_table

SITE = "https://game.example"
HOST_NAME = "game.example"

# Code, hours ahead of UTC, share.
COUNTRIES: tuple[tuple[str, int, float], ...] = (
    ("US", -5, 0.26),
    ("DE", 1, 0.12),
    ("BR", -3, 0.11),
    ("GB", 0, 0.09),
    ("IN", 5, 0.09),
    ("JP", 9, 0.08),
    ("FR", 1, 0.07),
    ("PL", 1, 0.05),
    ("MX", -6, 0.05),
    ("AU", 10, 0.04),
    ("KR", 9, 0.02),
    ("ZA", 2, 0.02),
)
COUNTRY_TABLE = choice_table([share for _, _, share in COUNTRIES])
COUNTRY_CODES = [code for code, _, _ in COUNTRIES]
COUNTRY_OFFSETS_S = np.array([hours * 3600 for _, hours, _ in COUNTRIES], dtype=np.int64)

# Share of sessions that start in each local hour: a dip at night, a first top at noon, the evening's at nine.
_HOURS = (14, 8, 4, 2, 2, 3, 8, 18, 26, 28, 30, 36, 48, 46, 38, 38, 44, 54, 66, 78, 90, 92, 70, 36)
HOUR_TABLE = choice_table(_HOURS)


@dataclass(frozen=True)
class UserAgent:
    text: str
    platform: str
    reason: str | None = None  # why it is a bot
    weight: float = 1.0


_KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_IOS_KIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_MAC = "Macintosh; Intel Mac OS X 10_15_7"
_PHONES = ("Pixel 7", "Pixel 8", "SM-S918B", "SM-A546B", "SM-G991U", "M2101K6G", "CPH2449", "moto g(60)")


def _browsers() -> list[UserAgent]:
    found: list[UserAgent] = []
    for version in range(124, 140):
        recent = 1.0 + (version - 124) * 0.35
        windows = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_KIT} Chrome/{version}.0.0.0 Safari/537.36"
        found += [
            UserAgent(windows, "windows", weight=3 * recent),
            UserAgent(f"{windows} Edg/{version}.0.0.0", "windows", weight=0.8 * recent),
            UserAgent(
                f"Mozilla/5.0 ({_MAC}) {_KIT} Chrome/{version}.0.0.0 Safari/537.36",
                "macos",
                weight=recent,
            ),
            UserAgent(
                f"Mozilla/5.0 (X11; Linux x86_64) {_KIT} Chrome/{version}.0.0.0 Safari/537.36",
                "linux",
                weight=0.4 * recent,
            ),
            UserAgent(
                f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {_KIT} Chrome/{version}.0.0.0 Safari/537.36",
                "chromeos",
                weight=0.2 * recent,
            ),
            UserAgent(
                f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{version}.0) Gecko/20100101 "
                f"Firefox/{version}.0",
                "windows",
                weight=2.4 * recent,
            ),
        ]
        for place, phone in enumerate(_PHONES):
            found.append(
                UserAgent(
                    f"Mozilla/5.0 (Linux; Android {11 + place % 5}; {phone}) {_KIT} "
                    f"Chrome/{version}.0.0.0 Mobile Safari/537.36",
                    "android",
                    weight=0.5 * recent,
                )
            )
    for release in ("16_7", "17_2", "17_4", "17_5", "17_6", "18_0", "18_1", "18_2"):
        number = release.replace("_", ".")
        for device, share in (("iPhone; CPU iPhone", 7.0), ("iPad; CPU", 2.0)):
            found.append(
                UserAgent(
                    f"Mozilla/5.0 ({device} OS {release} like Mac OS X) {_IOS_KIT} "
                    f"Version/{number} Mobile/15E148 Safari/604.1",
                    "ios",
                    weight=share,
                )
            )
        found.append(
            UserAgent(
                f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_IOS_KIT} Version/{number} "
                "Safari/605.1.15",
                "macos",
                weight=1.5,
            )
        )
    found.append(UserAgent(f"Mozilla/5.0 (PlayStation; PlayStation 5/2.26) {_IOS_KIT}", "other", weight=0.6))
    return found


_BOTS = [
    UserAgent("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "other", "crawler"),
    UserAgent("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "other", "crawler"),
    UserAgent("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "other", "crawler"),
    UserAgent(
        "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)", "other", "crawler"
    ),
    UserAgent(
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; "
        "+https://openai.com/gptbot)",
        "other",
        "crawler",
    ),
    UserAgent("python-requests/2.32.3", "other", "library"),
    UserAgent("curl/8.5.0", "other", "library"),
    UserAgent("Go-http-client/2.0", "other", "library"),
    UserAgent("Wget/1.21.4", "other", "library"),
    UserAgent("ELB-HealthChecker/2.0", "other", "health_check"),
    UserAgent(
        f"Mozilla/5.0 (X11; Linux x86_64) {_KIT} HeadlessChrome/126.0.0.0 Safari/537.36", "linux", "headless"
    ),
]
MISSING = UserAgent("-", "(none)")
EMPTY = UserAgent("", "(none)")

USER_AGENTS: tuple[UserAgent, ...] = (*_browsers(), *_BOTS, MISSING, EMPTY)
REASONS = ("crawler", "library", "health_check", "headless")
UA_REASON = np.array([REASONS.index(u.reason) + 1 if u.reason else 0 for u in USER_AGENTS], dtype=np.int8)
PLATFORMS = ("android", "ios", "windows", "macos", "linux", "chromeos", "other", "(none)")
UA_PLATFORM = np.array([PLATFORMS.index(u.platform) for u in USER_AGENTS], dtype=np.int8)


def agents_of(reason: str | None) -> Array:
    """Table that draws one of the user agents of a kind of bot, or a browser's for None."""
    chosen = [i for i, u in enumerate(USER_AGENTS) if u.reason == reason and u.platform != "(none)"]
    return choice_table([USER_AGENTS[i].weight for i in chosen], chosen)


BROWSER_TABLE = agents_of(None)
NO_AGENT = USER_AGENTS.index(MISSING)
EMPTY_AGENT = USER_AGENTS.index(EMPTY)

CAMPAIGNS: tuple[tuple[str, str, str], ...] = (  # referrer, utm_source, utm_campaign
    ("-", "", ""),
    ("https://www.google.com/", "", ""),
    ("https://old.reddit.com/r/webgames/", "", ""),
    ("https://www.youtube.com/", "creator", "summer-trailer"),
    ("https://t.example.net/l/8s2k", "newsletter", "august-news"),
    ("https://ads.example.org/click", "ads", "launch-week"),
    ("https://duckduckgo.com/", "", ""),
)
CAMPAIGN_TABLE = choice_table([0.42, 0.2, 0.11, 0.09, 0.07, 0.08, 0.03])

# Pages of ours that a browser names as referrer; the first is the game itself.
OWN_PAGES = [f"{SITE}/", f"{SITE}/index.html", f"{SITE}/?level=3", f"{SITE}/news"]
OWN_PAGES += [f"{SITE}/wiki/{word}-{n}" for word in ("relics", "forest-guide", "bosses") for n in range(1, 9)]
REFERRERS = [campaign[0] for campaign in CAMPAIGNS] + OWN_PAGES
FIRST_OWN_PAGE = len(CAMPAIGNS)

_IPV6 = 1 << 40
_OCTETS = pa.array([str(i) for i in range(256)])
_HEX = pa.array([f"{i:x}" for i in range(65_536)])


def address_codes(hashes: Array) -> Array:
    """Hashes to addresses: an eighth are IPv6, the rest one of four million IPv4 (so some are shared, as in
    life).
    """
    version_6 = (hashes & np.uint64(7)) == 0
    four = np.uint64(0x64400000) | (hashes >> np.uint64(8)) & np.uint64(0x3FFFFF)
    six = np.uint64(_IPV6) | (hashes >> np.uint64(8)) & np.uint64(0xFFFFFFFF)
    return np.asarray(np.where(version_6, six, four).astype(np.int64))


def address_texts(codes: Array) -> pa.Array:
    """Written form of :func:`address_codes`."""
    octets = [_OCTETS.take(pa.array(codes >> shift & 255)) for shift in (24, 16, 8, 0)]
    four = pc.binary_join_element_wise(*octets, ".")
    groups = [_HEX.take(pa.array(codes >> shift & 65_535)) for shift in (16, 0)]
    six = pc.binary_join_element_wise("2001:db8", *groups, ":1", ":")
    return pc.if_else(pa.array(codes >= _IPV6), six, four)
