"""Lessons 5 to 7, labels, gap, two models: what they claim holds, and is counted as an independent way counts it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import PLAIN, png, shades, unit_rows
from scipy.spatial.distance import cdist, pdist
from scipy.special import softmax
from scipy.stats import binomtest
from shown import AppTest, new_home, open_page, press, run, texts
from sklearn.neighbors import NearestNeighbors

from sharedspace import encoders, samples
from sharedspace.doctor import TemplateGain
from sharedspace.errors import BadInput
from sharedspace.images import decode
from sharedspace.lessons import gap, labels, mixing
from sharedspace.lessons.rates import Rate
from sharedspace.lessons.retrieval import one_of_each, recall
from sharedspace.plots import geometry
from sharedspace.records import Space
from sharedspace.ui import cache
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.text import plain
from sharedspace.vectors import unit

SPACE = Space("f00d", "mine", 128, 30.0)


@pytest.fixture(scope="module")
def pair() -> mixing.Pair:
    """One picture of each caption of the sample set, with its caption, by pocket and by its twin."""
    sample, pocket, twin = samples.load(), encoders.load("pocket"), encoders.load("pocket-twin")
    captions = [str(record.meta["caption"]) for record in sample.records]
    rows = one_of_each(captions, 500).tolist()
    asked = [captions[row] for row in rows]
    pictures = [decode(sample.files[row].read_bytes(), "a picture", twin.side).image for row in rows]
    return mixing.Pair(
        sample.space, twin.space, pocket.texts(asked), sample.vectors[rows], twin.texts(asked), twin.images(pictures)
    )


def islands(n: int = 40, m: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Unit images (n, 32) and texts (m, 32) on two islands."""
    toward = np.zeros(32)
    toward[0] = 1
    return unit(0.2 * unit_rows(n, 32, seed=1) - toward), unit(0.2 * unit_rows(m, 32, seed=2) + toward)


# -- rates and recall


@pytest.mark.parametrize(("found", "n"), [(0, 10), (3, 10), (10, 10), (431, 454), (1, 1)])
def test_the_interval_is_wilsons(found: int, n: int):
    low, high = binomtest(found, n).proportion_ci(0.95, "wilson")

    assert Rate(found, n).interval == pytest.approx((low, high), abs=1e-6)
    assert Rate(found, n).holds(found / n)
    assert not Rate(found, n).holds(2.0)


def test_a_rate_of_nothing_says_nothing():
    assert np.isnan(Rate(0, 0).share)
    assert Rate(0, 0).interval == (0.0, 1.0)


def test_recall_counts_whose_own_row_is_among_the_best():
    queries, index = unit_rows(50, 8, seed=3), unit_rows(50, 8, seed=4)
    order = np.argsort(-(queries @ index.T), axis=1, kind="stable")
    rank = np.array([int(np.flatnonzero(order[row] == row)[0]) for row in range(50)])

    for one in recall(queries, index, (1, 5, 10)):
        assert (one.rate.found, one.rate.n) == (int((rank < one.k).sum()), 50)
        assert one.chance == one.k / 50


def test_of_equal_scores_the_earlier_row_comes_first():
    same = np.ones((4, 2), np.float32)

    assert [one.rate.found for one in recall(same, same, (1, 2, 4))] == [1, 2, 4]


@pytest.mark.parametrize(("n", "m"), [(0, 0), (3, 4)])
def test_recall_of_what_does_not_pair_up_is_refused(n: int, m: int):
    with pytest.raises(BadInput, match="one query for each"):
        recall(unit_rows(n, 4), unit_rows(m, 4))


def test_of_each_caption_there_is_one_row_and_of_none_no_row():
    captions = ["a cat", "", None, "A  Cat", "a dog", " ", "a fish"]

    assert one_of_each(captions, 10).tolist() == [0, 4, 6]
    assert one_of_each(captions, 2).tolist() == [0, 6]
    assert one_of_each([None, ""], 5).tolist() == []


# -- labels


def test_a_templates_rate_is_its_count():
    gain = TemplateGain(np.array([0.5, 0.25]), np.array([0.25, 0.5]), 0.75, 8, True)

    assert labels.rates(gain) == ((Rate(4, 8), Rate(2, 8)), Rate(6, 8))


