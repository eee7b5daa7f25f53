"""The map that is on screen as one HTML file, which opens anywhere: to explore, and of a large set also whole."""

from __future__ import annotations

import numpy as np
import streamlit as st

from sharedspace.collection import Collection
from sharedspace.home import Snapshot
from sharedspace.records import SearchResult
from sharedspace.ui import galleries, state
from sharedspace.ui.colouring import Colouring
from sharedspace.ui.handout import buttons
from sharedspace.ui.handout.explorer import MOST, Screen
from sharedspace.ui.layouts import Layout
from sharedspace.ui.spacemap.page import page


def button(
    collection: Collection,
    snapshot: Snapshot,
    laid: Layout,
    coloured: Colouring,
    result: SearchResult | None,
    shown: np.ndarray | None,
) -> None:
    """What is on screen as one HTML file that needs no server."""
    among = laid.xy is collection.map().xy  # and not across the gap, or along axes
    selected = sorted(state.get().selected)
    buttons.whole_map(collection, Screen(snapshot, laid, coloured, among, shown, selected, asked=result))
    if len(snapshot.records) <= MOST:
        return
    st.download_button(
        f"All {len(snapshot.records):,} points as a page",
        lambda: points(collection, snapshot, laid, coloured, result, shown),
        f"{collection.info.name}-points.html",
        "text/html",
        key="points.html",
        icon=":material/scatter_plot:",
        type="tertiary",
        on_click="ignore",
        help=f"One HTML file with the whole map but without pictures; the other one holds {MOST:,} images with theirs",
    )


def points(
    collection: Collection,
    snapshot: Snapshot,
    laid: Layout,
    coloured: Colouring,
    result: SearchResult | None,
    shown: np.ndarray | None,
) -> str:
    """The whole map as HTML, without pictures."""
    given = [shown is None or bool(shown[row]) for row in range(len(snapshot.records))]  # the others stay at home
    at = {id: row for row, id in enumerate(snapshot.ids)}
    return page(
        f"{collection.info.name}, a map by Shared Space",
        laid.xy,
        coloured.codes,
        coloured.palette,
        coloured.legend,
        [None] * len(given),
        [galleries.caption(one) if out else "" for one, out in zip(snapshot.records, given, strict=True)],
        other="other or none",
        scale=coloured.scale,
        anchors=laid.anchors,
        star=laid.star,
        hits=[] if result is None else [at[hit.id] for hit in result.hits if hit.matched is not False],
        hidden_rows=() if shown is None else np.flatnonzero(~shown),
        axes=laid.axes,
        note=laid.note,
    )
