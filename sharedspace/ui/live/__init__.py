"""The live text area component: a text reaches Python while it is typed."""

from sharedspace.ui.live.component import text_area

__all__ = ["text_area"]
