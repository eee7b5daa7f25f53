"""The chips in a browser: words are dragged by the mouse and moved by the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import SLOW
from playwright.sync_api import Browser, FloatRect, Locator, Page, Route, expect

from sharedspace.ui.chips import component

pytestmark = pytest.mark.browser
SITE = "http://chips.test/"
WORDS = ["a", "<b>red</b>", "boat", "at", "sea"]
MOUNT = """async (words) => {
  const { default: draw } = await import("/chips.js");
  const root = document.querySelector("#place").attachShadow({ mode: "open" });
  root.append(document.querySelector("#parts").content.cloneNode(true));
  window.sent = [];
  window.draw = (data) => draw({ parentElement: root, data, setStateValue: (name, value) => window.sent.push(value) });
  window.data = { label: "The caption", words, version: "1", order: words.map((_, place) => place), out: [] };
  window.draw(window.data);
}"""


class Row:
    """The real files on a page of their own, in a shadow root as Streamlit does, and a stand-in for Python."""

    def __init__(self, page: Page) -> None:
        self.page, self.keys = page, page.keyboard
        page.route("**/*", self._answer)
        page.goto(SITE)
        page.evaluate(MOUNT, WORDS)

    def _answer(self, route: Route) -> None:
        folder, path = Path(component.__file__).parent, route.request.url.removeprefix(SITE)
        if path == "chips.js":
            route.fulfill(body=(folder / path).read_text("utf-8"), content_type="text/javascript; charset=utf-8")
        else:
            parts = f"<style>{(folder / 'chips.css').read_text('utf-8')}</style>"
            parts += (folder / "chips.html").read_text("utf-8")
            page = f"<!doctype html><div id=place></div><template id=parts>{parts}</template>"
            route.fulfill(body=page, content_type="text/html; charset=utf-8")

    def word(self, word: str) -> Locator:
        return self.page.get_by_role("button", name=word, exact=True)

    def words(self) -> str:
        return " ".join(self.page.locator(".words button").all_inner_texts())

    def out(self) -> str:
        return " ".join(self.page.locator(".out button").all_inner_texts())

    def sent(self) -> list[list[int]]:
        """The orders that Python was told."""
        return [one["order"] for one in self.page.evaluate("window.sent")]

    def hold(self, word: str) -> None:
        box = self.box(self.word(word))
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        self.page.mouse.down()

    def move(self, x: float, y: float) -> None:
        self.page.mouse.move(x, y, steps=12)

    def box(self, found: Locator) -> FloatRect:
        box = found.bounding_box()
        assert box
        return box


@pytest.fixture
def row(browser: Browser) -> Iterator[Row]:
    context = browser.new_context(viewport={"width": 460, "height": 500}, reduced_motion="reduce")
    context.set_default_timeout(SLOW)
    yield Row(context.new_page())
    context.close()


def test_a_word_is_dragged_to_another_place_out_and_back(row: Row) -> None:
    target = row.box(row.word("a"))
    row.hold("sea")
    row.move(target["x"] + 2, target["y"] + 8)
    assert row.sent() == []  # where it only passes by is no arrangement of the reader's
    row.page.mouse.up()
    assert row.words() == "sea a <b>red</b> boat at"
    assert row.sent() == [[4, 0, 1, 2, 3]]

    away = row.box(row.page.locator(".out"))
    row.hold("<b>red</b>")
    row.move(away["x"] + 30, away["y"] + 10)
    row.page.mouse.up()
    assert (row.words(), row.out()) == ("sea a boat at", "<b>red</b>")
    back = row.box(row.word("at"))
    row.hold("<b>red</b>")
    row.move(back["x"] + 2, back["y"] + 8)
    row.page.mouse.up()
    assert (row.words(), row.out()) == ("sea a boat <b>red</b> at", "")
    assert row.sent()[1:] == [[4, 0, 2, 3], [4, 0, 2, 1, 3]]
    row.move(5, 5)
    assert len(row.sent()) == 3


def test_a_word_is_moved_out_and_back_by_the_keyboard_alone(row: Row) -> None:
    row.keys.press("Tab")
    row.keys.press("Tab")
    expect(row.word("<b>red</b>")).to_be_focused()
    row.keys.press("ArrowRight")
    assert row.words() == "a boat <b>red</b> at sea"
    expect(row.word("<b>red</b>")).to_be_focused()
    expect(row.page.get_by_role("status")).to_have_text("<b>red</b>: place 3 of 5")
    row.keys.press("ArrowLeft")
    row.keys.press("ArrowLeft")
    row.keys.press("ArrowLeft")  # it is the first, and stays
    assert row.words() == "<b>red</b> a boat at sea"
    row.keys.press("Delete")
    assert (row.words(), row.out()) == ("a boat at sea", "<b>red</b>")
    expect(row.word("<b>red</b>")).to_be_focused()
    row.keys.press("Enter")
    assert (row.words(), row.out()) == ("a boat at sea <b>red</b>", "")
    assert row.sent() == [[0, 2, 1, 3, 4], [0, 1, 2, 3, 4], [1, 0, 2, 3, 4], [0, 2, 3, 4], [0, 2, 3, 4, 1]]


def test_an_answer_moves_nothing_and_other_words_begin_anew(row: Row) -> None:
    row.word("sea").focus()
    row.keys.press("ArrowLeft")
    row.page.evaluate("window.draw(window.data)")  # an answer to what was before
    assert row.words() == "a <b>red</b> boat sea at"
    expect(row.word("sea")).to_be_focused()
    row.page.evaluate("window.draw({ ...window.data, version: '2', words: ['two', 'cars'], order: [1], out: [0] })")
    assert (row.words(), row.out()) == ("cars", "two")
