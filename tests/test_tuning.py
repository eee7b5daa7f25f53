"""Clicks make a classifier better: against written-out log-odds, counts by hand, and the sample set's truth."""

from dataclasses import replace

import numpy as np
import pytest

from sharedspace import calibration, heads, samples, tuning, zeroshot
from sharedspace.calibration import Calibration
from sharedspace.classifier import Classifier
from sharedspace.records import Mode, Space
from sharedspace.tuning import CALIBRATION, EXAMPLES, NO, OPEN, THRESHOLDS, YES
from sharedspace.vectors import sigmoid, unit

SPACE = Space("f", "m", 8, 20.0)


def made(mode: Mode = "one", other: int = 0, labels: int = 3, seed: int = 0) -> Classifier:
    rng = np.random.default_rng(seed)
    rows = unit(rng.normal(size=(labels + other, 8))) * 20
    places = np.minimum(np.arange(labels + other), labels)
    names = tuple(f"label {place}" for place in range(labels))
    return Classifier(names, rows, np.zeros(len(rows)), places, SPACE, mode)


def images(n: int = 200, seed: int = 1) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(n, 8))).astype(np.float32)


def ids(n: int) -> list[str]:
    return [f"{row:064x}" for row in range(n)]


@pytest.mark.parametrize(("mode", "other"), [("one", 0), ("one", 4), ("many", 0), ("many", 4)])
def test_the_sigmoid_of_log_odds_is_the_probability(mode: Mode, other: int):
    classifier, vectors = made(mode, other), images()
    odds = tuning.log_odds(classifier.logits(vectors), classifier)
    np.testing.assert_allclose(sigmoid(odds), classifier.probabilities(vectors)[:, :3], atol=2e-6)


def test_log_odds_tell_apart_what_a_probability_of_1_does_not():
    classifier = replace(made(), weights=np.eye(3, 8) * 40)
    vectors = np.eye(3, 8)[[0, 0]] + [[0] * 8, [0, 0.25, *[0] * 6]]
    odds = tuning.log_odds(classifier.logits(vectors), classifier)[:, 0]
    assert (sigmoid(odds).astype(np.float32) == 1).all()
    np.testing.assert_allclose(odds, [40 - np.log(2), 40 - np.logaddexp(10, 0)], rtol=1e-6)


def test_examples_are_the_images_accepted_for_one_label_only():
    judged = np.array([[YES, YES, NO, OPEN], [OPEN, YES, NO, YES]])
    assert tuning.examples(judged).tolist() == [0, -1, -1, 1]
    assert tuning.judgements(judged) == 6


def test_thresholds_follow_the_clicks_and_their_order_does_not_count():
    classifier, vectors = made("many"), images()
    odds = tuning.log_odds(classifier.logits(vectors), classifier)[:, 1]
    order = np.argsort(odds)
    judged = np.full((3, 200), OPEN)
    judged[1, order[[150, 160, 190]]] = YES
    judged[1, order[[20, 100, 120]]] = NO
    found = tuning.tune(classifier, vectors, ids(200), judged, {THRESHOLDS})
    threshold = found.thresholds[1]
    assert threshold is not None
    assert (threshold.yes, threshold.no, threshold.mistakes) == (3, 3, 0)
    assert odds[order[120]] < threshold.value < odds[order[150]]
    assert found.classifier.thresholds is not None
    np.testing.assert_allclose(found.classifier.thresholds, [0.5, sigmoid(np.array(threshold.value)), 0.5], rtol=1e-6)

    mixed = np.random.default_rng(5).permutation(200)
    again = tuning.tune(classifier, vectors[mixed], [ids(200)[row] for row in mixed], judged[:, mixed], {THRESHOLDS})
    np.testing.assert_array_equal(again.classifier.thresholds, found.classifier.thresholds)


