"""Lesson 11, the sources: what a question retrieves, and what is known of each picture."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from sharedspace import captioner, images
from sharedspace.captioner import Captioner
from sharedspace.collection import Collection
from sharedspace.errors import NotFound, Unreadable
from sharedspace.jobs import Job
from sharedspace.lessons.retrieve import Source
from sharedspace.questions import Part
from sharedspace.records import ImageRecord, Progress, SearchResult
from sharedspace.ui import cache
from sharedspace.ui.tidying import finding

if TYPE_CHECKING:
    from PIL import Image

NOUNS = 3  # words that are said of each picture
SIDE = 384  # pixels, of what a captioner looks at

_sentences: dict[tuple[str, str], str] = {}  # by captioner and image
_writing = threading.Lock()


@dataclass(frozen=True, eq=False)
class Retrieved:
    """What a question found, and its sources: the hits that are not under the no-match line."""

    question: str
    result: SearchResult
    sources: tuple[Source, ...]

    @property
    def line(self) -> float:
        """The no-match line; infinitely low where there is none."""
        found = self.result.no_match_line
        return -1.0 if found is None else found


def retrieve(collection: Collection, question: str, k: int) -> Retrieved | None:
    """The sources for a question; None, with a word about it, while a captioner looks at them."""
    result = collection.ask(cache.terms(collection, (Part(question),)), k)
    records = {record.id: record for record in collection.snapshot().records}
    hits = [hit for hit in result.hits if hit.matched is not False]
    told = described(collection, tuple(records[hit.id] for hit in hits))
    if told is None:
        return None
    sources = tuple(
        Source(
            number,
            hit.id,
            hit.path,
            hit.score,
            records[hit.id].meta,
            tuple((word.text, word.score) for word in cache.describe(collection, (hit.id,), None)[:NOUNS]),
            told.get(hit.id, ""),
        )
        for number, hit in enumerate(hits, start=1)
    )
    return Retrieved(question, result, sources)


def described(collection: Collection, records: tuple[ImageRecord, ...]) -> dict[str, str] | None:
    """The captioner's sentences by id, none where there is no captioner; None while a job writes them."""
    name = captioner.chosen()
    if not captioner.on_disk(name):
        return {}
    fresh = [record for record in records if (name, record.id) not in _sentences]

    def work(job: Job) -> None:
        for done, record in enumerate(fresh):
            job.step(Progress(done, len(fresh), "described"))
            picture = _picture(collection, record)
            with _writing:
                _sentences[name, record.id] = "" if picture is None else _loaded(name).describe([picture])[0]

    if not finding.ready(collection, not fresh, f"Describing {len(fresh)} pictures", work, at_once=0):
        return None
    return {record.id: _sentences[name, record.id] for record in records}


def _picture(collection: Collection, record: ImageRecord) -> Image.Image | None:
    try:
        return images.decode(collection.picture(record), record.path, SIDE).image
    except (NotFound, Unreadable):  # a collection of vectors alone
        return None


@st.cache_resource(show_spinner=False, max_entries=1)
def _loaded(name: str) -> Captioner:
    return captioner.load(name)


def rows(sources: tuple[Source, ...]) -> dict[str, list[Any]]:
    """Sources as columns of a table."""
    return {
        "source": [f"[{source.number}]" for source in sources],
        "cosine": [round(source.score, 3) for source in sources],
        "file": [source.name for source in sources],
        "caption": [source.caption for source in sources],
        "words that fit best": [", ".join(f"{word} {score:.2f}" for word, score in source.nouns) for source in sources],
    }
