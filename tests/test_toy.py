"""The toy CLIP: its world, its two losses against arithmetic by hand, and that it learns, the same each time."""

import io
import math
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from PIL import Image

from sharedspace.errors import BadInput
from sharedspace.pocket import toy
from sharedspace.pocket.toy import CAPTIONS, Trainer


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with toy.one_thread():
        yield


def unit_rows(n: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((n, 6))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


COSINES = unit_rows(4, 1) @ unit_rows(4, 2).T
SAME = np.eye(4)
TWICE = np.array([[1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]], float)  # captions 0 and 2 are equal


def log_softmax(logits: np.ndarray) -> np.ndarray:
    return np.asarray(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))


@pytest.mark.parametrize("matches", [SAME, TWICE], ids=["diagonal", "a caption twice"])
def test_info_nce_is_two_softmax_by_hand(matches: np.ndarray):
    logits = 5 * COSINES
    shares = matches / matches.sum(axis=1, keepdims=True)
    by_picture = -(shares * log_softmax(logits)).sum(axis=1).mean()
    by_caption = -(shares * log_softmax(logits.T)).sum(axis=1).mean()

    found = toy.info_nce(torch.tensor(COSINES), torch.tensor(matches), torch.tensor(5.0))

    assert found.item() == pytest.approx((by_picture + by_caption) / 2, rel=1e-6)


@pytest.mark.parametrize("matches", [SAME, TWICE], ids=["diagonal", "a caption twice"])
def test_the_sigmoid_loss_is_a_yes_or_no_for_each_pair_by_hand(matches: np.ndarray):
    probability = 1 / (1 + np.exp(-(5 * COSINES - 2)))
    by_hand = -np.log(np.where(matches == 1, probability, 1 - probability)).sum() / 4

    found = toy.sigmoid_loss(torch.tensor(COSINES), torch.tensor(matches), torch.tensor(5.0), torch.tensor(-2.0))

    assert found.item() == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize("batch", [8, 16, 32, 64])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_before_anything_is_learnt_the_loss_is_about_ln_n(batch: int, seed: int):
    first = Trainer(batch=batch, seed=seed).step()

    assert math.log(batch) <= first <= math.log(batch) + 0.25


def test_random_encoders_give_all_pictures_about_one_vector_and_all_captions_too():
    for rows in Trainer(seed=0).vectors():
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
        assert (rows @ rows.T).mean() > 0.9


def test_a_batch_has_each_caption_equally_often_with_a_picture_of_its_own():
    for batch in (8, 32, 64):
        trainer = Trainer(batch=batch)
        trainer.step()
        counts = np.bincount(trainer.classes, minlength=len(CAPTIONS))

        assert (len(trainer.classes), counts.max()) == (batch, max(1, batch // 32))
        for place, shown in zip(trainer.classes, trainer.shown, strict=True):
            assert (trainer.pictures[place] == shown).all(axis=(1, 2, 3)).any()


def test_held_out_pictures_are_none_of_those_that_are_learnt_from():
    learnt = {picture.tobytes() for picture in Trainer().pictures.reshape(-1, 32, 32, 3)}
    held_out = {picture.tobytes() for picture in toy.held_out()}

    assert (len(learnt), len(held_out)) == (32 * 96, 32 * 8)
    assert not learnt & held_out


def test_the_same_seed_gives_the_same_curve_to_the_bit_also_beside_another_training():
    def losses(seed: int, steps: int) -> list[float]:
        with toy.one_thread():
            trainer = Trainer(seed=seed)
            return [trainer.step() for _ in range(steps)]

    alone = losses(seed=4, steps=30)
    other = threading.Thread(target=losses, args=(5, 60))
    other.start()
    beside = losses(seed=4, steps=30)
    other.join()

    assert beside == alone
    assert losses(seed=5, steps=30) != alone


def test_from_random_weights_to_eight_of_ten_held_out_pictures_and_to_the_pictures_of_a_caption():
    trainer = Trainer()
    accuracies = []
    for _ in range(2):
        images, texts = trainer.vectors()
        accuracies.append((np.argmax(images @ texts.T, axis=1) == np.arange(256) // 8).mean())
        losses = [trainer.step() for _ in range(600)]
    images, texts = trainer.vectors(["a blue boat"])
    best = np.argsort(-images @ texts[0])[:4]

    before, after = accuracies
    assert before < 0.1  # a guess: 0.03
    assert after >= 0.8
    assert np.mean(losses[-20:]) < 0.2
    assert {CAPTIONS[place // 8] for place in best} == {"a blue boat"}


def test_the_sigmoid_learns_too_and_its_bias_with_it():
    trainer = Trainer(loss="sigmoid", bias=-10.0)
    losses = [trainer.step() for _ in range(200)]

    assert np.mean(losses[-10:]) < 0.3 * losses[0]
    assert trainer.model.bias.item() != -10.0


@pytest.mark.parametrize(
    ("captions", "reason"),
    [
        (["a blue hippo"], "does not know hippo.*umbrella"),
        ([""], "has 1 to 3 words"),
        (["a red red fish"], "has 1 to 3 words"),
        (["a fish", "fish"], "has 1 to 3 words"),
    ],
)
def test_a_caption_that_it_cannot_read_is_refused_with_the_reason(captions: list[str], reason: str):
    with pytest.raises(BadInput, match=reason):
        toy.tokens(captions)


def test_words_are_numbered_by_their_place_whatever_their_case():
    assert toy.tokens(["A red FISH", "a blue tree"]).tolist() == [[0, 1, 5], [0, 4, 6]]


def test_the_picture_encoder_has_about_46_000_weights_and_all_of_it_54_000():
    model = Trainer().model

    assert sum(weight.numel() for weight in model.see.parameters()) == pytest.approx(46_000, rel=0.06)
    assert round(sum(weight.numel() for weight in model.parameters()), -3) == 54_000


def test_one_thread_is_for_this_thread_alone():
    counts: list[int] = []
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with toy.one_thread():
        counts.append(torch.get_num_threads())
        other = threading.Thread(target=lambda: counts.append(torch.get_num_threads()))
        other.start()
        other.join()
    counts.append(torch.get_num_threads())
    torch.set_num_threads(before)

    assert counts == [1, 2, 2]


def test_a_strip_shows_drawings_side_by_side():
    drawn = toy.held_out()[:3]
    picture = np.asarray(Image.open(io.BytesIO(toy.strip(drawn, enlarged=2))))

    assert picture.shape == (64, 3 * 33 * 2, 3)
    np.testing.assert_array_equal(picture[::2, 66:130:2], drawn[1])
