"""The README is held true: its file map, its session, its pages."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from sharedspace.cli import main
from sharedspace.ui.lessons import LESSONS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_file_map_names_what_is_there_and_everything_that_is_there():
    tree = README.split("## Where things are")[1].split("```")[1]
    named = set(re.findall(r"[\w/]+(?:\.py|/)(?=\s)", tree))

    top = {f"{path.name}/" for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    made = {"screenshots/", "build/", "runs/"}
    package = {path.name if path.suffix else f"{path.name}/" for path in (ROOT / "sharedspace").iterdir()}
    package -= {"__init__.py", "__pycache__/", "py.typed"}
    assert {name for name in top if not name.endswith(".egg-info/")} - made <= named
    assert package <= named
    for name in named:
        assert any((folder / name).exists() for folder in (ROOT, ROOT / "sharedspace", ROOT / "sharedspace" / "ui")), (
            name
        )


def test_every_page_is_named():
    titles = {lesson.name: lesson.title for lesson in LESSONS}
    for path in (ROOT / "pages").glob("*.py"):
        assert f"| {titles.get(path.stem, path.stem.replace('_', '-').capitalize())} |" in README


def session() -> list[tuple[str, list[str]]]:
    """Commands of the README's session with the lines that it shows for each."""
    block = next(block for block in README.split("```") if "$ sharedspace" in block)
    commands = [part.strip("\n").split("\n") for part in block.split("$ ")[1:]]
    return [(command, lines) for command, *lines in commands]


def as_on_any_machine(line: str) -> str:
    """Without the time it took, and cosines to two digits: the last ones depend on the processor."""
    line = re.sub(r"in [\d.]+ s \(\d+ images/s, float32\)", "in … s", line)
    return re.sub(r"\d\.\d{4}", lambda score: f"{float(score[0]):.2f}", line).rstrip()


def test_the_session_gives_the_outputs_that_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("SHAREDSPACE_HOME", str(tmp_path / "home"))
    shutil.copytree(ROOT / "sample_data", tmp_path / "sample_data")
    monkeypatch.chdir(tmp_path)
    shown, given = [], []
    for command, lines in session():
        program, *arguments = shlex.split(command)
        assert program == "sharedspace"
        assert main(arguments) in (0, 1)
        captured = capsys.readouterr()
        output = (captured.err + captured.out).strip("\n").split("\n")
        shown.append((command, [as_on_any_machine(line) for line in lines]))
        given.append((command, [as_on_any_machine(line) for line in output]))

    assert given == shown
