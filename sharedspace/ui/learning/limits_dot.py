"""Lesson 8, one stamped picture: how it looks, what it is called, and where its dot goes."""

from __future__ import annotations

import numpy as np
import streamlit as st

from sharedspace.collection import Collection
from sharedspace.images import png, stamp
from sharedspace.lessons.cannot import stamped
from sharedspace.lessons.cannot.stamped import STAGES
from sharedspace.plots import moved
from sharedspace.ui import frame, galleries, state
from sharedspace.ui.learning import limits_kept, reading
from sharedspace.ui.learning.limits_kept import Labels
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.text import plain
from sharedspace.zeroshot import probabilities

MAP, PHRASES = "on the map", "between two texts"
SHOWN = 200  # pixels of the width of a picture


@st.fragment
def dot(collection: Collection, sheet: Sheet, labels: Labels, rows: list[int], words: tuple[str, ...]) -> None:
    """Choose a picture and a word, and watch its dot."""
    with frame.errors(stop=False), sheet.part("dot"):
        sheet.head("Watch one dot")
        if state.value("limits.word") not in (None, *words):
            state.set_value("limits.word", words[0])
        with st.container(horizontal=True, vertical_alignment="bottom"):
            record = reading.picture(collection, "limits.picture", "Picture", collection.snapshot().records[rows[0]])
            word = str(st.selectbox("Word", words, key="limits.word"))
        row = int(collection.rows({record.id})[0])
        if not limits_kept.has_picture(collection, record.id):
            sheet.say("Of this one there is no picture here, only its vector: choose another.")
            return
        vectors = _stages(collection.info.space.fingerprint, record.id, word, collection, row)
        cosines = vectors @ labels.vectors(collection).T
        _looks(collection, sheet, labels, row, word, cosines)
        _figure(collection, sheet, labels, row, word, vectors, cosines)
        sheet.code(
            limits_kept.python(collection, [row], 1)
            + labels.python()
            + "from sharedspace.lessons.cannot import stamped\n"
            + f"one = stamped.looked_at(collection.encoder, pictures, [{word!r}])\n"
            + f"[(stage, labels[(rows[0] @ texts.T).argmax()], float(rows[0] @ texts[labels.index({word!r})])) "
            + "for stage, rows in zip(stamped.STAGES, one.stages)]"
        )


@st.cache_data(show_spinner="Looking at the picture…", max_entries=64)
def _stages(fingerprint: str, id: str, word: str, _collection: Collection, _row: int) -> np.ndarray:
    """The picture in each of STAGES, (4, d)."""
    found = stamped.looked_at(_collection.encoder, limits_kept.pictures(_collection, [_row]), [word])
    return np.concatenate(found.stages)


def _looks(collection: Collection, sheet: Sheet, labels: Labels, row: int, word: str, cosines: np.ndarray) -> None:
    image = limits_kept.pictures(collection, [row])[0].convert("RGB")
    image.thumbnail((256, 256))
    shown = [image, stamp(image, word, written=False), stamped.turned(image, word), stamp(image, word)]
    shares = probabilities(cosines, collection.info.space.logit_scale)
    at = labels.names.index(word)
    for place, (column, stage) in enumerate(zip(st.columns(4), STAGES, strict=True)):
        best = int(cosines[place].argmax())
        with column:
            sheet.picture(png(shown[place]), f"The picture, {stage}", SHOWN)
            sheet.say(
                f"**{stage}**: called *{plain(labels.names[best])}*, probability {shares[place, best]:.1%} "
                f"over {len(labels.names):,} labels; cosine with *{plain(word)}* {cosines[place, at]:.3f}"
            )


def _figure(
    collection: Collection,
    sheet: Sheet,
    labels: Labels,
    row: int,
    word: str,
    vectors: np.ndarray,
    cosines: np.ndarray,
) -> None:
    """The dot on the frozen map, or between its own label's text and the word's."""
    options = [MAP, PHRASES] if collection.is_drawn else [PHRASES]
    if state.value("limits.where") not in (None, *options):
        state.set_value("limits.where", options[0])
    where = st.segmented_control(
        "Where", options, default=options[0], required=True, key="limits.where", persist_state="session"
    )
    if where == MAP:
        _on_map(collection, sheet, row, vectors)
        return
    at = labels.names.index(word)
    own = int(cosines[0].argmax())
    if own == at:
        own = int(np.argsort(-cosines[0])[1])
    texts = labels.vectors(collection)[[own, at]]
    xy = collection.snapshot().vectors @ texts.T
    names = [galleries.caption(record) for record in collection.snapshot().records]
    places = {stage: (float(cosines[k, own]), float(cosines[k, at])) for k, stage in enumerate(STAGES)}
    axes = (f"cosine with {labels.names[own]}", f"cosine with {word}")
    told = "; ".join(f"{stage} {x:.3f} and {y:.3f}" for stage, (x, y) in places.items())
    sheet.figure(
        moved.moved(xy, names, places, axes), "phrases", f"Cosines with {labels.names[own]} and {word}: {told}"
    )


def _on_map(collection: Collection, sheet: Sheet, row: int, vectors: np.ndarray) -> None:
    snapshot, drawn = collection.view()
    id = collection.snapshot().records[row].id
    places = {STAGES[0]: (float(drawn.xy[drawn.ids.index(id)][0]), float(drawn.xy[drawn.ids.index(id)][1]))}
    placed = [collection.place(vector) for vector in vectors[1:]]
    places |= {stage: one.xy for stage, one in zip(STAGES[1:], placed, strict=True)}
    names = [galleries.caption(record) for record in snapshot.records]
    size = float(np.linalg.norm(drawn.xy.max(axis=0) - drawn.xy.min(axis=0)))
    start = np.array(places[STAGES[0]])
    far = {stage: float(np.linalg.norm(np.array(place) - start)) / size for stage, place in places.items()}
    told = "; ".join(f"{stage} {far[stage]:.0%}" for stage in STAGES[1:])
    sheet.figure(moved.moved(drawn.xy, names, places), "map", f"How far the dot moves, of the map's diagonal: {told}")
    loose = [stage for stage, one in zip(STAGES[1:], placed, strict=True) if one.scattered]
    sheet.note(
        f"The map does not move; the stamped picture is placed among its neighbours. It goes, of the map's diagonal: "
        f"{told}." + (f" The neighbours of {', '.join(loose)} lie far apart: that place says little." if loose else "")
    )
