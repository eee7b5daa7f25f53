"""Editing groups: rename, merge, split, move, undo, and keeping what came of it as metadata, as a table, on the map."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from sharedspace import clusters
from sharedspace.collection import Collection
from sharedspace.errors import BadInput
from sharedspace.ui import frame, grouped, state, widgets
from sharedspace.ui.grouped import History, Version
from sharedspace.ui.state import Undo
from sharedspace.ui.text import plain

FIELD = "group"  # the metadata field that groups become unless told
LONGEST = 80  # characters of a title


def edited(collection: Collection) -> Version | None:
    """The version of this session's edits that is shown; None where the groups are as they were found."""
    return _history(collection).edited


def _history(collection: Collection) -> History:
    return state.get().groups.get(collection.info.number, History())


def _put(collection: Collection, history: History) -> None:
    state.update(groups={**state.get().groups, collection.info.number: history})


def _edit(
    collection: Collection, before: Version, labels: np.ndarray, did: str, titles: Mapping[int, str] | None = None
) -> None:
    _put(collection, _history(collection).after(before, grouped.edit(before, labels, did, titles)))


def history(collection: Collection, found: Version | None, version: Version) -> None:
    """Steps back and forth, and what to do where the edited groups are of other images or other options."""
    past = _history(collection)
    if not past.versions:
        return
    if past.edited is not None and (found is None or found.wanted != version.wanted or found.ids != version.ids):
        others = found is not None and found.ids != version.ids
        why = (
            f"other images are shown now, {len(found.ids):,}" if found and others else "the options were changed since"
        )
        st.info(
            f"These are your edited groups, worked out for {len(version.ids):,} images; {why}. "
            "They stay until you look for groups anew, and *Redo* brings them back.",
            icon=":material/edit_note:",
        )
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="groups.history"):
        if past.edited is not None:
            _step(collection, f"Undo: {plain(past.edited.did)}", ":material/undo:", past.at - 1)
        if past.at + 1 < len(past.versions):
            _step(collection, f"Redo: {plain(past.versions[past.at + 1].did)}", ":material/redo:", past.at + 1)
        if past.edited is not None:
            _step(collection, "Look for groups anew", ":material/restart_alt:", 0)


def _step(collection: Collection, words: str, icon: str, at: int) -> None:
    st.button(
        words,
        icon=icon,
        type="tertiary",
        key=f"groups.step.{icon}",
        on_click=_go,
        args=(collection, at),
    )


def _go(collection: Collection, at: int) -> None:
    _put(collection, _history(collection).to(at))


# ---- all groups


def chosen_of(version: Version) -> tuple[str, ...]:
    """Those of the selected images that the groups are of."""
    selected = state.get().selected
    return tuple(id for id in version.ids if id in selected)


