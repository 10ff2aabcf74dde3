"""How the report writes numbers, dates, and text that came from a log."""

from __future__ import annotations

import json
import unicodedata
from datetime import date, datetime
from typing import Any

import pandas as pd
from markupsafe import Markup

MISSING = "–"
NBSP = "\u00a0"
"""Between a number and its unit: they stay on one line."""
LONGEST_TEXT = 160

# Cc and Cf hold controls and bidi marks (they reorder or hide what stands around them), Cs lone surrogates
# (not UTF-8), Zl and Zp the line ends that JavaScript knows and people do not see.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def shown(value: Any, longest: int = LONGEST_TEXT) -> str:
    """Give text from a log as people can read it: hidden characters by code, long text cut in the middle.

    It is not yet safe in HTML: the template escapes it there, and `label` does for plotly.

    >>> shown("a\\u202eb")
    'a⟨U+202E⟩b'
    """
    if missing(value):
        return MISSING
    text = str(value)
    if len(text) > 2 * longest:  # the middle is not shown, so it need not be looked at
        text = f"{text[:longest]}…{text[-longest:]}"
    text = "".join(f"⟨U+{ord(c):04X}⟩" if unicodedata.category(c) in _HIDDEN else c for c in text)
    if len(text) > longest:
        head = (longest * 2) // 3
        text = f"{text[:head]}…{text[head + 1 - longest :]}"
    return text


def excerpt(value: Any) -> str:
    """Give the beginning and the end of a long line from a log, as `shown` does."""
    return shown(value, 72)


def label(value: Any, longest: int = 40) -> str:
    """Give text from a log for a plotly label or hover, where plotly would read tags and entities.

    >>> label("<b>&lt;")
    '&lt;b&gt;&amp;lt;'
    """
    text = shown(value, longest)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def embedded(value: Any) -> Markup:
    """Give JSON that can stand inside a script element: ASCII, and nothing ends it or opens a comment."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    # S704: json.dumps leaves ASCII only, and the three characters that mean something in HTML are escaped
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))  # noqa: S704


def missing(value: Any) -> bool:
    """Tell whether a figure is NULL, NaN or NaT."""
    return value is None or bool(pd.isna(value))


def count(value: Any) -> str:
    """Write a whole number: 12,345."""
    return MISSING if missing(value) else f"{round(float(value)):,}"


def percent(value: Any) -> str:
    """Write a ratio in percent, with more decimals near nothing and near all: 34%, 8.2%, 0.41%, 99.97%.

    Only what is nothing is 0%, only what is all is 100%.
    """
    if missing(value):
        return MISSING
    share = float(value) * 100
    if 99 < share < 100:
        return f"{min(share, 99.99):.2f}%"
    if 0 < abs(share) < 0.01:
        return "below 0.01%" if share > 0 else "above -0.01%"
    if share == 0 or abs(share) >= 9.95:
        return f"{share:.0f}%"
    return f"{share:.1f}%" if abs(share) >= 0.995 else f"{share:.2f}%"


def decimal(value: Any) -> str:
    """Write a mean with one decimal: 12.3."""
    return MISSING if missing(value) else f"{float(value):,.1f}"


def duration(value: Any) -> str:
    """Write seconds as people say them: 48 s, 7 min 35 s, 2 h 05 min."""
    if missing(value):
        return MISSING
    seconds = round(float(value))
    if seconds < 60:
        return f"{seconds}{NBSP}s"
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes}{NBSP}min{NBSP}{rest:02d}{NBSP}s"
    return f"{minutes // 60:,}{NBSP}h{NBSP}{minutes % 60:02d}{NBSP}min"


def millis(value: Any) -> str:
    """Write milliseconds: 0.42 ms, 14 ms, 1,204 ms."""
    if missing(value):
        return MISSING
    number = float(value)
    return f"{number:,.0f}{NBSP}ms" if number >= 10 else f"{number:.2f}{NBSP}ms"


def size(value: Any) -> str:
    """Write bytes in decimal units: 61.0 MB."""
    if missing(value):
        return MISSING
    number = float(value)
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:,.0f}{NBSP}{unit}" if unit == "bytes" else f"{number:,.1f}{NBSP}{unit}"
        number /= 1000
    return f"{number:,.1f}{NBSP}TB"


def day(value: Any, *, weekday: bool = False, year: bool = True) -> str:
    """Write a date: 2 Oct 2026, with `weekday` Friday 2 October 2026."""
    if missing(value):
        return MISSING
    when: date = pd.Timestamp(value).date()
    text = f"{when:%A} {when.day} {when:%B}" if weekday else f"{when.day} {when:%b}"
    return f"{text} {when.year}" if year else text


def moment(value: Any) -> str:
    """Write a UTC time: 2 Oct 2026, 04:02 UTC."""
    if missing(value):
        return MISSING
    when: datetime = pd.Timestamp(value).to_pydatetime(warn=False)
    return f"{day(when)}, {when:%H:%M} UTC"


def compared(now: Any, before: Any) -> str:
    """Say how a count stands to another: '8% more than', 'about as many as'; '' where it cannot be said."""
    if missing(now) or missing(before) or float(before) == 0:
        return ""
    change = float(now) / float(before) - 1
    if abs(change) < 0.02:
        return "about as many as"
    if change > 2:
        return f"{float(now) / float(before):.1f} times as many as"
    return f"{abs(change):.0%} {'more' if change > 0 else 'fewer'} than"


def plural(number: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun: 1 line, 1,204 lines."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
