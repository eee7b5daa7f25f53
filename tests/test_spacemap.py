"""The map component: the lasso's points, the binary, the words to and from the browser, and the page of its own."""

import json
import re
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import png
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from streamlit.testing.v1 import AppTest

from sharedspace.ui.spacemap import inside, pack
from sharedspace.ui.spacemap.component import Axes, Gesture, MapEvent, Scale, Star
from sharedspace.ui.spacemap.gestures import heard
from sharedspace.ui.spacemap.page import page as whole_page
from sharedspace.ui.spacemap.payload import CSS, HTML, JS, as_base64, bits, drawing

KEY, URL = "the-map", "/map/7.bin"
TRIANGLE = [[0, 0], [2, 0], [2, 2.5]]
STAIRS = [(0, 0), (3, 0), (3, 3), (2, 3), (2, 1), (1, 1), (1, 3), (0, 3)]  # a U: concave
BOWTIE = [(0, 0), (4, 4), (4, 0), (0, 4)]  # crosses itself


def turns(polygon, point):
    """Winding number by adding up angles: nothing in common with crossing edges."""
    rays = np.asarray(polygon, float) - point
    angles = np.arctan2(rays[:, 1], rays[:, 0])
    steps = np.diff(np.append(angles, angles[0]))
    return round(float(((steps + np.pi) % (2 * np.pi) - np.pi).sum() / (2 * np.pi)))


def test_a_concave_lasso_leaves_out_its_bay():
    """The bay of a U is not inside, its arms are."""
    points = np.array([(0.5, 2), (2.5, 2), (1.5, 0.5), (1.5, 2), (-1, 1), (1.5, 4)])
    assert inside(STAIRS, points).tolist() == [True, True, True, False, False, False]


@pytest.mark.parametrize("polygon", [STAIRS, BOWTIE, STAIRS[::-1]])
def test_inside_agrees_with_the_winding_number(polygon):
    """Both rules agree where a curve winds at most once around a point."""
    points = np.random.default_rng(0).uniform(-1, 5, (3000, 2)).astype(np.float32)
    assert inside(polygon, points).tolist() == [turns(polygon, p) % 2 == 1 for p in points]


coordinate = st.integers(-50, 50)
corner = st.tuples(coordinate, coordinate)


@given(st.lists(corner, min_size=3, max_size=3), corner)
def test_inside_a_triangle_is_where_three_areas_make_up_the_whole(triangle, point):
    """Exact integer areas; points on the border may fall either way."""

    def area(a, b, c):
        return abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]))

    a, b, c = triangle
    parts = area(a, b, point), area(b, c, point), area(c, a, point)
    if 0 in parts:
        return
    assert inside(triangle, np.array([point]))[0] == (sum(parts) == area(a, b, c))


def test_neighbouring_lassos_share_no_point():
    """On a common edge, also through grid points, each point belongs to exactly one side."""
    grid = np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2)
    left, right, both = (
        [(0, 0), (3, 0), (3, 6), (0, 6)],
        [(3, 0), (6, 0), (6, 6), (3, 6)],
        [(0, 0), (6, 0), (6, 6), (0, 6)],
    )
    assert (inside(left, grid).astype(int) + inside(right, grid) == inside(both, grid)).all()


def test_the_border_counts_on_the_left_and_below():
    """The rule of the browser's own test, so that both name the same points."""
    square = [(0, 0), (2, 0), (2, 2), (0, 2)]
    left, right, below, above = (0, 1), (2, 1), (1, 0), (1, 2)
    assert inside(square, np.array([left, right, below, above])).tolist() == [True, False, True, False]


@pytest.mark.parametrize("polygon", [[], [(0, 0)], [(0, 0), (1, 1)], [(0, 1), (2, 1), (1, 1)]])
def test_a_lasso_without_area_holds_nothing(polygon):
    """Also where its corners are points of the map."""
    assert not inside(polygon, np.array([(0, 0), (1, 1), (0.5, 0.5)])).any()


def test_no_points_no_answer():
    """An empty map has an empty mask."""
    assert inside(STAIRS, np.empty((0, 2))).shape == (0,)


@pytest.mark.parametrize("n", [0, 1, 1000])
def test_pack_is_a_count_and_float_pairs(n):
    """Little-endian uint32, then float32 x, y; whatever the order and type in memory."""
    xy = np.asfortranarray(np.random.default_rng(n).normal(size=(n, 2)))
    raw = pack(xy)
    assert int.from_bytes(raw[:4], "little") == n
    assert np.array_equal(np.frombuffer(raw, "<f4", offset=4).reshape(-1, 2), xy.astype(np.float32))


@pytest.mark.parametrize("xy", [np.zeros((3, 3)), np.zeros(4), np.array([[0, np.nan]]), np.array([[np.inf, 0]])])
def test_pack_refuses_what_cannot_be_drawn(xy):
    """A wrong shape or a hole is an error of the caller."""
    with pytest.raises(ValueError, match="coordinates"):
        pack(xy)


@pytest.mark.parametrize("module", ["", ".gestures", ".payload", ".page"])
def test_all_but_the_component_needs_no_streamlit(module):
    """They are also for the launcher and the command line."""
    code = f"import sys, sharedspace.ui.spacemap{module}; print('streamlit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


