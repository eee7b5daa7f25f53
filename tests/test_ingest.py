"""Folders, files and zips: every picture comes with its metadata, each refusal its reason, and the rest goes on."""

import datetime
import io
import math
import os
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from drawn import encoded, png, tarred, zipped
from PIL import Image

from sharedspace import images, ingest
from sharedspace.errors import BadInput, Unreadable
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
    file, folder = "not a regular file (links and devices are not followed)", "a link (links are not followed)"
    assert refused == {"link.png": file, "broken.png": file, "elsewhere": folder, "loop": folder}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_among_the_pictures_is_refused_and_never_opened(pictures: Path):
    os.mkfifo(pictures / "pipe.jpg")

    taken, refused = walked(pictures)
    assert len(taken) == 6
    assert refused == {"pipe.jpg": "not a regular file (links and devices are not followed)"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("name", ["pipe", "pipe.zip", "pipe.tar", "pipe.csv", "pipe.parquet", "pipe.npz"])
def test_a_named_pipe_given_as_a_source_is_refused_and_never_opened(tmp_path: Path, name: str):
    os.mkfifo(tmp_path / name)
    code = "import sys; from sharedspace.ingest import *; s = source(sys.argv[1]); print(count([s]), *walk([s]))"
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / name)], capture_output=True, text=True, check=True, timeout=20
    )

    assert "1 Rejected(" in ran.stdout
    assert "not a regular file" in ran.stdout


def test_a_file_over_the_limit_is_refused_without_being_read(pictures: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHAREDSPACE_MAX_FILE_MB", "1")
    with (pictures / "huge.png").open("wb") as opened:
        opened.truncate(3 * 2**20)

    taken, refused = walked(pictures, zipped(pictures.parent / "a.zip", {"in.png": b"\0" * 2**21, "ok.png": png()}))
    limit = "is over the limit of 1 MB (SHAREDSPACE_MAX_FILE_MB)"
    assert refused == {"huge.png": f"3 MB {limit}", "in.png": f"2 MB {limit}"}
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

    taken, refused = walked(path)
    assert list(taken) == ["a.png"]
    assert refused == {"inner.zip": "an archive inside an archive: unpack it first"}
    assert ingest.count([ingest.source(path)]) == 2


def test_a_zip_within_a_zip_named_as_a_picture_is_not_unpacked(tmp_path: Path):
    inner = zipped(tmp_path / "inner.zip", {"deep.png": png()}).read_bytes()
    taken, _ = walked(zipped(tmp_path / "outer.zip", {"nested.png": inner, "nested.zip": inner}))

    assert list(taken) == ["nested.png"]
    with pytest.raises(Unreadable, match="not a picture"):
        images.decode(taken["nested.png"].data, "nested.png")


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
    refused = items[0]
    assert isinstance(refused, Rejected)
    assert refused.item == str(fake)


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("ENTRIES", "2", "more than 2 entries is over the limit of one archive (SHAREDSPACE_MAX_ENTRIES)"),
        ("TOTAL_GB", "1e-6", "2.794e-06 GB unpacked is over the limit of 9.993e-07 GB of one archive (SHAREDSPACE_MAX"),
    ],
)
def test_a_zip_over_the_limits_is_refused_as_a_whole_and_the_setting_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, reason: str
):
    path = zipped(tmp_path / "many.zip", {f"{i}.png": bytes(1000) for i in range(3)})
    monkeypatch.setenv(f"SHAREDSPACE_MAX_{setting}", value)

    taken, refused = walked(path)
    assert not taken
    assert list(refused) == [str(path)]
    assert refused[str(path)].startswith(reason)
    assert refused[str(path)].endswith("unpack it and add the folder")


def test_a_table_of_contents_larger_than_its_entries_may_be_is_not_even_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = zipped(tmp_path / "padded.zip", {"a.png": png()})
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(3):
            info = zipfile.ZipInfo(f"{number}.png")
            info.comment = b"x" * 65000
            archive.writestr(info, png())
    monkeypatch.setenv("SHAREDSPACE_MAX_ENTRIES", "100")

    assert "is over the limit" in walked(path)[1][str(path)]


