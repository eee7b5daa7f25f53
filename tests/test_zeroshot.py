"""Zero-shot against the formula written out, and its figures against scikit-learn."""

import warnings

import numpy as np
import pytest
from drawn import unit_rows
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    precision_recall_fscore_support,
    top_k_accuracy_score,
)

from sharedspace import zeroshot
from sharedspace.errors import BadInput
from sharedspace.records import OTHER, Classification, Space
from sharedspace.zeroshot import (
    TEMPLATES_7,
    TEMPLATES_80,
    Label,
    check,
    class_vectors,
    match_truth,
    parse,
    probabilities,
    prompts,
    report,
    write,
)


def encode(texts: list[str]) -> np.ndarray:
    """A vector a text, of its characters alone; as long as its text."""
    return np.concatenate([len(text) * unit_rows(1, 8, seed=int.from_bytes(text.encode(), "big")) for text in texts])


# -- labels as text


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (" cat, dog\n\n tea \t cup,,cat\r\nDog ,", ["cat", "dog", "tea cup", "Dog"]),
        ("cat: a kitten,  a tom cat \ndog", [Label("cat", ("a kitten", "a tom cat")), Label("dog")]),
        ("10:30\nhttp://x\nnote 3:a", ["10:30", "http://x", "note 3:a"]),
        ("cat:\ndog: , ", ["cat", "dog"]),
        ("cat: a: b, c", [Label("cat", ("a: b", "c"))]),
        ("cat: x, y\ndog\ncat: y, z\ndog", [Label("cat", ("x", "y", "z")), Label("dog")]),
        ("black, white: a zebra", [Label("black,white".replace(",", ", "), ("a zebra",))]),
        (r"Smith\, John, a\: b, c\\, d\e", ["Smith, John", "a: b", "c\\", "d\\e"]),
        (r"cat: one\, two", [Label("cat", ("one, two",))]),
        (" \n,, ,\n", []),
    ],
)
def test_labels_are_read_from_lines_commas_and_colons(text: str, labels: list):
    assert parse(text) == tuple(one if isinstance(one, Label) else Label(one) for one in labels)


@pytest.mark.parametrize("text", [": a photo", "cat\n : a, b", ":"])
def test_prompts_without_a_label_are_refused_with_the_line(text: str):
    with pytest.raises(BadInput, match=r"stands no label\. Write it as label: prompt, prompt"):
        parse(text)


WORDS = st.text(st.sampled_from("ab,:\\ é"), min_size=1).map(lambda text: " ".join(text.split())).filter(bool)


@given(st.lists(st.tuples(WORDS, st.lists(WORDS, max_size=3, unique=True)), unique_by=lambda pair: pair[0]))
def test_what_is_written_of_labels_is_read_as_the_same_labels(pairs: list[tuple[str, list[str]]]):
    labels = tuple(Label(name, tuple(own)) for name, own in pairs)

    assert parse(write(labels)) == labels


@given(st.text(st.sampled_from("ab,:\\ \n")))
def test_a_text_that_was_read_is_written_as_one_that_means_the_same(text: str):
    try:
        labels = parse(text)
    except BadInput:
        return
    assert parse(write(labels)) == labels


def test_a_label_set_as_json_values_is_read_as_the_same():
    labels, templates = (Label("cat", ("a, b", " c")), Label("a: b")), ("a {}", "{}")

    assert zeroshot.of(zeroshot.plain(labels, templates)) == (labels, templates)


@pytest.mark.parametrize(
    "found",
    [{}, {"labels": "cat", "templates": ["{}"]}, {"labels": [["a", 1]], "templates": ["{}"]}, {"labels": [["a"]]},
     {"labels": [["a"], "b"], "templates": ["{}"]}, {"labels": [["a"], ["b"]], "templates": ["x"]},
     {"labels": [[]], "templates": ["{}"]}, {"labels": [["a"], ["a"]], "templates": ["{}"]}],
)  # fmt: skip
def test_json_values_that_are_no_label_set_are_refused(found: dict):
    with pytest.raises(BadInput):
        zeroshot.of(found)


def test_the_template_sets_are_of_the_size_they_are_named_by_and_the_7_are_of_the_80():
    assert (len(set(TEMPLATES_7)), len(set(TEMPLATES_80))) == (7, 80)
    assert set(TEMPLATES_7) < set(TEMPLATES_80)
    assert all(template.count("{}") == 1 for template in TEMPLATES_80)