def test_selected_rows_travel_as_one_bit_each():
    """Row i is bit i % 8 of byte i // 8."""
    raw = b64decode(bits([0, 3, 9], 12))
    assert [i for i in range(16) if raw[i >> 3] >> (i & 7) & 1] == [0, 3, 9]
    assert bits([], 12) == ""


# ---- what the browser says --------------------------------------------------------------------------


def told(**changes):
    """A gesture as the browser sends it."""
    return {"url": URL, "op": "replace", "polygon": TRIANGLE, "hidden": [1], "row": None, "number": 1} | changes


def test_a_gesture_is_taken_as_it_was_sent():
    polygon = ((0.0, 0.0), (2.0, 0.0), (2.0, 2.5))
    assert heard({"gesture": told()}, URL, 5).gesture == Gesture("replace", polygon, frozenset({1}))
    assert heard({"gesture": told(op="add", polygon=[], row=4)}, URL, 5).gesture == Gesture(
        "add", (), frozenset({1}), 4
    )
    assert heard({"gesture": told(op="clear", polygon=[])}, URL, 5).gesture == Gesture("clear", (), frozenset({1}))


@pytest.mark.parametrize(
    "gesture",
    [
        None,
        "text",
        [[0, 0]],
        {key: value for key, value in told().items() if key != "url"},
        told(url="/map/other.bin"),
        told(op="drop"),
        told(op=["replace"]),
        told(op="add", polygon=[]),
        told(polygon=[[0, 0], [1, 1]]),
        told(polygon={"0": [0, 0]}),
        told(polygon=[[0, 0, 0], [1, 0, 0], [1, 1, 0]]),
        told(polygon=[["1", 0], [1, 0], [1, 1]]),
        told(polygon=[[True, 0], [1, 0], [1, 1]]),
        told(polygon=[[0, float("nan")], [1, 0], [1, 1]]),
        told(polygon=[[0, float("inf")], [1, 0], [1, 1]]),
        told(polygon=[[10**400, 0], [1, 0], [1, 1]]),
        told(polygon=[[0, 0]] * 1001),
        told(hidden=3),
        told(hidden=["1"]),
        told(hidden=[256]),
        told(row=5),
        told(row=-1),
        told(row=True),
        told(row="2"),
    ],
)
def test_a_gesture_of_another_drawing_or_shape_is_no_gesture(gesture):
    """What a browser sends is checked before it is believed."""
    assert heard({"gesture": gesture}, URL, 5) == MapEvent()


@pytest.mark.parametrize(
    ("sent", "taken"), [(0, 0), (4, 4), (5, None), (-1, None), ("2", None), (True, None), (None, None)]
)
def test_only_rows_of_the_map_can_be_clicked(sent, taken):
    """A row outside the map, or what is not a row, is no click."""
    assert heard({"clicked": sent}, URL, 5).clicked == taken


PLACES = np.array([(1, 1), (2, 2), (3, 3), (9, 9), (1, 2)], np.float32)
COLOURS = np.array([0, 1, 255, 0, 0], np.uint8)
SQUARE = ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0))
BEFORE = np.array([0, 1, 0, 1, 0], bool)
SHOWN = np.array([1, 1, 1, 1, 0], bool)  # the last is filtered out


@pytest.mark.parametrize(
    ("gesture", "after"),
    [
        (Gesture("replace", SQUARE), {0, 1, 2}),
        (Gesture("replace", SQUARE, frozenset({1})), {0, 2}),
        (Gesture("add", SQUARE), {0, 1, 2, 3}),
        (Gesture("remove", SQUARE), {3}),
        (Gesture("remove", SQUARE, frozenset({1})), {1, 3}),
        (Gesture("add", row=0), {0, 1, 3}),
        (Gesture("add", row=4), {1, 3}),
        (Gesture("remove", row=3), {1}),
        (Gesture("all"), {0, 1, 2, 3}),
        (Gesture("all", hidden=frozenset({0, 1})), {2}),
        (Gesture("clear", SQUARE), set()),
    ],
    ids=str,
)
def test_a_gesture_means_only_what_is_drawn(gesture, after):
    """Neither hidden categories nor what is filtered out; worked out by hand."""
    before = BEFORE.copy()
    assert set(np.flatnonzero(gesture.apply(before, PLACES, COLOURS, SHOWN))) == after
    assert (before == BEFORE).all()


ops = st.sampled_from(["replace", "add", "remove"])


@given(st.lists(st.tuples(ops, st.integers(0, 4), st.integers(0, 4)), max_size=5))
def test_gestures_follow_each_other_as_sets_do(steps):
    """Boxes up to a corner, one after the other, against Python's sets."""
    selected, expected = np.zeros(25, bool), set()
    grid = np.stack(np.meshgrid(np.arange(5), np.arange(5)), axis=-1).reshape(-1, 2)
    for op, x, y in steps:
        box = ((-1.0, -1.0), (x + 0.5, -1.0), (x + 0.5, y + 0.5), (-1.0, y + 0.5))
        selected = Gesture(op, box).apply(selected, grid, np.zeros(25, np.uint8))
        meant = {row for row, (a, b) in enumerate(grid) if a <= x and b <= y}
        expected = {"replace": meant, "add": expected | meant, "remove": expected - meant}[op]
    assert set(np.flatnonzero(selected)) == expected


