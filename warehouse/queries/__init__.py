"""Questions that people put to the warehouse: one small function each, a DataFrame as the answer.

    import warehouse
    from warehouse import queries

    wh = warehouse.connect("sqlite:///playerpath.db", read_only=True)
    queries.dau(wh, since=date(2026, 9, 1))

They select and add up; what a figure means is defined by the models and by the comments of the warehouse's
columns. Every answer carries these in `.attrs["definitions"]`, column by column. Dates are UTC and periods
include both ends.
"""

from warehouse.queries.frames import Readable
from warehouse.queries.players import (
    activity,
    brackets,
    dau,
    funnel,
    lifecycle,
    retention,
    retention_curve,
    transitions,
)
from warehouse.queries.quality import (
    bots,
    checks,
    columns,
    freshness,
    metrics,
    quality,
    refused,
    refused_count,
    rejections,
    runs,
    settings,
)
from warehouse.queries.traffic import concurrency, concurrency_by_hour, errors, latency, sources, traffic

__all__ = [
    "Readable",
    "activity",
    "bots",
    "brackets",
    "checks",
    "columns",
    "concurrency",
    "concurrency_by_hour",
    "dau",
    "errors",
    "freshness",
    "funnel",
    "latency",
    "lifecycle",
    "metrics",
    "quality",
    "refused",
    "refused_count",
    "rejections",
    "retention",
    "retention_curve",
    "runs",
    "settings",
    "sources",
    "traffic",
    "transitions",
]
