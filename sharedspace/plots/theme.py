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
# Stops of continuous colours, from low to high. Their lightness runs one way, so that every kind of sight can read
# them, and the high end stands out from the ground: dark on white, bright on black.
SEQUENTIAL = {
    "light": ("#D9DEE8", "#A9C3DE", "#5E9CCB", "#0072B2", "#1B3F8F", "#2B0A57"),
    "dark": ("#2A3140", "#3F4A78", "#7A5A93", "#C86F6B", "#F2A93B", "#FFF3A0"),
}
# From one phrase over neither to the other; blue and orange are told apart by every kind of sight.
DIVERGING = {
    "light": ("#B34700", "#E69F5A", "#C9CDD6", "#5FA3D3", "#004C80"),
    "dark": ("#FF9A3D", "#B0713A", "#4A5162", "#4C86B3", "#7CC7FF"),
}
STEPS = 48  # colours of a continuous scale
OTHER = "#8A8F98"  # the colour of noise, and of what has no colour of its own
OTHER_CODE = 255
INK = "#7D828B"  # of writing; readable on white and on black
GRID = "rgba(125, 130, 139, 0.25)"  # INK, faint
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


def ramp(stops: Sequence[str], steps: int = STEPS) -> tuple[str, ...]:
    """Colours between some stops, evenly spaced, as #rrggbb."""
    given = np.array([[int(stop[at : at + 2], 16) for at in (1, 3, 5)] for stop in stops], dtype=float)  # (s, 3)
    places = np.linspace(0, len(stops) - 1, steps)
    channels = [np.interp(places, np.arange(len(stops)), given[:, channel]) for channel in range(3)]
    return tuple("#" + "".join(f"{round(float(channel[step])):02X}" for channel in channels) for step in range(steps))


def bins(values: np.ndarray, low: float, high: float, steps: int = STEPS) -> np.ndarray:
    """Values (n,) as places on a scale from low to high: (n,) uint8; what lies beyond is at its end, NaN OTHER_CODE."""
    share = (np.asarray(values, dtype=np.float64) - low) / (high - low if high > low else 1.0)
    codes = np.clip(np.nan_to_num(share) * steps, 0, steps - 1).astype(np.uint8)
    return np.where(np.isfinite(values), codes, OTHER_CODE).astype(np.uint8)


def colour(code: int) -> str:
    """The colour of a category."""
    return PALETTE[code] if code < len(PALETTE) else OTHER


def plain(text: object) -> str:
    """A user's text for a figure: shown as it is, where plotly would read a part of HTML in it."""
    whole = str(text).encode("utf-8", "replace").decode("utf-8")  # lone surrogates do not go into JSON
    cut = whole if len(whole) <= MAX_CHARACTERS else f"{whole[: MAX_CHARACTERS - 1]}…"
    return cut.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def tick(text: object, most: int = MAX_TICK) -> str:
    """A user's text beside an axis, cut so that the figure keeps its room; the whole stands in the hover text."""
    words = str(text)
    return plain(words if len(words) <= most else f"{words[: most - 1]}…")


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
