"""Lesson 4, the second half: what the temperature, a caption that is there twice, and the sigmoid do to the loss."""

from __future__ import annotations

import numpy as np
import streamlit as st

from sharedspace.lessons import grid
from sharedspace.plots import grid as plots
from sharedspace.pocket import losses
from sharedspace.ui.learning.grid_batch import Batch
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.vectors import sigmoid

FALLS, STAYS, RISES = "it falls", "it stays the same", "it rises"
SAME = 0.0005  # a change that three digits do not show
SCALES = np.linspace(0, 100, 101)
PAPER = -10.0  # the bias that SigLIP's training begins with (Zhai et al. 2023)


def temperature(sheet: Sheet, batch: Batch, cosines: np.ndarray, scale: float) -> None:
    """Predict what twice the temperature does to the loss, then move it; after that the other two."""
    sheet.head("The temperature")
    guess = sheet.predict(
        "temperature",
        f"The temperature is doubled: the logit scale falls from {scale:.1f} to {scale / 2:.1f}, and the cosines stay. "
        "What happens to the loss?",
        (FALLS, STAYS, RISES),
        batch.subject,
    )
    if guess is None:
        return
    before, after = grid.info_nce(cosines, scale), grid.info_nce(cosines, scale / 2)
    change = after - before
    best = SCALES[grid.over_scales(cosines, SCALES).argmin()]
    sheet.settle(
        guess,
        STAYS if abs(change) < SAME else RISES if change > 0 else FALLS,
        f"From {before:.3f} to {after:.3f}. On this batch the loss {_least(float(best))}. "
        "Training looks for that balance over all batches: a hot softmax is never sure, a cold one pays dearly for "
        "each mistake.",
    )
    _temperature(sheet, cosines, scale)
    _twice(sheet, batch, cosines, scale)
    _sigmoid(sheet, batch, cosines, scale)


def _least(best: float) -> str:
    """Where the loss is least: within the scales that were tried, or at one of their ends."""
    if best == SCALES[-1]:
        return f"still falls at a logit scale of {best:.0f}, the highest one tried"
    return f"is least near a logit scale of {best:.0f}" if best else "is least at 0: here the model had better guess"


@st.fragment
def _temperature(sheet: Sheet, cosines: np.ndarray, scale: float) -> None:
    with sheet.part("temperature"):
        at = float(
            st.slider(
                "Logit scale (1 / temperature)", 0.0, 100.0, float(round(scale, 1)), 0.5, "%.1f", key="grid.scale"
            )
        )
        curve, loss, guess = grid.over_scales(cosines, SCALES), grid.info_nce(cosines, at), grid.guessing(len(cosines))
        own = np.diag(grid.by_row(cosines, at).probabilities).mean()
        said = (
            f"At a logit scale of {at:.1f} the loss is {loss:.3f}, and a picture's own caption gets {own:.0%} on "
            f"average; at 0 all captions are equal, and the loss is ln {len(cosines)} = {guess:.3f}."
        )
        sheet.figure(plots.over_scale(SCALES, curve, at, loss, guess, scale), "scale", said)
        sheet.note(said)
        sheet.code(f"scales = np.linspace(0, 100, 11)\nscales, grid.over_scales(cosines, scales), "
                   f"grid.info_nce(cosines, {at})")  # fmt: skip


def _twice(sheet: Sheet, batch: Batch, cosines: np.ndarray, scale: float) -> None:
    """Let picture 2 have the caption of picture 1, which makes a right answer count as wrong."""
    sheet.head("The same caption twice")
    twin = cosines.copy()
    twin[:, 1] = cosines[:, 0]
    captions = (batch.captions[0], *batch.captions[:1], *batch.captions[2:])
    before, after, least = grid.info_nce(cosines, scale), grid.info_nce(twin, scale), grid.floor(captions)
    sheet.say(
        f"In a batch out of the web two pictures may have one caption. Give picture 2 the caption of picture 1: the "
        f"loss goes from {before:.3f} to **{after:.3f}**. Two columns of the grid are then equal, so no model, however "
        f"good, comes under 2 ln 2 / N = {2 * np.log(2) / len(cosines):.3f} here: the loss takes a right pair for a "
        f"wrong one (a *false negative*)."
    )
    already = grid.floor(batch.captions)
    if already:
        sheet.note(f"Your captions hold equal ones already: their least loss is {already:.3f}; then {least:.3f}.")
    sheet.code(
        "twice = cosines.copy()\ntwice[:, 1] = cosines[:, 0]  # picture 2 gets the caption of picture 1\n"
        "grid.info_nce(cosines, scale), grid.info_nce(twice, scale)"
    )


@st.fragment
def _sigmoid(sheet: Sheet, batch: Batch, cosines: np.ndarray, scale: float) -> None:
    with sheet.part("sigmoid"):
        sheet.head("Each pair alone: SigLIP")
        given = sheet.collection.info.space.logit_bias
        sheet.say(
            "SigLIP asks of each of the N × N pairs alone whether it belongs together: no softmax, so no pair waits "
            "for the others, and a caption that is there twice does not take from its own picture's probability. A "
            "bias says how rare it is that a pair belongs together."
        )
        start = PAPER if given is None else float(np.clip(given, -30, 0))
        bias = float(st.slider("Bias", -30.0, 0.0, start, 0.5, "%.1f", key="grid.bias"))
        values = sigmoid(scale * cosines.astype(np.float64) + bias)
        loss, torch = grid.sigmoid_loss(cosines, scale, bias), losses.sigmoid(cosines, scale, bias)
        n = len(cosines)
        right = int((np.diag(values) > 0.5).sum())
        wrong = int((values[~np.eye(n, dtype=bool)] > 0.5).sum())
        said = (
            f"With a bias of {bias:.1f}, {right} of the {n} own pairs are over one half, and {wrong} of the "
            f"{n * (n - 1)} others. The loss is {loss:.4f} (torch: {torch:.4f})."
        )
        figure = plots.grid(values, batch.captions, 0.0, 1.0, ".2f", "probability")
        sheet.figure(figure, "sigmoid", said)
        where = (
            "This model was trained with the softmax: the bias is yours to choose; SigLIP's training begins at −10."
            if given is None
            else f"This model was trained so; its own bias is {given:.2f}."
        )
        sheet.note(f"{said} {where}")
        sheet.code(f"grid.sigmoid_loss(cosines, scale, {bias}), losses.sigmoid(cosines, scale, {bias})")
        end = grid.info_nce(cosines, scale)
        sheet.say(
            f"**To take along.** The loss of this batch is {end:.3f}, {end / grid.guessing(n):.1%} of what guessing "
            f"costs, ln {n}. It sees nothing but the diagonal against its row and its column: what is "
            "not in the batch teaches nothing."
        )
