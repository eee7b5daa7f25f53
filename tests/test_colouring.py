"""What points are coloured by: what the browser is told against the values, by numpy."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from shown import drawn, new_home, new_page, open_page, run, texts
from streamlit.testing.v1 import AppTest

from sharedspace.collection import Collection
from sharedspace.plots import theme
from sharedspace.questions import Part, write
from sharedspace.records import ImageRecord, MetaValue, Space
from sharedspace.ui import cache, colouring

LIGHT_ENDS = ("#D9DEE8", "#2B0A57")
OTHER = 255
Ages: TypeAlias = Callable[[Sequence[MetaValue | None]], colouring.Colouring]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with new_home(tmp_path_factory.mktemp("colouring") / "home") as path:
        yield path


@pytest.fixture
def sample(home: Path) -> Collection:
    return cache.workspace().collection("sample")


def codes(at: AppTest) -> np.ndarray:
    return np.frombuffer(base64.b64decode(drawn(at)["categories"]), dtype=np.uint8)


def cosines(collection: Collection, text: str) -> np.ndarray:
    return np.asarray(collection.snapshot().vectors @ collection.encoder.texts([text])[0], dtype=np.float64)


def standard(scores: np.ndarray) -> np.ndarray:
    return np.asarray((scores - scores.mean()) / scores.std())


def check_scale(at: AppTest, values: np.ndarray, low: float, high: float) -> None:
    """The codes rise with the values, in 48 even steps between the ends, and the scale names those."""
    scale, places = drawn(at)["scale"], codes(at)
    assert (scale["low"], scale["high"]) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
    assert len(drawn(at)["palette"]) == 48
    assert (np.diff(places[np.argsort(values, kind="stable")].astype(int)) >= 0).all()
    expected = np.clip((values - low) / (high - low) * 48, 0, 47.999)
    assert np.abs(places + 0.5 - expected).max() < 0.51
    assert np.ptp(places) == 47


def test_by_similarity_the_whole_map_has_the_colour_of_its_cosine_between_two_percentiles(sample: Collection) -> None:
    at = open_page("map", collection="sample", q="a dog", colour=colouring.SIMILAR)
    values = cosines(sample, "a dog")

    check_scale(at, values, *np.percentile(values, [2, 98]).tolist())
    assert drawn(at)["scale"]["label"] == "cosine with “a dog”"
    assert (drawn(at)["palette"][0], drawn(at)["palette"][-1]) == LIGHT_ENDS


def test_by_similarity_to_several_parts_the_colour_is_that_of_their_sum(sample: Collection) -> None:
    at = open_page(
        "map", collection="sample", q="a dog", also=write([Part("snow", weight=-2)]), colour=colouring.SIMILAR
    )
    values = standard(cosines(sample, "a dog")) - 2 * standard(cosines(sample, "snow"))

    check_scale(at, values, *np.percentile(values, [2, 98]).tolist())
    assert drawn(at)["scale"]["label"].startswith("z-score of")


def test_filters_leave_the_colours_of_the_others_as_they_are(sample: Collection) -> None:
    at = open_page("map", collection="sample", q="a dog", colour=colouring.SIMILAR, where=["setting=snow"])

    assert np.array_equal(codes(at), codes(open_page("map", collection="sample", q="a dog", colour=colouring.SIMILAR)))


def test_by_trust_the_colour_is_the_share_of_true_neighbours_drawn_near(sample: Collection) -> None:
    at = open_page("map", collection="sample", colour=colouring.TRUST)
    vectors, xy = sample.snapshot().vectors, sample.map().xy.astype(np.float64)
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -2)
    apart = np.linalg.norm(xy[:, None] - xy[None], axis=-1)
    np.fill_diagonal(apart, np.inf)
    true, near = (np.argsort(table, axis=1)[:, :15] for table in (-alike, apart))
    share = np.array([len(set(a) & set(b)) / 15 for a, b in zip(true.tolist(), near.tolist(), strict=True)])

    assert (drawn(at)["scale"]["low"], drawn(at)["scale"]["high"]) == (0, 1)
    assert np.mean(codes(at) == np.minimum((share * 48 + 1e-4).astype(int), 47)) > 0.98  # ties of float32 apart
    assert at.metric[0].value == f"{share.mean():.2f}"


def test_by_contrast_the_middle_colour_is_where_both_phrases_are_equally_near(sample: Collection) -> None:
    at = open_page("map", collection="sample", colour=colouring.CONTRAST, a="snow", b="night")
    values = cosines(sample, "snow") - cosines(sample, "night")
    reach = float(np.percentile(np.abs(values), 98))

    check_scale(at, values, -reach, reach)
    assert ((codes(at) >= 24) == (values >= 0)).all()
    assert drawn(at)["scale"]["label"] == "“snow” minus “night”"
    assert drawn(at)["palette"][0] == "#B34700"


def test_by_tags_the_untagged_have_no_colour_and_each_set_of_tags_has_its_own(sample: Collection) -> None:
    ids = sample.snapshot().ids
    sample.tag(ids[:5], "keep")
    sample.tag(ids[3:9], "a <b>")
    at = open_page("map", collection="sample", colour=colouring.TAGS)
    sample.untag(ids, "keep")
    sample.untag(ids, "a <b>")

    names = [drawn(at)["legend"][code] if code != OTHER else None for code in codes(at)]
    assert names[:9] == ["keep"] * 3 + ["a <b>, keep"] * 2 + ["a <b>"] * 4
    assert set(names[9:]) == {None}


def test_by_zero_shot_labels_each_image_has_its_likeliest_label(sample: Collection) -> None:
    at = new_page("map", collection="sample", colour=colouring.LABELS)
    at.session_state["labels"] = "snow, sea, forest"
    at.session_state["template"] = "a dog by night, {}"
    run(at)

    plain, best = (
        (sample.snapshot().vectors @ sample.encoder.texts([begin + label for label in ("snow", "sea", "forest")]).T)
        for begin in ("a photo of a ", "a dog by night, ")
    )
    plain, best = plain.argmax(axis=1), best.argmax(axis=1)
    assert (plain != best).any()
    names = [drawn(at)["legend"][code] for code in codes(at)]
    assert names == [("snow", "sea", "forest")[label] for label in best]


def test_by_a_saved_query_the_colour_is_its_standardised_score(sample: Collection) -> None:
    sample.save_query("winter", [Part("snow"), Part("night", weight=0.5)])
    at = open_page("map", collection="sample", colour=f"{colouring.QUERY}winter")
    values = standard(standard(cosines(sample, "snow")) + 0.5 * standard(cosines(sample, "night")))
    sample.forget("query", "winter")

    check_scale(at, values, *np.percentile(values, [2, 98]).tolist())
    assert drawn(at)["scale"]["label"] == "z-score of winter"


def test_by_a_field_each_value_has_a_colour_the_most_frequent_first(sample: Collection) -> None:
    at = open_page("map", collection="sample", colour="setting")
    values = sample.column("setting")

    names = [drawn(at)["legend"][code] if code != OTHER else None for code in codes(at)]
    assert names == values
    counts = [values.count(name) for name in drawn(at)["legend"]]
    assert counts == sorted(counts, reverse=True)
    assert drawn(at)["scale"] is None


@pytest.mark.parametrize(
    ("by", "words"),
    [
        (colouring.SIMILAR, "Type a query"),
        (colouring.CONTRAST, "Give two phrases"),
        (colouring.LABELS, "Type labels on the page Zero-shot"),
    ],
)
def test_a_colour_that_lacks_something_says_what_and_draws_all_alike(sample: Collection, by: str, words: str) -> None:
    at = open_page("map", collection="sample", colour=by)

    assert words in texts(at)
    assert set(codes(at).tolist()) == {0}


# ---- fields of numbers ------------------------------------------------------------------------------


@pytest.fixture
def by_age(home: Path) -> Ages:
    """The colours by a field that has given values in a collection of its own."""

    def by(values: Sequence[MetaValue | None]) -> colouring.Colouring:
        name = f"ages {len(cache.workspace().collections())}"
        ids = [f"{row:064x}" for row in range(len(values))]
        told = [{} if value is None else {"age": value} for value in values]
        records = [ImageRecord(id, "x.png", 8, 8, meta) for id, meta in zip(ids, told, strict=True)]
        number = cache.workspace().home.ledger.ensure(name, Space("0" * 16, "nobody/gone", 3, 20.0))
        cache.workspace().home.ledger.add(number, records, np.eye(3, dtype=np.float32)[np.arange(len(ids)) % 3])
        collection = cache.workspace().collection(name)
        return colouring.colour(collection, collection.snapshot(), "age", None)

    return by


def test_nine_numbers_of_a_field_are_a_scale_and_eight_are_categories(by_age: Ages) -> None:
    scale, categories = by_age([*range(9), None]), by_age([*range(8), None])

    assert scale.scale is not None
    assert (scale.scale.low, scale.scale.high) == pytest.approx(np.percentile(range(9), [2, 98]))
    assert (np.diff(scale.codes[:9].astype(int)) > 0).all()
    assert scale.codes[9] == categories.codes[8] == theme.OTHER_CODE
    assert categories.scale is None
    assert set(categories.legend) == {str(value) for value in range(8)}


def test_true_and_false_are_never_a_scale_nor_are_numbers_among_words(by_age: Ages) -> None:
    assert by_age([True, False] * 20).scale is None
    assert by_age([True, *range(2, 22)]).scale is None
    assert by_age([*range(20), "old"]).scale is None


def test_a_few_outliers_do_not_flatten_a_scale_of_numbers(by_age: Ages) -> None:
    values = [*np.linspace(0, 1, 200).tolist(), 1e9]

    assert len(set(by_age(values).codes.tolist())) == 48
