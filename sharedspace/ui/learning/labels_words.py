"""Lesson 5, the label itself: put in other words, and joined by one that nobody needs."""

from __future__ import annotations

import numpy as np
import streamlit as st

from sharedspace import zeroshot
from sharedspace.collection import Collection
from sharedspace.lessons.labels import reworded, with_one_more
from sharedspace.plots import geometry
from sharedspace.records import Classification, ImageRecord
from sharedspace.ui import frame, galleries, state
from sharedspace.ui.labelling import Asked
from sharedspace.ui.learning import reading
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.text import plain

SHOWN = 8  # pictures, labels of a chart
SAME = "all of them shrink by the same factor"
CHANGES = ("they stay as they are", SAME, "only the nearest label shrinks", "some grow and some shrink")
EXTRA = ("animal", "thing", "sky")  # the first that is no label yet is added


@st.fragment
def wording(collection: Collection, sheet: Sheet, asked: Asked, result: Classification) -> None:
    """One label in other words: what becomes right, and what was."""
    with frame.errors(stop=False), sheet.part("wording"):
        sheet.head("The label itself")
        sheet.say(
            "Put one label in other words: a synonym, its plural, a wider word, another language. Which pictures get "
            "another label?"
        )
        names = [label.name for label in asked.labels]
        if state.value("labels.which") not in (None, *names):
            state.set_value("labels.which", names[0])
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.selectbox("Label", names, key="labels.which", persist_state="session")
            text = st.text_input("In other words", key="labels.words", placeholder="kitten", persist_state="session")
        text = " ".join(text.split())
        if text and text != name:
            _changed(collection, sheet, asked, result, names.index(name), text)


def _changed(collection: Collection, sheet: Sheet, asked: Asked, result: Classification, at: int, text: str) -> None:
    template, name = asked.templates[0], asked.labels[at].name
    by_id = {record.id: row for row, record in enumerate(collection.snapshot().records)}
    images = collection.snapshot().vectors[[by_id[id] for id in result.ids]]
    place = {label: row for row, label in enumerate(result.labels)}
    truth = np.array([-1 if one is None else place.get(one, -1) for one in result.truth or [None] * len(result.ids)])
    vector = collection.embed([template.replace("{}", text)])[0]
    found = reworded(images, collection.classes(asked.labels, asked.templates), truth, at, vector)
    told = reading.unknown(collection, text)
    if asked.truth:
        sheet.say(
            f"With **{plain(text)}** in place of **{plain(name)}**: {len(found.gained):,} pictures become right, "
            f"{len(found.lost):,} become wrong. Accuracy {found.before.share:.1%} before, {found.after.words} "
            f"now.{told}"
        )
    else:
        sheet.say(
            f"With **{plain(text)}** in place of **{plain(name)}** {len(found.changed):,} of {len(images):,} pictures "
            f"get another label; which of the two is right, no field says.{told}"
        )
    moved = [*found.lost, *found.gained, *found.changed]
    rows = list(dict.fromkeys(int(row) for row in moved))[:SHOWN]
    if rows:
        records = [collection.snapshot().records[by_id[result.ids[row]]] for row in rows]
        words = [galleries.caption(record) for record in records]
        sheet.pictures(records, "reworded", words, f"Pictures whose label changes with {text} for {name}")
    sheet.code(
        f"other = [{text!r} if label == {name!r} else label for label in labels]\n"
        f"again = collection.classify(other, [{template!r}])\n"
        f"first = collection.classify(labels, [{template!r}])\n"
        "int((first.best != again.best).sum()), len(again.ids)"
    )


def one_more(collection: Collection, sheet: Sheet, asked: Asked) -> None:
    """One picture's probabilities, and what another label makes of them, predicted first."""
    sheet.head("A probability is over the labels given")
    names = [label.name for label in asked.labels]
    first = next(word for word in (*EXTRA, *map(str, range(len(names) + 1))) if word not in names)
    question = (
        f"A picture has a probability for each of the {len(names)} labels. Now one label more is offered, "
        f"“{plain(first)}”. What happens to the probabilities of the others?"
    )
    guess = sheet.predict("one_more", question, CHANGES)
    if guess is None:
        return
    before, after = _both(collection, asked, _most(collection, asked, first), first)
    factors = after[:-1] / before
    same = float(factors.max() / factors.min() - 1) < 1e-6
    why = (
        "The softmax shares 1 out among the labels it is given: p = exp(scale · cosine) / sum over these labels. One "
        "label more makes the sum larger, for all alike."
    )
    sheet.settle(guess, SAME if same else None, why)
    _shares(collection, sheet, asked, first)


@st.fragment
def _shares(collection: Collection, sheet: Sheet, asked: Asked, first: str) -> None:
    with frame.errors(stop=False), sheet.part("shares"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            record = reading.picture(collection, "labels.picture", "Picture", _most(collection, asked, first))
            extra = st.text_input("One label more", first, key="labels.extra", persist_state="session")
        extra = " ".join(extra.split())
        names = [label.name for label in asked.labels]
        if not extra or extra in names:
            st.info("Type a label that is not among them yet.")
            return
        before, after = _both(collection, asked, record, extra)
        best = np.argsort(-before, kind="stable")[:SHOWN]
        rows = [*(names[at] for at in best), extra]
        old, new = f"{len(names)} labels", f"and {extra}"
        series = {old: [*before[best].tolist(), 0.0], new: [*after[best].tolist(), float(after[-1])]}
        told = ", ".join(f"{name}: {a:.1%} then {b:.1%}" for name, a, b in zip(rows, *series.values(), strict=True))
        picture, chart = st.columns([1, 3], gap="medium")
        with picture:
            sheet.pictures([record], "picture", [galleries.caption(record)], "The picture that is asked about")
        with chart:
            sheet.figure(geometry.shares(rows, series), "shares", f"Probabilities of one picture: {told}")
        sheet.say(
            f"**{plain(extra)}** takes {after[-1]:.1%}; each other label keeps {1 - after[-1]:.4f} of what it had, "
            f"and their order stays.{reading.unknown(collection, extra)}"
        )
        sheet.say(
            "**Take along:** a probability says how the labels compare, never how well the best "
            "of them fits: of labels that all fit badly the probabilities add up to 100% too."
        )
        template = asked.templates[0]
        sheet.code(
            f"more = collection.classify([*labels, {extra!r}], [{template!r}])\n"
            f"row = more.ids.index({record.id!r})\n"
            "dict(zip(more.labels, more.probabilities[row].round(4).tolist()))"
        )


def _both(collection: Collection, asked: Asked, record: ImageRecord, extra: str) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of one picture with the labels, and with one more."""
    vector = collection.snapshot().vectors[collection.rows({record.id})[0]]
    words = collection.classes(asked.labels, asked.templates)
    one = collection.embed([zeroshot.prompts(extra, asked.templates)[0]])[0]
    return with_one_more(words @ vector, float(one @ vector), collection.info.space.logit_scale)


def _most(collection: Collection, asked: Asked, extra: str) -> ImageRecord:
    """The picture on which one label more takes the most: there the others lose what can be seen."""
    rows = reading.visible(collection)
    words = collection.classes((*asked.labels, zeroshot.Label(extra)), asked.templates)
    found = zeroshot.probabilities(collection.snapshot().vectors[rows] @ words.T, collection.info.space.logit_scale)
    return collection.snapshot().records[rows[int(found[:, -1].argmax())]]
