"""Every table of random requests, computed again from the design's definitions, row for row."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.access_logs.routes import Funnel
from jobs.access_logs.settings import MeaningSettings

US = 1_000_000
MINUTE, HOUR, DAY = 60 * US, 3600 * US, 86_400 * US
GAP = 30 * MINUTE
START = 20_000 * DAY + 11 * HOUR
FUNNELS = (
    Funnel("first", "all", 2 * DAY, ("a", "b", "b")),
    Funnel("daily", "date", None, ("b", "c")),
    Funnel("short", "date", 30 * MINUTE, ("a", "a", "d")),
)
WAITS = {
    "close": [0, 0, 0, 1, US, 59 * US, 10 * MINUTE, GAP],
    "sessions": [0, 0, US, 10 * MINUTE, GAP - 1, GAP, GAP, GAP + 1, 45 * MINUTE, 13 * HOUR],
    "days": [0, 0, US, GAP, DAY - HOUR, DAY, DAY, 2 * DAY, 4 * DAY],
    "months": [0, DAY, 6 * DAY, 7 * DAY, 29 * DAY, 30 * DAY],
}
CHOICES: dict[str, list[Any]] = {
    "visitor": ["v1", "v2", "v3", "v4"],
    "known_id": [None, "p1", "p1", "p2", "v1"],
    "event": [None, "a", "a", "b", "b", "c", "d"],
    "route": ["/r", "(other)"],
    "method": [None, "GET"],
    "status": [None, 200, 200, 401, 500],
    "bytes_sent": [None, 0, 7],
    "bucket": [None, 0, 3, 3, 9, 400],
    "bot_reason": [None, None, None, None, "crawler", "library"],
    "platform": ["ios", "windows"],
    "referrer_host": [None, "x", "y"],
    "utm_source": [None, "x"],
    "utm_campaign": [None, "z"],
    "country": [None, "DE", "FR"],
    "is_activity_route": [True, True, True, True, False],
    "stream": ["server", "server", "server", "server", "elb"],
}


def world(request_of: Any, seed: int) -> list[Any]:
    """Give some dozen requests of a few actors, with waits around every boundary there is."""
    random = Random(seed)
    waits, visitors = random.choice(list(WAITS.values())), random.randint(1, 4)
    requests, now = [], START
    for number in range(random.choice([0, 1, 5, 40, 40, 40, 40])):
        now += random.choice(waits)
        said = {name: random.choice(values) for name, values in CHOICES.items()}
        said["visitor"] = f"v{random.randint(1, visitors)}"
        # Two objects with one first line: neighbours are equal in order wherever their times are.
        place = 100 * (number // 2)
        requests.append(
            request_of(at=now, object_id=f"o{number % 2}", order_lo=place, byte_offset=place, **said)
        )
    return requests


@pytest.mark.parametrize("bots", ["exclude", "include", "only"])
@pytest.mark.parametrize("identity", ["player", "visitor"])
@settings(derandomize=True, deadline=None, max_examples=16)
@given(
    seed=st.integers(0, 2**32),
    gap=st.sampled_from([GAP, GAP, GAP, 10 * US, 13 * HOUR, 0]),
    dimensions=st.sampled_from([("platform",), ("platform", "country"), ()]),
)
def test_every_table_equals_its_definition(
    build, request_of, recomputed, identity, bots, seed, gap, dimensions
):
    requests = world(request_of, seed)
    meant = {
        "identity": identity,
        "bots": bots,
        "session_gap_us": gap,
        "dimensions": dimensions,
        "funnels": FUNNELS,
    }
    found = build(requests, **meant)
    expected = recomputed(requests, MeaningSettings(**meant))
    ids = [row.pop("session_id") for row in found["sessions"]]
    assert len(set(ids)) == len(ids)
    assert found.pop("object_duplicates") == []
    for name, rows in found.items():
        computed = getattr(expected, name)()
        columns = list(computed[0]) if computed else []
        assert sorted(rows, key=text) == sorted(computed, key=text), name
        assert not rows or sorted(rows[0]) == sorted(columns), name


def text(row: dict[str, Any]) -> str:
    return str([row[name] for name in sorted(row)])
