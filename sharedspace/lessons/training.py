"""Lesson 3: a small CLIP that learns from random weights, and what is seen of it while it does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Loss = Literal["InfoNCE", "sigmoid"]

EVERY = 320  # samples between two looks at the held-out pictures, and of which the curve of the loss is the mean
MOST = 48_000  # samples after which a training is complete
PAPER_BIAS = -10.0  # of the sigmoid loss at the start (Zhai et al. 2023, with a logit scale of 10)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a training depends on; the same settings give the same curve."""

    batch: int = 32
    rate: float = 0.002  # learning rate of Adam
    loss: Loss = "InfoNCE"
    seed: int = 0
    bias: float = PAPER_BIAS  # at the start; of the sigmoid loss alone


@dataclass(frozen=True, slots=True)
class Look:
    """How a model does on held-out pictures after some samples."""

    samples: int  # pictures that it has learnt from so far, the same one each time it comes
    accuracy: float  # 0..1, share of the held-out pictures whose own caption is nearest of all captions
    gap: float  # 0..2, distance of the mean image vector from the mean text vector
    scale: float  # logit scale, 1 / temperature
    bias: float  # 0 with InfoNCE


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A training as it stands, for a page to show."""

    settings: Settings
    losses: np.ndarray  # (steps,) of each batch, before its step
    looks: tuple[Look, ...]  # the first before anything is learnt
    matrix: np.ndarray  # (C, C) mean cosines of captions (rows) with the held-out pictures of each caption
    captions: tuple[str, ...]  # (C,)
    held_out: int  # pictures that the accuracy is over
    classes: np.ndarray  # (N,) captions of the last batch by their place
    pictures: np.ndarray  # (N, side, side, 3) uint8, of that batch

    @property
    def samples(self) -> int:
        """Pictures that it has learnt from."""
        return len(self.losses) * self.settings.batch

    @property
    def diagonal(self) -> float:
        """The share of rows whose largest cosine is that of the caption's own pictures."""
        return float((self.matrix.argmax(axis=1) == np.arange(len(self.matrix))).mean())


def measure(images: np.ndarray, texts: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Accuracy 0..1, modality gap 0..2, and mean cosines (C, C), captions as rows and their pictures as columns.

    `texts` (C, d) are unit rows, `images` (C * p, d) too: p pictures of each caption, in the order of the captions.
    """
    captions, each = len(texts), len(images) // len(texts)
    cosines = images @ texts.T  # (C * p, C)
    right = cosines.argmax(axis=1) == np.arange(captions).repeat(each)
    gap = np.linalg.norm(images.mean(axis=0) - texts.mean(axis=0))
    return float(right.mean()), float(gap), cosines.reshape(captions, each, captions).mean(axis=1).T


def loss_at_start(settings: Settings, captions: int = 32) -> float:
    """The loss where nothing tells one pair from another.

    InfoNCE: each of N has the probability 1/N, so that it is -ln(1/N) = ln N. Sigmoid: with all cosines 0 every logit
    is the bias b, and a picture has m captions that match (1, or more where a batch repeats captions) and N - m that
    do not: m ln(1 + e^-b) + (N - m) ln(1 + e^b).
    """
    n = settings.batch
    if settings.loss == "InfoNCE":
        return math.log(n)
    matches = max(1, n // captions)
    return matches * math.log1p(math.exp(-settings.bias)) + (n - matches) * math.log1p(math.exp(settings.bias))


def balanced_bias(batch: int) -> float:
    """The bias whose sigmoid is 1/N, the share of pairs that match in a batch of N different captions: -ln(N - 1)."""
    return -math.log(batch - 1)


def smooth(losses: np.ndarray, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Losses of steps (s,) as a curve: the middles of stretches of EVERY samples, and the mean of each stretch.

    The first point is the first batch alone, before anything is learnt; a last stretch that is not full is left out.
    """
    steps = EVERY // batch
    full = len(losses) // steps
    means = losses[: full * steps].reshape(full, steps).mean(axis=1)
    middles = (np.arange(full) + 0.5) * EVERY
    return np.concatenate([[0.0], middles])[: full + len(losses[:1])], np.concatenate([losses[:1], means])


def reached(looks: Sequence[Look], accuracy: float = 0.8) -> int | None:
    """The samples after which that held-out accuracy was first seen; None where it was not."""
    return next((look.samples for look in looks if look.accuracy >= accuracy), None)


@dataclass(frozen=True, slots=True)
class Difference:
    """Two trainings after equally many samples."""

    samples: int
    first: float  # accuracy, 0..1
    second: float
    error: float  # standard error of their difference, of two independent shares of n pictures each

    @property
    def told(self) -> bool:
        """Whether it is larger than the pictures' chance explains: 1.96 standard errors, 95 %."""
        return abs(self.first - self.second) > 1.96 * self.error


def compare(first: Seen, second: Seen, samples: int) -> Difference:
    """The held-out accuracy of two trainings after that many samples, at which both have been looked at."""
    a, b = (next(look.accuracy for look in seen.looks if look.samples == samples) for seen in (first, second))
    spread = a * (1 - a) / first.held_out + b * (1 - b) / second.held_out
    return Difference(samples, a, b, math.sqrt(spread))


class Course:
    """A training that is looked at after every EVERY samples; further looks change nothing of it."""

    def __init__(self, settings: Settings) -> None:
        from sharedspace.pocket import toy

        self.settings, self.captions = settings, toy.CAPTIONS
        self.trainer = toy.Trainer(settings.batch, settings.rate, settings.loss, settings.seed, settings.bias)
        self._held_out = len(toy.held_out())
        self._losses: list[float] = []
        self._looks: list[Look] = []
        self._look()

    @property
    def samples(self) -> int:
        """Pictures that it has learnt from."""
        return len(self._losses) * self.settings.batch

    def step(self) -> bool:
        """Learn from one batch; whether a look followed."""
        self._losses.append(self.trainer.step())
        due = self.samples % EVERY == 0
        if due:
            self._look()
        return due

    def _look(self) -> None:
        look, self._matrix = self._measure()
        self._looks.append(look)

    def _measure(self) -> tuple[Look, np.ndarray]:
        accuracy, gap, matrix = measure(*self.trainer.vectors())
        model = self.trainer.model
        return Look(self.samples, accuracy, gap, model.log_scale.exp().item(), model.bias.item()), matrix

    def seen(self) -> Seen:
        """All there is to show, with a look at the model of now."""
        looks, matrix = tuple(self._looks), self._matrix
        if looks[-1].samples != self.samples:
            look, matrix = self._measure()
            looks = (*looks, look)
        return Seen(
            settings=self.settings,
            losses=np.array(self._losses),
            looks=looks,
            matrix=matrix,
            captions=self.captions,
            held_out=self._held_out,
            classes=self.trainer.classes,
            pictures=self.trainer.shown,
        )
