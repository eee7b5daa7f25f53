"""The map: repeatable, faithful, and never moved by what comes later."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from drawn import unit_rows
from sklearn.manifold import trustworthiness

from sharedspace import projection
from sharedspace.projection import draw, extend, memberships, place, principal_axes, project

GROUPS, EACH = 6, 20


def clustered(seed: int = 0) -> np.ndarray:
    """(120, 32) unit rows in six groups."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(rng.normal(size=(GROUPS, 32)), EACH, axis=0) + 0.3 * rng.normal(size=(GROUPS * EACH, 32))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


IDS = [f"{row:064x}" for row in range(GROUPS * EACH)]


@pytest.fixture(scope="module")
def drawn():
    """One fit for many tests: the first in a process compiles for some seconds."""
    return draw(IDS, clustered(), revision=3)


def test_the_same_rows_give_the_same_map_bit_for_bit(drawn):
    again = draw(IDS, clustered(), revision=3)

    assert again.xy.tobytes() == drawn.xy.tobytes()
    assert again.key == drawn.key


def test_another_seed_gives_another_map_and_another_key(drawn):
    other = draw(IDS, clustered(), revision=3, seed=1)

    assert not np.array_equal(other.xy, drawn.xy)
    assert other.key != drawn.key


def test_a_key_names_ids_and_places_and_nothing_else(drawn):
    named = projection.named
    same = named(IDS, drawn.xy.copy(), revision=99, late=IDS[:4])
    assert same.key == drawn.key
    assert named(IDS[::-1], drawn.xy, 3).key != drawn.key
    assert named(IDS, drawn.xy + np.float32(0.5), 3).key != drawn.key
    assert set(drawn.key) <= set("0123456789abcdef")
    assert len(drawn.key) == 20


def test_the_map_shows_the_neighbours_of_the_space(drawn):
    vectors = clustered()
    assert trustworthiness(vectors, drawn.xy, n_neighbors=10, metric="cosine") > 0.9
    rng = np.random.default_rng(0)
    assert trustworthiness(vectors, rng.normal(size=drawn.xy.shape), n_neighbors=10, metric="cosine") < 0.6

    group = np.repeat(np.arange(GROUPS), EACH)
    far = np.linalg.norm(drawn.xy[:, None] - drawn.xy[None], axis=-1)
    np.fill_diagonal(far, np.inf)
    assert (group[far.argmin(axis=1)] == group).mean() > 0.99


@pytest.mark.parametrize("n", [1, 2, 3, 4, 15, 16, 40])
@pytest.mark.parametrize("equal", [False, True], ids=["different", "all equal"])
def test_any_count_of_rows_gets_a_finite_place(n: int, equal: bool):
    rows = unit_rows(n, 8, seed=n)
    xy = project(np.repeat(rows[:1], n, axis=0) if equal else rows)

    assert xy.shape == (n, 2)
    assert xy.dtype == np.float32
    assert np.isfinite(xy).all()


def test_few_rows_are_placed_by_their_principal_axes(monkeypatch: pytest.MonkeyPatch):
    rows = unit_rows(15, 8)
    xy = project(rows)

    centred = rows - rows.mean(axis=0)
    values, axes = np.linalg.eigh(centred.T @ centred)  # ascending
    expected = centred @ axes[:, [-1, -2]]
    np.testing.assert_allclose(np.abs(xy), np.abs(expected), atol=1e-5)  # an axis may point either way
    np.testing.assert_allclose((xy**2).sum(axis=0), values[[-1, -2]], rtol=1e-5)


def test_rows_on_a_line_have_no_second_axis():
    xy = principal_axes(np.array([[0.0], [1.0], [3.0]]))

    np.testing.assert_allclose(np.abs(xy[:, 0]), [4 / 3, 1 / 3, 5 / 3], rtol=1e-6)
    assert (xy[:, 1] == 0).all()


