"""Reasons against the formula, against pictures whose truth is known, and against a model that knows nothing."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sharedspace import encoders, explain
from sharedspace.encoders import Encoder
from sharedspace.errors import BadInput
from sharedspace.pocket.package import new_model, save_model
from sharedspace.pocket.paint import draw
from sharedspace.pocket.scenery import background
from sharedspace.pocket.shapes import KINDS
from sharedspace.pocket.world import COLOUR_NAMES, Scene
from sharedspace.testing import FakeEncoder

WHOLE = (0.0, 0.0, 1.0, 1.0)


def cosine(a: list[float], b: list[float]) -> float:
    return float(np.dot(a, b) / np.sqrt(np.dot(a, a) * np.dot(b, b)))


def plain(colour: str, size: tuple[int, int] = (16, 16)) -> Image.Image:
    return Image.new("RGB", size, colour)


def explained(text: str, picture: Image.Image) -> explain.WordReasons:
    return explain.words(FakeEncoder(), text, FakeEncoder().images([picture])[0])


def test_a_word_changes_the_cosine_as_the_formula_says():
    found = explained(" red  blue ", plain("red"))

    red, both, blue = [1, 0, 0, 0.1], [1, 0, 1, 0.1], [0, 0, 1, 0.1]
    assert found.score == pytest.approx(cosine(both, red), abs=1e-6)
    assert [one.word for one in found.words] == ["red", "blue"]
    assert [one.change for one in found.words] == pytest.approx(
        [cosine(both, red) - cosine(blue, red), cosine(both, red) - cosine(red, red)], abs=1e-6
    )
    assert found.shares == (1.0, 0.0)  # what speaks against the picture has no part in what speaks for it


def test_without_its_only_word_a_text_is_empty():
    found = explained("red", plain("red"))

    assert [one.change for one in found.words] == pytest.approx([1 - cosine([0, 0, 0, 0.1], [1, 0, 0, 0.1])], abs=1e-6)


def test_a_word_that_says_nothing_changes_nothing_and_a_repeated_one_stands_twice():
    found = explained("red the red", plain("red"))

    assert [one.word for one in found.words] == ["red", "the", "red"]
    assert found.words[1].change == 0
    once, twice, red = [1, 0, 0, 0.1], [2, 0, 0, 0.1], [1, 0, 0, 0.1]
    assert found.words[0].change == found.words[2].change
    assert found.words[0].change == pytest.approx(cosine(twice, red) - cosine(once, red), abs=1e-6)


def test_no_word_speaks_for_the_opposite():
    assert explained("blue", plain("red")).words[0].change < 0
    assert explained("blue", plain("red")).shares == (0.0,)


def test_a_text_without_words_is_refused():
    with pytest.raises(BadInput, match="give at least one word"):
        explained(" \n ", plain("red"))


def test_words_over_the_models_limit_do_not_slide_into_it():
    # Of 16 words that are read each is black; were the 17th read once one is left out, it would bring green.
    found = explained(" ".join(["black"] * 16 + ["green"] * 984), plain("green"))

    assert (len(found.words), found.unread) == (16, 984)
    assert {one.change for one in found.words} == {0.0}


@pytest.mark.parametrize("text", ["a photo of a red cat " * 200, "x" * 100_000, "red " * 40 + "boat"])
def test_a_long_text_is_compared_with_few_others(text: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(explain, "MOST", 5)
    encoder, lengths = encoders.load("pocket"), []
    texts = encoder.texts
    monkeypatch.setattr(encoder, "texts", lambda given: lengths.append(len(given)) or texts(given))
    found = explain.words(encoder, text, encoder.images([plain("red")])[0])

    assert 1 < lengths[0] <= 1 + 5
    typed = text.split()
    read = len(typed) - found.unread
    assert " ".join(one.word for one in found.words) == " ".join(typed[:read])
    assert read == min(len(typed), encoder.tokens(text).limit)  # pocket has a token a word
    assert found.score == pytest.approx(float(texts([text])[0] @ encoder.images([plain("red")])[0]), abs=1e-6)


@pytest.mark.parametrize("quadrant", range(4))
def test_the_red_quadrant_is_hot_for_red(quadrant: int):
    encoder, picture = FakeEncoder(), plain("blue", (32, 32))
    left, top = quadrant % 2 * 16, quadrant // 2 * 16
    picture.paste("red", (left, top, left + 16, top + 16))
    found = explain.patches(encoder, picture, encoder.texts(["red"])[0])

    inside = np.zeros((8, 8), dtype=bool)
    inside[quadrant // 2 * 4 :, quadrant % 2 * 4 :][:4, :4] = True
    assert found.heat.dtype == np.float32
    assert found.heat[inside].min() > found.heat[~inside].max()
    assert found.where == ("upper left", "upper right", "lower left", "lower right")[quadrant]


def test_heat_is_the_mean_fall_of_the_windows_over_a_cell():
    picture = plain("blue")
    picture.paste("red", (0, 0, 2, 2))  # the first of 8 × 8 cells
    text = [1, 0, 0, 0.1]
    found = explain.patches(FakeEncoder(), picture, FakeEncoder().texts(["red"])[0])

    # Of the four windows over cell (1, 1) one hides the red with three cells of blue; mean colours of 64 cells follow.
    ground = np.rint(np.array([255 / 64, 0, 255 * 63 / 64])) / 255
    whole = cosine([1 / 64, 0, 63 / 64, 0.1], text)
    with_red = cosine([*((np.array([0, 0, 60]) + 4 * ground) / 64), 0.1], text)
    without = cosine([*((np.array([1, 0, 59]) + 4 * ground) / 64), 0.1], text)
    assert found.score == pytest.approx(whole, abs=1e-6)
    assert found.heat[0, 0] == pytest.approx(whole - with_red, abs=1e-5)
    assert found.heat[1, 1] == pytest.approx(whole - (with_red + 3 * without) / 4, abs=1e-5)


def test_a_model_that_takes_the_whole_picture_is_explained_by_all_of_it():
    picture = plain("blue", (48, 16))
    picture.paste("red", (0, 0, 12, 16))  # beside the middle square
    found = explain.patches(FakeEncoder(), picture, FakeEncoder().texts(["red"])[0])

    assert found.box == WHOLE
    assert found.heat[:, :2].min() > found.heat[:, 2:].max()
    assert found.where == "upper left"


def test_a_plain_picture_looks_nowhere():
    found = explain.patches(FakeEncoder(), plain("red"), FakeEncoder().texts(["red"])[0])

    assert found.heat.tolist() == np.zeros((8, 8)).tolist()
    assert found.where is None


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((300, 100), (1 / 3, 0, 2 / 3, 1)),
        ((100, 200), (0, 0.25, 1, 0.75)),
        ((90, 90), WHOLE),
        ((1, 50), (0, 0.49, 1, 0.51)),
    ],
)
def test_a_clip_is_explained_by_the_middle_square_that_it_sees(size: tuple[int, int], box: tuple[float, ...]):
    encoder = encoders.load("pocket")
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), dtype=np.uint8))
    vector = encoder.texts(["a boat"])[0]
    found = explain.patches(encoder, noise, vector)

    assert found.box == pytest.approx(box)
    assert found.score == pytest.approx(float(encoder.images([noise])[0] @ vector), abs=0.02)


def pasted(rng: np.random.Generator, objects: int) -> tuple[Image.Image, str, int]:
    """Drawn objects in as many quadrants of one ground, what one of them is, and its quadrant."""
    ground = background("plain", 256, rng)
    kinds, colours = rng.choice(KINDS, objects, replace=False), rng.choice(COLOUR_NAMES, objects, replace=False)
    quadrants = rng.choice(4, objects, replace=False)
    for kind, colour, quadrant in zip(kinds, colours, quadrants, strict=True):
        scene = Scene(str(kind), str(colour), "plain", size="big", seed=int(rng.integers(2**31)))
        ground.paste(draw(scene, 128, nuisance=False), (quadrant % 2 * 128, quadrant // 2 * 128))
    return ground, f"a {colours[0]} {kinds[0]}", int(quadrants[0])


def rate(encoder: Encoder, objects: int, n: int) -> float:
    """The share of n pictures whose hottest quadrant, by the sum of what is above 0, is that of the named object."""
    rng, right = np.random.default_rng(objects), 0
    for _ in range(n):
        picture, text, quadrant = pasted(rng, objects)
        heat = explain.patches(encoder, picture, encoder.texts([text])[0]).heat.clip(0)
        right += int(heat.reshape(2, 4, 2, 4).sum(axis=(1, 3)).argmax()) == quadrant
    return right / n


@pytest.mark.parametrize("objects", [1, 2])
def test_the_hottest_quadrant_is_that_of_the_named_object(objects: int):
    assert rate(encoders.load("pocket"), objects, 20) >= 0.8


def test_a_model_that_was_never_trained_does_not_find_it(tmp_path: Path):
    torch.manual_seed(0)
    save_model(new_model().state_dict(), tmp_path)
    assert rate(encoders.load(str(tmp_path)), 2, 12) < 0.6