def bar(collection: Collection, version: Version, titles: Mapping[int, str], chosen: tuple[str, ...]) -> None:
    """What can be done with all groups, and with the selected images."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="groups.bar"):
        if len(titles) > 1:
            with st.popover("Merge", icon=":material/merge:"):
                _merge_form(collection, version, titles)
        if chosen:
            many = f"the {len(chosen):,} selected" if len(chosen) > 1 else "the selected one"
            st.button(
                f"New group of {many}",
                icon=":material/add_circle:",
                on_click=_move,
                args=(collection, version, titles, chosen, None),
            )
            st.button(
                f"Take {many} out of the groups",
                icon=":material/remove_circle:",
                on_click=_move,
                args=(collection, version, titles, chosen, clusters.NOISE),
            )
        if titles:
            _keeping(collection, version, titles)


def _merge_form(collection: Collection, version: Version, titles: Mapping[int, str]) -> None:
    with st.form("groups.merge", border=False):
        st.multiselect(
            "Groups to make one of", list(titles), format_func=lambda group: titles[group], key="groups.merged"
        )
        st.form_submit_button("Merge them", on_click=_merge, args=(collection, version, titles))


@frame.guarded
def _merge(collection: Collection, version: Version, titles: Mapping[int, str]) -> None:
    chosen = [group for group in state.value("groups.merged", []) if group in titles]
    labels = clusters.merge(version.labels, chosen)
    state.set_value("groups.merged", [])
    _edit(collection, version, labels, f"merged {_listed([titles[group] for group in chosen])}")


def _listed(names: list[str]) -> str:
    return " and ".join(names) if len(names) < 3 else f"{len(names)} groups"


@frame.guarded
def _move(
    collection: Collection, version: Version, titles: Mapping[int, str], ids: tuple[str, ...], group: int | None
) -> None:
    wanted = frozenset(ids)
    rows = [row for row, id in enumerate(version.ids) if id in wanted]
    labels = clusters.move(version.labels, rows, group)
    where = "into a new group" if group is None else "out" if group == clusters.NOISE else f"to {titles[group]}"
    _edit(collection, version, labels, f"moved {len(rows):,} {where}")


def _keeping(collection: Collection, version: Version, titles: Mapping[int, str]) -> None:
    with st.popover("Keep as a field", icon=":material/save:"), st.form("groups.keep", border=False):
        st.text_input(
            "Name of the field",
            FIELD,
            key="groups.field",
            max_chars=LONGEST,
            help="It is metadata from then on: for filters, colours, labels and export",
        )
        st.form_submit_button("Keep", on_click=_keep, args=(collection, version, titles))
    if st.button("Show on the map", icon=":material/scatter_plot:", help="Keeps them as that field, and colours by it"):
        _keep_for_map(collection, version, titles)
        st.switch_page(frame.FOLDER / "map.py")
    records = collection.snapshot().records
    title = _titles_by_id(version, titles)
    some = [record for record in records if record.id in title]
    widgets.download(some, "clusters", {"group": [title[record.id] or "" for record in some]})


def _titles_by_id(version: Version, titles: Mapping[int, str]) -> dict[str, str | None]:
    return {id: titles.get(group) for id, group in zip(version.ids, version.labels.tolist(), strict=True)}


def _field() -> str:
    return str(state.value("groups.field") or FIELD).strip() or FIELD


@frame.guarded
def _keep(collection: Collection, version: Version, titles: Mapping[int, str]) -> None:
    _give(collection, version, titles)


def _keep_for_map(collection: Collection, version: Version, titles: Mapping[int, str]) -> None:
    state.set_value("colour", _give(collection, version, titles))


def _give(collection: Collection, version: Version, titles: Mapping[int, str]) -> str:
    """Give every image the title of its group, those of none nothing; the field's name."""
    field, title = _field(), _titles_by_id(version, titles)
    values = {id: title.get(id) for id in collection.snapshot().ids}
    if not any(values.values()):
        raise BadInput("None of the grouped images is in the collection any more: look for groups anew.")
    before = collection.now.give(field, values)
    given = tuple(id for id, value in values.items() if value is not None)
    state.did(Undo(f"kept the groups as {field}", "give", given, field, before, values))
    return field


# ---- one group


def menu(
    collection: Collection, version: Version, titles: Mapping[int, str], group: int, chosen: tuple[str, ...]
) -> None:
    """Rename, split, move the selection here, dissolve."""
    inside = {version.ids[row] for row in np.flatnonzero(version.labels == group)}
    size = len(inside)
    with st.popover("Edit", icon=":material/edit:", key=f"groups.edit.{group}"):
        key = f"groups.title.{group}"
        with st.form(f"{key}.form", border=False, clear_on_submit=True):
            st.text_input("Its name", titles[group], key=key, max_chars=LONGEST)
            st.form_submit_button("Rename", on_click=_rename, args=(collection, version, group, key))
        if size > 1:
            parts = f"groups.parts.{group}"
            with st.form(f"{parts}.form", border=False):
                st.number_input("Parts", 2, min(20, size), 2, key=parts)
                st.form_submit_button("Split it", on_click=_split, args=(collection, version, titles, group, parts))
        others = tuple(id for id in chosen if id not in inside)
        if others:
            st.button(
                f"Move the {len(others):,} selected here",
                key=f"groups.here.{group}",
                on_click=_move,
                args=(collection, version, titles, others, group),
            )
        st.button(
            "Dissolve it",
            key=f"groups.dissolve.{group}",
            on_click=_move,
            args=(collection, version, titles, tuple(inside), clusters.NOISE),
            help="Its images are then in no group",
        )


@frame.guarded
def _rename(collection: Collection, version: Version, group: int, key: str) -> None:
    title = " ".join(str(state.value(key) or "").split())
    if not title:
        raise BadInput("A group needs a name: type one.")
    if any(other != group and title == own for other, own in version.titles.items()):
        raise BadInput(f"Another group is called {title!r}: merge the two, or choose another name.")
    _edit(collection, version, version.labels, f"renamed to {title}", {**version.titles, group: title})


@frame.guarded
def _split(collection: Collection, version: Version, titles: Mapping[int, str], group: int, key: str) -> None:
    into = int(state.value(key, 2))
    row = {id: place for place, id in enumerate(collection.snapshot().ids)}
    there = np.array([id in row for id in version.ids])
    vectors = np.zeros((len(version.ids), collection.info.space.dimension), dtype=np.float32)
    vectors[there] = collection.snapshot().vectors[[row[id] for id in version.ids if id in row]]
    labels = clusters.split(vectors, version.labels, group, into)
    _edit(collection, version, labels, f"split {titles[group]}")
