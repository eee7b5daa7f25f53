"""A space of vectors that somebody brought along: no model of ours reads texts or pictures in it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from sharedspace.errors import ModelUnavailable
from sharedspace.records import Space, Tokens

if TYPE_CHECKING:
    from PIL import Image

OWN = "vectors:"  # what the model's name of such a space begins with; the rest is its owner's choice


class OwnVectors:
    """Stands where an encoder does, and says what cannot be asked."""

    side = 224
    precision = "float32"

    def __init__(self, space: Space) -> None:
        self.space = space

    @classmethod
    def new(cls, name: str, dimension: int) -> OwnVectors:
        """A space that is nobody else's, also of those who give theirs the same name."""
        return cls(Space(f"own-{secrets.token_hex(6)}", name, dimension, 100.0))

    def workers(self) -> ThreadPoolExecutor:
        """Threads that read pictures for their thumbnails."""
        return ThreadPoolExecutor(os.cpu_count())

    def prepare(self, picture: Image.Image) -> NoReturn:
        """Raises ModelUnavailable."""
        self._refuse("pictures")

    def encode(self, prepared: Sequence[np.ndarray]) -> np.ndarray:
        """(0, d) of nothing; else raises ModelUnavailable."""
        if prepared:
            self._refuse("pictures")
        return np.empty((0, self.space.dimension), dtype=np.float32)

    def images(self, pictures: Sequence[Image.Image]) -> np.ndarray:
        """(0, d) of nothing; else raises ModelUnavailable."""
        if pictures:
            self._refuse("pictures")
        return self.encode([])

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """(0, d) of nothing; else raises ModelUnavailable."""
        if texts:
            self._refuse("texts")
        return self.encode([])

    def raw(self, prepared: Sequence[np.ndarray]) -> np.ndarray:
        """(0, d) of nothing; else raises ModelUnavailable."""
        return self.encode(prepared)

    def raw_texts(self, texts: Sequence[str]) -> np.ndarray:
        """(0, d) of nothing; else raises ModelUnavailable."""
        return self.texts(texts)

    def tokens(self, text: str) -> Tokens:
        """Nothing is read of a text."""
        return Tokens((), 0, 0, ())

    def _refuse(self, what: str) -> NoReturn:
        raise ModelUnavailable(
            f"This collection holds vectors that were brought along ({self.space.model}), and no model is known that "
            f"reads {what} in their space. Its map, its clusters and what is like one of its images need none."
        )
