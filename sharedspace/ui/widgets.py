"""Pieces that pages show: bars, details, downloads, groups, all images."""

from __future__ import annotations

import json
from collections.abc import Collection as Container
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import streamlit as st

from sharedspace import explain
from sharedspace.answers import cell
from sharedspace.collection import Collection, Why
from sharedspace.records import ImageRecord
from sharedspace.search import Word
from sharedspace.ui import galleries
from sharedspace.ui.text import escaped, plain, short

PAGE = 48  # pictures of one gallery page

_STYLE = """<style>
.ss-bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: .2rem .6rem; align-items: center;
  font-size: .85rem; margin-block: .25rem; }
.ss-bars b { font-weight: 500; overflow-wrap: anywhere; max-width: 11rem; }
.ss-bars i { height: .7rem; border-radius: .2rem; background: #0072B2; min-width: 1px; }
.ss-bars i.against { background: #D55E00; }
.ss-bars span { font-variant-numeric: tabular-nums; opacity: .8; }
</style>"""


def bars(rows: Sequence[tuple[str, float, str]]) -> str:
    """Words with a bar each, as long as the value's share of the largest one, and what is said beside it, as HTML."""
    most = max((abs(value) for _, value, _ in rows), default=0.0) or 1.0
    lines = "".join(
        f"<b>{escaped(word)}</b><i{' class=against' if value < 0 else ''} "
        f'style="width:{abs(value) / most:.1%}"></i><span>{escaped(said)}</span>'
        for word, value, said in rows
    )
    return f'{_STYLE}<div class="ss-bars">{lines}</div>'


def fit_bars(found: Sequence[Word]) -> str:
    """Texts that fit an image, as bars of their cosines."""
    return bars([(one.text, max(one.score, 0.0), f"{one.score:.2f} · {one.share:.0%}") for one in found])


def reasons(why: Why) -> None:
    """Which parts of a picture and which words of a text make their score."""
    st.image(why.png, width="stretch")
    where = why.patches.where
    seen = "" if why.patches.box == (0.0, 0.0, 1.0, 1.0) else " The model sees the middle square only."
    place = f"Most of the score comes from the **{where}**" if where else "No single part makes the score"
    st.caption(
        f"{place}: the warmer, the more the cosine falls when that part is hidden. Method: "
        f"{explain.METHOD}, so a look at what happens, not at what the model thinks.{seen}"
    )
    rows = [(one.word, one.change, f"{one.change:+.3f}") for one in why.words.words]
    st.html(bars(rows))
    unread = f" {why.words.unread} more words are not read." if why.words.unread else ""
    st.caption(f"How much the cosine of {why.words.score:.3f} changes when a word is left out.{unread}")


def details(record: ImageRecord, tags: Container[str] = ()) -> None:
    """Everything that is known of one image, as plain text."""
    also = {"also called": ", ".join(record.names)} if record.names else {}
    also |= {"tags": ", ".join(sorted(tags))} if tags else {}
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
            "Download the original", path.read_bytes, short(record.path), icon=":material/download:", key="original"
        )


def download(records: Sequence[ImageRecord], name: str, columns: Mapping[str, Sequence[Any]] | None = None) -> None:
    """A button that gives images as a CSV: id, path, the given columns, all metadata; made when it is pressed."""
    st.download_button(
        "Download as CSV",
        lambda: _csv(records, columns or {}),
        f"{name}.csv",
        "text/csv",
        icon=":material/download:",
        key=f"{name}.csv",
        on_click="ignore",
    )


def _csv(records: Sequence[ImageRecord], columns: Mapping[str, Sequence[Any]]) -> str:
    import pandas as pd

    table = pd.DataFrame({"id": [record.id for record in records], "path": [record.path for record in records]})
    table = pd.concat([table, pd.DataFrame(columns)], axis=1)
    meta = pd.DataFrame([record.meta for record in records]).rename(columns=lambda field: _free(field, table.columns))
    text: str = pd.concat([table, meta], axis=1).map(cell).rename(columns=cell).to_csv(index=False)
    return text


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
            collection.set_anchors([line for line in text.splitlines() if line.strip()])
            st.rerun()


def all_images(collection: Collection) -> None:
    """All images, a page at a time, with a filter over captions, names and metadata."""
    snapshot, passed = collection.snapshot(), collection.mask()
    records = everything = tuple(record for row, record in enumerate(snapshot.records) if passed is None or passed[row])
    wanted = st.text_input("Filter by file name or metadata", key="filter", type="search").casefold().split()
    if wanted:
        texts = [f"{record.path} {json.dumps(record.meta, ensure_ascii=False)}".casefold() for record in records]
        records = tuple(
            record for record, text in zip(records, texts, strict=True) if all(word in text for word in wanted)
        )
    hidden = len(snapshot.records) - len(everything)
    st.caption(f"{len(records):,} of {len(everything):,} images" + (f", {hidden:,} more are hidden" if hidden else ""))
    if not records:
        st.info("No image has these words in its name or metadata. To search by what is in the picture, use *Search*.")
        return
    place = st.empty()
    number = st.pagination(-(-len(records) // PAGE), key="gallery.page")
    with place.container():
        galleries.pictures(records[(number - 1) * PAGE : number * PAGE], "all", label="All images")
    download(records, "images")
