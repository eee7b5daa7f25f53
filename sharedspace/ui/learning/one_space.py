"""Lesson 1: a picture and three captions in one space."""

from __future__ import annotations

from sharedspace.collection import Collection
from sharedspace.ui.learning.sheet import Sheet


def show(collection: Collection, sheet: Sheet) -> None:
    """Place a picture and three captions, predict which is nearest, see the vectors."""
    guess = sheet.predict("nearest", "Which is nearest?", ["a", "b <b>"])
    if guess is None:
        return
    sheet.settle(guess, "a", "Because.")
