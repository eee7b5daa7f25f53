"""Looks: blurred, dark, tiny and odd-shaped pictures, each with what was measured."""

from __future__ import annotations

import numpy as np
import streamlit as st

from sharedspace import quality
from sharedspace.collection import Collection
from sharedspace.records import ImageRecord, Poor
from sharedspace.ui import galleries, selecting, widgets
from sharedspace.ui.gallery.component import Tile
from sharedspace.ui.tidying import finding

PAGE = 48
MEANING = {
    "blurred": "Sharpness is how fine the finest detail is, on the thumbnail: about 2 in an ordinary picture, under "
    "0.7 where it is smeared, and under 0.8 where nearly all others are sharper. A fog can be meant so.",
    "dark": "Brightness is the mean grey, 0 black to 1 white. Under 0.12 it is dark in any set; a little over that, "
    "where the others are much lighter.",
    "tiny": "The shorter side in pixels. Most models read 224: what is under 64 is mostly made up by magnifying.",
    "odd-shaped": "How many times the longer side is the shorter. Most models see the middle square only.",
}


def hear(collection: Collection) -> None:
    """Take what was done in the gallery."""
    galleries.hear("poor", collection.snapshot().ids)


def show(collection: Collection) -> None:
    """The whole part."""
    if not finding.ready(
        collection,
        collection.has_looks,
        "Looking at the pictures",
        lambda job: sum(len(one.order) for one in collection.now.looks(job.step)),
    ):
        return
    found = {one.flaw: one for one in finding.looks(collection)}
    flaw = st.segmented_control(
        "Flaw",
        list(quality.FLAWS),
        default=quality.FLAWS[0],
        required=True,
        key="flaw",
        bind="query-params",
        persist_state="session",
        label_visibility="collapsed",
    )
    st.markdown(" · ".join(f"{len(one.order):,} {one.flaw}" for one in found.values()))
    _pictures(collection.snapshot().records, found[str(flaw)])


def _pictures(records: tuple[ImageRecord, ...], poor: Poor) -> None:
    st.caption(MEANING[poor.flaw])
    if not np.isfinite(poor.measure).any():
        st.info("Of this collection no pictures are kept: only their vectors came in.", icon=":material/hide_image:")
        return
    if not len(poor.order):
        st.info(f"No picture is {poor.flaw}.", icon=":material/task_alt:")
        return
    rows = poor.order.tolist()
    with st.container(horizontal=True, gap="small"):
        selecting.offer([records[row].id for row in rows])
        widgets.download([records[row] for row in rows], poor.flaw, {"measure": poor.measure[rows].tolist()})
    place = st.empty()
    shown = finding.turned(len(rows), PAGE, f"poor.page.{poor.flaw}")
    tiles = [
        Tile(records[row].id, _measured(poor, row), galleries.caption(records[row]))
        for row in rows[shown.start : shown.stop]
    ]
    with place.container():
        galleries.show(tiles, "poor", label=f"Pictures that are {poor.flaw}")


def _measured(poor: Poor, row: int) -> str:
    value = float(poor.measure[row])
    return {"tiny": f"{value:.0f} px", "odd-shaped": f"{value:.1f} : 1"}.get(poor.flaw, f"{value:.2f}")
