"""An index for a measurement: in a folder of its own that is gone at the end."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sharedspace.store.embedded import Embedded

CHUNK = 5000  # rows a call; Chroma takes 5,461


@dataclass(frozen=True, slots=True)
class Hnsw:
    """The knobs of an HNSW index (Malkov and Yashunin 2018)."""

    links: int = 16  # M: neighbours that each vector is linked with
    build: int = 100  # ef_construction: candidates that are held while a vector is put in
    search: int = 100  # ef: candidates that are held while a query is answered, at least as many as are asked for


class Scratch:
    """A Chroma index of its own, whose rows are known by the order in which they came."""

    def __init__(self, place: Embedded, client: Any, collection: Any) -> None:
        self._place, self._client, self._collection = place, client, collection
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def add(self, vectors: np.ndarray) -> None:
        """Put unit vectors (m, d) in, after those that are there."""
        for start in range(0, len(vectors), CHUNK):
            some = np.asarray(vectors[start : start + CHUNK], dtype=np.float32)
            self._collection.add(ids=[str(self._rows + row) for row in range(len(some))], embeddings=some)
            self._rows += len(some)

    def query(self, vector: np.ndarray, k: int) -> np.ndarray:
        """The rows of the k nearest that the index finds for a unit vector (d,), best first, (k,) int or fewer."""
        found = self._collection.query(query_embeddings=[vector], n_results=k, include=[])
        return np.array(found["ids"][0], dtype=np.intp)

    def size(self) -> int:
        """Bytes on disk, with all that Chroma keeps beside the vectors."""
        return self._place.size()


@contextmanager
def scratch(hnsw: Hnsw) -> Iterator[Scratch]:
    """An empty index with these knobs, by cosine, in a temporary folder that is removed whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix="sharedspace-scratch-"))
    try:
        place = Embedded(folder)
        client = place.open()
        try:
            given = {
                "space": "cosine",
                "max_neighbors": hnsw.links,
                "ef_construction": hnsw.build,
                "ef_search": hnsw.search,
            }
            made = client.create_collection("scratch", embedding_function=None, configuration={"hnsw": given})
            yield Scratch(place, client, made)
        finally:
            place.close(client)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
