"""Lesson 8: what it cannot do."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from sharedspace.collection import Collection
from sharedspace.ui import state
from sharedspace.ui.learning import (
    limits_languages,
    limits_looks,
    limits_photos,
    limits_words,
    limits_world,
    reading,
)
from sharedspace.ui.learning.sheet import Sheet

PARTS: dict[str, Callable[[Collection, Sheet], None]] = {
    "Drawings": limits_world.show,
    "Written words": limits_words.show,
    "Other languages": limits_languages.show,
    "Changed looks": limits_looks.show,
    "Photographs": limits_photos.show,
}


def show(collection: Collection, sheet: Sheet) -> None:
    """Rates with their n: on drawings whose truth is known, and on the reader's own pictures."""
    sheet.say(
        "A model that finds *a red boat at sea* seems to understand. But it learnt one thing only: which caption "
        "belongs to which picture. What a caption need not tell, it need not learn. What is missing can be "
        "measured: ask often, count the right answers, and compare with **chance**, what a guess would reach."
    )
    trouble = reading.obstacle(collection)
    if trouble:
        sheet.say(trouble)
        return
    names = list(PARTS)
    if state.value("limits.part") not in (None, *names):
        state.set_value("limits.part", names[0])
    part = st.segmented_control(
        "What is looked at",
        names,
        default=names[0],
        required=True,
        key="limits.part",
        bind="query-params",
        persist_state="session",
    )
    with st.container():
        PARTS[str(part)](collection, sheet)
