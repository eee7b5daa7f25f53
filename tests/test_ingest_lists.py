"""Tables as sources: of paths, of pictures, of vectors, and image datasets of Hugging Face."""

import datetime
import io
import json
import os
import sys
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from drawn import png

from sharedspace import ingest
from sharedspace.errors import BadInput, SharedSpaceError
from sharedspace.ingest import Item, Source, hub
from sharedspace.records import Rejected

ROWS = [
    {"path": "pictures/red.png", "caption": "a red one", "n": 1, "score": 0.5, "ok": True},
    {"path": "pictures/blue.png", "caption": "a blue one", "n": 2, "score": 2.0, "ok": False},
    {"path": "pictures/gone.png", "caption": "gone", "n": 3, "score": 1.0, "ok": True},
]


def walked(*given: Path | Source | str, table: dict | None = None) -> tuple[list[Item], dict[str, str]]:
    items = list(ingest.walk([ingest.source(one) for one in given], table))
    return (
        [item for item in items if isinstance(item, Item)],
        {item.item: item.reason for item in items if isinstance(item, Rejected)},
    )


def with_types(meta: dict) -> dict:
    return {key: (type(value), value) for key, value in meta.items()}


def written(folder: Path, kind: str, rows: list[dict] = ROWS) -> Path:
    """The rows as a table of some kind."""
    path = folder / f"list.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        mark = "\t" if kind == "tsv" else ","
        lines = [mark.join(rows[0]), *(mark.join(str(cell) for cell in row.values()) for row in rows)]
        path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_a_table_of_paths_gives_the_pictures_with_the_other_cells_in_their_types(pictures: Path, kind: str):
    path = written(pictures.parent, kind)

    taken, refused = walked(path)
    assert [item.name for item in taken] == [str(pictures / "red.png"), str(pictures / "blue.png")]
    assert [item.data for item in taken] == [(pictures / "red.png").read_bytes(), (pictures / "blue.png").read_bytes()]
    expected = [{key: value for key, value in row.items() if key != "path"} for row in ROWS[:2]]
    assert [with_types(item.meta) for item in taken] == [with_types(meta) for meta in expected]
    assert all(item.vector is None for item in taken)
    assert refused == {str(pictures / "gone.png"): "there is no such file"}
    assert ingest.count([ingest.source(path)]) == 3


def test_a_column_of_text_stays_text_whatever_some_cells_look_like(tmp_path: Path, pictures: Path):
    path = tmp_path / "t.csv"
    rows = ["red.png;01067;true;TRUE", "blue.png;80331;maybe;False", "green.png;;false;"]
    path.write_text("file;zip;truth;mixed\n" + "".join(f"pictures/{row}\n" for row in rows))

    assert [with_types(item.meta) for item in walked(path)[0]] == [
        with_types({"zip": "01067", "truth": "true", "mixed": True}),
        with_types({"zip": "80331", "truth": "maybe", "mixed": False}),
        with_types({"truth": "false"}),
    ]


@pytest.mark.parametrize("column", ingest.FILE_COLUMNS)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_column_of_paths_may_be_called(pictures: Path, column: str, kind: str):
    path = written(pictures.parent, kind, [{"n": 1, column: "pictures/red.png"}])

    (item,) = walked(path)[0]
    assert item.meta == {"n": 1}


def test_a_path_may_lead_anywhere_that_the_user_may_read_but_only_to_regular_files(pictures: Path, tmp_path: Path):
    (tmp_path / "lists").mkdir()
    (pictures / "link.png").symlink_to(pictures / "red.png")
    os.mkfifo(pictures / "pipe.png")
    paths = ["../pictures/red.png", str(pictures / "blue.png"), "../pictures/link.png", "../pictures/pipe.png"]
    paths += ["../pictures", "a\0b", "https://example.org/a.png", "x.heic"]
    path = written(tmp_path / "lists", "jsonl", [{"path": path} for path in paths])

    taken, refused = walked(path)
    assert [item.data for item in taken] == [(pictures / f"{name}.png").read_bytes() for name in ("red", "blue", "red")]
    assert list(refused.values()) == [
        "not a regular file (links and devices are not followed)",
        "not a regular file (links and devices are not followed)",
        "cannot be read (embedded null byte)",
        "an address and not a file: fetch it first, nothing here goes to the network",
        "HEIC is not read here: convert it to JPEG first",
    ]


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_a_table_that_somebody_else_sent_names_no_file_of_this_machine(pictures: Path, tmp_path: Path, kind: str):
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming" / "link.png").symlink_to(pictures / "red.png")
    rows = [{"path": str(pictures / "red.png")}, {"path": "../pictures/red.png"}, {"path": "link.png"}]
    path = written(tmp_path / "incoming", kind, rows)

    taken, refused = walked(Source(path, path.name, reach=path.parent))
    assert taken == []
    assert set(refused.values()) == {"names a file outside the folder of its table"}


