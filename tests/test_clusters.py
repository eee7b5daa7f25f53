"""Groups: found where they are, numbered by size, refused where they cannot be."""

import numpy as np
import pytest
from drawn import unit_rows
from sklearn.cluster import HDBSCAN
from sklearn.metrics import adjusted_rand_score, silhouette_samples, silhouette_score

from sharedspace import clusters
from sharedspace.clusters import (
    NOISE,
    agreement,
    best_k,
    by_size,
    default_min_size,
    hdbscan,
    hdbscan_map,
    kmeans,
    merge,
    move,
    neighbours_among,
    silhouette,
    split,
    stability,
    typical,
)
from sharedspace.errors import BadInput
from sharedspace.vectors import nearest_rows

SIZES = (12, 30, 20)
TRUE = np.repeat(np.arange(3), SIZES)


def groups(noise: int = 0, times: int = 1) -> np.ndarray:
    """Three tight groups of 12, 30 and 20 unit rows, or that many times as large, then loose ones."""
    rng = np.random.default_rng(0)
    true = np.repeat(TRUE, times)
    rows = np.eye(3, 16)[true] + 0.05 * rng.normal(size=(len(true), 16))
    loose = np.concatenate([np.zeros((noise, 3)), rng.normal(size=(noise, 13))], axis=1)
    rows = np.concatenate([rows, loose])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_hdbscan_finds_the_groups_and_calls_what_belongs_to_none_noise():
    found = hdbscan(groups(noise=6))

    assert adjusted_rand_score(TRUE, found[:62]) > 0.95
    assert (found[62:] == NOISE).all()


@pytest.mark.parametrize("method", [hdbscan, lambda rows: kmeans(rows, 3)], ids=["hdbscan", "kmeans"])
def test_group_0_is_the_largest_and_so_on(method):
    found = method(groups())

    counts = np.bincount(found[found >= 0])
    assert len(counts) == 3
    assert (np.diff(counts) <= 0).all()
    assert np.bincount(TRUE[found == 0]).argmax() == 1  # the group of 30


def test_kmeans_finds_the_groups_and_repeats_itself():
    found = kmeans(groups(), 3)

    assert adjusted_rand_score(TRUE, found) == 1
    assert np.array_equal(found, kmeans(groups(), 3))


def test_neither_method_changes_the_vectors_it_is_given():
    rows = groups()
    rows.flags.writeable = False  # as a memory-mapped snapshot is

    hdbscan(rows)
    kmeans(rows, 3)
    assert np.array_equal(rows, groups())


@pytest.mark.parametrize("k", [0, -1, 63])
def test_a_count_of_groups_that_cannot_be_is_refused(k: int):
    with pytest.raises(BadInput, match=f"62 images can be put into 1 to 62 groups, not {k}"):
        kmeans(groups(), k)


def test_a_smallest_group_under_two_is_refused_and_too_few_images_are_all_noise():
    with pytest.raises(BadInput, match="at least 2 images, not 1"):
        hdbscan(groups(), min_size=1)
    assert hdbscan(unit_rows(4, 8)).tolist() == [NOISE] * 4
    assert hdbscan(unit_rows(1, 8)).tolist() == [NOISE]


def test_more_groups_than_different_images_are_fewer_groups():
    found = kmeans(np.repeat(unit_rows(2, 4), 4, axis=0), 3)

    assert adjusted_rand_score([0] * 4 + [1] * 4, found) == 1


def test_all_equal_images_are_one_group_or_noise_and_no_error():
    rows = np.repeat(unit_rows(1, 8), 20, axis=0)

    assert len(set(hdbscan(rows).tolist())) == 1
    assert kmeans(rows, 1).tolist() == [0] * 20


def test_numbering_by_size_keeps_the_groups_and_the_noise():
    labels = np.array([5, 5, -1, 2, 2, 2, 9, -1])

    assert by_size(labels).tolist() == [1, 1, -1, 0, 0, 0, 2, -1]
    assert by_size(np.array([], dtype=int)).tolist() == []
    assert by_size(np.array([-1, -1])).tolist() == [-1, -1]


def test_typical_members_are_the_nearest_to_the_middle_of_their_group():
    rows, members = groups(), np.flatnonzero(TRUE == 2)
    found = typical(rows, members, 4)

    middle = rows[members].mean(axis=0)
    assert found == sorted(members, key=lambda row: -float(rows[row] @ middle))[:4]
    assert typical(rows, [3], 4) == [3]


def test_the_smallest_group_grows_with_the_set():
    assert [default_min_size(n) for n in (3, 499, 1000, 20_000)] == [5, 5, 6, 28]


# ---- the graph of neighbours


