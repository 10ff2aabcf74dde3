"""What is published is one whole state, the same bytes for the same rows, and healed after a kill."""

from __future__ import annotations

import json
import os
import random
import threading
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import warehouse
from warehouse import schema
from warehouse.parquet import encode
from warehouse.publication import LATEST, PUBLISHED_TABLES
from warehouse.rows import arrow_schema


def folder(wh, lake: Path) -> Path:
    return lake / wh.warehouse_id / "tables"


def latest(wh, lake: Path) -> dict:
    return json.loads((folder(wh, lake) / LATEST).read_bytes())


def files(wh, lake: Path) -> dict[str, bytes]:
    root = folder(wh, lake)
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def published(wh, lake: Path, table: str) -> pa.Table:
    listed = latest(wh, lake)["tables"][table]["files"]
    keys = [(c.name, "ascending") for c in schema.metadata.tables[table].primary_key.columns]
    parts = [pq.read_table(folder(wh, lake) / file["path"]) for file in listed]
    return pa.concat_tables(parts).sort_by(keys)


def test_what_is_published_is_what_the_warehouse_holds(wh, kit, small, tmp_path) -> None:
    kit.load(wh, "r1", small)
    wh.publish(str(tmp_path / "lake"))
    state = latest(wh, tmp_path / "lake")
    assert (state["warehouse_id"], state["commit_number"]) == (wh.warehouse_id, 1)
    assert state["published_at"] == "2026-11-02T03:00:00Z"
    assert sorted(state["tables"]) == sorted(table.name for table in PUBLISHED_TABLES)
    for name, rows in small.tables().items():
        listed = state["tables"][name]
        assert published(wh, tmp_path / "lake", name).equals(rows), name
        assert listed["row_count"] == rows.num_rows
        assert [c["name"] for c in listed["columns"]] == rows.schema.names
        for file in listed["files"]:
            path = folder(wh, tmp_path / "lake") / file["path"]
            assert (path.stat().st_size, pq.read_metadata(path).num_rows) == (
                file["size_bytes"],
                file["row_count"],
            )
            assert file["digest"][:32] in file["path"]


def test_a_table_with_a_date_has_one_file_a_month_others_one_a_bucket(wh, kit, small, tmp_path) -> None:
    kit.load(wh, "r1", small)
    wh.publish(str(tmp_path))
    tables = latest(wh, tmp_path)["tables"]
    names = {
        name: [Path(file["path"]).name.rpartition("-")[0] for file in table["files"]]
        for name, table in tables.items()
    }
    assert names["sessions"] == names["player_days"] == names["traffic_hours"] == ["2026-10", "2026-11"]
    assert names["metric_definitions"] == ["all"]
    assert all(name.startswith("bucket-") for name in names["players"])
    assert len(names["log_objects"]) == 1


def test_only_changed_files_are_written_again(wh, kit, small, tmp_path) -> None:
    kit.load(wh, "r1", small)
    first = wh.publish(str(tmp_path))
    before = files(wh, tmp_path)
    later = kit.World(dict(small.days) | {"dan": (31, 32, 33)})
    kit.load(wh, "r2", later, receipts=[kit.receipt("late", 2)])
    second = wh.publish(str(tmp_path))
    after = files(wh, tmp_path)
    assert [path for path in second.written if path.startswith("sessions/")] == [
        path for path in after if path.startswith("sessions/2026-11") and path not in before
    ]
    assert not any(
        path.startswith(("player_days/2026-10", "path_transitions/2026-10")) for path in second.written
    )
    assert second.kept > 5
    assert len(first.written) > len(second.written)
    # Files that readers may have begun with stay.
    assert {path: data for path, data in after.items() if path in before and path.endswith(".parquet")} == {
        path: data for path, data in before.items() if path.endswith(".parquet")
    }


