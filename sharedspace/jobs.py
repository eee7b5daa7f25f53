"""Long work in the background: one worker thread, jobs that any page can read and cancel."""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from sharedspace.errors import Cancelled, SharedSpaceError
from sharedspace.records import Progress


@dataclass
class Job:
    """One piece of long work; written by the worker, read by everyone."""

    title: str
    collection: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    state: Literal["queued", "running", "done", "cancelled", "failed"] = "queued"
    progress: Progress = field(default_factory=lambda: Progress(0, None))
    result: Any = None
    error: str = ""
    started: float = 0.0  # seconds, time.monotonic
    _cancel: threading.Event = field(default_factory=threading.Event)

    @property
    def active(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in ("queued", "running")

    def report(self, progress: Progress) -> None:
        """Say how far the work is."""
        self.progress = progress

    def cancel(self) -> None:
        """Ask it to stop; it does so between two steps and keeps what is done."""
        self._cancel.set()

    def cancelled(self) -> bool:
        """Whether it was asked to stop."""
        return self._cancel.is_set()

    def seconds_left(self) -> float | None:
        """From the rate so far; None while nothing can be said."""
        done, total = self.progress.done, self.progress.total
        if not self.active or not done or not total:
            return None
        return (total - done) * (time.monotonic() - self.started) / done


class Jobs:
    """A queue of jobs, done one after the other."""

    def __init__(self) -> None:
        self._queue: queue.Queue[tuple[Job, Callable[[Job], Any], Callable[[], None]]] = queue.Queue()
        self._jobs: list[Job] = []
        self._worker = threading.Thread(target=self._work, name="jobs", daemon=True)
        self._worker.start()

    def submit(
        self, title: str, collection: str, work: Callable[[Job], Any], at_end: Callable[[], None] = lambda: None
    ) -> Job:
        """Queue work; it is called with its job, to report to and to ask whether it is cancelled.

        `at_end` is called whatever became of it, also when it was cancelled before it began.
        """
        job = Job(title, collection)
        self._jobs.append(job)
        self._queue.put((job, work, at_end))
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

    def stop(self, timeout: float = 5.0) -> None:
        """Ask all jobs to stop and wait, at most `timeout` seconds, for the one that runs."""
        for job in self.active():
            job.cancel()
        end = time.monotonic() + timeout
        while self.active() and time.monotonic() < end:
            time.sleep(0.05)

    def _work(self) -> None:
        while True:
            job, work, at_end = self._queue.get()
            if job.cancelled():
                job.state = "cancelled"
            else:
                _run(job, work)
            at_end()


def _run(job: Job, work: Callable[[Job], Any]) -> None:
    job.state, job.started = "running", time.monotonic()
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
