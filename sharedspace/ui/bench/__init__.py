"""The zero-shot bench: words in, and live what they make of the pictures, how right it is, and what would be better."""

from __future__ import annotations

import streamlit as st

from sharedspace import zeroshot
from sharedspace.collection import Collection
from sharedspace.encoders import IN_THE_BOX
from sharedspace.records import Classification
from sharedspace.ui import (
    browsing,
    cache,
    detail,
    filtering,
    frame,
    labelling,
    recording,
    selecting,
    state,
    widgets,
    worked,
)
from sharedspace.ui.bench import answers, clicks, doctor, keep, truth
from sharedspace.ui.handout import buttons as as_page
from sharedspace.ui.labelling import Asked
from sharedspace.ui.notebooks import labelled as as_notebook
from sharedspace.ui.text import plain

ANSWERS, TRUTH, CLICKS, DOCTOR, KEEP = "Answers", "Against the truth", "Your clicks", "Label doctor", "Keep and export"
PARTS = [ANSWERS, TRUTH, CLICKS, DOCTOR, KEEP]
AT_ONCE = 400  # texts that a large model reads while one waits; more are a job


def show(collection: Collection) -> None:
    """The whole bench; it runs by itself, so that what is typed is answered at once."""
    _show(collection, state.get().asked)


@st.fragment
def _show(collection: Collection, asked_before: int) -> None:
    with frame.errors():
        with st.container():
            frame.told_trouble()
        browsing.go_where_is_asked(asked_before)
        collection = collection.pinned()
        with frame.errors(stop=False):
            asked = labelling.editor(collection)
            if not asked.enough:
                _hint()
                as_notebook.button(collection, asked, (), doctor=False)
            elif _ready(collection, asked):
                _results(collection, asked)


def _hint() -> None:
    st.info(
        "Type two labels or more. Each becomes a text and a vector, and every image gets the label nearest to it. "
        "With a metadata field as the known answers, its values are offered as labels.",
        icon=":material/label:",
    )


def _ready(collection: Collection, asked: Asked) -> bool:
    """Whether the texts are embedded, or so few that they can be now; else a job reads them, with progress."""
    if collection.info.space.model in IN_THE_BOX:
        return True
    unread = collection.unread(asked.labels, asked.templates, asked.other or asked.mode == "many")
    if len(unread) <= AT_ONCE:
        return True
    title = f"Reading {len(unread):,} prompts for {collection.info.name}"
    cache.once(title, collection, lambda job: collection.now.read(unread, job.step))
    st.info("The model reads the prompts, once: a bar tells how far it is.", icon=":material/menu_book:")
    return False


def _results(collection: Collection, asked: Asked) -> None:
    outcome = worked.outcome(collection, asked, labelling.uses())
    answers.hear(collection)
    clicks.hear(collection)
    filtering.chips(asked.where)
    with st.container():
        widgets.unknown_words(collection, asked.prompts[: 4 * len(asked.labels)])
    with st.container():
        selecting.bar(collection, "zero_shot")
    part = st.segmented_control(
        "Show",
        PARTS,
        default=ANSWERS,
        required=True,
        key="part",
        bind="query-params",
        persist_state="session",
        label_visibility="collapsed",
    )
    uses = labelling.uses()
    if (
        uses
        and part in (ANSWERS, TRUTH)
        and any(collection.judging(label.name) in collection.given() for label in asked.labels)
    ):
        st.caption(f"With {', '.join(uses)} from your clicks: switch them off on *{CLICKS}*.")
    if not outcome.ids:
        st.info("No image passes these filters: take one away to see more.", icon=":material/filter_alt_off:")
        return
    draw = {ANSWERS: answers.show, TRUTH: truth.show, CLICKS: clicks.show, DOCTOR: doctor.show, KEEP: keep.show}
    with recording.on() as blocks:
        detail.beside(collection, lambda: draw[str(part)](collection, asked, outcome))
    with st.container(horizontal=True):
        as_page.view(collection, "zero-shot", str(part), blocks, _told(outcome), lambda: _called(outcome))
        as_notebook.button(collection, asked, labelling.uses(), part == DOCTOR)


def _told(outcome: Classification) -> str:
    """The labels, and how often they are right where that is known."""
    report = zeroshot.report(outcome) if outcome.truth is not None else None
    right = "" if report is None or report.top1 is None else f" Right are {report.top1:.1%} of {report.n:,}."
    return f"{len(outcome.ids):,} images, labelled {', '.join(map(plain, outcome.labels))}.{right}"


def _called(outcome: Classification) -> dict[str, str | None]:
    """The labels of each image as one value, by id."""
    return dict(zip(outcome.ids, map(labelling.joined, outcome.answers), strict=True))
