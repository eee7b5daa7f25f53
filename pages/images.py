"""The pictures of a collection: add, look, see what was refused, keep."""

import streamlit as st

from sharedspace.ui import adding, browsing, frame, keeping, state

with frame.page("Images", "All pictures of the collection, and the place to add more.", adding=True) as collection:
    with st.container():  # a place of its own: what follows does not move
        shown = keeping.ends(collection)
    empty = collection is None or not collection.info.images
    # By `on_change` a form that is open stays so while pictures come in.
    with st.expander("Add pictures", key=state.opened_if(empty, "add"), icon=":material/add:", on_change="rerun"):
        adding.form(collection)
    if not empty:
        browsing.all_images(collection)
    if collection is not None:
        with st.expander(
            "Export, copy, check, rename or delete this collection",
            key="manage",
            icon=":material/settings:",
            on_change="rerun",
        ):
            keeping.manage(collection)
    with st.expander(
        "Import a collection that was exported",
        key=state.form_key("import"),
        icon=":material/unarchive:",
        on_change="rerun",
    ):
        keeping.import_form()
    keeping.earlier(shown)
