"""Lesson 6: the modality gap."""

from sharedspace.ui.learning import gap, lesson

with lesson("learn_gap") as (collection, sheet):
    gap.show(collection, sheet)
