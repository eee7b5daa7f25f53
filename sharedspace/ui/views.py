"""Saved views: what is looked at, under a name and as a link."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import streamlit as st

from sharedspace.collection import Collection
from sharedspace.errors import BadInput, SharedSpaceError
from sharedspace.questions import of, plain
from sharedspace.ui import state
from sharedspace.ui.routes import address
from sharedspace.ui.telling import errors, guarded
from sharedspace.ui.text import plain as literal

# Widgets of the pages that belong to a view, with what they may hold.
WIDGETS = {"colour": str, "layout": str, "a": str, "b": str, "k": int}
RESULTS = range(4, 61)  # how many the page Search can show
PAGES = ("map", "search")


def open_asked(collection: Collection) -> None:
    """Put the view that the address names in place of what is shown; before any widget is drawn."""
    name = st.query_params.get("view")
    if not name:
        return
    st.query_params.pop("view", None)
    with errors(stop=False):
        _show(collection, name)


def _show(collection: Collection, name: str) -> None:
    body = collection.saved("view").get(name)
    if body is None:
        raise BadInput(f"No view is saved under {name!r} in this collection: see the list under Views.")
    try:
        parts = of(body.get("parts", []))
        where, within = _texts(body.get("where", [])), body.get("within")
        within = None if within is None else frozenset(_texts(within))
        selected = frozenset(_texts(body.get("selected", [])))
        given = dict(body.get("widgets", {}))  # type: ignore[call-overload]  # whatever it is: a TypeError is told
        widgets = {key: given[key] for key, kind in WIDGETS.items() if type(given.get(key)) is kind}
    except (SharedSpaceError, TypeError, ValueError) as error:
        raise BadInput(f"The view {name!r} cannot be read: {error}") from error
    state.ask(parts)
    state.update(where=where, within=within, selected=selected)
    for key, value in widgets.items():
        if key != "k" or value in RESULTS:  # else the slider would fail
            state.set_value(key, value)


def _texts(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError("a list of texts was expected")
    return tuple(found)


def save_form(collection: Collection, page: str, place: str = "selection") -> None:
    """Keep what is looked at under a name; `place` tells the forms of one page apart."""
    with st.form(f"view.save.{place}", border=False, clear_on_submit=True):
        name = st.text_input(
            "Save as a view, with its selection", key=f"view.name.{place}", max_chars=80, placeholder="boats at night"
        )
        if st.form_submit_button("Save the view", icon=":material/bookmark_add:") and name.strip():
            with errors(stop=False):
                collection.save("view", name, _body(page))
                st.rerun()


def _body(page: str) -> dict[str, object]:
    now = state.get()
    return {
        "page": page,
        "parts": plain(state.parts()),
        "where": list(now.where or ()),
        "within": None if now.within is None else sorted(now.within),
        "selected": sorted(now.selected),
        "widgets": {key: state.value(key) for key, kind in WIDGETS.items() if type(state.value(key)) is kind},
    }


def menu(collection: Collection, page: str) -> None:
    """The saved views with their links, and a way to save this one."""
    saved = collection.saved("view")
    with st.popover("Views", icon=":material/bookmarks:"):
        save_form(collection, page, "menu")
        for place, (name, body) in enumerate(saved.items()):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                target = str(body.get("page")) if body.get("page") in PAGES else "map"
                query = urlencode({"collection": collection.info.name, "view": name})
                st.link_button(literal(name), f"{address(f'/{target}')}?{query}", width="stretch")
                st.button(
                    "",
                    key=f"view.forget.{place}",
                    icon=":material/delete:",
                    help="Forget this view",
                    type="tertiary",
                    on_click=guarded(collection.forget),
                    args=("view", name),
                )
        if not saved:
            st.caption("A view keeps query, filters, colours and selection, and is a link to send.")
