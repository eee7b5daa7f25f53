"""Words as a Streamlit component: in another order, or left out, as the reader's hand or keys have arranged them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st


def _text(name: str) -> str:
    return (Path(__file__).parent / name).read_text("utf-8")


_mount = st.components.v2.component(
    "sharedspace_chips", html=_text("chips.html"), css=_text("chips.css"), js=_text("chips.js")
)


def chips(label: str, words: Sequence[str], *, key: str) -> tuple[str, ...]:
    """Draw words that can be moved and taken out, and give those that are left, in their present order.

    Other words begin anew, and an arrangement outlives a change of page. Each change is a run, so that it belongs into
    a fragment. `key` has no double underscore.
    """
    version = hashlib.sha256(repr(tuple(words)).encode("utf-8", "replace")).hexdigest()[:16]
    said = st.session_state.get(key)
    if said and said.get("arranged"):
        st.session_state[f"{key}-kept"] = said
    order, out = _arranged(st.session_state.get(f"{key}-kept"), version, len(words))
    data = {"label": label, "words": list(words), "version": version, "order": order, "out": out}
    _mount(key=key, data=data, on_arranged_change=_ignore)
    return tuple(words[place] for place in order)


def _arranged(state: Any, version: str, n: int) -> tuple[list[int], list[int]]:
    """The places of the words in order, and those left out: each once, or else as they came."""
    match (state or {}).get("arranged"):
        case {"version": told, "order": [*order], "out": [*out]} if told == version and _all([*order, *out], n):
            return order, out
    return list(range(n)), []


def _all(places: list[Any], n: int) -> bool:
    return all(type(place) is int for place in places) and sorted(places) == list(range(n))


def _ignore() -> None:
    """Streamlit keeps a state only under a name that has a callback."""
