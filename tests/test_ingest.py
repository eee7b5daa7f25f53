"""Folders, files and zips: every picture comes with its metadata, each refusal its reason, and the rest goes on."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from drawn import encoded, png, zipped
from PIL import Image

from sharedspace import ingest
from sharedspace.errors import BadInput
from sharedspace.ingest import Item
from sharedspace.records import Rejected


def walked(*given: Path, table: dict | None = None) -> tuple[dict[str, Item], dict[str, str]]:
    """What was taken and what was refused, by the name without its source."""
    taken, refused = {}, {}
    for one in given:
        for item in ingest.walk([ingest.source(one)], table):
            name = (item.item if isinstance(item, Rejected) else item.name).removeprefix(f"{one}/")
            if isinstance(item, Rejected):
                refused[name] = item.reason
            else:
                taken[name] = item
    return taken, refused


def test_a_folder_gives_its_pictures_by_name_and_leaves_the_rest_alone(pictures: Path):
    (pictures / "notes.txt").write_text("not for us")
    (pictures / ".hidden.png").write_bytes(png())
    (pictures / ".git").mkdir()
    (pictures / ".git" / "deep.png").write_bytes(png())
    (pictures / "sub").mkdir()
    (pictures / "sub" / "LOUD.JPG").write_bytes(png("blue"))

    taken, refused = walked(pictures)
    names = ["blue.png", "cyan.png", "green.png", "magenta.png", "red.png", "sub/LOUD.JPG", "yellow.png"]
    assert list(taken) == names
    assert refused == {}
    assert taken["red.png"].data == (pictures / "red.png").read_bytes()
    assert ingest.count([ingest.source(pictures)]) == len(names)


def test_a_source_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(BadInput, match=r"no-such: there is no such file or folder"):
        ingest.source(tmp_path / "no-such")


def test_links_are_not_followed_out_of_the_folder(tmp_path: Path, pictures: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.png").write_bytes(png())
    (pictures / "link.png").symlink_to(outside / "secret.png")
    (pictures / "broken.png").symlink_to(tmp_path / "nowhere")
    (pictures / "elsewhere").symlink_to(outside, target_is_directory=True)
    (pictures / "loop").symlink_to(pictures, target_is_directory=True)

    taken, refused = walked(pictures)
    assert len(taken) == 6
    assert set(refused) == {"link.png", "broken.png"}
    assert set(refused.values()) == {"not a regular file (links and devices are not followed)"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_among_the_pictures_is_refused_and_never_opened(pictures: Path):
    os.mkfifo(pictures / "pipe.jpg")

    taken, refused = walked(pictures)
    assert len(taken) == 6
    assert refused == {"pipe.jpg": "not a regular file (links and devices are not followed)"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_given_as_a_source_is_refused_and_never_opened(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    code = "import sys; from sharedspace.ingest import *; s = source(sys.argv[1]); print(count([s]), *walk([s]))"
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "pipe")], capture_output=True, text=True, check=True, timeout=20
    )

    assert "1 Rejected(" in ran.stdout
    assert "not a regular file" in ran.stdout


def test_a_file_over_the_limit_is_refused_without_being_read(pictures: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ingest.images, "MAX_BYTES", 2**20)
    with (pictures / "huge.png").open("wb") as opened:
        opened.truncate(3 * 2**20)

    taken, refused = walked(pictures, zipped(pictures.parent / "a.zip", {"in.png": b"\0" * 2**21, "ok.png": png()}))
    assert refused == {"huge.png": "3 MB is over the limit of 1 MB", "in.png": "2 MB is over the limit of 1 MB"}
    assert len(taken) == 7


ODD_NAMES = {
    "../up.png": png("red"),
    "/etc/absolute.png": png("green"),
    "a/../../../b.png": png("blue"),
    "C:\\windows\\back.png": png("cyan"),
}


def test_a_zip_that_names_files_outside_is_read_in_memory_and_writes_nothing(tmp_path: Path):
    path = zipped(tmp_path / "odd.zip", ODD_NAMES)
    before = sorted(tmp_path.parent.rglob("*"))

    taken, refused = walked(path)
    assert {name: item.data for name, item in taken.items()} == ODD_NAMES
    assert refused == {}
    assert sorted(tmp_path.parent.rglob("*")) == before
    assert not Path("/etc/absolute.png").exists()


def test_a_zip_leaves_out_what_is_not_a_picture_and_what_the_mac_adds(tmp_path: Path):
    path = zipped(
        tmp_path / "a.zip",
        {"a.png": png(), "__MACOSX/a.png": b"fork", ".hidden/b.png": png(), "notes.txt": b"", "inner.zip": b"PK"},
    )

    assert list(walked(path)[0]) == ["a.png"]
    assert ingest.count([ingest.source(path)]) == 1


def test_a_zip_within_a_zip_named_as_a_picture_is_not_unpacked(tmp_path: Path):
    inner = zipped(tmp_path / "inner.zip", {"deep.png": png()}).read_bytes()
    taken, _ = walked(zipped(tmp_path / "outer.zip", {"nested.png": inner, "nested.zip": inner}))

    assert list(taken) == ["nested.png"]
    refused = ingest.decode(taken["nested.png"])
    assert isinstance(refused, Rejected)
    assert refused.reason.startswith("not a picture")


def patched(path: Path, marks: dict[bytes, int], at: int, value: bytes) -> None:
    """Overwrite bytes in the headers of a zip's first entry: local (PK 3 4) and central (PK 1 2)."""
    data = bytearray(path.read_bytes())
    for mark, extra in marks.items():
        start = data.index(mark) + at + extra
        data[start : start + len(value)] = value
    path.write_bytes(data)


