"""The gallery component: the words to and from the browser, and what hands and keys do in one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import SLOW
from drawn import png
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Locator, Page, Route, expect
from streamlit.testing.v1 import AppTest

from scripts.browser import serving, settle
from sharedspace.ui.gallery import GalleryEvent, Gesture, Tile, component, gallery
from sharedspace.ui.gallery.component import _event

KEY = "the-gallery"
A, B, C, D, E, F, *_ = IDS = [f"{i:064x}" for i in range(10, 22)]
STRANGER = "f" * 64
MARKUP = '<img src=x onerror="window.markupRan=1"> <b>bold</b> $& {id}'


# ---- a gesture ---------------------------------------------------------------------------------------

some = st.frozensets(st.sampled_from(IDS))
steps = st.builds(
    Gesture, st.sampled_from(["add", "remove", "replace", "clear", "all"]), st.lists(st.sampled_from(IDS))
)


def brute_force(gesture: Gesture, selected: frozenset[str], id: str) -> bool:
    """Whether one image is selected afterwards, by a table of truth."""
    was, named = id in selected, id in gesture.ids
    return {
        "add": was or named,
        "all": was or named,
        "remove": was and not named,
        "replace": named,
        "clear": False,
    }[gesture.op]


@given(steps, some)
def test_a_gesture_changes_each_image_as_its_name_says(gesture: Gesture, selected: frozenset[str]) -> None:
    assert gesture.apply(selected) == {id for id in IDS if brute_force(gesture, selected, id)}


@given(st.lists(steps, min_size=1, max_size=4), some)
def test_gestures_that_come_again_with_the_next_change_nothing_more(
    done: list[Gesture], selected: frozenset[str]
) -> None:
    states = [selected]  # after none of them, after the first, ...
    for gesture in done:
        states.append(gesture.apply(states[-1]))
    again = Gesture(done[-1].op, done[-1].ids, tuple(done[:-1]))
    assert {again.apply(state) for state in states} == {states[-1]}


# ---- from the browser --------------------------------------------------------------------------------


def said(*steps: object) -> dict[str, object]:
    return {"gesture": {"serial": 7, "steps": list(steps)}}


@pytest.mark.parametrize(
    ("state", "event"),
    [
        ({"opened": A}, GalleryEvent(opened=A)),
        (said(["add", [A, B, A]]), GalleryEvent(gesture=Gesture("add", (A, B)))),
        (said(["clear", []]), GalleryEvent(gesture=Gesture("clear"))),
        (said(["add", [A]], ["remove", [B]]), GalleryEvent(gesture=Gesture("remove", (B,), (Gesture("add", (A,)),)))),
        (said(["all", [C, STRANGER]]), GalleryEvent(gesture=Gesture("all", (C,)))),
    ],
)
def test_what_the_browser_says_of_these_images_is_taken(state: object, event: GalleryEvent) -> None:
    assert _event(state, IDS) == event


@pytest.mark.parametrize(
    "state",
    [
        None,
        {},
        *({"opened": sent} for sent in (STRANGER, 1, True, [A], {"id": A}, "../" + A)),
        *[{"gesture": A}, {"gesture": 3}, {"gesture": [["add", [A]]]}, {"gesture": {"op": "add"}}],
        *[{"gesture": {"steps": "add"}}, {"gesture": {"steps": []}}],
        *map(
            said,
            [
                ["add", [STRANGER]],
                ["add", A],
                ["add", [[A]]],
                ["add", []],
                ["toggle", [A]],
                ["clear", [A]],
                ["replace", [None]],
                ["add"],
                "add",
                {"op": "add", "ids": [A]},
            ],
        ),
    ],
)
def test_what_makes_no_sense_or_speaks_of_other_images_is_no_event(state: object) -> None:
    assert _event(state, IDS) == GalleryEvent()


def page(ids: tuple[str, ...] = (), key: str = "the-gallery", **more: object) -> None:
    """A page with one gallery, as AppTest runs it."""
    import streamlit as st

    from sharedspace.ui.gallery import Tile, gallery, last_event

    before = last_event(key, ids)
    tiles = [Tile(id, f"0.{row}", f"words {row}", "note", row == 1, str(row)) for row, id in enumerate(ids)]
    event = gallery(tiles, key=key, thumb="/thumbs/{id}", **more)  # type: ignore[arg-type]  # AppTest takes it without imports
    st.text(f"{event.opened} {event.gesture and (event.gesture.op, *event.gesture.ids)}")
    st.text(before == event)


def run(seed: object = None, **arguments: object) -> AppTest:
    app = AppTest.from_function(page, kwargs={"ids": (A, B, C), **arguments}, default_timeout=60)
    if seed:
        app.session_state[KEY] = seed
    return app.run()


def told(app: AppTest) -> dict[str, object]:
    """What the page gives to the browser."""
    data = json.loads(app.get("bidi_component")[0].proto.json)
    assert isinstance(data, dict)
    return data


def test_a_quiet_gallery_reports_nothing() -> None:
    assert [text.value for text in run().text] == ["None None", "True"]


@pytest.mark.parametrize(
    ("seed", "words"), [({"opened": B}, f"{B} None"), (said(["add", [C]]), f"None ('add', '{C}')")]
)
def test_click_and_gesture_reach_the_page_and_are_known_before_it_is_drawn(seed: object, words: str) -> None:
    assert [text.value for text in run(seed).text] == [words, "True"]


def test_what_the_browser_is_told() -> None:
    data = told(run(selected=[STRANGER, C, A], current=B))
    assert data["tiles"] == [
        [A, "0.0", "words 0", "note", False, "0"],
        [B, "0.1", "words 1", "note", True, "1"],
        [C, "0.2", "words 2", "note", False, "2"],
    ]
    assert (data["selected"], data["elsewhere"], data["current"]) == ([A, C], 1, B)
    assert (data["thumb"], data["seen"]) == ("/thumbs/{id}", None)


def test_the_browser_is_told_which_gesture_arrived() -> None:
    assert told(run(said(["add", [C]])))["seen"] == 7


def test_without_pick_a_gesture_is_nothing_and_a_click_still_opens() -> None:
    app = run({"opened": A} | said(["add", [C]]), pick=False)
    assert app.text[0].value == f"{A} None"


@pytest.mark.parametrize(
    ("ids", "thumb", "words"),
    [
        ([A, B, A], "/thumbs/{id}", f"image {A} comes 2 times"),
        ([A, "../x"], "/thumbs/{id}", "'../x' is not the id of an image"),
        ([A], "/thumbs/", "has no {id}"),
    ],
)
def test_arguments_that_do_not_fit_are_named(ids: list[str], thumb: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        gallery([Tile(id) for id in ids], key=KEY, thumb=thumb)


# ---- in a browser ------------------------------------------------------------------------------------

SITE = "http://gallery.test/"
MOUNT = """async () => {
  const { default: draw } = await import("/gallery.js");
  const root = document.querySelector("#host").attachShadow({ mode: "open" });
  root.append(document.querySelector("#parts").content);
  window.sent = [];
  const setTriggerValue = (name, value) => window.sent.push([name, value]);
  window.draw = (data) => draw({ parentElement: root, data, setTriggerValue });
}"""


class Gallery:
    """The real files on a page of their own, in a shadow root as Streamlit does, and a stand-in for Python."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []  # addresses of pictures
        self.taken = 0  # what was sent before
        page.route("**/*", self._answer)
        page.goto(SITE)
        page.evaluate(MOUNT)

    def _answer(self, route: Route) -> None:
        folder, path = Path(component.__file__).parent, route.request.url.removeprefix(SITE)
        if path.startswith("thumbs/"):
            self.asked.append(path.removeprefix("thumbs/"))
            route.fulfill(body=png("red"), content_type="image/png")
        elif path == "gallery.js":
            route.fulfill(body=(folder / path).read_text("utf-8"), content_type="text/javascript; charset=utf-8")
        else:
            parts = f"<style>{(folder / 'gallery.css').read_text('utf-8')}</style>"
            parts += (folder / "gallery.html").read_text("utf-8")
            page = f"<!doctype html><div id=host></div><p tabindex=0>x</p><template id=parts>{parts}</template>"
            route.fulfill(body=page, content_type="text/html; charset=utf-8")

    def draw(self, ids: list[str] = IDS, words: str = "a boat", **more: object) -> None:
        tiles = [[id, "0.43", words, "z 4.1", False, ""] for id in ids]
        usual = {"thumb": "thumbs/{id}", "tile": "100px", "selected": [], "elsewhere": 0, "seen": None}
        data = {"tiles": tiles, **usual, "current": None, "pick": True, "label": "Pictures", **more}
        self.page.evaluate("(data) => { window.draw(data); }", data)

    def sent(self) -> list[list[object]]:
        """What was sent since this was last asked, as name and value; the number of a gesture left out."""
        sent = self.page.evaluate("window.sent")[self.taken :]
        self.taken += len(sent)
        return [[name, value if name == "opened" else value["steps"]] for name, value in sent]

    def serial(self) -> int:
        return int(self.page.evaluate("window.sent.at(-1)[1].serial"))

    def picture(self, id: str) -> Locator:
        return self.page.locator(f".cell[data-id='{id}']")

    def selected(self) -> list[str]:
        chosen = self.page.locator(".cell[aria-selected=true]")
        return [str(one.get_attribute("data-id")) for one in chosen.all()]

    def focused(self) -> str | None:
        found = self.page.evaluate("document.querySelector('#host').shadowRoot.activeElement?.dataset.id")
        return None if found is None else str(found)


