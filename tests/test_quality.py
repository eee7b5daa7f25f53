"""Duplicates, strangers, leaks, small sets and poor pictures, against brute force and planted cases."""

import io
from collections.abc import Callable
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from drawn import encoded, png, unit_rows
from PIL import Image, ImageFilter
from scipy.spatial.distance import mahalanobis

from sharedspace import images, quality, samples
from sharedspace.errors import BadInput, Cancelled
from sharedspace.records import ImageRecord, Pairs
from sharedspace.vectors import nearest_rows, unit
from sharedspace.workspace import Workspace


def clumps(n: int = 300, seed: int = 0) -> np.ndarray:
    """Unit rows in clumps of different tightness, so that cosines take all values."""
    rng = np.random.default_rng(seed)
    rows = unit_rows(20, 16)[rng.integers(0, 20, n)] + rng.uniform(0.01, 0.3, (n, 1)) * rng.normal(size=(n, 16))
    return unit(rows)


def brute(rows: np.ndarray, least: float) -> dict[tuple[int, int], float]:
    cosines = rows @ rows.T
    return {(a, b): float(cosines[a, b]) for a, b in combinations(range(len(rows)), 2) if cosines[a, b] >= least}


def united(pairs: dict[tuple[int, int], float], threshold: float, n: int) -> set[frozenset[int]]:
    """Groups by joining sets one pair after the other."""
    own = {row: {row} for row in range(n)}
    for (a, b), cosine in pairs.items():
        if cosine >= threshold and own[a] is not own[b]:
            own[a] |= own[b]
            for row in own[b]:
                own[row] = own[a]
    return {frozenset(group) for group in own.values() if len(group) > 1}


def record(
    id: str, path: str = "a.png", size: tuple[int, int] = (100, 100), names: tuple[str, ...] = ()
) -> ImageRecord:
    return ImageRecord(id, path, *size, {}, names)


def made(*cosines: tuple[int, int, float]) -> Pairs:
    """Pairs as given, the strongest first."""
    a, b, values = zip(*sorted(cosines, key=lambda one: -one[2]), strict=True)
    return Pairs(np.array(a), np.array(b), np.array(values, dtype=np.float32), 0.5)


# ---- pairs and groups -------------------------------------------------------------------------------


@pytest.mark.parametrize("near", [None, 4, 60, 300], ids=["no neighbours", "few", "some", "all"])
def test_pairs_are_those_of_brute_force_whatever_neighbours_are_known(near: int | None):
    rows = clumps()
    known = None if near is None else nearest_rows(rows, near)

    found = quality.pairs(rows, 0.8, known)

    wanted = brute(rows, 0.8)
    assert len(wanted) > 500
    assert set(zip(found.a.tolist(), found.b.tolist(), strict=True)) == set(wanted)
    assert np.allclose(found.cosine, [wanted[a, b] for a, b in zip(found.a, found.b, strict=True)], atol=1e-6)
    assert (np.diff(found.cosine) <= 0).all()
    assert not found.cut


@pytest.mark.parametrize("near", [None, 4], ids=["no neighbours", "few"])
def test_where_pairs_are_too_many_the_strongest_are_kept_and_it_is_said(near: int | None):
    rows = clumps(700)
    every = sorted(brute(rows, 0.0).values(), reverse=True)
    assert len(every) > 4 * 1000  # so that the bound rises between two blocks

    found = quality.pairs(rows, 0.0, None if near is None else nearest_rows(rows, near), most=1000)

    assert found.cut
    assert len(found) == 1000
    assert np.allclose(found.cosine, every[:1000], atol=1e-6)
    assert found.least == pytest.approx(every[999], abs=1e-6)


def test_the_search_for_pairs_can_be_stopped_between_blocks():
    def stop(done: int, total: int) -> None:
        raise Cancelled(f"{done} of {total}")

    with pytest.raises(Cancelled, match="256 of 300"):
        quality.pairs(clumps(), on_block=stop)


def test_copies_are_pairs_of_cosine_one_and_a_single_image_has_none():
    rows = np.repeat(unit_rows(2, 8), 3, axis=0)

    assert quality.pairs(rows, 0.99).cosine.tolist() == pytest.approx([1] * 6)
    assert len(quality.pairs(rows[:1], 0.5)) == 0
    assert quality.groups(quality.pairs(rows[:1], 0.5), 0.5, 1) == ()