def test_pictures_flip_where_templates_disagree():
    images, vectors = unit_rows(60, 8, seed=1), np.stack([unit_rows(4, 8, seed=seed) for seed in (2, 3, 4)])
    answers = [[int(np.argmax([image @ word for word in words])) for words in vectors] for image in images]

    assert labels.flips(images, vectors).tolist() == [len(set(one)) > 1 for one in answers]
    assert not labels.flips(images, vectors[:1]).any()


def test_a_label_in_other_words_is_the_set_classified_anew():
    images, words, vector = unit_rows(80, 8, seed=5), unit_rows(5, 8, seed=6), unit_rows(1, 8, seed=7)[0]
    truth = np.random.default_rng(0).integers(-1, 5, 80)
    other = words.copy()
    other[2] = vector
    before, after = (images @ words.T).argmax(axis=1), (images @ other.T).argmax(axis=1)

    found = labels.reworded(images, words, truth, 2, vector)

    known = truth >= 0
    assert found.before == Rate(int((before == truth)[known].sum()), int(known.sum()))
    assert found.after == Rate(int((after == truth)[known].sum()), int(known.sum()))
    assert found.after.found - found.before.found == len(found.gained) - len(found.lost)
    assert found.changed.tolist() == np.flatnonzero(before != after).tolist()


def test_one_label_more_shrinks_all_others_by_one_factor():
    cosines = np.array([0.31, 0.27, 0.1], np.float32)

    before, after = labels.with_one_more(cosines, 0.25, 30.0)

    np.testing.assert_allclose(before, softmax(30.0 * cosines.astype(float)), rtol=1e-6)
    np.testing.assert_allclose(after[:-1] / before, 1 - after[-1], rtol=1e-9)
    assert after[-1] > 0.05
    assert after.sum() == pytest.approx(1)


# -- the gap


@pytest.mark.parametrize("amount", [0.0, 0.3, 1.0])
def test_a_shift_closes_the_gap_in_proportion_and_leaves_distances_of_images(amount: float):
    images, words = islands()
    found = gap.measure(images, words, amount, pairs=False)
    raw = np.linalg.norm(images.mean(axis=0, dtype=float) - words.mean(axis=0, dtype=float))
    moved, _ = gap.shifted(images, words, amount)

    assert found.gap == pytest.approx((1 - amount) * raw, abs=1e-9)
    assert found.moved < 1e-6
    np.testing.assert_allclose(pdist(moved), pdist(images.astype(float)), atol=1e-12)


def test_lengths_set_to_one_again_do_change_distances():
    images, words = islands()
    moved, shifted = gap.shifted(images, words, 1.0, renormalise=True)
    most = np.abs(cdist(moved, moved) - cdist(images.astype(float), images.astype(float))).max()

    np.testing.assert_allclose(np.linalg.norm(np.concatenate([moved, shifted]), axis=1), 1)
    assert gap.measure(images, words, 1.0, False, renormalise=True).moved == pytest.approx(most, abs=1e-6)
    assert most > 0.1


def test_the_share_of_texts_among_the_nearest_is_that_of_all_neighbours():
    images, words = unit_rows(30, 8, seed=1), unit_rows(20, 8, seed=2)
    found = gap.measure(images, words, 0.5, pairs=False)
    both = np.concatenate([unit(rows) for rows in gap.shifted(images, words, 0.5)])
    near = NearestNeighbors(n_neighbors=11).fit(both).kneighbors(both[:30], return_distance=False)[:, 1:]

    assert found.texts_near > 0.2
    assert found.texts_near == pytest.approx((near >= 30).mean())
    assert found.texts_expected == 20 / 49


def test_on_the_sample_set_the_gap_closes_step_by_step_and_retrieval_hardly_notices(pair: mixing.Pair):
    found = gap.sweep(pair.images, pair.queries, pairs=True)
    raw, centred = found[0], found[-1]

    assert raw.gap > 0.5
    assert centred.gap < 1e-6
    assert all(later.gap < earlier.gap for earlier, later in pairwise(found))
    assert all(at.moved < 1e-6 for at in found)
    assert raw.recall[1].k == 5
    assert raw.recall[1].rate.share > 0.9
    assert abs(centred.recall[1].rate.share - raw.recall[1].rate.share) <= 0.05
    assert raw.texts_near < 0.05
    assert centred.texts_near > 0.25


