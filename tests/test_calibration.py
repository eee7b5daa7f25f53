"""Thresholds from clicks, probabilities that mean what they say, and the figures that tell whether they do."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import expit, log_softmax, softmax
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from sharedspace.calibration import Calibration, calibrate, calibrate_softmax, halves, reliability, strip, threshold
from sharedspace.errors import BadInput

# Of 33 scores, so that ties are frequent.
CLICK = st.tuples(st.integers(-16, 16).map(lambda sixteenth: sixteenth / 16), st.booleans())
CLICKS = st.lists(CLICK, min_size=1, max_size=12)
PRIOR = st.none() | st.floats(-1, 1)


def cut(clicks: list[tuple[float, bool]], prior: float | None = None):
    return threshold(np.array([score for score, _ in clicks]), np.array([yes for _, yes in clicks], dtype=bool), prior)


def mistakes(clicks: list[tuple[float, bool]], value: float) -> int:
    return sum((score >= value) != yes for score, yes in clicks)


@given(CLICKS, PRIOR, st.randoms(use_true_random=False))
def test_a_threshold_does_not_depend_on_the_order_of_the_clicks(clicks, prior, random):
    mixed = clicks.copy()
    random.shuffle(mixed)

    assert cut(mixed, prior) == cut(clicks, prior)


@given(CLICKS, PRIOR)
def test_no_cut_makes_fewer_mistakes_and_it_says_how_many_it_makes(clicks, prior):
    found = cut(clicks, prior)
    tried = [*(score for score, _ in clicks), 2.0]  # at each score, and above all

    assert found.mistakes == mistakes(clicks, found.value) == min(mistakes(clicks, value) for value in tried)
    assert (found.yes, found.no) == (sum(yes for _, yes in clicks), sum(not yes for _, yes in clicks))
    assert found.low <= found.value <= found.high


@given(CLICKS, PRIOR)
def test_clicks_that_can_be_separated_are(clicks, prior):
    lowest_yes = min((score for score, yes in clicks if yes), default=2.0)
    assume(all(score < lowest_yes for score, yes in clicks if not yes))

    assert cut(clicks, prior).mistakes == 0


@given(CLICKS, PRIOR, st.integers(-16, 16))
def test_accepting_an_image_under_the_threshold_never_raises_it(clicks, prior, sixteenth):
    before = cut(clicks, prior).value
    assume(sixteenth / 16 < before)

    assert cut([*clicks, (sixteenth / 16, True)], prior).value <= before


@given(CLICKS, PRIOR, st.integers(-16, 16))
def test_rejecting_an_image_above_the_threshold_never_lowers_it(clicks, prior, sixteenth):
    before = cut(clicks, prior).value
    assume(sixteenth / 16 >= before)

    assert cut([*clicks, (sixteenth / 16, False)], prior).value >= before


def test_of_equal_cuts_it_is_the_middle_of_the_widest_gap():
    assert cut([(0.5, True), (0.1, False)]).value == pytest.approx(0.3)
    wide = cut([(0.1, False), (0.2, True), (0.3, False), (0.7, True)])  # .1 to .2 makes one mistake, .3 to .7 too
    assert (wide.value, wide.low, wide.high, wide.mistakes) == (pytest.approx(0.5), 0.3, 0.7, 1)
    assert cut([(0.1, False), (0.5, True), (0.6, False), (0.7, True)]).value == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("clicks", "prior", "expected"),
    [
        ([(0.5, True), (0.8, True)], 0.3, 0.3),  # the clicks agree with it
        ([(0.5, True), (0.8, True)], 0.6, 0.49999),
        ([(0.5, True), (0.8, True)], None, 0.49999),
        ([(0.5, False), (0.2, False)], 0.7, 0.7),
        ([(0.5, False), (0.2, False)], 0.3, 0.50001),
        ([(0.5, False), (0.2, False)], None, 0.50001),
        ([(0.2, True), (0.8, False)], 0.9, 0.9),  # the wrong way round: all in or none in, as the prior says
        ([(0.2, True), (0.8, False)], 0.1, 0.1),
        ([], 0.25, 0.25),
    ],
)
def test_one_sided_clicks_leave_the_prior_where_it_agrees_and_else_go_just_beyond(clicks, prior, expected):
    assert cut(clicks, prior).value == pytest.approx(expected, abs=1e-9)


def test_scores_of_one_rounding_apart_are_still_told_apart():
    low = np.float32(0.5)
    high = np.nextafter(low, np.float32(1))
    scores = np.array([low, high])

    found = threshold(scores, np.array([False, True]))
    assert (scores >= found.value).tolist() == [False, True]


def test_without_a_click_and_without_a_prior_there_is_no_threshold():
    with pytest.raises(BadInput, match="Accept or reject at least one"):
        cut([])


@pytest.mark.parametrize(("scores", "answers"), [([0.1, np.nan], [True, False]), ([0.1], [True, False]), ([0.1], [1])])
def test_what_are_no_scores_and_answers_is_refused(scores, answers):
    with pytest.raises(ValueError, match=r"finite|are needed"):
        threshold(np.array(scores), np.array(answers))


def test_a_strip_keeps_the_judged_spans_the_range_and_is_densest_at_the_threshold():
    scores = np.random.default_rng(0).normal(size=500).astype(np.float32)
    found = strip(scores, [7, 300], 24, 1.0)

    assert len(found) == len(set(found.tolist())) == 24
    assert {7, 300, int(scores.argmax()), int(scores.argmin())} <= set(found.tolist())
    assert (np.diff(scores[found]) <= 0).all()
    nearest = np.argsort(np.abs(scores - 1.0))[:11]
    assert set(nearest.tolist()) <= set(found.tolist())
    apart = np.diff(np.sort(scores[found]))
    assert apart.max() < (scores.max() - scores.min()) / 5  # eleven steps would be a tenth each
    assert np.array_equal(found, strip(scores, np.array([300, 7]), 24, 1.0))


def test_a_strip_of_few_images_is_all_of_them_and_the_judged_stay_however_many():
    scores = np.array([0.1, 0.9, 0.5])

    assert strip(scores, [], 10, 0.5).tolist() == [1, 2, 0]
    assert strip(scores, [0, 1, 2], 1, 0.5).tolist() == [1, 2, 0]
    assert strip(np.array([]), [], 5, 0.5).tolist() == []
    assert strip(np.full(5, 0.5), [3], 3, 0.5).tolist() == [0, 1, 3]


def judged(n: int, slope: float, offset: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    logits = rng.normal(20, 3, n)
    return logits, rng.random(n) < expit(slope * (logits - 20) + offset)


@pytest.mark.parametrize(("n", "slope", "offset"), [(30, 0.5, 0.3), (400, 0.8, -2.0), (60, 50.0, 0.0)])
def test_temperature_and_offset_are_those_of_a_logistic_regression_on_smoothed_targets(n, slope, offset):
    logits, accepted = judged(n, slope, offset)
    found = calibrate(logits, accepted)

    yes, no = accepted.sum(), (~accepted).sum()
    target = np.where(accepted, (yes + 1) / (yes + 2), 1 / (no + 2))
    twice = np.concatenate([logits, logits])[:, None] - 20  # each image as a yes and as a no, by its target
    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(
        twice, np.repeat([1, 0], n), np.concatenate([target, 1 - target])
    )
    assert 1 / found.temperature == pytest.approx(oracle.coef_[0, 0], rel=1e-3)
    expected = oracle.predict_proba(logits[:, None] - 20)[:, 1]
    np.testing.assert_allclose(found.probabilities(logits), expected, atol=1e-4)
    assert found.n == n


def test_logits_that_say_the_opposite_make_no_label_less_probable():
    logits, accepted = judged(200, -1.0, 0.0)
    found = calibrate(logits, accepted)

    assert found.temperature == pytest.approx(1000)
    assert found.probabilities(logits) == pytest.approx(accepted.mean(), abs=0.02)


def test_equal_logits_give_the_share_that_was_accepted():
    found = calibrate(np.full(40, 7.0), np.arange(40) < 10)

    assert found.probabilities(np.array([7.0]))[0] == pytest.approx(0.25, abs=0.03)


def test_calibration_says_how_many_are_missing():
    with pytest.raises(BadInput, match="needs 30 judged images, and 12 are: judge 18 more"):
        calibrate(np.zeros(12), np.zeros(12, dtype=bool))
    with pytest.raises(BadInput, match="and 29 are: judge 1 more"):
        calibrate_softmax(np.zeros((29, 3)), np.zeros(29, dtype=int))


@pytest.mark.parametrize(("accepted", "missing"), [(True, "rejected"), (False, "accepted")])
def test_calibration_needs_a_yes_and_a_no(accepted, missing):
    with pytest.raises(BadInput, match=f"needs some {missing} ones too"):
        calibrate(np.arange(40.0), np.full(40, accepted))


def smoothed_loss(logits: np.ndarray, true: np.ndarray, temperature: float) -> float:
    m, labels = logits.shape
    target = np.full((m, labels), 1 / (m + 2) / (labels - 1))
    target[np.arange(m), true] = (m + 1) / (m + 2)
    return -float((target * log_softmax(logits / temperature, axis=1)).sum())


@pytest.mark.parametrize("too_sure", [0.2, 1.0, 7.0])
def test_the_temperature_of_a_softmax_is_the_best_of_a_grid(too_sure):
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (300, 5))
    true = np.array([rng.choice(5, p=row) for row in softmax(logits, axis=1)])
    found = calibrate_softmax(too_sure * logits, true)

    grid = np.geomspace(0.02, 50, 4001)
    best = grid[np.argmin([smoothed_loss(too_sure * logits, true, one) for one in grid])]
    assert found.temperature == pytest.approx(best, rel=2e-3)
    assert found.temperature == pytest.approx(too_sure, rel=0.2)
    assert (found.offset, found.n) == (0, 300)


def test_thirty_right_of_thirty_do_not_promise_certainty():
    logits = np.eye(3)[np.arange(30) % 3] * 4
    found = calibrate_softmax(logits, np.arange(30) % 3)

    assert softmax(logits / found.temperature, axis=1).max() == pytest.approx(31 / 32, abs=1e-4)


def test_a_softmax_of_one_label_and_what_is_not_a_table_are_refused():
    with pytest.raises(BadInput, match="at least two labels"):
        calibrate_softmax(np.zeros((30, 1)), np.zeros(30, dtype=int))
    with pytest.raises(ValueError, match=r"logits \(m, L\)"):
        calibrate_softmax(np.zeros((30, 2)), np.zeros(29, dtype=int))
    with pytest.raises(ValueError, match="from 0 to 1"):
        calibrate_softmax(np.zeros((30, 2)), np.full(30, -1))


# The edges of bins among them.
CONFIDENCE = st.integers(0, 1000).map(lambda one: one / 1000) | st.integers(0, 8).map(lambda one: one / 8)
CONFIDENCES = st.lists(CONFIDENCE, min_size=1, max_size=60)


@given(CONFIDENCES, st.integers(1, 20) | st.sampled_from([2, 4, 8]), st.integers(0, 2**32 - 1))
def test_a_reliability_diagram_is_that_of_scikit_learn_and_its_error_the_sum_over_bins(confidences, bins, seed):
    confidence = np.array(confidences)
    right = np.random.default_rng(seed).random(len(confidence)) < confidence
    found = reliability(confidence, right, bins)

    accuracy, promised = calibration_curve(right, confidence, n_bins=bins) if len(set(right)) == 2 else (None, None)
    full = found.counts > 0
    if accuracy is not None:
        np.testing.assert_allclose(found.accuracy[full], accuracy)
        np.testing.assert_allclose(found.confidence[full], promised)
    assert np.isnan(found.accuracy[~full]).all()
    assert np.isnan(found.confidence[~full]).all()
    assert found.counts.sum() == len(confidence)
    ece = 0.0
    for low, high in zip(found.edges[:-1], found.edges[1:], strict=True):
        inside = (confidence > low) & (confidence <= high) | ((low == 0) & (confidence == 0))
        if inside.any():
            ece += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert found.ece == pytest.approx(ece, abs=1e-12)


def test_calibration_lowers_the_error_on_images_it_did_not_see():
    logits, accepted = judged(2000, 0.4, 1.0)
    fitted = halves([str(row) for row in range(2000)])
    found = calibrate(logits[fitted], accepted[fitted])

    before = reliability(expit(logits[~fitted]), accepted[~fitted])
    after = reliability(found.probabilities(logits[~fitted]), accepted[~fitted])
    assert before.ece > 0.2
    assert after.ece < 0.05


@pytest.mark.parametrize("bins", [0, 101])
def test_a_diagram_without_images_or_with_a_strange_number_of_bins_is_refused(bins: int):
    with pytest.raises(BadInput, match="at least one image"):
        reliability(np.array([]), np.array([], dtype=bool))
    with pytest.raises(BadInput, match=f"1 to 100 bins, not {bins}"):
        reliability(np.array([0.5]), np.array([True]), bins)
    with pytest.raises(ValueError, match="from 0 to 1"):
        reliability(np.array([1.5]), np.array([True]))


IDS = st.lists(st.text(max_size=8), unique=True, max_size=30)


@given(IDS, st.integers(1, 4), st.randoms(use_true_random=False))
def test_halves_are_equal_within_each_label_and_do_not_depend_on_the_order(ids, kinds, random):
    label = {id: str(at % kinds) for at, id in enumerate(ids)}
    fitted = dict(zip(ids, halves(ids, [label[id] for id in ids]).tolist(), strict=True))
    mixed = ids.copy()
    random.shuffle(mixed)

    assert dict(zip(mixed, halves(mixed, [label[id] for id in mixed]).tolist(), strict=True)) == fitted
    for group in [set(ids), *({id for id in ids if label[id] == str(kind)} for kind in range(kinds))]:
        assert abs(2 * sum(fitted[id] for id in group) - len(group)) <= 1


def test_halves_are_the_same_in_every_run_and_not_every_other_row():
    found = halves([str(row) for row in range(12)])

    assert "".join("fh"[not one] for one in found) == "fhhfhhffhffh"


def test_a_calibration_is_applied_as_it_is_written():
    assert Calibration(2.0, -1.0, 30).probabilities(np.array([2.0, 6.0])) == pytest.approx([0.5, expit(2)])
