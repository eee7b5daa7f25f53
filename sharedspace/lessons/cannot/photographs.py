"""What a model says of photographs, and how its best cosine stands beside that of the pictures it knows."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from sharedspace.chance import Baseline
from sharedspace.lessons.cannot import choices
from sharedspace.lessons.rates import Rate
from sharedspace.search import Word, describe

SHOWN = 3  # words of each photograph
# With scikit-learn, under CC BY 2.0, as its README says.
CREDITS = {"china.jpg": "photo: danielbuechele, CC BY 2.0", "flower.jpg": "photo: vultilion, CC BY 2.0"}


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What is said of each of n photographs, and how sure it sounds."""

    words: tuple[tuple[Word, ...], ...]  # the best of each
    under_line: Rate  # the best cosine is no match, by the line of the pictures that the model knows
    under_band: Rate  # it is below where 95 % of the best words of those pictures are
    sure: float  # mean probability of the best word, over all words


def shipped() -> dict[str, bytes]:
    """The photographs that come with scikit-learn, by file name; none where it has them no more."""
    spec = find_spec("sklearn")
    if spec is None or spec.origin is None:
        return {}
    folder = Path(spec.origin).parent / "datasets" / "images"
    return {name: (folder / name).read_bytes() for name in CREDITS if (folder / name).is_file()}


def told(images: np.ndarray, names: list[str], texts: np.ndarray, logit_scale: float, known: Baseline) -> Told:
    """Unit vectors (n, d) of photographs put to words with unit rows (w, d); `known` is of pictures to compare with."""
    words = tuple(describe(image, names, texts, logit_scale, SHOWN) for image in images)
    best = np.array([one[0].score for one in words])
    low = known.vocabulary.matching[0] if known.vocabulary is not None else -np.inf
    return Told(
        words,
        choices.rate(best < known.line()),
        choices.rate(best < low),
        float(np.mean([one[0].share for one in words])),
    )
