"""Lesson 5: labels as a classifier, and their wording."""

from sharedspace.ui.learning import labels, lesson

with lesson("learn_labels") as (collection, sheet):
    labels.show(collection, sheet)
