"""The markdown of lessons as HTML. What a user wrote in it is text, also where it is not escaped."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline

_ICON = re.compile(r":material/\w+:\s?")


def html_of(markdown: str) -> str:
    """Paragraphs, lists, emphasis, code and tables (CommonMark) as HTML; links as their text; icons left out.

    HTML in it is shown as it is written, and no address in it is ever asked for.
    """
    return str(_reader().render(markdown))


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    reader.inline.ruler.push("icon", _icon)
    for name, written in (("link_open", ""), ("link_close", ""), ("heading_open", "<h3>"), ("heading_close", "</h3>")):
        reader.add_render_rule(name, lambda *_, written=written: written)
    return reader


def _icon(state: StateInline, silent: bool) -> bool:
    """Streamlit's icons, which are of a font that no file carries."""
    found = _ICON.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    state.pos = found.end()
    return True
