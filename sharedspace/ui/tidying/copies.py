"""Duplicates: how many from each cosine on, their groups side by side, which one to keep, where two differ."""

from __future__ import annotations

import streamlit as st

from sharedspace import quality
from sharedspace.collection import Collection
from sharedspace.plots.steps import steps
from sharedspace.records import Duplicates, Group, ImageRecord
from sharedspace.ui import galleries, selecting, state, widgets
from sharedspace.ui.figures import figure
from sharedspace.ui.gallery.component import Tile
from sharedspace.ui.text import plain, short
from sharedspace.ui.tidying import finding

PAGE = 8  # groups that are shown at once
MEMBERS = 24  # images of a group that are
EXACT = 48


def hear(collection: Collection) -> None:
    """Take what was done in the galleries of groups."""
    ids = collection.snapshot().ids
    for place in range(PAGE):
        galleries.hear(f"copies.{place}", ids)
    galleries.hear("copies.exact", ids)


def threshold() -> tuple[float, bool]:
    """The cosine from which images are near duplicates, and whether their pictures have to be the same."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        cosine = st.slider(
            "Cosine of at least",
            quality.LEAST,
            1.0,
            quality.THRESHOLD,
            0.005,
            format="%.3f",
            key="cosine",
            bind="query-params",
            persist_state="session",
            width=320,
        )
        look = st.toggle(
            "Only the same picture",
            True,
            key="same",
            bind="query-params",
            persist_state="session",
            help="Two pictures that are near to the model may still show different things. With this they are laid "
            "over each other, also shifted, scaled, relit or noisy, and have to agree.",
        )
    return float(cosine), bool(look)


def show(collection: Collection) -> None:
    """The whole part."""
    cosine, look = threshold()
    if not finding.pairs_ready(collection):
        return
    found = finding.duplicates(collection, cosine, look)
    counts = finding.counts(collection, look)
    rows = [("groups", [one.groups for one in counts]), ("images in them", [one.images for one in counts])]
    drawn = steps(finding.COSINES, rows, cosine, "cosine of at least")
    said = f"From {cosine:g} on there are {len(found.groups)} groups of near duplicates"
    figure(drawn, key="copies.steps", alt=said)
    _summary(collection, found)
    records = collection.snapshot().records
    if not found.groups:
        st.info(
            "No near duplicates from this cosine on, hidden ones aside. A lower slider or the cosine alone finds more.",
            icon=":material/task_alt:",
        )
    else:
        place = st.empty()
        shown = finding.turned(len(found.groups), PAGE, "copies.page")
        with place.container(), st.grid(min_column_width=360, gap="small"):
            for at, one in enumerate(shown):
                _group(collection, records, found.groups[one], at)
    _exact(records, found)


def _summary(collection: Collection, found: Duplicates) -> None:
    records = collection.snapshot().records
    inside = sum(len(group.rows) for group in found.groups)
    words = f"**{len(found.groups):,} groups** of {inside:,} images."
    if found.alike:
        words += f" {found.alike:,} more pairs are as near to the model, and show something else."
    if found.unseen:
        words += f" The pictures of {found.unseen:,} more were not compared, for there are too many."
    if found.pairs.cut:
        words += f" There are too many pairs: only those from {found.pairs.least:.3f} on are known."
    st.markdown(words)
    others = [records[row].id for group in found.groups for row in group.rows[1:]]
    if not others:
        return
    with st.container(horizontal=True, gap="small"):
        st.button(
            f"Hide all {len(others):,} but those to keep",
            icon=":material/visibility_off:",
            on_click=finding.hide,
            args=(collection, others),
            help="Can be undone. Hidden images are left out of every answer; their files stay.",
        )
        st.button(
            f"Select these {len(others):,}",
            icon=":material/select_all:",
            on_click=state.select,
            args=(others,),
            help="To tag, export or remove them",
        )
        inside_rows = [row for group in found.groups for row in group.rows]
        widgets.download(
            [records[row] for row in inside_rows],
            "duplicates",
            {
                "group": [place for place, group in enumerate(found.groups) for _ in group.rows],
                "keep": [row == group.rows[0] for group in found.groups for row in group.rows],
            },
        )


def _group(collection: Collection, records: tuple[ImageRecord, ...], group: Group, at: int) -> None:
    best, others = records[group.rows[0]], [records[row].id for row in group.rows[1:]]
    low, high = group.cosines
    cosines = f"{low:.3f}" if f"{low:.3f}" == f"{high:.3f}" else f"{low:.3f} to {high:.3f}"
    with st.container(border=True, key=f"copies-{at}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(
                f"**{len(group.rows)} images** · cosine {cosines} · keep **{plain(short(best.path))}**, "
                f"{plain(group.reason)}",
                width="stretch",
            )
            st.button(
                "Hide the others" if len(others) > 1 else "Hide the other",
                key=f"copies.hide.{at}",
                type="tertiary",
                icon=":material/visibility_off:",
                on_click=finding.hide,
                args=(collection, others),
            )
            selecting_all = [best.id, *others]
            st.button(
                "Select", key=f"copies.select.{at}", type="tertiary", on_click=state.select, args=(selecting_all,)
            )
        tiles = [
            Tile(
                records[row].id,
                words=short(records[row].path),
                note=f"{records[row].width} × {records[row].height}",
                mark="keep" if row == group.rows[0] else "",
            )
            for row in group.rows[:MEMBERS]
        ]
        galleries.show(tiles, f"copies.{at}", "8.5rem", f"Near duplicates, group {at + 1}")
        if len(group.rows) > MEMBERS:
            st.caption(f"{len(group.rows) - MEMBERS:,} more are not shown.")
        _difference(collection, records, group, at)


def _difference(collection: Collection, records: tuple[ImageRecord, ...], group: Group, at: int) -> None:
    key = f"copies.difference.{records[group.rows[0]].id[:16]}"  # not by place: another group may come to stand there
    with st.expander("Where they differ", key=key, on_change="rerun", icon=":material/compare:") as opened:
        if not opened.open:
            return
        others = group.rows[1 : MEMBERS + 1]
        other = others[0]
        if len(others) > 1:
            other = st.selectbox(
                "The one to keep, and", others, format_func=lambda row: short(records[row].path), key=f"{key}.other"
            )
        one, two = records[group.rows[0]], records[other]
        st.image(finding.difference(one.id, two.id, collection), width="stretch")
        st.caption(
            f"{plain(short(one.path))}, {plain(short(two.path))} in the same shape, and what is different between "
            "them, three times as strong: black is the same."
        )


def _exact(records: tuple[ImageRecord, ...], found: Duplicates) -> None:
    """Images whose bytes came under several names: one image each, so nothing has to be done."""
    if not found.exact:
        return
    several = [records[row] for row in found.exact]
    copies = sum(len(record.names) for record in several)
    st.markdown(
        f"**Exact duplicates**: {copies:,} more files have the same bytes as one of {len(several):,} images. "
        "They were taken once."
    )
    tiles = [
        Tile(one.id, words=short(one.path), note="also " + ", ".join(map(short, one.names))) for one in several[:EXACT]
    ]
    selecting.offer([one.id for one in several])
    galleries.show(tiles, "copies.exact", "7.5rem", "Images that came under several names")
