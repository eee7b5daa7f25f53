"""Groups of alike images: how they are looked for, what they are called, how far to trust them, and editing them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import streamlit as st

from sharedspace import clusters, naming
from sharedspace.collection import AT_ONCE, Collection, Method
from sharedspace.encoders.own import OWN
from sharedspace.errors import BadInput, ModelUnavailable
from sharedspace.jobs import Job
from sharedspace.records import Clustering, Name
from sharedspace.ui import browsing, cache, detail, frame, galleries, grouped, recording, regroup, selecting, state
from sharedspace.ui.gallery.component import Tile
from sharedspace.ui.grouped import Version, Wanted
from sharedspace.ui.handout import buttons as as_page
from sharedspace.ui.notebooks import clustered as as_notebook
from sharedspace.ui.text import plain

SHEET = 8  # pictures of one group's contact sheet
SHEETS = 24  # groups of one page
METHODS = {"HDBSCAN": "hdbscan", "k-means": "kmeans", "On the map": "map"}
NO_FIELD = "(none)"


@dataclass(frozen=True)
class Shown:
    """The groups that a page shows, as far as their images are there and not hidden."""

    version: Version
    rows: np.ndarray  # (m,) of the collection's snapshot
    labels: np.ndarray  # (m,) int, -1 is noise
    names: tuple[Name, ...]
    titles: dict[int, str]

    def members(self, group: int) -> np.ndarray:
        return np.asarray(self.rows[self.labels == group])


def options(collection: Collection) -> Wanted:
    """Method, number of groups, smallest group, with defaults that fit the set."""
    n = collection.info.images
    choose, tune = st.columns([1, 1], gap="medium")
    method = METHODS[
        choose.segmented_control(
            "Method",
            list(METHODS),
            default="HDBSCAN",
            required=True,
            key="method",
            help="HDBSCAN finds groups itself and leaves strangers out; k-means divides all into as many as you say. "
            "Both go by the vectors. On the map: HDBSCAN on the drawn points, whose distances mean less.",
        )
    ]
    if method != "kmeans":
        least = clusters.default_min_size(n)
        most = max(100, 2 * least)
        return Wanted(method, None, tune.slider("Smallest group", 2, most, least, key="least", help="In images"))
    if tune.toggle("As many groups as the silhouette says", key="groups.auto", help="The best of 2 to 200"):
        return Wanted(method, None, None)
    return Wanted(method, tune.slider("Number of groups", 1, max(2, min(60, n)), min(8, n), key="groups"), None)


def own_words() -> tuple[str, ...]:
    """Words of the visitor's own, that groups may be called by."""
    text = st.text_input(
        "Your own words for names, with commas between",
        key="groups.words",
        persist_state="session",
        placeholder="grandmother, birthday, garden",
        max_chars=1000,
    )
    return tuple(word.strip() for word in str(text or "").split(",") if word.strip())


def groups(collection: Collection, wanted: Wanted, words: tuple[str, ...]) -> None:
    """The groups as contact sheets, to look at, judge and edit."""
    _groups(collection, wanted, words, state.get().asked)


@st.fragment
def _groups(collection: Collection, wanted: Wanted, words: tuple[str, ...], asked: int) -> None:
    with frame.errors():
        frame.told_trouble()
        browsing.go_where_is_asked(asked)
        collection = collection.pinned()
        with st.container():
            found = _found(collection, wanted)
        version = regroup.edited(collection) or found
        if version is None:
            return
        for key in [*(f"sheet.{group}" for group in version.groups), "sheet.none"]:
            galleries.hear(key, collection.snapshot().ids)
        with st.container():
            selecting.bar(collection, "clusters")
        shown = _shown(collection, version, words)
        with st.container():
            regroup.history(collection, found, version)
        with recording.on() as blocks:
            detail.beside(collection, lambda: _draw(collection, wanted, shown))
        with st.container(horizontal=True):
            by = partial(grouped.by_image, collection.snapshot().ids, shown.rows, shown.labels, shown.titles)
            as_page.view(collection, "clusters", "groups", blocks, f"Groups by {said(version.wanted)}.", by)
            as_notebook.button(collection, version, version is not found, bool(shown.names), words, wanted)


