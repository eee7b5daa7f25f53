"""What a page shows while it is drawn: its galleries and figures, for the file of that view. Needs no Streamlit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from sharedspace.ui.gallery.component import Tile
    from sharedspace.ui.learning.blocks import Block

_shown: ContextVar[list[Block] | None] = ContextVar("shown", default=None)


@contextmanager
def on() -> Iterator[list[Block]]:
    """A list that fills with what is drawn within."""
    blocks: list[Block] = []
    before = _shown.set(blocks)
    try:
        yield blocks
    finally:
        _shown.reset(before)


def pictures(tiles: Sequence[Tile], label: str) -> None:
    """A gallery is drawn."""
    blocks = _shown.get()
    if blocks is not None and tiles:
        from sharedspace.ui.learning.blocks import Head, Pictures

        captions = [" · ".join(filter(None, (one.mark, one.strong, one.words, one.note))) for one in tiles]
        blocks += [Head(label), Pictures(tuple(one.id for one in tiles), tuple(captions), label)]


def figure(drawn: Figure, alt: str) -> None:
    """A figure is drawn."""
    blocks = _shown.get()
    if blocks is not None:
        from sharedspace.ui.learning.blocks import Drawn

        blocks.append(Drawn(drawn, alt))
