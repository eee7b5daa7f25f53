"""Texts of users made safe for places that read markdown or HTML. Needs no Streamlit."""

from __future__ import annotations

import html
import re

_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=&@\"'/])")


def plain(text: str) -> str:
    """The text as markdown shows it literally, on one line."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def escaped(text: str) -> str:
    """The text as HTML shows it literally, also within a quoted attribute."""
    return html.escape(text, quote=True)


def short(path: str, length: int = 40) -> str:
    """The end of a path, at most `length` characters."""
    name = path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return name if len(name) <= length else "…" + name[-length + 1 :]


def size(count: int) -> str:
    """A number of bytes in words."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"


def left(seconds: float) -> str:
    """How long something will still take, as exactly as such a guess can be."""
    if seconds < 10:
        return "a few seconds left"
    if seconds < 90:
        return f"about {10 * round(seconds / 10)} s left"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"about {minutes} min left"
    hours, minutes = divmod(10 * round(minutes / 10), 60)
    return f"about {hours} h left" if hours >= 10 or not minutes else f"about {hours} h {minutes} min left"