@pytest.mark.parametrize("other", [0, 4])
def test_calibration_in_weights_and_bias_is_that_of_the_log_odds(other: int):
    classifier, vectors = made("many", other), images()
    classifier = replace(classifier, bias=np.linspace(-2, 2, 3 + other))
    changed = tuning.calibrated(classifier, Calibration(2.5, -0.75, 40))
    before = tuning.log_odds(classifier.logits(vectors), classifier)
    after = tuning.log_odds(changed.logits(vectors), changed)
    np.testing.assert_allclose(after, before / 2.5 - 0.75, atol=1e-5)


def test_a_calibration_undoes_logits_that_are_three_times_too_sure():
    """Truth is drawn from known probabilities; the classifier gives the same logits times three."""
    rng = np.random.default_rng(2)
    vectors = images(3000)
    weights = unit(rng.normal(size=(1, 8))) * 4
    right = rng.random(3000) < sigmoid(vectors @ weights[0])
    classifier = Classifier(("it",), weights * 3, np.zeros(1), np.zeros(1, int), SPACE, "many")
    found = tuning.tune(classifier, vectors, ids(3000), np.where(right, YES, NO)[None], {CALIBRATION})
    assert found.calibration is not None
    assert found.calibration.temperature == pytest.approx(3, rel=0.15)
    assert found.before is not None
    assert found.after is not None
    assert found.before.counts.sum() == found.after.counts.sum() == 1500  # the half that did not fit it
    assert found.before.ece > 0.1
    assert found.after.ece < 0.04
    before, after = (tuning.log_odds(one.logits(vectors), one) for one in (classifier, found.classifier))
    np.testing.assert_allclose(after, before / found.calibration.temperature + found.calibration.offset, atol=1e-4)


def test_reliability_is_that_of_the_half_which_did_not_fit_the_calibration():
    classifier, vectors = made("many", labels=1), images(60)
    right = np.random.default_rng(4).random(60) < 0.5
    found = tuning.tune(classifier, vectors, ids(60), np.where(right, YES, NO)[None], {CALIBRATION})
    odds, fitted = tuning.log_odds(classifier.logits(vectors), classifier)[:, 0], calibration.halves(ids(60))
    fit = calibration.calibrate(odds[fitted], right[fitted])
    sure = sigmoid(odds[~fitted] / fit.temperature + fit.offset)
    assert found.after is not None
    assert found.after.ece == pytest.approx(calibration.reliability(sure, right[~fitted]).ece)


def test_of_one_of_n_the_temperature_alone_is_calibrated():
    """The true label is drawn from softmax probabilities; the classifier gives the same logits times three."""
    rng = np.random.default_rng(6)
    vectors, weights = images(2000), unit(rng.normal(size=(3, 8))) * 4
    logits = vectors @ weights.T
    true = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    judged = np.where(true == np.arange(3)[:, None], YES, OPEN)
    classifier = Classifier(("a", "b", "c"), weights * 3, np.zeros(3), np.arange(3), SPACE)
    found = tuning.tune(classifier, vectors, ids(2000), judged, {CALIBRATION})
    assert found.calibration is not None
    assert (found.calibration.temperature, found.calibration.offset) == (pytest.approx(3, rel=0.15), 0)
    assert found.before is not None
    assert found.after is not None
    assert found.after.ece < 0.05 < found.before.ece


def test_thirty_judgements_are_enough_for_a_calibration_and_29_are_not():
    vectors = images(30)
    judged = np.array([[YES, NO] * 15])
    classifier = made("many", labels=1)
    assert tuning.missing(classifier, judged[:, :29]) == 1
    assert tuning.tune(classifier, vectors[:29], ids(29), judged[:, :29], {CALIBRATION}).calibration is None
    found = tuning.tune(classifier, vectors, ids(30), judged, {CALIBRATION})
    assert found.calibration is not None
    assert found.before is not None
    assert found.before.counts.sum() == 15


def test_answers_that_are_all_yes_are_no_calibration_but_a_threshold():
    classifier, vectors = made("many", labels=1), images(40)
    found = tuning.tune(classifier, vectors, ids(40), np.full((1, 40), YES), {CALIBRATION, THRESHOLDS})
    assert found.calibration is None
    assert found.thresholds[0] is not None


