"""Abilities measured on drawings of the pocket world, whose truth is known, drawn on the spot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from sharedspace.encoders import Encoder
from sharedspace.errors import BadInput
from sharedspace.images import png
from sharedspace.lessons.cannot import choices, languages
from sharedspace.lessons.cannot.choices import Standing
from sharedspace.lessons.rates import Rate
from sharedspace.pocket import tasks
from sharedspace.pocket.paint import draw
from sharedspace.pocket.shapes import KINDS
from sharedspace.pocket.tasks import Task
from sharedspace.pocket.world import Scene
from sharedspace.records import Progress

BATCH = 40  # drawings that are made and embedded at once
LEAST = 10  # drawings of each ability
ALIKE = 10  # pairs of kinds that are hardest to tell apart
EXAMPLE = 256  # pixels of the side of an example
WITHOUT = ("no {}", "a photo without a {}")
Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, eq=False)
class Ability:
    """One thing that a model can or cannot do."""

    name: str
    rate: Rate
    chance: float  # 1 / number of answers to choose from
    example: bytes  # PNG of one drawing
    asked: tuple[str, ...]  # of that drawing, the true answer first, at most three
    answer: str  # what the model chose there
    unknown: tuple[str, ...]  # words of all the texts that the model has no token for

    @property
    def standing(self) -> Standing:
        """Where the interval lies from chance."""
        return choices.standing(self.rate, self.chance)


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """What a model does on n drawings of each kind of question."""

    n: int
    seed: int
    abilities: tuple[Ability, ...]
    alike: tuple[tuple[str, str], ...]  # the kinds that are hardest to tell apart, the hardest first

    def named(self, name: str) -> Ability:
        """An ability by its name; KeyError where there is none."""
        return {one.name: one for one in self.abilities}[name]


def measure(encoder: Encoder, n: int = 200, seed: int = 0, report: Report = lambda progress: None) -> World:
    """All abilities of a model, on n drawings each of combinations that pocket's training never showed.

    `report` is told how many are drawn, and ends the work by raising. Raises BadInput for fewer than LEAST drawings.
    """
    if n < LEAST:
        raise BadInput(f"Rates need at least {LEAST} drawings, not {n}.")
    eye, rng = _Eye(encoder, seed, 7 * n, report), np.random.default_rng([seed, 8])
    plain = tasks.kinds(tasks.scenes_of_one(rng, n))
    seen = eye.look(plain.scenes)
    two = tasks.scenes_of_two(rng, 2 * n)
    of_two = eye.look(two)
    place = {scene: row for row, scene in enumerate(two)}
    pairs = [tasks.relation(two, ("left", "right")), tasks.relation(two, ("above", "below")), _first(two, n)]
    abilities = [eye.judge(plain, seen, "what it is")]
    for make, name in ((tasks.patterns, "stripes or dots"), (tasks.counting, "how many, 1 to 5")):
        task = make(tasks.scenes_of_one(rng, n))
        abilities.append(eye.judge(task, eye.look(task.scenes), name))
    abilities += [eye.judge(task, of_two[[place[scene] for scene in task.scenes]], task.name) for task in pairs]
    abilities += [_negation(eye, plain.scenes, seen, form) for form in WITHOUT]
    signs = tasks.signs(tasks.scenes_of_one(rng, n))
    abilities.append(eye.judge(signs, eye.look(signs.scenes), "the word on a sign"))
    alike = _alike(tasks.scores(plain, seen, encoder.texts), plain.true)
    close = _of_kinds(rng, n, alike)
    abilities.append(_any_two(eye, rng, plain.scenes, seen))
    abilities.append(eye.judge(close, eye.look(close.scenes), "one of two alike kinds"))
    abilities += [_abroad(eye, plain, seen, name) for name in ("English", *languages.LANGUAGES)]
    return World(n, seed, tuple(abilities), alike)


class _Eye:
    """A model that looks at scenes, a batch at a time, and answers."""

    def __init__(self, encoder: Encoder, seed: int, total: int, report: Report) -> None:
        self.encoder, self.seed = encoder, seed
        self._total, self._report, self._done = total, report, 0
        self._pixels = min(256, 2 * encoder.side)

    def look(self, scenes: Sequence[Scene]) -> np.ndarray:
        """Unit vectors (n, d) of drawings."""
        rows = []
        for start in range(0, len(scenes), BATCH):
            self._report(Progress(self._done, self._total, "drawings"))
            part = [draw(scene, self._pixels) for scene in scenes[start : start + BATCH]]
            rows.append(self.encoder.images(part))
            self._done += len(part)
        self._report(Progress(self._done, self._total, "drawings"))
        return np.concatenate(rows)

    def judge(self, task: Task, images: np.ndarray, name: str) -> Ability:
        """The rate of a task's right answers; equal ones are chosen among by lot."""
        answers = choices.best(tasks.scores(task, images, self.encoder.texts), self.seed)
        right = answers == np.array(task.true)
        at = int(np.flatnonzero(~right)[0]) if not right.all() else 0  # a mistake is told from more than a success
        own, true = task.texts[at], task.true[at]
        texts = list(dict.fromkeys(text for one in task.texts for text in one))
        return Ability(
            name,
            choices.rate(right),
            task.chance,
            png(draw(task.scenes[at], EXAMPLE)),
            (own[true], *(text for place, text in enumerate(own) if place != true))[:3],
            own[int(answers[at])],
            choices.unknown(self.encoder, texts),
        )


