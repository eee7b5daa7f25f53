"""Lesson 1: what a cosine is made of, what words and their order do, and the page."""

import json
from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from chromium import visiting
from drawn import png, unit_rows
from playwright.sync_api import Browser, expect
from shown import new_home, open_page, press, run, texts
from sklearn.metrics.pairwise import cosine_similarity
from streamlit.testing.v1 import AppTest

from scripts.browser import serving, settle
from sharedspace.errors import BadInput
from sharedspace.lessons import one_space
from sharedspace.plots import vectors as plots
from sharedspace.records import Tokens

# ---- the arithmetic ---------------------------------------------------------------------------------


def test_the_cosine_is_the_sum_of_the_products_and_that_of_scikit_learn() -> None:
    picture, caption = unit_rows(2, 40)
    found = one_space.cosine(picture, caption)

    assert found.value == pytest.approx(cosine_similarity([picture], [caption])[0, 0], abs=1e-6)
    assert found.products.sum() == pytest.approx(found.value, abs=1e-6)
    assert found.degrees == pytest.approx(np.degrees(np.arccos(found.value)))
    assert found.share(40) == pytest.approx(1, abs=1e-5)
    sizes = np.abs(found.products)[list(found.largest(5))]
    assert sizes.tolist() == sorted(np.abs(found.products), reverse=True)[:5]


@pytest.mark.parametrize(("caption", "degrees"), [([1, 0], 0), ([0, 1], 90), ([-1, 0], 180)])
def test_the_angle_is_in_degrees(caption: list[float], degrees: float) -> None:
    assert one_space.cosine(np.array([1, 0]), np.array(caption)).degrees == degrees


def test_the_nearest_is_that_of_the_highest_cosine() -> None:
    rows = unit_rows(9, 16)

    assert one_space.nearest(rows[3], rows) == 3
    assert one_space.nearest(rows[0], rows[1:]) == int(np.argmax([rows[0] @ row for row in rows[1:]]))


class Counting:
    """Counts what a caption says: order means nothing, and "red" is worth much, "boat" little."""

    worth: ClassVar[dict[str, float]] = {"red": 0.5, "boat": 0.1}

    def __init__(self, order: float = 0.0) -> None:
        self.order = order

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        scores = [
            sum(self.worth.get(word, 0) for word in text.split()) + self.order * text.startswith("boat")
            for text in texts
        ]
        return np.float32([[score, np.sqrt(1 - score**2)] for score in scores]).reshape(-1, 2)

    def tokens(self, text: str) -> Tokens:
        return Tokens(tuple(text.split()), 77, 0, ())


def test_the_word_that_counts_is_found_and_the_order_that_does_not() -> None:
    found = one_space.wording(Counting(), "a red boat", np.float32([1, 0]))  # type: ignore[arg-type]  # all it needs

    assert found.value == pytest.approx(0.6)
    assert set(found.orders) == {" ".join(one) for one in permutations(["a", "red", "boat"])} - {"a red boat"}
    assert found.words == ("a", "red", "boat")
    assert np.allclose(found.by_omission, [0, -0.5, -0.1])
    assert found.most == pytest.approx((0, 0.5))


def test_an_order_that_counts_is_found_too_and_one_word_has_none() -> None:
    counting = Counting(order=0.3)
    found = one_space.wording(counting, "red boat", np.float32([1, 0]))  # type: ignore[arg-type]  # all it needs

    assert (found.orders, found.by_order.tolist()) == (("boat red",), pytest.approx([0.3]))
    assert one_space.wording(counting, "red red", np.float32([1, 0])).most[0] == 0  # type: ignore[arg-type]  # too
    with pytest.raises(BadInput, match="two words"):
        one_space.wording(counting, "red", np.float32([1, 0]))  # type: ignore[arg-type]  # too


def test_captions_that_differ_in_their_last_words_are_told_apart_beside_a_figure() -> None:
    names = ["a brown castle in a forest", "a brown castle in a <b>desert</b>", "word " * 40]
    for figure in (plots.cosines(names, np.float32([0.4, 0.2, 0.1]), None), plots.stripes(unit_rows(3, 8), names)):
        first, second, long = figure.layout.yaxis.ticktext
        assert "forest" in first
        assert "&lt;b&gt;desert&lt;/b&gt;" in second
        assert "…" in long
        assert long.count("<br>") == 1


