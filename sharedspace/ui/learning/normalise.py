"""Lesson 2: why normalise."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import shorten
from typing import Any

import numpy as np
import streamlit as st

from sharedspace import encoders
from sharedspace.collection import Collection
from sharedspace.errors import NotFound
from sharedspace.lessons import normalise
from sharedspace.lessons.normalise import Ranked
from sharedspace.lessons.retrieval import spaced
from sharedspace.plots import vectors as plots
from sharedspace.ui import galleries
from sharedspace.ui.learning import normalise_unit, reading
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.text import plain

MOST, MOST_OF_LARGE = 500, 60  # pictures that are embedded anew: by a model in the box, by another one
BEST = 10
LEAST = 4
NAME = 60  # characters of a caption within a sentence
MEASURES = {"cosine": "Cosine", "dot": "Dot product", "distance": "Euclidean distance"}


@dataclass(frozen=True, eq=False)
class Raw:
    """Pictures of the collection by their rows, and their vectors and the query's as they leave the model."""

    rows: tuple[int, ...]
    vectors: np.ndarray  # (n, d) float32
    query: np.ndarray  # (d,) float32
    words: str


def show(collection: Collection, sheet: Sheet) -> None:
    """One query, three measures; predict what changes, then see it, with and without unit vectors."""
    sheet.say(
        "A model's vectors have a direction and a length. The **dot product** feels both, the **cosine** the direction "
        "alone, and the **Euclidean distance** where the tips lie. Do they find the same pictures?"
    )
    trouble = reading.obstacle(collection)
    if trouble:
        sheet.say(trouble)
        return
    asked = _asked(collection, sheet)
    if asked is None:
        return
    rows, words = asked
    n = len(rows)
    k = min(BEST, n // 2)
    options = (f"all {k}", f"most, but not all {k}", "half of them or fewer")
    guess = sheet.predict(
        "stay",
        f"“{plain(words)}” is asked of {n:,} pictures whose vectors are as the model gives them. How many of the "
        f"{k} best by the cosine are among the {k} nearest by the Euclidean distance?",
        options,
        f"{words}-{n}",
    )
    if guess is None:
        return
    given = _raw(collection, rows, words)
    found = normalise.ranked(given.vectors, given.query)
    stay, by_dot = found.shared("cosine", "distance", k), found.shared("cosine", "dot", k)
    right = options[0] if stay == k else options[2] if stay <= k / 2 else options[1]
    sheet.settle(guess, right, f"{stay} of {k} stay; by the dot product {by_dot} of {k}.")
    _code(collection, sheet, given)
    _norms(sheet, found, given)
    _side_by_side(collection, sheet, given, found, k)
    normalise_unit.stretch(collection, sheet, given.rows, given.vectors, given.query, found)
    normalise_unit.made_unit(sheet, given.vectors, given.query, k)


def _asked(collection: Collection, sheet: Sheet) -> tuple[tuple[int, ...], str] | None:
    """Which pictures are ranked, by their rows, and for what; None, with a sentence, where that cannot be."""
    large = collection.info.space.model not in encoders.IN_THE_BOX
    seen = reading.visible(collection)
    rows = tuple(seen[place] for place in spaced(len(seen), MOST_OF_LARGE if large else MOST).tolist())
    if len(rows) < LEAST:
        sheet.say(
            f"This lesson ranks pictures and needs {LEAST} of them; here are {len(rows)}. Add some on the page "
            "*Images*, or choose another collection."
        )
        return None
    words = st.text_input("What to look for", _first(collection), key="normalise.q", persist_state="session")
    words = " ".join(str(words).split())
    if not words:
        st.info("Type what to look for, in a word or a sentence.")
        return None
    try:
        collection.picture(collection.snapshot().records[rows[0]])
    except NotFound:
        sheet.say("The pictures of this collection are not here, only their vectors, which are unit vectors already.")
        return None
    note = reading.unknown(collection, words)
    if len(rows) < len(seen):
        note += f" Of {len(seen):,} pictures {len(rows):,} are looked at, evenly spaced: each is embedded anew."
    if note:
        st.caption(note.strip())
    return rows, words


def _raw(collection: Collection, rows: tuple[int, ...], words: str) -> Raw:
    """The pictures and the query as the model gives them; raises NotFound where a picture is not here."""
    vectors = _vectors(collection.info.number, collection.snapshot().revision, rows, collection)
    return Raw(rows, vectors, _query(collection.info.space.fingerprint, words, collection), words)


@st.cache_data(show_spinner="Embedding the pictures anew, without scaling them…", max_entries=8)
def _vectors(number: int, revision: int, rows: tuple[int, ...], _collection: Collection) -> np.ndarray:
    records = [_collection.snapshot().records[row] for row in rows]
    return normalise.raw(_collection.encoder, [(_collection.picture(record), record.path) for record in records])


@st.cache_data(show_spinner=False, max_entries=64)
def _query(fingerprint: str, words: str, _collection: Collection) -> Any:
    return _collection.encoder.raw_texts([words])[0]


def _first(collection: Collection) -> str:
    """A query to begin with: a caption of the collection, or a noun that the model knows."""
    _, captions = reading.understood(collection, BEST)
    return captions[-1] if captions else f"a photo of a {next(iter(collection.vocabulary()), 'dog')}"


def _norms(sheet: Sheet, found: Ranked, given: Raw) -> None:
    sheet.head("How long are the vectors?")
    query = float(np.linalg.norm(given.query))
    low, high, spread = found.norms.min(), found.norms.max(), found.norms.std() / found.norms.mean()
    said = (
        f"The vectors of the pictures are {low:.2f} to {high:.2f} long, {spread:.1%} spread around their mean; that of "
        f"the query is {query:.2f} long."
    )
    sheet.figure(plots.norms(found.norms, query), "norms", said)
    sheet.note(f"{said} Training sees cosines only, so nothing in it fixes a length.")


def _side_by_side(collection: Collection, sheet: Sheet, given: Raw, found: Ranked, k: int) -> None:
    sheet.head(f"The {k} best, by each measure")
    records = collection.snapshot().records
    for place, (measure, name) in zip(st.columns(len(MEASURES)), MEASURES.items(), strict=True):
        with place:
            values = getattr(found, measure)
            best = found.places(measure)[:k].tolist()
            sheet.say(f"**{name}**")
            captions = [f"{values[row]:.2f} {galleries.caption(records[given.rows[row]])}" for row in best]
            sheet.pictures([records[given.rows[row]] for row in best], measure, captions, f"The best by {name}")
    gains = found.gains()
    top = found.places("dot")[:k]
    winner = int(top[gains[top].argmax()])
    words = plain(shorten(galleries.caption(records[given.rows[winner]]), NAME, placeholder="…"))
    if gains[winner] > 0:
        sheet.say(
            f"Under the dot product *{words}* climbs most among these, from rank {found.rank('cosine', winner)} to "
            f"{found.rank('dot', winner)}: its vector is {found.norms[winner]:.2f} long, {found.norms.mean():.2f} is "
            "the mean. Length is not likeness."
        )
    else:
        sheet.say("Under the dot product none of these climbs: here the lengths are too even to matter.")


def _code(collection: Collection, sheet: Sheet, given: Raw) -> None:
    large = collection.info.space.model not in encoders.IN_THE_BOX
    sheet.code(
        "from sharedspace.lessons import normalise\n"
        + reading.code(collection, False, MOST_OF_LARGE if large else MOST)
        + "records = [collection.snapshot().records[row] for row in rows]\n"
        "vectors = normalise.raw(collection.encoder, [(collection.picture(one), one.path) for one in records])\n"
        f"query = collection.encoder.raw_texts([{given.words!r}])[0]\n"
        "found = normalise.ranked(vectors, query)\n"
        f"k = {min(BEST, len(given.rows) // 2)}\n"
        'found.norms.min(), found.norms.max(), found.shared("cosine", "dot", k), found.shared("cosine", "distance", k)'
    )
