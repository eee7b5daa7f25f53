"""`sharedspace duplicates`, `outliers`, `looks` and `subset`: the same figures as the core, in one document."""

import csv
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from drawn import encoded
from PIL import Image
from shell import Shell

from sharedspace.testing import load_fake
from sharedspace.workspace import Workspace


def patches(seed: int, colour: tuple[float, float, float]) -> Image.Image:
    """A picture of a tint, with detail of its own."""
    rough = np.random.default_rng(seed).integers(40, 215, (24, 24)).astype(np.uint8)
    grey = np.asarray(Image.fromarray(rough).resize((240, 240), Image.Resampling.BICUBIC), dtype=np.float32)
    return Image.fromarray((grey[..., None] * colour).astype(np.uint8))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection `set`: six pictures of three colours in train; in test a copy of one, the same bytes, a strip."""
    at = tmp_path_factory.mktemp("messy")
    for part in ("train", "test"):
        (at / "set" / part).mkdir(parents=True)
    tints = ((1, 0.1, 0.1), (0.1, 1, 0.1), (0.1, 0.1, 1))
    for row in range(6):
        (at / "set" / "train" / f"{row}.png").write_bytes(encoded(patches(row, tints[row % 3]), "PNG"))
    (at / "set" / "test" / "copy.png").write_bytes(encoded(patches(0, tints[0]).resize((120, 120)), "PNG"))
    (at / "set" / "test" / "strip.png").write_bytes(encoded(patches(9, (1, 1, 1)).resize((400, 100)), "PNG"))
    (at / "set" / "test" / "same.png").write_bytes((at / "set" / "train" / "1.png").read_bytes())
    with closing(Workspace(at / "home", load=load_fake)) as workspace:
        workspace.ingest("set", [str(at / "set")])
    return at / "home"


@pytest.fixture
def shell(home: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(home, capsys)


def names(rows: list[dict]) -> list[str]:
    return [Path(row["path"]).name for row in rows]


def test_duplicates_are_the_same_picture_unless_the_cosine_is_to_count_alone(shell: Shell, tmp_path: Path):
    document = shell.json("duplicates", "-c", "set", "--out", str(tmp_path / "found.csv"))
    alone = shell.json("duplicates", "-c", "set", "--cosine-alone")

    assert [names(group["images"]) for group in document["groups"]] == [["0.png", "copy.png"]]
    assert document["groups"][0]["reason"] == "the largest, 240 × 240"
    assert [len(one["names"]) for one in document["exact"]] == [1]
    assert document["alike"] > 0
    assert alone["pairs"] == document["pairs"] + document["alike"]
    with (tmp_path / "found.csv").open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [(Path(row["path"]).name, row["keep"]) for row in rows] == [("0.png", "True"), ("copy.png", "False")]


def test_duplicates_are_told_in_words_too(shell: Shell):
    words = shell("duplicates", "-c", "set")

    assert "0.png  the largest, 240 × 240" in words
    assert "1 group of near duplicates with 2 images, from cosine 0.9 on" in words
    assert "1 more file with the same bytes as one of the images" in words


def test_leaks_name_both_parts_and_without_any_the_status_is_1(shell: Shell):
    document = shell.json("duplicates", "-c", "set", "--leaks", "folder")
    (pair,) = document["pairs"]

    assert {Path(pair["path_a"]).name, Path(pair["path_b"]).name} == {"0.png", "copy.png"}
    assert {pair["value_a"], pair["value_b"]} == set(document["between"][0]["values"])
    assert len(document["several"]) == 1
    assert "copy.png" in shell("duplicates", "-c", "set", "--leaks", "folder")

    with closing(Workspace(shell.home, load=load_fake)) as workspace:
        workspace.collection("set").give("half", dict.fromkeys(workspace.collection("set").snapshot().ids, "both"))
    assert shell.json("duplicates", "-c", "set", "--leaks", "half", status=1)["pairs"] == []
    assert "no near duplicates were found across half" in shell.errors


def test_the_stranger_comes_first_and_top_cuts_the_list(shell: Shell):
    document = shell.json("outliers", "-c", "set", "-k", "1", "--top", "3")

    assert names(document["rows"])[0] == "strip.png"
    assert [row["rank"] for row in document["rows"]] == [1, 2, 3]
    assert (document["k"], document["images"]) == (1, 8)
    assert document["rows"][0]["percentile"] == 100
    assert "strip.png" in shell("outliers", "-c", "set", "-k", "1").splitlines()[1]


def test_poor_pictures_are_told_with_their_flaw_and_measure(shell: Shell):
    document = shell.json("looks", "-c", "set")

    assert [Path(row["path"]).name for row in document["rows"] if row["flaw"] == "odd-shaped"] == ["strip.png"]
    assert document["counts"]["odd-shaped"] == 1
    assert sum(document["counts"].values()) == len(document["rows"])
    assert "strip.png" in shell("looks", "-c", "set")


@pytest.mark.parametrize("kind", [(), ("--typical",)], ids=["diverse", "typical"])
def test_a_subset_stands_for_all_images(shell: Shell, kind: tuple[str, ...], tmp_path: Path):
    document = shell.json("subset", "-c", "set", "-n", "4", *kind, "--out", str(tmp_path / "few.csv"))

    assert len({row["id"] for row in document["rows"]}) == 4
    assert sum(row["stands_for"] for row in document["rows"]) == 8
    assert -1 <= document["worst"] <= 1
    assert len((tmp_path / "few.csv").read_text(encoding="utf-8").splitlines()) == 5


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("duplicates", "--threshold", "1.5"), "not 1.5"),
        (("duplicates", "--leaks", "splat"), "No metadata field named 'splat'"),
        (("outliers", "-k", "0"), "none of number 0"),
        (("outliers", "--top", "0"), "at least one image"),
        (("subset", "-n", "0"), "at least one image"),
        (("looks", "--out", "x.txt"), "its name has to end in .csv"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_the_reason(shell: Shell, words: tuple[str, ...], reason: str):
    shell(*words, "-c", "set", status=2)

    assert reason in shell.errors
