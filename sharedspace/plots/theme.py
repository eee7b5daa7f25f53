"""What all figures share: colours, the order of categories, and how a user's text is made safe to show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

# Okabe and Ito (2008) without its yellow and black, which one of white and black grounds swallows; then each the
# farthest in Oklab from those before it, over normal, deuteranope, protanope and tritanope sight (Machado et al. 2009).
# The first eight are told apart by everybody; twenty only by most, so that names stand beside colours everywhere.
PALETTE = (
    *("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#960F5A", "#005A00", "#B400FF", "#0F00FF"),
    *("#1ED25A", "#7800B4", "#D200A5", "#FF4BFF", "#875A3C", "#FF96F0", "#3C4B78", "#4B87FF", "#D2004B", "#969600"),
)
OTHER = "#8A8F98"  # the colour of noise, and of what has no colour of its own
OTHER_CODE = 255
INK = "#7D828B"  # of writing; readable on white and on black
MAX_CHARACTERS = 200  # of one text in a figure
MAX_TICK = 24  # of one beside an axis


def categories(values: Sequence[object | None]) -> tuple[np.ndarray, list[str], list[int]]:
    """Values as at most 20 categories, the most frequent first: (codes (n,) uint8, names, counts).

    A code is a place in PALETTE, or OTHER_CODE for None and for what is not among the 20 most frequent.
    """
    found = Counter(str(value) for value in values if value is not None)
    shown = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[: len(PALETTE)]
    place = {name: code for code, (name, _) in enumerate(shown)}
    codes = [OTHER_CODE if value is None else place.get(str(value), OTHER_CODE) for value in values]
    return np.array(codes, dtype=np.uint8), [name for name, _ in shown], [count for _, count in shown]


def colour(code: int) -> str:
    """The colour of a category."""
    return PALETTE[code] if code < len(PALETTE) else OTHER


def plain(text: object) -> str:
    """A user's text for a figure: shown as it is, where plotly would read a part of HTML in it."""
    whole = str(text).encode("utf-8", "replace").decode("utf-8")  # lone surrogates do not go into JSON
    cut = whole if len(whole) <= MAX_CHARACTERS else f"{whole[: MAX_CHARACTERS - 1]}…"
    return cut.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def tick(text: object) -> str:
    """A user's text beside an axis, cut so that the figure keeps its room; the whole stands in the hover text."""
    words = str(text)
    return plain(words if len(words) <= MAX_TICK else f"{words[: MAX_TICK - 1]}…")


def layout(**more: Any) -> dict[str, Any]:
    """The layout of every figure: no title, no ground, writing that is readable on light and dark."""
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": INK, "size": 13},
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "hoverlabel": {"align": "left"},
        **more,
    }
