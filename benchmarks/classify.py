"""How fast requests are classified: `python -m benchmarks.classify [ROWS]`. Medians of five, seconds."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa

from jobs.access_logs.bots import bot_reason
from jobs.access_logs.classify import classify
from jobs.access_logs.events import builtin_rules
from jobs.access_logs.paths import fold
from jobs.access_logs.platforms import platform
from jobs.access_logs.settings import MeaningSettings

BATCH = 250_000
VISITORS, AGENTS, PATHS, REFERRERS = 50_000, 5_000, 300_000, 2_000
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0"


def requests(rows: int) -> pa.Table:
    """Make requests of which each column has as many distinct values as a busy game's log."""
    chance = np.random.default_rng(1)
    ids = chance.integers(1 << 62, size=PATHS)
    kinds = ("/v1/players/{:016x}/state", "/v1/matches/{:016x}/finish", "/items/{}", "/assets/{:x}.js")
    columns = {
        "method": pa.array(["GET", "PUT", "POST"]),
        "path": pa.array(
            [kinds[number % 4].format(number_id) for number, number_id in enumerate(ids.tolist())]
        ),
        "query": pa.array([None] * 8 + ["utm_source=news&utm_campaign=may", "page=1"]),
        "referrer": pa.array([None, *(f"https://site{number}.example/p" for number in range(REFERRERS))]),
        "country": pa.array(["DE", "US", None]),
        "authenticated_id": pa.array([None, *(f"p_{number:016x}" for number in range(20_000))]),
    }
    drawn = {
        name: words.take(pa.array(chance.integers(len(words), size=rows))) for name, words in columns.items()
    }
    visitor = chance.integers(VISITORS, size=rows)
    agents = pa.array([BROWSER.format(number) for number in range(AGENTS)])
    return pa.table(
        drawn
        | {
            "visitor": pa.array([f"{number:032x}" for number in range(VISITORS)]).take(pa.array(visitor)),
            "user_agent": agents.take(pa.array(visitor % AGENTS)).dictionary_encode(),
            "status": pa.array(chance.choice([200, 201, 302, 401, 404, 500], rows).astype(np.int16)),
        }
    )


def seconds(work: Callable[[], object]) -> float:
    """Give the median of five runs."""
    took = []
    for _ in range(5):
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return statistics.median(took)


def main() -> None:
    """Print one line for each figure."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 3_000_000
    table = requests(rows)
    batches = [table.slice(at, BATCH) for at in range(0, rows, BATCH)]
    game = builtin_rules("game_server")
    kinds = {
        "no rules, identity visitor": MeaningSettings(),
        "game_server rules, identity player": MeaningSettings(identity="player", rules=game),
    }
    for name, settings in kinds.items():

        def one(batch: pa.Table, settings: MeaningSettings = settings) -> int:
            return int(classify(batch, settings, is_activity=True).num_rows)

        def all_of_them(one: Callable[[pa.Table], int] = one) -> None:
            with ThreadPoolExecutor(2) as threads:
                list(threads.map(one, batches))

        print(f"classify {rows:,} requests on two threads, {name}: {seconds(all_of_them):.2f} s")
    paths = pa.array([f"/v1/players/{number:016x}/state" for number in range(1_000_000)])
    print(f"fold 1,000,000 distinct paths: {seconds(lambda: fold(paths)):.2f} s")
    runs = iter(range(100))

    def judge() -> None:
        run = next(runs)  # other user agents each time: those of the last run are remembered
        for number in range(20_000):
            agent = BROWSER.format(f"{run}.{number}")
            bot_reason(agent), platform(agent)

    print(f"judge 20,000 distinct user agents: {seconds(judge):.2f} s")


if __name__ == "__main__":
    main()
