"""`sharedspace classify` beyond labels and a template: prompts, ensembles, several labels, none, filters, files."""

import csv
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import PLAIN
from shell import Shell

from sharedspace import words
from sharedspace.classifier import load
from sharedspace.records import OTHER
from sharedspace.testing import FakeEncoder, load_fake
from sharedspace.workspace import Workspace


@pytest.fixture
def filled(tmp_path: Path, capsys: pytest.CaptureFixture[str], pictures: Path) -> Shell:
    """A shell whose collection `plain` has six pictures with the metadata field `colour`."""
    shell = Shell(tmp_path / "home", capsys)
    rows = [f"{name}.png,{name}" for name in PLAIN]
    (pictures / "labels.csv").write_text("\n".join(["file,colour", *rows]))
    shell("ingest", str(pictures), "-c", "plain", "-m", "fake")
    return shell


def by_name(document: Any, key: str = "label") -> dict[str, Any]:
    return {Path(row["path"]).stem: row[key] for row in document["rows"]}


def ask(shell: Shell, *words: str, status: int = 0) -> Any:
    return shell.json("classify", "-c", "plain", *words, status=status)


def test_labels_with_prompts_come_from_the_line_or_from_a_file(filled: Shell, tmp_path: Path):
    text = "fire: red, yellow\nsea: blue, cyan\n"
    (tmp_path / "labels.txt").write_text(f"\ufeff{text}", encoding="utf-8")
    from_line, from_file = ask(filled, "--labels", text), ask(filled, "--labels-file", str(tmp_path / "labels.txt"))

    encoder = FakeEncoder()
    classes = np.stack([encoder.texts(pair).mean(axis=0) for pair in (["red", "yellow"], ["blue", "cyan"])])
    classes /= np.linalg.norm(classes, axis=1, keepdims=True)
    for name, label in by_name(from_line).items():
        logits = classes @ encoder.texts([name])[0]
        assert label == ("fire", "sea")[logits.argmax()]
    assert from_file == from_line
    assert from_line["labels"] == ["fire", "sea"]
    assert from_line["unknown_words"] == []  # no template stands before a label's own prompts


@pytest.mark.parametrize("count", [7, 80])
def test_an_ensemble_is_the_same_as_its_templates_given_one_by_one(filled: Shell, count: int):
    labels = ["--labels", "red,white green"]
    one_by_one = [part for template in words.templates(7 if count == 7 else 80) for part in ("--template", template)]

    assert ask(filled, *labels, "--ensemble", str(count)) == ask(filled, *labels, *one_by_one)


def test_many_gives_an_image_each_label_that_fits_it_by_itself(filled: Shell, tmp_path: Path):
    out = tmp_path / "labels.csv"
    document = ask(filled, "--labels", "yellow,red,green,black", "--many", "--template", "{}", "--out", str(out))

    encoder = FakeEncoder()
    labels = ["yellow", "red", "green", "black"]
    classes, bank = encoder.texts(labels), encoder.texts(words.neutral())
    for name, given in by_name(document, "labels").items():
        image = encoder.texts([name])[0]
        fits = {label for label, row in zip(labels, classes, strict=True) if row @ image >= (bank @ image).max() + 1e-5}
        assert set(given) == fits
    assert set(by_name(document, "labels")["yellow"]) >= {"yellow"}
    assert document["mode"] == "many"
    rows = csv.DictReader(out.read_text(encoding="utf-8").splitlines())
    written = {Path(row["path"]).stem: row["label"] for row in rows}
    assert written == {name: " · ".join(given) for name, given in by_name(document, "labels").items()}


def test_other_is_a_class_for_what_fits_no_label(filled: Shell):
    document = ask(filled, "--labels", "red,blue", "--template", "{}", "--other", "--truth", "colour")

    labels = by_name(document)
    assert (labels["red"], labels["blue"]) == ("red", "blue")
    assert document["labels"] == ["red", "blue", OTHER]
    assert by_name(document, "truth")["green"] == OTHER
    assert document["accuracy_n"] == 6
    right = sum(label == true for label, true in zip(labels.values(), by_name(document, "truth").values(), strict=True))
    assert document["accuracy"] == pytest.approx(right / 6)


