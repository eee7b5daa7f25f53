"""Rendered training scenes: shards of pictures drawn ahead by a second process, and batches picked from them."""

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sharedspace.pocket.captions import Caption, caption, full_caption, object_caption
from sharedspace.pocket.paint import draw
from sharedspace.pocket.shapes import KINDS
from sharedspace.pocket.vocabulary import SETTINGS
from sharedspace.pocket.world import COLOUR_NAMES, Scene, sample_scene

SHARD = 2048
_FIRST_SHARDS = 8
_STEPS_PER_SHARD = 5
_PATIENCE = 300.0  # seconds to wait for a shard, which takes a few


def shard_scenes(seed: int, shard: int) -> list[Scene]:
    """The training scenes of one shard."""
    rng = np.random.default_rng([seed, 1, shard])
    return [sample_scene(rng) for _ in range(SHARD)]


def render_shards(folder: Path, seed: int, shards: int, pixels: int) -> None:
    """Draw what is missing of the pool: one (SHARD, pixels, pixels, 3) uint8 file a shard."""
    folder.mkdir(parents=True, exist_ok=True)
    for shard in range(shards):
        target = _file(folder, seed, shard)
        if not target.exists():
            pictures = np.stack([np.asarray(draw(scene, pixels)) for scene in shard_scenes(seed, shard)])
            part = target.with_suffix(".part.npy")
            np.save(part, pictures)
            part.rename(target)


def _file(folder: Path, seed: int, shard: int) -> Path:
    return folder / f"{seed}-{shard:04d}.npy"


class Pool:
    """The shards that a step may draw from: a number that depends on the step alone, so that runs are repeatable."""

    def __init__(self, folder: Path, seed: int, shards: int) -> None:
        self.folder, self.seed, self.shards = folder, seed, shards
        self.scenes: list[Scene] = []
        self._pictures: list[NDArray[np.uint8]] = []
        self._cells: dict[tuple[str, str, str], list[int]] = {}

    def grow(self, step: int) -> None:
        """Take in what belongs to this step, waiting for the painter where it is late."""
        wanted = min(self.shards, _FIRST_SHARDS + step // _STEPS_PER_SHARD)
        while len(self._pictures) < wanted:
            shard = len(self._pictures)
            file = _file(self.folder, self.seed, shard)
            late = time.monotonic() + _PATIENCE
            while not file.exists():
                if time.monotonic() > late:
                    raise TimeoutError(f"no pictures in {file}: the painting process is stuck or its disk is full")
                time.sleep(0.2)
            self._pictures.append(np.load(file, mmap_mode="r"))
            for scene in shard_scenes(self.seed, shard):
                if scene.second is None:
                    self._cells.setdefault((scene.kind, scene.colour, scene.setting), []).append(len(self.scenes))
                self.scenes.append(scene)

    def pictures(self, picks: list[int]) -> NDArray[np.uint8]:
        """(n, pixels, pixels, 3) of the pool at these places."""
        return np.stack([self._pictures[pick // SHARD][pick % SHARD] for pick in picks])

    def _from_cell(self, cell: tuple[str, str, str], rng: np.random.Generator) -> int:
        places = self._cells[cell]
        return places[rng.integers(len(places))]

    def same_surroundings(self, rng: np.random.Generator, most: int) -> list[int]:
        """Pictures that share colour and setting and show different kinds: only the object tells them apart."""
        colour, setting = COLOUR_NAMES[rng.integers(len(COLOUR_NAMES))], SETTINGS[rng.integers(len(SETTINGS))]
        cells = [(KINDS[i], colour, setting) for i in rng.permutation(len(KINDS))]
        return [self._from_cell(cell, rng) for cell in cells if cell in self._cells][:most]

    def same_object(self, rng: np.random.Generator) -> list[int]:
        """Pictures of one kind in one setting: only the colour tells them apart."""
        kind, setting = KINDS[rng.integers(len(KINDS))], SETTINGS[rng.integers(len(SETTINGS))]
        cells = [(kind, colour, setting) for colour in COLOUR_NAMES]
        return [self._from_cell(cell, rng) for cell in cells if cell in self._cells]

    def batch(self, rng: np.random.Generator, size: int) -> tuple[list[int], list[Caption]]:
        """Half hard groups (same colour and setting; same object), half random; a fresh caption for each."""
        picks: list[int] = []
        captions: list[Caption] = []
        for _ in range(size // 48):
            group = self.same_surroundings(rng, 24)
            picks += group
            captions += [(object_caption if rng.random() < 0.5 else full_caption)(self.scenes[i], rng) for i in group]
        for _ in range(size // 80):
            group = self.same_object(rng)
            picks += group
            captions += [full_caption(self.scenes[i], rng, told=frozenset({"colour"})) for i in group]
        rest = [int(i) for i in rng.integers(len(self.scenes), size=size - len(picks))]
        captions += [caption(self.scenes[i], rng) for i in rest]
        return picks + rest, captions
