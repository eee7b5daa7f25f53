"""Lesson 11: retrieve, then describe."""

from sharedspace.ui.learning import lesson, retrieve

with lesson("learn_retrieve") as (collection, sheet):
    retrieve.show(collection, sheet)
