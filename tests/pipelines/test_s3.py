"""Logs, lake and results on S3: moto's server over HTTP, found as AWS is, through $AWS_ENDPOINT_URL."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

import warehouse
from pipelines.errors import PlayerpathError
from pipelines.progress import Reporter
from pipelines.run import RunRequest, run
from pipelines.settings import Settings
from pipelines.sources import list_objects
from pipelines.summary import RunSummary

OBJECTS = 30


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
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of a bucket that is empty, and an environment in which the program finds it."""
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PLAYERPATH_KEY": "a key that all warehouses share",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    client = boto3.client("s3")
    client.create_bucket(Bucket="game")
    yield client
    for name in names(client):
        client.delete_object(Bucket="game", Key=name)
    client.delete_bucket(Bucket="game")


def names(client: Any, prefix: str = "") -> list[str]:
    listed = client.list_objects_v2(Bucket="game", Prefix=prefix)
    return [each["Key"] for each in listed.get("Contents", [])]


def contents(line: Callable[..., str]) -> dict[str, bytes]:
    """Thirty small logs of three days, every second one packed."""
    made = {}
    for n in range(OBJECTS):
        text = "".join(line(f"/v1/{n}", second=60 * n + m, day=1 + n % 3) for m in range(4)).encode()
        made[f"2026-10-0{1 + n % 3}/{n:02}.log" + ".gz" * (n % 2)] = gzip.compress(text) if n % 2 else text
    return made


def load(folder: Path, source: str, lake: str) -> RunSummary:
    return run(
        RunRequest(
            sources=(source,),
            warehouse_url=f"sqlite:///{folder}/playerpath.db",
            lake_uri=lake,
            settings=Settings(identity="visitor", stream="server"),
        ),
        Reporter(),
    )


def digest(folder: Path) -> str:
    with warehouse.connect(f"sqlite:///{folder}/playerpath.db", read_only=True) as opened:
        return opened.digest()


def test_logs_and_lake_on_s3_give_the_warehouse_of_local_files(s3: Any, tmp_path: Path, line) -> None:
    for name, data in contents(line).items():
        s3.put_object(Bucket="game", Key=f"raw/{name}", Body=data)
        (tmp_path / "raw" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "raw" / name).write_bytes(data)
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
    here = load(tmp_path / "here", f"{tmp_path}/raw", f"{tmp_path}/lake")
    there = load(tmp_path / "there", "s3://game/raw/", "s3://game/lake/")
    assert (there.objects, there.accepted, there.waiting) == (OBJECTS, 4 * OBJECTS, 0)
    assert there.dates == here.dates
    assert digest(tmp_path / "there") == digest(tmp_path / "here")
    with warehouse.connect(f"sqlite:///{tmp_path}/there/playerpath.db", read_only=True) as opened:
        listed = [file.uri for file in opened.lake_files()]
        root = f"lake/{opened.warehouse_id}/"
    assert sorted(f"s3://game/{name}" for name in names(s3, f"{root}runs/")) == sorted(listed)
    assert f"{root}tables/latest.json" in names(s3, root)
    again = load(tmp_path / "there", "s3://game/raw/", "s3://game/lake/")
    assert (again.objects, again.known_objects, again.tables) == (0, OBJECTS, {})


def test_a_changed_etag_is_read_again_and_a_known_one_is_not(s3: Any, tmp_path: Path, line) -> None:
    s3.put_object(Bucket="game", Key="raw/a.log", Body=line().encode())
    s3.put_object(Bucket="game", Key="raw/b.log", Body=line("/b").encode())
    source, lake = "s3://game/raw/", "s3://game/lake"
    assert load(tmp_path, source, lake).objects == 2
    s3.put_object(Bucket="game", Key="raw/a.log", Body=(line() + line(second=2)).encode())
    grown = load(tmp_path, source, lake)
    assert (grown.objects, grown.known_objects, grown.accepted) == (1, 1, 1)
    s3.put_object(Bucket="game", Key="raw/c.gz", Body=gzip.compress(line("/b").encode()))
    copied = load(tmp_path, source, lake)
    assert (copied.objects, copied.known_objects, copied.tables) == (0, 3, {"object_sightings": 1})
    s3.put_object(Bucket="game", Key="raw/b.log", Body=line("/c").encode())  # as long as before
    other = load(tmp_path, source, lake)
    assert (other.objects, other.known_objects, other.accepted) == (1, 2, 1)


def test_dates_globs_and_prefixes_choose_objects(s3: Any, line) -> None:
    for name in contents(line):
        s3.put_object(Bucket="game", Key=f"raw/{name}", Body=b"x")
    s3.put_object(Bucket="game", Key="raw/2026-10-01/", Body=b"")  # a folder, as consoles make them
    assert len(list_objects(["s3://game/raw/2026-10-01/"], [])) == 10
    assert len(list_objects(["s3://game/raw/*/*.gz"], [])) == OBJECTS // 2
    assert len(list_objects(["s3://game/raw/2026-10-0[12]/*"], [])) == 20
    import datetime as dt

    chosen = list_objects(["s3://game/raw/{date}/"], [dt.date(2026, 10, 3), dt.date(2026, 10, 4)])
    assert [each.uri for each in chosen] == [
        f"s3://game/raw/2026-10-03/{n:02}.log" + ".gz" * (n % 2) for n in range(2, OBJECTS, 3)
    ]
    assert all(each.size_bytes == 1 and not each.is_growing for each in chosen)


def test_more_keys_than_a_page_holds_are_all_listed(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(7):
        s3.put_object(Bucket="game", Key=f"raw/{n}", Body=b"x")
    client = boto3.client("s3")
    client.meta.events.register(
        "provide-client-params.s3.ListObjectsV2", lambda params, **_: {**params, "MaxKeys": 3}
    )
    monkeypatch.setattr("pipelines.sources.s3_client", lambda: client)
    assert [each.uri[-1] for each in list_objects(["s3://game/raw/"], [])] == list("0123456")


@pytest.mark.parametrize(
    ("source", "lake"),
    [("s3://nowhere/raw/", "lake"), ("a.log", "s3://nowhere/lake"), ("s3://game/no/", "lake")],
)
def test_what_is_not_there_is_one_line(s3: Any, tmp_path: Path, line, source: str, lake: str) -> None:
    (tmp_path / "a.log").write_text(line())
    given = source if source.startswith("s3://") else str(tmp_path / source)
    place = lake if lake.startswith("s3://") else str(tmp_path / lake)
    with pytest.raises(PlayerpathError) as error:
        load(tmp_path, given, place)
    assert "\n" not in str(error.value)
    assert "nowhere" in str(error.value) or "no log objects: wanted files in s3://game/no/" in str(
        error.value
    )


def test_an_object_that_is_gone_after_the_listing_is_refused(
    s3: Any, tmp_path: Path, line, monkeypatch
) -> None:
    for name in ("a", "b"):
        s3.put_object(Bucket="game", Key=f"raw/{name}", Body=line(f"/{name}").encode())

    def listed(*given: Any) -> Any:
        found = list_objects(*given)
        s3.delete_object(Bucket="game", Key="raw/a")
        return found

    monkeypatch.setattr("pipelines.run.list_objects", listed)
    summary = load(tmp_path, "s3://game/raw/", "s3://game/lake")
    assert (summary.objects, summary.refused_objects, summary.exit_code) == (1, 1, 3)
    assert summary.refusals[0][0] == "s3://game/raw/a"
    assert "\n" not in summary.refusals[0][1]
