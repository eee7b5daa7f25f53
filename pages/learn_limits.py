"""Lesson 8: what it cannot do."""

from sharedspace.ui.learning import lesson, limits

with lesson("learn_limits") as (collection, sheet):
    limits.show(collection, sheet)
