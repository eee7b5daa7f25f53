"""Figures as all pages draw them: with words for who cannot see them, larger where a class looks on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from sharedspace.ui import state

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LARGER = 1.5  # the type of a presentation over that of a page


def figure(drawn: Figure, key: str, alt: str, **more: Any) -> Any:
    """Draw a plotly figure; `alt` says what it shows; `more` goes to `st.plotly_chart`, whose result is given."""
    if state.presenting():
        size = drawn.layout.font.size or 13
        drawn.update_layout(font_size=round(LARGER * size), height=drawn.layout.height and 1.15 * drawn.layout.height)
    return st.plotly_chart(drawn, key=key, alt=alt, config={"displayModeBar": False}, **more)
