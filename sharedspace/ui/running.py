"""Long work as visitors see it: bars while it runs, and a quiet line about each end until it was noticed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sharedspace.collection import Collection
from sharedspace.errors import EmptyCollection, ModelUnavailable, NotFound
from sharedspace.jobs import Job, Jobs
from sharedspace.ledger import CollectionInfo
from sharedspace.records import Exported, Imported, IngestResult, Verified
from sharedspace.ui import cache, state, visitors
from sharedspace.ui.text import left, plain, short, size

LINES = 3  # of what has ended, on one page
AGAIN = 1.5  # seconds after an end in which pages are drawn once more


def bars(also: DeltaGenerator, of: frozenset[str] | None = None) -> None:
    """Bars of the long work that runs, with a way to stop it, here and in another container; of some collections."""

    def running() -> list[Job]:
        return [job for job in cache.jobs().active() if of is None or job.collection in of]

    active = {job.id for job in running()}
    # Streamlit can lose the run that tells of an end, where its server was held up: then a second one tells it.
    again = any(job.seconds_since_end() < AGAIN for job in cache.jobs().all())
    ticks = count()

    # One fragment for both places: of two timers, one would often come amid the run that the other has asked for.
    @st.fragment(run_every=1.0 if active or again else None)
    def shown() -> None:
        now = running()
        for job in now:
            _bar(job, "here")
            with also:
                _bar(job, "also")
        by_itself = next(ticks) > 0
        if by_itself and (again or active - {job.id for job in now} or _followed()):
            st.rerun()  # a full run: what has ended is told, and without work the timer stops

    with st.container():  # its own place: what follows on the page is not taken for what the fragment drew before
        shown()


def _followed() -> bool:
    """Whether a collection that this visitor fills has come to be since the page was drawn."""
    follow = state.get().follow
    return follow is not None and any(info.name == follow for info in cache.workspace().collections())


def _bar(job: Job, place: str) -> None:
    progress = job.progress
    share = progress.done / progress.total if progress.total else 0.0
    st.progress(min(share, 1.0), text=f"**{plain(job.title)}**  \n{plain(_how_far(job))}")
    if (not job.can_stop and job.state != "queued") or visitors.guest():
        return
    st.button(
        "Stopping…" if job.cancelled() else "Cancel",
        key=f"cancel-{place}-{job.id}",
        on_click=job.cancel,
        disabled=job.cancelled(),
        help="What is done so far is kept.",
    )


def draw(jobs: Jobs, collection: Collection) -> Job:
    """Have a map drawn, or brought up to date, in the background."""

    def work(job: Job) -> None:
        try:
            collection.map()
            collection.baseline()  # while nobody waits for it
        except (NotFound, EmptyCollection):
            return  # deleted or emptied meanwhile: nothing is left to draw
        except ModelUnavailable:
            return  # the map stands; what needs the model says so when it is asked

    name = collection.info.name
    return jobs.submit(drawing(name), name, work, can_stop=False)


def drawing(name: str) -> str:
    """The title of the work that draws the map of a collection."""
    return f"Drawing the map of {name}"


def _how_far(job: Job) -> str:
    """Count, rate and time left, as far as they are known."""
    if job.state == "queued":
        return "waits for what was begun before"
    progress, rate, seconds = job.progress, job.rate(), job.seconds_left()
    done = f"{progress.done:,}" + (f" of {progress.total:,}" if progress.total else "")
    parts = [progress.note] if progress.note else []
    parts += [done] if progress.done or progress.total else []
    parts += [_rate(rate) if job.lane == "adding" else f"{rate:,.0f} a second"] if rate else []
    parts += [left(seconds)] if seconds is not None and progress.done < (progress.total or 0) else []
    return " · ".join(parts) or "begins"


def end(job: Job) -> str | None:
    """What became of a job, in a sentence, as markdown; None for one whose end is seen where it was asked for."""
    if job.active:
        return None
    if job.state == "failed":
        return f"**{plain(job.title)}**: {plain(job.error)}"
    match job.result:
        case IngestResult():
            words = ingested(job.result)
        case Imported(added=added, already_there=there):
            words = f"{added:,} added, {there:,} already there."
        case Exported():
            words = f"{job.result.images:,} images, {size(job.result.bytes)}: the download is on the page *Images*."
        case Verified():
            words = verified(job.result)
        case CollectionInfo(images=images):
            words = f"{images:,} images."
        case _:
            words = ""
    if job.state == "cancelled":
        words = f"{words} Cancelled: what was done is kept, the same again completes it.".strip()
    return f"**{plain(job.title)}**: {words}" if words else None


def ingested(result: IngestResult) -> str:
    """Counts, time, rate and precision of an ingest."""
    rate = result.images_per_second
    how = f" ({_rate(rate)}, {result.precision})" if result.added else ""
    return (
        f"{result.added:,} added, {result.already_there:,} already there, {len(result.rejected):,} refused "
        f"in {result.seconds:.1f} s{how}."
    )


def _rate(rate: float) -> str:
    return f"{rate:,.0f} images/s" if rate >= 2 else f"{rate:.1f} images/s"


def verified(found: Verified) -> str:
    """How many images, how much was mended, how much could not be."""
    if not found.mended and not found.problems:
        return f"{found.images:,} images, and everything agrees."
    return f"{found.images:,} images, {len(found.mended)} mended, {len(found.problems)} not mended."


def news(collection: str | None, in_full: bool) -> None:
    """A line about each job that has ended unnoticed, with a way to its collection and a way to be rid of it.

    `collection` is the one that is looked at; `in_full` says that this page tells its ends in full by itself.
    """
    told = _told()
    fresh = [job for job in cache.jobs().all() if job.id not in told and end(job) is not None]
    fresh = [job for job in fresh if not (in_full and job.collection == collection)]
    known = {info.name for info in cache.workspace().collections()}
    for job in fresh[-LINES:]:
        with st.container(horizontal=True, border=True, vertical_alignment="center", gap="small"):
            st.markdown(f"{_icon(job)} {end(job)}", width="stretch")
            if job.collection in known and job.collection != collection:
                st.button(f"Open {plain(short(job.collection))}", key=f"open-{job.id}", on_click=_open, args=(job,))
            away_button(f"away-{job.id}", put_away, job)


def away_button(key: str, on_click: Callable[[Job], None], job: Job) -> None:
    """The cross that puts the news of a job away."""
    st.button("", key=key, type="tertiary", icon=":material/close:", help="Put away", on_click=on_click, args=(job,))


def _icon(job: Job) -> str:
    return ":material/error:" if job.state == "failed" else ":material/task_alt:"


def _told() -> frozenset[str]:
    """Ids of the jobs whose end this visitor knows of; to a new one, what another has put away is no news."""
    told = state.get().told
    if told is None:
        told = frozenset(job.id for job in cache.jobs().all() if job.seen)
        state.update(told=told)
    return told


def tell(job: Job) -> None:
    """Take it that this visitor has read of a job's end."""
    job.seen = True
    state.update(told=_told() | {job.id})


def put_away(job: Job) -> None:
    """Show nothing more of a job's end to this visitor; only in a callback."""
    tell(job)
    state.update(away=state.get().away | {job.id})


def _open(job: Job) -> None:
    tell(job)
    state.open_collection(job.collection)
