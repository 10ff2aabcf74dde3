"""Write ``samples/``: a small game of 60 days with a planted story, as our server and CloudFront logged it.

``python -m game_server.simulator.samples [FOLDER]`` writes the same files again.
"""

from __future__ import annotations

import gzip
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from game_server.simulator.formats import FORMATS
from game_server.simulator.simulate import run
from game_server.simulator.story import Story
from game_server.simulator.tale import tell
from game_server.simulator.truth.book import Book
from game_server.simulator.truth.document import document, gz, write_truth
from game_server.simulator.truth.meaning import Meaning
from game_server.simulator.world import World
from game_server.simulator.writer import LogWriter

DAYS = 60
LATE_DAY = 12
ROTATED_DAY = 30
STORY = Story(
    release_day=40, slow_share=0.7, slow_return=0.4, tutorial_finish_ratio=0.6, experiment="daily-gift",
    experiment_days=(5, 1_000), lift=1.5,
)  # fmt: skip
WORLD = World(
    seed=40, players=120, start=date(2026, 8, 1), story=STORY, requests_per_session=4.0, visitor_ratio=0.06,
    bot_ratio=0.015, assets=1, health_check_s=21_600, damage_ratio=0.0005, is_lean=True,
)  # fmt: skip


def write_samples(folder: Path, days: int = DAYS) -> dict[str, Any]:
    """Write logs below a folder and give their truth.

    ``logs/server/``: two hosts, a file a day, compressed. ``logs/server/late/``: the first host's file of
    day 12, which came a month late. The second host's file of day 30 is there as it was written, and again
    as logrotate left it, under another name and compressed: its lines count once. ``logs/cloudfront/``: the
    same traffic as the CDN saw it, with the game's static files.
    """
    world = WORLD
    server = replace(FORMATS["playerpath"], is_gz=True)
    edge = FORMATS["cloudfront-few"]
    book = Book(server, Meaning(world.vocabulary, server, has_rules=True), world.day_us(0), is_full=True)
    edge_book = Book(edge, Meaning(world.vocabulary, edge, has_rules=True), world.day_us(0), is_full=False)
    logs = folder / "logs"
    population = run(
        world,
        days,
        [
            LogWriter(world, server, folder, logs / "server", book),
            LogWriter(world, edge, folder, logs / "cloudfront", edge_book, hosts=1),
        ],
    )
    truth: dict[str, Any] = {}
    names = sorted(path.name for path in (logs / "server").iterdir())
    if days > LATE_DAY:
        name = names[LATE_DAY]
        (logs / "server" / "late").mkdir()
        (logs / "server" / name).rename(logs / "server" / "late" / name)
        book.rename(f"logs/server/{name}", f"logs/server/late/{name}")
    if days > ROTATED_DAY:
        name = names[days + ROTATED_DAY]
        plain = name.removesuffix(".gz")
        content = gzip.decompress((logs / "server" / name).read_bytes())
        (logs / "server" / name).unlink()
        (logs / "server" / plain).write_bytes(content)
        (logs / "server" / f"{plain}.1.gz").write_bytes(gz(content))
        book.rename(f"logs/server/{name}", f"logs/server/{plain}")
        truth["same_content"] = {f"logs/server/{plain}.1.gz": f"logs/server/{plain}"}
    truth |= document(book, population.columns["variant"], world.story.variants)
    truth["cloudfront"] = {
        name: value for name, value in document(edge_book).items() if name not in ("traffic_hours", "routes")
    }
    return truth


def main(arguments: Sequence[str]) -> None:
    """Write the samples anew into a folder, by default ``samples`` in the working directory."""
    folder = Path(arguments[0] if arguments else "samples")
    shutil.rmtree(folder / "logs", ignore_errors=True)
    truth = write_samples(folder)
    write_truth(truth, folder)
    (folder / "STORY.md").write_text(tell(truth, WORLD), encoding="utf-8", newline="\n")
    server, edge = truth["totals"]["lines"], truth["cloudfront"]["totals"]["lines"]
    print(f"{server:,} lines of our server, {edge:,} of CloudFront")


if __name__ == "__main__":
    main(sys.argv[1:])
