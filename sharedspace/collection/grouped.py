"""Groups of the images of a collection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Collection as Container
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from sharedspace import chance, clusters, naming
from sharedspace.collection.asked import VOCABULARY
from sharedspace.collection.mapped import Mapped
from sharedspace.encoders import clean
from sharedspace.errors import BadInput
from sharedspace.filters import Condition
from sharedspace.records import Clustering, Progress

Method: TypeAlias = Literal["hdbscan", "kmeans", "map"]


class Grouped(Mapped):
    """A collection whose images are put into groups, which get names."""

    def cluster(
        self,
        method: Method = "hdbscan",
        k: int | None = None,
        min_size: int | None = None,
        where: Sequence[Condition] = (),
        among: Container[str] | None = None,
        seed: int = 0,
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> Clustering:
        """Groups of the images that pass the filters; hidden ones do not. By the vectors, or by "map" on its points.

        `k` is for k-means, by the silhouette where none is given; `min_size` for the others. `on_progress` may end it.
        """
        now = self.pinned(drawn=method == "map")
        snapshot, rows = now.snapshot(), now._grouped(where, among)
        groups = now._grouping(method, rows, k, min_size, on_progress)(np.arange(len(rows)), seed)
        return Clustering(
            tuple(snapshot.ids[row] for row in rows), tuple(snapshot.paths[row] for row in rows), groups, method
        )

    def stability(
        self,
        method: Method = "hdbscan",
        k: int | None = None,
        min_size: int | None = None,
        where: Sequence[Condition] = (),
        among: Container[str] | None = None,
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> float:
        """How alike the groups are when worked out anew: mean adjusted Rand, 1 for equal, 0 for chance.

        Of k-means over 5 seeds; of the others, which have none, over 5 random parts of 90 % of the images.
        """
        now = self.pinned(drawn=method == "map")
        rows = now._grouped(where, among)
        grouping = now._grouping(method, rows, k, min_size, on_progress)
        share = 1.0 if method == "kmeans" else clusters.SHARE

        def tell(done: int, runs: int) -> None:
            on_progress(Progress(done, runs, "runs"))

        return clusters.stability(len(rows), grouping, share, tell)

    def name_groups(self, clustering: Clustering, own_words: Sequence[str] = ()) -> Clustering:
        """Groups with their names, of the shipped nouns that the model knows and the words given; some stay mixed.

        Raises BadInput where images have gone since, ModelUnavailable.
        """
        rows = self.rows(clustering.ids)
        if len(rows) != len(clustering.ids):
            raise BadInput("Some of the grouped images are no longer in the collection: look for groups again.")
        own = [clean(word) for word in own_words if word.strip()]
        words = list(dict.fromkeys([*own, *self.vocabulary()]))
        texts = self.embed([VOCABULARY.replace("{}", word) for word in words], remember=True)
        vectors = self.snapshot().vectors[rows]
        line = self.baseline().line(chance.RATE)
        return replace(clustering, names=naming.names(vectors, clustering.labels, words, texts, line))

    def _grouped(self, where: Sequence[Condition], among: Container[str] | None) -> np.ndarray:
        """The rows that pass the filters; raises BadInput where none does."""
        passed = self.mask(where, among)
        rows = np.arange(len(self._filled().records)) if passed is None else np.flatnonzero(passed)
        if not len(rows):
            raise BadInput("No image passes the filters: take one away, there is nothing to group.")
        return rows

    def _grouping(
        self,
        method: Method,
        rows: np.ndarray,
        k: int | None,
        min_size: int | None,
        on_progress: Callable[[Progress], None],
    ) -> Callable[[np.ndarray, int], np.ndarray]:
        """What groups a part of those rows, for a seed."""
        if method == "map":
            xy = self.view()[1].xy[rows]
            return lambda part, seed: clusters.hdbscan_map(xy[part], min_size)
        vectors = self.snapshot().vectors[rows]
        if method == "kmeans":
            chosen = clusters.best_k(vectors)[0] if k is None else k
            return lambda part, seed: clusters.kmeans(vectors[part], chosen, seed)
        if method != "hdbscan":
            raise BadInput(f"There is no clustering method {method!r}: use hdbscan, kmeans or map.")
        near = self._near(self.snapshot(), clusters.NEAR, on_progress)

        def density(part: np.ndarray, seed: int) -> np.ndarray:
            kept = np.zeros(len(near[0]), dtype=bool)
            kept[rows[part]] = True
            return clusters.hdbscan(vectors[part], min_size, clusters.neighbours_among(near, kept))

        return density
