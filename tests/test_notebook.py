import json
import re
from pathlib import Path

import nbformat
import pytest
from cells import play
from hypothesis import given
from hypothesis import strategies as st

from sharedspace.errors import BadInput, NotFound
from sharedspace.notebook import Cell, literal, pictures, write
from sharedspace.workspace import Workspace

HOSTILE = ["<script>alert(1)</script>", "[a](javascript:x)", "$x$", "# a\n\n- b", "`c`", "a & b", "\\<b>", "\ud800"]


@pytest.fixture
def folder(pictures: Path) -> Path:  # under another name than that of the function
    return pictures


def test_a_written_notebook_is_valid_and_the_same_each_time():
    cells = [Cell("markdown", "# Boats"), Cell("code", "x = 2\nx + 1\n"), Cell("code", "")]

    text = write(cells, "Boats 'n <b>")

    book = nbformat.reads(text, as_version=4)
    nbformat.validate(book)
    assert (book.nbformat, book.nbformat_minor) == (4, 5)
    assert [(cell.cell_type, cell.source) for cell in book.cells] == [
        ("markdown", "# Boats"),
        ("code", "x = 2\nx + 1"),
        ("code", ""),
    ]
    assert len({cell.id for cell in book.cells}) == 3
    assert book.metadata.title == "Boats 'n <b>"
    assert text == write(cells, "Boats 'n <b>")


def test_a_written_notebook_runs():
    played = play(write([Cell("code", "x = 2"), Cell("code", "print(x)\nx + 1")], "Sums"))

    assert (played["x"], played.shown, played.printed) == (2, [3], "2\n")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_in_a_markdown_cell_is_neither_html_nor_markdown(text: str):
    written = literal(text)

    assert "<" not in written
    assert "\n" not in written
    assert not re.search(r"(?<!\\)[\[\]`$#*_]", re.sub(r"\\\\", "", written))
    json.loads(write([Cell("markdown", written)], text))


@given(st.text())
def test_any_text_stands_in_code_as_it_is(text: str):
    source = "".join(json.loads(write([Cell("code", f"x = {text!r}")], "t"))["cells"][0]["source"])
    names: dict[str, str] = {}
    exec(source, names)

    assert names["x"] == text


def test_pictures_are_a_table_with_thumbnails(workspace: Workspace, folder: Path):
    workspace.ingest("plain", [folder])
    collection = workspace.collection("plain")
    ids = [record.id for record in collection.snapshot().records][:3]

    beside = pictures(collection, ids, {"score": [0.5, 1.0, 2], "word": ["a", "<b>", None]})._repr_html_()
    below = pictures(collection, ids, across=2)._repr_html_()

    assert beside.count("<tr>") == 4
    assert beside.count('<img src="data:image/jpeg;base64,') == 3
    assert "<td>0.500</td><td>a</td>" in beside
    assert "<td>2</td><td></td>" in beside
    assert "<td>&lt;b&gt;</td>" in beside
    assert "<b>" not in beside
    assert below.count("<tr>") == 2
    assert below.count("<td>") == 3
    for record in collection.snapshot().records[:3]:
        assert record.path.rsplit("/", 1)[-1] in repr(pictures(collection, ids))


def test_pictures_refuse_what_is_not_there(workspace: Workspace, folder: Path):
    workspace.ingest("plain", [folder])
    collection = workspace.collection("plain")
    one = collection.snapshot().ids[0]

    with pytest.raises(NotFound):
        pictures(collection, ["f" * 64])
    with pytest.raises(BadInput, match="'score' has 2 values for 1"):
        pictures(collection, [one], {"score": [1.0, 2.0]})
