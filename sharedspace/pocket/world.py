"""The pocket world: scenes whose truth is known, and which of them are held out from training."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np

from sharedspace.pocket.shapes import KINDS
from sharedspace.pocket.vocabulary import COLOURS, PATTERNS, RELATIONS, SETTINGS, SIZES

Split = Literal["train", "val", "test", "val_pair", "test_pair"]

COLOUR_NAMES: tuple[str, ...] = tuple(COLOURS)
OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}
_SPLIT_SEED = 20_24
_TRIPLES_HELD_PER_KIND = 10


@dataclass(frozen=True)
class Scene:
    """The truth about one picture. `seed` fixes everything that is not said here (places, shades, nuisances)."""

    kind: str
    colour: str
    setting: str
    size: str = "medium"
    count: int = 1
    pattern: str = "plain"
    second: str | None = None
    second_colour: str | None = None
    relation: str | None = None
    word: str | None = None
    seed: int = 0


@cache
def splits() -> dict[tuple[str, str, str], Split]:
    """Every (kind, colour, setting) and where it belongs; the same for every training run.

    Each kind never shows one of its colours in training (40 of 400 pairs) and lacks 10 of its other 72 triples.
    """
    rng = np.random.default_rng(_SPLIT_SEED)
    table: dict[tuple[str, str, str], Split] = {}
    unseen = rng.permutation(np.arange(len(KINDS)) % len(COLOUR_NAMES))
    for row, kind in enumerate(KINDS):
        barred = COLOUR_NAMES[unseen[row]]
        for place, setting in enumerate(rng.permutation(SETTINGS)):
            table[kind, barred, str(setting)] = "val_pair" if place % 2 else "test_pair"
        others = [(kind, c, s) for c in COLOUR_NAMES if c != barred for s in SETTINGS]
        for place, at in enumerate(rng.permutation(len(others))):
            held = place < _TRIPLES_HELD_PER_KIND
            table[others[at]] = ("val" if place % 2 else "test") if held else "train"
    return table


@cache
def triples(split: Split) -> tuple[tuple[str, str, str], ...]:
    """All (kind, colour, setting) of one split, in a fixed order."""
    return tuple(sorted(triple for triple, where in splits().items() if where == split))


def sample_scene(rng: np.random.Generator, split: Split = "train", *, alone: bool = False) -> Scene:
    """Draw a random scene whose every (kind, colour, setting) is of the split; `alone` leaves out second objects."""
    allowed = triples(split)
    kind, colour, setting = allowed[rng.integers(len(allowed))]
    scene = Scene(kind, colour, setting, size=SIZES[rng.choice(3, p=[0.2, 0.45, 0.35])], seed=int(rng.integers(2**31)))
    if rng.random() < 0.15:
        scene = replace(scene, pattern=PATTERNS[rng.integers(1, 3)])
    if rng.random() < 0.06:
        scene = replace(scene, word=KINDS[rng.integers(len(KINDS))])
    form = rng.random()
    if form < 0.15:
        return replace(scene, count=int(rng.integers(2, 6)), size="medium")
    if form < 0.32 and not alone:
        return _with_second(scene, rng, split)
    return scene


def _with_second(scene: Scene, rng: np.random.Generator, split: Split) -> Scene:
    others = [t for t in triples(split) if t[2] == scene.setting and t[0] != scene.kind]
    kind, colour, _ = others[rng.integers(len(others))]
    relation = RELATIONS[rng.integers(4)]
    return replace(
        scene, second=kind, second_colour=colour, relation=relation, size="medium", pattern="plain", word=None
    )
