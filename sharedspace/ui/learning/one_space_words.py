"""Lesson 1, the words of a caption, dragged into another order or left out."""

from __future__ import annotations

import numpy as np
import streamlit as st

from sharedspace.collection import Collection
from sharedspace.lessons import one_space
from sharedspace.ui import cache, frame, state
from sharedspace.ui.chips import chips
from sharedspace.ui.learning.one_space_picture import Looked
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.text import plain

KEPT = 8  # arrangements that are listed
ORDER, OMISSION, ALIKE = "another order", "a word left out", "they are within 0.01 of each other"
NEARLY = 0.01


def lengths(collection: Collection, captions: tuple[str, ...]) -> list[float]:
    """How long the captions' vectors are as the model gives them."""
    return _lengths(collection.info.space.fingerprint, captions, collection)


@st.cache_data(show_spinner=False, max_entries=64)
def _lengths(fingerprint: str, captions: tuple[str, ...], _collection: Collection) -> list[float]:
    return [float(length) for length in np.linalg.norm(_collection.encoder.raw_texts(captions), axis=1)]


def matters(collection: Collection, sheet: Sheet, looked: Looked, caption: str) -> bool:
    """Predict whether order or a word matters more, then see what was measured; whether to go on."""
    if len(caption.split()) < 2:
        return True
    sheet.head("Do the order and the words matter?")
    guess = sheet.predict(
        "words",
        f"Take “{plain(caption)}”. What changes its cosine with the picture more, at most: its words in another order, "
        "or one of its words left out?",
        (ORDER, OMISSION, ALIKE),
        looked.key + caption,
    )
    if guess is None:
        return False
    found = _wording(collection.info.space.fingerprint, caption, looked.key, collection, looked.vector)
    order, omission = found.most
    word = plain(found.words[int(np.abs(found.by_omission).argmax())])
    sheet.settle(
        guess,
        ALIKE if abs(order - omission) <= NEARLY else ORDER if order > omission else OMISSION,
        f"{len(found.orders)} random orders changed it by at most {order:.3f}; one word left out by at most "
        f"{omission:.3f}, and that word is **{word}**.",
    )
    sheet.code(
        f"wording = one_space.wording(collection.encoder, {caption!r}, picture)\n"
        "dict(zip(wording.words, wording.by_omission.round(3).tolist())), wording.most"
    )
    return True


@st.cache_data(show_spinner="Trying orders and omissions…", max_entries=64)
def _wording(
    fingerprint: str, caption: str, key: str, _collection: Collection, _vector: np.ndarray
) -> one_space.Wording:
    return one_space.wording(_collection.encoder, caption, _vector)


@st.fragment
def drag(collection: Collection, sheet: Sheet, looked: Looked, captions: tuple[str, ...], best: int) -> None:
    """Move the words of a caption and see its cosine with the picture."""
    with frame.errors(stop=False), sheet.part("words"):
        sheet.head("Drag the words")
        words = st.selectbox("The words of", captions, best, key=f"one_space.words.{looked.key[:16]}")
        sheet.say("Put the words into another order, or leave some out: does the model mind?")
        first = str(words)
        now = " ".join(chips("The caption", first.split(), key=f"one_space-chips-{looked.key[:16]}"))
        if not now:
            st.info("A caption needs a word: put one back with Enter, or drag it up.")
            return
        tried = _tried(looked, first, now)
        values = cache.embed(collection, tuple(tried)) @ looked.vector
        cosine = dict(zip(tried, values.tolist(), strict=True))
        moved = None if now == first else f"{cosine[now] - cosine[first]:+.3f} to the caption"
        st.metric("Cosine with the picture", f"{cosine[now]:.3f}", moved)
        sheet.table(
            {
                "words": list(tried),
                "cosine": [round(cosine[one], 3) for one in tried],
                "change": [round(cosine[one] - cosine[first], 3) for one in tried],
            },
            f"{len(tried)} arrangements of the words; now {cosine[now]:.3f}, as it was {cosine[first]:.3f}",
        )
        _said(sheet, first, cosine)
        sheet.code(
            f"arranged = {list(tried)!r}\n"
            "[(words, round(float(text @ picture), 3)) for words, text in zip(arranged, collection.embed(arranged))]"
        )


def _tried(looked: Looked, first: str, now: str) -> tuple[str, ...]:
    """The caption as it was, and the latest arrangements of its words, the present one last."""
    key = f"one_space.tried.{looked.key[:16]}.{first}"
    before = [one for one in state.value(key, ()) if one != now]
    tried = (*before, now)[-KEPT:] if now != first else tuple(before)
    state.set_value(key, tried)
    return (first, *tried)


def _said(sheet: Sheet, first: str, cosine: dict[str, float]) -> None:
    """What order and leaving out did, as far as the reader has tried both."""
    of_order = [one for one in cosine if one != first and sorted(one.split()) == sorted(first.split())]
    shorter = [one for one in cosine if len(one.split()) < len(first.split())]
    said = []
    for name, tried in (("another order", of_order), ("leaving words out", shorter)):
        if tried:
            most = max(tried, key=lambda one: abs(cosine[one] - cosine[first]))
            said.append(f"{name} by up to {abs(cosine[most] - cosine[first]):.3f} (“{plain(most)}”)")
    if said:
        sheet.say(f"Of what you tried, {' and '.join(said)} changed the cosine.")
    else:
        sheet.note("Nothing was moved yet.")
