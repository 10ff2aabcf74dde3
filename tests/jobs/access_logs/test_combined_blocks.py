"""Reading in columns gives exactly what reading line by line gives, however a log is cut into blocks."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.access_logs import combined_blocks
from jobs.access_logs.combined import CombinedReader
from jobs.access_logs.ingest import Ingested, Layout, ingest
from jobs.access_logs.lines import split_lines
from jobs.access_logs.settings import IngestSettings

SETTINGS = IngestSettings(key=b"a key of the tests")
COMBINED = Layout("combined", "server")
OURS = Layout("playerpath", "server")


def _choose(values: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """Take the first, plain value more often than not: mostly one place is odd."""
    return st.one_of(st.just(values[0]), st.just(values[0]), st.sampled_from(values))


@pytest.fixture(scope="module", autouse=True)
def _every_shape_in_columns() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(combined_blocks, "FEW", 1)
        yield


AGENT = rb'"Mozilla/5.0 (X11; \"odd\")"'
HEADS = (
    b"203.0.113.7 - -", b"203.0.113.8 - jo", b"e.com 203.0.113.7 - -", b"2001:db8::1 - -",
    b"10.0.0.2, 10.0.0.1 - -",
    b'"198.51.100.7, 10.0.0.1" 10.0.0.2 - -', b'"-" h - -', b"h - John Smith", b"h, - -", b"-  - -", b"h",
    b"",
    b'h - "-', b'"a [10/Oct/2000:13:55:36 -0700] " h - -', b'"unclosed h - -', b"e.com:443 h - -", b" - -",
)  # fmt: skip
TIMES = (
    b"[10/Oct/2000:13:55:36 -0700]", b"[01/Jan/2026:00:00:00 +0000]", b"[29/Feb/2024:23:59:60 +0545]",
    b"[29/Feb/2023:00:00:00 +0000]", b"[31/Apr/2023:00:00:00 +0000]", b"[10/Oct/1960:13:55:36 +0000]",
    b"[1/Oct/2000:13:55:36 +0000]", b"[10/oct/2000:13:55:36 +0000]", b"[10/Oct/2000:13:55:36.5 +0000]",
    b"[10/Oct/2000:13:55:36  0000]", b"[2000-10-10T13:55:36Z]", b"2000-10-10T13:55:36Z", b"[-]",
    b"[10/Oct/2000:13:55:36 -0700] (3 s)", b"[10/Oct/2000:24:00:00 +0000]",
)  # fmt: skip
REQUESTS = (
    b"GET / HTTP/1.1", b"POST /v1/matches?x=1 HTTP/1.1", b"DELETE /v1/players/7 HTTP/1.0",
    b"GET /a b?c HTTP/1.1",
    b"GET /\xff\x00\xc3\xa9 HTTP/1.1", b"GET /tab\there HTTP/1.1", b"GET /ksc.html", b"GET /a HTTP/2", b"-",
    b"", b'GET /"x" HTTP/1.1', rb"GET /\"x\" HTTP/1.1",
    b"GET http://e.com/x HTTP/1.1", b"get / HTTP/1.1", b"PROPFIND / HTTP/1.1", b"\x16\x03\x01",
    b"GET /?? HTTP/1.1",
    b"GET  HTTP/1.1", rb"GET /back\\ HTTP/1.1", b"GET / HTTP/x.1", rb"GET /end HTTP/1.1\\",
    b"GET /\rX HTTP/1.1",
)  # fmt: skip
ANSWERS = (
    b"200 512", b"404 -", b"- -", b"999 0", b"200 123456789", b"200 12345678901234567", b"200 -5", b"2x0 5",
    b"200",
    b"200  512", b"200 512x",
)  # fmt: skip
TAILS = (
    b' "-" "ua"', b"", b' "http://e.com/a?b" "Mozilla/5.0"', b' "" ""', b' "-" ' + AGENT, b' "-" "ua" 0.002',
    b' "-" "ua" 1807', b' "-" "ua" 0.002 0.001 .', b' "-" "ua" "203.0.113.9"',
    b' "-" "ua" "203.0.113.9, 10.0.0.1" 0.5',
    b' "-" "ua" "-" "203.0.113.10"', b' "203.0.113.9" "-" "ua"', b' "203.0.113.9" "ua"', b' "abc" "ua"',
    b' "-" "ua" 7 "r" "http://x" 12ms', b' "-" "cut off', b' "one"', b' "-"  "ua"', b' "-" "ua"x',
    b' "-" "u"a"',
    b' "-" "ua" 12ms', b' "-" "ua" 1 2 3 4 5 6', b' "-" "ua"  0.5', b' "-" "ua" 99999999999999999999',
    b' "-" "ua" ',
    b' "-" "ua" 1790856000123456 1834 p_1 01999c7e-5a40-7c3d-9f10-3b7f6e0a1c22 DE',
    b' "-" "ua" 17908560001234 1834 p_1 01999c7e-5a40-7c3d-9f10-3b7f6e0a1c22 DE',
    b' "-" "ua" 1790856000123457 - - - -', b' "-" "ua" - 5 p_2 - FR',
    b' "-" "ua" 1790856000123456 1834 p_1 01999C7E-5a40-7c3d-9f10-3b7f6e0a1c22 DE and more',
    b' "-" "ua" 1790856000123456 1834 p_1 01999c7e-5a40-7c3d-9f10-3b7f6e0a1cZZ DE',
    b' "-" "ua" 1790856000123456 1834 p_1 01999c7e-5a40-7c3d-9f10-3b7f6e0a1c22 de',
    b' "-" "ua" 17908560001234567 18 p 01999c7e-5a40-7c3d-9f10-3b7f6e0a1c22 -', b' "-" "ua" 179085600012',
    b"\x00",
    b' "a\\" "ua"', b' "a\\" " x"', b' "-" "ua\\" " x"',
    b' "-" "ua\\"', b' "-" "ua\\\\"', b' "a\\\\" "ua"', b' "-" "ua" "b\\"', b' "-" "ua" "b\\" "c"',
)  # fmt: skip


PARTS = (HEADS, TIMES, REQUESTS, ANSWERS, TAILS)
PLAIN = tuple(part[0] for part in PARTS)


def _line(*parts: bytes) -> bytes:
    head, time, request, answer, tail = parts
    return head + b" " + time + b' "' + request + b'" ' + answer + tail


@st.composite
def _lines(draw: st.DrawFn) -> bytes:
    line = _line(*(draw(_choose(part)) for part in PARTS))
    odd = draw(st.sampled_from(("plain", "plain", "wrapped", "cut", "noise", "noise")))
    if odd == "wrapped":
        line = b'"' + line + b'"'
    elif odd == "cut":
        line = line[: draw(st.integers(0, len(line)))]
    elif odd == "noise":
        place = draw(st.integers(0, len(line)))
        line = (
            line[:place]
            + draw(st.sampled_from((b'"', b"\\", b" ", b"[", b"]", b"\r", b"\0", b"-")))
            + line[place:]
        )
    return line


LOGS = st.lists(
    st.tuples(
        st.one_of(
            _lines(), st.sampled_from((b"", b"  ", b"#Fields: x", b"# note", b'"', b'""', b'"""', b"\r"))
        ),
        st.integers(1, 3),
        st.sampled_from((b"\n", b"\r\n")),
    ),
    min_size=1,
    max_size=12,
)


