"""Lesson 9, three pictures: their distances in the space, and on every map."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from sharedspace.collection import Collection
from sharedspace.lessons import projection as lesson
from sharedspace.lessons.projection import Three
from sharedspace.lessons.retrieval import spaced
from sharedspace.plots import maps, theme
from sharedspace.records import Drawing
from sharedspace.ui import frame, galleries, state
from sharedspace.ui.learning.projection_maps import Drawn
from sharedspace.ui.learning.sheet import Sheet

OFFERED = 200  # pictures to choose from
LETTERS = ("A", "B", "C")


@st.fragment
def three(collection: Collection, sheet: Sheet, now: Drawn) -> None:
    """Choose three pictures and see which of B and C is nearer to A, in the space and on each map."""
    with frame.errors(stop=False), sheet.part("three"):
        sheet.head("Three pictures")
        start = _start(now.grid.of, now)
        rows = _choose(now, start)
        if len(set(rows)) < len(rows):
            sheet.say("Choose three different pictures.")
            return
        here = lesson.three(now.vectors, now.grid.over_seeds(now.default), rows)
        records = [now.records[row] for row in rows]
        words = [f"{letter}: {galleries.caption(record)}" for letter, record in zip(LETTERS, records, strict=True)]
        sheet.pictures(records, "three", words, f"The three pictures. {'. '.join(words)}")
        sheet.say(_told(here, rows == start.rows))
        _side_by_side(sheet, now, rows)
        _table(sheet, now, rows)
        sheet.code(f"lesson.three(vectors, maps, {list(rows)!r})")


@st.cache_data(show_spinner=False, max_entries=8)
def _start(of: str, _now: Drawn) -> Three:
    return lesson.far_three(_now.vectors, _now.grid.over_seeds(_now.default))


def _choose(now: Drawn, start: Three) -> tuple[int, int, int]:
    offered = {*spaced(len(now.records), OFFERED).tolist(), *start.rows}
    by_id = {now.records[row].id: row for row in sorted(offered)}
    found = []
    for letter, column, row in zip(LETTERS, st.columns(3), start.rows, strict=True):
        key, own = f"projection.{letter}", now.records[row].id
        if state.value(key) not in by_id:
            state.set_value(key, own)
        chosen = column.selectbox(
            f"Picture {letter}",
            list(by_id),
            key=key,
            format_func=lambda id: galleries.caption(now.records[by_id[id]]),
        )
        found.append(by_id[str(chosen)])
    return found[0], found[1], found[2]


def _nearer(distances: tuple[float, float]) -> str:
    return "equal" if distances[0] == distances[1] else "B" if distances[0] < distances[1] else "C"


def _told(here: Three, is_start: bool) -> str:
    to_b, to_c = here.cosine
    maps_say = ", ".join(
        f"seed {seed}: **{_nearer(pair)}** ({pair[0]:.2f} and {pair[1]:.2f})" for seed, pair in enumerate(here.drawn)
    )
    said = (
        f"In the space, 1 − cosine is {to_b:.2f} from A to B and {to_c:.2f} from A to C: nearer is "
        f"**{_nearer(here.cosine)}**. On the maps, in radii of the map, {maps_say}. "
        + ("The seeds do not agree." if here.flips else "Here the seeds agree.")
    )
    if is_start:
        said += " These three were looked for, as ones that flip much; how often it happens at all is counted above."
    return said


def _side_by_side(sheet: Sheet, now: Drawn, rows: tuple[int, int, int]) -> None:
    """The map of each of two seeds with the three on it."""
    words = [galleries.caption(record) for record in now.records]
    codes = np.where(np.isin(np.arange(len(now.records)), rows), 0, theme.OTHER_CODE).astype(np.uint8)
    for seed, column in zip(now.grid.seeds[:2], st.columns(2), strict=True):
        drawing = Drawing(now.neighbours, now.default.min_dist, seed)
        xy = now.grid.at(drawing)
        to_b, to_c = lesson.three(now.vectors, xy[None], rows).drawn[0]
        with column:
            sheet.figure(
                maps.drawing(xy, words, codes, (), dict(zip(LETTERS, rows, strict=True))),
                f"three-{seed}",
                f"Seed {seed}: from A to B {to_b:.2f}, from A to C {to_c:.2f}, in radii of the map",
            )
            sheet.note(f"Seed {seed}")


def _table(sheet: Sheet, now: Drawn, rows: tuple[int, int, int]) -> None:
    """Which is nearer, by each combination of the knobs."""
    columns: dict[str, list[Any]] = {"neighbours": [], "least distance": []}
    columns |= {f"seed {seed}: A to B, A to C, nearer": [] for seed in now.grid.seeds}
    nearer = []
    for k in now.grid.neighbours:
        for apart in now.grid.distances:
            found = lesson.three(now.vectors, now.grid.over_seeds(Drawing(k, apart, now.grid.seeds[0])), rows)
            columns["neighbours"].append(k)
            columns["least distance"].append(apart)
            for seed, pair in zip(now.grid.seeds, found.drawn, strict=True):
                said = f"{pair[0]:.2f}, {pair[1]:.2f}, {_nearer(pair)}"
                columns[f"seed {seed}: A to B, A to C, nearer"].append(said)
                nearer.append(_nearer(pair))
    sheet.table(columns, f"Of {len(nearer)} maps, B is nearer to A on {nearer.count('B')}, C on {nearer.count('C')}")
