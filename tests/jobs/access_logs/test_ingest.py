"""Every line of a block is accounted for, whatever its bytes, in every format."""

import hashlib
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.access_logs.cloudfront import FIELDS
from jobs.access_logs.described import load_described
from jobs.access_logs.formats import FORMATS
from jobs.access_logs.ingest import Ingested, Layout, find_layout, first_data_line, ingest
from jobs.access_logs.quarantine import RAW_BYTES, REASONS
from jobs.access_logs.requests import REJECTED, REQUESTS
from jobs.access_logs.settings import IngestSettings

DESCRIBED = load_described(
    'name: mine\ntemplate: \'$remote_addr [$time_local] "$request" $status "$http_user_agent"\'', "x"
)
LISTED = load_described('name: listed\nfields: [at, address, "-", request, status]\ndelimiter: ";"', "x")
SETTINGS = IngestSettings(key=b"a key of the tests", described_formats=(DESCRIBED, LISTED))
LAYOUTS = [
    *(Layout(name, stream, FIELDS if name == "cloudfront" else ()) for name, stream in FORMATS.items()),
    Layout("mine", "server"),
    Layout("listed", "server"),
]
COMBINED = b'203.0.113.7 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 512 "-" "ua"\n'
OURS = COMBINED[:-1] + b" 1790856000123456 1834 p_1 01999c7e-5a40-7c3d-9f10-3b7f6e0a1c22 DE\n"
GOOD = [
    COMBINED,
    OURS,
    b"h2 2018-07-02T22:23:00.1Z lb 10.0.1.252:48160 - 0.0 0.0 0.0 200 200 5 257"
    b' "GET https://e.com/ HTTP/2.0" "ua" - -\n',
    b"2015-05-13T23:39:43.945958Z lb 10.0.1.252:2817 - 0.1 0.1 0.1 200 200 0 29"
    b' "GET http://e.com:80/ HTTP/1.1"\n',
    b"2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.100\tGET\td1\t/index.html\t200\t-\tMoz%20(X)\t-\t-\n",
    b'{"date":"2019-12-04","time":"21:02:31","x-edge-location":"X","sc-status":"200","c-ip":"192.0.2.1"}\n',
    b'{"time": 1384687890, "status": 200, "uri": "/x", "remote_addr": "192.0.2.1"}\n',
    b'192.0.2.1 [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 "ua"\n',
    b"2000-10-10T20:55:36Z;192.0.2.1;x;GET / HTTP/1.1;200\n",
    b"#Fields: date time x-edge-location sc-status\n",
    b"#\n",
    b"\n",
]


@st.composite
def _any_bytes(draw: st.DrawFn) -> bytes:
    """Noise, good lines, and good lines with noise inside, in any order."""
    pieces = []
    for _ in range(draw(st.integers(0, 6))):
        piece = draw(st.one_of(st.binary(max_size=80), st.sampled_from(GOOD)))
        if draw(st.booleans()):
            place = draw(st.integers(0, len(piece)))
            piece = piece[:place] + draw(st.binary(max_size=4)) + piece[place + draw(st.integers(0, 8)) :]
        pieces.append(piece * draw(st.sampled_from((1, 1, 9))))
    return b"".join(pieces)


def _ingest(raw: bytes, layout: Layout, chosen: IngestSettings = SETTINGS, offset: int = 0) -> Ingested:
    return ingest(raw, offset, "object", first_data_line(raw) or b"", layout, chosen)


@pytest.mark.parametrize("layout", LAYOUTS, ids=[layout.format for layout in LAYOUTS])
@given(raw=_any_bytes(), proxies=st.integers(0, 2))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_any_bytes_at_all_keep_conservation_and_never_raise(layout: Layout, raw: bytes, proxies: int) -> None:
    found = _ingest(raw, layout, replace(SETTINGS, trusted_proxies=proxies))
    count = raw.count(b"\n") + (not raw.endswith(b"\n") and raw != b"")
    assert found.lines_read == count == found.requests.num_rows + found.rejected.num_rows + found.ignored
    assert (found.requests.schema, found.rejected.schema) == (REQUESTS, REJECTED)
    found.requests.validate(full=True)
    found.rejected.validate(full=True)
    assert set(found.rejected["reason"].to_pylist()) <= set(REASONS)
    offsets = found.requests["byte_offset"].to_pylist() + found.rejected["byte_offset"].to_pylist()
    assert len(set(offsets)) == len(offsets)


@given(raw=_any_bytes())
@settings(derandomize=True, deadline=None, max_examples=200)
def test_a_format_that_is_found_reads_at_least_one_line(raw: bytes) -> None:
    layout = find_layout(raw, SETTINGS)
    if layout is not None:
        found = _ingest(raw, layout)
        assert found.requests.num_rows + found.rejected["reason"].to_pylist().count("out_of_bounds") > 0