@pytest.fixture
def drawn(browser: Browser) -> Iterator[Gallery]:
    context = browser.new_context(viewport={"width": 460, "height": 700}, reduced_motion="reduce")  # four columns
    context.set_default_timeout(SLOW)
    drawn = Gallery(context.new_page())
    drawn.draw()
    yield drawn
    context.close()


@pytest.mark.browser
def test_a_click_opens_and_selects_nothing(drawn: Gallery) -> None:
    drawn.picture(B).click()
    assert (drawn.sent(), drawn.selected()) == ([["opened", B]], [])


@pytest.mark.browser
@pytest.mark.parametrize("how", ["check", "Control", "Meta", " "])
def test_a_picture_is_selected_and_again_not_and_not_opened(drawn: Gallery, how: str) -> None:
    def act() -> None:
        if how == "check":
            drawn.picture(B).hover()
            drawn.picture(B).locator(".check").click()
        elif how == " ":
            drawn.picture(B).press(" ")
        else:
            drawn.page.keyboard.down(how)
            drawn.picture(B).click()
            drawn.page.keyboard.up(how)

    act()
    assert (drawn.sent(), drawn.selected()) == ([["gesture", [["add", [B]]]]], [B])
    drawn.draw(selected=[B], seen=drawn.serial())
    act()
    assert (drawn.sent(), drawn.selected()) == ([["gesture", [["remove", [B]]]]], [])


