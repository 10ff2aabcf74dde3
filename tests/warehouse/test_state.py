"""Settings are compared in words."""

from __future__ import annotations

import doctest

from warehouse import state
from warehouse.state import compare_settings


def test_equal_settings_and_settings_not_given_are_no_difference() -> None:
    assert compare_settings({"identity": "player", "bots": "exclude"}, {"bots": "exclude"}) == []
    assert compare_settings({}, {"bots": "only"}) == []


def test_a_difference_names_the_setting_and_both_sides() -> None:
    assert compare_settings({"bots": "exclude", "rules": ""}, {"bots": "only", "rules": "routes: []"}) == [
        "bots: this warehouse was made with exclude, found only",
        "rules: this warehouse was made with nothing, found routes: []",
    ]


def test_long_texts_differ_at_a_line() -> None:
    recorded, given = "routes:\n- path: /a\n- path: /b\n", "routes:\n- path: /a\n- path: /c\n"
    assert compare_settings({"rules": recorded}, {"rules": given}) == [
        "rules: line 3 of this warehouse's is - path: /b, found - path: /c"
    ]
    assert compare_settings({"rules": "a\n"}, {"rules": "a"}) == [
        "rules: line 2 of this warehouse's is nothing, found nothing"
    ]


def test_every_difference_is_one_short_line() -> None:
    (line,) = compare_settings({"rules": "x" * 10_000 + "\n"}, {"rules": "y" * 10_000})
    assert "\n" not in line
    assert len(line) < 250


def test_the_examples_hold() -> None:
    assert doctest.testmod(state).failed == 0
