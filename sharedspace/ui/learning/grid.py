"""Lesson 4: the batch as a grid, and the loss by hand."""

from __future__ import annotations

import numpy as np
import streamlit as st

from sharedspace.collection import Collection
from sharedspace.lessons import grid
from sharedspace.plots import grid as plots
from sharedspace.pocket import losses
from sharedspace.ui import cache
from sharedspace.ui.learning import grid_loss, reading
from sharedspace.ui.learning.grid_batch import Batch, choose
from sharedspace.ui.learning.sheet import Sheet

LOW, MIDDLE, HIGH = "under a tenth of ln N", "between a tenth of ln N and ln N", "over ln N"


def show(collection: Collection, sheet: Sheet) -> None:
    """N pictures against N captions: predict the loss, see the grid, work the loss out, change the temperature."""
    sheet.say(
        "CLIP learns from a batch of N pictures and their N captions. It compares each picture with each caption, "
        "which makes a grid of N × N cosines. Only the diagonal belongs together. Here is such a batch of yours."
    )
    trouble = reading.obstacle(collection)
    if trouble:
        sheet.say(trouble)
        return
    batch = choose(collection, sheet)
    if batch is None or not reading.ready(collection, batch.captions):
        return
    n, scale = len(batch.captions), collection.info.space.logit_scale
    guess = sheet.predict(
        "loss",
        f"A model that only guesses has the loss ln N = ln {n} = {grid.guessing(n):.2f}. What is the loss of this "
        f"model on this batch, at its own temperature (1 / {scale:.1f})?",
        (LOW, MIDDLE, HIGH),
        batch.subject,
    )
    if guess is None:
        return
    cosines = cosines_of(collection, batch)
    loss = grid.info_nce(cosines, scale)
    share = loss / grid.guessing(n)
    sheet.settle(
        guess,
        LOW if share < 0.1 else MIDDLE if share <= 1 else HIGH,
        f"It is {loss:.3f}, {share:.1%} of ln {n}. How that comes about is worked out below."
        + reading.unknown(collection, " ".join(batch.captions)),
    )
    _code(collection, sheet, batch, scale)
    _grid(sheet, batch, cosines, scale)
    _by_hand(sheet, batch, cosines, scale)
    grid_loss.temperature(sheet, batch, cosines, scale)


def cosines_of(collection: Collection, batch: Batch) -> np.ndarray:
    """The grid (N, N), pictures as rows."""
    return np.asarray(collection.snapshot().vectors[list(batch.rows)] @ cache.embed(collection, batch.captions).T)


VIEWS = ("cosines", "softmax by row", "softmax by column")


def _grid(sheet: Sheet, batch: Batch, cosines: np.ndarray, scale: float) -> None:
    sheet.head("The grid")
    view = st.segmented_control("In the cells", VIEWS, default=VIEWS[0], required=True, key="grid.view")
    own = float(np.mean(np.diag(cosines)))
    other = float(cosines[~np.eye(len(cosines), dtype=bool)].mean())
    if view == VIEWS[0]:
        values, low, high, form = cosines, float(min(cosines.min(), 0)), float(cosines.max()), ".2f"
        said = f"Cosines: {own:.2f} on average on the diagonal, {other:.2f} beside it."
    elif view == VIEWS[1]:
        side = grid.by_row(cosines, scale)
        values, low, high, form = side.probabilities, 0.0, 1.0, ".2f"
        said = (
            "Each row sums to 1: how sure the model is which caption belongs to the picture. Its own caption has "
            f"{np.diag(values).mean():.0%} on average; picture {side.hardest + 1} is the hardest."
        )
    else:
        side = grid.by_column(cosines, scale)
        values, low, high, form = side.probabilities, 0.0, 1.0, ".2f"
        said = (
            "Each column sums to 1: how sure the model is which picture belongs to the caption. Its own picture has "
            f"{np.diag(values).mean():.0%} on average; caption {side.hardest + 1} is the hardest."
        )
    sheet.figure(plots.grid(values, batch.captions, low, high, form, str(view)), "grid", said)
    sheet.note(f"{said} The diagonal has an orange frame.")


def _by_hand(sheet: Sheet, batch: Batch, cosines: np.ndarray, scale: float) -> None:
    sheet.head("The loss by hand")
    rows, columns = grid.by_row(cosines, scale), grid.by_column(cosines, scale)
    loss, torch = grid.info_nce(cosines, scale), losses.info_nce(cosines, scale)
    sheet.say(
        "Multiply the cosines by the logit scale, take the softmax, look at the diagonal only: its **p** should be 1, "
        "and −ln p is what it costs. The mean over the pictures and the mean over the captions are averaged."
    )
    sheet.table(
        {
            "pair": [f"{row + 1} {words}" for row, words in enumerate(batch.captions)],
            "p by row": np.diag(rows.probabilities).round(4).tolist(),
            "−ln p by row": rows.losses.round(4).tolist(),
            "p by column": np.diag(columns.probabilities).round(4).tolist(),
            "−ln p by column": columns.losses.round(4).tolist(),
        },
        f"The loss of each pair; the mean by row is {rows.loss:.4f}, by column {columns.loss:.4f}",
    )
    sheet.say(
        f"By row **{rows.loss:.4f}**, by column **{columns.loss:.4f}**, so the loss is ({rows.loss:.4f} + "
        f"{columns.loss:.4f}) / 2 = **{loss:.4f}**. PyTorch's `cross_entropy` says **{torch:.4f}**; they differ by "
        f"{abs(loss - torch):.0e}."
    )


def _code(collection: Collection, sheet: Sheet, batch: Batch, scale: float) -> None:
    sheet.code(
        "from sharedspace.lessons import grid\n"
        f"ids, captions = {[collection.snapshot().ids[row] for row in batch.rows]!r}, {list(batch.captions)!r}\n"
        "rows = [collection.snapshot().ids.index(id) for id in ids]\n"
        "cosines = collection.snapshot().vectors[rows] @ collection.embed(captions).T  # (N, N)\n"
        "scale = collection.info.space.logit_scale\n"
        "cosines.round(2)"
    )
    sheet.code(
        "# by hand: softmax, the diagonal, -ln, the mean of both directions\n"
        "logits = scale * cosines.astype(np.float64)\n"
        "by_row = -np.log(np.diag(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)))\n"
        "by_column = -np.log(np.diag(np.exp(logits) / np.exp(logits).sum(axis=0, keepdims=True)))\n"
        "from sharedspace.pocket import losses  # the same by torch\n"
        "(by_row.mean() + by_column.mean()) / 2, grid.info_nce(cosines, scale), losses.info_nce(cosines, scale)"
    )
