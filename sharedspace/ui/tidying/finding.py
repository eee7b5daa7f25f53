"""What the tools for a messy set have worked out, remembered between reruns; what takes long is a job."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from sharedspace import images, quality
from sharedspace.collection import Collection
from sharedspace.jobs import Job
from sharedspace.ledger.marks import HIDDEN
from sharedspace.records import Count, Duplicates, Leaks, Poor, Subset
from sharedspace.ui import cache, frame, state
from sharedspace.ui.state import Undo

AT_ONCE = 1000  # images whose neighbours are found, or whose pictures are looked at, while one waits
COMPARED = 200  # images whose pictures are compared with each other
COSINES = [round(quality.LEAST + 0.005 * step, 3) for step in range(41)]  # of the slider: 0.8 to 1


def ready(
    collection: Collection, there: bool, title: str, work: Callable[[Job], object], at_once: int = AT_ONCE
) -> bool:
    """Whether something is there or takes a moment only; else a job works it out, with progress and a way to stop."""
    if there or len(collection.snapshot().records) <= at_once:
        return True
    title = f"{title} in {collection.info.name}"
    mine = [job for job in cache.jobs().all() if job.title == title]
    if not mine or mine[-1].state == "done":  # one that is done was of an earlier state of the collection
        cache.jobs().submit(title, collection.info.name, work)
        st.rerun()
    if mine[-1].active:
        st.info(
            "This is worked out once: the bar, in the sidebar or above, tells how far it is.",
            icon=":material/hourglass:",
        )
    else:
        st.info("It was stopped." if mine[-1].state == "cancelled" else "It did not succeed.")
        st.button("Go on", on_click=_again, args=(title, collection.info.name, work), icon=":material/play_arrow:")
    return False


def _again(title: str, name: str, work: Callable[[Job], object]) -> None:
    cache.jobs().submit(title, name, work)


def turned(count: int, size: int, key: str) -> range:
    """Which of so many are shown, with a way to turn the pages where they are more than one."""
    pages = max(1, -(-count // size))
    page = st.pagination(pages, key=key) if pages > 1 else 1
    return range((page - 1) * size, min(page * size, count))


def pairs_ready(collection: Collection) -> bool:
    """Whether pairs of alike images are known."""
    return ready(
        collection,
        collection.has_alike,
        "Looking for near duplicates",
        lambda job: len(collection.now.alike(on_progress=job.step)),
        COMPARED,
    )


def _now(collection: Collection) -> tuple[Any, ...]:
    """What answers depend on beside the question: images, metadata, which are hidden."""
    return (collection.info.number, collection.edition)


def duplicates(collection: Collection, threshold: float, look: bool) -> Duplicates:
    """Groups of near duplicates."""
    return _duplicates(_now(collection), threshold, look, collection)


# Not by `cache_data`, which would copy the pairs at each rerun; results are frozen.
@st.cache_resource(show_spinner="Comparing the pictures…", max_entries=16)
def _duplicates(now: tuple[Any, ...], threshold: float, look: bool, _collection: Collection) -> Duplicates:
    return _collection.duplicates(threshold, look)


def counts(collection: Collection, look: bool) -> tuple[Count, ...]:
    """How many groups there are at each of COSINES."""
    return _counts(_now(collection), look, collection)


@st.cache_resource(show_spinner=False, max_entries=8)
def _counts(now: tuple[Any, ...], look: bool, _collection: Collection) -> tuple[Count, ...]:
    found = _collection.alike()
    if look:
        found = found.where(quality.same(found))
    return quality.counts(found, COSINES, len(_collection.snapshot().records))


def leaks(collection: Collection, field: str, threshold: float, look: bool) -> Leaks:
    """Near duplicates across the values of a field."""
    return _leaks(_now(collection), field, threshold, look, collection)


@st.cache_resource(show_spinner="Comparing the pictures…", max_entries=8)
def _leaks(now: tuple[Any, ...], field: str, threshold: float, look: bool, _collection: Collection) -> Leaks:
    return _collection.leaks(field, threshold, look)


def subset(collection: Collection, n: int, kind: quality.Kind) -> Subset:
    """A few images that stand for all."""
    return _subset(_now(collection), n, kind, collection)


@st.cache_resource(show_spinner="Choosing…", max_entries=8)
def _subset(now: tuple[Any, ...], n: int, kind: quality.Kind, _collection: Collection) -> Subset:
    return _collection.subset(n, kind)


def looks(collection: Collection) -> tuple[Poor, ...]:
    """Poor pictures."""
    return _looks(_now(collection), collection)


@st.cache_resource(show_spinner="Looking at the pictures…", max_entries=8)
def _looks(now: tuple[Any, ...], _collection: Collection) -> tuple[Poor, ...]:
    return _collection.looks()


@st.cache_data(show_spinner=False, max_entries=32)
def difference(one: str, other: str, _collection: Collection) -> bytes:
    """Two pictures by their ids, and where they differ, as a PNG."""
    records = {record.id: record for record in _collection.snapshot().records}
    return images.difference_png(_collection.picture(records[one]), _collection.picture(records[other]))


@frame.guarded
def hide(collection: Collection, ids: Iterable[str]) -> None:
    """Hide images, to be taken back; only in a callback."""
    fresh = tuple(collection.now.tag(list(ids), HIDDEN))
    state.did(Undo(f"hid {len(fresh):,}", "untag", fresh, HIDDEN))
    state.select(state.get().selected.difference(fresh))