def test_hdbscan_of_no_more_rows_than_neighbours_is_that_of_scikit_learn_on_the_vectors():
    rows = groups(noise=8)[12:62]
    expected = HDBSCAN(5, min_samples=5, copy=True).fit_predict(rows)

    assert expected.max() >= 1
    assert np.array_equal(hdbscan(rows), by_size(expected))


def test_hdbscan_of_many_rows_finds_the_same_groups_as_scikit_learn_on_the_vectors():
    rows = groups(noise=30, times=10)
    expected = HDBSCAN(5, min_samples=5, copy=True).fit_predict(rows)

    assert expected.max() >= 2
    assert adjusted_rand_score(expected, hdbscan(rows)) > 0.98


def test_hdbscan_finds_groups_that_no_neighbour_joins():
    rows = groups(times=10)  # 120, 300 and 200, each more than the 50 neighbours
    near = nearest_rows(rows, 50)[0]
    true = np.repeat(TRUE, 10)
    assert (true[near] == true[:, None]).all()

    assert adjusted_rand_score(true, hdbscan(rows)) > 0.98


def test_known_neighbours_give_the_same_groups_also_for_a_part_of_the_rows():
    rows = groups(noise=20, times=3)
    near = nearest_rows(rows, 50)
    kept = np.random.default_rng(1).random(len(rows)) < 0.9
    among = neighbours_among(near, kept)
    assert among is not None

    assert np.array_equal(hdbscan(rows, near=near), hdbscan(rows))
    assert adjusted_rand_score(hdbscan(rows[kept]), hdbscan(rows[kept], near=among)) > 0.95


def test_neighbours_among_a_part_are_those_of_that_part_and_none_where_too_few_are_left():
    rows = groups(times=3)
    near, kept = nearest_rows(rows, 50), np.arange(len(rows)) % 5 > 0
    among = neighbours_among(near, kept)
    assert among is not None

    alone = nearest_rows(rows[kept], 50)[0]
    for left, right in zip(among[0], alone, strict=True):
        left = left[left >= 0]
        assert left.tolist() == right[: len(left)].tolist()
    assert neighbours_among(near, np.arange(len(rows)) % 20 == 0) is None


def test_groups_of_a_map_are_those_of_scikit_learn_on_its_points():
    rng = np.random.default_rng(2)
    xy = np.concatenate([rng.normal(centre, 0.2, size=(25, 2)) for centre in (0.0, 3.0)])

    found = hdbscan_map(xy, 4)
    assert np.array_equal(found, by_size(HDBSCAN(4, min_samples=4, copy=True).fit_predict(xy)))
    assert hdbscan_map(xy[:3], 4).tolist() == [NOISE] * 3


@pytest.mark.parametrize("begun", [20, 40])
def test_kmeans_of_many_begins_on_a_sample_and_finds_the_same_groups(monkeypatch: pytest.MonkeyPatch, begun: int):
    rows = groups(times=3)
    expected = kmeans(rows, 3)
    monkeypatch.setattr(clusters, "MANY", 100)
    monkeypatch.setattr(clusters, "BEGUN", begun)

    assert np.array_equal(kmeans(rows, 3), expected)
    assert np.array_equal(kmeans(rows, 3, seed=5), expected)


def test_kmeans_of_many_duplicates_begins_on_all_where_a_sample_has_too_few_different(monkeypatch: pytest.MonkeyPatch):
    rows = np.concatenate([np.repeat(unit_rows(1, 8), 200, axis=0), unit_rows(3, 8, seed=1)])
    monkeypatch.setattr(clusters, "MANY", 100)
    monkeypatch.setattr(clusters, "BEGUN", 40)

    assert np.bincount(kmeans(rows, 4)).tolist() == [200, 1, 1, 1]


# ---- judging


@pytest.mark.parametrize("k", [2, 5])
def test_the_silhouette_is_that_of_scikit_learn_with_the_cosine_distance(k: int):
    rows = groups(noise=10)
    labels = kmeans(rows, k)

    assert silhouette(rows, labels) == pytest.approx(silhouette_samples(rows, labels, metric="cosine"), abs=1e-5)


def test_in_the_silhouette_noise_is_no_group_and_has_none():
    rows = groups(noise=10)
    labels = np.concatenate([TRUE, np.full(10, NOISE)])

    widths = silhouette(rows, labels)
    assert widths[:62] == pytest.approx(silhouette_samples(rows[:62], TRUE, metric="cosine"), abs=1e-5)
    assert (widths[62:] == 0).all()
    with pytest.raises(BadInput, match="there must be two"):
        silhouette(rows, np.zeros(72, dtype=int))


def test_the_best_k_is_the_candidate_with_the_highest_silhouette():
    rows = groups()
    k, tried = best_k(rows, (2, 3, 4, 6, 40))

    assert k == 3
    assert sorted(tried) == [2, 3, 4, 6]  # 40 is more than half of 62
    for candidate, score in tried.items():
        expected = silhouette_score(rows, kmeans(rows, candidate), metric="cosine")
        assert score == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("n", [1, 2, 12])
