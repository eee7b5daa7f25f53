"""Lesson 4, its batch: which pictures, and what is said of each."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import streamlit as st

from sharedspace.collection import Collection
from sharedspace.lessons.grid import LEAST, MOST, each_its_own
from sharedspace.ui.learning import reading
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.vectors import top_k

DEFAULT = 6
KNOWN = 500  # captioned pictures that batches are drawn from
ALIKE, ANY = "pictures that are alike", "any pictures"


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures by their rows in the collection, and a caption of each."""

    rows: tuple[int, ...]
    captions: tuple[str, ...]

    @property
    def subject(self) -> str:
        """Names the batch: another one is another question."""
        return hashlib.sha256(repr((self.rows, self.captions)).encode("utf-8", "replace")).hexdigest()[:16]


def choose(collection: Collection, sheet: Sheet) -> Batch | None:
    """The batch that the reader asks for; None, with a sentence, where there are too few pictures or captions."""
    rows, captions = _captioned(collection)
    described = len(rows) < LEAST
    if described:
        rows = reading.visible(collection)[:KNOWN]
    if len(rows) < LEAST:
        sheet.say(
            f"A grid takes {LEAST} pictures or more. Add some on the page *Images*, or choose another collection."
        )
        return None
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    most = min(MOST, len(rows))
    n = most if most == LEAST else left.slider("Pictures, N", LEAST, most, min(DEFAULT, most), key="grid.n")
    kind = middle.selectbox("The batch has", (ALIKE, ANY), key="grid.kind")
    number = int(right.number_input("Batch number: another one draws others", 1, 999, 1, key="grid.batch"))
    chosen = _drawn(collection.snapshot().vectors[rows], n, kind == ALIKE, number)
    picked = tuple(rows[place] for place in chosen)
    first = _nouns(collection, picked) if described else tuple(captions[place] for place in chosen)
    if first is None:
        return None
    if described:
        sheet.note(
            "These pictures have no captions, so each has a noun: the one that fits it best of those that no picture "
            "before it has, says this very model. It marks its own work; write captions of your own for a fair test."
        )
    own = _own(picked, first)
    records = [collection.snapshot().records[row] for row in picked]
    names = [f"{place + 1} {words}" for place, words in enumerate(own)]
    sheet.pictures(
        records, f"batch-{number}-{n}-{kind == ALIKE}", names, f"The batch: {n} pictures with their captions"
    )
    return Batch(picked, own)


def _drawn(vectors: np.ndarray, n: int, alike: bool, seed: int) -> list[int]:
    """Places of n of the unit rows: any, or one with those nearest to it."""
    chance = np.random.default_rng(seed)
    if not alike:
        return sorted(chance.choice(len(vectors), n, replace=False).tolist())
    return sorted(top_k(vectors @ vectors[chance.integers(len(vectors))], n).tolist())


def _captioned(collection: Collection) -> tuple[list[int], list[str]]:
    """Captioned pictures: those whose words the model knows, where there are enough."""
    known = reading.understood(collection, KNOWN)
    return known if len(known[0]) >= LEAST else reading.captioned(collection, KNOWN)


def _own(rows: tuple[int, ...], first: tuple[str, ...]) -> tuple[str, ...]:
    """The captions as the reader has changed them."""
    with st.expander("Write captions of your own", icon=":material/edit:"):
        key = f"grid.captions.{hashlib.sha256(repr(rows).encode()).hexdigest()[:12]}"
        text = st.text_area("A caption a line, in the order of the pictures", "\n".join(first), key=key, height=160)
        lines = [" ".join(line.split()) for line in str(text).split("\n")]
        st.caption(
            "A line that is empty or missing keeps its first caption. The same caption twice is allowed: try it."
        )
    lines += [""] * (len(first) - len(lines))
    return tuple(line or caption for line, caption in zip(lines, first, strict=False))


def _nouns(collection: Collection, rows: tuple[int, ...]) -> tuple[str, ...] | None:
    """For each picture a noun of the shipped list of its own; None while the nouns are being read."""
    nouns = reading.nouns(collection)
    if nouns is None:
        return None
    texts, words = nouns
    return tuple(texts[place] for place in each_its_own(collection.snapshot().vectors[list(rows)] @ words.T))
