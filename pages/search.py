"""A text or a picture in, the nearest images out."""

import streamlit as st

from sharedspace.ui import cache, frame, uploads, widgets

with frame.page(
    "Search", "Words or a picture become a vector; the pictures with the nearest vectors come first."
) as collection:
    ask, choose, many = st.columns([5, 2, 2], vertical_alignment="bottom")
    by = choose.segmented_control("Search by", ["words", "a picture"], default="words", required=True, key="by")
    k = many.slider("Results", 4, 60, 12, step=4, key="k", bind="query-params", persist_state="session")
    if by == "words":
        text = ask.text_input(
            "What to look for", placeholder="a red boat at sea", key="q", bind="query-params", persist_state="session"
        )
        if not text.strip():
            st.info(
                "Describe a picture in a word or a sentence: the images nearest to it in the shared space appear here."
            )
            st.stop()
        widgets.unknown_words(collection, [text])
        result = collection.search_vector(text, cache.embed(collection, (text,))[0], k)
    else:
        upload = ask.file_uploader("A picture to find similar ones to", type="image", key="search.picture")
        if upload is None:
            st.info("Give a picture: it is embedded, not added, and the images nearest to it appear here.")
            st.stop()
        result = collection.search_image(uploads.contents(upload), upload.name, k)
    widgets.results(collection, result)