def test_rows_that_name_nothing_are_told_by_their_number(pictures: Path):
    path = pictures.parent / "t.csv"
    path.write_text("path,n\n,1\npictures/red.png,2\n")

    taken, refused = walked(path)
    assert [item.meta for item in taken] == [{"n": 2}]
    assert refused == {f"{path}, row 1": "the row names no file"}


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("t.csv", b"a,b\n1,2\n", "needs a column named 'file'"),
        ("t.csv", b"path\n" + b'"' + b"x" * 200_000, "a quote is opened there and never closed"),
        ("t.csv", b"x" * 2**21, "the table cannot be read (the row is over the limit of 1,048,576 characters)"),
        ("t.jsonl", b'{"path": "a.png"', "not JSON"),
        ("t.jsonl", b"[" * 100_000, "not JSON"),
        ("t.jsonl", b'{"n": 1}\n', "needs a column named 'file'"),
        ("t.parquet", b"PAR1" + b"\0" * 100, "the Parquet file cannot be read"),
        ("t.npz", b"PK\x03\x04 no more", "the zip cannot be read"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_and_the_next_source_is_taken(
    tmp_path: Path, pictures: Path, name: str, data: bytes, reason: str
):
    path = tmp_path / name
    path.write_bytes(data)

    taken, refused = walked(path, pictures)
    assert len(taken) == 6
    assert len(refused) == 1
    assert reason in next(iter(refused.values()))
    assert (ingest.count([ingest.source(path)]) or 0) <= 1


def bad_lines(kind: str) -> tuple[list[str], list[int]]:
    """The lines of a table of ten pictures, and the numbers of two that cannot be read."""
    if kind == "jsonl":
        lines = [json.dumps({"path": f"pictures/{n}.png", "n": n}) for n in range(10)]
        return [*lines[:2], '{"path": "2.png", "n": NaNN}', *lines[3:7], "x" * 3 * 2**20, *lines[8:]], [3, 8]
    rows = [f"pictures/{n}.png,{n}" for n in range(10)]
    return ["path,n", *rows[:2], f"pictures/2.png,{'y' * 2**20}", *rows[3:9], 'pictures/9.png,"9'], [4, 11]


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_bad_line_of_a_table_is_told_with_its_number_and_the_rest_is_taken(tmp_path: Path, kind: str):
    (tmp_path / "pictures").mkdir()
    for n in range(10):
        (tmp_path / "pictures" / f"{n}.png").write_bytes(png(size=(n + 1, 1)))
    lines, bad = bad_lines(kind)
    path = tmp_path / f"t.{kind}"
    path.write_text("\ufeff" + "\n".join(lines), encoding="utf-8")

    taken, refused = walked(path)
    missing = {2, 7} if kind == "jsonl" else {2, 9}
    assert [item.meta["n"] for item in taken] == [n for n in range(10) if n not in missing]
    assert list(refused) == [f"{path}, line {number}" for number in bad]
    assert ingest.count([ingest.source(path)]) == 10


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_line_without_end_costs_no_memory(tmp_path: Path, kind: str):
    path = tmp_path / f"t.{kind}"
    with path.open("wb") as opened:
        opened.write(b"path\n" if kind == "csv" else b"")
        for _ in range(64):
            opened.write(b"," * 2**20)

    tracemalloc.start()
    refused = walked(path)[1]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [reason.partition("(")[2] for reason in refused.values()] == [
        "the row is over the limit of 1,048,576 characters)"
    ]
    assert peak < 20 * 2**20


# -- pictures within a Parquet file


def hf_parquet(path: Path) -> Path:
    """A Parquet file as Hugging Face writes it: pictures as {bytes, path}, a class label, features in its schema."""
    image = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    table = pa.table(
        {
            "image": pa.array(
                [{"bytes": png("red"), "path": "a.png"}, {"bytes": png("blue"), "path": None}, None], image
            ),
            "label": pa.array([1, -1, 0]),
            "text": ["one", "two", "three"],
        }
    )
    features = {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}, "image": {"_type": "Image"}}
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})}), path)
    return path


