"""CloudFront's W3C and JSON forms."""

import json

import pytest

from jobs.access_logs.cloudfront import (
    FIELDS,
    CloudFrontJsonReader,
    CloudFrontReader,
    decode,
    read_fields,
)
from jobs.access_logs.ingest import find_layout, first_data_line, ingest
from jobs.access_logs.rows import Line
from jobs.access_logs.settings import IngestSettings

SETTINGS = IngestSettings(key=b"a key of the tests", id_cookie="sid")
VALUES = {
    "date": "2019-12-04", "time": "21:02:31", "x-edge-location": "LAX1", "sc-bytes": "392",
    "c-ip": "192.0.2.100",
    "cs-method": "GET", "cs(Host)": "d1.cloudfront.net", "cs-uri-stem": "/index.html", "sc-status": "200",
    "cs(Referer)": "-", "cs(User-Agent)": "Moz/5.0%20(X11)", "cs-uri-query": "a=b",
    "cs(Cookie)": "a=1;%20sid=p7",
    "x-edge-request-id": "SOX4==", "time-taken": "0.25", "x-forwarded-for": "198.51.100.1", "c-country": "DE",
}  # fmt: skip
LINE = Line(
    at=1_575_493_351_000_000,
    address=b"192.0.2.100",
    method=b"GET",
    path=b"/index.html",
    query=b"a=b",
    status=200,
    bytes_sent=392,
    duration_us=250_000,
    referrer=b"-",
    user_agent=b"Moz/5.0 (X11)",
    declared_id=b"p7",
    host=b"d1.cloudfront.net",
    country=b"DE",
    request_id=b"SOX4==",
)


@pytest.mark.parametrize("separator", ["\t", " ", "   "])
def test_fields_are_taken_by_their_names_in_any_order(separator: str) -> None:
    names = list(reversed(VALUES))
    reader = CloudFrontReader(tuple(names), id_cookie="sid")
    assert reader.read(separator.join(VALUES[name] for name in names).encode()) == LINE


def test_the_json_form_gives_the_same_fields() -> None:
    assert CloudFrontJsonReader(id_cookie="sid").read(json.dumps(VALUES).encode()) == LINE


def test_behind_trusted_proxies_the_client_is_the_forwarded_address() -> None:
    found = CloudFrontJsonReader(id_cookie="sid", trusted_proxies=1).read(json.dumps(VALUES).encode())
    assert found == LINE._replace(address=b"198.51.100.1")


def test_a_time_in_milliseconds_of_a_chosen_field_is_read() -> None:
    record = {"timestamp(ms)": "1575493351123", "sc-status": "200", "x-edge-location": "LAX1"}
    assert CloudFrontJsonReader().read(json.dumps(record).encode()) == Line(
        at=1_575_493_351_123_000, status=200
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (b"Moz%2520(X)", b"Moz (X)"),
        (b"Moz%20(X)", b"Moz (X)"),
        (b"100%25", b"100%"),
        (b"-", b"-"),
        (b"%FF%00", b"\xff\x00"),
        (b"50%zz", b"50%zz"),
    ],
)
def test_values_are_decoded_as_often_as_they_were_encoded(written: bytes, meant: bytes) -> None:
    assert decode(written) == meant


def test_the_directive_may_be_separated_by_tabs_or_spaces() -> None:
    assert read_fields(b"#Fields:\tdate\ttime") == read_fields(b"#Fields: date  time") == ("date", "time")
    assert read_fields(b"#Version: 1.0") is None


def _log(*parts: str) -> bytes:
    return "".join(part + "\n" for part in parts).encode()


def test_a_second_fields_line_changes_the_meaning_of_the_lines_after_it_only() -> None:
    first, second = (
        ["date", "time", "x-edge-location", "sc-status"],
        ["sc-status", "x-edge-location", "time", "date"],
    )
    raw = _log(
        "#Version: 1.0",
        "#Fields: " + " ".join(first),
        "2019-12-04\t21:02:31\tLAX1\t200",
        "#Fields: " + " ".join(second),
        "404\tLAX1\t21:02:32\t2019-12-04",
    )
    layout = find_layout(raw, SETTINGS)
    assert layout is not None
    assert (layout.fields, layout.is_splittable) == (tuple(first), False)
    found = ingest(raw, 0, "object", first_data_line(raw) or b"", layout, SETTINGS)
    assert found.requests["status"].to_pylist() == [200, 404]
    assert (found.lines_read, found.ignored, found.layout.fields) == (5, 3, tuple(second))
    half = raw.index(b"404")
    head = ingest(raw[:half], 0, "object", b"x", layout, SETTINGS)
    assert ingest(raw[half:], half, "object", b"x", head.layout, SETTINGS).requests["status"].to_pylist() == [
        404
    ]


def test_a_file_without_its_header_is_read_by_the_legacy_order() -> None:
    raw = ("\t".join(VALUES.get(name, "-") for name in FIELDS) + "\n").encode()
    layout = find_layout(raw, SETTINGS)
    assert layout is not None
    (row,) = ingest(raw, 0, "object", raw.strip(), layout, SETTINGS).requests.to_pylist()
    assert (row["path"], row["declared_id"], row["request_id"]) == ("/index.html", "p7", "SOX4==")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"2019-12-04\t21:02:31\tLAX1", "missing_fields"),
        (b"2019-12-04", "not_in_format"),
        (b"2019-13-04\t21:02:31\tLAX1\t1\t1\tGET\th\t/\t200", "no_time"),
    ],
)
def test_a_line_that_was_cut_short_is_rejected(line: bytes, reason: str) -> None:
    assert CloudFrontReader(FIELDS).read(line) == reason
