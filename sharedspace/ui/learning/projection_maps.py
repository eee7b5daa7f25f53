"""Lesson 9, the maps: all drawn before they are looked at, so that a slider only chooses."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import streamlit as st

from sharedspace import projection, samples
from sharedspace.collection import Collection
from sharedspace.jobs import Job
from sharedspace.lessons import projection as lesson
from sharedspace.lessons.projection import Grid
from sharedspace.lessons.retrieval import spaced
from sharedspace.plots import maps
from sharedspace.records import Drawing, ImageRecord, Progress
from sharedspace.ui import cache, frame, galleries, state
from sharedspace.ui.learning import reading
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.text import plain
from sharedspace.ui.tidying import finding
from sharedspace.vectors import nearest_rows

KEPT = 4  # sets whose maps are kept in memory
NOTHING = "nothing"
MOST_KINDS = 20  # values of a field that can be told apart

_grids: OrderedDict[str, Grid] = OrderedDict()  # by the digest of their vectors
_keeping = threading.Lock()


@dataclass(frozen=True, eq=False)
class Drawn:
    """What the lesson looks at: some images of the collection, and their maps."""

    rows: tuple[int, ...]  # of the collection
    records: tuple[ImageRecord, ...]
    vectors: np.ndarray  # (n, d)
    near: np.ndarray  # (n, 16) int32, the neighbours in the space, the own first
    pca: np.ndarray  # (n, 2)
    grid: Grid

    @property
    def neighbours(self) -> int:
        """UMAP's default, or all there are."""
        return min(projection.N_NEIGHBORS, self.grid.neighbours[-1])

    @property
    def default(self) -> Drawing:
        """UMAP's defaults, with the first seed."""
        return Drawing(self.neighbours, projection.DEFAULT.min_dist, self.grid.seeds[0])

    def trust(self, xy: np.ndarray) -> float:
        """The mean share of the 15 neighbours that are drawn near, 0..1."""
        return float(projection.trust(self.near, xy).mean())


def chosen(collection: Collection) -> tuple[int, ...]:
    """The rows that are drawn: all that are not hidden, of many an even choice."""
    seen = reading.visible(collection)
    return tuple(seen[place] for place in spaced(len(seen), lesson.MOST).tolist())


def drawn(collection: Collection, rows: tuple[int, ...]) -> Drawn | None:
    """The maps of these rows; None, with a word about it, while a job draws them."""
    vectors = np.ascontiguousarray(collection.snapshot().vectors[list(rows)])
    of = lesson.digest(vectors)
    sample = _shipped()
    if sample is not None and sample.of == of:
        _keep(sample)
    count = len(lesson.drawings(len(rows)))

    def work(job: Job) -> None:
        def tell(done: int, total: int) -> None:
            job.step(Progress(done * len(rows), total * len(rows), f"pictures placed on {count} maps"))

        _keep(lesson.draw(vectors, tell))

    if not finding.ready(collection, of in _grids, f"Drawing {count} maps", work, at_once=0):
        return None
    now = (collection.info.number, collection.edition)  # two collections may hold the same vectors under other names
    return _drawn(now, rows, collection, vectors, _grids[of])


@st.cache_resource(show_spinner=False, max_entries=KEPT)
def _drawn(
    now: tuple[object, ...], rows: tuple[int, ...], _collection: Collection, _vectors: np.ndarray, _grid: Grid
) -> Drawn:
    records = tuple(_collection.snapshot().records[row] for row in rows)
    near = nearest_rows(_vectors, projection.N_NEIGHBORS + 1)[0]
    return Drawn(rows, records, _vectors, near, projection.principal_axes(_vectors), _grid)


@st.cache_resource(show_spinner=False)
def _shipped() -> Grid | None:
    """The maps of the sample set, which come with the program; None where it was installed without."""
    path = samples.FOLDER / "maps.npz"
    return lesson.load(path) if path.is_file() else None


def _keep(grid: Grid) -> None:
    with _keeping:
        _grids.setdefault(grid.of, grid)
        _grids.move_to_end(grid.of)  # never out of it meanwhile: other sessions look without the lock
        while len(_grids) > KEPT:
            _grids.popitem(last=False)


