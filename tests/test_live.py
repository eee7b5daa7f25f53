"""The live text area: the words to and from the browser, what typing does in one, and both in Streamlit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from chromium import SLOW
from playwright.sync_api import Browser, CDPSession, Page, Route, expect
from streamlit.testing.v1 import AppTest

from scripts.browser import serving, settle
from sharedspace.ui.live import component

LABEL = "Labels, one a line"
MARKUP = '</textarea><img src=x onerror="window.markupRan=1"> <b>bold</b> $& {id}'


# ---- what Python makes of messages -------------------------------------------------------------------


def page(**more: object) -> None:
    """A page with one field, as AppTest runs it."""
    import streamlit as st

    from sharedspace.ui import live

    before = st.session_state.get("labels")
    text = live.text_area("Labels, one a line", key="labels", **more)  # type: ignore[arg-type]  # AppTest takes it so
    st.text(text)
    st.text(before)


def new(query: str | None = None, text: str | None = None, **arguments: object) -> AppTest:
    app = AppTest.from_function(page, kwargs=arguments, default_timeout=60)
    if query is not None:
        app.query_params["labels"] = query
    if text is not None:
        app.session_state["labels"] = text
    return run(app)


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, app.exception
    return app


def told(app: AppTest) -> dict[str, object]:
    """What the page gives to the browser."""
    data = json.loads(app.get("bidi_component")[0].proto.json)
    assert isinstance(data, dict)
    return data


def say(app: AppTest, text: object, serial: object = 7, **more: object) -> AppTest:
    """A run with a message of the browser, which speaks of the text that it was last told unless said otherwise."""
    said = {"version": told(app)["version"], "serial": serial, "text": text, "settled": False, **more}
    app.session_state["labels-box"] = {"text": said}
    return run(app)


def shown(app: AppTest) -> str:
    return app.text[0].value


def in_address(app: AppTest) -> str:
    found = app.query_params.get("labels", "")
    return found if isinstance(found, str) else found[-1]


def test_the_text_is_the_first_one_that_there_is() -> None:
    assert shown(new(value="cat")) == "cat"
    assert shown(new(value="cat", text="dog")) == "dog"
    assert shown(new(value="cat", query="boat", bind=True)) == "boat"
    assert shown(new(value="cat", query="boat", text="", bind=True)) == ""
    assert shown(new(value="cat", query="boat")) == "cat"


def test_what_was_typed_is_the_text_and_stays_in_later_runs() -> None:
    app = say(new(value="cat"), "cat, d")

    assert shown(app) == shown(run(app)) == app.session_state["labels"] == told(app)["text"] == "cat, d"


def test_typing_is_no_change_by_python_and_setting_the_text_is() -> None:
    app = new(value="cat")
    first = told(app)["version"]
    typed = told(say(app, "cat, d"))["version"]
    app.session_state["labels"] = "day, night"
    replaced = told(run(app))["version"]
    app.session_state["labels"] = "cat"
    again = told(run(app))["version"]

    assert typed == first
    assert len({first, replaced, again}) == 3


def test_the_browser_is_told_which_message_arrived() -> None:
    assert told(say(new(), "cat", 1234))["seen"] == 1234


def test_a_message_that_crosses_a_change_by_python_is_too_late() -> None:
    app = new(value="cat")
    old = told(app)["version"]
    app.session_state["labels"] = "day, night"
    run(app)

    assert shown(say(app, "cat, d", version=old)) == "day, night"
    assert shown(say(app, "day", 8)) == "day"


def test_a_change_by_python_in_the_same_run_holds() -> None:
    app = new(value="cat")
    app.session_state["labels"] = "day, night"

    assert shown(say(app, "cat, d")) == "day, night"
    assert shown(run(app)) == "day, night"


def test_a_message_is_heard_once() -> None:
    app = say(new(bind=True), "cat", settled=True)
    app.query_params["labels"] = "dog"  # as one who goes back in the history has it

    assert in_address(run(app)) == "dog"


@pytest.mark.parametrize(
    "said",
    [
        3,
        "cat",
        {"text": "dog"},
        {"version": 1, "serial": 9, "text": "dog", "settled": False},
        *({"serial": 9, "text": wrong} for wrong in (None, 3, ["dog"])),
        *({"serial": wrong, "text": "dog"} for wrong in (None, "9", [9])),
    ],
)
def test_what_makes_no_sense_is_not_heard(said: object) -> None:
    app = new(value="cat")
    if isinstance(said, dict) and "serial" in said:
        said = {"version": told(app)["version"], "settled": False} | said
    app.session_state["labels-box"] = {"text": said}

    assert shown(run(app)) == "cat"


def test_text_from_the_browser_is_bounded_and_can_be_written_anywhere() -> None:
    assert shown(say(new(), "x" * (component.MOST + 5))) == "x" * component.MOST
    assert shown(say(new(bind=True), "a\ud800b", settled=True)) == "a?b"


def test_the_address_follows_when_the_text_is_settled() -> None:
    app = new(query="cat", bind=True)
    say(app, "cat, d")
    assert in_address(app) == "cat"
    say(app, "cat, dog", 8, settled=True)
    assert in_address(app) == "cat, dog"
    app.session_state["labels"] = "day, night"
    run(app)
    assert in_address(app) == "day, night"
    say(app, "", 9, settled=True)
    assert in_address(app) == ""


def test_a_text_too_long_for_an_address_is_not_in_it() -> None:
    app = say(new(query="cat", bind=True), "x" * (component.MOST_IN_ADDRESS + 1), settled=True)

    assert in_address(app) == ""


def test_without_bind_the_address_is_left_alone() -> None:
    app = say(new(query="boat", value="cat"), "cat, dog", settled=True)

    assert in_address(app) == "boat"


# ---- the field alone in a browser --------------------------------------------------------------------

SITE = "http://live.test/"
MOUNT = """async () => {
  const { default: draw } = await import("/live.js");
  window.sent = [];
  window.mount = () => {
    const host = document.createElement("div");
    document.querySelector("#place").replaceChildren(host);
    window.end?.(); // after the removal, as React does
    const root = host.attachShadow({ mode: "open" });
    root.append(document.querySelector("#parts").content.cloneNode(true));
    window.draw = (data) => {
      window.end = draw({ parentElement: root, data, setStateValue: (name, value) => window.sent.push([name, value]) });
    };
  };
  window.mount();
}"""


class Field:
    """The real files on a page of their own, in a shadow root as Streamlit does, and a stand-in for Python."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.clock.install(time=0)
        page.route("**/*", self._answer)
        page.goto(SITE)
        page.evaluate(MOUNT)
        page.clock.pause_at(1_000_000)
        self.box = page.get_by_role("textbox", name=LABEL)

    def _answer(self, route: Route) -> None:
        folder, path = Path(component.__file__).parent, route.request.url.removeprefix(SITE)
        if path == "live.js":
            route.fulfill(body=(folder / path).read_text("utf-8"), content_type="text/javascript; charset=utf-8")
        else:
            parts = f"<style>{(folder / 'live.css').read_text('utf-8')}</style>"
            parts += (folder / "live.html").read_text("utf-8")
            page = f"<!doctype html><div id=place></div><button>x</button><template id=parts>{parts}</template>"
            route.fulfill(body=page, content_type="text/html; charset=utf-8")

    def draw(self, version: str = "1", text: str = "", seen: int = 0, **more: object) -> None:
        data = {"key": "k", "label": LABEL, "help": "", "placeholder": "", "height": 100, "most": component.MOST}
        data |= {"version": version, "text": text, "seen": seen, "bind": None, **more}
        self.page.evaluate("(data) => { window.draw(data); }", data)

    def sent(self) -> list[str]:
        """The texts that were sent."""
        return [value["text"] for _, value in self.page.evaluate("window.sent")]

    def last(self) -> dict[str, object]:
        value = self.page.evaluate("window.sent.at(-1)[1]")
        assert isinstance(value, dict)
        return value

    def answer(self, **more: object) -> None:
        """Python has got the last message."""
        self.draw(seen=self.last()["serial"], **more)  # type: ignore[arg-type]  # it is a number

    def after(self, milliseconds: int) -> list[str]:
        self.page.clock.run_for(milliseconds)
        return self.sent()


