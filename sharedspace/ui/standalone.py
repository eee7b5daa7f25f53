"""The map that is on screen as one HTML file, which opens anywhere."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import streamlit as st

from sharedspace import images
from sharedspace.collection import Collection
from sharedspace.home import Snapshot
from sharedspace.records import SearchResult
from sharedspace.ui import cache, galleries
from sharedspace.ui.colouring import Colouring
from sharedspace.ui.layouts import Layout
from sharedspace.ui.spacemap.page import page

PICTURES = 3000  # images up to which the page carries its pictures


def button(
    collection: Collection,
    snapshot: Snapshot,
    laid: Layout,
    coloured: Colouring,
    result: SearchResult | None,
    shown: np.ndarray | None,
) -> None:
    """What is on screen as one HTML file that needs no server."""

    def made() -> str:
        return made_page(collection, snapshot, laid, coloured, result, shown)

    st.download_button(
        "Save as a page",
        made,
        f"{collection.info.name}-map.html",
        "text/html",
        key="map.html",
        icon=":material/draft:",
        type="tertiary",
        on_click="ignore",
        help="One HTML file with the map and its pictures, which opens anywhere, without this app or a network",
    )


def made_page(
    collection: Collection,
    snapshot: Snapshot,
    laid: Layout,
    coloured: Colouring,
    result: SearchResult | None,
    shown: np.ndarray | None,
) -> str:
    """The map as HTML; the pictures are in it while they are not too many."""
    home = cache.workspace().home
    few = len(snapshot.records) <= PICTURES
    given = [shown is None or bool(shown[row]) for row in range(len(snapshot.records))]  # the others stay at home
    at = {id: row for row, id in enumerate(snapshot.ids)}
    return page(
        f"{collection.info.name}, a map by Shared Space",
        laid.xy,
        coloured.codes,
        coloured.palette,
        coloured.legend,
        [
            _data(home.thumbnail(one.id)) if few and out else None
            for one, out in zip(snapshot.records, given, strict=True)
        ],
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


def _data(path: Path | None) -> str | None:
    """A picture as an address that holds it."""
    if path is None:
        return None
    return f"data:{images.media_type(path)};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
