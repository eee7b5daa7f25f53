"""Lesson 2: length changes rankings, and unit vectors leave only one; asserted, and as the page says it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from drawn import unit_rows
from scipy.spatial.distance import cdist
from shown import new_home, open_page, press, run, texts
from streamlit.testing.v1 import AppTest

from sharedspace import encoders, samples
from sharedspace.images import decode
from sharedspace.lessons import normalise
from sharedspace.testing import FakeEncoder
from sharedspace.vectors import unit


def rows(n: int = 60, seed: int = 0) -> np.ndarray:
    lengths = np.random.default_rng(seed).uniform(0.5, 3, (n, 1)).astype(np.float32)
    return lengths * unit_rows(n, 12, seed)


# ---- the arithmetic ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("measure", "metric"), [("cosine", "cosine"), ("distance", "euclidean")])
def test_the_measures_are_those_of_scipy(measure: str, metric: str) -> None:
    query = rows(1, seed=9)[0]
    found = normalise.ranked(rows(), query)
    theirs = cdist(rows(), query[None], metric)[:, 0]

    assert np.allclose(getattr(found, measure), 1 - theirs if measure == "cosine" else theirs)
    assert found.places(measure).tolist() == np.argsort(theirs, kind="stable").tolist()


def test_the_dot_product_prefers_the_long_vector_and_the_cosine_the_near_one() -> None:
    query = np.array([1.0, 0.0])
    near, long = np.array([0.9, 0.1]), np.array([3.0, 3.0])
    found = normalise.ranked(np.stack([near, long]), query)

    assert found.places("cosine").tolist() == [0, 1] == found.places("distance").tolist()
    assert found.places("dot").tolist() == [1, 0]
    assert found.gains().tolist() == [-1, 1]
    assert (found.rank("dot", 1), found.shared("cosine", "dot", 1), found.shared("cosine", "dot", 2)) == (1, 0, 2)


def test_of_unit_vectors_all_three_measures_make_one_ranking() -> None:
    made, query = unit(rows(200)), unit(rows(1, seed=9)[0])
    found = normalise.ranked(made, query)

    assert found.places("dot").tolist() == found.places("cosine").tolist() == found.places("distance").tolist()
    assert normalise.identity(made, query) < 1e-6 < normalise.identity(rows(200), query)


def test_stretching_one_vector_moves_it_under_the_dot_product_and_not_under_the_cosine() -> None:
    query = rows(1, seed=9)[0]
    found = normalise.ranked(rows(), query)
    middle = int(found.places("cosine")[20])  # its cosine is above 0
    after = normalise.stretched(found, rows(), query, middle, 6)
    whole = rows()
    whole[middle] *= 6

    assert after.rank("cosine", middle) == found.rank("cosine", middle) == 21
    assert after.rank("dot", middle) < found.rank("dot", middle)
    for name in ("dot", "cosine", "distance", "norms"):
        assert np.allclose(getattr(after, name), getattr(normalise.ranked(whole, query), name))
        assert np.allclose(np.delete(getattr(after, name), middle), np.delete(getattr(found, name), middle))


def test_a_vector_of_length_0_is_near_nothing() -> None:
    found = normalise.ranked(np.array([[0.0, 0.0], [-1.0, 0.5]]), np.array([1.0, 0.0]))

    assert found.cosine[0] == 0


# ---- raw vectors ------------------------------------------------------------------------------------


def test_raw_rows_are_of_any_length_and_made_unit_those_of_the_encoder() -> None:
    encoder = encoders.load("pocket")
    some = [(path.read_bytes(), path.name) for path in sorted((samples.FOLDER / "images").iterdir())[:6]]
    found = normalise.raw(encoder, some)
    pictures = [decode(data, name, encoder.side).image for data, name in some]

    assert np.ptp(np.linalg.norm(found, axis=1)) > 0.1
    assert np.allclose(unit(found), encoder.images(pictures), atol=1e-6)
    asked = encoder.raw_texts(["a dog", "a boat at night"])
    assert np.linalg.norm(asked, axis=1).min() > 2
    assert np.allclose(unit(asked), encoder.texts(["a dog", "a boat at night"]), atol=1e-6)
    assert encoder.raw([]).shape == encoder.raw_texts([]).shape == (0, 128)


def test_the_fake_encoder_has_raw_rows_too() -> None:
    fake = FakeEncoder()

    assert fake.raw_texts(["red green"]).tolist() == np.float32([[1, 1, 0, 0.1]]).tolist()
    assert np.allclose(unit(fake.raw_texts(["red green"])), fake.texts(["red green"]))


# ---- the page ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with new_home(tmp_path_factory.mktemp("normalise")) as path:
        yield path


def commit(at: AppTest, option: str) -> AppTest:
    at.radio[-1].set_value(next(one for one in at.radio[-1].options if option in one))
    return press(at, "Commit")


def test_the_page_predicts_shows_the_change_and_then_the_one_ranking() -> None:
    at = open_page("learn_normalise", collection="sample")
    assert not at.get("plotly_chart")
    at = commit(at, "all 10")

    assert len(at.get("plotly_chart")) == 1
    ranks = at.dataframe[-1].value
    assert ranks["rank before"].tolist() == ranks["rank now"].tolist()
    at = run(at.slider(key="normalise.factor").set_value(6.0))
    now = at.dataframe[-1].value.set_index("measure")
    assert now.loc["cosine", "rank now"] == now.loc["cosine", "rank before"]
    assert now.loc["dot product", "rank now"] < now.loc["dot product", "rank before"]
    assert "To take along" not in texts(at)
    at = commit(at, "exactly")
    assert "To take along" in texts(at)
    assert "as unit vectors 10 and 10" in texts(at)


def test_another_query_is_another_question() -> None:
    at = commit(open_page("learn_normalise", collection="sample"), "all 10")
    at = run(at.text_input(key="normalise.q").set_value("a red car"))

    assert not at.get("plotly_chart")