HEADERS = {b"PK\x03\x04": 0, b"PK\x01\x02": 2}  # the central header has two more bytes before the flags


def test_an_encrypted_entry_is_refused_as_encrypted_and_the_next_is_taken(tmp_path: Path):
    path = zipped(tmp_path / "locked.zip", {"locked.png": png(), "open.png": png()})
    patched(path, HEADERS, 6, b"\x01\x00")  # flag bit 0

    taken, refused = walked(path)
    assert refused == {"locked.png": "encrypted: unpack the zip with its password first"}
    assert list(taken) == ["open.png"]


def test_an_entry_of_an_unknown_compression_is_not_called_encrypted(tmp_path: Path):
    path = zipped(tmp_path / "deflate64.zip", {"strange.png": png(), "plain.png": png()})
    patched(path, HEADERS, 8, b"\x09\x00")  # method 9, deflate64: Windows writes it for large files

    taken, refused = walked(path)
    assert list(taken) == ["plain.png"]
    assert "encrypted" not in refused["strange.png"]
    assert "compression" in refused["strange.png"]


def test_a_zip_that_needs_a_newer_unzip_is_refused_whole_and_the_next_source_is_taken(tmp_path: Path, pictures: Path):
    path = zipped(tmp_path / "newer.zip", {"a.png": png()})
    patched(path, {b"PK\x01\x02": 2}, 4, b"\xff\x00")  # version 25.5 needed to extract

    sources = [ingest.source(path), ingest.source(pictures)]
    items = list(ingest.walk(sources))
    assert items[0] == Rejected(str(path), "the zip cannot be read (zip file version 25.5)")
    assert len(items) == ingest.count(sources) == 7


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_entry_is_refused_as_damaged_and_the_next_is_taken(tmp_path: Path, method: int):
    noise = np.random.default_rng(method).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    image = encoded(Image.fromarray(noise), "PNG")
    path = zipped(tmp_path / "torn.zip", {"torn.png": image, "whole.png": png()}, method)
    data = bytearray(path.read_bytes())
    data[300:900] = bytes(255 - byte for byte in data[300:900])
    path.write_bytes(data)

    taken, refused = walked(path)
    assert list(taken) == ["whole.png"]
    assert refused["torn.png"].startswith("damaged in the zip")


