"""Groups that the vectors form by themselves, as contact sheets."""

from sharedspace.ui import browsing, cache, frame, widgets

with frame.page("Clusters", "Groups that form by themselves: pictures that are alike to the model.") as collection:
    method, k, least = widgets.group_options(collection)
    grouping = cache.cluster(collection, method, k, least)
    browsing.groups(collection, grouping)
