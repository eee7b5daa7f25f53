"""One image: large, what is known of it, why it was found, which words fit it, what is nearest to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from sharedspace.collection import Collection
from sharedspace.questions import Part
from sharedspace.records import ImageRecord, SearchResult
from sharedspace.ui import cache, galleries, labelling, state, widgets
from sharedspace.ui.gallery.component import Tile
from sharedspace.ui.routes import address
from sharedspace.ui.state import Undo
from sharedspace.ui.telling import guarded
from sharedspace.ui.text import escaped, plain, short

NEAR = 15  # neighbours that are shown and linked
NOTE = "note"  # the given field with what people write on an image
VOCABULARY, ANCHORS, LABELS = "common nouns", "words on the map", "zero-shot labels"


def neighbours(collection: Collection, row: int) -> list[int]:
    """The rows of the images nearest to that of a row, nearest first."""
    result = collection.ask(collection.terms([Part(images=(collection.snapshot().ids[row],))]), NEAR + 1)
    at = {id: place for place, id in enumerate(collection.snapshot().ids)}
    return [at[hit.id] for hit in result.hits if at[hit.id] != row][:NEAR]


def show(collection: Collection, record: ImageRecord, near: Sequence[ImageRecord], result: SearchResult | None) -> None:
    """The image with everything that can be asked of it."""
    words = escaped(galleries.caption(record))
    st.html(
        f'<img class="ss-opened" src="{escaped(address(f"/thumbs/{record.id}"))}" alt="{words}" '
        'style="display:block; max-width:100%; max-height:18rem; border-radius:.5rem">'
    )
    st.markdown(plain(galleries.caption(record)))
    _verbs(collection, record)
    texts = [] if result is None else [term.name for term in result.terms if term.kind == "text"]
    if texts:
        _why(collection, record, texts)
    _words(collection, record)
    _note(collection, record)
    with st.expander("What is known of it", key="detail.facts", icon=":material/info:"):
        widgets.details(record, collection.tags().get(record.id, frozenset()))
        widgets.original(collection, record)
    st.markdown("**Nearest to it**")
    galleries.show([Tile(one.id, words=galleries.caption(one)) for one in near], "near", "5.2rem", "Nearest images")


def beside(collection: Collection, draw: Callable[[], None], result: SearchResult | None = None) -> None:
    """Draw something, and beside it the opened image where there is one, with why it is among the results."""
    galleries.hear("near", collection.snapshot().ids)
    picked = state.get().picked
    rows = [] if picked is None else collection.rows({picked}).tolist()
    if not rows:
        draw()
        return
    left, right = st.columns([5, 3], gap="medium")
    with left:
        draw()
    with right:
        records = collection.snapshot().records
        show(collection, records[rows[0]], [records[row] for row in neighbours(collection, rows[0])], result)


def _verbs(collection: Collection, record: ImageRecord) -> None:
    name, selected = short(galleries.caption(record)), state.get().selected
    inside = record.id in selected
    changed = selected - {record.id} if inside else selected | {record.id}
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Close", icon=":material/arrow_back:", type="tertiary", on_click=state.update, kwargs={"picked": None}
        )
        st.button("More like it", on_click=state.ask, args=([Part(images=(record.id,), name=name)],))
        st.button("Add to the query", on_click=state.add_part, args=(Part(images=(record.id,), name=name),))
        st.button("Unselect" if inside else "Select", on_click=state.select, args=(changed,))


def _note(collection: Collection, record: ImageRecord) -> None:
    """What somebody wrote on the image; it lives with the collection, as the field `note`."""
    now = str(record.meta.get(NOTE, ""))
    with st.expander("Note" if now else "Write a note", key="detail.note", icon=":material/sticky_note_2:"):
        key = f"note.{record.id}.{hash(now)}"  # another session's note shows; what one types is kept till then
        st.text_area("Note", now, key=key, label_visibility="collapsed", height=90, max_chars=4000)
        st.button("Keep the note", icon=":material/check:", on_click=_keep_note, args=(collection, record.id, key))


@guarded
def _keep_note(collection: Collection, id: str, key: str) -> None:
    text = str(state.value(key, "") or "")
    before = collection.now.give(NOTE, {id: text or None})
    state.did(Undo("wrote a note", "give", (id,), NOTE, before, {id: (text.strip() and text) or None}))


def _why(collection: Collection, record: ImageRecord, texts: Sequence[str]) -> None:
    """Which patches and which words made the score; worked out when it is opened."""
    with st.expander("Why this result?", key="detail.why", on_change="rerun", icon=":material/lightbulb:") as why:
        if not why.open:
            return
        text = texts[0] if len(texts) == 1 else st.selectbox("For", list(texts), key="detail.why.text")
        reasons = cache.why(collection, record, str(text))
        widgets.reasons(reasons)


def _words(collection: Collection, record: ImageRecord) -> None:
    """Image to text: which of some texts fit it."""
    with st.expander(
        "Which words fit it?", key="detail.words", on_change="rerun", icon=":material/translate:"
    ) as words:
        if not words.open:
            return
        source = st.segmented_control(
            "Out of", [VOCABULARY, ANCHORS, LABELS], default=VOCABULARY, required=True, key="detail.source"
        )
        texts = _texts(collection, str(source))
        if texts is not None and not texts:
            st.info("There are none yet: put words on the map, or type labels on the page Zero-shot.")
            return
        found = cache.describe(collection, (record.id,), None if texts is None else tuple(texts))
        st.html(widgets.fit_bars(found))
        many = len(collection.vocabulary()) if texts is None else len(texts)
        st.caption(
            f"Cosine, and the share among these {many:,} words at the model's own scale: one is always likeliest."
        )


def _texts(collection: Collection, source: str) -> list[str] | None:
    if source == ANCHORS:
        return collection.anchors()
    if source == LABELS:
        return [label.name for label in labelling.present().labels]
    return None
