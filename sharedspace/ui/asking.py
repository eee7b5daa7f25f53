"""The query as people build it: words, further parts with weights, filters; the same on every page that asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from sharedspace.collection import Collection
from sharedspace.encoders import MAX_CHARACTERS
from sharedspace.errors import BadInput
from sharedspace.filters import Condition
from sharedspace.questions import MOST, Part, title
from sharedspace.records import Term
from sharedspace.ui import cache, filtering, frame, galleries, state, uploads, widgets
from sharedspace.ui.text import escaped, plain, short

MOST_TOKENS = 100  # of a query that are shown
SHOWN = 12  # queries of the history
TYPES = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif"]

_STYLE = """<style>
.ss-tokens { display: flex; flex-wrap: wrap; gap: 3px; font-size: .8rem; line-height: 1.5; align-items: baseline; }
.ss-tokens span { padding: 0 .4em; border-radius: .35em; background: color-mix(in srgb, currentColor 9%, transparent); }
.ss-tokens span.unknown { text-decoration: underline wavy #D55E00; }
.ss-tokens small { opacity: .7; }
</style>"""


@dataclass(frozen=True)
class Question:
    """What is asked: parts, none where nothing is, and what it is asked of."""

    parts: tuple[Part, ...]
    where: tuple[Condition, ...]
    within: frozenset[str] | None

    def terms(self, collection: Collection) -> tuple[Term, ...]:
        """Its vectors, each text embedded once; raises BadInput, NotFound."""
        return cache.terms(collection, self.parts)


def bar(collection: Collection) -> Question:
    """The query box with what belongs to it, and what is asked by it now."""
    with st.container():  # its own place: what follows does not move, so that the browser need not draw it anew
        return _bar(collection)


def _bar(collection: Collection) -> Question:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="ask"):
        st.text_input(
            "What to look for",
            placeholder="a dog in the snow",
            key="q",
            bind="query-params",
            persist_state="session",
            on_change=state.update,
            kwargs={"picked": None},
            icon=":material/search:",
            label_visibility="collapsed",
        )
        with st.popover(
            "Add",
            icon=":material/add:",
            help="More words, or pictures, for or against",
            on_change="rerun",
            key="ask.add",
        ):
            _more(collection)
        conditions = filtering.conditions()
        count = len(conditions) + (state.get().within is not None)
        with st.popover(
            f"Filter · {count}" if count else "Filter",
            icon=":material/filter_alt:",
            on_change="rerun",
            key="ask.filter",
        ):
            filtering.form(collection)
        with st.popover(
            "Queries", icon=":material/history:", help="Asked before, and saved", on_change="rerun", key="ask.queries"
        ):
            _queries(collection)
    parts = state.parts()
    _tokens(collection, parts)
    _weights(parts)
    filtering.chips(conditions)
    state.remember_query(parts)
    return Question(parts, conditions, state.get().within)


def fresh(question: Question) -> None:
    """Within a fragment: have the whole page run anew where its query is another than the one that was asked."""
    if question.parts != state.parts():
        st.rerun()


# ---- what the model reads ---------------------------------------------------------------------------


def _tokens(collection: Collection, parts: tuple[Part, ...]) -> None:
    """Each text as the tokens that the model sees, how many it takes, and what is cut or unknown."""
    for text in [part.text for part in parts if part.text]:
        tokens = collection.encoder.tokens(text)
        if not tokens.limit:
            continue
        unknown = {word.casefold() for word in tokens.unknown}
        pieces = "".join(
            f'<span class="unknown">{escaped(piece)}</span>' if piece.casefold() in unknown else _piece(piece)
            for piece in tokens.pieces[:MOST_TOKENS]
        )
        count = f"{len(tokens.pieces)} of {tokens.limit} tokens"
        least = "at least " if len(text) > MAX_CHARACTERS else ""  # beyond that nothing was counted
        cut = f", {least}{tokens.cut} more are cut off and not read" if tokens.cut else ""
        st.html(f'{_STYLE}<div class="ss-tokens">{pieces} <small>{count}{cut}</small></div>')
        widgets.unknown_words(collection, [text])


def _piece(piece: str) -> str:
    return f"<span>{escaped(piece)}</span>"


# ---- further parts ----------------------------------------------------------------------------------


def _more(collection: Collection) -> None:
    now = state.get()
    if len(now.also or ()) >= MOST - 1:
        st.info("A query of this many parts is full: take one out first.")
        return
    how = st.segmented_control("Add it", ["for", "against"], default="for", required=True, key="ask.sign")
    weight = 1.0 if how == "for" else -1.0
    with st.form("ask.words", border=False, clear_on_submit=True):
        text = st.text_input("Words", placeholder="at night", key="ask.more", max_chars=1000)
        if st.form_submit_button("Add the words") and text.strip():
            state.add_part(Part(text.strip(), weight=weight))
            st.rerun()
    given = st.chat_input(
        "Paste, drop or choose a picture", key=state.form_key("ask.picture"), accept_file="multiple", file_type=TYPES
    )
    if given is not None:
        with frame.errors(stop=False):
            _take(collection, given, weight)
    if now.selected:
        st.button(
            f"Add the {len(now.selected):,} selected images",
            on_click=_add_selected,
            args=(collection, weight),
            width="stretch",
        )
    if now.picked and now.picked not in now.selected:
        st.button("Add the opened image", on_click=_add_opened, args=(collection, weight), width="stretch")


def _take(collection: Collection, given: Any, weight: float) -> None:
    try:
        for file in given.files:
            vector = collection.embed_picture(uploads.contents(file), file.name)
            state.add_part(Part(vector=tuple(map(float, vector)), name=short(file.name), weight=weight))
    finally:
        uploads.take(given.files)
    if given.text and given.text.strip():
        state.add_part(Part(given.text.strip(), weight=weight))
    state.handed_over()
    st.rerun()


@frame.guarded
def _add_selected(collection: Collection, weight: float) -> None:
    """What is selected at the click, which may be more than when the button was drawn."""
    ids = sorted(state.get().selected)
    if not ids:
        raise BadInput("Nothing is selected: draw around some points, or tick some pictures.")
    state.add_part(collection.like(ids, counted(len(ids)), weight))


@frame.guarded
def _add_opened(collection: Collection, weight: float) -> None:
    picked = state.get().picked
    record = next((record for record in collection.snapshot().records if record.id == picked), None)
    if record is None:
        raise BadInput("No image is open: click one first.")
    state.add_part(Part(images=(record.id,), name=short(galleries.caption(record)), weight=weight))


def counted(n: int) -> str:
    """A number of images in words."""
    return "1 image" if n == 1 else f"{n:,} images"


def _weights(parts: tuple[Part, ...]) -> None:
    """One row a part, with its weight, when there are several, or when the one is no text."""
    now = state.get()
    if not now.also:
        return
    offset = len(parts) - len(now.also)
    reach = max(5.0, *(abs(part.weight) for part in parts))  # an address may give more than the widget would
    with st.container(horizontal=True, gap="small", key="parts"):
        for row, part in enumerate(parts):
            place = row - offset
            key = f"weight-{now.asked}-{row}-{place}"
            with st.container(border=True, horizontal=True, width="content", vertical_alignment="center", gap="small"):
                st.markdown(f"{'**+**' if part.weight > 0 else '**−**'} {plain(part.text or part.name or 'a picture')}")
                st.number_input(
                    f"Weight of {part.text or part.name}",
                    -reach,
                    reach,
                    part.weight,
                    0.25,
                    key=key,
                    on_change=state.weigh_part,
                    args=(place, key),
                    label_visibility="collapsed",
                    width=120,
                    help="Below 0: away from it",
                )
                if place >= 0:
                    st.button(
                        "",
                        key=f"drop-{key}",
                        icon=":material/close:",
                        help="Take it out",
                        type="tertiary",
                        on_click=state.drop_part,
                        args=(place,),
                    )


# ---- queries asked before, and saved ----------------------------------------------------------------


def _queries(collection: Collection) -> None:
    parts, saved = state.parts(), collection.saved("query")
    if parts:
        with st.form("ask.save", border=False, clear_on_submit=True):
            name = st.text_input("Save this query as", title(parts)[:80], key=f"ask.name.{title(parts)}", max_chars=80)
            if st.form_submit_button("Save", icon=":material/bookmark_add:"):
                with frame.errors(stop=False):
                    collection.save_query(name, parts)
                    st.rerun()
    if saved:
        st.caption("Saved: also columns to colour, sort, filter and export by")
        for place, name in enumerate(saved):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.button(
                    plain(name), key=f"ask.saved.{place}", on_click=_ask_saved, args=(collection, name), width="stretch"
                )
                st.button(
                    "",
                    key=f"ask.forget.{place}",
                    icon=":material/delete:",
                    help="Forget it",
                    type="tertiary",
                    on_click=frame.guarded(collection.forget),
                    args=("query", name),
                )
    earlier = [old for old in state.get().history if old != parts][:SHOWN]
    if earlier:
        st.caption("Asked before")
        for place, old in enumerate(earlier):
            st.button(plain(title(old)), key=f"ask.again.{place}", on_click=state.ask, args=(old,), width="stretch")
    if not (parts or saved or earlier):
        st.caption("What you ask is listed here, to be asked again or saved.")


@frame.guarded
def _ask_saved(collection: Collection, name: str) -> None:
    state.ask(collection.saved_query(name))
