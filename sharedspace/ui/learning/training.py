"""Lesson 3: a small CLIP that learns before one's eyes."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from sharedspace.collection import Collection
from sharedspace.lessons.training import MOST, Course, Seen, Settings, compare, reached
from sharedspace.ui.learning import training_live as live
from sharedspace.ui.learning.predicting import Guess
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.learning.training_knobs import before, knobs, present
from sharedspace.ui.learning.training_run import Run
from sharedspace.ui.telling import errors
from sharedspace.ui.text import plain

START = ("0", "1", "ln N, which is 3.47 for N = 32", "N, which is 32")
TEMPERATURE = ("It rises: a softer choice", "It stays within a tenth", "It falls: a sharper choice")
LOSSES = ("InfoNCE", "the sigmoid loss", "no difference that these pictures can show")
BEST = 6  # pictures of an answer


def show(collection: Collection, sheet: Sheet) -> None:
    """Predict, start, watch; compare two losses; ask the trained toy."""
    sheet.say(
        "Here a CLIP of 54,000 weights learns from nothing, on a small world of its own: drawings of 8 things in 4 "
        "colours, with captions like “a red fish”. Your collection takes no part in it. Two encoders make a vector "
        "of each picture and of each caption. Training pulls the N pairs of a batch together, and pushes all other "
        "pairs of the batch apart: the diagonal of the N × N matrix of cosines should stand out."
    )
    start = sheet.predict(
        "start",
        "For each picture of a batch the model says which of the N = 32 captions is its own, with a probability for "
        "each. The loss is -ln of the probability of the right one, on average. With random weights, before anything "
        "is learnt, it is about …",
        START,
    )
    if start is None:
        return
    sharper = sheet.predict(
        "temperature",
        "Cosines are divided by a temperature before the softmax. It begins at 0.07, and is learnt like all weights. "
        "What will training do with it?",
        TEMPERATURE,
    )
    if sharper is None:
        return
    sheet.head("Watch it learn")
    wanted = knobs()
    run = present(wanted)
    live.panel(sheet, run, wanted)
    _code(sheet, run.settings)
    seen = run.seen
    if seen is None or not len(seen.losses):
        st.caption("Press *Start*, or take *One step* after the other.")
        return
    _settle_start(sheet, start, seen)
    if not live.told(seen):
        st.caption(f"The other answer comes after {live.ENOUGH:,} samples.")
        return
    _settle_temperature(sheet, sharper, seen)
    _two_losses(sheet, seen)
    _ask(sheet, run)
    _take_along(sheet, seen)


def _settle_start(sheet: Sheet, guess: Guess, seen: Seen) -> None:
    earlier = before()
    if seen.settings.loss != "InfoNCE" and earlier is not None:
        seen = earlier
    n, first = seen.settings.batch, float(seen.losses[0])
    if seen.settings.loss != "InfoNCE":
        st.caption(f"The first loss, {first:.2f}, is of the sigmoid: with InfoNCE the first answer is told.")
        return
    nearest = int(np.argmin([abs(first - value) for value in (0, 1, math.log(n), n)]))
    sheet.settle(
        guess,
        START[nearest],
        f"The first batch of N = {n} had a loss of {first:.2f}; ln {n} = {math.log(n):.2f}. Random encoders give all "
        f"pictures about one vector, and all captions too, so that all logits of a row are about equal: each caption "
        f"has 1/N, and -ln(1/N) = ln N. The rest, {first - math.log(n):+.2f}, is what differences there are, times "
        f"the logit scale 1/0.07 = 14.3.",
    )


def _settle_temperature(sheet: Sheet, guess: Guess, seen: Seen) -> None:
    first, now = 1 / seen.looks[0].scale, 1 / seen.looks[-1].scale
    right = TEMPERATURE[0 if now > 1.1 * first else 2 if now < 0.9 * first else 1]
    sheet.settle(
        guess,
        right,
        f"It went from {first:.3f} to {now:.3f} in {seen.samples:,} samples, while the held-out accuracy went from "
        f"{seen.looks[0].accuracy:.0%} to {seen.looks[-1].accuracy:.0%}. Where the right caption is clearly nearest, "
        f"a lower temperature makes InfoNCE smaller; where it is not, a higher one does.",
    )


def _two_losses(sheet: Sheet, seen: Seen) -> None:
    sheet.head("Two losses")
    sheet.say(
        "CLIP's InfoNCE asks which of the N captions it is. SigLIP's sigmoid asks of each of the N × N pairs alone "
        "whether it matches; it needs no softmax over the batch."
    )
    guess = sheet.predict(
        "losses",
        f"Both learn from the same {live.ENOUGH:,} samples, in batches of 8, all other knobs as they are. Which "
        "finds the captions of more held-out pictures then?",
        LOSSES,
    )
    if guess is None:
        return
    other = before()
    pair = {one.settings.loss: one for one in (other, seen) if one is not None}
    if other is None or len(pair) < 2 or not _alike(seen.settings, other.settings):
        st.info(
            "Set **N to 8** and start anew; when that training is through, or past "
            f"{live.ENOUGH:,} samples, choose **the other loss** and start anew. Both then stand in the curves.",
            icon=":material/science:",
        )
        return
    if not live.told(other):
        st.caption(f"The training before this one had fewer than {live.ENOUGH:,} samples: start anew with its loss.")
        return
    found = compare(pair["InfoNCE"], pair["sigmoid"], live.ENOUGH)
    right = LOSSES[2] if not found.told else LOSSES[0] if found.first > found.second else LOSSES[1]
    sheet.settle(
        guess,
        right,
        f"After {found.samples:,} samples each, InfoNCE has {found.first:.1%} and the sigmoid {found.second:.1%} of "
        f"{seen.held_out} held-out pictures; differences under {1.96 * found.error:.1%} may be chance of the "
        f"pictures, and another seed gives others. The sigmoid began with b = {pair['sigmoid'].settings.bias:.3g}.",
    )
    sheet.note(
        "The paper's beginning, t' = log 10 and b = -10, suits its batches of 32,768, where one pair in so many "
        "matches. Try the other bias, which suits N: what becomes of accuracy and gap?"
    )


def _alike(one: Settings, other: Settings) -> bool:
    return one.batch == other.batch == 8 and (one.rate, one.seed) == (other.rate, other.seed)


def _ask(sheet: Sheet, run: Run) -> None:
    sheet.head("Ask what you have trained")
    text = st.text_input("A caption of its words", "a red fish", key="training.ask", persist_state="session")
    if run.course is None:
        st.caption("It answers when it is paused or complete.")
        return
    with errors(stop=False):
        _answer(sheet, run.course, text)


def _answer(sheet: Sheet, course: Course, text: str) -> None:
    """The held-out pictures that are nearest to a caption; raises BadInput where the toy does not know a word."""
    from sharedspace.pocket import toy

    st.caption(f"Its {len(toy.WORDS)} words: {', '.join(toy.WORDS)}.")
    images, texts = course.trainer.vectors([text])
    scores = images @ texts[0]  # (256,)
    best = np.argsort(-scores, kind="stable")[:BEST]
    each = len(images) // len(toy.CAPTIONS)
    are = [f"{toy.CAPTIONS[place // each]} {scores[place]:.2f}" for place in best]
    sheet.picture(toy.strip(toy.held_out()[best]), f"Drawings of {', '.join(are)}", width=BEST * 99)
    sheet.note(f"The nearest of {len(images)} held-out pictures to “{plain(text)}”, and the cosine: {', '.join(are)}.")
    sheet.code(
        f"images, texts = trainer.vectors([{text!r}])\n"
        f"best = np.argsort(-images @ texts[0])[:{BEST}]\n"
        f"[toy.CAPTIONS[place // {each}] for place in best]"
    )


def _take_along(sheet: Sheet, seen: Seen) -> None:
    first, now, at = seen.looks[0], seen.looks[-1], reached(seen.looks)
    there = f" It passed 80 % after {at:,} samples." if at is not None else f" It has not passed 80 % in {MOST:,}."
    there = there if at is not None or seen.samples >= MOST else ""
    sheet.head("Take along")
    sheet.say(
        f"By nothing but telling pairs from other pairs it came to find the caption of {now.accuracy:.0%} of "
        f"{seen.held_out} new pictures, among {len(seen.captions)}.{there} The gap between pictures and captions went "
        f"from {first.gap:.2f} to {now.gap:.2f}; lesson 6 looks at that of your collection's model."
    )


def _code(sheet: Sheet, settings: Settings) -> None:
    steps = live.ENOUGH // settings.batch
    bias = f", bias={settings.bias!r}" if settings.loss == "sigmoid" else ""
    sheet.code(
        "from sharedspace.lessons import training\n"
        "from sharedspace.plots import training as plots\n"
        "from sharedspace.pocket import toy\n\n"
        f"trainer = toy.Trainer(batch={settings.batch}, rate={settings.rate!r}, loss={settings.loss!r}, "
        f"seed={settings.seed}{bias})\n"
        "with toy.one_thread():  # quicker than two, which wait for each other\n"
        f"    losses = [trainer.step() for _ in range({steps})]  # {steps * settings.batch:,} samples\n"
        "accuracy, gap, matrix = training.measure(*trainer.vectors())\n"
        'f"loss {losses[0]:.2f} at first, {losses[-1]:.2f} at last; {accuracy:.0%} of {len(toy.held_out())} held-out '
        'pictures; gap {gap:.2f}"'
    )
    sheet.code("plots.matrix(matrix, toy.CAPTIONS)")
