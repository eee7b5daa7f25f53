"""The selection, one for map, galleries and tables, and what is done with it."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from sharedspace.collection import Collection
from sharedspace.ledger import CollectionInfo
from sharedspace.ledger.marks import HIDDEN
from sharedspace.records import MetaValue
from sharedspace.ui import asking, cache, frame, state, views
from sharedspace.ui.state import Undo
from sharedspace.ui.text import plain

FILES = {"CSV table": ".csv", "Parquet with vectors": ".parquet", "Pictures as a zip": ".zip"}
MOST_TAGS = 20  # that are offered
MOST_PICTURES = 2000  # that are packed while the visitor waits


def bar(collection: Collection, where: str, offered: Sequence[str] = ()) -> None:
    """How much is selected, and the verbs; nothing while nothing is. `where` names the page.

    `offered` are ids that can be selected at once, such as those of all results.
    """
    selected, undo = state.get().selected, state.get().undo
    more = not selected.issuperset(offered)
    if not selected and not undo and not more:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="selection"):
        if more and not selected:
            offer(offered)
        if selected:
            st.markdown(f"**{len(selected):,} selected**", width="content")
            _verbs(collection, selected, where)
            st.button("Clear", icon=":material/close:", type="tertiary", on_click=state.select, args=((),))
        if undo:
            st.button(
                f"Undo: {plain(undo[-1].words)}",
                icon=":material/undo:",
                type="tertiary",
                on_click=_take_back,
                args=(collection,),
                key="undo",
            )


def offer(ids: Sequence[str]) -> None:
    """A button that selects some images; nothing where they are selected, or none."""
    if state.get().selected.issuperset(ids):
        return
    words = f"Select all {len(ids)}" if len(ids) > 1 else "Select it"
    st.button(words, icon=":material/select_all:", type="tertiary", on_click=state.select, args=(ids,))


def _verbs(collection: Collection, selected: frozenset[str], where: str) -> None:
    ids = tuple(sorted(selected))
    with st.popover("Tag", icon=":material/sell:"):
        _tagging(collection, ids)
    tags = collection.tags()
    hidden = all(HIDDEN in tags.get(id, ()) for id in ids)
    if hidden:
        st.button("Show again", icon=":material/visibility:", on_click=_untag, args=(collection, ids, HIDDEN))
    else:
        st.button(
            "Hide",
            icon=":material/visibility_off:",
            on_click=_hide,
            args=(collection, ids),
            help="Left out of map, search and galleries; the filter tag=hidden finds them",
        )
    st.button(
        "More like these",
        icon=":material/join_inner:",
        on_click=_more_like,
        args=(collection, ids),
        help="By their mean vector",
    )
    with st.popover("Export", icon=":material/download:"):
        _export(collection, ids)
    with st.popover("More", icon=":material/more_horiz:"):
        views.save_form(collection, where)
        _as_collection(collection, ids)
        st.button(
            f"Remove {'it' if len(ids) == 1 else f'the {len(ids):,}'} from the collection",
            icon=":material/delete:",
            on_click=_remove,
            args=(collection, ids),
            width="stretch",
            help="Can be undone, also later on the page Images",
        )


def _tagging(collection: Collection, ids: tuple[str, ...]) -> None:
    tags = collection.tags()
    with st.form("tagging", border=False, clear_on_submit=True):
        tag = st.text_input("A new tag", key="tag.new", max_chars=80, placeholder="keep")
        if st.form_submit_button("Tag them") and tag.strip():
            with frame.errors(stop=False):
                _tag(collection, ids, " ".join(tag.split()))
                st.rerun()
    everywhere = sorted({tag for own in tags.values() for tag in own} - {HIDDEN})
    here = Counter(tag for id in ids for tag in tags.get(id, ()))
    for place, tag in enumerate(everywhere[:MOST_TAGS]):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"{plain(tag)} · {here[tag]:,} of {len(ids):,}", width="stretch")
            st.button(
                "",
                icon=":material/add:",
                key=f"tag.add.{place}",
                help="Tag all",
                on_click=_tag,
                args=(collection, ids, tag),
            )
            st.button(
                "",
                icon=":material/remove:",
                key=f"tag.off.{place}",
                help="Take it off",
                on_click=_untag,
                args=(collection, ids, tag),
            )


@frame.guarded
def _tag(collection: Collection, ids: tuple[str, ...], tag: str) -> None:
    fresh = collection.tag(ids, tag)
    state.did(Undo(f"tagged {len(fresh):,} {tag}", "untag", tuple(fresh), tag))


@frame.guarded
def _untag(collection: Collection, ids: tuple[str, ...], tag: str) -> None:
    gone = collection.untag(ids, tag)
    state.did(Undo(f"took {tag} off {len(gone):,}", "tag", tuple(gone), tag))


@frame.guarded
def _more_like(collection: Collection, ids: tuple[str, ...]) -> None:
    state.ask([collection.like(ids, asking.counted(len(ids)))])


@frame.guarded
def _hide(collection: Collection, ids: tuple[str, ...]) -> None:
    fresh = collection.tag(ids, HIDDEN)
    state.did(Undo(f"hid {len(fresh):,}", "untag", tuple(fresh), HIDDEN))
    state.select(())


@frame.guarded
def _remove(collection: Collection, ids: tuple[str, ...]) -> None:
    there = tuple(sorted(set(ids) & set(collection.snapshot().ids)))
    collection.remove(there)
    state.did(Undo(f"removed {len(there):,}", "put_back", there))
    state.update(picked=None)
    state.select(())


@frame.guarded
def _take_back(collection: Collection) -> None:
    *rest, step = state.get().undo
    if step.verb == "put_back":
        collection.put_back(step.ids)
    elif step.verb == "give":
        _give_back(collection, step)
    elif step.verb == "save":
        collection.save("labels" if step.tag == "labels" else "classifier", step.ids[0], step.before)
    elif step.verb == "labels":
        state.set_labels(step.tag)
    elif step.verb == "tag":
        collection.tag(step.ids, step.tag)
    else:
        collection.untag(step.ids, step.tag)
    state.update(undo=tuple(rest))
    if step.verb not in ("save", "labels", "give"):
        state.select(state.get().selected or step.ids)


def _give_back(collection: Collection, step: Undo) -> None:
    """Take back given values, but for those that somebody has changed since."""
    now = collection.now
    there = now.column(step.tag) if step.tag in now.fields() else [None] * len(now.snapshot().ids)
    values = dict(zip(now.snapshot().ids, there, strict=True))
    own = {id: value for id, value in step.before.items() if values.get(id) == step.after.get(id)}
    collection.give(step.tag, own)
    if len(own) < len(step.before):
        changed = len(step.before) - len(own)
        state.update(trouble=f"{changed:,} of {len(step.before):,} values were changed since, and stay as they are.")


# ---- taking it along --------------------------------------------------------------------------------


def _export(collection: Collection, ids: tuple[str, ...]) -> None:
    info = collection.info
    for label, ending in FILES.items():
        too_many = ending == ".zip" and len(ids) > MOST_PICTURES
        st.download_button(
            label,
            _file(collection, info, ids, ending),
            f"{info.name}-selection{ending}",
            key=f"export{ending}",
            on_click="ignore",
            disabled=too_many,
            help=f"At most {MOST_PICTURES:,} at once: open them as a collection and export that" if too_many else None,
            width="stretch",
        )
    st.caption("Tables hold metadata, tags and saved queries. Of pictures from a folder the thumbnails are packed.")


def _file(collection: Collection, info: CollectionInfo, ids: tuple[str, ...], ending: str) -> Callable[[], bytes]:
    def made() -> bytes:
        workspace = cache.workspace()
        folder = workspace.home.incoming()
        try:
            path = folder / f"selection{ending}"
            columns = {} if ending == ".zip" else _columns(collection, frozenset(ids))
            workspace.export_some(info.name, path, frozenset(ids), columns)
            return path.read_bytes()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return made


def _columns(collection: Collection, ids: frozenset[str]) -> Mapping[str, Mapping[str, MetaValue]]:
    """Tags and saved queries of images, as further columns."""
    columns: dict[str, dict[str, Any]] = {
        "tags": {id: ", ".join(sorted(own)) for id, own in collection.tags().items() if id in ids}
    }
    everything = collection.snapshot().ids
    for name, column in cache.query_columns(collection).items():
        values = zip(everything, column.tolist(), strict=True)
        columns[f"query {name}"] = {id: value for id, value in values if id in ids}
    return columns


def _as_collection(collection: Collection, ids: tuple[str, ...]) -> None:
    info = collection.info
    with st.form("as.collection", border=False):
        new = st.text_input(
            "Open as a new collection", f"{info.name} part", key=f"part.name.{info.number}", max_chars=80
        )
        if st.form_submit_button("Make it", icon=":material/library_add:") and new.strip():
            _copy(info.name, new.strip(), ids)
            st.rerun()


def _copy(name: str, new: str, ids: tuple[str, ...]) -> None:
    workspace = cache.workspace()
    cache.jobs().submit(
        f"Making {new} of {len(ids):,} images",
        new,
        lambda job: workspace.copy(name, new, job.report, job.cancelled, ids).info,
    )
    state.update(follow=new)
