"""The map as a Streamlit component: images as points, anchors, the query star; clicks and selections come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from sharedspace.ui.spacemap import payload
from sharedspace.ui.spacemap.gestures import Gesture, MapEvent, heard
from sharedspace.ui.spacemap.payload import OTHER, Axes, Link, Scale, Star, Text

__all__ = ["OTHER", "Axes", "Gesture", "Link", "MapEvent", "Scale", "Star", "Text", "last_event", "spacemap"]

_mount = st.components.v2.component("sharedspace_spacemap", html=payload.HTML, css=payload.CSS, js=payload.JS)


def spacemap(
    *,
    key: str,
    url: str,
    thumb: str,
    categories: np.ndarray,
    palette: Sequence[str],
    legend: Sequence[str],
    other: str = "other",
    scale: Scale | None = None,
    anchors: Sequence[Text] = (),
    star: Star | None = None,
    hits: Sequence[int] = (),
    links: Sequence[Link] = (),
    selected: Sequence[int] | np.ndarray = (),
    hidden_rows: Sequence[int] | np.ndarray = (),
    axes: Axes | None = None,
    note: str = "",
    height: int = 620,
    larger: float = 1.0,
) -> MapEvent:
    """Draw the map of the n images in `categories` ((n,) uint8: palette index, or OTHER) and say what was done on it.

    `url` serves `pack(xy)` and names one drawing for good; `thumb` is the address of a picture, with `{i}` for its row.
    Both go to the browser as they are. `legend` has a name per colour, or none at all. With a `scale` the colours are
    its bins, from low to high. `links` are lines between two rows, `hidden_rows` are not drawn and cannot be meant.
    `selected` is the truth: a gesture is told once and shown at once, and holds when it comes back in `selected`; so
    read it with `last_event` before. `larger` is how much larger than on a page all writing is.
    `key` has no double underscore. ValueError for what does not fit together.
    """
    data = payload.drawing(
        categories=categories,
        palette=palette,
        legend=legend,
        other=other,
        scale=scale,
        anchors=anchors,
        star=star,
        hits=hits,
        links=links,
        selected=selected,
        hidden_rows=hidden_rows,
        axes=axes,
        note=note,
    )
    data |= {"key": key, "url": url, "thumb": thumb, "height": height, "larger": larger}
    data["answered"] = _answered(key)
    _mount(key=key, data=data, on_gesture_change=_ignore, on_clicked_change=_ignore)
    return last_event(key, url, len(categories))


def last_event(key: str, url: str, n: int) -> MapEvent:
    """What was done on the map of n images that caused this run, known before it is drawn again; lasts one run."""
    return heard(st.session_state.get(key), url, n)


def _answered(key: str) -> int | None:
    """The number of the last gesture that a run has seen, so that the browser knows which are in `selected`."""
    told: Any = (st.session_state.get(key) or {}).get("gesture")
    name = f"{key}-answered"
    if isinstance(told, dict) and type(told.get("number")) is int:
        st.session_state[name] = told["number"]
    answered: int | None = st.session_state.get(name)
    return answered


def _ignore() -> None:
    """Streamlit keeps a trigger only under a name that has a callback."""
