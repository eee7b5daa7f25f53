"""What a session remembers beyond its widgets; the only reader and writer of Streamlit's session state.

Widgets that belong to a view (collection, query, labels, colour) keep themselves, across pages and in the address,
with `persist_state` and `bind`; here stands the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

_KEY = "shared-space"


@dataclass(frozen=True)
class State:
    """One session's state."""

    collection: str | None = None  # name of the one that is looked at
    choices: int = 0  # how often a collection was opened by us: names the widget, so that a new one shows it
    picked: str | None = None  # id of the image that was clicked on the map
    follow: str | None = None  # a collection to open as soon as it is there
    uploads: int = 0  # how many batches were handed over: names the forms, so that new ones are empty and closed
    told: frozenset[str] | None = None  # ids of jobs whose end was opened, read or put away here; None at first
    away: frozenset[str] = frozenset()  # those that were put away
    trouble: str = ""  # an error of a button's callback, to be shown once


def get() -> State:
    """The state as it is now."""
    found: State = st.session_state.get(_KEY, State())
    return found


def update(**changes: Any) -> None:
    """Replace fields of the state."""
    st.session_state[_KEY] = replace(get(), **changes)


def collection() -> str | None:
    """The name of the chosen collection, of this session or of the address."""
    return get().collection or st.query_params.get("collection")


def open_collection(name: str) -> None:
    """Choose a collection; only before the widget that shows the choice is drawn, or in a callback."""
    update(collection=name, choices=get().choices + 1)


def took_collection(key: str) -> None:
    """Keep what the widget of that key was set to; its callback, also of one that the browser has not forgotten yet."""
    if key == collection_key():
        update(collection=st.session_state[key], follow=None)


def collection_key() -> str:
    """The key of the widget that shows the choice."""
    return f"collection-{get().choices}"


def form_key(name: str) -> str:
    """The key of a form that is new after each batch that was handed over."""
    return f"{name}.{get().uploads}"


def opened_if(wanted: bool, name: str) -> str:
    """The key of such a form in an expander, which begins open if `wanted` and then stays as its visitor left it."""
    key = form_key(name)
    st.session_state.setdefault(key, wanted)
    return key


def handed_over() -> None:
    """Have new forms."""
    update(uploads=get().uploads + 1)


def set_labels(text: str) -> None:
    """Put a label set into the labels box; only in a callback."""
    st.session_state["labels"] = text
