"""What is wrong with a set of labels, before it is run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import Literal, TypeAlias

import numpy as np

from sharedspace.doctor.spread import distances, levels, spaced, usual_distance
from sharedspace.doctor.wording import plural
from sharedspace.errors import BadInput

Kind: TypeAlias = Literal["spelling", "synonyms", "never", "swallows", "two meanings"]
Words: TypeAlias = tuple[Sequence[str], np.ndarray]  # (w names, (w, d) unit vectors)

MOST = 5  # findings of a kind that are told one by one
NAMED = 12  # labels that the count of the others names
LOOKED = 2**25  # scores at once (134 MB); of more images than that allows an evenly spaced part is looked at
LEAST = 3  # images that a figure may rest on
# What the following tell apart: benchmarks/doctor.py
NEAR = 0.45  # of the usual distance of two texts: within it a text is nearly the same
APART = 0.7  # of the usual distance: beyond it two texts mean different things
FAMILY = (0.35, 0.85)  # of the usual distance: between them a word may be one of a label's meanings, not the label
HAIR = 1.0  # difference of two logits: the better label has at most 73 % against the other
FAR_MORE = 3  # times its share of the images, and no fewer than MANY, a label takes that swallows
MANY = 5
FITS = 0.4  # of what the best word rises over its level, a label's own rise on an image that it fits
PART = 0.2  # of a label's images that each of two meanings has at least
COVERED = 0.6  # of a label's images that its two meanings explain together
SAME_FORM = 5  # labels with equally many prompts, from which on their common part is their templates'


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a set of labels, in a sentence with its figures and one with the way out.

    `value` is the distance of synonyms as a share of the usual one, the lead (0 or less) of a label that never wins,
    the share of all images of one that swallows, of its own for the second meaning, the number of labels spelt alike;
    of the last one, where a kind has more than five, the number of those it counts.
    """

    kind: Kind
    labels: tuple[str, ...]
    message: str
    value: float


