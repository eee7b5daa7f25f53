"""Figures of the lessons about maps and indexes: one drawing of a set, and what grows with a set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sharedspace.plots import theme

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star", "hexagon")  # beside the colours
DASHES = ("solid", "dash", "dot", "dashdot")
EDGE = 0.06  # of a map's extent left free around it


def drawing(
    xy: np.ndarray,
    words: Sequence[str],
    codes: np.ndarray,
    names: Sequence[str],
    marked: Mapping[str, int] | None = None,
) -> Figure:
    """One drawing (n, 2): a mark an image in the colour and shape of its category, (n,) places in `names`.

    Without categories all are alike. `marked` are letters that stand at some rows. One unit is as long both ways.
    """
    from plotly.graph_objects import Figure

    # Both ends of the extent in a square, so that drawings beside each other are of one size.
    low, high = xy.min(axis=0), xy.max(axis=0)
    half = max(float((high - low).max()), 1e-6) * (0.5 + EDGE)
    ranges = [[float(middle - half), float(middle + half)] for middle in (low + high) / 2]
    axis = {"showticklabels": False, "gridcolor": theme.GRID, "zeroline": False, "fixedrange": True}
    groups = [(code, names[code] if code < len(names) else "other or none") for code in np.unique(codes).tolist()]
    return Figure(
        data=[_group(xy, words, np.flatnonzero(codes == code), code, name) for code, name in groups],
        layout=theme.layout(
            height=480 if names else 400,
            xaxis={**axis, "range": ranges[0], "constrain": "domain"},
            yaxis={**axis, "range": ranges[1], "scaleanchor": "x", "constrain": "domain"},
            showlegend=len(names) > 0,
            legend={"orientation": "h", "x": 0, "y": -0.02, "yanchor": "top", "itemsizing": "constant"},
            hovermode="closest",
            annotations=[_letter(xy[row], letter) for letter, row in (marked or {}).items()],
        ),
    )


def _group(xy: np.ndarray, words: Sequence[str], rows: np.ndarray, code: int, name: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"{theme.tick(name)} ({len(rows):,})",
        "x": xy[rows, 0].tolist(),
        "y": xy[rows, 1].tolist(),
        "marker": {"color": theme.colour(code), "symbol": SYMBOLS[code % len(SYMBOLS)], "size": 6, "opacity": 0.75},
        "hoverinfo": "text",
        "hovertext": [f"{theme.plain(words[row])}<br>{theme.plain(name)}" for row in rows.tolist()],
    }


def _letter(place: np.ndarray, letter: str) -> dict[str, Any]:
    return {
        "x": float(place[0]),
        "y": float(place[1]),
        "ax": 0,
        "ay": -26,
        "text": f"<b>{theme.plain(letter)}</b>",
        "font": {"color": "#10151f", "size": 15},
        "bgcolor": "rgba(255, 255, 255, 0.9)",
        "arrowcolor": theme.INK,
        "arrowwidth": 2,
    }


def growth(
    series: Mapping[str, Sequence[tuple[float, float]]], y: str, logarithmic: bool, made_from: int | None = None
) -> Figure:
    """Values against the number of vectors, on a logarithmic axis: points (n, value) by name of what was measured.

    `made_from`: the size from which on the set is no longer all real, as an upright mark.
    """
    from plotly.graph_objects import Figure

    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": theme.plain(name),
            "x": [n for n, _ in points],
            "y": [value for _, value in points],
            "line": {"color": theme.colour(place), "dash": DASHES[place % len(DASHES)], "width": 2},
            "marker": {"symbol": SYMBOLS[place % len(SYMBOLS)], "size": 9},
            "hoverinfo": "text",
            "hovertext": [f"{theme.plain(name)}<br>{value:.4g} at {n:,.0f} vectors" for n, value in points],
        }
        for place, (name, points) in enumerate(series.items())
    ]
    sizes = sorted({n for points in series.values() for n, _ in points})
    axis = {"gridcolor": theme.GRID, "zeroline": False, "automargin": True, "fixedrange": True}
    vertical = {"type": "log", "dtick": 1} if logarithmic else {"tickformat": ".0%", "range": _share_range(series)}
    return Figure(
        data=traces,
        layout=theme.layout(
            height=340,
            xaxis={
                **axis,
                "type": "log",
                "tickvals": sizes,
                "ticktext": [f"{n / 1000:g}k" if n >= 1000 else f"{n:g}" for n in sizes],
                "title": {"text": "vectors"},
            },
            yaxis={**axis, **vertical, "title": {"text": theme.plain(y)}},
            legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            hovermode="closest",
            **_made(made_from, sizes),
        ),
    )


def _share_range(series: Mapping[str, Sequence[tuple[float, float]]]) -> list[float]:
    least = min((value for points in series.values() for _, value in points), default=0.0)
    return [max(0.0, least - 0.1 * max(1 - least, 0.2)), 1.03]


def _made(made_from: int | None, sizes: Sequence[float]) -> dict[str, Any]:
    if made_from is None or not sizes or not sizes[0] < made_from < sizes[-1]:
        return {}
    line = {"type": "line", "x0": made_from, "x1": made_from, "y0": 0, "y1": 1, "yref": "paper"}
    return {
        "shapes": [{**line, "line": {"color": theme.INK, "width": 2, "dash": "4px,4px"}}],
        "annotations": [
            {
                "x": float(np.log10(made_from)),
                "y": 0,
                "yref": "paper",
                "yanchor": "bottom",
                "xanchor": "left",
                "xshift": 4,
                "text": "made from here on",
                "showarrow": False,
            }
        ],
    }
