"""Pieces that pages show: galleries, results, details, downloads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from sharedspace import clusters, zeroshot
from sharedspace.answers import cell
from sharedspace.records import Clustering, Hit, ImageRecord, SearchResult
from sharedspace.ui.routes import address
from sharedspace.ui.text import escaped, plain, short
from sharedspace.workspace import Collection

PAGE = 48  # pictures of one gallery page
SHEET = 8  # pictures of one group's contact sheet

_STYLE = """<style>
.ss-gallery { display: grid; gap: .6rem; grid-template-columns: repeat(auto-fill, minmax(var(--ss-tile), 1fr)); }
.ss-gallery figure { margin: 0; min-width: 0; }
.ss-gallery img { width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: .5rem; display: block;
  background: color-mix(in srgb, currentColor 8%, transparent); }
.ss-gallery figcaption { font-size: .8rem; line-height: 1.3; margin-top: .25rem; overflow: hidden;
  display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow-wrap: anywhere; }
.ss-gallery b { font-variant-numeric: tabular-nums; }
.ss-gallery figcaption span { opacity: .75; }
</style>"""


def gallery(tiles: Sequence[tuple[str, str, str]], tile: str = "8.5rem") -> None:
    """Pictures as a grid of squares: (id, a strong word such as the score, a caption) each; texts stay texts."""
    figures = "".join(
        f'<figure><img loading="lazy" src="{address(f"/thumbs/{id}")}" alt="{escaped(words)}" '
        f'title="{escaped(words)}"><figcaption>{f"<b>{escaped(strong)}</b> " if strong else ""}'
        f"<span>{escaped(words)}</span></figcaption></figure>"
        for id, strong, words in tiles
    )
    st.html(f'{_STYLE}<div class="ss-gallery" style="--ss-tile: min({tile}, 45%)">{figures}</div>')


def caption(record: ImageRecord) -> str:
    """What is said under a picture: its caption where it has one, else its file name."""
    return str(record.meta.get("caption") or short(record.path))


def hits(records: Sequence[ImageRecord], found: Sequence[Hit], tile: str = "8.5rem") -> None:
    """Search results with their scores."""
    by_id = {record.id: record for record in records}
    gallery([(hit.id, f"{hit.score:.2f}", caption(by_id[hit.id])) for hit in found], tile)


def results(collection: Collection, result: SearchResult) -> None:
    """The hits of a query with what the numbers mean, and their download."""
    snapshot = collection.snapshot()
    cosines = snapshot.vectors @ result.vector
    st.caption(
        f"Cosine with the query, −1 to 1. Over all {len(cosines):,} images its median is {np.median(cosines):.2f}; "
        f"shown are the best {len(result.hits)}, from {result.hits[0].score:.2f} down to {result.hits[-1].score:.2f}."
    )
    records = {record.id: record for record in snapshot.records}
    hits(snapshot.records, result.hits)
    columns: dict[str, list[Any]] = {
        "rank": [hit.rank for hit in result.hits],
        "score": [hit.score for hit in result.hits],
    }
    download([records[hit.id] for hit in result.hits], "results", columns)


def details(record: ImageRecord) -> None:
    """Everything that is known of one image, as plain text."""
    also = {"also called": ", ".join(record.names)} if record.names else {}
    facts = {"file": record.path, **also, "size": f"{record.width} × {record.height}", **record.meta}
    st.dataframe(
        {"field": list(facts), "value": [str(value) for value in facts.values()]},
        hide_index=True,
        height="content",
        alt="What is known of the image",
    )


def original(collection: Collection, record: ImageRecord) -> None:
    """The picture as it was uploaded, given back; nothing where only its place is known."""
    path = collection.original(record.id)
    if path is not None:
        st.download_button(
            "Download the original", path.read_bytes(), short(record.path), icon=":material/download:", key="original"
        )


def download(records: Sequence[ImageRecord], name: str, columns: Mapping[str, Sequence[Any]] | None = None) -> None:
    """A button that gives images as a CSV: id, path, the given columns, all metadata."""
    import pandas as pd

    table = pd.DataFrame({"id": [record.id for record in records], "path": [record.path for record in records]})
    table = pd.concat([table, pd.DataFrame(columns or {})], axis=1)
    meta = pd.DataFrame([record.meta for record in records]).rename(columns=lambda field: _free(field, table.columns))
    table = pd.concat([table, meta], axis=1).map(cell).rename(columns=cell)
    st.download_button(
        "Download as CSV",
        table.to_csv(index=False),
        f"{name}.csv",
        "text/csv",
        icon=":material/download:",
        key=f"{name}.csv",
    )


def _free(field: str, taken: Iterable[str]) -> str:
    return f"meta {field}" if field in taken else field


def unknown_words(collection: Collection, texts: Sequence[str]) -> None:
    """Name the words that the model never saw, and what it had to cut."""
    tokens = [collection.encoder.tokens(text) for text in texts]
    unknown = list(dict.fromkeys(word for one in tokens for word in one.unknown))
    model = plain(collection.info.space.model)
    if unknown:
        words = ", ".join(f"**{plain(word)}**" for word in unknown[:12])
        st.warning(
            f"{model} does not know: {words}. It answers all the same: do not trust it here.", icon=":material/help:"
        )
    for one in tokens:
        if one.cut:
            st.warning(f"{model} reads {one.limit} tokens: the rest was cut off.", icon=":material/content_cut:")
            break


def anchors(collection: Collection) -> None:
    """Edit the texts that are kept on the map."""
    kept = "\n".join(collection.anchors())
    with st.form(f"anchors-{collection.info.number}", border=False):
        text = st.text_area("One text a line", kept, height=200, help="Each stands among the images nearest to it.")
        if st.form_submit_button("Show on the map"):
            collection.set_anchors(zeroshot.parse_labels(text))
            st.rerun()


def group_options(collection: Collection) -> tuple[str, int, int]:
    """Method, number of groups (for k-means), smallest group (for HDBSCAN), with defaults that fit the set."""
    n = collection.info.images
    choose, tune = st.columns([1, 2])
    named = {"HDBSCAN": "hdbscan", "k-means": "kmeans"}
    method = named[
        choose.segmented_control(
            "Method",
            list(named),
            default="HDBSCAN",
            required=True,
            key="method",
            help="HDBSCAN finds groups itself and leaves strangers out; k-means divides all into as many as you say.",
        )
    ]
    k, least = min(8, n), clusters.default_min_size(n)
    if method == "kmeans":
        k = tune.slider("Number of groups", 1, max(2, min(40, n)), k, key="groups")
    else:
        least = tune.slider("Smallest group", 2, max(100, 2 * least), least, key="least", help="In images")
    return method, k, least


def groups(collection: Collection, grouping: Clustering) -> None:
    """Each group as a contact sheet of its most typical images, the largest first, noise last."""
    snapshot = collection.snapshot()
    found = [group for group in np.unique(grouping.labels) if group != clusters.NOISE]
    noise = np.flatnonzero(grouping.labels == clusters.NOISE)
    st.markdown(f"**{len(found)} groups**, {len(noise):,} of {len(grouping.ids):,} images in none")
    if not found:
        st.info("No groups were found at this size. Choose a smaller one, or k-means, which always divides.")
    rows = {"group": ["none" if group < 0 else int(group) + 1 for group in grouping.labels]}
    download(snapshot.records, "clusters", rows)
    for group in found:
        members = np.flatnonzero(grouping.labels == group)
        _sheet(snapshot.records, f"Group {group + 1}", members, clusters.typical(snapshot.vectors, members, SHEET))
    if len(noise):
        _sheet(snapshot.records, "In no group", noise, list(noise[:SHEET]))


def _sheet(records: Sequence[ImageRecord], name: str, members: np.ndarray, shown: Sequence[int]) -> None:
    st.markdown(f"**{name}** · {len(members):,} images")
    gallery([(records[row].id, "", caption(records[row])) for row in shown], "6.5rem")


def all_images(collection: Collection) -> None:
    """All images, a page at a time, with a filter over captions, names and metadata."""
    records = everything = collection.snapshot().records
    wanted = st.text_input("Filter by file name or metadata", key="filter", type="search").casefold().split()
    if wanted:
        texts = [f"{record.path} {json.dumps(record.meta, ensure_ascii=False)}".casefold() for record in records]
        records = tuple(
            record for record, text in zip(records, texts, strict=True) if all(word in text for word in wanted)
        )
    st.caption(f"{len(records):,} of {len(everything):,} images")
    if not records:
        st.info("No image has these words in its name or metadata. To search by what is in the picture, use *Search*.")
        return
    place = st.empty()
    number = st.pagination(-(-len(records) // PAGE), key="gallery.page")
    with place.container():
        gallery([(one.id, "", caption(one)) for one in records[(number - 1) * PAGE : number * PAGE]])
    download(records, "images")
