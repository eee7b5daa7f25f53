"""The section Learn: what all lessons have around them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from sharedspace.collection import Collection
from sharedspace.ui import frame
from sharedspace.ui.handout import buttons as as_page
from sharedspace.ui.learning import teaching
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.lessons import LESSONS, Lesson, beside, named
from sharedspace.ui.notebooks import lessons as as_notebook

__all__ = ["Sheet", "lesson"]


@contextmanager
def lesson(name: str) -> Iterator[tuple[Collection, Sheet]]:
    """The frame of a lesson's page, around its content, which never calls `st.stop`: it returns."""
    one = named(name)
    with frame.page(one.title, one.lead, learning=True) as collection:
        collection = collection.pinned()  # all that a lesson says is of one moment
        sheet = Sheet(collection, one)
        st.caption(f"Lesson {LESSONS.index(one) + 1} of {len(LESSONS)} · about {one.minutes} minutes")
        teaching.panel(collection, one)
        with frame.errors(stop=False):
            yield collection, sheet
        _end(one, sheet)


def _end(one: Lesson, sheet: Sheet) -> None:
    """What to take along, and the way on."""
    st.divider()
    with st.container(horizontal=True):
        as_page.lesson(sheet)
        as_notebook.button(sheet.collection, one, lambda: sheet.blocks)
    before, after = beside(one)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        if before is not None and st.button(before.title, icon=":material/arrow_back:", key="before"):
            st.switch_page(frame.file(before.name))
        if after is not None and st.button(
            after.title, icon=":material/arrow_forward:", icon_position="right", key="after"
        ):
            st.switch_page(frame.file(after.name))