def test_extending_leaves_the_drawn_where_they_are_and_places_the_new_by_their_neighbours(drawn):
    new = clustered(seed=8)[::30]  # 4 rows
    new_ids = ["00aa", "5500", "ff00", "ff01"]  # before, between and behind
    order = np.argsort([*IDS, *new_ids])
    ids = [[*IDS, *new_ids][row] for row in order]
    vectors = np.concatenate([clustered(), new])[order]

    extended = extend(drawn, ids, vectors, revision=4)
    at = dict(zip(extended.ids, extended.xy, strict=True))
    assert extended.ids == tuple(ids)
    assert np.array_equal(np.array([at[id] for id in IDS]), drawn.xy)
    for id, vector in zip(new_ids, new, strict=True):
        np.testing.assert_allclose(at[id], place(clustered(), drawn.xy, vector).xy, rtol=1e-6)
    assert (extended.revision, extended.placed, drawn.placed) == (4, 4, 0)
    assert extended.key != drawn.key


def test_new_images_do_not_depend_on_one_another(drawn):
    """Placed one after the other, they stand where they stand when placed together."""
    a, b = clustered(seed=8)[[0, 50]]
    together = extend(drawn, [*IDS, "x", "y"], np.concatenate([clustered(), [a, b]]), 4)
    alone = extend(drawn, [*IDS, "y"], np.concatenate([clustered(), [b]]), 4)

    assert np.array_equal(together.xy[-1], alone.xy[-1])


def test_images_placed_before_and_now_are_both_counted_as_placed(drawn):
    rows = np.concatenate([clustered(), clustered(seed=8)[[0, 50, 70]]])
    first = extend(drawn, [*IDS, "x", "y"], rows[:-1], 4)
    second = extend(first, [*IDS, "x", "y", "z"], rows, 5)

    assert (first.placed, second.placed) == (2, 3)
    assert np.array_equal(second.xy[:-1], first.xy)


def test_umap_is_given_the_exact_neighbours_and_distances(monkeypatch: pytest.MonkeyPatch):
    given = {}

    class Told:
        def __init__(self, **options: object) -> None:
            given.update(options)

        def fit_transform(self, rows: np.ndarray) -> np.ndarray:
            return rows[:, :2]

    monkeypatch.setattr("umap.UMAP", Told)
    rows = clustered()
    project(rows, seed=7)

    indices, distances, _ = given["precomputed_knn"]
    full = 1 - rows.astype(np.float64) @ rows.T
    np.fill_diagonal(full, 0)
    assert indices.tolist() == np.argsort(full, axis=1)[:, :15].tolist()
    np.testing.assert_allclose(distances, np.sort(full, axis=1)[:, :15], atol=1e-6)
    told = {key: given[key] for key in ("n_neighbors", "min_dist", "metric", "random_state")}
    assert told == {"n_neighbors": 15, "min_dist": 0.1, "metric": "cosine", "random_state": 7}


def test_removed_images_leave_the_map_and_the_others_do_not_move(drawn):
    kept = list(range(0, 120, 2))
    smaller = extend(drawn, [IDS[row] for row in kept], clustered()[kept], revision=5)

    assert np.array_equal(smaller.xy, drawn.xy[kept])
    assert smaller.placed == 0


def test_extending_a_map_of_which_nothing_is_left_is_refused(drawn):
    with pytest.raises(ValueError, match="none of the drawn images is left"):
        extend(drawn, ["other"], unit_rows(1, 32), revision=5)


def test_an_image_placed_later_lands_on_its_twin(drawn):
    span = np.ptp(drawn.xy, axis=0).max()
    distances = [np.hypot(*(place(clustered(), drawn.xy, clustered()[row]).xy - drawn.xy[row])) for row in range(120)]

    # its neighbours pull a little: by far less than the size of its group
    assert np.median(distances) < 0.02 * span
    assert max(distances) < 0.1 * span


def test_placement_is_repeatable_and_stays_among_its_neighbours(drawn):
    for query in (*unit_rows(20, 32, seed=3), *clustered(seed=5)[:20]):
        found = place(clustered(), drawn.xy, query)
        assert found == place(clustered(), drawn.xy, query)
        corner = drawn.xy[list(found.neighbours)]
        assert (corner.min(axis=0) - 1e-4 <= found.xy).all()
        assert (found.xy <= corner.max(axis=0) + 1e-4).all()
        assert 0 <= found.spread <= np.linalg.norm(np.ptp(corner, axis=0))
        assert list(found.neighbours) == np.argsort(-(clustered() @ query), kind="stable")[:15].tolist()