def test_a_zip_of_100_000_entries_is_read_through(tmp_path: Path):
    path = zipped(tmp_path / "many.zip", {"000000.txt": b"", "last.png": png()}, zipfile.ZIP_STORED)
    data = path.read_bytes()
    first, last = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    entry = data[first : first + 46 + len("000000.txt")]
    more = b"".join(entry.replace(b"000000", b"%06d" % number) for number in range(1, 99_999))
    contents = data[first:last] + more  # all of them the first file
    with path.open("wb") as opened:  # more entries than its end can count: only the bytes count
        opened.write(data[:first] + contents + data[last : last + 12])
        opened.write(struct.pack("<IIH", len(contents), first, 0))

    taken, refused = walked(path)
    assert list(taken) == ["last.png"]
    assert refused == {}


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_a_member_that_unpacks_to_more_than_it_says_costs_no_memory(tmp_path: Path, method: int):
    path = zipped(tmp_path / "liar.zip", {"bomb.png": bytes(2**28), "ok.png": png()}, method)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 1000)  # the size, as the table of contents has it
    path.write_bytes(data)

    tracemalloc.start()
    taken, refused = walked(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert list(taken) == ["ok.png"]
    assert refused["bomb.png"].startswith("damaged in the zip")
    assert peak < 200 * 2**20


def test_entries_that_share_their_bytes_are_refused_as_a_bomb(tmp_path: Path):
    path = zipped(tmp_path / "quoted.zip", {"a.png": png("red"), "b.png": png("blue"), "c.png": png("green")})
    data = bytearray(path.read_bytes())
    first = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", first + 4)
    struct.pack_into("<I", data, second + 42, 0)  # b begins where a does
    path.write_bytes(data)

    taken, refused = walked(path)
    assert list(taken) == ["c.png"]
    assert refused == dict.fromkeys(["a.png", "b.png"], "shares its bytes with another entry, as in a bomb")


def test_a_link_in_a_zip_is_refused(tmp_path: Path):
    path = tmp_path / "links.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("link.png")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("real.png", png())

    taken, refused = walked(path)
    assert list(taken) == ["real.png"]
    assert refused == {"link.png": "a link (links are not followed)"}


def test_a_name_that_says_it_is_utf_8_and_is_not_costs_nobody_else_its_place(tmp_path: Path):
    path = zipped(tmp_path / "latin.zip", {"caf\u00e9.png": png("red"), "ok.png": png("blue")})
    path.write_bytes(path.read_bytes().replace("caf\u00e9".encode(), b"caf\xe9\xff"))
    with pytest.raises(UnicodeDecodeError):
        zipfile.ZipFile(path)

    taken, refused = walked(path)
    assert refused == {}
    assert [item.data for item in taken.values()] == [png("red"), png("blue")]
    assert "ok.png" in taken


def test_a_name_in_utf_8_that_does_not_say_so_is_read_as_such_and_finds_its_metadata(tmp_path: Path):
    path = zipped(tmp_path / "mac.zip", {"caf\u00e9.png": png(), "labels.csv": "file,n\ncaf\u00e9.png,7".encode()})
    patched(path, HEADERS, 6, b"\x00\x00")  # without the flag

    assert {name: item.meta for name, item in walked(path)[0].items()} == {"caf\u00e9.png": {"n": 7}}


ODD = ["<img src=x onerror=alert(1)>.png", "a\n\x1b[31mb.png", "x" * 300 + ".png", "..\\..\\up.png", "\u202egnp.png"]


def test_names_of_markup_control_characters_and_any_length_stay_text(tmp_path: Path):
    assert list(walked(zipped(tmp_path / "odd.zip", {name: png() for name in ODD}))[0]) == ODD


OTHERS = {
    "a.heic": "HEIC is not read here: convert it to JPEG first",
    "b.svg": "a drawing of lines (vector graphics), not a picture of pixels: export it as PNG",
    "c.PSD": "a drawing program's own file: export it as PNG or JPEG",
    "d.nef": "a camera's raw file: export it as JPEG or TIFF",
    "e.jxl": "JPEG XL and JPEG 2000 are not read here: convert it to JPEG or PNG",
}


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_what_people_take_for_pictures_is_told_with_the_way_out_and_the_rest_passed_over(tmp_path: Path, kind: str):
    members = dict.fromkeys([*OTHERS, "notes.txt", "film.mp4", "Thumbs.db"], b"anything")
    source = _laid_out(tmp_path, {"ok.png": png(), **members}, kind)

    taken, refused = walked(source)
    assert list(taken) == ["ok.png"]
    assert refused == OTHERS
    assert ingest.count([ingest.source(source)]) == 1 + len(OTHERS)


def test_an_archive_among_pictures_in_a_folder_is_told(pictures: Path):
    zipped(pictures / "more.zip", {"a.png": png()})

    taken, refused = walked(pictures)
    assert len(taken) == 6
    assert refused == {"more.zip": "an archive in the folder: give it by its own name"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_told(pictures: Path):
    (pictures / "closed").mkdir(mode=0)
    (pictures / "red.png").chmod(0)

    assert walked(pictures)[1] == {
        "closed": "the folder cannot be read (Permission denied)",
        "red.png": "cannot be read (Permission denied)",
    }


def _laid_out(tmp_path: Path, members: dict[str, bytes], kind: str) -> Path:
    """The same files as a folder, a zip or a tar."""
    if kind == "zip":
        return zipped(tmp_path / "a.zip", members)
    if kind == "tar":
        return tarred(tmp_path / "a.tar", members)
    for name, data in members.items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "folder"


KINDS = ["folder", "zip", "tar"]


@pytest.mark.parametrize("kind", KINDS)
def test_folders_of_classes_become_labels(tmp_path: Path, kind: str):
    members = {"train/cat/1.png": png(), "train/dog/1.png": png(), "top.png": png()}

    taken, _ = walked(_laid_out(tmp_path, members, kind))
    assert {name: item.meta for name, item in taken.items()} == {
        "train/cat/1.png": {"label": "cat"},
        "train/dog/1.png": {"label": "dog"},
        "top.png": {},
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "members", [{"one/1.png": png(), "one/2.png": png()}, {"a/1.png": png(), "b/2.png": png(), "labels.csv": b"file\n"}]
)
def test_one_folder_is_no_class_nor_is_any_beside_a_table(tmp_path: Path, kind: str, members: dict[str, bytes]):
    taken, _ = walked(_laid_out(tmp_path, members, kind))
    assert [item.meta for item in taken.values()] == [{}, {}]


JSON_LINES = b"""{"file_name": "a.png", "text": "one", "n": 3, "x": 0.5, "ok": true, "no": null, "tags": ["b", 1]}
{"file_name": "sub/b.png", "n": 12345678901234567890, "text": "\\ud800"}
"""


@pytest.mark.parametrize("kind", KINDS)
def test_metadata_in_json_lines_keeps_its_types(tmp_path: Path, kind: str):
    members = {"a.png": png(), "sub/b.png": png(), "metadata.jsonl": JSON_LINES}

    taken, refused = walked(_laid_out(tmp_path, members, kind))
    assert refused == {}
    assert with_types({name: item.meta for name, item in taken.items()}) == with_types(
        {
            "a.png": {"text": "one", "n": 3, "x": 0.5, "ok": True, "tags": '["b", 1]'},
            "sub/b.png": {"n": "12345678901234567890", "text": "?"},
        }
    )


@pytest.mark.parametrize("kind", KINDS)
def test_metadata_in_parquet_keeps_its_types(tmp_path: Path, kind: str):
    out = io.BytesIO()
    rows = {
        "file_name": ["a.png", "b.png"],
        "n": [3, None],
        "x": [0.5, math.nan],
        "day": [datetime.date(2020, 2, 29), None],
        "ok": [True, False],
        "tags": [["b"], []],
        "thumb": [b"\xff", b""],
    }
    pq.write_table(pa.table(rows), out)

    taken, refused = walked(
        _laid_out(tmp_path, {"a.png": png(), "b.png": png(), "metadata.parquet": out.getvalue()}, kind)
    )
    assert refused == {}
    assert with_types({name: item.meta for name, item in taken.items()}) == with_types(
        {"a.png": {"n": 3, "x": 0.5, "day": "2020-02-29", "ok": True, "tags": '["b"]'}, "b.png": {"ok": False}}
    )


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("metadata.jsonl", b'{"file_name": "a.png"}\n[1]'),
        ("metadata.jsonl", b"{{"),
        ("metadata.parquet", b"PAR1 no more"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_damaged_metadata_is_told_and_the_pictures_are_taken(tmp_path: Path, kind: str, name: str, data: bytes):
    taken, refused = walked(_laid_out(tmp_path, {"a.png": png(), name: data}, kind))
    assert list(taken) == ["a.png"]
    assert [item.partition(",")[0] for item in refused] == [name]


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
    "text", ["file,n\na.png\n", "file,n\na.png,1,2,3\n", "file,n\n,1\n\na.png,1\n", "n,file\n1\n2,a.png"]
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


def test_a_quote_that_is_never_closed_is_told_with_its_line():
    with pytest.raises(BadInput, match=r"my\.csv, line 3: a quote is opened there and never closed"):
        ingest.read_table('file,n\nb.png,1\na.png,"1\nc.png,2\n', "my.csv")


BAD_LINES = {
    "metadata.jsonl": (
        ['{"n": 5}', '{"file_name": "a.png", "n": 1}', "{{", "[1]", "[" * 100_000, '{"file_name": "b.png", "n": 2}'],
        [1, 3, 4, 5],
    ),
    "labels.csv": (["file,n", "a.png,1", f"a.png,{'x' * 2**20}", "b.png,2", 'a.png,"3'], [3, 5]),
}


@pytest.mark.parametrize("name", BAD_LINES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_line_of_a_table_beside_the_pictures_is_told_and_the_others_are_used(
    tmp_path: Path, kind: str, name: str
):
    lines, bad = BAD_LINES[name]
    members = {"a.png": png("red"), "b.png": png("blue"), name: b"\xef\xbb\xbf" + "\r\n".join(lines).encode()}

    taken, refused = walked(_laid_out(tmp_path, members, kind))
    assert {file: item.meta for file, item in taken.items()} == {"a.png": {"n": 1}, "b.png": {"n": 2}}
    assert [item.rpartition(" ")[2] for item in refused] == [str(number) for number in bad]


def test_a_row_within_quotes_over_the_limit_costs_that_row_only():
    bad: list[Rejected] = []
    long = "\n".join(["x" * 1000] * 1100)

    assert ingest.read_table(f'file,n\na,1\nb,"{long}\nc,3\n', "t.csv", bad)["c"] == {"n": 3}
    assert bad[0] == Rejected("t.csv, line 3", "cannot be read (the row is over the limit of 1,048,576 characters)")


def test_a_table_that_unpacks_to_more_than_a_file_may_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHAREDSPACE_MAX_FILE_MB", "1")
    words = pa.DictionaryArray.from_arrays(pa.array([0] * 600), pa.array(["a" * 100_000]))
    pq.write_table(pa.table({"file": [f"{n}.png" for n in range(600)], "text": words}), tmp_path / "metadata.parquet")

    with pytest.raises(BadInput, match=r"more memory than a table may: .* \(SHAREDSPACE_MAX_FILE_MB\)"):
        ingest.read_table_file(tmp_path / "metadata.parquet", "metadata.parquet")


@pytest.mark.parametrize("kind", KINDS)
def test_all_tables_of_a_source_together_are_held_to_the_limit_of_one(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SHAREDSPACE_MAX_FILE_MB", "1")
    members = {f"{n}/labels.csv": f"file,text\na.png,{'x' * 400_000}".encode() for n in range(4)}

    taken, refused = walked(_laid_out(tmp_path, members | {f"{n}/a.png": png() for n in range(4)}, kind))
    assert sorted(taken) == [f"{n}/a.png" for n in range(4)]
    told = [reason for file, reason in refused.items() if file.endswith("labels.csv")]
    assert len(told) == 2
    assert all(reason.startswith("with the tables before it ") for reason in told)
    assert all(reason.endswith("(SHAREDSPACE_MAX_FILE_MB)") for reason in told)


def test_names_and_metadata_longer_than_an_export_may_hold_are_told(tmp_path: Path):
    table = {"a.png": {"text": "x" * 131_068, "n": 1}, "b.png": {"text": "x" * 131_067, "n": 1}}
    members = {"a.png": png("red"), "b.png": png("blue"), f"{'c' * 4000}.png": png()}

    taken, refused = walked(zipped(tmp_path / "a.zip", members), table=table)
    assert {name: item.meta for name, item in taken.items()} == {"a.png": {}, "b.png": table["b.png"]}
    long, short = sorted(refused, key=len, reverse=True)
    assert refused[short].startswith("its metadata is left out: 131,073 characters are over the limit of 131,072")
    assert len(long) < 400
    assert "characters is over the limit of 4,000" in refused[long]


def test_an_entry_without_a_name_ends_nothing(tmp_path: Path):
    path = zipped(tmp_path / "a.zip", {"x": b"odd", "a.png": png()})
    path.write_bytes(path.read_bytes().replace(b"x", b"\0"))

    assert ingest.count([ingest.source(path)]) == 1
    assert list(walked(path)[0]) == ["a.png"]


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


@pytest.mark.skipif(os.name == "nt", reason="file names are Unicode there")
@pytest.mark.parametrize("kind", KINDS)
def test_a_source_whose_name_is_not_unicode_gives_names_that_can_be_written_anywhere(tmp_path: Path, kind: str):
    source = _laid_out(tmp_path, {"a.png": png()}, kind)
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9" + os.fsencode(source.suffix)))
    source.rename(odd)

    (item,) = ingest.walk([ingest.source(odd)])
    assert isinstance(item, Item)
    assert item.name.encode("utf-8").endswith(b"a.png")
