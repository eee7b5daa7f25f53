"""The label doctor: each fault planted where numbers can be worked out, and every promise against doing it."""

from pathlib import Path

import numpy as np
import pytest
from drawn import shades, unit_rows
from sklearn.metrics import accuracy_score, confusion_matrix

from sharedspace.doctor import MOST, confused, examine, findings, rewordings, suggestions, template_gain
from sharedspace.errors import BadInput
from sharedspace.vectors import unit
from sharedspace.workspace import Workspace
from sharedspace.zeroshot import Label, class_vectors

D = 24
NAMES = ["cat", "dog", "boat", "tree", "lamp", "guitar"]


def axis(*at: int) -> np.ndarray:
    """The unit sum of some axes, (1, D)."""
    row = np.zeros((1, D), dtype=np.float32)
    row[0, list(at)] = 1
    return unit(row)


WORDS = np.concatenate([axis(at) for at in range(len(NAMES))])


def around(rows: np.ndarray, each: int = 10, seed: int = 0) -> np.ndarray:
    """So many unit images near each of some rows, in their order."""
    return unit(np.repeat(rows, each, axis=0) + 0.3 * unit_rows(each * len(rows), D, seed))


def found(names, words, images, kind=None, **more):
    """Findings of one kind, or of all."""
    return [one for one in examine(names, words, images, 30.0, **more) if kind in (None, one.kind)]


# ---- findings -----------------------------------------------------------------------------------


def test_sound_labels_on_their_own_images_have_no_finding():
    vocabulary = (NAMES, WORDS)

    assert found(NAMES, WORDS, around(WORDS), prompts=[WORDS[[at]] for at in range(6)], vocabulary=vocabulary) == []


def test_labels_whose_texts_nearly_coincide_are_synonyms_with_the_figures_of_the_pair():
    words = np.concatenate([WORDS, unit(WORDS[:1] + 0.1 * axis(20))])
    images = around(WORDS)
    (one,) = found([*NAMES, "kitten"], words, images, "synonyms")

    distances = [np.linalg.norm(words[i] - words[j]) for i in range(7) for j in range(i)]
    ratio = np.linalg.norm(words[0] - words[6]) / np.median(distances)
    scores = images @ words.T
    rows = np.isin(scores.argmax(axis=1), [0, 6])
    odds = np.exp(30 * np.median(np.abs(scores[rows, 0] - scores[rows, 6])))
    assert one.labels == ("cat", "kitten")
    assert one.value == pytest.approx(ratio, rel=1e-3)
    assert f"lie {ratio:.0%} as far apart" in one.message
    assert f"on the {rows.sum()} images" in one.message
    assert f"{odds / (1 + odds):.0%} against the other" in one.message


def test_labels_that_are_near_in_text_but_split_their_images_clearly_are_no_synonyms():
    apart = 0.2 * axis(20)
    words = np.concatenate([unit(WORDS[:1] + apart), WORDS[1:], unit(WORDS[:1] - apart)])
    clear = np.concatenate(
        [around(WORDS[1:]), around(unit(WORDS[:1] + 3 * apart)), around(unit(WORDS[:1] - 3 * apart))]
    )

    assert found([*NAMES, "kitten"], words, clear, "synonyms") == []
    assert found([*NAMES, "kitten"], words, around(WORDS), "synonyms")


def test_of_few_labels_a_vocabulary_says_what_near_is():
    words = np.concatenate([WORDS[:1], unit(WORDS[:1] + 0.1 * axis(20))])

    assert found(["cat", "kitten"], words, around(WORDS), "synonyms") == []
    assert found(["cat", "kitten"], words, around(WORDS), "synonyms", vocabulary=(NAMES, WORDS))


def test_a_cone_around_all_texts_changes_nothing_about_synonyms():
    narrow = unit(np.concatenate([WORDS, unit(WORDS[:1] + 0.1 * axis(20))]) + 5 * axis(23))
    images = around(WORDS)

    assert [one.labels for one in found([*NAMES, "kitten"], narrow, images, "synonyms")] == [("cat", "kitten")]


def test_a_label_that_wins_on_no_image_is_told_with_its_rival_and_the_gap():
    images = around(WORDS[:5])
    (one,) = found(NAMES, WORDS, images, "never")

    scores = images @ WORDS.T
    lead = scores[:, 5] - scores[:, :5].max(axis=1)
    assert one.labels == ("guitar",)
    assert one.value == pytest.approx(lead.max(), abs=1e-6)
    assert f"{NAMES[scores[lead.argmax()].argmax()]!r} is ahead by {-lead.max():.3f}" in one.message
    assert "on none of 50 images:" in one.message


