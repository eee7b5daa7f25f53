"""The label doctor: what is wrong with the labels, what each template gives, which wording would flip a confusion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from sharedspace import doctor, zeroshot
from sharedspace.collection import Collection
from sharedspace.doctor import Finding
from sharedspace.plots import bars
from sharedspace.records import Classification
from sharedspace.ui import state, worked
from sharedspace.ui.figures import figure
from sharedspace.ui.labelling import Asked
from sharedspace.ui.state import Undo
from sharedspace.ui.telling import errors, guarded
from sharedspace.ui.text import plain

ICONS = {
    "spelling": ":material/spellcheck:",
    "synonyms": ":material/join_full:",
    "never": ":material/block:",
    "swallows": ":material/all_inclusive:",
    "two meanings": ":material/call_split:",
}
SHOWN = 8  # wordings


def show(collection: Collection, asked: Asked, result: Classification) -> None:
    """Findings of the label set; with known answers also templates and wordings."""
    if len(asked.labels) < 2:
        st.info("The label doctor compares labels: type two or more.", icon=":material/stethoscope:")
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        with errors(stop=False):
            _findings(collection, asked)
        # What a wording promises holds for the words alone, where one of the labels is chosen.
        _rewordings(collection, replace(asked, mode="one", other=False))
    with right, errors(stop=False):
        _templates(collection, asked)


def _findings(collection: Collection, asked: Asked) -> None:
    found = worked.findings(collection, asked)
    if not found:
        st.success(
            f"Nothing is wrong with these {len(asked.labels)} labels, as far as the model and these pictures tell.",
            icon=":material/verified:",
        )
    for one in found:
        _finding(one)


def _finding(one: Finding) -> None:
    st.markdown(f"{ICONS.get(one.kind, ':material/info:')} {plain(one.message)}")


def _templates(collection: Collection, asked: Asked) -> None:
    st.markdown("**What each template gives**")
    if len(asked.templates) < 2:
        st.caption("With several templates, the 7 or the 80 above, here stands what each of them gives.")
        return
    if any(label.prompts for label in asked.labels):
        st.caption("Some labels have prompts of their own, which use no template: they are left out of this.")
    gain = worked.template_gain(collection, asked)
    if gain is None:
        st.caption("Two labels without prompts of their own are needed.")
        return
    order = np.argsort(-gain.alone, kind="stable")
    figure(
        bars.templates([asked.templates[place] for place in order], gain.alone[order], gain.ensemble),
        key="bench.templates",
        alt="Accuracy of each template alone, with that of the ensemble",
    )
    what = "right answers" if gain.truth else "agreement with the ensemble, since no answers are known"
    harm = [
        asked.templates[place]
        for place in np.argsort(-gain.without, kind="stable")
        if gain.without[place] > gain.ensemble
    ]
    more = f" Without {plain(harm[0])} it would be {np.nanmax(gain.without):.1%}." if harm else ""
    st.caption(f"Share of {what}, n = {gain.n:,}; the ensemble has {gain.ensemble:.1%}.{more}")


def _rewordings(collection: Collection, asked: Asked) -> None:
    st.markdown("**Which wording would flip a confusion**")
    names = [label.name for label in asked.labels]
    result = worked.outcome(collection, asked, ())
    if result.truth is None:
        st.caption("With known answers above, here stands which other wording of a label would mend most.")
        return
    place = {name: at for at, name in enumerate(names)}
    true = np.array([place.get(value, -1) if value is not None else -1 for value in result.truth], dtype=np.intp)
    pairs = doctor.confused(true, result.best, len(names))[:30]
    if not pairs:
        st.caption("There is no confusion to mend.")
        return
    # By name, not by place: the pairs change with the labels.
    named = {f"{names[pair[0]]}, called {names[pair[1]]}": pair for pair in pairs}
    chosen = st.selectbox("Confusion", list(named), key="bench.pair", help="The most frequent first")
    a, b, many = named[str(chosen)]
    texts = " · ".join(plain(text) for text in zeroshot.prompts(asked.labels[a], asked.templates)[:2])
    other = " · ".join(plain(text) for text in zeroshot.prompts(asked.labels[b], asked.templates)[:2])
    st.caption(
        f"{many:,} of {int((true == a).sum()):,} images. Behind it stand the texts: {texts} — against {other}. Counted "
        f"are the {int((true >= 0).sum()):,} images whose truth is among the labels."
    )
    found = worked.rewordings(collection, asked, a, b)
    better = [one for one in found if one.net > 0][:SHOWN]
    if not better:
        st.caption(f"None of {len(found)} wordings mends more than it breaks. Examples may: see Your clicks.")
        return
    for at, one in enumerate(better):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                "Use it",
                key=f"bench.reword.{at}",
                icon=":material/edit:",
                type="tertiary",
                on_click=_use,
                args=(asked, one.replaces, one.text),
            )
            st.markdown(
                f"**{plain(names[one.replaces])}** as “{plain(one.text)}”: flips {one.flips} of {many}, mends "
                f"{one.mends} others, breaks {one.breaks}: **{one.net:+}**",
                width="stretch",
            )


@guarded
def _use(asked: Asked, place: int, text: str) -> None:
    before = str(state.value("labels", "") or "")
    labels = list(asked.labels)
    labels[place] = replace(labels[place], prompts=(text,))
    state.set_labels(zeroshot.write(labels))
    state.did(Undo(f"worded {asked.labels[place].name} otherwise", "labels", (text,), before))