def test_pictures_within_a_parquet_file_come_with_the_names_of_their_classes(tmp_path: Path):
    path = hf_parquet(tmp_path / "t.parquet")

    taken, refused = walked(path)
    assert [(item.name, item.data, item.meta) for item in taken] == [
        (f"{path}/1/a.png", png("red"), {"label": "dog", "text": "one"}),
        (f"{path}/2", png("blue"), {"text": "two"}),
    ]
    assert refused == {f"{path}/3": "the row holds no picture"}
    assert ingest.count([ingest.source(path)]) == 3


def test_a_column_of_bytes_is_pictures_too_and_each_is_held_to_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SHAREDSPACE_MAX_FILE_MB", "1")
    table = pa.table({"jpg": [png(), bytes(2**21)], "file_name": ["a.png", "b.png"]})
    pq.write_table(table, tmp_path / "t.parquet")

    taken, refused = walked(tmp_path / "t.parquet", table={"a.png": {"who": "given"}})
    assert [(item.data, item.meta) for item in taken] == [(png(), {"who": "given"})]
    assert list(refused.values()) == ["2 MB is over the limit of 1 MB (SHAREDSPACE_MAX_FILE_MB)"]


def rows_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows are asked of a Parquet file at a time."""
    asked: list[int] = []
    before = pq.ParquetFile.iter_batches

    def watched(self: pq.ParquetFile, batch_size: int, **options: Any) -> Any:
        asked.append(batch_size)
        return before(self, batch_size, **options)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", watched)
    walked(path)
    return asked


def test_rows_of_a_parquet_file_come_in_batches_that_fit_into_memory_whatever_it_packs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    words = pa.DictionaryArray.from_arrays(pa.array([0] * 600), pa.array(["a" * 2**20]))
    pq.write_table(pa.table({"path": ["a.png"] * 600, "text": words}), tmp_path / "t.parquet", compression="zstd")
    assert (tmp_path / "t.parquet").stat().st_size < 10_000
    assert max(rows_at_once(tmp_path / "t.parquet", monkeypatch)) <= 32

    pq.write_table(pa.table({"path": ["a.png"] * 600}), tmp_path / "small.parquet")
    assert rows_at_once(tmp_path / "small.parquet", monkeypatch) == [1024]


@pytest.mark.parametrize("column", ["text", "vector"])
def test_a_parquet_file_that_packs_like_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: str):
    monkeypatch.setenv("SHAREDSPACE_MAX_FILE_MB", "1")
    cells = {"text": ["a" * 2**22, "b"], "vector": [[0.0] * 2**18, [1.0]]}
    table = pa.table({"path": ["a.png", "b.png"], column: cells[column]})
    pq.write_table(table, tmp_path / "t.parquet", compression="zstd", use_dictionary=column == "vector")

    taken, refused = walked(tmp_path / "t.parquet")
    assert taken == []
    assert "packed like a bomb: in one column " in refused[f"{tmp_path}/t.parquet"]
    assert "(SHAREDSPACE_MAX_FILE_MB)" in refused[f"{tmp_path}/t.parquet"]


@pytest.mark.parametrize("nested", ["list", "struct", "map"])
def test_a_list_that_holds_one_text_many_times_is_refused_as_a_bomb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nested: str
):
    monkeypatch.setenv("SHAREDSPACE_MAX_FILE_MB", "4")
    words = pa.DictionaryArray.from_arrays(pa.array([0] * 100), pa.array(["a" * 10**5]))
    ends = pa.array([0, 100], pa.int32())
    if nested == "map":
        column = pa.MapArray.from_arrays(ends, pa.array([f"{n}" for n in range(100)]), words)
    else:
        items = words if nested == "list" else pa.StructArray.from_arrays([words], ["text"])
        column = pa.ListArray.from_arrays(ends, items)
    pq.write_table(pa.table({"path": ["a.png"], "text": column}), tmp_path / "t.parquet", compression="zstd")

    taken, refused = walked(tmp_path / "t.parquet")
    assert taken == []
    assert list(refused.values()) == [
        "packed like a bomb: in a few cells 9.537 MB is over the limit of 4 MB (SHAREDSPACE_MAX_FILE_MB)"
    ]


def test_a_cell_that_python_cannot_hold_costs_no_other(pictures: Path):
    days = pa.array([0, 2**30], pa.int32()).view(pa.date32())
    words = pa.array([b"caf\xe9", b"tea"]).view(pa.string())
    path = pictures.parent / "t.parquet"
    pq.write_table(pa.table({"path": ["pictures/red.png", "pictures/blue.png"], "day": days, "text": words}), path)

    taken, refused = walked(path)
    assert refused == {}
    assert [item.meta["text"] for item in taken] == ["caf\ufffd", "tea"]
    assert taken[0].meta["day"] == "1970-01-01"


def test_a_parquet_file_in_a_folder_reads_no_file_outside_it(tmp_path: Path, pictures: Path):
    (tmp_path / "data").mkdir()
    image = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    rows = [{"bytes": None, "path": str(pictures / "red.png")}, {"bytes": png(), "path": None}]
    pq.write_table(pa.table({"image": pa.array(rows, image)}), tmp_path / "data" / "t.parquet")

    taken, refused = walked(tmp_path / "data")
    assert len(taken) == 1
    assert list(refused.values()) == ["names a file outside the folder of its table"]


# -- vectors of one's own

VECTORS = np.array([[1, 0, 0], [0, 2, 0], [0, 0, 0], [0, 1, np.inf]], np.float32)
PATHS = ["pictures/red.png", "elsewhere.png", "zero.png", "inf.png"]


def as_npz(folder: Path, key: str = "vectors", kind: str = "float32", order: str = "C", packed: bool = False) -> Path:
    save = np.savez_compressed if packed else np.savez
    rows = np.array(VECTORS.astype(kind), order=order)  # type: ignore[call-overload]
    save(
        folder / "v.npz",
        **{key: rows},
        paths=np.array(PATHS),
        n=np.arange(4),
        ok=np.array([True] * 4),
        name=np.array([b"a"] * 4),
        day=np.array(["2020-02-29"] * 4, "datetime64[D]"),
        wide=np.zeros((4, 2)),
        long=np.zeros(5),
    )
    return folder / "v.npz"


def as_parquet(folder: Path, kind: pa.DataType = None) -> Path:
    rows = pa.array(VECTORS.tolist(), kind or pa.list_(pa.float32()))
    days = [datetime.date(2020, 2, 29)] * 4
    table = {"vector": rows, "path": PATHS, "n": range(4), "ok": [True] * 4, "name": ["a"] * 4, "day": days}
    pq.write_table(pa.table({key: pa.array(value) for key, value in table.items()}), folder / "v.parquet")
    return folder / "v.parquet"


FORMS = {
    "npz": as_npz,
    "npz of embeddings": lambda folder: as_npz(folder, key="embeddings", packed=True),
    "npz of halves": lambda folder: as_npz(folder, kind="float16"),
    "npz of doubles by columns": lambda folder: as_npz(folder, kind="float64", order="F"),
    "parquet": as_parquet,
    "parquet of fixed size": lambda folder: as_parquet(folder, pa.list_(pa.float32(), 3)),
    "parquet of doubles": lambda folder: as_parquet(folder, pa.large_list(pa.float64())),
}


@pytest.mark.parametrize("form", FORMS)
def test_vectors_of_ones_own_come_with_their_picture_or_without(pictures: Path, form: str):
    path = FORMS[form](pictures.parent)

    assert ingest.own_dimension([ingest.source(path)]) == 3
    assert ingest.count([ingest.source(path)]) == 4
    taken, refused = walked(path)
    assert [(item.name, item.data) for item in taken] == [
        (str(pictures / "red.png"), (pictures / "red.png").read_bytes()),
        ("elsewhere.png", b""),
    ]
    for item, expected in zip(taken, VECTORS, strict=False):
        assert item.vector is not None
        assert item.vector.dtype == np.float32
        assert np.array_equal(item.vector, expected)
    metas = [{"n": n, "ok": True, "name": "a", "day": "2020-02-29"} for n in (0, 1)]
    assert [with_types(item.meta) for item in taken] == [with_types(meta) for meta in metas]
    assert refused == dict.fromkeys(["zero.png", "inf.png"], "no vector of finite numbers that are not all zero")


def test_many_vectors_keep_their_rows(tmp_path: Path):
    rows = np.random.default_rng(0).normal(size=(2500, 4)).astype(np.float32)
    np.savez(tmp_path / "v.npz", vectors=rows, ids=np.array([f"id {n}" for n in range(2500)]))

    taken, _ = walked(tmp_path / "v.npz")
    assert [item.name for item in taken] == [f"id {n}" for n in range(2500)]
    assert np.array_equal(np.stack([item.vector for item in taken if item.vector is not None]), rows)


def test_vectors_without_any_name_are_called_by_their_number(tmp_path: Path):
    np.savez(tmp_path / "v.npz", vectors=np.eye(2))

    assert [item.name for item in walked(tmp_path / "v.npz")[0]] == [f"{tmp_path}/v.npz/{n}" for n in (1, 2)]


def test_a_row_of_another_length_is_refused_and_the_rest_taken(tmp_path: Path):
    pq.write_table(
        pa.table({"embedding": [[1.0], [1.0, 2.0], None, [3.0, 4.0]], "id": [*"abcd"]}), tmp_path / "v.parquet"
    )

    taken, refused = walked(tmp_path / "v.parquet")
    assert [item.name for item in taken] == ["b", "d"]
    assert refused == {
        "a": "its vector has 1 numbers, and the others 2",
        "c": "no vector of finite numbers that are not all zero",
    }


def test_vectors_beside_the_pictures_bytes_in_one_parquet_file(tmp_path: Path):
    image = pa.array([{"bytes": png(), "path": "a.png"}], pa.struct({"bytes": pa.binary(), "path": pa.string()}))
    pq.write_table(pa.table({"image": image, "vector": [[3.0, 4.0]], "n": [1]}), tmp_path / "v.parquet")

    (item,) = walked(tmp_path / "v.parquet")[0]
    assert (item.data, item.meta) == (png(), {"n": 1})
    assert item.vector is not None
    assert item.vector.tolist() == [3, 4]


def test_vectors_that_somebody_else_sent_open_no_file_of_this_machine(pictures: Path):
    path = as_npz(pictures.parent)

    taken, _ = walked(Source(path, "v.npz", reach=path))
    assert [item.data for item in taken] == [b"", b""]


def test_sources_that_disagree_about_vectors_are_refused_with_both_names(tmp_path: Path, pictures: Path):
    for d in (2, 3):
        np.savez(tmp_path / f"{d}.npz", vectors=np.ones((1, d)))
    one, other, folder = (ingest.source(path) for path in (tmp_path / "2.npz", tmp_path / "3.npz", pictures))

    assert ingest.own_dimension([one, one]) == 2
    assert ingest.own_dimension([folder]) is None
    assert ingest.own_dimension([]) is None
    with pytest.raises(BadInput, match=r"2\.npz brings vectors of 2 numbers, .*3\.npz brings vectors of 3 numbers"):
        ingest.own_dimension([one, other])
    with pytest.raises(BadInput, match=r"2\.npz brings vectors of 2 numbers, .*pictures brings no vectors"):
        ingest.own_dimension([one, folder])


def test_an_npz_never_runs_what_it_holds(tmp_path: Path):
    class Evil:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "run",))

    np.savez(tmp_path / "v.npz", vectors=np.array([[Evil()]], dtype=object))
    assert "needs an array named 'vectors'" in next(iter(walked(tmp_path / "v.npz")[1].values()))

    np.savez(tmp_path / "v.npz", vectors=np.eye(1), n=np.array([Evil()], dtype=object))
    taken, refused = walked(tmp_path / "v.npz")
    assert [item.meta for item in taken] == [{}]
    told = "an array of Python objects is not read: save it as text or numbers"
    assert refused == {f"{tmp_path}/v.npz/n": told}
    assert not (tmp_path / "run").exists()


def test_an_npz_whose_array_says_it_is_larger_than_it_is_is_refused(tmp_path: Path):
    header = np.lib.format.magic(1, 0) + (118).to_bytes(2, "little")
    header += b"{'descr': '<f4', 'fortran_order': %s, 'shape': (1000000000, 512), }"
    for by_columns, reason in ((b"False", "cut short"), (b"True", "(SHAREDSPACE_MAX_FILE_MB): save it by rows")):
        with zipfile.ZipFile(tmp_path / "v.npz", "w") as archive:
            archive.writestr("vectors.npy", (header % by_columns).ljust(127) + b"\n" + bytes(64))

        taken, refused = walked(tmp_path / "v.npz")
        assert taken == []
        assert len(refused) == 1
        assert reason in next(iter(refused.values()))


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((-1, 4), "an array of the shape (-1, 4)"),
        ((2, -4), "an array of the shape (2, -4)"),
        ((10**12, 0), "vectors of 0 numbers: 1 to 65,536 is the limit"),
        ((2, 65_537), "vectors of 65,537 numbers: 1 to 65,536 is the limit"),
    ],
)
def test_an_npz_of_a_shape_that_cannot_be_is_refused(tmp_path: Path, shape: tuple, reason: str):
    with zipfile.ZipFile(tmp_path / "v.npz", "w") as archive, archive.open("vectors.npy", "w") as out:
        np.lib.format.write_array_header_1_0(out, {"descr": "<f4", "fortran_order": False, "shape": shape})
        out.write(bytes(4 * 65_537 * 2))

    taken, refused = walked(tmp_path / "v.npz")
    assert taken == []
    assert list(refused.values()) == [reason]


def test_long_rows_of_an_npz_are_read_few_at_a_time(tmp_path: Path):
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": "<f4", "fortran_order": False, "shape": (400, 65_536)})
    rows = [np.float32(n + 1).tobytes().ljust(4 * 65_536, b"\0") for n in range(400)]
    with zipfile.ZipFile(tmp_path / "v.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("vectors.npy", out.getvalue() + b"".join(rows))

    tracemalloc.start()
    first = [
        float(item.vector[0]) for item in ingest.walk([ingest.source(tmp_path / "v.npz")]) if isinstance(item, Item)
    ]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert first == list(range(1, 401))
    assert peak < 60 * 2**20


def test_an_npz_packed_as_numpy_never_does_is_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "v.npz", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("vectors.npy", bytes(2**20))

    assert "packed in another way than NumPy has" in next(iter(walked(tmp_path / "v.npz")[1].values()))


def test_random_damage_to_tables_never_stops_the_walk(pictures: Path):
    rng = np.random.default_rng(0)
    for whole in (as_npz(pictures.parent), as_parquet(pictures.parent), hf_parquet(pictures.parent / "hf.parquet")):
        data = whole.read_bytes()
        for _ in range(150):
            bad = bytearray(data)
            for at in rng.integers(0, len(bad), rng.integers(1, 4)):
                bad[at] = rng.integers(0, 256)
            path = pictures.parent / f"bad{whole.suffix}"
            path.write_bytes(bad)
            for look in (lambda given: list(ingest.walk(given)), ingest.count, ingest.own_dimension):
                try:
                    look([ingest.source(path)])
                except SharedSpaceError:
                    continue


# -- datasets of Hugging Face


def saved(folder: Path, splits: bool) -> Path:
    """An image dataset as `save_to_disk` leaves it."""
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    features = {
        "image": datasets.Image(),
        "label": datasets.ClassLabel(names=["cat", "dog"]),
        "n": datasets.Value("int8"),
    }
    rows = {"image": [{"bytes": png("red"), "path": "a.png"}, {"bytes": png("blue"), "path": None}]}
    rows |= {"label": [1, None], "n": [5, 6]}
    dataset = datasets.Dataset.from_dict(rows, features=datasets.Features(features))
    given = datasets.DatasetDict({"train": dataset, "test": dataset.select([0])}) if splits else dataset
    given.save_to_disk(folder / "saved")
    return folder / "saved"


def test_a_saved_dataset_gives_its_pictures_as_they_were_stored(tmp_path: Path):
    path = saved(tmp_path, splits=False)

    taken, refused = walked(path)
    assert [(item.name, item.data, item.meta) for item in taken] == [
        (f"{path}/1/a.png", png("red"), {"label": "dog", "n": 5}),
        (f"{path}/2", png("blue"), {"n": 6}),
    ]
    assert refused == {}
    assert ingest.count([ingest.source(path)]) is None


def test_a_saved_dataset_of_splits_gives_them_all_and_says_which(tmp_path: Path):
    path = saved(tmp_path, splits=True)

    taken, _ = walked(path)
    assert [(item.name.removeprefix(f"{path}/"), item.meta["split"]) for item in taken] == [
        ("train/1/a.png", "train"),
        ("train/2", "train"),
        ("test/1/a.png", "test"),
    ]


def test_a_damaged_saved_dataset_is_one_clear_error(tmp_path: Path):
    path = saved(tmp_path, splits=False)
    (path / "state.json").write_text("{")

    with pytest.raises(BadInput, match=r"The dataset .*saved cannot be loaded: "):
        walked(path)


def test_a_dataset_without_pictures_is_refused_with_the_columns_it_has(tmp_path: Path):
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    datasets.Dataset.from_dict({"text": ["a"], "n": [1]}).save_to_disk(tmp_path / "words")

    with pytest.raises(BadInput, match=r"has no column of pictures\. It has: text, n\."):
        walked(tmp_path / "words")


def test_a_dataset_by_name_without_a_network_is_one_clear_error():
    pytest.importorskip("datasets")
    (source,) = [ingest.source("hf:nobody/no-such-set/plain:train")]

    assert (source.name, source.dataset) == ("hf:nobody/no-such-set/plain:train", "nobody/no-such-set/plain:train")
    assert ingest.count([source]) is None
    with pytest.raises(BadInput, match="The dataset hf:nobody/no-such-set/plain:train cannot be loaded: "):
        list(ingest.walk([source]))


def test_a_dataset_by_name_reads_no_file_of_this_machine_but_what_was_fetched(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "a.png").write_bytes(png())
    cells = [{"bytes": None, "path": str(path)} for path in (pictures / "red.png", tmp_path / "cache" / "a.png")]
    features = datasets.Features({"image": datasets.Image(decode=False)})
    monkeypatch.setattr(hub, "_load", lambda given: datasets.Dataset.from_dict({"image": cells}, features=features))

    taken, refused = walked("hf:evil/set")
    assert [item.data for item in taken] == [png()]
    assert list(refused.values()) == ["names a file outside the folder of its table"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("beans", ("beans", None, None)),
        ("AI-Lab/beans", ("AI-Lab/beans", None, None)),
        ("AI-Lab/beans:train[:10]", ("AI-Lab/beans", None, "train[:10]")),
        ("AI-Lab/beans/small:test", ("AI-Lab/beans", "small", "test")),
    ],
)
def test_a_dataset_is_named_with_its_configuration_and_split(given: str, expected: tuple):
    assert hub.named(given) == expected


def test_a_dataset_without_a_name_is_asked_for():
    with pytest.raises(BadInput, match=r"Name the dataset: hf:OWNER/NAME"):
        ingest.source("hf:")


def test_without_the_extra_a_dataset_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "datasets", None)

    with pytest.raises(BadInput, match=r"pip install 'sharedspace\[hf\]'"):
        ingest.source("hf:beans")


def test_an_upload_named_like_a_dataset_stays_a_file(tmp_path: Path):
    (tmp_path / "0").write_bytes(png())

    (item,) = ingest.walk([ingest.source(Source(tmp_path / "0", "hf:beans"))])
    assert isinstance(item, Item)
    assert (item.name, item.data) == ("hf:beans", png())
