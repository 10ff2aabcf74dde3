"""A content's digest depends on its bytes alone, and that of a beginning can be had on the way."""

import hashlib
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.access_logs.digest import BLOCK_BYTES, TreeDigest, root

CONTENT = bytes(n * 7 % 251 for n in range(3 * BLOCK_BYTES + 1_000))


def digest(data: bytes) -> str:
    tree = TreeDigest()
    tree.update(data)
    return tree.hexdigest()


@given(cuts=st.lists(st.integers(0, len(CONTENT)), max_size=8), marks=st.lists(st.integers(0, len(CONTENT))))
@settings(derandomize=True, deadline=None, max_examples=40)
def test_pieces_and_marks_change_nothing(cuts: list[int], marks: list[int]) -> None:
    edges = [0, *sorted(cuts), len(CONTENT)]
    tree = TreeDigest(marks)
    for begin, end in itertools.pairwise(edges):
        tree.update(CONTENT[begin:end])
    assert tree.hexdigest() == digest(CONTENT)
    assert {mark: digest(CONTENT[:mark]) for mark in marks if mark} == {
        mark: found for mark, found in tree.digest_at.items() if mark
    }


def test_the_root_is_the_hash_of_its_leaves_and_its_size() -> None:
    leaves = b"".join(
        hashlib.sha256(CONTENT[n : n + BLOCK_BYTES]).digest() for n in range(0, len(CONTENT), BLOCK_BYTES)
    )
    assert root(leaves, len(CONTENT)) == digest(CONTENT)


def test_one_byte_more_or_other_is_another_digest() -> None:
    assert (
        len({digest(b""), digest(b"a"), digest(b"b"), digest(b"aa"), digest(CONTENT), digest(CONTENT[:-1])})
        == 6
    )
