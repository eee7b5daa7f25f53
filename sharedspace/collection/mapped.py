"""The map of a collection, and the neighbours that it is drawn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np

from sharedspace import gap, projection, words
from sharedspace.collection.labelled import Labelled
from sharedspace.encoders import clean
from sharedspace.home import Snapshot
from sharedspace.records import Drawing, Placement, Progress, SpaceMap
from sharedspace.vectors import nearest_rows

AT_ONCE = 5000  # images whose neighbours are found within a second
KEPT = 50  # neighbours of each image that are worked out at once, since trust, maps and duplicates all ask for some
Neighbours = tuple[np.ndarray, np.ndarray]


class Mapped(Labelled):
    """A collection with a map, drawn on first need."""

    def pinned(self, drawn: bool = False) -> Self:
        """The collection of this moment: all its answers, and with `drawn` its map, are of one snapshot.

        While pictures are added, or another visitor removes some, rows of two answers would not be the same images.
        """
        snapshot, space_map = self.view() if drawn else (self.snapshot(), None)
        return type(self)(self._home, self._number, snapshot, space_map)

    def neighbours(
        self, k: int = projection.N_NEIGHBORS, on_progress: Callable[[Progress], None] = lambda progress: None
    ) -> Neighbours:
        """Each image's nearest, itself first: rows and cosines, (n, k + 1) or more; exact, and kept on disk."""
        return self._near(self._filled(), k + 1, on_progress)

    @property
    def has_neighbours(self) -> bool:
        """Whether `neighbours` and `trust` answer at once."""
        snapshot = self.snapshot()
        return len(snapshot.records) <= AT_ONCE or self._kept_near(snapshot, projection.N_NEIGHBORS + 1) is not None

    def _near(
        self, snapshot: Snapshot, k: int, on_progress: Callable[[Progress], None] = lambda progress: None
    ) -> Neighbours:
        n = len(snapshot.records)
        kept = self._kept_near(snapshot, min(k, n))
        if kept is not None:
            return kept

        def tell(done: int, total: int) -> None:
            on_progress(Progress(done, total, "neighbours"))

        rows, cosines = nearest_rows(snapshot.vectors, max(k, min(KEPT, n)), on_block=tell)
        self._home.store(self._number, snapshot.revision, "near", {"rows": rows, "cosines": cosines})
        return rows, cosines

    def _kept_near(self, snapshot: Snapshot, k: int) -> Neighbours | None:
        pack = self._home.stored(self._number, snapshot.revision, "near")
        if pack is None or pack["rows"].shape[0] != len(snapshot.records) or pack["rows"].shape[1] < k:
            return None
        return pack["rows"], pack["cosines"]

    @property
    def is_drawn(self) -> bool:
        """Whether `map` answers at once."""
        return self._home.ledger.map_key(self._number) is not None

    def map(self) -> SpaceMap:
        """The frozen map: drawn on first need; images that came later are placed by their neighbours."""
        return self.view()[1]

    def view(self) -> tuple[Snapshot, SpaceMap]:
        """Images and map of one moment, row for row, also while an ingest goes on."""
        if self._snapshot is not None and self._map is not None:
            return self._snapshot, self._map
        snapshot, drawn = self._filled(), self._drawn()
        if drawn is not None and drawn.revision > snapshot.revision:  # another has drawn more than this one looks at
            snapshot = self._home.take_snapshot(self._number)
        if drawn is not None and drawn.ids == snapshot.ids:
            return snapshot, drawn
        if drawn is None or not set(drawn.ids) & set(snapshot.ids):
            return snapshot, self._draw(snapshot, Drawing())
        of_what = (drawn.key, snapshot.revision)
        present = self._home.derived(self._number, "view", of_what, lambda: self._extended(drawn, snapshot))
        return snapshot, present

    def _extended(self, drawn: SpaceMap, snapshot: Snapshot) -> SpaceMap:
        """A drawn map for the present images. It is kept where some have come: those that went may come back."""
        present = projection.extend(drawn, snapshot.ids, snapshot.vectors, snapshot.revision)
        come = not set(drawn.ids).issuperset(snapshot.ids)
        if come and self._home.ledger.map_key(self._number) == drawn.key:  # none was drawn anew meanwhile
            self._home.ledger.save_map(self._number, present)
        return present

    def _drawn(self) -> SpaceMap | None:
        ledger = self._home.ledger
        return self._home.derived(self._number, "map", ledger.map_key(self._number), lambda: ledger.map(self._number))

    def redraw(
        self, drawing: Drawing | None = None, on_progress: Callable[[Progress], None] = lambda progress: None
    ) -> SpaceMap:
        """Draw the map anew, with all present images; `on_progress` may end it while neighbours are looked for."""
        return self._draw(self._filled(), drawing or Drawing(), on_progress)

    def _draw(
        self, snapshot: Snapshot, drawing: Drawing, on_progress: Callable[[Progress], None] = lambda progress: None
    ) -> SpaceMap:
        projection.check(drawing)
        near = self._near(snapshot, drawing.n_neighbors, on_progress)
        drawn = projection.draw(snapshot.ids, snapshot.vectors, snapshot.revision, drawing, near)
        self._home.ledger.save_map(self._number, drawn)
        return drawn

    def trust(self) -> np.ndarray:
        """How far the map may be believed at each image: the share of its 15 neighbours that are drawn near, (n,)."""
        snapshot, drawn = self.view()
        near = self._near(snapshot, projection.N_NEIGHBORS + 1)[0]
        return self._home.derived(self._number, "trust", drawn.key, lambda: projection.trust(near, drawn.xy))

    def place(self, vector: np.ndarray) -> Placement:
        """Where a unit vector (d,) stands on the map, which does not move."""
        snapshot, drawn = self.view()
        return projection.place(snapshot.vectors @ vector, drawn.xy)

    def joint(self) -> gap.Joint:
        """Images and texts in one linear projection, with the gap between them."""
        snapshot, texts = self._filled(), self.anchors()
        of_what = (snapshot.revision, tuple(texts))

        def make() -> gap.Joint:
            bank = self.embed([*words.neutral(), *texts], remember=True)
            return gap.joint(snapshot.vectors, bank)

        return self._home.derived(self._number, "joint", of_what, make)

    def anchors(self) -> list[str]:
        """The texts kept on the map."""
        return self._home.ledger.anchors(self._number)

    def set_anchors(self, texts: Sequence[str]) -> None:
        """Replace the texts kept on the map."""
        kept = list(dict.fromkeys(clean(text) for text in texts if text.strip()))
        self.embed(kept, remember=True)
        self._home.ledger.set_anchors(self._number, kept)