# ---- the page ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with new_home(tmp_path_factory.mktemp("one_space")) as path:
        yield path


def commit(at: AppTest) -> AppTest:
    at.radio[-1].set_value(at.radio[-1].options[0])
    return press(at, "Commit")


def test_the_page_shows_vectors_only_after_the_prediction_and_names_the_nearest(home: Path) -> None:
    at = open_page("learn_one_space", collection="sample")
    captions = [box.value for box in at.text_input]
    assert len(set(captions)) == 3
    assert not set(captions).intersection(at.selectbox(key="one_space.picture").options)  # they would tell
    assert not at.get("plotly_chart")
    at = commit(at)

    cosines = json.loads(at.get("plotly_chart")[0].proto.spec)["data"][0]
    best = captions[int(np.argmax(cosines["x"]))]
    said = " ".join(one.value for one in [*at.success, *at.warning])
    assert best in said.replace("\\", "")
    assert len(at.get("plotly_chart")) == 2
    assert "no-match line" in texts(at)


def test_moved_words_are_embedded_in_their_new_order_and_compared(home: Path) -> None:
    at = commit(open_page("learn_one_space", collection="sample"))
    assert not [one for one in at.get("bidi_component") if one.proto.component_name == "sharedspace_chips"]
    assert "random orders" not in texts(at)
    at = commit(at)
    assert "random orders" in " ".join(one.value for one in [*at.success, *at.warning])
    (chips,) = [one for one in at.get("bidi_component") if one.proto.component_name == "sharedspace_chips"]
    data = json.loads(chips.proto.json)
    words = data["words"]
    key = chips.proto.id.split("-", 2)[2]
    at.session_state[key] = {"arranged": {"version": data["version"], "order": [*range(1, len(words))], "out": [0]}}
    at = run(at)

    table = at.dataframe[-1].value
    assert table["words"].tolist() == [" ".join(words), " ".join(words[1:])]
    assert float(at.metric[0].value) == table["cosine"].tolist()[1]
    assert "leaving words out by up to" in texts(at)


def test_a_picture_of_ones_own_stands_in_place_of_the_collections(home: Path) -> None:
    at = open_page("learn_one_space", collection="sample")
    before = [box.value for box in at.text_input]
    at = run(at.file_uploader(key="one_space.own").upload("<b>.png", png("red", (64, 64))))

    assert [box.value for box in at.text_input] != before
    at = commit(at)
    assert len(at.get("plotly_chart")) == 2


def test_a_file_that_is_no_picture_is_refused_and_the_lesson_goes_on(home: Path) -> None:
    at = open_page("learn_one_space", collection="sample")
    at = run(at.file_uploader(key="one_space.own").upload("no.png", b"no picture"))

    assert "no" in at.error[0].value
    assert len(at.text_input) == 3


# ---- in the browser ---------------------------------------------------------------------------------


@pytest.mark.browser
def test_words_are_dragged_and_moved_by_keys_and_the_cosine_follows(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with serving(tmp_path_factory.mktemp("app")) as server, visiting(browser, server) as visit:
        visit.open("/learn_one_space?collection=sample")
        visit.see_title("One space")
        for _ in range(2):
            visit.page.get_by_role("radio").first.focus()
            visit.page.keyboard.press("Space")
            visit.page.get_by_role("button", name="Commit").click()
            visit.settle()
        row = visit.page.get_by_role("list", name="The caption")
        out = visit.page.get_by_role("list", name="Words left out")
        words = row.get_by_role("listitem")
        expect(words.first).to_be_visible()
        visit.settle()
        first = words.all_inner_texts()
        metric = visit.page.get_by_test_id("stMetricValue")
        before = metric.inner_text()

        row.get_by_role("button", name=first[1]).drag_to(out)
        expect(out.get_by_role("listitem")).to_have_text([first[1]])
        expect(metric).not_to_have_text(before)
        out.get_by_role("button").press("Enter")
        expect(words).to_have_text([first[0], *first[2:], first[1]])
        for _ in first[2:]:
            row.get_by_role("button", name=first[1]).press("ArrowLeft")
        expect(words).to_have_text(first)
        expect(metric).to_have_text(before)
        row.get_by_role("button", name=first[1]).press("Delete")
        expect(out.get_by_role("listitem")).to_have_text([first[1]])
        settle(visit.page)
