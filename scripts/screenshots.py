"""Pictures of every page of the real app, to be looked at: `python scripts/screenshots.py [--readme]`."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
from browser import ROOT, Server, browsing, serving, settle
from PIL import Image
from playwright.sync_api import Browser, Page

SIZES = ((1400, 900), (420, 900))
THEMES = ("light", "dark")
TALL = 2600  # px, to see what stands below the fold
README = ROOT / "docs" / "map.png"
QUERY = {"q": "a boat at night", "colour": "setting"}
SETTINGS = "day, night, sunset, snow, sea, forest, desert, plain"
# What is seen without doing more than opening an address.
VIEWS = {
    "map": "/?" + urlencode(QUERY),
    "glow": "/?" + urlencode({"q": "a dog", "colour": "similarity to the query"}),
    "trust": "/?" + urlencode({"colour": "map trust"}),
    "gap": "/?" + urlencode({**QUERY, "layout": "where they really are"}),
    "phrases": "/?"
    + urlencode({"layout": "along two phrases", "a": "a dog", "b": "snow", "colour": "one phrase against another"}),
    "composed": "/search?"
    + urlencode({"q": "a boat", "also": '[{"text":"at night","weight":-1}]', "where": "count=1"}),
    "search": "/search?" + urlencode({"q": "a boat at night"}),
    "zero_shot": "/zero_shot?" + urlencode({"labels": SETTINGS, "truth": "setting", "template": "{}"}),
    "clusters": "/clusters",
    "tidy": "/tidy",
    "images": "/images",
    "hint": "/zero_shot",
    "unknown": "/search?" + urlencode({"q": "a dragon in Paris"}),
    "error": "/zero_shot?" + urlencode({"labels": "day, night", "template": "no place for the label"}),
}
EMPTY = {"map": "/", "search": "/search", "images": "/images"}


@contextmanager
def page(browser: Browser, size: tuple[int, int], theme: str) -> Iterator[Page]:
    """A visitor with a window and a theme."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    try:
        yield context.new_page()
    finally:
        context.close()


def shoot(page: Page, url: str, path: Path) -> None:
    """Open an address and write what is seen when all is there."""
    page.goto(url)
    page.get_by_role("heading", level=1).first.wait_for()
    settle(page)
    if page.locator(".spacemap").count():
        page.locator(".spacemap[data-ready]").wait_for()
    still(page, path)


def still(page: Page, path: Path) -> None:
    """Write what is seen once its pictures are there."""
    page.wait_for_function("[...document.images].every((image) => image.complete || image.loading === 'lazy')")
    page.wait_for_timeout(700)  # charts and pictures that come into view
    page.screenshot(path=path)
    print(path)


def rounds(browser: Browser, folder: Path, height: int | None) -> Iterator[tuple[Page, str]]:
    """A page for each size and theme, and how its pictures end."""
    for width, usual in SIZES:
        for theme in THEMES:
            with page(browser, (width, height or usual), theme) as opened:
                yield opened, f"{width}-{theme}.png"


def add_folder(page: Page, url: str, name: str, folder: Path) -> None:
    """Add a folder to a collection, by the form of the page Images."""
    page.goto(url + "/images")
    page.get_by_role("heading", level=1).first.wait_for()
    settle(page)
    into = page.get_by_role("textbox", name="Into the collection").first
    if not into.is_visible():
        page.get_by_text("Add pictures", exact=True).click()
    page.get_by_role("radio", name="on the server's machine").first.click()
    settle(page)
    path = page.get_by_role("textbox", name="A folder or a file on the server's machine")
    for box, text in ((into, name), (path, str(folder))):
        box.fill(text)
        page.keyboard.press("Enter")
        settle(page)
    page.get_by_role("button", name="Add", exact=True).click()


