"""Read the regular lines of the combined family a block at a time.

Where quotes and spaces stand is found for all lines at once; a line is regular if every byte of its frame is
where the common and combined forms put it. Nothing here guesses: what is not regular is left to
:class:`~jobs.access_logs.combined.CombinedReader`, line by line, and what is regular is read as it reads it
(tests/jobs/access_logs/test_combined_blocks.py holds the two together). Each line is looked at by itself, so
its meaning depends neither on its neighbours nor on where the block was cut.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.access_logs.combined import CombinedReader, is_address_list, read_head
from jobs.access_logs.combined_tails import read_tails
from jobs.access_logs.lines import Lines, Places, cut, read_digits, windows
from jobs.access_logs.rows import FIELDS, client_address
from jobs.access_logs.text import to_bytes
from jobs.access_logs.times import CLF_WIDTH, read_clf_columns

Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

_SPACE, _QUOTE, _DASH, _BACKSLASH, _OPEN, _CLOSE, _SLASH = b' "-\\[]/'
_TIME_WIDTH = CLF_WIDTH + 3  # `[`, the time, `]` and the space before the request
_METHODS = (b"GET ", b"POST ", b"PUT ", b"HEAD ", b"DELETE ", b"OPTIONS ", b"PATCH ")
_PROTOCOL_WIDTH = 9  # ` HTTP/1.1`
_MOST_QUOTES = 16  # more are seldom fields: somebody sends quotes, which a log escapes
FEW = 8  # lines of one shape that are not worth setting up columns for
# First bytes of a field that may be a list of addresses where the referrer should be.
_MAY_BE_ADDRESS = np.isin(np.arange(256), np.frombuffer(b"0123456789abcdefABCDEF:[ u", np.uint8))
_WORD = 8


def _low_bytes(text: bytes) -> tuple[np.uint64, np.uint64]:
    """Give a mask for the first bytes of a word, and what they must be."""
    return np.uint64((1 << 8 * len(text)) - 1), np.uint64(int.from_bytes(text, "little"))


def read_block(lines: Lines, numbers: Places, reader: CombinedReader) -> tuple[pa.Table, Places]:
    """Read the regular ones among the given lines.

    Returns their fields (columns: FIELDS), and the numbers of the lines that the reader must see one by one.
    """
    data = np.frombuffer(lines.block, dtype=np.uint8)
    if len(data) < 2 * _WORD or not len(numbers):
        return FIELDS.empty_table(), numbers
    quotes = np.flatnonzero(data == _QUOTE)
    starts, ends = lines.starts[numbers], lines.ends[numbers]
    before = np.append(np.searchsorted(quotes, lines.starts), len(quotes))  # quotes before each line
    first = before[numbers]
    count = before[numbers + 1] - first
    # A line that begins with a quote is wrapped as a whole, or has a quoted field before the address.
    is_quoted = (count >= 2) & (data[np.minimum(starts, len(data) - 1)] == _QUOTE)
    if is_quoted.any():
        second = np.where(is_quoted, quotes[np.minimum(first + 1, len(quotes) - 1)], 1)
        is_wrapped = (
            is_quoted
            & (data[ends - 1] == _QUOTE)
            & (data[second - 1] == _SPACE)
            & (data[second - 2] == _CLOSE)
        )
        starts, ends, first = starts + is_wrapped, ends - is_wrapped, first + is_wrapped
        count = count - 2 * is_wrapped
        is_leading = is_quoted & ~is_wrapped
        count[is_leading & (data[second - 1] == _SPACE)] = 0  # may be taken for the request
        count[is_wrapped & (data[np.minimum(starts, len(data) - 1)] == _QUOTE)] = 0
        first, count = first + 2 * is_leading, count - 2 * is_leading
    tables = []
    is_read = np.zeros(len(numbers), dtype=bool)
    for shape in np.unique(
        count[(count == 2) | ((count >= 6) & (count <= _MOST_QUOTES) & (count % 2 == 0))]
    ).tolist():
        members = np.flatnonzero(count == shape)
        if len(members) < FEW:
            continue
        if len(quotes) == shape * len(members) == shape * len(numbers):  # all lines of the block are alike
            found = quotes.reshape(-1, shape).T
        else:
            found = quotes[first[members] + np.arange(shape)[:, None]]
        shaped = _Shape(
            lines.block, data, starts[members], ends[members], np.ascontiguousarray(found), reader
        )
        table, regular = shaped.read()
        is_read[members[regular]] = True
        tables.append(table.set_column(0, FIELDS.field(0), pa.array(numbers[members[regular]])))
    return (pa.concat_tables(tables) if tables else FIELDS.empty_table()), numbers[~is_read]


class _Shape:
    """Lines with one number of quotes (a row of places for each quote), narrowed to the regular ones."""

    def __init__(
        self, block: bytes, data: Bytes, starts: Places, ends: Places, quotes: Places, reader: CombinedReader
    ) -> None:
        self.block, self.data, self.reader = block, data, reader
        self.starts, self.ends, self.quotes = starts, ends, quotes
        self.kept = np.arange(len(starts))

    def keep(self, regular: Mask, *columns: Places) -> list[Places]:
        """Drop the lines that are not regular, from the given columns too."""
        if regular.all():
            return list(columns)
        self.starts, self.ends, self.quotes = (
            self.starts[regular],
            self.ends[regular],
            self.quotes[:, regular],
        )
        self.kept = self.kept[regular]
        return [column[regular] for column in columns]

    def read(self) -> tuple[pa.Table, Places]:
        """Give the regular lines' fields, and which of the lines they are."""
        self.keep(self._has_frame())
        text = windows(self.data, self.quotes[0] - _TIME_WIDTH - 1, _TIME_WIDTH + 2 + _WORD)
        at, is_time = read_clf_columns(text[:, 2:])
        method, uri_start, is_method = self._methods(text[:, -_WORD:])
        for place, byte in ((0, _SPACE), (1, _OPEN), (_TIME_WIDTH - 1, _CLOSE), (_TIME_WIDTH, _SPACE)):
            is_time &= text[:, place] == byte
        at, method, uri_start = self.keep(is_time & is_method, at, method, uri_start)
        status, is_status = self._statuses(uri_start)
        at, method, uri_start, status = self.keep(is_status, at, method, uri_start, status)
        size, is_size = self._sizes()
        at, method, uri_start, status, size = self.keep(is_size, at, method, uri_start, status, size)
        prefixes = cut(self.block, self.starts, self.quotes[0] - _TIME_WIDTH - 1).dictionary_encode()
        heads = [self._head(raw) for raw in to_bytes(prefixes.dictionary)]
        is_head = np.array([head is not None for head in heads], dtype=bool)
        codes = prefixes.indices.to_numpy()
        at, method, uri_start, status, size, codes = self.keep(
            is_head[codes], at, method, uri_start, status, size, codes
        )
        tail, is_tail = self._tails()
        at, method, uri_start, status, size, codes = self.keep(
            is_tail, at, method, uri_start, status, size, codes
        )
        numbers = {
            "at": pa.array(at),
            "status": pa.array(status),
            "bytes_sent": pa.array(size, mask=size < 0),
        }
        return self._table(numbers, method, uri_start, codes, heads, tail), self.kept

    def _has_frame(self) -> Mask:
        """Check that there is room for what must be there, and all around the quotes from the third on."""
        data, quotes, ends = self.data, self.quotes, self.ends
        asked, answered = quotes[0], quotes[1]
        bracket = asked - _TIME_WIDTH
        regular: Mask = (bracket - 2 >= self.starts) & (answered + 6 < ends) & (answered >= asked + 1 + _WORD)
        if quotes.shape[0] == 2:
            return regular
        before = windows(data, quotes[2] - 1, 3)
        regular &= (before[:, 0] == _SPACE) & ~_MAY_BE_ADDRESS[before[:, 2]]
        for closing in range(3, quotes.shape[0] - 1, 2):
            between = windows(data, quotes[closing] - 1, 3)
            regular &= (between[:, 0] != _BACKSLASH) & (between[:, 2] == _SPACE)
            regular &= quotes[closing + 1] == quotes[closing] + 2
        last = quotes[-1]
        after = data[np.minimum(last + 1, len(data) - 1)]
        # A backslash before the last quote changes nothing: no other quote could end the field.
        regular &= (last + 1 == ends) | (after == _SPACE)
        return regular

    def _methods(self, text: Bytes) -> tuple[Places, Places, Mask]:
        """Find the method (its index among those known) and the place of the target's first slash."""
        word = np.ascontiguousarray(text).view("<u8").reshape(-1)
        method = np.full(len(word), -1, dtype=np.int64)
        width = np.zeros(len(word), dtype=np.int64)
        for index, name in enumerate(_METHODS):
            mask, wanted = _low_bytes(name)
            is_method = (word & mask) == wanted
            method[is_method] = index
            width[is_method] = len(name)
        uri_start = self.quotes[0] + 1 + width
        return method, uri_start, (method >= 0) & (self.data[uri_start] == _SLASH)

    def _statuses(self, uri_start: Places) -> tuple[Places, Mask]:
        """Read the status, and check the protocol before it."""
        answered = self.quotes[1]
        text = windows(self.data, answered - _PROTOCOL_WIDTH, _PROTOCOL_WIDTH + 6)
        regular = answered - _PROTOCOL_WIDTH > uri_start
        for place, byte in zip(range(15), b' HTTP/1.1" 200 ', strict=True):
            if chr(byte).isdigit():
                regular &= text[:, place] - np.uint8(48) <= 9
            else:
                regular &= text[:, place] == byte
        digits = text[:, 11:14].astype(np.int64) - ord("0")
        status = digits[:, 0] * 100 + digits[:, 1] * 10 + digits[:, 2]
        return status, regular

    def _sizes(self) -> tuple[Places, Mask]:
        """Read the bytes sent; -1 for `-`."""
        start = self.quotes[1] + 6
        end = self.ends if self.quotes.shape[0] == 2 else self.quotes[2] - 1
        size, is_number = read_digits(self.data, start, end)
        is_dash = (end == start + 1) & (self.data[start] == _DASH)
        return np.where(is_dash, -1, size), is_number | is_dash

    def _head(self, raw: bytes | None) -> tuple[bytes, bytes | None, bytes | None, bytes | None] | None:
        # Most lines are `address - -`, and this is most of what runs once for each visitor.
        raw = raw or b""
        if (
            raw.endswith(b" - -")
            and raw.find(b" ") == len(raw) - 4
            and b'"' not in raw
            and raw[-5:-4] not in (b",", b"")
        ):
            return raw[:-4], None, None, None
        return read_head(raw)

    def _tails(self) -> tuple[dict[str, pa.Array], Mask]:
        """Read what follows the last quote. Gives columns of the regular lines, and which they are."""
        shape, reader = self.quotes.shape[0], self.reader
        if shape == 2 or (reader.needs_ours and shape > 6):
            return {}, np.full(len(self.starts), not reader.needs_ours)
        if shape > 8 and reader.trusted_proxies:
            return {}, np.zeros(len(self.starts), dtype=bool)  # one of several fields may be the list
        has_ours = reader.has_ours and shape == 6
        return read_tails(self.block, self.quotes[-1] + 1, self.ends, has_ours, reader.needs_ours)

    def _table(
        self,
        numbers: dict[str, pa.Array],
        method: Places,
        uri_start: Places,
        codes: Places,
        heads: list[tuple[bytes, bytes | None, bytes | None, bytes | None] | None],
        tail: dict[str, pa.Array],
    ) -> pa.Table:
        block, quotes, count = self.block, self.quotes, len(self.starts)
        nothing = pa.nulls(count, pa.binary())
        uri_end = quotes[1] - _PROTOCOL_WIDTH
        mark = pc.find_substring(cut(block, uri_start, uri_end), b"?").to_numpy(zero_copy_only=False)
        path_end = np.where(mark < 0, uri_end, uri_start + mark)
        query_start = np.minimum(path_end + 1, uri_end)
        known = [head or (None, None, None, None) for head in heads]
        indices = pa.array(codes)
        columns: dict[str, pa.Array] = {
            **numbers,
            "method": pa.array([name[:-1] for name in _METHODS], pa.binary()).take(pa.array(method)),
            "path": cut(block, uri_start, path_end),
            "query": cut(block, query_start, uri_end, is_null=query_start >= uri_end),
        }
        for place, name in enumerate(("address", "host", "user")):
            values = pa.array([head[place] for head in known], pa.binary())
            if values.null_count < len(values):
                columns[name] = values.take(indices)
        if quotes.shape[0] > 2:
            columns["referrer"] = cut(block, quotes[2] + 1, quotes[3])
            columns["user_agent"] = cut(block, quotes[4] + 1, quotes[5])
        if self.reader.trusted_proxies:
            columns["address"] = self._clients(codes, known)
        columns |= tail
        if "own_at" in tail:
            columns["at"] = pc.coalesce(columns.pop("own_at"), columns["at"])
        columns["line"] = pa.nulls(count, pa.int64())  # the caller knows the lines' numbers
        empty = {"duration_us": pa.nulls(count, pa.int64())}
        return pa.table([columns.get(name, empty.get(name, nothing)) for name in FIELDS.names], schema=FIELDS)

    def _clients(self, codes: Places, heads: Sequence[tuple[bytes | None, ...]]) -> pa.Array:
        """Choose each line's client behind the trusted proxies, once for each distinct head and list."""
        if self.quotes.shape[0] >= 8:
            listed = cut(self.block, self.quotes[6] + 1, self.quotes[7]).dictionary_encode()
            lists, list_codes = to_bytes(listed.dictionary), listed.indices.to_numpy()
        else:
            lists, list_codes = [None], np.zeros(len(codes), dtype=np.int32)
        pairs = pa.array(codes.astype(np.int64) * len(lists) + list_codes).dictionary_encode()
        clients = []
        for pair in pairs.dictionary.to_pylist():
            head, value = heads[pair // len(lists)], lists[pair % len(lists)]
            forwarded = head[3] or (value if value is not None and is_address_list(value) else None)
            clients.append(client_address(head[0], forwarded, self.reader.trusted_proxies))
        return pa.array(clients, pa.binary()).take(pairs.indices)
