"""Filters on metadata, tags, saved queries and the selection: a form to add them, chips to be rid of them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from sharedspace import filters
from sharedspace.collection import SAVED, Collection
from sharedspace.errors import BadInput, SharedSpaceError
from sharedspace.filters import Condition
from sharedspace.ui import frame, state
from sharedspace.ui.text import plain

MOST_VALUES = 60  # of a field that are offered to choose from
OPERATORS = {"is": "=", "is not": "!=", "contains": "~", "at least": ">=", "at most": "<="}
ABSENT = "(none)"


def conditions() -> tuple[Condition, ...]:
    """The filters that hold; one that cannot be read is told."""
    found = []
    for written in state.get().where or ():
        try:
            found.append(filters.parse(written))
        except SharedSpaceError as error:  # of an address that somebody wrote: the rest still holds
            st.warning(plain(str(error)), icon=":material/filter_alt_off:")
    return tuple(found)


def form(collection: Collection) -> None:
    """Add a filter on a field, on tags, on a saved query, or to the selection."""
    tags = collection.tags()
    saved = [f"{SAVED}{name}" for name in collection.saved("query")]
    fields = [*([filters.TAG] if tags else []), *collection.fields(), *saved]
    if fields:
        field = st.selectbox("Field", fields, key="filter.field")
        how = st.selectbox("Has to be", list(OPERATORS), key="filter.how")
        values: list[str] = []  # of a saved query numbers are typed
        if field == filters.TAG:
            values = sorted({tag for own in tags.values() for tag in own})
        elif field not in saved:
            values = _values(collection, str(field))
        if values and how in ("is", "is not"):
            value = st.selectbox("Value", values, key=f"filter.value.{field}")
        else:
            value = st.text_input("Value", key=f"filter.text.{field}")
        st.button("Add this filter", on_click=_add_condition, args=(str(field), OPERATORS[how], value), width="stretch")
        st.caption("Several “is” on one field are alternatives; all else must hold together.")
    else:
        st.caption("No image has metadata or tags yet.")
    selected = state.get().selected
    if selected:
        st.button(
            f"Only the {len(selected):,} selected images",
            on_click=_only_selected,
            width="stretch",
        )


def _only_selected() -> None:
    state.update(within=state.get().selected or None)


def _values(collection: Collection, field: str) -> list[str]:
    values = {ABSENT if value is None else str(value) for value in collection.column(field)}
    return sorted(values) if len(values) <= MOST_VALUES else []


@frame.guarded
def _add_condition(field: str, operator: str, value: str) -> None:
    if not value.strip():
        raise BadInput(f"The filter on {field} has no value yet: type one.")
    condition = str(Condition(field, operator, "" if value == ABSENT else value.strip()))
    where = state.get().where or ()
    if condition not in where:
        state.update(where=(*where, condition))


def chips(conditions: tuple[Condition, ...]) -> None:
    """The filters that hold, each with a way to be rid of it."""
    within, where = state.get().within, state.get().where or ()
    if not where and within is None:
        return
    with st.container(horizontal=True, gap="small", key="filters"):
        for place, written in enumerate(where):
            rest = (*where[:place], *where[place + 1 :])
            _chip(f"filter-{place}", plain(written), {"where": rest})
        if within is not None:
            _chip("filter-within", f"within {len(within):,} images", {"within": None})


def _chip(key: str, words: str, changes: dict[str, Any]) -> None:
    st.button(
        words,
        key=key,
        icon=":material/close:",
        help="Take this filter away",
        on_click=state.update,
        kwargs=changes,
    )
