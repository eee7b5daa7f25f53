"""Lesson 5: labels as a classifier, and their wording."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from sharedspace import zeroshot
from sharedspace.collection import Collection
from sharedspace.lessons.labels import flips
from sharedspace.lessons.rates import Rate
from sharedspace.records import Classification
from sharedspace.ui import cache, galleries, state, worked
from sharedspace.ui.labelling import Asked
from sharedspace.ui.learning import labels_words, reading
from sharedspace.ui.learning.labels_templates import ALL, templates
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.text import plain
from sharedspace.zeroshot import Label

OWN = "labels of my own"
MOST = 60  # labels of a field that make a set to read at a glance
BANDS = ("under 25%", "25% to 50%", "50% to 75%", "75% to 95%", "95% or more")
ENDS = (0.25, 0.5, 0.75, 0.95)
FLIPS = ("none of them", "up to 1 in 10", "1 in 10 to 1 in 3", "more than 1 in 3")
TWO = ("{}", zeroshot.TEMPLATE)


def show(collection: Collection, sheet: Sheet) -> None:
    """Labels become texts, texts vectors; predict how often the nearest is right, then change the words."""
    sheet.say(
        "Nobody trained a classifier on these pictures. Each label is put into a sentence, the sentence becomes a "
        "vector, and **every picture gets the label whose vector is nearest**: the highest cosine. This is zero-shot "
        "classification (Radford et al. 2021). The words are the whole classifier, so whoever chooses the words "
        "decides."
    )
    trouble = reading.obstacle(collection)
    if trouble:
        sheet.say(trouble)
        return
    asked = _choose(collection)
    if asked is None or not reading.ready(collection, replace(asked, templates=ALL).prompts):
        return
    result = _accuracy(collection, sheet, asked) if asked.truth else _agreement(collection, sheet, asked)
    if result is None or not templates(collection, sheet, asked):
        return
    labels_words.wording(collection, sheet, asked, result)
    labels_words.one_more(collection, sheet, asked)


def _choose(collection: Collection) -> Asked | None:
    """The label set of the lesson: the values of a field, which then are the known answers, or typed ones."""
    found = {name: told for name, told in cache.telling(collection).items() if 2 <= told[0] <= MOST}
    # Words before numbers, captions last, and the most labels first: a harder question says more.
    order = sorted(found, key=lambda name: (name in reading.CAPTIONS, found[name][1], -found[name][0], name))
    options = [*order, OWN]
    if state.value("labels.field") not in (None, *options):
        state.set_value("labels.field", options[0])  # of another collection
    chosen = st.selectbox(
        "Labels: the values of a field, which then are the known answers",
        options,
        key="labels.field",
        bind="query-params",
        persist_state="session",
    )
    if chosen != OWN:
        values = sorted({" ".join(str(value).split()) for value in collection.column(chosen) if value is not None})
        return Asked(tuple(Label(value) for value in values if value), (zeroshot.TEMPLATE,), "one", False, 1.0, chosen)
    text = st.text_area("Labels, one a line", key="labels.own", placeholder="dog\ncat\nhouse", persist_state="session")
    labels = tuple(Label(label.name) for label in zeroshot.parse(text))
    if len(labels) < 2:
        st.info("Type two labels or more, of things that can be seen in these pictures.", icon=":material/label:")
        return None
    return Asked(zeroshot.check(labels, (zeroshot.TEMPLATE,)), (zeroshot.TEMPLATE,), "one", False, 1.0, None)


def _accuracy(collection: Collection, sheet: Sheet, asked: Asked) -> Classification | None:
    """Predict how often the labels are right; then see that, and what is taken for what."""
    names = [label.name for label in asked.labels]
    sheet.head("Words alone")
    column = collection.column(str(asked.truth))
    known = sum(column[row] is not None for row in reading.visible(collection))
    question = (
        f"The {len(names)} labels of **{plain(str(asked.truth))}**, each as “a photo of a …”, on {known:,} pictures: "
        f"how many get their true label? Guessing would give {1 / len(names):.1%}."
    )
    guess = sheet.predict("accuracy", question, BANDS, f"{asked.truth}-{len(names)}")
    if guess is None:
        return None
    result = worked.outcome(collection, asked, ())
    report = zeroshot.report(result)
    if report.top1 is None:
        sheet.settle(guess, None, "No picture that is shown has one of these labels: nothing can be counted.")
        return None
    rate = Rate(round(report.top1 * report.n), report.n)
    band = BANDS[int(np.searchsorted(ENDS, rate.share, side="right"))]
    told = " These pictures cannot tell it from guessing." if rate.holds(1 / len(names)) else ""
    why = f"{rate.words}, where guessing gives {1 / len(names):.1%} (1 of {len(names)} labels).{told}"
    sheet.settle(guess, band, why)
    sheet.code(
        "from sharedspace import zeroshot\n"
        f"labels = {names!r}\n"
        f"result = collection.classify(labels, [{zeroshot.TEMPLATE!r}], truth={asked.truth!r})\n"
        "report = zeroshot.report(result)\n"
        "report.top1, report.n"
    )
    _confusions(collection, sheet, result, report.confusion)
    return result


def _confusions(collection: Collection, sheet: Sheet, result: Classification, matrix: np.ndarray) -> None:
    """The most frequent confusions, and the pictures of the first."""
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    if not wrong.any():
        sheet.say("No picture is called by a wrong label.")
        return
    places = [divmod(int(cell), len(matrix)) for cell in np.argsort(-wrong, axis=None, kind="stable")[:5]]
    places = [(a, b) for a, b in places if wrong[a, b]]
    columns: dict[str, list[object]] = {
        "is": [result.labels[a] for a, _ in places],
        "is called": [result.labels[b] for _, b in places],
        "pictures": [int(wrong[a, b]) for a, b in places],
    }
    a, b = places[0]
    sheet.say(f"{int(wrong.sum()):,} are wrong. The labels that are confused most:")
    sheet.table(columns, "Confusions, the most frequent first")
    rows = [row for row in np.flatnonzero(result.best == b) if (result.truth or ())[row] == result.labels[a]][:8]
    by_id = {record.id: record for record in collection.snapshot().records}
    some = [by_id[result.ids[row]] for row in rows]
    alt = f"Pictures of {result.labels[a]} that are called {result.labels[b]}"
    sheet.pictures(some, "confused", [galleries.caption(record) for record in some], alt)
    sheet.code(
        "wrong = report.confusion - np.diag(np.diag(report.confusion))\n"
        "a, b = np.unravel_index(wrong.argmax(), wrong.shape)\n"
        "report.labels[a], report.labels[b], int(wrong[a, b])"
    )


def _agreement(collection: Collection, sheet: Sheet, asked: Asked) -> Classification | None:
    """Without known answers nothing can be called right; whether the sentence changes the answer can be seen."""
    names = [label.name for label in asked.labels]
    sheet.head("Words alone")
    sheet.say("No field says what is right here, so that no accuracy can be told. How firm the answers are can be.")
    question = (
        f"The {len(names)} labels bare, and then as “a photo of a …”: on how many pictures does the label change?"
    )
    guess = sheet.predict("flips", question, FLIPS, "|".join(names))
    if guess is None:
        return None
    vectors = np.stack([collection.classes(asked.labels, [template]) for template in TWO])
    changed = flips(collection.snapshot().vectors[reading.visible(collection)], vectors)
    rate = Rate(int(changed.sum()), len(changed))
    band = FLIPS[0] if not rate.found else FLIPS[1 + int(np.searchsorted((0.1, 1 / 3), rate.share, side="left"))]
    sheet.settle(guess, band, f"The label changes on {rate.found:,} of {rate.n:,} pictures, {rate.share:.1%}.")
    sheet.code(
        f"labels = {names!r}\n"
        "bare, photo = (collection.classify(labels, [template]) for template in "
        f"{list(TWO)!r})\n"
        "int((bare.best != photo.best).sum()), len(bare.ids)"
    )
    return worked.outcome(collection, asked, ())
