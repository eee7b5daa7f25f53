"""Lesson 6: the modality gap."""

from __future__ import annotations

import numpy as np

from sharedspace.collection import Collection
from sharedspace.gap import Joint
from sharedspace.lessons.gap import LEAST, At
from sharedspace.plots import geometry
from sharedspace.ui import galleries
from sharedspace.ui.learning import gap_shift, reading
from sharedspace.ui.learning.gap_texts import MOST, Both, choose, joint, swept
from sharedspace.ui.learning.sheet import Sheet

NEAR = ("none or one", "two to four", "five or more")
ENDS = (1.5, 4.5)


def show(collection: Collection, sheet: Sheet) -> None:
    """Two islands in one space; predict what happens when they are pushed together, then push."""
    sheet.say(
        "A model puts pictures and texts into one space, so that a text can find a picture. One might think that a "
        "caption then lies beside its picture. Where do the texts really lie?"
    )
    trouble = reading.obstacle(collection)
    if trouble:
        sheet.say(trouble)
        return
    both = choose(collection)
    if both is None or not reading.ready(collection, both.texts):
        return
    if min(len(both.rows), len(both.texts)) < LEAST:
        sheet.say(
            f"Here are {len(both.rows):,} pictures and {len(both.texts):,} texts; the lesson needs {LEAST} of each. "
            "Choose other texts above, or another collection."
        )
        return
    if _islands(collection, sheet, both):
        gap_shift.shift(collection, sheet, both)


def _islands(collection: Collection, sheet: Sheet, both: Both) -> bool:
    """Predict who the neighbours of a picture are, then see the map; whether it was shown."""
    sheet.head("Who are the neighbours?")
    question = (
        f"{len(both.rows):,} pictures and {len(both.texts):,} texts ({both.source}) in one list. Of the {both.near} "
        "nearest to a picture, how many are texts, on average?"
    )
    guess = sheet.predict("neighbours", question, NEAR, f"{both.source}-{len(both.texts)}")
    if guess is None:
        return False
    raw = swept(collection, both, False)[0]
    mean = raw.texts_near * both.near
    own = ""
    if raw.recall:
        own = f", although {raw.recall[0].rate.share:.1%} of the captions have their own picture as the nearest"
    sheet.settle(
        guess,
        NEAR[int(np.searchsorted(ENDS, mean))],
        f"{mean:.1f} on average, where {raw.texts_expected * both.near:.1f} would be if kind did not matter{own}.",
    )
    plane = joint(collection, both)
    records = [collection.snapshot().records[row] for row in both.rows]
    figure = geometry.islands(plane.images, plane.texts, [galleries.caption(record) for record in records], both.texts)
    sheet.figure(
        figure,
        "islands",
        f"{len(both.rows):,} pictures on the left, {len(both.texts):,} texts on the right: their means are "
        f"{plane.gap:.2f} apart, and {plane.separable:.0%} stand on the side of their kind",
    )
    sheet.note(
        f"A linear view from mean to mean, of {plane.shown:.0%} of the variance; y is the first principal component "
        "of the rest."
    )
    _figures(sheet, plane, raw)
    _code(collection, sheet, both)
    return True


def _figures(sheet: Sheet, plane: Joint, raw: At) -> None:
    rows: list[tuple[str, float | None]] = [
        ("distance of the two means: the gap (at most 2)", plane.gap),
        ("mean cosine of two pictures", plane.image_image),
        ("mean cosine of two texts", plane.text_text),
        ("mean cosine of a picture and any text", plane.image_text),
        ("mean cosine of a picture and its own caption", raw.pair),
        ("share on the side of its kind (0.5 is chance)", plane.separable),
    ]
    known = [(name, value) for name, value in rows if value is not None]
    told = "; ".join(f"{name}: {value:.3f}" for name, value in known)
    sheet.table({"what": [name for name, _ in known], "value": [round(value, 3) for _, value in known]}, told)


def _code(collection: Collection, sheet: Sheet, both: Both) -> None:
    given = "" if both.pairs else f"texts = {list(both.texts)!r}\n"
    sheet.code(
        "from sharedspace import gap\n"
        + reading.code(collection, both.pairs, MOST)
        + given
        + "images, words = collection.snapshot().vectors[rows], collection.embed(texts)\n"
        "plane = gap.joint(images, words)\n"
        "plane.gap, plane.image_image, plane.text_text, plane.image_text, plane.separable"
    )
