"""What the shapes of the pocket world are put together from: paint on points in a box from -1 to 1, y downwards."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Paint = Literal["main", "dark", "light", "ink", "pale"]


class Part(NamedTuple):
    """One polygon (width 0) or one stroke of that width; `points` is (n, 2) in box units."""

    paint: Paint
    points: NDArray[np.float64]
    width: float = 0.0


def poly(paint: Paint, text: str) -> Part:
    """A filled polygon; `text` holds "x y x y ..."."""
    numbers = np.array(text.split(), dtype=float)
    return Part(paint, numbers.reshape(-1, 2))


def line(paint: Paint, width: float, text: str) -> Part:
    """A stroke through the points of `text`."""
    return poly(paint, text)._replace(width=width)


def oval(paint: Paint, cx: float, cy: float, rx: float, ry: float, start: float = 0, end: float = 360) -> Part:
    """An ellipse, or the part of it between two angles in degrees (clockwise from the right, as y is down)."""
    count = max(8, round(26 * (end - start) / 360))
    angle = np.radians(np.linspace(start, end, count, endpoint=end - start < 360))
    return Part(paint, np.stack([cx + rx * np.cos(angle), cy + ry * np.sin(angle)], axis=1))


def ring(
    paint: Paint, width: float, cx: float, cy: float, rx: float, ry: float, start: float = 0, end: float = 360
) -> Part:
    """The stroke along an ellipse or a part of it."""
    arc = oval(paint, cx, cy, rx, ry, start, end).points
    return Part(paint, np.vstack([arc, arc[:1]]) if end - start >= 360 else arc, width)


def spokes(
    paint: Paint, width: float, cx: float, cy: float, inner: float, outer: float, count: int, offset: float = 0
) -> list[Part]:
    """Strokes from one radius to another, evenly around a centre."""
    angle = np.radians(offset + np.arange(count) * 360 / count)
    ends = [np.stack([np.cos(angle) * r + cx, np.sin(angle) * r + cy], axis=1) for r in (inner, outer)]
    return [Part(paint, np.stack([a, b]), width) for a, b in zip(*ends, strict=True)]


def petals(count: int, radius: float, cx: float, cy: float, distance: float) -> list[Part]:
    """Discs evenly around a centre, the first above it."""
    angle = np.radians(np.arange(count) * 360 / count - 90)
    return [oval("main", cx + distance * np.cos(a), cy + distance * np.sin(a), radius, radius) for a in angle]