def test_of_labels_that_never_win_those_that_are_missed_come_first():
    truth = np.full(40, -1)
    truth[:3] = 5
    told = found(NAMES, WORDS, around(WORDS[:4]), "never", truth=truth)
    gaps = found(NAMES, WORDS, around(WORDS[:4]), "never")

    assert gaps[0].value <= gaps[1].value
    assert [one.labels for one in told] == [("guitar",), ("lamp",)]
    assert "though 3 of them truly are it" in told[0].message


def hub() -> tuple[np.ndarray, np.ndarray]:
    """Words and images on a common axis, to which the first word leans."""
    images = unit(around(WORDS) + 1.2 * axis(23))
    return np.concatenate([unit(WORDS[:1] + 2 * axis(23)), WORDS[1:]]), images


def test_a_label_that_is_high_everywhere_swallows_and_what_it_would_lose_is_counted():
    words, images = hub()
    (one,) = found(NAMES, words, images, "swallows")

    scores = images @ words.T
    level = np.quantile(scores, 0.25, axis=0)
    lowered = scores.copy()
    lowered[:, 0] -= level[0] - np.median(level[1:])
    won = scores.argmax(axis=1) == 0
    assert one.labels == ("cat",)
    assert one.value == won.mean()
    assert f"takes {won.sum()} of 60 images" in one.message
    assert f"at their level {(won & (lowered.argmax(axis=1) != 0)).sum()} of these images" in one.message


def test_a_label_that_really_is_common_does_not_swallow():
    common = np.concatenate([around(WORDS[:1], 70), around(WORDS[1:], 6)])

    assert (common @ WORDS.T).argmax(axis=1).tolist().count(0) >= 69
    assert found(NAMES, WORDS, unit(common + 0.8 * axis(23)), "swallows") == []


def test_a_label_that_is_right_about_what_it_takes_does_not_swallow():
    words, images = hub()

    assert found(NAMES, words, images, "swallows", truth=np.zeros(60, int)) == []
    (wrong,) = found(NAMES, words, images, "swallows", truth=np.repeat(np.arange(6), 10))
    assert "whose label is known" in wrong.message


def test_what_a_label_swallows_gives_it_no_second_meaning():
    words, common = hub()[0], np.tile(np.linspace(0.4, 2, 10), 6)[:, None]
    images = unit(around(WORDS) + common * axis(23))
    vocabulary = (["x", "y"], unit(words[:1] + 1.5 * np.concatenate([axis(1, 2, 3), axis(0, 4, 5)])))
    right = found(NAMES, words, images, vocabulary=vocabulary, truth=np.zeros(60, int))

    assert [one.kind for one in right if one.labels == ("cat",)] == ["two meanings"]
    told = found(NAMES, words, images, vocabulary=vocabulary)
    assert [one.kind for one in told if one.labels == ("cat",)] == ["swallows"]


def test_a_label_of_two_sorts_of_images_is_told_with_the_words_and_counts_of_both():
    words = np.concatenate([WORDS[2:], axis(0, 1)])
    images = np.concatenate([around(WORDS[:1], 12), around(WORDS[1:2], 8, seed=5), around(WORDS[2:], seed=6)])
    (one,) = found([*NAMES[2:], "pet"], words, images, "two meanings", vocabulary=(NAMES, WORDS))

    assert one.labels == ("pet",)
    assert "of 20 images that it fits 12 are more like 'cat' than like it, and 8 more like 'dog'" in one.message
    assert one.value == pytest.approx(8 / 20)


def test_images_that_no_label_fits_do_not_give_two_meanings_to_the_label_they_fall_to():
    leaning = unit(WORDS[5:] + 0.9 * axis(0, 1))  # it is near both words, and takes what has no label of its own
    words = np.concatenate([WORDS[2:5], leaning])
    own, foreign = around(leaning, 5), unit(0.4 * around(WORDS[:2], 10) + axis(22))
    images = np.concatenate([around(WORDS[2:5]), own, foreign])
    names, vocabulary = [*NAMES[2:5], "guitar"], (NAMES[:2], unit(WORDS[:2] + 0.5 * axis(22)))

    assert set((foreign @ words.T).argmax(axis=1)) == {3}
    assert found(names, words, images, "two meanings", vocabulary=vocabulary) == []


