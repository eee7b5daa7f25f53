"""A collection's zero-shot labels: which images, what the model is asked for and when, what is remembered."""

from pathlib import Path

import numpy as np
import pytest

from sharedspace import filters, words
from sharedspace.collection import Collection, labelled
from sharedspace.errors import BadInput, NotFound
from sharedspace.records import OTHER, Progress
from sharedspace.workspace import Workspace
from sharedspace.zeroshot import Label

TEMPLATES = ["a photo of a {}", "{} things"]


@pytest.fixture
def plain(workspace: Workspace, pictures: Path) -> Collection:
    """Six plain pictures, of which three are warm."""
    warm = {"red.png": {"warm": "yes"}, "yellow.png": {"warm": "yes"}, "magenta.png": {"warm": "yes"}}
    workspace.ingest("plain", [pictures], model="fake", table=warm)
    return workspace.collection("plain")


def asked(plain: Collection) -> list[str]:
    """The texts that the model is asked for from now on, in order."""
    encoder, texts = plain.encoder, []
    encode = encoder.texts
    encoder.texts = lambda given: texts.extend(given) or encode(given)
    return texts


def test_only_images_that_pass_the_filters_are_labelled_and_each_as_without_them(plain: Collection):
    every = plain.classify(["red", "blue"], TEMPLATES, truth="warm", other=True)
    row = {id: at for at, id in enumerate(every.ids)}
    among = every.ids[::2]
    for more in ({"where": [filters.parse("warm=yes")]}, {"among": among}):
        some = plain.classify(["red", "blue"], TEMPLATES, truth="warm", other=True, **more)
        rows = [row[id] for id in some.ids]
        assert len(rows) == 3
        np.testing.assert_array_equal(some.probabilities, every.probabilities[rows])
        assert some.paths == tuple(every.paths[at] for at in rows)
        assert some.truth == tuple(every.truth[at] for at in rows)
    assert set(plain.classify(["red", "blue"], among=among).ids) == set(among)


def test_hidden_images_get_no_label_and_the_edition_tells_that_answers_have_changed(plain: Collection):
    before = plain.edition
    plain.tag(plain.snapshot().ids[:2], "hidden")

    assert plain.edition != before
    assert plain.classify(["red", "blue"]).ids == plain.snapshot().ids[2:]
    assert plain.apply(plain.classifier(["red", "blue"])).ids == plain.snapshot().ids[2:]
    tagged = plain.edition
    plain.give("note", {plain.snapshot().ids[0]: "x"})
    assert plain.edition != tagged


def test_of_a_label_that_changes_only_its_own_prompts_are_asked_for(plain: Collection):
    plain.classify(["red", "blue"], TEMPLATES)
    texts = asked(plain)
    plain.classify(["red", Label("sea", ("cyan", "deep blue"))], TEMPLATES)
    plain.classify(["blue", "red"], TEMPLATES)

    assert texts == ["cyan", "deep blue"]


def test_labels_that_are_remembered_are_not_even_looked_up(plain: Collection, monkeypatch: pytest.MonkeyPatch):
    first = plain.classify(["red", "blue"], TEMPLATES)
    monkeypatch.setattr(Collection, "embed", lambda *_, **__: pytest.fail("looked up"))
    again = plain.classify(["red", "blue"], TEMPLATES, temperature=2.0)

    np.testing.assert_array_equal(again.cosines, first.cosines)


def test_of_a_template_that_changes_only_its_own_texts_are_looked_up(
    plain: Collection, monkeypatch: pytest.MonkeyPatch
):
    plain.classify(["red", "blue"], TEMPLATES)
    texts, embed = [], Collection.embed

    def look_up(self: Collection, given: list[str], remember: bool = False) -> np.ndarray:
        texts.extend(given)
        return embed(self, given, remember)

    monkeypatch.setattr(Collection, "embed", look_up)
    found = plain.classify(["red", "blue"], [TEMPLATES[0], "green {}"])

    assert texts == ["green red", "green blue"]
    monkeypatch.setattr(labelled, "PROMPTS", 1)
    plain.classify(["red", "blue"], ["yellow {}"])
    plain._known_classes([TEMPLATES[0], "green {}"]).clear()
    np.testing.assert_array_equal(plain.classify(["red", "blue"], [TEMPLATES[0], "green {}"]).cosines, found.cosines)


