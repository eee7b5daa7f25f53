"""What a session remembers beyond its widgets; the only reader and writer of Streamlit's session state.

Widgets that belong to a view (collection, query, labels, colour) keep themselves, across pages and in the address,
with `persist_state` and `bind`; here stands the rest, and what of that belongs to a view is put into the address too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from sharedspace.errors import BadInput
from sharedspace.questions import MOST, Part, read, write
from sharedspace.records import MetaValue
from sharedspace.ui.grouped import History

_KEY = "shared-space"
HISTORY = 30  # queries that a session remembers
UNDOS = 20  # steps that can be taken back


@dataclass(frozen=True)
class Undo:
    """A step on images that can be taken back."""

    words: str  # what was done
    verb: str  # which method of the collection takes it back
    ids: tuple[str, ...]
    tag: str = ""  # or the field of given values
    before: Mapping[str, Any] = field(default_factory=dict)  # given values by id, or what was saved, as it was
    after: Mapping[str, MetaValue | None] = field(default_factory=dict)  # given values by id, as they were left


@dataclass(frozen=True)
class State:
    """One session's state."""

    collection: str | None = None  # name of the one that is looked at
    choices: int = 0  # how often a collection was opened by us: names the widget, so that a new one shows it
    picked: str | None = None  # id of the image whose detail is open
    follow: str | None = None  # a collection to open as soon as it is there
    uploads: int = 0  # how many batches were handed over: names the forms, so that new ones are empty and closed
    told: frozenset[str] | None = None  # ids of jobs whose end was opened, read or put away here; None at first
    away: frozenset[str] = frozenset()  # those that were put away
    trouble: str = ""  # an error of a button's callback, to be shown once
    also: tuple[Part, ...] | None = (
        None  # parts of the query beside the words in the box; None until the address is read
    )
    weight: float = 1.0  # of the words in the box
    where: tuple[str, ...] | None = None  # conditions as written; None until the address is read
    within: frozenset[str] | None = None  # ids that are searched, where not all are
    selected: frozenset[str] = frozenset()  # ids: the one selection of map, galleries and tables
    of: str = ""  # the collection that parts, conditions and selection belong to
    undo: tuple[Undo, ...] = ()  # the latest last
    history: tuple[tuple[Part, ...], ...] = ()  # queries, the latest first
    groups: Mapping[int, History] = field(default_factory=dict)  # as edited here, by the number of the collection
    asked: int = 0  # how often the query was replaced by us: names its widgets, so that they show it
    guesses: Mapping[str, str] = field(default_factory=dict)  # what was predicted in lessons, by question
    classroom: str | None = None  # code of the class one is in, "" for none; None until the address is read
    secret: str = ""  # of the class one teaches
    pupil: str = ""  # what a class knows this session by, where the browser keeps no cookie
    coming: Mapping[str, Any] = field(default_factory=dict)  # how the widgets stand where one goes, by key
    followed: int = 0  # how often one went where the teacher has sent the class
    presenting: bool | None = None  # large type, for a class that looks on; None until the address is read


def get() -> State:
    """The state as it is now."""
    found: State = st.session_state.get(_KEY, State())
    return found


def update(**changes: Any) -> None:
    """Replace fields of the state."""
    st.session_state[_KEY] = replace(get(), **changes)


# ---- the collection that is looked at ---------------------------------------------------------------


def collection() -> str | None:
    """The name of the chosen collection, of this session or of the address."""
    return get().collection or st.query_params.get("collection")


def open_collection(name: str) -> None:
    """Choose a collection; only before the widget that shows the choice is drawn, or in a callback."""
    update(collection=name, choices=get().choices + 1)


def took_collection(key: str) -> None:
    """Keep what the widget of that key was set to; its callback, also of one that the browser has not forgotten yet."""
    if key == collection_key():
        update(collection=st.session_state[key], follow=None)


def collection_key() -> str:
    """The key of the widget that shows the choice."""
    return f"collection-{get().choices}"


def enter(name: str) -> None:
    """Begin a run that looks at this collection: what belongs to another one is put down, the address is read once."""
    now = get()
    if now.of and now.of != name:
        history = tuple(dict.fromkeys(kept for old in now.history if (kept := _texts(old))))
        update(of=name, selected=frozenset(), within=None, undo=(), picked=None, where=(), history=history)
        update(also=_texts(now.also or ()))
    elif now.of != name:
        update(of=name)
    if now.also is None:
        update(also=_also_of_address(), where=tuple(st.query_params.get_all("where")))


def _texts(parts: Iterable[Part]) -> tuple[Part, ...]:
    return tuple(part for part in parts if part.text)  # images and pictures mean nothing in another space


def _also_of_address() -> tuple[Part, ...]:
    written = st.query_params.get("also")
    try:
        return read(written) if written else ()
    except BadInput as error:
        update(trouble=str(error))
        return ()


