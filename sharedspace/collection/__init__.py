"""One collection: its images, and the questions that can be asked of it.

Each file adds one theme to the one before: kept, asked, labelled, mapped, grouped, messy.
"""

from __future__ import annotations

from sharedspace.collection.asked import SAVED, Why
from sharedspace.collection.grouped import Method
from sharedspace.collection.mapped import AT_ONCE
from sharedspace.collection.messy import Messy

__all__ = ["AT_ONCE", "SAVED", "Collection", "Method", "Why"]


class Collection(Messy):
    """A named set of images in one space. Cheap to make: what it works out is remembered by the home."""