def test_a_label_is_not_taken_for_one_with_other_prompts_or_templates(plain: Collection):
    one = plain.classify(["red", "blue"], ["{}"]).cosines
    other = plain.classify([Label("red", ("green",)), "blue"], ["{}"]).cosines
    third = plain.classify(["red", "blue"], ["{} green"]).cosines

    assert not np.allclose(one[:, 0], other[:, 0])
    assert not np.allclose(one[:, 0], third[:, 0])
    np.testing.assert_array_equal(one[:, 1], other[:, 1])


def test_what_is_remembered_of_labels_is_bounded(plain: Collection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(labelled, "CLASSES", 3)
    for label in ("red", "green", "yellow", "cyan"):
        plain.classify([label, "blue"], TEMPLATES)
        assert len(plain._known_classes(TEMPLATES)) <= 3
    texts = asked(plain)
    found = plain.classify(["red", "green", "yellow", "cyan"], TEMPLATES)

    assert texts == []  # the ledger has them
    assert found.labels == ("red", "green", "yellow", "cyan")


def test_what_is_unread_is_read_with_progress_and_then_nothing_is(plain: Collection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(labelled, "READ", 3)
    labels = ["red", Label("sea", ("blue", "a photo of a red"))]
    texts = plain.unread(labels, TEMPLATES)
    steps: list[Progress] = []
    plain.read(texts, steps.append)

    assert texts == ["a photo of a red", "red things", "blue"]
    assert [(step.done, step.total) for step in steps] == [(0, 3), (3, 3)]
    assert plain.unread(labels, TEMPLATES) == []
    assert plain.unread(labels, TEMPLATES, other=True) == words.neutral()
    asked_now = asked(plain)
    plain.classify(labels, TEMPLATES)
    assert asked_now == []


def test_what_was_not_to_be_remembered_is_held_in_memory_all_the_same(plain: Collection):
    plain.classify(["red", "blue"], TEMPLATES, remember=False)
    texts = asked(plain)
    plain.classify(["red", "blue"], [TEMPLATES[0], "green {}"], remember=False)

    assert texts == ["green red", "green blue"]
    assert plain.unread(["red", "blue"], [*TEMPLATES, "green {}"]) == []
    assert plain._home.ledger.texts(plain.info.space, ["red things", "green red"]) == {}


def test_reading_that_is_ended_keeps_what_was_done(plain: Collection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(labelled, "READ", 2)

    def stop(progress: Progress) -> None:
        if progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plain.read(["one", "two", "three"], stop)
    assert plain.unread([Label("all", ("one", "two", "three"))], []) == ["three"]


def test_none_of_these_is_what_fits_a_neutral_caption_better_than_any_label(plain: Collection):
    found = plain.classify(["red", "green"], ["{}"], other=True)

    vectors, encoder = plain.snapshot().vectors, plain.encoder
    labels, bank = vectors @ encoder.texts(["red", "green"]).T, vectors @ encoder.texts(words.neutral()).T
    assert found.labels == ("red", "green", OTHER)
    np.testing.assert_allclose(found.cosines, np.column_stack([labels, bank.max(axis=1)]), atol=2e-5)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)
    unknown = plain.classify(["dragon", "zebra"], ["{}"], other=True)  # to the model the same as neutral captions
    assert set(unknown.answers) == {(OTHER,)}


def test_what_is_refused_is_refused_before_the_model_is_asked(plain: Collection):
    texts = asked(plain)
    for more, error in (({"temperature": 0}, BadInput), ({"truth": "size"}, NotFound), ({"mode": "all"}, BadInput)):
        with pytest.raises(error):
            plain.classify(["red", "never seen"], **more)
    assert texts == []