HOSTILE = [
    b'h - - [10/Oct/2000:13:55:36 -0700] "', b'"', b"\\", b'\\"', b' "', b'" ', b"[", b" [", b"a, ", b":",
    b"::1 ",
    b"1.1.1.1", b"{", b'{"a":', b"[[", b"\t", b" ", b";", b'";', b"%25", b'" 200 5 "',
    b" [10/Oct/2000:13:55:36 -0700]",
    b'" 2', b"# ", b"\xff", b"\0", b"\r", b'"x', b'\\" "', b"9", b"(0 s) ", b"2018-07-02T22:23:00.1Z ",
    b'h2 ',
]  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS, ids=[layout.format for layout in LAYOUTS])
def test_a_line_of_64_kib_is_read_in_linear_time(layout: Layout) -> None:
    started = time.process_time()
    good = next(line for line in GOOD[:9] if _ingest(line, layout).requests.num_rows)[:-1]
    prefixes = (b"", good[: len(good) // 2], good)
    for prefix in prefixes:
        for piece in HOSTILE:
            raw = prefix + (piece * (65_000 // len(piece) + 1))[:65_000] + b"\n"
            assert _ingest(raw, layout).lines_read == 1
    taken = (time.process_time() - started) / (len(prefixes) * len(HOSTILE))
    assert taken < 0.05, f"{taken:.3f} s a line on average: something is not linear"


def test_a_line_longer_than_the_cap_is_rejected_and_its_raw_is_cut() -> None:
    chosen = replace(SETTINGS, max_line_bytes=10_000)
    found = _ingest(COMBINED + b"x" * 10_001 + b"\n" + COMBINED, LAYOUTS[1], chosen)
    assert found.requests.num_rows == 2
    assert found.rejected.to_pylist() == [
        {"object_id": "object", "byte_offset": len(COMBINED), "reason": "too_long", "raw": "x" * RAW_BYTES}
    ]


@pytest.mark.parametrize(
    ("at", "reasons"), [(999, ["out_of_bounds"]), (1_000, []), (1_999, []), (2_000, ["out_of_bounds"])]
)
def test_a_time_outside_the_bounds_is_rejected(at: int, reasons: list[str]) -> None:
    chosen = replace(SETTINGS, earliest_at=1_000_000_000 + 1_000, latest_at=1_000_000_000 + 2_000)
    raw = f'{{"time": 1000.{at:06}, "status": 200}}\n'.encode()
    found = _ingest(raw, Layout("json_lines", "server"), chosen)
    assert found.rejected["reason"].to_pylist() == reasons
    assert found.requests.num_rows == 1 - len(reasons)


def test_no_address_reaches_what_is_written() -> None:
    raw = b"".join(line.replace(b"203.0.113.7", b"192.0.2.1") for line in GOOD[:9])
    for layout in LAYOUTS:
        found = _ingest(raw, layout)
        assert "192.0.2.1" not in str(found.requests.to_pylist()) + str(found.rejected.to_pylist())


def test_rows_are_ordered_by_request_id_or_else_by_first_line_and_offset() -> None:
    found = _ingest(OURS + COMBINED, Layout("playerpath", "server"), offset=1_000)
    digest = hashlib.sha256(OURS[:-1]).digest()
    assert found.requests["byte_offset"].to_pylist() == [1_000, 1_000 + len(OURS)]
    assert found.requests["order_hi"].to_pylist() == [
        0x01999C7E5A407C3D - (1 << 63),
        int.from_bytes(digest[:8], "big", signed=True),
    ]
    assert found.requests["order_lo"].to_pylist() == [0x9F103B7F6E0A1C22 - (1 << 63), 1_000 + len(OURS)]


def test_a_line_of_our_own_server_gives_a_whole_row() -> None:
    (row,) = _ingest(OURS, Layout("playerpath", "server")).requests.to_pylist()
    del row["visitor"], row["order_hi"], row["order_lo"]
    assert row == {
        "at": 1_790_856_000_123_456, "method": "GET", "path": "/", "query": None, "status": 200,
        "bytes_sent": 512,
        "duration_us": 1_834, "duration_bucket": 259, "referrer": "-", "user_agent": "ua", "user": None,
        "authenticated_id": "p_1", "declared_id": None, "host": None, "country": "DE",
        "request_id": "01999c7e-5a40-7c3d-9f10-3b7f6e0a1c22", "object_id": "object", "byte_offset": 0,
    }  # fmt: skip


def test_a_country_is_looked_up_by_address_only_where_the_log_names_none() -> None:
    chosen = replace(SETTINGS, country_of={"203.0.113.7": "NL"}.get)
    found = _ingest(
        OURS + COMBINED + COMBINED.replace(b".7 ", b".8 "), Layout("playerpath", "server"), chosen
    )
    assert found.requests["country"].to_pylist() == ["DE", "NL", None]


def test_nothing_gives_empty_tables() -> None:
    found = _ingest(b"", LAYOUTS[0])
    assert (found.lines_read, found.requests.num_rows, found.rejected.num_rows) == (0, 0, 0)
    assert (found.requests.schema, found.rejected.schema) == (REQUESTS, REJECTED)
