"""Find copies of one request by its server-made id: the same line delivered in two objects counts once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from jobs.access_logs.requests import REQUESTS
from jobs.engines import sql
from jobs.engines.interface import LakePart
from jobs.engines.parts import read
from jobs.models import model

Digests = Mapping[str, tuple[str, str]]
"""Of each object, the digests of its first data line and of its content."""

_ID = ("order_hi", "order_lo", "request_id")
_COPIES = [
    name for name in REQUESTS.names if name not in ("duration_bucket", "order_hi", "order_lo", "request_id")
]


@dataclass
class Lost:
    """The copies of one stream that do not survive."""

    offsets: dict[str, pa.Array] = field(default_factory=dict)  # object_id → byte offsets of its lost lines
    has_candidates: bool = False  # two requests of a day had the first 16 bytes of their ids in common

    def without(self, requests: pa.Table) -> pa.Table:
        """Give the requests that survive; needs their object_id and byte_offset."""
        objects = requests["object_id"].cast(pa.string())
        for object_id in pc.unique(objects).to_pylist():
            if object_id in self.offsets:
                is_lost = pc.and_(
                    pc.equal(requests["object_id"].cast(pa.string()), object_id),
                    pc.is_in(requests["byte_offset"], value_set=self.offsets[object_id]),
                )
                requests = requests.filter(pc.invert(is_lost))
        return requests


def find_lost(
    con: duckdb.DuckDBPyConnection, parts: Sequence[LakePart], digests: Digests | None
) -> dict[str, Lost]:
    """Find the copies that do not survive, by stream.

    Reads ids day by day, and whole requests only of those that occur more than once. Without digests an
    object's id stands for them.
    """
    days: dict[tuple[str, str | None], list[LakePart]] = {}
    for part in parts:
        days.setdefault((part.stream, part.activity_date), []).append(part)
    lost: dict[str, Lost] = {}
    for (stream, _), parts_of_day in days.items():
        candidates = _candidates(con, parts_of_day)
        if candidates is None:
            continue
        found = lost.setdefault(stream, Lost())
        if candidates.num_rows:
            found.has_candidates = True
            for object_id, offset in _losers(con, stream, parts_of_day, candidates, digests):
                found.offsets[object_id] = pa.concat_arrays(
                    [found.offsets.get(object_id, pa.array([], pa.int64())), pa.array([offset], pa.int64())]
                )
    return lost


def duplicates_table(lost: Mapping[str, Lost]) -> pa.Table:
    """Count lost copies by object: object_id, duplicates."""
    counts = sorted((name, len(offsets)) for each in lost.values() for name, offsets in each.offsets.items())
    return pa.table(
        {
            "object_id": pa.array([name for name, _ in counts], pa.string()),
            "duplicates": pa.array([count for _, count in counts], pa.int64()),
        }
    )


def _candidates(con: duckdb.DuckDBPyConnection, parts: Sequence[LakePart]) -> pa.Table | None:
    """Give the first 16 bytes of ids that occur twice in a day; None where no request has an id."""
    tables = [table for part in parts if (table := _ids(part)).num_rows]
    if not tables:
        return None
    con.register("day_ids", pa.concat_tables(tables))
    found = con.sql(
        "select order_hi, order_lo from day_ids group by all having count(*) > 1"
    ).to_arrow_table()
    con.unregister("day_ids")
    return found


def _ids(part: LakePart) -> pa.Table:
    rows = read(part, _ID)
    given = rows["request_id"].is_valid() if rows["request_id"].null_count else None
    rows = rows.select(["order_hi", "order_lo"])
    return rows if given is None else rows.filter(given)


def _losers(
    con: duckdb.DuckDBPyConnection,
    stream: str,
    parts: Sequence[LakePart],
    candidates: pa.Table,
    digests: Digests | None,
) -> Iterator[tuple[str, int]]:
    copies = []
    for part in parts:
        rows = read(part, (*_COPIES, *_ID))
        rows = rows.filter(pc.is_in(rows["order_lo"], value_set=candidates["order_lo"]))
        rows = rows.filter(rows["request_id"].is_valid())
        copies.append(rows.select([*_COPIES, "request_id"]))
    rows = pa.concat_tables(copies).unify_dictionaries()
    names = rows["object_id"].cast(pa.string()).to_pylist()
    given = [(digests or {}).get(name, (name, name)) for name in names]
    rows = rows.rename_columns(["log_user" if name == "user" else name for name in rows.column_names])
    rows = rows.append_column("stream", pa.array([stream] * len(names)))
    rows = rows.append_column("first_line_digest", pa.array([first for first, _ in given], pa.string()))
    rows = rows.append_column("content_digest", pa.array([content for _, content in given], pa.string()))
    con.register("request_copies", rows)
    found = con.execute(sql.translate(model("duplicate_requests").sql, "duckdb")).fetchall()
    con.unregister("request_copies")
    return ((str(object_id), int(offset)) for object_id, offset, _ in found)