def test_place_and_spread_are_the_weighted_mean_and_deviation_written_out():
    vectors, xy = unit_rows(6, 4), np.random.default_rng(1).normal(size=(6, 2)).astype(np.float32)
    query = unit_rows(1, 4, seed=2)[0]
    found = place(vectors, xy, query, k=4)

    nearest = sorted(range(6), key=lambda row: -float(vectors[row] @ query))[:4]
    weights = memberships(np.array([1 - float(vectors[row] @ query) for row in nearest]))
    mean = sum(weight * xy[row] for weight, row in zip(weights, nearest, strict=True)) / weights.sum()
    squares = sum(w * ((xy[row] - mean) ** 2).sum() for w, row in zip(weights, nearest, strict=True)) / weights.sum()
    np.testing.assert_allclose(found.xy, mean, rtol=1e-5)
    assert found.spread == pytest.approx(squares**0.5, rel=1e-4)


@pytest.mark.parametrize("n", [1, 2])
def test_a_query_stands_on_a_map_of_one_or_two(n: int):
    found = place(unit_rows(n, 4), np.array([[2.0, 4.0], [4.0, 8.0]])[:n], unit_rows(1, 4, seed=3)[0])

    assert found.xy == pytest.approx([(2, 4), (3, 6)][n - 1])


@pytest.mark.parametrize("k", [3, 5, 15, 40])
def test_memberships_start_at_one_fall_and_sum_to_log2_of_k(k: int):
    for seed in range(20):
        distances = np.sort(np.random.default_rng(seed).gamma(2, 0.1, k))
        weights = memberships(distances)

        assert weights[0] == 1
        assert (np.diff(weights) <= 0).all()
        assert weights.sum() == pytest.approx(np.log2(k), abs=1e-4)


@pytest.mark.parametrize("k", [5, 15, 40])
def test_memberships_agree_with_umaps_own(k: int):
    from umap.umap_ import compute_membership_strengths, smooth_knn_dist

    distances = np.sort(np.random.default_rng(k).gamma(2, 0.1, (30, k)), axis=1).astype(np.float32)
    # umap's rows begin with the point itself, at distance 0, which it leaves out of the sum
    with_itself = np.concatenate([np.zeros((30, 1), np.float32), distances], axis=1)
    sigmas, rhos = smooth_knn_dist(with_itself, float(k), local_connectivity=1.0)
    places = np.arange(30 * (k + 1), dtype=np.int32).reshape(30, k + 1) + 1000
    theirs = compute_membership_strengths(places, with_itself, sigmas, rhos)[2].reshape(30, k + 1)[:, 1:]

    np.testing.assert_allclose([memberships(row) for row in distances], theirs, atol=2e-4)


@pytest.mark.parametrize("distances", [[0.0] * 15, [0.3] * 15, [0.0] * 10 + [0.5] * 5, [1e-7 * i for i in range(15)]])
def test_memberships_of_ties_are_finite(distances: list[float]):
    weights = memberships(np.array(distances, dtype=np.float32))

    assert np.isfinite(weights).all()
    assert weights[0] == 1
    assert (weights[: distances.count(distances[0])] == 1).all()


def test_fits_of_several_threads_take_turns(monkeypatch: pytest.MonkeyPatch):
    """Two at once abort the process where numba has neither OpenMP nor TBB."""
    running, most = 0, 0

    class Slow:
        def __init__(self, **_: object) -> None: ...

        def fit_transform(self, rows: np.ndarray) -> np.ndarray:
            nonlocal running, most
            running += 1
            most = max(most, running)
            time.sleep(0.05)
            running -= 1
            return rows[:, :2]

    monkeypatch.setattr("umap.UMAP", Slow)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(project, [unit_rows(30, 8)] * 4))

    assert most == 1
