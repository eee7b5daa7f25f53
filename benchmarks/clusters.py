"""How fast and how right groups are found, and whether their names can be believed: prints one JSON document.

.venv/bin/python benchmarks/clusters.py [--images 5000 20000] [--rivals]

Unit vectors of 512 dimensions in clusters: 48-dimensional noise inside each, of the two widths between which real
embeddings lie, and a tenth of the images between the clusters. Judged by the adjusted Rand index against the truth,
where noise is a group, and within the true clusters. `--rivals` also runs fast-hdbscan and EVoC, where installed, and
scikit-learn's HDBSCAN on all vectors and on 32 and 64 principal components up to 5,000 images. Names are judged by
labels.csv of the sample set and the synonyms of the pocket world; of random groups none should have one.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
from sklearn.cluster import HDBSCAN
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score

from sharedspace import chance, clusters, encoders, naming, samples, words
from sharedspace.pocket.vocabulary import HYPERNYMS, NAMES
from sharedspace.vectors import nearest_rows, unit

DIMENSIONS, INSIDE, STRAY = 512, 48, 0.1
WIDTHS = {"tight": 0.6, "wide": 1.0}  # of the noise inside a cluster: median cosines of .78 and .57
ALL_PAIRS = 5000  # images up to which methods without neighbours are run
RANDOM, PURE = 400, 0.8


def clustered(n: int, k: int, width: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """n unit vectors in k clusters of uneven size around one common direction, as those of CLIP's images have."""
    rng = np.random.default_rng(seed)
    inside = n - int(n * STRAY)
    true = np.sort(rng.choice(k, inside, p=rng.dirichlet(np.full(k, 2.0))))
    common, centres = unit(rng.normal(size=DIMENSIONS)), unit(rng.normal(size=(k, DIMENSIONS)))
    rows = np.empty((n, DIMENSIONS), dtype=np.float32)
    for cluster in range(k):
        members = np.flatnonzero(true == cluster)
        basis = np.linalg.qr(rng.normal(size=(DIMENSIONS, INSIDE)))[0].T
        noise = rng.normal(size=(len(members), INSIDE)) / np.sqrt(INSIDE) @ basis
        rows[members] = 0.8 * common + 0.8 * centres[cluster] + width * noise
    between = unit(rng.dirichlet(np.full(k, 0.5), n - inside) @ centres)
    spread = rng.normal(size=(n - inside, DIMENSIONS)) / np.sqrt(DIMENSIONS)
    rows[inside:] = 0.8 * common + 0.8 * between + 1.2 * width * spread
    return unit(rows), np.concatenate([true, np.full(n - inside, clusters.NOISE)])


def judged(find: Callable[[], np.ndarray], true: np.ndarray) -> dict[str, Any]:
    start = time.perf_counter()
    found = np.asarray(find())
    seconds, inside = time.perf_counter() - start, true >= 0
    return {
        "seconds": round(seconds, 2),
        "rand": round(float(adjusted_rand_score(true, found)), 3),
        "rand_within": round(float(adjusted_rand_score(true[inside], found[inside])), 3),
        "groups": int(found.max()) + 1,
        "stray_found": round(float((found[~inside] < 0).mean()), 3),
    }


def ways(rows: np.ndarray, k: int) -> Iterator[tuple[str, Callable[[], np.ndarray]]]:
    yield "neighbours and hdbscan on them", lambda: clusters.hdbscan(rows)
    near = nearest_rows(rows, clusters.NEAR)
    yield "hdbscan on neighbours at hand", lambda: clusters.hdbscan(rows, near=near)
    yield f"k-means, k {k}", lambda: clusters.kmeans(rows, k)
    yield "k-means, k 8", lambda: clusters.kmeans(rows, 8)
    yield "k by silhouette", lambda: clusters.kmeans(rows, clusters.best_k(rows)[0])


