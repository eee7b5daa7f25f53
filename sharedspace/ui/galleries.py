"""Pictures in galleries: one selection with the map, a click opens an image."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from sharedspace import chance
from sharedspace.collection import Collection
from sharedspace.records import Hit, ImageRecord, SearchResult
from sharedspace.ui import cache, recording, state
from sharedspace.ui.gallery.component import Tile, gallery, last_event
from sharedspace.ui.routes import address
from sharedspace.ui.text import plain, short


def caption(record: ImageRecord) -> str:
    """What is said under a picture: its caption where it has one, else its file name."""
    return str(record.meta.get("caption") or short(record.path))


def hear(key: str, ids: Sequence[str]) -> None:
    """Take what was done in the gallery of that key, before anything that shows the selection is drawn."""
    event = last_event(key, ids)  # mostly none
    if event.gesture is not None:
        state.select(event.gesture.apply(state.get().selected))
    if event.opened is not None:
        state.update(picked=event.opened)


def show(tiles: Sequence[Tile], key: str, tile: str = "8.5rem", label: str = "Pictures") -> None:
    """Draw a gallery; what is done in it holds from the next run on, which `hear` begins."""
    recording.pictures(tiles, label)
    now = state.get()
    gallery(
        tiles,
        key=key,
        thumb=address("/thumbs/{id}"),
        tile=tile,
        selected=now.selected,
        current=now.picked,
        label=label,
    )


def pictures(records: Sequence[ImageRecord], key: str, tile: str = "8.5rem", label: str = "Pictures") -> None:
    """Images with their captions."""
    show([Tile(record.id, words=caption(record)) for record in records], key, tile, label)


def result_tiles(collection: Collection, result: SearchResult, hits: Sequence[Hit]) -> list[Tile]:
    """Hits with their score and what it means."""
    by_id = {record.id: record for record in collection.snapshot().records}
    return [
        Tile(
            hit.id,
            f"{hit.score:.2f}" if len(result.terms) == 1 else f"{hit.score:+.2f}",
            caption(by_id[hit.id]) if hit.id in by_id else "",
            _note(collection, result, hit),
            faded=hit.matched is False,
            mark=str(hit.rank),
        )
        for hit in hits
    ]


def _note(collection: Collection, result: SearchResult, hit: Hit) -> str:
    """What a score means: of one text, among all pairs; of several parts, who contributed."""
    if hit.parts:
        return " · ".join(
            f"{short(term.name, 18)} {part:+.1f}" for term, part in zip(result.terms, hit.parts, strict=True)
        )
    if result.no_match_line is None:
        return ""
    images = chance.percentile(result.scores, hit.score)
    pairs = collection.baseline().pair_percentile(hit.score)
    return f"over {_share(images)} of images and {_share(pairs)} of pairs"


def _share(percentile: float) -> str:
    """A percentile in words; above all others is not above all there could be."""
    return f"{min(percentile, 99.9):.1f} %" if percentile > 99 else f"{percentile:.0f} %"


def results(collection: Collection, result: SearchResult, key: str, tile: str = "8.5rem") -> None:
    """The hits over the no-match line; those under it folded away, and a plain word when there are no others."""
    matched = [hit for hit in result.hits if hit.matched is not False]
    under = [hit for hit in result.hits if hit.matched is False]
    if not result.hits:
        st.info("No image passes these filters: take one away to search more.", icon=":material/filter_alt_off:")
        return
    if matched:
        show(result_tiles(collection, result, matched), f"{key}.hits", tile, "Results")
        if under:
            _folded(collection, result, under, key, tile, f"{len(under)} more under the no-match line")
    else:
        st.warning(
            f"**Nothing here matches** {plain(result.query)}. The best of {result.searched:,} images has "
            f"{result.hits[0].score:.2f}; to be better than chance here takes {result.no_match_line:.2f}.",
            icon=":material/search_off:",
        )
        _folded(collection, result, under, key, tile, "Show the nearest anyway")


def _folded(collection: Collection, result: SearchResult, hits: Sequence[Hit], key: str, tile: str, words: str) -> None:
    with st.expander(words, key=f"{key}.under", on_change="rerun", icon=":material/unfold_more:") as folded:
        if folded.open:
            show(result_tiles(collection, result, hits), f"{key}.below", tile, "Results under the no-match line")


def hear_results(result: SearchResult, key: str) -> None:
    """Take what was done in the galleries of these results."""
    ids = [hit.id for hit in result.hits]
    hear(f"{key}.hits", ids)
    hear(f"{key}.below", ids)


def meaning(collection: Collection, result: SearchResult) -> None:
    """What the scores of a query mean, in a quiet line."""
    if not result.hits:
        return
    many = f"the best {len(result.hits)} of {result.searched:,} images"
    if len(result.terms) > 1:
        st.caption(
            f"Shown are {many}. The score adds the parts: how many standard deviations an image is over the mean "
            "for each, times its weight, so that words and pictures count alike."
        )
        return
    text = f"Shown are {many}; the score is the cosine with the query, −1 to 1."
    if result.no_match_line is not None:
        base = collection.baseline()
        low, high = base.band
        text += (
            f" From **{result.no_match_line:.2f}** on it is better than chance here. Of all pairs of a "
            f"caption and an image here, nine in ten lie between {low:.2f} and {high:.2f}."
        )
    elif cache.line_is_coming(collection):
        text += " The no-match line is being worked out, once for this model, and is there in a moment."
    st.caption(text)
