"""Groups that the vectors form by themselves, as contact sheets."""

from sharedspace.ui import browsing, frame, widgets

with frame.page("Clusters", "Groups that form by themselves: pictures that are alike to the model.") as collection:
    method, k, least = widgets.group_options(collection)
    browsing.groups(collection, method, k, least)
