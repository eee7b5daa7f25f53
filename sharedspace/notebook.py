"""Notebooks: cells as an .ipynb file, and the pictures of a collection as one shows them. Needs no Jupyter."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sharedspace import images
from sharedspace.collection import Collection
from sharedspace.errors import BadInput, NotFound

# Each alone has a meaning in markdown, or in the mathematics that notebooks read in it.
_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$:^=@])")
_HEIGHT = 72  # pixels of a picture in a table
_LANGUAGE = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: markdown, or Python whose last expression is shown."""

    kind: Literal["markdown", "code"]
    source: str


def literal(text: str) -> str:
    """A user's text as a markdown cell shows it literally, on one line: neither markdown nor HTML nor mathematics."""
    line = " ".join(str(text).encode("utf-8", "replace").decode("utf-8").split())
    return html.escape(_MARKS.sub(r"\\\1", line), quote=False)


def write(cells: Sequence[Cell], title: str) -> str:
    """Cells as the text of an .ipynb file (nbformat 4.5), which nothing has run yet; `title` is plain text.

    The same cells give the same text: ids are by place.
    """
    document = {
        "cells": [_written(cell, place) for place, cell in enumerate(cells)],
        "metadata": {**_LANGUAGE, "language_info": {"name": "python"}, "title": title},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document, indent=1) + "\n"


def _written(cell: Cell, place: int) -> dict[str, Any]:
    source = cell.source.strip("\n").splitlines(keepends=True)
    written: dict[str, Any] = {"cell_type": cell.kind, "id": f"cell-{place}", "metadata": {}, "source": source}
    if cell.kind == "code":
        written |= {"execution_count": None, "outputs": []}
    return written


@dataclass(frozen=True, slots=True)
class Pictures:
    """Images with what is said of each; a notebook shows them as a table."""

    ids: tuple[str, ...]
    columns: Mapping[str, tuple[object, ...]]
    files: tuple[str, ...]  # the name of each image's file
    thumbs: tuple[str, ...]  # as addresses that hold the picture; empty where none is kept
    across: int  # pictures in a row; with 1 the columns stand beside them, else below

    def __repr__(self) -> str:
        rows = zip(*[map(_said, values) for values in self.columns.values()], self.files, strict=True)
        return "\n".join("  ".join(row) for row in rows)

    def _repr_html_(self) -> str:
        cells = [self._cell(place) for place in range(len(self.ids))]
        rows = ["".join(cells[start : start + self.across]) for start in range(0, len(cells), self.across)]
        if self.across == 1:
            rows.insert(0, "".join(f"<th>{html.escape(name)}</th>" for name in ("", *self.columns, "file")))
        return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"

    def _cell(self, place: int) -> str:
        said = [_said(values[place]) for values in self.columns.values()]
        file, thumb = html.escape(self.files[place]), self.thumbs[place]
        picture = f'<img src="{thumb}" alt="{file}" height="{_HEIGHT}">' if thumb else "no picture"
        if self.across == 1:
            return "".join(f"<td>{part}</td>" for part in (picture, *map(html.escape, said), file))
        return f"<td>{'<br>'.join([picture, *map(html.escape, said)])}</td>"


def pictures(
    collection: Collection,
    ids: Sequence[str],
    columns: Mapping[str, Sequence[object]] | None = None,
    across: int = 1,
) -> Pictures:
    """Images of a collection by id, with columns of as many values, as a table that a notebook shows.

    With `across` over 1 they stand side by side, the values below each. Raises NotFound for an id that is not there,
    BadInput for a column of another length.
    """
    known = {record.id: record for record in collection.snapshot().records}
    for id in ids:
        if id not in known:
            raise NotFound("image", id)
    given = {name: tuple(values) for name, values in (columns or {}).items()}
    for name, values in given.items():
        if len(values) != len(ids):
            raise BadInput(f"The column {name!r} has {len(values)} values for {len(ids)} images: give one for each.")
    files = tuple(re.split(r"[\\/]", known[id].path)[-1] for id in ids)
    return Pictures(tuple(ids), given, files, tuple(_thumb(collection, id) for id in ids), max(1, across))


def _thumb(collection: Collection, id: str) -> str:
    path = collection.thumbnail(id)
    if path is None:
        return ""
    return f"data:{images.media_type(path)};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def _said(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float | np.floating) else str(value)
