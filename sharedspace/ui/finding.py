"""The page that searches: results as pictures or as a table, the opened image beside them."""

from __future__ import annotations

from functools import partial

import streamlit as st

from sharedspace import chance
from sharedspace.collection import Collection
from sharedspace.records import SearchResult
from sharedspace.ui import cache, detail, frame, galleries, selecting, state
from sharedspace.ui.asking import Question, fresh
from sharedspace.ui.handout import buttons as as_page
from sharedspace.ui.notebooks import asked as as_notebook
from sharedspace.ui.routes import address

PICTURES, TABLE = "pictures", "a table"
SHAPES = [PICTURES, TABLE]
RATES = {"strict": 0.02, "usual": chance.RATE, "generous": 0.2}


def rate() -> float:
    """How many of the queries for what is not there may pass the no-match line."""
    chosen = st.segmented_control(
        "No-match line",
        list(RATES),
        default="usual",
        required=True,
        key="rate",
        persist_state="session",
        help="A result under the line is no better than chance. "
        + ", ".join(f"{name}: {share:.0%}" for name, share in RATES.items())
        + " of the queries for something that is not there may pass it.",
    )
    return RATES[str(chosen)]


def results(collection: Collection, question: Question, k: int, shape: str, rate: float) -> None:
    """What a question found, or what to do while nothing is asked."""
    if not question.parts:
        st.info(
            "Describe a picture in a word or a sentence, or add a picture of yours: the images nearest to it in the "
            "shared space appear here.",
            icon=":material/search:",
        )
        _found_before(collection, question)
        return
    _found(collection, question, k, shape, rate)


@st.fragment
def _found_before(collection: Collection, question: Question) -> None:
    """The selection, which can be looked at without a query."""
    with frame.errors():
        frame.told_trouble()
        fresh(question)
        collection = collection.pinned()
        selected = state.get().selected
        records = [record for record in collection.snapshot().records if record.id in selected]
        galleries.hear("search.selected", [record.id for record in records])
        selecting.bar(collection, "search")
        if records:
            galleries.pictures(records[:60], "search.selected", label="Selected images")
        with st.container(horizontal=True):
            as_page.search(collection, question)
            as_notebook.search_button(collection, question, 12, None, table=False)


@st.fragment
def _found(collection: Collection, question: Question, k: int, shape: str, rate: float) -> None:
    with frame.errors():
        frame.told_trouble()
        fresh(question)
        collection = collection.pinned()
        terms, line = question.terms(collection), cache.line_rate(collection, question.parts, rate)
        result = collection.ask(terms, k, question.where, question.within, line)
        galleries.hear_results(result, "search")
        galleries.meaning(collection, result)
        with st.container():
            selecting.bar(collection, "search", [hit.id for hit in result.hits if hit.matched is not False])
        detail.beside(collection, lambda: _shown(collection, result, shape), result)
        with st.container(horizontal=True):
            as_page.search(collection, question, k, line)
            as_notebook.search_button(collection, question, k, line, shape == TABLE)


def _shown(collection: Collection, result: SearchResult, shape: str) -> None:
    if shape == TABLE:
        _table(collection, result)
    else:
        galleries.results(collection, result, "search")


def _table(collection: Collection, result: SearchResult) -> None:
    """The hits as rows, with the parts of their scores and saved queries as columns; chosen rows are selected."""
    import pandas as pd

    at = {id: row for row, id in enumerate(collection.snapshot().ids)}
    records = collection.snapshot().records
    hits = [hit for hit in result.hits if hit.id in at]
    columns: dict[str, list[object]] = {
        "picture": [address(f"/thumbs/{hit.id}") for hit in hits],
        "rank": [hit.rank for hit in hits],
        "score": [hit.score for hit in hits],
    }
    if result.no_match_line is not None:
        columns["matches"] = [hit.matched for hit in hits]
    for place, term in enumerate(result.terms if len(result.terms) > 1 else ()):
        columns[f"{place + 1}. {term.name}"] = [hit.parts[place] for hit in hits]
    for name, column in cache.query_columns(collection).items():
        columns[f"query {name}"] = [float(column[at[hit.id]]) for hit in hits]
    columns["image"] = [galleries.caption(records[at[hit.id]]) for hit in hits]
    ids = tuple(hit.id for hit in hits)
    rows = [row for row, id in enumerate(ids) if id in state.get().selected]
    # Rows can be chosen by us only in a table that is new: so it has another key whenever they change.
    key = f"table-{hash((result.query, ids, tuple(rows)))}"
    st.dataframe(
        pd.DataFrame(columns),
        hide_index=True,
        row_height=52,
        height=560,
        key=key,
        on_select=partial(_chose_rows, key, ids),
        selection_mode="multi-row",
        selection_default={"selection": {"rows": rows}},
        alt="Results with their scores",
        column_config={
            "picture": st.column_config.ImageColumn("picture", width="small"),
            "score": st.column_config.NumberColumn("score", format="%.3f"),
        },
    )


def _chose_rows(key: str, ids: tuple[str, ...]) -> None:
    """Take over which rows of the table were chosen."""
    rows = state.value(key)["selection"]["rows"]
    state.select((state.get().selected - set(ids)) | {ids[row] for row in rows if row < len(ids)})
