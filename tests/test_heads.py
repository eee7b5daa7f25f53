"""Heads from clicks: the formula written out another way, what few clicks may and may not do, and real vectors."""

import numpy as np
import pytest
from drawn import unit_rows
from sklearn.covariance import EmpiricalCovariance
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from sharedspace import heads, samples
from sharedspace.errors import BadInput
from sharedspace.heads import NOT_CLICKED, curve, fit, learned
from sharedspace.vectors import unit

LABELS = 6


def world(n: int = 240, d: int = 32, wrong: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images in one cone with LABELS kinds, their truth, and words in another cone that see the kinds `wrong`-ly."""
    rng = np.random.default_rng(seed)
    kinds = unit_rows(LABELS, d, seed + 1)
    images, texts = unit_rows(2, d, seed + 2)
    truth = rng.integers(0, LABELS, n)
    vectors = unit(images + 0.6 * kinds[truth] + 0.5 * unit_rows(n, d, seed + 3))
    return vectors, truth, unit(texts + 0.5 * kinds + 0.5 * wrong * unit_rows(LABELS, d, seed + 4))


def clicks(truth: np.ndarray, a_label: int, labels: int = LABELS) -> np.ndarray:
    """The first images of the first labels."""
    given = np.full(len(truth), NOT_CLICKED)
    for label in range(labels):
        given[np.flatnonzero(truth == label)[:a_label]] = label
    return given


def accuracy(logits: np.ndarray, truth: np.ndarray) -> float:
    return float((logits.argmax(axis=1) == truth).mean())


def written_out(rows: np.ndarray, labels: np.ndarray, new: np.ndarray, variance: float, prior: float) -> np.ndarray:
    """Log densities (n, L) of normal distributions with one covariance, less that of a label in the middle of all."""
    within = prior * variance * np.eye(rows.shape[1])
    for label in set(labels.tolist()):
        of = rows[labels == label]
        within += (of - of.mean(axis=0)).T @ (of - of.mean(axis=0))
    precision = np.linalg.inv(within / (prior + len(rows) - len(set(labels.tolist()))))
    found = np.zeros((len(new), LABELS))
    for label in set(labels.tolist()):
        of = rows[labels == label]
        mean = of.sum(axis=0) / (len(of) + heads.DOUBT)
        for at, row in enumerate(new):
            found[at, label] = (row @ precision @ row - (row - mean) @ precision @ (row - mean)) / 2
    return found


def drawn(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """25 rows of 8; label 4 has one of them and label 5 none."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(25, 8)), np.array([4, *rng.integers(0, 4, 24)])


def test_the_examples_part_is_the_log_density_of_normal_distributions():
    rows, labels = drawn()
    new = np.random.default_rng(1).normal(size=(5, 8))
    weights, bias, _ = heads._discriminant(rows, labels, LABELS, 0.7, 3.0)

    np.testing.assert_allclose(new @ weights.T + bias, written_out(rows, labels, new, 0.7, 3.0), atol=1e-10)


def test_what_a_row_would_be_without_it_is_what_a_fit_without_it_says():
    rows, labels = drawn()
    _, _, without = heads._discriminant(rows, labels, LABELS, 0.7, 3.0)

    for at in range(1, len(rows)):
        kept = np.arange(len(rows)) != at
        expected = written_out(rows[kept], labels[kept], rows[at : at + 1], 0.7, 3.0)
        np.testing.assert_allclose(without[at], expected[0], atol=1e-10)
    assert not without[0].any()  # alone of its label


def test_without_any_prior_it_is_the_linear_discriminant_of_scikit_learn(monkeypatch):
    monkeypatch.setattr(heads, "DOUBT", 0.0)
    rng = np.random.default_rng(2)
    labels = np.arange(60) % LABELS
    rows = rng.normal(size=(60, 8)) + 2 * np.eye(LABELS, 8)[labels]
    weights, bias, _ = heads._discriminant(rows, labels, LABELS, 1.0, 0.0)

    # As many of each label, so that the covariance is the mean over labels; it divides by n, and ours by n - L.
    oracle = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=EmpiricalCovariance())
    expected = oracle.fit(rows, labels).decision_function(rows) * (60 - LABELS) / 60
    expected += np.log(LABELS) * (60 - LABELS) / 60
    np.testing.assert_allclose(rows @ weights.T + bias, expected, atol=1e-8)


def test_the_weights_of_words_and_examples_are_the_most_probable_of_a_grid():
    rng = np.random.default_rng(3)
    labels = rng.integers(0, LABELS, 40)
    spoken, shown = 3 * rng.normal(size=(2, 40, LABELS)) + [[[3]], [[20]]] * np.eye(LABELS)[labels]

    def loss(words: float, examples: float) -> float:
        logits = words * spoken + examples * shown
        fits = logits[np.arange(40), labels] - np.log(np.exp(logits).sum(axis=1))
        return -fits.sum() + (np.log(words) ** 2 + np.log(examples / heads.EXAMPLES) ** 2) / 2

    grid = [(words, examples) for words in np.linspace(0.02, 1, 99) for examples in np.geomspace(0.01, 3, 99)]
    best = min(grid, key=lambda one: loss(*one))
    found = heads._weights(spoken, shown, labels, heads.MOST)
    assert loss(*found) <= loss(*best) + 1e-9
    assert found == pytest.approx(best, rel=0.08)
    assert heads._weights(spoken, shown, labels, 0.1)[1] == pytest.approx(0.1)


