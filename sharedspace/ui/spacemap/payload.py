"""What the browser is given of a map: the component's own files, and one map's data as plain JSON. No Streamlit."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

OTHER = 255  # the category of noise, and of what has no colour of its own
Text = tuple[str, float, float]  # words and where they stand on the map
Link = tuple[int, int, bool]  # two rows, and whether the second is far on the map though near in the space
Point = tuple[float, float]  # in map units


def _text(*names: str) -> str:
    return "\n".join((Path(__file__).parent / name).read_text("utf-8") for name in names)


HTML = _text("spacemap.html")
CSS = _text("spacemap.css")
JS = _text(  # each builds on those before it
    *("geometry.js", "drawing.js", "view.js", "points.js", "thumbnails.js", "marks.js", "hands.js"),
    *("legend.js", "saving.js", "spacemap.js"),
)


@dataclass(frozen=True)
class Scale:
    """A continuous colouring: the categories are bins from `low` to `high`, OTHER what has no value."""

    low: float
    high: float
    label: str  # what the values are, such as: cosine with “a red boat”


@dataclass(frozen=True)
class Star:
    """The query and where it stands, with how far around it its nearest images lie."""

    text: str
    x: float
    y: float
    spread: float = 0.0  # radius in map units; 0 draws no ring
    scattered: bool = False  # the place says little: the ring is dashed


@dataclass(frozen=True)
class Axes:
    """Axes made of words, in map units."""

    x: str
    y: str
    ticks_x: Sequence[tuple[float, str]]
    ticks_y: Sequence[tuple[float, str]]
    line: tuple[Point, Point] | None = None  # where the answer turns from one word to the other
    line_label: str = ""


def drawing(
    *,
    categories: np.ndarray,
    palette: Sequence[str],
    legend: Sequence[str],
    other: str = "other",
    scale: Scale | None = None,
    anchors: Sequence[Text] = (),
    star: Star | None = None,
    hits: Sequence[int] = (),
    links: Sequence[Link] = (),
    selected: Sequence[int] | np.ndarray = (),
    hidden_rows: Sequence[int] | np.ndarray = (),
    axes: Axes | None = None,
    note: str = "",
) -> dict[str, Any]:
    """One map of n images, `categories` (n,) uint8, as the browser reads it; ValueError for what does not fit."""
    n = len(categories)
    _check_colours(categories, palette, legend)
    for rows in (hits, selected, hidden_rows, [row for a, b, _ in links for row in (a, b)]):
        _check_rows(rows, n)
    return {
        "n": n,
        "categories": as_base64(categories.astype(np.uint8)),
        "palette": list(palette),
        "legend": list(legend),
        "other": other,
        "scale": scale and {"low": float(scale.low), "high": float(scale.high), "label": scale.label},
        "anchors": [[text, float(x), float(y)] for text, x, y in anchors],
        "star": star and [star.text, float(star.x), float(star.y)],
        "ring": star and [float(star.spread), bool(star.scattered)],
        "hits": [int(row) for row in hits],
        "links": [[int(a), int(b), bool(far)] for a, b, far in links],
        "selected": bits(selected, n),
        "filtered": bits(hidden_rows, n),
        "axes": axes and _axes(axes),
        "note": note,
    }


def _axes(axes: Axes) -> dict[str, Any]:
    return {
        "x": axes.x,
        "y": axes.y,
        "ticksX": [[float(at), words] for at, words in axes.ticks_x],
        "ticksY": [[float(at), words] for at, words in axes.ticks_y],
        "line": axes.line and [[float(x), float(y)] for x, y in axes.line],
        "lineLabel": axes.line_label,
    }


def _check_colours(categories: np.ndarray, palette: Sequence[str], legend: Sequence[str]) -> None:
    if len(palette) > OTHER:
        raise ValueError(f"at most {OTHER} colours, not {len(palette)}")
    if len(legend) not in (0, len(palette)):
        raise ValueError(f"{len(palette)} colours but {len(legend)} names")
    stray = categories[(categories >= len(palette)) & (categories != OTHER)]
    if len(stray):
        raise ValueError(f"category {stray[0]} has no colour: the palette has {len(palette)}")


def _check_rows(rows: Sequence[int] | np.ndarray, n: int) -> None:
    if len(rows) and not 0 <= np.min(rows) <= np.max(rows) < n:
        raise ValueError(f"rows {np.min(rows)} to {np.max(rows)} are not all on this map of {n}")


def bits(rows: Iterable[int] | np.ndarray, n: int) -> str:
    """Rows as base64 of one bit per point (little-endian bit order), empty when there are none."""
    mask = np.zeros(n, dtype=bool)
    mask[np.asarray(rows, dtype=np.intp)] = True
    return as_base64(np.packbits(mask, bitorder="little")) if mask.any() else ""


def as_base64(values: np.ndarray | bytes) -> str:
    """The bytes of an array in letters."""
    return base64.b64encode(values if isinstance(values, bytes) else values.tobytes()).decode("ascii")
