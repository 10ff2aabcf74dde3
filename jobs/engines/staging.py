"""Bring lake parts into DuckDB: read, classify, put text into codes, drop copies, break ties.

Sorting and grouping 32-character ids takes several times as long as integers, so text columns of requests are
stored as codes of two dictionaries (ids and words). The models above them, which use such text for equality
only, run on codes as they stand; words are decoded once there are few rows, ids when tables are handed out.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.access_logs.settings import MeaningSettings
from jobs.engines.duplicates import Lost
from jobs.engines.interface import LakePart
from jobs.engines.parts import open_part, read
from jobs.models.inputs import READ_FROM_LAKE, REQUEST_ROWS, request_rows

Classify = Callable[..., pa.Table]
Task = TypeVar("Task")
Made = TypeVar("Made")

ROWS_PER_TASK = 262_144
DICTIONARIES: Mapping[str, str] = {
    "player_id": "ids",
    "stream": "words",
    "method": "words",
    "route": "words",
    "event": "words",
    "entry_event": "words",
    "exit_event": "words",
    "from_event": "words",
    "to_event": "words",
    "bot_reason": "words",
    "platform": "words",
    "referrer_host": "words",
    "utm_source": "words",
    "utm_campaign": "words",
    "country": "words",
}
"""Columns that are codes in coded tables, and the dictionary that has their text."""

_NO_CODE = -1


class Dictionary:
    """Codes of the texts seen so far, first come first numbered; safe to use from several threads."""

    def __init__(self) -> None:
        self.texts: pa.StringArray = pa.array([], pa.string())
        self._lock = threading.Lock()

    def codes(self, column: pa.ChunkedArray | pa.Array) -> pa.Int32Array:
        """Give the code of each text, NULL for NULL."""
        whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if not pa.types.is_dictionary(whole.type):
            whole = whole.dictionary_encode()
        values = whole.dictionary.cast(pa.string())
        with self._lock:
            known = pc.index_in(values, value_set=self.texts)
            if known.null_count:
                new = pc.unique(values.filter(known.is_null())).drop_null()
                later = pc.add(pc.index_in(values, value_set=new), pa.scalar(len(self.texts), pa.int32()))
                known = pc.coalesce(known, later)
                self.texts = pa.concat_arrays([self.texts, new])
        return known.take(whole.indices)

    def find(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Give the code of each text, -1 for one that was never seen."""
        return pc.fill_null(pc.index_in(column, value_set=self.texts), _NO_CODE)


@dataclass
class Staged:
    """What staging found out."""

    dictionaries: dict[str, Dictionary] = field(
        default_factory=lambda: {"ids": Dictionary(), "words": Dictionary()}
    )
    first_lines: dict[int, set[str]] = field(default_factory=dict)  # order_hi → objects, without request ids
    has_request_ids: bool = False


@dataclass(frozen=True)
class _Piece:
    """Row groups of one part."""

    part: LakePart
    row_groups: tuple[int, ...]


def stage(
    con: duckdb.DuckDBPyConnection,
    parts: Sequence[LakePart],
    settings: MeaningSettings,
    classify: Classify,
    lost: Mapping[str, Lost],
) -> Staged:
    """Make DuckDB's table `requests` (coded) of lake parts.

    Args:
        con: the scratch database.
        parts: of the lake's requests, all streams.
        settings: what they mean.
        classify: gives the meaning of a batch.
        lost: by stream, the copies that do not survive.

    Raises:
        ValueError: for a request before 1970, which the models' divisions do not cover.
    """
    staged = Staged()

    def batch(pieces: tuple[_Piece, ...]) -> pa.Table:
        return _coded(pieces, settings, classify, lost, staged)

    schema = pa.schema(
        [pa.field(f.name, pa.int32() if f.name in DICTIONARIES else f.type) for f in REQUEST_ROWS]
    )
    schema = schema.append(pa.field("tie", pa.int32()))
    with ThreadPoolExecutor(settings.threads) as pool:
        tables = in_flight(pool, batch, _tasks(parts), settings.threads + 1)
        batches = (each for table in tables for each in table.to_batches())
        reader = pa.RecordBatchReader.from_batches(schema, batches)
        con.register("staged_batches", reader)
        con.execute("create table requests as select * from staged_batches")
        con.unregister("staged_batches")
    for name, dictionary in staged.dictionaries.items():
        codes = pa.array(np.arange(len(dictionary.texts), dtype=np.int32))
        con.register("texts", pa.table({"code": codes, "text": dictionary.texts}))
        con.execute(f"create table {name} as select code, text from texts")
        con.unregister("texts")
    earliest = con.execute('select min("at") from requests').fetchall()[0][0]
    if earliest is not None and earliest < 0:
        raise ValueError(f"times: wanted microseconds since 1970, found {earliest}")
    if any(len(objects) > 1 for objects in staged.first_lines.values()) or any(
        each.has_candidates for each in lost.values()
    ):
        _break_ties(con)
    return staged