def into_address() -> None:
    """Put into the address what belongs to a view and is no widget's."""
    now = get()
    also = tuple(part for part in now.also or () if not part.vector and len(part.images) <= 12)  # that fit a link
    _put("also", write(also) if also else "")
    _put("class", (now.classroom or "") if not now.secret else "")
    _put("present", "true" if presenting() else "")
    if list(now.where or ()) != st.query_params.get_all("where"):
        if now.where:
            st.query_params["where"] = list(now.where)
        else:
            st.query_params.pop("where", None)


def _put(name: str, value: str) -> None:
    if value:
        st.query_params[name] = value
    else:
        st.query_params.pop(name, None)


# ---- the query --------------------------------------------------------------------------------------


def words() -> str:
    """The words in the query box."""
    return str(st.session_state.get("q", "") or "")


def parts() -> tuple[Part, ...]:
    """The whole query."""
    text, now = words().strip(), get()
    first = (Part(text, weight=now.weight if now.also else 1.0),) if text else ()
    return (*first, *(now.also or ()))


def ask(parts: Iterable[Part]) -> None:
    """Replace the whole query; only in a callback."""
    parts = list(parts)
    first = next((part for part in parts if part.text and part.weight > 0), None)
    rest = [part for part in parts if part is not first]
    st.session_state["q"] = first.text if first else ""
    update(also=tuple(rest), weight=first.weight if first else 1.0, picked=None, asked=get().asked + 1)


def add_part(part: Part) -> None:
    """Add a part to the query; raises BadInput where it is full."""
    if len(get().also or ()) >= MOST - 1:  # one is for the words in the box
        raise BadInput(f"A query of {MOST} parts is full: take one out first.")
    update(also=(*(get().also or ()), part), picked=None, asked=get().asked + 1)


def drop_part(place: int) -> None:
    """Take a part out of the query."""
    also = list(get().also or ())
    del also[place : place + 1]
    update(also=tuple(also), asked=get().asked + 1)


def weigh_part(place: int, key: str) -> None:
    """Give a part the weight of the widget with that key; of place -1 the words in the box. A weight of 0 is none."""
    weight = float(st.session_state[key])
    also = list(get().also or ())
    if not weight:
        update(asked=get().asked + 1)  # the widget shows again what holds
    elif place < 0:
        update(weight=weight)
    elif place < len(also):
        also[place] = replace(also[place], weight=weight)
        update(also=tuple(also))


def remember_query(parts: tuple[Part, ...]) -> None:
    """Put a query to the front of the history."""
    history = get().history
    if parts and history[:1] != (parts,):
        update(history=(parts, *(old for old in history if old != parts))[:HISTORY])


# ---- selection and undo -----------------------------------------------------------------------------


def select(ids: Iterable[str]) -> None:
    """Replace the selection."""
    update(selected=frozenset(ids))


def did(step: Undo) -> None:
    """Remember a step that can be taken back."""
    if step.ids:
        update(undo=(*get().undo, step)[-UNDOS:])


# ---- lessons ---------------------------------------------------------------------------------------


def commit(question: str, choice: str) -> None:
    """Keep a prediction."""
    update(guesses={**get().guesses, question: choice})


def forget(question: str) -> None:
    """Put a prediction down, to make another one; only in a callback."""
    update(guesses={kept: choice for kept, choice in get().guesses.items() if kept != question})


def asked_class() -> str:
    """The code of the class that one is in, or that the address names; "" for none."""
    known = get().classroom
    return st.query_params.get("class", "") if known is None else known


def presenting() -> bool:
    """Whether a class looks on, by the address or as set since: large type, and nothing beside the page."""
    known = get().presenting
    return st.query_params.get("present") == "true" if known is None else known


def settings(prefix: str) -> dict[str, Any]:
    """How the widgets stand whose keys begin so: texts, numbers, and sequences of them; no buttons and toggles."""
    found = {str(key): value for key, value in st.session_state.items() if str(key).startswith(prefix)}
    return {key: value for key, value in found.items() if all(map(_plain, value if _many(value) else [value]))}


def _many(value: Any) -> bool:
    return type(value) in (list, tuple)


def _plain(value: Any) -> bool:
    return type(value) in (str, int, float)


# ---- forms ------------------------------------------------------------------------------------------


def form_key(name: str) -> str:
    """The key of a form that is new after each batch that was handed over."""
    return f"{name}.{get().uploads}"


def opened_if(wanted: bool, name: str) -> str:
    """The key of such a form in an expander, which begins open if `wanted` and then stays as its visitor left it."""
    key = form_key(name)
    st.session_state.setdefault(key, wanted)
    return key


def handed_over() -> None:
    """Have new forms."""
    update(uploads=get().uploads + 1)


def value(key: str, default: Any = None) -> Any:
    """What the widget of a key is set to, also before it is drawn."""
    return st.session_state.get(key, default)


def set_value(key: str, value: Any) -> None:
    """Set the widget of a key; only in a callback, or before it is drawn."""
    st.session_state[key] = value


def set_labels(text: str) -> None:
    """Put a label set into the labels box; only in a callback."""
    st.session_state["labels"] = text
