"""Names of groups against the truth of the sample set, and by hand: a name where one fits, and none where none does."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from drawn import unit_rows
from sklearn.metrics import roc_auc_score

from sharedspace.chance import RATE, baseline
from sharedspace.collection import Collection
from sharedspace.errors import BadInput
from sharedspace.naming import APART, MOST, names
from sharedspace.pocket.vocabulary import HYPERNYMS, NAMES
from sharedspace.records import Clustering, Name
from sharedspace.workspace import Workspace

PURE = 0.8  # share of one kind from which on a group is called pure


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    workspace = Workspace(tmp_path_factory.mktemp("naming") / "home")
    workspace.add_sample()
    yield workspace.collection("sample")
    workspace.close()


def kinds(sample: Collection) -> np.ndarray:
    """What is drawn on each image, empty for the strangers of the set."""
    return np.array([value or "" for value in sample.column("object")])


def named(sample: Collection, labels: np.ndarray) -> tuple[Name, ...]:
    snapshot = sample.snapshot()
    return sample.name_groups(Clustering(snapshot.ids, snapshot.paths, labels, "truth")).names


def says(word: str | None, kind: str) -> bool:
    """Whether a word means the kind: its name or a synonym, by the vocabulary that the pictures were captioned with."""
    return word in (kind, *NAMES[kind][1])


def test_the_groups_of_one_kind_have_its_name_or_a_synonym(sample: Collection):
    values, true = np.unique(kinds(sample), return_inverse=True)
    found = named(sample, true)
    right = [says(name.word, values[name.group]) for name in found if values[name.group]]

    assert len(right) == 40
    assert np.mean(right) >= 0.8


@pytest.mark.parametrize(("method", "k"), [("hdbscan", None), ("kmeans", 40)])
def test_so_have_the_pure_groups_that_clustering_finds(sample: Collection, method: str, k: int | None):
    clustering = sample.cluster(method, k)  # type: ignore[arg-type]  # of two known words
    drawn, right = kinds(sample), []
    for name in sample.name_groups(clustering).names:
        members = drawn[clustering.labels == name.group]
        kind, count = Counter(members.tolist()).most_common(1)[0]
        if kind and count >= PURE * len(members):
            right.append(says(name.word, kind))

    assert len(right) >= 8
    assert np.mean(right) >= 0.8


def test_random_groups_are_mixed(sample: Collection):
    rng, n = np.random.default_rng(3), len(sample.snapshot().ids)
    mixed = []
    for _ in range(14):
        ends = np.cumsum(rng.integers(5, 51, size=40))
        group = np.searchsorted(ends, rng.permutation(n), side="right")
        labels = np.where(group < (ends <= n).sum(), group, -1)  # the last one is cut off by the end of the set
        mixed += [name.word is None for name in named(sample, labels)]

    assert len(mixed) >= 200
    assert np.mean(mixed) >= 0.95


def test_two_kinds_in_one_group_have_a_name_only_where_one_word_means_both(sample: Collection):
    drawn, rng, found = kinds(sample), np.random.default_rng(4), []
    for _ in range(3):
        order = rng.permutation(sorted(NAMES)).tolist()
        pairs = [set(order[at : at + 2]) for at in range(0, 40, 2)]
        labels = np.array([next((n for n, pair in enumerate(pairs) if kind in pair), -1) for kind in drawn])
        for name in named(sample, labels):
            found.append(name.word is None or pairs[name.group] <= set(HYPERNYMS.get(name.word, ("", ()))[1]))

    assert np.mean(found) >= 0.9


# ---- by hand


def two_groups() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """60 images near the first of 12 directions, 60 near the second, 180 of their own; those directions as words."""
    rng = np.random.default_rng(0)
    rows = np.concatenate([np.repeat(np.eye(12)[:2], 60, axis=0), np.zeros((180, 12))])
    rows = rows + np.where(np.arange(300) < 120, 0.1, 1.0)[:, None] * rng.normal(size=(300, 12))
    labels = np.repeat([0, 1, -1], [60, 60, 180])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), labels, np.eye(12, dtype=np.float32)


WORDS = [f"word {row}" for row in range(12)]
ANY = -1.0  # a line that every image reaches


def test_the_score_is_the_area_under_the_roc_curve_and_the_share_that_matches():
    vectors, labels, words = two_groups()
    first, second = names(vectors, labels, WORDS, words, line=0.92)

    assert (first.word, second.word) == ("word 0", "word 1")
    assert first.score == pytest.approx(roc_auc_score(labels == 0, vectors @ words[0]))
    assert second.matched == pytest.approx((vectors[60:120] @ words[1] >= 0.92).mean())
    assert MOST < second.matched < 1


def test_a_word_that_fits_everything_has_no_advantage():
    vectors, labels, words = two_groups()
    lifted = np.concatenate([vectors, np.full((300, 1), 2.0)], axis=1)
    lifted = (lifted / np.linalg.norm(lifted, axis=1, keepdims=True)).astype(np.float32)
    texts = np.zeros((13, 13), dtype=np.float32)
    texts[:12, :12], texts[12, 12] = words, 1.0

    found = names(lifted, labels, [*WORDS, "picture"], texts, ANY)
    assert (lifted @ texts[12]).min() > (lifted @ texts[0]).max()  # by the cosine alone it would win everywhere
    assert [name.word for name in found] == ["word 0", "word 1"]


def test_words_that_mean_nothing_name_no_group_however_tight_it_is():
    rng = np.random.default_rng(1)
    rows = np.repeat(unit_rows(20, 64), 30, axis=0) + 0.03 * rng.normal(size=(600, 64))
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    nonsense, neutral = unit_rows(300, 64, seed=2), unit_rows(200, 64, seed=3)
    line = baseline(vectors, neutral, nonsense).line(RATE)

    found = names(vectors, np.repeat(np.arange(20), 30), [f"word {row}" for row in range(300)], nonsense, line)
    assert np.mean([name.word is None for name in found]) >= 0.95


def test_a_name_that_most_images_do_not_match_is_none_and_says_so():
    vectors, labels, words = two_groups()
    cosines = np.sort(vectors[:60] @ words[0])
    line = float(cosines[int(60 * (1 - MOST)) + 3])  # just too few reach it

    found = names(vectors, labels, WORDS, words, line)[0]
    assert found.word is None
    assert "only 55% of the images match" in found.reason
    assert found.runners_up[0] == "word 0"


def test_a_name_that_fits_outside_as_well_is_none_and_says_so():
    vectors, _, words = two_groups()
    rows = np.concatenate([*[vectors[:60]] * 6, vectors[60:120]])
    half = np.where(np.arange(420) < 180, 0, -1)  # of the first kind the other half is outside

    found = names(rows, half, WORDS, words, ANY)[0]
    assert found.word is None
    assert "many images outside fit it as well" in found.reason
    assert 0.5 < found.score < APART
    assert found.score == pytest.approx(roc_auc_score(half == 0, rows @ words[0]))  # of many equal ones


def test_what_cannot_be_named_is_mixed_with_a_reason():
    vectors, labels, words = two_groups()

    assert names(vectors, labels, [], words[:0], ANY)[0].reason.startswith("There are no words")
    everything = names(vectors, np.zeros(300, dtype=int), WORDS, words, ANY)
    assert "no outside" in everything[0].reason
    assert names(vectors, np.full(300, -1), WORDS, words, ANY) == ()
    equal = names(np.repeat(unit_rows(1, 12), 8, axis=0), np.repeat([0, -1], 4), WORDS, words, ANY)
    assert equal[0].word is None
    assert "random group" in equal[0].reason


def test_groups_keep_their_numbers_and_names_repeat():
    vectors, labels, words = two_groups()
    found = names(vectors, np.where(labels == 1, 7, labels), WORDS, words, ANY)

    assert [name.group for name in found] == [0, 7]
    assert found == names(vectors, np.where(labels == 1, 7, labels), WORDS, words, ANY)


def test_own_words_name_groups_too_and_a_part_of_the_collection_is_enough(sample: Collection):
    drawn, snapshot = kinds(sample), sample.snapshot()
    some = np.flatnonzero(np.isin(drawn, ["key", "cup", "clock", "hat", "guitar", "umbrella"]))
    part = Clustering(
        tuple(snapshot.ids[row] for row in some),
        tuple(snapshot.paths[row] for row in some),
        np.where(drawn[some] == "umbrella", 0, -1),
        "truth",
    )
    assert "parasol" not in sample.vocabulary()

    name = sample.name_groups(part, ["parasol", " "]).names[0]
    assert "parasol" in (name.word, *name.runners_up)
    assert says(name.word, "umbrella")


def test_images_that_are_gone_are_told_of(sample: Collection):
    gone = Clustering(("0" * 64,), ("gone.png",), np.array([0]), "hdbscan")

    with pytest.raises(BadInput, match="no longer in the collection"):
        sample.name_groups(gone)
