"""A lesson's file in a real browser, with the network off and no server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from chromium import SLOW
from drawn import unit_rows
from playwright.sync_api import Browser, Page, expect

from sharedspace import projection
from sharedspace.collection import Collection
from sharedspace.home import Home
from sharedspace.plots import bars, theme
from sharedspace.questions import Part
from sharedspace.ui import galleries
from sharedspace.ui.colouring import Colouring
from sharedspace.ui.handout import write
from sharedspace.ui.handout.buttons import addresses
from sharedspace.ui.handout.explorer import Screen, explorer, plain_layout
from sharedspace.ui.handout.page import text
from sharedspace.ui.learning.blocks import Block, Drawn, Head, Pictures, Prose, Quiz, Table
from sharedspace.workspace import Workspace

pytestmark = pytest.mark.browser

ASKED, OTHER = "a boat at night", "a castle in a forest"
NARROW = {"width": 420, "height": 800}


class File:
    """A file that is opened as its reader does."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page, self.path = page, folder / "a lesson.html"
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None
        )

    def open(self, written: str) -> Page:
        self.path.write_text(written, encoding="utf-8")
        self.page.goto(self.path.as_uri())
        return self.page


@pytest.fixture
def file(browser: Browser, tmp_path: Path) -> Iterator[File]:
    context = browser.new_context(viewport={"width": 1300, "height": 900}, reduced_motion="reduce", offline=True)
    context.set_default_timeout(SLOW)
    opened = File(context.new_page(), tmp_path)
    yield opened
    context.close()
    assert not opened.complaints, opened.complaints
    assert [url for url in opened.asked if not url.startswith(("data:", "blob:"))] == [opened.path.as_uri()]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    workspace = Workspace(tmp_path_factory.mktemp("handout") / "home")
    workspace.add_sample()
    yield workspace.home
    workspace.close()


@pytest.fixture(scope="module")
def sample(home: Home) -> Collection:
    return Collection(home, home.ledger.collections()[0].number)


@pytest.fixture(scope="module")
def view(home: Home, sample: Collection) -> str:
    """The file of a search, as its page writes it."""
    return made(home, sample)


def made(home: Home, collection: Collection, blocks: tuple[Block, ...] = ()) -> str:
    snapshot, laid = plain_layout(collection)
    codes, names, _ = theme.categories(collection.column("setting"))
    asked = collection.search(ASKED)
    coloured = Colouring(codes, theme.PALETTE[: len(names)], tuple(names))
    screen = Screen(snapshot, laid, coloured, asked=asked, at_hand=[OTHER, "a striped umbrella"])
    found = explorer(collection, screen, partial(home.ledger.texts, collection.info.space), galleries.caption)
    return write("A lesson", blocks, found, addresses(home, found.ids), folded=bool(blocks))


def lesson(collection: Collection) -> tuple[Block, ...]:
    records = collection.snapshot().records[:3]
    return (
        Head("Words and pictures"),
        Prose("Everything becomes a **vector**."),
        Quiz("Which is *nearest*?", ("the first", "the second", "none"), "the first", "the second", "By its cosine."),
        Prose("Seen after the first."),
        Pictures(tuple(one.id for one in records), tuple(map(galleries.caption, records)), "Three pictures"),
        Drawn(bars.counts(["cat", "dog"], [3, 4]), "Two bars, 3 and 4"),
        Quiz("And now?", ("up", "down"), "up", None, "It depends."),
        Table({"label": ["cat"], "cosine": [0.25]}, "One cosine"),
    )


def scores(page: Page) -> list[tuple[int, float]]:
    found = page.locator(".ho-hits button").evaluate_all(
        "all => all.map((one) => [one.dataset.row, one.dataset.score])"
    )
    return [(int(row), float(score)) for row, score in found]


