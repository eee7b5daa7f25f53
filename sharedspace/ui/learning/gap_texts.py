"""Lesson 6, the texts that stand beside the pictures, and what is worked out of both, remembered between reruns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from sharedspace import gap
from sharedspace.collection import Collection
from sharedspace.gap import Joint
from sharedspace.lessons.gap import LEAST, NEAREST, At, sweep
from sharedspace.lessons.retrieval import spaced
from sharedspace.ui import cache, state
from sharedspace.ui.learning import reading

CAPTIONS, NOUNS, TYPED = "their captions", "words that describe them", "lines of my own"
MOST = 500  # pictures, and texts, that are looked at


@dataclass(frozen=True)
class Both:
    """Pictures and texts of the lesson; with `pairs` text i is the caption of picture i."""

    source: str
    rows: tuple[int, ...]
    texts: tuple[str, ...]
    pairs: bool

    @property
    def near(self) -> int:
        """How many neighbours of a picture are looked at: of few pictures and texts all."""
        return min(NEAREST, len(self.rows) + len(self.texts) - 1)


def vectors(collection: Collection, both: Both) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows of the pictures and of the texts."""
    return collection.snapshot().vectors[list(both.rows)], cache.embed(collection, both.texts)


def swept(collection: Collection, both: Both, renormalise: bool) -> tuple[At, ...]:
    """What holds at each amount of the shift."""
    now = (collection.info.space.fingerprint, collection.info.number, collection.snapshot().revision)
    return _swept(now, both, renormalise, collection)


@st.cache_data(show_spinner="Shifting the islands…", max_entries=16)
def _swept(now: tuple[Any, ...], both: Both, renormalise: bool, _collection: Collection) -> tuple[At, ...]:
    return sweep(*vectors(_collection, both), both.pairs, renormalise)


def joint(collection: Collection, both: Both) -> Joint:
    """The plane that shows the gap, of the vectors as they are."""
    now = (collection.info.space.fingerprint, collection.info.number, collection.snapshot().revision)
    return _joint(now, both, collection)


@st.cache_data(show_spinner=False, max_entries=16)
def _joint(now: tuple[Any, ...], both: Both, _collection: Collection) -> Joint:
    return gap.joint(*vectors(_collection, both))


def choose(collection: Collection) -> Both | None:
    """Which texts stand beside the pictures; None while they cannot be had."""
    rows, captions = reading.captioned(collection, MOST)
    options = [*([CAPTIONS] if len(captions) >= LEAST else []), NOUNS, TYPED]
    if state.value("gap.texts") not in (None, *options):
        state.set_value("gap.texts", options[0])  # of another collection
    chosen = st.segmented_control(
        "The texts", options, default=options[0], required=True, key="gap.texts", persist_state="session"
    )
    if chosen == CAPTIONS:
        return Both(CAPTIONS, tuple(rows), tuple(captions), True)
    seen = reading.visible(collection)
    some = tuple(seen[place] for place in spaced(len(seen), MOST).tolist())
    if chosen == NOUNS:
        return _nouns(collection, some)
    text = st.text_area("One text a line", key="gap.typed", persist_state="session", placeholder="a red boat\na cat")
    lines = tuple(dict.fromkeys(line for line in map(str.strip, text.split("\n")) if line))[:MOST]
    if len(lines) < LEAST:
        st.info(f"Type {LEAST} lines or more that say what is to be seen in pictures.", icon=":material/notes:")
        return None
    return Both(TYPED, some, lines, False)


def _nouns(collection: Collection, some: tuple[int, ...]) -> Both | None:
    """For each picture the noun of the shipped list that fits it best, each once."""
    nouns = reading.nouns(collection)
    if nouns is None:
        return None
    texts, words = nouns
    best = (collection.snapshot().vectors[list(some)] @ words.T).argmax(axis=1)
    return Both(NOUNS, some, tuple(texts[place] for place in np.unique(best).tolist()), False)
