"""How fast pictures come in, against the plain loop and the bare model, in one run: prints one JSON document.

.venv/bin/python benchmarks/ingest.py --images DIR [--model PATH] [--files 2000] [--sizes 1000,10000]

Without a model a full-size CLIP ViT-B/32 of random weights is made: it costs what the real one costs.
Each part runs in a process of its own, so that its peak of memory is its own.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sharedspace.encoders import find

WORDS = ["a", "photo", "of", "the", "red", "green", "small", "old", "bird", "dog", "cup", "boat", "bread", "at", "sea"]
QUERIES = 200


def make_files(images: Path, folder: Path, count: int) -> None:
    """`count` files from the pictures of a folder, each made distinct by a few bytes behind its end."""
    folder.mkdir(parents=True, exist_ok=True)
    originals = sorted(path for path in images.iterdir() if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"})
    for number in range(count):
        data = originals[number % len(originals)].read_bytes()
        (folder / f"{number:06}{originals[number % len(originals)].suffix}").write_bytes(data + b"%06d" % number)


def make_model(folder: Path) -> Path:
    """CLIP ViT-B/32 as its configuration has it, with random weights and a vocabulary of single letters."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

    torch.manual_seed(0)
    letters = "abcdefghijklmnopqrstuvwxyz"
    tokens = ["!", *letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    tokenizer = CLIPTokenizer({token: i for i, token in enumerate(tokens)}, [], model_max_length=77)
    text = {"bos_token_id": len(tokens) - 2, "eos_token_id": len(tokens) - 1, "pad_token_id": len(tokens) - 1}
    config = CLIPConfig(text_config={**text, "vocab_size": 49408}, vision_config={"patch_size": 32}, projection_dim=512)
    CLIPModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    CLIPImageProcessorPil().save_pretrained(folder)
    return folder


def peak() -> float:
    """Of this process's resident memory, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def plain_loop(folder: Path, model: str, vectors: Path) -> dict[str, Any]:
    """As every tutorial does it."""
    from PIL import Image
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(model)
    paths = sorted(folder.iterdir())
    encoder.encode([Image.open(paths[0])])
    start = time.perf_counter()
    rows = encoder.encode([Image.open(path) for path in paths], show_progress_bar=False)
    seconds = time.perf_counter() - start
    np.save(vectors, rows)
    rng = random.Random(0)
    queries = [" ".join(rng.sample(WORDS, 5)) for _ in range(QUERIES)]
    np.save(vectors.with_name("queries.npy"), encoder.encode(queries, show_progress_bar=False))
    return {"images_per_second": len(paths) / seconds, "peak_mb": peak()}


def ours(folder: Path, model: str, vectors: Path) -> dict[str, Any]:
    """From files on disk to durable rows, thumbnails and Chroma; the second time nothing is to be embedded."""
    from sharedspace import Workspace

    paths = sorted(folder.iterdir())
    with tempfile.TemporaryDirectory() as home:
        workspace = Workspace(home)
        workspace.ingest("warm", [paths[0]], model)
        cpu, start = time.process_time(), time.perf_counter()
        result = workspace.ingest("c", [folder], model)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        again = workspace.ingest("c", [folder], model)
        snapshot = workspace.collection("c").snapshot()
        row = {record.path: row for row, record in enumerate(snapshot.records)}
        np.save(vectors, snapshot.vectors[[row[str(path)] for path in paths]])
        workspace.close()
    return {
        "images_per_second": len(paths) / seconds,
        "core_milliseconds_per_image": cpu / len(paths) * 1e3,
        "added": result.added,
        "precision": result.precision,
        "again_seconds": again.seconds,
        "again_added": again.added,
        "peak_mb": peak(),
    }


def bare_forward(folder: Path, model: str, vectors: Path) -> dict[str, Any]:
    """The model alone at our precision, on ready pixels, a batch a core: the limit; also as transformers has it."""
    from PIL import Image

    from sharedspace import encoders

    encoder = encoders.load(model)
    paths = sorted(folder.iterdir())[:200]
    prepared = [encoder.prepare(Image.open(path).convert("RGB")) for path in paths]
    batches = [prepared[at : at + 16] for at in range(0, len(prepared), 16)] * 5
    return {
        "images_per_second": rate(encoder, encoder.encode, batches),
        "images_per_second_transformers": rate(encoder, transformers_forward(model, encoder.precision), batches),
        "precision": encoder.precision,
        "peak_mb": peak(),
    }


def rate(encoder: Any, forward: Callable[[Any], Any], batches: list[Any]) -> float:
    """Images a second of a forward pass, a batch a core."""
    with encoder.workers() as pool:
        list(pool.map(forward, batches[:4]))
        start = time.perf_counter()
        list(pool.map(forward, batches))
        return sum(map(len, batches)) / (time.perf_counter() - start)


def transformers_forward(model: str, precision: str) -> Callable[[Any], Any]:
    """The image tower as transformers has it, all of it in one precision."""
    import torch
    from transformers import CLIPModel

    clip = CLIPModel.from_pretrained(model).eval().to(getattr(torch, precision))

    def forward(batch: list[np.ndarray]) -> None:
        pixels = torch.from_numpy(np.stack(batch)).permute(0, 3, 1, 2).to(getattr(torch, precision)) / 255
        with torch.inference_mode():
            clip.get_image_features(pixel_values=pixels)

    return forward


def agreement(folder: Path, distinct: int) -> dict[str, float]:
    """Our vectors against those of the plain loop, over the first `distinct` files, which are different pictures."""
    plain, queries, own = (np.load(folder / name) for name in ("plain.npy", "queries.npy", "ours.npy"))
    plain, queries = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (plain, queries))

    def top(rows: np.ndarray, asked: np.ndarray) -> np.ndarray:
        return np.argsort(-(asked @ rows.T), axis=1, kind="stable")[:, :10]

    def same(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.mean([set(a) == set(b) for a, b in zip(one.tolist(), other.tolist(), strict=True)]))

    few, own_few = plain[:distinct], own[:distinct]
    copies = np.arange(len(plain)) % distinct
    return {
        "worst_cosine": float((plain * own).sum(axis=1).min()),
        "same_top_10_image_queries": same(copies[top(plain, few)], copies[top(own, own_few)]),
        "same_top_10_text_queries": same(copies[top(plain, queries)], copies[top(own, queries)]),
        "same_top_10_image_queries_no_copies": same(top(few, few), top(own_few, own_few)),
        "same_top_10_text_queries_no_copies": same(top(few, queries), top(own_few, queries)),
    }


PARTS = {"plain_loop": plain_loop, "ours": ours, "bare_forward": bare_forward}


def part(name: str, folder: Path, model: str, vectors: Path) -> Any:
    """One part, in a new process."""
    command = [sys.executable, __file__, "--part", name, "--images", str(folder), "--model", model]
    done = subprocess.run([*command, "--vectors", str(vectors)], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, help="a folder of pictures, taken over and over")
    parser.add_argument("--model", help="a folder or name (default: a ViT-B/32 of random weights)")
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--sizes", default="", help="also our rate and peak at these counts of files")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--vectors", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        print(json.dumps(PARTS[given.part](given.images, given.model, given.vectors)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        model = str(find(given.model) if given.model else make_model(work / "model"))
        make_files(given.images, work / "files", given.files)
        document: dict[str, Any] = {"files": given.files, "model": given.model or "ViT-B/32, random weights"}
        document["cores"] = len(os.sched_getaffinity(0))
        for name, vectors in (("plain_loop", "plain.npy"), ("ours", "ours.npy"), ("bare_forward", "none.npy")):
            document[name] = part(name, work / "files", model, work / vectors)
        rate = {name: document[name]["images_per_second"] for name in PARTS}
        document["ours_to_plain_loop"] = rate["ours"] / rate["plain_loop"]
        document["ours_to_bare_forward"] = rate["ours"] / rate["bare_forward"]
        distinct = min(given.files, sum(1 for path in given.images.iterdir() if path.suffix.lower() != ".md"))
        document["agreement"] = agreement(work, distinct)
        document["sizes"] = {}
        for size in map(int, filter(None, given.sizes.split(","))):
            make_files(given.images, work / str(size), size)
            document["sizes"][size] = part("ours", work / str(size), model, work / "size.npy")
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
