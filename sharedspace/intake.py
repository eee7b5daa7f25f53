"""Files on their way into a home: read, decoded and embedded side by side, made durable in order."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

import numpy as np

from sharedspace import images
from sharedspace.encoders import Encoder
from sharedspace.encoders.own import OwnVectors
from sharedspace.errors import BadInput, Unreadable
from sharedspace.home import Home
from sharedspace.ingest import Item
from sharedspace.records import ImageRecord, IngestResult, Progress, Rejected
from sharedspace.vectors import unit

FILES = 16  # of a batch at most, which one thread takes: as many as go through the model together
FIRST = 4  # files of the first batches, until it is known how long one takes
BYTES = 32 * 2**20  # of a batch: large files come in smaller ones
AHEAD = (os.cpu_count() or 1) + 2  # batches that wait or are worked on, so that no core waits for a file
LASTING = 1.0  # seconds of work that a kill can cost
LONGEST = 1.0  # seconds that a batch may take: so long it takes to stop, whatever the model
GROUP = 512  # images that are made durable together at most
THUMB_BYTES = 20_000  # of a thumbnail and what the ledger and the index keep beside the vector, rounded up
LIKE = 0.98  # cosine that a vector of a model must have to that model's own, whoever computed it
SAME = 0.9999  # cosine of a vector that was brought along twice
TRIED = 8  # pictures on which that is tried


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of some files: row for row records and unit vectors (n, d), and what was refused."""

    files: int
    records: tuple[ImageRecord, ...]
    vectors: np.ndarray
    rejected: tuple[Rejected, ...]
    seconds: float  # that one thread worked on it


