"""The ladder of imports, the one owner of each heavy library, and thin pages; see docs and the errors' own tree."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "sharedspace"

# An import points only to a lower row; modules of one row do not import each other; packages may within themselves.
ROWS = (
    {"errors", "records", "vectors"},
    {"limits"},  # raises errors
    {"images", "encoders", "ledger", "store", "projection", "plots", "pocket", "testing", "words"},
    {"ingest", "search", "filters", "questions", "chance", "explain", "gap", "zeroshot", "clusters", "home", "answers"}
    | {"calibration", "heads", "doctor", "classifier", "naming", "quality", "captioner"},
    # samples reads its table of labels as ingest does
    {"samples", "transfer", "upkeep", "intake", "tuning", "collection", "lessons"},
    {"workspace", "classroom", "jobs", "notebook"},
    {"ui", "cli", "server"},
)
ROW = {name: number for number, row in enumerate(ROWS) for name in row}
OWNERS = {
    "streamlit": {"ui"},
    "chromadb": {"store"},
    "umap": {"projection"},
    "sqlite3": {"ledger", "store"},  # the store looks at Chroma's file before Chroma opens it
    "PIL": {"images", "pocket"},
    "torch": {"encoders", "pocket", "captioner"},
    "transformers": {"encoders", "pocket", "captioner"},
    "sentence_transformers": {"encoders", "pocket"},
    "plotly": {"plots"},
    "sklearn": {"clusters", "quality"},
    "scipy": {"projection", "quality", "heads", "calibration", "clusters"},
    "pyarrow": {"transfer", "ingest"},
    "datasets": {"ingest"},
}
HEAVY = {*OWNERS, "pandas", "starlette", "numba", "huggingface_hub", "safetensors"} - {"sqlite3"}


@dataclass(frozen=True)
class Import:
    """One imported module, absolute."""

    module: str
    line: int
    for_types: bool  # only under `if TYPE_CHECKING`
    at_import: bool  # runs when the file is imported, not in a function


@cache
def imports(path: Path) -> tuple[Import, ...]:
    return tuple(_imports(ast.parse(path.read_text(encoding="utf-8")), path, False, True))


def _imports(node: ast.AST, path: Path, for_types: bool, at_import: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        typed = for_types or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test))
        now = at_import and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, typed, now)
        elif isinstance(child, ast.ImportFrom):
            base = child.module or ""
            if child.level:
                package = path.relative_to(ROOT).parent.parts
                base = ".".join((*package[: len(package) - child.level + 1], *base.split("."))).rstrip(".")
            for alias in child.names:  # `from sharedspace import images` imports a module
                yield Import(f"{base}.{alias.name}", child.lineno, typed, now)
        else:
            yield from _imports(child, path, typed, now)


def unit_of(module: str) -> str:
    """sharedspace.encoders.clip → encoders; sharedspace itself → the empty string."""
    return [*module.split("."), ""][1] if module.split(".")[0] == "sharedspace" else ""


FILES = sorted(PACKAGE.rglob("*.py"))
IDS = [path.relative_to(PACKAGE).as_posix() for path in FILES]
PAGES = sorted((ROOT / "pages").glob("*.py"))


def module_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_module_has_its_row():
    assert {module_of(path) for path in FILES} - {"__init__"} <= set(ROW)


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_imports_point_only_to_a_lower_row(path: Path):
    own = module_of(path)
    for found in imports(path):
        given = unit_of(found.module)
        if not given or given == own or own == "__init__" or given not in ROW:
            continue
        assert ROW[given] < ROW[own], f"{path.name}:{found.line} ({own}) imports {given}, of the same or a higher row"


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_each_heavy_library_is_imported_by_its_owner_only(path: Path):
    for found in imports(path):
        owners = OWNERS.get(found.module.split(".")[0])
        a_type = found.for_types and found.module.startswith(("PIL", "plotly"))
        allowed = owners is None or module_of(path) in owners or a_type
        assert allowed, f"{path.name}:{found.line} imports {found.module}, which belongs to {owners}"


# In a fresh process: what one test imports, another would find.
LIGHT = ["", ".workspace", ".testing", ".samples", ".transfer", ".answers", ".cli"]
LIGHT = [name for name in LIGHT if name[1:] in {"", *map(module_of, FILES)}]


@pytest.mark.parametrize("name", LIGHT)
def test_importing_the_core_loads_no_heavy_library(name: str):
    code = f"import sys, sharedspace{name}; print(*sorted({HEAVY!r} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)

    assert loaded.stdout.split() == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_only_wires(path: Path):
    text = path.read_text(encoding="utf-8")
    kinds = {type(node) for node in ast.walk(ast.parse(text))}

    assert len(text.splitlines()) <= 120
    assert not kinds & {ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Try}
    assert "session_state" not in text
    for found in imports(path):
        allowed = found.module.startswith(("streamlit.", "sharedspace.ui.", "sharedspace.plots."))
        assert allowed or found.module == "streamlit", f"{path.name}:{found.line} imports {found.module}"


@pytest.mark.skipif(not (ROOT / "app.py").exists(), reason="there is no app.py yet")
def test_the_launcher_is_small():
    assert len((ROOT / "app.py").read_text(encoding="utf-8").splitlines()) <= 40


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import umap.umap_", [("umap.umap_", False, True)]),
        ("def f():\n    from PIL import Image", [("PIL.Image", False, False)]),
        ("if TYPE_CHECKING:\n    from PIL import Image", [("PIL.Image", True, True)]),
        ("from . import sibling", [("sharedspace.pocket.sibling", False, True)]),
        ("from ..store import Store", [("sharedspace.store.Store", False, True)]),
        ("try:\n    import torch\nexcept E:\n    pass", [("torch", False, True)]),
    ],
)
def test_the_walk_itself_sees_every_form_of_import(text: str, expected: list):
    found = _imports(ast.parse(text), PACKAGE / "pocket" / "world.py", False, True)

    assert [(one.module, one.for_types, one.at_import) for one in found] == expected
