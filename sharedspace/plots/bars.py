"""A row per name: counts as bars, shares as dots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sharedspace.plots import theme

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

ROW = 26  # pixels a bar
MAX_TEMPLATE = 36  # characters of a prompt template beside the axis; they differ at their ends
BLUE, ORANGE = "#0072B2", "#D55E00"


def counts(names: Sequence[str], values: Sequence[int], colours: Sequence[str] | None = None) -> Figure:
    """One bar a name in the order given, from the top; the count stands at its end."""
    from plotly.graph_objects import Figure

    bars = {
        "type": "bar",
        "orientation": "h",
        "x": list(values),
        "y": list(range(len(names))),
        "text": [f"{value:,}" for value in values],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": theme.PALETTE[0] if colours is None else list(colours)},
        "hoverinfo": "text",
        "hovertext": [f"{theme.plain(name)}: {value:,}" for name, value in zip(names, values, strict=True)],
    }
    return Figure(
        data=[bars],
        layout=theme.layout(
            height=ROW * len(names) + 40,
            bargap=0.25,
            xaxis={"visible": False, "rangemode": "tozero", "range": [0, max([*values, 1]) * 1.12]},
            yaxis={**_rows(names), "showgrid": False},
            showlegend=False,
        ),
    )


def templates(names: Sequence[str], alone: np.ndarray, ensemble: float) -> Figure:
    """The accuracy (t,), 0..1, of each prompt template alone, in the order given; a line is that of all together."""
    from plotly.graph_objects import Figure

    dots = {
        **_dots(alone, "alone", BLUE, "circle"),
        "mode": "markers+text",
        "text": [f"{share:.1%}  " for share in alone],
        "textposition": "middle left",
        "cliponaxis": False,
        "hovertext": [f"{theme.plain(name)}: {share:.1%}" for name, share in zip(names, alone, strict=True)],
    }
    least, most = float(min([*alone, ensemble])), float(max([*alone, ensemble]))
    room = max(most - least, 0.02)  # of the differences, which are small, the axis shows the most
    side = "right" if ensemble > (least + most) / 2 else "left"  # where it has room
    note = {"x": ensemble, "y": 1, "yref": "paper", "yanchor": "bottom", "xanchor": side, "showarrow": False}
    line = {"type": "line", "x0": ensemble, "x1": ensemble, "y0": 0, "y1": 1, "yref": "paper"}
    return Figure(
        data=[dots],
        layout=theme.layout(
            height=ROW * len(names) + 70,
            xaxis={**_shares(), "range": [least - 0.35 * room, most + 0.15 * room], "nticks": 5},
            yaxis=_rows(names, most=MAX_TEMPLATE),
            showlegend=False,
            margin={"l": 8, "r": 8, "t": 28, "b": 8},
            shapes=[{**line, "line": {"color": ORANGE, "width": 2, "dash": "dash"}}],
            annotations=[{**note, "text": f"<b>ensemble {ensemble:.1%}</b>", "font": {"color": ORANGE}}],
        ),
    )


def recall_precision(names: Sequence[str], recall: np.ndarray, precision: np.ndarray, n: Sequence[int]) -> Figure:
    """Recall and precision (L,), 0..1, of each label and the number of its images; NaN where there is none."""
    from plotly.graph_objects import Figure

    words = [
        f"{theme.plain(name)}: {_said(found, 'found')} of {count:,} images, {_said(right, 'right')} of those called so"
        for name, found, right, count in zip(names, recall, precision, n, strict=True)
    ]
    ends: list[float | None] = []
    rows: list[float | None] = []
    for row, (found, right) in enumerate(zip(recall, precision, strict=True)):
        if np.isfinite(found) and np.isfinite(right):
            ends += [float(found), float(right), None]
            rows += [row, row, None]
    between = {
        "type": "scatter",
        "mode": "lines",
        "x": ends,
        "y": rows,
        "line": {"width": 3, "color": theme.OTHER},
        "opacity": 0.5,
        "hoverinfo": "skip",
        "showlegend": False,
    }
    return Figure(
        data=[
            between,
            {**_dots(recall, "recall", BLUE, "circle"), "hovertext": words},
            {**_dots(precision, "precision", ORANGE, "diamond"), "hovertext": words},
        ],
        layout=theme.layout(
            height=ROW * len(names) + 90,
            xaxis={**_shares(), "range": [-0.02, 1.02], "tickvals": [0, 0.25, 0.5, 0.75, 1]},
            yaxis=_rows(names, [f" · {count:,}" for count in n]),
            legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
            hovermode="closest",
        ),
    )


def _said(share: float, word: str) -> str:
    return f"{share:.1%} {word}" if np.isfinite(share) else f"nothing {word}"


def _dots(shares: np.ndarray, name: str, colour: str, symbol: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [float(share) if np.isfinite(share) else None for share in shares],
        "y": list(range(len(shares))),
        "marker": {"symbol": symbol, "size": 11, "color": colour},
        "hoverinfo": "text",
    }


def _shares() -> dict[str, Any]:
    return {"tickformat": ".0%", "fixedrange": True, "gridcolor": theme.GRID, "zeroline": False}


def _rows(names: Sequence[str], more: Sequence[str] = (), most: int = theme.MAX_TICK) -> dict[str, Any]:
    """The axis of names, the first on top; `more` stands behind each."""
    return {
        "tickmode": "array",
        "tickvals": list(range(len(names))),  # by place, not by name: two long names may be cut to the same text
        "ticktext": [theme.tick(name, most) + (more[row] if more else "") for row, name in enumerate(names)],
        "range": [len(names) - 0.5, -0.5],
        "automargin": True,
        "fixedrange": True,
        "gridcolor": theme.GRID,
        "zeroline": False,
    }