def test_prompts_that_mean_two_things_are_told_by_their_numbers():
    mixed = unit(np.concatenate([WORDS[:1], WORDS[1:2], WORDS[:1]]) + 0.05 * unit_rows(3, D, 3))
    words = np.concatenate([unit(mixed.mean(axis=0, keepdims=True)), WORDS[2:]])
    none = np.empty((0, D), dtype=np.float32)
    (one,) = found(["pet", *NAMES[2:]], words, around(WORDS), "two meanings", prompts=[mixed, *[none] * 4])

    assert one.labels == ("pet",)
    assert "prompts 1, 3 and its prompts 2 lie" in one.message or "prompts 2 and its prompts 1, 3 lie" in one.message
    assert one.value == pytest.approx(1 / 3)


def test_what_templates_share_is_no_second_meaning():
    templates = 1.5 * np.concatenate([axis(10), axis(11)])
    prompts = [unit(word + templates) for word in WORDS]
    words = unit(np.stack([rows.mean(axis=0) for rows in prompts]))
    torn = [unit(np.stack([WORDS[0], WORDS[1]]) * 2 + templates), *prompts[1:]]

    assert found(NAMES, words, around(WORDS), "two meanings", prompts=prompts) == []
    assert found(NAMES, words, around(WORDS), "two meanings", prompts=torn)[0].labels == ("cat",)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["cat", "Cat", "CATS", "boat"], ("cat", "Cat", "CATS")),
        (["berry", "boat", "berries", "bus"], ("berry", "berries")),
        (["glass", "glasses", "gas", "bus"], ("glass", "glasses")),
        (["bus", "buses", "lens", "boat"], ("bus", "buses")),
        (["box", "boxes", "boat", "bo"], ("box", "boxes")),
        (["horse", "horses", "boat", "bo"], ("horse", "horses")),
        (["house", "houses", "boat", "bo"], ("house", "houses")),
        (["gas", "glass", "is", "lens"], None),
    ],
)
def test_labels_that_differ_in_case_or_number_only_are_told_once(names: list[str], told: tuple[str, ...] | None):
    words = WORDS[:4].copy()
    words[1] = unit(words[0] + 0.01 * axis(9))[0]  # of equal texts, yet told as spelling and not as synonyms too
    first = found(names, words, around(WORDS[:4]), vocabulary=(NAMES, WORDS))

    assert [set(one.labels) for one in first if one.kind == "spelling"] == ([set(told)] if told else [])
    if told and names[1] in told:
        assert not [one for one in first if one.kind == "synonyms"]


def test_of_each_kind_the_worst_are_told_and_the_others_counted():
    words, images = unit(unit_rows(60, 64, 1) + 2 * unit_rows(1, 64, 2)), unit_rows(200, 64, 3)
    images = unit(images + 3 * unit_rows(1, 64, 4))
    names = [f"{at}x" for at in range(60)]
    told = found(names, words, images, "never")
    losers = {names[at] for at in range(60) if at not in (images @ words.T).argmax(axis=1)}

    assert len(losers) > 2 * MOST
    assert len(told) == MOST + 1
    assert told[-1].value == len(losers) - MOST == len(told[-1].labels)
    assert f"{len(losers) - MOST} more of this kind" in told[-1].message
    assert {name for one in told for name in one.labels} == losers
    assert told[-1].message.count("'") == 2 * min(len(losers) - MOST, findings.NAMED)
    for kind in ("synonyms", "swallows", "two meanings"):
        assert len(found(names, words, images, kind, vocabulary=(names, words))) <= MOST + 1


