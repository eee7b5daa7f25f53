"""A training as it runs: the matrix of captions and pictures, and four curves over the samples seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sharedspace.plots import theme

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

BLUE, ORANGE = theme.PALETTE[0], theme.PALETTE[5]
TICKS = 8  # captions beside an axis


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """One training over the samples seen, (k,) for the loss and (m,) for what is measured on held-out pictures."""

    name: str
    loss_at: np.ndarray
    loss: np.ndarray
    at: np.ndarray
    accuracy: np.ndarray  # 0..1
    gap: np.ndarray  # 0..2
    temperature: np.ndarray  # 1 / logit scale


def matrix(cosines: np.ndarray, captions: Sequence[str], grounds: Sequence[str] = theme.DIVERGING["light"]) -> Figure:
    """Cosines (C, C), -1..1, captions as rows and the pictures of the same captions as columns; `grounds` low to high.

    A cell says on hover what it is of; beside the axes stand as many captions as have room.
    """
    from plotly.graph_objects import Figure

    names = [theme.plain(caption) for caption in captions]
    places = range(0, len(names), -(-len(names) // TICKS))
    axis = {
        "tickmode": "array",
        "tickvals": [names[place] for place in places],
        "ticktext": [theme.tick(captions[place]) for place in places],
        "automargin": True,
        "fixedrange": True,
        "showgrid": False,
        "zeroline": False,
    }
    cells = {
        "type": "heatmap",
        "x": names,
        "y": names,
        "z": np.round(cosines, 3).tolist(),
        "zmin": -1,
        "zmax": 1,
        "colorscale": [[place / (len(grounds) - 1), colour] for place, colour in enumerate(grounds)],
        "colorbar": {"title": {"text": "cosine"}, "thickness": 10, "tickvals": [-1, 0, 1], "outlinewidth": 0},
        "hovertemplate": "“%{y}” with pictures of “%{x}”: %{z:.2f}<extra></extra>",
    }
    return Figure(
        data=[cells],
        layout=theme.layout(
            height=440,
            xaxis={**axis, "title": {"text": "pictures of"}, "side": "top", "tickangle": -45},
            yaxis={**axis, "title": {"text": "caption"}, "autorange": "reversed"},
            hovermode="closest",
        ),
    )


def curves(runs: Sequence[Curves], start: float, words: str, chance: float) -> Figure:
    """Loss, held-out accuracy, temperature and gap of one training, or of two: the second is dashed.

    `start` is the loss before anything is learnt, `words` what stands on its line; `chance` the accuracy of a guess.
    """
    from plotly.graph_objects import Figure

    panels = [
        ("loss", start, words),
        ("held-out accuracy", chance, f"chance {chance:.1%}"),
        ("temperature", None, ""),
        ("modality gap", None, ""),
    ]
    end = max(float(run.at[-1]) for run in runs)
    axes: dict[str, Any] = {}
    marks: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    for place, (title, level, said) in enumerate(panels):
        number = "" if place == 0 else str(place + 1)
        axes |= _axes(place, number, title, end)
        notes.append(_title(number, title))
        if level is not None:
            marks.append(_level(number, level))
            notes.append(_said(number, level, said))
    traces = [trace for order, run in enumerate(runs) for trace in _traces(run, order)]
    return Figure(
        data=traces,
        layout=theme.layout(
            height=440,
            shapes=marks,
            annotations=notes,
            showlegend=len(runs) > 1,
            legend={"orientation": "h", "x": 0, "y": 1.12, "yanchor": "bottom"},
            hovermode="closest",
            margin={"l": 8, "r": 8, "t": 30, "b": 8},
            **axes,
        ),
    )


def _axes(place: int, number: str, title: str, end: float) -> dict[str, Any]:
    """The two axes of a panel of four, the first at the top left; to the right they reach to `end`."""
    right, lower = place % 2, place // 2
    shared = {"gridcolor": theme.GRID, "zeroline": False, "fixedrange": True, "rangemode": "tozero"}
    across = {**shared, "anchor": f"y{number}", "domain": [0.57 * right, 0.57 * right + 0.43], "nticks": 4}
    across["range"] = [-0.02 * end, 1.02 * end] if end else [0, 1]
    if lower:
        across["title"] = {"text": "samples seen"}
    upright = {**shared, "anchor": f"x{number}", "domain": [0.0, 0.4] if lower else [0.58, 0.98], "nticks": 5}
    if title == "held-out accuracy":
        upright |= {"tickformat": ".0%", "range": [0, 1.03]}
    return {f"xaxis{number}": across, f"yaxis{number}": upright}


def _title(number: str, title: str) -> dict[str, Any]:
    place = {"xref": f"x{number} domain", "yref": f"y{number} domain", "x": 0, "y": 1.02}
    return {**place, "text": f"<b>{title}</b>", "showarrow": False, "xanchor": "left", "yanchor": "bottom"}


def _level(number: str, level: float) -> dict[str, Any]:
    place = {"xref": f"x{number} domain", "yref": f"y{number}", "x0": 0, "x1": 1, "y0": level, "y1": level}
    return {"type": "line", **place, "line": {"color": theme.INK, "width": 1.5, "dash": "4px,4px"}}


def _said(number: str, level: float, words: str) -> dict[str, Any]:
    place = {"xref": f"x{number} domain", "yref": f"y{number}", "x": 1, "y": level}
    return {**place, "text": words, "showarrow": False, "xanchor": "right", "yanchor": "bottom"}


def _traces(run: Curves, order: int) -> list[dict[str, Any]]:
    shown = ((run.loss_at, run.loss), *((run.at, values) for values in (run.accuracy, run.temperature, run.gap)))
    return [
        {
            "type": "scatter",
            "mode": "lines" if len(x) > 1 else "markers",
            "name": theme.plain(run.name),
            "showlegend": place == 0,
            "legendgroup": str(order),
            "x": x.tolist(),
            "y": np.round(y, 4).tolist(),
            "xaxis": f"x{place + 1}" if place else "x",
            "yaxis": f"y{place + 1}" if place else "y",
            "line": {"width": 2, "color": (BLUE, ORANGE)[order], "dash": ("solid", "6px,3px")[order]},
            "hovertemplate": "%{y:.3g} after %{x:,} samples<extra></extra>",
        }
        for place, (x, y) in enumerate(shown)
    ]
