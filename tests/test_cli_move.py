"""The verbs that move what is known of collections: export, import, collections copy, give."""

import re
from pathlib import Path
from typing import Any

import pytest
from drawn import PLAIN
from shell import Shell

from sharedspace.errors import ModelUnavailable


@pytest.fixture
def there(tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A home whose collection `plain` has six pictures with the metadata field `colour`."""
    (pictures / "labels.csv").write_text("\n".join(["file,colour", *(f"{name}.png,{name}" for name in PLAIN)]))
    shell = Shell(tmp_path / "there", capsys)
    shell("ingest", str(pictures), "-c", "plain")
    return shell


@pytest.fixture
def here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Another home, empty."""
    return Shell(tmp_path / "here", capsys)


def test_a_collection_goes_from_one_home_to_another_and_answers_the_same(there: Shell, here: Shell, tmp_path: Path):
    path = str(tmp_path / "plain.zip")
    sent = there.json("export", "-c", "plain", "--out", path)
    came = here.json("import", path)

    assert sent == {
        "out": path,
        "format": "zip",
        "images": 6,
        "bytes": Path(path).stat().st_size,
        "thumbs": 6,
        "originals": 0,
    }
    assert came == {"name": "plain", "images": 6, "added": 6, "already_there": 0, "space": "pocket-colours"}
    question = ("search", "a red boat", "-c", "plain")
    assert here.json(*question) == there.json(*question)
    assert here.json("collections", "show", "plain") == there.json("collections", "show", "plain")


def test_people_read_where_it_went_and_what_came(there: Shell, here: Shell, tmp_path: Path):
    path = tmp_path / "plain.zip"

    size = r"\d+\.\d kB"
    assert_line(there("export", "-c", "plain", "--out", str(path)), rf"{path}: 6 images, {size}")
    assert here("import", str(path), "-c", "mine") == "mine: 6 added, 0 already there\n"
    assert here("import", str(path), "-c", "mine") == "mine: 0 added, 6 already there\n"
    assert here.errors == ""


def assert_line(found: str, pattern: str) -> None:
    assert re.fullmatch(pattern + "\n", found), found


def test_originals_that_were_not_kept_are_told(there: Shell, tmp_path: Path):
    line = there("export", "-c", "plain", "--out", str(tmp_path / "plain.zip"), "--originals")

    assert line.endswith(", 0 originals\n")
    assert there.errors == "the bytes of 6 pictures were not kept at ingest: no originals of them\n"


@pytest.mark.parametrize("ending", ["parquet", "npz", "csv"])
def test_tables_are_written(there: Shell, tmp_path: Path, ending: str):
    document = there.json("export", "-c", "plain", "--out", str(tmp_path / f"plain.{ending}"))

    assert (document["format"], document["images"]) == (ending, 6)
    assert (tmp_path / f"plain.{ending}").stat().st_size == document["bytes"] > 0


def test_a_model_that_is_not_here_is_named_on_the_way_in(
    there: Shell, here: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = str(tmp_path / "plain.zip")
    there("export", "-c", "plain", "--out", path)
    monkeypatch.setattr("sharedspace.encoders.on_disk", lambda name: False)

    here("import", path)
    assert here.errors == "texts are searched with the model pocket, which is not on this machine\n"

    def absent(name: str) -> Any:
        raise ModelUnavailable(f"The model {name!r} is not on this machine.")

    here("search", "red", "-c", "plain", status=2, load=absent)
    assert here.errors == "sharedspace: The model 'pocket' is not on this machine.\n"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["export", "-c", "plain", "--out", "plain.tar"], "its name has to end in .zip or .parquet or .npz or .csv"),
        (["export", "-c", "nothing", "--out", "plain.zip"], "No collection named 'nothing'. There is: plain."),
        (["export", "-c", "plain", "--out", "a.csv", "--originals"], "cannot hold originals: only a .zip can"),
        (["import", "nowhere.zip"], "nowhere.zip: there is no such file."),
        (["import", "labels.csv"], "labels.csv is a table: `ingest` takes pictures and vectors from one"),
        (["collections", "copy", "plain", "plain"], "There is a collection named 'plain' already"),
        (["collections", "copy", "nothing", "more"], "No collection named 'nothing'."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_one_sentence_and_status_2(
    there: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], reason: str
):
    monkeypatch.chdir(tmp_path)
    assert there(*words, status=2) == ""

    assert there.errors.startswith("sharedspace: ")
    assert reason in there.errors
    assert there.errors.count("\n") == 1


def test_a_name_from_a_strangers_file_has_no_power_over_the_terminal(there: Shell, here: Shell, tmp_path: Path):
    there("collections", "rename", "plain", "red\x1b[31m")
    there("export", "-c", "red\x1b[31m", "--out", str(tmp_path / "plain.zip"))

    assert here("import", str(tmp_path / "plain.zip")) == "red\\x1b[31m: 6 added, 0 already there\n"


def test_a_copy_is_told_and_listed(there: Shell):
    assert there("collections", "copy", "plain", "second") == "second: 6 images, as in plain\n"
    assert there.json("collections", "copy", "plain", "third") == {"name": "third", "of": "plain", "images": 6}
    assert [one["name"] for one in there.json("collections")["collections"]] == ["plain", "second", "third"]
    assert [one["images"] for one in there.json("collections")["collections"]] == [6, 6, 6]


def test_ctrl_c_ends_with_130_and_leaves_no_half_file(there: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupted(self: object, progress: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sharedspace.cli.terminal.ProgressLine.__call__", interrupted)
    there("export", "-c", "plain", "--out", str(tmp_path / "plain.zip"), status=130)

    assert list(tmp_path.glob("plain.zip*")) == []


def test_a_table_is_given_to_the_images_and_travels(there: Shell, here: Shell, tmp_path: Path):
    (tmp_path / "mine.csv").write_text("file,colour,kind\nred.png,RED,boat\nnowhere.png,x,y\n")
    found = there.json("give", str(tmp_path / "mine.csv"), "-c", "plain", status=1)

    assert found == {
        "collection": "plain",
        "fields": ["kind"],
        "images": 1,
        "unmatched": [{"item": "nowhere.png", "reason": "no image of that name"}],
        "left_out": ["colour"],
    }
    (tmp_path / "all.csv").write_text("\n".join(["file,kind", *(f"{name}.png,{name}" for name in PLAIN)]))
    assert there("give", str(tmp_path / "all.csv"), "-c", "plain") == "kind: given to 6 images, 0 rows not matched\n"
    there("export", "-c", "plain", "--out", str(tmp_path / "plain.zip"))
    here("import", str(tmp_path / "plain.zip"))
    for shell in (there, here):
        hits = shell.json("search", "blue", "-c", "plain", "--where", "kind=blue")["hits"]
        assert [Path(hit["path"]).name for hit in hits] == ["blue.png"]
        assert shell.json("collections", "show", "plain")["fields"] == ["colour", "kind"]


def test_what_of_a_table_was_not_taken_is_told(there: Shell, tmp_path: Path):
    (tmp_path / "mine.csv").write_text("file,colour,kind\nred.png,RED,boat\nno\x1b.png,x,y\n")
    out = there("give", str(tmp_path / "mine.csv"), "-c", "plain", status=1)

    assert out == "kind: given to 1 images, 1 rows not matched\n"
    assert there.errors == (
        "not matched no\\x1b.png: no image of that name\nleft out, since they came with the files: colour\n"
    )
    there("give", str(tmp_path / "nowhere.csv"), "-c", "plain", status=2)
    assert "nowhere.csv cannot be read: No such file" in there.errors
