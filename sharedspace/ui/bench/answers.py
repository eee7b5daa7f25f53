"""What the labels make of the pictures: how many each gets, which ones, how sure, and what the temperature does."""

from __future__ import annotations

import numpy as np
import streamlit as st

from sharedspace import zeroshot
from sharedspace.collection import Collection
from sharedspace.plots import bars, curves
from sharedspace.records import Classification
from sharedspace.ui import galleries, labelling, state, widgets
from sharedspace.ui.figures import figure
from sharedspace.ui.gallery.component import Tile
from sharedspace.ui.labelling import Asked, joined
from sharedspace.ui.routes import address

EVERY, UNSURE = "every label", "the least certain first"
BARS = 40  # labels that have a bar
PAGE = 24  # pictures of one label that are shown at once
ROWS = 500  # of the table
TEMPERATURES = np.geomspace(0.1, 5, 25)
SAMPLED = 500  # images over which the effect of the temperature is averaged
RANKS = ("best label", "second", "third", "all others")
NO_LABEL = "no label"
GALLERY = "bench.gallery"


def hear(collection: Collection) -> None:
    """Take what was done in the gallery, before the selection is shown."""
    galleries.hear(GALLERY, collection.snapshot().ids)


def show(collection: Collection, asked: Asked, result: Classification) -> None:
    """Counts by label, the pictures of one, and the table."""
    names = list(result.labels)
    called = result.called
    none = int((~called.any(axis=1)).sum())
    counts = [*called.sum(axis=0).tolist(), *([none] if none else [])]
    left, right = st.columns([2, 3], gap="medium")
    with left:
        shown = [*names, *([NO_LABEL] if none else [])]
        _counts(shown, counts)
        with st.expander("What the temperature does", on_change="rerun", key="bench.sharing") as sharing:
            if sharing.open and labelling.uses():
                st.caption("It is that of the words alone: switch off what is used of your clicks to see it.")
            elif sharing.open:
                _sharing(collection, asked, result)
    with right:
        _pictures(collection, result, dict(zip(shown, counts, strict=True)))
    _table(collection, result)


def _counts(names: list[str], counts: list[int]) -> None:
    """The labels with the most images; a bar for each of a thousand takes a browser seconds."""
    if len(names) > BARS:
        first = sorted(range(len(names)), key=lambda place: -counts[place])[: BARS - 1]
        rest = sum(counts) - sum(counts[place] for place in first)
        more = f"{len(names) - len(first):,} other labels"
        names, counts = [*(names[place] for place in first), more], [*(counts[place] for place in first), rest]
    figure(bars.counts(names, counts), key="bench.counts", alt="Number of images by label")


def _pictures(collection: Collection, result: Classification, counts: dict[str, int]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Pictures of", [EVERY, *counts], format_func=lambda name: _counted(name, counts), key="bench.label"
        )
        unsure = st.toggle("least certain first", key="bench.unsure")
    place = {label: at for at, label in enumerate(result.labels)}.get(str(chosen))
    best = result.probabilities.max(axis=1) if place is None else result.probabilities[:, place]
    if place is not None:
        rows = np.flatnonzero(result.called[:, place])
    else:
        rows = np.flatnonzero(~result.called.any(axis=1)) if chosen == NO_LABEL else np.arange(len(best))
    if not len(rows):
        st.info("No image gets this label. The label doctor tells why, and what would.", icon=":material/stethoscope:")
        return
    rows = rows[np.argsort(best[rows] if unsure else -best[rows], kind="stable")]
    given = result.answers if place is None else ()
    space = st.empty()
    number = st.pagination(-(-len(rows) // PAGE), key="bench.page") if len(rows) > PAGE else 1
    by_id = {record.id: record for record in collection.snapshot().records}
    some = rows[(number - 1) * PAGE : number * PAGE]
    with space.container():
        galleries.show(
            [
                Tile(
                    result.ids[row],
                    f"{best[row]:.0%}" if best[row] >= 0.1 else f"{best[row]:.1%}",
                    ", ".join(given[row]) if place is None else galleries.caption(by_id[result.ids[row]]),
                    "" if result.truth is None else f"truth: {result.truth[row] or 'not known'}",
                )
                for row in some
            ],
            GALLERY,
            "6.5rem",
            f"Pictures of {chosen}",
        )
    ids = [result.ids[row] for row in rows]
    st.button(
        f"Select all {len(ids):,}",
        icon=":material/select_all:",
        type="tertiary",
        key="bench.select",
        on_click=state.select,
        args=(ids,),
    )


def _counted(name: str, counts: dict[str, int]) -> str:
    return f"{name} · {counts[name]:,}" if name in counts else name


def _sharing(collection: Collection, asked: Asked, result: Classification) -> None:
    """How the probabilities of an image are shared out at each temperature, on average."""
    rows = np.linspace(0, len(result.ids) - 1, min(len(result.ids), SAMPLED)).round().astype(int)
    scale = collection.info.space.logit_scale
    if asked.mode == "many":
        st.caption("Each label's probability is drawn towards one half as the temperature rises; none competes.")
        return
    shares = []
    for temperature in TEMPERATURES:
        found = -np.sort(-zeroshot.probabilities(result.cosines[rows], scale, float(temperature)), axis=1)
        top = found[:, :3].mean(axis=0)
        shares.append([*top, *([0.0] * (3 - len(top))), 1 - top.sum()])
    figure(
        curves.sharing(TEMPERATURES, np.array(shares), list(RANKS), asked.temperature),
        key="bench.sharing.plot",
        alt="Share of probability by temperature, averaged over images",
    )
    st.caption(
        f"The mean over {len(rows):,} images. Low: all for the best label; high: all alike. The order never changes."
    )


def _table(collection: Collection, result: Classification) -> None:
    with st.expander("As a table, the least certain first", on_change="rerun", key="bench.table") as table:
        if table.open:
            _rows(collection, result)


def _rows(collection: Collection, result: Classification) -> None:
    import pandas as pd

    best = result.best
    rows = np.arange(len(best))
    sure = result.probabilities[rows, best]
    score = "score" if labelling.uses() else "cosine"  # what a tuned classifier scores is no cosine
    columns = {
        "label": [joined(own) for own in result.answers],
        "best": [result.labels[i] for i in best],
        "probability": sure.tolist(),
        score: result.cosines[rows, best].tolist(),
    }
    if result.truth is not None:
        columns["truth"] = list(result.truth)
    by_id = {record.id: record for record in collection.snapshot().records}
    records = [by_id[id] for id in result.ids]
    order = np.argsort(sure, kind="stable")[:ROWS]
    many = f" {ROWS} of {len(records):,} are shown; the file has all." if len(records) > ROWS else ""
    st.caption(
        "The probability is over these labels only: something is always the likeliest, also when nothing fits." + many
    )
    st.dataframe(
        pd.DataFrame(
            {
                "picture": [address(f"/thumbs/{result.ids[row]}") for row in order],
                **{name: [values[row] for row in order] for name, values in columns.items()},
                "image": [galleries.caption(records[row]) for row in order],
            }
        ),
        hide_index=True,
        row_height=52,
        height=520,
        alt="Label and probability of each image, the least certain first",
        column_config={
            "picture": st.column_config.ImageColumn("picture", width="small"),
            "probability": st.column_config.ProgressColumn("probability", min_value=0.0, max_value=1.0, format="%.2f"),
            score: st.column_config.NumberColumn(score, format="%.3f"),
        },
    )
    widgets.download(records, "zero_shot", columns)
