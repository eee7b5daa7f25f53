"""The script that Streamlit runs for every page: configuration and navigation, nothing that a page needs."""

import streamlit as st

from sharedspace.ui import frame

st.set_page_config(page_title="Shared Space", page_icon="🗺️", layout="wide", initial_sidebar_state=240)
st.navigation(frame.pages(), position="top").run()
