"""Figures are read as the plain dictionaries that plotly is given."""

import io
import itertools
import re

import numpy as np
import pytest
from PIL import Image

from sharedspace import images
from sharedspace.plots import bars, heat, spacemap, theme

HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>&amp;\udcff"


# -- theme


def test_categories_are_ordered_by_how_frequent_they_are():
    codes, names, counts = theme.categories(["b", "a", None, "b", "c", "a", "b"])

    assert codes.dtype == np.uint8
    assert codes.tolist() == [0, 1, 255, 0, 2, 1, 0]
    assert (names, counts) == (["b", "a", "c"], [3, 2, 1])


def test_categories_beyond_twenty_are_other():
    values = [value for value in range(25) for _ in range(30 - value)]  # 0 is the most frequent, 24 the least

    codes, names, counts = theme.categories(values)

    assert names == [str(value) for value in range(20)]
    assert counts == [30 - value for value in range(20)]
    assert set(codes[np.array(values) >= 20].tolist()) == {theme.OTHER_CODE}
    assert codes[np.array(values) < 20].tolist() == [value for value in values if value < 20]


def test_categories_do_not_depend_on_the_order_of_equals():
    forward, backward = theme.categories([3, "x", True]), theme.categories([True, "x", 3])

    assert forward[1] == backward[1] == ["3", "True", "x"]


def test_categories_of_nothing():
    codes, names, counts = theme.categories([])

    assert (codes.shape, names, counts) == ((0,), [], [])


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2, 0..1."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("ground", ["#ffffff", "#11141b"], ids=["light", "dark"])
@pytest.mark.parametrize("colour", [*theme.PALETTE, theme.OTHER])
def test_every_colour_stands_out_from_both_grounds(colour: str, ground: str):
    low, high = sorted((luminance(colour), luminance(ground)))

    assert (high + 0.05) / (low + 0.05) >= 1.8


@pytest.mark.parametrize("ground", ["#ffffff", "#11141b"], ids=["light", "dark"])
def test_writing_is_readable_on_both_grounds(ground: str):
    low, high = sorted((luminance(theme.INK), luminance(ground)))

    assert (high + 0.05) / (low + 0.05) >= 3.5


def test_the_palette_has_twenty_colours_that_differ():
    rgb = [tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5)) for colour in theme.PALETTE]

    assert len(set(theme.PALETTE)) == 20
    assert min(np.linalg.norm(np.subtract(*pair)) for pair in itertools.combinations(rgb, 2)) > 40


@pytest.mark.parametrize("text", [HOSTILE, "<b>bold</b>", "a & b", "x" * 10_000])
def test_plain_leaves_plotly_no_html_and_no_endless_text(text: str):
    shown = theme.plain(text)

    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", shown)
    assert len(shown) < 2000
    shown.encode("utf-8")


# -- the exported map


XY = np.array([[0, 0], [1, 2], [3, 4], [5, 6]], dtype=np.float32)


def drawn(**more: object) -> dict:
    codes = np.array([0, 255, 1, 0], dtype=np.uint8)
    return spacemap.space_map(XY, ["a.png", "b.png", "c.png", HOSTILE], codes, ["cat", "dog"], **more).to_dict()


def test_space_map_draws_each_image_once_in_the_colour_of_its_category():
    traces = {trace["name"]: trace for trace in drawn()["data"]}

    assert set(traces) == {"cat", "dog", "other"}
    assert list(zip(traces["cat"]["x"], traces["cat"]["y"], strict=True)) == [(0, 0), (5, 6)]
    assert traces["cat"]["marker"]["color"] == theme.PALETTE[0]
    assert list(traces["dog"]["x"]) == [3]
    assert traces["other"]["marker"]["color"] == theme.OTHER
    assert traces["other"]["hovertext"] == ["b.png"]


def test_space_map_keeps_distances_equal_in_both_directions():
    assert drawn()["layout"]["yaxis"]["scaleanchor"] == "x"


def test_space_map_stands_on_the_ground_of_the_page():
    layout = drawn()["layout"]

    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"
    assert "title" not in layout


def test_space_map_places_texts_as_diamonds():
    texts = drawn(texts=[("a <b>red</b> boat", 1.0, 2.0)])["data"][-1]

    assert texts["marker"]["symbol"] == "diamond"
    assert (list(texts["x"]), list(texts["y"])) == ([1.0], [2.0])
    assert list(texts["text"]) == ["<b>a &lt;b&gt;red&lt;/b&gt; boat</b>"]


def test_space_map_without_categories_has_no_legend():
    figure = spacemap.space_map(XY, list("abcd"), np.zeros(4, dtype=np.uint8)).to_dict()

    assert figure["layout"]["showlegend"] is False
    assert len(figure["data"]) == 1


