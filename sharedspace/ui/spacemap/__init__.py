"""The map component; this module needs no Streamlit, `component` is what pages call."""

from sharedspace.ui.spacemap.geometry import inside, pack

__all__ = ["inside", "pack"]
