"""How fast the map is in a real browser, at 10,000, 100,000 and 1,000,000 points: prints one JSON document.

.venv/bin/python benchmarks/browser.py [--points 10000 100000] [--ratio 2]

A small Streamlit app serves the component with synthetic maps and drives it in headless Chromium, without a GPU.
`ready` is from the navigation of a fresh browser to a server that is warm until the map is drawn and can be hovered;
`hover` from the pointer's move until the picture of the card is decoded, the median of `HOVERS` points;
`lasso` from the end of a lasso around some 40 % until the page says what Python selected (`lasso_shown`: until the map
itself does); `frame` is the script time of one repaint of a zoomed map, the median of `FRAMES`.
"""

import argparse
import io
import json
import os
import statistics
import sys
import tempfile
import time
from math import cos, pi, sin
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.browser import browsing, serving

POINTS = (10_000, 100_000, 1_000_000)
HOVERS = 20
LASSOS = 5
FRAMES = 15
LAUNCHER = """
import streamlit as st
from starlette.responses import Response
from starlette.routing import Route


def points(request):
    from benchmarks.browser import packed
    return Response(packed(request.path_params["n"]), media_type="application/octet-stream")


def picture(request):
    from benchmarks.browser import drawn
    return Response(drawn(request.path_params["row"]), media_type="image/webp")


app = st.App("page.py", routes=[Route("/map/{n:int}.bin", points), Route("/map/{n:int}/{row:int}", picture)])
"""
PAGE = """
import streamlit as st

from benchmarks.browser import show

st.set_page_config(layout="wide")
show(int(st.query_params["n"]))
"""
_NOTE_FRAMES = """() => {
  window.frames_ = [];
  const own = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (act) => own((at) => {
    const start = performance.now();
    act(at);
    window.frames_.push(performance.now() - start);
  });
}"""
# Watches the picture of the card from inside the page: what Playwright asks costs milliseconds of its own.
_NOTE_HOVERS = """(map) => {
  const image = map.querySelector('.card img'), marks = map.querySelector('.marks');
  window.hovers = [];
  let start = 0;
  marks.addEventListener('pointermove', () => { start = performance.now(); }, true);
  new MutationObserver(() => {
    const moved = start;
    if (image.getAttribute('src')) image.decode().then(() => window.hovers.push(performance.now() - moved), () => {});
  }).observe(image, { attributes: true, attributeFilter: ['src'] });
}"""
_NOTE_LASSO = """(map) => {
  const status = map.querySelector('.status'), start = () => { window.lasso = { start: performance.now() }; };
  window.lasso = {};
  map.querySelector('.marks').addEventListener('pointerup', start, true);
  const look = () => {
    const { lasso } = window, passed = performance.now() - lasso.start, told = document.querySelector('.st-key-told');
    if (!lasso.shown && / of .* selected/.test(status.textContent)) lasso.shown = passed;
    if (!lasso.answered && /Python: [1-9]/.test(told?.innerText ?? '')) lasso.answered = passed;
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
  new MutationObserver(look).observe(status, { subtree: true, childList: true, characterData: true });
}"""


