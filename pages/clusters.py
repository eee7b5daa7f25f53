"""Groups that the vectors form by themselves, as contact sheets."""

import streamlit as st

from sharedspace.ui import cache, frame, widgets

with frame.page("Clusters", "Groups that form by themselves: pictures that are alike to the model.") as collection:
    choose, tune = st.columns([1, 2])
    methods = {"HDBSCAN": "hdbscan", "k-means": "kmeans"}
    method = choose.segmented_control("Method", list(methods), default="HDBSCAN", required=True, key="method")
    k, least = 8, 0
    if method == "k-means":
        k = tune.slider("Number of groups", 2, max(3, min(40, collection.info.images)), 8, key="groups")
    else:
        least = tune.slider(
            "Smallest group",
            0,
            100,
            0,
            key="least",
            format="%d",
            help="0 chooses for you: 1 % of the images, at least 5",
        )
    grouping = cache.cluster(collection, methods[method], k, least)
    widgets.groups(collection, grouping)
