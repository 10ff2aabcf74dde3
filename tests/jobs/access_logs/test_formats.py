"""An object's format is found from its first line that some format reads."""

from dataclasses import replace

import pytest

from jobs.access_logs.formats import UnknownFormatError, directives, find_layout, first_data_line
from jobs.access_logs.settings import IngestSettings

SETTINGS = IngestSettings(key=b"a key of the tests")
COMBINED = b'203.0.113.7 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 512 "-" "ua"'
OURS = COMBINED + b" 1790856000123456 1834 p_1 01999c7e-5a40-7c3d-9f10-3b7f6e0a1c22 DE"
DIRECTIVE = b"#Playerpath: 1.0 host=web-1 process=4711 sequence=12\n"


def _format(head: bytes, settings: IngestSettings = SETTINGS) -> str | None:
    layout = find_layout(head, settings)
    return layout.format if layout else None


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (COMBINED, "combined"),
        (b"garbage\n\n# note\n" + COMBINED + b"\n", "combined"),
        (OURS + b"\n", "playerpath"),
        (DIRECTIVE + OURS + b"\n", "playerpath"),
        (DIRECTIVE + COMBINED + b"\n" + OURS, "playerpath"),
        (b'{"time": 1384687890, "status": 200}', "json_lines"),
        (
            b'{"date":"2019-12-04","time":"21:02:31","x-edge-location":"X","sc-status":"200"}',
            "cloudfront_json",
        ),
        (b"\xef\xbb\xbf" + COMBINED, "combined"),
        (b"", None),
        (DIRECTIVE, None),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", None),
        (b"hello\n" * 1000, None),
    ],
)
def test_a_format_is_found_by_itself(head: bytes, name: str | None) -> None:
    assert _format(head) == name


def test_a_named_format_is_the_only_one_that_is_tried() -> None:
    assert _format(OURS, replace(SETTINGS, format="combined")) == "combined"
    assert _format(COMBINED, replace(SETTINGS, format="alb")) is None
    assert _format(COMBINED, replace(SETTINGS, format="playerpath")) == "playerpath"


def test_a_line_that_is_too_long_to_be_read_tells_no_format() -> None:
    assert (
        _format(COMBINED + b"x" * 100 + b"\n" + OURS, replace(SETTINGS, max_line_bytes=150)) == "playerpath"
    )


def test_a_name_that_nobody_knows_is_said_to_be_unknown() -> None:
    with pytest.raises(UnknownFormatError, match=r"wanted a format \(playerpath, .*\), found 'squid'"):
        find_layout(COMBINED, replace(SETTINGS, format="squid"))


@pytest.mark.parametrize(
    ("head", "line"),
    [
        (b"#x\n\r\n  \t\nfirst\r\nsecond\n", b"first"),
        (b"first\r\r\nx", b"first\r"),
        (b"no end\r", b"no end\r"),
        (b"\xef\xbb\xbf#x\n\xef", b"\xef"),
        (b"", None),
        (b"\n#x", None),
    ],
)
def test_the_first_data_line_is_neither_blank_nor_a_directive(head: bytes, line: bytes | None) -> None:
    assert first_data_line(head) == line


def test_our_own_directive_names_host_process_and_sequence() -> None:
    assert directives(DIRECTIVE + OURS) == {"host": "web-1", "process": "4711", "sequence": "12"}
    assert directives(b"#Fields: date time\n") == {}
