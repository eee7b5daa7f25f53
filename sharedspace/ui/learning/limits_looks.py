"""Lesson 8, changed looks: grey, upside down, outlines, inverted, tiny."""

from __future__ import annotations

import numpy as np
import streamlit as st

from sharedspace.collection import Collection
from sharedspace.encoders import IN_THE_BOX
from sharedspace.images import png
from sharedspace.lessons.cannot import choices, looks
from sharedspace.lessons.rates import Rate
from sharedspace.plots import geometry
from sharedspace.ui import frame, galleries
from sharedspace.ui.learning import limits_kept, reading
from sharedspace.ui.learning.limits_kept import Labels
from sharedspace.ui.learning.predicting import Guess
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.text import plain

MOST, MOST_SLOW = 200, 60  # pictures that are looked at, by a model in the box and by another


def show(collection: Collection, sheet: Sheet) -> None:
    """How many labels are right, or stay, in each look."""
    sheet.head("Changed looks")
    sheet.say(
        "A person knows a dog in grey, upside down, or as an outline. A model knows what its training showed. The same "
        "pictures are changed and looked at anew; each gets the nearest label."
    )
    labels = limits_kept.choose(collection, "limits.labels")
    rows = limits_kept.sample(collection, _most(collection))
    if labels is None:
        return
    known = [row for row in rows if labels.truth[row] >= 0]
    rows = known or rows
    if not rows or len(labels.names) < 2:
        sheet.say(
            "This needs pictures and two labels or more. Here are only vectors, or the model knows none of the shipped "
            "nouns: choose another collection, such as the sample set."
        )
        return
    guess = _predicted(sheet, labels, len(rows), bool(known))
    if guess is None:
        return
    found = limits_kept.worked(
        collection,
        ("looks", tuple(collection.snapshot().records[row].id for row in rows)),
        f"Looking at {len(rows)} pictures in {len(looks.LOOKS)} ways",
        lambda report: looks.looked_at(collection.encoder, limits_kept.pictures(collection, rows), report),
        quick=len(rows) <= MOST_SLOW,
    )
    if found is None:
        return
    truth = labels.truth[rows]
    rights = looks.right(found, labels.vectors(collection), truth)
    sheet.settle(guess, *_lowest(looks.rates(rights)))
    _rates(collection, sheet, labels, rows, rights, bool(known))
    _one(collection, sheet, labels, rows)


def _predicted(sheet: Sheet, labels: Labels, n: int, known: bool) -> Guess | None:
    return sheet.predict(
        "looks",
        f"{n} pictures, {len(labels.names):,} labels. In which look do the fewest get "
        f"{'their true label' if known else 'the label that they get as they are'}?",
        [look for look in looks.LOOKS if look != looks.AS_IS],
        labels.source,
    )


def _most(collection: Collection) -> int:
    return MOST if collection.info.space.model in IN_THE_BOX else MOST_SLOW


def _lowest(rates: dict[str, Rate]) -> tuple[str | None, str]:
    """The look with the fewest, None where two have as few, and its figures."""
    changed = {look: rate for look, rate in rates.items() if look != looks.AS_IS}
    order = sorted(changed, key=lambda look: changed[look].share)
    why = f"*{order[0]}*: {changed[order[0]].words}; next comes *{order[1]}* with {changed[order[1]].share:.1%}."
    return (order[0] if changed[order[0]].found < changed[order[1]].found else None), why


def _rates(
    collection: Collection,
    sheet: Sheet,
    labels: Labels,
    rows: list[int],
    rights: dict[str, np.ndarray],
    known: bool,
) -> None:
    rates = looks.rates(rights)
    if not known:
        rates.pop(looks.AS_IS)
    what = "right" if known else "the same as before"
    told = "; ".join(f"{look} {rate.share:.1%}" for look, rate in rates.items())
    sheet.figure(
        geometry.rates(
            list(rates),
            [one.share for one in rates.values()],
            [one.interval for one in rates.values()],
            1 / len(labels.names) if known else None,
        ),
        "looks",
        f"Pictures whose label is {what}: {told}",
    )
    field = f"by the field **{plain(labels.source)}**" if known else "since no field says what is right"
    sheet.note(
        f"Pictures whose nearest of {len(labels.names):,} labels is {what}, {field}: n = {len(rows):,}, 95% intervals "
        "(Wilson 1927)." + (f" Chance is 1 / {len(labels.names)} = {1 / len(labels.names):.1%}." if known else "")
    )
    sheet.table({"look": list(rates), what: [one.words for one in rates.values()]}, told)
    sheet.say(_along(rights, rates, len(labels.names), known))
    _code(collection, sheet, labels, rows, known)


def _code(collection: Collection, sheet: Sheet, labels: Labels, rows: list[int], known: bool) -> None:
    column = f"collection.column({labels.source!r})[row]"
    truth = f'truth = np.array([labels.index(" ".join(str({column}).split())) for row in rows])\n'
    if not known:
        truth = "truth = np.full(len(rows), -1)  # unknown: what counts is what stays\n"
    sheet.code(
        limits_kept.python(collection, rows, _most(collection), labels)
        + labels.python()
        + "from sharedspace.lessons.cannot import looks\n"
        + truth
        + "rights = looks.right(looks.looked_at(collection.encoder, pictures), texts, truth)\n"
        + "{look: rate.words for look, rate in looks.rates(rights).items()}, looks.worse(rights)"
    )


def _along(rights: dict[str, np.ndarray], rates: dict[str, Rate], labels: int, known: bool) -> str:
    """What to take along, of what was measured."""
    if not known:
        low = min(rates, key=lambda look: rates[look].share)
        return (
            f"**Take along:** the label stays least often with *{low}*, {rates[low].words}. Which of the two is right, "
            "no field says here."
        )
    if choices.standing(rates[looks.AS_IS], 1 / labels) != "above chance":
        return (
            "**Take along:** these labels are at chance already as the pictures are, so that a look can spoil nothing."
        )
    worse = looks.worse(rights)
    same = [look for look in rates if look not in worse and look != looks.AS_IS]
    said = f"Fewer are right, by more than chance (McNemar 1947, 5%), with {', '.join(worse)}. " if worse else ""
    kept = f"No such loss can be seen with {', '.join(same)}. " if same else ""
    end = "What training did not show need not be known." if worse else "These changes do this model no harm here."
    return f"**Take along:** {said}{kept}{end}"


@st.fragment
def _one(collection: Collection, sheet: Sheet, labels: Labels, rows: list[int]) -> None:
    """One picture in each look, and what it is called."""
    with frame.errors(stop=False), sheet.part("look"):
        sheet.head("One picture")
        record = reading.picture(collection, "limits.looked", "Picture", collection.snapshot().records[rows[0]])
        row = int(collection.rows({record.id})[0])
        if not limits_kept.has_picture(collection, record.id):
            sheet.say("Of this one there is no picture here, only its vector: choose another.")
            return
        image = limits_kept.pictures(collection, [row])[0]
        found = looks.looked_at(collection.encoder, [image])
        texts = labels.vectors(collection)
        sheet.say(f"**{plain(galleries.caption(record))}**, and what the model calls it:")
        columns = st.columns(3)
        for at, look in enumerate(looks.LOOKS):
            shown = looks.changed(image, look)
            shown.thumbnail((256, 256))
            cosines = (found[look] @ texts.T)[0]
            with columns[at % 3]:
                sheet.picture(png(shown), f"The picture, {look}", 180)
                sheet.say(f"**{look}**: *{plain(labels.names[int(cosines.argmax())])}*, cosine {cosines.max():.3f}")
