"""What lessons need of a collection before they can begin: a model that reads texts, captions, a picture to look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from sharedspace import encoders
from sharedspace.collection import Collection
from sharedspace.collection.asked import VOCABULARY
from sharedspace.encoders.own import OWN
from sharedspace.lessons.retrieval import one_of_each, spaced
from sharedspace.records import ImageRecord
from sharedspace.ui import galleries, state
from sharedspace.ui.text import plain
from sharedspace.ui.tidying import finding
from sharedspace.zeroshot import Label

AT_ONCE = 100  # texts that a large model reads while one waits; more are a job
CAPTIONS = ("caption", "text", "description")  # fields that say in words what a picture shows, the first first
CHOICES = 200  # pictures that are offered to be looked at


def obstacle(collection: Collection) -> str:
    """Why no text can be read in the space of a collection, and the way out; nothing where texts can be read."""
    model = collection.info.space.model
    if model.startswith(OWN):
        return (
            "This collection holds vectors that were brought along, and no model is known that reads texts in their "
            "space. This lesson compares pictures with texts: choose another collection, such as the sample set."
        )
    if not encoders.on_disk(model):
        return (
            f"This lesson reads texts with the model of the collection, **{plain(model)}**, which is not on this "
            "machine. Go online once, or choose another collection, such as the sample set."
        )
    return ""


def ready(collection: Collection, texts: Sequence[str]) -> bool:
    """Whether texts are embedded, or so few that they can be now; else a job reads them, with progress."""
    if collection.info.space.model in encoders.IN_THE_BOX or not texts:
        return True
    unread = collection.unread([Label("texts", tuple(texts))], ("{}",))
    return finding.ready(
        collection,
        len(unread) <= AT_ONCE,
        f"Reading {len(unread):,} texts",
        lambda job: collection.now.read(unread, job.step),
        at_once=0,
    )


def nouns(collection: Collection) -> tuple[list[str], np.ndarray] | None:
    """The shipped nouns that the model knows, each in a sentence, and their unit rows; None while they are read."""
    texts = [VOCABULARY.replace("{}", noun) for noun in collection.vocabulary()]
    return (texts, collection.embed(texts, remember=True)) if ready(collection, texts) else None


def visible(collection: Collection) -> list[int]:
    """The rows of the images that are not hidden."""
    mask = collection.mask()
    rows = range(len(collection.snapshot().records))
    return list(rows) if mask is None else [row for row in rows if mask[row]]


def caption_field(collection: Collection) -> str | None:
    """The field that says in words what each picture shows; None where there is none."""
    return next((name for name in CAPTIONS if name in collection.fields()), None)


def captioned(collection: Collection, most: int) -> tuple[list[int], list[str]]:
    """The first image with each different caption, not hidden, and the captions; both empty where there are none."""
    field = caption_field(collection)
    if field is None:
        return [], []
    rows, column = visible(collection), collection.column(field)
    chosen = [rows[place] for place in one_of_each([column[row] for row in rows], most)]
    return chosen, [" ".join(str(column[row]).split()) for row in chosen]


def understood(collection: Collection, most: int) -> tuple[list[int], list[str]]:
    """As `captioned`, but of captions whose every word the model has a token for."""
    rows, captions = captioned(collection, most)
    known = _known(collection.info.space.fingerprint, tuple(captions), collection)
    kept = [place for place, knows in enumerate(known) if knows]
    return [rows[place] for place in kept], [captions[place] for place in kept]


@st.cache_data(show_spinner=False, max_entries=32)
def _known(fingerprint: str, captions: tuple[str, ...], _collection: Collection) -> list[bool]:
    return [not _collection.encoder.tokens(caption).unknown for caption in captions]


def unknown(collection: Collection, text: str) -> str:
    """A sentence on the words that the model has no token for, with a space before it; "" where it has all."""
    words = ", ".join(plain(word) for word in collection.encoder.tokens(text).unknown)
    return f" The model has no token for **{words}**, so it reads nothing there." if words else ""


def code(collection: Collection, captions: bool, most: int) -> str:
    """Python for the `rows` that a lesson looks at: with `captions` those of `captioned`, and the `texts` too."""
    seen = "mask = collection.mask()  # hidden pictures are out\n" + (
        "seen = np.arange(len(collection.snapshot().records)) if mask is None else np.flatnonzero(mask)\n"
    )
    if not captions:
        return (
            f"from sharedspace.lessons.retrieval import spaced\n{seen}rows = seen[spaced(len(seen), {most})].tolist()\n"
        )
    return (
        f"from sharedspace.lessons.retrieval import one_of_each\n{seen}"
        f"captions = collection.column({caption_field(collection)!r})\n"
        f"rows = seen[one_of_each([captions[row] for row in seen], {most})].tolist()\n"
        'texts = [" ".join(str(captions[row]).split()) for row in rows]\n'
    )


def picture(
    collection: Collection, key: str, label: str, first: ImageRecord | None = None, nameless: bool = False
) -> ImageRecord:
    """One picture of the collection by a choice: at first a given one, or the one that is open elsewhere.

    With `nameless` the choices are numbered, where a caption would give away what is asked.
    """
    records = collection.snapshot().records
    rows = visible(collection) or list(range(len(records)))
    some = [records[rows[place]] for place in spaced(len(rows), CHOICES)]
    opened = [record for record in records if record.id == state.get().picked]
    given = [] if first is None else [first]
    by_id: dict[str, ImageRecord] = {record.id: record for record in (*given, *opened, *some)}
    if state.value(key) not in (None, *by_id):
        state.set_value(key, next(iter(by_id)))  # of another collection
    number = {record.id: row for row, record in enumerate(records, start=1)} if nameless else {}
    chosen = st.selectbox(
        label,
        list(by_id),
        key=key,
        format_func=lambda id: f"picture {number[id]:,}" if nameless else galleries.caption(by_id[id]),
    )
    return by_id[str(chosen)]
