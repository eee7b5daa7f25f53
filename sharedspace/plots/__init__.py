"""Data in, plotly figure out; nothing is computed here. Owns plotly."""
