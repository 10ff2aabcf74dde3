"""Key and value rows of `warehouse_state`: identity, versions, and the settings that numbers rest on."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest

from sqlalchemy import Connection, delete, insert, select

from warehouse.schema import warehouse_state

WAREHOUSE_ID = "warehouse_id"
SCHEMA_VERSION = "schema_version"
COMMIT_NUMBER = "commit_number"
LAST_RUN = "last_run_id"
LAST_COMMIT_AT = "last_commit_at"
KEY_FINGERPRINT = "key_fingerprint"
DEFINITIONS_DIGEST = "definitions_digest"
SETTINGS_PREFIX = "settings."

_SHOWN = 60


def read_state(connection: Connection) -> dict[str, str]:
    """Read all entries."""
    rows = connection.execute(select(warehouse_state.c.name, warehouse_state.c.value))
    return {str(name): str(value) for name, value in rows}


def write_state(connection: Connection, entries: Mapping[str, str]) -> None:
    """Set entries; the others stay as they are."""
    if not entries:
        return
    connection.execute(delete(warehouse_state).where(warehouse_state.c.name.in_(list(entries))))
    connection.execute(
        insert(warehouse_state), [{"name": name, "value": value} for name, value in sorted(entries.items())]
    )


def recorded_settings(state: Mapping[str, str]) -> dict[str, str]:
    """Give the settings recorded at the warehouse's first run, without their prefix."""
    return {
        name.removeprefix(SETTINGS_PREFIX): value
        for name, value in state.items()
        if name.startswith(SETTINGS_PREFIX)
    }


def compare_settings(recorded: Mapping[str, str], given: Mapping[str, str]) -> list[str]:
    """List where given settings differ from recorded ones, each difference as one line.

    A setting that only one side knows is not a difference: an option not given means the recorded one. Long
    texts (rules, mappings) are told by the first line in which they differ.

    >>> compare_settings({"identity": "player", "bots": "exclude"}, {"identity": "visitor"})
    ['identity: this warehouse was made with player, found visitor']
    """
    return [
        f"{name}: {_difference(recorded[name], given[name])}"
        for name in sorted(set(recorded) & set(given))
        if recorded[name] != given[name]
    ]


def _difference(recorded: str, given: str) -> str:
    if "\n" not in recorded and "\n" not in given:
        return f"this warehouse was made with {_short(recorded)}, found {_short(given)}"
    lines = enumerate(zip_longest(recorded.split("\n"), given.split("\n")), start=1)
    number, (old, new) = next((n, pair) for n, pair in lines if pair[0] != pair[1])
    return f"line {number} of this warehouse's is {_short(old)}, found {_short(new)}"


def _short(value: str | None) -> str:
    value = (value or "").strip()
    if not value:
        return "nothing"
    return value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…"
