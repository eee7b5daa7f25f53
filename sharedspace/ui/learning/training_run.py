"""A training in a thread of its own: it waits its turn, and ends when its reader leaves. Needs no Streamlit."""

from __future__ import annotations

import atexit
import threading
import time
from typing import Literal

from sharedspace.lessons.training import MOST, Course, Seen, Settings

AT_ONCE = 2  # trainings at a time on a machine; further ones wait
LEFT = 5.0  # seconds without a sign of the page after which its reader has left
SHOWN = 0.25  # seconds between two states that are made ready for the page
ENDS_WITHIN = 5.0  # seconds, of the longest thing between two looks at whether to stop: drawing the pictures

End = Literal["", "paused", "left", "complete"]


class Line:
    """Who may train: the first few of those that want to, in the order in which they came."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._runs: list[Run] = []
        self._lock = threading.Lock()
        atexit.register(self.stop)

    def join(self, run: Run) -> None:
        """Stand at the end."""
        with self._lock:
            self._runs.append(run)

    def leave(self, run: Run) -> None:
        """Let the others move up."""
        with self._lock:
            self._runs.remove(run)

    def ahead(self, run: Run) -> int:
        """How many must end before this one may train; 0: it may."""
        with self._lock:
            return max(0, self._runs.index(run) - self._at_once + 1) if run in self._runs else 0

    def stop(self) -> None:
        """End all trainings, and wait for it: the app ends."""
        with self._lock:
            runs = list(self._runs)
        for run in runs:
            run.pause()
        for run in runs:
            run.wait(ENDS_WITHIN)


class Run:
    """One reader's training. Its page calls `touch` at least every few seconds, or it ends; it can go on later."""

    def __init__(self, settings: Settings, line: Line, pace: float | None = None) -> None:
        self.settings = settings
        self.pace = pace  # samples a second at most; None: as fast as it can
        self.seen: Seen | None = None  # None until it has begun
        self.ended: End = ""
        self._line = line
        self._course: Course | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._touched = 0.0

    @property
    def active(self) -> bool:
        """Whether it trains, or waits for its turn."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def complete(self) -> bool:
        """Whether it has had all its samples."""
        return self.seen is not None and self.seen.samples >= MOST

    @property
    def ahead(self) -> int:
        """How many other trainings must end before it begins."""
        return self._line.ahead(self) if self.active else 0

    @property
    def course(self) -> Course | None:
        """The model itself, while nobody trains it."""
        return None if self.active else self._course

    def touch(self) -> None:
        """A sign that the page is still looked at."""
        self._touched = time.monotonic()

    def go(self, steps: int | None = None) -> None:
        """Train, for that many steps or until it is complete; in the background, and at its turn."""
        self.touch()
        if self.active or self.complete:
            return
        self._stop.clear()
        self.ended = ""
        self._thread = threading.Thread(target=self._work, args=(steps,), name="training", daemon=True)
        self._thread.start()

    def pause(self) -> None:
        """Ask it to stop after its present step."""
        self._stop.set()

    def wait(self, seconds: float) -> None:
        """Wait for its end."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _work(self, steps: int | None) -> None:
        self._line.join(self)
        try:
            while self._line.ahead(self) and self._wanted():
                self._stop.wait(0.1)
            if self._wanted():
                self._train(steps)
        finally:
            self._line.leave(self)

    def _wanted(self) -> bool:
        """Whether to go on; says why not."""
        if self._stop.is_set():
            self.ended = "paused"
        elif time.monotonic() - self._touched > LEFT:
            self.ended = "left"
        elif self.complete:
            self.ended = "complete"
        return not self.ended

    def _train(self, steps: int | None) -> None:
        from sharedspace.pocket import toy

        with toy.one_thread():
            if self._course is None:
                self._course = Course(self.settings)
                self.seen = self._course.seen()
            due = shown = time.monotonic()
            while self._wanted() and steps != 0:
                looked, now = self._course.step(), time.monotonic()
                steps = None if steps is None else steps - 1
                if looked and (now - shown > SHOWN or self._course.samples >= MOST):
                    self.seen, shown = self._course.seen(), now
                due = max(due + self.settings.batch / self.pace, now) if self.pace else now
                self._stop.wait(due - now)  # at no pace this too lets other threads in
            self.seen = self._course.seen()
            self.ended = self.ended or "paused"
