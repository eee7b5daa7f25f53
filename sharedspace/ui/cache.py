"""What all sessions share (workspace, jobs) and what is remembered between reruns."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import streamlit as st

from sharedspace import chance, encoders, projection
from sharedspace.classroom import Classrooms
from sharedspace.collection import Collection, Method, Why
from sharedspace.errors import HomeInUse, NotFound, SharedSpaceError
from sharedspace.home import Snapshot
from sharedspace.jobs import Job, Jobs
from sharedspace.ledger import CollectionInfo
from sharedspace.plots import theme
from sharedspace.questions import Part, write
from sharedspace.records import Clustering, Exported, ImageRecord, Progress, SpaceMap, Term
from sharedspace.search import Word
from sharedspace.ui import layouts
from sharedspace.ui.spacemap.payload import Text
from sharedspace.workspace import SAMPLE, Workspace

log = logging.getLogger("sharedspace")
LAYOUTS = 64  # other layouts that browsers may still ask for


@st.cache_resource(show_spinner=False, on_release=Workspace.close)
def workspace() -> Workspace:
    """The one workspace of this process; a new home gets the sample set, an old one its present version.

    It claims the home before anything comes in, which another process would take for what a crash has left.
    """
    opened = Workspace()
    with suppress(HomeInUse), opened.home.owned():  # else this app only reads: the warm-up says so
        pass
    if opened.home.new or any(info.name == SAMPLE for info in opened.collections()):
        opened.add_sample()
    return opened


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """The one registry of long work of this process."""
    return Jobs()


@st.cache_resource(show_spinner=False)
def classrooms() -> Classrooms:
    """The classes of this process."""
    return Classrooms()


_shown = threading.Event()  # a first page stands in a browser


def page_shown() -> None:
    """Let the warm-up begin: it would hold up the first page, which needs none of it."""
    _shown.set()


def warm_up(own_address: Callable[[], str]) -> threading.Thread:
    """Load in the background what the first question would wait for: the model, the index, the compiled map."""
    thread = threading.Thread(target=_warm_up, args=(own_address,), name="warm-up", daemon=True)
    thread.start()
    return thread


def close() -> None:
    """Let go of the home, and of the files that were made for a visitor."""
    for job in jobs().all():
        if isinstance(job.result, Exported):
            shutil.rmtree(Path(job.result.out).parent, ignore_errors=True)
    try:
        workspace().close()
    except SharedSpaceError as error:  # it could not even be opened
        log.warning("At the end: %s", error)


def _warm_up(own_address: Callable[[], str]) -> None:
    _shown.wait(timeout=10)  # seconds; then nobody is waiting
    try:
        workspace().home.announce(own_address())
        time.sleep(2)  # seconds, in which the browser asks for the pictures of that page
        _warm_home()
    except HomeInUse as error:
        log.warning("This app only reads: %s", error)
    except SharedSpaceError as error:
        log.warning("While warming up: %s", error)
    projection.warm_up()


def _warm_home() -> None:
    infos = sorted(workspace().collections(), key=lambda info: -info.number)
    local = [info.space.model for info in infos if encoders.on_disk(info.space.model)]
    for model in local[:1]:  # that of the collection which is shown first; nothing is fetched unasked
        workspace().home.encoder(model).texts(["a warm-up"])
    for info in infos[:1]:
        if info.images and info.space.model in local:
            workspace().collection(
                info.name
            ).baseline()  # some hundred texts, once, that the first query would wait for
    workspace().home.clear_incoming()
    for info in infos:
        _index(info)


class _Long(Exception):
    """It takes so long that visitors should see it."""


def _index(info: CollectionInfo) -> None:
    """Bring an index up to date: silently where a step will do, else as a job with progress. Raises HomeInUse."""
    home = workspace().home

    def silent(progress: Progress) -> None:
        if progress.total is not None and progress.done < progress.total:
            raise _Long

    def work(job: Job) -> None:
        with suppress(NotFound):  # deleted meanwhile
            home.index(info.number, job.step)

    try:
        home.index(info.number, silent)
    except _Long:
        jobs().submit(f"Bringing the index of {info.name} up to date", info.name, work)


_layouts: OrderedDict[str, SpaceMap] = OrderedDict()  # by key, those shown lately; what is kept nowhere else
_laying = threading.Lock()


def keep(shown: SpaceMap) -> SpaceMap:
    """Points that are shown, for the browser to fetch by their key: not all of them are the drawn map of the ledger."""
    with _laying:
        _layouts[shown.key] = _layouts.pop(shown.key, shown)
        while len(_layouts) > LAYOUTS:
            _layouts.popitem(last=False)
        return _layouts[shown.key]


def drawn_map(key: str) -> SpaceMap:
    """A drawn map or other layout by its key, also for pages that show what was since replaced; raises NotFound."""
    with _laying:
        if key in _layouts:
            return _layouts[key]
    return _drawn_map(key)


@st.cache_resource(show_spinner=False, max_entries=64)
def _drawn_map(key: str) -> SpaceMap:
    found = workspace().home.ledger.find_map(key)
    if found is None:
        raise NotFound("map", key)
    return found


def embed(collection: Collection, texts: tuple[str, ...]) -> np.ndarray:
    """Unit vectors (n, d) of texts in the collection's space, each embedded once."""
    return _embed(collection.info.space.fingerprint, texts, collection)


