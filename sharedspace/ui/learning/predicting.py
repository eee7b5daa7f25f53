"""Predict, then reveal: an answer is committed to before anything that follows is worked out or sent.

Alone, the commitment is enough. In a class the answer comes when the teacher reveals it, to those who have committed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from sharedspace.classroom import Question
from sharedspace.plots.spread import spread as draw_spread
from sharedspace.ui import classes, state
from sharedspace.ui.classes import Seat
from sharedspace.ui.figures import figure
from sharedspace.ui.lessons import Lesson
from sharedspace.ui.telling import guarded
from sharedspace.ui.text import plain

EVERY = 2.0  # seconds between two looks at what the class does
LONGEST = 200  # characters of a subject; of a longer one a digest stands in the key


@dataclass(frozen=True, slots=True)
class Guess:
    """What a visitor has committed to."""

    key: str  # of the question: collection, lesson, question and subject
    question: str
    options: tuple[str, ...]
    choice: str  # one of the options; "" for a teacher, who sees the answer with the class and need not choose


def predict(lesson: Lesson, key: str, question: str, options: Sequence[str], subject: str) -> Guess | None:
    """Ask, and give the answer once it is committed to and may be shown; see `Sheet.predict`."""
    if len(subject) > LONGEST:
        subject = hashlib.sha256(subject.encode("utf-8", "replace")).hexdigest()
    name = f"{lesson.name}.{key}" + (f".{subject}" if subject else "")
    # On another collection it is another question: its answer may be another.
    asked = Question(f"{state.collection() or ''}/{name}", question, tuple(options))
    seat = classes.seat()
    with st.container(border=True):
        st.markdown(f":material/psychology: **Predict first.** {question}")
        if seat is None:
            choice = _alone(asked, name)
        elif seat.teaches:
            choice = _taught(asked, name, seat)
        else:
            choice = _in_class(asked, name, seat)
    return None if choice is None else Guess(asked.key, question, asked.options, choice)


def settle(guess: Guess, right: str | None, why: str) -> None:
    """Say what the answer is, beside what was predicted, and in a class beside what all have."""
    said = f"You said **{plain(guess.choice)}**"
    if not guess.choice:
        st.info(why if right is None else f"It is **{plain(right)}**. {why}", icon=":material/visibility:")
    elif right is None:
        st.info(f"{said}. {why}", icon=":material/visibility:")
    elif guess.choice == right:
        st.success(f"{said}, and so it is. {why}", icon=":material/check:")
    else:
        st.warning(f"{said}; it is **{plain(right)}**. {why}", icon=":material/lightbulb:")
    seat = classes.seat()
    if seat is not None:
        _settled(Question(guess.key, guess.question, guess.options), seat, right)


def _settled(asked: Question, seat: Seat, right: str | None) -> None:
    """The spread beside the answer; before a teacher it goes on with those who come late."""

    @st.fragment(run_every=EVERY if seat.teaches else None)
    def spread() -> None:
        _show_spread(asked, seat, right, "settled")

    spread()


def _alone(asked: Question, name: str) -> str | None:
    chosen = state.get().guesses.get(asked.key)
    if chosen not in asked.options:
        chosen = _form(asked, name)
        if chosen is not None:
            state.commit(asked.key, chosen)
            st.rerun()
        st.caption("Choose and commit: the answer is worked out after that.")
        return None
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(_you_said(chosen), width="content")
        st.button(
            "Predict anew",
            key=f"anew-{name}",
            type="tertiary",
            icon=":material/replay:",
            on_click=state.forget,
            args=(asked.key,),
        )
    return chosen


def _in_class(asked: Question, name: str, seat: Seat) -> str | None:
    chosen = seat.room.answer(seat.pupil, asked.key)
    if chosen is None:
        wanted = _form(asked, name)
        if wanted is not None:
            seat.room.commit(seat.pupil, asked, wanted)
            st.rerun()
        st.caption("Choose and commit: your teacher reveals the answer to all who have.")
        return None
    st.markdown(_you_said(chosen))
    if seat.room.revealed(asked.key):
        state.commit(asked.key, chosen)  # it stays when the class has ended
        return chosen
    _wait(asked)
    return None


def _wait(asked: Question) -> None:
    """Say how many have answered, until it is revealed; then the page goes on."""

    @st.fragment(run_every=EVERY)
    def waiting() -> None:
        seat = classes.seat()
        if seat is None or seat.room.revealed(asked.key):
            st.rerun()
        found = seat.room.spread(asked)
        st.markdown(
            f":material/hourglass_top: Your answer is in, {found.n} of {found.n + found.waiting} have answered."
        )

    waiting()


def _taught(asked: Question, name: str, seat: Seat) -> str | None:
    seat.room.ask(state.get().secret, asked)
    if seat.room.revealed(asked.key):
        return ""

    @st.fragment(run_every=EVERY)
    def live() -> None:
        _show_spread(asked, seat, None, f"live-{name}")

    live()
    st.button("Reveal to the class", key=f"reveal-{name}", type="primary", on_click=_reveal, args=(seat, asked))
    st.caption("The answer then appears on this page, and on the pages of all who have committed to theirs.")
    return None


@guarded
def _reveal(seat: Seat, asked: Question) -> None:
    seat.room.reveal(state.get().secret, asked)


def _show_spread(asked: Question, seat: Seat, right: str | None, key: str) -> None:
    found = seat.room.spread(asked)
    st.caption(f"The class: {found.n} answered, {found.waiting} {'has' if found.waiting == 1 else 'have'} not.")
    if found.n or seat.teaches:
        said = ", ".join(f"{option}: {count}" for option, count in zip(asked.options, found.counts, strict=True))
        figure(draw_spread(asked.options, found.counts, right), f"spread-{key}-{asked.key}", f"The class said {said}")


def _you_said(choice: str) -> str:
    return f":material/done: You said **{plain(choice)}**."


def _form(asked: Question, name: str) -> str | None:
    """The options, and what was chosen when it is committed to."""
    with st.form(f"predict-{name}", border=False):
        place = st.radio(
            "Your prediction",
            list(range(len(asked.options))),
            index=None,
            format_func=lambda place: plain(asked.options[place]),
            key=f"choice-{name}",
            label_visibility="collapsed",
        )
        pressed = st.form_submit_button("Commit", type="primary")
    if pressed and place is None:
        st.caption(":material/touch_app: Choose one of them first.")
    return asked.options[place] if pressed and place is not None else None
