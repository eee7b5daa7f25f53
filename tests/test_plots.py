"""Figures are read as the plain dictionaries that plotly is given."""

import io
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from chromium import SLOW
from PIL import Image
from playwright.sync_api import Browser, expect

from scripts.browser import serving, settle
from sharedspace import images
from sharedspace.plots import bars, curves, heat, spacemap, theme

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

    right, wrong, _ = heat.confusion(["cat", "dog", "<cow>"], counts).to_dict()["data"]

    assert right["z"] == [[0.75, None, None], [None, None, None], [None, None, 0.8]]
    assert wrong["z"] == [[None, 0.25, None], [None, None, None], [0.2, None, None]]
    assert right["text"] == [["3", "", ""], ["", "", ""], ["", "", "8"]]
    assert wrong["text"] == [["", "1", ""], ["", "", ""], ["2", "", ""]]


def test_confusion_has_a_target_over_each_cell_that_is_not_empty():
    counts = np.array([[3, 1, 0], [0, 0, 0], [2, 0, 8]])

    target = heat.confusion(["cat", "dog", "<cow>"], counts).to_dict()["data"][-1]

    assert target["customdata"] == [[0, 0], [0, 1], [2, 0], [2, 2]]
    assert target["x"] == [0, 1, 0, 2]
    assert target["base"] == [-0.5, -0.5, 1.5, 1.5]  # of a bar that is 1 high
    assert target["hovertext"][2] == "is &lt;cow&gt;, called cat: 2 of 10"


CLICKED = """import numpy as np
import streamlit as st
from sharedspace.plots import heat

counts = np.array([[3, 1, 0], [0, 5, 2], [2, 0, 8]])
event = st.plotly_chart(heat.confusion(["cat", "dog", "cow"], counts), key="m", on_select="rerun",
                        selection_mode="points")
st.text(f"selected: {[point['customdata'] for point in event.selection.points]}")
"""


@pytest.mark.browser
def test_a_click_anywhere_in_a_cell_selects_it_in_streamlit(browser: Browser, tmp_path: Path):
    (tmp_path / "app.py").write_text(CLICKED, encoding="utf-8")
    with serving(tmp_path, tmp_path) as server:
        page = browser.new_page()
        page.set_default_timeout(SLOW)
        page.goto(server.url)
        settle(page)
        page.locator(".js-plotly-plot .hm").first.wait_for(state="attached")
        plot = page.locator(".nsewdrag").bounding_box()
        assert plot
        wide, high = plot["width"] / 3, plot["height"] / 3
        for row, column, across in [(0, 1, 0.04), (2, 0, 0.96), (2, 2, 0.5)]:
            at = plot["x"] + (column + across) * wide, plot["y"] + (row + 0.5) * high
            page.mouse.move(*at)
            expect(page.locator(".hoverlayer")).to_contain_text("called")
            page.mouse.click(*at)
            expect(page.get_by_text(f"selected: [[{row}, {column}]]", exact=True)).to_be_visible()
            page.wait_for_timeout(500)  # plotly takes two clicks within 300 ms for a double one, which deselects
        page.mouse.dblclick(*at)
        expect(page.get_by_text("selected: []", exact=True)).to_be_visible()
        page.close()


@pytest.mark.parametrize("labels", [2, 40])
def test_confusion_gives_every_label_a_row_high_enough_to_read(labels: int):
    figure = heat.confusion([f"label {i}" for i in range(labels)], np.eye(labels, dtype=int)).to_dict()

    layout = figure["layout"]
    assert len(layout["yaxis"]["tickvals"]) == len(layout["xaxis"]["tickvals"]) == labels
    assert layout["height"] / labels >= 1.5 * layout["font"]["size"]
    assert layout["yaxis"]["range"][0] > layout["yaxis"]["range"][1]  # the first label on top


