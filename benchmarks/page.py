"""The pages at size: from Enter to the answer, from a lasso to its pictures, in a real browser. Prints JSON.

`python benchmarks/page.py [--images 50000]` fills a home with the sample set's vectors, each with some noise, without
pictures, and times what a visitor waits for.
"""

import argparse
import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from playwright.sync_api import Page, expect

from scripts.browser import browsing, serving, settle
from sharedspace import Workspace, projection, samples
from sharedspace.records import ImageRecord
from sharedspace.vectors import unit

QUERIES = (
    "a boat at night",
    "a dog",
    "a red flower",
    "snow",
    "a castle in the desert",
    "an animal",
    "a dragon",
    "a cake",
)
CHUNK = 5000


def fill(folder: Path, n: int) -> None:
    """A collection of n images of pocket's space, with a map: drawn positions of the sample set, jittered."""
    sample, rng = samples.load(), np.random.default_rng(0)
    with closing(Workspace(folder)) as workspace:
        number = workspace.home.ledger.ensure("large", sample.space)
        like = rng.integers(0, len(sample.records), n)
        ids = [hashlib.sha256(str(row).encode()).hexdigest() for row in range(n)]
        noise = rng.normal(0, 0.03, (n, sample.space.dimension)).astype(np.float32)
        vectors = unit(sample.vectors[like] + noise)
        for at in range(0, n, CHUNK):
            rows = range(at, min(n, at + CHUNK))
            records = [ImageRecord(ids[row], f"{row}.jpg", 0, 0, sample.records[like[row]].meta) for row in rows]
            workspace.home.ledger.add(number, records, vectors[at : at + CHUNK])
        collection = workspace.collection("large")
        order = {id: row for row, id in enumerate(ids)}
        rows = [order[id] for id in collection.snapshot().ids]
        xy = sample.xy[like[rows]] + rng.normal(0, 0.15, (n, 2))
        drawn = projection.named(collection.snapshot().ids, xy.astype(np.float32), collection.info.revision)
        workspace.home.ledger.save_map(number, drawn)


def median(values: list[float]) -> dict[str, float]:
    return {"median_ms": round(1000 * statistics.median(values)), "worst_ms": round(1000 * max(values))}


def ask(page: Page, url: str, path: str, answered: str) -> dict[str, float]:
    """Seconds from Enter until the page names the query that was asked."""
    page.goto(f"{url}{path}")
    page.get_by_role("heading", level=1).first.wait_for()
    settle(page)
    if page.locator(".spacemap").count():
        page.locator(".spacemap[data-ready]").wait_for(timeout=60_000)
    box = page.get_by_role("textbox", name="What to look for")
    taken = []
    for round_, query in enumerate(QUERIES * 2):
        box.fill(query)
        start = time.perf_counter()
        page.keyboard.press("Enter")
        if answered == "star":
            page.locator(f'.marks[aria-label*="query star “{query}”"]').wait_for(timeout=60_000)
        else:
            page.wait_for_timeout(20)
            page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=60_000)
        if round_ >= len(QUERIES):  # each text was embedded in the first round
            taken.append(time.perf_counter() - start)
        settle(page)
    return median(taken)


def lasso(page: Page) -> dict[str, float]:
    """Seconds from the end of a lasso until the page counts what is selected."""
    taken = []
    box = page.locator(".marks").bounding_box()
    assert box
    for turn in range(6):
        left, top = box["x"] + 60 + 40 * turn, box["y"] + 60
        page.keyboard.press("Escape")
        settle(page)
        page.mouse.move(left, top)
        page.keyboard.down("Shift")
        page.mouse.down()
        for x, y in ((left + 200, top), (left + 200, top + 300), (left, top + 300), (left, top + 10)):
            page.mouse.move(x, y, steps=4)
        start = time.perf_counter()
        page.mouse.up()
        page.keyboard.up("Shift")
        expect(page.locator(".st-key-selection")).to_contain_text("selected", timeout=60_000)
        taken.append(time.perf_counter() - start)
        settle(page)
        page.get_by_role("button", name="Clear", exact=True).click()
        settle(page)
    return median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=50_000)
    given = parser.parse_args()
    out: dict[str, Any] = {"images": given.images, "load_before": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as work:
        fill(Path(work) / "home", given.images)
        with serving(Path(work)) as server, browsing() as browser:
            context = browser.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
            page = context.new_page()
            page.goto(f"{server.url}/?collection=large")
            page.locator(".spacemap[data-ready]").wait_for(timeout=120_000)
            time.sleep(20)  # the warm-up
            out["enter_to_star"] = ask(page, server.url, "/?collection=large&colour=setting", "star")
            out["enter_to_star_glow"] = ask(
                page, server.url, "/?collection=large&colour=similarity+to+the+query", "star"
            )
            out["lasso_to_selection"] = lasso(page)
            out["enter_to_results"] = ask(page, server.url, "/search?collection=large", "results")
    out["load_after"] = os.getloadavg()[0]
    print(json.dumps(out, indent=2))


if __name__ == "__main__":
    main()
