"""Lesson 7: two models of equal dimension that must not meet."""

from __future__ import annotations

from sharedspace.collection import Collection
from sharedspace.ui.learning.sheet import Sheet


def show(collection: Collection, sheet: Sheet) -> None:
    """To be built."""
