"""The same publication on S3, against moto's server over HTTP."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
from moto.server import ThreadedMotoServer
from pyarrow import fs

from warehouse import lake_store


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint, monkeypatch) -> Iterator[fs.S3FileSystem]:
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    files = fs.S3FileSystem(
        endpoint_override=endpoint.removeprefix("http://"), scheme="http", region="us-east-1",
        allow_bucket_creation=True, allow_bucket_deletion=True,
    )  # fmt: skip
    files.create_dir("results")
    yield files
    files.delete_dir("results")
    lake_store._s3.cache_clear()


def names(files: fs.S3FileSystem) -> set[str]:
    found = files.get_file_info(fs.FileSelector("results", recursive=True))
    return {info.path for info in found if info.type == fs.FileType.File}


def read(files: fs.S3FileSystem, path: str) -> bytes:
    with files.open_input_stream(path) as stream:
        return stream.read()


def test_the_objects_on_s3_are_the_files_of_a_folder(wh, kit, small, tmp_path, bucket) -> None:
    kit.load(wh, "r1", small)
    wh.publish(str(tmp_path))
    done = wh.publish("s3://results/lake/")
    local = {
        str(p.relative_to(tmp_path)): p.read_bytes()
        for p in tmp_path.rglob("*")
        if p.is_file() and p.suffix != ".db"
    }
    remote = {path.removeprefix("results/lake/"): read(bucket, path) for path in names(bucket)}
    assert {k: v for k, v in remote.items() if "manifest" not in k} == {
        k: v for k, v in local.items() if "manifest" not in k
    }
    assert set(remote) == set(local)
    assert len(done.written) == sum(path.endswith(".parquet") for path in remote)
    manifest = remote[f"{wh.warehouse_id}/tables/sessions/_symlink_format_manifest/manifest"].decode()
    assert manifest.splitlines()[0].startswith(
        f"s3://results/lake/{wh.warehouse_id}/tables/sessions/2026-10-"
    )


def test_only_changes_are_put_and_old_objects_go_after_seven_days(wh, kit, small, clock, bucket) -> None:
    kit.load(wh, "r1", small)
    wh.publish("s3://results")
    later = kit.World(dict(small.days) | {"dan": (31, 33)})
    kit.load(wh, "r2", later, receipts=[])
    second = wh.publish("s3://results")
    assert {path[:16] for path in second.written if path.startswith("sessions/")} == {"sessions/2026-11"}
    assert wh.publish("s3://results").written == ()
    clock.now += timedelta(days=7)
    removed = wh.publish("s3://results").removed
    assert removed
    latest = json.loads(read(bucket, f"results/{wh.warehouse_id}/tables/latest.json"))
    listed = {file["path"] for table in latest["tables"].values() for file in table["files"]}
    prefix = f"results/{wh.warehouse_id}/tables/"
    assert {path.removeprefix(prefix) for path in names(bucket) if path.endswith(".parquet")} == listed


def test_a_bucket_that_is_not_there_is_one_line(wh, kit, bucket) -> None:
    import warehouse

    kit.load(wh, "r1")
    with pytest.raises(warehouse.PublishError) as error:
        wh.publish("s3://nowhere/lake")
    assert "\n" not in str(error.value)
