"""What templates give, what is taken for what, and which wording would mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sharedspace.doctor.spread import spaced
from sharedspace.errors import BadInput

FORMS = (
    *("{word}", "{a}", "{many}", "the {word}", "a photo of {a}", "a photo of the {word}", "a photo of {many}"),
    *("a picture of {a}", "an image of {a}", "a drawing of {a}", "a painting of {a}", "a sketch of {a}"),
    *("a cartoon of {a}", "a rendering of {a}", "a close-up of {a}", "a cropped photo of {a}", "a photo of one {word}"),
    *("a photo of a small {word}", "a photo of a large {word}", "a photo of many {many}", "a bright photo of {a}"),
    *("a dark photo of {a}", "a blurry photo of {a}", "{a} on the ground", "{a} in the air", "{a} indoors"),
    *("{a} outdoors", "{a} on a plain background", "a scene with {a}"),
)


@dataclass(frozen=True, slots=True)
class TemplateGain:
    """What each of T templates gives: shares of n images that are right, or that the whole ensemble agrees with."""

    alone: np.ndarray  # (T,) 0..1
    without: np.ndarray  # (T,) 0..1, of the ensemble of all others; NaN where there are none
    ensemble: float  # 1 where there is no truth
    n: int
    truth: bool  # whether the shares are of right answers


@dataclass(frozen=True, slots=True)
class Rewording:
    """What becomes of a confusion when the text of one of its two labels is replaced."""

    text: str
    replaces: int  # the label whose text it takes the place of
    flips: int  # of the confused images that become right
    mends: int  # other wrong images that become right
    breaks: int  # right images that become wrong

    @property
    def net(self) -> int:
        """How many more images are right than before."""
        return self.flips + self.mends - self.breaks


def template_gain(images: np.ndarray, vectors: np.ndarray, truth: np.ndarray) -> TemplateGain:
    """What each of T templates gives to L labels, by unit prompt vectors (T, L, d) and truth (n,) int, -1 unknown.

    On at most 2,000 evenly spaced of the unit images (n, d) whose truth is known; where none is, by the answers of the
    whole ensemble. A label that no template makes has the same vector under all. Raises BadInput without an image.
    """
    known = np.flatnonzero(truth >= 0)
    chosen = known if len(known) else np.arange(len(images))
    if not len(chosen):
        raise BadInput("What a template gives is measured on images, and there are none.")
    rows = chosen[spaced(len(chosen))]
    count, labels, d = vectors.shape
    scores = (images[rows] @ vectors.reshape(-1, d).T).reshape(len(rows), count, labels)
    total, whole = scores.sum(axis=1), vectors.sum(axis=0)  # the score of a mean is the mean of the scores
    answers = (total / _norms(whole)).argmax(axis=1)
    right = truth[rows] if len(known) else answers
    others = [((total - scores[:, t]) / _norms(whole - vectors[t])).argmax(axis=1) for t in range(count)]
    return TemplateGain(
        alone=(scores.argmax(axis=2) == right[:, None]).mean(axis=0),
        without=(np.stack(others) == right).mean(axis=1) if count > 1 else np.full(1, np.nan),
        ensemble=float((answers == right).mean()),
        n=len(rows),
        truth=bool(len(known)),
    )


def _norms(rows: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(np.linalg.norm(rows, axis=-1), 1e-12))


def confused(truth: np.ndarray, best: np.ndarray, count: int) -> list[tuple[int, int, int]]:
    """Confusions of (n,) true labels, -1 unknown, with given ones: (true, given, images), the most frequent first."""
    known = truth >= 0
    counts = np.bincount(truth[known] * count + best[known], minlength=count * count)
    counts[:: count + 1] = 0  # what is right
    pairs = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    return [(int(pair // count), int(pair % count), int(counts[pair])) for pair in pairs]


def rewordings(
    images: np.ndarray,
    words: np.ndarray,
    truth: np.ndarray,
    a: int,
    b: int,
    candidates: Sequence[str],
    vectors: np.ndarray,
    replaces: Sequence[int] | None = None,
) -> tuple[Rewording, ...]:
    """What each of w texts, by its unit vector (w, d), makes of the images that are a and called b; best first.

    `replaces` says per text whether it takes the place of label a (all do, unless told) or b among the unit class
    vectors (L, d). The figures are counts over the unit images (n, d) whose truth (n,) is known (-1: unknown), and
    exact: what classifying again with that one vector replaced gives. Best is by net, then by flips.
    """
    sides = np.array([a] * len(candidates) if replaces is None else replaces, dtype=np.int64)
    if a == b or not set(sides.tolist()) <= {a, b} or not len(sides) == len(candidates) == len(vectors):
        raise ValueError("each text has a vector and takes the place of one of the two labels of a confusion")
    rows = np.flatnonzero(truth >= 0)
    scores, true = images[rows] @ words.T, truth[rows]
    confusion = (true == a) & (scores.argmax(axis=1) == b)
    was = scores.argmax(axis=1) == true
    found = []
    for side in np.unique(sides):
        texts = np.flatnonzero(sides == side)
        now = _right(scores, true, int(side), images[rows] @ vectors[texts].T)
        for at, right in zip(texts.tolist(), now.T, strict=True):
            flips, breaks = int((right & confusion).sum()), int((was & ~right).sum())
            mends = int((right & ~was & ~confusion).sum())
            found.append((at, Rewording(candidates[at], int(side), flips, mends, breaks)))
    return tuple(one for _, one in sorted(found, key=lambda pair: (-pair[1].net, -pair[1].flips, pair[0])))


def _right(scores: np.ndarray, true: np.ndarray, side: int, given: np.ndarray) -> np.ndarray:
    """Whether (n, L) scores give the true label when those of one side are (n, w) others, (n, w) bool."""
    others = scores.copy()
    others[:, side] = -np.inf
    rival = others.argmax(axis=1)
    highest = others.max(axis=1)[:, None]
    wins = (given > highest) | ((given == highest) & (side < rival)[:, None])  # of equal scores the first label wins
    return np.asarray(np.where(wins, (true == side)[:, None], (true == rival)[:, None]))


def suggestions(label: str, nouns: Sequence[str] = ()) -> list[str]:
    """Wordings of a label to try, each once, made without a model; with nouns also as a kind of each of them."""
    word = " ".join(label.split())
    named = f"{'an' if word[:1].lower() in tuple('aeiou') else 'a'} {word}"
    many = plural(word)
    texts = [form.format(a=named, word=word, many=many) for form in FORMS]
    kinds = [f"{named}, a kind of {noun}" for noun in nouns if noun.casefold() != word.casefold()]
    return list(dict.fromkeys([*texts, *kinds]))


def plural(word: str) -> str:
    """The usual English plural of a noun."""
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")
