"""The vector index that people and other programs query. Owns chromadb.

The ledger is the truth; this is a view of it. Each Chroma collection carries the revision of the ledger
that it shows, so a lost, old or unfinished index is seen at once and brought up to date or built anew.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import numpy as np

from sharedspace.errors import IndexUnavailable
from sharedspace.records import ImageRecord, MetaValue
from sharedspace.store.embedded import Embedded
from sharedspace.store.server import Server, parse_headers

__all__ = ["CHUNK", "HNSW", "Embedded", "Server", "Store", "parse_headers"]


CHUNK = 500  # rows a call: Chroma takes 5,461, but queries wait for writes
PAGE = 5000  # rows a read
# Recall@20 of 0.999 and more up to 200,000 vectors (benchmarks/index.py), where the defaults lose a third of the
# text-to-image hits. More of ef_construction makes a rebuild slower and no answer better. They hold only when given
# at creation.
HNSW = {"space": "cosine", "ef_construction": 160, "max_neighbors": 32, "ef_search": 600}


class Store:
    """Chroma in a folder or behind an address; collections are addressed by the ledger's number.

    Every method raises IndexUnavailable when Chroma fails; it is opened anew, and its files are looked at,
    at the next use.
    """

    def __init__(self, place: Embedded | Server) -> None:
        self.place = place
        self._client: Any = None
        self._opening = threading.Lock()
        self._failed = False  # since something last worked

    def revision(self, number: int) -> int | None:
        """Which revision of the ledger the index shows; None when there is no index."""
        with self._asking():
            collection = self._find(number)
            return None if collection is None else int((collection.metadata or {}).get("revision", -1))

    def mark(self, number: int, revision: int) -> None:
        """Note the revision of the ledger that the index shows from now on."""
        with self._asking():
            (self._find(number) or self._create(number)).modify(metadata={"revision": revision})
        self._failed = False

    def add(self, number: int, records: Sequence[ImageRecord], vectors: np.ndarray) -> None:
        """Put images with their vectors (n, d) into the index; those that are in it get their new metadata."""
        with self._asking():
            collection = self._find(number) or self._create(number)
            for start in range(0, len(records), CHUNK):
                _put(collection, records[start : start + CHUNK], vectors[start : start + CHUNK])

    def remove(self, number: int, ids: Sequence[str]) -> None:
        """Take images out of the index."""
        with self._asking():
            collection = self._find(number)
            for start in range(0, len(ids) if collection is not None else 0, CHUNK):
                collection.delete(ids=list(ids[start : start + CHUNK]))

    def query(self, number: int, vector: np.ndarray, k: int) -> list[tuple[str, float]]:
        """The k nearest images of the unit vector (d,): (id, cosine), best first."""
        with self._asking():
            collection = self._find(number)
            if collection is None:
                return []
            found = collection.query(
                query_embeddings=[np.asarray(vector, dtype=np.float32)], n_results=k, include=["distances"]
            )
        return [(id, 1.0 - distance) for id, distance in zip(found["ids"][0], found["distances"][0], strict=True)]

    def shown(self, number: int) -> dict[str, Mapping[str, MetaValue]]:
        """What other programs see: metadata by id."""
        found: dict[str, Mapping[str, MetaValue]] = {}
        with self._asking():
            collection = self._find(number)
            while collection is not None:
                page = collection.get(include=["metadatas"], limit=PAGE, offset=len(found))
                found.update(zip(page["ids"], page["metadatas"], strict=True))
                if len(page["ids"]) < PAGE:
                    break
        return found

    def vectors(self, number: int, ids: Sequence[str]) -> dict[str, np.ndarray]:
        """The vectors (d,) of those of the ids that are in the index."""
        with self._asking():
            collection = self._find(number)
            if collection is None:
                return {}
            found = collection.get(ids=list(ids), include=["embeddings"])
        return dict(zip(found["ids"], np.asarray(found["embeddings"], dtype=np.float32), strict=True))

    def numbers(self) -> list[int]:
        """The collections that have an index."""
        with self._asking():
            client, names = self._open(), list[str]()
            while page := client.list_collections(limit=100, offset=len(names)):
                names.extend(one.name for one in page)
        ours = [name.removeprefix(self.place.prefix) for name in names if name.startswith(self.place.prefix)]
        return sorted(int(rest) for rest in ours if rest.isdecimal())

    def drop(self, number: int) -> None:
        """Delete a collection's index, if there is one."""
        from chromadb.errors import NotFoundError

        with self._asking(), suppress(NotFoundError):
            self._open().delete_collection(self._name(number))

    def close(self) -> None:
        """Let go of the files; the next use opens them again."""
        with self._opening:
            if self._client is not None:
                self.place.close(self._client)
                self._client = None

    def discard(self) -> None:
        """Delete the whole index; the ledger can build it again."""
        self.close()
        self.place.discard()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            if not _is_failure(error):
                raise
            self._client_failed()
            raise IndexUnavailable(
                f"The vector index in {self.place} cannot be used just now: {_first_line(error)}. "
                "It is brought up to date later; exact search needs no index."
            ) from error

    def _client_failed(self) -> None:
        with suppress(Exception):  # what has failed may fail again at its end
            self.close()
        self._client = None
        if self._failed:
            # Looked at and found sound, yet it fails: Chroma knows better.
            self.place.discard()
        self._failed = not self._failed

    def _open(self) -> Any:
        with self._opening:
            if self._client is None:
                self._client = self.place.open()
            return self._client

    def _name(self, number: int) -> str:
        return f"{self.place.prefix}{number}"

    def _find(self, number: int) -> Any:
        from chromadb.errors import NotFoundError

        try:
            return self._open().get_collection(self._name(number), embedding_function=_refuse())
        except NotFoundError:
            return None

    def _create(self, number: int) -> Any:
        return self._open().create_collection(
            self._name(number), embedding_function=_refuse(), configuration={"hnsw": HNSW}, metadata={"revision": -1}
        )


