"""The small parts that every format shares: lines, text, buckets, visitors, quarantine, order."""

import hashlib
import hmac
import uuid
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jobs.access_logs.buckets import BOUNDARIES, bucket_of, midpoints
from jobs.access_logs.lines import cut, ignored_lines, is_ignored, read_digits, split_lines
from jobs.access_logs.quarantine import RAW_BYTES, keep_raw, mask_addresses
from jobs.access_logs.request_ids import order_of_ids
from jobs.access_logs.rows import client_address, read_seconds, split_uri
from jobs.access_logs.text import escape, to_bytes, to_text, to_words
from jobs.access_logs.visitors import frame, hasher, visitors_of

VALUES = st.lists(
    st.one_of(st.none(), st.binary(max_size=12), st.text(max_size=6).map(str.encode)), max_size=20
)


@given(raw=st.binary(max_size=60) | st.text("\n\r# a", max_size=30).map(str.encode))
@settings(derandomize=True, deadline=None, max_examples=300)
def test_lines_are_what_splitting_on_newlines_gives(raw: bytes) -> None:
    pieces = raw.split(b"\n")
    wanted = [piece.removesuffix(b"\r") for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])
    lines = split_lines(raw)
    assert [lines[number] for number in range(len(lines))] == wanted
    assert ignored_lines(lines).tolist() == [is_ignored(line) for line in wanted]


def test_a_byte_order_mark_belongs_to_no_line() -> None:
    lines = split_lines(b"\xef\xbb\xbf#Fields: a\nb", is_object_start=True)
    assert [lines[number] for number in range(len(lines))] == [b"#Fields: a", b"b"]
    assert len(split_lines(b"\xef\xbb\xbf", is_object_start=True)) == 1


@given(values=VALUES)
@settings(derandomize=True, deadline=None, max_examples=300)
def test_text_is_escaped_value_by_value_and_always_valid(values: list[bytes | None]) -> None:
    wanted = [None if value is None else escape(value) for value in values]
    column = pa.array(values, pa.binary())
    for sliced, rest in ((column, wanted), (column.slice(1), wanted[1:])):
        assert to_bytes(sliced) == sliced.to_pylist()
        text, words = to_text(sliced), to_words(sliced)
        text.validate(full=True)
        assert text.to_pylist() == rest
        assert words.to_pylist() == rest
        assert len(set(words.dictionary.to_pylist())) == len(words.dictionary)


def test_a_byte_and_the_text_that_it_is_escaped_to_become_one_word() -> None:
    words = to_words(pa.array([b"\x01", rb"\x01", None, b"a"], pa.binary()))
    assert words.to_pylist() == [r"\x01", r"\x01", None, "a"]
    assert words.dictionary.to_pylist() == [r"\x01", "a"]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", r"caf\xe9"),
        (b"a\0b\x1b[31m\x7f", r"a\x00b\x1b[31m\x7f"),
        (b"\xc2\x9b31m", r"\xc2\x9b31m"),
        (b"\xed\xa0\x80", r"\xed\xa0\x80"),
    ],
)
def test_what_is_no_text_is_escaped(raw: bytes, text: str) -> None:
    assert escape(raw) == text


@given(
    numbers=st.lists(st.one_of(st.binary(max_size=20), st.integers(0, 10**17).map(lambda n: str(n).encode())))
)
@settings(derandomize=True, deadline=None, max_examples=300)
def test_numbers_of_up_to_16_digits_are_read_in_columns(numbers: list[bytes]) -> None:
    ends = np.cumsum([len(number) for number in numbers], dtype=np.int64)
    starts = ends - np.array([len(number) for number in numbers], dtype=np.int64)
    data = np.frombuffer(b"".join(numbers) + b"\0" * 8, np.uint8)
    found, is_number = read_digits(data, starts, ends)
    for number, value, is_one in zip(numbers, found.tolist(), is_number.tolist(), strict=True):
        assert is_one == (number.isdigit() and len(number) <= 16)
        assert not is_one or value == int(number)


def test_pieces_are_cut_between_places() -> None:
    starts, ends = np.array([0, 3, 5]), np.array([2, 3, 6])
    assert cut(b"abcdef", starts, ends).to_pylist() == [b"ab", b"", b"f"]
    assert cut(b"abcdef", starts, ends, is_null=np.array([False, True, False])).to_pylist() == [
        b"ab",
        None,
        b"f",
    ]


