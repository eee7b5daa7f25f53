"""Labels typed, a classifier at once: no training, only words."""

import streamlit as st

from sharedspace.ui import bench, frame

with frame.page("Zero-shot", "Sort pictures by words alone, without any training.") as collection:
    words, how = st.columns([3, 2], gap="medium")
    truth = how.selectbox(
        "Known answers: a metadata field",
        [bench.NO_TRUTH, *collection.fields()],
        key="truth",
        bind="query-params",
        persist_state="session",
    )
    template = how.text_input(
        "Prompt template, {} is the label",
        "a photo of a {}",
        key="template",
        bind="query-params",
        persist_state="session",
    )
    temperature = how.slider("Temperature; 1 is the model's own scale", 0.1, 5.0, 1.0, 0.1, key="temperature")
    with words:
        bench.suggest(collection, None if truth == bench.NO_TRUTH else truth)
        text = st.text_area(
            "Labels, one a line or separated by commas",
            placeholder="cat, dog, boat",
            height=180,
            key="labels",
            bind="query-params",
            persist_state="session",
        )
    bench.run(collection, text, template, temperature, None if truth == bench.NO_TRUTH else truth)
