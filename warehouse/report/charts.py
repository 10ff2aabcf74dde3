"""Charts as plain data for plotly: no default look, colours as tokens that the page resolves for its theme.

A spec is {"data", "layout", "narrow"}: `narrow` is laid over the others where the chart is under 520 px wide.
Text from logs comes in through `text.label` only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from warehouse.report.text import label

Spec = dict[str, Any]

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif'
HEAT = [[0.0, "@h0"], [0.25, "@h1"], [0.5, "@h2"], [0.75, "@h3"], [1.0, "@h4"]]


@dataclass(frozen=True)
class Line:
    """One series: the frame's column, its name, its colour token, and a dash that tells it without colour."""

    column: str
    name: str
    color: str
    dash: str = "solid"
    width: float = 2


def base(*, height: int, x: str, y: str, hover: str = "x unified") -> Spec:
    """Give the layout that all charts share, with the titles of the axes."""
    axis = {
        "fixedrange": True,
        "zeroline": False,
        "gridcolor": "@grid",
        "linecolor": "@line",
        "tickcolor": "@line",
        "automargin": True,
    }
    title = {"font": {"size": 12, "color": "@muted"}, "standoff": 10}
    return {
        "height": height,
        "font": {"family": FONT, "size": 12, "color": "@muted"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 52, "r": 12, "t": 12, "b": 44},
        "hovermode": hover,
        "dragmode": False,
        "hoverlabel": {
            "bgcolor": "@panel",
            "bordercolor": "@line",
            "font": {"family": FONT, "size": 12, "color": "@ink"},
            "namelength": -1,
        },
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "xanchor": "left",
            "yanchor": "bottom",
            "font": {"size": 12, "color": "@ink"},
            "itemclick": False,
            "itemdoubleclick": False,
        },
        "xaxis": axis | {"title": title | {"text": x}, "showgrid": False},
        "yaxis": axis | {"title": title | {"text": y}, "rangemode": "tozero", "separatethousands": True},
    }


def stamps(values: pd.Series[Any]) -> list[str]:
    """Give dates and times as plotly reads them."""
    times = pd.to_datetime(values)
    is_daily = bool((times == times.dt.normalize()).all())
    return times.dt.strftime("%Y-%m-%d" if is_daily else "%Y-%m-%d %H:%M").tolist()


def numbers(values: pd.Series[Any], digits: int = 5) -> list[float | int | None]:
    """Give figures for JSON: NULL stays null, and no more digits than a screen can show."""
    return [
        None if pd.isna(v) else (int(v) if float(v).is_integer() else round(float(v), digits)) for v in values
    ]


def lines(
    frame: pd.DataFrame,
    x: str,
    series: Sequence[Line],
    *,
    x_title: str,
    y_title: str,
    height: int = 320,
    tick_format: str | None = None,
    is_time: bool = True,
) -> Spec:
    """Draw series over time, or over a number with `is_time` false; a missing figure is a gap, never zero."""
    layout = base(height=height, x=x_title, y=y_title)
    values = stamps(frame[x]) if is_time else frame[x].tolist()
    if is_time:
        layout["xaxis"] |= _time_axis(frame[x])
    else:
        layout["xaxis"] |= {"dtick": 1 if len(frame) <= 12 else 5, "tickformat": "d"}
    layout["yaxis"] |= {"tickformat": tick_format} if tick_format else _whole(frame, series)
    few = len(frame) <= 3
    data = [
        {
            "type": "scatter",
            "mode": "lines+markers" if few else "lines",
            "name": label(one.name),
            "x": values,
            "y": numbers(frame[one.column]),
            "line": {"color": one.color, "width": one.width, "dash": one.dash},
            "marker": {"color": one.color, "size": 7},
            "connectgaps": False,
            **({"hovertemplate": "%{y:" + tick_format + "}"} if tick_format else {}),
        }
        for one in series
    ]
    return {"data": data, "layout": layout, "narrow": _fewer_ticks(is_time)}


def stacked(
    frame: pd.DataFrame,
    x: str,
    series: Sequence[Line],
    *,
    x_title: str,
    y_title: str,
    height: int = 320,
) -> Spec:
    """Draw series as bars on top of each other; negative ones hang below the line."""
    layout = base(height=height, x=x_title, y=y_title)
    layout |= {"barmode": "relative", "bargap": 0.18 if len(frame) < 100 else 0.05}
    layout["xaxis"] |= _time_axis(frame[x])
    layout["yaxis"] |= {"zeroline": True, "zerolinecolor": "@muted", "zerolinewidth": 1} | _whole(
        frame, series
    )
    if len(frame) == 1:  # a single bar would else be as wide as the chart
        layout["bargap"] = 0.85
    data = [
        {
            "type": "bar",
            "name": label(one.name),
            "x": stamps(frame[x]),
            "y": numbers(frame[one.column]),
            "marker": {"color": one.color, "line": {"width": 0}}
            | ({"pattern": _hatch(one.color)} if one.dash != "solid" else {}),
        }
        for one in series
    ]
    return {"data": data, "layout": layout, "narrow": _fewer_ticks(True)}