def synthetic(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Places (n, 2) in 12 clouds of their own sizes, and which cloud (n,) uint8."""
    rng = np.random.default_rng(0)
    middles, sizes = rng.normal(0, 6, (12, 2)), rng.uniform(0.3, 1.6, 12)
    cloud = rng.integers(0, 12, n)
    return (middles[cloud] + rng.normal(size=(n, 2)) * sizes[cloud][:, None]).astype(np.float32), cloud.astype(np.uint8)


def packed(n: int) -> bytes:
    from sharedspace.ui.spacemap import pack

    return pack(synthetic(n)[0])


def drawn(row: int) -> bytes:
    """A thumbnail of 256 px, a different one for each row."""
    image = Image.new("RGB", (256, 256), (row * 53 % 256, row * 97 % 256, row * 193 % 256))
    ImageDraw.Draw(image).text((60, 110), str(row), fill="white", font_size=40)
    written = io.BytesIO()
    image.save(written, "WEBP", quality=75, method=0)
    return written.getvalue()


def show(n: int) -> None:
    """The page: one map whose selection Python keeps."""
    import streamlit as st

    from sharedspace.plots import theme
    from sharedspace.ui.spacemap.component import last_event, spacemap

    made = st.cache_resource(synthetic)

    @st.fragment
    def whole() -> None:
        xy, cloud = made(n)
        key, url = f"map-{n}", f"/map/{n}.bin"
        selected = st.session_state.get("selected", np.zeros(n, dtype=bool))
        gesture = last_event(key, url, n).gesture
        if gesture is not None:
            selected = gesture.apply(selected, xy, cloud, None)
            st.session_state["selected"] = selected
        with st.container(key="told"):
            st.text(f"Python: {selected.sum()} selected")
        spacemap(
            key=key,
            url=url,
            thumb=f"/map/{n}/{{i}}",
            categories=cloud,
            palette=theme.PALETTE[:12],
            legend=[f"cloud {number}" for number in range(12)],
            selected=np.flatnonzero(selected),
        )

    whole()


def opened(browser: Browser, url: str, n: int, ratio: float) -> tuple[Page, float]:
    """A page of a fresh visitor with the map drawn, and the seconds that took."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, device_scale_factor=ratio)
    page = context.new_page()
    page.set_default_timeout(60_000)
    start = time.perf_counter()
    page.goto(f"{url}/?n={n}", wait_until="commit")
    page.locator(".spacemap[data-ready]:not([data-ready=''])").wait_for()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page, time.perf_counter() - start


def box_of(page: Page) -> tuple[float, float, float, float]:
    box = page.locator(".marks").bounding_box()
    assert box
    return box["x"], box["y"], box["width"], box["height"]


def hovers(page: Page, xy: np.ndarray) -> list[float]:
    """Milliseconds from the pointer's move to a decoded picture, each of another point."""
    left, top, width, height = box_of(page)
    low, high = xy.min(axis=0), xy.max(axis=0)
    scale = min((width - 72) / (high[0] - low[0]), (height - 72) / (high[1] - low[1]))
    middle = (low + high) / 2
    page.locator(".spacemap").evaluate(_NOTE_HOVERS)
    for row in np.random.default_rng(1).choice(len(xy), HOVERS, replace=False):
        x, y = (xy[row] - middle) * scale * (1, -1) + (width / 2, height / 2)
        page.mouse.move(left + 2, top + 2)
        page.wait_for_timeout(60)
        before = page.evaluate("window.hovers.length")
        page.mouse.move(left + x, top + y)
        page.wait_for_function(f"window.hovers.length > {before}")
    return list(page.evaluate("window.hovers"))


def lassos(page: Page) -> dict[str, float]:
    """Milliseconds from the end of a lasso to what the map and what Python say of it, the median of several."""
    left, top, width, height = box_of(page)
    ring = [(0.45 + 0.25 * cos(k * pi / 20), 0.5 + 0.35 * sin(k * pi / 20)) for k in range(41)]
    page.locator(".spacemap").evaluate(_NOTE_LASSO)
    told = []
    for _ in range(LASSOS):
        page.get_by_role("button", name="Lasso").click()
        page.mouse.move(left + ring[0][0] * width, top + ring[0][1] * height)
        page.mouse.down()
        for x, y in ring[1:]:
            page.mouse.move(left + x * width, top + y * height)
        page.mouse.up()
        page.wait_for_function("window.lasso.answered")
        told.append(page.evaluate("window.lasso"))
        page.wait_for_timeout(700)
        page.locator(".marks").press("Escape")
        page.get_by_text("Python: 0 selected").wait_for()
        page.wait_for_timeout(300)
    return {name: statistics.median(one[name] for one in told) for name in ("shown", "answered")}


def frames(page: Page) -> float:
    """Milliseconds of script that one repaint of the zoomed map takes, the median of several."""
    left, top, width, height = box_of(page)
    page.evaluate(_NOTE_FRAMES)
    page.mouse.move(left + width * 0.45, top + height * 0.5)
    for _ in range(3):
        page.mouse.wheel(0, -200)
        page.wait_for_timeout(150)
    page.evaluate("window.frames_.length = 0")
    for step in range(FRAMES):
        page.locator(".marks").press("ArrowLeft" if step % 2 else "ArrowRight")
        page.wait_for_timeout(120)
    painted: list[float] = page.evaluate("window.frames_")
    return statistics.median(sorted(painted)[-FRAMES:])  # what else asks for frames takes far less


def measured(browser: Browser, url: str, n: int, ratio: float) -> dict[str, Any]:
    opened(browser, url, n, ratio)[0].context.close()  # warms the server
    ready = []
    for _ in range(3):
        page, seconds = opened(browser, url, n, ratio)
        ready.append(seconds)
        page.wait_for_timeout(1000)
        if len(ready) < 3:
            page.context.close()
    hover = hovers(page, synthetic(n)[0])
    lasso, frame = lassos(page), frames(page)
    page.context.close()
    return {
        "points": n,
        "ready_s": round(statistics.median(ready), 2),
        "hover_ms": round(statistics.median(hover), 1),
        "hover_worst_ms": round(max(hover), 1),
        "lasso_shown_ms": round(lasso["shown"], 1),
        "lasso_answered_ms": round(lasso["answered"], 1),
        "frame_ms": round(frame, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, nargs="+", default=POINTS)
    parser.add_argument("--ratio", type=float, default=1, help="device pixels per CSS pixel")
    given = parser.parse_args()
    load = os.getloadavg()[0]
    repository = Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "app"
        root.mkdir()
        (root / "app.py").write_text(f"import sys\n\nsys.path.insert(0, {str(repository)!r})\n{LAUNCHER}")
        (root / "page.py").write_text(PAGE)
        (root / ".streamlit").mkdir()
        (root / ".streamlit" / "config.toml").write_text((repository / ".streamlit" / "config.toml").read_text())
        with serving(Path(folder), root) as server, browsing() as browser:
            rows = [measured(browser, server.url, n, given.ratio) for n in given.points]
            version = browser.version
    machine = {"chromium": version, "ratio": given.ratio, "cores": os.cpu_count(), "load": load}
    print(json.dumps(machine | {"maps": rows}, indent=2))


if __name__ == "__main__":
    main()
