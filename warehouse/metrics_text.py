"""The form of a metric's definition, and the example that all of them are worked on."""

from __future__ import annotations

from dataclasses import dataclass

EXAMPLE = """\
Three players, Ada, Bo and Cy, are seen first on 2026-10-01; the last day with activity is 2026-10-06. Rules
are given, identity is `player`, bots are excluded.

| player | day | requests (UTC) |
| --- | --- | --- |
| Ada | 2026-10-01 | 10:00 register, 10:08 match_start, 10:10 a page without event; 10, 20 and 30 ms |
| Bo | 2026-10-01 | 10:05 register, 10:10 and 10:15 pages without event (one a 503), 10:25 match_start |
| Cy | 2026-10-01 | 10:20 register, and nothing else |
| Ada | 2026-10-02 | 09:00 load_state, 09:05 match_start |
| Bo | 2026-10-06 | 20:00 load_state, 20:20 match_start |

Ada and Bo came from news.example on their first day, Cy from nowhere. On 2026-10-01 a crawler asked for
five pages, and one visitor without an account looked at the shop. On 2026-10-02 Ada bought something for
2.00 US dollars.
"""


@dataclass(frozen=True)
class MetricDefinition:
    """One metric: its texts, and a query that gives it for the whole warehouse."""

    metric_id: str
    formula: str
    grain: str
    caveat: str
    source: str
    example: str
    query: str
    version: int = 1
    timezone: str = "UTC"
