"""The sample set: what labels.csv says is so, and the script makes it again."""

import csv
import hashlib
import io
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sharedspace import samples
from sharedspace.encoders import load
from sharedspace.pocket.captions import vocabulary, words
from sharedspace.pocket.shapes import KINDS
from sharedspace.pocket.vocabulary import SETTINGS
from sharedspace.pocket.world import COLOUR_NAMES, splits

FOLDER = Path(__file__).parent.parent / "sample_data"
Row = dict[str, str]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    with (FOLDER / "labels.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def special(rows: list[Row], mark: str) -> list[Row]:
    return [row for row in rows if row["special"] == mark]


def pixels(data: bytes, side: int = 256) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB").resize((side, side)), np.float32)


def test_labels_and_pictures_belong_together(rows: list[Row]) -> None:
    files = sorted((FOLDER / "images").iterdir())
    assert [row["file"] for row in rows] == [f"images/{file.name}" for file in files]
    assert sum(file.stat().st_size for file in files) < 8_000_000
    for file in files:
        with Image.open(file) as picture:
            assert (picture.size, picture.format) == ((256, 256), "WEBP")


def test_every_kind_colour_and_setting_is_there(rows: list[Row]) -> None:
    shown = [row for row in rows if row["special"] != "outlier"]
    assert {row["object"] for row in shown} == set(KINDS)
    assert {row["colour"] for row in shown} == set(COLOUR_NAMES)
    assert {row["setting"] for row in shown} == set(SETTINGS)
    assert {row["count"] for row in shown} == set("12345")
    assert min(Counter(row["object"] for row in special(rows, "")).values()) >= 8


def test_truth_is_measured_on_test_combinations_only(rows: list[Row]) -> None:
    for row in rows:
        if row["special"] == "outlier":
            assert not any(row[field] for field in ("object", "colour", "setting", "count", "split", "of"))
        else:
            assert splits()[row["object"], row["colour"], row["setting"]] == row["split"]
            assert row["split"] in ("test", "test_pair")
            assert set(words(row["caption"])) <= set(vocabulary())


def test_exact_duplicates_are_the_same_bytes_and_nothing_else_is(rows: list[Row]) -> None:
    digest = {row["file"]: hashlib.sha256((FOLDER / row["file"]).read_bytes()).hexdigest() for row in rows}
    marked = special(rows, "exact-duplicate")
    assert len(marked) == 12
    assert all(digest[row["file"]] == digest[row["of"]] for row in marked)
    assert len(set(digest.values())) == len(rows) - len(marked)


def test_near_duplicates_look_like_their_original(rows: list[Row]) -> None:
    marked = special(rows, "near-duplicate")
    assert len(marked) == 30
    for row in marked:
        copy, original = (pixels((FOLDER / row[key]).read_bytes(), 16) for key in ("file", "of"))
        assert np.corrcoef(copy.ravel(), original.ravel())[0, 1] > 0.7, row["file"]


def test_contradicting_words_name_another_object(rows: list[Row]) -> None:
    marked = special(rows, "contradicting-word")
    assert len(marked) == 24
    for row in marked:
        said = row["caption"].rsplit(" ", 1)[1]
        assert said in KINDS
        assert said != row["object"]


def test_the_script_makes_the_set_again(rows: list[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(FOLDER.parent / "scripts"), *sys.path])
    import make_sample_data as script

    made = script.pictures()
    by_caption = sorted((row["caption"], row["special"]) for _, row, _ in made)
    assert by_caption == sorted((row["caption"], row["special"]) for row in rows)
    numbers = np.random.default_rng([script.SEED, 1]).permutation(len(made)) + 1
    for place in range(0, len(made), 24):  # within rounding: another build of libwebp may differ in a bit
        kept = (FOLDER / f"images/{numbers[place]:04d}.webp").read_bytes()
        assert np.abs(pixels(kept) - pixels(made[place][0])).mean() < 2


def test_the_shipped_vectors_are_those_that_the_shipped_model_gives() -> None:
    """Else run scripts/make_sample_pack.py."""
    sample, encoder = samples.load(), load("pocket")
    some = range(0, len(sample.records), 40)
    pictures = [Image.open(sample.files[row]).convert("RGB") for row in some]

    assert sample.space == encoder.space
    assert [hashlib.sha256(sample.files[row].read_bytes()).hexdigest() for row in some] == [
        sample.records[row].id for row in some
    ]
    np.testing.assert_allclose(encoder.images(pictures), sample.vectors[list(some)], atol=1e-4)
    np.testing.assert_allclose(encoder.texts(sample.anchors), sample.anchor_vectors, atol=1e-4)


def test_copies_of_a_picture_are_further_names_of_it() -> None:
    by_bytes: dict[bytes, set[str]] = {}
    for file in (FOLDER / "images").iterdir():
        by_bytes.setdefault(file.read_bytes(), set()).add(f"sample_data/images/{file.name}")
    found = [{record.path, *record.names} for record in samples.load().records]
    assert sorted(map(sorted, found)) == sorted(map(sorted, by_bytes.values()))