@pytest.fixture
def field(browser: Browser) -> Iterator[Field]:
    context = browser.new_context(viewport={"width": 460, "height": 700}, reduced_motion="reduce")
    context.set_default_timeout(SLOW)
    field = Field(context.new_page())
    field.draw()
    field.box.focus()
    yield field
    context.close()


@pytest.mark.browser
def test_text_goes_out_soon_after_the_last_key_without_leaving_the_field(field: Field) -> None:
    field.page.keyboard.type("cat")
    assert field.after(149) == []
    field.page.keyboard.type("s")
    assert field.after(149) == []
    assert field.after(1) == ["cats"]
    expect(field.box).to_be_focused()


@pytest.mark.browser
def test_who_types_without_a_pause_is_heard_all_the_same(field: Field) -> None:
    for letter in "abcdefgh":
        field.page.keyboard.type(letter)
        field.after(100)
    assert field.sent() == ["abcdef"]


@pytest.mark.browser
def test_one_message_is_under_way_and_its_answer_sends_what_came_since(field: Field) -> None:
    field.page.keyboard.type("a")
    field.after(150)
    field.page.keyboard.type("b")
    assert field.after(3000) == ["a"]
    field.answer(text="a")
    assert field.after(150) == ["a", "ab"]
    assert field.box.input_value() == "ab"


