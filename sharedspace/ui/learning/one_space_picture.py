"""Lesson 1, what is compared: a picture of the collection or of the reader's, and three captions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from sharedspace import images
from sharedspace.collection import Collection
from sharedspace.errors import NotFound, SharedSpaceError
from sharedspace.records import ImageRecord
from sharedspace.ui import state, uploads, visitors
from sharedspace.ui.learning import reading
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.text import plain
from sharedspace.vectors import top_k

CAPTIONS = 3
SOME = 40  # captioned pictures among which a first one is looked for
FAR = 40  # how far down the list of captions the third one stands


@dataclass(frozen=True, eq=False)
class Looked:
    """The picture of the lesson."""

    key: str  # names it
    vector: np.ndarray  # (d,) float32, unit
    length: float | None  # before it was scaled; None where the picture is not here
    code: str  # Python that makes `picture`
    record: ImageRecord | None  # of one of the collection


def look(collection: Collection, sheet: Sheet) -> Looked | None:
    """The picture that the reader chose; None, with a sentence, where there is none yet."""
    left, right = st.columns([1, 2], gap="medium")
    with right:
        record = reading.picture(
            collection, "one_space.picture", "A picture of the collection", _first(collection), nameless=True
        )
        given = st.file_uploader(
            "Or one of your own",
            ("jpg", "jpeg", "png", "webp", "gif", "bmp"),
            key="one_space.own",
            max_upload_size=visitors.largest(),
        )
    with left:
        if given is not None:
            own = _own(collection, sheet, uploads.contents(given), given.name)
            if own is not None:
                return own
        sheet.pictures([record], f"picture-{record.id[:12]}", ["the picture"], "The picture")
    vector = collection.snapshot().vectors[collection.snapshot().ids.index(record.id)]
    return Looked(record.id, vector, _length(collection, record), _code(record.id), record)


def _own(collection: Collection, sheet: Sheet, data: bytes, name: str) -> Looked | None:
    digest = hashlib.sha256(data).hexdigest()
    try:
        raw, png = _embedded(collection.info.space.fingerprint, digest, collection, data, name)
    except SharedSpaceError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None
    sheet.picture(png, f"The picture {name}")
    length = float(np.linalg.norm(raw))
    vector = raw / length
    numbers = [round(float(number), 6) for number in vector]
    code = f"picture = np.array({numbers}, dtype=np.float32)  # the vector of {name!r}, which is not in the collection"
    return Looked(digest, vector, length, code, None)


@st.cache_data(show_spinner="Embedding the picture…", max_entries=16)
def _embedded(
    fingerprint: str, digest: str, _collection: Collection, data: bytes, name: str
) -> tuple[np.ndarray, bytes]:
    encoder = _collection.encoder
    picture = images.decode(data, name, max(encoder.side, 256)).image
    return np.asarray(encoder.raw([encoder.prepare(picture)])[0]), images.png(picture)


def _code(id: str) -> str:
    return f"picture = collection.snapshot().vectors[collection.snapshot().ids.index({id!r})]"


def _first(collection: Collection) -> ImageRecord | None:
    """The picture that is open elsewhere, else a captioned one whose words the model knows."""
    for record in collection.snapshot().records:
        if record.id == state.get().picked:
            return record
    rows, captions = reading.understood(collection, SOME)
    told = [row for row, words in zip(rows, captions, strict=True) if len(words.split()) > CAPTIONS]
    return collection.snapshot().records[(told or rows)[0]] if rows else None


def _length(collection: Collection, record: ImageRecord) -> float | None:
    try:
        return float(np.linalg.norm(_raw(collection.info.space.fingerprint, record.id, collection, record)))
    except (NotFound, SharedSpaceError):
        return None


@st.cache_data(show_spinner=False, max_entries=64)
def _raw(fingerprint: str, id: str, _collection: Collection, _record: ImageRecord) -> Any:
    encoder = _collection.encoder
    picture = images.decode(_collection.picture(_record), _record.path, encoder.side).image
    return encoder.raw([encoder.prepare(picture)])[0]


def captions_for(collection: Collection, looked: Looked) -> tuple[str, ...] | None:
    """Three captions, as the reader has changed them; None while they are being read or where two are the same."""
    first = _captions(collection, looked) or _nouns(collection, looked)
    if first is None:
        return None
    place = int(hashlib.sha256(looked.key.encode()).hexdigest(), 16)  # the right one is not always the first
    shuffled = [first[(place + at) % len(first)] for at in range(len(first))]
    given = [
        st.text_input(f"Caption {at + 1}", words, key=f"one_space.caption{at}.{looked.key[:16]}")
        for at, words in enumerate(shuffled)
    ]
    captions = tuple(" ".join(str(words).split()) for words in given)
    if not all(captions) or len(set(captions)) < len(captions):
        st.info("Write three captions that differ.", icon=":material/edit:")
        return None
    return captions


def _captions(collection: Collection, looked: Looked) -> tuple[str, ...] | None:
    """The picture's own caption, that of the most alike picture, and one from further away; None of fewer captions."""
    rows, captions = reading.captioned(collection, 500)
    order = top_k(collection.snapshot().vectors[rows] @ looked.vector, len(rows)).tolist()
    found = tuple(dict.fromkeys([*_own_caption(collection, looked), *(captions[place] for place in order)]))
    return None if len(found) < CAPTIONS else (*found[:2], found[min(FAR, len(found) - 1)])


def _own_caption(collection: Collection, looked: Looked) -> list[str]:
    """What the collection says of the picture, where it says anything."""
    field = reading.caption_field(collection)
    if field is None or looked.record is None:
        return []
    said = collection.column(field)[collection.snapshot().ids.index(looked.record.id)]
    return [words] if (words := " ".join(str(said or "").split())) else []


def _nouns(collection: Collection, looked: Looked) -> tuple[str, ...] | None:
    """Three of the shipped nouns out of those that fit best; None while they are being read."""
    nouns = reading.nouns(collection)
    if nouns is None:
        return None
    texts, words = nouns
    order = top_k(words @ looked.vector, 9).tolist()
    return tuple(texts[place] for place in order[:: max(1, len(order) // CAPTIONS)][:CAPTIONS])
