"""Lesson 8, what its parts share: work done once, the pictures that are looked at, the labels to choose from."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import streamlit as st

from sharedspace import images
from sharedspace.collection import Collection
from sharedspace.encoders import IN_THE_BOX
from sharedspace.lessons.retrieval import spaced
from sharedspace.records import Progress
from sharedspace.ui import cache, state
from sharedspace.ui.learning import reading
from sharedspace.ui.text import plain
from sharedspace.ui.tidying import finding
from sharedspace.zeroshot import TEMPLATE, Label

if TYPE_CHECKING:
    from PIL import Image

T = TypeVar("T")
Report = Callable[[Progress], None]
KEPT = 40  # results in memory, of a megabyte or two at most: a class looks at more than one of each
MOST = 60  # values of a field that make a label set
NOUNS = "the nouns that come with the program"

_results: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
_keeping = threading.Lock()


@dataclass(frozen=True, eq=False)
class Labels:
    """A label set, and what is known of the pictures of the collection by it."""

    source: str  # the field, or NOUNS
    names: tuple[str, ...]
    truth: np.ndarray  # (n,) int, the place of each picture's true label, -1 where unknown
    listed: int  # how many names are of the source; words that a reader adds come after them

    @property
    def known(self) -> bool:
        """Whether any true label is known."""
        return bool((self.truth >= 0).any())

    def vectors(self, collection: Collection) -> np.ndarray:
        """Unit rows (L, d) of the labels, each as "a photo of a …"."""
        return collection.classes([Label(name) for name in self.names], [TEMPLATE])

    def joined(self, words: Sequence[str]) -> Labels:
        """The same with some words more, which are no picture's true label."""
        return replace(self, names=(*self.names, *(word for word in words if word not in self.names)))

    def python(self, template: str = TEMPLATE) -> str:
        """Python that makes `labels` and their unit rows `texts`."""
        made = f"labels = {list(self.names)!r}\n"
        if self.source == NOUNS:
            made = f"labels = [*collection.vocabulary(), *{list(self.names[self.listed :])!r}]\n"
        return f"{made}texts = collection.embed([{template!r}.replace('{{}}', label) for label in labels])\n"


def worked(
    collection: Collection, key: tuple[Any, ...], title: str, work: Callable[[Report], T], quick: bool = False
) -> T | None:
    """What work gives, done once for its key; None, with a word about it, while a job does it.

    What is `quick` with a model in the box is done while one waits. The model of the collection is part of the key.
    """
    key = (collection.info.space.fingerprint, *key)

    def do(report: Report) -> None:
        done = work(report)
        with _keeping:
            _results[key] = done
            while len(_results) > KEPT:
                _results.popitem(last=False)

    if key not in _results and quick and collection.info.space.model in IN_THE_BOX:
        with st.spinner("Looking at the pictures…"):
            do(lambda progress: None)
    if not finding.ready(collection, key in _results, title, lambda job: do(job.step), at_once=-1):
        return None
    with _keeping:
        found: T | None = _results.get(key)
        if found is not None:
            _results.move_to_end(key)
    return found


def has_picture(collection: Collection, id: str) -> bool:
    """Whether an image is here as a picture, not as a vector alone."""
    return bool(collection.original(id) or collection.thumbnail(id))


def sample(collection: Collection, most: int) -> list[int]:
    """Rows of images that are not hidden, at most so many, evenly spaced; those that are here as pictures."""
    seen, records = reading.visible(collection), collection.snapshot().records
    rows = [seen[place] for place in spaced(len(seen), most).tolist()]
    return [row for row in rows if has_picture(collection, records[row].id)]


def pictures(collection: Collection, rows: Sequence[int]) -> list[Image.Image]:
    """The pictures of some rows, decoded for the collection's model; raises Unreadable."""
    records, side = collection.snapshot().records, collection.encoder.side
    return [images.decode(collection.picture(records[row]), records[row].path, side).image for row in rows]


def python(collection: Collection, rows: Sequence[int], most: int, labels: Labels | None = None) -> str:
    """Python that makes `rows`, those of a `sample`, and their `pictures`; with labels those of a known one only."""
    found, made = sample(collection, most), reading.code(collection, False, most)
    if labels is not None and labels.known:
        found = [row for row in found if labels.truth[row] >= 0]
        made += f'rows = [row for row in rows if str(collection.column({labels.source!r})[row] or "").strip()]\n'
    if list(rows) != found:
        made = f"rows = {list(rows)!r}\n"
    return (
        "from sharedspace import images\n"
        + made
        + "records = [collection.snapshot().records[row] for row in rows]\n"
        + "side = collection.encoder.side\n"
        + "pictures = [images.decode(collection.picture(one), one.path, side).image for one in records]\n"
    )


def choose(collection: Collection, key: str) -> Labels | None:
    """Labels by a choice: the values of a field, which are then known, or nouns; None while these are being read."""
    found = {name: told for name, told in cache.telling(collection).items() if 2 <= told[0] <= MOST and not told[1]}
    options = [*sorted(found, key=lambda name: (-found[name][0], name)), NOUNS]
    if state.value(key) not in (None, *options):
        state.set_value(key, options[0])  # of another collection
    source = str(
        st.selectbox("Labels", options, key=key, format_func=plain, bind="query-params", persist_state="session")
    )
    column = [None if value is None else " ".join(str(value).split()) for value in _column(collection, source)]
    names = tuple(sorted({value for value in column if value})) if source != NOUNS else tuple(collection.vocabulary())
    if not reading.ready(collection, [TEMPLATE.replace("{}", name) for name in names]):
        return None
    place = {name: at for at, name in enumerate(names)}
    truth = np.array([-1 if value is None else place.get(value, -1) for value in column], dtype=np.intp)
    return Labels(source, names, truth, len(names))


def _column(collection: Collection, source: str) -> Sequence[object | None]:
    return [None] * len(collection.snapshot().records) if source == NOUNS else collection.column(source)