def test_nothing_is_done_where_the_last_commit_is_published(wh, kit, small, tmp_path) -> None:
    kit.load(wh, "r1", small)
    wh.publish(str(tmp_path))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    again = wh.publish(str(tmp_path))
    assert not again.is_new
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_nothing_is_published_before_the_first_commit(wh, tmp_path) -> None:
    wh.publish(str(tmp_path / "lake"))
    assert not (tmp_path / "lake").exists()


def test_staged_and_stored_rows_give_the_same_bytes(wh, kit, small, tmp_path) -> None:
    with warehouse.Staging() as staging:
        kit.load(wh, "r1", small, staging=staging)
        wh.publish(str(tmp_path / "staged"), staging)
        wh.publish(str(tmp_path / "stored"), staging)  # nothing staged is left
    wh.publish(str(tmp_path / "healed"))
    made = [
        {path: data for path, data in files(wh, tmp_path / way).items() if "manifest" not in path}
        for way in ("staged", "stored", "healed")
    ]
    assert made[0] == made[1] == made[2]


def test_a_staged_table_is_not_read_from_the_warehouse(wh, kit, small, tmp_path, monkeypatch) -> None:
    read = []
    monkeypatch.setattr(
        "warehouse.publication.stored_batches", lambda _c, table: read.append(table.name) or []
    )
    with warehouse.Staging() as staging:
        kit.load(wh, "r1", small, staging=staging)
        wh.publish(str(tmp_path), staging)
    assert read == ["log_objects", "metric_definitions", "column_definitions"]


def test_what_another_commit_staged_is_not_published(wh, kit, small, tmp_path) -> None:
    later = kit.World(dict(small.days) | {"dan": (31, 33)})
    with warehouse.Staging() as first, warehouse.Staging() as failed:
        kit.load(wh, "r1", small, staging=first)
        with pytest.raises(warehouse.ChecksFailedError):
            kit.load(wh, "r2", small, receipts=[kit.receipt("b", 1)], staging=failed)
        kit.load(wh, "r3", later, receipts=[])
        wh.publish(str(tmp_path / "a"), first)
        wh.publish(str(tmp_path / "b"), failed)
    for lake in (tmp_path / "a", tmp_path / "b"):
        assert published(wh, lake, "sessions").equals(later.tables()["sessions"])


def test_a_file_that_cannot_be_staged_leaves_the_commit_or_its_publication_to_be_done_again(
    wh, kit, small, tmp_path, monkeypatch
) -> None:
    def full(_encoder: object, _batch: pa.RecordBatch) -> None:
        raise OSError("no space left")

    def run() -> None:
        with warehouse.Staging() as staging:
            kit.load(wh, "r1", small, staging=staging)
            wh.publish(str(tmp_path), staging)

    with monkeypatch.context() as broken:
        broken.setattr("warehouse.parquet.TableEncoder.add", full)
        with pytest.raises((OSError, warehouse.PublishError), match="no space"):
            run()
    if not wh.commit_number:
        kit.load(wh, "r2", small)
    wh.publish(str(tmp_path))
    assert published(wh, tmp_path, "sessions").equals(small.tables()["sessions"])


def test_batches_that_are_being_staged_are_few(monkeypatch) -> None:
    may_go_on = threading.Event()
    monkeypatch.setattr("warehouse.parquet.TableEncoder.add", lambda _encoder, _batch: may_go_on.wait(30))
    batch = pa.RecordBatch.from_pylist([], arrow_schema(schema.players))
    given = []
    with warehouse.Staging() as staging:
        passing = staging.passing(schema.players, (given.append(n) or batch for n in range(100)))
        waiter = threading.Thread(target=lambda: list(passing))
        waiter.start()
        waiter.join(0.5)
        assert waiter.is_alive()
        assert len(given) < 15
        may_go_on.set()
        waiter.join()
    assert len(given) == 100