# -- probabilities


def test_probabilities_equal_the_procedure_of_clips_readme():
    image_features = np.random.default_rng(0).normal(size=(5, 8)) * 3
    text_features = np.random.default_rng(1).normal(size=(4, 8)) * 7
    # https://github.com/openai/CLIP: "Zero-Shot Prediction", in numpy
    image_features /= np.linalg.norm(image_features, axis=-1, keepdims=True)
    text_features /= np.linalg.norm(text_features, axis=-1, keepdims=True)
    logits = 100.0 * image_features @ text_features.T
    similarity = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)

    np.testing.assert_allclose(probabilities(image_features @ text_features.T, 100.0), similarity, rtol=1e-9)


def test_the_temperature_divides_the_scale():
    cosines = np.array([[0.3, 0.2]])

    assert probabilities(cosines, 100.0, temperature=10.0)[0, 0] == pytest.approx(1 / (1 + np.exp(-1)))


@pytest.mark.parametrize("temperature", [0, -1, 1e-9, 1e9, float("nan"), float("inf")])
def test_a_temperature_that_gives_no_probabilities_is_refused(temperature: float):
    with pytest.raises(BadInput, match=f"temperature must be from 0.001 to 1000, not {temperature}"):
        probabilities(np.array([[0.3, 0.2]]), 100.0, temperature=temperature)


def test_each_label_by_itself_is_the_sigmoid_of_scale_times_cosine_plus_the_models_bias():
    cosines = np.linspace(-1, 1, 40).reshape(10, 4).astype(np.float32)

    found = probabilities(cosines, 110.0, 2.0, "many", bias=-12.9)
    np.testing.assert_allclose(found, expit((110.0 * cosines.astype(float) - 12.9) / 2), rtol=1e-4)


def test_of_a_softmax_model_each_label_alone_is_its_share_in_a_choice_with_the_best_neutral_caption():
    cosines, neutral = np.array([[0.3, 0.2], [0.1, 0.4]]), np.array([0.25, 0.35])

    found = probabilities(cosines, 50.0, 1.0, "many", neutral=neutral)
    for row in range(2):
        for label in range(2):
            pair = probabilities(np.array([[cosines[row, label], neutral[row]]]), 50.0)
            assert found[row, label] == pytest.approx(pair[0, 0], rel=1e-9)


