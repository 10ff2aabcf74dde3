"""The platform that a user agent names: what a player sits at, as a dimension of the daily figures."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

from jobs.access_logs.bots import JUDGED_CHARACTERS, as_sent

if TYPE_CHECKING:
    import ua_parser_rs

NONE = "(none)"
OTHER = "other"
_CACHED = 32_768

# Families of operating systems as ua-parser names them. Television sets, watches, consoles and old phones are
# `other`; an iPad that asks for desktop pages says that it is a Mac, and is counted as one.
_PLATFORM_OF_FAMILY = {
    "Android": "android",
    "iOS": "ios",
    "Windows": "windows",
    "Mac OS X": "macos",
    "Mac OS": "macos",
    "Chrome OS": "chromeos",
} | dict.fromkeys(
    (
        "Linux",
        "Ubuntu",
        "Debian",
        "Fedora",
        "Red Hat",
        "CentOS",
        "SUSE",
        "Gentoo",
        "Arch Linux",
        "Mandriva",
        "Linux Mint",
        "Kubuntu",
        "Slackware",
        "PCLinuxOS",
    ),
    "linux",
)
PLATFORMS = (*sorted(set(_PLATFORM_OF_FAMILY.values())), OTHER, NONE)


def platform(user_agent: str | None) -> str:
    """Give android, ios, windows, macos, linux, chromeos or other; ``(none)`` without a user agent."""
    if not user_agent or user_agent == "-":
        return NONE
    return _named(user_agent[:JUDGED_CHARACTERS])


@lru_cache(maxsize=_CACHED)
def _named(user_agent: str) -> str:
    found = _operating_systems().extract(as_sent(user_agent))
    return OTHER if found is None else _PLATFORM_OF_FAMILY.get(found.family, OTHER)


@cache
def _operating_systems() -> ua_parser_rs.OSExtractor:
    # Imported on first use: reading ua-parser's rules takes a tenth of a second.
    import ua_parser_rs
    from ua_parser.loaders import load_builtins

    rules = load_builtins()[1]
    return ua_parser_rs.OSExtractor(
        (rule.regex, rule.family, rule.major, rule.minor, rule.patch, rule.patch_minor) for rule in rules
    )
