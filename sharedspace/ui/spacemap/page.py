"""The map as one HTML file that needs no Python, no server and no network. No Streamlit."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from sharedspace.ui.spacemap import payload
from sharedspace.ui.spacemap.geometry import pack
from sharedspace.ui.spacemap.payload import as_base64

_STYLE = """
:root { color-scheme: light dark; --st-background-color: light-dark(#ffffff, #11141b);
  --st-text-color: light-dark(#10151f, #e6e9f0); --st-primary-color: light-dark(#3451b2, #8da4ef);
  --st-font: system-ui, sans-serif; }
body { margin: 0; padding: 12px 16px; background: var(--st-background-color); color: var(--st-text-color);
  font-family: var(--st-font); }
h1 { margin: 0 0 8px; font-size: 1.25rem; overflow-wrap: anywhere; }
"""
# The selection lives in this page only, and a click has nowhere to go.
_START = """
new SpaceMap(document).update(JSON.parse(document.getElementById("data").textContent), () => {});
"""
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
{body}
<script type="application/json" id="data">{data}</script>
<script type="module">{script}</script>
</body>
</html>
"""


def page(
    title: str,
    xy: np.ndarray,
    categories: np.ndarray,
    palette: Sequence[str],
    legend: Sequence[str],
    thumbs: Sequence[str | None],
    captions: Sequence[str],
    *,
    height: int = 720,
    **more: Any,
) -> str:
    """One HTML page with the map of the n images at `xy` (n, 2), to be opened from anywhere.

    `thumbs` are data: addresses of pictures, or None; `captions` stand below them. `more` is what `payload.drawing`
    takes: scale, anchors, star, hits, links, hidden_rows, axes, note, other. ValueError for what does not fit together.
    """
    n = len(categories)
    for name, given in (("places", xy), ("thumbs", thumbs), ("captions", captions)):
        if len(given) != n:
            raise ValueError(f"{n} categories but {len(given)} {name}")
    stray = next((thumb for thumb in thumbs if thumb is not None and not thumb.startswith("data:image/")), None)
    if stray is not None:
        raise ValueError(f"{stray[:60]} is not the data: address of an image")
    data = payload.drawing(categories=categories, palette=palette, legend=legend, **more)
    data |= {"key": "page", "url": "page", "height": height, "answered": None}
    data |= {"points": as_base64(pack(xy)), "thumbs": list(thumbs), "captions": list(captions)}
    return _written(title, data)


def _written(title: str, data: dict[str, Any]) -> str:
    style, script = _STYLE + payload.CSS, payload.JS + _START
    # Only these two run; the page can ask nobody for anything.
    policy = (
        f"default-src 'none'; img-src data:; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    # In a script element only `<` can end it or begin a comment.
    told = json.dumps(data, allow_nan=False).replace("<", "\\u003c")
    named = html.escape(title.encode("utf-8", "replace").decode("utf-8"))  # lone surrogates have no place in a file
    return _PAGE.format(policy=policy, title=named, style=style, body=payload.HTML, data=told, script=script)


def _digest(text: str) -> str:
    return f"sha256-{as_base64(hashlib.sha256(text.encode()).digest())}"
