"""Lesson 1: a picture and some captions as vectors of one space; what their cosine is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sharedspace import explain
from sharedspace.encoders import Encoder
from sharedspace.errors import BadInput

ORDERS = 20  # other orders of a caption's words that are tried


@dataclass(frozen=True, slots=True, eq=False)
class Cosine:
    """The cosine of a picture and a caption, both unit vectors, and what it is made of."""

    value: float  # -1..1
    degrees: float  # the angle between them, 0..180
    products: np.ndarray  # (d,) float32 of the two numbers of each dimension; they sum to the value

    def largest(self, k: int) -> tuple[int, ...]:
        """The k dimensions whose products are the greatest in size, the greatest first."""
        return tuple(np.argsort(-np.abs(self.products), kind="stable")[:k].tolist())

    def share(self, k: int) -> float:
        """How much of the value the k largest products make; over 1 where the others take some of it away."""
        return float(self.products[list(self.largest(k))].sum() / self.value) if self.value else float("nan")


def cosine(picture: np.ndarray, caption: np.ndarray) -> Cosine:
    """Two unit vectors (d,): the cosine is the sum of the products of their numbers."""
    products = np.asarray(picture, dtype=np.float32) * np.asarray(caption, dtype=np.float32)
    value = float(products.sum(dtype=np.float64))
    return Cosine(value, float(np.degrees(np.arccos(np.clip(value, -1, 1)))), products)


def nearest(picture: np.ndarray, captions: np.ndarray) -> int:
    """The place of the caption (m, d) with the highest cosine; the first where several have it."""
    return int((captions @ picture).argmax())


@dataclass(frozen=True, slots=True, eq=False)
class Wording:
    """What the order of a caption's words, and each word, does to its cosine with a picture."""

    value: float  # of the caption as it was written
    orders: tuple[str, ...]  # the same words, each time in another order
    by_order: np.ndarray  # (m,) float32 change of the cosine
    words: tuple[str, ...]  # of a long caption some words that stand together
    by_omission: np.ndarray  # (w,) float32 change of the cosine without it

    @property
    def most(self) -> tuple[float, float]:
        """The greatest size of a change by an order and by an omission; 0 where the words have no other order."""
        return float(np.abs(self.by_order).max(initial=0)), float(np.abs(self.by_omission).max())


def wording(encoder: Encoder, caption: str, picture: np.ndarray, seed: int = 0) -> Wording:
    """A caption against a picture's unit vector (d,), in at most ORDERS random orders and without each of its words.

    Raises BadInput for fewer than two words.
    """
    words = caption.split()
    if len(words) < 2:
        raise BadInput("A single word has no order: give a caption of two words or more.")
    without = explain.words(encoder, caption, picture)
    chance = np.random.default_rng(seed)
    drawn = [" ".join(words[place] for place in chance.permutation(len(words))) for _ in range(ORDERS)]
    orders = tuple(one for one in dict.fromkeys(drawn) if one != " ".join(words))
    return Wording(
        without.score,
        orders,
        np.asarray(encoder.texts(orders) @ picture - without.score, dtype=np.float32),
        tuple(one.word for one in without.words),
        np.array([-one.change for one in without.words], dtype=np.float32),
    )