def test_of_equal_images_one_group_is_best(n: int):
    assert best_k(np.repeat(unit_rows(1, 8), n, axis=0)) == (1, {})


def test_stability_is_the_mean_adjusted_rand_over_pairs_of_runs():
    true = np.array([0, 0, 0, 1, 1, 1])
    other = np.array([0, 0, 1, 1, 2, 2])

    def alternating(rows: np.ndarray, seed: int) -> np.ndarray:
        return np.asarray((true if seed % 2 else other)[rows])

    assert stability(6, lambda rows, seed: true[rows]) == 1
    # Of 5 runs 3 are of one kind and 2 of the other: 6 of 10 pairs differ.
    assert stability(6, alternating) == pytest.approx(0.4 + 0.6 * adjusted_rand_score(true, other))


def test_runs_on_parts_see_another_share_each_and_are_compared_on_what_both_saw():
    true, seen = np.repeat([0, 1], 50), []

    def cluster(rows: np.ndarray, seed: int) -> np.ndarray:
        seen.append(tuple(rows))
        return np.asarray(true[rows])

    assert stability(100, cluster, share=0.9) == 1
    assert len(set(seen)) == 5
    assert all(len(rows) == 90 for rows in seen)


def test_stable_groups_are_told_from_cuts_through_one_cloud():
    tight, cloud = groups(), unit_rows(62, 16)

    assert stability(62, lambda rows, seed: kmeans(tight[rows], 3, seed)) == 1
    assert stability(62, lambda rows, seed: kmeans(cloud[rows], 3, seed)) < 0.7


def test_agreement_is_that_of_scikit_learn_over_the_images_with_a_value():
    labels = np.array([0, 0, 0, 1, 1, NOISE, NOISE, 1])
    column = ["a", "a", "b", "b", "b", "a", None, None]

    found = agreement(labels, column)
    assert found.rand == pytest.approx(adjusted_rand_score([0, 0, 1, 1, 1, 0], [0, 0, 0, 1, 1, -1]))
    assert found.n == 6
    assert found.purity == pytest.approx(4 / 5)  # two a of three, two b of two; noise has no purity
    with pytest.raises(BadInput, match="No image of these groups has a value"):
        agreement(labels, [None] * 8)


# ---- edits

LABELS = np.array([0, 0, 0, 1, 1, NOISE, 4, 4])


def test_merged_groups_have_the_lowest_of_their_numbers_and_the_others_keep_theirs():
    assert merge(LABELS, [4, 1]).tolist() == [0, 0, 0, 1, 1, NOISE, 1, 1]
    assert LABELS.tolist() == [0, 0, 0, 1, 1, NOISE, 4, 4]


def test_a_split_group_keeps_its_number_in_the_largest_part_and_no_other_group_changes():
    rows = groups()
    labels = np.where(TRUE == 2, 7, 3)  # 12 and 30 in one group
    found = split(rows, labels, 3)

    assert (found[TRUE == 1] == 3).all()
    assert (found[TRUE == 0] == 8).all()
    assert (found[TRUE == 2] == 7).all()
    assert set(labels.tolist()) == {3, 7}


def test_images_move_to_a_group_to_a_new_one_and_out_to_noise():
    assert move(LABELS, [0, 5], 4).tolist() == [4, 0, 0, 1, 1, 4, 4, 4]
    assert move(LABELS, [0, 5], None).tolist() == [5, 0, 0, 1, 1, 5, 4, 4]
    assert move(LABELS, [0], NOISE).tolist() == [NOISE, 0, 0, 1, 1, NOISE, 4, 4]
    assert LABELS.tolist() == [0, 0, 0, 1, 1, NOISE, 4, 4]


def test_edits_that_cannot_be_are_refused():
    rows = unit_rows(8, 4)
    with pytest.raises(BadInput, match="two groups or more"):
        merge(LABELS, [1, 1])
    with pytest.raises(BadInput, match="no group 2"):
        merge(LABELS, [1, 2])
    with pytest.raises(BadInput, match="no group -1"):
        merge(LABELS, [1, NOISE])
    with pytest.raises(BadInput, match="no group 3"):
        move(LABELS, [0], 3)
    with pytest.raises(BadInput, match="Select the images"):
        move(LABELS, [], 1)
    with pytest.raises(BadInput, match="3 images can be split into 2 to 3 parts, not 4"):
        split(rows, LABELS, 0, into=4)
    with pytest.raises(BadInput, match="only 1 different images"):
        split(np.repeat(rows[:1], 8, axis=0), LABELS, 0)
