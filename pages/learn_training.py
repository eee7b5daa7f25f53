"""Lesson 3: a small CLIP that learns before one's eyes."""

from sharedspace.ui.learning import lesson, training

with lesson("learn_training") as (collection, sheet):
    training.show(collection, sheet)
