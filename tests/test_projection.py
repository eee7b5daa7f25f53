"""The map: repeatable, faithful, and never moved by what comes later."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from drawn import unit_rows
from scipy.optimize import minimize
from scipy.stats import spearmanr
from sklearn.manifold import trustworthiness

from sharedspace import projection
from sharedspace.errors import BadInput
from sharedspace.projection import draw, extend, far, memberships, place, principal_axes, project, radius, settle, trust
from sharedspace.records import Drawing
from sharedspace.vectors import nearest_rows

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
    other = draw(IDS, clustered(), revision=3, drawing=Drawing(seed=1))

    assert not np.array_equal(other.xy, drawn.xy)
    assert other.key != drawn.key
    assert (drawn.drawing, other.drawing) == (Drawing(15, 0.1, 0), Drawing(15, 0.1, 1))


def test_neighbours_found_before_give_the_same_map_also_when_there_are_more_of_them(drawn):
    given = draw(IDS, clustered(), 3, neighbours=nearest_rows(clustered(), 40))

    assert given.xy.tobytes() == drawn.xy.tobytes()


@pytest.mark.parametrize("shape", [(120, 14), (119, 15)])
def test_neighbours_that_are_too_few_are_refused(shape: tuple[int, int]):
    with pytest.raises(ValueError, match="15 neighbours of 120 rows are needed"):
        project(clustered(), neighbours=(np.zeros(shape, np.int32), np.ones(shape, np.float32)))


def test_rows_out_of_the_order_of_their_ids_are_refused():
    """UMAP gives another map for another order."""
    with pytest.raises(ValueError, match="order of their ids"):
        draw(["b", "a", "c"], unit_rows(3, 8), revision=1)


@pytest.mark.parametrize(
    ("drawing", "said"),
    [
        (Drawing(n_neighbors=1), "2 to 200 neighbours, not 1"),
        (Drawing(n_neighbors=201), "2 to 200 neighbours, not 201"),
        (Drawing(min_dist=-0.01), "0 to 0.99, not -0.01"),
        (Drawing(min_dist=1.0), "0 to 0.99, not 1.0"),
        (Drawing(min_dist=float("nan")), "0 to 0.99, not nan"),
        (Drawing(seed=-1), "not -1"),
        (Drawing(seed=2**32), "0 to 4294967295, not 4294967296"),
    ],
)
@pytest.mark.parametrize("n", [3, 40])
def test_a_drawing_that_cannot_be_followed_is_refused(drawing: Drawing, said: str, n: int):
    with pytest.raises(BadInput, match=said):
        project(unit_rows(n, 8), drawing)


@pytest.mark.parametrize("drawing", [Drawing(2, 0.0, 2**32 - 1), Drawing(200, 0.99, 1)])
def test_the_ends_of_the_knobs_can_be_drawn(drawing: Drawing):
    xy = project(unit_rows(40, 8), drawing)  # of 40 rows no more than 39 are neighbours

    assert np.isfinite(xy).all()
    assert np.ptp(xy, axis=0).min() > 0


def test_a_key_names_ids_places_and_knobs_and_nothing_else(drawn):
    named = projection.named
    same = named(IDS, drawn.xy.copy(), revision=99, late=IDS[:4])
    assert same.key == drawn.key
    assert named(IDS[::-1], drawn.xy, 3).key != drawn.key
    assert named(IDS, drawn.xy + np.float32(0.5), 3).key != drawn.key
    assert named(IDS, drawn.xy, 3, drawing=Drawing(seed=1)).key != drawn.key
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
        np.testing.assert_allclose(at[id], place(clustered() @ vector, drawn.xy).xy, rtol=1e-5)
    assert (extended.revision, extended.placed, drawn.placed) == (4, 4, 0)
    assert extended.key != drawn.key


def test_new_images_do_not_depend_on_one_another(drawn):
    """Placed one after the other, they stand where they stand when placed together."""
    a, b = clustered(seed=8)[[0, 50]]
    together = extend(drawn, [*IDS, "x", "y"], np.concatenate([clustered(), [a, b]]), 4)
    alone = extend(drawn, [*IDS, "y"], np.concatenate([clustered(), [b]]), 4)

    np.testing.assert_allclose(together.xy[-1], alone.xy[-1], rtol=1e-5)


def test_many_new_images_are_settled_in_parts(drawn, monkeypatch: pytest.MonkeyPatch):
    ids, vectors = [*IDS, *"tuvwxyz"], np.concatenate([clustered(), clustered(seed=8)[:7]])
    whole = extend(drawn, ids, vectors, 4)
    monkeypatch.setattr(projection, "AT_ONCE", 3)

    np.testing.assert_allclose(extend(drawn, ids, vectors, 4).xy, whole.xy, rtol=1e-6)


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
    project(rows, Drawing(10, 0.25, 7))

    indices, distances, _ = given["precomputed_knn"]
    full = 1 - rows.astype(np.float64) @ rows.T
    np.fill_diagonal(full, 0)
    assert indices.tolist() == np.argsort(full, axis=1)[:, :10].tolist()
    np.testing.assert_allclose(distances, np.sort(full, axis=1)[:, :10], atol=1e-6)
    told = {key: given[key] for key in ("n_neighbors", "min_dist", "metric", "random_state")}
    assert told == {"n_neighbors": 10, "min_dist": 0.25, "metric": "cosine", "random_state": 7}


def test_removed_images_leave_the_map_and_the_others_do_not_move(drawn):
    kept = list(range(0, 120, 2))
    smaller = extend(drawn, [IDS[row] for row in kept], clustered()[kept], revision=5)

    assert np.array_equal(smaller.xy, drawn.xy[kept])
    assert smaller.placed == 0


def test_an_extended_map_keeps_how_it_was_drawn(drawn):
    other = projection.named(IDS, drawn.xy, 3, drawing=Drawing(30, 0.5, 7))

    assert extend(other, IDS[:100], clustered()[:100], revision=4).drawing == Drawing(30, 0.5, 7)


def test_extending_a_map_of_which_nothing_is_left_is_refused(drawn):
    with pytest.raises(ValueError, match="none of the drawn images is left"):
        extend(drawn, ["other"], unit_rows(1, 32), revision=5)


def test_an_image_placed_later_lands_on_its_twin(drawn):
    span = np.ptp(drawn.xy, axis=0).max()
    cosines = clustered() @ clustered().T
    distances = [np.hypot(*(place(cosines[row], drawn.xy).xy - drawn.xy[row])) for row in range(120)]

    # its neighbours pull a little: by far less than the size of its group
    assert np.median(distances) < 0.02 * span
    assert max(distances) < 0.1 * span


def test_placement_is_repeatable_and_stays_among_its_neighbours(drawn):
    before = drawn.xy.copy()
    for query in (*unit_rows(20, 32, seed=3), *clustered(seed=5)[:20]):
        scores = clustered() @ query
        found = place(scores, drawn.xy)
        assert found == place(scores, drawn.xy)
        corner = drawn.xy[list(found.neighbours)]
        assert (corner.min(axis=0) - 1e-4 <= found.xy).all()
        assert (found.xy <= corner.max(axis=0) + 1e-4).all()
        assert 0 <= found.spread <= np.linalg.norm(np.ptp(corner, axis=0))
        assert list(found.neighbours) == np.argsort(-scores, kind="stable")[:15].tolist()
    assert np.array_equal(drawn.xy, before)


def test_place_and_spread_are_as_written_out():
    xy = np.random.default_rng(1).normal(size=(6, 2)).astype(np.float32)
    scores = unit_rows(6, 4) @ unit_rows(1, 4, seed=2)[0]
    found = place(scores, xy, k=4)

    nearest = sorted(range(6), key=lambda row: -float(scores[row]))[:4]
    weights = memberships(np.array([1 - float(scores[row]) for row in nearest]))
    at = settle(xy[nearest], weights)
    squares = sum(w * ((xy[row] - at) ** 2).sum() for w, row in zip(weights, nearest, strict=True)) / weights.sum()
    np.testing.assert_allclose(found.xy, at, rtol=1e-5)
    assert found.spread == pytest.approx(squares**0.5, rel=1e-4)


@pytest.mark.parametrize("scale", [0.1, 1, 5])
def test_what_settles_is_attracted_most_there(scale: float):
    """Against scipy's minimiser from a grid of starts."""
    rng = np.random.default_rng(int(scale))
    points, weights = scale * rng.normal(size=(20, 9, 2)), rng.uniform(0.1, 1, (20, 9))
    found = settle(points, weights)

    def loss(at: np.ndarray, points: np.ndarray, weights: np.ndarray) -> float:
        return float((weights * np.log1p(((points - at) ** 2).sum(axis=1))).sum())

    short = []
    for row in range(20):
        grid = [scale * np.array([x, y]) for x in (-1.5, -0.5, 0.5, 1.5) for y in (-1.5, -0.5, 0.5, 1.5)]
        best = min(minimize(loss, start, (points[row], weights[row])).fun for start in grid)
        short.append(loss(found[row], points[row], weights[row]) / best - 1)
    assert np.median(short) < 1e-6  # of several almost equal places it may take another
    assert max(short) < 0.02
    np.testing.assert_allclose(found[3], settle(points[3], weights[3]), rtol=1e-9)


