"""The tools for a messy set: what is there twice, what stands alone, what leaks, a few for all, what looks poor."""

from __future__ import annotations

import streamlit as st

from sharedspace.collection import Collection
from sharedspace.ui import browsing, detail, frame, recording, selecting, state
from sharedspace.ui.handout import buttons as as_page
from sharedspace.ui.notebooks import tidied as as_notebook
from sharedspace.ui.tidying import copies, few, leaks, poor, strangers

PARTS = {
    "duplicates": copies.show,
    "strangers": strangers.show,
    "leaks": leaks.show,
    "subset": few.show,
    "looks": poor.show,
}


def show(collection: Collection) -> None:
    """All of it; it runs by itself, so that a slider is answered at once."""
    _show(collection, state.get().asked)


@st.fragment
def _show(collection: Collection, asked: int) -> None:
    with frame.errors():
        with st.container():
            frame.told_trouble()
        browsing.go_where_is_asked(asked)
        collection = collection.pinned()
        part = st.segmented_control(
            "Look for",
            list(PARTS),
            default="duplicates",
            required=True,
            key="tidy",
            bind="query-params",
            persist_state="session",
            label_visibility="collapsed",
        )
        for one in (copies, strangers, leaks, few, poor):
            one.hear(collection)
        with st.container():
            selecting.bar(collection, "tidy")
        with recording.on() as shown:
            detail.beside(collection, lambda: PARTS[str(part)](collection))
        with st.container(horizontal=True):
            as_page.view(collection, f"tidy-{part}", str(part), shown)
            as_notebook.button(collection, str(part))
