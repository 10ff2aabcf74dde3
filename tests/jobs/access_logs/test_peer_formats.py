"""What the tests of other log readers parse, we parse to the same fields; what is no log is refused."""

import bz2
import gzip
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from jobs.access_logs.ingest import Ingested, find_layout, first_data_line, ingest
from jobs.access_logs.settings import IngestSettings
from jobs.access_logs.visitors import hasher

SETTINGS = IngestSettings(key=b"a key of the tests")

pytestmark = pytest.mark.shared_data


def _unpack(path: Path) -> bytes:
    packed = path.read_bytes()
    return {".gz": gzip.decompress, ".bz2": bz2.decompress}.get(path.suffix, bytes)(packed)


def _read(path: Path) -> Ingested:
    raw = _unpack(path)
    layout = find_layout(raw, SETTINGS)
    first_line = first_data_line(raw)
    assert layout is not None, path.name
    assert first_line is not None
    return ingest(raw, 0, "object", first_line, layout, SETTINGS)


def _micros(time: str) -> int:
    found = datetime.fromisoformat(time)
    return round(found.timestamp() * 1_000_000) if found.tzinfo else pytest.fail(f"no offset: {time}")


def _given(value: Any) -> Any:
    """A dash or nothing stands for a missing value."""
    return None if value in ("-", "") else value


