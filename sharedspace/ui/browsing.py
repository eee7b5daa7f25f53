"""The gallery of all images; a click opens an image beside it."""

from __future__ import annotations

import streamlit as st

from sharedspace.collection import Collection
from sharedspace.ui import detail, frame, galleries, selecting, state, widgets
from sharedspace.ui.notebooks import asked as as_notebook


def all_images(collection: Collection) -> None:
    """All images of the collection, a page at a time."""
    _all_images(collection, state.get().asked)


@st.fragment
def _all_images(collection: Collection, asked: int) -> None:
    with frame.errors():
        frame.told_trouble()
        go_where_is_asked(asked)
        collection = collection.pinned()
        galleries.hear("all", collection.snapshot().ids)
        with st.container():
            selecting.bar(collection, "images")
        detail.beside(collection, lambda: widgets.all_images(collection))
        as_notebook.images_button(collection)


def go_where_is_asked(before: int) -> None:
    """To the page that searches, where a button has asked a query since the page was drawn."""
    if state.get().asked != before:
        st.switch_page(frame.FOLDER / "search.py")