def test_random_damage_to_a_zip_never_stops_the_walk(tmp_path: Path):
    whole = zipped(
        tmp_path / "a.zip", {"one.png": png(), "zwei-ü.png": png("blue"), "labels.csv": b"file,n\none.png,1"}
    )
    rng = np.random.default_rng(0)
    path = tmp_path / "b.zip"
    for _ in range(400):
        data = bytearray(whole.read_bytes())
        for at in rng.integers(0, len(data), rng.integers(1, 4)):
            data[at] = rng.integers(0, 256)
        path.write_bytes(data)
        try:
            list(ingest.walk([ingest.source(path)]))
            ingest.count([ingest.source(path)])
        except BadInput:  # the table of metadata was hit
            continue


def test_a_file_named_zip_that_is_none_is_refused_and_the_next_source_is_taken(tmp_path: Path, pictures: Path):
    fake = tmp_path / "fake.zip"
    fake.write_bytes(b"PK but no more")

    items = list(ingest.walk([ingest.source(fake), ingest.source(pictures)]))
    assert len(items) == 7
    refused = items[0] if isinstance(items[0], Rejected) else ingest.decode(items[0])
    assert isinstance(refused, Rejected)
    assert refused.item == str(fake)


def test_a_zip_over_the_limits_is_refused_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ingest, "MAX_ENTRIES", 2)

    _, refused = walked(zipped(tmp_path / "many.zip", {f"{i}.png": b"" for i in range(3)}))
    assert "3 pictures of 0.0 GB are over the limits of 2 and 8 GB" in next(iter(refused.values()))


TABLE = """\ufefffile,caption,count,score,code,mixed
red.png,"a red, plain one",3,0.5,1e400,1
green.png,,4,,nan,x
sub/blue.png,deep,5,7,2,
"""
META = {
    "red.png": {"caption": "a red, plain one", "count": 3, "score": 0.5, "code": "1e400", "mixed": "1"},
    "green.png": {"count": 4, "code": "nan", "mixed": "x"},
    "sub/blue.png": {"caption": "deep", "count": 5, "score": 7.0, "code": "2"},
}


def with_types(table: dict) -> dict:
    return {file: {key: (type(value), value) for key, value in meta.items()} for file, meta in table.items()}


def test_a_table_keeps_types_by_column_and_leaves_empty_cells_out():
    assert with_types(ingest.read_table(TABLE, "labels.csv")) == with_types(META)


@pytest.mark.parametrize("column", ingest.FILE_COLUMNS)
def test_the_column_of_file_names_may_be_called(column: str):
    assert ingest.read_table(f"n,{column}\n1,./a.png\n", "t") == {"a.png": {"n": 1}}


@pytest.mark.parametrize("text", ["", "name,label\na,b\n"])
def test_a_table_without_file_names_is_refused_with_the_column_it_needs(text: str):
    with pytest.raises(BadInput, match=r"my\.csv: a table of metadata needs a column named 'file' or"):
        ingest.read_table(text, "my.csv")


@pytest.mark.parametrize(
    "text", ["file,n\na.png\n", "file,n\na.png,1,2,3\n", "file,n\n,1\na.png,1\n", 'file,n\na.png,"1']
)
def test_ragged_rows_of_a_table_are_read_as_far_as_they_go(text: str):
    assert set(ingest.read_table(text, "t")) == {"a.png"}


def test_what_only_looks_like_a_number_stays_text():
    table = ingest.read_table("file,zip,code,sum,share\na,01067,1_000,12,-.5\nb,80331,2,0,1e3\n", "t")

    assert with_types(table) == with_types(
        {
            "a": {"zip": "01067", "code": "1_000", "sum": 12, "share": -0.5},
            "b": {"zip": "80331", "code": "2", "sum": 0, "share": 1000.0},
        }
    )


