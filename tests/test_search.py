"""Scores and hits against numpy brute force, mixing against the definition of correlation, words against scipy."""

from typing import Literal

import numpy as np
import pytest
from drawn import unit_rows
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import softmax
from scipy.stats import zscore

from sharedspace.errors import BadInput
from sharedspace.records import ImageRecord, Term
from sharedspace.search import Scores, Word, contrast, describe, mean, rank, scores, zscores

RECORDS = [ImageRecord(f"{row:02x}", f"{row}.png", 1, 1) for row in range(50)]
VECTORS = unit_rows(50, 6)


def term(vector: np.ndarray, weight: float = 1.0, kind: Literal["text", "image"] = "text") -> Term:
    return Term(kind, "it", vector, weight)


def as_scores(total: list[float]) -> Scores:
    return Scores(np.array(total, dtype=np.float32), np.empty((len(total), 0), dtype=np.float32))


@pytest.mark.parametrize("k", [1, 7, 50, 80])
def test_hits_of_one_term_equal_brute_force_best_first(k: int):
    query = unit_rows(1, 6, seed=4)[0]
    hits = rank(RECORDS, scores(VECTORS, [term(query)]), k)

    cosines = [float(np.dot(row.astype(float), query)) for row in VECTORS]
    best = sorted(range(50), key=lambda row: -cosines[row])[:k]
    assert [hit.id for hit in hits] == [RECORDS[row].id for row in best]
    assert [hit.path for hit in hits] == [RECORDS[row].path for row in best]
    assert [hit.score for hit in hits] == pytest.approx([cosines[row] for row in best], abs=1e-6)
    assert [hit.rank for hit in hits] == list(range(1, min(k, 50) + 1))
    assert {hit.matched for hit in hits} == {None}  # there is no line to match
    assert {hit.parts for hit in hits} == {()}


def test_of_equal_images_the_one_with_the_lower_row_comes_first():
    vectors = np.repeat(unit_rows(1, 4), 6, axis=0)
    query = unit_rows(1, 4)[0]

    for terms in ([term(query)], [term(query), term(unit_rows(1, 4, seed=1)[0])]):
        assert [hit.id for hit in rank(RECORDS[:6], scores(vectors, terms), 3)] == ["00", "01", "02"]


@pytest.mark.parametrize("weight", [0.25, 1.0, 8.0])
def test_one_term_gives_its_cosine_whatever_its_weight_and_minus_it_below_zero(weight: float):
    query = unit_rows(1, 6, seed=4)[0]

    for sign in (1, -1):
        scored = scores(VECTORS, [term(query, sign * weight)])
        np.testing.assert_allclose(scored.total, sign * (VECTORS.astype(float) @ query), atol=1e-6)
        assert (scored.total.dtype, scored.parts.shape) == (np.float32, (50, 0))


@given(st.lists(st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0]), min_size=2, max_size=5).filter(any))
def test_several_terms_give_the_weighted_sum_of_scipys_z_scores(weights: list[float]):
    queries = unit_rows(len(weights), 6, seed=3)
    scored = scores(VECTORS, [term(query, weight) for query, weight in zip(queries, weights, strict=True)])

    expected = zscore(VECTORS.astype(float) @ queries.T, axis=0) * weights
    np.testing.assert_allclose(scored.parts, expected, atol=1e-5)
    np.testing.assert_allclose(scored.total, expected.sum(axis=1), atol=1e-5)
    assert (scored.total.dtype, scored.parts.dtype) == (np.float32, np.float32)
    hits = rank(RECORDS, scored, 5)
    assert [sum(hit.parts) for hit in hits] == pytest.approx([hit.score for hit in hits], abs=1e-5)
    assert [len(hit.parts) for hit in hits] == [len(weights)] * 5


