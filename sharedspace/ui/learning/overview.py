"""The lessons side by side."""

from __future__ import annotations

import streamlit as st

from sharedspace.ui import frame
from sharedspace.ui.lessons import LESSONS


def show() -> None:
    """All lessons as cards."""
    with frame.page("Lessons", "Predict first, then see: on your own pictures, or on the sample set."):
        for start in range(0, len(LESSONS), 3):
            for place, one in zip(st.columns(3), LESSONS[start : start + 3], strict=False):
                with place.container(border=True, height="stretch"):
                    number = LESSONS.index(one) + 1
                    if st.button(f"**{number}. {one.title}**", key=one.name, type="tertiary"):
                        st.switch_page(frame.file(one.name))
                    st.markdown(one.lead)
                    st.caption(f"about {one.minutes} minutes")
