"""Long work in the background: one worker thread a lane, jobs that any page can read and cancel."""

from __future__ import annotations

import math
import queue
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from sharedspace.errors import Cancelled, SharedSpaceError
from sharedspace.records import Progress

WINDOW = 20.0  # seconds whose reports tell the rate: how long a model took to load says nothing of what comes
APART = 0.5  # seconds between two reports that are kept for it
DUE = 3.0  # seconds within which the next report comes; later, the work has become slower

# What waits for what: pictures are taken in one batch after the other, and a map need not wait for hours of that.
Lane = Literal["adding", "other"]


@dataclass
class Job:
    """One piece of long work; written by the worker, read by everyone."""

    title: str
    collection: str
    lane: Lane = "other"
    can_stop: bool = True  # whether it asks, once it runs, whether it is cancelled
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    state: Literal["queued", "running", "done", "cancelled", "failed"] = "queued"
    progress: Progress = field(default_factory=lambda: Progress(0, None))
    result: Any = None
    error: str = ""
    seen: bool = False  # whether a visitor has put its end away
    ended: float | None = None  # seconds of time.monotonic
    _cancel: threading.Event = field(default_factory=threading.Event)
    _reports: tuple[tuple[float, int], ...] = ()  # (seconds of time.monotonic, done), replaced whole: pages read it

    @property
    def active(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in ("queued", "running")

    def report(self, progress: Progress) -> None:
        """Say how far the work is; a new note begins another part of it, with a rate of its own."""
        now, kept = time.monotonic(), list(self._reports)
        if progress.note != self.progress.note or progress.done < self.progress.done:
            kept = []
        kept = [report for report in kept if now - report[0] <= WINDOW] or kept[-1:]
        if len(kept) > 1 and kept[-1][0] - kept[-2][0] < APART:
            kept.pop()
        self._reports = (*kept, (now, progress.done))
        self.progress = progress

    def step(self, progress: Progress) -> None:
        """Say how far the work is, and end it there if it was asked to stop: raises Cancelled."""
        self.report(progress)
        if self.cancelled():
            raise Cancelled("Stopped; what was done is kept.")

    def cancel(self) -> None:
        """Ask it to stop; it does so between two steps and keeps what is done."""
        self._cancel.set()

    def cancelled(self) -> bool:
        """Whether it was asked to stop."""
        return self._cancel.is_set()

    def rate(self) -> float | None:
        """How many are done a second, by the latest reports; None while nothing can be said."""
        reports = self._reports
        if not self.active or len(reports) < 2:
            return None
        (begin, before), (end, done) = reports[0], reports[-1]
        seconds = max(end, time.monotonic() - DUE) - begin
        return (done - before) / seconds if seconds >= 1 and done > before else None

    def seconds_since_end(self) -> float:
        """How long ago it ended; infinite while it has not."""
        return math.inf if self.ended is None else time.monotonic() - self.ended

    def seconds_left(self) -> float | None:
        """By the present rate; None while nothing can be said."""
        rate, total = self.rate(), self.progress.total
        return None if rate is None or total is None else (total - self.progress.done) / rate


Queued = tuple[Job, Callable[[Job], Any], Callable[[], None]]


class Jobs:
    """Lanes of jobs; those of one lane are done one after the other."""

    def __init__(self) -> None:
        self._lanes: dict[Lane, queue.Queue[Queued]] = {"adding": queue.Queue(), "other": queue.Queue()}
        self._jobs: list[Job] = []
        for name, lane in self._lanes.items():
            threading.Thread(target=_work, args=(lane,), name=f"jobs {name}", daemon=True).start()

    def submit(
        self,
        title: str,
        collection: str,
        work: Callable[[Job], Any],
        at_end: Callable[[], None] = lambda: None,
        lane: Lane = "other",
        can_stop: bool = True,
    ) -> Job:
        """Queue work; it is called with its job, to report to and to ask whether it is cancelled.

        `at_end` is called whatever became of it, also when it was cancelled before it began.
        """
        job = Job(title, collection, lane, can_stop)
        self._jobs.append(job)
        self._lanes[lane].put((job, work, at_end))
        return job

    def all(self) -> list[Job]:
        """Every job of this process, oldest first."""
        return list(self._jobs)

    def last(self, collection: str) -> Job | None:
        """The newest job of a collection."""
        return next((job for job in reversed(self._jobs) if job.collection == collection), None)

    def active(self) -> list[Job]:
        """Jobs that wait or run, oldest first."""
        return [job for job in self._jobs if job.active]

    def cancel(self) -> None:
        """Ask all jobs to stop."""
        for job in self.active():
            job.cancel()

    def stop(self, timeout: float = 5.0) -> None:
        """Ask all jobs to stop and wait, at most `timeout` seconds, for those that run."""
        self.cancel()
        end = time.monotonic() + timeout
        while self.active() and time.monotonic() < end:
            time.sleep(0.05)


def _work(lane: queue.Queue[Queued]) -> None:
    while True:
        job, work, at_end = lane.get()
        if job.cancelled():
            job.state = "cancelled"
        else:
            _run(job, work)
        job.ended = time.monotonic()
        at_end()


def _run(job: Job, work: Callable[[Job], Any]) -> None:
    job.state = "running"
    try:
        job.result = work(job)
        job.state = "cancelled" if job.cancelled() else "done"
    except Cancelled:
        job.state = "cancelled"
    except SharedSpaceError as error:
        job.error, job.state = str(error), "failed"
    except BaseException as error:  # noqa: BLE001
        # The thread must live on for the next job; the traceback goes where the server's log is.
        job.error, job.state = f"An unexpected error: {type(error).__name__}: {error}", "failed"
        threading.excepthook(
            threading.ExceptHookArgs((type(error), error, error.__traceback__, threading.current_thread()))
        )
