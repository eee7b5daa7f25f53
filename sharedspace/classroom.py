"""A class: pupils who predict under one short code, what they answered, and what their teacher has revealed.

Kept in memory only, and bounded: no names, nothing outlives the process.
"""

from __future__ import annotations

import hmac
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sharedspace.errors import BadInput

LETTERS = "ACDEFGHJKMNPRTUVWXY34679"  # none is taken for another when read from a board
LENGTH = 4
IDLE = 4 * 3600.0  # seconds without a sign of anybody after which a class ends
PRESENT = 120.0  # seconds since a pupil's last sign, in which an answer is still waited for; pages give one every 3
MOST_CLASSES, MOST_PUPILS, MOST_QUESTIONS, MOST_OPTIONS = 20, 200, 500, 24
MOST_CHARACTERS = 1000  # of a question or an option
MOST_SENT = 10_000  # characters of what stands on a page


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: `key` is the same for everybody who is asked the same of the same subject."""

    key: str
    text: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """How a class has answered: counts by option, in order, their sum n, and how many present have not answered."""

    counts: tuple[int, ...]
    n: int
    waiting: int
    revealed: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a teacher has sent the class, and how widgets stand there; `number` counts how often."""

    page: str
    query: Mapping[str, str]
    settings: Mapping[str, Any]  # by key: texts, numbers, and sequences of them
    number: int


@dataclass(slots=True)
class _Asked:
    question: Question
    answers: dict[str, str] = field(default_factory=dict)  # option by pupil
    revealed: bool = False


class Classroom:
    """One class. A pupil is a token; whoever knows `secret` is its teacher. Safe to use from many threads."""

    def __init__(self, code: str, clock: Callable[[], float]) -> None:
        self.code, self.secret = code, secrets.token_urlsafe(16)
        self._clock, self._lock = clock, threading.RLock()
        self._seen: dict[str, float] = {}
        self._asked: dict[str, _Asked] = {}
        self._shown: dict[str, None] = {}
        self._place: Place | None = None
        self._touched = clock()

    # ---- pupils ---------------------------------------------------------------------------------

    def join(self, pupil: str) -> None:
        """Count a pupil as present from now on; BadInput where the class is full."""
        with self._lock:
            now = self._touch()
            if pupil not in self._seen:
                self._seen = {one: seen for one, seen in self._seen.items() if now - seen <= PRESENT}
                if len(self._seen) >= MOST_PUPILS:
                    raise BadInput(f"The class {self.code} is full: it takes {MOST_PUPILS} pupils.")
            self._seen[pupil] = now

    def leave(self, pupil: str) -> None:
        """Wait for this pupil no more; what was answered counts on."""
        with self._lock:
            self._seen.pop(pupil, None)

    def commit(self, pupil: str, question: Question, choice: str) -> str:
        """Take an answer, and give the one that counts: a pupil's first. BadInput for what was not to choose from."""
        with self._lock:
            self.join(pupil)
            answers = self._ask(question).answers
            if choice not in question.options:
                raise BadInput(f"{choice!r} is none of the answers: choose one of those that are shown.")
            if pupil not in answers and len(answers) >= 2 * MOST_PUPILS:
                raise BadInput(f"This question has {len(answers)} answers, and takes no more.")
            return answers.setdefault(pupil, choice)

    def answer(self, pupil: str, key: str) -> str | None:
        """What a pupil has answered to a question; None where nothing yet."""
        with self._lock:
            asked = self._asked.get(key)
            return None if asked is None else asked.answers.get(pupil)

    # ---- what everybody may see -----------------------------------------------------------------

    def spread(self, question: Question) -> Spread:
        """How the class has answered; the counts are the teacher's alone until it is revealed."""
        with self._lock:
            now = self._touch()
            asked = self._asked.get(question.key, _Asked(question))
            counts = Counter(asked.answers.values())
            present = {pupil for pupil, seen in self._seen.items() if now - seen <= PRESENT}
            in_order = tuple(counts[option] for option in question.options)
            return Spread(in_order, sum(in_order), len(present - set(asked.answers)), asked.revealed)

    def revealed(self, key: str) -> bool:
        """Whether the answer to a question may be shown."""
        with self._lock:
            return key in self._asked and self._asked[key].revealed

    def present(self) -> int:
        """How many pupils have given a sign lately."""
        with self._lock:
            now = self._clock()
            return sum(now - seen <= PRESENT for seen in self._seen.values())

    @property
    def place(self) -> Place | None:
        """Where the class was sent last."""
        return self._place

    @property
    def shown(self) -> frozenset[str]:
        """Names of the collections that the teacher looked at with the class."""
        with self._lock:
            return frozenset(self._shown)

    # ---- the teacher ----------------------------------------------------------------------------

    def ask(self, secret: str, question: Question) -> None:
        """Note a question before anybody has answered it."""
        with self._lock:
            self._check(secret)
            self._ask(question)

    def reveal(self, secret: str, question: Question) -> None:
        """Let everybody who has answered see the answer."""
        with self._lock:
            self._check(secret)
            self._ask(question).revealed = True

    def show(self, secret: str, collection: str) -> None:
        """Note that the class looks at a collection."""
        with self._lock:
            self._check(secret)
            self._shown.pop(collection, None)
            self._shown[collection] = None
            self._shown = dict.fromkeys(list(self._shown)[-MOST_OPTIONS:])

    def send(self, secret: str, page: str, query: Mapping[str, str], settings: Mapping[str, Any]) -> None:
        """Say to which page all are to go, and how it is to stand there. BadInput where that is too long."""
        with self._lock:
            self._check(secret)
            if len(f"{page}{query}{settings}") > MOST_SENT:
                raise BadInput("What stands on this page is too long to be sent: shorten the words on it.")
            number = 1 if self._place is None else self._place.number + 1
            self._place = Place(page, dict(query), dict(settings), number)

    def table(self) -> list[tuple[str, str, str, int, int, bool]]:
        """What was answered, a row an option: key and text of the question, option, its count, n, whether revealed."""
        with self._lock:
            rows = []
            for asked in self._asked.values():
                counts = Counter(asked.answers.values())
                one = asked.question
                for option in dict.fromkeys((*one.options, *counts)):
                    rows.append((one.key, one.text, option, counts[option], len(asked.answers), asked.revealed))
            return rows

    # ---- within ---------------------------------------------------------------------------------

    def idle(self) -> float:
        """Seconds since anybody gave a sign."""
        return self._clock() - self._touched

    def _touch(self) -> float:
        self._touched = self._clock()
        return self._touched

    def _check(self, secret: str) -> None:
        if not hmac.compare_digest(secret.encode(), self.secret.encode()):
            raise BadInput(f"Only the teacher of the class {self.code} can do that.")
        self._touch()

    def _ask(self, question: Question) -> _Asked:
        _check_length(question)
        found = self._asked.get(question.key)
        if found is None:
            if len(self._asked) >= MOST_QUESTIONS:
                self._forget_one()
            found = self._asked[question.key] = _Asked(question)
        return found

    def _forget_one(self) -> None:
        """Make room: forget the oldest question that one pupil alone has come upon, on a picture or words of theirs."""
        for key, one in self._asked.items():
            if not one.revealed and len(one.answers) <= 1:
                del self._asked[key]
                return
        raise BadInput(f"The class {self.code} has {MOST_QUESTIONS} questions: open a new one.")