def test_between_two_islands_it_settles_on_the_heavier():
    points = np.array([[0, 0], [0.1, 0], [0, 0.1], [20, 0], [20, 0.1]])

    assert settle(points, np.array([1, 0.5, 0.5, 0.9, 0.9])) == pytest.approx((0.03, 0.03), abs=0.1)
    assert settle(points, np.array([0.5, 0.5, 0.5, 1, 0.9])) == pytest.approx((20, 0.05), abs=0.2)


def test_only_the_differences_of_the_scores_count_and_not_their_scale(drawn):
    cosines = (clustered() @ unit_rows(1, 32, seed=3)[0]).astype(np.float64)

    assert place(7 * cosines - 3, drawn.xy).xy == pytest.approx(place(cosines, drawn.xy).xy, rel=1e-5)


@pytest.mark.parametrize("n", [1, 2])
def test_a_query_stands_on_a_map_of_one_or_two(n: int):
    found = place(np.array([0.3, 0.1])[:n], np.array([[0.2, 0.4], [0.4, 0.8]])[:n])

    assert found.xy == pytest.approx([(0.2, 0.4), (0.3, 0.6)][n - 1])


def test_a_query_between_two_groups_is_scattered_and_an_image_among_its_own_is_not(drawn):
    rows = clustered()
    alone = np.where(np.eye(120), -1, rows @ rows.T)  # each without itself
    assert not any(place(scores, drawn.xy).scattered for scores in alone)

    first = range(0, 120, EACH)  # of each group
    pairs = [(a, b) for a in first for b in first if np.hypot(*(drawn.xy[a] - drawn.xy[b])) > 1.2 * radius(drawn.xy)]
    assert len(pairs) > 4
    for a, b in pairs:
        scores = np.full(120, -1.0)
        scores[[a, b, a + 1, b + 1, a + 2, b + 2, a + 3, b + 3]] = np.linspace(0.3, 0.29, 8)
        assert place(scores, drawn.xy, k=8).scattered


