"""What contrastive training on short captions is known not to give, as choices between texts of which one is true."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sharedspace.pocket.captions import article
from sharedspace.pocket.shapes import KINDS
from sharedspace.pocket.vocabulary import NAMES, NUMBERS
from sharedspace.pocket.world import OPPOSITE, Scene, Split, sample_scene

Vectors = NDArray[np.float32]
TEMPLATE = "a photo of a {}"
RELATION_WORDS = {"left": "left of", "right": "right of", "above": "above", "below": "below"}


@dataclass(frozen=True)
class Task:
    """Scenes, and of each as many texts to choose from; `true` is the place of the one that is right."""

    name: str
    scenes: Sequence[Scene]
    texts: Sequence[tuple[str, ...]]
    true: Sequence[int]

    @property
    def chance(self) -> float:
        """What a guess reaches: 1 / number of texts."""
        return 1 / len(self.texts[0])


def scores(task: Task, images: Vectors, embed: Callable[[list[str]], Vectors]) -> Vectors:
    """Cosines (n, c) of the scenes' unit vectors (n, d) with their own texts; each text is embedded once."""
    distinct = list(dict.fromkeys(text for own in task.texts for text in own))
    place = {text: column for column, text in enumerate(distinct)}
    every = images @ embed(distinct).T  # (n, distinct texts)
    return np.take_along_axis(every, np.array([[place[text] for text in own] for own in task.texts]), axis=1)


def scenes_of_one(rng: np.random.Generator, n: int, split: Split = "test") -> list[Scene]:
    """n scenes with objects of one kind."""
    return [sample_scene(rng, split, alone=True) for _ in range(n)]


def scenes_of_two(rng: np.random.Generator, n: int, split: Split = "test") -> list[Scene]:
    """n scenes of two objects, left or right and above or below as often."""
    found: list[Scene] = []
    while len(found) < n:
        scene = sample_scene(rng, split)
        if scene.second is not None:
            relation = ("left", "above", "right", "below")[len(found) % 4]
            found.append(replace(scene, relation=relation))
    return found


def kinds(scenes: Sequence[Scene]) -> Task:
    """Which of all kinds is it."""
    texts = tuple(TEMPLATE.format(kind) for kind in KINDS)
    return Task("object (40)", list(scenes), [texts] * len(scenes), [KINDS.index(scene.kind) for scene in scenes])


def counting(scenes: Sequence[Scene]) -> Task:
    """How many are there: one to five, in turn."""
    many = [replace(scene, count=1 + at % 5, size="medium") for at, scene in enumerate(scenes)]
    texts = [
        tuple(f"{number} {scene.kind if number == 'one' else NAMES[scene.kind][0]}" for number in NUMBERS)
        for scene in many
    ]
    return Task("how many (1 to 5)", many, texts, [scene.count - 1 for scene in many])


def relation(scenes: Sequence[Scene], words: tuple[str, str]) -> Task:
    """Which of two opposite relations do two objects have; of the scenes that have either."""
    chosen = [scene for scene in scenes if scene.relation in words]
    texts = [
        tuple(
            f"{article(scene.kind)} {RELATION_WORDS[told]} {article(str(scene.second))}"
            for told in (str(scene.relation), OPPOSITE[str(scene.relation)])
        )
        for scene in chosen
    ]
    return Task(" or ".join(words), chosen, texts, [0] * len(chosen))


def binding(scenes: Sequence[Scene]) -> Task:
    """Which of two objects has which of two colours; of the scenes where they differ."""
    chosen = [scene for scene in scenes if scene.second and scene.colour != scene.second_colour]
    form = "a {} {} and a {} {}"
    texts = [
        (
            form.format(scene.colour, scene.kind, scene.second_colour, scene.second),
            form.format(scene.second_colour, scene.kind, scene.colour, scene.second),
        )
        for scene in chosen
    ]
    return Task("which object has which colour", chosen, texts, [0] * len(chosen))


def patterns(scenes: Sequence[Scene]) -> Task:
    """Stripes or dots, in turn."""
    drawn = [replace(scene, pattern=("striped", "dotted")[at % 2], count=1) for at, scene in enumerate(scenes)]
    other = {"striped": "dotted", "dotted": "striped"}
    texts = [(f"a {scene.pattern} {scene.kind}", f"a {other[scene.pattern]} {scene.kind}") for scene in drawn]
    return Task("stripes or dots", drawn, texts, [0] * len(drawn))


def signs(scenes: Sequence[Scene]) -> Task:
    """Which of all kinds is written on a sign."""
    drawn = [replace(scene, word=KINDS[at % len(KINDS)], count=1) for at, scene in enumerate(scenes)]
    texts = tuple(f"a sign that says {kind}" for kind in KINDS)
    return Task("the word on a sign (40)", drawn, [texts] * len(drawn), [at % len(KINDS) for at in range(len(drawn))])


def pairs_of_kinds(scenes: Sequence[Scene], others: Sequence[str], name: str) -> Task:
    """Is it its kind, or another one that is given for each scene."""
    texts = [(TEMPLATE.format(scene.kind), TEMPLATE.format(other)) for scene, other in zip(scenes, others, strict=True)]
    return Task(name, list(scenes), texts, [0] * len(scenes))
