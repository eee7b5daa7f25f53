"""`sharedspace explain`, called in process."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from shell import Shell

from sharedspace import explain


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path / "home", capsys)


@pytest.fixture
def half_red(tmp_path: Path) -> str:
    """A blue picture, red on its left."""
    picture = Image.new("RGB", (32, 32), "blue")
    picture.paste("red", (0, 0, 16, 32))
    picture.save(tmp_path / "half.png")
    return str(tmp_path / "half.png")


def test_explain_answers_with_the_promised_fields(shell: Shell, half_red: str, tmp_path: Path):
    out = str(tmp_path / "why.png")
    found = shell.json("explain", "red dragon", "--image", half_red, "-m", "fake", "--out", out)

    red, mixed = np.array([1, 0, 0, 0.1]), np.array([0.5, 0, 0.5, 0.1])
    score = red @ mixed / np.sqrt(red @ red * (mixed @ mixed))
    nothing = 0.1 / np.sqrt(mixed @ mixed)  # cosine of a text that names no colour
    patches = found.pop("patches")
    assert found.pop("score") == pytest.approx(score, abs=1e-6)
    assert [one["word"] for one in found["words"]] == ["red", "dragon"]
    assert [one["change"] for one in found.pop("words")] == pytest.approx([score - nothing, 0], abs=1e-6)
    assert found == {
        "text": "red dragon",
        "image": half_red,
        "model": "fake",
        "method": explain.METHOD,
        "unknown_words": ["dragon"],
        "cut": 0,
        "out": out,
    }
    heat = np.array(patches.pop("heat"))
    assert heat.shape == (8, 8)
    assert heat[:, :4].min() > heat[:, 4:].max()
    assert patches == {"rows": 8, "columns": 8, "box": [0, 0, 1, 1], "where": "upper left"}


def test_explain_writes_the_picture_with_its_heat(shell: Shell, half_red: str, tmp_path: Path):
    out = tmp_path / "why.png"
    shell("explain", "red", "--image", half_red, "-m", "fake", "--out", str(out))

    with Image.open(out) as drawn:
        assert (drawn.format, drawn.size) == ("PNG", (32, 32))


def test_explain_in_words(shell: Shell, half_red: str):
    lines = shell("explain", "red blue dragon", "--image", half_red, "-m", "fake").splitlines()

    assert lines[0] == "score 0.9976"  # of (1, 0, 1, 0.1) and (0.5, 0, 0.5, 0.1)
    assert lines[1].split() == ["without", "it", "change", "share"]
    assert [line.split()[0] for line in lines[2:5]] == ["red", "blue", "dragon"]
    assert [line.split()[2:] for line in lines[2:5]] == [["50%"], ["50%"], []]
    assert lines[5].startswith("where it looks: ")
    assert explain.METHOD in lines[-1]
    assert shell.errors.strip() == "fake does not know: dragon"


def test_explain_tells_how_much_of_a_long_text_was_read(shell: Shell, half_red: str):
    found = shell.json("explain", "red " * 1000, "--image", half_red, "-m", "fake")

    assert (len(found["words"]), found["cut"]) == (16, 984)
    assert "only the first 16 tokens were read" in shell.errors


def test_explain_takes_pocket_and_says_what_it_does_not_see(shell: Shell, tmp_path: Path):
    from sharedspace import encoders

    Image.new("RGB", (200, 100), "red").save(tmp_path / "wide.png")
    said = shell("explain", "red", "--image", str(tmp_path / "wide.png"), load=encoders.load)

    assert "the model sees only the middle of the picture: 25% to 75% of its width, 0% to 100% of its height" in said


def test_explain_leaves_no_home_behind(shell: Shell, half_red: str):
    shell("explain", "red", "--image", half_red, "-m", "fake")

    assert not shell.home.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            [" ", "--image", "half.png"],
            """There is no text to explain: give at least one word, such as "a red boat".""",
        ),
        (["red", "--image", "nothing.png"], "nothing.png is not a file."),
        (["red", "--image", "."], ". is not a file."),
        (["red", "--image", "text.png"], "text.png: not a picture that can be read"),
        (["red", "--image", "half.png", "--out", "why.jpg"], "why.jpg cannot be written: its name has to end in .png"),
        (["red", "--image", "half.png", "--out", "no/why.png"], "there is no folder no"),
    ],
)
def test_what_cannot_be_explained_is_said(
    words: list[str], message: str, shell: Shell, half_red: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("just words")

    assert shell("explain", *words, "-m", "fake", status=2) == ""
    assert message in shell.errors
    assert len(shell.errors.splitlines()) == 1


def test_a_text_that_names_a_file_is_only_a_text(shell: Shell, half_red: str):
    assert json.loads(shell("explain", half_red, "--image", half_red, "-m", "fake", "--json"))["text"] == half_red
