"""Curves: how sure against how often right, accuracy against clicks, temperature, thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sharedspace.plots import theme

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Bins = tuple[np.ndarray, np.ndarray, np.ndarray]  # mean confidence, share that is right, images: (B,) each
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
DARK, PAPER = "#10151f", "rgba(255, 255, 255, 0.85)"
MARKS = (7, 20)  # pixels, of a bin with few images and of the largest
STRIP_BINS = 80


def reliability(edges: np.ndarray, before: Bins, after: Bins | None = None) -> Figure:
    """How often the answers of each bin are right against how sure they are, before and after a calibration.

    `edges` (B + 1,) are the bounds of the bins, 0..1. The larger a mark, the more images; a bin without any has none.
    """
    from plotly.graph_objects import Figure

    both = (before, after) if after is not None else (before,)
    most = max((int(np.max(images, initial=0)) for _, _, images in both), default=0)
    traces = [
        {**_line([0, 1], [0, 1], "as sure as right", theme.INK, dash="dash"), "hoverinfo": "skip"},
        _bins(edges, before, "before", ORANGE, "square", most),
    ]
    if after is not None:
        traces.append(_bins(edges, after, "after", BLUE, "circle", most))
    square = {**_axis(), "range": [-0.03, 1.03], "tickformat": ".0%", "tickvals": [0, 0.25, 0.5, 0.75, 1]}
    return Figure(
        data=traces,
        layout=theme.layout(
            height=380,
            xaxis={**square, "title": {"text": "how sure"}},
            yaxis={**square, "title": {"text": "how often right"}},
            legend=_legend(),
            hovermode="closest",
        ),
    )


def learning(
    counts: Sequence[int],
    mean: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    zero_shot: float | None,
    x: str = "clicked images per label",
) -> Figure:
    """Accuracy (m,) with its band low..high against a number of clicks; words alone are the dashed line to beat."""
    from plotly.graph_objects import Figure

    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    places = list(counts)
    said = [
        f"{count:,}: {middle:.1%} ({least:.1%} to {most:.1%})"
        for count, middle, least, most in zip(counts, mean, low, high, strict=True)
    ]
    curve = _line(places, mean, "words and examples", BLUE)
    traces = [
        {"type": "scatter", "x": places, "y": _floats(low), **edge},
        {"type": "scatter", "x": places, "y": _floats(high), **edge, "fill": "tonexty", "fillcolor": _faint(BLUE)},
        {**curve, "mode": "lines+markers", "marker": {"size": 8}, "hoverinfo": "text", "hovertext": said},
    ]
    marks = _across(zero_shot, f"words alone {zero_shot:.1%}") if zero_shot is not None else {}
    return Figure(
        data=traces,
        layout=theme.layout(
            height=320,
            xaxis={**_axis(), "title": {"text": x}, "rangemode": "tozero"},
            yaxis={
                **_axis(),
                "title": {"text": "accuracy"},
                "tickformat": ".0%",
                "range": _shares(low, high, zero_shot),
            },
            showlegend=False,
            hovermode="closest",
            **marks,
        ),
    )


def _shares(low: np.ndarray, high: np.ndarray, zero_shot: float | None) -> list[float]:
    """What an axis of shares shows: from a tenth under the least to 100 %, which a constant curve would not reach."""
    least = min([*map(float, low), 1.0 if zero_shot is None else zero_shot])
    most = max([*map(float, high), 0.0 if zero_shot is None else zero_shot])
    room = 0.1 * max(most - least, 0.1)
    return [max(0.0, least - room), min(1.0, most) + room / 2]


def sharing(temperatures: np.ndarray, shares: np.ndarray, names: Sequence[str], present: float) -> Figure:
    """How labels share the probability at each temperature (T,), ascending: shares (T, k), 0..1, stacked.

    The first name lies at the bottom; what is free above belongs to labels that are not named.
    """
    from plotly.graph_objects import Figure

    traces = [
        {
            **_line(temperatures, shares[:, place], name, theme.colour(place)),
            "stackgroup": "labels",
            "fillcolor": theme.colour(place),
            "line": {"width": 0.5, "color": theme.colour(place)},
            "hoverinfo": "text",
            "hovertext": [
                f"{theme.plain(name)}: {share:.1%} at {temperature:.2g}"
                for share, temperature in zip(shares[:, place], temperatures, strict=True)
            ],
        }
        for place, name in enumerate(names)
    ]
    ticks = [place for place in (0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10, 100) if temperatures[0] <= place <= temperatures[-1]]
    return Figure(
        data=traces,
        layout=theme.layout(
            height=290,
            xaxis={
                **_axis(),
                "type": "log",
                "range": np.log10([temperatures[0], temperatures[-1]]).tolist(),
                "tickvals": ticks,
                "ticktext": [f"{tick:g}" for tick in ticks],
                "title": {"text": "temperature"},
            },
            yaxis={**_axis(), "range": [0, 1], "tickformat": ".0%", "title": {"text": "probability"}},
            legend=_legend(),
            hovermode="closest",
            **_upright(present, f"{present:g}", at=float(np.log10(present))),
        ),
    )


def counts_at(thresholds: np.ndarray, counts: np.ndarray, present: float, what: str = "found") -> Figure:
    """How many are found at each threshold (T,), ascending, with the present one marked."""
    from plotly.graph_objects import Figure

    curve = {
        **_line(thresholds, counts, what, BLUE),
        "fill": "tozeroy",
        "fillcolor": _faint(BLUE),
        "hoverinfo": "text",
        "hovertext": [f"{threshold:.3g}: {int(count):,}" for threshold, count in zip(thresholds, counts, strict=True)],
    }
    return Figure(
        data=[curve],
        layout=theme.layout(
            height=140,
            xaxis={**_axis(), "showgrid": False, "range": [float(thresholds[0]), float(thresholds[-1])]},
            yaxis={**_axis(), "title": {"text": theme.plain(what)}, "rangemode": "tozero", "nticks": 4},
            showlegend=False,
            hovermode="x",
            **_upright(present, f"{present:g}"),
        ),
    )


def strip(scores: np.ndarray, judged: np.ndarray, threshold: float | None = None) -> Figure:
    """Where images lie by score (n,), with those that a person judged: (n,) 1 accepted, -1 rejected, 0 not judged.

    The row of a judged image is its mark's customdata.
    """
    from plotly.graph_objects import Figure

    heights, edges = np.histogram(scores, STRIP_BINS)
    middles = (edges[:-1] + edges[1:]) / 2
    density = {
        "type": "bar",
        "x": _floats(middles),
        "y": _floats(heights / max(heights.max(initial=0), 1)),
        "width": float(edges[1] - edges[0]),
        "marker": {"color": theme.OTHER, "opacity": 0.5},
        "hoverinfo": "text",
        "hovertext": [f"{height:,} images at {middle:.3f}" for height, middle in zip(heights, middles, strict=True)],
        "showlegend": False,
    }
    marks = _upright(threshold, f"{threshold:.3f}") if threshold is not None else {}
    return Figure(
        data=[
            density,
            _judged(scores, judged == 1, "accepted", GREEN, "circle", -0.18),
            _judged(scores, judged == -1, "rejected", ORANGE, "x", -0.42),
        ],
        layout=theme.layout(
            height=190,
            bargap=0,
            xaxis={**_axis(), "showgrid": False, "title": {"text": "score"}},
            yaxis={"visible": False, "fixedrange": True, "range": [-0.6, 1.05]},
            legend=_legend(),
            hovermode="closest",
            **marks,
        ),
    )


def _judged(scores: np.ndarray, rows: np.ndarray, name: str, colour: str, symbol: str, height: float) -> dict[str, Any]:
    chosen = np.flatnonzero(rows).tolist()
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"{name} ({len(chosen):,})",
        "x": _floats(scores[chosen]),
        "y": [height] * len(chosen),
        "customdata": chosen,
        "marker": {"symbol": symbol, "size": 10, "color": colour},
        "hoverinfo": "text",
        "hovertext": [f"{name} at {scores[row]:.3f}" for row in chosen],
        "showlegend": True,
    }


def _bins(edges: np.ndarray, bins: Bins, name: str, colour: str, symbol: str, most: int) -> dict[str, Any]:
    confidence, right, images = bins
    filled = np.flatnonzero(images).tolist()
    small, large = MARKS
    return {
        **_line(confidence[filled], right[filled], name, colour),
        "mode": "lines+markers",
        "marker": {
            "symbol": symbol,
            "color": colour,
            "opacity": 1,
            "size": [small + (large - small) * float(np.sqrt(images[place] / most)) for place in filled],
        },
        "hoverinfo": "text",
        "hovertext": [
            f"{name}: {images[place]:,} images between {edges[place]:.0%} and {edges[place + 1]:.0%}<br>"
            f"{confidence[place]:.1%} sure, {right[place]:.1%} right"
            for place in filled
        ],
    }


def _line(
    x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray, name: str, colour: str, **more: Any
) -> dict[str, Any]:
    line = {"width": 2, "color": colour, **more}
    return {
        "type": "scatter",
        "mode": "lines",
        "name": theme.tick(name),
        "x": _floats(x),
        "y": _floats(y),
        "line": line,
    }


def _floats(values: Sequence[float] | np.ndarray) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def _faint(colour: str) -> str:
    parts = ", ".join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
    return f"rgba({parts}, 0.22)"


def _axis() -> dict[str, Any]:
    return {"gridcolor": theme.GRID, "zeroline": False, "automargin": True, "fixedrange": True}


def _legend() -> dict[str, Any]:
    return {
        "orientation": "h",
        "x": 0,
        "y": 1.02,
        "yanchor": "bottom",
        "itemsizing": "constant",
        "traceorder": "normal",
    }


def _upright(place: float, words: str, at: float | None = None) -> dict[str, Any]:
    """An upright line over the whole height with words beside its head; `at` is its place on a logarithmic axis."""
    line = {"type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1, "yref": "paper"}
    note = {"x": place if at is None else at, "y": 1, "yref": "paper", "yanchor": "top", "xanchor": "left", "xshift": 3}
    return _marked(line, note, words)


def _across(place: float, words: str) -> dict[str, Any]:
    """A level line over the whole width with words on it."""
    line = {"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": place, "y1": place}
    return _marked(line, {"x": 1, "xref": "paper", "xanchor": "right", "y": place, "yanchor": "bottom"}, words)


def _marked(line: dict[str, Any], note: dict[str, Any], words: str) -> dict[str, Any]:
    """A dashed line that is seen on every ground, and on colours."""
    return {
        "shapes": [
            {**line, "line": {"color": "white", "width": 2}},
            {**line, "line": {"color": DARK, "width": 2, "dash": "4px,4px"}},
        ],
        "annotations": [
            {**note, "text": f"<b>{words}</b>", "showarrow": False, "bgcolor": PAPER, "font": {"color": DARK}}
        ],
    }
