"""Zero-shot against the formula written out, and its figures against scikit-learn."""

import numpy as np
import pytest
from drawn import unit_rows
from sklearn.metrics import accuracy_score, confusion_matrix

from sharedspace import zeroshot
from sharedspace.errors import BadInput
from sharedspace.zeroshot import accuracy, class_vectors, confusion, match_truth, parse_labels, probabilities, prompts


def encode(texts: list[str]) -> np.ndarray:
    """A unit vector a text, of its characters alone."""
    return np.concatenate([unit_rows(1, 8, seed=int.from_bytes(text.encode(), "big")) for text in texts])


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


def test_class_vectors_are_normalised_averaged_and_normalised_again():
    labels, templates = ["cat", "dog", "tea cup"], ["a photo of a {}", "a drawing of a {}.", "{}"]
    found = class_vectors(encode, labels, templates)

    for row, label in zip(found, labels, strict=True):
        mean = sum(encode([template.replace("{}", label)])[0].astype(float) for template in templates) / 3
        np.testing.assert_allclose(row, mean / np.sqrt((mean**2).sum()), atol=1e-6)


def test_a_label_is_text_and_never_a_format():
    assert prompts("{0} {} {name}", ["a photo of a {}, a {}"]) == ["a photo of a {0} {} {name}, a {0} {} {name}"]


def test_labels_are_parsed_from_lines_and_commas_without_repeats():
    assert parse_labels(" cat, dog\n\n tea \t cup,,cat\r\nDog ,") == ["cat", "dog", "tea cup", "Dog"]


@pytest.mark.parametrize(
    ("labels", "templates", "message"),
    [
        ([], ["{}"], "at least two labels"),
        (["one"], ["{}"], "a softmax over one label always answers it with certainty"),
        ([str(i) for i in range(1001)], ["{}"], "1001 labels are over the limit of 1000"),
        (["a", "b"], [], "at least one prompt template, such as 'a photo of a {}'"),
        (["a", "b"], ["{}", "a photo"], "'a photo' has no {} where the label belongs"),
    ],
)
def test_what_cannot_classify_is_refused_before_anything_is_encoded(labels: list, templates: list, message: str):
    with pytest.raises(BadInput, match=message.replace("{", r"\{").replace("}", r"\}")):
        class_vectors(lambda texts: pytest.fail("encoded"), labels, templates)


LABELS = ["cat", "dog", "cup"]


def test_accuracy_and_confusion_equal_scikit_learns():
    rng = np.random.default_rng(3)
    best = rng.integers(0, 3, 200)
    truth = [LABELS[i] for i in rng.integers(0, 3, 200)]
    given = [LABELS[i] for i in best]

    assert accuracy(LABELS, best, truth) == (pytest.approx(accuracy_score(truth, given)), 200)
    assert np.array_equal(confusion(LABELS, best, truth), confusion_matrix(truth, given, labels=LABELS))


def test_images_whose_truth_is_unknown_or_no_label_are_out_of_both_figures():
    best = np.array([0, 1, 2, 0, 1])
    truth = ["cat", None, "ship", "dog", "dog"]

    assert accuracy(LABELS, best, truth) == (pytest.approx(2 / 3), 3)
    assert confusion(LABELS, best, truth).tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert accuracy(LABELS, best, [None, "ship"] + [None] * 3) == (None, 0)


def test_truth_is_matched_without_case_and_outer_space_and_numbers_as_their_text():
    labels = ["Straße", "7", "True"]

    assert match_truth([" STRASSE ", 7, True, None, "other"], labels) == ("Straße", "7", "True", None, "other")


def test_the_default_template_takes_a_label():
    zeroshot.check(["a", "b"], [zeroshot.TEMPLATE])


def test_of_two_labels_that_differ_in_case_only_each_is_its_own_truth():
    assert match_truth(["cat", "Cat", "CAT"], ["Cat", "cat"]) == ("cat", "Cat", "Cat")
