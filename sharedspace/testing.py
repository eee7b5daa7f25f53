"""A predictable encoder without weights: colours named in a text and colours of a picture share one space."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from sharedspace.records import Space, Tokens
from sharedspace.vectors import unit

if TYPE_CHECKING:
    from PIL import Image

COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "cyan": (0, 255, 255),
    "magenta": (255, 0, 255),
    "white": (255, 255, 255),
    "black": (0, 0, 0),
}


class FakeEncoder:
    """An encoder whose vectors can be worked out by eye.

    A picture is the unit vector of its mean colour, (r, g, b, 0.1); a text that of the sum of the
    colours it names. So "red" and a red picture stand on the same point. `seen` counts what was encoded.
    """

    def __init__(self, name: str = "fake") -> None:
        self.space = Space(fingerprint=f"{name}-colours", model=name, dimension=4, logit_scale=20.0)
        self.seen = {"images": 0, "texts": 0}
        self._counting = threading.Lock()
        self.side = 16
        self.precision = "float32"

    def workers(self) -> ThreadPoolExecutor:
        """Two threads."""
        return ThreadPoolExecutor(2)

    def prepare(self, picture: Image.Image) -> np.ndarray:
        """The mean colour, (3,) float32 of 0 to 1."""
        return np.asarray(np.asarray(picture.convert("RGB"), dtype=np.float32).mean(axis=(0, 1)) / 255)

    def encode(self, prepared: Sequence[np.ndarray]) -> np.ndarray:
        """(n, 4) float32 unit rows."""
        return unit(self.raw(prepared))

    def raw(self, prepared: Sequence[np.ndarray]) -> np.ndarray:
        """(n, 4) float32 (r, g, b, 0.1), each colour from 0 to 1."""
        with self._counting:
            self.seen["images"] += len(prepared)
        return self._rows(list(prepared))

    def images(self, pictures: Sequence[Image.Image]) -> np.ndarray:
        """(n, 4) float32 unit rows."""
        return self.encode([self.prepare(picture) for picture in pictures])

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """(n, 4) float32 unit rows."""
        return unit(self.raw_texts(texts))

    def raw_texts(self, texts: Sequence[str]) -> np.ndarray:
        """(n, 4) float32 (r, g, b, 0.1), the sum of the colours that are named."""
        self.seen["texts"] += len(texts)
        sums = [
            np.sum([COLOURS[word] for word in text.lower().split() if word in COLOURS] or [(0, 0, 0)], axis=0) / 255
            for text in texts
        ]
        return self._rows(sums)

    def tokens(self, text: str) -> Tokens:
        """Words as tokens, at most 16."""
        words = text.split()
        unknown = tuple(word for word in words if word.lower() not in COLOURS)
        return Tokens(tuple(words[:16]), 16, max(0, len(words) - 16), unknown)

    def _rows(self, colours: list[np.ndarray]) -> np.ndarray:
        rows = np.full((len(colours), 4), 0.1, dtype=np.float32)
        if colours:
            rows[:, :3] = np.stack(colours)
        return rows


def load_fake(name: str) -> FakeEncoder:
    """Stands where `encoders.load` does: `Workspace(home, load=load_fake)`."""
    return FakeEncoder(name)
