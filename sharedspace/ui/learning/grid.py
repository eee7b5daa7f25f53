"""Lesson 4: the batch as a grid, and the loss by hand."""

from __future__ import annotations

from sharedspace.collection import Collection
from sharedspace.ui.learning.sheet import Sheet


def show(collection: Collection, sheet: Sheet) -> None:
    """To be built."""
