"""Paths: folding of ids, against a plain definition in Python."""

import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.access_logs.paths import fold


def folded(path: str) -> str:
    """Fold one path as the definition says, one segment at a time."""
    segments = [segment for segment in path.split("/") if segment][:4]
    ids = r"[0-9]+|[0-9a-fA-F]{8,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    segments = ["{id}" if re.fullmatch(ids, text) or len(text) > 32 else text for text in segments]
    return ("/" if path.startswith("/") else "") + "/".join(segments)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("//", "/"),
        ("/a", "/a"),
        ("/a/", "/a"),
        ("//a///b//", "/a/b"),
        ("/a/b/c/d/e", "/a/b/c/d"),
        ("/1/2/3/4/5", "/{id}/{id}/{id}/{id}"),
        ("/0", "/{id}"),
        ("/1a", "/1a"),
        ("/abcdef0", "/abcdef0"),  # 7 hex
        ("/abcdef01", "/{id}"),  # 8 hex
        ("/ABCDEF01", "/{id}"),
        ("/abcdefg1", "/abcdefg1"),
        ("/p_3f2a9c0d51e87b64", "/p_3f2a9c0d51e87b64"),
        ("/01999c7e-5a40-7c3d-9f10-3b7f6e0a1c22", "/{id}"),
        ("/" + "x" * 32, "/" + "x" * 32),
        ("/" + "x" * 33, "/{id}"),
        ("/" + "é" * 32, "/" + "é" * 32),  # characters, not bytes
        ("/" + "é" * 33, "/{id}"),
        ("/٣٤", "/٣٤"),  # digits are 0 to 9
        ("/a\n1/12345678\n", "/a\n1/12345678\n"),
        ("/a/b.html", "/a/b.html"),
        ("*", "*"),
        ("example.com:443", "example.com:443"),
        ("12/a", "{id}/a"),
        ("", ""),
    ],
)
def test_a_path_is_folded_to_four_segments_with_ids_as_one_word(path: str, expected: str) -> None:
    assert fold(pa.array([path])).to_pylist() == [expected]
    assert folded(path) == expected


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    st.lists(
        st.lists(st.sampled_from(["/", "/", "a", "7", "abcdef0", "1", "é" * 32, "\x00", "{id}", "."])).map(
            "".join
        )
        | st.text(max_size=40)
    )
)
def test_any_column_of_paths_is_folded_as_each_path_alone(paths: list[str]) -> None:
    column = pa.array(["out/of/the/slice", *paths, "too"], pa.string())[1:-1]
    assert fold(column).to_pylist() == [folded(path) for path in paths]


def test_no_paths_fold_to_no_paths() -> None:
    assert fold(pa.array([], pa.string())).to_pylist() == []
