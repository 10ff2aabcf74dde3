"""Write logs of a simulated game with a known truth."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from game_server.simulator.formats import FORMATS, Format
from game_server.simulator.population import Population
from game_server.simulator.rows import Traffic
from game_server.simulator.story import Story
from game_server.simulator.traffic import day_traffic
from game_server.simulator.truth.book import Book
from game_server.simulator.truth.document import document, write_truth
from game_server.simulator.truth.meaning import Meaning
from game_server.simulator.world import World
from game_server.simulator.writer import LogWriter, SimulationError, day_end_us, split_at

TRUTHS = ("full", "totals", "none")
FIRST_DAY = date(2026, 8, 1)


@dataclass(frozen=True)
class Simulation:
    """What was written."""

    out: Path
    objects: int
    lines: int
    size_bytes: int  # unpacked
    truth: dict[str, Any] | None  # as in truth.json, with transitions and concurrency in place


def simulate(
    players: int,
    days: int,
    seed: int,
    format: str,
    out: Path | str,
    *,
    start: date = FIRST_DAY,
    requests_per_session: float = 12.0,
    visitor_ratio: float = 0.4,
    bot_ratio: float = 0.08,
    assets: int = 5,
    hosts: int = 2,
    health_check_s: int = 300,
    damage_ratio: float = 0.0005,
    rotate_hours: int = 24,
    is_compressed: bool = False,
    lines: int | None = None,
    size_bytes: int | None = None,
    truth: str = "full",
    story: Story | None = None,
) -> Simulation:
    """Write ``out/logs/`` and ``out/truth.json`` of a game with about ``players`` players a day; the same
    arguments give the same bytes on every platform (compressed files: with the same zlib).

    format: playerpath, combined, common, json, alb, elb or cloudfront. rotate_hours: hours that a file
    covers. lines: stop after that many lines; size_bytes: stop after the period in which that many
    (unpacked) are reached. truth: ``full``; ``totals`` leaves out what is counted by actor, for logs that do
    not fit into memory (full needs some 300 bytes a line); ``none``. The other arguments are explained in
    :class:`World`.

    truth.json, under identity ``player`` and the game server's rules for playerpath, else under identity
    ``visitor`` and without rules, bots excluded (dates and minutes UTC, ``_us`` microseconds):
    ``simulation`` (the arguments); ``definitions``; ``objects`` path → lines, accepted, rejected,
    duplicates, ignored, size_bytes (unpacked); ``totals``; ``bot_requests`` reason → requests;
    ``bot_requests_by_date``; ``requests_by_status``; ``traffic_hours`` [hour, status, is_bot, requests,
    bytes]; ``routes`` [method, route, status, is_bot, requests, bytes]; and with ``full``: ``daily`` (a
    day's columns of daily_activity, its play_us, platforms of its DAU); ``sessions`` kept, unidentified,
    bots → start date → counts, sum and median of durations; ``players``, ``player_days`` (counts);
    ``retention`` [cohort_date, cohort_size, day_n, classic, rolling]; ``brackets``; ``funnels``;
    ``experiment`` (variant → exposed players, and of those whose window is over: came back on day 1, on day
    7); and in files of their own ``transitions`` [date, from, to, transitions, players] and ``concurrency``
    [minute, players].

    The benchmark's log, 3 million lines of 230 bytes in 114,000 visitor sessions::

        simulate(2_000, 60, 1, "combined", out, lines=3_000_000, requests_per_session=22, visitor_ratio=0.3)

    and an adverse one, of 1.5 million sessions::

        simulate(60_000, 60, 1, "combined", out, lines=3_000_000, requests_per_session=1, visitor_ratio=4.0,
                 assets=0)

    Raises SimulationError for arguments that make no log, and for a folder that already has one.
    """
    arguments = dict(locals())
    found = _checked(players, days, seed, format, truth)
    root = Path(out)
    world = World(
        seed=seed,
        players=players,
        start=start,
        story=story or Story(),
        requests_per_session=requests_per_session,
        visitor_ratio=visitor_ratio,
        bot_ratio=bot_ratio,
        assets=assets,
        hosts=hosts,
        health_check_s=health_check_s,
        damage_ratio=damage_ratio,
        is_plain_id=not found.is_player,
    )
    folder = root / "logs"
    book = None
    if truth != "none":
        book = Book(
            found, Meaning(world.vocabulary, found, found.is_player), world.day_us(0), is_full=truth == "full"
        )
    writer = LogWriter(
        world, found, root, folder, book, rotate_hours, is_compressed, line_limit=lines, size_limit=size_bytes
    )
    if folder.exists() and any(folder.iterdir()):
        raise SimulationError(
            f"{folder} is not empty: wanted a new folder, so that old logs do not mix with new ones"
        )
    folder.mkdir(parents=True, exist_ok=True)
    population = run(world, days, [writer])
    known = None
    if book is not None:
        known = {
            "simulation": _told(arguments),
            **document(book, population.columns["variant"], world.story.variants),
        }
        write_truth(known, root)
    return Simulation(root, writer.objects, writer.lines, writer.size_bytes, known)


def run(world: World, days: int, writers: Sequence[LogWriter]) -> Population:
    """Give each day's traffic to all writers until the days are over or all are full.

    What is answered after the last midnight is not written: the log just ends there. Gives the players.
    """
    population = Population(world.seed, world.players, world.story, world.start.weekday(), world.is_plain_id)
    for day, traffic in days_of_traffic(world, days, population):
        for writer in writers:
            if not writer.is_full:
                writer.write_day(day, traffic, population.columns["number"])
        if all(writer.is_full for writer in writers):
            break
    return population


def days_of_traffic(world: World, days: int, population: Population) -> Iterator[tuple[int, Traffic]]:
    """Each day's requests by the time of their answer, whatever day their session began on."""
    pending: Traffic | None = None
    for day in range(days):
        traffic = day_traffic(world, population.advance(day))
        if pending is not None:
            traffic = pending.plus(traffic)
        today, pending = split_at(traffic, day_end_us(world, day))
        yield day, today


def _checked(players: int, days: int, seed: int, name: str, truth: str) -> Format:
    for word, value, least in (("players", players, 1), ("days", days, 1), ("seed", seed, 0)):
        if value < least:
            raise SimulationError(f"{word}: wanted {least} or more, found {value}")
    if name not in FORMATS:
        raise SimulationError(f"format: wanted one of {', '.join(FORMATS)}, found {name!r}")
    if truth not in TRUTHS:
        raise SimulationError(f"truth: wanted one of {', '.join(TRUTHS)}, found {truth!r}")
    return FORMATS[name]


def _told(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments as JSON has them, without the folder, so that truth.json does not depend on it."""
    told = {name: value for name, value in arguments.items() if name not in ("out", "story")}
    story = arguments["story"] or Story()
    return json.loads(json.dumps(told | {"story": story.__dict__}, default=str))  # type: ignore[no-any-return]