@st.cache_data(show_spinner="Reading the words…", max_entries=256)
def _embed(fingerprint: str, texts: tuple[str, ...], _collection: Collection) -> np.ndarray:
    return _collection.embed(texts)


def terms(collection: Collection, parts: tuple[Part, ...]) -> tuple[Term, ...]:
    """The vectors of a written query; its texts are embedded once. Raises BadInput, NotFound."""
    texts = [part.text for part in parts if part.text]
    known = dict(zip(texts, embed(collection, tuple(texts)), strict=True)) if texts else {}
    others = iter(collection.terms([part for part in parts if not part.text]))
    return tuple(
        Term("text", part.text, known[part.text], part.weight) if part.text else next(others) for part in parts
    )


def line_rate(collection: Collection, parts: tuple[Part, ...], rate: float = chance.RATE) -> float | None:
    """The rate for the no-match line of a query; None, and work in the background, while its captions are not embedded.

    With a large model that takes long, once: the answer need not wait for it.
    """
    wanted = len(parts) == 1 and parts[0].text and parts[0].weight > 0
    return rate if not wanted or line_ready(collection) else None


def line_ready(collection: Collection) -> bool:
    """Whether captions and nouns are embedded, or take no time; else that begins in the background."""
    quick = collection.info.space.model in encoders.IN_THE_BOX  # a second for all of them
    if quick or collection.has_baseline:
        return True
    once(_reading(collection), collection, lambda job: collection.now.baseline().band)
    return False


def line_is_coming(collection: Collection) -> bool:
    """Whether the captions of the no-match line are being embedded."""
    return any(job.title == _reading(collection) for job in jobs().active())


def _reading(collection: Collection) -> str:
    return f"Reading the captions of the no-match line for {collection.info.name}"


def once(title: str, collection: Collection, work: Callable[[Job], object]) -> None:
    """Have something worked out in the background unless it is, or has failed; the page runs anew and waits for it."""
    if not any(job.title == title and (job.active or job.state == "failed") for job in jobs().all()):
        jobs().submit(title, collection.info.name, work)
        st.rerun()


def work_out_trust(collection: Collection) -> None:
    """Have the neighbours of a large collection found, by which its map is judged."""

    def work(job: Job) -> float:
        collection.now.neighbours(on_progress=job.step)
        return float(collection.now.trust().mean())

    once(f"Working out how far the map of {collection.info.name} can be trusted", collection, work)


def query_column(collection: Collection, name: str) -> np.ndarray:
    """A saved query as a column of z-scores, (n,) float32; raises BadInput, NotFound where it cannot be asked."""
    written = write(collection.saved_query(name))
    return _query_column(collection.info.number, collection.snapshot().revision, name, written, collection)