@pytest.mark.parametrize(("n", "m"), [(2, 5), (5, 2)])
def test_too_few_of_a_kind_have_no_gap_to_look_at(n: int, m: int):
    with pytest.raises(BadInput, match="3 pictures and 3 texts"):
        gap.measure(unit_rows(n, 8), unit_rows(m, 8), 0.5, pairs=False)


def test_a_logit_scale_changes_how_sure_and_not_who_is_first(pair: mixing.Pair):
    cosines = (pair.images @ pair.queries.T)[:100]
    found = gap.sureness(cosines, [1, 10, 35.5, 100])

    assert [one.same_order for one in found] == [100] * 4
    assert all(later.top > earlier.top for earlier, later in pairwise(found))
    assert found[2].top == pytest.approx(softmax(35.5 * cosines.astype(float), axis=1).max(axis=1).mean())
    second = np.sort(cosines, axis=1)[:, -2]
    assert gap.lead(cosines) == pytest.approx(np.median(cosines.max(axis=1) - second))


# -- two models


def test_across_two_models_recall_is_at_chance_and_alone_either_is_good(pair: mixing.Pair):
    found = mixing.measure(pair)

    assert [one.k for one in found.mixed] == [1, 5, 10]
    for one in found.mixed:
        low, high = binomtest(one.rate.found, one.rate.n).proportion_ci(0.95, "wilson")
        assert low <= one.k / one.rate.n <= high
        assert one.at_chance
    assert min(one.rate.share for one in (*found.alone, *found.other_alone)) > 0.85
    assert not any(one.at_chance for one in (*found.alone, *found.other_alone))
    assert abs(found.mixed_cosines.mean()) < 0.05
    assert found.own_cosines.mean() > 0.3


def test_turned_axes_keep_every_cosine_and_mean_nothing_to_the_first_model():
    images = unit_rows(300, 128, seed=8)
    turned = mixing.turned(SPACE, images, images)
    found = mixing.measure(turned)

    np.testing.assert_allclose(turned.other_images @ turned.other_images.T, images @ images.T, atol=1e-5)
    assert [one.rate.found for one in found.alone] == [one.rate.found for one in found.other_alone] == [300] * 3
    assert all(one.at_chance for one in found.mixed)
    assert turned.other.fingerprint != SPACE.fingerprint
    assert turned.other.dimension == SPACE.dimension
    np.testing.assert_allclose(mixing.axes(128).T @ mixing.axes(128), np.eye(128), atol=1e-6)


def test_two_models_of_other_dimensions_are_no_pair():
    rows, other = unit_rows(4, 8), unit_rows(4, 6)

    with pytest.raises(BadInput, match="equal dimension"):
        mixing.Pair(SPACE, SPACE, rows, rows, other, other)


# -- figures


def test_a_figure_of_rates_has_each_interval_and_texts_as_texts():
    figure = geometry.rates(["<b>x</b>", "y"], [0.5, 0.9], [(0.4, 0.6), (0.8, 0.95)], [0.1, 0.2])
    dots, chance = figure.data

    assert [dots.x[0] - dots.error_x.arrayminus[0], dots.x[1] + dots.error_x.array[1]] == pytest.approx([0.4, 0.95])
    assert list(chance.x) == [0.1, 0.2]
    assert figure.layout.yaxis.ticktext[0] == "&lt;b&gt;x&lt;/b&gt;  50.0%"
    assert figure.layout.xaxis.range[0] < 0.1
    assert figure.layout.xaxis.range[1] > 0.95


def test_islands_are_told_apart_by_shape_too_and_stand_within_their_bounds():
    images, words = np.array([[0.0, 0], [1, 1]]), np.array([[2.0, 0], [3, 1]])
    figure = geometry.islands(images, words, ["a", "b"], ["<i>c</i>", "d"], (np.zeros(2), np.array([4.0, 2])))

    assert figure.data[0].marker.symbol != figure.data[1].marker.symbol
    assert figure.data[1].hovertext[0] == "&lt;i&gt;c&lt;/i&gt;"
    assert [(note.x, note.y) for note in figure.layout.annotations] == [(0.5, 0.5), (2.5, 0.5)]
    assert figure.layout.xaxis.range[1] > 4