@pytest.mark.parametrize("threshold", [0.8, 0.93, 0.995])
def test_groups_and_their_counts_are_those_of_joining_pair_by_pair(threshold: float):
    rows = clumps()
    found = quality.pairs(rows, 0.8)
    wanted = united(brute(rows, 0.8), threshold, len(rows))

    groups = quality.groups(found, threshold, len(rows))
    (count,) = quality.counts(found, [threshold], len(rows))

    assert {frozenset(group.tolist()) for group in groups} == wanted
    assert [len(group) for group in groups] == sorted(map(len, wanted), reverse=True)
    assert (count.groups, count.images) == (len(wanted), sum(map(len, wanted)))
    assert count.pairs == len(brute(rows, threshold))


def test_counts_of_no_pairs_are_nothing():
    (count,) = quality.counts(quality.pairs(np.eye(5, dtype=np.float32), 0.5), [0.9], 5)

    assert (count.pairs, count.groups, count.images) == (0, 0, 0)


# ---- which one to keep ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ({"size": (90, 100)}, "the largest, 100 × 100"),
        ({"id": "c"}, "its file is kept here"),
        ({"path": "longer/a.png"}, "the shortest path"),
        ({}, "as good as the others"),
    ],
)
def test_the_one_to_keep_is_the_larger_then_the_kept_then_the_shorter_named(others: dict, reason: str):
    records = [record(**{"id": "b"} | others), record("a"), record("b")]
    originals = {"a"} if "id" in others else set()

    assert quality.suggest(records, [0, 1], originals) == (1, reason)


def test_a_pair_of_different_pictures_makes_no_group_unless_only_the_cosine_counts():
    found = made((0, 1, 0.99), (1, 2, 0.95), (3, 4, 0.92), (4, 5, 0.85))
    looked = Pairs(found.a, found.b, found.cosine, 0.5, False, np.array([0.99, 0.5, np.nan, 0.99]))
    records = [record(str(row)) for row in range(6)]

    same = quality.duplicates(looked, 0.9, records)
    alone = quality.duplicates(looked, 0.9, records, look=False)

    assert [group.rows for group in same.groups] == [(0, 1), (3, 4)]  # where nothing is known the cosine counts
    assert same.alike == 1
    assert [group.rows for group in alone.groups] == [(0, 1, 2), (3, 4)]
    assert alone.groups[0].cosines == pytest.approx((0.95, 0.99))


def test_pairs_whose_pictures_were_not_compared_make_no_group_and_are_counted():
    found = made((0, 1, 0.99), (1, 2, 0.95), (3, 4, 0.92))
    looked = Pairs(found.a, found.b, found.cosine, 0.5, False, np.array([0.99, -np.inf, 0.1]))

    same = quality.duplicates(looked, 0.9, [record(str(row)) for row in range(5)])

    assert [group.rows for group in same.groups] == [(0, 1)]
    assert (same.alike, same.unseen) == (1, 1)


@pytest.mark.parametrize("threshold", [0, -0.5, 1.01])
def test_a_threshold_that_is_no_likeness_is_refused(threshold: float):
    with pytest.raises(BadInput, match=f"not {threshold:g}"):
        quality.duplicates(made((0, 1, 0.99)), threshold, [record("a"), record("b")])


# ---- splits -----------------------------------------------------------------------------------------


def test_leaks_are_the_pairs_whose_images_stand_in_two_parts():
    found = made((0, 1, 0.99), (0, 2, 0.98), (2, 3, 0.97), (1, 4, 0.96), (3, 5, 0.95))

    leaks = quality.leaks(found, ["train", "test", "test", "test", None, 3])

    assert [(leak.values, leak.pairs, leak.images) for leak in leaks.between] == [
        (("test", "train"), 2, (2, 1)),
        (("3", "test"), 1, (1, 1)),
    ]
    assert list(zip(leaks.pairs.a, leaks.pairs.b, strict=True)) == [(0, 1), (0, 2), (3, 5)]


# ---- strangers --------------------------------------------------------------------------------------