def test_templates_stand_in_the_order_given_with_the_ensemble_as_a_line():
    figure = bars.templates(["a {}", "<b>{}</b>"], np.array([0.5, 0.75]), 0.8).to_dict()

    dots, layout = figure["data"][0], figure["layout"]
    assert (dots["x"], dots["y"]) == ([0.5, 0.75], [0, 1])
    assert layout["yaxis"]["ticktext"] == ["a {}", "&lt;b&gt;{}&lt;/b&gt;"]
    assert layout["yaxis"]["range"][0] > layout["yaxis"]["range"][1]
    assert layout["shapes"][0]["x0"] == layout["shapes"][0]["x1"] == 0.8
    low, high = layout["xaxis"]["range"]
    assert low < 0.5 < 0.8 < high


def test_templates_that_are_all_alike_can_be_drawn():
    low, high = bars.templates(["a {}"], np.array([0.5]), 0.5).to_dict()["layout"]["xaxis"]["range"]

    assert low < 0.5 < high


def test_recall_and_precision_are_joined_where_both_are_known():
    figure = bars.recall_precision(
        ["cat", "dog", "cow"], np.array([1.0, np.nan, 0.25]), np.array([0.5, 0.75, np.nan]), [4, 0, 8]
    ).to_dict()

    between, recall, precision = figure["data"]
    assert recall["x"] == [1.0, None, 0.25]
    assert precision["x"] == [0.5, 0.75, None]
    assert (between["x"], between["y"]) == ([1.0, 0.5, None], [0, 0, None])
    assert recall["marker"]["symbol"] != precision["marker"]["symbol"]  # told apart without colour too
    assert recall["hovertext"][1] == "dog: nothing found of 0 images, 75.0% right of those called so"
    assert figure["layout"]["yaxis"]["ticktext"] == ["cat · 4", "dog · 0", "cow · 8"]


# -- curves

EDGES = np.array([0.0, 0.5, 1.0])
BEFORE = np.array([0.3, 0.9]), np.array([0.2, 0.6]), np.array([25, 100])
AFTER = np.array([np.nan, 0.6]), np.array([np.nan, 0.6]), np.array([0, 125])


def test_reliability_draws_each_bin_that_has_images_against_the_diagonal():
    diagonal, before, after = curves.reliability(EDGES, BEFORE, AFTER).to_dict()["data"]

    assert diagonal["x"] == diagonal["y"] == [0, 1]
    assert (before["x"], before["y"]) == ([0.3, 0.9], [0.2, 0.6])
    assert (after["x"], after["y"]) == ([0.6], [0.6])
    assert before["marker"]["symbol"] != after["marker"]["symbol"]
    assert before["hovertext"][0] == "before: 25 images between 0% and 50%<br>30.0% sure, 20.0% right"


def test_reliability_marks_more_images_by_a_larger_mark_on_one_scale():
    _, before, after = curves.reliability(EDGES, BEFORE, AFTER).to_dict()["data"]

    assert before["marker"]["size"][0] < before["marker"]["size"][1] < after["marker"]["size"][0]


def test_reliability_without_an_after_or_any_image_can_be_drawn():
    empty = np.full(2, np.nan), np.full(2, np.nan), np.zeros(2, dtype=int)

    figure = curves.reliability(EDGES, empty).to_dict()

    assert [trace["x"] for trace in figure["data"]] == [[0, 1], []]


def test_learning_has_a_band_about_the_mean_and_zero_shot_as_the_line_to_beat():
    mean = np.array([0.5, 0.75])

    figure = curves.learning([1, 4], mean, mean - 0.25, mean + 0.125, 0.625).to_dict()

    low, high, curve = figure["data"]
    assert (low["y"], high["y"], curve["y"]) == ([0.25, 0.5], [0.625, 0.875], [0.5, 0.75])
    assert low["x"] == high["x"] == curve["x"] == [1, 4]
    assert high["fill"] == "tonexty"
    assert {(shape["y0"], shape["y1"]) for shape in figure["layout"]["shapes"]} == {(0.625, 0.625)}
    assert "62.5%" in figure["layout"]["annotations"][0]["text"]
    assert "shapes" not in curves.learning([1, 4], mean, mean, mean, None).to_dict()["layout"]


