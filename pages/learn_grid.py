"""Lesson 4: the batch as a grid, and the loss by hand."""

from sharedspace.ui.learning import grid, lesson

with lesson("learn_grid") as (collection, sheet):
    grid.show(collection, sheet)