def _log(entries: list[tuple[bytes, int, bytes]]) -> bytes:
    """Repeat lines, so that the shapes that are read in columns occur often enough."""
    return b"".join((line + end) * times for line, times, end in entries)


def in_order(requests: pa.Table) -> list[dict[str, Any]]:
    """Give rows by their place in the object: a block gives them in no order."""
    return requests.sort_by("byte_offset").to_pylist()


def _rows(found: Ingested) -> tuple[list[object], list[object], int, int]:
    return in_order(found.requests), found.rejected.to_pylist(), found.lines_read, found.ignored


def _odd_lines() -> list[bytes]:
    """Give every plain line with one part odd, and with a byte put in, changed or left out anywhere."""
    odd = [
        HEADS[0] + b" 2000-10-10T13:55:36Z " + _line(*PLAIN[:4], TAILS[5]),
        *(b'"a ' + time + b' " ' + _line(*PLAIN[:4], TAILS[5]) for time in TIMES),
    ]
    for index, part in enumerate(PARTS):
        odd += [_line(*PLAIN[:index], value, *PLAIN[index + 1 :]) for value in part]
    for tail in (TAILS[0], TAILS[1], *(value for value in TAILS if b"DE" in value or b"203" in value)):
        plain = _line(*PLAIN[:4], tail)
        for place in range(len(plain)):
            odd.append(plain[:place] + plain[place + 1 :])
            for noise in (b'"', b"\\", b" ", b"[", b"-", b"7", b"Z"):
                odd += [plain[:place] + noise + plain[place:], plain[:place] + noise + plain[place + 1 :]]
    return odd