@dataclass(frozen=True, slots=True)
class _Bench:
    """A label set on the images that are looked at."""

    names: Sequence[str]
    words: np.ndarray  # (L, d)
    images: np.ndarray  # (n, d)
    truth: np.ndarray  # (n,) int, -1 unknown
    scores: np.ndarray  # (n, L) cosines
    best: np.ndarray  # (n,) int
    usual: float  # distance of two texts

    def share(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Distances of unit rows (m, d) and (k, d) as shares of the usual one, (m, k)."""
        return distances(a, b) / max(self.usual, 1e-12)


def examine(
    names: Sequence[str],
    words: np.ndarray,
    images: np.ndarray,
    logit_scale: float,
    prompts: Sequence[np.ndarray] = (),
    vocabulary: Words | None = None,
    truth: np.ndarray | None = None,
) -> tuple[Finding, ...]:
    """What is wrong with labels, by their unit class vectors (L, d) and unit images (n, d); worst first in each kind.

    `prompts` are per label the unit vectors (p, d) that its class vector is the mean of. `vocabulary` says how far
    texts usually lie apart (without it the labels do, of which fewer than about five say nothing), and has the words
    for what a label's images are like. `truth` is (n,) int, -1 where unknown. Beyond five of a kind the others are
    counted in one more. Raises BadInput without two labels or without an image.
    """
    if len(names) < 2 or not len(images):
        raise BadInput("The label doctor needs at least two labels and one image.")
    rows = spaced(len(images), max(1, LOOKED // len(names)))
    known = np.full(len(rows), -1) if truth is None else truth[rows]
    scores = images[rows] @ words.T
    usual = max(usual_distance(words), usual_distance(vocabulary[1]) if vocabulary else 0.0)
    bench = _Bench(names, words, images[rows], known, scores, scores.argmax(axis=1), usual)
    swallowing = _swallows(bench)
    meanings = [*_torn(bench, prompts), *(_two_meanings(bench, vocabulary) if vocabulary else ())]
    told = {one.labels for one in swallowing}  # what such a label takes says nothing of its meaning
    meanings = [one for one in meanings if one.labels not in told]
    found = (_spelling(bench), _synonyms(bench, logit_scale), _never(bench), swallowing, meanings)
    return tuple(one for kind in found for one in _capped(kind))


def _capped(found: Sequence[Finding]) -> list[Finding]:
    rest = found[MOST:]
    if not rest:
        return list(found)
    names = list(dict.fromkeys(name for one in rest for name in one.labels))
    shown = ", ".join(map(repr, names[:NAMED])) + (" and others" if len(names) > NAMED else "")
    message = f"{len(rest):,} more of this kind, less plain than these: {shown}."
    return [*found[:MOST], Finding(rest[0].kind, tuple(names), message, float(len(rest)))]


def _spelling(bench: _Bench) -> list[Finding]:
    """Labels that are one word in another case or number."""
    takes = np.bincount(bench.best, minlength=len(bench.names))
    spelt = _spelt(bench.names)
    found = []
    for _, group in groupby(sorted(range(len(spelt)), key=spelt.__getitem__), key=spelt.__getitem__):
        same = list(group)
        if len(same) > 1:
            alike = tuple(bench.names[at] for at in same)
            said = _listed([f"{bench.names[at]!r} takes {takes[at]:,}" for at in same])
            message = (
                f"{_listed(list(map(repr, alike)))} differ only in case or number: of {len(bench.best):,} images "
                f"{said}. Keep one of them, unless the number matters."
            )
            found.append(Finding("spelling", alike, message, float(len(alike))))
    return sorted(found, key=lambda one: -one.value)


def _spelt(names: Sequence[str]) -> list[str]:
    """Each name without case and outer space, and in the singular where that is among the names too."""
    folded = [" ".join(name.casefold().split()) for name in names]
    singular = {plural(name): name for name in folded}
    return [singular.get(name, name) for name in folded]


def _listed(parts: Sequence[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _synonyms(bench: _Bench, logit_scale: float) -> list[Finding]:
    """Pairs whose texts nearly coincide, and that share by a hair the images which either of them wins."""
    near, spelt = bench.share(bench.words, bench.words), _spelt(bench.names)
    found = []
    for a, b in np.argwhere(np.triu(near < NEAR, 1)):
        one, other = bench.names[a], bench.names[b]
        if spelt[a] == spelt[b]:
            continue
        pair = bench.scores[:, [a, b]]
        rows = np.flatnonzero((bench.best == a) | (bench.best == b))
        if len(rows) < LEAST:  # where a third label wins: what fits the two best
            rows = np.argsort(-pair.max(axis=1), kind="stable")[:10]
        apart = logit_scale * float(np.median(np.abs(pair[rows, 0] - pair[rows, 1])))
        if apart < HAIR:
            message = (
                f"{one!r} and {other!r} are near-synonyms to this model: their texts lie {near[a, b]:.0%} as far apart "
                f"as two texts usually do, and on the {len(rows):,} images that are most like them the better one "
                f"has typically {1 / (1 + np.exp(-apart)):.0%} against the other. "
                "Keep one of them, or write prompts that say what tells them apart."
            )
            found.append(Finding("synonyms", (one, other), message, float(near[a, b])))
    return sorted(found, key=lambda one: one.value)


def _never(bench: _Bench) -> list[Finding]:
    """Labels that win on no image; first those that some images truly are, then those that are farthest from winning.

    Unit vectors are all corners of their hull, so that each label wins somewhere in the space: only images can tell.
    """
    top = bench.scores.max(axis=1)
    found = []
    for label in np.flatnonzero(np.bincount(bench.best, minlength=len(bench.names)) == 0):
        lead = bench.scores[:, label] - top
        closest, missed = int(lead.argmax()), int((bench.truth == label).sum())
        name, rival = bench.names[int(label)], bench.names[int(bench.best[closest])]
        told = f", though {missed:,} of them truly are it" if missed else ""
        message = (
            f"{name!r} wins on none of {len(top):,} images{told}: where it comes closest, {rival!r} is ahead by "
            f"{-lead[closest]:.3f}. Leave it out if no image shows it, else word it otherwise."
        )
        found.append((-missed, Finding("never", (name,), message, float(lead[closest]))))
    return [one for _, one in sorted(found, key=lambda pair: (pair[0], pair[1].value))]


def _swallows(bench: _Bench) -> list[Finding]:
    """Labels that take far more than their share, and would not at the level of the others.

    A label that is really common keeps its images when its level is set to theirs; one that is high everywhere, a hub
    (Radovanović et al. 2010), loses most of them.
    """
    count, n = len(bench.names), len(bench.best)
    level = levels(bench.scores)
    found = []
    for label, name in enumerate(bench.names):
        won = np.flatnonzero(bench.best == label)
        if len(won) < max(MANY, n * min(FAR_MORE / count, (1 + 1 / count) / 2)):
            continue
        usual = float(np.median(np.delete(level, label)))
        others = np.delete(bench.scores[won], label, axis=1).max(axis=1)
        lost = int((bench.scores[won, label] - (level[label] - usual) < others).sum())
        known = bench.truth[won] >= 0
        right = float((bench.truth[won] == label).sum() / max(1, known.sum()))
        if lost * 2 < len(won) or right >= 0.5:
            continue
        told = f", and of those whose label is known {right:.0%} are it" if known.any() else ""
        message = (
            f"{name!r} takes {len(won):,} of {n:,} images ({len(won) / n:.0%}) by being high everywhere: it scores "
            f"{level[label]:.3f} on what it does not fit, other labels {usual:.3f}, and at their level {lost:,} of "
            f"these images would go to others{told}. Word it more closely, or leave it out."
        )
        found.append(Finding("swallows", (name,), message, len(won) / n))
    return sorted(found, key=lambda one: -one.value)


def _torn(bench: _Bench, prompts: Sequence[np.ndarray]) -> list[Finding]:
    """Labels whose prompts fall into two groups as far apart as the texts of different labels are."""
    found = []
    for name, rows in zip(bench.names, _own(prompts), strict=False):
        if not len(rows):
            continue
        far = np.linalg.norm(rows[:, None] - rows, axis=-1)
        a, b = np.unravel_index(far.argmax(), far.shape)
        second = far[:, b] < far[:, a]
        if not second.any():  # all are equal
            continue
        apart = float(np.linalg.norm(rows[second].mean(axis=0) - rows[~second].mean(axis=0))) / max(bench.usual, 1e-12)
        if apart >= APART:
            one, other = (", ".join(str(at + 1) for at in np.flatnonzero(side)) for side in (~second, second))
            message = (
                f"{name!r} may mean two things: its prompts {one} and its prompts {other} lie {apart:.0%} as far apart "
                "as two texts usually do, and their mean stands for neither. Make two labels of them."
            )
            found.append(Finding("two meanings", (name,), message, float(min(second.mean(), 1 - second.mean()))))
    return sorted(found, key=lambda one: -one.value)


def _own(prompts: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Each label's prompts (p, d) without what their templates share: the mean over labels with equally many."""
    sizes = np.array([len(rows) for rows in prompts])
    common = {
        size: np.mean([rows for rows in prompts if len(rows) == size], axis=0)
        for size in set(sizes.tolist())
        if (sizes == size).sum() >= SAME_FORM
    }
    return (rows - common.get(len(rows), 0) for rows in prompts)


def _two_meanings(bench: _Bench, vocabulary: Words) -> list[Finding]:
    """Labels whose images are of two sorts, each of which another word fits better than the label does.

    Scores count from each word's level. A word for a meaning is near the label's text, and not the label again.
    """
    nouns, vectors = vocabulary
    far = bench.share(bench.words, vectors)  # (L, w)
    level = levels(bench.images[spaced(len(bench.images))] @ vectors.T)
    own = levels(bench.scores)
    found = []
    for label, name in enumerate(bench.names):
        won = np.flatnonzero(bench.best == label)
        near = np.flatnonzero((far[label] >= FAMILY[0]) & (far[label] < FAMILY[1]))
        if len(won) < 2 * LEAST or len(near) < 2:
            continue
        won = won[spaced(len(won))]
        rise = bench.images[won] @ vectors[near].T - level[near]  # (m, k)
        itself = bench.scores[won, label] - own[label]
        fits = itself >= FITS * rise.max(axis=1)  # an image that no label fits says nothing of the one it falls to
        above = (rise - itself[:, None])[fits]
        split = _split(above, bench.share(vectors[near], vectors[near]))
        if split is not None:
            x, y, first, second = split
            message = (
                f"{name!r} may mean two things: of {len(above):,} images that it fits {first:,} are more like "
                f"{nouns[near[x]]!r} than like it, and {second:,} more like {nouns[near[y]]!r}. "
                "Make a label of each that you mean."
            )
            found.append(Finding("two meanings", (name,), message, second / len(above)))
    return sorted(found, key=lambda one: -one.value)


def _split(above: np.ndarray, far: np.ndarray) -> tuple[int, int, int, int] | None:
    """The two of k words, by how much they are (m, k) above the label and how far apart, that make two sorts of images.

    (word, other word, images of the first, of the second), with as many as can be of the second; None where no two do.
    """
    least = max(LEAST, PART * len(above))
    best = None
    for x, y in combinations(np.flatnonzero((above > 0).sum(axis=0) >= least).tolist(), 2):
        if far[x, y] < APART:
            continue
        first = int(((above[:, x] > 0) & (above[:, x] > above[:, y])).sum())
        second = int(((above[:, y] > 0) & (above[:, y] > above[:, x])).sum())
        less, covered = min(first, second), (first + second) / len(above)
        if less >= least and covered >= COVERED and (best is None or less > best[3]):
            best = (x, y, first, second) if first >= second else (y, x, second, first)
    return best
