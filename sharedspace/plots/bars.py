"""Counts per label as bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sharedspace.plots import theme

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

ROW = 26  # pixels a bar


def counts(names: Sequence[str], values: Sequence[int], colours: Sequence[str] | None = None) -> Figure:
    """One bar a name in the order given, from the top; the count stands at its end."""
    from plotly.graph_objects import Figure

    places = list(range(len(names)))  # by place, not by name: two long names may be cut to the same text
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": list(values),
        "y": places,
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
            yaxis={
                "tickmode": "array",
                "tickvals": places,
                "ticktext": [theme.tick(name) for name in names],
                "range": [len(names) - 0.5, -0.5],
                "automargin": True,
                "showgrid": False,
            },
            showlegend=False,
        ),
    )