def test_without_a_click_the_head_is_the_words():
    vectors, truth, words = world()
    head = fit(vectors, clicks(truth, 0), words, 30.0)

    np.testing.assert_allclose(head.weights, 30 * words, rtol=1e-6)
    assert not head.bias.any()
    assert head.blend == 0


def test_one_click_moves_its_image_towards_its_label_and_the_words_only_a_little():
    vectors, truth, words = world(wrong=2.0)
    spoken = 30 * vectors @ words.T
    at = int(np.flatnonzero(spoken.argmax(axis=1) != truth)[0])
    given = np.full(len(truth), NOT_CLICKED)
    given[at] = truth[at]
    head = fit(vectors, given, words, 30.0)

    def share(logits: np.ndarray) -> float:
        powers = np.exp(logits - logits.max())
        return powers[truth[at]] / powers.sum()

    assert share(head.logits(vectors)[at]) > share(spoken[at])
    same = head.logits(vectors).argmax(axis=1) == spoken.argmax(axis=1)
    assert same.mean() > 0.85
    assert 0 < head.blend < 0.5


def test_clicks_mend_wrong_words_and_more_of_them_mend_more():
    vectors, truth, words = world(600, wrong=2.5)
    rest = clicks(truth, 16) == NOT_CLICKED
    of = [accuracy(fit(vectors, clicks(truth, n), words, 30.0).logits(vectors[rest]), truth[rest]) for n in (0, 2, 16)]

    assert of[0] < 0.7
    assert of[1] > of[0] + 0.1
    assert of[2] > 0.97


def test_words_of_noise_are_hardly_listened_to_and_good_words_are():
    vectors, truth, words = world(wrong=0.3)
    nonsense = unit_rows(LABELS, 32, seed=9)
    given = clicks(truth, 8)

    assert accuracy(fit(vectors, given, nonsense, 30.0).logits(vectors), truth) > 0.9
    assert fit(vectors, given, nonsense, 30.0).blend > 0.8
    assert fit(vectors, clicks(truth, 1), words, 30.0).blend < 0.4


def test_a_label_without_clicks_can_still_be_given():
    vectors, truth, words = world(wrong=0.3)
    given = clicks(truth, 4, labels=3)
    found = fit(vectors, given, words, 30.0).logits(vectors).argmax(axis=1)

    spoken = (vectors @ words.T).argmax(axis=1)
    for label in range(3, LABELS):
        of = truth == label
        assert (found[of] == label).mean() >= (spoken[of] == label).mean() - 0.1


def test_examples_gain_no_trust_from_clicks_while_a_label_has_none(monkeypatch):
    vectors, truth, words = world(wrong=2.5)
    some, all_of = (fit(vectors, clicks(truth, 8, labels), words, 30.0) for labels in (LABELS - 1, LABELS))
    monkeypatch.setattr(heads, "MOST", heads.EXAMPLES)

    assert np.array_equal(fit(vectors, clicks(truth, 8, LABELS - 1), words, 30.0).weights, some.weights)
    assert fit(vectors, clicks(truth, 8), words, 30.0).blend < all_of.blend  # where it would have been gained


def test_how_often_a_label_was_clicked_does_not_make_it_more_probable():
    vectors, truth, words = world(600, wrong=2.5)
    given = clicks(truth, 4)
    given[np.flatnonzero(truth == 0)[:60]] = 0
    found = fit(vectors, given, words, 30.0).logits(vectors).argmax(axis=1)

    rest = given == NOT_CLICKED
    assert (found[rest] == 0).mean() < 1.3 * (truth[rest] == 0).mean()


def test_the_order_of_the_images_does_not_matter_and_nothing_is_left_to_chance():
    vectors, truth, words = world(wrong=2.0)
    given = clicks(truth, 5)
    head = fit(vectors, given, words, 30.0)
    order = np.random.default_rng(4).permutation(len(truth))
    mixed = fit(vectors[order], given[order], words, 30.0)

    np.testing.assert_allclose(mixed.weights, head.weights, atol=1e-3)
    np.testing.assert_allclose(mixed.bias, head.bias, atol=1e-3)
    assert np.array_equal(fit(vectors, given, words, 30.0).weights, head.weights)


def test_more_clicks_than_dimensions_and_equal_images_are_no_error():
    vectors, truth, words = world(d=8)
    assert accuracy(fit(vectors, truth, words, 30.0).logits(vectors), truth) > accuracy(vectors @ words.T, truth)

    same = np.repeat(vectors[:1], 10, axis=0)
    head = fit(same, np.arange(10) % LABELS, words, 30.0)
    np.testing.assert_allclose(head.weights, 30 * words, rtol=1e-6)
    assert fit(vectors[:1], truth[:1], words, 30.0).blend == 0
    twice = fit(np.repeat(vectors, 2, axis=0), clicks(np.repeat(truth, 2), 2), words, 30.0)
    assert np.isfinite(twice.weights).all()