@pytest.mark.browser
@pytest.mark.parametrize(("first", "last"), [(B, E), (E, B)])
def test_shift_click_adds_all_from_the_last_one(drawn: Gallery, first: str, last: str) -> None:
    drawn.picture(first).click(modifiers=["Control"])
    drawn.picture(last).click(modifiers=["Shift"])
    assert drawn.sent()[-1] == ["gesture", [["add", [first]], ["add", [B, C, D, E]]]]
    assert drawn.selected() == [B, C, D, E]


@pytest.mark.browser
def test_all_shown_are_selected_and_cleared_by_keys(drawn: Gallery) -> None:
    drawn.picture(B).focus()
    drawn.page.keyboard.press("Escape")
    assert drawn.sent() == []  # there was nothing to clear
    drawn.page.keyboard.press("Control+a")
    assert (drawn.sent(), drawn.selected()) == ([["gesture", [["all", IDS]]]], IDS)
    drawn.draw(selected=IDS, seen=drawn.serial())
    drawn.page.keyboard.press("Escape")
    assert (drawn.sent(), drawn.selected()) == ([["gesture", [["clear", []]]]], [])


@pytest.mark.browser
def test_escape_also_clears_what_is_selected_elsewhere(drawn: Gallery) -> None:
    drawn.draw(elsewhere=2)
    drawn.picture(B).press("Escape")
    assert drawn.sent() == [["gesture", [["clear", []]]]]


@pytest.mark.browser
def test_one_tab_stop_and_arrows_walk_the_rows(drawn: Gallery) -> None:
    page, seen = drawn.page, []
    drawn.draw(IDS[:10])  # rows of four, four and two
    page.keyboard.press("Tab")
    walk = ["ArrowRight", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "ArrowRight", "ArrowDown", "End", "Home"]
    for key in [*walk, "ArrowLeft"]:
        seen.append(IDS.index(str(drawn.focused())))
        page.keyboard.press(key)
    assert seen == [0, 1, 5, 9, 9, 5, 6, 9, 9, 0]
    page.keyboard.press("Enter")
    assert drawn.sent() == [["opened", A]]
    page.keyboard.press("Tab")
    assert drawn.focused() is None


@pytest.mark.browser
def test_markup_in_texts_stays_text(drawn: Gallery) -> None:
    drawn.draw([A], words=MARKUP)
    figure = drawn.picture(A)
    assert figure.locator(".caption span").inner_text() == " ".join(MARKUP.split())
    assert MARKUP in str(figure.get_attribute("title"))
    assert figure.locator("img").get_attribute("alt") == MARKUP
    assert (drawn.page.locator(".cell img").count(), drawn.page.locator(".caption b").count()) == (1, 1)
    assert drawn.page.evaluate("window.markupRan ?? null") is None


