"""The notebooks run from top to bottom, and what is saved in them is what they show today."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import nbformat
import pytest
from cells import Kernel

FOLDER = Path(__file__).parent.parent / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
NAMES = {
    *("quick_start", "zero_shot_on_your_folder", "explore_a_data_set"),
    *("one_space_and_cosine", "contrastive_training", "zero_shot_and_its_limits"),
    *("geometry_gap_and_mixing", "from_toy_to_scale"),
}
FREE = {
    "numpy",
    "pandas",
    "torch",
    "IPython",
    "tempfile",
    "pathlib",
    "time",
    "sharedspace",
}  # what a notebook may import
MOST = 400_000  # bytes of one
VARIES = "varies"  # tag of a cell whose text is of the machine it ran on: seconds, what UMAP has drawn


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def said(book: Any) -> dict[int, str]:
    """The text that each code cell gave, by its place: printed, and of what it showed."""
    return {
        place: "".join(
            output.text if output.output_type == "stream" else output.data.get("text/plain", "")
            for output in cell.outputs
            if output.get("name") != "stderr"  # what libraries say of this machine
        )
        for place, cell in enumerate(book.cells)
        if cell.cell_type == "code" and VARIES not in cell.metadata.get("tags", ())
    }


def test_there_is_a_notebook_for_each_family():
    assert {path.stem for path in PATHS} == NAMES


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom_and_shows_what_is_saved(path: Path, kernel: Kernel):
    saved = read(path)

    fresh = kernel.run(read(path))

    assert all(cell.execution_count for cell in fresh.cells if cell.cell_type == "code")
    assert said(fresh) == said(saved), "stale: run scripts/make_notebooks.py"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_saved_notebook_is_small_and_its_figures_show_in_plain_viewers(path: Path):
    book = read(path)
    data = [output.data for cell in book.cells for output in cell.get("outputs", []) if "data" in output]

    assert any("image/png" in one for one in data)
    assert all(set(one) <= {"image/png", "text/plain"} or "<table" in one["text/html"] for one in data)
    assert path.stat().st_size <= MOST
    assert not any(root in path.read_text(encoding="utf-8") for root in (str(Path.home()), str(FOLDER.parent), "/tmp/"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_notebook_imports_the_public_core_only(path: Path):
    source = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "code")
    found = [
        module
        for node in ast.walk(ast.parse(source))
        for module in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [f"{node.module}.{alias.name}" for alias in node.names]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]

    assert found
    for module in found:
        assert module.split(".")[0] in FREE
        assert not module.startswith(("sharedspace.ui", "sharedspace.cli"))
        assert "._" not in module