@pytest.mark.browser
def test_a_message_that_is_never_answered_does_not_silence_the_field(field: Field) -> None:
    field.page.keyboard.type("a")
    field.after(150)
    field.page.keyboard.type("b")
    assert field.after(5200) == ["a", "ab"]


@pytest.mark.browser
@pytest.mark.parametrize("leave", ["Tab", "Control+Enter", "Meta+Enter"])
def test_leaving_or_control_enter_sends_at_once_and_types_nothing(field: Field, leave: str) -> None:
    field.page.keyboard.type("a")
    field.after(150)
    field.page.keyboard.type("b")
    field.page.keyboard.press(leave)
    assert field.sent() == ["a", "ab"]
    assert field.last()["settled"] is True
    assert field.box.input_value() == "ab"
    if leave == "Tab":
        expect(field.page.get_by_role("button", name="x")).to_be_focused()


@pytest.mark.browser
def test_leaving_an_unchanged_field_says_nothing_more(field: Field) -> None:
    field.page.keyboard.type("a")
    field.after(150)
    field.answer(text="a")
    field.page.keyboard.press("Tab")
    assert field.after(1000) == ["a"]


@pytest.mark.browser
def test_leaving_tells_the_text_for_the_address_once(field: Field) -> None:
    field.draw(bind="labels")
    field.page.keyboard.type("a")
    field.after(150)
    field.answer(text="a", bind="labels")
    for _ in range(2):
        field.page.keyboard.press("Tab")
        field.box.focus()
    assert field.sent() == ["a", "a"]
    assert field.last()["settled"] is True


@pytest.mark.browser
def test_an_answer_that_lags_behind_moves_neither_text_nor_caret(field: Field) -> None:
    field.page.keyboard.type("cat dog")
    for _ in "dog":
        field.page.keyboard.press("ArrowLeft")
    field.after(150)
    field.page.keyboard.type("and ")
    field.answer(text="cat dog")
    assert field.box.input_value() == "cat and dog"
    assert field.box.evaluate("(box) => [box.selectionStart, box.selectionEnd]") == [8, 8]
    field.page.keyboard.press("Control+z")
    assert field.box.input_value() == "cat dog"


@pytest.mark.browser
def test_a_new_version_replaces_the_text_and_is_not_sent_back(field: Field) -> None:
    field.page.keyboard.type("a")
    field.draw("2", f"day\r\n{MARKUP}")
    assert field.box.input_value() == f"day\n{MARKUP}"
    assert field.after(1000) == []
    field.page.keyboard.type("!")
    field.after(150)
    assert field.last()["version"] == "2"
    assert field.page.evaluate("window.markupRan") is None


def compose(session: CDPSession, text: str) -> None:
    session.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})


@pytest.mark.browser
def test_nothing_is_sent_while_a_character_is_composed(field: Field) -> None:
    session = field.page.context.new_cdp_session(field.page)
    field.page.keyboard.type("a")
    compose(session, "ね")
    compose(session, "ねこ")
    assert field.after(2000) == []
    session.send("Input.insertText", {"text": "猫"})
    assert field.after(150) == ["a猫"]


@pytest.mark.browser
def test_a_new_version_waits_until_the_character_is_composed(field: Field) -> None:
    session = field.page.context.new_cdp_session(field.page)
    compose(session, "ねこ")
    field.draw("2", "day")
    assert field.box.input_value() == "ねこ"
    session.send("Input.insertText", {"text": "猫"})
    assert field.box.input_value() == "day"
    assert field.after(1000) == []


@pytest.mark.browser
def test_a_field_that_is_mounted_anew_has_lost_nothing(field: Field) -> None:
    field.page.keyboard.type("cat")
    field.page.evaluate("window.mount()")
    field.draw()
    assert field.box.input_value() == "cat"
    assert set(field.after(150)) == {"cat"}  # by the field that went, and by the one that came
    field.page.evaluate("window.mount()")
    field.draw("2", "day")
    assert field.box.input_value() == "day"


@pytest.mark.browser
def test_back_in_the_history_brings_the_text_of_that_address(field: Field) -> None:
    field.page.evaluate("history.replaceState({}, '', '?labels=cat'); history.pushState({}, '', '?labels=dog')")
    field.draw("2", "dog", bind="labels")
    field.page.go_back()
    expect(field.box).to_have_value("cat")
    assert field.sent() == ["cat"]


