"""Whatever is wrong is one line that says what was wanted and what was found; help says what there is."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from pipelines.cli import app

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("errors.yaml").read_text())


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory, line, write, commands) -> list[Any]:
    """How each case ended."""
    given = []
    for case in CASES:
        folder = tmp_path_factory.mktemp("case")
        write(folder / "a.log", line())
        for name in case.get("folders", ()):
            (folder / name).mkdir()
        for name, text in case.get("files", {}).items():
            write(folder / name, text)
        given.append((folder, case.get("after", "runs").split(), {}))
        given.append((folder, case["args"].split(), case.get("env", {})))
    return commands(given)[1::2]


@pytest.mark.parametrize(
    "number", range(len(CASES)), ids=[f"{case['args']} {case['told'][:30]}" for case in CASES]
)
def test_whatever_is_wrong_is_one_line_and_the_code_says_what_was(number: int, ended) -> None:
    case, done = CASES[number], ended[number]
    assert (done.code, done.out, len(done.told)) == (case["code"], "", 1), done
    assert re.match(f"playerpath: {case['told']}", done.told[0]), done.told[0]


def test_another_programs_database_is_left_alone(tmp_path: Path, line, write, command) -> None:
    write(tmp_path / "a.log", line())
    made = sqlite3.connect(tmp_path / "playerpath.db")
    made.execute("create table songs (name text)")
    made.close()
    before = (tmp_path / "playerpath.db").read_bytes()
    done = command(tmp_path, "run", "a.log")
    assert (done.code, len(done.told)) == (1, 1)
    assert done.told[0].endswith("wanted a warehouse or an empty database, found the tables songs")
    assert (tmp_path / "playerpath.db").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.log", "playerpath.db"]


def test_a_folder_or_file_without_permission_is_one_line(tmp_path: Path, line, write, command) -> None:
    under: tuple[str, ...] = ()
    if os.geteuid() == 0:  # who may read everything, unless that is taken away
        under = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
        if not shutil.which("setpriv") or subprocess.run([*under, "true"], check=False).returncode:
            pytest.skip("root may read every folder: run the tests as somebody else, or install setpriv")
    for name in ("closed/a.log", "part/b.log", "part/c.log"):
        write(tmp_path / name, line(f"/{name}"))
    (tmp_path / "closed").chmod(0)
    (tmp_path / "part/c.log").chmod(0)
    folder = command(tmp_path, "run", "closed", under=under)
    file = command(tmp_path, "run", "part", under=under)
    (tmp_path / "closed").chmod(0o755)
    assert (folder.code, folder.told) == (1, ["playerpath: cannot read closed: permission denied"])
    assert (file.code, len(file.told)) == (3, 1)
    wanted = rf"playerpath: refused {tmp_path}/part/c.log: cannot be .*[Pp]ermission denied"
    assert re.match(wanted, file.told[0])


def paths_of(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, each in sorted(getattr(group, "commands", {}).items()):
        yield from paths_of(each, (*path, name))


def test_every_command_has_help_and_an_example_of_itself(tmp_path: Path, commands) -> None:
    paths = list(paths_of(typer.main.get_command(app)))
    assert ("rejected", "replay") in paths
    helps = commands([(tmp_path, [*path, "--help"], {}) for path in paths])
    for path, done in zip(paths, helps, strict=True):
        assert done.code == 0
        assert done.out.startswith("Usage: ")
        is_group = any(other[:-1] == path for other in paths if other)
        assert is_group or " ".join(("Example: playerpath", *path)) in " ".join(done.out.split()), path
