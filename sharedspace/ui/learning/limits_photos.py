"""Lesson 8, photographs: what a model says of what it may never have seen, and how sure it sounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sharedspace import chance, images, samples, words
from sharedspace.chance import Baseline
from sharedspace.collection import Collection
from sharedspace.collection.asked import VOCABULARY
from sharedspace.errors import NotFound
from sharedspace.lessons.cannot import photographs
from sharedspace.lessons.cannot.photographs import Told
from sharedspace.ui import galleries, state, uploads, visitors
from sharedspace.ui.learning import limits_kept, reading
from sharedspace.ui.learning.limits_kept import NOUNS
from sharedspace.ui.learning.predicting import Guess
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.text import plain, short
from sharedspace.workspace import SAMPLE

MOST = 60  # photographs
SHOWN = 6  # that are shown with what is said of them
HOW_MANY = ("none", "half of them at most", "more than half")
TWO, FILES, THESE = "two that come along", "files of my own", "pictures of this collection"


@dataclass(frozen=True, eq=False)
class Looked:
    """Photographs, and where they come from."""

    names: tuple[str, ...]
    vectors: np.ndarray  # (n, d)
    pngs: tuple[bytes, ...]  # of the first SHOWN
    rows: tuple[int, ...] = ()  # of the collection, where they are its pictures


def show(collection: Collection, sheet: Sheet) -> None:
    """Photographs beside the pictures that the model knows, or that the collection holds."""
    sheet.head("Photographs")
    model = plain(collection.info.space.model)
    names = collection.vocabulary()
    if len(names) < 2:
        sheet.say(f"**{model}** knows none of the {NOUNS}, so that it has no words to say: choose another collection.")
        return
    known, of = _reference(collection)
    if known is None:
        return
    sheet.say(
        f"**{model}** is shown photographs and chooses among {len(names):,} nouns that it knows. Something is always "
        f"nearest, and gets a probability. Does the cosine say whether it fits? Compared is with {of}."
    )
    looked = _choose(collection, of)
    if looked is None or not looked.names:
        return
    places = _pictures(sheet, looked)
    guess = _predicted(sheet, looked, len(names))
    if guess is None:
        return
    texts = collection.embed([VOCABULARY.replace("{}", name) for name in names], remember=True)
    found = photographs.told(looked.vectors, names, texts, collection.info.space.logit_scale, known)
    under = found.under_line
    sheet.settle(
        guess,
        HOW_MANY[0 if not under.found else 1 if under.found <= under.n / 2 else 2],
        f"The best noun is no match for {under.found} of {under.n}.",
    )
    _said(sheet, places, looked, found, known)
    sheet.say(_meaning(found, known, of, len(names)))
    _code(sheet, looked, "drawings" in of)


def _reference(collection: Collection) -> tuple[Baseline | None, str]:
    """What usual cosines are, and of which pictures; None while the model still reads what that needs."""
    bank = [*words.neutral(), *(VOCABULARY.replace("{}", name) for name in collection.vocabulary())]
    if not reading.ready(collection, bank):
        return None, ""
    drawings = _drawings(collection.info.space.fingerprint, collection)
    if drawings is not None:
        return drawings, "the drawings of the sample set"
    return collection.baseline(), f"the pictures of the collection {plain(collection.info.name)}"


@st.cache_resource(show_spinner="Comparing with the drawings…", max_entries=4)
def _drawings(fingerprint: str, _collection: Collection) -> Baseline | None:
    """The usual cosines of the sample set, where it is of the same space."""
    try:
        sample = samples.load()
    except NotFound:
        return None
    if sample.space.fingerprint != fingerprint:
        return None
    nouns = [VOCABULARY.replace("{}", name) for name in _collection.vocabulary()]
    neutral = _collection.embed(words.neutral(), remember=True)
    return chance.baseline(sample.vectors, neutral, _collection.embed(nouns, remember=True))


def _choose(collection: Collection, of: str) -> Looked | None:
    options = [TWO, FILES]
    if collection.info.name != SAMPLE and "drawings" in of:
        options = [THESE, *options]  # else they would be compared with themselves
    if state.value("limits.photos") not in (None, *options):
        state.set_value("limits.photos", options[0])
    source = st.segmented_control(
        "Photographs", options, default=options[0], required=True, key="limits.photos", persist_state="session"
    )
    if source == THESE:
        rows = limits_kept.sample(collection, MOST)
        snapshot = collection.snapshot()
        shown = tuple(collection.picture(snapshot.records[row]) for row in rows[:SHOWN])
        names = tuple(galleries.caption(snapshot.records[row]) for row in rows)
        return Looked(names, snapshot.vectors[rows], _pngs(shown, names), tuple(rows))
    files = list(photographs.shipped().items()) if source == TWO else _uploaded()
    if source == TWO and not files:
        st.info("scikit-learn, which brings the two photographs, has them no more: upload some.")
    if not files:
        return None
    space = collection.info.space.fingerprint
    vectors = np.stack([_vector(space, data, name, collection) for name, data in files])
    names = tuple(f"{name} ({photographs.CREDITS[name]})" if source == TWO else name for name, _ in files)
    return Looked(names, vectors, _pngs(tuple(data for _, data in files[:SHOWN]), names))


def _uploaded() -> list[tuple[str, bytes]]:
    given = st.file_uploader(
        "Photographs",
        accept_multiple_files=True,
        key="limits.files",
        type=["jpg", "jpeg", "png", "webp"],
        max_upload_size=visitors.largest(),
    )
    return [(file.name, uploads.contents(file)) for file in given[:MOST]]


@st.cache_data(show_spinner="Looking at the photographs…", max_entries=256)
def _vector(fingerprint: str, data: bytes, name: str, _collection: Collection) -> np.ndarray:
    return _collection.embed_picture(data, name)


def _pngs(files: tuple[bytes, ...], names: tuple[str, ...]) -> tuple[bytes, ...]:
    found = []
    for data, name in zip(files, names, strict=False):
        image = images.decode(data, name).image
        image.thumbnail((256, 256))
        found.append(images.png(image))
    return tuple(found)


def _predicted(sheet: Sheet, looked: Looked, nouns: int) -> Guess | None:
    return sheet.predict(
        "photographs",
        f"Each (n = {len(looked.names):,}) gets the nearest of {nouns:,} nouns. Where the cosine even of that one is "
        "under the no-match line, the app says that nothing fits. For how many does it say so?",
        HOW_MANY,
        repr(looked.names),
    )


def _pictures(sheet: Sheet, looked: Looked) -> list[DeltaGenerator]:
    """The first photographs, and a place under each for what is said of it."""
    columns, places = st.columns(3), []
    for at, png in enumerate(looked.pngs):
        with columns[at % 3]:
            sheet.picture(png, f"The photograph {looked.names[at]}", 220)
            places.append(st.container())
    return places


def _said(sheet: Sheet, places: list[DeltaGenerator], looked: Looked, found: Told, known: Baseline) -> None:
    for place, name, best in zip(places, looked.names, found.words, strict=False):
        with place:
            said = "; ".join(f"*{plain(one.text)}* {one.share:.1%}, cosine {one.score:.3f}" for one in best)
            sheet.say(f"{plain(short(name, 70))}: {said}")
    band = known.vocabulary.matching if known.vocabulary is not None else None
    told = f"no-match line {known.line():.3f}" + (
        f"; best words of the pictures it is compared with: {band[0]:.3f} to {band[1]:.3f} (9 in 10)" if band else ""
    )
    sheet.note(f"Usual cosines: {told}. A probability is over all nouns together.")


def _meaning(found: Told, known: Baseline, of: str, nouns: int) -> str:
    """What the cosines of the photographs say, and what to take along."""
    under, low = found.under_line, found.under_band
    said = (
        f"The best noun gets {found.sure:.1%} on average, where {nouns:,} nouns alike would get {1 / nouns:.1%} each. "
        f"Its cosine is under the no-match line, so no match, for {under.found} of {under.n}"
    )
    if known.vocabulary is not None:
        said += f", and lower than with 95% of {of} for {low.found} of {low.n}"
    said += f" ({low.words}). " if low.n >= 10 else ". "
    if under.found > under.n / 2:
        end = "the probability says only which noun is nearest; the no-match line shows that most do not fit."
    elif low.found > low.n / 2:
        end = (
            "the no-match line lets most of them pass, and a probability says only which noun is nearest. That the "
            "cosines are lower than usual is the one hint that these pictures are strange to the model."
        )
    else:
        end = "for most the cosine is as high as where nouns fit: it is no warning, and only you can see what is right."
    return said + f"\n\n**Take along:** {end}"


def _code(sheet: Sheet, looked: Looked, drawings: bool) -> None:
    if looked.rows:
        made = f"vectors = collection.snapshot().vectors[{list(looked.rows)!r}]\n"
    else:
        made = (
            "files = photographs.shipped()  # or files of yours: {name: the bytes of the file}\n"
            "vectors = np.stack([collection.embed_picture(data, name) for name, data in files.items()])\n"
        )
    known = (
        "known = chance.baseline(samples.load().vectors, collection.embed(words.neutral()), texts)\n"
        if drawings
        else "known = collection.baseline()\n"
    )
    sheet.code(
        "from sharedspace import chance, samples, words\n"
        "from sharedspace.lessons.cannot import photographs\n"
        + made
        + "names = collection.vocabulary()\n"
        + f"texts = collection.embed([{VOCABULARY!r}.replace('{{}}', name) for name in names])\n"
        + known
        + "found = photographs.told(vectors, names, texts, collection.info.space.logit_scale, known)\n"
        + "found.words, known.line(), found.under_line.words"
    )
