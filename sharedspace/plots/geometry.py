"""Figures of the lessons about the space: islands, rates with intervals, what changes along a shift, histograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sharedspace.plots import theme

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

ROW = 30  # pixels a row
BLUE, ORANGE = "#0072B2", "#D55E00"
LOOKS = (
    (BLUE, "circle", "solid"),
    (ORANGE, "diamond", "dash"),
    ("#009E73", "square", "dot"),
)  # colour alone tells nothing
BINS = 40


def islands(
    images: np.ndarray,
    texts: np.ndarray,
    image_words: Sequence[str],
    text_words: Sequence[str],
    bounds: tuple[np.ndarray, np.ndarray] | None = None,
) -> Figure:
    """Images (n, 2) and texts (m, 2) of one plane, with the mean of each kind; `bounds` are two corners of it.

    One unit is as long along both axes.
    """
    from plotly.graph_objects import Figure

    both = np.concatenate([images, texts])
    low, high = (both.min(axis=0), both.max(axis=0)) if bounds is None else bounds
    room = 0.06 * np.maximum(high - low, 1e-3)
    axis = {"visible": True, "showticklabels": False, "gridcolor": theme.GRID, "zeroline": False, "fixedrange": True}
    kinds = (("pictures", images, image_words, 7, 0.55), ("texts", texts, text_words, 9, 0.7))
    traces, notes = [], []
    for (name, places, words, size, opacity), (colour, symbol, _) in zip(kinds, LOOKS, strict=False):
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"{name} ({len(places):,})",
                "x": places[:, 0].tolist(),
                "y": places[:, 1].tolist(),
                "marker": {"color": colour, "symbol": symbol, "size": size, "opacity": opacity},
                "hoverinfo": "text",
                "hovertext": [theme.plain(text) for text in words],
            }
        )
        notes.append(_mean(places, name, colour))
    return Figure(
        data=traces,
        layout=theme.layout(
            height=440,
            xaxis={**axis, "range": [float(low[0] - room[0]), float(high[0] + room[0])]},
            yaxis={**axis, "range": [float(low[1] - room[1]), float(high[1] + room[1])], "scaleanchor": "x"},
            legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "itemsizing": "constant"},
            hovermode="closest",
            annotations=notes,
        ),
    )


def _mean(places: np.ndarray, name: str, colour: str) -> dict[str, Any]:
    """A note at the mean of a kind, above or below, so that two on one place can both be read."""
    x, y = places.mean(axis=0).tolist()
    toward = 1 if name == "pictures" else -1  # the middle of the figure, where there is room on a narrow screen too
    return {
        "x": x,
        "y": y,
        "ax": 55 * toward,
        "ay": -75 * toward,
        "text": f"<b>mean of {name}</b>",
        "font": {"color": colour},
        "bgcolor": "rgba(255, 255, 255, 0.85)",
        "arrowcolor": colour,
        "arrowwidth": 2,
    }


def rates(
    names: Sequence[str],
    shares: Sequence[float],
    intervals: Sequence[tuple[float, float]],
    chance: Sequence[float] | float | None = None,
) -> Figure:
    """One share a row, 0..1, as a dot with its interval, in the order given; an upright mark is what chance reaches."""
    from plotly.graph_objects import Figure

    rows = list(range(len(names)))
    said = [
        f"{theme.plain(name)}: {share:.1%} (interval {low:.1%} to {high:.1%})"
        for name, share, (low, high) in zip(names, shares, intervals, strict=True)
    ]
    dots = {
        **_marks(shares, rows, "measured", LOOKS[0], 11),
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [high - share for share, (_, high) in zip(shares, intervals, strict=True)],
            "arrayminus": [share - low for share, (low, _) in zip(shares, intervals, strict=True)],
            "color": BLUE,
            "thickness": 2,
            "width": 5,
        },
        "hovertext": said,
    }
    traces = [dots]
    everywhere = [chance] * len(rows) if isinstance(chance, float) else chance
    if everywhere is not None:
        look = (ORANGE, "line-ns-open", "solid")
        traces.append({**_marks(everywhere, rows, "chance", look, 16), "hoverinfo": "skip"})
        traces[-1]["marker"]["line"] = {"width": 3, "color": ORANGE}
    reached = [*shares, *(end for ends in intervals for end in ends), *(everywhere or ())]
    least, most = min(reached), max(reached)
    room = max(0.05 * (most - least), 0.005)
    return Figure(
        data=traces,
        layout=theme.layout(
            height=ROW * len(names) + 90,
            xaxis={
                **_axis(),
                "tickformat": ".0%" if most - least > 0.1 else ".1%",
                "range": [least - room, most + room],
            },
            yaxis=_rows([f"{theme.tick(name, 36)}  {share:.1%}" for name, share in zip(names, shares, strict=True)]),
            legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
            showlegend=everywhere is not None,
            hovermode="closest",
        ),
    )


def along(amounts: Sequence[float], curves: Mapping[str, Sequence[float]], present: float, x: str) -> Figure:
    """Curves over amounts, at most three, each named in the legend; an upright line marks the present amount."""
    from plotly.graph_objects import Figure

    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": theme.plain(name),
            "x": list(amounts),
            "y": list(values),
            "line": {"color": colour, "dash": dash, "width": 2},
            "marker": {"color": colour, "symbol": symbol, "size": 8},
            "hoverinfo": "text",
            "hovertext": [
                f"{theme.plain(name)}: {value:.3f} at {amount:g}" for amount, value in zip(amounts, values, strict=True)
            ],
        }
        for (name, values), (colour, symbol, dash) in zip(curves.items(), LOOKS, strict=False)
    ]
    line = {"type": "line", "x0": present, "x1": present, "y0": 0, "y1": 1, "yref": "paper"}
    return Figure(
        data=traces,
        layout=theme.layout(
            height=300,
            xaxis={**_axis(), "title": {"text": x}},
            yaxis={**_axis(), "rangemode": "tozero"},
            legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            hovermode="closest",
            shapes=[{**line, "line": {"color": theme.INK, "width": 2, "dash": "4px,4px"}}],
        ),
    )


def shares(names: Sequence[str], series: Mapping[str, Sequence[float]]) -> Figure:
    """Probabilities, 0..1, one row a name, as bars of one or two series; each bar says its value."""
    from plotly.graph_objects import Figure

    rows = list(range(len(names)))
    bars = [
        {
            "type": "bar",
            "orientation": "h",
            "name": theme.plain(name),
            "x": list(values),
            "y": rows,
            "text": [f"{value:.1%}" for value in values],
            "textposition": "outside",
            "cliponaxis": False,
            "marker": {"color": colour, "pattern": {"shape": pattern, "solidity": 0.6}},
            "hoverinfo": "text",
            "hovertext": [f"{theme.plain(label)}: {value:.2%}" for label, value in zip(names, values, strict=True)],
        }
        for (name, values), (colour, _, _), pattern in zip(series.items(), LOOKS, ("", "/", "x"), strict=False)
    ]
    most = max(value for values in series.values() for value in values)
    return Figure(
        data=bars,
        layout=theme.layout(
            height=(ROW if len(series) == 1 else 44) * len(names) + 70,
            bargap=0.25,
            xaxis={"visible": False, "range": [0, max(most, 0.01) * 1.3], "fixedrange": True},
            yaxis={**_rows([theme.tick(name, 36) for name in names]), "showgrid": False},
            legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
            showlegend=len(series) > 1,
        ),
    )


def histograms(series: Mapping[str, np.ndarray], x: str) -> Figure:
    """Where the values of two series lie, as outlines over common bins, in shares of each series."""
    from plotly.graph_objects import Figure

    every = np.concatenate(list(series.values()))
    edges = np.histogram_bin_edges(every, BINS)
    traces = []
    for (name, values), (colour, _, dash) in zip(series.items(), LOOKS, strict=False):
        counts, _ = np.histogram(values, edges)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": theme.plain(name),
                "x": [float(edge) for edge in edges],
                "y": [*(counts / max(len(values), 1)).tolist(), 0.0],
                "line": {"color": colour, "dash": dash, "width": 2, "shape": "hv"},
                "fill": "tozeroy",
                "fillcolor": f"rgba({', '.join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))}, 0.18)",
                "hoverinfo": "skip",
            }
        )
    return Figure(
        data=traces,
        layout=theme.layout(
            height=260,
            xaxis={**_axis(), "title": {"text": x}},
            yaxis={**_axis(), "tickformat": ".0%", "rangemode": "tozero", "nticks": 4},
            legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        ),
    )


def _marks(
    shares: Sequence[float], rows: Sequence[int], name: str, look: tuple[str, str, str], size: int
) -> dict[str, Any]:
    colour, symbol, _ = look
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": list(shares),
        "y": list(rows),
        "marker": {"symbol": symbol, "size": size, "color": colour},
        "hoverinfo": "text",
    }


def _axis() -> dict[str, Any]:
    return {"gridcolor": theme.GRID, "zeroline": False, "automargin": True, "fixedrange": True}


def _rows(words: Sequence[str]) -> dict[str, Any]:
    """The axis of names, the first on top."""
    places = list(range(len(words)))
    return {
        **_axis(),
        "tickmode": "array",
        "ticks": "outside",  # unseen: names do not touch the figure
        "ticklen": 6,
        "tickcolor": "rgba(0,0,0,0)",
        "tickvals": places,
        "ticktext": list(words),
        "range": [len(words) - 0.5, -0.5],
    }
