"""The gallery as a Streamlit component: a grid of pictures; clicks and gestures of selection come back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import streamlit as st

Op: TypeAlias = Literal["add", "remove", "replace", "clear", "all"]
_ID = re.compile("[0-9a-f]{64}")


def _text(name: str) -> str:
    return (Path(__file__).parent / name).read_text("utf-8")


_mount = st.components.v2.component(
    "sharedspace_gallery", html=_text("gallery.html"), css=_text("gallery.css"), js=_text("gallery.js")
)


@dataclass(frozen=True)
class Tile:
    """One picture with its texts, which may say anything: they are only ever shown as text."""

    id: str  # of the image, 64 hex digits
    strong: str = ""  # before the words, such as the score
    words: str = ""  # the caption, and what stands for the picture where it cannot be seen
    note: str = ""  # a quiet line under it
    faded: bool = False
    mark: str = ""  # a badge in the corner, one or two characters


@dataclass(frozen=True)
class Gesture:
    """A change of the selection; `earlier` holds gestures just before it that may not have arrived, oldest first."""

    op: Op
    ids: tuple[str, ...] = ()
    earlier: tuple[Gesture, ...] = ()

    def apply(self, selected: frozenset[str]) -> frozenset[str]:
        """The selection after it; twice is as good as once. `all` adds all shown to what is selected elsewhere."""
        for gesture in self.earlier:
            selected = gesture.apply(selected)
        match self.op:
            case "add" | "all":
                return selected.union(self.ids)
            case "remove":
                return selected.difference(self.ids)
            case "replace":
                return frozenset(self.ids)
            case "clear":
                return frozenset()


@dataclass(frozen=True)
class GalleryEvent:
    """What the user did in the gallery; it lasts one run."""

    opened: str | None = None  # id of the image
    gesture: Gesture | None = None


def gallery(
    tiles: Sequence[Tile],
    *,
    key: str,
    thumb: str,
    tile: str = "8.5rem",
    selected: Collection[str] = (),
    current: str | None = None,
    pick: bool = True,
    label: str = "Pictures",
) -> GalleryEvent:
    """Draw the tiles as squares at least `tile` wide (a CSS length), two columns or more, and say what was done.

    `thumb` is the address of a picture, with `{id}` for its id. `selected` may hold images that are not shown here;
    `current` is the one whose details are open. Without `pick` a click still opens. `key` has no double underscore.
    The browser shows a gesture at once, and `selected` of the run that got it thereafter: ask `last_event` first.
    Raises ValueError for an id that comes twice or is none, and for a `thumb` without its `{id}`.
    """
    ids = [one.id for one in tiles]
    _check(ids, thumb)
    chosen = frozenset(selected)
    shown = [id for id in ids if id in chosen]
    data = {
        "tiles": [list(astuple(one)) for one in tiles],
        "thumb": thumb,
        "tile": tile,
        "selected": shown,
        "elsewhere": len(chosen) - len(shown),
        "seen": _serial(st.session_state.get(key)),
        "current": current,
        "pick": pick,
        "label": label,
    }
    event = _event(_mount(key=key, data=data, on_opened_change=_ignore, on_gesture_change=_ignore), ids)
    return event if pick else replace(event, gesture=None)


def last_event(key: str, ids: Collection[str]) -> GalleryEvent:
    """What was done to cause this run, known before the gallery of the images `ids` is drawn again."""
    return _event(st.session_state.get(key), ids)


def _check(ids: Sequence[str], thumb: str) -> None:
    if "{id}" not in thumb:
        raise ValueError(f"the address {thumb!r} has no {{id}}")
    for id, times in Counter(ids).items():
        if times > 1:
            raise ValueError(f"image {id} comes {times} times")
        if not _ID.fullmatch(id):
            raise ValueError(f"{id!r} is not the id of an image: 64 hex digits")


def _event(state: Any, ids: Collection[str]) -> GalleryEvent:
    """The browser's words, taken only where they make sense and speak of these images."""
    said = state or {}
    known = frozenset(ids) if said.get("opened") or said.get("gesture") else frozenset()
    opened = said.get("opened")
    return GalleryEvent(opened if isinstance(opened, str) and opened in known else None, _gesture(said, known))


def _gesture(said: Any, known: frozenset[str]) -> Gesture | None:
    match said.get("gesture"):
        case {"steps": [*steps]}:
            taken = [_step(step, known) for step in steps]
        case _:
            return None
    done = [gesture for gesture in taken if gesture]
    return replace(done[-1], earlier=tuple(done[:-1])) if done else None


def _step(step: object, known: frozenset[str]) -> Gesture | None:
    """One gesture of the images that are still here; None where nothing of it makes sense."""
    match step:
        case ["clear", []]:
            return Gesture("clear")
        case ["add" | "remove" | "replace" | "all" as op, [*ids]]:
            here = tuple(dict.fromkeys(id for id in ids if isinstance(id, str) and id in known))
            return Gesture(op, here) if here else None
    return None


def _serial(state: Any) -> int | None:
    """The number of the gesture that caused this run: the browser then knows that it arrived."""
    match (state or {}).get("gesture"):
        case {"serial": int(serial)}:
            return serial
    return None


def _ignore() -> None:
    """Streamlit keeps a trigger only under a name that has a callback."""
