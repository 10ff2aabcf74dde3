"""A run's objects: whole or refused, told by content, counted once whatever their names."""

import bz2
import gzip
import itertools
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.access_logs import reader
from jobs.access_logs.ingest import Layout, UnknownFormatError
from jobs.access_logs.objects import ingest_objects
from jobs.access_logs.remote import Processes, WorkerDied
from jobs.access_logs.settings import IngestSettings
from jobs.engines.interface import Claim, Ingestion, SourceObject

SETTINGS = IngestSettings(key=b"k" * 32)


def line(n: int, path: str = "/a") -> bytes:
    at = f"{n % 24:02}:{n // 24 % 60:02}:00"
    return f'10.0.0.{n % 250} - - [01/Oct/2026:{at} +0000] "GET {path}/{n} HTTP/1.1" 200 5 "-" "A"\n'.encode()


RUNS = itertools.count()
LINES = [line(n) for n in range(400)]
TEXT = b"".join(LINES)


def source(path: Path, *, is_growing: bool = True) -> SourceObject:
    return SourceObject(path.name, str(path), path.stat().st_size, "v1", is_growing)


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def read(
    tmp_path: Path, *paths: Path, claims: tuple[Claim, ...] = (), settings: IngestSettings = SETTINGS
) -> Ingestion:
    known: dict[str, list[Claim]] = {}
    for claim in claims:
        known.setdefault(claim.first_line_digest, []).append(claim)
    scratch = tmp_path / f"scratch-{next(RUNS)}"
    return ingest_objects([source(path) for path in paths], known, str(scratch), settings)


def requests(read_now: Ingestion) -> pa.Table:
    tables = [pq.read_table(part.uri) for part in read_now.parts if part.table_name == "requests"]
    return pa.concat_tables(tables) if tables else pa.table({"path": pa.array([], pa.string())})


def paths(read_now: Ingestion) -> list[str]:
    return sorted(requests(read_now).column("path").to_pylist())


def claims_of(read_now: Ingestion) -> tuple[Claim, ...]:
    return tuple(
        Claim(r.object_id, r.content_digest, r.size_bytes, r.first_line_digest, "loaded", (r.source.uri,))
        for r in read_now.receipts
        if r.status in ("loaded", "continued")
    )


ALL = sorted(f"/a/{n}" for n in range(400))


def test_a_receipt_counts_every_line_and_parts_hold_every_request(tmp_path: Path) -> None:
    path = write(tmp_path / "log", b"#a comment\n\n" + TEXT + b"garbage\n")
    found = read(tmp_path, path)
    (receipt,) = found.receipts
    assert (receipt.lines_read, receipt.accepted, receipt.rejected, receipt.ignored) == (403, 400, 1, 2)
    assert receipt.rejected_sample is not None
    assert receipt.rejected_sample.column("byte_offset").to_pylist() == [12 + len(TEXT)]
    assert paths(found) == ALL
    assert sum(part.row_count for part in found.parts if part.table_name == "requests") == 400


def test_names_and_packing_change_nothing_of_a_content(tmp_path: Path) -> None:
    first = read(tmp_path, write(tmp_path / "a.log", TEXT))
    for name, data in (("b.gz", gzip.compress(TEXT)), ("c.bz2", bz2.compress(TEXT)), ("d", TEXT)):
        again = read(tmp_path, write(tmp_path / name, data), claims=claims_of(first))
        assert [(r.status, r.object_id) for r in again.receipts] == [("known", "a.log")]
        assert again.parts == ()
        assert again.receipts[0].content_digest == first.receipts[0].content_digest


def test_copies_within_one_run_count_once(tmp_path: Path) -> None:
    found = read(
        tmp_path, *(write(tmp_path / name, data) for name, data in (("a", TEXT), ("b", gzip.compress(TEXT))))
    )
    assert sorted(r.status for r in found.receipts) == ["known", "loaded"]
    assert paths(found) == ALL


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_beginnings_of_one_content_in_one_run_count_once_in_any_order(tmp_path: Path, order) -> None:
    given = [
        write(tmp_path / "a", b"".join(LINES[:100])),
        write(tmp_path / "b.gz", gzip.compress(b"".join(LINES[:250]))),
        write(tmp_path / "c", TEXT),
    ]
    found = read(tmp_path, *(given[n] for n in order))
    assert paths(found) == ALL
    assert sum(receipt.accepted for receipt in found.receipts) == 400
    assert len({receipt.object_id for receipt in found.receipts}) == 1


