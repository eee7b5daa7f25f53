"""Every function against numpy, scipy or arithmetic written out another way."""

import numpy as np
import pytest
from drawn import unit_rows
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax as scipy_softmax

from sharedspace.vectors import nearest_rows, nearest_to, softmax, top_k, unit


def test_unit_rows_have_length_one_and_keep_their_direction():
    rows = np.random.default_rng(1).normal(size=(50, 7)) * np.logspace(-6, 6, 50)[:, None]
    scaled = unit(rows)

    assert scaled.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(scaled, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(
        np.cross(scaled[:, :3], rows[:, :3] / np.abs(rows[:, :3]).max(1, keepdims=True)), 0, atol=1e-6
    )
    assert (np.sign(scaled) == np.sign(rows)).all()


def test_unit_leaves_a_zero_row_zero_and_takes_one_vector_or_a_stack():
    assert unit(np.zeros((2, 3))).tolist() == [[0, 0, 0]] * 2
    np.testing.assert_allclose(unit([3, 4]), [0.6, 0.8], rtol=1e-6)
    assert unit(np.ones((2, 3, 4))).shape == (2, 3, 4)
    np.testing.assert_allclose(unit(np.ones((2, 3, 4))), 0.5)


# Few distinct values, so that most examples have ties.
@given(st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.25, 1.0]), max_size=40), st.integers(1, 50))
def test_top_k_equals_a_full_stable_sort_also_with_ties_and_k_over_n(scores: list[float], k: int):
    expected = sorted(range(len(scores)), key=lambda row: (-scores[row], row))[:k]

    assert top_k(np.array(scores, dtype=np.float32), k).tolist() == expected


def test_softmax_equals_scipys_and_does_not_overflow():
    logits = np.random.default_rng(2).normal(size=(5, 8)) * 10

    np.testing.assert_allclose(softmax(logits), scipy_softmax(logits, axis=-1), rtol=1e-12)
    assert softmax(np.array([1e5, 1e5, -1e5])).tolist() == [0.5, 0.5, 0]


@pytest.mark.parametrize(("n", "k", "block"), [(1, 3, 1024), (2, 2, 1), (7, 3, 3), (60, 15, 16), (60, 60, 1024)])
def test_nearest_rows_equal_brute_force(n: int, k: int, block: int):
    rows = unit_rows(n, 5, seed=n)
    indices, cosines = nearest_rows(rows, k, block)

    full = rows.astype(np.float64) @ rows.T
    expected = np.argsort(-full, axis=1)[:, :k]
    assert indices.tolist() == expected.tolist()
    np.testing.assert_allclose(cosines, np.take_along_axis(full, expected, axis=1), atol=1e-6)
    assert cosines.dtype == np.float32


def test_nearest_rows_put_each_row_before_its_exact_duplicates():
    rows = np.repeat(unit_rows(4, 6), 5, axis=0)  # 20 rows: each vector five times
    indices, cosines = nearest_rows(rows, 5, block=7)

    assert indices[:, 0].tolist() == list(range(20))
    for row in range(20):
        assert sorted(indices[row]) == [row // 5 * 5 + twin for twin in range(5)]
    np.testing.assert_allclose(cosines, 1, atol=1e-6)


# Rows of a grid have many equal cosines, exact in float32. 300 and 5 columns: groups of 15; 30 and 7: of one.
@pytest.mark.parametrize(("n", "k", "block"), [(300, 5, 64), (30, 7, 256), (300, 80, 7)])
@pytest.mark.parametrize("kinds", [2, 5, 300])
def test_nearest_rows_of_equal_cosines_are_the_lower_indices(n: int, k: int, block: int, kinds: int):
    rows = (
        np.random.default_rng(kinds).integers(-1, 2, (kinds, 4)).repeat(n // kinds, axis=0)[:n].astype(np.float32) / 2
    )
    indices, _ = nearest_rows(rows, k, block)

    full = rows @ rows.T
    np.fill_diagonal(full, np.inf)
    assert indices.tolist() == np.argsort(-full, axis=1, kind="stable")[:, :k].tolist()


@pytest.mark.parametrize(("q", "n", "k", "block"), [(5, 40, 3, 2), (40, 5, 9, 256), (1, 1, 1, 1)])
def test_nearest_to_equals_brute_force(q: int, n: int, k: int, block: int):
    queries, rows = unit_rows(q, 6, seed=1), unit_rows(n, 6, seed=2)
    indices, cosines = nearest_to(queries, rows, k, block)

    full = queries.astype(np.float64) @ rows.T
    expected = np.argsort(-full, axis=1)[:, :k]
    assert indices.tolist() == expected.tolist()
    np.testing.assert_allclose(cosines, np.take_along_axis(full, expected, axis=1), atol=1e-6)


def test_nearest_rows_tell_how_far_they_are_and_stop_when_told_to():
    told = []
    nearest_rows(unit_rows(10, 4), 3, block=4, on_block=lambda done, n: told.append((done, n)))
    assert told == [(4, 10), (8, 10), (10, 10)]

    def stop(done: int, n: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        nearest_rows(unit_rows(10, 4), 3, on_block=stop)