def test_a_lesson_opens_without_a_network_and_shows_nothing_before_the_commitment(
    file: File, home: Home, sample: Collection
) -> None:
    page = file.open(made(home, sample, lesson(sample)))
    expect(page.get_by_role("heading", level=1)).to_have_text("A lesson")
    expect(page.get_by_text("Seen after the first")).to_have_count(0)
    expect(page.locator(".ho-pictures, .ho-figure, .ho-folded")).to_have_count(0)

    page.get_by_role("button", name="Commit").click()
    expect(page.get_by_text("Choose one of them first.")).to_be_visible()
    page.keyboard.press("Shift+Tab")  # to the options, without the mouse
    page.keyboard.press("Space")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.locator(".ho-verdict")).to_contain_text("You said “the second”, and so it is.")
    expect(page.locator(".ho-verdict")).to_be_focused()
    expect(page.get_by_text("By its cosine.")).to_be_visible()
    expect(page.locator(".ho-pictures img").first).to_have_js_property("complete", True)
    assert page.locator(".ho-pictures img").first.evaluate("image => image.naturalWidth") > 0
    expect(page.get_by_role("img", name="Two bars, 3 and 4").locator("svg").first).to_be_visible()
    expect(page.locator("table, .ho-folded")).to_have_count(0)  # behind the second question

    page.get_by_role("radio", name="down").check()
    page.get_by_role("button", name="Commit").click()
    expect(page.locator(".ho-verdict").last).to_contain_text(re.compile("You said “down”\\.\\s*It depends\\."))
    expect(page.get_by_role("cell", name="0.25")).to_be_visible()
    page.get_by_text("Explore the pictures of sample").click()
    expect(page.locator(".spacemap")).to_have_attribute("data-ready", "page")
    expect(page.locator(".status")).to_have_text("468 images")