def _found(collection: Collection, wanted: Wanted) -> Version | None:
    """The groups that the options ask for; None, with what is being done for them, while that takes long."""
    if wanted.method == "hdbscan" and not collection.has_neighbours:
        name = collection.info.name
        cache.once(f"Finding the neighbours in {name}", collection, lambda job: _neighbours(collection, job))
        st.info("The neighbours of each image are being found, once: a bar tells how far it is.")
        return None
    if wanted.method == "map" and not collection.is_drawn:
        st.info("There is no map of these images yet: open the page **Map**, which draws it.")
        return None
    method = cast(Method, wanted.method)
    return grouped.found(cache.cluster(collection, method, wanted.k, wanted.min_size), wanted)


def _neighbours(collection: Collection, job: Job) -> None:
    collection.now.neighbours(on_progress=job.step)


def _shown(collection: Collection, version: Version, words: tuple[str, ...]) -> Shown:
    snapshot, passed = collection.snapshot(), collection.mask()
    visible = np.ones(len(snapshot.ids), dtype=bool) if passed is None else passed
    rows, labels = grouped.present(version, snapshot.ids, visible)
    names = _names(collection, rows, labels, version.wanted.method, words) if (labels >= 0).any() else ()
    titles = grouped.titled(version, naming.titles(version.groups, names))
    return Shown(version, rows, labels, names, titles)


def _names(
    collection: Collection, rows: np.ndarray, labels: np.ndarray, method: str, words: tuple[str, ...]
) -> tuple[Name, ...]:
    """What the groups are called; none, with the reason said, where the model's words are not at hand."""
    if collection.info.space.model.startswith(OWN):
        st.caption("Groups of vectors of your own have no names: no model is here to read words. Rename them by hand.")
        return ()
    try:
        if not cache.line_ready(collection):
            st.caption("Names come as soon as the model has read the words: a bar tells how far it is.")
            return ()
        of = hash((rows.tobytes(), labels.tobytes()))
        return _named(collection.info.number, collection.snapshot().revision, of, words, collection, rows, labels)
    except ModelUnavailable as error:
        st.caption(f"Groups have no names here: {plain(str(error))}")
        return ()


@st.cache_resource(show_spinner="Looking for names…", max_entries=16)
def _named(
    number: int,
    revision: int,
    of: int,
    words: tuple[str, ...],
    _collection: Collection,
    _rows: np.ndarray,
    _labels: np.ndarray,
) -> tuple[Name, ...]:
    snapshot = _collection.snapshot()
    ids, paths = (tuple(of[row] for row in _rows) for of in (snapshot.ids, snapshot.paths))
    return _collection.name_groups(Clustering(ids, paths, _labels, ""), words).names


# ---- the groups