def test_the_vectors_and_clicks_are_not_changed():
    vectors, truth, words = world()
    given = clicks(truth, 3)
    before = given.copy()
    for one in (vectors, given, words):
        one.flags.writeable = False  # as a memory-mapped snapshot is

    fit(vectors, given, words, 30.0)
    learned(vectors, given, words, 30.0)
    assert np.array_equal(given, before)


def test_one_label_and_a_click_on_none_of_them_are_refused():
    vectors, truth, words = world()
    with pytest.raises(BadInput, match="at least two labels"):
        fit(vectors, np.zeros(len(vectors), dtype=int), words[:1], 30.0)
    with pytest.raises(ValueError, match="a label from -1 to 5"):
        fit(vectors, np.full(len(vectors), LABELS), words, 30.0)
    with pytest.raises(ValueError, match="a label from -1 to 5"):
        fit(vectors, truth[:-1], words, 30.0)


def test_a_curve_begins_at_the_words_and_is_of_images_that_were_not_clicked():
    vectors, truth, words = world(600, wrong=2.5)
    some = np.where(np.arange(600) % 10 == 0, NOT_CLICKED, truth)
    found = curve(vectors, some, words, 30.0, counts=(0, 1, 8), repeats=3)

    assert found.counts == (0, 1, 8)
    assert found.n == 540
    assert found.mean[0] == pytest.approx(found.zero_shot)
    assert found.zero_shot == pytest.approx(accuracy(vectors @ words.T, truth), abs=0.05)
    assert found.mean[2] > found.mean[1] > found.zero_shot
    assert all(low <= mean <= high for low, mean, high in zip(found.low, found.mean, found.high, strict=True))
    assert curve(vectors, some, words, 30.0, counts=(0, 1, 8), repeats=3) == found
    assert curve(vectors, some, words, 30.0, counts=(0, 1, 8), repeats=3, seed=1) != found


def test_a_curve_over_labels_without_meaning_stays_at_chance_however_many_clicks():
    vectors = unit_rows(400, 64)
    truth = np.arange(400) % 4
    found = curve(vectors, truth, unit_rows(4, 64, seed=5), 30.0, counts=(0, 40), repeats=4)

    assert found.mean[1] == pytest.approx(0.25, abs=0.08)  # where clicked images were judged, it would be near 1


def test_a_curve_needs_a_label_with_two_images():
    vectors, _, words = world()
    for truth in (np.full(240, NOT_CLICKED), np.where(np.arange(240) < LABELS, np.arange(240), NOT_CLICKED)):
        with pytest.raises(BadInput, match="a label with two images"):
            curve(vectors, truth, words, 30.0)


def test_what_was_learned_is_judged_without_the_image_itself():
    vectors = unit_rows(60, 64)
    given = np.where(np.arange(60) < 24, np.arange(60) % 4, NOT_CLICKED)  # no label means anything
    words = unit_rows(4, 64, seed=5)
    found, *_ = learned(vectors, given, words, 30.0)

    itself = fit(vectors, given, words, 30.0).logits(vectors[:24])
    assert accuracy(itself, given[:24]) > 0.8
    assert found.head < 0.6
    assert found.n == 24


@pytest.mark.parametrize("a_label", [1, 3, 20])
def test_what_was_learned_is_the_count_over_heads_without_each_part(a_label: int):
    vectors, truth, words = world(wrong=2.0)
    given = clicks(truth, a_label)
    found, *_ = learned(vectors, given, words, 30.0)

    clicked = np.argsort(np.where(given < 0, LABELS, given), kind="stable")[: LABELS * a_label]
    right = []
    for part in range(min(30, len(clicked))):
        kept = given.copy()
        kept[clicked[part::30]] = NOT_CLICKED
        logits = fit(vectors, kept, words, 30.0).logits(vectors)
        right += [logits[row].argmax() == given[row] for row in clicked[part::30]]
    assert found == heads.Learned(accuracy(vectors[clicked] @ words.T, truth[clicked]), np.mean(right), len(clicked))


def test_without_a_click_there_is_nothing_learned():
    vectors, truth, words = world()
    with pytest.raises(BadInput, match="Click an image"):
        learned(vectors, clicks(truth, 0), words, 30.0)


def test_on_the_sample_set_labels_that_no_word_names_are_learned():
    sample = samples.load()
    column = [str(record.meta.get("setting", "")) for record in sample.records]
    names = sorted({*column} - {""})
    truth = np.array([names.index(one) if one else NOT_CLICKED for one in column])
    words = unit_rows(len(names), sample.space.dimension)  # no text of this model
    found = curve(sample.vectors, truth, words, sample.space.logit_scale, counts=(0, 4, 16), repeats=3)

    assert found.zero_shot < 0.3
    assert found.mean[1] > 0.85
    assert found.mean[2] > 0.99
