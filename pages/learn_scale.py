"""Lesson 10: exact search against an index."""

from sharedspace.ui.learning import lesson, scale

with lesson("learn_scale") as (collection, sheet):
    scale.show(collection, sheet)