def test_a_table_with_a_cell_of_no_end_is_refused_as_a_table():
    with pytest.raises(BadInput, match=r"my\.csv: .*field larger than field limit"):
        ingest.read_table('file,n\na.png,"' + "x" * 200_000, "my.csv")


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_table_beside_the_pictures_that_is_not_for_them_is_told_and_the_pictures_are_taken(tmp_path: Path, kind: str):
    members = {"a.png": png("red"), "b.png": png("blue"), "metadata.csv": b"name,price\ntea,3\n"}
    source = tmp_path / "folder"
    source.mkdir()
    for name, data in members.items():
        (source / name).write_bytes(data)
    if kind == "zip":
        source = zipped(tmp_path / "a.zip", members)

    taken, refused = walked(source)
    assert list(taken) == ["a.png", "b.png"]
    assert list(refused) == ["metadata.csv"]
    assert "needs a column named 'file'" in refused["metadata.csv"]


def test_labels_beside_the_pictures_are_picked_up_in_a_folder(pictures: Path):
    (pictures / "sub").mkdir()
    (pictures / "sub" / "blue.png").write_bytes(png("blue"))
    (pictures / "labels.csv").write_text(TABLE, encoding="utf-8")

    taken, _ = walked(pictures)
    assert with_types({name: item.meta for name, item in taken.items() if item.meta}) == with_types(META)


@pytest.mark.parametrize("root", ["", "holiday/"])
def test_labels_beside_the_pictures_are_picked_up_in_a_zip(tmp_path: Path, root: str):
    members = {"red.png": png(), "sub/blue.png": png("blue"), "green.png": png("green"), "labels.csv": TABLE.encode()}
    path = zipped(tmp_path / "a.zip", {root + name: data for name, data in members.items()})

    taken, _ = walked(path)
    found = {name.removeprefix(root): item.meta for name, item in taken.items()}
    assert with_types(found) == with_types(META)


def test_the_nearest_table_wins_in_a_folder(pictures: Path):
    (pictures / "sub").mkdir()
    (pictures / "sub" / "red.png").write_bytes(png("red"))
    (pictures / "labels.csv").write_text("file,who\nred.png,outer\nsub/red.png,outer of sub\n")
    (pictures / "sub" / "metadata.csv").write_text("file_name,who\nred.png,inner\n")

    taken, _ = walked(pictures)
    assert taken["red.png"].meta == {"who": "outer"}
    assert taken["sub/red.png"].meta == {"who": "inner"}


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_picture_of_the_same_name_elsewhere_does_not_get_the_metadata(tmp_path: Path, kind: str):
    members = {"a.png": png("red"), "other/a.png": png("blue"), "labels.csv": b"file,who\na.png,first\n"}
    if kind == "zip":
        source = zipped(tmp_path / "a.zip", members)
    else:
        source = tmp_path / "folder"
        (source / "other").mkdir(parents=True)
        for name, data in members.items():
            (source / name).write_bytes(data)

    taken, _ = walked(source)
    assert taken["a.png"].meta == {"who": "first"}
    assert taken["other/a.png"].meta == {}


def test_a_given_table_takes_the_place_of_the_one_beside_and_knows_files_by_their_bare_name(pictures: Path):
    (pictures / "labels.csv").write_text("file,who\nred.png,beside\n")
    archive = zipped(pictures.parent / "a.zip", {"deep/down/red.png": png()})
    alone = pictures.parent / "red.png"
    alone.write_bytes(png())

    for one in (pictures, archive, alone):
        taken, _ = walked(one, table={"red.png": {"who": "given"}})
        assert [item.meta for name, item in taken.items() if name.endswith("red.png")] == [{"who": "given"}]


@pytest.mark.skipif(os.name == "nt", reason="file names are Unicode there")
def test_a_file_name_that_is_not_unicode_is_shown_as_text_that_can_be_written_anywhere(pictures: Path):
    with open(os.fsencode(pictures) + b"/caf\xe9.png", "wb") as opened:
        opened.write(png("white"))

    names = list(walked(pictures)[0])
    assert len(names) == 7
    for name in names:
        name.encode("utf-8")
