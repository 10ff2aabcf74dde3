"""The benchmarks' inputs: logs of the simulated game, the same bytes for the same arguments.

python -m benchmarks.inputs usual|adverse LINES FILE
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

FULL_LINES = 3_000_000
LEAST_PLAYERS = 20
SHAPES: dict[str, dict[str, Any]] = {
    # 230 bytes a line, 26 lines a session of a visitor
    "usual": {"players": 2_000, "requests_per_session": 22, "visitor_ratio": 0.3},
    # two lines a session
    "adverse": {"players": 60_000, "requests_per_session": 1, "visitor_ratio": 4.0, "assets": 0},
}
"""Arguments of the simulator for 3 million lines; for more or fewer lines, more or fewer players."""


def make_log(shape: str, lines: int, file: Path) -> None:
    """Write one combined log of exactly so many lines, in order of time."""
    from game_server.simulator import simulate

    arguments = dict(SHAPES[shape])
    players = max(LEAST_PLAYERS, arguments.pop("players") * lines // FULL_LINES)
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix="making-") as name:
        folder = Path(name)
        made = simulate(
            players, 60, 1, "combined", folder, lines=lines, hosts=1, truth="none", **arguments
        )  # one host: its days, one after the other, are one log
        if made.lines != lines:
            raise SystemExit(
                f"the {shape} game of {players:,} players has {made.lines:,} lines, not {lines:,}"
            )
        whole = folder / "whole"
        with whole.open("wb") as to:
            for day in sorted((folder / "logs").iterdir()):
                with day.open("rb") as part:
                    shutil.copyfileobj(part, to, 1 << 20)
                day.unlink()
        whole.rename(file)


def cached_name(shape: str, lines: int) -> str:
    """Give the name of a log in the cache."""
    return f"{shape}-{lines}.log"


if __name__ == "__main__":
    make_log(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
