"""Open as notebook: what a page shows, as Python that works it out anew over the core."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import streamlit as st

from sharedspace.collection import Collection
from sharedspace.notebook import Cell, write
from sharedspace.ui import cache, visitors
from sharedspace.ui.notebooks.written import opening

__all__ = ["download"]


def download(collection: Collection, page: str, head: str, cells: Callable[[], Sequence[Cell]], lead: str = "") -> None:
    """A download of a page as a notebook; its cells are made when it is pressed, of what they were given here.

    `page` names the file, `head` (plain text) and `lead` (markdown) stand at the top. Visitors at other machines get
    none: it runs on this one, and names its folders.
    """
    if visitors.guest():
        return
    name, home = collection.info.name, cache.workspace().home.path
    stem = re.sub(r"[^\w.-]+", "-", f"{name}-{page}").strip(".-") or page

    def made() -> str:
        return write([*opening(home, collection, head, lead), *cells()], f"{head}: {name}")

    st.download_button(
        "Open as notebook",
        made,
        f"{stem}.ipynb",
        "application/x-ipynb+json",
        key=f"{page}.ipynb",
        icon=":material/data_object:",
        type="tertiary",
        on_click="ignore",
        help="What is on screen as a Jupyter notebook, which works it out anew; it runs on this machine, on this "
        "collection",
    )
