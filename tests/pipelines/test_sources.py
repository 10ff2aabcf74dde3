"""A SOURCE names objects: by file, folder, glob, date pattern or S3 prefix; wrong ones get one line."""

import datetime as dt
import os
from pathlib import Path

import pytest

from pipelines.errors import PlayerpathError, WrongUsage
from pipelines.sources import expand_dates, list_objects, parse_dates

DAYS = [dt.date(2026, 9, 30), dt.date(2026, 10, 1)]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    for name in ("b.log", "a.log.gz", "deep/2026-09-30/c.log", "deep/2026-10-01/d.log", ".hidden", ".git/x"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def names(listed, folder: Path) -> list[str]:
    return [os.path.relpath(each.uri, folder) for each in listed]


def test_a_folder_is_read_with_all_below_it_but_hidden_names(logs: Path) -> None:
    found = list_objects([str(logs)], [])
    assert names(found, logs) == ["a.log.gz", "b.log", "deep/2026-09-30/c.log", "deep/2026-10-01/d.log"]
    assert [each.size_bytes for each in found] == [8, 5, 21, 21]


def test_each_name_is_listed_once_however_often_it_is_named(logs: Path) -> None:
    twice = list_objects([str(logs / "b.log"), str(logs), str(logs / "*.log")], [])
    assert len(twice) == 4


def test_a_glob_matches_files_and_folders(logs: Path) -> None:
    assert names(list_objects([str(logs / "deep/*")], []), logs) == [
        "deep/2026-09-30/c.log",
        "deep/2026-10-01/d.log",
    ]


def test_a_date_pattern_chooses_objects_and_dates_without_any_are_passed_over(logs: Path) -> None:
    pattern = str(logs / "deep/{date}")
    assert names(list_objects([pattern], DAYS[1:]), logs) == ["deep/2026-10-01/d.log"]
    assert list_objects([pattern], [dt.date(2030, 1, 1)]) == []


def test_a_file_whose_name_looks_like_a_glob_is_that_file(logs: Path) -> None:
    (logs / "odd[1].log").write_text("x")
    assert names(list_objects([str(logs / "odd[1].log")], []), logs) == ["odd[1].log"]


def test_dates_are_written_in_the_form_that_the_pattern_asks_for() -> None:
    assert expand_dates("s3://b/{date:%Y/%m/%d}/", DAYS) == ["s3://b/2026/09/30/", "s3://b/2026/10/01/"]
    assert expand_dates("s3://b/{date:%Y}/x", DAYS) == ["s3://b/2026/x"]


@pytest.mark.parametrize("text", ["", "2026", "2026-10-02..2026-10-01", "a..b"])
def test_dates_that_are_none_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(WrongUsage, match=r"--dates wants"):
        parse_dates(text)


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlayerpathError, match=r"no such file or folder: .*nowhere"):
        list_objects([str(tmp_path / "nowhere")], [])


def test_a_folder_without_logs_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlayerpathError, match=r"no log objects: wanted files in"):
        list_objects([str(tmp_path)], [])


def test_a_folder_without_permission_is_named(logs: Path) -> None:
    is_root = os.geteuid() == 0  # root may read every folder, so the listing is done as somebody else
    (logs / "deep").chmod(0)
    try:
        if is_root:
            os.seteuid(65_534)
        with pytest.raises(PlayerpathError, match=r"cannot read .*: permission denied"):
            list_objects([str(logs / "deep")], [])
    finally:
        if is_root:
            os.seteuid(0)
        (logs / "deep").chmod(0o755)


def test_a_pipe_in_the_folder_is_not_an_object(logs: Path) -> None:
    os.mkfifo(logs / "pipe")
    assert len(list_objects([str(logs)], [])) == 4


def test_the_same_name_with_another_version_is_another_object(logs: Path) -> None:
    before = list_objects([str(logs / "b.log")], [])[0]
    os.utime(logs / "b.log", ns=(1, 1))
    after = list_objects([str(logs / "b.log")], [])[0]
    assert before.object_id != after.object_id
