"""A batch as a grid: pictures as rows, captions as columns, and the loss over the temperature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sharedspace.plots import theme

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

PALE_TO_BLUE = ((0.0, "#F2F5F9"), (0.5, "#9CC4E4"), (1.0, "#0072B2"))
CELL = 40  # pixels


def grid(values: np.ndarray, captions: Sequence[str], low: float, high: float, form: str, names: str) -> Figure:
    """Values (N, N), pictures as rows, with their numbers in the cells by a d3 `form`; the diagonal has a frame.

    The shade goes from `low` to `high`; `names` says what a value is, for the hover text.
    """
    from plotly.graph_objects import Figure

    n = len(captions)
    whole = [theme.plain(caption) for caption in captions]
    axis = {
        "tickmode": "array",
        "tickvals": list(range(n)),
        "ticktext": [str(place + 1) for place in range(n)],
        "fixedrange": True,
        "showgrid": False,
        "zeroline": False,
        "automargin": True,
    }
    cells = {
        "type": "heatmap",
        "z": values.tolist(),
        "zmin": low,
        "zmax": high,
        "colorscale": [list(stop) for stop in PALE_TO_BLUE],
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "texttemplate": f"%{{z:{form}}}" if n <= 12 else "",
        "hovertext": [[f"picture {row + 1} with “{words}”" for words in whole] for row in range(n)],
        "hovertemplate": f"%{{hovertext}}: {names} %{{z:.3f}}<extra></extra>",
    }
    return Figure(
        data=[cells],
        layout=theme.layout(
            height=CELL * n + 80,
            xaxis={**axis, "title": {"text": "captions"}, "side": "top", "range": [-0.5, n - 0.5]},
            yaxis={**axis, "title": {"text": "pictures"}, "range": [n - 0.5, -0.5]},
            shapes=[_frame(place) for place in range(n)],
            hovermode="closest",
        ),
    )


def _frame(place: int) -> dict[str, Any]:
    around = {"x0": place - 0.5, "x1": place + 0.5, "y0": place - 0.5, "y1": place + 0.5}
    return {"type": "rect", **around, "line": {"color": "#D55E00", "width": 2}}


def over_scale(scales: np.ndarray, losses: np.ndarray, at: float, loss: float, guess: float, own: float) -> Figure:
    """The loss (k,) over the logit scale (k,), a dot where the slider stands, lines at ln N and the own scale."""
    from plotly.graph_objects import Figure

    line = {
        "type": "scatter",
        "mode": "lines",
        "x": scales.tolist(),
        "y": losses.tolist(),
        "line": {"width": 3, "color": theme.PALETTE[0]},
        "hovertemplate": "logit scale %{x:.0f}: loss %{y:.3f}<extra></extra>",
    }
    dot = {
        "type": "scatter",
        "mode": "markers",
        "x": [at],
        "y": [loss],
        "marker": {"size": 13, "color": theme.PALETTE[5]},
        "hovertemplate": "here: %{y:.3f}<extra></extra>",
    }
    dashed = {"color": theme.INK, "width": 1.5, "dash": "4px,4px"}
    return Figure(
        data=[line, dot],
        layout=theme.layout(
            height=300,
            showlegend=False,
            hovermode="closest",
            margin={"l": 8, "r": 8, "t": 26, "b": 8},
            xaxis={"title": {"text": "logit scale = 1 / temperature"}, "fixedrange": True, "gridcolor": theme.GRID},
            yaxis={"title": {"text": "loss"}, "rangemode": "tozero", "fixedrange": True, "gridcolor": theme.GRID},
            shapes=[
                {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": guess, "y1": guess, "line": dashed},
                {"type": "line", "yref": "paper", "x0": own, "x1": own, "y0": 0, "y1": 1, "line": dashed},
            ],
            annotations=[
                {"xref": "paper", "x": 1, "y": guess, "text": f"guessing, ln N = {guess:.2f}", "showarrow": False}
                | {"xanchor": "right", "yanchor": "bottom"},
                {"x": own, "yref": "paper", "y": 1, "text": "the model's own", "showarrow": False, "yanchor": "bottom"},
            ],
        ),
    )
