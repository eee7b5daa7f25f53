"""The no-match line and the percentiles: guarantees on synthetic data, brute force and scipy as oracles."""

import numpy as np
import pytest
from drawn import unit_rows
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import median_abs_deviation, norm, percentileofscore

from sharedspace.chance import SAMPLED, Baseline, baseline, percentile
from sharedspace.errors import BadInput
from sharedspace.vectors import unit

WIDE = 64  # dimensions
NO_WORDS = np.empty((0, WIDE), dtype=np.float32)
RATES = [0.01, 0.05, 0.1, 0.3, 0.9]


def concepts(kinds: list[int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A space as a trained model's: images near the axis of their kind, and a word for each of 40 kinds."""
    rng = np.random.default_rng(seed)
    axes = np.eye(WIDE)
    images = axes[kinds] + 0.12 * rng.normal(size=(len(kinds), WIDE))
    return unit(images), unit(axes[:40] + 0.05 * rng.normal(size=(40, WIDE)))


def brute_force(images: np.ndarray, bank: np.ndarray, words: np.ndarray, rate: float) -> float:
    """The line by its definition, with scipy's robust statistics and one sorted list."""
    cosines, of_words = bank.astype(np.float64) @ images.T, words.astype(np.float64) @ images.T
    best = cosines.max(axis=1)
    passing = int(np.floor((len(bank) + 1) * rate / 2 + 1e-9))  # captions that may reach the line
    captions = sorted(best, reverse=True)[passing - 1] if passing else np.inf
    typical = np.median(of_words, axis=1)
    spread = median_abs_deviation(typical, scale="normal")
    reach = np.median(best - np.median(cosines, axis=1))
    chance = max(captions, np.median(typical) + norm.isf(rate / 2) * spread + reach)
    return max(chance, (chance + np.percentile(of_words.max(axis=0), 5)) / 2)


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.3, 0.9])
@pytest.mark.parametrize("n", [1, 5, 16, 300])
def test_the_line_is_what_its_definition_says(n: int, rate: float):
    images, words = concepts([row % 30 for row in range(n)])
    bank = unit_rows(150, WIDE, seed=2)

    assert baseline(images, bank, words).line(rate) == pytest.approx(brute_force(images, bank, words, rate), abs=1e-4)


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_texts_that_are_like_the_bank_pass_no_more_often_than_the_rate(rate: float):
    rng = np.random.default_rng(1)
    passed = []
    for _ in range(120):  # each with a bank, images and queries of its own, offsets and hubs included
        hubs, drift = rng.normal(size=(2, 16))
        images = unit(rng.normal(size=(30, 16)) + hubs)
        texts = unit(rng.normal(size=(99 + 20, 16)) + drift)
        line = baseline(images, texts[:99], np.empty((0, 16), dtype=np.float32)).chance(rate)
        passed.append(np.mean((texts[99:] @ images.T).max(axis=1) >= line))

    # Half the rate is given to the captions: exact to the 100 places among which a query's is as likely as any.
    assert np.mean(passed) == pytest.approx(np.floor(100 * rate / 2) / 100, abs=0.012)


def test_a_model_without_meaning_answers_nothing():
    rng = np.random.default_rng(4)
    texts, images = (unit(rng.normal(size=(rows, WIDE)) + rng.normal(size=WIDE)) for rows in (900, 200))
    bank, words, queries = texts[:300], texts[300:400], texts[400:]
    line = baseline(images, bank, words).line()

    assert np.mean((queries @ images.T).max(axis=1) < line) > 0.95


def test_words_that_all_lie_higher_than_the_captions_are_not_taken_for_matches():
    rng = np.random.default_rng(6)
    drift = rng.normal(size=WIDE)
    images = unit(0.2 * rng.normal(size=(200, WIDE)) + drift)
    bank = unit(rng.normal(size=(300, WIDE)))
    words = unit(rng.normal(size=(600, WIDE)) + 0.2 * drift)
    line = baseline(images, bank, words[:100]).line()

    assert np.mean((words[100:] @ images.T).max(axis=1) < line) > 0.95


def test_of_one_kind_only_its_own_word_matches_and_all_of_it():
    images, words = concepts([3] * 50)
    line = baseline(images, unit_rows(150, WIDE, seed=2), words).line()
    matched = (words @ images.T) >= line  # (40, 50)

    assert matched[3].mean() > 0.95
    assert not np.delete(matched, 3, axis=0).any()


@pytest.mark.parametrize("n", [1, 2, 5, 16])
def test_few_images_match_their_own_word_and_no_other(n: int):
    kinds = [row * 7 % 40 for row in range(n)]
    images, words = concepts(kinds, seed=n)
    matched = (words @ images.T) >= baseline(images, unit_rows(150, WIDE, seed=2), words).line()

    assert matched.T.tolist() == [[word == kind for word in range(40)] for kind in kinds]


