"""Pictures and words on one map; a query shows where it lands."""

import streamlit as st

from sharedspace.ui import frame, mapview, state, widgets

with frame.page(
    "Map", "Each point is a picture, and near means alike to the model. Type words and see where they land."
) as collection:
    ask, colour_by, words = st.columns([5, 2, 2], vertical_alignment="bottom")
    query = ask.text_input(
        "Where does this land?",
        placeholder="a red boat at sea",
        key="q",
        bind="query-params",
        persist_state="session",
        on_change=state.update,
        kwargs={"picked": None},
    )
    choices = mapview.colour_choices(collection)
    colour = colour_by.selectbox("Colour by", choices, key="colour", bind="query-params", persist_state="session")
    with words.popover("Words on the map", width="stretch"):
        widgets.anchors(collection)
    if query.strip():
        widgets.unknown_words(collection, [query])
    if not collection.is_drawn:
        mapview.draw_first(collection)
    mapview.map_and_images(collection, query, colour)
