"""Rejected lines and refused objects are taken after a fix; what was taken before stays."""

import gzip
from pathlib import Path

import pytest

import warehouse
from pipelines.progress import Reporter
from pipelines.replay import replay
from pipelines.run import RunRequest, run

COMBINED = [
    f'10.0.0.{n} - - [01/Oct/2026:12:00:{n:02} +0000] "GET /a/{n} HTTP/1.1" 200 5 "-" "-"' for n in range(40)
]
PIPED = [f"2026-10-02T12:00:{n:02}Z|10.0.1.{n}|GET|/b/{n}|200" for n in range(5)]
DESCRIPTION = """
name: piped
fields: [at, address, method, uri, status]
delimiter: "|"
"""


@pytest.fixture
def loaded(tmp_path: Path) -> tuple[str, str, Path]:
    """A warehouse of one object with rejected lines, and one that was refused."""
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "mixed.log").write_text("\n".join(COMBINED + PIPED + ["neither"]) + "\n")
    (logs / "piped.log.gz").write_bytes(gzip.compress(("\n".join(PIPED[:3]) + "\n").encode()))
    url, lake = f"sqlite:///{tmp_path}/playerpath.db", str(tmp_path / "lake")
    summary = run(RunRequest((str(logs),), url, lake), Reporter())
    assert (summary.accepted, summary.rejected, summary.refused_objects) == (40, 6, 1)
    description = tmp_path / "piped.yaml"
    description.write_text(DESCRIPTION)
    return url, lake, description


def counts(url: str) -> list[list[object]]:
    with warehouse.connect(url, read_only=True) as opened:
        return opened.sql(
            "select status, lines_read, accepted, rejected from log_objects order by lines_read"
        ).values.tolist()


def test_lines_that_can_be_read_now_are_taken_and_refused_objects_too(loaded) -> None:
    url, lake, description = loaded
    summary = replay(url, lake, str(description), Reporter())
    assert counts(url) == [["loaded", 3, 3, 0], ["loaded", 46, 45, 1]]
    assert (summary.accepted, summary.lines_read, summary.rejected) == (8, 3, -5)
    with warehouse.connect(url, read_only=True) as opened:
        assert all(check.passed for check in opened.checks())
        assert opened.sql("select raw from rejected_lines")["raw"].tolist() == ["neither"]
        (left,) = opened.lake_files("rejected")
        assert left.row_count == 1
        dau = opened.sql("select dau from daily_activity where dimension = 'all' order by activity_date")
        assert dau["dau"].tolist() == [40, 5]


def test_a_second_replay_finds_nothing(loaded) -> None:
    url, lake, description = loaded
    replay(url, lake, str(description), Reporter())
    with warehouse.connect(url, read_only=True) as opened:
        before = opened.digest()
    again = replay(url, lake, str(description), Reporter())
    assert (again.objects, again.tables) == (0, {})
    with warehouse.connect(url, read_only=True) as opened:
        assert opened.digest() == before


def test_replay_gives_what_a_run_with_the_format_would_have_given(loaded, tmp_path: Path) -> None:
    """Of the refused object: it is as if it had been read in its format at once."""
    url, lake, description = loaded
    replay(url, lake, str(description), Reporter())
    with warehouse.connect(url, read_only=True) as opened:
        sizes = opened.sql("select size_bytes, format from log_objects where format = 'piped'")
    assert sizes.values.tolist() == [[sum(len(line) + 1 for line in PIPED[:3]), "piped"]]


def test_an_object_that_is_gone_or_changed_is_said_and_passed_over(loaded, tmp_path: Path) -> None:
    url, lake, description = loaded
    (tmp_path / "logs" / "piped.log.gz").unlink()
    mixed = tmp_path / "logs" / "mixed.log"
    mixed.write_text(mixed.read_text().replace("neither", "changed"))
    summary = replay(url, lake, str(description), Reporter())
    assert summary.objects == 0
    assert len(summary.notes) == 2
    assert "no longer there" in summary.notes[0] + summary.notes[1]
    assert "has changed" in summary.notes[0] + summary.notes[1]
