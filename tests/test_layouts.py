"""Where things stand on the map: among the pictures, where they really are, along two phrases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shown import drawn, keys, new_home, open_page, texts

from sharedspace import gap, projection, search
from sharedspace.home import Snapshot
from sharedspace.questions import Part, write
from sharedspace.records import ImageRecord, SearchResult, SpaceMap, Term
from sharedspace.ui import cache, layouts
from sharedspace.vectors import unit


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with new_home(tmp_path_factory.mktemp("layouts") / "home") as path:
        yield path


def rows(n: int, d: int = 6, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(n, d)))


def snapshot(vectors: np.ndarray) -> Snapshot:
    records = tuple(ImageRecord(f"{row:064x}", f"{row}.png", 8, 8) for row in range(len(vectors)))
    return Snapshot(1, records, vectors)


def asked(vectors: np.ndarray, *terms: Term) -> SearchResult:
    return SearchResult("a query", (), None, terms, search.scores(vectors, terms).total, len(vectors))


# ---- along two phrases ------------------------------------------------------------------------------


@given(st.integers(1, 40), st.integers(0, 50))
def test_along_two_phrases_places_are_the_cosines_at_one_scale_for_both_axes(n: int, seed: int) -> None:
    vectors, (a, b) = rows(n, seed=seed), rows(2, seed=seed + 1000)
    laid = layouts.along(snapshot(vectors), Term("text", "day", a), Term("text", "night", b), None)
    cosines = np.stack([vectors @ a, vectors @ b], axis=1).astype(np.float64)

    apart, drawn_apart = (points[:, None] - points[None] for points in (cosines, laid.xy.astype(np.float64)))
    widest = np.abs(apart).max()
    scale = layouts.SIDE / max(widest, 1e-6)
    assert drawn_apart == pytest.approx(apart * scale, abs=1e-3)
    if widest > 1e-3:
        assert np.abs(drawn_apart).max() == pytest.approx(layouts.SIDE, rel=1e-3)


@given(st.integers(2, 40), st.integers(0, 50))
def test_on_the_line_between_two_phrases_both_cosines_are_equal_and_each_side_is_nearer_to_its_own(
    n: int, seed: int
) -> None:
    vectors, (a, b) = rows(n, seed=seed), rows(2, seed=seed + 1000)
    laid = layouts.along(snapshot(vectors), Term("text", "day", a), Term("text", "night", b), None)
    assert laid.axes is not None
    assert laid.axes.line is not None
    (x1, y1), (x2, y2) = laid.axes.line

    for x, y in ((x1, y1), (x2, y2)):
        assert read(laid, x, 0, vectors @ a) == pytest.approx(read(laid, y, 1, vectors @ b), abs=1e-4)
    assert (x2 - x1) == pytest.approx(y2 - y1, abs=1e-4)
    right = (laid.xy[:, 0] - x1) > (laid.xy[:, 1] - y1)
    clear = np.abs(vectors @ a - vectors @ b) > 1e-4
    assert np.array_equal(right[clear], (vectors @ a > vectors @ b)[clear])


def read(laid: layouts.Layout, place: float, axis: int, cosines: np.ndarray) -> float:
    """The cosine at a place of an axis, by where the images of known cosine stand."""
    at = laid.xy[:, axis].astype(np.float64)
    low, high = int(at.argmin()), int(at.argmax())
    if at[high] - at[low] < 1e-9:
        return float(cosines[low])
    share = (place - at[low]) / (at[high] - at[low])
    return float(cosines[low] + share * (float(cosines[high]) - float(cosines[low])))


@given(st.integers(2, 40), st.integers(0, 50))
def test_the_ticks_of_an_axis_stand_where_their_cosine_is(n: int, seed: int) -> None:
    vectors, (a, b) = rows(n, seed=seed), rows(2, seed=seed + 1000)
    laid = layouts.along(snapshot(vectors), Term("text", "day", a), Term("text", "night", b), None)
    assert laid.axes is not None

    for axis, (ticks, cosines) in enumerate(((laid.axes.ticks_x, vectors @ a), (laid.axes.ticks_y, vectors @ b))):
        for place, words in ticks:
            assert read(laid, place, axis, cosines) == pytest.approx(float(words), abs=1e-4)
            assert cosines.min() - 1e-6 <= float(words) <= cosines.max() + 1e-6


# ---- among the pictures, and where they really are --------------------------------------------------


@pytest.mark.parametrize("n", [60, 200])
def test_among_the_pictures_the_star_stands_where_the_core_places_the_whole_query(n: int) -> None:
    vectors, xy = rows(n), rows(n, 2, seed=3) * 5
    terms = (Term("text", "a", rows(1, seed=4)[0], 2.0), Term("image", "b", rows(1, seed=5)[0], -1.0))
    laid = layouts.among(SpaceMap("key", (), xy, 1), [("word", 1.0, 2.0)], asked(vectors, *terms))

    mixed = sum(
        term.weight * (vectors @ term.vector - (vectors @ term.vector).mean()) / (vectors @ term.vector).std()
        for term in terms
    )
    expected = projection.place(np.asarray(mixed, dtype=np.float32), xy)
    assert laid.star is not None
    assert (laid.star.x, laid.star.y) == pytest.approx(expected.xy, abs=1e-4)
    assert laid.star.spread == pytest.approx(expected.spread, abs=1e-4)
    assert expected.scattered
    assert laid.star.scattered == bool(laid.note) == (n == 200)  # of a few, the nearest are much of the map
    assert laid.xy is xy
    assert laid.anchors == (("word", 1.0, 2.0),)


def test_where_they_really_are_query_and_words_stand_on_the_plane_of_the_gap_and_nothing_is_moved(home: Path) -> None:
    collection = cache.workspace().collection("sample")
    data = drawn(open_page("map", q="a dog", also=write([Part("snow", weight=-0.5)]), layout=layouts.REALLY))
    joint = collection.joint()

    dog, snow = collection.encoder.texts(["a dog", "snow"])
    mixed = dog - 0.5 * snow
    words = collection.anchors()
    assert data["star"] == ["a dog − 0.5 × snow", *map(pytest.approx, place(joint, mixed / np.linalg.norm(mixed)))]
    assert [anchor[0] for anchor in data["anchors"]] == words
    for (_, *at), vector in zip(data["anchors"], collection.encoder.texts(words), strict=True):
        assert at == pytest.approx(place(joint, vector), abs=1e-5)
    xy = cache.drawn_map(data["url"].removeprefix("/map/").removesuffix(".bin")).xy
    assert np.allclose(xy, (collection.snapshot().vectors - joint.origin) @ joint.axes, atol=1e-6)


def place(joint: gap.Joint, vector: np.ndarray) -> list[float]:
    return [float((vector - joint.origin) @ axis) for axis in joint.axes.T]


def test_the_gap_that_the_page_tells_is_the_distance_of_the_means_of_images_and_texts(home: Path) -> None:
    from sharedspace import words

    collection = cache.workspace().collection("sample")
    at = open_page("map", layout=layouts.REALLY)

    images = collection.snapshot().vectors.astype(np.float64)
    bank = collection.encoder.texts([*words.neutral(), *collection.anchors()]).astype(np.float64)
    between = np.linalg.norm(images.mean(axis=0) - bank.mean(axis=0))
    assert f"**The modality gap is {between:.2f}**" in texts(at)
    assert f"Mean cosine of an image and a text {(images @ bank.T).mean():.2f}" in texts(at)
    n = len(images)
    assert f"two images {((images @ images.T).sum() - n) / (n * (n - 1)):.2f}" in texts(at)


def test_two_phrases_that_cancel_each_other_still_have_a_star() -> None:
    vectors, word = rows(30), rows(1, seed=7)[0]
    joint = gap.joint(vectors, rows(5, seed=8))
    terms = (Term("text", "a", word), Term("text", "b", word, -1.0))
    laid = layouts.really(Wordless(), joint, asked(vectors, *terms))  # type: ignore[arg-type]

    assert laid.star is not None
    assert (laid.star.x, laid.star.y) == pytest.approx(place(joint, word), abs=1e-5)


class Wordless:
    """A collection with no words on its map."""

    def anchors(self) -> list[str]:
        return []


def test_the_map_along_two_phrases_of_the_address_has_their_axes_and_waits_for_both(home: Path) -> None:
    at = open_page("map", layout=layouts.WORDS, a="day", b="night")
    data = drawn(at)
    collection = cache.workspace().collection("sample")

    assert (data["axes"]["x"], data["axes"]["y"]) == ("cosine with “day”", "cosine with “night”")
    xy = cache.drawn_map(data["url"].removeprefix("/map/").removesuffix(".bin")).xy
    cosines = collection.snapshot().vectors @ collection.encoder.texts(["day", "night"]).T
    for axis in (0, 1):
        assert np.corrcoef(xy[:, axis], cosines[:, axis])[0, 1] == pytest.approx(1, abs=1e-5)
    alone = open_page("map", layout=layouts.WORDS, a="day")
    assert drawn(alone)["axes"] is None
    assert drawn(alone)["url"] == f"/map/{collection.map().key}.bin"
    assert "Give two phrases" in texts(alone)
    assert keys(alone) == [drawn(alone)["key"]]
