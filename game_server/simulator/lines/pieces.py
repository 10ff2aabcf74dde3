"""The texts that lines are put together from, built once for many lines."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from game_server.simulator import catalogue
from game_server.simulator.dice import Array
from game_server.simulator.population import player_ids
from game_server.simulator.rows import Columns, Traffic
from game_server.simulator.timeline import DAY_US, SECOND_US, date_of
from game_server.simulator.world import World

_TIMES_OF_DAY = pa.array([f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(86_400)])
_THREE_DIGITS = pa.array([f"{n:03d}" for n in range(1000)])
_STATUSES = pa.array([str(n) for n in range(600)])
_HEX_DIGITS = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_HEX_PAIRS = np.stack([np.repeat(_HEX_DIGITS, 16), np.tile(_HEX_DIGITS, 16)], axis=1).view("u2").reshape(-1)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Rows = Columns
Pieces = list[pa.Array | str]


@dataclass(frozen=True)
class Texts:
    """Dictionaries of one stretch of traffic; a request points into them."""

    traffic: Traffic
    address: pa.Array  # by session
    agent: pa.Array  # by session, as written
    country: pa.Array  # by session
    player: pa.Array  # by session, `-` for none
    protocol: Array  # by session, 0 or 1
    method: pa.Array  # by target
    path: pa.Array
    query: pa.Array  # NULL for none
    url: pa.Array  # path and query
    referrer: pa.Array  # by referrer number
    first_second: int  # of the tables of seconds
    last_second: int

    @functools.cached_property
    def bracketed_address(self) -> pa.Array:
        """By session, IPv6 in brackets, so that a port can follow."""
        bracketed = pc.binary_join_element_wise("[", self.address, "]", "")
        return pc.if_else(pc.match_substring(self.address, ":"), bracketed, self.address)

    @functools.cached_property
    def request_line(self) -> pa.Array:
        """By target, without the protocol; what is not HTTP stands as it came."""
        whole = pc.binary_join_element_wise(self.method, self.url, " ")
        return pc.if_else(pc.equal(self.method, ""), self.path, whole)

    @functools.cached_property
    def clf_seconds(self) -> pa.Array:
        return self._seconds(lambda day: f"{day.day:02d}/{_MONTHS[day.month - 1]}/{day.year}:")

    @functools.cached_property
    def iso_seconds(self) -> pa.Array:
        return self._seconds(lambda day: f"{day.isoformat()}T")

    @functools.cached_property
    def w3c_seconds(self) -> pa.Array:
        return self._seconds(lambda day: f"{day.isoformat()}\t")

    def second(self, table: pa.Array, at: Array) -> pa.Array:
        return table.take(pa.array(at // SECOND_US - self.first_second))

    def _seconds(self, prefix: Callable[..., str]) -> pa.Array:
        day_s = DAY_US // SECOND_US
        parts = []
        for day in range(self.first_second // day_s, (self.last_second - 1) // day_s + 1):
            start = max(self.first_second, day * day_s) - day * day_s
            end = min(self.last_second, (day + 1) * day_s) - day * day_s
            parts.append(pc.binary_join_element_wise(prefix(date_of(day)), _TIMES_OF_DAY[start:end], ""))
        return pa.concat_arrays(parts)


def texts_of(
    world: World, traffic: Traffic, numbers: Array, *, keeps_empty: bool, is_encoded: bool = False
) -> Texts:
    """Build the dictionaries; ``numbers`` are the population's, by player.

    keeps_empty: an empty user agent is written as such, not as ``-``; is_encoded: as CloudFront does.
    """
    sessions = traffic.sessions
    player = sessions["player"]
    known = player >= 0
    ids = pa.array(
        player_ids(numbers[np.where(known, player, 0)], world.is_plain_id)
        if len(numbers)
        else ["-"] * len(player)
    )
    words = [agent.text or ("" if keeps_empty else "-") for agent in catalogue.USER_AGENTS]
    referrers = catalogue.REFERRERS
    if is_encoded:
        words = [_encoded(word) for word in words]
        referrers = [_encoded(word) for word in referrers]
    table = pa.concat_tables([world.vocabulary.table, traffic.targets]).combine_chunks()
    path, query = _one(table["path"]), _one(table["query"])
    url = pc.coalesce(pc.binary_join_element_wise(path, query, "?"), path)
    completed = traffic.requests["at"] + traffic.requests["duration"]
    first = int(traffic.requests["at"].min()) // SECOND_US if len(traffic) else 0
    last = int(completed.max()) // SECOND_US + 1 if len(traffic) else 0
    return Texts(
        traffic,
        address=catalogue.address_texts(sessions["address"]),
        agent=pa.array(words).take(pa.array(sessions["agent"])),
        country=pa.array(catalogue.COUNTRY_CODES).take(pa.array(sessions["country"])),
        player=pc.if_else(pa.array(known), ids, "-"),
        protocol=(sessions["agent"] % 5 == 0).astype(np.int8),
        method=_one(table["method"]),
        path=path,
        query=query,
        url=url,
        referrer=pa.array(referrers),
        first_second=first,
        last_second=last,
    )


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _encoded(text: str) -> str:
    return quote(text, safe="/()-_.,;:+!~*'=&?@$[]")


def join(pieces: Pieces) -> pa.Array:
    return pc.binary_join_element_wise(*pieces, "")


def statuses(rows: Rows) -> pa.Array:
    return _STATUSES.take(pa.array(rows["status"]))


def numbers_text(values: Array) -> pa.Array:
    return pa.array(values).cast(pa.string())


def three_digits(values: Array) -> pa.Array:
    return _THREE_DIGITS.take(pa.array(values))


def seconds_text(microseconds: Array) -> pa.Array:
    """Seconds with three decimals."""
    ms = microseconds // 1000
    return join([numbers_text(ms // 1000), ".", three_digits(ms % 1000)])


def hexadecimal(values: Array) -> Array:
    """Sixteen hex digits each, as a matrix of bytes."""
    pairs = _HEX_PAIRS[values.astype(">u8").view(np.uint8)].reshape(-1, 8)
    return np.asarray(pairs.view(np.uint8).reshape(-1, 16))


def fixed_width(matrix: Array) -> pa.Array:
    """Rows of ASCII bytes as strings."""
    count, width = matrix.shape
    offsets = np.arange(0, (count + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(
        count, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(matrix))
    )
