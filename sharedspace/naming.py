"""Names for groups of images, from words, by how much better a word fits inside a group than outside; or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sharedspace.records import Name

BLOCK = 4096  # images whose cosines stand in memory at once
MOST = 0.6  # share of a group's images that must match its name
APART = 0.8  # how often an image of the group must fit its name better than one outside: the area under the ROC curve
DRAWS = 200  # random groups by which chance is judged
CHANCE = 0.01  # share of random groups whose best word may pass that line
SIZES = 64  # up to which the line is worked out; beyond, it falls with the root of the size, as a mean's spread does
TRIED = 5  # words a group, best first, that are compared image by image
RUNNERS = 3
CONSTANT = 1e-6  # cosines whose standard deviation is no more than this differ by the rounding of float32 only
MIXED = "mixed"  # what a group without a name is called


def names(
    vectors: np.ndarray,
    labels: np.ndarray,
    words: Sequence[str],
    word_vectors: np.ndarray,
    line: float,
    seed: int = 0,
) -> tuple[Name, ...]:
    """A name, or none, for each group in labels (n,) other than -1, by its number; noise counts as outside.

    `vectors` (n, d) and `word_vectors` (w, d) are unit rows. A word names a group if its mean cosine inside is higher
    than outside by more than the best word of 99 in 100 random groups of that size, most of the group's images match
    it (reach `line`, the no-match line of the collection), and an image of the group fits it better than one
    outside in 8 of 10 pairs. Differences are in standard deviations of the word over all images, so that a word which
    fits everything has no advantage. Of several words the one with the greatest difference is taken.
    """
    groups = np.unique(labels[labels >= 0])
    if not len(groups) or not len(words):
        return tuple(Name(int(group), None, reason="There are no words to name it with.") for group in groups)
    lifts, matched = _lifts(vectors, labels, groups, word_vectors, line)
    chance = _chance(vectors, word_vectors, seed)
    best = np.argsort(-lifts, axis=1, kind="stable")
    chosen = []
    for group, lift, match, order in zip(groups, lifts, matched, best, strict=True):
        size = int((labels == group).sum())
        least = chance[min(size, len(chance)) - 1] * max(1.0, size / len(chance)) ** -0.5
        good = order[(lift[order] > least) & (match[order] >= MOST)]
        chosen.append(_Chosen(int(group), order, good[:TRIED], lift[order[0]] > least, match))
    tried = np.unique(np.concatenate([one.tried for one in chosen]))
    column = dict(zip(tried.tolist(), (vectors @ word_vectors[tried].T).T, strict=True))  # of (n,) each
    return tuple(_name(one, labels == one.group, words, column) for one in chosen)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The words that may name a group."""

    group: int
    order: np.ndarray  # (w,) all words, the one with the greatest difference first
    good: np.ndarray  # the first of those that pass chance and match most images
    lifted: bool  # whether the first of all passes chance
    match: np.ndarray  # (w,) share of the images that match

    @property
    def tried(self) -> np.ndarray:
        return self.good if len(self.good) else self.order[:1]


def titles(groups: Sequence[int], names: Sequence[Name]) -> dict[int, str]:
    """What each group is called among the others, by number: its name, numbered where several have it, or "group 1"."""
    word = {name.group: name.word for name in names}
    found: dict[int, str] = {}
    for group in groups:
        title = word.get(group) or f"group {group + 1}"
        times = sum(word.get(before) == word.get(group) for before in found) if word.get(group) else 0
        while title in found.values():
            times += 1
            title = f"{word.get(group)} {times}"
        found[group] = title
    return found


