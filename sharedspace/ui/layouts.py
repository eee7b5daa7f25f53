"""Where images, texts and the query stand: among each other, where they really are, or along two phrases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sharedspace import gap, projection
from sharedspace.collection import Collection
from sharedspace.home import Snapshot
from sharedspace.records import SearchResult, SpaceMap, Term
from sharedspace.ui.spacemap.payload import Axes, Star, Text
from sharedspace.vectors import unit

AMONG = "among the pictures"
REALLY = "where they really are"
WORDS = "along two phrases"
LAYOUTS = (AMONG, REALLY, WORDS)
SIDE = 20.0  # map units of the longer side of a map along phrases
MANY = 150  # images from which on it can be said that neighbours are scattered: of fewer, 15 are much of the map
TICKS = 5  # of an axis, about


@dataclass(frozen=True)
class Layout:
    """Points, texts and star of one drawing."""

    xy: np.ndarray  # (n, 2) float32, map units
    anchors: tuple[Text, ...] = ()
    star: Star | None = None
    axes: Axes | None = None
    note: str = ""


def among(
    drawn: SpaceMap, anchors: Sequence[Text], result: SearchResult | None, shown: np.ndarray | None = None
) -> Layout:
    """The drawn map: texts stand among the images nearest to them, the query among those that are `shown` (n,)."""
    star, note = None, ""
    if result is not None and (shown is None or shown.any()):
        seen = slice(None) if shown is None else shown
        placed = projection.place(result.scores[seen], drawn.xy[seen])
        star = Star(result.query, *placed.xy, placed.spread, placed.scattered and len(drawn.xy) >= MANY)
        if star.scattered:
            note = "The best images are scattered over the map: the place of the star between them says little."
    return Layout(drawn.xy, tuple(anchors), star, note=note)


def anchor_places(collection: Collection, snapshot: Snapshot, drawn: SpaceMap) -> tuple[Text, ...]:
    """Where the texts of the map stand among the images."""
    texts = collection.anchors()
    scores = snapshot.vectors @ collection.embed(texts, remember=True).T  # (n, m)
    return tuple((text, *projection.place(scores[:, row], drawn.xy).xy) for row, text in enumerate(texts))


def really(collection: Collection, joint: gap.Joint, result: SearchResult | None) -> Layout:
    """Images and texts on the plane of the modality gap: nothing is moved towards anything."""
    texts = collection.anchors()
    places = joint.place(collection.embed(texts, remember=True)).tolist() if texts else []
    anchors = tuple((text, float(x), float(y)) for text, (x, y) in zip(texts, places, strict=True))
    star = None
    if result is not None:
        x, y = joint.place(_direction(result.terms)[None])[0].tolist()
        star = Star(result.query, x, y)
    return Layout(
        joint.images, anchors, star, note="Images on the left, texts on the right: the gap between them is real."
    )


def _direction(terms: Sequence[Term]) -> np.ndarray:
    """The weighted sum of the terms' vectors, (d,) unit; the first one's where they cancel out."""
    total = unit(np.sum([term.weight * term.vector for term in terms], axis=0))
    return total if total.any() else terms[0].vector


def along(snapshot: Snapshot, a: Term, b: Term, result: SearchResult | None) -> Layout:
    """Images by their cosines with two phrases, exact; one scale for both axes, so that x = y is a straight 45°."""
    cosines = gap.word_axes(snapshot.vectors, a.vector, b.vector)  # (n, 2)
    low, high = cosines.min(axis=0), cosines.max(axis=0)
    scale = SIDE / max(float((high - low).max()), 1e-6)
    middle = (low + high) / 2
    xy = np.asarray((cosines - middle) * scale, dtype=np.float32)
    ends = np.array([max(low[0], low[1]), min(high[0], high[1])])  # where both cosines can be equal
    if ends[0] > ends[1]:  # nowhere among these images: the line passes by
        ends = np.array([min(low[0], low[1]), max(high[0], high[1])])
    line = [((value - middle[0]) * scale, (value - middle[1]) * scale) for value in ends.tolist()]
    axes = Axes(
        f"cosine with “{a.name}”",
        f"cosine with “{b.name}”",
        _ticks(low[0], high[0], middle[0], scale),
        _ticks(low[1], high[1], middle[1], scale),
        ((float(line[0][0]), float(line[0][1])), (float(line[1][0]), float(line[1][1]))),
        f"right of it “{a.name}”, left of it “{b.name}”",
    )
    return Layout(xy, axes=axes)


def _ticks(low: float, high: float, middle: float, scale: float) -> list[tuple[float, str]]:
    """Round cosines between two, with their places."""
    step = _round_step(max(high - low, 1e-6) / TICKS)
    digits = max(0, int(np.ceil(-np.log10(step))))
    first = int(np.ceil(low / step))
    return [
        ((count * step - float(middle)) * scale, f"{count * step:.{digits}f}")
        for count in range(first, int(np.floor(high / step)) + 1)
    ]


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not under `least`."""
    power = 10.0 ** np.floor(np.log10(least))
    return float(next(times * power for times in (1, 2, 5, 10) if times * power >= least * (1 - 1e-9)))
