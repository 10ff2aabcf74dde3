"""What the models read: requests with their meaning, and the settings as small tables."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.access_logs.buckets import midpoints
from jobs.access_logs.settings import MeaningSettings

_TEXT = pa.dictionary(pa.int32(), pa.string())

REQUEST_ROWS = pa.schema(
    [
        pa.field("stream", _TEXT),
        pa.field("at", pa.int64()),  # microseconds since 1970
        pa.field("player_id", pa.string()),  # a known player id, or the visitor
        pa.field("is_identified", pa.bool_()),
        pa.field("chain_is_bot", pa.bool_()),  # side of the verdict; false throughout where bots are included
        pa.field("is_bot", pa.bool_()),
        pa.field("bot_reason", _TEXT),
        pa.field("event", _TEXT),
        pa.field("route", _TEXT),
        pa.field("method", _TEXT),  # (none) if missing
        pa.field("status", pa.int16()),  # 0 if missing
        pa.field("bytes_sent", pa.int64()),
        pa.field("duration_bucket", pa.int16()),
        pa.field("platform", _TEXT),
        pa.field("referrer_host", _TEXT),
        pa.field("utm_source", _TEXT),
        pa.field("utm_campaign", _TEXT),
        pa.field("country", _TEXT),
        pa.field("in_session", pa.bool_()),
        pa.field("is_activity", pa.bool_()),  # of the stream of activity
        pa.field("is_player", pa.bool_()),  # counted, and its actor makes player days
        pa.field("is_anonymous", pa.bool_()),  # an unidentified visitor's, on the side kept
        pa.field("order_hi", pa.int64()),
        pa.field("order_lo", pa.int64()),
    ]
)
"""The models' `requests`, to which the engine adds `tie` (int): the rank, by their other columns, of requests
that are equal in at, order_hi and order_lo."""

READ_FROM_LAKE: tuple[str, ...] = (
    "at",
    "method",
    "path",
    "query",
    "status",
    "bytes_sent",
    "duration_bucket",
    "referrer",
    "user_agent",
    "visitor",
    "user",
    "authenticated_id",
    "declared_id",
    "country",
    "order_hi",
    "order_lo",
)

RETENTION_DAYS: tuple[int, ...] = (*range(91), 120, 180, 360)
RETENTION_BRACKETS: tuple[tuple[int, int], ...] = ((1, 1), (2, 4), (5, 11), (12, 25), (26, 53))
DIMENSIONS: tuple[str, ...] = ("platform", "country")
"""Columns of player_days that a dimension may name."""


def request_rows(requests: pa.Table, meaning: pa.Table, settings: MeaningSettings, stream: str) -> pa.Table:
    """Join lake requests of one stream, row for row, with what `classify` says of them.

    Columns of ``REQUEST_ROWS``; text may be plain or dictionary-encoded.
    """
    count = requests.num_rows
    is_activity = stream == settings.activity_stream
    is_bot = meaning["is_bot"]
    is_identified = meaning["is_identified"]
    never = pa.chunked_array([pa.array(np.zeros(count, dtype=bool))])
    method = requests["method"]
    if method.null_count:
        method = pc.fill_null(method.cast(pa.string()), "(none)")
    on_kept_side = pa.scalar(True)
    if settings.bots != "include":
        on_kept_side = is_bot if settings.bots == "only" else pc.invert(is_bot)
    by_player = settings.identity == "player"
    is_player = pc.and_(meaning["counted"], is_identified) if by_player else meaning["counted"]
    is_anonymous = pc.and_(pc.invert(is_identified), on_kept_side) if by_player and is_activity else never
    columns = {
        # The visitor as read, where classify gives just that: a dictionary stays one.
        "player_id": meaning["player_id"] if by_player else requests["visitor"],
        "stream": pa.DictionaryArray.from_arrays(
            pa.array(np.zeros(count, dtype=np.int32)), pa.array([stream])
        ),
        "chain_is_bot": never if settings.bots == "include" else is_bot,
        "method": method,
        "status": pc.fill_null(requests["status"], 0),
        "is_activity": pa.array(np.full(count, is_activity)),
        "in_session": meaning["in_session"] if is_activity else never,
        "is_player": is_player if is_activity else never,
        "is_anonymous": is_anonymous,
    }
    for name in REQUEST_ROWS.names:
        if name not in columns:
            columns[name] = (meaning if name in meaning.column_names else requests)[name]
    return pa.table({name: columns[name] for name in REQUEST_ROWS.names})


def setting_tables(settings: MeaningSettings) -> dict[str, pa.Table]:
    """Give the tables that the models read beside requests. Raises ValueError for a dimension nobody has."""
    for dimension in settings.dimensions:
        if dimension not in DIMENSIONS:
            raise ValueError(f"dimension: wanted one of {', '.join(DIMENSIONS)}, found {dimension!r}")
    middles = midpoints()
    following = [*RETENTION_DAYS[1:], None]
    steps = [
        (funnel.name, number, event, funnel.window_us, funnel.cohort == "all")
        for funnel in settings.funnels
        for number, event in enumerate(funnel.steps, start=1)
    ]
    names, numbers, events, windows, firsts = zip(*steps, strict=True) if steps else ((), (), (), (), ())
    return {
        "dimensions": _table(dimension=(["all", *dict.fromkeys(settings.dimensions)], pa.string())),
        "duration_buckets": _table(
            duration_bucket=(range(len(middles)), pa.int32()), midpoint_us=(middles, pa.int64())
        ),
        "retention_days": _table(day_n=(RETENTION_DAYS, pa.int32()), next_day_n=(following, pa.int32())),
        "retention_bracket_days": _table(
            bracket=([str(a) if a == b else f"{a}-{b}" for a, b in RETENTION_BRACKETS], pa.string()),
            from_day=([a for a, _ in RETENTION_BRACKETS], pa.int32()),
            to_day=([b for _, b in RETENTION_BRACKETS], pa.int32()),
        ),
        "funnels": _table(
            funnel=(names, pa.string()),
            step_number=(numbers, pa.int32()),
            event_name=(events, pa.string()),
            window_us=(windows, pa.int64()),
        ),
        "wanted_events": _table(
            funnel=(names, pa.string()),
            step_number=(numbers, pa.int32()),
            event=(events, pa.string()),
            window_us=(windows, pa.int64()),
            is_first_ever=(firsts, pa.bool_()),
        ),
    }


def _table(**columns: tuple[object, pa.DataType]) -> pa.Table:
    return pa.table({name: pa.array(list(values), kind) for name, (values, kind) in columns.items()})  # type: ignore[call-overload]