# ---- the component on a page ------------------------------------------------------------------------


def page(categories=(0, 1, 1, 255, 0), palette=("#111", "#222"), legend=("cat", "dog"), **more):
    """A page with one map, as AppTest runs it."""
    import numpy as np
    import streamlit as st

    from sharedspace.ui.spacemap.component import last_event, spacemap

    before = last_event("the-map", "/map/7.bin", len(categories))
    event = spacemap(
        key="the-map",
        url="/map/7.bin",
        thumb="/map/7/{i}",
        categories=np.array(categories, np.uint8),
        palette=palette,
        legend=legend,
        **more,
    )
    assert event == before
    gesture = event.gesture
    st.text(f"{event.clicked} {gesture and (gesture.op, gesture.polygon, sorted(gesture.hidden), gesture.row)}")


def run(seed=None, **arguments):
    app = AppTest.from_function(page, kwargs=arguments, default_timeout=60)
    if seed:
        app.session_state[KEY] = seed
    return app.run()


def sent(app):
    """What the page gives to the browser."""
    return json.loads(app.get("bidi_component")[0].proto.json)


def test_a_quiet_map_reports_nothing():
    """First run: no click, no gesture, nothing answered."""
    app = run()
    assert app.text[0].value == "None None"
    assert sent(app)["answered"] is None


def test_click_and_gesture_reach_the_page_before_the_map_is_drawn():
    """As the browser sends them; `last_event` is compared on the page."""
    app = run({"gesture": told(), "clicked": 3})
    assert app.text[0].value == "3 ('replace', ((0.0, 0.0), (2.0, 0.0), (2.0, 2.5)), [1], None)"


def test_the_browser_is_told_which_gesture_was_answered_until_the_next():
    """Also in the runs after it, so that the same data is not sent twice."""
    app = run({"gesture": told(number=1764000000000)})
    assert sent(app)["answered"] == 1764000000000
    app.session_state[KEY] = {"gesture": None, "clicked": 1}
    assert sent(app.run())["answered"] == 1764000000000
    app.session_state[KEY] = {"gesture": told(number=1764000000001, url="/map/other.bin")}
    assert sent(app.run())["answered"] == 1764000000001


def test_what_the_browser_is_told():
    """Categories are bytes, places are plain numbers, texts stay as typed."""
    told = sent(
        run(
            anchors=[("cat", np.float64(1), 0)],
            star=Star("<b>boat</b>", np.float32(0.5), 2, np.float32(0.25), np.bool_(True)),
            hits=np.array([4, 2]),
            links=[(np.int64(1), 2, np.bool_(False))],
            selected=np.array([1]),
            hidden_rows=[4],
            axes=Axes("x", "y", [(np.float32(1), "one")], [], ((0, 0), (np.float32(1), 1)), "even"),
            note="<i>note</i>",
        )
    )
    assert list(b64decode(told["categories"])) == [0, 1, 1, 255, 0]
    assert (told["star"], told["ring"]) == (["<b>boat</b>", 0.5, 2.0], [0.25, True])
    assert told["anchors"] == [["cat", 1.0, 0.0]]
    assert (told["hits"], told["links"], told["n"], told["url"]) == ([4, 2], [[1, 2, False]], 5, URL)
    assert b64decode(told["selected"]) == bytes([0b10])
    assert b64decode(told["filtered"]) == bytes([0b10000])
    assert told["axes"]["ticksX"] == [[1.0, "one"]]
    assert told["axes"]["line"] == [[0.0, 0.0], [1.0, 1.0]]
    assert (told["scale"], told["note"]) == (None, "<i>note</i>")


def test_a_scale_of_64_colours_is_told_with_its_ends():
    """A continuous colouring has no names."""
    told = sent(run(palette=["#123456"] * 64, legend=[], scale=Scale(np.float32(0.25), 1, "cosine")))
    assert told["scale"] == {"low": 0.25, "high": 1.0, "label": "cosine"}
    assert len(told["palette"]) == 64


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"categories": (0, 2)}, "category 2 has no colour"),
        ({"legend": ("cat",)}, "2 colours but 1 names"),
        ({"palette": ("#111",) * 256, "legend": ()}, "at most 255 colours"),
        ({"hits": [5]}, "rows 5 to 5"),
        ({"selected": [-1, 2]}, "rows -1 to 2"),
        ({"hidden_rows": np.array([1, 7])}, "rows 1 to 7"),
        ({"links": [(0, 6, True)]}, "rows 0 to 6"),
    ],
)
def test_arguments_that_do_not_fit_are_named(arguments, words):
    """Before anything is drawn."""
    with pytest.raises(ValueError, match=words):
        page(**arguments)


# ---- the page of its own ----------------------------------------------------------------------------

MARKUP = "</script><script>window.markupRan=1</script><img src=x onerror='window.markupRan=1'>"