def test_without_clicks_or_uses_the_classifier_stays_as_it_is():
    classifier, vectors = made(), images(20)
    nothing = np.full((3, 20), OPEN)
    for judged, uses in ((nothing, tuning.USES), (np.full((3, 20), NO), ())):
        assert tuning.tune(classifier, vectors, ids(20), judged, uses).classifier is classifier


def test_examples_teach_pocket_to_count_and_the_file_does_what_the_head_does():
    """Words alone count badly on drawings (.37); eight clicks a number do better on pictures that were not clicked."""
    sample = samples.load()
    counts = [str(record.meta.get("count")) for record in sample.records]
    names = ("1", "2", "3", "4", "5")
    truth = np.array([names.index(count) if count in names else -1 for count in counts])
    words = unit(np.stack([sample.vectors[truth == 0].mean(axis=0)] * 5))  # words that say nothing
    classifier = Classifier(names, words * 20, np.zeros(5), np.arange(5), sample.space)
    judged = np.full((5, len(truth)), OPEN)
    for label in range(5):
        judged[label, np.flatnonzero(truth == label)[:8]] = YES
    found = tuning.tune(classifier, sample.vectors, [record.id for record in sample.records], judged, {EXAMPLES})
    assert found.learned is not None
    assert found.learned.n == 40
    head = heads.fit(sample.vectors, tuning.examples(judged), words, 20.0)
    np.testing.assert_allclose(found.classifier.logits(sample.vectors), head.logits(sample.vectors), atol=1e-4)
    rest = (judged == OPEN).all(axis=0) & (truth >= 0)
    best = found.classifier.probabilities(sample.vectors[rest]).argmax(axis=1)
    assert (best == truth[rest]).mean() > 0.35


def test_examples_are_for_one_of_n_without_none_of_these():
    assert tuning.learns(made())
    assert not tuning.learns(made("one", 4))
    assert not tuning.learns(made("many"))
    judged = np.full((3, 20), OPEN)
    judged[0, :3] = YES
    for classifier in (made("one", 4), made("many")):
        assert tuning.tune(classifier, images(20), ids(20), judged, {EXAMPLES}).learned is None


def test_probabilities_of_the_bench_are_those_of_its_classifier():
    classifier, vectors = made("one"), images()
    cosines = vectors @ (classifier.weights / 20).T
    np.testing.assert_allclose(zeroshot.probabilities(cosines, 20.0), classifier.probabilities(vectors), atol=1e-6)


def test_calibration_beside_examples_judges_each_image_by_a_head_without_it():
    """Words that say nothing and labels drawn at random: the head knows its clicks by heart, and nothing of others."""
    rng = np.random.default_rng(8)
    vectors = unit(rng.normal(size=(400, 64))).astype(np.float32)
    space = Space("f", "m", 64, 20.0)
    words = unit(rng.normal(size=(4, 64)))
    classifier = Classifier(tuple("abcd"), words * 20, np.zeros(4), np.arange(4), space)
    judged = np.full((4, 400), OPEN)
    judged[rng.integers(0, 4, 80), np.arange(80)] = YES
    found = tuning.tune(classifier, vectors, ids(400), judged, {EXAMPLES, CALIBRATION})
    assert found.learned is not None
    assert found.learned.head < 0.45
    assert found.after is not None
    assert found.after.ece < 0.2
    sure = found.classifier.probabilities(vectors[80:]).max(axis=1)
    assert sure.mean() < 0.5  # of images that it does not know it promises little


def test_what_no_probability_can_tell_apart_counts_as_a_mistake():
    odds, judged = np.array([80.0, 59.8]), np.array([YES, NO])
    found = tuning.threshold(odds, judged, "many")
    assert found is not None
    assert found.mistakes == 1


def test_of_one_of_n_a_yes_alone_takes_the_label_from_no_image():
    classifier, vectors = made("one"), images()
    judged = np.full((3, 200), OPEN)
    judged[0, 5] = YES
    found = tuning.tune(classifier, vectors, ids(200), judged, {THRESHOLDS}).classifier
    assert found.thresholds is not None
    assert found.thresholds.max() < 1e-6
