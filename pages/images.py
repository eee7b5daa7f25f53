"""The pictures of a collection: add, look, see what was refused."""

import streamlit as st

from sharedspace.ui import adding, frame, widgets

with frame.page("Images", "All pictures of the collection, and the place to add more.", adding=True) as collection:
    frame.running("page")
    adding.last_results(collection)
    with st.expander("Add pictures", expanded=collection is None or not collection.info.images, icon=":material/add:"):
        adding.form(collection)
    if collection is not None and collection.info.images:
        widgets.all_images(collection)
    if collection is not None:
        with st.expander("Rename or delete this collection", icon=":material/settings:"):
            adding.manage(collection)
