"""The confusion matrix: what the pictures are against what they were called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sharedspace.plots import theme

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

RIGHT = ((0.0, "#CFE3F2"), (1.0, "#0072B2"))
WRONG = ((0.0, "#F8DCC8"), (1.0, "#D55E00"))


def confusion(labels: Sequence[str], counts: np.ndarray) -> Figure:
    """Counts (L, L), rows the true label and columns the given one; blue is right, orange wrong.

    The shade is the share of the row, so that rare labels are as readable as frequent ones; cells of 0 stay empty.
    A cell that is not empty can be selected by a click: its customdata is (true, given), places in `labels`.
    """
    from plotly.graph_objects import Figure

    names = [theme.plain(label) for label in labels]
    cell = 44 if len(names) <= 12 else 24  # pixels
    axis = {
        "tickmode": "array",
        "tickvals": list(range(len(names))),  # by place, not by name: two long names may be cut to the same text
        "ticktext": [theme.tick(label) for label in labels],
        "automargin": True,
        "fixedrange": True,
        "showgrid": False,
        "zeroline": False,
    }
    edges = [-0.5, len(names) - 0.5]
    diagonal = np.eye(len(names), dtype=bool)
    return Figure(
        data=[_cells(counts, diagonal, RIGHT), _cells(counts, ~diagonal, WRONG), _targets(names, counts)],
        layout=theme.layout(
            height=cell * len(names) + 150,
            hovermode="closest",
            showlegend=False,
            font={"color": theme.INK, "size": 13 if len(names) <= 12 else 11},
            xaxis={**axis, "title": {"text": "predicted"}, "side": "top", "tickangle": -45, "range": edges},
            yaxis={**axis, "title": {"text": "true"}, "range": edges[::-1]},
        ),
    )


def _cells(counts: np.ndarray, shown: np.ndarray, scale: tuple[Any, ...]) -> dict[str, Any]:
    totals = counts.sum(axis=1, keepdims=True)  # (L, 1)
    shares = np.where(shown & (counts > 0), counts / np.maximum(totals, 1), np.nan)
    return {
        "type": "heatmap",
        "z": [[None if np.isnan(share) else float(share) for share in row] for row in shares],
        "zmin": 0,
        "zmax": 1,
        "colorscale": [list(stop) for stop in scale],
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "text": [
            ["" if np.isnan(share) else f"{counts[r, c]:,}" for c, share in enumerate(row)]
            for r, row in enumerate(shares)
        ],
        "texttemplate": "%{text}",
        "hoverinfo": "skip",
    }


def _targets(names: Sequence[str], counts: np.ndarray) -> dict[str, Any]:
    """An unseen bar over each cell: plotly reports no click on a heatmap as a selection; the selected has a frame."""
    totals = counts.sum(axis=1)
    cells = [(int(r), int(c)) for r, c in np.argwhere(counts > 0)]
    return {
        "type": "bar",
        "x": [c for _, c in cells],
        "y": [1] * len(cells),
        "base": [r - 0.5 for r, _ in cells],
        "width": 1,
        "customdata": [list(cell) for cell in cells],
        "marker": {"color": "rgba(0,0,0,0)", "opacity": 0, "line": {"width": 3, "color": theme.INK}},
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 0}},
        "hoverinfo": "text",
        "hovertext": [f"is {names[r]}, called {names[c]}: {counts[r, c]:,} of {totals[r]:,}" for r, c in cells],
    }
