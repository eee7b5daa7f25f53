"""Groups that the vectors form by themselves, as contact sheets to judge, name and edit."""

from sharedspace.ui import frame, grouping

with frame.page("Clusters", "Groups that form by themselves: pictures that are alike to the model.") as collection:
    wanted = grouping.options(collection)
    words = grouping.own_words()
    grouping.groups(collection, wanted, words)
