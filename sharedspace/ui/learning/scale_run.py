"""Lesson 10, the measurement: what is asked, as a job, and what was measured lately."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import streamlit as st

from sharedspace.collection import Collection
from sharedspace.collection.asked import VOCABULARY
from sharedspace.jobs import Job
from sharedspace.lessons import scale as lesson
from sharedspace.lessons.retrieval import spaced
from sharedspace.lessons.scale import Grown, Growth
from sharedspace.records import Progress
from sharedspace.store.scratch import Hnsw
from sharedspace.ui import cache, state
from sharedspace.ui.learning import reading
from sharedspace.ui.tidying import finding

KEPT = 200  # measurements, of a few kilobytes each: a class tries many, and none of it is to be measured again
CAPTIONS, NOUNS, MADE = "captions", "nouns", "made pictures"

_measured: OrderedDict[tuple[object, ...], Growth] = OrderedDict()
_keeping = threading.Lock()


@dataclass(frozen=True, eq=False)
class Subject:
    """What is measured: the vectors of a collection, and the queries."""

    of: tuple[object, ...]  # what a measurement holds for
    real: np.ndarray  # (m, d) those of the collection that are not hidden
    queries: np.ndarray  # (q, d)
    what: str  # the queries in words
    texts: tuple[str, ...]  # none where the queries are pictures

    @property
    def dimension(self) -> int:
        """d."""
        return int(self.real.shape[1])


def subject(collection: Collection) -> Subject | None:
    """The vectors and the queries that the reader chooses; None, with a word about it, while texts are embedded."""
    rows = reading.visible(collection)
    vectors = collection.snapshot().vectors
    real = vectors if len(rows) == len(vectors) else vectors[rows]
    kinds = [MADE]
    captions: list[str] = []
    if not reading.obstacle(collection):
        captions = reading.captioned(collection, lesson.QUERIES)[1]
        kinds = [*([CAPTIONS] if len(captions) >= lesson.WARM else []), NOUNS, MADE]
    if state.value("scale.queries") not in (None, *kinds):
        state.set_value("scale.queries", kinds[0])  # of another collection
    kind = st.segmented_control(
        "The queries", kinds, default=kinds[0], required=True, key="scale.queries", persist_state="session"
    )
    of = (collection.info.number, collection.edition, kind)
    if kind == MADE:
        return Subject(of, real, _made(of, real), f"{lesson.QUERIES} made pictures", ())
    nouns = collection.vocabulary() if kind == NOUNS else []
    named = [VOCABULARY.replace("{}", nouns[place]) for place in spaced(len(nouns), lesson.QUERIES)]
    texts = tuple(captions if kind == CAPTIONS else named)
    if not reading.ready(collection, texts):
        return None
    return Subject(of, real, cache.embed(collection, texts), f"{len(texts)} {kind} as texts", texts)


@st.cache_data(show_spinner=False, max_entries=4)
def _made(of: tuple[object, ...], _real: np.ndarray) -> np.ndarray:
    return lesson.beside(_real, lesson.QUERIES)


@st.cache_resource(show_spinner="Making vectors…", max_entries=1)
def grown(of: tuple[object, ...], n: int, _real: np.ndarray) -> Grown:
    """The set that is measured, as one that all measurements of it share: up to 100 MB at 50,000 by 512."""
    return lesson.grow(_real, n)


def sizes(real: int, most: int) -> tuple[int, ...]:
    """The steps of a measurement: the collection's own size too, where it is one."""
    own = {real} if 2 * lesson.K <= real < most else set()
    return tuple(sorted(own | {n for n in lesson.SIZES if n <= most}))


def growth(collection: Collection, asked: Subject, hnsw: Hnsw, most: int) -> Growth | None:
    """What was measured; None, with a word about it, while a job measures it."""
    key = (*asked.of, hnsw, most)
    steps = sizes(len(asked.real), most)
    lesson.check(hnsw, steps, most)

    def work(job: Job) -> None:
        vectors = grown(asked.of[:2], most, asked.real)
        found = lesson.measure(
            vectors,
            asked.queries,
            steps,
            hnsw,
            asked.what,
            lambda done, total: job.step(Progress(done, total, "vectors in the index")),
        )
        _keep(key, found)

    title = f"Measuring an index with {words(hnsw)} up to {most:,} vectors, {asked.what}"
    if not finding.ready(collection, key in _measured, title, work, at_once=0):
        return None
    return _measured[key]


def words(hnsw: Hnsw) -> str:
    """An index by its knobs."""
    return f"M {hnsw.links}, build {hnsw.build}, search {hnsw.search}"


def earlier(asked: Subject, most: int) -> list[Growth]:
    """What was measured of the same vectors and queries, the latest first."""
    with _keeping:
        return [found for key, found in reversed(_measured.items()) if (key[:3], key[-1]) == (asked.of, most)]


def _keep(key: tuple[object, ...], found: Growth) -> None:
    with _keeping:
        _measured[key] = found
        while len(_measured) > KEPT:
            _measured.popitem(last=False)