def gap() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images (300, 8) with a text far from all and a picture among them, as in CLIP's space: their cosines spread by
    0.01 and 0.4."""
    rows = unit_rows(300, 8, seed=1)
    rows[:, 7] = 0
    text = 0.02 * unit_rows(1, 8, seed=2)[0]
    text[7] = 1
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), text / np.linalg.norm(text), rows[5]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_text_and_a_picture_of_equal_weight_move_the_total_equally_though_their_cosines_spread_otherwise(sign: int):
    vectors, text, picture = gap()
    total = scores(vectors, [term(text), term(picture, sign, "image")]).total

    told = np.corrcoef([total, vectors @ text, sign * (vectors @ picture)])[0]
    assert told[1] == pytest.approx(told[2], abs=1e-4)
    plain = np.corrcoef([vectors @ text + sign * (vectors @ picture), vectors @ text, sign * (vectors @ picture)])[0]
    assert plain[2] - plain[1] > 0.3  # mixed as they are, the text would hardly count


@given(st.floats(0.1, 100))
def test_the_ranking_depends_on_the_ratio_of_the_weights_only(factor: float):
    one, other = unit_rows(2, 6, seed=9)
    plain = scores(VECTORS, [term(one, 1.0), term(other, -0.5)])
    scaled = scores(VECTORS, [term(one, factor), term(other, -0.5 * factor)])

    np.testing.assert_allclose(scaled.total, plain.total * factor, rtol=1e-3, atol=1e-5 * factor)


def test_a_term_that_is_equally_near_to_all_images_changes_nothing():
    vectors = np.zeros((30, 8), dtype=np.float32)
    vectors[:, :6] = unit_rows(30, 6) * 0.8
    vectors[:, 6] = 0.6
    everywhere, query = np.eye(8, dtype=np.float32)[[6, 0]]
    scored = scores(vectors, [term(query), term(everywhere, 5.0)])

    assert (scored.parts[:, 1] == 0).all()
    np.testing.assert_allclose(scored.total, zscore(vectors[:, 0].astype(float)), atol=1e-5)


@pytest.mark.parametrize(
    ("weights", "reason"),
    [([], "at least one"), ([0.0], "weight is not 0"), ([0.0, 0.0], "weight is not 0"), ([1.0, np.nan], "'it'")],
)
def test_a_query_that_asks_nothing_is_refused(weights: list[float], reason: str):
    with pytest.raises(BadInput, match=reason):
        scores(VECTORS, [term(VECTORS[0], weight) for weight in weights])


# Few distinct values, so that most examples have ties.
@given(
    st.lists(st.tuples(st.sampled_from([-1.0, -0.5, 0.0, 0.25, 1.0]), st.booleans()), max_size=50),
    st.integers(1, 60),
)
def test_under_a_filter_the_hits_are_those_of_brute_force_on_what_passes(rows: list[tuple[float, bool]], k: int):
    total, where = [score for score, _ in rows], np.array([passes for _, passes in rows], dtype=bool)
    hits = rank(RECORDS[: len(rows)], as_scores(total), k, where)

    passing = [row for row in range(len(rows)) if where[row]]
    best = sorted(passing, key=lambda row: (-total[row], row))[:k]
    assert [hit.id for hit in hits] == [RECORDS[row].id for row in best]
    assert [hit.score for hit in hits] == [total[row] for row in best]
    assert [hit.rank for hit in hits] == list(range(1, len(best) + 1))


def test_a_filter_leaves_score_and_parts_of_a_hit_as_they_are_without_it():
    scored = scores(VECTORS, [term(one) for one in unit_rows(3, 6, seed=5)])
    every = {hit.id: (hit.score, hit.parts) for hit in rank(RECORDS, scored, 50)}

    hits = rank(RECORDS, scored, 50, np.arange(50) % 3 == 0)
    assert {hit.id for hit in hits} == {f"{row:02x}" for row in range(0, 50, 3)}
    assert all(every[hit.id] == (hit.score, hit.parts) for hit in hits)


def test_a_filter_of_another_length_is_refused():
    with pytest.raises(IndexError):
        rank(RECORDS, scores(VECTORS, [term(VECTORS[0])]), 3, np.ones(49, dtype=bool))


def test_a_hit_is_matched_at_the_line_and_above():
    hits = rank(RECORDS[:4], as_scores([0.25, 0.5, 0.125, 0.75]), 4, line=0.25)

    assert [(hit.score, hit.matched) for hit in hits] == [(0.75, True), (0.5, True), (0.25, True), (0.125, False)]


@given(arrays.arrays(np.float32, st.integers(2, 40), elements=st.floats(-1, 1, width=32)))
def test_z_scores_have_mean_0_and_deviation_1_and_keep_the_order(column: np.ndarray):
    found = zscores(column)

    if column.std(dtype=np.float64) < 1e-5:
        assert np.abs(found).max() <= 7  # no deviation of rounding is blown up beyond what n values can reach
        return
    np.testing.assert_allclose([found.mean(), found.std()], [0, 1], atol=1e-2)
    assert (np.diff(found[np.argsort(column, kind="stable")]) >= 0).all()
    assert found.dtype == np.float32


def test_z_scores_of_a_constant_column_are_0_and_of_none_there_are_none():
    rounding = np.array([0.3, 0.3 + 3e-8, 0.3 - 3e-8], dtype=np.float32)
    assert rounding.std() > 0

    assert zscores(rounding).tolist() == [0, 0, 0]
    assert zscores(np.ones(1, dtype=np.float32)).tolist() == [0]
    assert zscores(np.empty(0, dtype=np.float32)).shape == (0,)


def test_contrast_is_the_difference_of_the_cosines_and_0_where_they_are_equal():
    one, other = unit_rows(2, 6, seed=7)
    rows = VECTORS.astype(float)

    np.testing.assert_allclose(contrast(VECTORS, one, other), rows @ one - rows @ other, atol=1e-6)
    between = (one + other) / np.linalg.norm(one + other)
    assert contrast(between[None], one, other) == pytest.approx([0], abs=1e-6)
    np.testing.assert_array_equal(contrast(VECTORS, one, other), -contrast(VECTORS, other, one))


def test_an_image_is_described_by_its_nearest_texts_with_shares_over_all_of_them():
    texts, rows = [f"word {row}" for row in range(9)], unit_rows(9, 6, seed=8)
    words = describe(VECTORS[3], texts, rows, 20.0, 4)

    cosines = rows.astype(float) @ VECTORS[3]
    shares = softmax(cosines * 20)
    best = np.argsort(-cosines)[:4]
    assert [word.text for word in words] == [texts[row] for row in best]
    assert [word.score for word in words] == pytest.approx(cosines[best], abs=1e-6)
    assert [word.share for word in words] == pytest.approx(shares[best], abs=1e-5)
    assert sum(word.share for word in describe(VECTORS[3], texts, rows, 20.0, 99)) == pytest.approx(1)
    assert describe(rows[2], texts[2:3], rows[2:3], 20.0, 5) == (Word("word 2", pytest.approx(1, abs=1e-6), 1.0),)


def test_no_texts_describe_nothing():
    with pytest.raises(BadInput, match="labels"):
        describe(VECTORS[0], [], np.empty((0, 6), dtype=np.float32), 20.0, 3)


def test_the_mean_of_images_points_where_their_sum_does():
    found = mean(VECTORS, [4, 9, 31])

    total = VECTORS[4].astype(float) + VECTORS[9] + VECTORS[31]
    np.testing.assert_allclose(found, total / np.linalg.norm(total), atol=1e-6)
    assert found.dtype == np.float32
    np.testing.assert_allclose(mean(VECTORS, np.array([7])), VECTORS[7], atol=1e-6)
    with pytest.raises(BadInput, match="at least one"):
        mean(VECTORS, [])
