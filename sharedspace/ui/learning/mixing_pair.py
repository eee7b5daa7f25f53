"""Lesson 7, the other model: the twin in the box, that of another collection, or the same one in other axes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from sharedspace import encoders, images
from sharedspace.collection import Collection
from sharedspace.errors import NotFound
from sharedspace.lessons.mixing import Pair, turned
from sharedspace.lessons.retrieval import spaced
from sharedspace.records import ImageRecord
from sharedspace.ui import cache
from sharedspace.ui.learning import reading
from sharedspace.ui.text import plain

MOST = 500  # pictures that are asked for
COMMON = 20  # pictures that two collections share, so that they can be compared


@dataclass(frozen=True)
class Other:
    """Where the second model comes from, and what is asked."""

    kind: Literal["box", "collection", "turned"]
    name: str  # of the model, of the collection; "" where the axes are turned
    rows: tuple[int, ...]  # of the pictures in this collection
    captions: tuple[str, ...]  # that are the queries; none where each picture is asked for itself

    def words(self, collection: Collection) -> str:
        """What the second model is, and how it comes here."""
        model = plain(collection.info.space.model)
        if self.kind == "box":
            return (
                f"**{plain(self.name)}** comes with the program: trained by the same code on drawings of the same "
                f"world, from other random weights. It embeds these {len(self.rows):,} pictures anew."
            )
        if self.kind == "collection":
            return (
                f"The collection **{plain(self.name)}** holds {len(self.rows):,} of these pictures, embedded by "
                "another model of the same dimension."
            )
        return (
            f"No second model of this dimension is at hand. So the second one is **{model} with its axes turned**: the "
            "same weights and one random rotation of all vectors (seed 0). It can do exactly what the first can, since "
            "a rotation leaves every cosine as it is. Two models that were trained apart differ by at least that "
            "much: their training sees cosines alone, so nothing fixes which axis means what."
        )


def find(collection: Collection) -> Other:
    """The second model for a collection, the most real one that can be had, and the pictures to ask for."""
    model = collection.info.space.model
    if model in encoders.IN_THE_BOX and _pictured(collection):
        name = next(name for name in encoders.IN_THE_BOX if name != model)
        return Other("box", name, *_queries(collection, None))
    beside = _beside(collection)
    if beside is not None:
        common = set(beside.snapshot().ids)
        both_read = not reading.obstacle(collection) and not reading.obstacle(beside)
        return Other("collection", beside.info.name, *_queries(collection, common, both_read))
    return Other("turned", "", *_queries(collection, None, not reading.obstacle(collection)))


def ready(collection: Collection, other: Other) -> bool:
    """Whether the captions are embedded in both spaces, or can be at once."""
    if not reading.ready(collection, other.captions):
        return False
    return other.kind != "collection" or reading.ready(_named(other), other.captions)


def pair(collection: Collection, other: Other) -> Pair:
    """Queries and pictures by both models."""
    # What the other collection holds is part of what was asked.
    edition = _named(other).edition if other.kind == "collection" else ()
    return _pair((collection.info.number, collection.edition, edition), other, collection)


# Not by `cache_data`, which would copy the vectors at each rerun.
@st.cache_resource(show_spinner="Embedding the pictures with the second model…", max_entries=8)
def _pair(now: tuple[Any, ...], other: Other, _collection: Collection) -> Pair:
    own = _collection.snapshot().vectors[list(other.rows)]
    queries = _collection.embed(other.captions) if other.captions else own
    space = _collection.info.space
    if other.kind == "turned":
        return turned(space, queries, own)
    records = [_collection.snapshot().records[row] for row in other.rows]
    if other.kind == "box":
        encoder = cache.workspace().home.encoder(other.name)
        theirs = encoder.images(_pictures(_collection, records, encoder.side))
        texts = encoder.texts(other.captions) if other.captions else theirs
        return Pair(space, encoder.space, queries, own, texts, theirs)
    beside = _named(other)
    place = {id: row for row, id in enumerate(beside.snapshot().ids)}
    theirs = beside.snapshot().vectors[[place[record.id] for record in records]]
    texts = beside.embed(other.captions) if other.captions else theirs
    return Pair(space, beside.info.space, queries, own, texts, theirs)


def _named(other: Other) -> Collection:
    return cache.workspace().collection(other.name).pinned()


def _queries(
    collection: Collection, common: set[str] | None, texts: bool = True
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Rows and captions where there are any, else rows alone; of the common images where such are told."""
    ids = collection.snapshot().ids
    rows, captions = reading.captioned(collection, MOST) if texts else ([], [])
    kept = [at for at, row in enumerate(rows) if common is None or ids[row] in common]
    if len(kept) > 1:
        return tuple(rows[at] for at in kept), tuple(captions[at] for at in kept)
    seen = [row for row in reading.visible(collection) if common is None or ids[row] in common]
    return tuple(seen[place] for place in spaced(len(seen), MOST).tolist()), ()


def _beside(collection: Collection) -> Collection | None:
    """The collection of another space of this dimension that shares the most pictures, if it shares enough."""
    space, ids = collection.info.space, set(collection.snapshot().ids)
    found: list[tuple[int, str]] = []
    for info in cache.workspace().collections():
        if info.space.dimension == space.dimension and info.space.fingerprint != space.fingerprint:
            others = cache.workspace().collection(info.name).snapshot().ids
            found.append((len(ids.intersection(others)), info.name))
    most, name = max(found, default=(0, ""))
    return cache.workspace().collection(name).pinned() if most >= COMMON else None


def _pictured(collection: Collection) -> bool:
    """Whether the pictures of the collection are here, not their vectors alone."""
    with suppress(NotFound):
        return bool(collection.picture(collection.snapshot().records[0]))
    return False


def _pictures(collection: Collection, records: Sequence[ImageRecord], side: int) -> list[Any]:
    return [images.decode(collection.picture(record), record.path, side).image for record in records]
