"""Class mode as a teacher has it: open a class, send it to a page, take its answers along. And how a pupil joins."""

from __future__ import annotations

import csv
import io

import streamlit as st

from sharedspace.answers import cell
from sharedspace.classroom import LENGTH, Classroom
from sharedspace.collection import Collection
from sharedspace.ui import cache, classes, state, visitors
from sharedspace.ui.classes import Seat
from sharedspace.ui.lessons import Lesson
from sharedspace.ui.telling import guarded


def panel(collection: Collection, one: Lesson) -> None:
    """What a teacher has on top of a lesson: who is there, and the way to bring the class to this page."""
    seat = classes.seat()
    if seat is None or not seat.teaches:
        return
    seat.room.show(state.get().secret, collection.info.name)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _count(seat.room)
        st.button(
            "Send the class here",
            key="class.send",
            icon=":material/campaign:",
            on_click=_send,
            args=(seat, one.name),
            help="A button appears on the pupils' pages; their page then stands as yours does now",
        )
        with st.popover("Link", icon=":material/link:"):
            st.caption("This page as it stands, with the code of the class:")
            st.code(visitors.link(one.name, {**_parameters(), "class": seat.room.code}), language=None, wrap_lines=True)


def _count(room: Classroom) -> None:
    @st.fragment(run_every=classes.EVERY)
    def counted() -> None:
        number = room.present()
        st.markdown(f":material/group: {number} pupil{'' if number == 1 else 's'} in the class", width="content")

    with st.container(width="content"):
        counted()


def _parameters() -> dict[str, str]:
    """Those of this page that all are to see; a value given more than once goes by its last."""
    given = st.query_params.to_dict()
    return {name: value for name, value in given.items() if name not in ("class", "present")}


@guarded
def _send(seat: Seat, page: str) -> None:
    settings = state.settings(f"{page.removeprefix('learn_')}.")
    seat.room.send(state.get().secret, page, _parameters(), settings)


def section() -> None:
    """The class on the page of all lessons."""
    seat = classes.seat()
    if seat is not None and seat.teaches:
        _taught(seat)
    elif seat is None:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="class.way"):
            st.text_input(
                "Code of your class",
                key="class.code",
                placeholder=f"Class code, {LENGTH} characters",
                max_chars=12,
                autocomplete="off",
                label_visibility="collapsed",
                width=280,
                on_change=_join,
            )
            st.button("Join", key="class.join", on_click=_join)
            if not visitors.guest():
                _ways_to_teach()


def _join() -> None:
    code = str(state.value("class.code") or "").strip()
    if code and classes.seat() is None:
        classes.join(code)


def _ways_to_teach() -> None:
    st.button(
        "Open a class",
        key="class.open",
        icon=":material/co_present:",
        on_click=classes.teach,
        help="All predict on devices of their own, you see the spread, and the answer comes when you reveal it",
    )
    rooms = cache.classrooms().all()
    if not rooms:
        return
    with st.popover("Take over"):
        st.caption("A class that was opened at this machine, after a reload of its teacher's page:")
        for room in rooms:
            st.button(
                f"Take over the class {room.code}", key=f"class.take.{room.code}", on_click=classes.teach, args=(room,)
            )


def _taught(seat: Seat) -> None:
    room = seat.room
    with st.container(border=True):
        code, way = st.columns([1, 2], gap="large", vertical_alignment="center")
        with code:
            st.caption("The code of your class")
            st.markdown(f"# {room.code}")
            _count(room)
        with way:
            collection = state.collection()
            if collection:
                room.show(state.get().secret, collection)
            st.caption("The address for your pupils")
            query = {"collection": collection or "", "class": room.code}
            st.code(visitors.link("learn", query), language=None, wrap_lines=True)
            if visitors.only_here():
                st.caption(
                    ":material/info: Only this machine can open it: start the app with `sharedspace app --share`, "
                    "and the machines beside it can, for the lessons."
                )
            st.caption("Open a lesson, **send the class here**, and reveal each answer when enough have predicted.")
        with st.container(horizontal=True):
            st.download_button(
                "The answers as CSV",
                lambda: _csv(room),
                f"class-{room.code}.csv",
                "text/csv",
                icon=":material/download:",
                key="class.csv",
                on_click="ignore",
            )
            with st.popover("Close the class"):
                st.caption("Its answers are forgotten: take them along first.")
                st.button("Close it", key="class.close", type="primary", on_click=_close, args=(room,))


def _close(room: Classroom) -> None:
    cache.classrooms().close(room)
    state.update(classroom="", secret="")


def _csv(room: Classroom) -> bytes:
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(("key", "question", "answer", "count", "n", "revealed"))
    rows.writerows(tuple(map(cell, row)) for row in room.table())
    return written.getvalue().encode("utf-8-sig")  # by which a spreadsheet knows the encoding