def test_histograms_share_their_bins_and_sum_to_one():
    figure = geometry.histograms({"a": np.array([0.1, 0.2, 0.2]), "b": np.array([0.9, 1.0])}, "cosine")

    assert figure.data[0].x == figure.data[1].x
    assert [sum(trace.y) for trace in figure.data] == pytest.approx([1, 1])


# -- the pages


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with the sample set, three plain pictures, and vectors of one's own."""
    folder = tmp_path_factory.mktemp("lessons")
    with new_home(folder / "home") as path:
        for name in PLAIN[:3]:
            (folder / f"{name}.png").write_bytes(png(name))
        cache.workspace().ingest("three", [folder / f"{name}.png" for name in PLAIN[:3]])
        np.savez(folder / "own.npz", vectors=unit_rows(60, 16))
        cache.workspace().ingest("own", [folder / "own.npz"], model="vectors:mine")
        names = [f"{row}.png" for row in range(24)]
        for name, data in zip(names, shades(24), strict=True):
            (folder / name).write_bytes(data)
        for model, seed in (("first", 1), ("second", 2)):
            np.savez(folder / f"{model}.npz", vectors=unit_rows(24, 8, seed), paths=np.array(names))
            cache.workspace().ingest(model, [folder / f"{model}.npz"], model=f"vectors:{model}")
        yield path


def commit(at: AppTest, choice: str) -> AppTest:
    """Answer the one open question."""
    (radio,) = [radio for radio in at.radio if not radio.disabled]
    radio.set_value(radio.options.index(plain(choice)))
    return press(at, "Commit")


def figures(at: AppTest) -> int:
    return len(at.get("plotly_chart"))