def test_sharing_stacks_the_labels_and_marks_the_present_temperature():
    shares = np.array([[0.9, 0.1], [0.6, 0.2], [0.4, 0.3]])

    figure = curves.sharing(np.array([0.1, 1.0, 10.0]), shares, ["cat", "<dog>"], 2.0).to_dict()

    assert [trace["y"] for trace in figure["data"]] == [[0.9, 0.6, 0.4], [0.1, 0.2, 0.3]]
    assert len({trace["stackgroup"] for trace in figure["data"]}) == 1
    assert figure["data"][1]["name"] == "&lt;dog&gt;"
    layout = figure["layout"]
    assert layout["xaxis"]["range"] == pytest.approx([-1, 1])  # of a logarithmic axis
    assert layout["shapes"][0]["x0"] == 2.0
    assert 10 ** layout["annotations"][0]["x"] == pytest.approx(2.0)  # plotly wants logarithms of notes, not of shapes


def test_counts_at_marks_where_the_slider_stands():
    figure = curves.counts_at(np.array([0.8, 0.9, 1.0]), np.array([1200, 30, 0]), 0.95, "<pairs>").to_dict()

    assert figure["data"][0]["y"] == [1200, 30, 0]
    assert figure["data"][0]["hovertext"] == ["0.8: 1,200", "0.9: 30", "1: 0"]
    assert figure["layout"]["yaxis"]["title"]["text"] == "&lt;pairs&gt;"
    assert figure["layout"]["shapes"][0]["x0"] == figure["layout"]["annotations"][0]["x"] == 0.95


def test_strip_shows_every_image_and_knows_the_judged_ones():
    scores = np.random.default_rng(0).normal(0.25, 0.03, 500)
    judged = np.zeros(500, dtype=int)
    judged[[3, 10]], judged[7] = 1, -1

    figure = curves.strip(scores, judged, 0.26).to_dict()

    density, accepted, rejected = figure["data"]
    images_of = [int(text.split(" images")[0]) for text in density["hovertext"]]
    assert sum(images_of) == 500
    assert density["y"] == pytest.approx([count / max(images_of) for count in images_of])
    assert (accepted["customdata"], rejected["customdata"]) == ([3, 10], [7])
    assert accepted["x"] == pytest.approx(scores[[3, 10]])
    assert accepted["marker"]["symbol"] != rejected["marker"]["symbol"]
    assert set(accepted["y"]) != set(rejected["y"])
    assert figure["layout"]["shapes"][0]["x0"] == 0.26


@pytest.mark.parametrize("scores", [np.zeros(0), np.full(3, 0.25)], ids=["none", "equal"])
def test_strip_of_nothing_and_of_equal_scores_can_be_drawn(scores: np.ndarray):
    figure = curves.strip(scores, np.zeros(len(scores), dtype=int)).to_dict()

    assert all(np.isfinite(height) for height in figure["data"][0]["y"])
    assert "shapes" not in figure["layout"]


FIGURES = {
    "reliability": lambda: curves.reliability(EDGES, BEFORE, AFTER),
    "learning": lambda: curves.learning([1, 4], np.ones(2), np.ones(2), np.ones(2), 0.5),
    "sharing": lambda: curves.sharing(np.array([0.1, 10.0]), np.ones((2, 1)), [HOSTILE], 1.0),
    "counts_at": lambda: curves.counts_at(np.array([0.0, 1.0]), np.array([3, 1]), 0.5, HOSTILE),
    "strip": lambda: curves.strip(np.ones(3), np.array([1, -1, 0]), 0.5),
    "templates": lambda: bars.templates([HOSTILE], np.ones(1), 0.5),
    "recall_precision": lambda: bars.recall_precision([HOSTILE], np.ones(1), np.ones(1), [1]),
    "confusion": lambda: heat.confusion([HOSTILE, "b"], np.eye(2, dtype=int)),
}


def strings(part: object) -> Iterator[str]:
    """All texts in a figure."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for value in part.values():
            yield from strings(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from strings(value)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_stands_on_any_ground_and_shows_text_only_as_text(name: str):
    figure = FIGURES[name]().to_dict()
    layout = figure["layout"]

    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"
    assert not [text for text in strings(figure) if re.search(r"<(?!b>|/b>|br>)", text)]
    assert layout["xaxis"]["fixedrange"] is layout["yaxis"]["fixedrange"] is True  # a finger scrolls the page


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