def made(title="A map", n=30, **more):
    """A page of n pictures on a grid six wide, a unit apart, in two colours by turns."""
    xy = np.array([(row % 6, row // 6) for row in range(n)], np.float32)
    pictures = [png(("red", "green", "blue")[row % 3], (64, 64)) for row in range(n)]
    given = {
        "categories": np.arange(n, dtype=np.uint8) % 2,
        "palette": ["#0072B2", "#D55E00"],
        "legend": ["even", "odd"],
        "thumbs": ["data:image/png;base64," + b64encode(picture).decode() for picture in pictures],
        "captions": [f"picture {row}" for row in range(n)],
    }
    return whole_page(title, xy, **(given | more))


def test_a_page_holds_its_data_where_no_text_can_end_the_script():
    written = made(MARKUP, captions=[MARKUP] * 30, legend=[MARKUP, "odd"], note=MARKUP)
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', written, re.DOTALL)
    assert data
    assert json.loads(data[1])["captions"] == [MARKUP] * 30
    assert "<script>window" not in written
    assert written.count("<script") == written.count("</script>") == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"thumbs": [None] * 29}, "30 categories but 29 thumbs"),
        ({"captions": []}, "30 categories but 0 captions"),
        ({"thumbs": ["https://evil.example/x.png"] * 30}, "evil.example/x.png is not the data: address"),
    ],
)
def test_a_page_refuses_what_does_not_fit(arguments, words):
    with pytest.raises(ValueError, match=words):
        made(**arguments)


# ---- the component in a browser, on such a page -----------------------------------------------------


