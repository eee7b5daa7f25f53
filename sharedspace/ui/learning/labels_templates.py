"""Lesson 5, the sentence around a label: a chart of accuracy by template."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from sharedspace import encoders, zeroshot
from sharedspace.collection import Collection
from sharedspace.lessons.labels import flips, rates
from sharedspace.plots import geometry
from sharedspace.ui import frame, worked
from sharedspace.ui.labelling import Asked
from sharedspace.ui.learning import reading
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.text import plain

ALL = ("{}", zeroshot.TEMPLATE, *zeroshot.TEMPLATES_7)
SPREAD = ("less than 1 point", "1 to 5 points", "5 to 20 points", "20 points or more")
ENDS = (0.01, 0.05, 0.2)


def templates(collection: Collection, sheet: Sheet, asked: Asked) -> bool:
    """Predict how much the sentence matters, then see each template, also one's own; whether it was shown."""
    sheet.head("The sentence around the label")
    what = "right" if asked.truth else "given the label that all nine together give"
    question = (
        f"Nine templates, from the bare label to “a photo of the small …”. Between the best and the worst of them, "
        f"how far apart are the shares of pictures that are {what}?"
    )
    labels = "|".join(label.name for label in asked.labels)
    guess = sheet.predict("templates", question, SPREAD, f"{asked.truth}-{labels}")
    if guess is None:
        return False
    gain = worked.template_gain(collection, replace(asked, templates=ALL))
    if gain is None:
        sheet.settle(guess, None, "These labels have prompts of their own.")
        return False
    alone, _ = rates(gain)
    least, most = min(alone, key=lambda rate: rate.share), max(alone, key=lambda rate: rate.share)
    apart = most.share - least.share
    overlap = least.interval[1] >= most.interval[0]
    told = "their 95% intervals overlap, so it may be chance" if overlap else "their 95% intervals do not overlap"
    right = SPREAD[int(np.searchsorted(ENDS, apart, side="right"))]
    sheet.settle(guess, right, f"{100 * apart:.1f} points, from {least.share:.1%} to {most.share:.1%}: {told}.")
    _chart(collection, sheet, asked)
    return True


@st.fragment
def _chart(collection: Collection, sheet: Sheet, asked: Asked) -> None:
    with frame.errors(stop=False), sheet.part("templates"):
        own = st.text_input(
            "Your own template: one that helps, or one that misleads",
            key="labels.template",
            placeholder="a {} at night",
            persist_state="session",
            help="{} is where the label goes",
        ).strip()
        chosen = tuple(dict.fromkeys((*ALL, own))) if own else ALL
        zeroshot.check(asked.labels, chosen)  # a template without {} is refused, with the way out
        if not reading.ready(collection, replace(asked, templates=chosen).prompts):
            return
        gain = worked.template_gain(collection, replace(asked, templates=chosen))
        if gain is None:
            return
        alone, together = rates(gain)
        names = [*chosen, f"all {len(chosen)} together"] if gain.truth else list(chosen)
        shown = [*alone, together] if gain.truth else list(alone)
        told = ", ".join(f"{name}: {rate.share:.1%}" for name, rate in zip(names, shown, strict=True))
        what = "Accuracy" if gain.truth else "Agreement with all together"
        figure = geometry.rates(
            names,
            [rate.share for rate in shown],
            [rate.interval for rate in shown],
        )
        sheet.figure(figure, "templates", f"{what} by template, n = {gain.n:,}: {told}")
        sheet.note(
            f"{what}, template by template, n = {gain.n:,}, with 95% intervals (Wilson 1927). All are of the same "
            "pictures, so that a difference may be real also where intervals overlap."
        )
        _firm(collection, sheet, asked, chosen)
        _code(sheet, asked, chosen)


def _firm(collection: Collection, sheet: Sheet, asked: Asked, chosen: tuple[str, ...]) -> None:
    """How many pictures get the same label whatever the sentence."""
    vectors = np.stack([collection.classes(asked.labels, [template], remember=False) for template in chosen])
    changed = flips(collection.snapshot().vectors[reading.visible(collection)], vectors)
    said = (
        f"Of {len(changed):,} pictures {int(changed.sum()):,} change their label with at least one of these "
        f"{len(chosen)} sentences."
    )
    if collection.info.space.model in encoders.IN_THE_BOX:
        model = plain(collection.info.space.model)
        said += f" **{model}** was trained with such sentences. Try one that says something else: a red {{}}."
    sheet.say(said + reading.unknown(collection, chosen[-1].replace("{}", "")))


def _code(sheet: Sheet, asked: Asked, chosen: tuple[str, ...]) -> None:
    truth = f", truth={asked.truth!r}" if asked.truth else ""
    sheet.code(
        f"templates = {list(chosen)!r}\n"
        f"each = {{template: collection.classify(labels, [template]{truth}) for template in templates}}\n"
        + (
            "{template: zeroshot.report(one).top1 for template, one in each.items()}"
            if asked.truth
            else "answers = np.stack([one.best for one in each.values()])\n"
            "int((answers != answers[0]).any(axis=0).sum())"
        )
    )
