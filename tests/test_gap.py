"""The gap: islands whose distance is known, and every figure written out another way."""

import numpy as np
import pytest
from drawn import unit_rows
from sklearn.decomposition import PCA

from sharedspace.errors import BadInput
from sharedspace.gap import joint, word_axes
from sharedspace.vectors import unit


def islands(n: int = 60, m: int = 20, apart: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 16) and texts (m, 16) around two directions."""
    toward = np.zeros(16)
    toward[0] = apart
    return unit(0.3 * unit_rows(n, 16, seed=1) - toward), unit(0.3 * unit_rows(m, 16, seed=2) + toward)


def test_the_gap_of_two_known_islands_is_the_distance_of_their_means():
    images = np.array([[0.6, 0.8, 0], [0.6, -0.8, 0]], dtype=np.float32)  # mean (0.6, 0, 0)
    texts = np.array([[0, 0.6, 0.8], [0, -0.6, 0.8]], dtype=np.float32)  # mean (0, 0, 0.8)
    found = joint(images, texts)

    assert found.gap == pytest.approx(1.0, abs=1e-6)
    assert found.image_image == pytest.approx(0.36 - 0.64, abs=1e-6)
    assert found.text_text == pytest.approx(0.64 - 0.36, abs=1e-6)
    assert found.image_text == pytest.approx(0, abs=1e-6)
    assert found.separable == 1
    # x is half the gap to either side, y the second coordinate, and there is no third
    np.testing.assert_allclose(found.images, [[-0.5, 0.8], [-0.5, -0.8]], atol=1e-6)
    np.testing.assert_allclose(found.texts, [[0.5, 0.6], [0.5, -0.6]], atol=1e-6)
    assert found.shown == pytest.approx(1, abs=1e-6)


def test_the_figures_are_those_of_all_pairs():
    images, texts = islands()
    found = joint(images, texts)

    def pairs(rows: np.ndarray) -> float:
        return np.mean([float(a @ b) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j])

    assert found.image_image == pytest.approx(pairs(images), abs=1e-5)
    assert found.text_text == pytest.approx(pairs(texts), abs=1e-5)
    assert found.image_text == pytest.approx(np.mean([a @ b for a in images for b in texts]), abs=1e-5)
    assert found.gap == pytest.approx(np.linalg.norm(images.mean(axis=0) - texts.mean(axis=0)), abs=1e-5)
    both = np.concatenate([images, texts])
    plane = np.concatenate([found.images, found.texts])
    assert found.shown == pytest.approx(plane.var(axis=0).sum() / both.var(axis=0).sum(), rel=1e-4)


def test_y_is_the_first_principal_component_of_what_the_gap_leaves():
    images, texts = islands(apart=0.5)
    found = joint(images, texts)

    x = texts.mean(axis=0) - images.mean(axis=0)
    x /= np.linalg.norm(x)
    left = np.concatenate([images - images.mean(axis=0), texts - texts.mean(axis=0)])
    y = PCA(1).fit(left - np.outer(left @ x, x)).components_[0]
    np.testing.assert_allclose(found.axes[:, 0], x, atol=1e-5)
    np.testing.assert_allclose(found.axes[:, 1] * np.sign(found.axes[:, 1] @ y), y, atol=1e-4)
    np.testing.assert_allclose(found.axes.T @ found.axes, np.eye(2), atol=1e-5)


def test_the_means_stand_half_the_gap_left_and_right_of_the_middle():
    found = joint(*islands())

    assert found.images[:, 0].mean() == pytest.approx(-found.gap / 2, abs=1e-5)
    assert found.texts[:, 0].mean() == pytest.approx(found.gap / 2, abs=1e-5)


def test_placing_what_it_was_made_from_gives_its_coordinates():
    images, texts = islands()
    found = joint(images, texts)

    np.testing.assert_allclose(found.place(images), found.images, atol=1e-6)
    np.testing.assert_allclose(found.place(texts[3:4]), found.texts[3:4], atol=1e-6)
    assert found.place(texts).dtype == np.float32


def test_no_axis_turns_round_with_the_order_of_the_rows_or_with_one_more():
    images, texts = (unit(rows * [*[1] * 15, 2]) for rows in islands())  # the last coordinate varies most
    found = joint(images, texts)
    mixed = joint(images[::-1].copy(), np.roll(texts, 7, axis=0))
    more = joint(np.concatenate([images, unit_rows(1, 16, seed=9)]), texts)

    np.testing.assert_allclose(mixed.axes, found.axes, atol=1e-4)
    assert ((more.axes * found.axes).sum(axis=0) > 0.9).all()
    assert found.axes[15, 1] > 0.9


def test_one_cloud_of_both_kinds_is_hardly_separable_and_each_kind_counts_half():
    rows = unit_rows(4000, 64, seed=3)
    mixed = joint(rows[:2000], rows[2000:])
    assert mixed.gap < 0.1
    assert mixed.separable == pytest.approx(0.5, abs=0.06)

    images, texts = islands(n=900, m=2)
    texts[1] = images[0]  # one of the two texts stands among the images
    found = joint(images, texts)
    right = [(found.images[:, 0] < 0).mean(), 0.5]
    assert found.separable == pytest.approx(np.mean(right))


def test_one_image_and_one_text_stand_on_a_line():
    a, b = unit_rows(2, 8)
    found = joint(a[None], b[None])

    assert (found.image_image, found.text_text) == (None, None)
    assert found.gap == pytest.approx(np.linalg.norm(a - b), rel=1e-5)
    np.testing.assert_allclose(found.images, [[-found.gap / 2, 0]], atol=1e-6)
    assert found.shown == pytest.approx(1)


def test_the_same_rows_as_images_and_texts_have_no_gap():
    rows = unit_rows(12, 8)
    found = joint(rows, rows)

    assert found.gap == 0
    assert (found.images[:, 0] == 0).all()
    assert np.ptp(found.images[:, 1]) > 0.5
    assert found.separable == 0
    assert joint(rows[:1], rows[:1]).shown == 1


@pytest.mark.parametrize(("n", "m"), [(0, 3), (3, 0)])
def test_a_gap_of_nothing_is_refused(n: int, m: int):
    with pytest.raises(BadInput, match="at least one of each"):
        joint(unit_rows(n, 8), unit_rows(m, 8))


def test_word_axes_are_the_cosines_with_two_words():
    images, (a, b) = unit_rows(30, 8), unit_rows(2, 8, seed=4)
    found = word_axes(images, a, b)

    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[sum(image * a), sum(image * b)] for image in images], atol=1e-6)