def rivals(rows: np.ndarray) -> Iterator[tuple[str, Callable[[], np.ndarray]]]:
    least = clusters.default_min_size(len(rows))

    def whole(vectors: np.ndarray) -> np.ndarray:
        return np.asarray(HDBSCAN(least, min_samples=clusters.CORE, copy=True).fit_predict(vectors))

    if len(rows) <= ALL_PAIRS:
        yield "hdbscan of scikit-learn on all", lambda: whole(rows)
        for parts in (32, 64):
            yield f"the same on {parts} components", lambda parts=parts: whole(_components(rows, parts))  # type: ignore[misc]
    if find_spec("fast_hdbscan"):
        import fast_hdbscan

        def fast(vectors: np.ndarray) -> np.ndarray:
            return np.asarray(
                fast_hdbscan.HDBSCAN(min_cluster_size=least, min_samples=clusters.CORE).fit_predict(vectors)
            )

        fast(rows[:600])  # compiled
        yield "fast-hdbscan on 32 components", lambda: fast(_components(rows, 32))
    if find_spec("evoc"):
        import evoc

        evoc.EVoC(random_state=0).fit_predict(rows[:ALL_PAIRS])  # compiled
        yield "EVoC", lambda: evoc.EVoC(random_state=0, base_min_cluster_size=least).fit_predict(rows)


def _components(rows: np.ndarray, parts: int) -> np.ndarray:
    return np.asarray(PCA(parts, random_state=0).fit_transform(rows))


def finding(n: int, with_rivals: bool) -> dict[str, Any]:
    document = {}
    for name, width in WIDTHS.items():
        rows, true = clustered(n, n // 100, width)
        tried = [*ways(rows, n // 100), *(rivals(rows) if with_rivals else ())]
        document[name] = {way: judged(find, true) for way, find in tried}
    return document


def says(word: str | None, kind: str) -> bool:
    return word in (kind, *NAMES[kind][1])


def names() -> dict[str, Any]:
    """Shares of right names: of true groups, of the pure groups that are found, of random ones, of pairs of kinds."""
    sample, encoder = samples.load(), encoders.load("pocket")
    nouns = [noun for noun in words.nouns() if not encoder.tokens(noun).unknown]
    texts = encoder.texts([f"a photo of a {noun}" for noun in nouns])
    line = chance.baseline(sample.vectors, encoder.texts(words.neutral()), texts).line()
    drawn = np.array([str(record.meta.get("object", "")) for record in sample.records])
    n, rng = len(drawn), np.random.default_rng(0)

    def named(labels: np.ndarray) -> dict[int, str | None]:
        return {one.group: one.word for one in naming.names(sample.vectors, labels, nouns, texts, line)}

    def pure(labels: np.ndarray) -> dict[str, float]:
        right = []
        for group, word in named(labels).items():
            kind, count = Counter(drawn[labels == group].tolist()).most_common(1)[0]
            if kind and count >= PURE * (labels == group).sum():
                right.append(says(word, kind))
        return {"groups": len(right), "right": round(float(np.mean(right)), 3)}

    mixed: dict[str, float] = {}
    for size in (5, 10, 20, 35, 50):
        alone = [np.isin(np.arange(n), rng.permutation(n)[:size]) - 1 for _ in range(RANDOM // 5)]
        mixed[str(size)] = float(np.mean([named(labels)[0] is None for labels in alone]))
    pairs = [rng.choice(sorted(NAMES), 2, replace=False).tolist() for _ in range(100)]
    called = [(set(pair), named(np.where(np.isin(drawn, pair), 0, -1))[0]) for pair in pairs]
    honest = [word is None or pair <= set(HYPERNYMS.get(word, ("", ()))[1]) for pair, word in called]
    return {
        "words": len(nouns),
        "true groups of one kind": pure(np.unique(drawn, return_inverse=True)[1] - 1),
        "pure groups of hdbscan": pure(clusters.hdbscan(sample.vectors)),
        "pure groups of hdbscan, 3 or more": pure(clusters.hdbscan(sample.vectors, 3)),
        "pure groups of k-means, k 40": pure(clusters.kmeans(sample.vectors, 40)),
        "random groups that are mixed, by size": mixed,
        "random groups that are mixed": round(float(np.mean(list(mixed.values()))), 4),
        "two kinds: mixed, or a word for both": round(float(np.mean(honest)), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[5000, 20_000])
    parser.add_argument("--rivals", action="store_true")
    given = parser.parse_args()
    document = {
        "names": names(),
        "groups": {str(n): finding(n, given.rivals) for n in given.images},
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
