"""Lesson 9: the map is a projection."""

from sharedspace.ui.learning import lesson, projection

with lesson("learn_projection") as (collection, sheet):
    projection.show(collection, sheet)