def test_what_is_scattered_does_not_hang_on_the_units_of_the_map_nor_on_an_outlier():
    xy = np.random.default_rng(0).uniform(-1, 1, (100, 2))
    near = -np.hypot(*xy.T)  # the scores of a query amid the map; and one to whom the corners are nearest
    for unit_of_map in (1e-3, 1.0, 1e3):
        placed = [place(scores, xy * unit_of_map).scattered for scores in (near, -near)]
        assert placed == [False, True]
    assert place(-near, np.where(np.arange(100)[:, None] == near.argmax(), 1e6, xy)).scattered


def test_the_radius_is_the_median_distance_from_the_middle():
    circle = 3 * np.array([[np.cos(angle), np.sin(angle)] for angle in np.linspace(0, 2 * np.pi, 61)[:-1]])

    assert radius(circle + np.array([5, -2])) == pytest.approx(3)


@pytest.mark.parametrize("k", [3, 5, 15, 40])
def test_memberships_start_at_one_fall_and_sum_to_log2_of_k(k: int):
    for seed in range(20):
        distances = np.sort(np.random.default_rng(seed).gamma(2, 0.1, k))
        weights = memberships(distances)

        assert weights[0] == 1
        assert (np.diff(weights) <= 0).all()
        assert weights.sum() == pytest.approx(np.log2(k), abs=1e-4)