@pytest.mark.browser
def test_the_field_has_a_name_a_hint_and_a_help_for_every_hand(field: Field) -> None:
    field.draw(help="One a line.", placeholder="cat, dog")
    expect(field.box).to_have_attribute("placeholder", "cat, dog")
    field.page.keyboard.press("Shift+Tab")
    helping = field.page.get_by_role("button", name="Help")
    expect(helping).to_be_focused()
    expect(helping).to_have_accessible_description("One a line.")
    expect(field.page.get_by_role("tooltip")).to_be_visible()
    field.draw(help="")
    expect(helping).to_be_hidden()


@pytest.mark.browser
def test_the_field_grows_with_its_text_up_to_a_part_of_the_window(field: Field) -> None:
    def tall() -> float:
        return float(field.box.evaluate("(box) => box.getBoundingClientRect().height"))

    assert tall() == 100
    field.draw("2", "line\n" * 9)
    assert 180 < tall() < 300
    field.draw("3", "line\n" * 1000)
    assert tall() == pytest.approx(0.4 * 700, abs=1)


# ---- in Streamlit ------------------------------------------------------------------------------------

APP = """import time
import streamlit as st
from sharedspace.ui import live

def first():
    st.session_state.runs = st.session_state.get("runs", 0) + 1

    @st.fragment
    def bench():
        st.button("Take", on_click=st.session_state.update, kwargs={"labels": "day, night"})
        text = live.text_area("Labels, one a line", key="labels", bind=True)
        time.sleep(0.3)
        st.text(f"page {st.session_state.runs}: {len(text)} characters, {text[:40]!r}")

    bench()

def second():
    st.text("second: " + st.session_state.get("labels", ""))

st.navigation([st.Page(first, title="First", default=True), st.Page(second, title="Second", url_path="second")]).run()
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("live")
    (folder / "app.py").write_text(APP, encoding="utf-8")
    with serving(folder, folder) as server:
        yield server.url


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(SLOW)
    page = context.new_page()
    page.goto(f"{address}/?labels=cat,%20dog")
    settle(page)
    yield page
    context.close()


def says(page: Page, words: str) -> None:
    expect(page.get_by_text(words, exact=True)).to_be_visible()


@pytest.mark.browser
def test_streamlit_hears_every_letter_while_one_types_and_reruns_the_fragment_only(opened: Page) -> None:
    box = opened.get_by_role("textbox", name=LABEL)
    expect(box).to_have_value("cat, dog")
    box.evaluate("(box) => { box.mine = true; box.focus(); box.setSelectionRange(3, 3); }")
    typed = "abcdefghij" * 20
    for start in range(0, 200, 50):
        opened.keyboard.type(typed[start : start + 50], delay=4)
        opened.wait_for_timeout(200)  # so that answers come back in between
    says(opened, f"page 1: 208 characters, {('cat' + typed)[:40]!r}")
    expect(box).to_have_value(f"cat{typed}, dog")
    expect(box).to_be_focused()
    assert box.evaluate("(box) => [box.selectionStart, box.mine]") == [203, True]


@pytest.mark.browser
def test_python_and_the_browser_change_the_text_in_turn(opened: Page) -> None:
    box = opened.get_by_role("textbox", name=LABEL)
    box.press_sequentially("x")
    opened.get_by_role("button", name="Take").click()  # while the letter is under way
    expect(box).to_have_value("day, night")
    says(opened, "page 1: 10 characters, 'day, night'")
    box.press("Control+End")
    opened.keyboard.type(", dusk")
    says(opened, "page 1: 16 characters, 'day, night, dusk'")
    expect(box).to_be_focused()


@pytest.mark.browser
def test_a_thousand_pasted_lines_arrive_whole(opened: Page) -> None:
    lines = "\n".join(f"label {i}: a photo of {i}" for i in range(1000))
    opened.get_by_role("textbox", name=LABEL).fill("")
    opened.keyboard.insert_text(lines)
    says(opened, f"page 1: {len(lines)} characters, {lines[:40]!r}")


@pytest.mark.browser
def test_the_text_outlives_a_change_of_page_and_is_in_the_address_once_it_is_left(opened: Page) -> None:
    box = opened.get_by_role("textbox", name=LABEL)
    box.press("Control+End")
    opened.keyboard.type(", boat")
    says(opened, "page 1: 14 characters, 'cat, dog, boat'")
    opened.keyboard.press("Tab")
    opened.wait_for_url(lambda url: parse_qs(urlsplit(url).query).get("labels") == ["cat, dog, boat"])
    says(opened, "page 1: 14 characters, 'cat, dog, boat'")  # the address ran no page
    opened.get_by_role("link", name="Second").click()
    says(opened, "second: cat, dog, boat")
    opened.get_by_role("link", name="First").click()
    expect(box).to_have_value("cat, dog, boat")
    opened.reload()
    expect(box).to_have_value("cat, dog, boat")
