"""The labels against known answers: how many are right, which are confused, and the pictures of each confusion."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from sharedspace import zeroshot
from sharedspace.collection import Collection
from sharedspace.plots import bars, heat
from sharedspace.records import Classification, Report
from sharedspace.ui import galleries, state
from sharedspace.ui.figures import figure
from sharedspace.ui.gallery.component import Tile
from sharedspace.ui.labelling import Asked
from sharedspace.ui.text import plain

READABLE = 60  # labels whose matrix can be read
ALL = "any label"


def show(collection: Collection, asked: Asked, result: Classification) -> None:
    """Accuracy with its n, the confusion matrix, precision and recall of each label."""
    if result.truth is None:
        st.info(
            "Choose a metadata field above as the known answers, or bring them from a CSV: then here stands how often "
            "the labels are right. Folders count as a field, **folder**.",
            icon=":material/fact_check:",
        )
        return
    report = zeroshot.report(result)
    if report.top1 is None:
        some = ", ".join(plain(value) for value in list(report.others)[:6])
        st.warning(
            f"None of these labels is a value of **{plain(str(asked.truth))}**, so there is nothing to compare. "
            f"Its values are: {some or 'none'}.",
            icon=":material/rule:",
        )
        return
    _figures(report, len(result.ids))
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _confusion(collection, report, result)
    with right:
        st.markdown("**By label**")
        figure(
            bars.recall_precision(list(report.labels), report.recall, report.precision, report.confusion.sum(axis=1)),
            key="bench.by_label",
            alt="Recall and precision of each label",
        )


def _figures(report: Report, images: int) -> None:
    one, five, recall = st.columns(3)
    one.metric("Top-1 accuracy", _share(report.top1), help=f"The best label is the true one; n = {report.n:,}")
    five.metric(
        f"Top-{min(5, len(report.labels))}",
        _share(report.top5),
        help="The true label is among the best five, or all where there are fewer",
    )
    recall.metric(
        "Mean per-class recall", _share(report.mean_recall), help="Rare labels count as much as frequent ones"
    )
    others = sum(report.others.values())
    more = f"; {others:,} more have another value" if others else ""
    unknown = f", {report.unknown:,} none" if report.unknown else ""
    st.caption(
        f"n = {report.n:,} of {images:,} images whose true value is among the labels{more}{unknown}. "
        f"Guessing would give {1 / len(report.labels):.1%}."
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _confusion(collection: Collection, report: Report, result: Classification) -> None:
    st.markdown("**Confusions** — rows are true, columns given; click a cell to select its images")
    if len(report.labels) <= READABLE:
        figure(
            heat.confusion(report.labels, report.confusion),
            key="bench.confusion",
            alt="Confusion matrix, rows are true",
            on_select=partial(_clicked_cell, result),
            selection_mode="points",
        )
    _choose(collection, report, result)


def _clicked_cell(result: Classification) -> None:
    points = state.value("bench.confusion", {}).get("selection", {}).get("points", [])
    cell = next((point["customdata"] for point in points if point.get("customdata")), None)
    if cell is not None:
        true, given = int(cell[0]), int(cell[1])
        state.set_value("bench.cell", (true, given))
        state.select(cell_ids(result, true, given))


def _choose(collection: Collection, report: Report, result: Classification) -> None:
    """The same by keyboard: which true and which given label, the most frequent confusion at first."""
    names = list(report.labels)
    wrong = report.confusion.copy()
    np.fill_diagonal(wrong, 0)
    clicked = state.value("bench.cell")
    if clicked is not None and max(clicked) < len(names):
        true, given = clicked
    elif wrong.any():
        true, given = map(int, np.unravel_index(wrong.argmax(), wrong.shape))
    else:
        true = given = 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        places = range(len(names))
        is_true = st.selectbox("is", places, true, format_func=names.__getitem__, key=f"bench.true.{true}.{given}")
        is_given = st.selectbox(
            "called", places, given, format_func=names.__getitem__, key=f"bench.given.{true}.{given}"
        )
        ids = cell_ids(result, int(is_true), int(is_given))
        st.button(
            f"Select these {len(ids):,}" if ids else "None of these",
            icon=":material/select_all:",
            disabled=not ids,
            key="bench.cell.select",
            on_click=state.select,
            args=(ids,),
            help="On the map, in galleries and for export",
        )
    _shown(collection, ids)


def cell_ids(result: Classification, true: int, given: int) -> list[str]:
    """The images of one cell of the confusion matrix."""
    name = result.labels[true]
    rows = np.flatnonzero(result.best == given)
    return [result.ids[row] for row in rows if result.truth is not None and result.truth[row] == name]


def _shown(collection: Collection, ids: list[str]) -> None:
    if not ids:
        return
    by_id = {record.id: record for record in collection.snapshot().records}
    galleries.show(
        [Tile(id, words=galleries.caption(by_id[id])) for id in ids[:24]],
        "bench.cell.gallery",
        "5.2rem",
        "Images of this cell",
    )
