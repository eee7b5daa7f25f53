"""Where "why this result" looks, and how long it takes: prints one JSON document.

.venv/bin/python benchmarks/explain.py [--n 200] [--runs 3]

Drawn objects are pasted into the quadrants of one ground, and one of them is named. A method is right where the
quadrant with the most heat (`sum`: of what is above 0; `max`: the hottest cell) is that of the named object. By chance
that is 0.25; but on a plain ground with one object nothing else changes a vector, so that even weights that were never
trained find it: what a text names is tested by two objects and four. All methods encode as many pictures, but for
`one cell`, which needs more. Seconds are of a ViT-B/32 with random weights.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from sharedspace import encoders, explain
from sharedspace.encoders import Encoder
from sharedspace.pocket.package import PIXELS, new_model, new_tokenizer, save_model
from sharedspace.pocket.paint import draw
from sharedspace.pocket.scenery import background
from sharedspace.pocket.shapes import KINDS
from sharedspace.pocket.vocabulary import SETTINGS
from sharedspace.pocket.world import COLOUR_NAMES, Scene

SIDE = 256  # pixels of a pasted picture
CELLS = explain.CELLS
BUDGET = (CELLS - explain.WINDOW + 1) ** 2
Method = Callable[[np.ndarray, np.ndarray], np.ndarray]  # pixels (s, s, 3) and a text's vector give heat


def case(rng: np.random.Generator, objects: int, setting: str) -> tuple[Image.Image, str, int]:
    """Objects in as many quadrants of a ground, the name of one, and its quadrant."""
    ground = background(setting, SIDE, rng)
    kinds, colours = rng.choice(KINDS, objects, replace=False), rng.choice(COLOUR_NAMES, objects, replace=False)
    quadrants = rng.choice(4, objects, replace=False)
    for kind, colour, quadrant in zip(kinds, colours, quadrants, strict=True):
        scene = Scene(str(kind), str(colour), setting, size="big", seed=int(rng.integers(2**31)))
        ground.paste(draw(scene, SIDE // 2, nuisance=False), (quadrant % 2 * SIDE // 2, quadrant // 2 * SIDE // 2))
    name = f"a photo of a {colours[0]} {kinds[0]}" if rng.random() < 0.5 else f"a {kinds[0]}"
    return ground, name, int(quadrants[0])


def windows(encoder: Encoder, window: int, fill: str, alone: bool = False) -> Method:
    """Heat by windows of some cells that are hidden, or shown `alone`, on the mean colour, grey or a blur."""
    step, n = PIXELS // CELLS, CELLS - window + 1

    def heat(pixels: np.ndarray, vector: np.ndarray) -> np.ndarray:
        grounds = {"mean": pixels.mean(axis=(0, 1)), "grey": np.full(3, 128)}
        blur = Image.fromarray(pixels).resize((4, 4), Image.Resampling.BOX).resize((PIXELS, PIXELS))
        ground = np.asarray(blur) if fill == "blur" else np.broadcast_to(np.rint(grounds[fill]), pixels.shape)
        below, above = (ground, pixels) if alone else (pixels, ground)
        changed = []
        for at in range(n * n):
            part = tuple(slice(start * step, (start + window) * step) for start in divmod(at, n))
            changed.append(below.astype(np.uint8))
            changed[-1][part] = above[part]
        base, *scores = (explain._encode(encoder, [below.astype(np.uint8), *changed]) @ vector).tolist()
        total, over = np.zeros((2, CELLS, CELLS))
        for at, score in enumerate(scores):
            part = tuple(slice(start, start + window) for start in divmod(at, n))
            total[part] += (score - base) if alone else (base - score)
            over[part] += 1
        return total / over

    return heat


def rise(encoder: Encoder) -> Method:
    """RISE (Petsiuk et al. 2018): the mean of smooth random masks by the score of what they leave."""
    rng = np.random.default_rng(0)
    coarse = (rng.random((BUDGET, CELLS - 1, CELLS - 1)) < 0.5).astype(np.float32)
    smooth = [Image.fromarray(one).resize((PIXELS, PIXELS), Image.Resampling.BILINEAR) for one in coarse]
    masks: np.ndarray = np.stack([np.asarray(one) for one in smooth])

    def heat(pixels: np.ndarray, vector: np.ndarray) -> np.ndarray:
        mean = pixels.mean(axis=(0, 1))
        shown = [np.rint(mean + mask[..., None] * (pixels - mean)).astype(np.uint8) for mask in masks]
        scores = explain._encode(encoder, shown) @ vector
        small = masks.reshape(BUDGET, CELLS, PIXELS // CELLS, CELLS, PIXELS // CELLS).mean(axis=(2, 4))
        return np.asarray(np.tensordot(scores - scores.mean(), small, 1) / small.sum(axis=0))

    return heat


def ours(encoder: Encoder) -> Method:
    return lambda pixels, vector: explain.patches(encoder, Image.fromarray(pixels), vector).heat


def contrast(encoder: Encoder) -> Method:
    """Ours, less the heat of a caption that names nothing."""
    neutral = encoder.texts(["a photo of a thing"])[0]
    return lambda pixels, vector: ours(encoder)(pixels, vector - neutral)


def rates(encoder: Encoder, methods: dict[str, Method], objects: int, plain: bool, n: int) -> dict[str, Any]:
    """For each method the shares of n pictures whose hottest quadrant is that of the named object."""
    rng = np.random.default_rng(objects + 10 * plain)
    right: dict[str, list[tuple[bool, bool]]] = {name: [] for name in methods}
    for _ in range(n):
        picture, text, quadrant = case(rng, objects, "plain" if plain else str(rng.choice(SETTINGS)))
        pixels, vector = encoder.prepare(picture), encoder.texts([text])[0]
        for name, method in methods.items():
            parts = method(pixels, vector).clip(0).reshape(2, CELLS // 2, 2, CELLS // 2)
            found = parts.sum(axis=(1, 3)).argmax(), parts.max(axis=(1, 3)).argmax()
            right[name].append((found[0] == quadrant, found[1] == quadrant))
    return {
        name: dict(zip(("sum", "max"), np.mean(hits, axis=0).tolist(), strict=True)) for name, hits in right.items()
    }


def full_size(folder: Path) -> Encoder:
    """A ViT-B/32 of random weights, 151 million, with the pocket model's tokenizer."""
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    tokenizer = new_tokenizer()
    torch.manual_seed(0)
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    text = {**ends, "pad_token_id": tokenizer.pad_token_id, "vocab_size": 49408}
    CLIPModel(CLIPConfig(text_config=text, vision_config={"patch_size": 32})).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    CLIPImageProcessorPil().save_pretrained(folder)
    return encoders.load(str(folder))