def test_where_leaves_images_out_and_without_any_it_says_so(filled: Shell):
    labels = ["--labels", "red,blue", "--where"]

    assert set(by_name(ask(filled, *labels, "colour~e"))) == {"red", "green", "blue", "yellow", "magenta"}
    assert ask(filled, *labels, "colour=beige", status=1)["rows"] == []
    assert "no image passes these filters" in filled.errors
    assert "0" in filled("classify", "-c", "plain", *labels, "colour=beige", "--truth", "colour", status=1)


def test_a_saved_classifier_gives_the_same_answers_without_the_words(filled: Shell, tmp_path: Path):
    path = tmp_path / "colours.npz"
    options = ["--template", "{}", "--temperature", "2", "--other"]
    by_words = ask(filled, "--labels", "red,blue", *options, "--truth", "colour", "--save-classifier", str(path))
    by_file = ask(filled, "--classifier", str(path), "--truth", "colour")

    assert by_name(by_file) == by_name(by_words)
    assert by_file["confusion"] == by_words["confusion"]
    assert list(by_name(by_file, "probability").values()) == pytest.approx(
        list(by_name(by_words, "probability").values()), abs=1e-5
    )
    assert load(path).templates == ("{}",)


def test_answers_become_a_field_that_can_be_filtered_by(filled: Shell):
    given = by_name(ask(filled, "--labels", "red,green", "--template", "{}", "--other", "--into", "guess"))
    found = ask(filled, "--labels", "green,magenta", "--where", "guess=red")

    assert set(by_name(found)) == {name for name, label in given.items() if label == "red"} < set(given)
    assert ask(filled, "--labels", "red,green", "--template", "{}", "--other", "--truth", "guess")["accuracy"] == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--labels", ": red"], "stands no label"),
        (["--labels-file", "nowhere.txt"], "nowhere.txt is not a file"),
        (["--labels-file", "latin.txt"], "latin.txt cannot be read as a text in UTF-8"),
        (["--labels", "red,blue", "--many", "--other"], "needs no class"),
        (["--labels", "red,blue", "--into", "colour"], "came with the files"),
        (["--labels", "red,blue", "--save-classifier", "x.txt"], "end in .npz"),
        (["--classifier", "nowhere.npz"], "nowhere.npz cannot be read"),
        (["--classifier", "latin.npz"], "latin.npz is no classifier"),
        (["--classifier", "mine"], "No saved classifier named 'mine'"),
        (
            ["--classifier", "mine", "--many", "--temperature", "2"],
            "--temperature, --many: a classifier brings its own",
        ),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_what_cannot_be_done_is_said(filled: Shell, given: list[str], message: str, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("latin.txt", "latin.npz"):
        Path(name).write_bytes("grün".encode("latin-1"))

    filled("classify", "-c", "plain", *given, status=2)
    assert message in filled.errors


@pytest.mark.parametrize(
    "given",
    [["--labels", "a,b", "--classifier", "x"], ["--labels", "a,b", "--template", "{}", "--ensemble", "7"],
     ["--labels", "a,b", "--ensemble", "8"]],
)  # fmt: skip
def test_options_that_contradict_each_other_are_refused_with_usage(filled: Shell, given: list[str]):
    with pytest.raises(SystemExit):
        ask(filled, *given)


def test_hidden_images_are_left_out_unless_they_are_asked_for(filled: Shell):
    with closing(Workspace(filled.home, load=load_fake)) as workspace:
        collection = workspace.collection("plain")
        collection.tag(
            [row["id"] for row in ask(filled, "--labels", "red,blue", "--where", "colour~e")["rows"]], "hidden"
        )

    assert set(by_name(ask(filled, "--labels", "red,blue"))) == {"cyan"}
    assert len(ask(filled, "--labels", "red,blue", "--where", "tag=hidden")["rows"]) == 5