def test_buckets_are_2_percent_wide_from_nothing_to_a_day() -> None:
    assert BOUNDARIES[:4] == (0, 1, 2, 3)
    assert BOUNDARIES[-1] >= 86_400_000_000
    pairs = list(pairwise(BOUNDARIES))
    assert all(b == max(a + 1, a * 102 // 100) for a, b in pairs)
    assert len(midpoints()) == len(BOUNDARIES) < 32_768
    assert midpoints()[0] == 0
    assert all(a <= middle < b for (a, b), middle in zip(pairs, midpoints(), strict=False))


@given(duration=st.integers(0, 1 << 59))
@settings(derandomize=True, deadline=None)
def test_a_duration_lies_inside_its_bucket(duration: int) -> None:
    bucket = int(bucket_of(np.array([duration]))[0])
    assert BOUNDARIES[bucket] <= duration
    assert bucket == len(BOUNDARIES) - 1 or duration < BOUNDARIES[bucket + 1]


@given(
    pairs=st.lists(
        st.tuples(st.one_of(st.none(), st.binary(max_size=4)), st.one_of(st.none(), st.binary(max_size=4)))
    )
)
@settings(derandomize=True, deadline=None)
def test_a_visitor_is_the_keyed_hash_of_address_and_user_agent(
    pairs: list[tuple[bytes | None, bytes | None]],
) -> None:
    addresses = pa.array([pair[0] for pair in pairs], pa.binary()).dictionary_encode()
    agents = pa.array([pair[1] for pair in pairs], pa.binary()).dictionary_encode()
    wanted = [
        hmac.new(b"key", b"v1\0" + frame(address) + frame(agent), hashlib.sha256).hexdigest()[:32]
        for address, agent in pairs
    ]
    assert visitors_of(addresses, agents, b"key").to_pylist() == wanted


def test_a_missing_user_agent_a_dash_and_an_empty_one_are_three_visitors() -> None:
    of = hasher(b"key").of
    assert len({of(b"1.2.3.4", None), of(b"1.2.3.4", b"-"), of(b"1.2.3.4", b""), of(b"1.2.3.", b"4")}) == 4
    long_key = b"k" * 100
    assert (
        hasher(long_key).of(b"a", None)
        == hmac.new(long_key, b"v1\0\1\0\0\0\1a\0", hashlib.sha256).hexdigest()[:32]
    )


@pytest.mark.parametrize(
    ("raw", "masked"),
    [
        (b'1.2.3.4 - - "x"', b'(address) - - "x"'),
        (b"client 203.0.113.7:4711, 2001:db8::1.", b"client (address):4711, (address)."),
        (b"[::1] ::ffff:1.2.3.4 1:2:3:4:5:6:7:8", b"[(address)] (address) (address)"),
        (
            b"10/Oct/2000:13:55:36 12:30:01 Chrome/78.0.3904.108",
            b"10/Oct/2000:13:55:36 12:30:01 Chrome/78.0.3904.108",
        ),
        (b"x=1.2.3.4&y=256.1.1.1", b"x=(address)&y=256.1.1.1"),
    ],
)
def test_addresses_are_masked_in_what_is_kept_of_a_rejected_line(raw: bytes, masked: bytes) -> None:
    assert mask_addresses(raw) == masked


def test_no_part_of_an_address_survives_the_cut_of_a_long_line() -> None:
    kept = keep_raw(b"x" * (RAW_BYTES - 4) + b" 203.0.113.7 and more")
    assert "203" not in kept
    assert len(kept) <= RAW_BYTES


@given(ids=st.lists(st.uuids(), min_size=1))
@settings(derandomize=True, deadline=None)
def test_uuids_keep_their_order_as_two_numbers(ids: list[uuid.UUID]) -> None:
    high, low = order_of_ids(pa.array([str(one).encode() for one in ids], pa.binary()))
    wanted = [((one.int >> 64) - (1 << 63), (one.int & ((1 << 64) - 1)) - (1 << 63)) for one in ids]
    assert list(zip(high.tolist(), low.tolist(), strict=True)) == wanted


@given(ids=st.lists(st.binary(max_size=40), min_size=1))
@example(ids=[b"01999c7e-5a40-7c3d-9f10-3b7f6e0a1c22x", b"01999c7e-5a40-7c3d-9f10-3b7f6e0a1c2", b"x" * 36])
@settings(derandomize=True, deadline=None)
def test_other_ids_are_ordered_by_their_first_16_bytes(ids: list[bytes]) -> None:
    high, low = order_of_ids(pa.array(ids, pa.binary()))
    wanted = [int.from_bytes(one[:16].ljust(16, b"\0"), "big") for one in ids]
    found = [
        ((h + (1 << 63)) << 64) + low_half + (1 << 63)
        for h, low_half in zip(high.tolist(), low.tolist(), strict=True)
    ]
    assert found == wanted


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        (b"0.002", 2_000),
        (b"1", 1_000_000),
        (b".5", 500_000),
        (b"0.0000019", 1),
        (b"-1", None),
        (b".", None),
        (b"1e3", None),
    ],
)
def test_seconds_become_whole_microseconds(text: bytes, micros: int | None) -> None:
    assert read_seconds(text) == micros


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        (b"/a?b?c", (None, b"/a", b"b?c")),
        (b"/a?", (None, b"/a", None)),
        (b"https://jo@E.com:8443?x", (b"e.com", b"/", b"x")),
        (b"http://[2001:db8::1]:80/a", (b"[2001:db8::1]", b"/a", None)),
        (b"?x", (None, None, b"x")),
        (None, (None, None, None)),
    ],
)
def test_a_target_is_split_into_host_path_and_query(
    uri: bytes | None, parts: tuple[bytes | None, ...]
) -> None:
    assert split_uri(uri) == parts


def test_an_empty_forwarded_list_leaves_the_client_field() -> None:
    assert (
        client_address(b"a", b"-", 1)
        == client_address(b"a", b" , ", 1)
        == client_address(b"a", None, 1)
        == b"a"
    )
