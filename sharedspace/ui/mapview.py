"""The map with what belongs to it: query star, words, colours, and the images that are looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from sharedspace.plots import theme
from sharedspace.records import SearchResult, SpaceMap
from sharedspace.ui import cache, frame, state, widgets
from sharedspace.ui.routes import address
from sharedspace.ui.spacemap.component import Text, last_click, spacemap
from sharedspace.ui.text import plain
from sharedspace.workspace import Collection

LINES = 12  # lines from the star to its nearest images
SHOWN = 60  # pictures of a selection that are shown
GROUPS = "groups found by HDBSCAN"
NOTHING = "one colour"


def draw_first(collection: Collection) -> None:
    """Have the map drawn in the background and say so; the rest of the page waits."""
    name = collection.info.name
    if not any(job.collection == name for job in cache.jobs().active()):
        cache.jobs().submit(f"Drawing the map of {name}", name, lambda job: collection.map().key)
        st.rerun()
    st.info("The map is being drawn. The first drawing after a start takes some 20 seconds.")
    frame.running("page")
    st.skeleton(height=560)
    st.stop()


def colour_choices(collection: Collection) -> list[str]:
    """What points can be coloured by: nothing, groups, and fields that say the same of several images.

    First stands the field that says most in the eight colours that everybody can tell apart.
    """
    n = collection.info.images
    values = {field: len(set(collection.column(field)) - {None}) for field in collection.fields()}
    telling = max((field for field in values if 2 <= values[field] <= 8), key=values.__getitem__, default=None)
    fields = [field for field in values if values[field] <= max(2, n // 3) and field != telling]
    return [*([telling] if telling else []), NOTHING, GROUPS, *fields]


@st.fragment
def map_and_images(collection: Collection, query: str, colour: str) -> None:
    """The map, and beside it the images of the query, of the lasso or around the clicked one."""
    with frame.errors():
        _map_and_images(collection, query, colour)


def _map_and_images(collection: Collection, query: str, colour: str) -> None:
    drawn = collection.map()
    values = _values(collection, colour)
    codes, names, _ = theme.categories(values)
    result = _answer(collection, query)
    at = {id: row for row, id in enumerate(drawn.ids)}
    key = f"map-{collection.info.number}"
    clicked = last_click(key, len(drawn.ids))
    if clicked is not None:
        state.update(picked=drawn.ids[clicked])
    picked = state.get().picked
    left, right = st.columns([5, 2], gap="medium")
    with left:
        event = spacemap(
            key=key,
            url=address(f"/map/{drawn.key}.bin"),
            thumb=address(f"/map/{drawn.key}/{{i}}.webp"),
            categories=codes,
            palette=theme.PALETTE[: len(names)],
            legend=[] if colour == NOTHING else names,
            anchors=_anchors(collection),
            star=None if result is None else (query, *collection.place(result.vector).xy),
            hits=[] if result is None else [at[hit.id] for hit in result.hits[:LINES]],
            selected=[at[picked]] if picked in at else [],
            height=560,
        )
        _about(drawn)
    with right:
        chosen = np.flatnonzero(event.chosen(drawn.xy, codes))
        if len(chosen):
            _selection(collection, chosen)
        elif picked in at:
            _picked(collection, str(picked))
        elif result is not None:
            st.markdown(f"**Nearest to** {plain(query)}")
            widgets.hits(collection, result.hits, "5.2rem")
        else:
            st.info("Type a query, click a point, or draw a lasso (Shift and drag): the images appear here.")


def _values(collection: Collection, colour: str) -> Sequence[object]:
    if colour == GROUPS:
        groups = cache.cluster(collection, "hdbscan", 8, 0).labels
        return [None if group < 0 else f"group {group + 1}" for group in groups]
    if colour in collection.fields():
        return collection.column(colour)
    return ["image"] * collection.info.images


def _answer(collection: Collection, query: str) -> SearchResult | None:
    if not query.strip():
        return None
    return collection.search_vector(query, cache.embed(collection, (query,))[0], LINES)


def _anchors(collection: Collection) -> list[Text]:
    texts = collection.anchors()
    vectors = collection.embed(texts, remember=True)
    return [(text, *collection.place(vector).xy) for text, vector in zip(texts, vectors, strict=True)]


def _about(drawn: SpaceMap) -> None:
    later = f" {drawn.placed:,} came after the drawing and stand by their neighbours." if drawn.placed else ""
    st.caption(
        f"{len(drawn.ids):,} images, drawn by UMAP on cosine (15 neighbours, min_dist 0.1, seed 0).{later} "
        "Words and the star stand among the images nearest to them; only nearness means something, not the axes."
    )


def _selection(collection: Collection, rows: np.ndarray) -> None:
    records = collection.snapshot().records
    st.markdown(f"**{len(rows):,} selected**")
    widgets.gallery([(records[row].id, "", widgets.caption(records[row])) for row in rows[:SHOWN]], "5.2rem")
    if len(rows) > SHOWN:
        st.caption(f"The first {SHOWN} are shown; the download holds all.")
    widgets.download([records[row] for row in rows], "selection")


def _picked(collection: Collection, id: str) -> None:
    found = collection.similar(id, LINES + 1)
    record = next(record for record in collection.snapshot().records if record.id == id)
    widgets.gallery([(id, "", widgets.caption(record))], "14rem")
    widgets.details(record)
    st.markdown("**Nearest to it**")
    widgets.hits(collection, [hit for hit in found.hits if hit.id != id], "5.2rem")
    st.button("Back to the query", on_click=state.update, kwargs={"picked": None})
