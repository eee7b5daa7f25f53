"""Run the notebooks and keep what they show: `python scripts/make_notebooks.py [NAME ...]`.

GitHub and plain viewers show a saved figure only as a picture: so Chromium draws each plotly figure and each table of
pictures, and the drawing is saved in its place. Jupyter draws the living ones when the notebook is run.
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from browser import ROOT, browsing
from nbclient import NotebookClient
from PIL import Image
from playwright.sync_api import Page
from plotly.offline import get_plotlyjs

FOLDER = ROOT / "notebooks"
FIGURE = "application/vnd.plotly.v1+json"
WIDTH, HEIGHT = 820, 420  # pixels of a figure that says no height
MOST = 400_000  # bytes of one notebook
COLOURS = 128  # of a saved picture
PAGE = """<!doctype html><style>
body { margin: 0; font: 13px sans-serif; background: white } #at { width: fit-content }
table { border-collapse: collapse } td, th { padding: 3px 8px; text-align: left }
</style><div id="at"></div>"""


def run(path: Path) -> Any:
    """The notebook after a run from top to bottom, in a kernel of its own; raises what a cell raised."""
    book = nbformat.read(path, as_version=4)
    client = NotebookClient(book, timeout=600, record_timing=False, resources={"metadata": {"path": str(FOLDER)}})
    return client.execute()


def drawn(page: Page, data: dict[str, Any]) -> dict[str, Any]:
    """What an output is saved as: its picture and its text."""
    text = {"text/plain": data["text/plain"]} if "text/plain" in data else {}
    if FIGURE in data:
        figure = data[FIGURE]
        layout = {**figure["layout"], "width": WIDTH, "height": figure["layout"].get("height") or HEIGHT}
        page.evaluate(
            "([data, layout]) => Plotly.newPlot('at', data, layout, {staticPlot: true})", [figure["data"], layout]
        )
    elif "<img " in data.get("text/html", ""):
        page.evaluate("html => { at.innerHTML = html }", "".join(data["text/html"]))
        page.wait_for_function("[...document.images].every(one => one.complete)")
    else:
        return data
    return {"image/png": _small(page.locator("#at").screenshot()), **text}


def _small(png: bytes) -> str:
    """The picture with few colours, as base64."""
    small = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS).save(small, "PNG", optimize=True)
    return base64.b64encode(small.getvalue()).decode("ascii")


def keep(page: Page, book: Any, path: Path) -> None:
    """Write a notebook with what it showed; ValueError where that names a path of this machine or is too much."""
    for cell in book.cells:
        if "outputs" in cell:  # what libraries say of this machine goes no further than here
            print("".join(one["text"] for one in cell.outputs if one.get("name") == "stderr"), end="")
            cell.outputs = [one for one in cell.outputs if one.get("name") != "stderr"]
        for output in cell.get("outputs", []):
            if "data" in output:
                page.set_content(PAGE)
                page.add_script_tag(content=get_plotlyjs())
                output["data"] = nbformat.from_dict(drawn(page, output["data"]))
    book.metadata = {"kernelspec": book.metadata["kernelspec"], "language_info": {"name": "python"}}
    text = nbformat.writes(book, version=4) + "\n"
    for private in (str(ROOT), tempfile.gettempdir() + os.sep, str(Path.home()) + os.sep):
        if private in text:
            raise ValueError(f"{path.name} shows a path of this machine: {private}")
    if len(text) > MOST:
        raise ValueError(f"{path.name} has {len(text):,} bytes, and at most {MOST:,} are kept.")
    path.write_text(text, encoding="utf-8")
    print(f"{path.name}: {len(text):,} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="of notebooks, without their ending; all, where none is given")
    names = parser.parse_args().names or sorted(path.stem for path in FOLDER.glob("*.ipynb"))
    os.environ |= {"PLOTLY_RENDERER": "plotly_mimetype", "HF_HUB_OFFLINE": "1"}
    with tempfile.TemporaryDirectory() as folder, browsing() as browser:
        os.environ["TMPDIR"] = folder  # the homes that notebooks make go with it
        page = browser.new_page(viewport={"width": WIDTH + 100, "height": 1200})
        for name in names:
            path = FOLDER / f"{name}.ipynb"
            keep(page, run(path), path)


if __name__ == "__main__":
    main()
