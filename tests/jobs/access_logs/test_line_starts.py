"""Where the line begins that a cut of a content would hit, whatever pieces the content comes in."""

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.access_logs.reader import LineStarts


@settings(derandomize=True, deadline=None)
@given(st.lists(st.text("a\n", max_size=6).map(str.encode)))
def test_each_size_knows_where_its_last_line_begins(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    starts = LineStarts(range(1, len(whole) + 1))
    for piece in pieces:
        starts.update(piece)
    assert starts.at == {size: whole.rfind(b"\n", 0, size) + 1 for size in range(1, len(whole) + 1)}
    assert all((starts.at[size] == size) == whole[:size].endswith(b"\n") for size in starts.at)