def test_space_map_keeps_the_lines_of_a_caption():
    figure = spacemap.space_map(XY[:1], ["a.png\ncolour: <red>"], np.zeros(1, dtype=np.uint8)).to_dict()

    assert figure["data"][0]["hovertext"] == ["a.png<br>colour: &lt;red&gt;"]


def test_the_page_is_whole_and_a_caption_cannot_leave_its_place():
    figure = spacemap.space_map(XY[:1], [HOSTILE], np.zeros(1, dtype=np.uint8), texts=[(HOSTILE, 0.0, 0.0)])

    page = spacemap.page(figure, f"<b>{HOSTILE}")

    assert "alert(2)" in page  # the caption is there
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<title>&lt;b&gt;" in page
    assert "default-src &#x27;none&#x27;" in page
    assert not re.search(r"<script[^>]+src=|<link", page.replace("\\", ""))
    page.encode("utf-8")


# -- bars and the matrix


def test_bars_stand_in_the_order_given_from_the_top():
    figure = bars.counts(["dog", "<i>cat</i>"], [1234, 0]).to_dict()

    assert figure["data"][0]["x"] == [1234, 0]
    assert figure["data"][0]["text"] == ["1,234", "0"]
    assert figure["layout"]["yaxis"]["ticktext"] == ["dog", "&lt;i&gt;cat&lt;/i&gt;"]
    first, last = figure["layout"]["yaxis"]["range"]
    assert first > last


def test_bars_of_nothing_can_be_drawn():
    assert list(bars.counts([], []).to_dict()["data"][0]["x"]) == []


def test_confusion_shows_counts_and_shades_by_the_share_of_the_row():
    counts = np.array([[3, 1, 0], [0, 0, 0], [2, 0, 8]])

    right, wrong = heat.confusion(["cat", "dog", "<cow>"], counts).to_dict()["data"]

    assert right["z"] == [[0.75, None, None], [None, None, None], [None, None, 0.8]]
    assert wrong["z"] == [[None, 0.25, None], [None, None, None], [0.2, None, None]]
    assert right["text"] == [["3", "", ""], ["", "", ""], ["", "", "8"]]
    assert wrong["text"] == [["", "1", ""], ["", "", ""], ["2", "", ""]]
    assert right["hovertext"][2][0] == "is &lt;cow&gt;, called cat: 2 of 10"


@pytest.mark.parametrize("labels", [2, 40])
def test_confusion_gives_every_label_a_row_high_enough_to_read(labels: int):
    figure = heat.confusion([f"label {i}" for i in range(labels)], np.eye(labels, dtype=int)).to_dict()

    layout = figure["layout"]
    assert len(layout["yaxis"]["tickvals"]) == len(layout["xaxis"]["tickvals"]) == labels
    assert layout["height"] / labels >= 1.5 * layout["font"]["size"]
    assert layout["yaxis"]["range"][0] > layout["yaxis"]["range"][1]  # the first label on top


# -- the map as a picture


def scatter(*args: object, **more: object) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(images.scatter_png(*args, **more))).convert("RGB"))


def middle(pixels: np.ndarray, colour: tuple[int, int, int]) -> tuple[float, float]:
    """Where a colour is on average: (x, y), y downward."""
    rows, columns = np.nonzero((pixels == colour).all(axis=2))
    return float(columns.mean()), float(rows.mean())


def test_scatter_png_puts_points_where_they_are_y_upward():
    xy = np.array([[0, 0], [0, 1], [1, 0]], dtype=np.float32)

    pixels = scatter(xy, ["#ff0000", "#00ff00", "#0000ff"], size=(400, 300))

    assert pixels.shape == (300, 400, 3)
    origin, up, right = (middle(pixels, colour) for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255)))
    assert up[0] == pytest.approx(origin[0], abs=1)
    assert right[1] == pytest.approx(origin[1], abs=1)
    assert origin[1] - up[1] == pytest.approx(right[0] - origin[0], abs=1)  # equal scales
    assert origin[1] - up[1] == pytest.approx(300 - 2 * 40, abs=2)


def test_scatter_png_of_one_point_and_a_text_in_any_script():
    pixels = scatter(np.zeros((1, 2)), ["#ff0000"], [("日本 \udcff\n x", 0.0, 0.0)], [("cat", "#00ff00")])

    assert (pixels == (0, 255, 0)).all(axis=2).any()
    assert (pixels == (0x22, 0x22, 0x22)).all(axis=2).any()


def test_scatter_png_keeps_texts_off_the_points_inside():
    xy = np.zeros((1, 2))

    pixels = scatter(xy, ["#ff0000"], [("far away", 100.0, 0.0)], size=(400, 300))

    assert middle(pixels, (255, 0, 0))[0] < 50
    assert middle(pixels, (0x22, 0x22, 0x22))[0] > 300