@pytest.mark.parametrize("table", [schema.sessions, schema.player_days, schema.players], ids=lambda t: t.name)
def test_the_cut_into_batches_leaves_no_trace_in_the_bytes(kit, table, monkeypatch) -> None:
    monkeypatch.setattr("warehouse.parquet.ROW_GROUP_ROWS", 7)
    world = kit.World({f"p{n:02d}": tuple(range(n, n + 60, 1 + n % 3)) for n in range(12)})
    rows = world.tables()[table.name]
    dice = random.Random(3)
    made = set()
    for _ in range(5):
        cuts = sorted({0, rows.num_rows, *(dice.randrange(rows.num_rows) for _ in range(9))})
        batches = [rows.slice(a, b - a).combine_chunks().to_batches()[0] for a, b in pairwise(cuts)]
        encoded = []
        for file in encode(table, batches).files():
            encoded.append(file.name)
            assert pq.read_table(pa.BufferReader(file.content.read())).num_rows == file.row_count
        made.add(tuple(encoded))
    assert len(made) == 1


def test_rows_keep_the_order_of_the_key_within_a_file(wh, kit, tmp_path) -> None:
    world = kit.World({f"p{n:02d}": (n, n + 31) for n in range(20)})
    kit.load(wh, "r1", world)
    wh.publish(str(tmp_path))
    for file in latest(wh, tmp_path)["tables"]["player_days"]["files"]:
        rows = pq.read_table(folder(wh, tmp_path) / file["path"])
        assert rows.equals(rows.sort_by([("player_id", "ascending"), ("activity_date", "ascending")]))


def test_a_file_has_the_types_that_athena_reads(wh, kit, small, tmp_path) -> None:
    kit.load(wh, "r1", small)
    wh.publish(str(tmp_path))
    (file,) = latest(wh, tmp_path)["tables"]["concurrency_minutes"]["files"][:1]
    column = pq.ParquetFile(folder(wh, tmp_path) / file["path"]).schema.column(0)
    assert str(column.logical_type) == (
        "Timestamp(isAdjustedToUTC=false, timeUnit=microseconds, is_from_converted_type=false,"
        " force_set_converted_type=false)"
    )
    everything = ds.dataset([str(folder(wh, tmp_path) / file["path"])], format="parquet").to_table()
    assert everything.schema == arrow_schema(schema.concurrency_minutes).remove_metadata()


def test_a_manifest_lists_the_files_of_a_table_for_athena(wh, kit, small, tmp_path) -> None:
    kit.load(wh, "r1", small)
    wh.publish(str(tmp_path))
    for name, table in latest(wh, tmp_path)["tables"].items():
        manifest = (folder(wh, tmp_path) / name / "_symlink_format_manifest" / "manifest").read_text()
        assert manifest.splitlines() == [
            f"file://{folder(wh, tmp_path)}/{file['path']}" for file in table["files"]
        ]
    # Readers of a whole folder pass over names that begin with an underscore.
    sessions = ds.dataset(folder(wh, tmp_path) / "sessions", format="parquet")
    assert sessions.count_rows() == 7


def test_unlisted_files_go_after_seven_days_and_not_before(wh, kit, small, clock, tmp_path) -> None:
    kit.load(wh, "r1", small)
    wh.publish(str(tmp_path))
    orphan = folder(wh, tmp_path) / "sessions" / "2026-10-of-a-killed-run.parquet"
    orphan.write_bytes(b"half")
    old = {path for path in files(wh, tmp_path) if path.startswith("sessions/2026-11")}
    later = kit.World(dict(small.days) | {"dan": (31, 33)})
    kit.load(wh, "r2", later, receipts=[])
    assert wh.publish(str(tmp_path)).removed == ()
    unlisted = latest(wh, tmp_path)["unlisted"]
    assert set(unlisted.values()) == {"2026-11-02T03:00:00Z"}
    assert old < set(unlisted)
    clock.now += timedelta(days=7) - timedelta(seconds=1)
    assert wh.publish(str(tmp_path)).removed == ()
    assert old < set(files(wh, tmp_path))
    clock.now += timedelta(seconds=1)
    removed = wh.publish(str(tmp_path)).removed  # a run with nothing new
    assert set(removed) == set(unlisted)
    assert not orphan.exists()
    assert latest(wh, tmp_path)["unlisted"] == {}
    listed = {file["path"] for table in latest(wh, tmp_path)["tables"].values() for file in table["files"]}
    assert {path for path in files(wh, tmp_path) if path.endswith(".parquet")} == listed


