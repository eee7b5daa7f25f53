"""What is wrong with a set: duplicates, strangers, leaks, poor pictures; and a few that stand for all."""

from sharedspace.ui import frame, tidying

with frame.page(
    "Tidy", "What is there twice, what does not belong, what looks poor; and a few pictures that stand for all."
) as collection:
    tidying.show(collection)