def _as_expected(row: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Say what a row holds in the words of the expectation, as far as it has them."""
    user_agent: str = expected.get("user_agent_decoded") or expected["user_agent"]
    found = {
        "time": row["at"],
        "status": row["status"],
        "sent_bytes": row["bytes_sent"],
        "user_agent": row["user_agent"],
        "visitor": row["visitor"],
        "method": row["method"],
        "path": row["path"],
        "query": row["query"],
        "host": row["host"],
    }
    status: str = expected.get("elb_status") or expected["status"]
    wanted = {
        "time": _micros(expected["time"]),
        "status": None if status == "-" else int(status),
        "sent_bytes": expected["sent_bytes"],
        "user_agent": user_agent,
        "visitor": hasher(SETTINGS.key).of(expected["client_ip"].encode(), user_agent.encode()),
    }
    for name in ("method", "path", "query", "host"):
        if name in expected:
            wanted[name] = _given(expected[name])
    assert {name: found[name] for name in wanted} == wanted
    return wanted


WHOLE_FILES = [
    ("aws-docs-examples", "alb.log", "expected.alb.jsonl"),
    ("aws-docs-examples", "elb-classic.log", "expected.elb-classic.jsonl"),
    ("aws-docs-examples", "cloudfront.log", "expected.cloudfront.jsonl"),
    ("peer-aws-log-parser", "cloudfront-multiple.log", "expected.cloudfront-multiple.jsonl"),
    ("peer-aws-log-parser", "cloudfront-multiple.log.gz", "expected.cloudfront-multiple.jsonl"),
    ("peer-cloudfront-log-parser", "web-1-0.txt", "expected.web-1-0.jsonl"),
    ("peer-cloudfront-log-parser", "web-1-0-2019-12.txt", "expected.web-1-0-2019-12.jsonl"),
]


@pytest.mark.parametrize(("folder", "file", "expected"), WHOLE_FILES, ids=[case[1] for case in WHOLE_FILES])
def test_every_line_of_a_peers_file_has_the_fields_that_it_expects(
    shared_data: Path, folder: str, file: str, expected: str
) -> None:
    cases = [json.loads(line) for line in (shared_data / folder / expected).read_text().splitlines()]
    found = _read(shared_data / folder / file)
    assert found.rejected.num_rows == 0
    for row, case in zip(found.requests.to_pylist(), cases, strict=True):
        _as_expected(row, case)


def test_every_single_line_case_of_aws_log_parser_has_the_fields_that_it_expects(shared_data: Path) -> None:
    folder = shared_data / "peer-aws-log-parser"
    cases = [json.loads(line) for line in (folder / "expected.jsonl").read_text().splitlines()]
    assert len(cases) == 17
    for case in cases:
        (row,) = _read(folder / case["file"]).requests.to_pylist()
        _as_expected(row, case)


def test_every_file_of_matomo_has_the_records_and_first_fields_that_it_expects(shared_data: Path) -> None:
    folder = shared_data / "peer-matomo-log-analytics"
    for case in json.loads((folder / "expected.json").read_text()):
        found = _read(folder / case["file"])
        assert (found.requests.num_rows, found.rejected.num_rows) == (case["records"], 0), case["file"]
        assert found.ignored == case.get("other_lines", 0)
        row, first = found.requests.to_pylist()[0], case["first"]
        wanted = {column: first[name] for name, column in (("status", "status"), ("bytes", "bytes_sent"))}
        if "utc" in first:
            wanted["at"] = _micros(first["utc"])
        for name, column in (("vhost", "host"), ("user", "user"), ("method", "method")):
            if name in first:
                wanted[column] = _given(first[name])
        if first.get("user_agent"):
            wanted["user_agent"] = first["user_agent"]
            wanted["visitor"] = hasher(SETTINGS.key).of(first["ip"].encode(), first["user_agent"].encode())
        if case["file"] == "common_encoding_big5.log":  # bytes that are not UTF-8: kept, but escaped
            raw = first["path"].encode("latin-1")
            assert row["path"].encode().decode("unicode_escape").startswith("/\xac\xb0\xa8\xe4\xad")
            assert raw.startswith(b"/\xac\xb0\xa8\xe4\xad")
        else:
            wanted["path"] = first["path"]
        assert {column: row[column] for column in wanted} == wanted, case["file"]


def test_addresses_before_the_line_and_vhosts_of_filebeat_are_told_apart(shared_data: Path) -> None:
    rows = _read(shared_data / "peer-beats" / "nginx-access-test.log").requests.to_pylist()
    rows += _read(shared_data / "peer-beats" / "apache-access-test.log").requests.to_pylist()
    of = hasher(SETTINGS.key).of
    clients = [
        b"10.0.0.2", b"172.17.0.1", b"10.0.0.2", b"85.181.35.98", b"10.2.1.185", b"10.2.2.121", b"127.0.0.1",
        b"::1", b"192.168.33.1", b"::1", b"172.17.0.1", b"monitoring-server", b"127.0.0.1",
        b"123.123.123.123",
    ]  # fmt: skip
    agents = [row["user_agent"] and row["user_agent"].encode() for row in rows]
    assert [row["visitor"] for row in rows] == [of(*pair) for pair in zip(clients, agents, strict=True)]
    assert [row["host"] for row in rows] == [None] * 13 + ["vhost1.domaine.fr"]
    assert [row["status"] for row in rows] == [
        200,
        404,
        200,
        200,
        200,
        404,
        400,
        404,
        404,
        408,
        404,
        200,
        408,
        200,
    ]


def test_oddities_of_awstats_and_lnav_are_read(shared_data: Path) -> None:
    def read(name: str) -> list[tuple[int, str | None, int, int | None, str | None]]:
        rows = _read(shared_data / name).requests.to_pylist()
        return [(row["at"], row["path"], row["status"], row["bytes_sent"], row["host"]) for row in rows]

    assert read("peer-awstats/testtime5.log") == [
        (_micros("2001-01-01T23:55:10.147454+00:00"), "/", 200, 70476, None),
        (_micros("2001-01-01T23:56:15+02:00"), "/page1.html", 200, 70476, None),
    ]
    assert read("peer-awstats/testnginx.log") == [
        (_micros("2011-05-09T06:54:44+01:00"), None, 400, 0, "example.com")
    ]
    assert [row[1] for row in read("peer-lnav/logfile_bad_access_log.0")] == [
        "/vmw/cgi/tramp",
        "/vmw/vSphere/default/vmkernel.gz",
    ]
    assert [row[4] for row in read("peer-matomo-log-analytics/gandi.log")] == ["www.example.com"] * 2
    assert [row[4] for row in read("peer-matomo-log-analytics/ovh.log")] == ["www.example.com"]


REFUSED = [
    "peer-beats/apache-ssl-request.log",
    "peer-cloudfront-log-parser/rtmp-1-0.txt",
    *(
        f"peer-lnav/logfile_{name}"
        for name in (
            "crlf.0", "empty.0", "invalid_json.json", "invalid_utf8.0", "syslog_with_access_log.0", "w3c.0",
        )
    ),
    *(
        f"peer-matomo-log-analytics/{name}.log"
        for name in (
            "amazon_cloudfront_rtmp", "custom_regex_custom_date", "haproxy", "iis", "iis_custom",
            "incapsula_w3c",
            "netscaler", "s3", "shoutcast", "splitted_date_and_time",
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_format_of_ours_is_refused_and_not_guessed(shared_data: Path, name: str) -> None:
    assert find_layout((shared_data / name).read_bytes(), SETTINGS) is None