@st.cache_data(show_spinner=False, max_entries=64)
def _query_column(number: int, revision: int, name: str, written: str, _collection: Collection) -> np.ndarray:
    return _collection.query_column(name)


def query_columns(collection: Collection) -> dict[str, np.ndarray]:
    """All saved queries that can be asked, by name; one whose images are gone is left out, and the others stand."""
    columns = {}
    for name in collection.saved("query"):
        with suppress(SharedSpaceError):
            columns[name] = query_column(collection, name)
    return columns


def describe(collection: Collection, ids: tuple[str, ...], texts: tuple[str, ...] | None) -> tuple[Word, ...]:
    """The texts that fit an image, or several together, best first; out of the shipped nouns where none are given."""
    return _describe(collection.info.number, collection.snapshot().revision, ids, texts, collection)


@st.cache_data(show_spinner="Comparing with words…", max_entries=128)
def _describe(
    number: int, revision: int, ids: tuple[str, ...], texts: tuple[str, ...] | None, _collection: Collection
) -> tuple[Word, ...]:
    vector = _collection.terms([Part(images=ids, name="the selected images")])[0].vector
    return _collection.describe(vector, texts)


def telling(collection: Collection) -> dict[str, tuple[int, bool]]:
    """For each metadata field how many different values it has, and whether they are numbers."""
    return _telling(collection.info.number, collection.snapshot().edition, collection)


@st.cache_data(show_spinner=False, max_entries=16)
def _telling(number: int, edition: tuple[int, int], _collection: Collection) -> dict[str, tuple[int, bool]]:
    columns = {field: set(_collection.column(field)) - {None} for field in _collection.fields()}
    return {field: (len(values), bool(values) and all(map(_is_number, values))) for field, values in columns.items()}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def categories(collection: Collection, field: str) -> tuple[np.ndarray, list[str]]:
    """A metadata field as colours: places in the palette, (n,) uint8, and their names; raises NotFound."""
    return _categories(collection.info.number, collection.snapshot().edition, field, collection)


@st.cache_data(show_spinner=False, max_entries=64)
def _categories(
    number: int, edition: tuple[int, int], field: str, _collection: Collection
) -> tuple[np.ndarray, list[str]]:
    codes, names, _ = theme.categories(_collection.column(field))
    return codes, names


def why(collection: Collection, record: ImageRecord, text: str) -> Why:
    """Why an image fits a text."""
    return _why(collection.info.space.fingerprint, record.id, text, collection, record)


@st.cache_data(show_spinner="Looking for reasons…", max_entries=64)
def _why(fingerprint: str, id: str, text: str, _collection: Collection, _record: ImageRecord) -> Why:
    return _collection.why(_record, text)


def anchor_places(collection: Collection, snapshot: Snapshot, drawn: SpaceMap) -> tuple[Text, ...]:
    """Where the texts of the map stand among the images of a drawn map."""
    return _anchor_places(drawn.key, tuple(collection.anchors()), collection, snapshot, drawn)


@st.cache_data(show_spinner="Placing the words…", max_entries=64)
def _anchor_places(
    key: str, texts: tuple[str, ...], _collection: Collection, _snapshot: Snapshot, _drawn: SpaceMap
) -> tuple[Text, ...]:
    return layouts.anchor_places(_collection, _snapshot, _drawn)


def cluster(collection: Collection, method: Method, k: int | None = None, min_size: int | None = None) -> Clustering:
    """Groups of the present images that are not hidden; with the neighbours at hand, seconds for 20,000."""
    # Of the snapshot that is looked at: while pictures are added the collection is ahead of it. Given values group not.
    revision, *_, tagging = collection.edition
    drawn = collection.map().key if method == "map" else ""
    return _cluster(collection.info.number, revision, tagging, method, k, min_size, drawn, collection)


@st.cache_resource(show_spinner="Looking for groups…", max_entries=16)
def _cluster(
    number: int,
    revision: int,
    tagging: int,
    method: Method,
    k: int | None,
    min_size: int | None,
    drawn: str,
    _collection: Collection,
) -> Clustering:
    return _collection.cluster(method, k, min_size)
