"""The parts that a page is made of, and the page as HTML.

A section makes figures from what the queries give; the template alone knows HTML. It is Jinja2 with
autoescape, so everything that is put into it is text unless it says otherwise, and only `embedded` JSON and
our own files do.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from warehouse.report import text

Format = Callable[[Any], str]


@dataclass(frozen=True)
class Column:
    """One column of a table: which of the frame's, its heading, how it is written, if a bar shows it."""

    name: str
    heading: str
    write: Format = text.count
    is_bar: bool = False

    @property
    def is_text(self) -> bool:
        return self.write in (text.shown, text.excerpt, text.day, text.moment)


@dataclass(frozen=True)
class Cell:
    """One cell, written out; `share` (0 to 1) is the length of its bar."""

    text: str
    share: float | None = None


@dataclass(frozen=True)
class Table:
    """Rows written out for people, and how many were left out."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    left_out: int = 0


def table(caption: str, frame: pd.DataFrame, columns: Sequence[Column], *, longest: int = 400) -> Table:
    """Write the first rows of a frame out; a bar's full length is the largest value of its column."""
    top = frame.head(longest)
    largest = {
        c.name: float(frame[c.name].max()) for c in columns if c.is_bar and frame[c.name].notna().any()
    }

    def cell(column: Column, value: Any) -> Cell:
        if not column.is_bar or text.missing(value) or not largest.get(column.name):
            return Cell(column.write(value))
        return Cell(column.write(value), max(float(value), 0.0) / largest[column.name])

    values = [top[c.name].tolist() for c in columns]
    rows = tuple(
        tuple(cell(c, v) for c, v in zip(columns, row, strict=True)) for row in zip(*values, strict=True)
    )
    return Table(caption, tuple(columns), rows, max(len(frame) - len(top), 0))


@dataclass(frozen=True)
class View:
    """One way to draw a chart: a plotly figure as plain data, colours as tokens of page.css (`@s1`)."""

    name: str
    label: str
    spec: dict[str, Any]


@dataclass(frozen=True)
class Figure:
    """A chart or a table of bars, with what it says, its text alternative, its table and its definitions.

    Without `views` and `bars` it is a sentence: `says` tells why there is nothing to draw.
    """

    id: str
    title: str
    says: str
    alt: str = ""
    views: tuple[View, ...] = ()
    bars: Table | None = None
    table: Table | None = None
    notes: tuple[str, ...] = ()
    defined: tuple[str, ...] = ()
    is_half: bool = False

    @property
    def height(self) -> int:
        return max((int(view.spec["layout"]["height"]) for view in self.views), default=0)

    @property
    def data(self) -> Markup:
        return text.embedded({view.name: view.spec for view in self.views})


@dataclass(frozen=True)
class Section:
    """A part of the page with its own entry in the contents."""

    id: str
    title: str
    lead: str
    figures: tuple[Figure, ...]

    @property
    def arranged(self) -> tuple[Figure, ...]:
        """The figures as they stand in two columns: half a page wide only beside another half."""
        found: list[Figure] = []
        place = 0
        while place < len(self.figures):
            here, after = self.figures[place], self.figures[place + 1 : place + 2]
            if here.is_half and after and after[0].is_half:
                found += [here, after[0]]
                place += 2
            else:
                found.append(replace(here, is_half=False))
                place += 1
        return tuple(found)


@dataclass(frozen=True)
class Card:
    """One headline figure: what, how much, against what, and the last days as points of a sparkline."""

    label: str
    value: str
    note: str
    defined: str
    spark: str = ""


@dataclass(frozen=True)
class Definition:
    """What a figure means, under the name that figures link to."""

    name: str
    meaning: str
    details: tuple[tuple[str, str], ...] = ()

    @property
    def anchor(self) -> str:
        return anchor(self.name)


def anchor(name: str) -> str:
    """Give the id of a definition in the page."""
    return "def-" + name.replace(".", "-")


def spoken(name: str) -> str:
    """Give a definition's name for a link: without its table, underscores as spaces."""
    return name.split(".")[-1].replace("_", " ")


@dataclass(frozen=True)
class Page:
    """Everything that the template shows."""

    title: str
    subtitle: str
    lead: str
    sentences: tuple[str, ...]
    alerts: tuple[str, ...]
    cards: tuple[Card, ...]
    cards_note: str
    sections: tuple[Section, ...]
    definitions: tuple[Definition, ...]
    colophon: tuple[str, ...] = field(default=())


def render(page: Page) -> str:
    """Write the page as one HTML document that asks for nothing from outside.

    Its content security policy names the three scripts by digest: no other script and no request can run,
    whatever a log contains.
    """
    environment = Environment(
        loader=PackageLoader("warehouse.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(anchor=anchor, spoken=spoken)
    scripts = {"theme": _ours("theme.js"), "page": _ours("page.js"), "plotly": plotly_source()}
    digests = " ".join(f"'sha256-{_digest(script)}'" for script in scripts.values())
    return environment.get_template("page.html").render(
        page=page,
        # S704: files of this package and of plotly, nothing from a log
        style=Markup(_ours("page.css")),  # noqa: S704
        scripts={name: Markup(script) for name, script in scripts.items()},  # noqa: S704
        policy=f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; img-src data: blob:;"
        " base-uri 'none'; form-action 'none'",
    )


def plotly_source() -> str:
    """Give plotly.js as the Python package ships it (the full bundle: it ships no smaller one)."""
    return (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


def _ours(name: str) -> str:
    return (files("warehouse.report") / name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