def _first(two: Sequence[Scene], n: int) -> Task:
    """The colours of the first n scenes whose two objects differ in colour."""
    return tasks.binding([scene for scene in two if scene.colour != scene.second_colour][:n])


def _negation(eye: _Eye, scenes: Sequence[Scene], images: np.ndarray, form: str) -> Ability:
    """Of two drawings, one with a kind and one without: is "no kind" nearer to the one without?"""
    texts = [form.format(scene.kind) for scene in scenes]
    distinct = list(dict.fromkeys(texts))
    rows = eye.encoder.texts(distinct)[[distinct.index(text) for text in texts]]
    order = list(range(len(scenes)))
    others = [
        next(b for b in (*order[a + 1 :], *order[:a], a) if scenes[b].kind != scenes[a].kind or b == a) for a in order
    ]
    cosines = np.stack([(images[others] * rows).sum(axis=1), (images * rows).sum(axis=1)], axis=1)
    answers = choices.best(cosines, eye.seed)
    at = int(np.flatnonzero(answers)[0]) if answers.any() else 0
    shown, absent = scenes[at], scenes[others[at]]
    found = (f"the drawing with the {absent.kind}", f"this one, with the {shown.kind}")
    return Ability(
        f"negation: {form.format('dog')}",
        choices.rate(answers == 0),
        1 / 2,
        png(draw(shown, EXAMPLE)),
        (f"{texts[at]}: {found[0]}", f"{texts[at]}: {found[1]}"),
        found[int(answers[at])],
        choices.unknown(eye.encoder, distinct),
    )


def _alike(cosines: np.ndarray, true: Sequence[int]) -> tuple[tuple[str, str], ...]:
    """The ALIKE pairs of kinds whose drawings are nearest to the other's text, by mean cosines (n, kinds)."""
    means = np.full((len(KINDS), len(KINDS)), np.nan)  # of drawings of a row's kind with a column's text
    for kind in set(true):
        means[kind] = cosines[np.array(true) == kind].mean(axis=0)
    lead = np.diagonal(means)[:, None] - means  # by how much the own text is nearer
    both = np.nan_to_num(lead + lead.T, nan=np.inf)
    pairs = sorted(combinations(range(len(KINDS)), 2), key=lambda pair: float(both[pair]))[:ALIKE]
    return tuple((KINDS[a], KINDS[b]) for a, b in pairs)


def _of_kinds(rng: np.random.Generator, n: int, pairs: Sequence[tuple[str, str]]) -> Task:
    """n fresh drawings of the kinds of some pairs, in turn; each is to be told from the other of its pair."""
    wanted = [pair[::step] for pair in pairs for step in (1, -1)]
    waiting = [wanted[at % len(wanted)] for at in range(n)]
    scenes, others = [], []
    while waiting:
        scene = tasks.scenes_of_one(rng, 1)[0]
        pair = next((pair for pair in waiting if pair[0] == scene.kind), None)
        if pair is not None:
            waiting.remove(pair)
            scenes.append(scene)
            others.append(pair[1])
    return tasks.pairs_of_kinds(scenes, others, "alike")


def _any_two(eye: _Eye, rng: np.random.Generator, scenes: Sequence[Scene], images: np.ndarray) -> Ability:
    """The same drawings as "what it is", each to be told from one other kind, drawn by lot."""
    steps = rng.integers(1, len(KINDS), len(scenes)).tolist()
    others = [KINDS[(KINDS.index(scene.kind) + step) % len(KINDS)] for scene, step in zip(scenes, steps, strict=True)]
    return eye.judge(tasks.pairs_of_kinds(scenes, others, "any"), images, "one of any two kinds")


def _abroad(eye: _Eye, plain: Task, images: np.ndarray, language: str) -> Ability:
    """What it is, asked by the bare word of a language."""
    texts = languages.translated(KINDS)[language]
    task = Task(language, plain.scenes, [texts] * len(plain.scenes), plain.true)
    return eye.judge(task, images, f"what it is, in {language}")
