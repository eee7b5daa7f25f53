"""Groups: found where they are, numbered by size, refused where they cannot be."""

import numpy as np
import pytest
from drawn import unit_rows
from sklearn.metrics import adjusted_rand_score

from sharedspace.clusters import NOISE, by_size, default_min_size, hdbscan, kmeans, typical
from sharedspace.errors import BadInput

SIZES = (12, 30, 20)
TRUE = np.repeat(np.arange(3), SIZES)


def groups(noise: int = 0) -> np.ndarray:
    """Three tight groups of 12, 30 and 20 unit rows, then loose ones."""
    rng = np.random.default_rng(0)
    rows = np.eye(3, 16)[TRUE] + 0.05 * rng.normal(size=(len(TRUE), 16))
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
    assert [default_min_size(n) for n in (3, 499, 1000, 20_000)] == [5, 5, 10, 200]
