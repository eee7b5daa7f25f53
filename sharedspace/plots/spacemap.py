"""The exported map: images as points, texts as diamonds, on a page that stands alone."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sharedspace.plots import theme

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Text = tuple[str, float, float]  # words and where they stand, map units
WEBGL_FROM = 3000  # points; fewer are drawn as SVG, which prints sharper

# A page with strangers' file names in it opens no connection. plotly compiles its WebGL programs by eval.
POLICY = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:"
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>:root {{ color-scheme: light dark }} html, body {{ height: 100%; margin: 0; background: Canvas }}</style>
</head><body>{figure}</body></html>
"""


def space_map(
    xy: np.ndarray,
    captions: Sequence[str],
    codes: np.ndarray,
    names: Sequence[str] = (),
    texts: Sequence[Text] = (),
) -> Figure:
    """The map of images at xy (n, 2), map units, in the categories `codes` (n,) named `names`, with texts on it.

    `captions` are shown on hover, one an image; their lines are kept.
    """
    from plotly.graph_objects import Figure

    kind = "scattergl" if len(xy) >= WEBGL_FROM else "scatter"
    # The grey ones lie underneath.
    order = sorted({int(code) for code in codes}, key=lambda code: (code != theme.OTHER_CODE, code))
    traces = [_points(kind, code, xy, captions, codes, names) for code in order]
    if texts:
        traces.append(_diamonds(texts))
    axis = {"visible": False, "zeroline": False}
    return Figure(
        data=traces,
        layout=theme.layout(
            xaxis=axis,
            yaxis={**axis, "scaleanchor": "x", "scaleratio": 1},  # distances mean the same in both directions
            showlegend=bool(names),
            legend={"itemsizing": "constant", "traceorder": "normal"},
            margin={"l": 8, "r": 8, "t": 36, "b": 8},  # room for plotly's own buttons
            modebar={"bgcolor": "rgba(0,0,0,0)", "color": theme.INK, "activecolor": theme.PALETTE[0]},
            dragmode="pan",
            hovermode="closest",
        ),
    )


def page(figure: Figure, title: str) -> str:
    """A figure as an HTML page that needs no network."""
    drawn = figure.to_html(
        full_html=False,
        include_plotlyjs=True,
        default_height="100vh",
        config={"scrollZoom": True, "displaylogo": False, "responsive": True},
    )
    return PAGE.format(policy=html.escape(POLICY), title=theme.plain(title), figure=drawn)


def _points(
    kind: str, code: int, xy: np.ndarray, captions: Sequence[str], codes: np.ndarray, names: Sequence[str]
) -> dict[str, Any]:
    rows = np.flatnonzero(codes == code).tolist()
    other = code == theme.OTHER_CODE
    return {
        "type": kind,
        "mode": "markers",
        "name": theme.plain(names[code] if code < len(names) else "other" if names else "images"),
        "legendrank": 1000 + code,
        "x": xy[rows, 0].tolist(),
        "y": xy[rows, 1].tolist(),
        "marker": {"size": 8, "color": theme.colour(code), "opacity": 0.55 if other and names else 0.85},
        "hoverinfo": "text",
        "hovertext": ["<br>".join(theme.plain(line) for line in captions[row].split("\n")) for row in rows],
    }


def _diamonds(texts: Sequence[Text]) -> dict[str, Any]:
    words = [theme.plain(text) for text, _, _ in texts]
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": "texts",
        "legendrank": 2000,
        "x": [x for _, x, _ in texts],
        "y": [y for _, _, y in texts],
        "text": [f"<b>{text}</b>" for text in words],
        "textposition": "top center",
        "textfont": {"size": 14, "color": theme.INK},
        "marker": {"symbol": "diamond", "size": 14, "color": theme.INK, "line": {"width": 1.5, "color": "white"}},
        "hoverinfo": "text",
        "hovertext": words,
    }
