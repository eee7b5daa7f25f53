"""How long the first steps take, as ratios within one run: prints one JSON document.

.venv/bin/python benchmarks/first_light.py [--images DIR] [--model NAME]
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from sentence_transformers import SentenceTransformer

from sharedspace import Workspace, images, samples
from sharedspace.encoders import find
from sharedspace.ingest import source as as_source
from sharedspace.ingest import walk


def seconds(work: Callable[[], object], runs: int = 1) -> float:
    """Median wall time of `work`, seconds."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, default=samples.FOLDER)
    parser.add_argument("--model", default="pocket")
    given = parser.parse_args()
    files = [item for item in walk([as_source(given.images)]) if hasattr(item, "data")]
    paths = [Path(item.name) for item in files]
    plain = SentenceTransformer(str(find(given.model)))
    decoded = [Image.open(path).convert("RGB") for path in paths]
    plain.encode(decoded[:8])  # what the first call compiles and allocates belongs to nobody
    plain_loop = seconds(lambda: plain.encode([Image.open(path) for path in paths]))
    forward = seconds(lambda: plain.encode(decoded))
    decode = seconds(lambda: [images.decode(item.data, item.name) for item in files])
    with tempfile.TemporaryDirectory() as home:
        workspace = Workspace(home)
        workspace.home.encoder(given.model).images([decoded[0]])
        workspace.home.index(workspace.home.ledger.ensure("warm", workspace.home.encoder(given.model).space))
        ours = seconds(lambda: workspace.ingest("c", [given.images], given.model))
        again = seconds(lambda: workspace.ingest("c", [given.images], given.model))
        collection = workspace.collection("c")
        first_map = seconds(collection.redraw)
        second_map = seconds(collection.redraw)
        encode = seconds(lambda: collection.encoder.texts(["a boat at sea"]), 20)
        vector = collection.embed(["a boat at sea"])[0]
        exact = seconds(lambda: collection.search_vector("q", vector), 20)
        index = seconds(lambda: collection.search_vector("q", vector, index="chroma"), 20)
        place = seconds(lambda: collection.place(vector), 20)
        n = collection.info.images
        workspace.close()
    document = {
        "images": len(files),
        "distinct": n,
        "model": given.model,
        "images_per_second": {
            "plain_loop": len(files) / plain_loop,
            "ours": len(files) / ours,
            "ours_again": len(files) / again,
            "encode_decoded": len(files) / forward,
            "decode": len(files) / decode,
        },
        "ours_to_plain_loop": plain_loop / ours,
        "milliseconds": {
            "encode_text": encode * 1e3,
            "search_exact": exact * 1e3,
            "search_chroma": index * 1e3,
            "place": place * 1e3,
        },
        "seconds": {"first_map_with_compiling": first_map, "second_map": second_map},
    }
    print(json.dumps(document, indent=2, default=np.ndarray.tolist))


if __name__ == "__main__":
    main()