def timing(encoder: Encoder, text: str, runs: int) -> dict[str, Any]:
    """Median wall and processor seconds of all that one click asks for, from a decoded photograph's size on."""
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (672, 900, 3), dtype=np.uint8))
    walls, processors, found = [], [], None
    for _ in range(runs + 1):  # the first also allocates
        wall, processor = time.perf_counter(), time.process_time()
        found = explain.words(encoder, text, encoder.images([picture])[0])
        explain.patches(encoder, picture, found.vector)
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return {
        "words": len(text.split()),
        "texts_compared": len(found.words) if found else 0,
        "seconds": round(statistics.median(walls[1:]), 2),
        "least_seconds": round(min(walls[1:]), 2),
        "processor_seconds": round(statistics.median(processors[1:]), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=200, help="pictures of each kind")
    parser.add_argument("--runs", type=int, default=3, help="of the timing")
    given = parser.parse_args()
    pocket = encoders.load("pocket")
    methods = {
        "ours": ours(pocket),
        "ours less a neutral caption": contrast(pocket),
        "one cell": windows(pocket, 1, "mean"),
        "grey": windows(pocket, 2, "grey"),
        "blur": windows(pocket, 2, "blur"),
        "shown alone": windows(pocket, 2, "mean", alone=True),
        "RISE": rise(pocket),
    }
    kinds = {"one object, plain ground": (1, True), "one of two objects": (2, False), "one of four objects": (4, False)}
    document: dict[str, Any] = {"method": explain.METHOD, "n": given.n, "chance": 0.25, "rates": {}}
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        save_model(new_model().state_dict(), Path(folder))
        untrained = encoders.load(folder)
        for name, (objects, plain) in kinds.items():
            found = rates(pocket, methods, objects, plain, given.n)
            control = rates(untrained, {"ours, weights never trained": ours(untrained)}, objects, plain, given.n)
            document["rates"][name] = {**found, **control}
    with tempfile.TemporaryDirectory() as folder:
        encoder = full_size(Path(folder))
        document["vit_b_32"] = {
            "precision": encoder.precision,
            "threads": torch.get_num_threads(),
            "pictures_encoded": BUDGET + 2,
            "load_average": round(os.getloadavg()[0], 1),
            "short_text": timing(encoder, "a photo of a red boat at sea", given.runs),
            "long_text": timing(encoder, "red boat sea " * 333 + "sky", given.runs),
        }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
