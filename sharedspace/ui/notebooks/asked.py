"""The pages Search and Images as notebooks."""

from __future__ import annotations

from collections.abc import Sequence

from sharedspace.collection import Collection
from sharedspace.notebook import Cell, literal
from sharedspace.ui import cache, state, widgets
from sharedspace.ui.asking import Question
from sharedspace.ui.notebooks import download
from sharedspace.ui.notebooks.written import asked_for, code, ids_of, markdown, question

SELECTED = 60  # pictures of a selection that are shown

_NOTHING = """
words = ""  # such as "a boat at sea"
collection.search(words, k=12).hits if words else "nothing is asked yet"
"""


def search_button(collection: Collection, asked: Question, k: int, rate: float | None, table: bool) -> None:
    """The query with its results; as a `table` they stand beside the columns of all saved queries that can be asked."""
    saved = list(cache.query_columns(collection)) if table else []
    chosen = sorted(state.get().selected)
    download(collection, "search", "Search", lambda: [*search(asked, k, rate, saved), *selection(chosen, SELECTED)])


def images_button(collection: Collection) -> None:
    """All images, as far as they have the words of the filter, with the page that is shown."""
    words = str(state.value("filter", "") or "").casefold().split()
    page = int(state.value("gallery.page", 1) or 1)
    download(collection, "images", "Images", lambda: images(words, page, widgets.PAGE))


def search(asked: Question, k: int, rate: float | None, saved: Sequence[str]) -> list[Cell]:
    """A query with its results; `saved` are the queries whose columns stand beside them."""
    if not asked.parts:
        return [markdown("Nothing was asked when this was written. Type words below and run."), code(_NOTHING)]
    columns = [
        'columns = {"rank": [hit.rank for hit in result], "score": [hit.score for hit in result]}',
        "if result.no_match_line is not None:",
        '    columns["matches"] = [hit.matched for hit in result]',
    ]
    if len(asked.parts) > 1:
        columns += [
            "for place, term in enumerate(result.terms):",
            '    columns[f"{place + 1}. {term.name}"] = [hit.parts[place] for hit in result]',
        ]
    if saved:
        columns += [
            "at = {id: row for row, id in enumerate(collection.snapshot().ids)}",
            f"for name in {list(saved)!r}:",
            "    column = collection.query_column(name)",
            '    columns[f"query {name}"] = [column[at[hit.id]] for hit in result]',
        ]
    return [
        markdown(f"## Nearest to {asked_for(asked.parts)}"),
        code(question(asked, k, rate)),
        code(
            'print(f"the best {len(result.hits)} of {result.searched:,} images; no-match line: {result.no_match_line}")'
        ),
        Cell(
            "code",
            "from sharedspace.notebook import pictures\n\n"
            + "\n".join(columns)
            + "\npictures(collection, [hit.id for hit in result], columns)",
        ),
    ]


def images(words: Sequence[str], page: int, size: int) -> list[Cell]:
    """All images that have some words in their name or metadata, with one page of them as pictures."""
    said = f"those with {literal(' '.join(words))} in name or metadata" if words else "all"
    return [
        markdown(f"## The images: {said}"),
        code(
            f"""
            import json

            words = {list(words)!r}


            def said(record):
                return f"{{record.path}} {{json.dumps(record.meta, ensure_ascii=False)}}".casefold()


            snapshot, passed = collection.snapshot(), collection.mask()  # hidden images do not pass
            records = [
                record
                for row, record in enumerate(snapshot.records)
                if (passed is None or passed[row]) and all(word in said(record) for word in words)
            ]
            print(f"{{len(records):,}} of {{len(snapshot.records):,}} images")
            """
        ),
        code(
            f"""
            from sharedspace.notebook import pictures

            page = records[{(page - 1) * size}:{page * size}]
            pictures(collection, [record.id for record in page], across=8)
            """
        ),
        code(
            """
            import pandas as pd

            pd.DataFrame([{"id": one.id[:12], "path": one.path, **one.meta} for one in records])
            """
        ),
    ]


def selection(ids: Sequence[str], most: int) -> list[Cell]:
    """The selected images; no cell where there are none."""
    if not ids:
        return []
    return [
        markdown(f"## The selection: {len(ids):,} images"),
        Cell(
            "code",
            f"from sharedspace.notebook import pictures\n\nselected = {ids_of(ids)}\n"
            "chosen = [id for id in collection.snapshot().ids if id in selected]\n"
            f"pictures(collection, chosen[:{most}], across=8)",
        ),
    ]
