"""What is wrong with the images of a collection, and few that stand for all."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TypeAlias, TypeVar

import numpy as np

from sharedspace import filters, images, projection, quality
from sharedspace.collection.grouped import Grouped
from sharedspace.collection.labelled import READ
from sharedspace.errors import BadInput
from sharedspace.home import Snapshot
from sharedspace.records import Duplicates, Leaks, Pairs, Poor, Progress, Strangers, Subset

LOOKED_AT = 20_000  # pairs of alike images whose pictures are compared: a minute
T = TypeVar("T")
Reporter: TypeAlias = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Report nothing."""


class Messy(Grouped):
    """A collection that is looked through for duplicates, strangers, leaks and poor pictures."""

    def alike(self, least: float = quality.LEAST, on_progress: Reporter = silent) -> Pairs:
        """All pairs of images from a cosine on, the strongest first, with the likeness of their pictures.

        Pictures are compared for the strongest LOOKED_AT pairs only. Kept on disk; hidden images are left out.
        """
        snapshot = self._filled()
        pack = self._home.stored(self._number, snapshot.revision, "pairs")
        if pack is None or float(pack["asked"]) > least:
            pack = self._pairs(snapshot, least, on_progress)
            self._home.store(self._number, snapshot.revision, "pairs", pack)
        found = Pairs(pack["a"], pack["b"], pack["cosine"], float(pack["least"]), bool(pack["cut"]), pack["likeness"])
        shown = self.mask()
        return found if shown is None else found.where(shown[found.a] & shown[found.b])

    @property
    def has_alike(self) -> bool:
        """Whether `alike`, `duplicates` and `leaks` answer at once."""
        return self._home.stored(self._number, self.snapshot().revision, "pairs") is not None

    def _pairs(self, snapshot: Snapshot, least: float, on_progress: Reporter) -> dict[str, np.ndarray]:
        near = self._near(snapshot, projection.N_NEIGHBORS + 1, on_progress)
        tell = partial(_tell, on_progress, "pairs")
        found = quality.pairs(snapshot.vectors, least, near, on_block=tell)
        some = found.where(np.arange(len(found)) < LOOKED_AT)
        rows = np.unique(np.concatenate([some.a, some.b])).tolist()
        sketches = self._of_pictures(snapshot, rows, images.sketch, partial(_tell, on_progress, "pictures"))
        views = {row: None if one is None else quality.view(one) for row, one in zip(rows, sketches, strict=True)}
        likeness = np.full(len(found), -np.inf, dtype=np.float32)
        for place, (a, b) in enumerate(zip(some.a.tolist(), some.b.tolist(), strict=True)):
            one, other = views[a], views[b]
            likeness[place] = np.nan if one is None or other is None else quality.likeness(one, other)
            if place % READ == 0:
                on_progress(Progress(place, len(some), "pairs of pictures"))
        arrays = {"a": found.a, "b": found.b, "cosine": found.cosine, "likeness": likeness}
        return arrays | {"least": np.array(found.least), "cut": np.array(found.cut), "asked": np.array(least)}

    def _of_pictures(
        self, snapshot: Snapshot, rows: Sequence[int], work: Callable[[bytes, str], T], tell: Callable[[int, int], None]
    ) -> list[T | None]:
        """What is made of the thumbnails of some rows, by several threads; None where there is none."""

        def of(row: int) -> T | None:
            record = snapshot.records[row]
            path = self._home.thumbnail(record.id)
            return None if path is None else work(path.read_bytes(), record.path)

        made: list[T | None] = []
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            for start in range(0, len(rows), READ):  # between two of them it can be ended
                made += pool.map(of, rows[start : start + READ])
                tell(len(made), len(rows))
        return made

    def duplicates(
        self, threshold: float = quality.THRESHOLD, look: bool = True, on_progress: Reporter = silent
    ) -> Duplicates:
        """Groups of near duplicates, each with the one to keep: from a cosine on and, with `look`, the same picture.

        Of exact duplicates there is one image with several names. Hidden images are left out.
        """
        if not 0 <= threshold <= 1:
            raise BadInput(f"The least cosine of near duplicates is from 0 to 1, not {threshold:g}.")
        found = self.alike(min(threshold, quality.LEAST), on_progress)
        snapshot, shown = self._filled(), self.mask()
        kept = frozenset(
            id
            for id in {snapshot.ids[row] for row in np.unique(np.concatenate([found.a, found.b])).tolist()}
            if self._home.original(id) is not None
        )
        made = quality.duplicates(found, threshold, snapshot.records, kept, look)
        return made if shown is None else replace(made, exact=tuple(row for row in made.exact if shown[row]))

    def leaks(
        self,
        field: str,
        threshold: float = quality.THRESHOLD,
        look: bool = True,
        on_progress: Reporter = silent,
    ) -> Leaks:
        """Near duplicates whose images have two values of a field, such as those of a split."""
        values = self.column(field)
        found = self.duplicates(threshold, look, on_progress)
        several: list[int] = []
        if field == filters.FOLDER:  # of other fields one value is known for all names of the same bytes
            records = self.snapshot().records
            several = [
                row
                for row in found.exact
                if len({filters.folder(name) for name in (records[row].path, *records[row].names)}) > 1
            ]
        return quality.leaks(found.pairs, values, tuple(several))

    def outliers(self, k: int = quality.K, on_progress: Reporter = silent) -> Strangers:
        """How strange each image is that is not hidden, by its k-th neighbour and by how the set varies."""
        quality.check(k)
        tagging = self._home.ledger.marks.tagging(self._number)  # before the mask, which may be newer
        snapshot, shown = self._filled(), self._some()
        near = self._near(snapshot, k + 1, on_progress)

        def make() -> Strangers:
            if shown is None:
                return quality.outliers(snapshot.vectors, near[1], k)
            rows = np.flatnonzero(shown)
            cosines = quality.shown_cosines(snapshot.vectors, near, shown, k)
            return replace(quality.outliers(snapshot.vectors[rows], cosines, k), rows=rows)

        of_what = (snapshot.revision, tagging, k)
        return self._home.derived(self._number, "outliers", of_what, make)

    def subset(self, n: int, kind: quality.Kind = "diverse", on_progress: Reporter = silent) -> Subset:
        """n images that stand for all that are not hidden: as different as can be, or typical; rows of the collection.

        `nearest` and `cosine` have one entry for each image that is not hidden, in their order.
        """
        snapshot, shown = self._filled(), self._some()
        rows = np.arange(len(snapshot.records)) if shown is None else np.flatnonzero(shown)
        chosen = quality.subset(snapshot.vectors[rows], n, kind, partial(_tell, on_progress, "images"))
        return replace(chosen, rows=rows[chosen.rows])

    def _some(self) -> np.ndarray | None:
        """`mask`; raises BadInput where all images are hidden."""
        shown = self.mask()
        if shown is not None and not shown.any():
            raise BadInput("All images are hidden: show some again, by the filter tag=hidden.")
        return shown

    def looks(self, on_progress: Reporter = silent) -> tuple[Poor, ...]:
        """Blurred, dark, tiny and odd-shaped pictures, by their thumbnails; kept on disk, hidden images are in none."""
        snapshot = self._filled()
        pack = self._home.stored(self._number, snapshot.revision, "looks")
        if pack is None:
            tell = partial(_tell, on_progress, "pictures")
            seen = self._of_pictures(snapshot, range(len(snapshot.records)), images.looks, tell)
            pack = {
                name: np.array([np.nan if one is None else getattr(one, name) for one in seen], dtype=np.float32)
                for name in ("brightness", "contrast", "sharpness")
            }
            self._home.store(self._number, snapshot.revision, "looks", pack)
        return quality.poor(pack["brightness"], pack["sharpness"], snapshot.records, self.mask())

    @property
    def has_looks(self) -> bool:
        """Whether `looks` answers at once."""
        return self._home.stored(self._number, self.snapshot().revision, "looks") is not None


def _tell(on_progress: Reporter, what: str, done: int, total: int) -> None:
    on_progress(Progress(done, total, what))
