"""What a user did on the map, as the browser tells it, and what it does to a selection. No Streamlit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from sharedspace.ui.spacemap.geometry import inside

Op = Literal["replace", "add", "remove", "clear", "all"]
MOST_CORNERS = 1000  # the browser sends at most 100


@dataclass(frozen=True)
class Gesture:
    """One change of the selection: by an outline, by one point, or of everything that is drawn."""

    op: Op
    polygon: tuple[tuple[float, float], ...] = ()  # in map coordinates; of a box its four corners
    hidden: frozenset[int] = frozenset()  # categories that were switched off
    row: int | None = None  # the one point that was meant, instead of a polygon

    def apply(
        self, selected: np.ndarray, xy: np.ndarray, categories: np.ndarray, shown: np.ndarray | None = None
    ) -> np.ndarray:
        """The selection after this gesture: (n,) bool, from `selected` (n,) bool before it.

        Only what is drawn can be meant: no hidden category, and of the images those that are `shown` (n,) bool.
        `applied` in spacemap.js does the same.
        """
        if self.op == "clear":
            return np.zeros(len(xy), dtype=bool)
        meant = ~np.isin(categories, list(self.hidden))
        if shown is not None:
            meant &= shown
        if self.row is not None:
            meant &= np.arange(len(xy)) == self.row
        elif self.op != "all":
            rows = np.flatnonzero(meant)
            meant[rows] = inside(self.polygon, np.asarray(xy)[rows])
        if self.op == "add":
            return np.asarray(selected | meant)
        return np.asarray(selected & ~meant) if self.op == "remove" else meant


@dataclass(frozen=True)
class MapEvent:
    """What caused this run, if the map did: a click on an image, or a gesture that selects."""

    clicked: int | None = None  # row of the image
    gesture: Gesture | None = None


def heard(told: Any, url: str, n: int) -> MapEvent:
    """The browser's words, taken only where they make sense and speak of this drawing of n images."""
    told = told or {}
    clicked = told.get("clicked")
    return MapEvent(clicked if _is_row(clicked, n) else None, _gesture(told.get("gesture"), url, n))


def _gesture(told: object, url: str, n: int) -> Gesture | None:
    if not isinstance(told, dict) or told.get("url") != url or told.get("op") not in get_args(Op):
        return None
    polygon, hidden, row = told.get("polygon") or [], told.get("hidden") or [], told.get("row")
    if not isinstance(polygon, list) or len(polygon) > MOST_CORNERS or not all(map(_is_corner, polygon)):
        return None
    if not isinstance(hidden, list) or not all(_is_row(code, 256) for code in hidden):
        return None
    if row is not None and not _is_row(row, n):
        return None
    if told["op"] in ("replace", "add", "remove") and row is None and len(polygon) < 3:
        return None
    return Gesture(told["op"], tuple((float(x), float(y)) for x, y in polygon), frozenset(hidden), row)


def _is_row(value: object, n: int) -> bool:
    return type(value) is int and 0 <= value < n


def _is_corner(value: object) -> bool:
    # A whole number can be too large for a float; one that is too large for a map is nobody's lasso.
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(type(part) in (int, float) and abs(part) < 1e30 and math.isfinite(part) for part in value)
    )
