"""A few images that stand for all: as different as can be, or typical."""

from __future__ import annotations

import numpy as np
import streamlit as st

from sharedspace import quality
from sharedspace.collection import Collection
from sharedspace.ui import galleries, selecting, widgets
from sharedspace.ui.gallery.component import Tile
from sharedspace.ui.tidying import finding

MOST = 500  # images that are chosen and shown


def hear(collection: Collection) -> None:
    """Take what was done in the gallery."""
    galleries.hear("few", collection.snapshot().ids)


def show(collection: Collection) -> None:
    """The whole part."""
    kinds: list[quality.Kind] = ["diverse", "typical"]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        kind = st.segmented_control(
            "Kind", kinds, default="diverse", required=True, key="kind", bind="query-params", persist_state="session"
        )
        n = st.number_input(
            "How many", 1, MOST, 24, key="few.n", bind="query-params", persist_state="session", width=140
        )
    chosen = finding.subset(collection, int(n), "typical" if kind == "typical" else "diverse")
    records = collection.snapshot().records
    stands = np.bincount(chosen.nearest, minlength=len(chosen.rows)).tolist()
    picked = [records[row] for row in chosen.rows.tolist()]
    how = (
        "Each is as far as can be from all before it, beginning at the middle of the set: strangers come early"
        if kind == "diverse"
        else "Each is the image nearest to the middle of one of so many groups (k-means), the largest group first"
    )
    st.caption(
        f"{how}. Under each stands for how many images it is the nearest; every image has a cosine of "
        f"{chosen.worst:.2f} or more with one of them."
    )
    with st.container(horizontal=True, gap="small"):
        selecting.offer([one.id for one in picked])
        widgets.download(picked, f"{kind}-subset", {"stands_for": stands})
    tiles = [Tile(one.id, f"{many:,}", galleries.caption(one)) for one, many in zip(picked, stands, strict=True)]
    galleries.show(tiles, "few", label="Images that stand for all")
