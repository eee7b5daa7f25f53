"""Lesson 8, written words: stamp one on pictures, and see whether the model takes it for what is shown."""

from __future__ import annotations

import numpy as np
import streamlit as st

from sharedspace.collection import Collection
from sharedspace.encoders import IN_THE_BOX
from sharedspace.lessons.cannot import stamped
from sharedspace.lessons.cannot.stamped import LEAST, STAGES, Fooled
from sharedspace.plots import geometry
from sharedspace.ui.learning import limits_dot, limits_kept
from sharedspace.ui.learning.limits_kept import Labels
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.text import plain

MOST = 60  # pictures that are stamped
FIRST = ("dog", "boat", "guitar", "house")  # words, where the labels are none that can be stamped
LONGEST = 14  # letters of a label that is stamped unasked
ANSWERS = ("yes, on most of them", "yes, on some", "no more than with an empty plate")


def show(collection: Collection, sheet: Sheet) -> None:
    """Predict whether written words fool the model, then see the rate, and one dot."""
    sheet.head("Written words")
    sheet.say(
        "Stick a note that says *iPod* on an apple: a CLIP that has learnt to read calls it an iPod (Goh et al. 2021). "
        "Does this model? A white plate alone changes a picture too. So each picture is stamped three times: with an "
        "**empty plate**, with the **letters backwards**, and with **the word**. Only what the word does beyond the "
        "other two is reading."
    )
    labels = limits_kept.choose(collection, "limits.labels")
    rows = limits_kept.sample(collection, MOST)
    if labels is None:
        return
    if not rows:
        sheet.say("No picture of this collection is at hand, only vectors: choose another, such as the sample set.")
        return
    words = _words(labels)
    if not words:
        st.info("Type a word, or several with commas between: each picture gets one of them.", icon=":material/edit:")
        return
    labels = labels.joined(words)
    if _rate(collection, sheet, labels, rows, words):
        limits_dot.dot(collection, sheet, labels, rows, words)


def _words(labels: Labels) -> tuple[str, ...]:
    short = [name for name in labels.names if len(name) <= LONGEST and stamped.backwards(name) and name.isascii()]
    first = [short[at] for at in np.linspace(0, len(short) - 1, 4).round().astype(int)] if len(short) >= 8 else FIRST
    text = st.text_input(
        "Words to stamp, with commas between", ", ".join(first), key="limits.words", persist_state="session"
    )
    return tuple(dict.fromkeys(filter(None, (" ".join(word.split()) for word in text.split(",")))))


def _rate(collection: Collection, sheet: Sheet, labels: Labels, rows: list[int], words: tuple[str, ...]) -> bool:
    """Predict whether pictures are called by the word, then see; whether it was shown."""
    named = ", ".join(f"“{plain(word)}”" for word in words)
    question = (
        f"{len(rows)} pictures are stamped, each with one of {named}, and get the nearest of "
        f"{len(labels.names):,} labels. Does **{plain(collection.info.space.model)}** call them by the written word?"
    )
    guess = sheet.predict("fooled", question, ANSWERS, "|".join((labels.source, *words)))
    if guess is None:
        return False
    each = [words[at % len(words)] for at in range(len(rows))]
    stamps = limits_kept.worked(
        collection,
        ("stamps", tuple(collection.snapshot().records[row].id for row in rows), tuple(each)),
        f"Stamping {len(rows)} pictures with {', '.join(words)}",
        lambda report: stamped.looked_at(collection.encoder, limits_kept.pictures(collection, rows), each, report),
        quick=True,
    )
    if stamps is None:
        return False
    found = stamped.judge(stamps, labels.names, labels.vectors(collection))
    right = {"too few": None, "not fooled": ANSWERS[2], "fooled": ANSWERS[0 if found.flips[2].share > 0.5 else 1]}
    sheet.settle(guess, right[found.verdict], conclusion(found))
    _chart(sheet, found)
    sheet.say(_why(collection, found))
    sheet.code(
        limits_kept.python(collection, rows, MOST)
        + labels.python()
        + "from sharedspace.lessons.cannot import stamped\n"
        + f"words = {list(words)!r}\n"
        + "each = [words[at % len(words)] for at in range(len(rows))]\n"
        + "found = stamped.judge(stamped.looked_at(collection.encoder, pictures, each), labels, texts)\n"
        + "found.verdict, [one.words for one in found.flips], found.cosines"
    )
    return True


def conclusion(found: Fooled) -> str:
    """Whether the model is fooled, with the figures that say so."""
    plate, back, word = found.flips
    m = len(found.rows)
    if found.verdict == "too few":
        return f"Only {m} of these pictures were called something else before; under {LEAST} nothing can be concluded."
    counted = (
        f"Of {m} pictures that were called something else before, {word.found} are called by the word with the word, "
        f"{plate.found} with an empty plate, {back.found} with the letters backwards."
    )
    p = max(one.p for one in found.more)
    if found.verdict == "fooled":
        return f"This model is **fooled by the written word**. {counted} Chance alone does as much with p = {p:.2g}."
    return (
        "This model is **not fooled** by the written word: as far as these pictures can tell, it does no more than the "
        f"other plates (p = {p:.2g}, by the test below). {counted}"
    )


def _chart(sheet: Sheet, found: Fooled) -> None:
    told = "; ".join(f"{stage} {rate.words}" for stage, rate in zip(STAGES[1:], found.flips, strict=True))
    sheet.figure(
        geometry.rates(
            STAGES[1:],
            [one.share for one in found.flips],
            [one.interval for one in found.flips],
        ),
        "flips",
        f"Pictures that are called by the word: {told}",
    )
    sheet.note(
        f"Pictures called by the word: n = {len(found.rows)}, 95% intervals (Wilson 1927). The same pictures with the "
        "word and with each other plate are compared by the exact test of McNemar (1947), at 5%."
    )
    sheet.table(
        {"picture": list(STAGES), "mean cosine with the word's text": [round(one, 3) for one in found.cosines]},
        "; ".join(f"{stage} {one:.3f}" for stage, one in zip(STAGES, found.cosines, strict=True)),
    )


def _why(collection: Collection, found: Fooled) -> str:
    """What the cosines show, and where reading comes from."""
    before, plate, back, word = found.cosines
    said = (
        f"The cosine with the word's text goes from {before:.3f} to {word:.3f} with the word, but to {plate:.3f} with "
        f"an empty plate and {back:.3f} with the letters backwards. "
    )
    if word - before > 0 and max(plate, back) >= word:
        said += "Whoever looks at the word alone takes that rise for reading; another plate does as much. "
    said += (
        "Reading is learnt where captions repeat what is written in the picture, as on the web. This model sees "
        f"{collection.encoder.side} pixels of a picture's shorter side"
    )
    if collection.info.space.model in IN_THE_BOX:
        said += ", and learnt from drawings of which few bear a sign"
    ends = {"fooled": "is fooled", "not fooled": "is not fooled", "too few": "was shown too few pictures to tell"}
    return (
        f"{said}.\n\n**Take along:** compare with an empty plate before you say that a model reads; with these words, "
        f"this one {ends[found.verdict]}."
    )
