"""Lesson 10: exact search against an index."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from sharedspace import store
from sharedspace.collection import Collection
from sharedspace.lessons import scale as lesson
from sharedspace.lessons.scale import At, Growth
from sharedspace.plots import maps
from sharedspace.store.scratch import Hnsw
from sharedspace.ui import frame, state
from sharedspace.ui.learning import scale_run
from sharedspace.ui.learning.scale_run import Subject
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.text import plain, size

OURS = Hnsw(*(int(str(store.HNSW[name])) for name in ("max_neighbors", "ef_construction", "ef_search")))
SPARSE = Hnsw(4, 20, 10)
USUAL = 20_000  # vectors, up to which it is measured at first
CHOICES = (5000, 10_000, 20_000, 50_000)
MILLION = 1_000_000
COMPARED = 4  # measurements in one figure

SPEED = (
    "the index is more than 10 times as fast",
    "the index is 2 to 10 times as fast",
    "about equal: within a factor of 2",
    "exact search is 2 to 10 times as fast",
    "exact search is more than 10 times as fast",
)
SPEED_ENDS = (0.1, 0.5, 2, 10)  # of the index's time over that of exact search
RIGHT = ("9.5 or more", "8 to 9.5", "5 to 8", "fewer than 5")
RIGHT_ENDS = (5, 8, 9.5)


def show(collection: Collection, sheet: Sheet) -> None:
    """Predict how much faster an index is, and what a sparse one misses; then turn its knobs."""
    sheet.say(
        "Exact search compares a query with every vector: twice the vectors, twice the work. An index such as **HNSW** "
        "links each vector with some near ones and walks along the links, so that it looks at few. What it passes by "
        "it cannot find. From which size on is it worth that, on this machine?"
    )
    if len(collection.snapshot().vectors) < 3:
        sheet.say(
            "To make more vectors that are like those of a collection it takes 3 or more: add pictures, or choose "
            "another collection, such as the sample set."
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
        most = st.select_slider(
            "Up to so many vectors", CHOICES, USUAL, key="scale.most", persist_state="session", width=320
        )
        asked = scale_run.subject(collection)
    if asked is not None:
        _speed(collection, sheet, asked, int(most))


def _speed(collection: Collection, sheet: Sheet, asked: Subject, most: int) -> None:
    """Predict the time, then see it."""
    sheet.head("Faster?")
    sheet.say(_about(asked, most))
    question = (
        f"With {most:,} vectors of {asked.dimension} numbers: how does the index of this program, Chroma's HNSW with "
        f"{scale_run.words(OURS)}, compare with exact search, for one query at a time?"
    )
    guess = sheet.predict("speed", question, SPEED, f"{most}")
    if guess is None:
        return
    found = scale_run.growth(collection, asked, OURS, most)
    if found is None:
        return
    last = found.points[-1]
    ratio = last.index / last.exact
    sheet.settle(
        guess,
        SPEED[int(np.searchsorted(SPEED_ENDS, ratio))],
        f"A query takes {_ms(last.exact)} exactly and {_ms(last.index)} by the index, in the median of "
        f"{len(asked.queries)}, measured on this machine.",
    )
    sheet.say(_crossing(found))
    _million(sheet, asked, last)
    _missed(collection, sheet, asked, most)


def _about(asked: Subject, most: int) -> str:
    real = len(asked.real)
    if real >= most:
        return f"The {most:,} vectors are of this collection, which has {real:,}."
    grown = scale_run.grown(asked.of[:2], most, asked.real)
    low, middle, high = grown.real_nearest
    made = grown.made_nearest
    return (
        f"The first {real:,} vectors are those of this collection. **Those beyond are made**: a real vector plus noise "
        "of the same covariance, renormalised, and so long that each is to its real one as a real one is to its "
        f"nearest. Cosine to the nearest, 10th, 50th and 90th percentile: {low:.2f}, {middle:.2f}, {high:.2f} among "
        f"the real, {made[0]:.2f}, {made[1]:.2f}, {made[2]:.2f} from made to real."
    )


def _crossing(found: Growth) -> str:
    crossing, first, last = found.crossing, found.points[0], found.points[-1]
    if crossing is not None:
        about = float(f"{crossing:.2g}")
        return f"The two lines cross at about {about:,.0f} vectors: below exact search is faster, above the index."
    if all(at.exact <= at.index for at in found.points):
        return (
            f"Exact search is faster at every size up to {last.n:,}, and misses nothing. Chroma takes "
            f"{_ms(first.index)} already for {first.n:,}: that is what it costs to ask it at all."
        )
    if all(at.exact >= at.index for at in found.points):
        return f"The index is faster at every size from {first.n:,} on."
    return "Which one is faster changes back and forth: something else was busy. Measure again below."


def _million(sheet: Sheet, asked: Subject, last: At) -> None:
    """Bytes, and what they mean for a million."""
    d = asked.dimension
    bandwidth = lesson.vector_bytes(last.n, d) / last.exact
    many = lesson.vector_bytes(MILLION, d)
    sheet.say(
        f"Exact search reads all the vectors, 4 · d · n bytes: {size(lesson.vector_bytes(last.n, d))} here, at "
        f"{bandwidth / 1e9:.1f} GB/s as measured. **For a million** that is 4 · {d} · 1,000,000 = {size(many)}, and at "
        f"the same rate {_ms(many / bandwidth)} a query; more where they no longer fit the processor's cache. HNSW "
        f"keeps the vectors too, and about 8 · M bytes of links for each: "
        f"{size(lesson.link_bytes(MILLION, OURS.links))} more with M {OURS.links}."
    )


def _missed(collection: Collection, sheet: Sheet, asked: Subject, most: int) -> None:
    """Predict what a sparse index finds, then see it."""
    sheet.head("And right?")
    question = (
        f"An index with few links and a short walk: {scale_run.words(SPARSE)}. With {most:,} vectors, how many of the "
        f"{lesson.K} truly nearest does it find, on average over {asked.what}?"
    )
    guess = sheet.predict("recall", question, RIGHT, f"{most}-{asked.of[-1]}")
    if guess is None:
        return
    found = scale_run.growth(collection, asked, SPARSE, most)
    if found is None:
        return
    first, last = found.points[0], found.points[-1]
    mean = lesson.K * last.recall.share
    sheet.settle(
        guess,
        RIGHT[::-1][int(np.searchsorted(RIGHT_ENDS, mean, side="right"))],
        f"{mean:.1f} of {lesson.K}: recall@{lesson.K} is {last.recall.words}. At {first.n:,} vectors it was "
        f"{first.recall.share:.1%}.",
    )
    _own(collection, sheet, asked, most)


@st.fragment
def _own(collection: Collection, sheet: Sheet, asked: Subject, most: int) -> None:
    """An index with the reader's knobs, beside those before."""
    with frame.errors(stop=False), sheet.part("own"):
        sheet.head("Your index")
        _knobs()
        wanted = state.value("scale.wanted")
        if wanted is not None:
            scale_run.growth(collection, asked, wanted, most)  # until it is there the earlier ones are shown
        every = scale_run.earlier(asked, most)
        every = sorted(every, key=lambda one: one.hnsw not in (OURS, SPARSE, wanted))[:COMPARED]
        _charts(sheet, every, most)
        _table(sheet, every)
        _code(sheet, asked, every[0], most)
        sheet.say(_along(every))