def test_memberships_of_many_rows_are_those_of_each():
    distances = np.sort(np.random.default_rng(0).gamma(2, 0.1, (20, 15)), axis=1)

    np.testing.assert_array_equal(memberships(distances), [memberships(row) for row in distances])


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


def shares(vectors: np.ndarray, xy: np.ndarray, k: int) -> list[float]:
    """What trust promises, by full sorts."""
    cosines = vectors.astype(np.float64) @ vectors.T
    apart = np.linalg.norm(xy[:, None].astype(np.float64) - xy[None], axis=-1)
    out = []
    for row in range(len(xy)):
        true, drawn = (
            [other for other in np.argsort(values, kind="stable") if other != row][:k]
            for values in (-cosines[row], apart[row])
        )
        out.append(len({*true} & {*drawn}) / len(true))
    return out


@pytest.mark.parametrize(("n", "k"), [(120, 15), (120, 4), (16, 15), (12, 15), (2, 15)])
def test_trust_is_the_share_of_true_neighbours_among_the_drawn(n: int, k: int):
    vectors, xy = clustered()[:n], np.random.default_rng(1).normal(size=(n, 2)).astype(np.float32)
    for places in (xy, vectors[:, :2], principal_axes(vectors)):
        found = trust(nearest_rows(vectors, k + 5)[0], places, k)

        assert found.dtype == np.float32
        np.testing.assert_allclose(found, shares(vectors, places, k), atol=1e-6)


def test_trust_of_one_row_alone_is_one():
    assert trust(np.zeros((1, 1), np.int32), np.zeros((1, 2))).tolist() == [1]


def test_trust_does_not_hang_on_the_order_of_points_drawn_on_one_spot():
    """Six spots with twenty images each: all twenty are equally near, so none of them is called lost."""
    rows = np.repeat(unit_rows(6, 8), 20, axis=0)
    xy = np.repeat(np.random.default_rng(0).normal(size=(6, 2)), 20, axis=0)

    assert trust(nearest_rows(rows, 16)[0], xy).tolist() == [1] * 120
    mixed = np.random.default_rng(1).permutation(120)
    again = trust(nearest_rows(rows[mixed], 16)[0], xy[mixed])
    assert again.tolist() == [1] * 120


def test_trust_falls_as_trustworthiness_of_scikit_learn_falls(drawn):
    """A map that gets worse step by step; and one that could not be better."""
    vectors = clustered()
    near = nearest_rows(vectors, 16)[0]
    noise = np.random.default_rng(0).normal(size=drawn.xy.shape) * np.ptp(drawn.xy, axis=0)
    maps = [drawn.xy + share * noise for share in (0, 0.02, 0.05, 0.1, 0.2, 0.4, 3)]
    ours = [trust(near, xy).mean() for xy in [*maps, principal_axes(vectors)]]
    theirs = [trustworthiness(vectors, xy, n_neighbors=15, metric="cosine") for xy in [*maps, principal_axes(vectors)]]
    assert spearmanr(ours, theirs).statistic > 0.95
    assert ours[-2] < 0.2 < 0.5 < ours[0]

    plane = np.random.default_rng(2).uniform(0.1, 1, 100)  # angles: a quarter of a circle drawn as itself
    circle = np.stack([np.cos(plane), np.sin(plane)], axis=1)
    assert trust(nearest_rows(circle.astype(np.float32), 16)[0], circle).mean() == pytest.approx(1, abs=0.01)
    assert trustworthiness(circle, circle, n_neighbors=15) == 1


def test_far_are_the_true_neighbours_beyond_three_times_as_many_drawn_points():
    xy = np.stack([np.arange(40), np.zeros(40)], axis=1).astype(np.float32)  # row r is the r-th from row 0

    assert far(xy, 0, [1, 14, 15, 16, 39]).tolist() == [False, False, False, True, True]
    assert far(xy, 39, np.array([38, 23])).tolist() == [False, True]
    assert far(xy, 20, list(range(20))).tolist() == [False] * 20  # no more points than 3 x 20
    assert far(xy[:2], 0, [1]).tolist() == [False]