class Classrooms:
    """The classes of a process. Safe to use from many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._rooms: dict[str, Classroom] = {}

    def open(self) -> Classroom:
        """A new class; BadInput where too many are open."""
        with self._lock:
            self._expire()
            if len(self._rooms) >= MOST_CLASSES:
                raise BadInput(f"{MOST_CLASSES} classes are open: close one first.")
            code = _code()
            while code in self._rooms:
                code = _code()
            room = self._rooms[code] = Classroom(code, self._clock)
            return room

    def find(self, code: str) -> Classroom:
        """The class of a code, whatever its case; BadInput where there is none."""
        wanted = code.strip().upper()
        with self._lock:
            self._expire()
            if wanted in self._rooms:
                return self._rooms[wanted]
        short = wanted[: 2 * LENGTH]
        raise BadInput(
            f"There is no class {short!r}: it has ended, or the code is mistyped. It has {LENGTH} characters."
        )

    def all(self) -> list[Classroom]:
        """The classes that are open, the oldest first."""
        with self._lock:
            self._expire()
            return list(self._rooms.values())

    def close(self, room: Classroom) -> None:
        """End a class and forget its answers."""
        with self._lock:
            self._rooms.pop(room.code, None)

    def _expire(self) -> None:
        self._rooms = {code: room for code, room in self._rooms.items() if room.idle() <= IDLE}


def reachable_at() -> str | None:
    """This machine's address in its network, for the machines beside it; None where it is in none. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737: nobody's; only the way out is looked up
            found = str(probe.getsockname()[0])
        except OSError:
            return None
    return None if found.startswith("127.") or found == "0.0.0.0" else found


def _code() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


def _check_length(question: Question) -> None:
    texts = (question.key, question.text, *question.options)
    if len(question.options) > MOST_OPTIONS or max(map(len, texts)) > MOST_CHARACTERS:
        raise BadInput(
            f"A class takes questions of at most {MOST_OPTIONS} answers with {MOST_CHARACTERS} characters each: "
            "shorten the words on this page."
        )
