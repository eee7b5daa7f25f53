"""What every page has around it: navigation, the choice of collection, running jobs, errors as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import streamlit as st

from sharedspace.collection import Collection
from sharedspace.encoders import IN_THE_BOX
from sharedspace.ui import cache, classes, presenting, running, state, views, visitors
from sharedspace.ui.lessons import LESSONS
from sharedspace.ui.telling import errors, guarded, told_trouble
from sharedspace.ui.text import plain
from sharedspace.workspace import SAMPLE

__all__ = ["FOLDER", "PAGES", "errors", "guarded", "page", "pages", "take_sample", "told_trouble"]
FOLDER = Path(__file__).parent.parent.parent / "pages"
# file, title, icon; the first is the start page
PAGES = (
    ("map", "Map", ":material/scatter_plot:"),
    ("search", "Search", ":material/search:"),
    ("zero_shot", "Zero-shot", ":material/label:"),
    ("clusters", "Clusters", ":material/bubble_chart:"),
    ("tidy", "Tidy", ":material/cleaning_services:"),
    ("images", "Images", ":material/photo_library:"),
)


def file(name: str) -> Path:
    """The file of a page."""
    return FOLDER / f"{name}.py"


def pages() -> dict[str, list[Any]]:
    """The pages for `st.navigation`, by absolute path: a page opened by its own address then looks the same.

    A visitor at another machine is shown the lessons only; `page` refuses the others, which a link may still name.
    """
    guest = visitors.guest()
    tools = [
        st.Page(
            file(name),
            title=title,
            icon=icon,
            default=name == PAGES[0][0] and not guest,
            url_path=name,
            visibility="hidden" if guest else "visible",
        )
        for name, title, icon in PAGES
    ]
    if guest:
        tools.append(st.Page(_to_lessons, title="Start", default=True, visibility="hidden"))
    lessons = [
        st.Page(file(one.name), title=f"{number}. {one.title}", url_path=one.name)
        for number, one in enumerate(LESSONS, start=1)
    ]
    start = st.Page(file("learn"), title="All lessons", icon=":material/school:", url_path="learn")
    return {"": tools, "Learn": [start, *lessons]}


def _to_lessons() -> None:
    st.switch_page(file("learn"), query_params=st.query_params.to_dict())


# Room for the map: Streamlit's wide layout leaves 5 rem empty on both sides. And where the sidebar is hidden, on a
# phone or in a presentation, the running jobs are on the page; on a phone the query box has a row of its own.
# Streamlit writes in white on buttons of the theme's colour, which is a bright one in the dark theme.
_STYLE = """<style>
[data-testid=stMainBlockContainer] { padding-inline: clamp(1rem, 2.5vw, 3rem); }
.st-key-q { min-width: min(100%, 18rem); }
[data-testid^=stBaseButton-primary] { color: light-dark(#ffffff, #11141b); }
</style>"""
_BESIDE = "<style>@media (min-width: 769px) { :has(> .st-key-narrow) { display: none; } }</style>"


@contextmanager
def page(title: str, lead: str, adding: bool = False, learning: bool = False) -> Iterator[Collection]:
    """The frame of a page, around its content; yields the chosen collection. `lead` says what the page is for.

    A collection without images shows what to do instead of the page, unless the page is for `adding` some. Visitors
    at other machines see pages for `learning` only.
    """
    guest = visitors.guest()
    try:
        with errors():
            presenting.begin()
            if guest and not learning:
                _refuse(title)
            classes.enter()
            with st.sidebar:
                collection = _choose(guest)
            if collection is not None:
                state.enter(collection.info.name)
                views.open_asked(collection)
            state.into_address()
            st.html(_STYLE if state.presenting() else _STYLE + _BESIDE)
            classes.strip(title, file)
            _head(title)
            narrow = st.container(key="narrow")
            with st.sidebar:
                running.bars(narrow, classes.for_guests() if guest else None)
                if not state.presenting():
                    presenting.switch()
            with st.container():  # a place of their own: what follows must not move, or the browser draws it anew
                told_trouble()
                if not guest:
                    running.news(None if collection is None else collection.info.name, in_full=adding)
            if not adding and (collection is None or not collection.info.images):
                _nothing_here(collection, guest)
            st.caption(lead + ("" if collection is None or guest else _about_model(collection)))
            yield collection  # type: ignore[misc]  # None only on the page for adding
    finally:
        cache.page_shown()


def _head(title: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(title, anchor=False, width="content")
        if state.presenting():
            presenting.switch()


def _refuse(title: str) -> None:
    st.title(title, anchor=False)
    st.error(
        f"The page {title} is for people at the machine that runs the app, at http\\://localhost: it adds to its "
        "collections and reads its folders. The section Learn is open to you.",
        icon=":material/lock:",
    )
    if st.button("To the lessons", icon=":material/school:"):
        st.switch_page(file("learn"))
    st.stop()


def _choose(guest: bool) -> Collection | None:
    # The newest first: what a visitor of no particular address sees.
    infos = sorted(cache.workspace().collections(), key=lambda info: (info.name == SAMPLE, -info.number))
    if guest:
        infos = [info for info in infos if info.name in classes.for_guests()]
    if not infos:
        st.caption("No collection yet.")
        return None
    names = [info.name for info in infos]
    follow = state.get().follow
    if follow in names:
        state.open_collection(str(follow))
        state.update(follow=None)
    wanted = state.collection()
    shown = names.index(wanted) if wanted in names else 0
    if wanted and wanted not in names and state.get().collection is None:  # of a link
        state.update(trouble=f"There is no collection {wanted} here: {names[0]} is shown in its place.")
    # Not bound and not persisted: the browser loses a bound choice that was made here rather than by its user.
    key = state.collection_key()
    name = st.selectbox("Collection", names, shown, key=key, on_change=state.took_collection, args=(key,))
    state.update(collection=name)
    st.query_params["collection"] = name
    info = infos[names.index(name)]
    st.caption(f"{info.images:,} images · model {plain(info.space.model)} · {info.space.dimension} dimensions")
    return cache.workspace().collection(info.name)


def _nothing_here(collection: Collection | None, guest: bool) -> None:
    if guest:
        st.info("There is no collection to look at yet. Your teacher shows you one: join the class with its address.")
    elif collection is None:
        st.info(
            "There is no collection yet. Add pictures of yours on the page **Images**, or begin with the sample set."
        )
        st.button("Take the sample set", on_click=take_sample, icon=":material/auto_awesome:")
    else:
        st.info(f"{plain(collection.info.name)} holds no images yet. Add some on the page **Images**.")
    st.stop()


@guarded
def take_sample() -> None:
    """Make the sample collection and open it; only in a callback."""
    cache.workspace().add_sample()
    state.open_collection(SAMPLE)


def _about_model(collection: Collection) -> str:
    model = collection.info.space.model
    if model not in IN_THE_BOX:
        return ""
    return f" This model, **{model}**, knows only its own drawings: for photographs add them on *Images* with a CLIP."
