"""The map with what belongs to it: query star, words, colours, and the images that are looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from sharedspace import search
from sharedspace.home import Snapshot
from sharedspace.plots import theme
from sharedspace.projection import place
from sharedspace.records import ImageRecord, SpaceMap
from sharedspace.ui import cache, frame, running, state, widgets
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
    mine = [job for job in cache.jobs().all() if job.collection == name]
    if any(job.active and job.lane == "adding" for job in mine):
        st.info(
            "Pictures are being added: the map is drawn when they are in. Meanwhile those that are can be searched."
        )
        st.stop()
    last = next((job for job in reversed(mine) if job.title == running.drawing(name)), None)
    if last is not None and last.state == "failed":
        st.error(plain(last.error), icon=":material/error:")
        if not st.button("Draw the map again"):
            st.stop()
    if last is None or not last.active:
        running.draw(cache.jobs(), collection)
        st.rerun()
    st.info("The map is being drawn. The first drawing after a start takes some 20 seconds.")
    st.skeleton(height=560)
    st.stop()


def colour_choices(collection: Collection) -> list[str]:
    """What points can be coloured by: nothing, groups, and fields that say the same of several images.

    First stands the field that says most in the eight colours that everybody can tell apart.
    """
    n = collection.info.images
    values = {field: len(set(collection.column(field)) - {None}) for field in collection.fields()}
    telling = max((field for field in values if 2 <= values[field] <= 8), key=values.__getitem__, default=None)
    fields = [field for field in values if values[field] <= max(2, n // 3) and field not in (telling, NOTHING, GROUPS)]
    return [*([telling] if telling else []), NOTHING, GROUPS, *fields]


@st.fragment
def map_and_images(collection: Collection, query: str, colour: str) -> None:
    """The map, and beside it the images of the query, of the lasso or around the clicked one."""
    with frame.errors():
        _map_and_images(collection, query, colour)


def _map_and_images(collection: Collection, query: str, colour: str) -> None:
    snapshot, drawn = collection.view()
    codes, names, _ = theme.categories(_values(collection, snapshot, colour))
    vector = cache.embed(collection, (query,))[0] if query.strip() else None
    found = () if vector is None else search.rank(snapshot.records, snapshot.vectors, vector, LINES)
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
            thumb=address(f"/map/{drawn.key}/{{i}}"),
            categories=codes,
            palette=theme.PALETTE[: len(names)],
            legend=[] if colour == NOTHING else names,
            other="other or none",
            anchors=_anchors(collection, snapshot, drawn),
            star=None if vector is None else (query, *place(snapshot.vectors, drawn.xy, vector).xy),
            hits=[at[hit.id] for hit in found],
            selected=[at[picked]] if picked in at else [],
            height=560,
        )
        _about(collection, drawn)
    with right:
        chosen = np.flatnonzero(event.chosen(drawn.xy, codes))
        if len(chosen):
            _selection([snapshot.records[row] for row in chosen])
        elif picked in at:
            _picked(collection, snapshot, at[str(picked)])
        elif found:
            st.markdown(f"**Nearest to** {plain(query)}")
            widgets.hits(snapshot.records, found, "5.2rem")
        else:
            st.info("Type a query, click a point, or draw a lasso (Shift and drag): the images appear here.")


def _values(collection: Collection, snapshot: Snapshot, colour: str) -> list[object]:
    if colour == NOTHING:
        return ["image"] * len(snapshot.records)
    if colour == GROUPS:
        grouping = cache.cluster(collection, "hdbscan", 8, None)
        group = dict(zip(grouping.ids, grouping.labels, strict=True))
        return [f"group {group[id] + 1}" if group.get(id, -1) >= 0 else None for id in snapshot.ids]
    return [record.meta.get(colour) for record in snapshot.records]


def _anchors(collection: Collection, snapshot: Snapshot, drawn: SpaceMap) -> list[Text]:
    texts = collection.anchors()
    vectors = collection.embed(texts, remember=True)
    return [(text, *place(snapshot.vectors, drawn.xy, vector).xy) for text, vector in zip(texts, vectors, strict=True)]


def _about(collection: Collection, drawn: SpaceMap) -> None:
    st.caption(
        f"{len(drawn.ids):,} images, drawn by UMAP on cosine (15 neighbours, min_dist 0.1, seed 0). "
        "Words and the star stand among the images nearest to them; only nearness means something, not the axes."
    )
    if drawn.placed:
        say, act = st.columns([4, 1], vertical_alignment="center")
        say.caption(f"{drawn.placed:,} of them came after the drawing and stand by their neighbours.")
        act.button(
            "Draw anew", on_click=_redraw, args=(collection,), help="In the background; this map stays until then."
        )


def _redraw(collection: Collection) -> None:
    name = collection.info.name
    cache.jobs().submit(f"Drawing the map of {name} anew", name, lambda job: collection.redraw().key, can_stop=False)


def _selection(records: Sequence[ImageRecord]) -> None:
    st.markdown(f"**{len(records):,} selected**")
    widgets.gallery([(record.id, "", widgets.caption(record)) for record in records[:SHOWN]], "5.2rem")
    if len(records) > SHOWN:
        st.caption(f"The first {SHOWN} are shown; the download holds all.")
    widgets.download(records, "selection")


def _picked(collection: Collection, snapshot: Snapshot, row: int) -> None:
    record = snapshot.records[row]
    widgets.gallery([(record.id, "", widgets.caption(record))], "14rem")
    widgets.details(record)
    widgets.original(collection, record)
    st.markdown("**Nearest to it**")
    near = search.rank(snapshot.records, snapshot.vectors, snapshot.vectors[row], LINES + 1)
    widgets.hits(snapshot.records, [hit for hit in near if hit.id != record.id][:LINES], "5.2rem")
    st.button("Back to the query", on_click=state.update, kwargs={"picked": None})