def test_a_grown_file_is_read_from_where_its_claim_ends(tmp_path: Path) -> None:
    path = write(tmp_path / "log", b"".join(LINES[:100]))
    first = read(tmp_path, path)
    write(path, TEXT)
    found = read(tmp_path, path, claims=claims_of(first))
    (receipt,) = found.receipts
    assert (receipt.status, receipt.object_id, receipt.lines_read) == ("continued", "log", 300)
    assert receipt.size_bytes == len(TEXT)
    assert receipt.content_digest == read(tmp_path, write(tmp_path / "x", TEXT)).receipts[0].content_digest
    offsets = requests(found).column("byte_offset").to_pylist()
    assert min(offsets) == len(b"".join(LINES[:100]))
    assert paths(found) == sorted(f"/a/{n}" for n in range(100, 400))


def test_a_beginning_of_a_claimed_content_adds_nothing(tmp_path: Path) -> None:
    whole = write(tmp_path / "log", TEXT)
    first = read(tmp_path, whole)
    found = read(tmp_path, write(tmp_path / "old", b"".join(LINES[:7])), claims=claims_of(first))
    assert [(r.status, r.object_id) for r in found.receipts] == [("known", "log")]
    whole.unlink()
    refused = read(tmp_path, write(tmp_path / "old", b"".join(LINES[:7])), claims=claims_of(first))
    assert refused.receipts[0].status == "refused"
    assert "can no longer be read to compare" in (refused.receipts[0].reason or "")


def test_another_content_that_begins_with_the_same_line_is_another_object(tmp_path: Path) -> None:
    first = read(tmp_path, write(tmp_path / "a", TEXT))
    other = LINES[0] + b"".join(line(n, "/b") for n in range(1, 50))
    found = read(tmp_path, write(tmp_path / "b", other), claims=claims_of(first))
    assert [(r.status, r.object_id, r.accepted) for r in found.receipts] == [("loaded", "b", 50)]


def test_the_last_line_of_a_growing_file_waits_for_its_end(tmp_path: Path) -> None:
    path = write(tmp_path / "log", TEXT[:-10])
    first = read(tmp_path, path)
    assert (first.receipts[0].accepted, first.receipts[0].waiting) == (399, 1)
    write(path, TEXT)
    then = read(tmp_path, path, claims=claims_of(first))
    assert (then.receipts[0].status, then.receipts[0].accepted, then.receipts[0].waiting) == (
        "continued",
        1,
        0,
    )


def test_final_takes_the_last_line_as_it_stands(tmp_path: Path) -> None:
    found = read(tmp_path, write(tmp_path / "log", TEXT[:-1]), settings=replace(SETTINGS, is_final=True))
    assert (found.receipts[0].accepted, found.receipts[0].waiting) == (400, 0)


def test_a_compressed_object_is_complete_without_a_last_line_end(tmp_path: Path) -> None:
    found = read(tmp_path, write(tmp_path / "log.gz", gzip.compress(TEXT[:-1])))
    assert found.receipts[0].accepted == 400


def test_an_object_without_a_data_line_claims_nothing(tmp_path: Path) -> None:
    found = read(tmp_path, write(tmp_path / "a", b""), write(tmp_path / "b", b"#Playerpath: 1.0 host=h\n\n"))
    assert [receipt.status for receipt in found.receipts] == ["empty", "empty"]
    assert found.parts == ()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (gzip.compress(TEXT)[:-20], "cut short"),
        (b"\x00\x01\x02binary\xff" * 500 + b"\n", "in no known format"),
        (b"hello\nworld\n", "in no known format"),
        (TEXT + b"garbage\n" * 101, "101 of 501 lines rejected, more than 20%: not_in_format 101"),
    ],
    ids=["cut", "binary", "text", "garbage"],
)
def test_an_object_is_refused_whole_with_its_reason(tmp_path: Path, data: bytes, reason: str) -> None:
    found = read(tmp_path, write(tmp_path / "bad", data), write(tmp_path / "good", TEXT))
    bad, good = found.receipts
    assert (bad.status, good.status) == ("refused", "loaded")
    assert reason in (bad.reason or "")
    assert set(requests(found).column("object_id").to_pylist()) == {"good"}


