"""Lesson 11: retrieve, then describe."""

from __future__ import annotations

from sharedspace.collection import Collection
from sharedspace.ui.learning.sheet import Sheet


def show(collection: Collection, sheet: Sheet) -> None:
    """To be built."""
