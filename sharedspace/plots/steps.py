"""How much there is from each value of a slider on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sharedspace.plots import theme

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def steps(values: Sequence[float], rows: Sequence[tuple[str, Sequence[int]]], at: float, axis: str) -> Figure:
    """Named counts, one for each of the rising values, as steps; a line stands where the slider does."""
    from plotly.graph_objects import Figure

    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": list(values),
            "y": list(counts),
            "line": {"shape": "hv", "width": 2, "color": theme.PALETTE[place]},
            "hovertemplate": f"%{{y:,}} {name} from %{{x:.3f}} on<extra></extra>",
        }
        for place, (name, counts) in enumerate(rows)
    ]
    line = {"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper"}
    return Figure(
        data=traces,
        layout=theme.layout(
            height=190,
            xaxis={"title": {"text": axis}, "fixedrange": True, "gridcolor": theme.GRID, "zeroline": False},
            yaxis={"rangemode": "tozero", "fixedrange": True, "gridcolor": theme.GRID, "nticks": 4, "tickformat": ","},
            legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom"},
            margin={"l": 8, "r": 8, "t": 28, "b": 8},
            shapes=[{**line, "line": {"width": 2, "dash": "dot", "color": theme.OTHER}}],
        ),
    )
