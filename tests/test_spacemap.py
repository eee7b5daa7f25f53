"""The map component, its Python side: the lasso's points, the binary, the words to and from the browser."""

import json
import subprocess
import sys
from base64 import b64decode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from sharedspace.ui.spacemap import inside, pack
from sharedspace.ui.spacemap.component import MapEvent, _bits, _event

KEY, URL = "the-map", "/map/7.bin"
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


def test_routes_need_no_streamlit():
    """`pack` and `inside` are also for the launcher and the command line."""
    code = "import sys, sharedspace.ui.spacemap; print('streamlit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


def test_selected_rows_travel_as_one_bit_each():
    """Row i is bit i % 8 of byte i // 8."""
    raw = b64decode(_bits([0, 3, 9], 12))
    assert [i for i in range(16) if raw[i >> 3] >> (i & 7) & 1] == [0, 3, 9]
    assert _bits([], 12) == ""


@pytest.mark.parametrize(
    "lasso",
    [
        None,
        "text",
        [[0, 0]],
        {"polygon": [[0, 0], [1, 0], [1, 1]]},
        {"url": "/map/other.bin", "polygon": [[0, 0], [1, 0], [1, 1]]},
        {"url": URL},
        {"url": URL, "polygon": [[0, 0, 0]]},
        {"url": URL, "polygon": [["a", 0]]},
        {"url": URL, "polygon": [[0, float("nan")]]},
        {"url": URL, "polygon": [[0, 0]], "hidden": 3},
    ],
)
def test_a_lasso_of_another_drawing_or_shape_is_no_lasso(lasso):
    """What a browser sends is checked before it is believed."""
    assert _event({"lasso": lasso}, None, URL, 5) == MapEvent()


@pytest.mark.parametrize(
    ("sent", "taken"), [(0, 0), (4, 4), (5, None), (-1, None), ("2", None), (True, None), (None, None)]
)
def test_only_rows_of_the_map_can_be_clicked(sent, taken):
    """A row outside the map, or what is not a row, is no click."""
    assert _event(None, sent, URL, 5).clicked == taken


def test_hidden_categories_are_not_chosen():
    """The count of the lasso is that of the points drawn inside it."""
    event = MapEvent(lasso=[(0, 0), (4, 0), (4, 4), (0, 4)], hidden=frozenset({1}))
    xy = np.array([(1, 1), (2, 2), (3, 3), (9, 9)])
    assert event.chosen(xy, np.array([0, 1, 255, 0], np.uint8)).tolist() == [True, False, True, False]


def page(categories=(0, 1, 1, 255, 0), palette=("#111", "#222"), legend=("cat", "dog"), **more):
    """A page with one map, as AppTest runs it."""
    import numpy as np
    import streamlit as st

    from sharedspace.ui.spacemap.component import spacemap

    event = spacemap(
        key="the-map",
        url="/map/7.bin",
        thumb="/map/7/{i}",
        categories=np.array(categories, np.uint8),
        palette=palette,
        legend=legend,
        **more,
    )
    st.text(f"{event.clicked} {event.lasso} {sorted(event.hidden)}")


def run(seed=None, **arguments):
    app = AppTest.from_function(page, kwargs=arguments, default_timeout=60)
    if seed:
        app.session_state[KEY] = seed
    return app.run()


def sent(app):
    """What the page gives to the browser."""
    return json.loads(app.get("bidi_component")[0].proto.json)


def test_a_quiet_map_reports_nothing():
    """First run: no click, no lasso."""
    assert run().text[0].value == "None [] []"


def test_click_and_lasso_reach_the_page():
    """As the browser sends them."""
    lasso = {"url": URL, "polygon": [[0, 0], [2, 0], [2, 2.5]], "hidden": [1]}
    app = run({"lasso": lasso, "clicked": 3})
    assert app.text[0].value == "3 [(0.0, 0.0), (2.0, 0.0), (2.0, 2.5)] [1]"


def test_what_the_browser_is_told():
    """Categories are bytes, places are plain numbers, texts stay as typed."""
    star = ("<b>boat</b>", np.float32(0.5), 2)
    told = sent(run(anchors=[("cat", np.float64(1), 0)], star=star, hits=np.array([4, 2]), selected=[1]))
    assert list(b64decode(told["categories"])) == [0, 1, 1, 255, 0]
    assert told["star"] == ["<b>boat</b>", 0.5, 2.0]
    assert told["anchors"] == [["cat", 1.0, 0.0]]
    assert (told["hits"], told["n"], told["url"]) == ([4, 2], 5, URL)
    assert b64decode(told["selected"]) == bytes([0b10])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"categories": (0, 2)}, "category 2 has no colour"),
        ({"legend": ("cat",)}, "2 colours but 1 names"),
        ({"palette": ("#111",) * 256, "legend": ()}, "at most 255 colours"),
        ({"hits": [5]}, "rows 5 to 5"),
        ({"selected": [-1, 2]}, "rows -1 to 2"),
    ],
)
def test_arguments_that_do_not_fit_are_named(arguments, words):
    """Before anything is drawn."""
    with pytest.raises(ValueError, match=words):
        page(**arguments)
