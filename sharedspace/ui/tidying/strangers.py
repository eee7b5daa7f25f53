"""Strangers: the images that stand alone, and the most typical ones at the other end."""

from __future__ import annotations

import streamlit as st

from sharedspace import quality
from sharedspace.collection import Collection
from sharedspace.ui import galleries, selecting, widgets
from sharedspace.ui.gallery.component import Tile
from sharedspace.ui.tidying import finding

STRANGE, TYPICAL = "strangest", "most typical"


def hear(collection: Collection) -> None:
    """Take what was done in the gallery."""
    galleries.hear("strangers", collection.snapshot().ids)


def show(collection: Collection) -> None:
    """The whole part."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        end = st.segmented_control(
            "First",
            [STRANGE, TYPICAL],
            default=STRANGE,
            required=True,
            key="first",
            bind="query-params",
        )
        many = st.slider("How many", 12, 120, 24, 12, key="many", persist_state="session", width=220)
        k = st.slider(
            "Neighbour",
            1,
            30,
            quality.K,
            key="neighbour",
            bind="query-params",
            persist_state="session",
            width=220,
            help="An image is strange when even this neighbour is far away: a higher one also finds small groups of "
            "strangers, and copies do not hide each other.",
        )
    if not finding.ready(
        collection,
        collection.has_neighbours,
        "Looking for neighbours",
        lambda job: len(collection.now.neighbours(on_progress=job.step)[0]),
    ):
        return
    found = collection.outliers(k)
    places = found.order if end == STRANGE else found.order[::-1]
    records = collection.snapshot().records
    tiles = [
        Tile(
            records[found.rows[place]].id,
            f"{found.percentile[place]:.1f} %",
            galleries.caption(records[found.rows[place]]),
            f"neighbour {found.k} at cosine {1 - found.distance[place]:.2f} · {found.spread[place]:.1f} spreads away",
        )
        for place in places[:many].tolist()
    ]
    st.caption(
        "How many of the other images are less strange. Strange is what is far from its neighbours and, in units of "
        "how much the set varies in each direction, far from its middle. Whether it is wrong there is yours to say."
    )
    with st.container(horizontal=True, gap="small"):
        selecting.offer([tile.id for tile in tiles])
        widgets.download(
            [records[row] for row in found.rows[places].tolist()],
            "strangers",
            {
                "stranger_than_percent": found.percentile[places].tolist(),
                "distance": found.distance[places].tolist(),
                "spread": found.spread[places].tolist(),
            },
        )
    galleries.show(tiles, "strangers", label="Strangers" if end == STRANGE else "Typical images")
