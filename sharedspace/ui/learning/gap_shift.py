"""Lesson 6, the two islands pushed together: what changes and what does not; and what the logit scale does."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import streamlit as st

from sharedspace.collection import Collection
from sharedspace.lessons.gap import AMOUNTS, At, lead, shifted, sureness
from sharedspace.plots import geometry
from sharedspace.ui import frame, galleries
from sharedspace.ui.learning import reading
from sharedspace.ui.learning.gap_texts import Both, joint, swept, vectors
from sharedspace.ui.learning.predicting import Guess
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.vectors import softmax

POINTS = 0.05  # of recall: within it retrieval stays
RECALL = ("it falls by more than 5 points", "it stays within 5 points", "it rises by more than 5 points")
DISTANCES = ("none of them changes", "all shrink", "some shrink and some grow")
SAME = 1e-6
SCALES = (1, 3, 10, 30, 100)
SHOWN = 8  # texts of a chart


def shift(collection: Collection, sheet: Sheet, both: Both) -> None:
    """Predict what taking both means away does to retrieval and to distances, then move the slider."""
    sheet.head("Push the islands together")
    sheet.say(
        "Take the mean of the pictures away from each picture, and the mean of the texts from each text: all pictures "
        "move by one and the same step, all texts by another, until both islands have their middle at 0."
    )
    subject = f"{both.source}-{len(both.texts)}"
    retrieval: Guess | None = None
    if both.pairs:
        k = 5 if len(both.rows) > 5 else 1  # as `measure` has it
        question = f"Each caption is asked for its picture. When the gap is closed, what becomes of recall at {k}?"
        retrieval = sheet.predict("recall", question, RECALL, subject)
        if retrieval is None:
            return
    question = "And the distances from each picture to each other picture, while they are only shifted?"
    distances = sheet.predict("distances", question, DISTANCES, subject)
    if distances is None:
        return
    found = swept(collection, both, False)
    raw, centred = found[0], found[-1]
    if retrieval is not None:
        change = centred.recall[-1].rate.share - raw.recall[-1].rate.share
        k = raw.recall[-1].k
        right = RECALL[0] if change < -POINTS else RECALL[2] if change > POINTS else RECALL[1]
        told = (
            f"R@{k} is {raw.recall[-1].rate.words} as the vectors are, and {centred.recall[-1].rate.share:.1%} "
            f"centred; chance is {raw.recall[-1].chance:.1%}."
        )
        sheet.settle(retrieval, right, told)
    sheet.settle(
        distances,
        DISTANCES[0] if centred.moved < SAME else None,
        f"{_moved(centred.moved)} One step for all cancels in every difference: (a − m) − (b − m) = a − b.",
    )
    _slider(collection, sheet, both)
    _temperature(collection, sheet, both)
    kept = ""
    if raw.recall:
        first, last = raw.recall[-1], centred.recall[-1]
        kept = f", and R@{first.k} from {first.rate.share:.1%} to {last.rate.share:.1%}"
    sheet.say(
        f"**Take along:** closing a gap of {raw.gap:.2f} took the mean cosine of a picture and any text from "
        f"{raw.image_text:.2f} to {centred.image_text:z.2f}{kept}. So compare the score of a picture and a text "
        "with other such scores only, not with that of two pictures."
    )


@st.fragment
def _slider(collection: Collection, sheet: Sheet, both: Both) -> None:
    with frame.errors(stop=False), sheet.part("slider"):
        left, right = st.columns([3, 1], gap="large", vertical_alignment="bottom")  # on a phone one below the other
        with left:
            amount = st.select_slider(
                "Amount of its mean that is taken from each kind: 0 is raw, 1 is centred",
                AMOUNTS,
                AMOUNTS[5],
                key="gap.shift",
                persist_state="session",
            )
        with right:
            again = st.toggle("Set all lengths to 1 again", key="gap.unit", persist_state="session")
        found = swept(collection, both, again)
        raw, now, centred = found[0], found[AMOUNTS.index(float(amount))], found[-1]
        _map(collection, sheet, both, float(amount), again)
        _table(sheet, both, raw, now, centred)
        curves = {"gap": [at.gap for at in found], "share of texts among the nearest": [at.texts_near for at in found]}
        if both.pairs:
            curves[f"R@{raw.recall[-1].k}, caption to picture"] = [at.recall[-1].rate.share for at in found]
        told = "; ".join(f"{name} from {values[0]:.2f} to {values[-1]:.2f}" for name, values in curves.items())
        figure = geometry.along(AMOUNTS, curves, float(amount), "amount of the shift")
        sheet.figure(figure, "along", f"Along the shift from raw to centred: {told}")
        sheet.say(_told(found, both.near, again))
        _code(sheet, both, float(amount), again)


def _map(collection: Collection, sheet: Sheet, both: Both, amount: float, again: bool) -> None:
    """The plane of the raw islands, which stays, with what was shifted."""
    plane = joint(collection, both)
    images, texts = vectors(collection, both)
    places = [plane.place(rows) for rows in shifted(images, texts, amount, again)]
    ends = [plane.place(rows) for step in (0.0, 1.0) for rows in shifted(images, texts, step, again)]
    every = np.concatenate(ends)
    bounds = (every.min(axis=0), every.max(axis=0))
    words = [galleries.caption(collection.snapshot().records[row]) for row in both.rows]
    apart = float(np.linalg.norm(places[0].mean(axis=0) - places[1].mean(axis=0)))
    sheet.figure(
        geometry.islands(places[0], places[1], words, both.texts, bounds),
        "shifted",
        f"The same plane with both kinds shifted by {amount:g}: their means are {apart:.2f} apart in it",
    )


def _table(sheet: Sheet, both: Both, raw: At, now: At, centred: At) -> None:
    def column(at: At) -> list[object]:
        shares = [recall.rate.share for recall in at.recall]
        values = [at.gap, at.image_text, at.pair, at.texts_near, *shares, at.moved]
        # + 0.0: what is rounded to -0 is 0
        return [None if value is None else round(value, 6 if value is at.moved else 3) + 0.0 for value in values]

    names: list[object] = [
        "gap: distance of the means",
        "mean cosine of a picture and any text",
        "mean cosine of a picture and its caption",
        f"share of texts among the {both.near} nearest of a picture",
        *(f"R@{one.k}, caption to picture (n = {one.rate.n:,}, chance {one.chance:.3f})" for one in raw.recall),
        "greatest change of a distance between pictures",
    ]
    columns: dict[str, list[object]] = {
        "what": names,
        "raw": column(raw),
        f"now: {now.amount:g}": column(now),
        "centred": column(centred),
    }
    kept = [row for row, value in enumerate(column(raw)) if value is not None]
    shown = {name: [values[row] for row in kept] for name, values in columns.items()}
    sheet.table(
        shown, f"Raw, at {now.amount:g} and centred; the gap is {raw.gap:.2f}, {now.gap:.2f}, {centred.gap:.2f}"
    )


def _told(found: tuple[At, ...], near: int, again: bool) -> str:
    """What to take along of the shift, as it was measured."""
    raw, centred = found[0], found[-1]
    gaps = [at.gap for at in found]
    falls = all(later <= earlier + SAME for earlier, later in pairwise(gaps))
    said = [
        f"The gap goes from {raw.gap:.2f} to {centred.gap:.2f}"
        + (", smaller at every step" if falls and raw.gap > SAME else "")
        + f". Texts among the {near} nearest of a picture: {raw.texts_near:.1%}, then {centred.texts_near:.1%}"
        f" ({raw.texts_expected:.1%} if kind did not matter)."
    ]
    if raw.recall:
        change = 100 * (centred.recall[-1].rate.share - raw.recall[-1].rate.share)
        said.append(
            f"Yet caption to picture, R@{raw.recall[-1].k} differs by {change:+.1f} points only: all pictures "
            "are on one island, and a step for all changes little in who comes first."
            if abs(change) <= 100 * POINTS
            else f"R@{raw.recall[-1].k} differs by {change:+.1f} points."
        )
    if again:
        said.append(
            f"With all lengths set to 1 again distances between pictures do change, by up to {centred.moved:.2f}."
        )
    else:
        said.append(
            f"{_moved(max(at.moved for at in found))} Set all lengths to 1 again, and see whether that stays so."
        )
    return " ".join(said)


def _moved(most: float) -> str:
    if most < SAME:
        return "No distance between two pictures changes by as much as a millionth."
    return f"The greatest change of a distance between two pictures is {most:.4f}."


def _code(sheet: Sheet, both: Both, amount: float, again: bool) -> None:
    sheet.code(
        "from sharedspace.lessons.gap import measure\n"
        f"raw = measure(images, words, 0.0, pairs={both.pairs})\n"
        f"now = measure(images, words, {amount!r}, pairs={both.pairs}, renormalise={again})\n"
        f"centred = measure(images, words, 1.0, pairs={both.pairs}, renormalise={again})\n"
        "[(at.gap, at.texts_near, at.moved, [one.rate.words for one in at.recall]) for at in (raw, now, centred)]"
    )


@st.fragment
def _temperature(collection: Collection, sheet: Sheet, both: Both) -> None:
    """The same cosines at several logit scales: how sure, never who is first."""
    with frame.errors(stop=False), sheet.part("temperature"):
        sheet.head("What the temperature does")
        images, texts = vectors(collection, both)
        cosines, own = images @ texts.T, float(collection.info.space.logit_scale)
        scales = sorted({*map(float, SCALES), own})
        found = sureness(cosines, scales)
        same, n = min(one.same_order for one in found), found[0].n
        at_one, at_own = (next(one.top for one in found if one.scale == scale) for scale in (1.0, own))
        sheet.say(
            f"The best of the {len(texts):,} texts is ahead of the second by a cosine of {lead(cosines):.3f} (median "
            "over pictures). Before the softmax cosines are multiplied by a **logit scale**, 1 / temperature, which "
            f"the model learnt: here {own:.1f}. On average the best text has a probability of {at_one:.1%} at scale 1, "
            f"and {at_own:.1%} at {own:.1f}. The order of all texts is the same at each of {len(scales)} scales for "
            f"{same:,} of {n:,} pictures."
        )
        _one_picture(collection, sheet, both, scales, own)
        sheet.code(
            "from sharedspace.lessons.gap import sureness\n"
            f"[(one.scale, one.top, one.same_order, one.n) for one in sureness(images @ words.T, {scales!r})]"
        )


def _one_picture(collection: Collection, sheet: Sheet, both: Both, scales: list[float], own: float) -> None:
    left, right = st.columns(2, gap="large", vertical_alignment="bottom")
    with left:
        record = reading.picture(collection, "gap.picture", "Picture")
    with right:
        names = {f"{scale:.1f}": scale for scale in scales}
        scale = names[
            st.select_slider("Logit scale", list(names), f"{own:.1f}", key="gap.scale", persist_state="session")
        ]
    vector = collection.snapshot().vectors[collection.rows({record.id})[0]]
    cosines = vectors(collection, both)[1] @ vector
    best = np.argsort(-cosines, kind="stable")[:SHOWN]
    probabilities = softmax(scale * cosines[None].astype(np.float64))[0, best].tolist()
    rows = [f"{cosines[at]:.2f}  {both.texts[at]}" for at in best.tolist()]
    told = ", ".join(f"{name}: {share:.1%}" for name, share in zip(rows, probabilities, strict=True))
    picture, chart = st.columns([1, 3], gap="medium")
    with picture:
        sheet.pictures([record], "picture", [galleries.caption(record)], "The picture whose texts are shown")
    with chart:
        figure = geometry.shares(rows, {f"at {scale:.1f}": probabilities})
        sheet.figure(figure, "scale", f"Texts of one picture with their cosine, at logit scale {scale:.1f}: {told}")
    sheet.note(
        f"Probabilities over the {len(both.texts):,} texts, the best {len(best)} shown; before each its cosine, "
        "which no scale changes."
    )