def cut_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a file of some kilobytes as large as one of gigabytes."""
    monkeypatch.setattr(reader, "READ_BYTES", 500)
    monkeypatch.setattr(reader, "BLOCK_BYTES", 2_000)
    monkeypatch.setattr("jobs.access_logs.objects.HEAD_BYTES", 1_000)
    monkeypatch.setattr("jobs.access_logs.workers.OBJECT_BYTES", 1_000)
    monkeypatch.setattr("jobs.access_logs.workers.WAITING_BYTES", 10_000)


def test_a_large_object_that_is_refused_at_its_end_leaves_no_part(tmp_path: Path, monkeypatch) -> None:
    cut_small(monkeypatch)
    found = read(tmp_path, write(tmp_path / "bad", TEXT + b"garbage\n" * 200))
    assert found.receipts[0].status == "refused"
    assert found.parts == ()
    assert list(tmp_path.rglob("*.parquet")) == []


def test_small_blocks_and_parts_give_the_same_requests(tmp_path: Path, monkeypatch) -> None:
    whole = read(tmp_path, write(tmp_path / "a", TEXT))
    cut_small(monkeypatch)
    cut = ingest_objects([source(tmp_path / "a")], {}, str(tmp_path / "other"), SETTINGS)
    assert len(cut.parts) > len(whole.parts)
    by = [("byte_offset", "ascending")]
    assert requests(cut).sort_by(by).to_pylist() == requests(whole).sort_by(by).to_pylist()
    assert replace(cut.receipts[0], rejected_sample=None) == replace(whole.receipts[0], rejected_sample=None)


def test_a_missing_object_is_refused_and_the_others_are_read(tmp_path: Path) -> None:
    gone = write(tmp_path / "gone", TEXT)
    listed = source(gone)
    gone.unlink()
    found = ingest_objects([listed, source(write(tmp_path / "a", TEXT))], {}, str(tmp_path / "s"), SETTINGS)
    assert [receipt.status for receipt in found.receipts] == ["refused", "loaded"]
    assert "\n" not in (found.receipts[0].reason or "")


def test_worker_processes_give_the_same_parts_and_receipts(tmp_path: Path) -> None:
    paths = [write(tmp_path / "a", TEXT + b"garbage\n"), write(tmp_path / "b.gz", gzip.compress(TEXT[400:]))]
    bad = write(tmp_path / "c", b"neither\n" * 9)
    sources = [source(path) for path in (*paths, bad)]
    threads = ingest_objects(sources, {}, str(tmp_path / "threads"), SETTINGS, in_processes=False)
    processes = ingest_objects(sources, {}, str(tmp_path / "processes"), SETTINGS, in_processes=True)
    assert [part.digest for part in processes.parts] == [part.digest for part in threads.parts]
    for one, other in zip(processes.receipts, threads.receipts, strict=True):
        assert replace(one, rejected_sample=None) == replace(other, rejected_sample=None)


def test_a_worker_process_that_dies_fails_the_run_in_one_line(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(
        "jobs.access_logs.remote._SERVE", "import os, sys; sys.stdin.buffer.read(1); os._exit(9)"
    )
    with pytest.raises(WorkerDied, match="a worker process ended"):
        ingest_objects(
            [source(write(tmp_path / "a", TEXT))], {}, str(tmp_path / "s"), SETTINGS, in_processes=True
        )


def test_an_error_in_a_worker_process_is_that_of_the_caller(tmp_path: Path) -> None:
    with Processes(SETTINGS) as processes, pytest.raises(UnknownFormatError):
        processes.ingest(TEXT, 0, "a", b"", Layout("nobody-described-it", "server"), SETTINGS)
