"""The command itself, in its own process: what it prints, what it writes, how it ends."""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

import warehouse
from pipelines.summary import RunSummary

FIELDS = [
    *(
        "run_id",
        "objects",
        "lines_read",
        "accepted",
        "rejected",
        "duplicates",
        "ignored",
        "erased",
        "waiting",
    ),
    *("known_objects", "refused_objects", "dates", "tables", "seconds"),
]
CLOUDFRONT = (
    "#Version: 1.0\n"
    "#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(User-Agent) x-edge-request-id\n"
    "2026-10-01\t12:00:00\t203.0.113.7\tGET\t/index.html\t200\tMozilla/5.0\tan-edge-id==\n"
)


# A warehouse with a run behind it


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, line, write, command) -> Path:
    """A folder where the command ran once over two logs, one of them packed, with odd text in them."""
    folder = tmp_path_factory.mktemp("lived")
    write(folder / "logs/a.log", *(line(second=n) for n in range(5)), "bad \x1b[31mline\x07\n")
    write(folder / "logs/b/c.log", "")
    (folder / "logs/b/b.log.gz").write_bytes(
        gzip.compress(
            "".join([line("/v1/\x1b]0;title\x07", day=2), line("/x", agent="\x9b31m\x1b[2J", day=3)]).encode()
        )
    )
    done = command(folder, "run", "logs")
    (folder / "run.out").write_text(done.out)
    (folder / "run.err").write_text(done.err)
    assert done.code == 0
    return folder


def test_a_run_ends_with_a_summary_for_a_person(lived: Path) -> None:
    said = (lived / "run.out").read_text().splitlines()
    assert re.fullmatch(r"Run \d{8}T\d{6}-[0-9a-f]{8} done in \d+\.\d s", said[0])
    assert said[1:5] == [
        "  2 objects read, 0 known, 0 refused",
        "  8 lines = 7 accepted + 1 rejected + 0 duplicates + 0 ignored + 0 erased",
        "  rejected: not_in_format 1",
        "  dates 2026-10-01 to 2026-10-03",
    ]
    assert said[5].startswith("  rows written: ")
    assert f"playerpath: no line yet in {lived}/logs/b/c.log\n" in (lived / "run.err").read_text()


def test_identity_auto_says_what_it_decided(lived: Path, tmp_path: Path, line, write, command) -> None:
    assert (
        "identity visitor: 0 of 7 lines below status 400 have a player id" in (lived / "run.err").read_text()
    )
    write(tmp_path / "a.log", line(user="ada"), *(line(second=n) for n in range(2, 11)))
    done = command(tmp_path, "run", "a.log", "--identity", "auto")
    assert (done.code, done.told) == (0, [])
    assert "identity player: 1 of 10 lines below status 400 have a player id" in done.err


def test_with_json_stdout_is_one_object_with_the_agreed_fields(tmp_path: Path, line, write, commands) -> None:
    write(tmp_path / "a.log", line(), "\n", "bad\n", line()[:-1])
    done, second = story(commands, tmp_path, "run a.log --json", "run a.log --json")
    found: dict[str, Any] = json.loads(done.out)
    assert list(found) == FIELDS
    assert done.out.count("\n") == 1
    counts = ("objects", "lines_read", "accepted", "rejected", "ignored", "waiting", "dates")
    assert [found[name] for name in counts] == [1, 3, 1, 1, 1, 1, ["2026-10-01"]]
    assert found["tables"]["sessions"] == 1
    assert isinstance(found["seconds"], float)
    again = json.loads(second.out)
    assert list(again) == FIELDS
    assert {name: again[name] for name in ("objects", "known_objects", "tables")} == {
        "objects": 0,
        "known_objects": 1,
        "tables": {},
    }


def story(commands, folder: Path, *lines: str) -> list[Any]:
    """Give how commands end that follow each other in one folder."""
    return commands([(folder, line.split(), {}) for line in lines])


def state(folder: Path) -> tuple[str, dict[str, int], list[str]]:
    """Give the digest, every file of the lake with its time, and the runs."""
    lake = {str(path): path.stat().st_mtime_ns for path in (folder / "lake").rglob("*")}
    with warehouse.connect(f"sqlite:///{folder}/playerpath.db", read_only=True) as opened:
        return opened.digest(), lake, [run["run_id"] for run in opened.runs()]


