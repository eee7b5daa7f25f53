"""The lessons side by side, and the way into a class."""

from __future__ import annotations

import streamlit as st

from sharedspace.collection import Collection
from sharedspace.ui import frame, visitors
from sharedspace.ui.learning import teaching
from sharedspace.ui.lessons import LESSONS, Lesson
from sharedspace.ui.text import plain
from sharedspace.workspace import SAMPLE

_STYLE = """<style>
[class*=st-key-lesson-] button p { font-size: 1.15rem; font-weight: 600; text-align: left; }
[class*=st-key-lesson-] button { padding-inline: 0; min-height: 0; justify-content: flex-start; }
[class*=st-key-card-]:hover { border-color: var(--st-primary-color); }
</style>"""


def show() -> None:
    """All lessons as cards."""
    lead = "Predict first, then see: eleven lessons on how pictures and words come to share one space."
    with frame.page("Lessons", lead, learning=True) as collection:
        st.html(_STYLE)
        st.markdown(_about(collection))
        teaching.section()
        for start in range(0, len(LESSONS), 3):
            for place, one in zip(st.columns(3), LESSONS[start : start + 3], strict=False):
                with place.container(border=True, height="stretch", key=f"card-{one.name}"):
                    _card(one)
        st.caption(
            "For teachers: *Presentation* in the sidebar makes everything large for the room. In a class each pupil "
            "answers on a device of their own, and nobody sees an answer before you reveal it. Nothing is stored, and "
            "no names are asked for."
        )


def _about(collection: Collection) -> str:
    info = collection.info
    on = f"The lessons run on **{plain(info.name)}**: {info.images:,} images, model {plain(info.space.model)}"
    if visitors.guest():
        return f"{on}."
    other = "the sample set" if info.name != SAMPLE else "one of your own"
    return f"{on}. Choose {other} in the sidebar, and they run on that."


def _card(one: Lesson) -> None:
    number = LESSONS.index(one) + 1
    with st.container(key=f"lesson-{number}"):
        if st.button(f"{number}. {one.title}", key=one.name, type="tertiary"):
            st.switch_page(frame.file(one.name))
    st.markdown(one.lead)
    st.caption(f":material/schedule: about {one.minutes} minutes")
