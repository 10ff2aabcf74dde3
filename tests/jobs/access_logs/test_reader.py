"""Objects are unpacked whole or refused, and cut into blocks of whole lines."""

import bz2
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.access_logs import reader
from jobs.access_logs.reader import ObjectRefused, blocks, end_of_last_line, limited, unpacked
from jobs.access_logs.settings import IngestSettings

SETTINGS = IngestSettings(key=b"k" * 32)
TEXT = b"".join(b"line %d of a log that is long enough to compress\n" % n for n in range(20_000))


def read(stored: bytes, settings: IngestSettings = SETTINGS) -> bytes:
    return b"".join(unpacked(io.BytesIO(stored), settings))


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


PACKERS = {"gzip": gzip.compress, "bzip2": bz2.compress, "zstd": zstd}


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_a_packed_object_unpacks_to_its_bytes(pack) -> None:
    assert read(pack(TEXT)) == TEXT


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_several_members_in_one_object_are_read_one_after_the_other(pack) -> None:
    assert read(pack(TEXT) + pack(b"") + pack(b"more\n")) == TEXT + b"more\n"


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_an_object_cut_short_is_refused_wherever_the_cut_is(pack, share: float) -> None:
    stored = pack(TEXT)
    with pytest.raises(ObjectRefused, match=r"cut short|corrupt"):
        read(stored[: int(len(stored) * share)])


def test_an_object_cut_inside_the_header_of_its_second_member_is_refused() -> None:
    with pytest.raises(ObjectRefused, match=r"cut short|corrupt"):
        read(gzip.compress(TEXT) + gzip.compress(b"more\n")[:5])


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_something_else_after_the_last_member_is_refused(pack) -> None:
    with pytest.raises(ObjectRefused, match="follows its"):
        read(pack(TEXT) + b"<html>an error page</html>")


def test_zero_padding_after_the_last_member_is_allowed() -> None:
    assert read(gzip.compress(TEXT) + b"\0" * 1024) == TEXT


def test_a_flipped_bit_is_refused_by_the_check_sum() -> None:
    stored = bytearray(gzip.compress(TEXT))
    stored[-6] ^= 1
    with pytest.raises(ObjectRefused, match="corrupt"):
        read(bytes(stored))


def test_a_bomb_is_refused_by_its_ratio_long_before_it_is_unpacked() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b"\0" * (1 << 24)) for _ in range(64)) + packer.flush()
    with pytest.raises(ObjectRefused, match="times its size"):
        read(bomb, replace(SETTINGS, max_unpack_ratio=100))


def test_an_object_over_the_size_cap_is_refused() -> None:
    with pytest.raises(ObjectRefused, match="more than 1,000 bytes unpacked"):
        read(gzip.compress(TEXT), replace(SETTINGS, max_unpacked_bytes=1_000))


def test_plain_bytes_are_given_as_they_are() -> None:
    assert read(TEXT) == TEXT
    assert read(b"") == b""


def pieces_of(data: bytes, size: int) -> Iterator[bytes]:
    return (data[n : n + size] for n in range(0, len(data), size))


@given(
    data=st.lists(st.sampled_from([b"", b"a", b"bb", b"ccc" * 20]), max_size=40).map(b"\n".join),
    size=st.integers(1, 30),
    block=st.integers(1, 50),
    start=st.integers(0, 40),
)
@settings(derandomize=True, deadline=None)
def test_blocks_hold_every_byte_once_from_where_they_start(
    data: bytes, size: int, block: int, start: int
) -> None:
    normal, reader.BLOCK_BYTES = reader.BLOCK_BYTES, block
    try:
        cut = list(blocks(pieces_of(data, size), replace(SETTINGS, max_line_bytes=1_000), start))
    finally:
        reader.BLOCK_BYTES = normal
    assert b"".join(each.data for each in cut) == data[start:]
    offset = start
    for each in cut:
        assert each.offset == offset
        offset += len(each.data)
        assert each.data.endswith(b"\n") or offset == len(data)


def test_a_line_that_fills_a_block_is_given_cut_and_the_next_line_keeps_its_offset(monkeypatch) -> None:
    monkeypatch.setattr(reader, "BLOCK_BYTES", 100)
    data = b"first\n" + b"x" * 1_000 + b"\nlast\n"
    cut = list(blocks(pieces_of(data, 64), replace(SETTINGS, max_line_bytes=50)))
    assert [(len(each.data), each.offset) for each in cut] == [(6, 0), (51, 6), (5, 1_007)]
    assert cut[-1].data == b"last\n"


@pytest.mark.parametrize(("text", "end"), [(b"", 0), (b"a", 0), (b"a\n", 2), (b"a\nb", 2), (b"\n\n", 2)])
def test_the_last_line_without_an_end_is_left_out(tmp_path: Path, text: bytes, end: int) -> None:
    path = tmp_path / "log"
    path.write_bytes(text)
    assert end_of_last_line(str(path), len(text)) == end


def test_no_more_than_the_listed_size_is_read() -> None:
    assert b"".join(limited(iter([b"abc", b"def", b"ghi"]), 5)) == b"abcde"
