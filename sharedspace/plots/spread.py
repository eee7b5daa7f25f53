"""How a class has answered: a bar an option, with the whole of its words above it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sharedspace.plots import theme

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

ROW = 62  # pixels an option
WIDE = 70  # characters of a line of its words


def spread(options: Sequence[str], counts: Sequence[int], right: str | None = None) -> Figure:
    """One bar an option in the order given, from the top, with count and share; the right one is named so."""
    from plotly.graph_objects import Figure

    n = sum(counts)
    said = [_said(count, n) for count in counts]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": list(counts),
        "y": list(range(len(options))),
        "width": 0.4,
        "text": said,
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": [theme.PALETTE[2] if option == right else theme.PALETTE[0] for option in options]},
        "hoverinfo": "text",
        "hovertext": [f"{theme.plain(option)}: {words}" for option, words in zip(options, said, strict=True)],
    }
    return Figure(
        data=[bars],
        layout=theme.layout(
            height=ROW * len(options) + 16,
            xaxis={"visible": False, "range": [0, 1.3 * max([*counts, 1])], "fixedrange": True},
            yaxis={"visible": False, "range": [len(options) - 0.6, -0.75], "fixedrange": True},
            showlegend=False,
            annotations=[_words(option, row, option == right) for row, option in enumerate(options)],
        ),
    )


def _said(count: int, n: int) -> str:
    return f"{count:,} ({count / n:.0%})" if n else "0"


def _words(option: str, row: int, right: bool) -> dict[str, Any]:
    lines = [theme.plain(line) for line in textwrap.wrap(option, WIDE)[:2]]
    text = "<br>".join(lines)
    return {
        "x": 0,
        "xref": "paper",
        "y": row - 0.24,
        "xanchor": "left",
        "yanchor": "bottom",
        "align": "left",
        "showarrow": False,
        "font": {"size": 15},
        "text": f"<b>✓ {text}</b> (right)" if right else text,
    }