@pytest.mark.browser
def test_a_rerun_keeps_pictures_and_focus_and_asks_for_nothing_twice(drawn: Gallery) -> None:
    drawn.picture(C).focus()
    drawn.page.wait_for_function(
        "[...document.querySelector('#host').shadowRoot.querySelectorAll('img')].every((image) => image.naturalWidth)"
    )
    drawn.draw(IDS[::-1], words="a ship", selected=[B], current=B)
    expect(drawn.page.locator(".caption span").first).to_have_text("a ship")
    assert drawn.page.locator(".cell").first.get_attribute("data-id") == IDS[-1]
    assert drawn.focused() == C
    assert sorted(drawn.asked) == sorted(IDS)
    drawn.draw([B, C])
    assert (drawn.page.locator(".cell").count(), drawn.focused()) == (2, C)


@pytest.mark.browser
def test_a_gesture_that_was_not_answered_comes_again_with_the_next_and_an_answered_one_does_not(drawn: Gallery) -> None:
    drawn.picture(A).press(" ")
    first = drawn.serial()
    drawn.picture(B).press(" ")
    assert drawn.sent()[-1] == ["gesture", [["add", [A]], ["add", [B]]]]
    drawn.draw(selected=[A], seen=first)  # the second is still on its way
    assert drawn.selected() == [A, B]
    drawn.picture(C).press(" ")
    assert drawn.sent() == [["gesture", [["add", [B]], ["add", [C]]]]]


@pytest.mark.browser
def test_python_has_the_last_word_on_what_is_selected(drawn: Gallery) -> None:
    drawn.picture(A).press(" ")
    drawn.draw(selected=[], seen=drawn.serial())
    assert drawn.selected() == []
    drawn.picture(A).press(" ")
    drawn.draw(selected=[D])  # chosen on the map
    assert drawn.selected() == [D]


@pytest.mark.browser
def test_without_pick_there_is_nothing_to_select_with(drawn: Gallery) -> None:
    drawn.draw(pick=False)
    expect(drawn.picture(A).locator(".check")).to_be_hidden()
    drawn.picture(A).click(modifiers=["Control"])
    drawn.picture(A).press("Control+a")
    drawn.picture(B).press(" ")
    assert drawn.sent() == [["opened", A], ["opened", B]]
    assert drawn.page.get_by_role("option").count() == 0


@pytest.mark.browser
def test_the_current_and_the_selected_are_told_to_a_screen_reader(drawn: Gallery) -> None:
    drawn.draw(selected=[B], current=C)
    options = drawn.page.get_by_role("listbox", name="Pictures").get_by_role("option")
    expect(options).to_have_count(len(IDS))
    expect(options.nth(1)).to_have_accessible_name("0.43, a boat, z 4.1")
    assert drawn.page.get_by_role("option", selected=True).count() == 1
    assert drawn.page.locator("[aria-current=true]").get_attribute("data-id") == C


@pytest.mark.browser
def test_a_phone_shows_two_columns_of_large_tiles(drawn: Gallery) -> None:
    drawn.page.set_viewport_size({"width": 420, "height": 800})
    drawn.draw(tile="30rem")
    tops = [box["y"] for id in (A, B, C) if (box := drawn.picture(id).bounding_box())]
    assert tops[0] == tops[1] < tops[2]
    assert drawn.page.evaluate("document.documentElement.scrollWidth") <= 420


APP = f"""import time
import streamlit as st
from sharedspace.ui.gallery import Tile, gallery, last_event

ids = {IDS!r}
chosen = st.session_state.get("chosen", frozenset())
event = last_event("g", ids)
if event.gesture:
    st.session_state.chosen = chosen = event.gesture.apply(chosen)
if event.opened:
    st.session_state.current = event.opened
time.sleep(0.3)
gallery([Tile(id, words=id[-2:]) for id in ids], key="g", thumb="nothing/{{id}}", selected=chosen,
        current=st.session_state.get("current"))
st.text("selected: " + " ".join(sorted(str(ids.index(id)) for id in chosen)))
"""


@pytest.mark.browser
def test_no_quick_gesture_is_lost_in_streamlit_and_the_pictures_stay(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    with serving(tmp_path, tmp_path) as server:
        opened = browser.new_page(reduced_motion="reduce")
        opened.set_default_timeout(SLOW)
        opened.goto(server.url)
        settle(opened)
        first = opened.locator(".cell").first
        first.evaluate("(figure) => { figure.mine = true; }")
        first.focus()
        for key in [" ", "ArrowRight", " ", "ArrowRight", " ", "ArrowLeft", " ", "ArrowLeft", "Enter"]:
            opened.keyboard.press(key)
        expect(opened.get_by_text("selected: 0 2", exact=True)).to_be_visible()
        expect(first).to_have_attribute("aria-current", "true")
        expect(first).to_be_focused()
        assert first.evaluate("(figure) => figure.mine")
        assert [
            row for row in range(len(IDS)) if opened.locator(".cell").nth(row).get_attribute("aria-selected") == "true"
        ] == [0, 2]
        opened.close()
