"""Where one picture goes on a drawing of many when it is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sharedspace.plots import theme

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SYMBOLS = ("circle", "square", "triangle-up", "diamond")  # beside the colours
EDGE = 0.06  # of the extent left free around it


def moved(
    xy: np.ndarray,
    words: Sequence[str],
    places: Mapping[str, tuple[float, float]],
    axes: tuple[str, str] | None = None,
) -> Figure:
    """Images (n, 2) in grey, and the places of one of them in its stages, the first before all changes.

    An arrow goes from there to each other stage. With `axes` their names stand beside them and values count; without,
    one unit is as long both ways. At most four stages.
    """
    from plotly.graph_objects import Figure

    every = np.concatenate([xy, np.array(list(places.values()))])
    low, high = every.min(axis=0), every.max(axis=0)
    half = np.maximum((high - low) * (0.5 + EDGE), 1e-3)
    if axes is None:
        half = np.full(2, half.max())
    ranges = [[float(low[at] + high[at]) / 2 - half[at], float(low[at] + high[at]) / 2 + half[at]] for at in (0, 1)]
    axis = {"gridcolor": theme.GRID, "zeroline": False, "fixedrange": True, "showticklabels": axes is not None}
    axis["showgrid"] = axes is not None
    across, up = axes or ("", "")
    return Figure(
        data=[_background(xy, words), *(_stage(at, *one) for at, one in enumerate(places.items()))],
        layout=theme.layout(
            height=400,
            xaxis={**axis, "range": ranges[0], "title": {"text": theme.plain(across)}, "automargin": True},
            yaxis={
                **axis,
                "range": ranges[1],
                "title": {"text": theme.plain(up)},
                "automargin": True,
                **({} if axes else {"scaleanchor": "x", "constrain": "domain"}),
            },
            legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "itemsizing": "constant"},
            hovermode="closest",
            annotations=_arrows(list(places.values())),
        ),
    )


def _background(xy: np.ndarray, words: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"pictures ({len(xy):,})",
        "x": xy[:, 0].tolist(),
        "y": xy[:, 1].tolist(),
        "marker": {"color": theme.OTHER, "size": 5, "opacity": 0.45},
        "hoverinfo": "text",
        "hovertext": [theme.plain(text) for text in words],
    }


def _stage(at: int, name: str, place: tuple[float, float]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": theme.plain(name),
        "x": [place[0]],
        "y": [place[1]],
        "marker": {
            "color": theme.PALETTE[(0, 1, 3, 5)[at]],
            "symbol": SYMBOLS[at],
            "size": 15,
            "line": {"width": 1, "color": theme.INK},
        },
        "hoverinfo": "text",
        "hovertext": [theme.plain(name)],
    }


def _arrows(places: Sequence[tuple[float, float]]) -> list[dict[str, Any]]:
    (x, y), *others = places
    return [
        {
            "x": there[0],
            "y": there[1],
            "ax": x,
            "ay": y,
            "axref": "x",
            "ayref": "y",
            "text": "",
            "showarrow": True,
            "arrowhead": 2,
            "arrowwidth": 2,
            "arrowcolor": theme.INK,
            "standoff": 7,
            "startstandoff": 7,
        }
        for there in others
        if there != (x, y)
    ]