def heat(
    z: Sequence[Sequence[float | None]],
    *,
    x: Sequence[Any],
    y: Sequence[Any],
    x_title: str,
    y_title: str,
    hover: str,
    custom: Sequence[Sequence[Any]] | None = None,
    is_share: bool,
    y_is_time: bool = False,
    row_height: int = 16,
) -> Spec:
    """Draw a matrix; a cell that is None stays empty. The scale begins at zero."""
    highest = max((v for row in z for v in row if v is not None), default=1.0) or 1.0
    layout = base(height=110 + row_height * max(len(y), 4), x=x_title, y=y_title, hover="closest")
    layout["xaxis"] |= {
        "showline": False,
        "ticks": "",
        "dtick": 1 if len(x) <= 12 else (3 if len(x) == 24 else 5),
    }
    layout["yaxis"] |= {
        "autorange": "reversed",
        "showgrid": False,
        "showline": False,
        "ticks": "",
        "rangemode": "normal",
        "ticklabelstandoff": 6,
    }
    layout["yaxis"] |= {"type": "date", "tickformat": "%-d %b"} if y_is_time else {"type": "category"}
    trace = {
        "type": "heatmap",
        "x": list(x),
        "y": list(y),
        "z": [[None if v is None else round(v, 4) for v in row] for row in z],
        "zmin": 0,
        "zmax": highest,
        "colorscale": HEAT,
        "xgap": 1,
        "ygap": 1,
        "hoverongaps": False,
        "hovertemplate": hover + "<extra></extra>",
        "colorbar": {
            "thickness": 8,
            "outlinewidth": 0,
            "len": 0.9,
            "lenmode": "fraction",
            "tickformat": ".0%" if is_share else "~g",
            "tickfont": {"color": "@muted", "size": 11},
            "nticks": 5,
            "xpad": 6,
        },
    }
    if custom is not None:
        trace["customdata"] = [list(row) for row in custom]
    return {"data": [trace], "layout": layout, "narrow": {"layout": {"margin": {"l": 40, "r": 4}}}}


def sankey(pairs: pd.DataFrame, *, hues: dict[str, str]) -> Spec:
    """Draw steps as bands from what came first, at the left, to what followed, at the right.

    Every event has one place on each side, so a step back or to itself is a band like others and no cycle can
    arise.
    """
    firsts = list(dict.fromkeys(pairs["from_event"]))
    seconds = list(dict.fromkeys(pairs["to_event"]))
    left = {event: n for n, event in enumerate(firsts)}
    right = {event: len(firsts) + n for n, event in enumerate(seconds)}
    events = [*firsts, *seconds]
    rows = max(len(firsts), len(seconds))
    layout = base(height=100 + 44 * rows, x="", y="", hover="closest")
    for axis in ("xaxis", "yaxis"):
        del layout[axis]
    layout["margin"] = {"l": 8, "r": 8, "t": 34, "b": 12}
    heading = {
        "showarrow": False,
        "yref": "paper",
        "y": 1,
        "yanchor": "bottom",
        "xref": "paper",
        "yshift": 12,
    }
    heading["font"] = {"size": 12, "color": "@muted"}
    layout["annotations"] = [
        heading | {"text": "First", "x": 0, "xanchor": "left"},
        heading | {"text": "What followed", "x": 1, "xanchor": "right"},
    ]
    trace = {
        "type": "sankey",
        "arrangement": "fixed",
        "domain": {"x": [0, 1], "y": [0, 1]},
        "textfont": {"color": "@ink", "size": 12, "family": FONT},
        "node": {
            "label": [label(event, 34) for event in events],
            "customdata": [label(event, 80) for event in events],
            "color": [hues[event] for event in events],
            "pad": 20,
            "thickness": 10,
            "line": {"width": 0},
            "hovertemplate": "%{customdata}: %{value:,}<extra></extra>",
        },
        "link": {
            "source": [left[event] for event in pairs["from_event"]],
            "target": [right[event] for event in pairs["to_event"]],
            "value": numbers(pairs["transition_count"]),
            "color": [hues[event] + "/0.34" for event in pairs["from_event"]],
            "hovercolor": [hues[event] + "/0.6" for event in pairs["from_event"]],
            "hovertemplate": "%{source.customdata} → %{target.customdata}: %{value:,}<extra></extra>",
        },
    }
    narrow = {
        "data": [{"node": {"label": [label(event, 18) for event in events]}, "textfont": {"size": 11}}],
    }
    return {"data": [trace], "layout": layout, "narrow": narrow}


def _time_axis(times: pd.Series[Any]) -> Spec:
    found = pd.to_datetime(times)
    axis: Spec = {"type": "date", "hoverformat": "%a %-d %b %Y", "tickformatstops": []}
    if bool((found != found.dt.normalize()).any()):
        axis |= {"hoverformat": "%a %-d %b %Y, %H:%M", "tickformat": "%H:%M\n%-d %b"}
    elif found.nunique() < 8:
        axis |= {"tickvals": stamps(found.drop_duplicates()), "tickformat": "%-d %b\n%Y"}
    else:
        axis |= {"tickformat": "%-d %b\n%Y"}
    return axis


def _whole(frame: pd.DataFrame, series: Sequence[Line]) -> Spec:
    """Ask for whole ticks where counts are so small that plotly would number the halves."""
    highest = max((float(frame[one.column].abs().max()) for one in series), default=0.0)
    return {"dtick": 1} if highest <= 5 else {}


def _fewer_ticks(is_time: bool) -> Spec:
    layout: Spec = {"margin": {"l": 40, "r": 6}}
    if is_time:
        layout["xaxis"] = {"nticks": 5}
    return {"layout": layout}


def _hatch(color: str) -> Spec:
    return {"shape": "/", "size": 5, "solidity": 0.35, "fillmode": "replace", "fgcolor": color}
