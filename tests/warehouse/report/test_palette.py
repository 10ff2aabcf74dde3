"""The colours of the page: contrast in both themes, and told apart by the colour-blind."""

from __future__ import annotations

import itertools
import math
import re
from importlib.resources import files

import pytest

# Machado, Oliveira, Fernandes 2009, severity 1.0, applied to linear RGB.
VISIONS = {
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def themes() -> dict[str, dict[str, str]]:
    css = (files("warehouse.report") / "page.css").read_text(encoding="utf-8")
    blocks = re.findall(r"(:root[^{]*)\{([^}]*)\}", css)
    found = [dict(re.findall(r"--(\w[\w-]*): (#[0-9a-f]{6})", block)) for _, block in blocks]
    light, system_dark, chosen_dark = found
    assert system_dark == chosen_dark
    return {"light": light, "dark": chosen_dark}


def linear(color: str) -> tuple[float, ...]:
    parts = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return tuple(p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)


def luminance(color: str) -> float:
    red, green, blue = linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def seen(color: str, vision: str) -> tuple[float, ...]:
    """Give the colour in CIELAB, as that vision sees it."""
    rgb = linear(color)
    red, green, blue = (
        min(max(sum(a * b for a, b in zip(row, rgb, strict=True)), 0), 1) for row in VISIONS[vision]
    )
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    fx, fy, fz = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_links_have_the_contrast_of_wcag_aa(theme: str) -> None:
    colors = themes()[theme]
    for name, under in itertools.product(("ink", "muted", "link"), ("bg", "panel", "alert")):
        assert contrast(colors[name], colors[under]) >= 4.5, (name, under)
    assert contrast(colors["ink"], colors["fill"]) >= 4.5
    assert contrast(colors["muted"], colors["fill"]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_series_stand_out_from_their_ground(theme: str) -> None:
    colors = themes()[theme]
    for name in ("s1", "s2", "s3", "s4", "s5", "s6", "s7"):
        assert contrast(colors[name], colors["panel"]) >= 3, name


@pytest.mark.parametrize(("theme", "vision"), list(itertools.product(["light", "dark"], VISIONS)))
def test_series_that_share_a_chart_are_told_apart_by_the_colour_blind(theme: str, vision: str) -> None:
    colors = themes()[theme]
    for one, other in itertools.combinations(("s1", "s2", "s3", "s5"), 2):
        found = seen(colors[one], vision), seen(colors[other], vision)
        assert math.dist(*found) >= 12, (one, other)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_heat_scale_moves_one_way_in_lightness(theme: str) -> None:
    colors = themes()[theme]
    steps = [luminance(colors[f"h{n}"]) for n in range(5)]
    assert steps == sorted(steps, reverse=theme == "light")
