"""Buttons that give what is on screen as one HTML file; it is made when one is pressed."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st

from sharedspace import chance, images, zeroshot
from sharedspace.collection import Collection
from sharedspace.errors import BadInput
from sharedspace.home import Home
from sharedspace.plots import theme
from sharedspace.ui import cache, colouring, galleries, state, visitors
from sharedspace.ui.asking import Question
from sharedspace.ui.colouring import Colouring
from sharedspace.ui.handout import explorer as exploring
from sharedspace.ui.handout import page
from sharedspace.ui.handout.explorer import Screen
from sharedspace.ui.learning.blocks import Block, Pictures, Prose
from sharedspace.ui.learning.sheet import Sheet

LABEL = "Save as a page"
ANYWHERE = "which opens anywhere, without this app, a model or a network"
TEMPLATES = (zeroshot.TEMPLATE,)

Values = Callable[[], Mapping[str, str | None]]  # by id


def lesson(sheet: Sheet) -> None:
    """A lesson as far as it was taken."""
    name, one = sheet.collection.info.name, sheet.lesson
    _download(
        sheet.collection,
        one.name.removeprefix("learn_"),
        f"{one.title}: {name}",
        lambda: sheet.blocks,
        _default_screen(sheet.collection),
        f"One HTML file with this lesson as it stands here, {ANYWHERE}. Answer its questions first: the file goes as "
        "far as you went, and whoever opens it predicts anew. The pictures are in it to explore",
        lead=one.lead,
    )


def search(collection: Collection, question: Question, k: int = 12, rate: float | None = None) -> None:
    """A query to go on from: its answers, the map, and what else can be asked."""
    now, default, selected = _present(collection), _default_screen(collection), sorted(state.get().selected)
    terms, where = question.terms(collection) if question.parts else (), (question.where, question.within)

    def screen() -> Screen:
        result = now.ask(terms, k, *where, rate) if terms else None
        return replace(default(), shown=now.mask(*where), selected=selected, asked=result, rate=rate or chance.RATE)

    help = f"One HTML file with these answers and other texts to ask, {ANYWHERE}"
    _download(collection, "search", f"{collection.info.name}: search", tuple, screen, help, folded=False)


def view(
    collection: Collection,
    name: str,
    title: str,
    blocks: Sequence[Block],
    lead: str = "",
    values: Values | None = None,
) -> None:
    """What a page has shown, by `recording.on`, under a sentence in markdown; its map has the colours of `values`."""
    help = f"One HTML file with the pictures and figures on screen, {ANYWHERE}; all pictures are in it to explore"
    screen = _default_screen(collection, [id for one in blocks if isinstance(one, Pictures) for id in one.ids], values)
    _download(collection, name, f"{collection.info.name}: {title}", lambda: blocks, screen, help, lead=lead)


def whole_map(collection: Collection, screen: Screen) -> None:
    """The map that is on screen, to be explored."""
    at_hand = _at_hand(collection)
    _download(
        collection,
        "map",
        f"{collection.info.name}, a map by Shared Space",
        tuple,
        lambda: replace(screen, at_hand=at_hand()),
        f"One HTML file with the map, its pictures and texts to ask, {ANYWHERE}",
        folded=False,
    )


def _download(
    collection: Collection,
    page_name: str,
    title: str,
    blocks: Callable[[], Sequence[Block]],
    screen: Callable[[], Screen],
    help: str,
    *,
    lead: str = "",
    folded: bool = True,
) -> None:
    home = cache.workspace().home
    stem = re.sub(r"[^\w.-]+", "-", f"{collection.info.name}-{page_name}").strip(".-") or page_name

    def made() -> str:
        shown, on_map = blocks(), screen()
        if on_map.shown is not None and not on_map.shown.any():
            return page.write(title, [*shown, Prose("No image passes the filters: there is nothing to explore.")])
        known = partial(home.ledger.texts, collection.info.space)
        found = exploring.explorer(collection, on_map, known, galleries.caption)
        ids = [*found.ids, *(id for one in shown if isinstance(one, Pictures) for id in one.ids)]
        return page.write(title, shown, found, addresses(home, ids), lead, folded)

    st.download_button(
        LABEL,
        made,
        f"{stem}.html",
        "text/html",
        key=f"{page_name}.html",
        icon=":material/draft:",
        type="tertiary",
        on_click="ignore",
        help=help,
    )


def addresses(home: Home, ids: Sequence[str]) -> dict[str, str]:
    """The thumbnails of images as addresses that hold them; an image that has none is left out."""
    files = {id: path for id in ids if (path := home.thumbnail(id)) is not None}
    return {
        id: f"data:{images.media_type(path)};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
        for id, path in files.items()
    }


# ---- the map of a page that shows none --------------------------------------------------------------


def _present(collection: Collection) -> Collection:
    """All of one moment, with the map where there is one; nothing is drawn for a file."""
    return collection.pinned(drawn=collection.is_drawn)


def _default_screen(
    collection: Collection, first: Sequence[str] = (), values: Values | None = None
) -> Callable[[], Screen]:
    """The map as the page Map has it, coloured by the values, else by the field that is chosen there, or the first."""
    fields = [name for name in colouring.choices(collection) if name in collection.fields()]
    chosen = state.value("colour")
    field = chosen if chosen in fields else next(iter(fields), None)
    at_hand = _at_hand(collection)

    def screen() -> Screen:
        now = _present(collection)
        snapshot, laid = exploring.plain_layout(now)
        if values is not None:
            given = values()
            coloured = _coloured([given.get(id) for id in snapshot.ids])
        else:
            coloured = _coloured(now.column(field)) if field else _coloured(None, len(snapshot.ids))
        return Screen(snapshot, laid, coloured, shown=now.mask(), first=first, at_hand=at_hand())

    return screen


def _coloured(values: Sequence[object | None] | None, n: int = 0) -> Colouring:
    if values is None:
        return Colouring(np.zeros(n, dtype=np.uint8), theme.PALETTE[:1])
    codes, names, _ = theme.categories(values)
    return Colouring(codes, theme.PALETTE[: len(names)], tuple(names))


def _at_hand(collection: Collection) -> Callable[[], list[str]]:
    """Texts that the visitor has asked, has on the map, has saved, or has as labels; a guest those of their own."""
    asked = [part.text for parts in (state.parts(), *state.get().history) for part in parts if part.text]
    with suppress(BadInput):  # labels that cannot be read are no texts
        labels = zeroshot.parse(str(state.value("labels", "") or ""))
        asked += [prompt for label in labels for prompt in zeroshot.prompts(label, TEMPLATES)]
    if visitors.guest():
        return lambda: asked

    def texts() -> list[str]:
        saved = [part.text for name in collection.saved("query") for part in collection.saved_query(name) if part.text]
        labels = [label for name in collection.saved("labels") for label in collection.saved_labels(name)[0]]
        prompts = [prompt for label in labels for prompt in zeroshot.prompts(label, TEMPLATES)]
        return [*asked, *collection.anchors(), *saved, *prompts]

    return texts