@pytest.mark.parametrize("layout", [COMBINED, OURS], ids=["combined", "playerpath"])
@pytest.mark.parametrize("proxies", [0, 1])
def test_a_line_that_is_odd_in_one_place_is_read_as_it_is_alone(layout: Layout, proxies: int) -> None:
    raw = b"\n".join(_odd_lines()) + b"\n"
    chosen = replace(SETTINGS, trusted_proxies=proxies)
    fast = ingest(raw, 0, "object", b"first", layout, chosen)
    slow = ingest(raw, 0, "object", b"first", layout, chosen, in_columns=False)
    assert fast.rejected.equals(slow.rejected)
    columns, single = (found.requests.sort_by("byte_offset") for found in (fast, slow))
    for column in columns.column_names:
        assert columns[column].to_pylist() == single[column].to_pylist(), column


@given(
    entries=LOGS,
    layout=st.sampled_from((COMBINED, OURS)),
    proxies=st.sampled_from((0, 1, 2)),
    name=st.sampled_from(("auto", "combined")),
)
@settings(derandomize=True, deadline=None, max_examples=250)
def test_columns_and_single_lines_give_the_same_rows(
    entries: list[tuple[bytes, int, bytes]], layout: Layout, proxies: int, name: str
) -> None:
    raw = _log(entries)
    chosen = replace(SETTINGS, trusted_proxies=proxies, format=name)
    fast = ingest(raw, 0, "object", b"first", layout, chosen)
    slow = ingest(raw, 0, "object", b"first", layout, chosen, in_columns=False)
    assert _rows(fast) == _rows(slow)
    assert fast.requests.schema == slow.requests.schema


@given(entries=LOGS, cuts=st.lists(st.integers(0, 200), max_size=4))
@settings(derandomize=True, deadline=None, max_examples=100)
def test_any_cutting_at_line_ends_gives_the_same_rows(
    entries: list[tuple[bytes, int, bytes]], cuts: list[int]
) -> None:
    raw = _log(entries)
    whole = ingest(raw, 0, "object", b"first", COMBINED, SETTINGS)
    ends = [place + 1 for place, byte in enumerate(raw) if byte == 10]
    edges = [0, *sorted({ends[cut % len(ends)] for cut in cuts} | {len(raw)})]
    pieces = [
        ingest(raw[start:end], start, "object", b"first", COMBINED, SETTINGS)
        for start, end in pairwise(edges)
    ]
    assert [row for piece in pieces for row in in_order(piece.requests)] == in_order(whole.requests)
    assert [row for piece in pieces for row in piece.rejected.to_pylist()] == whole.rejected.to_pylist()


START = b"203.0.113.7 - - [10/Oct/2000:13:55:36 -0700] "


@pytest.mark.parametrize(
    "line",
    [
        START + b'"GET /a?b=c HTTP/1.1" 200 512 "http://e.com/" "Mozilla/5.0"',
        b'e.com 203.0.113.7 - jo [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.1" 200 - "-" "ua" 0.003 0.002 .',
        START + b'"POST /a HTTP/2.0" 200 512',
        START + b'"PUT /a HTTP/1.1" 200 512 "-" "ua" "10.0.0.1, 10.0.0.2"',
        b'"' + START + b'"GET / HTTP/1.1" 200 3279 "-" "w3af.org""\r',
        b'"10.5.102.222, 199.96.1.1" 10.2.1.185 - - [22/Jan/2016:13:18:29 +0000]'
        b' "GET / HTTP/1.1" 200 2 "-" "ua"',
        b'203.0.113.7 - - [01/Oct/2026:12:00:00 +0000] "GET /v1/shop HTTP/1.1" 200 512 "-" "ua"'
        b" 1790856000123456 1834 p_3f2a9c0d51e87b64 01999c7e-5a40-7c3d-9f10-3b7f6e0a1c22 DE",
    ],
)
def test_lines_of_every_usual_shape_are_read_in_columns(line: bytes) -> None:
    lines = split_lines((line + b"\n") * 50)
    numbers = pa.array(range(50)).to_numpy().copy()
    table, left = combined_blocks.read_block(lines, numbers, CombinedReader())
    assert (table.num_rows, len(left)) == (50, 0)


def test_an_unbalanced_quote_spoils_no_other_line() -> None:
    good = b'203.0.113.7 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 512 "-" "ua"\n'
    found = ingest(good * 9 + b'h - - "oops\n' + good * 9, 0, "object", b"first", COMBINED, SETTINGS)
    assert (found.requests.num_rows, found.rejected["byte_offset"].to_pylist()) == (18, [9 * len(good)])