def test_more_images_than_can_be_looked_at_are_looked_at_in_even_steps(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(findings, "LOOKED", 60)  # of six labels ten images
    images = np.insert(around(WORDS[:5], 200), 120, around(WORDS[5:], 40), axis=0)  # rows 0, 115, 231, … are looked at
    (one,) = found(NAMES, WORDS, images, "never")

    assert "on none of 10 images" in one.message
    assert one.labels == ("guitar",)


@pytest.mark.parametrize(("names", "n"), [(["cat"], 5), ([], 5), (["cat", "dog"], 0)])
def test_without_two_labels_or_an_image_there_is_nothing_to_examine(names: list[str], n: int):
    with pytest.raises(BadInput, match="at least two labels and one image"):
        examine(names, WORDS[: len(names)], np.zeros((n, D), dtype=np.float32), 30.0)


def test_a_label_is_only_text_in_a_message():
    odd = ["<b>x</b>", "{0}", "%s", "a'b", "lamp", "guitar"]

    assert found(odd, WORDS, around(WORDS[4:]), "never")[0].message.count("{0}") <= 1
    assert {one.labels[0] for one in found(odd, WORDS, around(WORDS[4:]), "never")} == set(odd[:4])


# ---- templates ----------------------------------------------------------------------------------


def templates(t: int = 4, n: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noisy images, (t, 6, D) prompts that are each worse than the one before, and truth, a tenth unknown."""
    noise = np.arange(1, t + 1)[:, None, None] * 0.5
    vectors = unit(WORDS + noise * unit_rows(t * 6, D, 7).reshape(t, 6, D))
    truth = np.arange(n) % 6
    images = unit(WORDS[truth] + 1.2 * unit_rows(n, D, 8))
    return images, vectors, np.where(np.arange(n) % 10 == 0, -1, truth)


def test_template_gains_are_the_accuracies_of_the_ensembles_written_out():
    images, vectors, truth = templates()
    gain = template_gain(images, vectors, truth)

    def accuracy(of: list[int]) -> float:
        words = class_vectors(
            lambda texts: np.stack([vectors[int(x[0]), int(x[2])] for x in texts]), NUMBERS, forms(of)
        )
        known = truth >= 0
        return accuracy_score(truth[known], (images[known] @ words.T).argmax(axis=1))

    assert gain.alone == pytest.approx([accuracy([t]) for t in range(4)])
    assert gain.without == pytest.approx([accuracy([s for s in range(4) if s != t]) for t in range(4)])
    assert gain.ensemble == pytest.approx(accuracy([0, 1, 2, 3]))
    assert (gain.n, gain.truth) == (270, True)
    assert gain.alone[0] > gain.alone[3]


NUMBERS = [str(at) for at in range(6)]


def forms(of: list[int]) -> list[str]:
    return [f"{t} {{}}" for t in of]


def test_without_truth_a_template_is_measured_by_the_ensembles_answers():
    images, vectors, truth = templates()
    gain = template_gain(images, vectors, np.full(len(truth), -1))
    answers = (images @ unit(vectors.mean(axis=0)).T).argmax(axis=1)

    assert gain.alone == pytest.approx([((images @ rows.T).argmax(axis=1) == answers).mean() for rows in vectors])
    assert (gain.ensemble, gain.n, gain.truth) == (1.0, 300, False)


def test_a_single_template_has_no_ensemble_without_it():
    images, vectors, truth = templates(t=1)
    gain = template_gain(images, vectors, truth)

    assert gain.alone[0] == gain.ensemble
    assert np.isnan(gain.without).all()


def test_of_many_images_2000_are_measured_and_none_of_unknown_truth():
    images, vectors, truth = templates(n=9000)
    truth[: len(truth) // 2] = -1
    chosen = np.flatnonzero(truth >= 0)[np.linspace(0, (truth >= 0).sum() - 1, 2000).round().astype(int)]
    gain = template_gain(images, vectors, truth)

    assert gain.n == 2000
    assert gain.alone[1] == pytest.approx(((images[chosen] @ vectors[1].T).argmax(axis=1) == truth[chosen]).mean())


def test_templates_cannot_be_measured_without_images():
    with pytest.raises(BadInput, match="there are none"):
        template_gain(np.zeros((0, D), dtype=np.float32), templates()[1], np.zeros(0, int))


# ---- confusions and rewordings ------------------------------------------------------------------


def test_confusions_are_the_cells_of_scikit_learns_matrix_in_order():
    rng = np.random.default_rng(5)
    truth, best = rng.integers(-1, 5, 400), rng.integers(0, 5, 400)
    pairs = confused(truth, best, 5)

    matrix = confusion_matrix(truth[truth >= 0], best[truth >= 0], labels=range(5))
    assert {(true, given): n for true, given, n in pairs} == {
        (i, j): matrix[i, j] for i in range(5) for j in range(5) if i != j and matrix[i, j]
    }
    assert [n for *_, n in pairs] == sorted((n for *_, n in pairs), reverse=True)
    assert confused(np.array([0, 1, -1]), np.array([0, 1, 1]), 2) == []


def test_a_promised_rewording_does_exactly_what_classifying_again_does():
    images, vectors, truth = templates(n=600)
    words, candidates = vectors[3], unit(np.concatenate([WORDS[1:3]] * 6) + 1.5 * unit_rows(12, D, 9))
    texts, sides = [f"text {at}" for at in range(12)], [1, 2] * 6
    before = (images @ words.T).argmax(axis=1)
    promised = rewordings(images, words, truth, 1, 2, texts, candidates, sides)

    assert {one.text for one in promised} == set(texts)
    known, pair = truth >= 0, (truth == 1) & (before == 2)
    for one in promised:
        at = texts.index(one.text)
        changed = words.copy()
        changed[sides[at]] = candidates[at]
        after = (images @ changed.T).argmax(axis=1)
        right, was = (after == truth) & known, (before == truth) & known
        assert one.replaces == sides[at]
        assert one.flips == (pair & right).sum()
        assert one.mends == (right & ~was & ~pair).sum()
        assert one.breaks == (was & ~right).sum()
        assert one.net == right.sum() - was.sum()
    order = [(one.net, one.flips) for one in promised]
    assert order == sorted(order, reverse=True)
    assert max(one.flips for one in promised) > 0
    assert max(one.mends for one in promised) > 0
    assert max(one.breaks for one in promised) > 0


@pytest.mark.parametrize("side", [0, 1])
def test_of_equal_scores_the_first_label_wins_also_in_a_promise(side: int):
    images = axis(2)  # at right angles to both labels and to the candidate: all scores are equal
    truth = np.array([side])
    (one,) = rewordings(images, WORDS[:2], truth, side, 1 - side, ["x"], axis(3))

    after = (images @ WORDS[:2].T).argmax(axis=1)
    assert one.flips == 0
    assert one.breaks == 0
    assert (after == truth).all() == (side == 0)


def test_promised_flips_are_measured_by_classifying_the_collection_again(workspace: Workspace, tmp_path: Path):
    rng = np.random.default_rng(2)
    folder = tmp_path / "shades"
    folder.mkdir()
    rows = ["file,kind"]
    for at, data in enumerate(shades(120)):
        (folder / f"{at}.png").write_bytes(data)
        rows.append(f"{at}.png,{rng.choice(['warm', 'cold', 'dark'])}")
    (folder / "labels.csv").write_text("\n".join(rows))
    workspace.ingest("shades", [folder], model="fake")
    collection = workspace.collection("shades")
    labels = [Label("warm", ("red",)), Label("cold", ("blue cyan",)), Label("dark", ("black",))]
    names = [label.name for label in labels]

    def classified(with_labels: list[Label]) -> tuple[np.ndarray, np.ndarray]:
        given = collection.classify(with_labels, truth="kind")
        return np.array([names.index(str(value)) for value in given.truth or ()]), given.best

    truth, before = classified(labels)
    texts = ["yellow", "magenta", "red yellow magenta", "blue", "green cyan", "white"]
    words = class_vectors(collection.embed, labels, ["{}"])
    (a, b, n), *_ = confused(truth, before, 3)
    sides = [a, a, a, b, b, b]
    vectors = collection.snapshot().vectors
    promised = rewordings(vectors, words, truth, a, b, texts, collection.embed(texts), sides)

    for one in promised:
        changed = [Label(names[at], (one.text,)) if at == one.replaces else label for at, label in enumerate(labels)]
        _, after = classified(changed)
        assert one.flips == ((truth == a) & (before == b) & (after == truth)).sum() <= n
        assert one.net == (after == truth).sum() - (before == truth).sum()
    assert max(one.flips for one in promised) > 0


@pytest.mark.parametrize(("a", "b", "sides"), [(1, 1, None), (0, 1, [2]), (0, 1, [0, 1])])
def test_a_text_that_replaces_neither_label_is_refused(a: int, b: int, sides: list[int] | None):
    with pytest.raises(ValueError, match="one of the two labels"):
        rewordings(around(WORDS), WORDS, np.zeros(60, int), a, b, ["x"], axis(1), sides)


# ---- suggestions --------------------------------------------------------------------------------


def test_suggestions_are_different_texts_with_the_label_in_each():
    texts = suggestions(" tea  cup ", ["mug", "vessel"])

    assert 20 <= len(texts) <= 40
    assert len(set(texts)) == len(texts)
    assert all("tea cup" in text for text in texts)
    assert {"a photo of a tea cup", "tea cups", "a tea cup, a kind of vessel"} <= set(texts)


def test_suggestions_keep_to_grammar_and_take_a_label_as_text():
    assert {"a photo of an owl", "an owl, a kind of bird"} <= set(suggestions("owl", ["bird", "Owl"]))
    assert "an owl, a kind of Owl" not in suggestions("owl", ["Owl"])
    assert {"berries", "boxes", "toys"} <= {*suggestions("berry"), *suggestions("box"), *suggestions("toy")}
    assert "a photo of a {word}" in suggestions("{word}")
    assert suggestions("{0} {a}")[1] == "a {0} {a}"