def test_the_seven_days_begin_when_a_file_is_unlisted(wh, kit, small, clock, tmp_path) -> None:
    seen = []
    for number, last in enumerate([32, 33, 34]):
        world = kit.World(dict(small.days) | {"dan": (31, last)})
        kit.load(wh, f"r{number}", world, **({} if number == 0 else {"receipts": []}))
        wh.publish(str(tmp_path))
        seen += [path for path in sorted(files(wh, tmp_path)) if path.startswith("sessions/2026-11")]
        clock.now += timedelta(days=5)
    removed = wh.publish(str(tmp_path)).removed  # the first file is unlisted for 10 days, the second for 5
    assert [path for path in removed if path.startswith("sessions/2026-11")] == seen[:1]


def test_a_file_that_is_listed_again_stays(wh, kit, small, clock, tmp_path) -> None:
    other = kit.World(dict(small.days) | {"dan": (31, 33)})
    for number, world in enumerate([small, other, small]):
        kit.load(wh, f"r{number}", world, **({} if number == 0 else {"receipts": []}))
        wh.publish(str(tmp_path))
    clock.now += timedelta(days=30)
    wh.publish(str(tmp_path))
    assert published(wh, tmp_path, "sessions").equals(small.tables()["sessions"])


def test_a_damaged_latest_is_written_anew(wh, kit, small, tmp_path) -> None:
    kit.load(wh, "r1", small)
    wh.publish(str(tmp_path))
    for damage in (b"", b"{", b"[]", b'{"format_version": 99, "commit_number": 1}'):
        (folder(wh, tmp_path) / LATEST).write_bytes(damage)
        wh.publish(str(tmp_path))
        assert latest(wh, tmp_path)["commit_number"] == 1


def test_everything_is_on_disk_before_it_is_listed(wh, kit, small, tmp_path, monkeypatch) -> None:
    """Each file is synced before its rename, each folder before latest.json appears in it."""
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(handle: int) -> None:
        done.append(f"sync {Path(f'/proc/self/fd/{handle}').readlink().name}")
        fsync(handle)

    def renamed(source: Path, target: str) -> Path:
        assert done[-1] == f"sync {source.name}"
        done.append(f"rename {Path(target).name}")
        return replace(source, target)

    kit.load(wh, "r1", small)
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    wh.publish(str(tmp_path))
    swap = done.index("rename latest.json")
    assert {"sync sessions", "sync log_objects", "sync _symlink_format_manifest"} <= set(done[:swap])
    assert done[swap + 1 :] == ["sync tables"]


def test_an_older_state_is_never_put_over_a_newer_one(wh, kit, small, tmp_path, monkeypatch) -> None:
    kit.load(wh, "r1", small)

    def overtaken(name: str) -> None:
        if name == "before_swap":
            monkeypatch.undo()
            kit.load(wh, "r2")
            wh.publish(str(tmp_path))

    monkeypatch.setattr("warehouse.publication.failpoint", overtaken)
    with pytest.raises(warehouse.PublishError, match="wanted to publish commit 1, found that commit 2"):
        wh.publish(str(tmp_path))
    assert latest(wh, tmp_path)["commit_number"] == 2


def test_a_lake_that_cannot_be_written_is_one_line(wh, kit, small, tmp_path) -> None:
    kit.load(wh, "r1", small)
    (tmp_path / "lake").write_text("a file")
    with pytest.raises(warehouse.PublishError) as error:
        wh.publish(str(tmp_path / "lake"))
    assert str(error.value).startswith(f"wanted to publish the tables below {tmp_path}/lake, found ")
    assert "\n" not in str(error.value)
    assert wh.commit_number == 1
