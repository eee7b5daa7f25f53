"""Figures on a page that stands alone: plotly's own program, and figures as data that no text can break out of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sharedspace.plots import theme

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_AXIS = {"gridcolor": theme.GRID, "zerolinecolor": theme.GRID, "automargin": True}
# As pages of the app show figures: plotly's own template has white lines, for a ground that ours have not.
_TEMPLATE = {"layout": {"colorway": list(theme.PALETTE), "xaxis": _AXIS, "yaxis": _AXIS}}


def program() -> str:
    """plotly.js (MIT), 4.8 MB, to be written into a script element."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def figure_json(figure: Figure) -> str:
    """A figure as JSON for a script element, of no width of its own. plotly itself writes no `<` in it."""
    from plotly.graph_objects import Figure as Drawn

    shown = Drawn(figure)
    shown.update_layout(template=_TEMPLATE, width=None)
    return str(shown.to_json())
