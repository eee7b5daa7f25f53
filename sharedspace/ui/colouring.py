"""What points are coloured by: fields, groups, tags, labels, the query, map trust, one phrase against another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from sharedspace import search
from sharedspace.collection import Collection
from sharedspace.errors import BadInput
from sharedspace.home import Snapshot
from sharedspace.plots import theme
from sharedspace.records import SearchResult
from sharedspace.ui import cache, labelling, state, worked
from sharedspace.ui.spacemap.payload import Scale

NOTHING = "one colour"
GROUPS = "groups found by HDBSCAN"
SIMILAR = "similarity to the query"
TRUST = "map trust"
CONTRAST = "one phrase against another"
TAGS = "tags"
LABELS = "zero-shot labels"
QUERY = "query: "  # before the name of a saved one
OURS = (SIMILAR, TRUST, CONTRAST, TAGS, LABELS, GROUPS, NOTHING)
CONTINUOUS_FROM = 9  # distinct numbers of a field that are a scale, and no categories
ENDS = (2.0, 98.0)  # percentiles at the ends of a scale: a few outliers must not flatten it


@dataclass(frozen=True)
class Colouring:
    """A colour for each image."""

    codes: np.ndarray  # (n,) uint8, place in the palette, or theme.OTHER_CODE
    palette: tuple[str, ...]
    legend: tuple[str, ...] = ()
    scale: Scale | None = None
    note: str = ""  # what is missing, and what to do


def choices(collection: Collection) -> list[str]:
    """What points can be coloured by. First stands the field that says most in eight colours, which all can tell."""
    n = collection.info.images
    told = cache.telling(collection)
    best = max((field for field in told if 2 <= told[field][0] <= 8), key=lambda field: told[field][0], default=None)
    fields = [
        field
        for field, (different, numbers) in told.items()
        if field not in (best, *OURS) and (different <= max(2, n // 3) or numbers)
    ]
    saved = [f"{QUERY}{name}" for name in collection.saved("query")]
    return [*([best] if best else []), SIMILAR, TRUST, CONTRAST, GROUPS, TAGS, LABELS, *saved, *fields, NOTHING]


def colour(collection: Collection, snapshot: Snapshot, by: str, result: SearchResult | None) -> Colouring:
    """The colours by one of the choices."""
    if by == NOTHING:
        return _plain(snapshot, "")
    if by == SIMILAR:
        if result is None:
            return _plain(snapshot, "Type a query, and the whole map is coloured by how near each picture is to it.")
        label = f"cosine with “{result.query}”" if len(result.terms) == 1 else f"z-score of “{result.query}”"
        return _continuous(result.scores, label)
    if by == TRUST:
        if not collection.has_neighbours:
            cache.work_out_trust(collection)
            return _plain(snapshot, "Map trust is being worked out: a bar tells how far it is.")
        return _continuous(collection.trust(), "of its 15 neighbours, the share drawn near", (0.0, 1.0))
    if by == CONTRAST:
        return _contrast(collection, snapshot)
    if by == LABELS:
        return _labels(collection, snapshot)
    if by.startswith(QUERY) and by.removeprefix(QUERY) in collection.saved("query"):
        return _continuous(
            cache.query_column(collection, by.removeprefix(QUERY)), f"z-score of {by.removeprefix(QUERY)}"
        )
    if by in (GROUPS, TAGS):
        return _categories(_groups(collection, snapshot) if by == GROUPS else _tags(collection, snapshot))
    different, numbers = cache.telling(collection).get(by, (0, False))
    if numbers and different >= CONTINUOUS_FROM:
        values = [np.nan if value is None else float(value) for value in collection.column(by)]
        return _continuous(np.array(values), by)
    codes, names = cache.categories(collection, by)
    return Colouring(codes, theme.PALETTE[: len(names)], tuple(names))


def _groups(collection: Collection, snapshot: Snapshot) -> Sequence[str | None]:
    grouping = cache.cluster(collection, "hdbscan")
    group = dict(zip(grouping.ids, grouping.labels.tolist(), strict=True))
    return [f"group {group[id] + 1}" if group.get(id, -1) >= 0 else None for id in snapshot.ids]


def _tags(collection: Collection, snapshot: Snapshot) -> Sequence[str | None]:
    tags = collection.tags()
    return [", ".join(sorted(tags[id])) if id in tags else None for id in snapshot.ids]


def _categories(values: Sequence[object | None]) -> Colouring:
    codes, names, _ = theme.categories(values)
    return Colouring(codes, theme.PALETTE[: len(names)], tuple(names))


def _plain(snapshot: Snapshot, note: str) -> Colouring:
    codes = np.zeros(len(snapshot.records), dtype=np.uint8)
    return Colouring(codes, theme.PALETTE[:1], note=note)


def _ground() -> str:
    return "dark" if st.context.theme.type == "dark" else "light"


def _continuous(values: np.ndarray, label: str, ends: tuple[float, float] | None = None) -> Colouring:
    low, high = ends or tuple(np.percentile(values[np.isfinite(values)], ENDS).tolist())
    palette = theme.ramp(theme.SEQUENTIAL[_ground()])
    return Colouring(theme.bins(values, low, high), palette, scale=Scale(low, high, label))


def _contrast(collection: Collection, snapshot: Snapshot) -> Colouring:
    a, b = (str(state.value(key, "") or "").strip() for key in ("a", "b"))
    if not (a and b):
        return _plain(snapshot, "Give two phrases: each picture is coloured by which of them is nearer, and how much.")
    vectors = cache.embed(collection, (a, b))
    values = search.contrast(snapshot.vectors, vectors[0], vectors[1])
    reach = float(np.percentile(np.abs(values), ENDS[1])) or 1.0
    palette = theme.ramp(theme.DIVERGING[_ground()])
    return Colouring(theme.bins(values, -reach, reach), palette, scale=Scale(-reach, reach, f"“{a}” minus “{b}”"))


def _labels(collection: Collection, snapshot: Snapshot) -> Colouring:
    try:
        asked = replace(labelling.present(), truth=None, where=(), within=None)  # a colour for all that is drawn
    except BadInput as error:
        return _plain(snapshot, str(error))
    if not asked.enough:
        return _plain(snapshot, "Type labels on the page Zero-shot: each picture then has the colour of its label.")
    result = worked.outcome(collection, asked, labelling.uses())
    label = dict(zip(result.ids, result.answers, strict=True))
    return _categories([labelling.joined(label.get(id, ())) for id in snapshot.ids])
