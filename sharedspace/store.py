"""The vector index that people and other programs query. Owns chromadb.

The ledger is the truth; this is a view of it. Each Chroma collection carries the revision of the ledger
that it shows, so a lost, old or unfinished index is seen at once and brought up to date or built anew.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sharedspace.records import ImageRecord

log = logging.getLogger("sharedspace")

CHUNK = 500  # rows a call: Chroma takes 5,461, but queries wait for writes
# Recall@20 of at least 0.999 up to 200,000 vectors, where the defaults lose a third of the text-to-image hits.
# They hold only when given at creation.
HNSW = {"space": "cosine", "ef_construction": 200, "max_neighbors": 32, "ef_search": 400}


class Store:
    """Chroma in a folder; collections are addressed by the ledger's number."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._client: Any = None

    def revision(self, number: int) -> int | None:
        """Which revision of the ledger the index shows; None when there is no index or it cannot be read.

        An index that cannot be read is thrown away: whoever asks builds it anew.
        """
        from chromadb.errors import InternalError

        try:
            collection = self._find(number)
        except InternalError as error:
            log.warning("The index in %s is damaged and will be built anew: %s", self._folder, error)
            self.discard()
            return None
        return None if collection is None else int((collection.metadata or {}).get("revision", -1))

    def add(self, number: int, records: Sequence[ImageRecord], vectors: np.ndarray, revision: int) -> None:
        """Put images with their vectors (n, d) into the index and note the revision reached."""
        collection = self._find(number) or self._create(number)
        for start in range(0, len(records), CHUNK):
            some = records[start : start + CHUNK]
            collection.upsert(
                ids=[record.id for record in some],
                embeddings=np.asarray(vectors[start : start + CHUNK], dtype=np.float32),
                metadatas=[{**_plain(record), "path": _text(record.path)} for record in some],
            )
        collection.modify(metadata={"revision": revision})

    def remove(self, number: int, ids: Sequence[str], revision: int) -> None:
        """Take images out of the index and note the revision reached."""
        collection = self._find(number)
        if collection is not None:
            for start in range(0, len(ids), CHUNK):
                collection.delete(ids=list(ids[start : start + CHUNK]))
            collection.modify(metadata={"revision": revision})

    def rebuild(self, number: int, records: Sequence[ImageRecord], vectors: np.ndarray, revision: int) -> None:
        """Build a collection's index anew from the ledger's rows."""
        self.drop(number)
        self.add(number, records, vectors, revision)

    def query(self, number: int, vector: np.ndarray, k: int) -> list[tuple[str, float]]:
        """The k nearest images of the unit vector (d,): (id, cosine), best first."""
        collection = self._find(number)
        if collection is None:
            return []
        found = collection.query(
            query_embeddings=[np.asarray(vector, dtype=np.float32)], n_results=k, include=["distances"]
        )
        return [(id, 1.0 - distance) for id, distance in zip(found["ids"][0], found["distances"][0], strict=True)]

    def ids(self, number: int) -> list[str]:
        """The ids in the index."""
        collection = self._find(number)
        return [] if collection is None else list(collection.get(include=[])["ids"])

    def drop(self, number: int) -> None:
        """Delete a collection's index, if there is one."""
        from chromadb.errors import NotFoundError

        try:
            self._open().delete_collection(_name(number))
        except NotFoundError:
            return

    def close(self) -> None:
        """Let go of the files."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def discard(self) -> None:
        """Delete the whole index; the ledger can build it again."""
        from chromadb.api.shared_system_client import SharedSystemClient

        self.close()
        SharedSystemClient.clear_system_cache()  # Chroma keeps what failed to open under the folder's name
        shutil.rmtree(self._folder, ignore_errors=True)

    def _open(self) -> Any:
        if self._client is None:
            import chromadb
            from chromadb.config import Settings

            # Chroma would otherwise read its settings from a .env of the working directory.
            settings = Settings(_env_file=None, anonymized_telemetry=False)  # type: ignore[call-arg]
            if not self._sound():
                self.discard()
            self._client = chromadb.PersistentClient(str(self._folder), settings=settings)
        return self._client

    def _sound(self) -> bool:
        """Whether Chroma can open the folder: once it has failed to, this process cannot try again."""
        file = self._folder / "chroma.sqlite3"
        if not file.is_file():
            return True
        with file.open("rb") as opened:
            return opened.read(16) in (b"", b"SQLite format 3\0")

    def _find(self, number: int) -> Any:
        from chromadb.errors import NotFoundError

        try:
            return self._open().get_collection(_name(number), embedding_function=_refuse())
        except NotFoundError:
            return None

    def _create(self, number: int) -> Any:
        return self._open().create_collection(
            _name(number), embedding_function=_refuse(), configuration={"hnsw": HNSW}, metadata={"revision": -1}
        )


def _name(number: int) -> str:
    return f"collection-{number}"


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")  # Chroma takes no lone surrogates


def _plain(record: ImageRecord) -> dict[str, str | int | float | bool]:
    # Chroma refuses an empty key and keeps those that begin with its name for itself.
    plain = {_text(key): value for key, value in record.meta.items() if key and not key.startswith("chroma:")}
    return {key: _text(value) if isinstance(value, str) else value for key, value in plain.items()}


def _refuse() -> Any:
    """An embedding function that refuses: Chroma's own would download a model, and mix spaces."""
    from chromadb import Documents, EmbeddingFunction, Embeddings

    class Refuse(EmbeddingFunction[Documents]):
        def __init__(self) -> None: ...

        def __call__(self, input: Documents) -> Embeddings:
            raise TypeError("Shared Space embeds before it stores: give query_embeddings, not query_texts.")

        @staticmethod
        def name() -> str:
            return "shared-space-refuses"

        def get_config(self) -> dict[str, Any]:
            return {}

        @staticmethod
        def build_from_config(config: dict[str, Any]) -> EmbeddingFunction[Documents]:
            return Refuse()

    return Refuse()
