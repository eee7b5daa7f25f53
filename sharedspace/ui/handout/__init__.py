"""A lesson or view as one HTML file, which opens anywhere, without Python, model or network. Needs no Streamlit."""

from __future__ import annotations

from sharedspace.ui.handout.page import write

__all__ = ["write"]