def noise(folder: Path, number: int) -> Path:
    """A folder of pictures that keep a job busy, and of one that cannot be read."""
    folder.mkdir()
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is no picture")
    rng = np.random.default_rng(0)
    for row in range(number):
        Image.fromarray(rng.integers(0, 256, (48, 48, 3), dtype=np.uint8)).save(folder / f"{row:05}.png")
    return folder


def manage(page: Page, url: str, name: str, act: str) -> None:
    """Open the page Images of a collection and one tab of what can be done with it."""
    page.goto(url + "/images?" + urlencode({"collection": name}))
    page.get_by_role("heading", level=1).first.wait_for()
    settle(page)
    page.get_by_text("Export, copy, check, rename or delete this collection").click()
    page.get_by_role("tab", name=act).click()
    settle(page)


def kept(server: Server, browser: Browser, folder: Path, height: int | None) -> None:
    """What can be done with a whole collection, and what it has given."""
    with page(browser, SIZES[0], "light") as worker:
        manage(worker, server.url, "few", "Export")
        worker.get_by_role("button", name="Export", exact=True).click()
        worker.get_by_text("Download few.zip").wait_for()
        manage(worker, server.url, "few", "Copy")
        worker.get_by_role("button", name="Copy", exact=True).click()
        worker.goto(server.url + "/search?collection=sample")
        worker.get_by_text("Copying few").last.wait_for()
    for opened, end in rounds(browser, folder, height):
        manage(opened, server.url, "few", "Export")
        opened.get_by_text("Export, copy, check, rename or delete this collection").scroll_into_view_if_needed()
        still(opened, folder / f"manage-{end}")
        shoot(opened, server.url + "/search?collection=sample&q=a+dog", folder / f"news-{end}")


def everything(server: Server, browser: Browser, work: Path, folder: Path, height: int | None) -> None:
    """Each page with the sample set, a running job, a refused file, whole collections, and no collection at all."""
    for opened, end in rounds(browser, folder, height):
        for name, address in VIEWS.items():
            shoot(opened, server.url + address, folder / f"{name}-{end}")
    busy, few = noise(work / "busy", 20_000), noise(work / "few", 3)
    with page(browser, SIZES[0], "light") as worker:
        add_folder(worker, server.url, "noise", busy)
        worker.get_by_role("button", name="Cancel").first.wait_for()
        for opened, end in rounds(browser, folder, height):
            shoot(opened, server.url + "/images", folder / f"running-{end}")
            shoot(opened, server.url + "/search?q=a+dog&collection=sample", folder / f"beside-{end}")
        worker.get_by_role("button", name="Cancel").first.click()
        worker.get_by_text("Cancelled").first.wait_for()
        add_folder(worker, server.url, "few", few)
        worker.get_by_text("1 refused, and why").wait_for()
    for opened, end in rounds(browser, folder, height):
        shoot(opened, server.url + "/images?collection=few", folder / f"refused-{end}")
    kept(server, browser, folder, height)
    with page(browser, SIZES[0], "light") as worker:
        for name in ("noise", "few", "sample"):
            manage(worker, server.url, name, "Delete")
            worker.get_by_text("Delete " + name).click()
            settle(worker)
            worker.get_by_role("button", name="Delete", exact=True).click()
            settle(worker)
    for opened, end in rounds(browser, folder, height):
        for name, address in EMPTY.items():
            shoot(opened, server.url + address, folder / f"empty_{name}-{end}")


def main() -> None:
    """Start the app on a home of its own and write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readme", action="store_true", help=f"only write {README.relative_to(ROOT)}")
    parser.add_argument("--tall", action="store_true", help="in a window that shows whole pages")
    parser.add_argument("--to", type=Path, default=ROOT / "screenshots")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as work, serving(Path(work)) as server, browsing() as browser:
        if given.readme:
            with page(browser, SIZES[0], "light") as opened:
                shoot(opened, server.url + VIEWS["map"], README)
            return
        given.to.mkdir(exist_ok=True)
        everything(server, browser, Path(work), given.to, TALL if given.tall else None)


if __name__ == "__main__":
    main()
