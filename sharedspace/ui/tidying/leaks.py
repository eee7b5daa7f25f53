"""Leaks: near duplicates that stand in two parts of a split."""

from __future__ import annotations

import streamlit as st

from sharedspace.collection import Collection
from sharedspace.records import Leaks
from sharedspace.ui import cache, galleries, state
from sharedspace.ui.gallery.component import Tile
from sharedspace.ui.text import plain, short
from sharedspace.ui.tidying import copies, finding

PAGE = 12  # pairs that are shown at once
MOST_PARTS = 50  # values of a field that can be a split
ROWS = 6  # of pairs of parts


def hear(collection: Collection) -> None:
    """Take what was done in the galleries of pairs."""
    for place in range(PAGE):
        galleries.hear(f"leaks.{place}", collection.snapshot().ids)


def show(collection: Collection) -> None:
    """The whole part."""
    fields = [field for field, (values, _) in cache.telling(collection).items() if 1 < values <= MOST_PARTS]
    if not fields:
        st.info(
            "A leak is a picture that stands, nearly the same, in two parts of a split. No metadata field here has "
            "two values or more: give the images one, such as train and test, by a table or by folders.",
            icon=":material/call_split:",
        )
        return
    first = fields.index("split") if "split" in fields else 0
    field = st.selectbox("Parts by", fields, first, key="parts", bind="query-params", persist_state="session")
    cosine, look = copies.threshold()
    if not finding.pairs_ready(collection):
        return
    found = finding.leaks(collection, str(field), cosine, look)
    if not len(found.pairs) and not found.several:
        st.info(
            f"No near duplicates from {cosine:g} on stand across the values of {plain(str(field))}.",
            icon=":material/task_alt:",
        )
        return
    _between(collection, found, str(field))
    _pairs(collection, found, str(field))


def _between(collection: Collection, found: Leaks, field: str) -> None:
    """How many pairs there are for each two parts, with ways to select either side."""
    records, values = collection.snapshot().records, collection.column(field)
    if found.several:
        images = "1 image** lies" if len(found.several) == 1 else f"{len(found.several):,} images** lie"
        st.markdown(f"**{images} with the same bytes in several folders.")
    for place, leak in enumerate(found.between[:ROWS]):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            one, two = map(plain, leak.values)
            pairs = "pair" if leak.pairs == 1 else "pairs"
            st.markdown(f"**{leak.pairs:,} {pairs}** between {one} and {two}", width="content")
            for side, value in enumerate(leak.values):
                rows = {
                    row
                    for two_rows in zip(found.pairs.a.tolist(), found.pairs.b.tolist(), strict=True)
                    if {str(values[row]) for row in two_rows} == set(leak.values)
                    for row in two_rows
                    if str(values[row]) == value
                }
                st.button(
                    f"Select the {len(rows):,} in {plain(short(value, 24))}",
                    key=f"leaks.select.{place}.{side}",
                    type="tertiary",
                    icon=":material/select_all:",
                    on_click=state.select,
                    args=([records[row].id for row in sorted(rows)],),
                )
    if len(found.between) > ROWS:
        st.caption(f"{len(found.between) - ROWS:,} more pairs of values have fewer.")


def _pairs(collection: Collection, found: Leaks, field: str) -> None:
    records, values = collection.snapshot().records, collection.column(field)
    if not len(found.pairs):
        return
    place = st.empty()
    shown = finding.turned(len(found.pairs), PAGE, "leaks.page")
    with place.container(), st.grid(min_column_width=300, gap="small", border=True) as grid:
        for at, pair in enumerate(shown):
            with grid.cell():
                st.caption(f"cosine {found.pairs.cosine[pair]:.3f}")
                rows = int(found.pairs.a[pair]), int(found.pairs.b[pair])
                tiles = [Tile(records[row].id, str(values[row]), short(records[row].path)) for row in rows]
                galleries.show(tiles, f"leaks.{at}", "7rem", f"Leak {pair + 1}")
