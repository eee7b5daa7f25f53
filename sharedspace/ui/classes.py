"""The class that a session is in: joined by a code or an address, kept across pages, taught by whoever opened it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sharedspace.classroom import Classroom, Place
from sharedspace.errors import BadInput
from sharedspace.ui import cache, state, visitors
from sharedspace.ui.lessons import LESSONS
from sharedspace.ui.telling import guarded
from sharedspace.workspace import SAMPLE

EVERY = 3.0  # seconds between two looks at where the class was sent


@dataclass(frozen=True)
class Seat:
    """A place in a class."""

    room: Classroom
    pupil: str
    teaches: bool


def seat() -> Seat | None:
    """The place that this session has; None outside a class, or when that has ended."""
    now = state.get()
    if not now.classroom:
        return None
    with suppress(BadInput):
        room = cache.classrooms().find(now.classroom)
        return Seat(room, visitors.token(), now.secret == room.secret)
    return None


def enter() -> None:
    """Join the class that the address names, and say when the one that was joined has ended; on every page, first."""
    for key, value in state.get().coming.items():
        state.set_value(key, value)  # here, where no widget of the page is drawn yet
    state.update(coming={})
    code = state.asked_class()
    if not code:
        state.update(classroom="")
        return
    try:
        room = cache.classrooms().find(code)
        if state.get().secret != room.secret:
            room.join(visitors.token())
            state.update(secret="")
        state.update(classroom=room.code)
    except BadInput as error:
        told = f"The class {code} has ended." if state.get().classroom else str(error)
        state.update(classroom="", secret="", trouble=told)


@guarded
def join(code: str) -> None:
    """Take a place in a class; only in a callback. Raises BadInput."""
    room = cache.classrooms().find(code)
    room.join(visitors.token())
    state.update(classroom=room.code, secret="", followed=0)


def leave() -> None:
    """Give up one's place; only in a callback."""
    found = seat()
    if found is not None:
        found.room.leave(found.pupil)
    state.update(classroom="", secret="")


@guarded
def teach(room: Classroom | None = None) -> None:
    """Open a class, or take over one that is open; only in a callback. Raises BadInput."""
    if visitors.guest():
        raise BadInput("Classes are opened at the machine that runs the app.")
    room = room or cache.classrooms().open()
    room.leave(visitors.token())
    state.update(classroom=room.code, secret=room.secret)


def strip(title: str, file: Callable[[str], Path]) -> None:
    """A line about the class one is in, on the page of that title: the way out, and the way to where it was sent.

    `file` gives that of a page.
    """
    found = seat()
    if found is None:
        return
    if not found.teaches:
        _pupils_strip(found, title, file)
        return
    with _row():
        st.markdown(f":material/school: You teach the class **{found.room.code}**", width="content")
        if title != "Lessons" and st.button("To the class", key="class.page", type="tertiary"):
            st.switch_page(file("learn"))


def _row() -> DeltaGenerator:
    return st.container(horizontal=True, vertical_alignment="center", gap="small")


def _pupils_strip(found: Seat, title: str, file: Callable[[str], Path]) -> None:
    @st.fragment(run_every=EVERY)
    def line() -> None:
        if seat() is None:
            st.rerun()  # the page says that the class has ended
        with suppress(BadInput):
            found.room.join(found.pupil)  # still here
        with _row():
            st.markdown(f":material/school: In class **{found.room.code}**", width="content")
            place = found.room.place
            if place is not None and _calls(place, title):
                words = f"Go with the class: {_title(place)}"
                if st.button(words, key="class.go", type="primary"):  # no callback: by that it would be gone
                    _follow(place)
                    st.switch_page(file(place.page), query_params=dict(place.query))
            st.button("Leave", key="class.leave", type="tertiary", on_click=leave)

    line()


def _title(place: Place) -> str:
    return next((one.title for one in LESSONS if one.name == place.page), "Lessons")


def _calls(place: Place, title: str) -> bool:
    """Whether the class was sent elsewhere since this pupil last went along."""
    here = (
        _title(place) == title
        and all(st.query_params.get(name) == value for name, value in place.query.items())
        and all(state.value(key) in (None, value) for key, value in place.settings.items())  # None: not drawn yet
    )
    return place.number > state.get().followed and not here


def _follow(place: Place) -> None:
    if "collection" in place.query:
        state.open_collection(place.query["collection"])
    state.update(followed=place.number, coming=dict(place.settings))


def for_guests() -> frozenset[str]:
    """Names of the collections for visitors at other machines: the sample set, and what their class looks at."""
    found = seat()
    return frozenset({SAMPLE}) | (frozenset() if found is None else found.room.shown)
