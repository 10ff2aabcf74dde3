"""Opening a warehouse: what it makes, and one line for whatever is in the way."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import warehouse
from warehouse.connection import _create
from warehouse.engine import shown, writing


def the_line(error: pytest.ExceptionInfo[warehouse.WarehouseError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_a_new_warehouse_has_an_identity_and_no_settings(wh, url) -> None:
    assert len(wh.warehouse_id) == 36
    assert wh.is_new
    assert wh.settings() == {}
    assert wh.state()["schema_version"] == "1"
    assert warehouse.connect(url).warehouse_id == wh.warehouse_id


def test_a_warehouse_is_made_only_where_it_is_asked_for(url, tmp_path) -> None:
    with pytest.raises(warehouse.WarehouseMissingError) as error:
        warehouse.connect(url)
    assert the_line(error) == f"{tmp_path}/playerpath.db: wanted a warehouse, found no such file"
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path) -> None:
    with pytest.raises(warehouse.WarehouseMissingError) as error:
        warehouse.connect(f"sqlite:///{tmp_path}/no/where.db", create=True)
    assert the_line(error).endswith(f"found no {tmp_path}/no")


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path) -> None:
    with pytest.raises(warehouse.NotAWarehouseError) as error:
        warehouse.connect(f"sqlite:///{tmp_path}", create=True)
    assert the_line(error).endswith("wanted a warehouse file, found a folder")


def test_a_file_of_another_kind_is_left_alone(tmp_path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("dear diary " * 100)
    with pytest.raises(warehouse.NotAWarehouseError) as error:
        warehouse.connect(f"sqlite:///{file}", create=True)
    assert the_line(error).endswith("wanted a SQLite database, found a file of another kind")
    assert file.read_text() == "dear diary " * 100


def test_tables_of_somebody_else_are_left_alone(tmp_path) -> None:
    file = tmp_path / "other.db"
    with sqlite3.connect(file) as other:
        other.execute("create table customers (id)")
    other.close()
    before = file.read_bytes()
    with pytest.raises(warehouse.NotAWarehouseError) as error:
        warehouse.connect(f"sqlite:///{file}", create=True)
    assert "found the tables customers" in the_line(error)
    assert file.read_bytes() == before


def test_a_warehouse_of_a_newer_program_is_left_alone(wh, url) -> None:
    with writing(wh.engine) as connection:
        connection.exec_driver_sql("UPDATE warehouse_state SET value = '2' WHERE name = 'schema_version'")
    with pytest.raises(warehouse.WarehouseVersionError) as error:
        warehouse.connect(url)
    assert "wanted schema version 1, found 2: a newer playerpath made it" in the_line(error)


def test_a_folder_without_permission_is_named(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    if os.geteuid() == 0:  # root may do everything
        monkeypatch.setattr("warehouse.engine.os.access", lambda *_: False)
    with pytest.raises(warehouse.WarehousePermissionError) as error:
        warehouse.connect(f"sqlite:///{folder}/p.db", create=True)
    assert "may not be written" in the_line(error)


def test_a_file_without_permission_is_named(wh, url, monkeypatch) -> None:
    Path(url.removeprefix("sqlite:///")).chmod(0o400)
    if os.geteuid() == 0:
        monkeypatch.setattr("warehouse.engine.os.access", lambda _path, how: not how & os.W_OK)
    with pytest.raises(warehouse.WarehousePermissionError) as error:
        warehouse.connect(url)
    assert "found that it may not be" in the_line(error)
    assert warehouse.connect(url, read_only=True).warehouse_id == wh.warehouse_id


@pytest.mark.parametrize(
    "url", ["nonsense", "sqlite://", "sqlite:///:memory:", "mysql+pymysql://u:geheim@h/d"]
)
def test_a_url_that_names_no_usable_database_is_refused_without_its_password(url) -> None:
    with pytest.raises(warehouse.WarehouseUrlError) as error:
        warehouse.connect(url)
    assert "geheim" not in the_line(error)


@pytest.mark.parametrize(
    "url",
    ["postgresql+psycopg://me:geheim@db/p", "postgres://me:geheim@db:port/p", "postgresql://:geheim@/p"],
)
def test_a_password_is_never_shown(url) -> None:
    assert "geheim" not in shown(url)


def test_a_reader_cannot_write(wh, url) -> None:
    reader = warehouse.connect(url, read_only=True)
    for attempt in ("DELETE FROM warehouse_state", "CREATE TABLE mine (a)", "DROP TABLE sessions"):
        with pytest.raises(warehouse.WarehousePermissionError):
            reader.sql(attempt)
    with pytest.raises(warehouse.WarehouseError):
        wh.sql("DELETE FROM warehouse_state")
    assert wh.warehouse_id == wh.state()["warehouse_id"]


def test_a_query_gives_times_dates_and_truths_as_such(wh, kit, small) -> None:
    kit.load(wh, "r1", small)
    frame = wh.sql(
        "SELECT started_date, started_at, is_bot, duration_s FROM sessions WHERE player_id = :who", who="cy"
    )
    assert frame.dtypes.astype(str).str.replace(r"\[.*\]", "", regex=True).to_dict() == {
        "started_date": "datetime64",
        "started_at": "datetime64",
        "is_bot": "bool",
        "duration_s": "float64",
    }
    assert frame.iloc[0].started_at.isoformat() == "2026-10-01T10:00:00"


def test_no_file_is_left_beside_a_closed_warehouse(wh, kit, small, tmp_path) -> None:
    kit.load(wh, "r1", small)
    assert [path.name for path in tmp_path.iterdir()] == ["playerpath.db"]


def test_who_comes_second_finds_the_warehouse_that_the_first_made(wh) -> None:
    assert _create(wh.engine, "p.db", wh.clock()) == wh.warehouse_id


def test_processes_that_make_one_warehouse_at_once_make_one(tmp_path) -> None:
    program = "import sys, warehouse; print(warehouse.connect(sys.argv[1], create=True).warehouse_id)"
    url = f"sqlite:///{tmp_path}/p.db"
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", program, url],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(3)
    ]
    ids = {maker.communicate()[0].strip() for maker in makers}
    assert len(ids) == 1
    assert ids == {warehouse.connect(url).warehouse_id}
