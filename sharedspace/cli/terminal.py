"""What verbs hand back, and the only way from there to a terminal."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

from sharedspace.records import Progress

DONE, PARTLY, CANNOT, STOPPED = 0, 1, 2, 130
JOINERS = "\u200c\u200d"  # hold emoji and Persian words together, and move nothing
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # categories that move the cursor, turn the direction or cannot be encoded


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verb answers: one document for --json, the same as lines for people, and the exit status."""

    document: dict[str, Any]
    lines: Sequence[str]
    status: int = DONE
    then: Callable[[], int] | None = None  # what runs once the answer is out; gives the status


def show(answer: Answer, as_json: bool) -> None:
    """Write an answer to stdout."""
    if as_json:
        sys.stdout.write(json.dumps(answer.document, indent=2, allow_nan=False) + "\n")  # ASCII, for every terminal
    else:
        for line in answer.lines:
            _write(sys.stdout, line)
    sys.stdout.flush()


def say(line: str) -> None:
    """Write a message to stderr."""
    _write(sys.stderr, line)
    sys.stderr.flush()


def printable(text: object) -> str:
    r"""A text on one line, without power over the terminal: an escape character becomes the four letters \x1b."""
    return "".join(_escaped(char) if _is_hidden(char) else char for char in str(text))


def table(rows: Sequence[Sequence[object]], right: str = "") -> list[str]:
    """Rows as lines in columns, the first row as the head; columns whose place in `right` is "r" end flush."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    sides = right.ljust(len(widths))
    return [
        "  ".join(
            cell.rjust(width) if side == "r" else cell.ljust(width)
            for cell, width, side in zip(row, widths, sides, strict=True)
        ).rstrip()
        for row in cells
    ]


class ProgressLine:
    """Progress of a long job on one line of stderr, where that is a terminal: count, rate, time left."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: tuple[float, int] | None = None  # when the first event came, and what was done by then

    def __call__(self, progress: Progress) -> None:
        """Show where the job is."""
        now = self._clock()
        since, before = self._first = self._first or (now, progress.done)
        line = f"{progress.done:,}" if progress.total is None else f"{progress.done:,} of {progress.total:,}"
        # The first event carries the loading of the model: it is no measure of the rate.
        if now > since and progress.done > before:
            rate = (progress.done - before) / (now - since)
            line += f", {rate:.0f}/s"
            if progress.total is not None:
                line += f", {_duration((progress.total - progress.done) / rate)} left"
        self._draw(line)

    def close(self) -> None:
        """Take the line away."""
        if self._first is not None:
            self._draw("")

    def _draw(self, line: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{line}\x1b[K")
            sys.stderr.flush()


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _write(stream: TextIO, line: str) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char) in HIDDEN and char not in JOINERS


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or SIGTERM sets; the second ends the process at once, as it would have unheard.

    An exception thrown amid the joining of threads can hold up their end for ever; what is durable needs none.
    """
    stopped = threading.Event()

    def stop(number: int, frame: object) -> None:
        if stopped.is_set():
            say("sharedspace: stopped")
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stopped.set()
        say(("\n" if sys.stderr.isatty() else "") + "stopping after this step; once more to stop at once")

    before = {}
    if threading.current_thread() is threading.main_thread():  # elsewhere Python takes no handlers
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) != signal.SIG_IGN:  # a shell's `&` makes its job deaf, and means it
                before[number] = signal.signal(number, stop)
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
