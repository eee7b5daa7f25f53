"""Lesson 1: a picture and some captions as vectors of one space; what their cosine is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
