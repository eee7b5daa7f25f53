"""The Streamlit face; the only place that knows Streamlit."""
