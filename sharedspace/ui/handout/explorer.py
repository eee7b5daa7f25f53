"""What can be explored in a file: images with their vectors and their map, texts to ask, and what a score means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sharedspace import chance, projection, quality
from sharedspace.collection import Collection
from sharedspace.encoders import IN_THE_BOX
from sharedspace.encoders.own import OWN
from sharedspace.errors import ModelUnavailable
from sharedspace.home import Snapshot
from sharedspace.records import ImageRecord, SearchResult
from sharedspace.ui import layouts
from sharedspace.ui.handout.bank import Bank, Known, gather
from sharedspace.ui.layouts import Layout
from sharedspace.ui.spacemap import payload
from sharedspace.ui.spacemap.geometry import pack
from sharedspace.ui.spacemap.payload import as_base64

if TYPE_CHECKING:
    from sharedspace.ui.colouring import Colouring

MOST = 2000  # images in a file
DIFFERENT = 400  # of them, of a larger collection, that are as different as can be
POOL = 4000  # images, evenly taken, among which those are looked for
HEIGHT = 560  # px of the map


@dataclass(frozen=True)
class Screen:
    """A collection as a page shows it: all its images, how they stand and are coloured, which of them are shown."""

    snapshot: Snapshot
    laid: Layout
    coloured: Colouring
    among: bool = True  # whether a query stands among the images nearest to it: not so on axes or across the gap
    shown: np.ndarray | None = None  # (n,) bool, by filters; the others are not written
    selected: Sequence[str] = ()  # ids
    first: Sequence[str] = ()  # ids of further images that are in the file whatever their number
    asked: SearchResult | None = None
    rate: float = chance.RATE  # of the no-match line
    at_hand: Sequence[str] = ()  # texts that the visitor has lately used


@dataclass(frozen=True)
class Explorer:
    """The n images of a file, of a collection `name` with `of` images, and m texts that can be asked of them."""

    name: str
    of: int
    ids: tuple[str, ...]
    captions: tuple[str, ...]
    vectors: np.ndarray  # (n, d) float32, unit rows
    xy: np.ndarray  # (n, 2) float32, map units
    drawing: Mapping[str, Any]  # as payload.drawing gives it
    among: bool  # whether a query stands among the images nearest to it
    bank: Bank
    line: float | None  # the no-match line for a text; None where there is none, and `no_line` says why
    no_line: str
    columns: Mapping[str, tuple[np.ndarray, str]]  # further queries: scores (n,), and what they are
    asked: str | None  # the text or column that is asked at once
    about: tuple[str, ...]  # sentences


def explorer(collection: Collection, screen: Screen, known: Known, caption: Callable[[ImageRecord], str]) -> Explorer:
    """The images of a screen, at most 2,000, to explore; `known` gives texts that are embedded, see bank.gather."""
    snapshot, asked = screen.snapshot, screen.asked
    hits = [] if asked is None else [hit.id for hit in asked.hits]
    rows = chosen(snapshot, screen.shown, [*hits, *screen.selected, *screen.first], MOST)
    vectors = np.ascontiguousarray(snapshot.vectors[rows], dtype=np.float32)
    alone = asked is not None and len(asked.terms) == 1 and asked.terms[0].kind == "text" and asked.terms[0].weight > 0
    at_hand = [*([asked.query] if asked is not None and alone else ()), *screen.at_hand]
    captions = [str(meta["caption"]) for row in rows if (meta := snapshot.records[row].meta).get("caption")]
    bank = gather(collection, vectors, captions, at_hand, known)
    columns = {}
    if asked is not None and not (alone and asked.query in bank.texts):
        said = "the cosine with it" if len(asked.terms) == 1 else "how many standard deviations over the mean"
        columns[asked.query] = (asked.scores[rows], said)
    line, no_line = _line(collection, screen, bool(bank.texts))
    return Explorer(
        name=collection.info.name,
        of=len(snapshot.records),
        ids=tuple(snapshot.ids[row] for row in rows),
        captions=tuple(caption(snapshot.records[row]) for row in rows),
        vectors=vectors,
        xy=screen.laid.xy[rows],
        drawing=_drawing(screen, rows),
        among=screen.among,
        bank=bank,
        line=line,
        no_line=no_line,
        columns=columns,
        asked=None if asked is None else asked.query,
        about=_about(collection, screen, len(rows), bank),
    )


def chosen(snapshot: Snapshot, shown: np.ndarray | None, first: Sequence[str], most: int) -> np.ndarray:
    """Rows (n,) in order: all that are shown, or `most` of them.

    Those of the ids in `first` come first, then a few that are as different as can be, so that no kind is missing, and
    then at random (rows stand in the order of digests, so evenly taken is at random), so that the whole looks alike.
    """
    rows = np.arange(len(snapshot.records)) if shown is None else np.flatnonzero(shown)
    if len(rows) <= most:
        return rows
    wanted = dict.fromkeys(first)
    at = {id: row for row, id in enumerate(snapshot.ids) if id in wanted and (shown is None or shown[row])}
    taken = [at[id] for id in wanted if id in at][:most]
    others = np.setdiff1d(rows, taken)
    pool = others[:: -(-len(others) // POOL)]
    different = min(DIFFERENT, most // 5, most - len(taken))
    if different:
        taken += pool[quality.subset(snapshot.vectors[pool], different).rows].tolist()
    others = np.setdiff1d(rows, taken)
    even = np.linspace(0, len(others) - 1, most - len(taken)).round().astype(np.intp)
    return np.sort(np.array([*taken, *others[even].tolist()], dtype=np.intp))


def plain_layout(collection: Collection) -> tuple[Snapshot, Layout]:
    """Images and words on the drawn map; by the two principal axes of their vectors where none is drawn yet."""
    if not collection.is_drawn:
        snapshot = collection.snapshot()
        note = "By the two principal axes of the vectors: the map of this collection is not drawn yet."
        return snapshot, Layout(projection.principal_axes(snapshot.vectors), note=note)
    snapshot, drawn = collection.view()
    try:
        anchors = layouts.anchor_places(collection, snapshot, drawn)
    except ModelUnavailable:
        anchors = ()
    return snapshot, Layout(drawn.xy, anchors)


def _drawing(screen: Screen, rows: np.ndarray) -> dict[str, Any]:
    coloured, selected = screen.coloured, frozenset(screen.selected)
    return payload.drawing(
        categories=coloured.codes[rows],
        palette=coloured.palette,
        legend=coloured.legend,
        other="other or none",
        scale=coloured.scale,
        anchors=screen.laid.anchors,
        star=screen.laid.star,
        selected=[place for place, row in enumerate(rows) if screen.snapshot.ids[row] in selected],
        axes=screen.laid.axes,
        note=screen.laid.note,
    )


def _line(collection: Collection, screen: Screen, texts: bool) -> tuple[float | None, str]:
    """The no-match line, or why there is none."""
    if not texts:
        return None, ""
    try:
        if collection.info.space.model in IN_THE_BOX or collection.has_baseline:
            line = collection.baseline().line(screen.rate)
            return (line, "") if np.isfinite(line) else (None, "Too few captions were at hand for a no-match line.")
    except ModelUnavailable:
        return None, "The no-match line needs the model, which was not on the machine that wrote this file."
    return None, "The no-match line was not worked out yet when this file was written."


def _about(collection: Collection, screen: Screen, n: int, bank: Bank) -> tuple[str, ...]:
    of, space = len(screen.snapshot.records), collection.info.space
    passed = of if screen.shown is None else int(screen.shown.sum())
    held = f"{n:,} images" if n == of else f"{n:,} of {of:,} images"
    why = ""
    if passed < of:
        why = f", {'those' if n == passed else f'of {passed:,}'} that pass the filters"
    if n < passed:
        why += ": those on the screen, some as different as can be, the rest at random"
    model = "vectors of its owner's" if space.model.startswith(OWN) else f"the vectors of {space.model}"
    said = [f"{held} of {collection.info.name}{why}, with {model} ({space.dimension} dimensions)."]
    if bank.texts:
        said.append(f"{len(bank.texts):,} texts were embedded beforehand: it answers those, and no other.")
    else:
        said.append("No texts were embedded: click a picture or a point, and see its neighbours.")
    return tuple(said)


def told(explorer: Explorer) -> dict[str, Any]:
    """The explorer as the page's program reads it: plain JSON, arrays in base64 (little-endian float32)."""
    drawing = dict(explorer.drawing)
    drawing |= {
        "key": "page",
        "url": "page",
        "height": HEIGHT,
        "answered": None,
        "points": as_base64(pack(explorer.xy)),
    }
    return {
        "ids": list(explorer.ids),
        "captions": list(explorer.captions),
        "dimension": explorer.vectors.shape[1],
        "vectors": as_base64(explorer.vectors.astype("<f4")),
        "texts": list(explorer.bank.texts),
        "textVectors": as_base64(explorer.bank.vectors.astype("<f4")),
        "line": explorer.line,
        "noLine": explorer.no_line,
        "columns": [[name, as_base64(np.asarray(of, "<f4")), said] for name, (of, said) in explorer.columns.items()],
        "asked": explorer.asked,
        "among": explorer.among,
        "about": list(explorer.about),
        "map": drawing,
    }