class Seen:
    """A page of its own, opened from a file, and what one does on its map."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page, self.folder = page, folder
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    def open(self, written: str) -> "Seen":
        path = self.folder / "map.html"
        path.write_text(written, encoding="utf-8")
        self.page.goto(path.as_uri())
        expect(self.page.locator(".spacemap")).to_have_attribute("data-ready", "page")
        return self

    @property
    def status(self) -> str:
        return self.page.locator(".status").inner_text()

    def place(self, row: int) -> tuple[float, float]:
        """Where a point of a whole grid six wide and five high is drawn: fitted to the plot with 36 px around it."""
        box = self.page.locator(".marks").bounding_box()
        assert box
        scale = min((box["width"] - 72) / 5, (box["height"] - 72) / 4)
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        return middle[0] + (row % 6 - 2.5) * scale, middle[1] - (row // 6 - 2) * scale

    def drag(self, start: tuple[float, float], end: tuple[float, float], *keys: str) -> None:
        for key in keys:
            self.page.keyboard.down(key)
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=4)
        self.page.mouse.up()
        for key in keys:
            self.page.keyboard.up(key)

    def box(self, first: int, last: int, *keys: str) -> None:
        """A box from 20 px left below one point to 20 px right above another."""
        (x1, y1), (x2, y2) = self.place(first), self.place(last)
        self.drag((x1 - 20, y1 + 20), (x2 + 20, y2 - 20), *keys)

    def settle(self) -> None:
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def ink(self, canvas: str) -> int:
        """How many pixels of a canvas are not blank, once they are the same in two looks: what is new moves in."""
        before, now = -1, self._ink(canvas)
        while before != now:
            self.page.wait_for_timeout(60)
            before, now = now, self._ink(canvas)
        return now

    def _ink(self, canvas: str) -> int:
        self.settle()
        return int(
            self.page.locator(canvas).evaluate(
                """(canvas) => {
                  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                  return data.filter((value, at) => at % 4 === 3 && value).length;
                }"""
            )
        )


@pytest.fixture
def seen(browser: Browser, tmp_path: Path) -> Iterator[Seen]:
    context = browser.new_context(viewport={"width": 1000, "height": 860}, reduced_motion="reduce", offline=True)
    context.set_default_timeout(20_000)
    seen = Seen(context.new_page(), tmp_path)
    yield seen
    context.close()
    assert not seen.complaints, seen.complaints
    assert not [url for url in seen.asked if not url.startswith(("file:", "data:", "blob:"))]


@pytest.mark.browser
def test_a_page_works_without_a_network_and_shows_markup_as_text(seen: Seen):
    seen.open(made(MARKUP, captions=[MARKUP] * 30, legend=[MARKUP, "odd"], note=MARKUP, height=500))
    seen.page.mouse.move(*seen.place(7))

    expect(seen.page.locator(".card figcaption")).to_have_text(re.compile(re.escape(MARKUP)))
    expect(seen.page.locator(".note")).to_have_text(MARKUP)
    expect(seen.page.locator("h1")).to_have_text(MARKUP)
    assert seen.page.locator(".card img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 64
    assert seen.page.evaluate("window.markupRan") is None


@pytest.mark.browser
def test_a_box_selects_shift_adds_ctrl_takes_away_and_the_legend_counts(seen: Seen):
    seen.open(made())
    counts = seen.page.locator(".legend button span")
    assert (seen.status, counts.all_inner_texts()) == ("30 images", ["15", "15"])

    seen.page.get_by_role("button", name="Box").click()
    seen.box(0, 8)  # columns 0 to 2 of two rows
    assert seen.status == "6 of 30 images selected"
    assert counts.all_inner_texts() == ["4 of 15", "2 of 15"]
    seen.box(10, 11, "Shift")
    assert seen.status == "8 of 30 images selected"
    seen.box(0, 6, "Control")
    assert seen.status == "6 of 30 images selected"
    seen.box(29, 29)
    assert seen.status == "1 of 30 images selected"
    seen.page.keyboard.press("Escape")
    assert seen.status == "30 images"
    expect(seen.page.get_by_role("button", name="Box")).to_have_attribute("aria-pressed", "false")


@pytest.mark.browser
def test_single_points_join_and_leave_and_a_click_on_the_ground_clears_nothing(seen: Seen):
    seen.open(made())
    for row in (3, 9):
        seen.page.keyboard.down("Shift")
        seen.page.mouse.click(*seen.place(row))
        seen.page.keyboard.up("Shift")
    assert seen.status == "2 of 30 images selected"
    seen.page.keyboard.down("Control")
    seen.page.mouse.click(*seen.place(3))
    seen.page.keyboard.up("Control")
    x, y = seen.place(0)
    seen.page.mouse.click(x + 50, y - 50)
    assert seen.status == "1 of 30 images selected"
    seen.page.get_by_role("button", name="Clear selection").click()
    assert seen.status == "30 images"


@pytest.mark.browser
def test_what_is_hidden_or_filtered_out_is_not_selected_hovered_or_counted(seen: Seen):
    seen.open(made(hidden_rows=[0, 2, 7]))
    assert seen.status == "27 of 30 images"
    seen.page.mouse.move(*seen.place(7))
    seen.settle()
    expect(seen.page.locator(".card")).to_be_hidden()
    seen.page.mouse.move(*seen.place(8))
    expect(seen.page.locator(".card")).to_be_visible()

    seen.page.evaluate(  # within one frame: the pictures that go are still painted when the pointer comes
        """([x, y]) => {
          [...document.querySelectorAll('.legend button')].find((entry) => entry.title === 'odd').click();
          const at = { clientX: x, clientY: y, pointerType: 'mouse', bubbles: true };
          document.querySelector('.marks').dispatchEvent(new PointerEvent('pointermove', at));
        }""",
        seen.place(9),
    )
    seen.settle()
    expect(seen.page.locator(".card")).to_be_hidden(timeout=2000)
    seen.page.locator(".marks").press("Control+a")
    assert seen.status == "13 of 27 images selected"
    seen.page.locator(".legend button", has_text="odd").click()
    assert seen.page.locator(".legend button span").all_inner_texts() == ["13 of 13", "0 of 14"]
    seen.page.locator(".legend button", has_text="odd").dblclick()
    pressed = [entry.get_attribute("aria-pressed") for entry in seen.page.locator(".legend button").all()]
    assert pressed == ["false", "true"]


@pytest.mark.browser
def test_a_lasso_names_the_same_points_as_python(seen: Seen):
    """The polygon that the browser drew, read back in map units, against `inside`."""
    rng = np.random.default_rng(3)
    xy = rng.normal(size=(4000, 2)).astype(np.float32)
    codes = np.zeros(4000, np.uint8)
    seen.open(whole_page("many", xy, codes, ["#123"], ["all"], [None] * 4000, [""] * 4000))
    box = seen.page.locator(".marks").bounding_box()
    assert box
    width, height = box["width"], box["height"]
    ring = [(0.5 + 0.3 * np.cos(t) * (1 + 0.4 * np.cos(5 * t)), 0.5 + 0.3 * np.sin(t)) for t in np.linspace(0, 6.2, 60)]
    pixels = [(box["x"] + x * width, box["y"] + y * height) for x, y in ring]
    seen.page.keyboard.down("Shift")
    seen.page.mouse.move(*pixels[0])
    seen.page.mouse.down()
    for at in pixels[1:]:
        seen.page.mouse.move(*at)
    seen.page.mouse.up()
    seen.page.keyboard.up("Shift")

    low, high = xy.min(axis=0), xy.max(axis=0)
    scale = min((width - 72) / (high[0] - low[0]), (height - 72) / (high[1] - low[1]))
    middle = (low + high) / 2
    polygon = [
        ((x - box["x"] - width / 2) / scale + middle[0], (box["y"] + height / 2 - y) / scale + middle[1])
        for x, y in pixels
    ]
    said = int(seen.status.split(" of ")[0].replace(",", ""))
    assert said > 500
    assert abs(said - int(inside(polygon, xy).sum())) <= 10  # corners less than 3 px apart were left out


@pytest.mark.browser
@pytest.mark.parametrize("width", [1000, 420])
def test_the_card_never_covers_its_point(seen: Seen, width: int):
    seen.page.set_viewport_size({"width": width, "height": 860})
    seen.open(made(captions=["a caption that takes two lines or more of the card"] * 30))
    overlaps = """([card, x, y]) => {
      const box = card.getBoundingClientRect();
      return [x > box.left - 4 && x < box.right + 4 && y > box.top - 4 && y < box.bottom + 4, box.left, box.right];
    }"""
    scale = seen.place(1)[0] - seen.place(0)[0]
    assert scale > 20
    for row in range(30):
        x, y = seen.place(row)
        seen.page.mouse.move(x, y)
        card = seen.page.locator(".card")
        expect(card).to_be_visible()
        expect(card.locator("figcaption")).to_contain_text("even" if row % 2 == 0 else "odd")
        covers, left, right = seen.page.evaluate(overlaps, [card.element_handle(), x, y])
        assert not covers, f"the card of point {row} covers it"
        assert left >= 0
        assert right <= width


@pytest.mark.browser
def test_the_keyboard_steps_through_the_hits_selects_and_says_where_it_is(seen: Seen):
    seen.open(made(hits=[8, 20, 3]))
    marks, caption = seen.page.locator(".marks"), seen.page.locator(".card figcaption")
    for key, row, rank in (("n", 8, 1), ("]", 20, 2), ("n", 3, 3), ("n", 8, 1), ("[", 3, 3), ("p", 20, 2)):
        marks.press(key)
        expect(caption).to_have_text(re.compile(rf"picture {row} ·.* hit {rank} · image {row + 1} of 30"))
    expect(caption).to_have_attribute("aria-live", "polite")
    marks.press("Space")
    assert seen.status == "1 of 30 images selected"
    marks.press("Space")
    assert seen.status == "30 images"


@pytest.mark.browser
def test_without_hits_the_keyboard_steps_from_the_middle_outwards(seen: Seen):
    seen.open(made())
    for rows in ({14, 15}, {14, 15}, {8, 9, 20, 21}):
        seen.page.locator(".marks").press("n")
        said = re.match(r"picture (\d+)", seen.page.locator(".card figcaption").inner_text())
        assert said
        assert int(said[1]) in rows


RED = "data:image/png;base64," + b64encode(png("red", (64, 64))).decode()


def crowd(n: int) -> str:
    """A page of n red pictures on a square, at random."""
    xy = np.random.default_rng(0).uniform(0, 30, (n, 2))
    return whole_page("crowd", xy, np.zeros(n, np.uint8), ["#0072B2"], ["all"], [RED] * n, [""] * n)


@pytest.mark.browser
def test_pictures_take_the_place_of_points_as_one_zooms_in_and_never_overlap(seen: Seen):
    """Red squares of one size: where one lay on another, a row of it would be shorter."""
    seen.open(crowd(1500))
    assert seen.ink(".pictures") == 0
    widths = []
    for _ in range(3):
        seen.page.locator(".marks").press("+")
        seen.page.locator(".marks").press("+")
        seen.page.wait_for_timeout(400)
        runs = seen.page.locator(".pictures").evaluate(
            """(canvas) => {
              const { width, height } = canvas, { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
              const red = (x, y) => data[4 * (y * width + x)] > 250 && data[4 * (y * width + x) + 2] < 5;
              const found = [];
              for (let y = 0; y < height; y++) {
                for (let x = 0, from = -1; x < width; x++) {
                  if (from < 0 && red(x, y)) from = x;
                  if (from >= 0 && !red(x, y)) { if (from > 0) found.push(x - from); from = -1; }
                }
              }
              return found; // but for those that the border of the map cuts
            }"""
        )
        assert len(runs) > 100
        assert len(set(runs)) == 1
        widths.append(runs[0])
    assert widths[0] < widths[1] < widths[2]
    assert widths[0] >= 24
    assert widths[2] <= 92


@pytest.mark.browser
def test_pictures_keep_their_places_while_the_map_is_panned(seen: Seen):
    """Where there is far less room than pictures, and new ones come into view from below."""
    seen.open(crowd(1500))
    marks = seen.page.locator(".marks")
    marks.press("+")
    marks.press("+")
    seen.page.wait_for_timeout(500)
    low = """(canvas, up) => {
      const { width, height } = canvas, context = canvas.getContext('2d');
      return context.getImageData(100, height - 130 - up, width - 200, 100).data.join();
    }"""
    before = seen.page.locator(".pictures").evaluate(low, 0)
    assert "255,0,0,255" in before
    for up in (60, 120, 180, 240):
        marks.press("ArrowDown")
        seen.page.wait_for_timeout(200)
        assert seen.page.locator(".pictures").evaluate(low, up) == before


@pytest.mark.browser
def test_points_on_each_other_are_drawn_stronger(seen: Seen):
    """Above the limit of smooth discs: fifty points in one place against one alone."""
    n = 12000
    rng = np.random.default_rng(0)
    xy = np.concatenate([[(0, 0)], np.tile([(1.0, 0.0)], (200, 1)), rng.uniform(2, 9, (n - 201, 2))])
    seen.open(whole_page("dense", xy, np.zeros(n, np.uint8), ["#0072B2"], ["all"], [None] * n, [""] * n))
    seen.settle()
    alone, together = seen.page.locator(".points").evaluate(
        """(canvas) => {
          const size = [canvas.width - 72, canvas.height - 72], scale = Math.min(...size.map((side) => side / 9));
          const at = (x, y) => [canvas.width / 2 + (x - 4.5) * scale, canvas.height / 2 - (y - 4.5) * scale];
          const near = ([x, y]) => canvas.getContext('2d').getImageData(x - 4, y - 4, 9, 9).data;
          return [[0, 0], [1, 0]].map((place) => {
            const strengths = near(at(...place)).filter((_, k) => k % 4 === 3);
            return Math.max(...strengths);
          });
        }"""
    )
    assert 0 < alone < 220 < together


@pytest.mark.browser
def test_a_scale_is_a_bar_with_its_ends_and_its_lighter_colours_stay_lighter(seen: Seen):
    """On a light and on a dark ground: black to white in 64 steps."""
    palette = [f"#{value:02x}{value:02x}{value:02x}" for value in np.linspace(0, 255, 64).astype(int)]
    codes = np.append(np.arange(29, dtype=np.uint8) * 2, np.uint8(255))
    for ground in ("light", "dark"):
        seen.page.emulate_media(color_scheme=ground)
        scale = Scale(-0.25, 0.416, "cosine with “a boat”")
        seen.open(made(categories=codes, palette=palette, legend=[], scale=scale, other="no value"))
        bar = seen.page.get_by_role("img", name="Colours: cosine with “a boat”, from −0.25 to 0.416")
        expect(bar).to_be_visible()
        colours = bar.locator("i").evaluate("bar => getComputedStyle(bar).getPropertyValue('--colours')")
        greys = [int(value) for value in re.findall(r"rgb\((\d+)", colours)]
        assert len(greys) == 65
        assert greys == sorted(greys)
        assert greys[0] < greys[-1]
        (last, first) = (greys[-1], greys[0])
        assert last < 200 if ground == "light" else first > 60
        assert seen.page.locator(".legend button").all_inner_texts() == ["no value\n1"]


@pytest.mark.browser
def test_the_canvas_follows_a_change_of_theme(seen: Seen):
    """An anchor is a diamond in the colour of the ink."""
    middle = """(canvas) => {
      const at = [canvas.width / 2, canvas.height / 2, 1, 1];
      return [...canvas.getContext('2d').getImageData(...at).data.slice(0, 3)];
    }"""
    inks = {"dark": [0xE6, 0xE9, 0xF0], "light": [0x10, 0x15, 0x1F]}
    seen.page.emulate_media(color_scheme="dark")
    seen.open(made(anchors=[("a word", 2.5, 2.0)]))
    for ground in ("dark", "light", "dark"):
        seen.page.emulate_media(color_scheme=ground)
        seen.page.wait_for_timeout(200)
        seen.settle()
        assert seen.page.locator(".marks").evaluate(middle) == inks[ground]


@pytest.mark.browser
def test_full_screen_gives_the_map_the_whole_screen(seen: Seen):
    seen.open(made(height=400))
    plot = seen.page.locator(".plot")
    assert plot.evaluate("plot => plot.clientHeight") < 401
    seen.page.locator(".marks").press("f")
    seen.page.wait_for_function("document.fullscreenElement")
    seen.settle()
    share = plot.evaluate("plot => plot.clientHeight / window.innerHeight")
    assert 0.85 < share < 1


@pytest.mark.browser
def test_words_on_the_axes_the_star_and_its_ring_are_drawn(seen: Seen):
    seen.open(made())
    bare = seen.ink(".marks")
    star = Star("a boat", 2.5, 2.0)
    with_star = seen.open(made(star=star)).ink(".marks")
    with_ring = seen.open(made(star=Star("a boat", 2.5, 2.0, 1.0))).ink(".marks")
    dashed = seen.open(made(star=Star("a boat", 2.5, 2.0, 1.0, scattered=True))).ink(".marks")
    assert bare == 0
    assert with_star < dashed < with_ring
    label = seen.page.locator(".marks").get_attribute("aria-label") or ""
    assert label.startswith("Map of 30 images, 0 anchors; query star “a boat” at 2.50, 2.00.")

    axes = Axes("like a cat", "like a dog", [(1, "0.1")], [(2, "0.3")])
    worded = seen.open(made(axes=axes)).ink(".marks")
    lined = seen.open(made(axes=Axes("like a cat", "like a dog", [(1, "0.1")], [(2, "0.3")], ((0, 0), (4, 4)), "even")))
    assert 0 < worded < lined.ink(".marks")


@pytest.mark.browser
def test_links_are_drawn_unless_an_end_is_filtered_out(seen: Seen):
    near = seen.open(made(links=[(0, 29, False)])).ink(".marks")
    far = seen.open(made(links=[(0, 29, True)])).ink(".marks")
    assert 0 < far < near  # dashed
    start = seen.open(made(links=[(0, 29, True)], hidden_rows=[29])).ink(".marks")
    assert 0 < start < far / 3  # a ring says where they begin
    assert seen.open(made(links=[(0, 29, True)], hidden_rows=[0])).ink(".marks") == 0


@pytest.mark.browser
def test_two_fingers_zoom_and_one_pans(seen: Seen):
    """By touch events of the browser itself, the star tells where the map went."""
    seen.open(made(star=Star("s", 2.5, 2.0)))
    marks = seen.page.locator(".marks")
    x, y = seen.place(14)
    client = seen.page.context.new_cdp_session(seen.page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": px, "y": py, "id": number} for number, (px, py) in enumerate(places)]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    before = marks.evaluate("canvas => canvas.toDataURL()")
    touch("touchStart", (x - 40, y))
    touch("touchStart", (x - 40, y), (x + 40, y))
    for reach in (60, 80, 120):
        touch("touchMove", (x - reach, y), (x + reach, y))
    touch("touchEnd")
    seen.settle()
    points = seen.page.locator(".points")
    assert marks.evaluate("canvas => canvas.toDataURL()") != before
    zoomed = points.evaluate("canvas => canvas.toDataURL()")
    touch("touchStart", (x, y))
    for step in (10, 20, 60):
        touch("touchMove", (x + step, y))
    touch("touchEnd")
    seen.settle()
    assert points.evaluate("canvas => canvas.toDataURL()") != zoomed
    assert seen.status == "30 images"


@pytest.mark.browser
def test_the_png_holds_the_map_and_its_legend(seen: Seen):
    seen.open(made(note="a note"))
    with seen.page.expect_download() as started:
        seen.page.get_by_role("button", name="Save as PNG").click()
    with Image.open(started.value.path()) as saved:
        assert saved.format == "PNG"
        colours = np.asarray(saved.convert("RGB"))[:80, -190:].reshape(-1, 3).tolist()
    assert [0x00, 0x72, 0xB2] in colours
    assert [0xD5, 0x5E, 0x00] in colours


# ---- what the browser tells Python, with a host that the test plays ---------------------------------


class Hosted(Seen):
    """The component as Streamlit mounts it: the test hears what it tells, and answers when it likes."""

    def mount(self) -> "Hosted":
        xy = np.array([(row % 6, row // 6) for row in range(30)], np.float32)
        data = drawing(categories=np.zeros(30, np.uint8), palette=["#0072B2"], legend=["all"])
        data |= {"key": "k", "url": f"data:application/octet-stream;base64,{as_base64(pack(xy))}", "answered": None}
        data |= {"thumb": RED, "height": 620}
        told = """
          window.told = [];
          const map = new SpaceMap(document), tell = (name, value) => window.told.push([name, value]);
          let data = JSON.parse(document.getElementById("data").textContent);
          window.update = (changes) => { data = { ...data, ...changes }; map.update(data, tell); };
          window.update({});
        """
        given = f'<script type="application/json" id="data">{json.dumps(data)}</script>'
        script = f'<script type="module">{JS}{told}</script>'
        path = self.folder / "hosted.html"
        path.write_text(f'<meta charset="utf-8"><style>{CSS}</style>{HTML}{given}{script}', encoding="utf-8")
        self.page.goto(path.as_uri())
        expect(self.page.locator(".spacemap")).to_have_attribute("data-ready", data["url"])
        return self

    def told(self, number: int) -> list[list[Any]]:
        """What the component has told, as soon as it is so much; a moment later it must be no more."""
        self.page.wait_for_function(f"window.told.length >= {number}")
        self.page.wait_for_timeout(100)
        found: list[list[Any]] = self.page.evaluate("window.told")
        assert len(found) == number
        return found

    def answer(self, number: object, *rows: int) -> None:
        self.page.evaluate("(changes) => window.update(changes)", {"answered": number, "selected": bits(rows, 30)})


@pytest.fixture
def hosted(seen: Seen) -> Hosted:
    return Hosted(seen.page, seen.folder).mount()


@pytest.mark.browser
def test_gestures_are_told_one_at_a_time_shown_at_once_and_what_python_says_holds(hosted: Hosted):
    for row in (3, 9, 20):
        hosted.page.keyboard.down("Shift")
        hosted.page.mouse.click(*hosted.place(row))
        hosted.page.keyboard.up("Shift")
    assert hosted.status == "3 of 30 images selected"
    ((name, first),) = hosted.told(1)
    assert (name, first["op"], first["row"]) == ("gesture", "add", 3)

    hosted.answer(first["number"], 3)
    second = hosted.told(2)[1][1]
    assert (second["row"], hosted.status) == (9, "3 of 30 images selected")
    hosted.answer(first["number"], 3)  # a run that has not seen the second
    assert (len(hosted.told(2)), hosted.status) == (2, "3 of 30 images selected")
    hosted.answer(second["number"], 3, 9)
    third = hosted.told(3)[2][1]
    assert (third["row"], hosted.status) == (20, "3 of 30 images selected")
    hosted.answer(third["number"])  # Python has cleared it all
    assert hosted.status == "30 images"
    assert heard({"gesture": third}, third["url"], 30).gesture == Gesture("add", row=20)


@pytest.mark.browser
def test_a_box_is_told_as_four_corners_that_python_reads_as_the_browser_does(hosted: Hosted):
    hosted.page.get_by_role("button", name="Box").click()
    hosted.box(7, 15)
    ((_, sent),) = hosted.told(1)
    gesture = heard({"gesture": sent}, sent["url"], 30).gesture
    assert gesture is not None
    assert (gesture.op, len(gesture.polygon)) == ("replace", 4)
    xy = np.array([(row % 6, row // 6) for row in range(30)])
    chosen = gesture.apply(np.zeros(30, bool), xy, np.zeros(30, np.uint8))
    assert np.flatnonzero(chosen).tolist() == [7, 8, 9, 13, 14, 15]
    assert hosted.status == "6 of 30 images selected"
    assert hosted.ink(".marks") > 0  # the outline waits for the answer
    hosted.answer(sent["number"], *np.flatnonzero(chosen).tolist())
    assert hosted.ink(".marks") == 0


@pytest.mark.browser
def test_a_click_and_enter_open_a_point_and_a_click_on_the_ground_nothing(hosted: Hosted):
    hosted.page.mouse.click(*hosted.place(9))
    x, y = hosted.place(9)
    hosted.page.mouse.click(x + 50, y + 50)
    hosted.page.locator(".marks").press("n")
    hosted.page.keyboard.press("Enter")
    first, second = hosted.told(2)
    assert first == ["clicked", 9]
    assert second[0] == "clicked"
    assert second[1] in (14, 15)
