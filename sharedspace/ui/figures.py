"""Figures as all pages draw them: with words for who cannot see them, larger where a class looks on."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import streamlit as st

from sharedspace.ui import recording, state

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LARGER = 1.5  # the type of a presentation over that of a page
TALLER = 1.25


def figure(drawn: Figure, key: str, alt: str, **more: Any) -> Any:
    """Draw a plotly figure; `alt` says what it shows; `more` goes to `st.plotly_chart`, whose result is given."""
    recording.figure(drawn, alt)
    shown = larger(drawn) if state.presenting() else drawn
    return st.plotly_chart(shown, key=key, alt=alt, config={"displayModeBar": False}, **more)


def larger(drawn: Figure) -> Figure:
    """The figure for the back of a room: another one, with all its writing larger."""
    shown = copy.deepcopy(drawn)
    size = shown.layout.font.size or 13  # plotly's own is 12, that of plots/theme.py 13
    shown.update_layout(font_size=size)
    # Streamlit's theme gives these a size of its own.
    shown.update_xaxes(tickfont_size=size, title_font_size=size)
    shown.update_yaxes(tickfont_size=size, title_font_size=size)
    shown.update_layout(legend_font_size=size, hoverlabel_font_size=size)
    shown.for_each_annotation(lambda one: one.update(font_size=one.font.size or size))
    for part in (*shown.data, shown.layout):
        part.update(_grown(part.to_plotly_json()))
    if shown.layout.height:
        shown.update_layout(height=TALLER * shown.layout.height)
    return shown


def _grown(part: Any) -> Any:
    """The same nested dicts, with each size of a font larger and everything else left out."""
    if isinstance(part, dict):
        found = {
            name: {"size": LARGER * value["size"]}
            if name.endswith("font") and isinstance(value, dict) and isinstance(value.get("size"), int | float)
            else _grown(value)
            for name, value in part.items()
            if name != "template"
        }
        return {name: value for name, value in found.items() if value}
    if isinstance(part, list | tuple) and any(isinstance(one, dict) for one in part):
        return [_grown(one) or {} for one in part]
    return None
