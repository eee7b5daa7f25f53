"""The map with what belongs to it: query star, words, colours, selection, and the images that are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from sharedspace import projection
from sharedspace.collection import Collection
from sharedspace.home import Snapshot
from sharedspace.questions import Part
from sharedspace.records import SearchResult, SpaceMap
from sharedspace.ui import (
    cache,
    colouring,
    detail,
    frame,
    galleries,
    knobs,
    layouts,
    presenting,
    selecting,
    standalone,
    state,
    views,
    widgets,
)
from sharedspace.ui.asking import Question, fresh
from sharedspace.ui.colouring import Colouring
from sharedspace.ui.layouts import Layout
from sharedspace.ui.notebooks import mapped as as_notebook
from sharedspace.ui.routes import address
from sharedspace.ui.spacemap.component import last_event, spacemap
from sharedspace.ui.text import plain

LINES = 12  # lines from the star to its best images
SHOWN = 60  # pictures of a selection that are shown
RESULTS, SELECTION = "results", "selection"


@dataclass(frozen=True)
class View:
    """How the map is looked at."""

    colour: str
    layout: str
    a: str  # two phrases, for axes and contrast
    b: str


def controls(collection: Collection) -> View:
    """What the map shows: colours, where words stand, which words."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="map.controls"):
        colour = st.selectbox(
            "Colour by",
            colouring.choices(collection),
            key="colour",
            bind="query-params",
            persist_state="session",
            width=240,
        )
        layout = st.selectbox(
            "Words and the query stand",
            layouts.LAYOUTS,
            key="layout",
            bind="query-params",
            persist_state="session",
            width=240,
            help="Among the pictures nearest to them; where they really are, across the gap between words and "
            "pictures; or pictures along two phrases of yours",
        )
        with st.popover("Words", icon=":material/text_fields:", help="Texts that are kept on the map"):
            widgets.anchors(collection)
        with st.popover("Map", icon=":material/tune:", help="How it is drawn, and how far it can be trusted"):
            knobs.form(collection)
        views.menu(collection, "map")
    with st.container():  # its own place, which may be empty
        a, b = _phrases(str(layout) == layouts.WORDS or str(colour) == colouring.CONTRAST)
    return View(str(colour), str(layout), a, b)


def _phrases(wanted: bool) -> tuple[str, str]:
    if not wanted:
        return "", ""
    left, right = st.columns(2)
    first, second = (
        place.text_input(label, placeholder=example, key=key, bind="query-params", persist_state="session")
        for place, label, key, example in (
            (left, "One phrase", "a", "a photo of the day"),
            (right, "The other", "b", "a photo of the night"),
        )
    )
    return str(first or "").strip(), str(second or "").strip()


@st.fragment
def map_and_images(collection: Collection, question: Question, view: View) -> None:
    """The map, and beside it the images of the query, of the selection or around the opened one."""
    with frame.errors():
        frame.told_trouble()
        fresh(question)
        _map_and_images(collection.pinned(drawn=True), question, view)


def _map_and_images(collection: Collection, question: Question, view: View) -> None:
    snapshot, drawn = collection.view()
    shown = collection.mask(question.where, question.within)
    result = None
    with frame.errors(stop=False):  # a query that cannot be asked here takes no map away
        result = _result(collection, question)
    laid = _laid(collection, snapshot, drawn, view, result, shown)
    coloured = colouring.colour(collection, snapshot, view.colour, result)
    points = cache.keep(drawn if laid.xy is drawn.xy else projection.named(snapshot.ids, laid.xy, snapshot.revision))
    key, url = f"map-{collection.info.number}", address(f"/map/{points.key}.bin")
    _hear(snapshot, key, url, laid, coloured, shown)
    if result is not None:
        galleries.hear_results(result, "map")
    galleries.hear("selected", snapshot.ids)
    galleries.hear("near", snapshot.ids)
    at = {id: row for row, id in enumerate(snapshot.ids)}
    picked = at.get(state.get().picked or "")
    near = [] if picked is None else detail.neighbours(collection, picked)
    left, right = st.columns([5, 2], gap="medium")
    with left:
        with st.container():  # its own place, which may be empty
            selecting.bar(collection, "map")
        _draw(key, url, points, laid, coloured, snapshot, shown, picked, near, result, at)
        _about(collection, drawn, laid, coloured, view, result)
        standalone.button(collection, snapshot, laid, coloured, result, shown)
        as_notebook.button(collection, question, view, result is not None, LINES)
    with right:
        _beside(collection, snapshot, picked, near, result)


def _result(collection: Collection, question: Question) -> SearchResult | None:
    if not question.parts:
        return None
    terms, rate = question.terms(collection), cache.line_rate(collection, question.parts)
    return collection.ask(terms, LINES, question.where, question.within, rate)


def _laid(
    collection: Collection,
    snapshot: Snapshot,
    drawn: SpaceMap,
    view: View,
    result: SearchResult | None,
    shown: np.ndarray | None,
) -> Layout:
    if view.layout == layouts.REALLY:
        return layouts.really(collection, collection.joint(), result)
    if view.layout == layouts.WORDS and view.a and view.b:
        a, b = cache.terms(collection, (Part(view.a), Part(view.b)))
        return layouts.along(snapshot, a, b, result)
    return layouts.among(drawn, cache.anchor_places(collection, snapshot, drawn), result, shown)


