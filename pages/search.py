"""Words and pictures in, the nearest images out, and a plain word when nothing matches."""

import streamlit as st

from sharedspace.ui import asking, finding, frame, views

with frame.page(
    "Search", "Words or a picture become a vector; the pictures with the nearest vectors come first."
) as collection:
    question = asking.bar(collection)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        k = st.slider("Results", 4, 60, 12, step=4, key="k", bind="query-params", persist_state="session", width=260)
        shape = st.segmented_control(
            "As", finding.SHAPES, default=finding.SHAPES[0], required=True, key="shape", persist_state="session"
        )
        rate = finding.rate()
        views.menu(collection, "search")
    finding.results(collection, question, k, str(shape), rate)
