"""How the map is drawn: the first time, and anew with other knobs; and how far it can be trusted."""

from __future__ import annotations

import streamlit as st

from sharedspace import projection
from sharedspace.collection import Collection
from sharedspace.records import Drawing
from sharedspace.ui import cache, running
from sharedspace.ui.text import plain

HEIGHT = 600  # px of a map


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
    st.skeleton(height=HEIGHT)
    st.stop()


def form(collection: Collection) -> None:
    """How the map is drawn, the means to draw it otherwise, and its trust."""
    if not collection.is_drawn:
        st.caption("The map is drawn first.")
        return
    drawn = collection.map()
    now = drawn.drawing
    _trust(collection)
    most = max(3, min(100, len(drawn.ids) - 1))
    with st.form("map.drawing", border=False):
        st.caption("UMAP's knobs: few neighbours show detail, many the whole; a small distance packs groups tightly.")
        near = st.slider("Neighbours", 2, most, min(now.n_neighbors, most), key=f"map.near.{drawn.key}")
        apart = st.slider("Least distance", 0.0, 0.99, now.min_dist, 0.01, key=f"map.apart.{drawn.key}")
        seed = st.number_input(
            "Seed", 0, 2**32 - 1, now.seed, 1, key=f"map.seed.{drawn.key}", help="The same seed gives the same map"
        )
        if st.form_submit_button(
            "Draw anew", icon=":material/refresh:", help="In the background; this map stays until then."
        ):
            redraw(collection, Drawing(int(near), float(apart), int(seed)))
            st.rerun()


def _trust(collection: Collection) -> None:
    if collection.has_neighbours:
        share = float(collection.trust().mean())
        st.metric("Map trust", f"{share:.2f}")
        st.caption(
            "Of each picture's 15 true neighbours, this share on average is drawn among its nearest 15. Colour by "
            "map trust to see where, click a picture to see its true neighbours linked."
        )
        return
    if st.button("Work out the map's trust", help="Compares all images, once"):
        cache.work_out_trust(collection)


def redraw(collection: Collection, drawing: Drawing) -> None:
    """Draw the map anew in the background; this one stays until then."""
    name = collection.info.name
    projection.check(drawing)
    cache.jobs().submit(
        f"Drawing the map of {name} anew", name, lambda job: collection.now.redraw(drawing, job.step).key
    )
