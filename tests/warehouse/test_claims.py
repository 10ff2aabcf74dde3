"""Known names and contents are found, among many too."""

from __future__ import annotations

import time

import warehouse
from warehouse.engine import writing


def test_names_are_known_with_version_and_size(wh, kit) -> None:
    receipts = [kit.receipt("a", 0), kit.receipt("b", 0, source=kit.Source("s3://x/b", "etag", 7))]
    kit.load(wh, "r1", receipts=receipts)
    assert wh.sightings() == {("/logs/a.log", "1", 100): "id-a", ("s3://x/b", "etag", 7): "id-b"}
    assert wh.sightings(["s3://x/b", "s3://x/c"]) == {("s3://x/b", "etag", 7): "id-b"}
    assert wh.sightings([]) == {}


def test_a_claim_has_its_names_newest_last(wh, kit) -> None:
    kit.load(wh, "r1", receipts=[kit.receipt("a", 0)])
    known = [
        kit.receipt("a", 0, status="known", source=kit.Source("/logs/a.log.1")),
        kit.receipt("a", 0, status="known", source=kit.Source("/logs/a.log", "2")),
    ]
    kit.load(wh, "r2", receipts=known)
    assert wh.claims()[0].uris == ("/logs/a.log.1", "/logs/a.log")


def test_a_name_seen_again_with_another_content_names_the_new_one(wh, kit) -> None:
    kit.load(wh, "r1", receipts=[kit.receipt("a", 0)])
    kit.load(wh, "r2", receipts=[kit.receipt("b", 0, source=kit.Source("/logs/a.log"))])
    assert wh.sightings() == {("/logs/a.log", "1", 100): "id-b"}


def test_lake_files_come_with_their_objects(wh, kit) -> None:
    parts = [
        kit.Part("/lake/2", ("id-b", "id-a", "id-a"), activity_date="2026-10-02"),
        kit.Part("/lake/1", ("id-a",)),
        kit.Part("/lake/0", ("id-b",), "rejected", activity_date=None),
    ]
    kit.load(wh, "r1", receipts=[kit.receipt("a", 0), kit.receipt("b", 0)], parts=parts)
    assert wh.lake_files("requests") == [
        warehouse.LakeFile("/lake/1", "requests", "server", "2026-10-01", ("id-a",), 2, 500, "d", "r1"),
        warehouse.LakeFile(
            "/lake/2", "requests", "server", "2026-10-02", ("id-a", "id-b"), 2, 500, "d", "r1"
        ),
    ]
    assert [file.uri for file in wh.lake_files()] == ["/lake/0", "/lake/1", "/lake/2"]


def test_a_hundred_thousand_known_names_are_found_quickly(wh, kit) -> None:
    kit.load(wh, "r1", receipts=[kit.receipt("a", 0)])
    with writing(wh.engine) as connection:
        connection.exec_driver_sql(
            "INSERT INTO object_sightings VALUES (?, '1', 'id-a', 5, 'r1', ?)",
            [(f"s3://logs/{n:06d}.gz", n) for n in range(100_000)],
        )
    begun = time.perf_counter()
    assert len(wh.sightings()) == 100_001
    some = [f"s3://logs/{n:06d}.gz" for n in range(0, 100_000, 5)]
    assert len(wh.sightings(some)) == 20_000
    assert len(wh.sightings(some[:3_000])) == 3_000
    assert time.perf_counter() - begun < 3  # takes 0.3 s here; a query a name would take minutes
