"""The zero-shot bench: labels and template in, counts, truth and the table out."""

from __future__ import annotations

import numpy as np
import streamlit as st

from sharedspace import zeroshot
from sharedspace.collection import Collection
from sharedspace.plots import bars, heat
from sharedspace.records import Classification
from sharedspace.ui import cache, galleries, state, widgets
from sharedspace.ui.routes import address

NO_TRUTH = "(none)"
MOST_SUGGESTED = 60  # distinct values of a field that make a label set


def suggest(collection: Collection, truth: str | None) -> None:
    """Offer the values of the truth field as labels."""
    if truth is None:
        return
    values = sorted({str(value) for value in collection.column(truth) if value is not None})
    if 2 <= len(values) <= MOST_SUGGESTED:
        st.button(
            f"Take the {len(values)} values of this field as labels",
            on_click=state.set_labels,
            args=(", ".join(values),),
            icon=":material/label:",
        )


def run(collection: Collection, text: str, template: str, temperature: float, truth: str | None) -> None:
    """Classify the collection and show what came out; says what to do while there are no two labels."""
    labels = tuple(zeroshot.parse_labels(text))
    if len(labels) < 2:
        st.info("Type two labels or more. Each becomes a text and a vector; every image gets the label nearest to it.")
        return
    result = cache.classify(collection, labels, template, temperature, truth)
    widgets.unknown_words(collection, [zeroshot.prompts(label, [template])[0] for label in labels])
    best = result.best
    counts: list[int] = np.bincount(best, minlength=len(labels)).tolist()
    if result.truth is None:
        st.plotly_chart(bars.counts(labels, counts), key="bench.counts", alt="Number of images by label")
    else:
        _against_truth(result, counts)
    _table(collection, result)


def _against_truth(result: Classification, counts: list[int]) -> None:
    assert result.truth is not None
    share, n = zeroshot.accuracy(result.labels, result.best, result.truth)
    if share is None:
        st.warning("None of these labels is a value of the truth field, so there is nothing to compare.")
    else:
        st.metric(
            "Accuracy (top-1)", f"{share:.1%}", help=f"Over the {n:,} images whose true value is among the labels"
        )
        st.caption(f"n = {n:,} of {len(result.ids):,} images; guessing would give {1 / len(result.labels):.1%}.")
    left, right = st.columns(2)
    left.plotly_chart(bars.counts(result.labels, counts), key="bench.counts", alt="Number of images by label")
    if share is not None:
        table = zeroshot.confusion(result.labels, result.best, result.truth)
        right.plotly_chart(
            heat.confusion(result.labels, table), key="bench.confusion", alt="Confusion matrix, rows are true"
        )


def _table(collection: Collection, result: Classification) -> None:
    import pandas as pd

    best = result.best
    rows = np.arange(len(best))
    columns = {
        "label": [result.labels[i] for i in best],
        "probability": result.probabilities[rows, best],
        "cosine": result.cosines[rows, best],
    }
    if result.truth is not None:
        columns["truth"] = list(result.truth)
    records = collection.snapshot().records
    table = pd.DataFrame(
        {
            "picture": [address(f"/thumbs/{id}") for id in result.ids],
            **columns,
            "image": [galleries.caption(record) for record in records],
        }
    )
    st.caption("The probability is over these labels only: something is always the likeliest, also when nothing fits.")
    st.dataframe(
        table.sort_values("probability", ascending=True, kind="stable"),
        hide_index=True,
        row_height=52,
        height=520,
        alt="Label and probability of each image, the least certain first",
        column_config={
            "picture": st.column_config.ImageColumn("picture", width="small"),
            "probability": st.column_config.ProgressColumn("probability", min_value=0.0, max_value=1.0, format="%.2f"),
            "cosine": st.column_config.NumberColumn("cosine", format="%.3f"),
        },
    )
    widgets.download(records, "zero_shot", columns)