def test_a_second_run_opens_no_object_and_writes_nothing(lived: Path, command) -> None:
    before = state(lived)
    path = lived / "logs/a.log"
    content, status = path.read_bytes(), path.stat()
    path.write_bytes(b"?" * len(content))  # would be refused, if anybody looked
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    done = command(lived, "run", "logs")
    assert done.out == "Nothing new: 3 objects known already, nothing written.\n"
    assert (done.code, done.told, state(lived)) == (0, [], before)
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.fixture(scope="module")
def asked(lived: Path, commands) -> list[Any]:
    """What the small commands say of it."""
    return story(
        commands,
        lived,
        "runs list",
        "runs list --json --limit 1",
        "rejected list --reason not_in_format --limit 3",
        "warehouse check",
        "warehouse check --digest",
        "warehouse check --digest --without-objects",
    )


def test_runs_are_listed_and_shown(lived: Path, asked, command) -> None:
    listed = asked[0].out.splitlines()
    assert listed[0].split() == [
        *("run_id", "status", "engine", "objects", "lines_read", "accepted", "rejected", "seconds")
    ]
    run_id, *rest = listed[-1].split()
    assert rest[:6] == ["done", "duckdb", "2", "8", "7", "1"]
    (first,) = json.loads(asked[1].out)
    assert (first["run_id"], first["accepted"], first["commit_number"]) == (run_id, 7, 1)
    shown = command(lived, "runs", "show", run_id)
    assert f"{lived}/logs/b/b.log.gz" in shown.out
    assert "no_line_disappears" in shown.out


def test_rejected_lines_are_listed_as_text(asked) -> None:
    assert asked[2].out.startswith("1 rejected lines;")
    assert r"bad \x1b[31mline\x07" in asked[2].out


def test_the_warehouse_is_checked_and_its_digest_printed_alone(asked) -> None:
    checked, digest, without_objects = asked[3:]
    assert checked.code == 0
    assert "FAILED" not in checked.out
    assert "every_line_is_in_traffic" in checked.out
    assert re.fullmatch(r"[0-9a-f]{64}\n", digest.out)
    assert digest.err == ""
    assert without_objects.out != digest.out


def test_the_report_is_one_file_that_holds_no_control_characters(lived: Path, command) -> None:
    done = command(lived, "report", "--out", "new/report.html")
    assert done.code == 0
    assert "new/report.html" in done.out
    page = (lived / "new/report.html").read_text()
    assert page.startswith("<!")
    assert "\x1b" not in page
    assert "\x9b" not in page


def test_the_key_is_kept_beside_the_warehouse_for_its_owner_only(lived: Path) -> None:
    assert (lived / "playerpath.key").stat().st_mode & 0o777 == 0o600


# Sources


def test_standard_input_is_an_object_like_any_other(tmp_path: Path, line, write, command) -> None:
    text = line() + line(second=2)[:-1]  # complete, without a last line end
    first = json.loads(command(tmp_path, "run", "-", "--json", stdin=text).out)
    assert (first["objects"], first["accepted"], first["waiting"]) == (1, 2, 0)
    write(tmp_path / "same.log", text)
    again = command(tmp_path, "run", "-", "same.log", "--final", stdin=text)
    assert again.out == "Nothing new: 2 objects known already, new names noted.\n"
    empty = command(tmp_path, "run", "-")
    assert [re.sub(r"\d{8}T.*", "", text) for text in empty.told] == ["playerpath: no line yet in - of "]


def test_a_date_pattern_and_dates_choose_objects(tmp_path: Path, line, write, commands) -> None:
    for day in (1, 2, 3):
        write(tmp_path / f"logs/2026/10/{day:02}/web.log", line(day=day))
    source = "run logs/{date:%Y/%m/%d}/*.log --json --dates"
    chosen, none = story(commands, tmp_path, f"{source} 2026-10-02..2026-10-03", f"{source} 2026-09-30")
    assert json.loads(chosen.out)["dates"] == ["2026-10-02", "2026-10-03"]
    assert [json.loads(none.out)[name] for name in ("objects", "known_objects")] == [0, 0]