def test_distance_and_spread_are_those_of_their_definitions():
    rows = clumps(200)
    cosines = np.sort(rows @ rows.T, axis=1)[:, ::-1]

    found = quality.outliers(rows, nearest_rows(rows, 11)[1], 10)

    centred = rows - rows.mean(axis=0)
    covariance = np.cov(centred.T, bias=True)
    ridge = 0.001 * np.trace(covariance) / 16 * np.eye(16)
    wanted = [mahalanobis(row, np.zeros(16), np.linalg.inv(covariance + ridge)) for row in centred]
    assert np.allclose(found.distance, 1 - cosines[:, 10], atol=1e-5)
    assert np.allclose(found.spread, wanted, rtol=1e-3)
    assert np.allclose(found.score, found.distance * found.spread**2)
    assert found.percentile[found.order[0]] == 100
    assert found.percentile[found.order[-1]] == 0


def test_an_image_of_its_own_is_the_strangest_and_copies_are_not():
    rows = np.repeat(unit_rows(4, 16), 10, axis=0)
    rows[17] = unit_rows(1, 16, seed=9)

    found = quality.outliers(rows, nearest_rows(rows, 6)[1], 5)

    assert found.order[0] == 17
    assert (np.delete(found.score, 17) < found.score[17] / 10).all()


def test_what_is_hidden_is_nobodys_neighbour():
    rows = clumps(120)
    shown = np.arange(120) % 3 > 0

    for known in (11, 60):  # too few of the first are shown, and enough of the second
        cosines = quality.shown_cosines(rows, nearest_rows(rows, known), shown, 10)
        assert np.allclose(cosines, nearest_rows(rows[shown], 11)[1], atol=1e-6)


def test_a_set_of_one_image_or_of_one_vector_has_no_stranger():
    for rows in (unit_rows(1, 8), np.repeat(unit_rows(1, 8), 5, axis=0)):
        found = quality.outliers(rows, nearest_rows(rows, 11)[1], 10)
        assert found.percentile.tolist() == [0] * len(rows)


# ---- small sets -------------------------------------------------------------------------------------


def test_a_diverse_set_is_within_twice_the_best_that_is_possible():
    rows = clumps(14)
    angles = np.arccos(np.clip(rows @ rows.T, -1, 1))  # a metric, as the bound needs
    best = min(angles[:, list(some)].min(axis=1).max() for some in combinations(range(14), 4))

    found = quality.subset(rows, 4)

    assert len(set(found.rows.tolist())) == 4
    assert np.arccos(found.worst) <= 2 * best + 1e-6
    assert np.allclose(found.cosine, (rows @ rows[found.rows].T).max(axis=1), atol=1e-6)
    assert (found.nearest == (rows @ rows[found.rows].T).argmax(axis=1)).all()


def test_a_typical_set_has_one_of_each_group_the_largest_first():
    sizes = (12, 30, 20)
    group = np.repeat(np.arange(3), sizes)
    rows = unit(np.eye(3, 16)[group] + 0.05 * np.random.default_rng(0).normal(size=(62, 16)))

    found = quality.subset(rows, 3, "typical")

    assert group[found.rows].tolist() == [1, 2, 0]
    assert np.bincount(found.nearest).tolist() == [30, 20, 12]


@pytest.mark.parametrize("kind", ["diverse", "typical"])
def test_more_than_there_are_is_all_and_copies_are_chosen_once_each(kind: quality.Kind):
    rows = np.repeat(unit_rows(3, 8), 2, axis=0)

    assert sorted(quality.subset(rows, 50, kind).rows.tolist()) == [0, 1, 2, 3, 4, 5]
    with pytest.raises(BadInput, match="not 0"):
        quality.subset(rows, 0, kind)


# ---- the pictures -----------------------------------------------------------------------------------


@cache
def picture(seed: int) -> Image.Image:
    """A picture with detail of many sizes."""
    rng = np.random.default_rng(seed)
    rough = [Image.fromarray(rng.normal(size=(side, side)).astype(np.float32)) for side in (5, 16, 48, 128)]
    layers = [np.asarray(one.resize((256, 256), Image.Resampling.BICUBIC)) for one in rough]
    pixels = np.sum(layers, axis=0)[..., None] * rng.uniform(0.5, 1.5, 3)
    return Image.fromarray((128 + 60 * pixels / pixels.std()).clip(0, 255).astype(np.uint8))


