"""The file itself: what is shown, its data and its programs, under a policy that lets it ask nobody for anything."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from sharedspace.plots import page as plots
from sharedspace.ui.handout import explorer as exploring
from sharedspace.ui.handout.explorer import Explorer
from sharedspace.ui.handout.pieces import written
from sharedspace.ui.handout.prose import html_of
from sharedspace.ui.learning.blocks import Block, Drawn, Pictures
from sharedspace.ui.spacemap import payload
from sharedspace.ui.spacemap.payload import as_base64
from sharedspace.ui.text import escaped

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
<main>
<h1>{title}</h1>
{body}
</main>
<noscript><p>This file needs JavaScript, which the browser has switched off.</p></noscript>
<script type="application/json" id="ho-pictures">{pictures}</script>
<script type="application/json" id="ho-explorer">{explorer}</script>
{scripts}
</body>
</html>
"""


def text(*names: str) -> str:
    """Files of this folder, one after the other."""
    return "\n".join((Path(__file__).parent / name).read_text("utf-8") for name in names)


def write(
    title: str,
    blocks: Sequence[Block],
    explorer: Explorer | None = None,
    pictures: Mapping[str, str] | None = None,
    lead: str = "",
    folded: bool = True,
) -> str:
    """One HTML file with the blocks and, below them, the explorer: folded, or open as in the file of a map.

    `pictures` holds data: addresses by the ids of images; only those that the blocks or the explorer name are written,
    and an image without one is shown by its words. `lead` (markdown) stands under the title. All that follows a
    question is shown once the reader commits to an answer, the explorer too.
    Raises ValueError for a picture with another address.
    """
    html = (html_of(lead) if lead else "") + written(blocks, _explorer_html(explorer, folded) if explorer else "")
    drawn = any(isinstance(block, Drawn) for block in blocks)
    own = (payload.JS + text("place.js", "words.js", "explore.js") if explorer else "") + text("handout.js")
    programs = [*([plots.program()] if drawn else []), own]
    # plotly writes style attributes.
    style = text("handout.css") + (f".ho-map {{\n{payload.CSS}\n}}\n" if explorer else "")
    styles = "'unsafe-inline'" if drawn else f"'{_digest(style)}'"
    allowed = " ".join(f"'{_digest(one)}'" for one in programs)
    policy = (
        f"default-src 'none'; img-src data: blob:; script-src {allowed}; style-src {styles}; "
        "connect-src 'none'; base-uri 'none'; form-action 'none'"
    )
    module = ' type="module"'
    page = _PAGE.format(
        policy=policy,
        title=escaped(title),
        style=style,
        body=html,
        pictures=_json(_used(blocks, explorer, pictures or {})),
        explorer=_json(exploring.told(explorer) if explorer else None),
        scripts="\n".join(f"<script{module if one is own else ''}>{one}</script>" for one in programs),
    )
    return page.encode("utf-8", "replace").decode("utf-8")  # lone surrogates have no place in a file


def _explorer_html(explorer: Explorer, folded: bool) -> str:
    html = text("handout.html").replace("<!-- the map -->", payload.HTML)
    if not folded:
        return html
    summary = f"<summary>Explore the pictures of {escaped(explorer.name)}</summary>"
    return f'<details class="ho-folded">{summary}{html}</details>'


def _used(blocks: Sequence[Block], explorer: Explorer | None, pictures: Mapping[str, str]) -> dict[str, str]:
    """The pictures that are shown, by id."""
    ids = [id for block in blocks if isinstance(block, Pictures) for id in block.ids]
    used = {id: pictures[id] for id in (*ids, *(explorer.ids if explorer else ())) if id in pictures}
    stray = next((address for address in used.values() if not address.startswith("data:image/")), None)
    if stray is not None:
        raise ValueError(f"{stray[:60]} is not the data: address of an image")
    return used


def _json(value: object) -> str:
    """JSON for a script element, which only `<` could end."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _digest(program: str) -> str:
    return f"sha256-{as_base64(hashlib.sha256(program.encode()).digest())}"