def plain(record: ImageRecord) -> dict[str, MetaValue]:
    """What the index shows of an image beside its vector."""
    # Chroma refuses an empty key and keeps those that begin with its name for itself.
    shown = {_text(key): value for key, value in record.meta.items() if key and not key.startswith("chroma:")}
    return {**{key: _value(value) for key, value in shown.items()}, "path": _text(record.path)}


def _put(collection: Any, records: Sequence[ImageRecord], vectors: np.ndarray) -> None:
    # An image's vector never changes. To give one that is there its vector again takes Chroma 12 times as long.
    there = set(collection.get(ids=[record.id for record in records], include=[])["ids"])
    old = [record for record in records if record.id in there]
    new = [row for row, record in enumerate(records) if record.id not in there]
    if old:
        collection.update(ids=[record.id for record in old], metadatas=[plain(record) for record in old])
    if new:
        collection.add(
            ids=[records[row].id for row in new],
            embeddings=np.asarray(vectors, dtype=np.float32)[new],
            metadatas=[plain(records[row]) for row in new],
        )


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")  # Chroma takes no lone surrogates


def _value(value: MetaValue) -> MetaValue:
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(value)  # Chroma's own way with integers that are too long
    return _text(value) if isinstance(value, str) else value


def _is_failure(error: BaseException) -> bool:
    """Whether Chroma or its server failed, as against a mistake of ours."""
    import httpx
    from chromadb.errors import InternalError

    # A panic of Chroma's Rust is no Exception; an answer of a server that Chroma has no class for is a bare one.
    return (
        isinstance(error, InternalError | httpx.TransportError)
        or type(error).__name__ == "PanicException"
        or type(error) is Exception
    )


def _first_line(error: BaseException) -> str:
    # Chroma hides an answer without a text behind an error without one.
    said = str(error).strip() or str(error.__context__ or "").strip() or type(error).__name__
    return said.splitlines()[0].rstrip(".")[:200]


@cache
def _refuse() -> Any:
    """An embedding function that refuses: Chroma's own would download a model, and mix spaces."""
    from chromadb import Documents, EmbeddingFunction, Embeddings
    from chromadb.utils.embedding_functions import register_embedding_function

    @register_embedding_function  # by its name, or Chroma warns that it cannot make it
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
