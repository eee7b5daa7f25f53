"""Lesson 1: a picture and three captions in one space."""

from sharedspace.ui.learning import lesson, one_space

with lesson("learn_one_space") as (collection, sheet):
    one_space.show(collection, sheet)