def test_a_concept_of_half_the_images_matches_that_half():
    kinds = [0] * 60 + [1 + row % 39 for row in range(60)]
    images, words = concepts(kinds)
    matched = words[0] @ images.T >= baseline(images, unit_rows(150, WIDE, seed=2), words).line()

    assert matched.tolist() == [kind == 0 for kind in kinds]


@given(st.lists(st.sampled_from(RATES), min_size=2, max_size=5), st.integers(1, 40), st.sampled_from([0, 40]))
def test_a_higher_rate_never_raises_the_line(rates: list[float], n: int, known: int):
    images, words = concepts([row % 9 for row in range(n)])
    base = baseline(images, unit_rows(60, WIDE, seed=5), words[:known])
    lines = [base.line(rate) for rate in sorted(rates)]

    assert lines == sorted(lines, reverse=True)


def test_order_and_duplicates_do_not_move_the_line():
    images, words = concepts([row % 30 for row in range(120)])
    bank = unit_rows(150, WIDE, seed=2)
    line = baseline(images, bank, words).line()
    order = np.random.default_rng(0).permutation(120)

    assert baseline(images[order], bank[::-1], words[::-1]).line() == pytest.approx(line, abs=1e-6)
    assert baseline(np.repeat(images, 3, axis=0), bank, words).line() == pytest.approx(line, abs=2e-3)


def test_what_a_neutral_caption_itself_reaches_is_not_a_match():
    images, bank = unit_rows(40, WIDE), unit_rows(60, WIDE, seed=1)
    base = baseline(images, bank, NO_WORDS)
    again = (bank @ images.T).max(axis=1) + 1e-6  # rounded otherwise

    assert (again >= base.line(2 / 61 + 1e-6)).sum() == 0  # one of 61 places: over them all
    assert (again >= base.line(6 / 61 + 1e-6)).sum() == 2


def test_a_bank_too_small_for_the_rate_lets_nothing_pass():
    assert baseline(unit_rows(5, WIDE), unit_rows(18, WIDE), NO_WORDS).line(0.05) == np.inf


@pytest.mark.parametrize("rate", [0, 1, -0.1, float("nan")])
def test_a_rate_that_is_none_is_refused(rate: float):
    base = baseline(unit_rows(5, WIDE), unit_rows(99, WIDE), NO_WORDS)

    with pytest.raises(BadInput, match=r"between 0 and 1"):
        base.line(rate)


@pytest.mark.parametrize(("n", "m"), [(0, 3), (3, 0)])
def test_no_images_or_no_captions_are_refused(n: int, m: int):
    with pytest.raises(ValueError, match=r"at least one image and one neutral caption"):
        baseline(np.empty((n, WIDE), np.float32), np.empty((m, WIDE), np.float32), NO_WORDS)


def test_blocks_and_the_sample_miss_no_image_of_a_large_collection():
    images = np.repeat(unit_rows(1, WIDE), 9000, axis=0)
    bank = unit_rows(60, WIDE, seed=1)
    images[[4095, 4096, 8999]] = bank[:3]
    base = baseline(images, bank, NO_WORDS)

    assert len(images) > SAMPLED
    np.testing.assert_allclose(base.reached[-3:], 1, atol=1e-6)


@given(st.lists(st.sampled_from([-0.5, 0.0, 0.25, 0.3]), min_size=1, max_size=30), st.sampled_from([-1, 0.0, 0.26, 1]))
def test_a_percentile_is_scipys_strict_one(scores: list[float], score: float):
    assert percentile(np.array(scores), score) == pytest.approx(percentileofscore(scores, score, kind="strict"))


@pytest.fixture(scope="module")
def pairs() -> tuple[Baseline, np.ndarray]:
    images, words = concepts([row % 30 for row in range(200)])
    bank = unit_rows(50, WIDE, seed=2)
    return baseline(images, bank, words), np.concatenate([bank, words]) @ images.T


@pytest.mark.parametrize("score", [-2, -0.2, 0.0, 0.1, 0.3, 0.7, 2])
def test_a_percentile_among_all_pairs_is_brute_forces_to_a_tenth(pairs: tuple[Baseline, np.ndarray], score: float):
    base, cosines = pairs

    assert base.pair_percentile(score) == pytest.approx(np.mean(cosines < score) * 100, abs=0.11)


def test_bands_hold_nine_in_ten(pairs: tuple[Baseline, np.ndarray]):
    base, cosines = pairs
    low, high = base.band

    assert np.mean((cosines >= low) & (cosines <= high)) == pytest.approx(0.9, abs=0.002)
    assert base.vocabulary is not None
    low, high = base.vocabulary.matching
    best = cosines[50:].max(axis=0)
    assert np.mean((best >= low) & (best <= high)) == pytest.approx(0.9, abs=0.01)
