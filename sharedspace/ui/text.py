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