def in_flight(
    pool: ThreadPoolExecutor, make: Callable[[Task], Made], tasks: Iterator[Task], depth: int
) -> Iterator[Made]:
    """Give results in order, at most `depth` of them under way or waiting."""
    flying: deque[Future[Made]] = deque()
    for task in tasks:
        flying.append(pool.submit(make, task))
        if len(flying) >= depth:
            yield flying.popleft().result()
    while flying:
        yield flying.popleft().result()


def _tasks(parts: Sequence[LakePart]) -> Iterator[tuple[_Piece, ...]]:
    """Cut large parts at row groups, and put small ones of a stream together."""
    waiting: dict[str, list[_Piece]] = {}
    sizes: dict[str, int] = {}
    for part in parts:
        if part.row_count > ROWS_PER_TASK:
            with open_part(part) as file:
                yield from ((_Piece(part, (number,)),) for number in range(file.num_row_groups))
            continue
        waiting.setdefault(part.stream, []).append(_Piece(part, ()))
        sizes[part.stream] = sizes.get(part.stream, 0) + part.row_count
        if sizes[part.stream] >= ROWS_PER_TASK:
            yield tuple(waiting.pop(part.stream))
            del sizes[part.stream]
    yield from (tuple(pieces) for pieces in waiting.values())


def _coded(
    pieces: tuple[_Piece, ...],
    settings: MeaningSettings,
    classify: Classify,
    lost: Mapping[str, Lost],
    staged: Staged,
) -> pa.Table:
    stream = pieces[0].part.stream
    columns = [*READ_FROM_LAKE, "object_id", "request_id"]
    loser = lost.get(stream)
    if loser is not None and loser.offsets:
        columns.append("byte_offset")
    requests = pa.concat_tables([read(piece.part, columns, piece.row_groups) for piece in pieces])
    requests = requests.unify_dictionaries()
    if loser is not None and loser.offsets:
        requests = loser.without(requests)
    _note_first_lines(requests, staged)
    rows = request_rows(
        requests,
        classify(requests, settings, is_activity=stream == settings.activity_stream),
        settings,
        stream,
    )
    arrays = {
        name: staged.dictionaries[DICTIONARIES[name]].codes(column) if name in DICTIONARIES else column
        for name, column in zip(rows.column_names, rows.columns, strict=True)
    }
    arrays["tie"] = pa.array(np.zeros(rows.num_rows, dtype=np.int32))
    return pa.table(arrays)


def _note_first_lines(requests: pa.Table, staged: Staged) -> None:
    """Remember which objects share a first line: only their requests can be equal in the whole order."""
    if not requests["request_id"].null_count:
        return
    if requests["request_id"].null_count < requests.num_rows:
        requests = requests.filter(requests["request_id"].is_null())
    pairs = requests.select(["order_hi", "object_id"]).group_by(["order_hi", "object_id"]).aggregate([])
    for row in pairs.to_pylist():
        staged.first_lines.setdefault(row["order_hi"], set()).add(row["object_id"])


def _break_ties(con: duckdb.DuckDBPyConnection) -> None:
    """Rank requests that are equal in time and order by their other columns, text by its content."""
    names = [name for name in REQUEST_ROWS.names if name not in ("at", "order_hi", "order_lo")]
    coded = [name for name in names if name in DICTIONARIES]
    joins = " ".join(
        f'left join {DICTIONARIES[name]} as t{i} on r."{name}" = t{i}.code' for i, name in enumerate(coded)
    )
    order = ", ".join(
        f"t{coded.index(name)}.text nulls first" if name in coded else f'r."{name}" nulls first'
        for name in names
    )
    con.execute(
        f"""
        create table ties as
        with shared as (
          select "at", order_hi, order_lo from requests group by all having count(*) > 1
        )
        select r.rowid as row_number, dense_rank() over (
          partition by r."at", r.order_hi, r.order_lo order by {order}
        ) as tie
        from requests as r
        semi join shared as s on r."at" = s."at" and r.order_hi = s.order_hi and r.order_lo = s.order_lo
        {joins}
        """
    )
    con.execute("update requests set tie = ties.tie from ties where requests.rowid = ties.row_number")
    con.execute("drop table ties")
