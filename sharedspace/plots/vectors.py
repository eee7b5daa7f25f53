"""Vectors as they are: their numbers as stripes, their lengths as a histogram."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from sharedspace.plots import theme

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

BINS = 30
ROW = 44  # pixels of a stripe
LINES = 2  # of a name beside a stripe
APART = {"ticks": "outside", "ticklen": 6, "tickcolor": "rgba(0,0,0,0)"}  # names do not touch the figure


def norms(lengths: np.ndarray, query: float) -> Figure:
    """How many vectors have which length (n,), and a line where that of the query is."""
    from plotly.graph_objects import Figure

    counts, edges = np.histogram(lengths, BINS)
    width = float(edges[1] - edges[0])
    bars = {
        "type": "bar",
        "x": ((edges[:-1] + edges[1:]) / 2).tolist(),
        "y": counts.tolist(),
        "width": width,
        "marker": {"color": theme.PALETTE[0]},
        "hovertemplate": "%{y} pictures with a length near %{x:.2f}<extra></extra>",
    }
    line = {"type": "line", "x0": query, "x1": query, "y0": 0, "y1": 1, "yref": "paper"}
    note = {"x": query, "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False, "text": "the query"}
    return Figure(
        data=[bars],
        layout=theme.layout(
            height=260,
            bargap=0.05,
            margin={"l": 8, "r": 8, "t": 26, "b": 8},
            xaxis={"title": {"text": "length of the vector"}, "fixedrange": True, "gridcolor": theme.GRID},
            yaxis={"title": {"text": "pictures"}, "fixedrange": True, "gridcolor": theme.GRID},
            shapes=[{**line, "line": {"color": theme.PALETTE[5], "width": 2, "dash": "4px,4px"}}],
            annotations=[{**note, "font": {"color": theme.PALETTE[5]}}],
        ),
    )


def stripes(vectors: np.ndarray, names: Sequence[str], grounds: Sequence[str] = theme.DIVERGING["light"]) -> Figure:
    """The d numbers of each vector (n, d) as a row of stripes, on one scale that is even around 0."""
    from plotly.graph_objects import Figure

    most = float(np.abs(vectors).max()) or 1.0
    return Figure(
        data=[
            {
                "type": "heatmap",
                "z": np.round(vectors, 4).tolist(),
                "zmin": -most,
                "zmax": most,
                "colorscale": [[place / (len(grounds) - 1), colour] for place, colour in enumerate(grounds)],
                "colorbar": {"thickness": 10, "nticks": 3, "outlinewidth": 0},
                "ygap": 4,
                "customdata": [[theme.plain(name)] * vectors.shape[1] for name in names],
                "hovertemplate": "%{customdata}, dimension %{x}: %{z:.3f}<extra></extra>",
            }
        ],
        layout=theme.layout(
            height=ROW * len(names) + 70,
            xaxis={"title": {"text": "dimension"}, "fixedrange": True, "showgrid": False, "zeroline": False},
            yaxis={
                "tickmode": "array",
                **APART,
                "tickvals": list(range(len(names))),
                "ticktext": [_beside(name) for name in names],
                "range": [len(names) - 0.5, -0.5],
                "automargin": True,
                "fixedrange": True,
                "showgrid": False,
                "zeroline": False,
            },
            hovermode="closest",
        ),
    )


def cosines(names: Sequence[str], values: np.ndarray, line: float | None) -> Figure:
    """A bar a name for each cosine (n,), -1..1, its value beside the name, and the no-match line where it is known."""
    from plotly.graph_objects import Figure

    told = [f"{_beside(name)}  <b>{value:.3f}</b>" for name, value in zip(names, values, strict=True)]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": values.tolist(),
        "y": list(range(len(names))),
        "marker": {"color": theme.PALETTE[0]},
        "hoverinfo": "text",
        "hovertext": [f"{theme.plain(name)}: {value:.3f}" for name, value in zip(names, values, strict=True)],
    }
    dashed = {"type": "line", "x0": line, "x1": line, "y0": 0, "y1": 1, "yref": "paper"}
    note = {"x": line, "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False, "text": "no-match line"}
    low, high = min(0.0, float(values.min())), max(float(values.max()), line or 0.0, 0.1)
    note["xanchor"] = (
        "right" if line is not None and line > high / 2 else "left"
    )  # within the figure, also a narrow one
    return Figure(
        data=[bars],
        layout=theme.layout(
            height=ROW * len(names) + 70,
            bargap=0.35,
            margin={"l": 8, "r": 8, "t": 26, "b": 8},
            xaxis={
                "title": {"text": "cosine"},
                "range": [1.05 * low, 1.05 * high],
                "fixedrange": True,
                "gridcolor": theme.GRID,
                "zerolinecolor": theme.INK,
            },
            yaxis={
                "tickmode": "array",
                **APART,
                "tickvals": list(range(len(names))),
                "ticktext": told,
                "range": [len(names) - 0.5, -0.5],
                "automargin": True,
                "fixedrange": True,
                "showgrid": False,
            },
            shapes=[]
            if line is None
            else [{**dashed, "line": {"color": theme.PALETTE[5], "width": 2, "dash": "4px,4px"}}],
            annotations=[] if line is None else [{**note, "font": {"color": theme.PALETTE[5]}}],
        ),
    )


def _beside(name: str) -> str:
    """A name beside its row, in two lines at most: captions often differ in their last words only."""
    lines = wrap(name, theme.MAX_TICK, max_lines=LINES, placeholder="…")
    return "<br>".join(map(theme.plain, lines))