def test_a_last_line_waits_for_its_end_or_for_final(tmp_path: Path, line, write, commands) -> None:
    write(tmp_path / "a.log", line(), line(second=2)[:-1])
    write(tmp_path / "b.log", line("/b")[:-1])
    runs = ("run a.log b.log", "run a.log b.log", "run a.log b.log --final --json", "run a.log b.log --final")
    first, second, final, again = story(commands, tmp_path, *runs)
    assert "  2 last lines without a line end left waiting (--final takes them)" in first.out.splitlines()
    assert first.told == [f"playerpath: no line yet in {tmp_path}/b.log"]
    assert second.out == again.out == "Nothing new: 2 objects known already, nothing written.\n"
    assert [json.loads(final.out)[name] for name in ("objects", "accepted", "waiting")] == [2, 2, 0]


def test_a_refused_object_is_exit_3_and_the_others_are_loaded(tmp_path: Path, line, write, commands) -> None:
    write(tmp_path / "logs/a.log", line())
    write(tmp_path / "logs/b\x1b[31m\n.log", "".join(map(chr, range(256))) * 20)
    (tmp_path / "logs/c.gz").write_bytes(gzip.compress(line("/c").encode())[:-5])
    (tmp_path / os.fsdecode(b"logs/d\xff.log")).write_bytes(line("/d").encode())
    (tmp_path / "logs/e.log").symlink_to("nowhere")
    done, listed, again = story(commands, tmp_path, "run logs --json", "rejected list", "run logs")
    assert done.code == 3
    assert {name: json.loads(done.out)[name] for name in ("objects", "accepted", "refused_objects")} == {
        "objects": 2,
        "accepted": 2,
        "refused_objects": 2,
    }
    assert done.told == [
        rf"playerpath: refused {tmp_path}/logs/b\u001b[31m\n.log: in no known format: no line parses",
        f"playerpath: refused {tmp_path}/logs/c.gz: cut short: its gzip stream does not end",
    ]
    assert r"logs/b\u001b[31m\n.log  in no known format" in listed.out
    assert again.out == "Nothing new: 4 objects known already, nothing written.\n"


def test_a_file_that_grows_past_the_limit_of_rejected_lines_is_exit_3(
    tmp_path: Path, line, write, command
) -> None:
    good = [line(second=n) for n in range(90)]
    write(tmp_path / "a.log", *good)
    assert command(tmp_path, "run", "a.log").code == 0
    write(tmp_path / "a.log", *good, *["bad\n"] * 30)
    write(tmp_path / "new.log", line("/new"), *good, *["bad\n"] * 30)
    done = command(tmp_path, "run", "a.log", "new.log")
    assert done.code == 3
    assert done.told == [
        f"playerpath: refused {tmp_path}/new.log: 30 of 121 lines rejected, more than 20%: not_in_format 30",
        f"playerpath: warning: {tmp_path}/a.log grew: now 30 of its 120 lines are rejected, more than 20%",
    ]


def test_two_streams_want_a_choice(tmp_path: Path, line, write, command, commands) -> None:
    write(tmp_path / "logs/server.log", line())
    write(tmp_path / "logs/cloudfront.log", CLOUDFRONT)
    done = command(tmp_path, "run", "logs")
    assert (done.code, done.out) == (2, "")
    assert done.told == [
        "playerpath: found objects of 2 streams (cloudfront, server); a player's request may be in each:"
        " --stream wants the one that counts activity"
    ]
    assert list((tmp_path / "lake").rglob("*.parquet")) == []
    listed, chosen = story(commands, tmp_path, "runs list --json", "run logs --stream server --json")
    (failed,) = json.loads(listed.out)
    assert (failed["status"], failed["message"][:24]) == ("failed", "found objects of 2 strea")
    assert [json.loads(chosen.out)[name] for name in ("objects", "accepted")] == [2, 2]


def test_simulated_logs_are_read_as_they_were_counted(tmp_path: Path, commands) -> None:
    simulate = "simulate --players 3 --days 2 --seed 5 --out sim"
    made, found = story(commands, tmp_path, simulate, "run sim/logs --json")
    assert re.fullmatch(r"[\d,]+ lines in \d+ objects below sim, counted in sim/truth.json\n", made.out)
    truth = json.loads((tmp_path / "sim/truth.json").read_text())
    assert json.loads(found.out)["lines_read"] == sum(each["lines"] for each in truth["objects"].values())


def test_the_exit_code_follows_what_was_said() -> None:
    assert RunSummary("r").exit_code == 0
    assert RunSummary("r", refusals=(("a", "b"),)).exit_code == 3
    assert RunSummary("r", warnings=("check x: y",)).exit_code == 3
