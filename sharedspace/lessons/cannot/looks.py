"""The same pictures in other looks than a model was trained on: how many keep their label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sharedspace.encoders import Encoder
from sharedspace.lessons.cannot import choices
from sharedspace.lessons.rates import Rate
from sharedspace.records import Progress

if TYPE_CHECKING:
    from PIL import Image

BATCH = 40  # pictures that are looked at between two reports
TINY = 32  # pixels of the longer side
AS_IS = "as it is"


def _inverted(image: Image.Image) -> Image.Image:
    return image.point([255 - value for value in range(256)] * 3)


def _outlines(image: Image.Image) -> Image.Image:
    """Dark lines on white, as brightness changes: from its median slope, taken for noise, to its steepest hundredth."""
    grey = image.convert("L")
    down, across = np.gradient(np.asarray(grey, dtype=np.float32))
    slopes = np.hypot(down, across)
    low, high = (float(one) for one in np.quantile(slopes, [0.5, 0.99]))
    strength = np.clip((slopes - low) / max(high - low, 1e-6), 0, 1)
    drawn = grey.copy()
    drawn.frombytes(np.rint(255 * (1 - strength)).astype(np.uint8).tobytes())
    return drawn.convert("RGB")


def _tiny(image: Image.Image) -> Image.Image:
    share = TINY / max(image.size)
    return image.resize((max(1, round(image.width * share)), max(1, round(image.height * share))), reducing_gap=2.0)


LOOKS: dict[str, Callable[[Image.Image], Image.Image]] = {
    AS_IS: lambda image: image,
    "grey": lambda image: image.convert("L").convert("RGB"),
    "upside down": lambda image: image.rotate(180),
    "outlines": _outlines,
    "inverted": _inverted,
    f"{TINY} pixels": _tiny,
}


def changed(image: Image.Image, look: str) -> Image.Image:
    """A picture in one of LOOKS, RGB; KeyError for another."""
    return LOOKS[look](image.convert("RGB"))


def looked_at(
    encoder: Encoder, pictures: Sequence[Image.Image], report: Callable[[Progress], None] = lambda progress: None
) -> dict[str, np.ndarray]:
    """The unit vectors (n, d) of n pictures in each look."""
    found, total = {}, len(LOOKS) * len(pictures)
    for number, look in enumerate(LOOKS):
        rows = [np.empty((0, encoder.space.dimension), dtype=np.float32)]
        for start in range(0, len(pictures), BATCH):
            report(Progress(number * len(pictures) + start, total, "pictures"))
            rows.append(encoder.images([changed(image, look) for image in pictures[start : start + BATCH]]))
        found[look] = np.concatenate(rows)
    report(Progress(total, total, "pictures"))
    return found


def right(found: dict[str, np.ndarray], labels: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    """In each look, which pictures get their true label, (n,) bool; labels are unit rows (L, d), truth (n,) int.

    A truth below 0 is unknown: right is then what the picture gets as it is, and all are right there.
    """
    answers = {look: choices.best(images @ labels.T) for look, images in found.items()}
    wanted = np.where(truth < 0, answers[AS_IS], truth)
    return {look: answer == wanted for look, answer in answers.items()}


def rates(rights: dict[str, np.ndarray]) -> dict[str, Rate]:
    """How many are right in each look."""
    return {look: choices.rate(one) for look, one in rights.items()}


def worse(rights: dict[str, np.ndarray]) -> list[str]:
    """The looks in which fewer are right than as it is, by more than chance."""
    return [look for look, one in rights.items() if choices.paired(rights[AS_IS], one).first_is_better]