def _lifts(
    vectors: np.ndarray, labels: np.ndarray, groups: np.ndarray, word_vectors: np.ndarray, line: float
) -> tuple[np.ndarray, np.ndarray]:
    """How much more each word fits inside than outside, in standard deviations, and whom it matches: (groups, w) each.

    The second is the share of the group's images that reach the line.
    """
    n, w = len(vectors), len(word_vectors)
    sums, reached = np.zeros((len(groups), w)), np.zeros((len(groups), w))
    total, squares = np.zeros(w), np.zeros(w)
    for at in range(0, n, BLOCK):
        cosines = vectors[at : at + BLOCK] @ word_vectors.T  # (b, w)
        member = (labels[at : at + BLOCK] == groups[:, None]).astype(np.float32)  # (groups, b)
        sums += member @ cosines
        reached += member @ (cosines >= line).astype(np.float32)
        total += cosines.sum(axis=0, dtype=np.float64)
        squares += np.square(cosines, dtype=np.float64).sum(axis=0)
    sizes = np.array([(labels == group).sum() for group in groups])[:, None]
    deviation = np.sqrt(np.maximum(squares / n - np.square(total / n), 0))
    outside = (total - sums) / np.maximum(n - sizes, 1)
    lifts = (sums / sizes - outside) / np.maximum(deviation, CONSTANT)
    lifts[:, deviation <= CONSTANT] = 0.0
    lifts[(sizes == n).ravel()] = 0.0  # nothing is outside
    return lifts, reached / sizes


def _chance(vectors: np.ndarray, word_vectors: np.ndarray, seed: int) -> np.ndarray:
    """What the best word of 99 in 100 random groups of 1, 2, … images is better inside than outside, (s,)."""
    n, rng = len(vectors), np.random.default_rng(seed)
    size = np.arange(1, min(SIZES, n) + 1)
    drawn = np.stack([rng.permutation(n)[: len(size)] for _ in range(DRAWS)])  # (draws, s)
    sample = vectors[rng.permutation(n)[:BLOCK]] @ word_vectors.T
    mean, deviation = sample.mean(axis=0), np.maximum(sample.std(axis=0), CONSTANT)
    best = np.empty((DRAWS, len(size)))
    for draw, rows in enumerate(drawn):
        standard = (vectors[rows] @ word_vectors.T - mean) / deviation  # (s, w)
        best[draw] = (np.cumsum(standard, axis=0) / size[:, None]).max(axis=1)
    # Inside minus outside, where the mean over all is 0: the outside lies on the other side by size to the rest.
    return np.asarray(np.quantile(best, 1 - CHANCE, axis=0) * n / np.maximum(n - size, 1))


def _name(one: _Chosen, inside: np.ndarray, words: Sequence[str], column: Mapping[int, np.ndarray]) -> Name:
    if inside.all():
        return Name(one.group, None, reason="All images are in it: there is no outside to compare with.")
    fits = {int(word): _auc(column[int(word)], inside) for word in one.tried}
    named = [int(word) for word in one.good if fits[int(word)] >= APART]
    if named:
        runners = tuple(words[word] for word in named[1 : RUNNERS + 1])
        return Name(one.group, words[named[0]], fits[named[0]], float(one.match[named[0]]), runners)
    top = int(one.tried[0])
    near = dict.fromkeys([top, *one.order[:RUNNERS].tolist()])
    if not one.lifted:
        why = "but no better than the best word of a random group of that size"
    elif not len(one.good):
        why = f"but only {one.match[top]:.0%} of the images match it"
    else:
        why = "but many images outside fit it as well"
    runners = tuple(words[word] for word in list(near)[:RUNNERS])
    return Name(one.group, None, fits[top], float(one.match[top]), runners, f"“{words[top]}” fits best, {why}.")


def _auc(scores: np.ndarray, inside: np.ndarray) -> float:
    """How often one of `inside` scores higher than one outside, ties half: the area under the ROC curve."""
    ordered = np.sort(scores[~inside])
    below = np.searchsorted(ordered, scores[inside], side="left")
    upto = np.searchsorted(ordered, scores[inside], side="right")
    return float((below + upto).mean() / 2 / len(ordered))