def _knobs() -> None:
    with st.form("scale.knobs", border=True):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
            links = st.select_slider("M: links a vector", (4, 8, 16, 32, 64), 16, key="scale.links", width=230)
            build = st.select_slider(
                "Candidates while building (ef_construction)",
                (20, 50, 100, 160, 300),
                100,
                key="scale.build",
                width=230,
            )
            search = st.select_slider(
                "Candidates while searching (ef_search)",
                (10, 20, 50, 100, 200, 600, 1000),
                100,
                key="scale.search",
                width=230,
            )
        if st.form_submit_button("Build and measure", type="primary"):
            state.set_value("scale.wanted", Hnsw(int(links), int(build), int(search)))
            st.rerun()


def _charts(sheet: Sheet, every: list[Growth], most: int) -> None:
    real = every[0].real if every[0].real < most else None
    times = {"exact": [(n, 1e3 * seconds) for n, seconds in _exact(every)]}
    times |= {scale_run.words(one.hnsw): [(at.n, 1e3 * at.index) for at in one.points] for one in every}
    told = "; ".join(f"{name} {points[0][1]:.2f} to {points[-1][1]:.2f} ms" for name, points in times.items())
    span = f"from {every[0].points[0].n:,} to {most:,} vectors"
    sheet.figure(maps.growth(times, "ms a query", True, real), "time", f"Milliseconds a query {span}: {told}")
    recalls = {scale_run.words(one.hnsw): [(at.n, at.recall.share) for at in one.points] for one in every}
    recalls = {"exact": [(at.n, 1.0) for at in every[0].points], **recalls}
    told = "; ".join(f"{name} {points[0][1]:.1%} to {points[-1][1]:.1%}" for name, points in recalls.items())
    sheet.figure(
        maps.growth(recalls, f"recall@{lesson.K}", False, real), "recall", f"Recall of the ten nearest {span}: {told}"
    )
    sheet.note(
        f"One query at a time, {every[0].queries}; median time after {lesson.WARM} that warm up, the least of "
        f"{lesson.ROUNDS} rounds. Recall@{lesson.K}: the share of the {lesson.K} truly nearest that was found."
    )