def _draw(collection: Collection, wanted: Wanted, shown: Shown) -> None:
    found = [group for group in shown.version.groups if (shown.labels == group).any()]
    noise = shown.members(clusters.NOISE)
    _judged(collection, wanted, shown, len(found), len(noise))
    if not found:
        st.info("No groups were found at this size. Choose a smaller one, or k-means, which always divides.")
    with st.container():
        chosen = regroup.chosen_of(shown.version)
        regroup.bar(collection, shown.version, shown.titles, chosen)
    place = st.container()
    pages = -(-len(found) // SHEETS)
    page = st.pagination(pages, key="groups.page") if pages > 1 else 1
    with place:
        for group in found[(page - 1) * SHEETS : page * SHEETS]:
            _sheet(collection, shown, group, chosen)
        if len(noise) and page >= pages:
            _none(collection, shown, noise)


def _judged(collection: Collection, wanted: Wanted, shown: Shown, found: int, noise: int) -> None:
    """How many groups there are, and how far they are to be trusted."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        count = f"{found} group" if found == 1 else f"{found} groups"
        st.markdown(f"**{count}**, {noise:,} of {len(shown.rows):,} images in none", width="stretch")
        field = st.selectbox("Compare with a field", [NO_FIELD, *collection.fields()], key="groups.truth", width=220)
        st.button(
            "How stable are they?",
            icon=":material/replay:",
            on_click=state.set_value,
            args=("groups.stable", (collection.info.number, wanted)),
            help="They are worked out five times anew: k-means from other starts, the others on 90 % of the images",
        )
    said = [_width(collection, shown)] if found > 1 else []
    if field != NO_FIELD:
        said.append(_agreement(collection, shown, field))
    if state.value("groups.stable") == (collection.info.number, wanted):
        said.append(_stability(collection, wanted))
    if said:
        st.caption(" · ".join(said))


def _width(collection: Collection, shown: Shown) -> str:
    inside = shown.labels >= 0
    widths = clusters.silhouette(collection.snapshot().vectors[shown.rows[inside]], shown.labels[inside])
    return f"mean silhouette {widths.mean():.2f} (1: far apart, 0: no gap between groups)"


def _agreement(collection: Collection, shown: Shown, field: str) -> str:
    column = collection.column(field)
    try:
        found = clusters.agreement(shown.labels, [column[row] for row in shown.rows])
    except BadInput as error:
        return plain(str(error))
    return (
        f"agreement with **{plain(field)}**: adjusted Rand {found.rand:.3f} (1: the same, 0: chance), "
        f"purity {found.purity:.0%}, over {found.n:,} images"
    )


def _stability(collection: Collection, wanted: Wanted) -> str:
    runs = "five starts" if wanted.method == "kmeans" else "five parts of 90 % of the images"
    title = f"Grouping {collection.info.name} five times, {said(wanted)}, {collection.info.images:,} images"
    if collection.info.images <= AT_ONCE:
        with st.spinner("Working the groups out five times…"):
            value = _stable(collection.info.number, collection.edition, wanted, collection)
    else:
        done = [job.result for job in cache.jobs().all() if job.title == title and job.state == "done"]
        if not done:
            cache.once(title, collection, lambda job: _work_out(collection.now, wanted, job.step))
            return "stability is being worked out: a bar tells how far it is"
        value = done[-1]
    word = "stable" if value >= 0.9 else "fairly stable" if value >= 0.7 else "unstable"
    return f"{word}: mean adjusted Rand {value:.2f} between {runs}" + ", as found, before edits" * bool(
        regroup.edited(collection)
    )


@st.cache_resource(show_spinner=False, max_entries=32)
def _stable(number: int, edition: tuple[int, int, int], wanted: Wanted, _collection: Collection) -> float:
    return _work_out(_collection, wanted, lambda progress: None)


def _work_out(collection: Collection, wanted: Wanted, step: Callable[[Any], None]) -> float:
    return collection.stability(cast(Method, wanted.method), wanted.k, wanted.min_size, on_progress=step)


def said(wanted: Wanted) -> str:
    """How groups were looked for, in words."""
    (method,) = [name for name, value in METHODS.items() if value == wanted.method]
    if wanted.method == "kmeans":
        return f"{method}, {wanted.k} groups" if wanted.k else f"{method}, as many as the silhouette says"
    return f"{method}, of {wanted.min_size} images or more"


def _sheet(collection: Collection, shown: Shown, group: int, chosen: tuple[str, ...]) -> None:
    snapshot, members = collection.snapshot(), shown.members(group)
    title = shown.titles[group]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        meaning = _meaning(shown, group)
        below = f"  \n:small[:gray[{meaning}]]" if meaning else ""
        st.markdown(f"**{plain(title)}** · {len(members):,} images{below}", width="stretch")
        _select_all(collection, members, f"sheet.{group}")
        regroup.menu(collection, shown.version, shown.titles, group, chosen)
    typical = clusters.typical(snapshot.vectors, members, SHEET)
    galleries.pictures([snapshot.records[row] for row in typical], f"sheet.{group}", "6.5rem", title)


def _meaning(shown: Shown, group: int) -> str:
    name = next((name for name in shown.names if name.group == group), None)
    if name is None:
        return ""
    if name.word is None:
        others = ", ".join(name.runners_up[1:])
        return f"{naming.MIXED}: {plain(name.reason)}" + (f" Next: {plain(others)}." if others else "")
    called = "" if group not in shown.version.titles else f"called **{plain(name.word)}** by its words · "
    also = f" · also: {plain(', '.join(name.runners_up))}" if name.runners_up else ""
    share = min(name.score, 0.99)
    return f"{called}fits an image here better than one outside in {share:.0%} of pairs, {name.matched:.0%} match{also}"


def _none(collection: Collection, shown: Shown, noise: np.ndarray) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":gray[**In no group** · {len(noise):,} images]", width="stretch")
        _select_all(collection, noise, "sheet.none")
    records = collection.snapshot().records
    tiles = [Tile(records[row].id, words=galleries.caption(records[row]), faded=True) for row in noise[:SHEET]]
    galleries.show(tiles, "sheet.none", "6.5rem", "In no group")


def _select_all(collection: Collection, members: Sequence[int] | np.ndarray, key: str) -> None:
    ids = [collection.snapshot().ids[row] for row in members]
    st.button("Select all", key=f"{key}.all", on_click=state.select, args=(ids,), type="tertiary")
