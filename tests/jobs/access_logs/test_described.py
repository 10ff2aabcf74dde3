"""A format that a user describes in a file."""

import pickle
import re
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.access_logs.described import DescriptionError, load_described
from jobs.access_logs.described_lines import DescribedReader
from jobs.access_logs.formats import Layout, reader_of
from jobs.access_logs.ingest import find_layout, ingest
from jobs.access_logs.rows import Line
from jobs.access_logs.settings import IngestSettings

SETTINGS = IngestSettings(key=b"a key of the tests")
DOCS = Path(__file__).resolve().parents[3] / "docs" / "formats.md"


def test_the_example_of_the_documentation_reads_its_line() -> None:
    text = DOCS.read_text(encoding="utf-8")
    described = load_described(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0], "edge.yaml")
    line = re.findall(r"```text edge\n(.*?)\n```", text, re.DOTALL)[0].encode()
    chosen = replace(SETTINGS, described_formats=(pickle.loads(pickle.dumps(described)),))  # noqa: S301
    layout = find_layout(line + b"\n", chosen)
    assert layout is not None
    assert (layout.format, layout.stream) == ("edge", "server")
    (row,) = ingest(line + b"\n", 0, "object", line, layout, chosen).requests.to_pylist()
    assert {
        name: row[name] for name in ("at", "method", "path", "query", "status", "bytes_sent", "duration_us")
    } == {
        "at": 1_790_856_000_250_000,
        "method": "GET",
        "path": "/v1/shop",
        "query": "tab=2",
        "status": 200,
        "bytes_sent": 512,
        "duration_us": 1_834,
    }
    assert (row["authenticated_id"], row["request_id"]) == (
        "p_3f2a9c0d51e87b64",
        "4f1c0c6b2d7e4f0a9b8c7d6e5f4a3b2c",
    )


def test_json_lines_are_described_by_the_names_of_their_fields() -> None:
    described = load_described(
        "name: api\nunique: true\n"
        "json: {when.start: at, who: authenticated_id, id: request_id, took: duration_ms}",
        "x.yaml",
    )
    reader = reader_of(Layout("api", "server"), replace(SETTINGS, described_formats=(described,)))
    line = (
        b'{"when": {"start": 971211336}, "who": "p_1", "id": "r7", "took": 2.5, "status": 200, "uri": "/a"}'
    )
    assert reader.read(line) == Line(
        at=971_211_336_000_000,
        path=b"/a",
        status=200,
        duration_us=2_500,
        authenticated_id=b"p_1",
        request_id=b"r7",
    )


def _line(description: str, line: bytes) -> Line | str:
    return DescribedReader(load_described(description, "x.yaml")).read(line)


def test_an_apache_template_is_read_by_its_directives() -> None:
    found = _line(
        """
        name: apache
        template: '%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i" %D'
        map: {"%O": bytes_sent}
        """,
        b"e.com:443 1.2.3.4 - jo [10/Oct/2000:13:55:36 -0700]"
        b' "GET /a HTTP/1.1" 200 5 "-" "a \\"b\\"" 1500 more',
    )
    assert found == Line(
        at=971_211_336_000_000,
        address=b"1.2.3.4",
        method=b"GET",
        path=b"/a",
        status=200,
        bytes_sent=5,
        duration_us=1_500,
        referrer=b"-",
        user_agent=b'a \\"b\\"',
        user=b"jo",
        host=b"e.com",
    )


def test_a_list_of_fields_is_read_by_its_delimiter_and_quotes() -> None:
    description = """
        name: csv
        fields: [at, address, method, uri, "-", status, user_agent]
        delimiter: ","
        time_format: "%d.%m.%Y %H:%M:%S"
        """
    found = _line(description, b'10.10.2000 20:55:36,1.2.3.4,GET,/a?b,x,200,"Moz, really",more')
    assert found == Line(
        at=971_211_336_000_000,
        address=b"1.2.3.4",
        method=b"GET",
        path=b"/a",
        query=b"b",
        status=200,
        user_agent=b"Moz, really",
    )
    assert _line(description, b"10.10.2000 20:55:36,1.2.3.4,GET") == "not_in_format"
    assert _line(description, b"10.13.2000 20:55:36,1.2.3.4,GET,/a,x,200,ua") == "no_time"


def test_a_request_id_counts_only_where_it_is_said_to_be_unique() -> None:
    description = "name: x\nfields: [at, status, request_id]\n"
    line = b"971211336 200 abc"
    assert _line(description, line) == Line(at=971_211_336_000_000, status=200)
    assert _line(description + "unique: true\n", line) == Line(
        at=971_211_336_000_000, status=200, request_id=b"abc"
    )


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ("name: [", "x.yaml: wanted YAML, found "),
        ("- a", "x.yaml: wanted keys such as name and template, found list"),
        ("name: x\nregex: y", "found 'regex'"),
        ("name: X", "wanted name: a word in lower case, found 'X'"),
        ("name: x", "wanted one of template, fields, json, found none"),
        ("name: x\ntemplate: '$status'", "wanted a field for the time (at), found status"),
        ("name: x\nfields: [at, size]", "found 'size' in fields"),
        ("name: x\nfields: [at, status, status]", "wanted each column once, found status 2 times"),
        ("name: x\nfields: [at]\ndelimiter: ', '", "wanted delimiter: one character, found ', '"),
        ("name: x\nfields: [at]\ntime_format: soon", "found 'soon'"),
        ("name: x\nfields: [at]\nstream: elb", "wanted stream: server, found 'elb'"),
        ("name: x\nfields: [at]\nunique: perhaps", "wanted unique: true or false, found 'perhaps'"),
        ("name: x\ntemplate: '$a'\nmap: {$a: when}", "found 'when'"),
        ("name: x\njson: [a]", "wanted variable: column, found ['a']"),
        ("name: x\njson: {a: at, b: at}", "wanted each column once, found at 2 times"),
        ("name: x\njson: {a: at}\ntime_format: iso", "wanted no time_format beside json, found 'iso'"),
        (
            "name: x\njson: {a: at}\nfields: [at]",
            "wanted one of template, fields, json, found fields and json",
        ),
    ],
)
def test_a_description_that_cannot_be_read_says_so_in_one_line(description: str, message: str) -> None:
    with pytest.raises(DescriptionError, match=re.escape(message)) as caught:
        load_described(description, "x.yaml")
    assert "\n" not in str(caught.value)
