"""Lesson 4: the grid of a batch; the loss by hand is torch's, and what the page says of it."""

import re
from collections.abc import Iterator
from math import log
from pathlib import Path

import numpy as np
import pytest
from drawn import unit_rows
from scipy.special import log_softmax
from shown import new_home, open_page, press, run, texts
from streamlit.testing.v1 import AppTest

from sharedspace.errors import BadInput
from sharedspace.lessons import grid
from sharedspace.pocket import losses


def cosines(n: int = 7, seed: int = 0) -> np.ndarray:
    return unit_rows(n, 16, seed) @ unit_rows(n, 16, seed + 1).T


# ---- the arithmetic ---------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0.0, 1.0, 26.8, 100.0])
@pytest.mark.parametrize("n", [2, 7, 16])
def test_the_loss_by_hand_is_that_of_torch(n: int, scale: float) -> None:
    found = cosines(n, seed=n)

    assert grid.info_nce(found, scale) == pytest.approx(losses.info_nce(found, scale), abs=1e-6)
    for bias in (-10.0, 0.0):
        assert grid.sigmoid_loss(found, scale, bias) == pytest.approx(losses.sigmoid(found, scale, bias), abs=1e-6)


def test_each_side_is_the_softmax_over_the_other_kind() -> None:
    found = cosines()
    rows, columns = grid.by_row(found, 20), grid.by_column(found, 20)

    assert np.allclose(rows.probabilities.sum(axis=1), 1)
    assert np.allclose(columns.probabilities.sum(axis=0), 1)
    assert np.allclose(rows.losses, -np.diag(log_softmax(20 * found, axis=1)))
    assert np.allclose(columns.losses, -np.diag(log_softmax(20 * found, axis=0)))
    assert np.allclose(np.exp(-columns.losses), np.diag(columns.probabilities))
    assert (rows.loss, rows.hardest) == (rows.losses.mean(), rows.losses.argmax())


@pytest.mark.parametrize("n", [2, 6, 16])
def test_the_loss_of_guessing_is_ln_n(n: int) -> None:
    assert grid.info_nce(np.full((n, n), 0.3), 26.8) == pytest.approx(log(n))
    assert grid.info_nce(cosines(n), 0) == pytest.approx(log(n)) == grid.guessing(n)


def test_a_large_scale_overflows_nothing_and_costs_nothing_where_all_is_right() -> None:
    assert grid.info_nce(np.eye(5), 1e5) == 0
    assert grid.info_nce(1 - np.eye(5), 1e5) > 1e4
    assert np.isfinite(grid.sigmoid_loss(1 - np.eye(5), 1e5, -10))


def test_a_caption_that_is_there_twice_keeps_every_model_above_its_floor() -> None:
    captions = ("a dog", "a dog", "a cat", "a boat")
    best = np.array([[1, 1, -1, -1], [1, 1, -1, -1], [-1, -1, 1, -1], [-1, -1, -1, 1.0]])

    assert grid.floor(captions) == pytest.approx(2 * log(2) / 4)
    assert grid.info_nce(best, 1000) == pytest.approx(grid.floor(captions))
    for seed in range(20):
        any_model = cosines(4, seed)
        any_model[:, 1] = any_model[:, 0]
        assert grid.info_nce(any_model, 50) >= grid.floor(captions)
    assert grid.floor(("a", "b")) == 0


def test_the_curve_over_scales_is_the_loss_at_each() -> None:
    found, scales = cosines(), np.array([0.0, 5.0, 50.0])

    assert np.allclose(grid.over_scales(found, scales), [losses.info_nce(found, scale) for scale in scales])


def test_each_picture_gets_a_noun_of_its_own_the_earlier_one_first() -> None:
    scores = np.array([[0.9, 0.8, 0.1], [0.95, 0.7, 0.2], [0.9, 0.8, 0.3], [0.1, 0.2, 0.9]])

    assert grid.each_its_own(scores) == [0, 1, 2, 2]  # the last one finds all three taken
    many = np.random.default_rng(0).random((16, 40))
    assert len(set(grid.each_its_own(many))) == 16


@pytest.mark.parametrize("shape", [(3, 4), (1, 1), (4,)])
def test_what_is_no_grid_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match="as many pictures as captions"):
        grid.by_row(np.zeros(shape), 1)


# ---- the page ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with new_home(tmp_path_factory.mktemp("grid")) as path:
        yield path


def commit(at: AppTest, option: str) -> AppTest:
    """Predict an option of the last question that is open."""
    at.radio[-1].set_value(next(one for one in at.radio[-1].options if option in one))
    return press(at, "Commit")


def test_nothing_of_the_grid_is_shown_before_the_prediction() -> None:
    at = open_page("learn_grid", collection="sample")

    assert not at.get("plotly_chart")
    assert "By row" not in texts(at)


def test_the_page_works_the_loss_out_and_it_is_that_of_torch() -> None:
    at = commit(open_page("learn_grid", collection="sample"), "over ln N")

    assert len(at.get("plotly_chart")) == 1
    table = at.dataframe[-1].value
    loss = (table["−ln p by row"].mean() + table["−ln p by column"].mean()) / 2
    said = re.search(r"= \*\*([\d.]+)\*\*\. PyTorch's `cross_entropy` says \*\*([\d.]+)\*\*", texts(at))
    assert said
    by_hand, by_torch = map(float, said.groups())
    assert by_hand == by_torch == pytest.approx(loss, abs=2e-4)


def test_the_temperature_the_twin_and_the_sigmoid_come_after_the_second_prediction() -> None:
    at = commit(open_page("learn_grid", collection="sample"), "over ln N")
    assert "SigLIP asks" not in texts(at)
    at = commit(at, "rises")

    assert len(at.get("plotly_chart")) == 3
    assert "false negative" in texts(at)
    at = run(at.slider(key="grid.scale").set_value(0.0))
    assert "the loss is 1.792" in texts(at)  # ln 6


def test_another_batch_and_captions_of_ones_own_are_asked_anew() -> None:
    at = commit(open_page("learn_grid", collection="sample"), "over ln N")

    at = run(at.number_input(key="grid.batch").set_value(2))
    assert not at.get("plotly_chart")
    at = commit(at, "over ln N")
    at = run(at.text_area[0].set_value("a dog\na dog"))
    assert not at.get("plotly_chart")