def test_a_wrong_prediction_is_told_with_the_right_one(file: File) -> None:
    page = file.open(write("x", [Quiz("Which?", ("red", "<b>blue</b>"), "red", "<b>blue</b>", "So.")]))
    page.get_by_role("radio", name="red").check()
    page.get_by_role("button", name="Commit").click()

    expect(page.locator(".ho-verdict")).to_contain_text("You said “red”; it is “<b>blue</b>”.")


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_a_narrow_page_fits_on_either_ground(
    file: File, home: Home, sample: Collection, ground: Literal["light", "dark"]
) -> None:
    file.page.emulate_media(color_scheme=ground)
    file.page.set_viewport_size(NARROW)
    blocks = [block for block in lesson(sample) if not isinstance(block, Quiz)]
    page = file.open(made(home, sample, tuple(blocks)))
    page.get_by_text("Explore the pictures of sample").click()
    expect(page.locator(".spacemap")).to_have_attribute("data-ready", "page")

    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    red, *_ = map(
        int, re.findall(r"\d+", page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor"))
    )
    assert (red > 200) == (ground == "light")


@pytest.mark.parametrize("words", [ASKED, OTHER])
def test_a_text_of_the_file_gives_what_the_app_gives(file: File, sample: Collection, view: str, words: str) -> None:
    page = file.open(view)
    if words != ASKED:
        page.get_by_label("Ask in words").fill(words.upper() + " ")
        page.get_by_role("button", name="Ask").click()
    core = sample.search(words, k=10)
    ids = sample.snapshot().ids

    expect(page.locator(".ho-told")).to_contain_text(f"“{words}”, of 468 images")
    found = scores(page)[:10]
    assert [ids[row] for row, _ in found] == [hit.id for hit in core.hits]
    assert [score for _, score in found] == pytest.approx([hit.score for hit in core.hits], abs=5e-5)
    over = int((core.scores >= core.no_match_line).sum())
    expect(page.locator(".ho-told")).to_contain_text(f"{over} at or above the no-match line, {core.no_match_line:.2f}")
    expect(page.locator(".ho-hits li:not(.ho-under):not(.ho-line)")).to_have_count(min(over, 12))

    star = projection.place(core.scores, sample.map().xy)
    said = re.search(
        r"star “[^”]*” at (-?\d+\.\d+), (-?\d+\.\d+)", page.locator(".marks").get_attribute("aria-label") or ""
    )
    assert said
    assert [float(said[1]), float(said[2])] == pytest.approx(star.xy, abs=0.0051)


def test_words_that_were_not_embedded_are_answered_by_the_nearest_or_not_at_all(file: File, view: str) -> None:
    page = file.open(view)
    page.get_by_label("Ask in words").fill("My striped umbrellas!")
    page.get_by_label("Ask in words").press("Enter")
    told = page.locator(".ho-told")
    expect(told).to_contain_text("This file cannot embed new words, and “My striped umbrellas!” is not among its")
    expect(told).to_contain_text("The nearest it holds, with “striped”, “umbrella” in common, is “a striped umbrella”.")

    page.get_by_label("Ask in words").fill("a photo of zyxw")
    page.get_by_label("Ask in words").press("Enter")
    expect(told).to_contain_text("None of them has a word in common with it.")
    expect(page.locator(".ho-hits button")).to_have_count(0)


def test_where_nothing_matches_the_file_says_so(file: File, sample: Collection, view: str) -> None:
    line = sample.baseline().line()
    page = file.open(view)
    texts = page.locator("datalist option").evaluate_all("all => all.map((one) => one.value)")
    best = (sample.snapshot().vectors @ sample.embed(texts).T).max(axis=0)
    absent = texts[int(best.argmin())]
    assert best.min() < line
    page.get_by_label("Ask in words").fill(absent)
    page.get_by_role("button", name="Ask").click()

    expect(page.locator(".ho-told")).to_contain_text(f"Nothing here matches “{absent}”: the best of 468 images has")
    expect(page.locator(".ho-hits > li").first).to_contain_text("No-match line")


def test_a_picture_shows_its_neighbours(file: File, sample: Collection, view: str) -> None:
    page = file.open(view)
    page.locator(".ho-hits button").nth(2).click()
    row = sample.search(ASKED).hits[2].id
    core = sample.ask(sample.terms([Part(images=(row,))]), 13).hits[1:]

    expect(page.locator(".ho-told")).to_contain_text("The nearest to this picture")
    expect(page.locator(".ho-picked")).to_be_visible()
    ids = sample.snapshot().ids
    found = scores(page)
    assert [ids[at] for at, _ in found] == [hit.id for hit in core]
    assert [score for _, score in found] == pytest.approx([hit.score for hit in core], abs=5e-5)

    page.locator(".marks").press("n")  # over no hits it steps through the points around the middle
    page.keyboard.press("Enter")
    expect(page.locator(".ho-picked")).to_be_visible()
    assert scores(page) != found


def test_the_star_stands_where_the_core_puts_it(file: File) -> None:
    rng = np.random.default_rng(5)
    script = f"([scores, xy]) => {{ {text('place.js')} return placed(scores, xy); }}"
    far = f"([xy, row, others]) => {{ {text('place.js')} return farAway(xy, row, others); }}"
    page = file.open(write("x", []))
    for n, level in ((1, 0.1), (2, 0.1), (14, 0.1), (40, 0.1), (300, 0.02), (300, 0.0)):
        scores = (0.3 + level * rng.normal(size=n)).astype(np.float32)  # the last: all equal
        xy = (rng.normal(size=(n, 2)) + 12 * rng.integers(0, 2, (n, 1))).astype(np.float32)  # on two islands
        expected = projection.place(scores, xy)
        found = page.evaluate(script, [scores.tolist(), xy.ravel().tolist()])
        assert found["at"] == pytest.approx(expected.xy, abs=1e-4)
        assert found["spread"] == pytest.approx(expected.spread, abs=1e-4)
        assert found["scattered"] == expected.scattered
    others = [int(row) for row in rng.permutation(np.arange(1, 300))[:12]]
    assert page.evaluate(far, [xy.ravel().tolist(), 0, others]) == projection.far(xy, 0, others).tolist()


def test_vectors_of_ones_own_are_explored_without_words(file: File, tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", vectors=unit_rows(20, 8), ids=np.array([f"image {n}" for n in range(20)]))
    with closing(Workspace(tmp_path / "home")) as workspace:
        workspace.ingest("own", [tmp_path / "own.npz"], "vectors:mine")
        own = workspace.collection("own")
        snapshot, laid = plain_layout(own)
        plainly = Colouring(np.zeros(20, np.uint8), ("#0072B2",))
        known = partial(workspace.home.ledger.texts, own.info.space)
        found = explorer(own, Screen(snapshot, laid, plainly), known, galleries.caption)
        page = file.open(write("own", (), found, folded=False))

        expect(page.locator(".spacemap")).to_have_attribute("data-ready", "page")
        expect(page.get_by_label("Ask in words")).to_be_hidden()
        page.locator(".marks").press("n")
        page.keyboard.press("Enter")
        expect(page.locator(".ho-hits button")).to_have_count(12)
        near = np.sort(snapshot.vectors @ snapshot.vectors.T, axis=1)
        best = scores(page)[0][1]
        assert np.abs(near[:, -2] - best).min() < 1e-5
