"""Lesson 1: a picture and three captions in one space."""

from __future__ import annotations

import numpy as np

from sharedspace.collection import Collection
from sharedspace.lessons import one_space
from sharedspace.plots import vectors as plots
from sharedspace.ui import cache
from sharedspace.ui.learning import one_space_words, reading
from sharedspace.ui.learning.one_space_picture import Looked, captions_for, look
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.text import plain

NEAR = 0.8  # a cosine from here on is called near 1
DIMENSIONS = 5  # that are looked at one by one


def show(collection: Collection, sheet: Sheet) -> None:
    """Place a picture and three captions, predict which is nearest, see the vectors."""
    sheet.say(
        "A model of two halves: one turns a picture into a vector, the other a sentence. Both vectors lie in one "
        "space, so that they can be compared. Take a picture, and three sentences about it."
    )
    trouble = reading.obstacle(collection)
    if trouble:
        sheet.say(trouble)
        return
    looked = look(collection, sheet)
    captions = None if looked is None else captions_for(collection, looked)
    if looked is None or captions is None:
        return
    guess = sheet.predict(
        "nearest", "Whose vector is nearest to that of the picture?", captions, looked.key + repr(captions)
    )
    if guess is None:
        return
    texts = cache.embed(collection, captions)
    found = [one_space.cosine(looked.vector, text) for text in texts]
    best = one_space.nearest(looked.vector, texts)
    second = sorted((one.value for one in found), reverse=True)[1]
    sheet.settle(
        guess,
        captions[best],
        f"Its cosine with the picture is {found[best].value:.3f}, {found[best].value - second:.3f} over the next."
        + reading.unknown(collection, " ".join(captions)),
    )
    _code(sheet, looked, captions)
    _cosines(collection, sheet, captions, np.array([one.value for one in found]))
    _vectors(collection, sheet, looked, captions, texts)
    _products(sheet, looked.vector, texts[best], captions[best], found[best])
    if not one_space_words.matters(collection, sheet, looked, captions[best]):
        return
    one_space_words.drag(collection, sheet, looked, captions, best)
    low, high = min(one.value for one in found), found[best].value
    sheet.say(
        f"**To take along.** Pictures and sentences are told by {len(looked.vector)} numbers each, in one space. Here "
        f"the cosines run from {low:.2f} to {high:.2f}{', not near 1 even for the best' if high < NEAR else ''}. Their "
        "order is what search, labels and the map are made of."
    )


def _cosines(collection: Collection, sheet: Sheet, captions: tuple[str, ...], values: np.ndarray) -> None:
    sheet.head("How near is near?")
    line = collection.baseline().line() if cache.line_ready(collection) else None
    said = "; ".join(f"“{words}” {value:.3f}" for words, value in zip(captions, values, strict=True))
    sheet.figure(plots.cosines(captions, values, line), "cosines", f"Cosines with the picture: {said}")
    if line is None:
        sheet.note("What is near in this collection is being worked out: the no-match line comes in a moment.")
        return
    low, high = collection.baseline().band
    sheet.note(
        f"The cosine is −1 to 1. In this collection nine in ten pairs of a caption and a picture lie between {low:.2f} "
        f"and {high:.2f}; from {line:.2f} on a match is better than chance: the no-match line."
    )


def _vectors(
    collection: Collection, sheet: Sheet, looked: Looked, captions: tuple[str, ...], texts: np.ndarray
) -> None:
    sheet.head("The vectors")
    names = ("the picture", *captions)
    rows = np.concatenate([looked.vector[None], texts])
    sheet.figure(
        plots.stripes(rows, names),
        "stripes",
        f"The {rows.shape[1]} numbers of the picture's vector and of each caption's, from {rows.min():.2f} to "
        f"{rows.max():.2f}",
    )
    lengths = [looked.length, *one_space_words.lengths(collection, captions)]
    sheet.table(
        {
            "vector of": list(names),
            "length before": [None if one is None else round(one, 2) for one in lengths],
            "length now": [round(float(np.linalg.norm(row)), 4) for row in rows],
        },
        "Each vector is divided by its length, so that all have length 1",
    )
    sheet.note("Each vector is divided by its length: lesson 2 shows why.")


def _products(sheet: Sheet, picture: np.ndarray, text: np.ndarray, words: str, found: one_space.Cosine) -> None:
    sheet.head("What the cosine is made of")
    rows = found.largest(DIMENSIONS)
    weighed = float(found.products[list(rows)].sum())
    sheet.say(
        f"Multiply the two vectors number by number and add it all up: for “{plain(words)}” that is "
        f"**{found.value:.3f}**, an angle of {found.degrees:.0f}°. The {len(rows)} dimensions that weigh most:"
    )
    sheet.table(
        {
            "dimension": list(rows),
            "picture": [round(float(picture[row]), 3) for row in rows],
            "caption": [round(float(text[row]), 3) for row in rows],
            "product": [round(float(found.products[row]), 4) for row in rows],
        },
        f"The {len(rows)} products of the greatest size, {weighed:z.3f} together, of a cosine of {found.value:.3f}",
    )
    sheet.note(
        f"Together they make {weighed:z.3f} of it; the other {len(picture) - len(rows):,} make the rest. A single "
        "dimension means nothing that has a name: training may turn the axes any way it likes."
    )


def _code(sheet: Sheet, looked: Looked, captions: tuple[str, ...]) -> None:
    sheet.code(
        "from sharedspace.lessons import one_space\n"
        f"{looked.code}\n"
        f"captions = {list(captions)!r}\n"
        "texts = collection.embed(captions)\n"
        "found = [one_space.cosine(picture, text) for text in texts]\n"
        "[(words, round(one.value, 3), round(one.degrees)) for words, one in zip(captions, found)]"
    )
