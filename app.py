"""The launcher: `streamlit run app.py`, or `sharedspace app`. The pages' common script is sharedspace/ui/script.py."""

import streamlit as st

from sharedspace.ui import routes

app = st.App(routes.SCRIPT, lifespan=routes.lifespan, middleware=routes.MIDDLEWARE, routes=routes.routes())