@st.fragment
def look(collection: Collection, sheet: Sheet, now: Drawn) -> None:
    """UMAP's knobs, its map, and PCA's beside it."""
    with frame.errors(stop=False), sheet.part("maps"):
        drawing, turn, mirrored = _knobs(now)
        codes, names = _colours(collection, now)
        words = [galleries.caption(record) for record in now.records]
        xy = lesson.turned(now.grid.at(drawing), turn, mirrored)
        trust, of_pca, share = now.trust(xy), now.trust(now.pca), lesson.shown(now.vectors, now.pca)
        left, right = st.columns(2)
        with left:
            told = (
                f"UMAP with {drawing.n_neighbors} neighbours, least distance {drawing.min_dist:g}, seed {drawing.seed}"
            )
            sheet.figure(
                maps.drawing(xy, words, codes, names), "umap", f"{told}: {len(xy):,} pictures, trust {trust:.2f}"
            )
            sheet.note(f"**UMAP** · trust **{trust:.2f}**")
        with right:
            sheet.figure(
                maps.drawing(now.pca, words, codes, names),
                "pca",
                f"The first two principal components: {share:.0%} of the variance, trust {of_pca:.2f}",
            )
            sheet.note(f"**PCA** · trust **{of_pca:.2f}** · its plane shows {share:.1%} of the variance")
        sheet.note(
            "Trust: of a picture's 15 nearest in the space, the share that is among the 15 drawn nearest, on average. "
            "PCA is linear: it has no seed, and distances on it are never longer than in the space. UMAP keeps "
            "neighbours, and bends everything else. Turned or mirrored, a map says the same: its axes mean nothing."
        )
        _code(sheet, now, drawing)


def _knobs(now: Drawn) -> tuple[Drawing, int, bool]:
    grid, start = now.grid, now.default
    if state.value("projection.near") not in (None, *grid.neighbours):
        state.set_value("projection.near", start.n_neighbors)  # of another collection
    with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
        near = st.select_slider(
            "Neighbours that UMAP looks at",
            grid.neighbours,
            start.n_neighbors,
            key="projection.near",
            persist_state="session",
            width=230,
        )
        least = st.select_slider(
            "Least distance (min_dist)",
            grid.distances,
            start.min_dist,
            key="projection.least",
            persist_state="session",
            width=230,
        )
        seed = st.select_slider(
            "Seed", grid.seeds, start.seed, key="projection.seed", persist_state="session", width=160
        )
        turn = st.slider("Turn, degrees", 0, 345, 0, 15, key="projection.turn", width=230)
        mirrored = st.toggle("Mirror", key="projection.mirror")
    return Drawing(int(near), float(least), int(seed)), int(turn), bool(mirrored)


def _colours(collection: Collection, now: Drawn) -> tuple[np.ndarray, list[str]]:
    """Places in the palette and the names of a field that the reader chooses."""
    fields = [field for field, (count, _) in cache.telling(collection).items() if 2 <= count <= MOST_KINDS]
    options = [*fields, NOTHING]
    if state.value("projection.colour") not in (None, *options):
        state.set_value("projection.colour", options[0])
    by = st.selectbox("Colour by", options, key="projection.colour", format_func=plain, persist_state="session")
    if by == NOTHING:
        return np.zeros(len(now.rows), dtype=np.uint8), []
    codes, names = cache.categories(collection, str(by))
    return codes[list(now.rows)], names


def _code(sheet: Sheet, now: Drawn, drawing: Drawing) -> None:
    sheet.code(
        "from sharedspace import projection\n"
        "from sharedspace.records import Drawing\n"
        "from sharedspace.vectors import nearest_rows\n"
        f"rows = {choice(now)}\n"
        "vectors = np.ascontiguousarray(collection.snapshot().vectors[rows])\n"
        "near = nearest_rows(vectors, max(projection.N_NEIGHBORS + 1, "
        f"{drawing.n_neighbors}))\n"
        f"maps = np.stack([projection.project(vectors, Drawing({drawing.n_neighbors}, {drawing.min_dist}, seed), near)"
        f" for seed in {now.grid.seeds!r}])\n"
        "pca = projection.principal_axes(vectors)\n"
        f"{{'UMAP': projection.trust(near[0], maps[{now.grid.seeds.index(drawing.seed)}]).mean(), "
        "'PCA': projection.trust(near[0], pca).mean()}"
    )


def choice(now: Drawn) -> str:
    """The rows as Python: short where they are all from the first on."""
    whole = now.rows == tuple(range(len(now.rows)))
    return f"list(range({len(now.rows)}))" if whole else repr(list(now.rows))
