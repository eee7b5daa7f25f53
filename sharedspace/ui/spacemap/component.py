"""The map as a Streamlit component: images as points, anchors, the query star; clicks and lassos come back."""

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from sharedspace.ui.spacemap.geometry import inside

OTHER = 255  # the category of noise, and of what has no colour of its own
Text = tuple[str, float, float]  # words and where they stand on the map
Vertices = list[tuple[float, float]]


def _text(*names: str) -> str:
    return "\n".join((Path(__file__).parent / name).read_text("utf-8") for name in names)


_mount = st.components.v2.component(
    "sharedspace_spacemap",
    html=_text("spacemap.html"),
    css=_text("spacemap.css"),
    js=_text("geometry.js", "drawing.js", "painter.js", "spacemap.js"),
)


@dataclass(frozen=True)
class MapEvent:
    """What the user did on the map: a click lasts one run, the lasso until it is cleared."""

    clicked: int | None = None  # row of the image
    lasso: Vertices = field(default_factory=list)  # in map coordinates
    hidden: frozenset[int] = frozenset()  # categories that were switched off under the lasso

    def chosen(self, xy: np.ndarray, categories: np.ndarray) -> np.ndarray:
        """Which points the lasso holds as the map draws it, hidden ones not among them: (n,) bool."""
        return inside(self.lasso, xy) & ~np.isin(categories, list(self.hidden))


def spacemap(
    *,
    key: str,
    url: str,
    thumb: str,
    categories: np.ndarray,
    palette: Sequence[str],
    legend: Sequence[str],
    other: str = "other",
    anchors: Sequence[Text] = (),
    star: Text | None = None,
    hits: Sequence[int] = (),
    selected: Sequence[int] = (),
    height: int = 620,
) -> MapEvent:
    """Draw the map of the n images in `categories` ((n,) uint8: palette index, or OTHER) and say what was done on it.

    `url` serves `pack(xy)` and names one drawing for good; `thumb` is the address of a picture, with `{i}` for its row.
    Both go to the browser as they are. `legend` has a name per colour, or none at all. `key` has no double underscore.
    """
    n = len(categories)
    _check_colours(categories, palette, legend)
    _check_rows([*hits, *selected], n)
    drawing = {"key": key, "url": url, "thumb": thumb, "n": n, "height": height}
    colours = {"categories": _base64(categories.astype(np.uint8)), "palette": list(palette), "legend": list(legend)}
    marks = {
        "anchors": [[text, float(x), float(y)] for text, x, y in anchors],
        "star": star and [star[0], float(star[1]), float(star[2])],
        "hits": [int(i) for i in hits],
        "selected": _bits(selected, n),
    }
    data = drawing | colours | {"other": other} | marks
    result = _mount(key=key, data=data, on_lasso_change=_ignore, on_clicked_change=_ignore)
    return _event(result, result.clicked, url, n)


def last_click(key: str, n: int) -> int | None:
    """The row whose click caused this run, known before the map of n images is drawn again."""
    return _event(None, (st.session_state.get(key) or {}).get("clicked"), "", n).clicked


def _check_colours(categories: np.ndarray, palette: Sequence[str], legend: Sequence[str]) -> None:
    if len(palette) > OTHER:
        raise ValueError(f"at most {OTHER} colours, not {len(palette)}")
    if len(legend) not in (0, len(palette)):
        raise ValueError(f"{len(palette)} colours but {len(legend)} names")
    stray = categories[(categories >= len(palette)) & (categories != OTHER)]
    if len(stray):
        raise ValueError(f"category {stray[0]} has no colour: the palette has {len(palette)}")


def _check_rows(rows: Sequence[int], n: int) -> None:
    if rows and not 0 <= min(rows) <= max(rows) < n:
        raise ValueError(f"rows {min(rows)} to {max(rows)} are not all on this map of {n}")


def _event(state: Any, clicked: object, url: str, n: int) -> MapEvent:
    """The browser's words, taken only where they make sense and speak of this drawing."""
    row = clicked if type(clicked) is int and 0 <= clicked < n else None
    lasso = (state or {}).get("lasso")
    if not isinstance(lasso, dict) or lasso.get("url") != url:
        return MapEvent(row)
    try:
        polygon = [(float(x), float(y)) for x, y in lasso["polygon"]]
        hidden = frozenset(int(code) for code in lasso.get("hidden", ()))
    except (KeyError, TypeError, ValueError):
        return MapEvent(row)
    if not all(math.isfinite(x) and math.isfinite(y) for x, y in polygon):
        return MapEvent(row)
    return MapEvent(row, polygon, hidden)


def _bits(rows: Sequence[int], n: int) -> str:
    """Rows as base64 of one bit per point (little-endian bit order), empty when there are none."""
    if not len(rows):
        return ""
    mask = np.zeros(n, dtype=bool)
    mask[np.asarray(rows, dtype=np.intp)] = True
    return _base64(np.packbits(mask, bitorder="little"))


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")


def _ignore() -> None:
    """Streamlit keeps a state or trigger only under a name that has a callback."""
