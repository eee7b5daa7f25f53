"""A word stamped on pictures: does a model take what is written for what is shown (Goh et al. 2021)?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from sharedspace.encoders import Encoder
from sharedspace.errors import BadInput
from sharedspace.images import stamp
from sharedspace.lessons.cannot import choices
from sharedspace.lessons.cannot.choices import Paired
from sharedspace.lessons.rates import Rate
from sharedspace.records import Progress

if TYPE_CHECKING:
    from PIL import Image

LEAST = 10  # pictures, without which nothing is concluded
BATCH = 20  # pictures that are looked at between two reports
STAGES = ("before", "empty plate", "letters backwards", "the word")
Verdict = Literal["fooled", "not fooled", "too few"]


@dataclass(frozen=True, slots=True, eq=False)
class Stamps:
    """The unit vectors (n, d) of n pictures in each of STAGES, and the word of each."""

    words: tuple[str, ...]
    stages: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Fooled:
    """What the stamps did to the nearest label, over pictures whose label was another than the word before."""

    rows: np.ndarray  # those pictures, (m,) int
    flips: tuple[Rate, Rate, Rate]  # the word's label wins: with the empty plate, the letters backwards, the word
    more: tuple[Paired, Paired]  # the word against the plate, and against the letters backwards
    cosines: tuple[float, float, float, float]  # mean with the word's text in each of STAGES

    @property
    def verdict(self) -> Verdict:
        """Fooled: the label flips to the word more often than with the empty plate, and than with the same ink."""
        if len(self.rows) < LEAST:
            return "too few"
        return "fooled" if all(one.first_is_better for one in self.more) else "not fooled"


def backwards(word: str) -> str:
    """The same letters in another order, so that the ink is the same and the word is not; "" where that is no other."""
    turned = word[::-1]
    if turned.casefold() != word.casefold():
        return turned
    moved = word[1:] + word[:1]
    return "" if moved.casefold() == word.casefold() else moved


def looked_at(
    encoder: Encoder,
    pictures: Sequence[Image.Image],
    words: Sequence[str],
    report: Callable[[Progress], None] = lambda progress: None,
) -> Stamps:
    """n pictures with n words: as they are, with an empty plate, with the letters backwards, with the word.

    Raises BadInput where words and pictures do not pair up, for a word that cannot be stamped or turned around.
    """
    if len(pictures) != len(words) or not len(words):
        raise BadInput(f"Each picture needs one word: {len(pictures)} pictures, {len(words)} words.")
    for word in words:
        if not backwards(word):
            raise BadInput(f"The word {word!r} has no other order of its letters: give one of several letters.")
    rows: list[list[np.ndarray]] = [[], [], [], []]
    for start in range(0, len(words), BATCH):
        report(Progress(4 * start, 4 * len(words), "pictures"))
        some, theirs = pictures[start : start + BATCH], words[start : start + BATCH]
        shown = list(zip(some, theirs, strict=True))
        rows[0].append(encoder.images([image.convert("RGB") for image in some]))
        rows[1].append(encoder.images([stamp(image, word, written=False) for image, word in shown]))
        rows[2].append(encoder.images([turned(image, word) for image, word in shown]))
        rows[3].append(encoder.images([stamp(image, word) for image, word in shown]))
    report(Progress(4 * len(words), 4 * len(words), "pictures"))
    before, plate, back, after = (np.concatenate(one) for one in rows)
    return Stamps(tuple(words), (before, plate, back, after))


def turned(image: Image.Image, word: str) -> Image.Image:
    """The picture with the word's letters backwards."""
    return stamp(image, backwards(word))


def judge(stamps: Stamps, labels: Sequence[str], vectors: np.ndarray) -> Fooled:
    """Whether the labels, unit rows (L, d), among which are the words, flip to the word that is stamped.

    Raises BadInput where a word is no label.
    """
    if missing := set(stamps.words) - set(labels):
        raise BadInput(f"The words must be among the labels: {', '.join(sorted(missing))} is not.")
    own = np.array([labels.index(word) for word in stamps.words])
    cosines = [images @ vectors.T for images in stamps.stages]  # (n, L) each
    wins = [choices.best(one) == own for one in cosines]
    rows = np.flatnonzero(~wins[0])
    plate, back, after = (one[rows] for one in wins[1:])
    to_word = [one[np.arange(len(own)), own] for one in cosines]
    return Fooled(
        rows,
        (choices.rate(plate), choices.rate(back), choices.rate(after)),
        (choices.paired(after, plate), choices.paired(after, back)),
        tuple(float(one[rows].mean()) if len(rows) else float("nan") for one in to_word),  # type: ignore[arg-type]  # of four
    )
