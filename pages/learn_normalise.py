"""Lesson 2: why normalise."""

from sharedspace.ui.learning import lesson, normalise

with lesson("learn_normalise") as (collection, sheet):
    normalise.show(collection, sheet)
