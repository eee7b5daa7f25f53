"""Lesson 7: two models of equal dimension that must not meet."""

from sharedspace.ui.learning import lesson, mixing

with lesson("learn_mixing") as (collection, sheet):
    mixing.show(collection, sheet)