def _hear(snapshot: Snapshot, key: str, url: str, laid: Layout, coloured: Colouring, shown: np.ndarray | None) -> None:
    """Take what was done on the map, before anything that shows the selection is drawn."""
    event = last_event(key, url, len(snapshot.ids))
    if event.clicked is not None:
        state.update(picked=snapshot.ids[event.clicked])
    if event.gesture is not None:
        before = _selected(snapshot)
        after = event.gesture.apply(before, laid.xy, coloured.codes, shown)
        state.select(snapshot.ids[row] for row in np.flatnonzero(after))
        state.set_value("map.beside", SELECTION)  # what was just made is looked at


def _selected(snapshot: Snapshot) -> np.ndarray:
    """The selection as a mask over the rows, (n,) bool."""
    selected = state.get().selected
    if not selected:
        return np.zeros(len(snapshot.ids), dtype=bool)
    return np.fromiter((id in selected for id in snapshot.ids), dtype=bool, count=len(snapshot.ids))


def _draw(
    key: str,
    url: str,
    points: SpaceMap,
    laid: Layout,
    coloured: Colouring,
    snapshot: Snapshot,
    shown: np.ndarray | None,
    picked: int | None,
    near: Sequence[int],
    result: SearchResult | None,
    at: dict[str, int],
) -> None:
    hits = [] if result is None else [at[hit.id] for hit in result.hits if hit.matched is not False]
    far = np.empty(0, dtype=bool) if picked is None else projection.far(laid.xy, picked, near)
    spacemap(
        key=key,
        url=url,
        thumb=address(f"/map/{points.key}/{{i}}"),
        categories=coloured.codes,
        palette=coloured.palette,
        legend=coloured.legend,
        other="other or none",
        scale=coloured.scale,
        anchors=laid.anchors,
        star=laid.star,
        hits=hits,
        links=[(picked, row, bool(off)) for row, off in zip(near, far, strict=True)] if picked is not None else [],
        selected=np.flatnonzero(_selected(snapshot)),
        hidden_rows=() if shown is None else np.flatnonzero(~shown),
        axes=laid.axes,
        note=laid.note,
        height=knobs.HEIGHT,
        larger=presenting.TYPE if state.presenting() else 1.0,
    )


def _about(
    collection: Collection,
    drawn: SpaceMap,
    laid: Layout,
    coloured: Colouring,
    view: View,
    result: SearchResult | None,
) -> None:
    if coloured.note:
        st.caption(f":material/palette: {coloured.note}")
    if view.layout == layouts.REALLY:
        _gap(collection)
    elif laid.axes is not None:
        st.caption("Exact: each picture stands by its cosines with the two phrases, at one scale.")
    else:
        if view.layout == layouts.WORDS:
            st.caption("Give two phrases, and the pictures stand by how near they are to each.")
        how = drawn.drawing
        st.caption(
            f"{len(drawn.ids):,} images, drawn by UMAP on cosine ({how.n_neighbors} neighbours, min_dist "
            f"{how.min_dist:g}, seed {how.seed}). Words and the star stand among the images nearest to them, the ring "
            "shows how spread those are; only nearness means something, not the axes."
        )
    if drawn.placed:
        say, act = st.columns([4, 1], vertical_alignment="center")
        say.caption(f"{drawn.placed:,} of them came after the drawing and stand by their neighbours.")
        if act.button("Draw anew", help="In the background; this map stays until then."):
            knobs.redraw(collection, drawn.drawing)
            st.rerun()


def _gap(collection: Collection) -> None:
    joint = collection.joint()
    alike = "".join(
        f", {name} {value:.2f}"
        for name, value in (("two images", joint.image_image), ("two texts", joint.text_text))
        if value is not None
    )
    st.caption(
        f"**The modality gap is {joint.gap:.2f}**: so far apart are the mean of the images and the mean of the texts "
        f"(unit vectors, so 2 is the most). Mean cosine of an image and a text {joint.image_text:.2f}{alike}. "
        f"{joint.separable:.0%} stand on their own side. A linear view: it shows {joint.shown:.0%} of the variance."
    )


def _beside(
    collection: Collection, snapshot: Snapshot, picked: int | None, near: Sequence[int], result: SearchResult | None
) -> None:
    selected = state.get().selected
    if picked is not None:
        detail.show(collection, snapshot.records[picked], [snapshot.records[row] for row in near], result)
    elif selected and (result is None or _beside_shows(SELECTION)):
        _selection(collection, snapshot, selected)
    elif result is not None:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**Nearest to** {plain(result.query)}", width="stretch")
            selecting.offer([hit.id for hit in result.hits if hit.matched is not False])
        galleries.results(collection, result, "map", "5.2rem")
        galleries.meaning(collection, result)
    else:
        st.info(
            "Type a query, click a point, or draw around some (Shift and drag): the images appear here.",
            icon=":material/touch_app:",
        )


def _beside_shows(what: str) -> bool:
    """Whether the visitor looks at the selection or the results, where there are both."""
    shown = st.segmented_control(
        "Beside the map",
        [RESULTS, SELECTION],
        default=SELECTION,
        required=True,
        key="map.beside",
        label_visibility="collapsed",
    )
    return shown == what


def _selection(collection: Collection, snapshot: Snapshot, selected: frozenset[str]) -> None:
    records = [record for record in snapshot.records if record.id in selected]
    galleries.pictures(records[:SHOWN], "selected", "5.2rem", "Selected images")
    if len(records) > SHOWN:
        st.caption(f"The first {SHOWN} are shown; *Export* holds all.")
    with st.expander(
        "Which words fit them?", key="selection.words", on_change="rerun", icon=":material/translate:"
    ) as fit:
        if fit.open:
            st.html(widgets.fit_bars(cache.describe(collection, tuple(sorted(selected)), None)))
