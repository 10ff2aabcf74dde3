"""Settings that give numbers their meaning: given once, recorded in the warehouse for ever.

A run that gives another setting than the recorded one stops; one that gives none takes the recorded one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from jobs.access_logs.events import Rules, RulesError, builtin_rules, load_rules
from pipelines.errors import PlayerpathError, WrongUsage

STATE_PREFIX = "settings."
BUILTIN_RULES = ("game_server",)
ENGINES = ("duckdb",)
CHOICES = {
    "identity": ("auto", "player", "visitor"),
    "bots": ("exclude", "include", "only"),
    "stream": ("server", "elb", "cloudfront"),
}


@dataclass(frozen=True)
class Settings:
    """Each as text, as it is recorded; None: not given (yet)."""

    identity: str | None = None
    bots: str | None = None
    stream: str | None = None
    rules: str | None = None  # the text of the rules file, "" for none
    session_gap_s: str | None = None
    time_bounds: str | None = None  # FROM..TO, years or dates
    trusted_proxies: str | None = None
    geoip: str | None = None  # SHA-256 of the database

    def with_defaults(self) -> Settings:
        """Fill in what nobody gave. Identity and stream stay open until the first run has seen its lines."""
        return Settings(
            identity=self.identity,
            bots=self.bots or "exclude",
            stream=self.stream,
            rules=self.rules or "",
            session_gap_s=self.session_gap_s or "1800",
            time_bounds=self.time_bounds or "1990-01-01..2100-01-01",
            trusted_proxies=self.trusted_proxies or "0",
            geoip=self.geoip or "",
        )

    def as_state(self) -> dict[str, str]:
        """Give the rows for ``warehouse_state``."""
        return {
            STATE_PREFIX + each.name: value
            for each in fields(self)
            if (value := getattr(self, each.name)) is not None
        }

    @property
    def digest(self) -> str:
        """A digest of all settings, written on each run."""
        return hashlib.sha256(json.dumps(self.as_state(), sort_keys=True).encode()).hexdigest()[:16]


def checked(given: Settings) -> Settings:
    """Refuse values that no run could use.

    Raises:
        WrongUsage: with what was wanted and what was found.
    """
    for name, choices in CHOICES.items():
        value = getattr(given, name)
        if value is not None and value not in choices:
            raise WrongUsage(f"--{name} wants one of {', '.join(choices)}; found {value!r}")
    for option, value in (("session-gap", given.session_gap_s), ("trusted-proxies", given.trusted_proxies)):
        if value is not None and not (value.isascii() and value.isdigit() and len(value) < 9):
            raise WrongUsage(f"--{option} wants a whole number; found {value!r}")
    if given.time_bounds is not None:
        bounds_us(given.time_bounds)
    if given.identity == "auto":
        return replace(given, identity=None)
    return given


def recorded(state: Mapping[str, str]) -> Settings:
    """Read the settings of a warehouse's first run from its state; all None in a new warehouse."""
    return Settings(**{each.name: state.get(STATE_PREFIX + each.name) for each in fields(Settings)})


def agreed(given: Settings, known: Settings) -> Settings:
    """Give the settings of a run: the recorded ones, and where there are none the given ones.

    Raises:
        WrongUsage: if one that is given differs from the recorded one; one line names all that differ.
    """
    differences = []
    for each in fields(Settings):
        old, new = getattr(known, each.name), getattr(given, each.name)
        if old is not None and new is not None and old != new:
            shown = "other text" if each.name in ("rules", "geoip") else f"{new} given, {old} recorded"
            differences.append(f"{each.name} ({shown})")
    if differences:
        raise WrongUsage(
            f"settings differ from those this warehouse was built under: {'; '.join(differences)}; "
            "leave them out, or take another --warehouse"
        )
    return Settings(
        **{each.name: getattr(known, each.name) or getattr(given, each.name) for each in fields(Settings)}
    ).with_defaults()


def bounds_us(text: str) -> tuple[int, int]:
    """Read time bounds ``FROM..TO`` (dates; TO excluded) as microseconds.

    Raises:
        WrongUsage: not two dates in order.
    """
    import datetime as dt

    try:
        first, last = (dt.date.fromisoformat(part) for part in text.split(".."))
    except ValueError:
        raise WrongUsage(f"--time-bounds wants FROM..TO as 1990-01-01..2100-01-01; found {text!r}") from None
    if last <= first:
        raise WrongUsage(f"--time-bounds wants FROM before TO; found {text!r}")
    epoch = dt.date(1970, 1, 1)
    if first < epoch:
        raise WrongUsage(f"--time-bounds wants FROM on 1970-01-01 or later; found {text!r}")
    return (first - epoch).days * 86_400_000_000, (last - epoch).days * 86_400_000_000


def rules_text(name: str | None) -> str | None:
    """Read a rules file, or one that ships with the package, as text; None if none is named.

    Raises:
        PlayerpathError: no such file, unreadable, or not valid rules.
    """
    if name is None:
        return None
    if name in BUILTIN_RULES:
        return builtin_rules(name).text
    try:
        text = Path(name).read_text(encoding="utf-8")
    except FileNotFoundError:
        shipped = ", ".join(BUILTIN_RULES)
        raise PlayerpathError(f"--rules wants a file, or one of {shipped}; no such file: {name}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise PlayerpathError(f"--rules: cannot read {name}: {error}") from None
    parsed_rules(text, name)
    return text


def parsed_rules(text: str, name: str = "recorded rules") -> Rules | None:
    """Parse rules from their text; "" is no rules."""
    if not text:
        return None
    try:
        return load_rules(text, name)
    except RulesError as error:
        raise PlayerpathError(str(error)) from None
