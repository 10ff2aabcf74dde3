"""JSON lines of nginx, Caddy, Traefik, and of anything else by a field map."""

import json

import pytest

from jobs.access_logs.json_lines import JsonReader
from jobs.access_logs.rows import Line

AT = 1_384_687_890_000_000


def _read(record: object, reader: JsonReader | None = None) -> Line | str:
    return (reader or JsonReader()).read(json.dumps(record).encode())


def test_nginx_with_every_value_a_string() -> None:
    record = {
        "remote_addr": "127.0.0.1", "remote_user": "-", "time_local": "17/Nov/2013:06:31:30 -0500",
        "request": "GET /a?b=c HTTP/1.1", "status": "200", "body_bytes_sent": "6690", "request_time": "0.002",
        "sent": "7086", "http_referer": "-", "http_user_agent": "Pingdom", "http_x_forwarded_for": "-",
    }  # fmt: skip
    assert _read(record) == Line(
        at=AT,
        address=b"127.0.0.1",
        method=b"GET",
        path=b"/a",
        query=b"b=c",
        status=200,
        bytes_sent=6690,
        duration_us=2_000,
        referrer=b"-",
        user_agent=b"Pingdom",
    )


def test_caddy_with_nested_objects_and_a_float_time() -> None:
    record = {
        "ts": 1703373474.8155608, "status": 200, "size": 3609, "duration": 0.001335486,
        "request": {
            "remote_ip": "10.0.0.1", "client_ip": "1.2.3.4", "method": "GET", "host": "Example.com:443",
            "uri": "/beta/?x", "headers": {"User-Agent": ["Moz"], "Cookie": ["sid=p7; x=1"]},
        },
        "user_id": "",
    }  # fmt: skip
    assert _read(record, JsonReader(id_cookie="sid")) == Line(
        at=1_703_373_474_815_561,
        address=b"1.2.3.4",
        method=b"GET",
        path=b"/beta/",
        query=b"x",
        status=200,
        bytes_sent=3609,
        duration_us=1_335,
        user_agent=b"Moz",
        declared_id=b"p7",
        host=b"example.com",
    )


def test_traefik_with_a_duration_in_nanoseconds() -> None:
    record = {
        "ClientHost": "1.2.3.4", "RequestMethod": "GET", "RequestPath": "/my?id=1", "DownstreamStatus": "200",
        "DownstreamContentSize": 15, "Duration": 10002425284, "StartUTC": "2013-11-17T11:31:30.000000999Z",
        "time": "2023-08-11T11:41:25", "RequestHost": "localhost", "ClientUsername": "-",
    }  # fmt: skip
    assert _read(record) == Line(
        at=AT,
        address=b"1.2.3.4",
        method=b"GET",
        path=b"/my",
        query=b"id=1",
        status=200,
        bytes_sent=15,
        duration_us=10_002_425,
        host=b"localhost",
    )


def test_a_field_map_gives_another_servers_names() -> None:
    reader = JsonReader(
        [("at", "when.start"), ("path", "target"), ("status", "http.status"), ("duration_ms", "took")],
        id_json_field="user.id",
    )
    record = {
        "when": {"start": 1384687890}, "target": "/x", "http.status": "404", "took": 1.5, "user": {"id": 77},
        "duration": 9, "time": "2001-01-01T00:00:00Z",
    }  # fmt: skip
    assert _read(record, reader) == Line(at=AT, path=b"/x", status=404, duration_us=1_500, declared_id=b"77")


@pytest.mark.parametrize(
    "time", [1384687890, "1384687890", 1384687890000, 1384687890000000, "2013-11-17T11:31:30Z"]
)
def test_a_time_is_read_in_whichever_notation(time: object) -> None:
    assert _read({"time": time, "status": 200}) == Line(at=AT, status=200)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"time": 1384687890, "status": 200', "bad_json"),
        (b"[1, 2]", "bad_json"),
        (b'"text"', "bad_json"),
        (b"[" * 60_000, "bad_json"),
        (b'{"a":' * 10_000, "bad_json"),
        (b'{"status": 200}', "no_time"),
        (b'{"time": "soon", "status": 200}', "no_time"),
        (
            b'{"ts": 1761019822.3, "msg": "using config from file", "file": "/etc/caddy/Caddyfile"}',
            "missing_fields",
        ),
    ],
)
def test_other_lines_are_rejected_with_a_reason(line: bytes, reason: str) -> None:
    assert JsonReader().read(line) == reason


def test_bytes_that_are_not_utf_8_and_halves_of_pairs_are_kept() -> None:
    line = b'{"time": 1384687890, "status": 200, "uri": "/\xff\\ud800", "method": "GET"}'
    found = JsonReader().read(line)
    assert isinstance(found, Line)
    assert found.path is not None
    assert found.path.startswith(b"/")


def test_numbers_that_are_no_sizes_are_missing() -> None:
    found = _read(
        {"time": 1384687890, "status": 20000, "method": "GET", "uri": "/", "size": -1, "duration": -0.5}
    )
    assert found == Line(at=AT, method=b"GET", path=b"/")