def _exact(every: list[Growth]) -> list[tuple[int, float]]:
    """The least time of exact search at each size: it was measured beside each index, on the same vectors."""
    return [(at[0].n, min(one.exact for one in at)) for at in zip(*(one.points for one in every), strict=True)]


def _table(sheet: Sheet, every: list[Growth]) -> None:
    columns: dict[str, list[Any]] = {}
    rows = [(one, at) for one in every for at in one.points]
    columns["index"] = [scale_run.words(one.hnsw) for one, _ in rows]
    columns["vectors"] = [at.n for _, at in rows]
    columns[f"recall@{lesson.K}"] = [round(at.recall.share, 3) for _, at in rows]
    columns["± (95%)"] = [round(at.recall.margin, 3) for _, at in rows]
    columns["exact, ms"] = [round(1e3 * at.exact, 3) for _, at in rows]
    columns["index, ms"] = [round(1e3 * at.index, 3) for _, at in rows]
    columns["to build, s"] = [round(at.build, 1) for _, at in rows]
    columns["on disk, MB"] = [round(at.disk / 1e6, 1) for _, at in rows]
    sheet.table(columns, f"All that was measured, {len(rows)} rows")


def _along(every: list[Growth]) -> str:
    """What to take along, as it was measured."""
    ends = [(one, one.points[-1]) for one in every]
    best = max(ends, key=lambda pair: pair[1].recall.share)
    worst = min(ends, key=lambda pair: pair[1].recall.share)
    n, exact = _exact(every)[-1]
    faster = [scale_run.words(one.hnsw) for one, at in ends if at.index < exact]
    said = (
        f"**To take along.** At {n:,} vectors exact search takes {_ms(exact)} and finds all. Of the indexes that were "
        f"measured {len(faster)} of {len(ends)} are faster"
    )
    if worst[1].recall.share < best[1].recall.share:
        said += (
            f", and they find from {worst[1].recall.share:.1%} ({plain(scale_run.words(worst[0].hnsw))}) to "
            f"{best[1].recall.share:.1%} ({plain(scale_run.words(best[0].hnsw))}): what an index saves it pays for "
            "in hits, in memory and in the time to build it"
        )
    return said + "."


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:,.0f} ms" if seconds >= 0.1 else f"{1e3 * seconds:.2g} ms"


def _code(sheet: Sheet, asked: Subject, found: Growth, most: int) -> None:
    rows = "mask = collection.mask()\n"
    rows += "real = collection.snapshot().vectors if mask is None else collection.snapshot().vectors[mask]\n"
    if asked.texts:
        queries = f"queries = collection.embed({list(asked.texts)!r})\n"
    else:
        queries = "queries = scale.beside(real, scale.QUERIES)\n"
    sheet.code(
        "from sharedspace.lessons import scale\n"
        "from sharedspace.store.scratch import Hnsw\n"
        f"{rows}{queries}"
        f"grown = scale.grow(real, {most})\n"
        f"found = scale.measure(grown, queries, {list(scale_run.sizes(len(asked.real), most))!r}, "
        f"{found.hnsw!r}, {asked.what!r})\n"
        "[(at.n, at.recall.words, 1e3 * at.exact, 1e3 * at.index, at.build) for at in found.points]"
    )
