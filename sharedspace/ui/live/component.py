"""A text area as a Streamlit component: what is typed comes while it is typed, not only when the field is left."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

import streamlit as st

MOST = 200_000  # characters
MOST_IN_ADDRESS = 2000  # characters; a longer text is left out, since servers refuse addresses of some kilobytes


def _text(name: str) -> str:
    return (Path(__file__).parent / name).read_text("utf-8")


_mount = st.components.v2.component(
    "sharedspace_live", html=_text("live.html"), css=_text("live.css"), js=_text("live.js")
)


@dataclass(frozen=True)
class _Told:
    """What this session and the browser's field last told each other."""

    version: str  # names the last text that Python put into the field
    text: str  # what stands in the field, as far as known here
    serial: int = 0  # of the last message heard
    settled: bool = True  # the text is to go into the address


def text_area(
    label: str,
    *,
    key: str,
    value: str = "",
    placeholder: str = "",
    height: int = 160,
    help: str = "",
    bind: bool = False,
) -> str:
    """Draw a text area at least `height` pixels high and give its text, which comes 0.15 s after the last key.

    The text is `st.session_state[key]`, before the field is drawn too, and outlives a change of page; `value` is the
    first one. Whatever else sets it, in a callback or before the field is drawn, replaces the text in the browser.
    With `bind` the query parameter of that name gives the first text and follows when the field is left. Runs are as
    many as messages, so that it belongs into a fragment. `key` has no double underscore.
    """
    if key not in st.session_state:
        st.session_state[key] = (st.query_params.get(key) if bind else None) or value
    _hear(key)
    text = str(st.session_state[key])
    told: _Told | None = st.session_state.get(_record(key))
    if told is None or told.text != text:
        told = _Told(token_hex(8), text, told.serial if told else 0)
    if bind and (told.settled or key not in st.query_params):
        _into_address(key, text)
    st.session_state[_record(key)] = replace(told, settled=False)
    data = {
        "key": key,
        "label": label,
        "help": help,
        "placeholder": placeholder,
        "height": height,
        "version": told.version,
        "text": text,
        "seen": told.serial,
        "bind": key if bind else None,
        "most": MOST,
    }
    _mount(key=_box(key), data=data, on_text_change=partial(_hear, key))
    return text


def _box(key: str) -> str:
    return f"{key}-box"


def _record(key: str) -> str:
    return f"{key}-told"


def _hear(key: str) -> None:
    """Take what was typed, once; not where Python has changed the text since, of which the browser did not know."""
    told: _Told | None = st.session_state.get(_record(key))
    said: Any = (st.session_state.get(_box(key)) or {}).get("text")
    match said:
        case {"version": str(version), "serial": int(serial), "text": str(typed), "settled": bool(settled)}:
            pass
        case _:
            return
    if told is None or serial <= told.serial:
        return
    if version == told.version and st.session_state.get(key) == told.text:
        typed = typed[:MOST].encode("utf-8", "replace").decode("utf-8")  # lone surrogates go into no address
        st.session_state[key] = typed
        told = replace(told, text=typed, settled=told.settled or settled)
    st.session_state[_record(key)] = replace(told, serial=serial)


def _into_address(key: str, text: str) -> None:
    wanted = text if len(text) <= MOST_IN_ADDRESS else ""
    if st.query_params.get(key, "") == wanted:
        return
    if wanted:
        st.query_params[key] = wanted
    else:
        st.query_params.pop(key, None)
