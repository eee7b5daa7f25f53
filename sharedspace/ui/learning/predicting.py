"""Predict, then reveal: an answer is committed to before anything that follows is worked out or sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from sharedspace.ui import state
from sharedspace.ui.lessons import Lesson
from sharedspace.ui.text import plain


@dataclass(frozen=True, slots=True)
class Guess:
    """What a visitor has committed to."""

    key: str  # of the question: lesson, question and subject
    question: str
    options: tuple[str, ...]
    choice: str


def predict(lesson: Lesson, key: str, question: str, options: Sequence[str], subject: str) -> Guess | None:
    """Ask, and give the answer once it is committed to and may be shown; see `Sheet.predict`."""
    name = f"{lesson.name}.{key}" + (f".{subject}" if subject else "")
    chosen = state.get().guesses.get(name)
    with st.container(border=True):
        st.markdown(f":material/psychology: **Predict first.** {question}")
        with st.form(f"predict-{name}", border=False):
            places = list(range(len(options)))
            at = list(options).index(chosen) if chosen in options else None
            place = st.radio(
                "Your prediction",
                places,
                index=at,
                format_func=lambda place: plain(options[place]),
                key=f"choice-{name}",
                disabled=chosen is not None,
                label_visibility="collapsed",
            )
            st.form_submit_button("Commit", disabled=chosen is not None, type="primary")
        if chosen is None and place is not None:
            chosen = options[place]
            state.commit(name, chosen)
            st.rerun()
    if chosen is None:
        st.caption("Choose and commit: the answer is worked out after that.")
        return None
    return Guess(name, question, tuple(options), chosen)


def settle(guess: Guess, right: str | None, why: str) -> None:
    """Say what the answer is, beside what was predicted."""
    if right is None:
        st.info(f"You said **{plain(guess.choice)}**. {why}", icon=":material/visibility:")
    elif guess.choice == right:
        st.success(f"You said **{plain(guess.choice)}**, and so it is. {why}", icon=":material/check:")
    else:
        st.warning(f"You said **{plain(guess.choice)}**; it is **{plain(right)}**. {why}", icon=":material/lightbulb:")