def replay(sources: list[str], name: str) -> Any:
    """Run a lesson's code as a notebook would; the value of its last line, None where that is no expression."""
    ws = cache.workspace()
    scope: dict[str, Any] = {"ws": ws, "collection": ws.collection(name), "np": np}
    value = None
    for source in sources:
        *body, last = ast.parse(source).body
        exec(compile(ast.Module(body, []), "code", "exec"), scope)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "code", "eval"), scope)
        else:
            exec(compile(ast.Module([last], []), "code", "exec"), scope)
    return value


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The code of what was shown, as it comes; cleared by the test before the run that counts."""
    found: list[str] = []
    monkeypatch.setattr(Sheet, "code", lambda self, source: found.append(source))
    return found


def test_labels_are_predicted_then_seen_then_put_in_other_words(home: Path, sources: list[str]):
    at = open_page("learn_labels", collection="sample")
    assert "98.9%" not in texts(at)
    assert (figures(at), sources) == (0, [])

    at = commit(at, "under 25%")
    assert "it is **95% or more**" in texts(at)
    assert "n = 454" in texts(at)
    at = commit(at, "less than 1 point")
    assert "and so it is" in texts(at)
    at = commit(at, "all of them shrink by the same factor")
    assert "Take along" in texts(at)
    at = run(at.text_input(key="labels.words").set_value("animal"))
    assert re.search(
        r"With \*\*animal\*\* in place of \*\*apple\*\*: \d+ pictures become right, [1-9]\d* become", texts(at)
    )
    assert "The model has no token" not in texts(at)
    at = run(at.text_input(key="labels.words").set_value("axolotl"))
    assert "The model has no token for **axolotl**" in texts(at)
    at = run(at.text_input(key="labels.template").set_value("a photo"))
    assert "has no \\{\\} where the label belongs" in at.error[0].value


def test_the_gap_is_predicted_then_closed(home: Path, sources: list[str]):
    at = open_page("learn_gap", collection="sample")
    assert figures(at) == 0
    at = commit(at, "none or one")
    at = commit(at, "it falls by more than 5 points")
    assert "centred" not in "".join(sources)  # both questions come before any answer
    assert not any("R@5" in one.value for one in (*at.success, *at.warning))
    at = commit(at, "none of them changes")

    assert "it is **it stays within 5 points**" in texts(at)
    assert "smaller at every step" in texts(at)
    assert "No distance between two pictures changes by as much as a millionth" in texts(at)
    at = run(at.toggle(key="gap.unit").set_value(True))
    assert "distances between pictures do change, by up to 0.3" in texts(at)


def test_mixed_models_are_at_chance_on_the_page_and_the_guard_refuses(home: Path):
    at = open_page("learn_mixing", collection="sample")
    at = commit(at, "it warns that the models differ")
    assert figures(at) == 0
    at = commit(at, "no better than chance")

    assert "and so it is" in texts(at)
    assert "holds chance, k / n, at k = 1, 5, 10" in texts(at)
    refusal = "This collection lives in the space of pocket"
    assert texts(at).count(refusal) == 1
    images = cache.workspace().collection("sample").info.images
    at = press(at, "Add a picture of this collection again, with pocket\\-twin")
    assert texts(at).count(refusal) == 2
    assert cache.workspace().collection("sample").info.images == images


@pytest.mark.parametrize(
    ("lesson", "choices"),
    [
        ("labels", ("under 25%", "less than 1 point", "they stay as they are")),
        ("gap", ("none or one", "it stays within 5 points", "all shrink")),
        ("mixing", ("it warns that the models differ", "no better than chance")),
    ],
)
def test_the_code_of_a_lesson_runs_and_gives_what_is_shown(
    lesson: str, choices: tuple[str, ...], home: Path, sources: list[str]
):
    at = open_page(f"learn_{lesson}", collection="sample")
    for choice in choices:
        sources.clear()
        at = commit(at, choice)
    value = replay(sources, "sample")

    assert len(sources) >= 3
    if lesson == "gap":
        assert [same for _, _, same, _ in value] == [438] * 6
    if lesson == "labels":
        assert len(value) == 41
        assert sum(value.values()) == pytest.approx(1, abs=1e-3)


def test_three_pictures_without_captions_or_labels_have_their_lessons(home: Path):
    at = open_page("learn_labels", collection="three")
    assert "Type two labels or more" in texts(at)
    at = run(at.text_area(key="labels.own").set_value("red\ngreen\nblue"))
    assert "No field says what is right here" in texts(at)
    at = commit(at, "none of them")
    assert "of 3 pictures" in texts(at)

    at = open_page("learn_gap", collection="three")
    assert "3 pictures and" in texts(at)
    at = run(at.segmented_control(key="gap.texts").set_value("lines of my own"))
    at = run(at.text_area(key="gap.typed").set_value("a tree\na dog\na boat\na cup"))
    assert "Of the 6 nearest to a picture" in texts(at)  # there are no more: 3 + 4 without itself

    at = open_page("learn_mixing", collection="three")
    at = commit(at, "nothing: numbers come out as ever")
    assert "3 pictures are asked for themselves" in texts(at)


def test_vectors_of_ones_own_are_told_what_needs_a_text_and_have_what_does_not(home: Path):
    for lesson in ("labels", "gap"):
        at = open_page(f"learn_{lesson}", collection="own")
        assert "choose another collection" in texts(at)
        assert not at.radio
    at = open_page("learn_mixing", collection="own")
    assert "with its axes turned" in texts(at)
    at = commit(at, "nothing: numbers come out as ever")
    at = commit(at, "no better than chance")
    assert "60 pictures are asked for themselves" in texts(at)
    assert "and so it is" in texts(at)


def test_the_other_model_is_that_of_another_collection_with_the_same_pictures(home: Path, sources: list[str]):
    at = open_page("learn_mixing", collection="first")
    assert "The collection **second** holds 24 of these pictures" in texts(at)
    at = commit(at, "nothing: numbers come out as ever")
    sources.clear()
    at = commit(at, "no better than chance")
    first, second = (cache.workspace().collection(name).snapshot() for name in ("first", "second"))
    rows = [second.ids.index(id) for id in first.ids]
    expected = recall(first.vectors, second.vectors[rows])

    assert expected[2].rate.words in texts(at)
    counted = [source for source in sources if "Pair(" in source or "measure(pair)" in source]
    assert replay(counted, "first")["mixed"] == [one.rate.words for one in expected]
    assert "vectors:second" in texts(at).replace("\\", "")
