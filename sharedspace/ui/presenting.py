"""Presentation: large type, and nothing beside the page, for a class that looks on from the back of a room."""

from __future__ import annotations

import streamlit as st

from sharedspace.ui import state

TYPE = 1.4  # times that of a page
# Streamlit measures everything in rem. Its own rule for the root element stands in a style of the same weight.
_STYLE = f"""<style>
html {{ font-size: {16 * TYPE:.4g}px !important; }}
[data-testid=stSidebar], [data-testid=stSidebarCollapsedControl], [data-testid=stExpandSidebarButton] {{
  display: none; }}
[data-testid=stMainBlockContainer] {{ padding-inline: clamp(0.75rem, 1.5vw, 2rem); }}
[data-testid=stMain] {{ overflow-x: hidden; }}
</style>"""


def begin() -> None:
    """Read the address once; on every page, before anything that it changes is drawn."""
    state.update(presenting=state.presenting())
    if state.presenting():
        st.html(_STYLE)


def switch() -> None:
    """The toggle: in the sidebar, and, where that is hidden, on the page."""
    on = state.presenting()
    st.toggle(
        "Presentation",
        on,
        key="present.end" if on else "present.begin",
        on_change=_turned,
        args=(not on,),
        help="Large type for a room; the sidebar is hidden meanwhile",
    )


def _turned(on: bool) -> None:
    state.update(presenting=on)