def test_none_of_these_is_the_highest_cosine_with_a_neutral_caption(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(zeroshot, "BLOCK", 7)
    vectors, bank = unit_rows(20, 8), unit_rows(5, 8, seed=1)

    np.testing.assert_allclose(zeroshot.none(vectors, bank), np.max(vectors @ bank.T, axis=1), atol=2e-5)
    assert zeroshot.none(vectors[:0], bank).shape == (0,)
    assert (zeroshot.none(vectors, bank)[:, None] > (vectors @ np.roll(bank, 1, axis=0).T)).all()  # also of its own


@pytest.mark.parametrize(
    ("mode", "bias", "other", "wanted"),
    [
        ("one", None, False, False),
        ("one", -10.0, True, True),
        ("many", None, False, True),
        ("many", -10.0, False, False),
    ],
)
def test_neutral_captions_are_wanted_as_a_class_and_where_the_model_has_no_zero(mode, bias, other, wanted):
    assert zeroshot.wants_neutral(Space("f", "m", 8, 100.0, bias), mode, other) is wanted


# -- class vectors


def test_class_vectors_are_normalised_averaged_and_normalised_again():
    labels, templates = ["cat", "dog", "tea cup"], ["a photo of a {}", "a drawing of a {}.", "{}"]
    found = class_vectors(encode, labels, templates)

    for row, label in zip(found, labels, strict=True):
        texts = [template.replace("{}", label) for template in templates]
        units = [encode([text])[0].astype(float) / len(text) for text in texts]
        mean = sum(units) / 3
        np.testing.assert_allclose(row, mean / np.sqrt((mean**2).sum()), atol=1e-6)


def test_labels_may_have_any_number_of_prompts_and_each_different_text_is_encoded_once_in_one_call():
    labels = [Label("cat", ("a kitten", "a tom", "fur")), "dog", Label("wolf", ("fur",)), Label("cur", ("a dog",))]
    calls: list[list[str]] = []
    found = class_vectors(lambda texts: calls.append(list(texts)) or encode(list(texts)), labels, ["a {}", "{}"])

    assert calls == [["a kitten", "a tom", "fur", "a dog", "dog"]]
    own = [["a kitten", "a tom", "fur"], ["a dog", "dog"], ["fur"], ["a dog"]]
    means = [np.mean([encode([text])[0] / len(text) for text in texts], axis=0) for texts in own]
    np.testing.assert_allclose(found, [mean / np.linalg.norm(mean) for mean in means], atol=1e-6)


def test_a_label_is_text_and_never_a_format():
    assert prompts("{0} {} {name}", ["a photo of a {}, a {}"]) == ["a photo of a {0} {} {name}, a {0} {} {name}"]


def test_labels_are_parsed_from_lines_and_commas_without_repeats():
    found = parse(" cat, dog\n\n tea \t cup,,cat\r\nDog ,10:30")
    assert [label.name for label in found] == ["cat", "dog", "tea cup", "Dog", "10:30"]


@pytest.mark.parametrize(
    ("labels", "templates", "more", "message"),
    [
        ([], ["{}"], {}, "at least two labels"),
        (["one"], ["{}"], {}, "a softmax over one label always answers it with certainty"),
        ([], ["{}"], {"mode": "many"}, "at least two labels"),
        ([str(i) for i in range(1001)], ["{}"], {}, "1001 labels are over the limit of 1000"),
        ([str(i) for i in range(1000)], ["{}"] * 101, {}, "101,000 prompts are over the limit of 100,000"),
        (["a", "b"], [], {}, "at least one prompt template, such as 'a photo of a {}'"),
        (["a", "b"], ["{}", "a photo"], {}, "'a photo' has no {} where the label belongs"),
        (["a", "b", "a"], ["{}"], {}, "2 labels are called 'a'"),
        (["a", " "], ["{}"], {}, "One of the labels is empty"),
        (["a", OTHER], ["{}"], {"other": True}, "A label is called 'none of these', as the class of all else is"),
        (["a", "b"], ["{}"], {"mode": "many", "other": True}, "needs no class"),
        (["a", "b"], ["{}"], {"mode": "best"}, "no way 'best' to give labels"),
    ],
)
def test_what_cannot_classify_is_refused(labels: list, templates: list, more: dict, message: str):
    with pytest.raises(BadInput, match=message.replace("{", r"\{").replace("}", r"\}")):
        check(labels, templates, **more)


def test_one_label_will_do_where_it_can_be_wrong_and_templates_may_be_missing_where_all_have_prompts():
    assert check(["a"], ["{}"], "many") == (Label("a"),)
    assert check(["a"], ["{}"], "one", other=True) == (Label("a"),)
    assert check([Label("a", ("x",)), Label("b", ("y",))], []) == (Label("a", ("x",)), Label("b", ("y",)))


def test_the_default_template_takes_a_label():
    check(["a", "b"], [zeroshot.TEMPLATE])


# -- against the truth

LABELS = ["cat", "dog", "cup"]


def classified(scores: np.ndarray, truth: list, labels: tuple[str, ...], **more) -> Classification:
    ids = tuple(str(row) for row in range(len(scores)))
    return Classification(ids, ids, labels, probabilities(scores, 10.0), scores, tuple(truth), **more)


@pytest.mark.parametrize("count", [3, 4, 9])
def test_a_report_equals_scikit_learns_figures(count: int):
    rng = np.random.default_rng(count)
    labels = tuple(f"label {i}" for i in range(count))
    true = rng.integers(0, count - 1, 300)  # the last label is true of none
    scores = rng.normal(size=(300, count)) + np.eye(count)[true]
    scores[:, 1] = np.where(true == 1, scores[:, 1], -9)  # the second is called seldom, the first may be never
    scores[:, 0] = -9
    found = report(classified(scores, [labels[i] for i in true], labels))

    best, every = scores.argmax(axis=1), range(count)
    with warnings.catch_warnings(action="ignore"):  # it says that the last label does not occur
        balanced = balanced_accuracy_score(true, best)
    precision, recall, _, n = precision_recall_fscore_support(true, best, labels=every, zero_division=np.nan)
    assert found.n == 300
    assert found.top1 == pytest.approx(accuracy_score(true, best), abs=1e-9)
    assert found.top5 == pytest.approx(
        1.0 if count <= 5 else top_k_accuracy_score(true, scores, k=5, labels=every), abs=1e-9
    )
    assert found.mean_recall == pytest.approx(balanced, abs=1e-9)
    np.testing.assert_allclose(found.recall, np.where(n > 0, recall, np.nan), atol=1e-9)
    np.testing.assert_allclose(found.precision, precision, atol=1e-9)
    np.testing.assert_array_equal(found.confusion, confusion_matrix(true, best, labels=every))


def test_where_several_labels_are_given_precision_and_recall_are_those_of_each_label_alone():
    rng = np.random.default_rng(0)
    scores, true = rng.normal(size=(200, 3)), rng.integers(0, 3, 200)
    result = classified(scores, [LABELS[i] for i in true], tuple(LABELS), mode="many")
    found = report(result)

    called = result.probabilities >= 0.5
    precision, recall, _, _ = precision_recall_fscore_support(np.eye(3)[true], called, zero_division=np.nan)
    np.testing.assert_allclose(found.precision, precision, atol=1e-9)
    np.testing.assert_allclose(found.recall, recall, atol=1e-9)
    assert found.top1 == pytest.approx(accuracy_score(true, scores.argmax(axis=1)), abs=1e-9)


def test_of_equal_scores_the_first_label_is_ranked_first():
    scores, true = np.zeros((4, 6)), np.array([0, 0, 4, 5])
    labels = tuple("abcdef")
    found = report(classified(scores, [labels[i] for i in true], labels))

    assert (found.top1, found.top5) == (0.5, 0.75)
    assert found.confusion[:, 0].tolist() == [2, 0, 0, 0, 1, 1]
    # scikit-learn ranks the last of equal scores first
    assert found.top5 == top_k_accuracy_score(5 - true, scores[:, ::-1], k=5, labels=range(6))


def test_images_whose_truth_is_no_label_or_unknown_are_counted_apart():
    scores = np.eye(3)[[0, 1, 2, 0, 1]]
    found = report(classified(scores, ["cat", None, "ship", "dog", "ship"], tuple(LABELS)))

    assert (found.n, found.top1, found.others, found.unknown) == (2, 0.5, {"ship": 2}, 1)
    assert found.confusion.sum() == 2


def test_a_report_without_any_truth_has_no_figures():
    result = classified(np.eye(3), ["ship", None, None], tuple(LABELS))
    for found in (report(result), report(Classification(("1",), ("1",), ("cat", "dog"), np.eye(2)[:1], np.eye(2)[:1]))):
        assert (found.n, found.top1, found.top5, found.mean_recall) == (0, None, None, None)
        assert np.isnan(found.recall).all()
    assert (found.others, found.unknown) == ({}, 1)


def test_an_image_gets_the_best_label_or_each_that_reaches_its_threshold():
    scores = np.array([[0.3, 0.2, 0.1], [-0.1, 0.1, 0.2], [-0.3, -0.2, -0.1]])
    odds = 1 / (1 + np.exp(-10 * scores))
    ids = ("1", "2", "3")

    def answers(mode, thresholds=None):
        return Classification(ids, ids, tuple(LABELS), odds, scores, None, mode, thresholds).answers

    assert answers("one") == (("cat",), ("cup",), ("cup",))
    assert answers("one", np.array([0.0, 0.0, 0.5])) == (("cat",), ("cup",), ())
    assert answers("many") == (("cat", "dog", "cup"), ("cup", "dog"), ())
    assert answers("many", np.array([0.2, 0.8, 0.9])) == (("cat", "dog"), ("cat",), ())


def test_the_best_label_is_told_by_the_cosine_also_where_probabilities_are_both_one():
    scores = np.array([[0.9, 0.95]], dtype=np.float32)
    odds = probabilities(scores, 1e3, 1.0, "many", bias=0.0)

    assert odds.tolist() == [[1.0, 1.0]]
    assert Classification(("1",), ("1",), ("a", "b"), odds, scores).best.tolist() == [1]


def test_truth_is_matched_without_case_and_outer_space_and_numbers_as_their_text():
    labels = ["Straße", "7", "True"]

    assert match_truth([" STRASSE ", 7, True, None, "other"], labels) == ("Straße", "7", "True", None, "other")


def test_with_none_of_these_a_truth_that_is_no_label_is_that_and_an_unknown_one_stays_unknown():
    assert match_truth(["Cat", "ship", None], ["cat"], other=True) == ("cat", OTHER, None)


def test_of_two_labels_that_differ_in_case_only_each_is_its_own_truth():
    assert match_truth(["cat", "Cat", "CAT"], ["Cat", "cat"]) == ("cat", "Cat", "Cat")