class Intake:
    """One ingest into one collection."""

    def __init__(self, home: Home, number: int, encoder: Encoder, keep: bool) -> None:
        self._home, self._number, self._encoder, self._keep = home, number, encoder, keep
        self._ready: list[Batch] = []
        self._size = FIRST
        self._lasting = time.monotonic()
        self._files, self._added = 0, 0
        self._rejected: list[Rejected] = []

    def run(
        self,
        files: Iterable[Item | Rejected],
        total: int | None,
        on_progress: Callable[[Progress], None],
        cancelled: Callable[[], bool],
    ) -> IngestResult:
        """Take the files in until they end or `cancelled`; what was reported to `on_progress` is durable."""
        started, stopped = time.perf_counter(), cancelled()
        pending: deque[Future[Batch]] = deque()
        with self._encoder.workers() as pool:
            try:
                for number, batch in enumerate(() if stopped else batches(files, lambda: self._size)):
                    if number == 0:
                        _check_own(self._encoder, batch)
                    pending.append(pool.submit(self._embed, batch, *self._known(batch)))
                    while pending and (len(pending) > AHEAD or pending[0].done()):
                        self._take(pending.popleft().result(), total, on_progress)
                    if stopped := cancelled():
                        break
                while pending:
                    future = pending.popleft()
                    if not (stopped and future.cancel()):  # one that has begun is finished
                        self._take(future.result(), total, on_progress)
                    stopped = stopped or cancelled()
            finally:
                for future in pending:
                    future.cancel()
                self._make_durable(total, on_progress)
        there = self._files - len(self._rejected) - self._added
        seconds = time.perf_counter() - started
        return IngestResult(self._added, there, tuple(self._rejected), seconds, stopped, self._encoder.precision)

    def _known(
        self, batch: Sequence[Item | Rejected]
    ) -> tuple[list[str], dict[str, np.ndarray], dict[str, tuple[int, int]]]:
        """Ids of the files, and vectors and sizes of those that this space has seen before; raises NoSpace."""
        items = [item for item in batch if isinstance(item, Item)]
        ids = [_id(item) for item in items]
        dimension = self._encoder.space.dimension
        kept = sum(len(item.data) for item in items) if self._keep else 0
        self._home.check_room(kept + len(items) * (THUMB_BYTES + 8 * dimension))
        ledger, space = self._home.ledger, self._encoder.space
        return ids, ledger.vectors(space, ids), ledger.sizes(space, ids)

    def _embed(
        self,
        batch: Sequence[Item | Rejected],
        ids: Sequence[str],
        vectors: dict[str, np.ndarray],
        sizes: dict[str, tuple[int, int]],
    ) -> Batch:
        """Decode and embed what has not been seen before, and write its thumbnail; in any thread."""
        started = time.perf_counter()
        rejected = [item for item in batch if isinstance(item, Rejected)]
        records: list[ImageRecord] = []
        prepared: dict[str, np.ndarray] = {}
        for id, item in zip(ids, (item for item in batch if isinstance(item, Item)), strict=True):
            size = sizes.get(id)
            try:
                blank = item.vector is not None and not item.data  # a vector without its picture
                if not blank and (size is None or self._home.thumbnail(id) is None):
                    picture = images.decode(item.data, item.name, self._encoder.side)
                    self._home.write("thumbs", id, images.thumbnail(picture.image))
                    size = picture.width, picture.height
                    if id not in vectors and item.vector is None:
                        prepared[id] = self._encoder.prepare(picture.image)
            except Unreadable as error:
                rejected.append(Rejected(error.item, error.reason))
                continue
            if item.vector is not None:
                brought = unit(item.vector[None])[0]
                if id in vectors and vectors[id] @ brought < (SAME if isinstance(self._encoder, OwnVectors) else LIKE):
                    rejected.append(
                        Rejected(item.name, f"it has another vector in {self._encoder.space.model} already")
                    )
                    continue
                vectors.setdefault(id, brought)
            if self._keep and item.data:
                self._home.write("originals", id, item.data)
            records.append(ImageRecord(id, item.name, *(size or (0, 0)), item.meta))
        vectors.update(zip(prepared, self._encoder.encode(list(prepared.values())), strict=True))
        rows = np.stack([vectors[record.id] for record in records]) if records else self._encoder.encode([])
        return Batch(len(batch), tuple(records), rows, tuple(rejected), time.perf_counter() - started)

    def _take(self, batch: Batch, total: int | None, on_progress: Callable[[Progress], None]) -> None:
        self._ready.append(batch)
        self._size = max(1, min(FILES, int(LONGEST * batch.files / max(batch.seconds, 1e-6))))
        images = sum(len(one.records) for one in self._ready)
        if images >= GROUP or time.monotonic() - self._lasting > LASTING:
            self._make_durable(total, on_progress)

    def _make_durable(self, total: int | None, on_progress: Callable[[Progress], None]) -> None:
        """Commit what is ready, and say so."""
        done, self._ready = self._ready, []
        rows: dict[str, tuple[ImageRecord, np.ndarray]] = {}
        for batch in done:
            for record, vector in zip(batch.records, batch.vectors, strict=True):
                if record.id in rows:  # the same bytes twice: one image, the names and metadata of both
                    first = rows[record.id][0]
                    names = dict.fromkeys((*first.names, record.path))
                    record = replace(first, meta={**first.meta, **record.meta}, names=tuple(names))
                rows[record.id] = record, vector
        if rows:
            vectors = np.stack([vector for _, vector in rows.values()])
            self._added += self._home.record(self._number, [record for record, _ in rows.values()], vectors)
            self._home.refresh(self._number)
        self._files += sum(batch.files for batch in done)
        self._rejected.extend(refused for batch in done for refused in batch.rejected)
        self._lasting = time.monotonic()
        on_progress(Progress(self._files, None if total is None else max(total, self._files)))


def batches(files: Iterable[Item | Rejected], size: Callable[[], int]) -> Iterator[list[Item | Rejected]]:
    """The files in order, in batches of `size()` files, asked anew for each, and of bounded bytes."""
    batch: list[Item | Rejected] = []
    held = 0
    for file in files:
        batch.append(file)
        held += len(file.data) if isinstance(file, Item) else 0
        if len(batch) >= size() or held >= BYTES:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _id(item: Item) -> str:
    if item.data or item.vector is None:
        return images.fingerprint(item.data)
    return images.fingerprint(item.vector.tobytes() + item.name.encode())  # a vector without a picture


def _check_own(encoder: Encoder, batch: Sequence[Item | Rejected]) -> None:
    """Raises BadInput where vectors that were brought along are not those of the model that is named."""
    if isinstance(encoder, OwnVectors):
        return
    for item in [item for item in batch if isinstance(item, Item) and item.vector is not None and item.data][:TRIED]:
        try:
            picture = images.decode(item.data, item.name, encoder.side)
        except Unreadable:
            continue
        cosine = float(encoder.images([picture.image])[0] @ unit(np.asarray(item.vector, np.float32)[None])[0])
        if cosine < LIKE:
            raise BadInput(
                f"{item.name}: its vector is not that of {encoder.space.model} (cosine {cosine:.2f} to what that model "
                "makes of the picture). Name the model that made it, or keep the vectors as a space of their own with "
                "the model name vectors:NAME."
            )
