"""docs/commands.md, written from the command line itself, so that it cannot say anything else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer.main

from pipelines.cli import app

HEAD = """# Commands

Written by `playerpath warehouse docs` from the command line itself.

| exit code | meaning |
| --- | --- |
| 0 | done, also when nothing was new |
| 1 | failed, the warehouse is as it was |
| 2 | wrong usage |
| 3 | done, but an object was refused or a check warned (said on stderr) |

| environment variable | stands for |
| --- | --- |
| `$PLAYERPATH_WAREHOUSE`, `$PLAYERPATH_LAKE` | `--warehouse`, `--lake` |
| `$PLAYERPATH_KEY` | the key file beside the warehouse: text, or `secretsmanager://NAME` |
| `$AWS_ENDPOINT_URL` | another endpoint than AWS's, everywhere |
"""


def page() -> str:
    """Give the page."""
    return HEAD + "".join(_section(name, command) for name, command in _commands(typer.main.get_command(app)))


def _commands(group: Any, before: str = "playerpath") -> Iterator[tuple[str, Any]]:
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before} {name}")
        else:
            yield f"{before} {name}", command


def _section(name: str, command: Any) -> str:
    lines = [f"\n## {name}\n", _one_line(command.help), ""]
    if command.epilog:
        lines += [f"`{_one_line(command.epilog).removeprefix('Example: ')}`", ""]
    lines += ["| option | meaning | default |", "| --- | --- | --- |"]
    for param in command.params:
        names = ", ".join(f"`{each}`" for each in param.opts) if param.opts[0].startswith("-") else ""
        shown = names or f"`{param.metavar or param.name.upper()}`"
        default = "" if param.default in (None, False, "") or callable(param.default) else str(param.default)
        lines.append(
            f"| {shown} | {_one_line(getattr(param, 'help', None))} | {default} |".replace("|  |", "| |")
        )
    return "\n".join(lines) + "\n"


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")
