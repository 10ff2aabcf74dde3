"""How numbers, dates and text from logs are written."""

from __future__ import annotations

import html
import json
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.report import text

VALUES = st.recursive(
    st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@pytest.mark.parametrize(
    ("ratio", "written"),
    [
        (0, "0%"),
        (0.00001, "below 0.01%"),
        (0.0041, "0.41%"),
        (0.0823, "8.2%"),
        (0.34, "34%"),
        (0.9993, "99.93%"),
        (0.999999, "99.99%"),
        (1, "100%"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_a_ratio_is_nothing_or_all_only_when_it_is(ratio: float | None, written: str) -> None:
    assert text.percent(ratio) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0 s"), (59.6, "1 min 00 s"), (455, "7 min 35 s"), (7_500, "2 h 05 min"), (None, "–")],
)
def test_seconds_are_written_as_people_say_them(seconds: float | None, written: str) -> None:
    assert text.duration(seconds).replace(text.NBSP, " ") == written


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (130, 100, "30% more than"),
        (70, 100, "30% fewer than"),
        (101, 100, "about as many as"),
        (900, 100, "9.0 times as many as"),
        (5, 0, ""),
        (5, None, ""),
    ],
)
def test_a_comparison_says_nothing_where_there_is_nothing_to_compare(
    now: int, before: int | None, said: str
) -> None:
    assert text.compared(now, before) == said


def test_dates_and_times_name_their_zone() -> None:
    assert text.day(date(2026, 10, 2), weekday=True) == "Friday 2 October 2026"
    assert text.moment(datetime.fromisoformat("2026-10-02T04:02")) == "2 Oct 2026, 04:02 UTC"


def test_hidden_characters_are_shown_by_their_code() -> None:
    assert text.shown("a\u202eb\u2028c\x00\ud800") == "a⟨U+202E⟩b⟨U+2028⟩c⟨U+0000⟩⟨U+D800⟩"


def test_long_text_keeps_its_beginning_and_its_end() -> None:
    found = text.shown("begin" + "x" * 65_536 + "end", 40)
    assert len(found) == 40
    assert found.startswith("begin")
    assert found.endswith("end")


@given(st.text())
@settings(derandomize=True, deadline=None)
def test_a_plotly_label_has_no_tag_and_reads_back_as_the_text(value: str) -> None:
    found = text.label(value, 10_000)
    assert "<" not in found
    assert ">" not in found
    assert html.unescape(found) == text.shown(value, 10_000)


@given(VALUES)
@settings(derandomize=True, deadline=None)
def test_embedded_json_reads_back_and_cannot_end_its_element(value: object) -> None:
    found = str(text.embedded(value))
    assert found.isascii()
    assert not set("<>&") & set(found)
    assert json.loads(found) == value


def test_a_figure_that_is_no_number_cannot_be_embedded() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        text.embedded(float("nan"))