def likeness(one: Image.Image, other: Image.Image) -> float:
    views = [quality.view(images.sketch(encoded(part, "PNG"), "")) for part in (one, other)]
    return quality.likeness(*views)


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "cropped": lambda one: one.crop((20, 5, 230, 235)),
    "darker": lambda one: one.point(lambda value: value * 0.6),
    "reduced": lambda one: one.resize((90, 90)),
    "noisy": lambda one: Image.fromarray(
        (np.asarray(one) + 15 * np.random.default_rng(0).normal(size=(256, 256, 3))).clip(0, 255).astype(np.uint8)
    ),
    "compressed": lambda one: Image.open(io.BytesIO(encoded(one, "JPEG", quality=15))),
    "moved": lambda one: one.crop((0, 18, 238, 256)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_the_same_picture_from_either_side(change: str):
    one, other = picture(0), CHANGES[change](picture(0))

    assert likeness(one, other) > quality.SAME
    assert likeness(other, one) > quality.SAME


def test_other_pictures_are_not_the_same_and_of_plain_ones_nothing_is_said():
    found = [likeness(picture(a), picture(b)) for a, b in combinations(range(4), 2)]

    assert max(found) < 0.8
    plain = Image.new("RGB", (64, 64), "red")
    assert np.isnan([likeness(picture(0), plain), likeness(plain, picture(0))]).all()


def test_looks_measure_light_and_detail():
    black, white = (images.looks(png(colour, (64, 64)), "") for colour in ("black", "white"))
    sharp, blurred = (
        images.looks(encoded(one, "PNG"), "") for one in (picture(0), picture(0).filter(ImageFilter.GaussianBlur(4)))
    )
    half = images.looks(encoded(Image.fromarray(np.tile(np.uint8([0, 255]), (64, 32))), "PNG"), "")

    assert (black.brightness, white.brightness) == (0, 1)
    assert black.contrast == black.sharpness == 0
    assert half.brightness == half.contrast == pytest.approx(0.5)
    assert blurred.sharpness < sharp.sharpness / 3


def test_planted_poor_pictures_of_the_sample_set_are_found():
    files = samples.load().files[::12]
    ruined = {
        "blurred": lambda one: one.filter(ImageFilter.GaussianBlur(3)),
        "dark": lambda one: one.point(lambda value: value // 8),
        "tiny": lambda one: one.resize((40, 40)),
        "odd-shaped": lambda one: one.crop((0, 90, 256, 160)).resize((512, 140)),
    }
    shown = [Image.open(file).convert("RGB") for file in files]
    shown += [ruin(one) for ruin in ruined.values() for one in shown[:5]]
    seen = [images.looks(images.thumbnail(one), "") for one in shown]
    records = [record("", size=one.size) for one in shown]

    found = quality.poor(np.array([one.brightness for one in seen]), np.array([one.sharpness for one in seen]), records)

    for place, one in enumerate(found):
        planted = set(range(len(files) + 5 * place, len(files) + 5 * place + 5))
        assert planted <= set(np.flatnonzero(one.found)), one.flaw
        assert len(set(one.order.tolist()) - planted) <= 3, one.flaw
        assert (np.diff(one.measure[one.order]) * (-1 if one.flaw == "odd-shaped" else 1) >= 0).all()


def test_night_is_no_flaw_in_a_set_of_nights():
    brightness = np.random.default_rng(0).uniform(0.15, 0.3, 50)
    nothing = np.full(50, np.nan)

    (_, dark, _, _) = quality.poor(np.append(brightness, 0.05), np.append(nothing, np.nan), [record("")] * 51)

    assert dark.order.tolist() == [50]


def test_a_difference_is_black_where_both_are_the_same():
    other = picture(0).copy()
    other.paste("red", (100, 100, 120, 120))

    sheet = np.asarray(Image.open(io.BytesIO(images.difference_png(*(encoded(p, "PNG") for p in (picture(0), other))))))

    assert sheet.shape == (256, 768, 3)
    assert np.array_equal(sheet[:, :256], np.asarray(picture(0)))
    changed = sheet[:, 512:].any(axis=2)
    assert changed[100:120, 100:120].mean() > 0.9
    changed[100:120, 100:120] = False
    assert not changed.any()


# ---- of a collection --------------------------------------------------------------------------------


@pytest.fixture
def collection(workspace: Workspace, tmp_path):
    """Nine pictures of three colours, of the first a smaller copy, of the second the same bytes elsewhere."""
    folder = tmp_path / "set"
    for name in ("train", "test"):
        (folder / name).mkdir(parents=True)
    for row in range(9):
        tint = np.array([1, 0, 0] if row % 3 == 0 else [0.2, 1, 0] if row % 3 == 1 else [0, 0.2, 1])
        shade = (np.asarray(picture(row)) * tint * (0.5 + row / 18)).astype(np.uint8)
        data = encoded(Image.fromarray(shade), "PNG")
        (folder / "train" / f"{row:02}.png").write_bytes(data)
        if row == 0:
            small = Image.fromarray(shade).resize((200, 200))
            (folder / "test" / "small.png").write_bytes(encoded(small, "PNG"))
        if row == 1:
            (folder / "test" / "same.png").write_bytes(data)
    workspace.ingest("set", [folder])
    return workspace.collection("set")


def row_of(collection, end: str) -> int:
    (row,) = [row for row, one in enumerate(collection.snapshot().records) if one.path.endswith(end)]
    return row


def test_a_collection_tells_copies_from_pictures_that_are_only_alike_to_the_model(collection):
    first, small = row_of(collection, "00.png"), row_of(collection, "small.png")

    found, alone = collection.duplicates(), collection.duplicates(look=False)

    assert [group.rows for group in found.groups] == [(first, small)]
    assert found.groups[0].reason == "the largest, 256 × 256"
    assert len(alone.pairs) == len(found.pairs) + found.alike > 5  # to the fake model all of one colour are alike
    (exact,) = found.exact
    assert len(collection.snapshot().records[exact].names) == 1


def test_what_stands_in_two_folders_leaks_near_and_exact(collection):
    leaks = collection.leaks("folder")

    assert [leak.pairs for leak in leaks.between] == [1]
    assert leaks.several == collection.duplicates().exact


def test_hidden_images_are_in_no_answer_about_a_messy_set(collection):
    snapshot, small = collection.snapshot(), row_of(collection, "small.png")
    collection.tag([snapshot.ids[small]], "hidden")

    assert not collection.duplicates().groups
    assert small not in collection.outliers(3).rows
    assert small not in collection.subset(100).rows
    assert all(small not in poor.order for poor in collection.looks())


def test_what_was_looked_at_is_kept_on_disk(collection, workspace, monkeypatch):
    assert not collection.has_alike
    assert not collection.has_looks
    before = collection.duplicates(), [poor.order.tolist() for poor in collection.looks()]
    assert collection.has_alike
    assert collection.has_looks

    workspace.home._stored.clear()
    for name in ("sketch", "looks"):
        monkeypatch.setattr(images, name, lambda *_: pytest.fail("looked at again"))

    assert collection.duplicates().groups == before[0].groups
    assert [poor.order.tolist() for poor in collection.looks()] == before[1]


def test_a_lower_cosine_than_was_looked_for_is_looked_for_anew(collection):
    few = len(collection.duplicates(0.9, look=False).pairs)

    assert len(collection.duplicates(0.05, look=False).pairs) > few
    assert len(collection.duplicates(0.9, look=False).pairs) == few


def test_the_marked_cases_of_the_sample_set_are_found(workspace: Workspace):
    """30 near duplicates with precision and recall of at least 0.95; of 14 planted outliers most stand first."""
    collection = workspace.add_sample()
    records = collection.snapshot().records
    by_path = {one.path.removeprefix("sample_data/"): row for row, one in enumerate(records)}
    for row, one in enumerate(records):  # of exact duplicates the table may name either
        by_path.update({name.removeprefix("sample_data/"): row for name in one.names})
    true = {
        tuple(sorted((row, by_path[str(one.meta["of"])])))
        for row, one in enumerate(records)
        if one.meta.get("special") == "near-duplicate"
    }
    planted = [row for row, one in enumerate(records) if one.meta.get("special") == "outlier"]

    pairs = collection.duplicates().pairs
    found = set(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True))
    strangers = collection.outliers()
    first = strangers.rows[strangers.order]

    assert len(true) == 30
    assert len(found & true) / len(found) >= 0.95
    assert len(found & true) / len(true) >= 0.95
    assert len(set(first[:14].tolist()) & set(planted)) >= 11
    assert max(int(np.flatnonzero(first == row)[0]) for row in planted) < 0.05 * len(records)
