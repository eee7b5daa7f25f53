"""What comes of a label set: answers as metadata, the classifier under a name or as a small file."""

from __future__ import annotations

import streamlit as st

from sharedspace import classifier as files
from sharedspace.classifier import Classifier
from sharedspace.collection import Collection
from sharedspace.errors import BadInput
from sharedspace.records import Classification
from sharedspace.ui import labelling, state, worked
from sharedspace.ui.labelling import Asked, joined
from sharedspace.ui.state import Undo
from sharedspace.ui.telling import errors, guarded
from sharedspace.ui.text import plain, size


def show(collection: Collection, asked: Asked, result: Classification) -> None:
    """Answers as a metadata field; the classifier to keep, to download, and those that were kept."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**The answers as metadata**")
        _as_field(collection, result)
        _given(collection)
    with right:
        st.markdown("**The classifier**")
        with errors(stop=False):
            _classifier(collection, asked)
        _kept(collection)


def _as_field(collection: Collection, result: Classification) -> None:
    with st.form("bench.field", border=False):
        field = st.text_input("Write each image's label into the field", "zero-shot", key="field.name", max_chars=80)
        if st.form_submit_button("Write it", icon=":material/edit_note:"):
            with errors(stop=False):
                values = dict(zip(result.ids, map(joined, result.answers), strict=True))
                before = collection.now.give(field, values)
                state.did(Undo(f"wrote {field}", "give", result.ids, field, before, values))
                st.rerun()
    st.caption(
        "Then it is a colour on the map, a filter on every page, a column of every export, and known answers here."
    )


def _given(collection: Collection) -> None:
    fields = collection.given()
    if not fields:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        field = st.selectbox("Fields that were given here", fields, key="field.given")
        st.button(
            "Take it back",
            icon=":material/delete:",
            key="field.back",
            on_click=_take_back,
            args=(collection, field),
            help="Its values go; this can be undone",
        )


@guarded
def _take_back(collection: Collection, field: str) -> None:
    had = collection.now.take_back(field)
    state.did(Undo(f"took {field} back", "give", tuple(had), field, had))


def _classifier(collection: Collection, asked: Asked) -> None:
    made = (
        worked.tuned(collection, asked, labelling.uses()).classifier
        if labelling.uses()
        else worked.classifier(collection, asked)
    )
    with st.form("bench.classifier", border=False, clear_on_submit=True):
        name = st.text_input(
            "Keep it with the collection as", key="classifier.name", max_chars=80, placeholder="animals"
        )
        if st.form_submit_button("Keep it", icon=":material/bookmark_add:") and name.strip():
            collection.now.save_classifier(name, made)
            st.rerun()
    packed = made.packed()
    st.download_button(
        f"Download it, {size(len(packed))}",
        packed,
        "classifier.npz",
        icon=":material/download:",
        key="classifier.file",
        on_click="ignore",
        help="Runs with `sharedspace classify --classifier FILE`, with the API, and with plain numpy",
    )
    st.caption("**docs/classify\\_with\\_numpy.py** runs it on exported vectors with nothing but numpy.")


def _kept(collection: Collection) -> None:
    saved = list(collection.saved("classifier"))
    with st.popover("Bring one from a file", icon=":material/upload_file:"):
        file = st.file_uploader("A classifier of this model", type=["npz"], key="classifier.upload")
        if file is not None and st.button("Keep it here", icon=":material/add:", key="classifier.take"):
            with errors(stop=False):
                _bring(collection, file.name, file.getvalue())
                st.rerun()
    for place, name in enumerate(saved):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(plain(name), width="stretch")
            st.button(
                "Apply",
                key=f"classifier.apply.{place}",
                icon=":material/play_arrow:",
                help=f"Write its answers into the field {plain(name)}",
                on_click=_apply,
                args=(collection, name),
            )
            st.button(
                "",
                key=f"classifier.forget.{place}",
                icon=":material/delete:",
                type="tertiary",
                help="Forget this classifier",
                on_click=labelling.forget,
                args=(collection, "classifier", name),
            )


def _bring(collection: Collection, name: str, data: bytes) -> None:
    found: Classifier = files.unpack(data, name)
    stem = name.rsplit(".", 1)[0].strip()
    if not stem:
        raise BadInput("The file has no name to keep it under: give it one.")
    collection.now.save_classifier(stem[:80], found)


@guarded
def _apply(collection: Collection, name: str) -> None:
    now = collection.now
    result = now.apply(now.saved_classifier(name))
    values = dict(zip(result.ids, map(joined, result.answers), strict=True))
    before = now.give(name, values)
    state.did(Undo(f"wrote {name}", "give", result.ids, name, before, values))
