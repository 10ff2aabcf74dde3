"""Application and classic load balancers of AWS."""

import pytest

from jobs.access_logs.elb import ElbReader
from jobs.access_logs.rows import Line

ALB = ElbReader(is_classic=False)
CLASSIC = ElbReader(is_classic=True)
FRONT = (
    b"h2 2018-07-02T22:23:00.186641Z app/lb/50dc 10.0.1.252:48160 10.0.0.66:9000"
    b" 0.001 0.002 0.003 200 200 5 257 "
)
REQUEST = b'"GET https://www.Example.com:443/a?b=c HTTP/2.0" "curl/7.46.0"'
REST = (
    b' ECDHE TLSv1.2 arn:aws:x "Root=1-58" "sni.example.com" "arn:cert" 1 2018-07-02T22:22:48.364000Z'
    b' "redirect"'
    b' "https://example.com:80/" "-" "10.0.0.66:9000" "200" "-" "-" TID_1 "-" "-" "-" 10.9.9.9'
)
LINE = Line(
    at=1_530_570_180_186_641,
    address=b"10.0.1.252",
    method=b"GET",
    path=b"/a",
    query=b"b=c",
    status=200,
    bytes_sent=257,
    duration_us=6_000,
    user_agent=b"curl/7.46.0",
    host=b"www.example.com",
)


@pytest.mark.parametrize(
    "rest", [REST, REST + b' and "more" fields', REST[: REST.index(b" TID")], REST[:60], b""]
)
def test_fields_added_or_missing_at_the_end_change_nothing(rest: bytes) -> None:
    assert ALB.read(FRONT + REQUEST + rest) == LINE


def test_without_a_target_there_is_no_duration() -> None:
    found = ALB.read(FRONT.replace(b"0.001 0.002 0.003", b"-1 -1 -1") + REQUEST + REST)
    assert found == LINE._replace(duration_us=None)


def test_a_request_that_is_garbage_leaves_the_host_that_tls_asked_for() -> None:
    found = ALB.read(FRONT + b'"- http://lb:80- -" "-"' + REST)
    assert found == LINE._replace(
        method=None, path=None, query=None, user_agent=b"-", host=b"sni.example.com"
    )


def test_quotes_in_a_user_agent_are_escaped() -> None:
    found = ALB.read(FRONT + REQUEST[:-1] + rb' \"x\""' + REST)
    assert isinstance(found, Line)
    assert found.user_agent == rb"curl/7.46.0 \"x\""


def test_a_client_may_have_an_ipv6_address() -> None:
    found = ALB.read(FRONT.replace(b"10.0.1.252:48160", b"[2001:db8::1]:48160") + REQUEST)
    assert found == LINE._replace(address=b"2001:db8::1")


CLASSIC_FRONT = (
    b"2015-05-13T23:39:43.945958Z lb 192.168.131.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "
)


@pytest.mark.parametrize(
    ("rest", "user_agent"), [(b"", None), (b' "curl/7.38.0" - -', b"curl/7.38.0"), (b' "" - - more', b"")]
)
def test_a_classic_line_has_12_or_15_fields(rest: bytes, user_agent: bytes | None) -> None:
    found = CLASSIC.read(CLASSIC_FRONT + b'"GET http://e.com:80/ HTTP/1.1"' + rest)
    assert isinstance(found, Line)
    assert (found.user_agent, found.host, found.path, found.duration_us) == (
        user_agent,
        b"e.com",
        b"/",
        1_178,
    )


def test_a_tcp_line_is_accepted_with_nothing_of_http() -> None:
    found = CLASSIC.read(CLASSIC_FRONT.replace(b"200 200", b"- -") + b'"- - - " "-" - -')
    assert isinstance(found, Line)
    assert (found.method, found.path, found.status, found.bytes_sent) == (None, None, None, 29)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (FRONT, "not_in_format"),
        (FRONT + REQUEST[:20], "not_in_format"),
        (FRONT.replace(b"07-02", b"13-02") + REQUEST, "no_time"),
        (CLASSIC_FRONT + b'"GET / HTTP/1.1"', "not_in_format"),
    ],
)
def test_other_lines_are_rejected_with_a_reason(line: bytes, reason: str) -> None:
    assert ALB.read(line) == reason
