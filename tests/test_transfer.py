"""A collection that travels is the same where it arrives; a file that is not as it was written changes nothing."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from drawn import encoded, png, shades
from PIL import Image

from sharedspace import ingest
from sharedspace.errors import BadInput, Cancelled, EmptyCollection, ModelUnavailable, SpaceMismatch, Unreadable
from sharedspace.questions import Part
from sharedspace.records import Drawing, Exported, ImageRecord, Progress, Space
from sharedspace.testing import FakeEncoder, load_fake
from sharedspace.transfer import layout, tables
from sharedspace.transfer.unpack import Archive
from sharedspace.workspace import Collection, Workspace

COUNT = 12
FIRST = 8  # images that the map was drawn with; the others stand by their neighbours
META = {
    f"{row:02}.png": {"n": row, "share": row / 7, "even": row % 2 == 0, "who": f"Zoë {row}", "mixed": row or "none"}
    for row in range(COUNT - 1)
} | {"11.png": {"path": "a field called path", "=1+1": "=cmd()"}}
TAGS = {0: {"hidden"}, 3: {"boats at sea", "Zoë"}, 7: {"Zoë"}}  # by row
GIVEN = {"class": {0: "warm", 7: "Zoë ü"}, "note": {3: "two\nlines"}, "sure": {row: row / 11 for row in range(COUNT)}}
VIEW = {"page": "map", "parts": [{"text": "red"}], "where": ["n>3"], "within": None, "widgets": {"k": 12}}
Members = dict[str, bytes]


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "BATCH", 5)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    """The collection "shades": metadata of every type, a second name, originals, a map with late images, texts, marks.

    Its map is drawn with other than the usual knobs, one of its images is hidden.
    """
    root = tmp_path_factory.mktemp("source")
    pictures = root / "pictures"
    pictures.mkdir()
    drawn = shades(COUNT)
    with closing(Workspace(root / "home", load=load_fake)) as opened:
        for row, data in enumerate(drawn):
            (pictures / f"{row:02}.png").write_bytes(data)
            if row + 1 == FIRST:
                opened.ingest("shades", [pictures], table=META, keep=True)
                opened.collection("shades").redraw(Drawing(n_neighbors=5, min_dist=0.25, seed=7))
        (pictures / "zwin.png").write_bytes(drawn[0])
        opened.ingest("shades", [pictures], table=META, keep=True)
        collection = opened.collection("shades")
        collection.map()
        collection.set_anchors(["red", "a blue sky"])
        ids = collection.snapshot().ids
        for row, tags in TAGS.items():
            for tag in tags:
                collection.tag([ids[row]], tag)
        for field, values in GIVEN.items():
            collection.give(field, {ids[row]: value for row, value in values.items()})
        collection.save("labels", "two", {"text": "cat\nboat: a boat, a ship"})
        collection.save("classifier", "mine", {"labels": ["a"], "rows": [[0.5] * 4], "kinds": {"a": [None, True]}})
        collection.save_query("warm", [Part("red"), Part("blue", weight=-0.5), Part(images=ids[:2], name="two")])
        collection.save_query("a picture", [Part(vector=(0.6, 0.8, 0.0, 0.0), name="mine.png")])
        collection.save("view", "warm", {**VIEW, "selected": list(ids[2:5])})
        yield collection


@pytest.fixture(scope="module")
def workspace_of(source: Collection) -> Workspace:
    """The workspace that holds `source`."""
    opened = Workspace.__new__(Workspace)
    opened.home = source._home
    return opened


@pytest.fixture(scope="module")
def box(workspace_of: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`source` as a zip, with originals."""
    path = tmp_path_factory.mktemp("box") / "shades.zip"
    workspace_of.export("shades", path, originals=True)
    return path


def files(workspace: Workspace) -> set[str]:
    """The pictures that a home holds."""
    root = workspace.home.path
    return {str(path.relative_to(root)) for kind in ("thumbs", "originals") for path in (root / kind).rglob("*/*")}


def marks(collection: Collection) -> tuple[Any, ...]:
    """Tags, given values, and what is saved of each kind in its order, of a collection."""
    given = collection._home.ledger.marks.given(collection.info.number)
    return collection.tags(), given, *(list(collection.saved(kind).items()) for kind in layout.KINDS)


def is_sound(workspace: Workspace, name: str) -> bool:
    """Whether index, thumbnails and snapshot agree with the ledger."""
    found = workspace.verify(name)
    return (found.problems, found.mended) == ((), ())


# -- there and here again


def test_what_arrives_is_what_left(source: Collection, box: Path, workspace: Workspace):
    done = workspace.import_(box)

    assert (done.name, done.images, done.added, done.already_there) == ("shades", COUNT, COUNT, 0)
    there, here = source.snapshot(), workspace.collection("shades").snapshot()
    assert here.records == there.records
    assert {type(value) for record in here.records for value in record.meta.values()} == {str, int, float, bool}
    assert any(record.names for record in here.records)
    assert here.vectors.tobytes() == there.vectors.tobytes()
    assert workspace.collection("shades").info.space == source.info.space
    assert workspace.collection("shades").anchors() == ["red", "a blue sky"]


def test_what_people_put_on_a_collection_arrives(source: Collection, box: Path, workspace: Workspace):
    workspace.import_(box)
    here, ids = workspace.collection("shades"), source.snapshot().ids

    assert here.tags() == {ids[row]: tags for row, tags in TAGS.items()}
    assert marks(here) == marks(source)
    assert here.given() == ["class", "note", "sure"]
    for field, values in GIVEN.items():
        assert here.column(field) == [values.get(row) for row in range(COUNT)]
        assert field not in {name for record in workspace.home.ledger.records(here.info.number) for name in record.meta}
    assert [list(here.saved(kind)) for kind in ("query", "view", "labels", "classifier")] == [
        ["a picture", "warm"],
        ["warm"],
        ["two"],
        ["mine"],
    ]
    assert here.saved("classifier")["mine"]["kinds"] == {"a": [None, True]}
    assert here.saved("view")["warm"] == {**VIEW, "selected": list(ids[2:5])}
    assert here.saved_query("warm")[1:] == (Part("blue", weight=-0.5), Part(images=ids[:2], name="two"))
    assert np.array_equal(here.query_column("warm"), source.query_column("warm"))
    assert ids[0] not in {hit.id for hit in here.search("red", k=COUNT).hits}


def test_how_its_map_was_drawn_arrives(box: Path, workspace: Workspace):
    workspace.import_(box)
    assert workspace.collection("shades").map().drawing == Drawing(n_neighbors=5, min_dist=0.25, seed=7)


def test_an_archive_that_knows_no_marks_and_no_drawing_is_read(
    source: Collection, box: Path, workspace: Workspace, tmp_path: Path
):
    members = read(box)
    earlier(members)
    workspace.import_(written(tmp_path / "earlier.zip", members))
    here = workspace.collection("shades")

    assert marks(here) == ({}, {}, [], [], [], [])
    assert (here.map().ids, here.map().late) == (source.map().ids, source.map().late)
    assert (here.map().xy.tobytes(), here.map().drawing) == (source.map().xy.tobytes(), Drawing())
    assert here.snapshot().records == tuple(source._home.ledger.records(source.info.number))
    assert here.info.space == source.info.space


def test_a_sigmoid_models_bias_arrives(workspace: Workspace, tmp_path: Path):
    space = Space("5555", "siglip", 4, 117.3, -12.9)
    number = workspace.home.ledger.ensure("sigmoid", space)
    workspace.home.record(number, [ImageRecord("a" * 64, "a.png", 0, 0)], np.eye(1, 4, dtype=np.float32))
    workspace.export("sigmoid", tmp_path / "out.zip")
    workspace.export("sigmoid", tmp_path / "out.npz")

    with closing(Workspace(tmp_path / "other", load=load_fake)) as other:
        other.import_(tmp_path / "out.zip")
        assert other.collection("sigmoid").info.space == space
        assert other.copy("sigmoid", "second").info.space == space
    with np.load(tmp_path / "out.npz") as arrays:
        assert json.loads(str(arrays["space"]))["logit_bias"] == -12.9


def test_tags_are_written_once_for_a_batch(box: Path, workspace: Workspace):
    workspace.import_(box)
    number = workspace.collection("shades").info.number
    assert workspace.home.ledger.marks.tagging(number) == len({row // layout.BATCH for row in TAGS})

    workspace.import_(box)  # changes nothing
    assert workspace.home.ledger.marks.tagging(number) == len({row // layout.BATCH for row in TAGS})


def test_its_answers_are_the_same(source: Collection, box: Path, workspace: Workspace):
    workspace.import_(box, "here")
    here = workspace.collection("here")

    for text in ("red", "green yellow", "white"):
        assert here.search(text, k=COUNT).hits == source.search(text, k=COUNT).hits
        assert {hit.id for hit in here.search(text, k=3, index="chroma")} == {
            hit.id for hit in source.search(text, k=3)
        }
    labels = ["red", "blue", "black"]
    assert np.array_equal(here.classify(labels).probabilities, source.classify(labels).probabilities)
    assert is_sound(workspace, "here")


def test_its_map_is_the_same_and_knows_who_came_late(source: Collection, box: Path, workspace: Workspace):
    workspace.import_(box)
    there, here = source.map(), workspace.collection("shades").map()

    assert here.xy.tobytes() == there.xy.tobytes()
    assert (here.key, here.ids, here.late) == (there.key, there.ids, there.late)
    assert here.placed == COUNT - FIRST


def test_a_map_that_does_not_show_the_newest_yet_places_them_as_it_would_have(tmp_path: Path, workspace: Workspace):
    with closing(Workspace(tmp_path / "there", load=load_fake)) as other:
        (tmp_path / "a").mkdir()
        for row, data in enumerate(shades(9)):
            (tmp_path / "a" / f"{row}.png").write_bytes(data)
            if row == 5:
                other.ingest("a", [tmp_path / "a"])
                other.collection("a").map()
        other.ingest("a", [tmp_path / "a"])
        other.export("a", tmp_path / "a.zip")
        workspace.import_(tmp_path / "a.zip")
        there, here = other.collection("a").map(), workspace.collection("a").map()

    assert here.xy.tobytes() == there.xy.tobytes()
    assert (here.key, here.late, here.placed) == (there.key, there.late, 3)


def test_pictures_arrive_thumbnails_made_anew_and_originals_as_they_were(
    source: Collection, box: Path, workspace: Workspace
):
    workspace.import_(box)

    for record in source.snapshot().records:
        before, after = source._home.thumbnail(record.id), workspace.home.thumbnail(record.id)
        assert before is not None
        assert after is not None
        with Image.open(before) as one, Image.open(after) as other:
            assert one.size == other.size
            assert np.abs(np.asarray(one, dtype=int) - np.asarray(other, dtype=int)).max() < 12
        original = workspace.collection("shades").original(record.id)
        assert original is not None
        assert hashlib.sha256(original.read_bytes()).hexdigest() == record.id


def test_without_the_model_remembered_texts_and_similar_images_are_found_and_others_name_it(
    box: Path, source: Collection, tmp_path: Path
):
    def absent(name: str) -> FakeEncoder:
        raise ModelUnavailable(f"The model {name!r} is not on this machine.")

    with closing(Workspace(tmp_path / "bare", load=absent)) as bare:
        bare.import_(box)
        here = bare.collection("shades")

        found, there = here.search("a blue sky"), source.search("a blue sky")
        assert [(hit.id, hit.score) for hit in found] == [(hit.id, hit.score) for hit in there]
        assert found.no_match_line is None  # its bank of captions needs the model
        assert {hit.matched for hit in found} == {None}
        assert here.similar(here.snapshot().ids[3]).hits == source.similar(here.snapshot().ids[3]).hits
        with pytest.raises(ModelUnavailable, match="'pocket' is not on this machine"):
            here.search("green")


def test_originals_go_along_only_when_asked_for(workspace_of: Workspace, box: Path, tmp_path: Path):
    done = workspace_of.export("shades", tmp_path / "small.zip")

    assert done == Exported(
        str(tmp_path / "small.zip"), "zip", COUNT, (tmp_path / "small.zip").stat().st_size, COUNT, 0
    )
    assert not any(name.startswith("originals/") for name in read(tmp_path / "small.zip"))
    assert sum(name.startswith("originals/") for name in read(box)) == COUNT


def test_the_same_content_gives_the_same_bytes(workspace_of: Workspace, box: Path, tmp_path: Path):
    workspace_of.export("shades", tmp_path / "again.zip", originals=True)
    assert (tmp_path / "again.zip").read_bytes() == box.read_bytes()


def test_anybody_can_read_it_with_numpy_json_and_sha256sum(source: Collection, box: Path):
    members = read(box)
    sums = dict(line.split("  ")[::-1] for line in members["SHA256SUMS"].decode().splitlines())

    assert sums == {
        name: hashlib.sha256(data).hexdigest()
        for name, data in members.items()
        if name not in ("manifest.json", "SHA256SUMS")
    }
    assert np.array_equal(np.load(io.BytesIO(members["vectors.npy"])), source.snapshot().vectors)
    rows = [json.loads(line) for line in members["images.jsonl"].splitlines()]
    assert [row["id"] for row in rows] == list(source.snapshot().ids)
    assert json.loads(members["manifest.json"])["space"]["fingerprint"] == source.info.space.fingerprint


# -- into what is there already


def test_importing_again_adds_nothing(box: Path, workspace: Workspace):
    workspace.import_(box)
    before = workspace.collection("shades").info
    again = workspace.import_(box)

    assert (again.added, again.already_there) == (0, COUNT)
    assert workspace.collection("shades").info == before


def test_a_collection_of_the_same_space_takes_it_in_and_its_own_map_does_not_move(
    source: Collection, box: Path, workspace: Workspace, pictures: Path
):
    workspace.ingest("plain", [pictures])
    plain = workspace.collection("plain")
    plain.set_anchors(["magenta", "red"])
    before = dict(zip(plain.map().ids, plain.map().xy.tolist(), strict=True))
    done = workspace.import_(box, "plain")

    assert (done.name, done.added, plain.info.images) == ("plain", COUNT, COUNT + 6)
    assert plain.anchors() == ["magenta", "red", "a blue sky"]
    after = dict(zip(plain.map().ids, plain.map().xy.tolist(), strict=True))
    assert {id: after[id] for id in before} == before
    assert set(plain.map().late) == set(source.snapshot().ids)


def test_tags_are_merged_and_what_is_saved_and_drawn_here_stays(source: Collection, box: Path, workspace: Workspace):
    workspace.import_(box)
    here, ids = workspace.collection("shades"), source.snapshot().ids
    here.untag([ids[0]], "hidden")
    here.tag(ids[7:9], "mine")
    here.give("class", {ids[0]: "of here", ids[1]: "too", ids[7]: None})
    here.take_back("note")
    here.save_query("warm", [Part("yellow")])
    here.forget("query", "a picture")
    here.save("view", "mine", {"page": "search"})
    here.redraw(Drawing(seed=3))
    workspace.import_(box)

    assert here.tags() == {ids[row]: tags for row, tags in {**TAGS, 7: {"Zoë", "mine"}, 8: {"mine"}}.items()}
    assert here.column("class")[:8] == ["of here", "too", *[None] * 5, "Zoë ü"]
    assert here.column("note")[3] == "two\nlines"
    assert here.saved_query("warm") == (Part("yellow"),)
    assert here.saved("query")["a picture"] == source.saved("query")["a picture"]
    assert here.saved("view") == {"mine": {"page": "search"}, **source.saved("view")}
    assert here.map().drawing == Drawing(seed=3)


def test_a_collection_of_the_same_space_takes_marks_in_and_keeps_its_drawing(
    source: Collection, box: Path, workspace: Workspace, pictures: Path
):
    workspace.ingest("plain", [pictures])
    plain = workspace.collection("plain")
    own = plain.snapshot().ids
    plain.tag(own[:1], "Zoë")
    plain.redraw(Drawing(seed=3))
    workspace.import_(box, "plain")

    assert plain.tags() == {own[0]: {"Zoë"}, **source.tags()}
    assert marks(plain)[1:] == marks(source)[1:]
    assert plain.map().drawing == Drawing(seed=3)


def test_a_collection_of_another_model_takes_nothing_in(box: Path, workspace: Workspace, pictures: Path):
    workspace.ingest("plain", [pictures], model="another")
    before = workspace.collection("plain").info, files(workspace)

    with pytest.raises(SpaceMismatch, match="another"):
        workspace.import_(box, "plain")
    assert (workspace.collection("plain").info, files(workspace)) == before


def test_the_model_is_loaded_under_the_name_that_it_has_here(box: Path, workspace: Workspace, tmp_path: Path):
    def moved(name: str) -> FakeEncoder:
        encoder = FakeEncoder("pocket")
        encoder.space = replace(encoder.space, model=name)
        return encoder

    (tmp_path / "one.png").write_bytes(png())
    with closing(Workspace(tmp_path / "moved", load=moved)) as opened:
        opened.ingest("mine", [tmp_path / "one.png"], model="models/pocket")
        opened.import_(box)

        assert {info.space.model for info in opened.collections()} == {"models/pocket"}


@pytest.mark.parametrize("taken", [0, 1, 2])
@pytest.mark.parametrize("how", ["asked", "Ctrl-C"])
def test_an_import_that_was_cut_is_completed_by_running_it_again(
    source: Collection, box: Path, workspace: Workspace, how: str, taken: int
):
    told: list[Progress] = []
    looked = 3  # batches, before any is taken

    def on_progress(progress: Progress) -> None:
        told.append(progress)
        if how == "Ctrl-C" and len(told) == looked + taken:
            raise KeyboardInterrupt

    with pytest.raises((Cancelled, KeyboardInterrupt)):
        workspace.import_(box, on_progress=on_progress, cancelled=lambda: len(told) == looked + taken)
    held = sum(info.images for info in workspace.collections())
    if held:
        workspace.collection("shades").map()  # somebody looks meanwhile: a map of a part
    again = workspace.import_(box)

    assert (held, again.added, again.already_there) == (5 * taken, COUNT - held, held)
    here = workspace.collection("shades")
    assert here.snapshot().records == source.snapshot().records
    assert (here.map().key, here.map().drawing) == (source.map().key, source.map().drawing)
    assert marks(here) == marks(source)
    assert is_sound(workspace, "shades")


def test_an_import_cut_while_it_looks_leaves_nothing(box: Path, workspace: Workspace):
    told: list[Progress] = []
    with pytest.raises(Cancelled, match="run it again"):
        workspace.import_(box, on_progress=told.append, cancelled=lambda: len(told) == 2)

    assert told == [Progress(5, 2 * COUNT), Progress(10, 2 * COUNT)]
    assert (workspace.collections(), files(workspace)) == ([], set())


# -- files that are not as they were written


def read(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path: Path, members: Members, signed: bool = True) -> Path:
    """A zip of the members; `signed` with sums and counts that fit, as a stranger could make them."""
    if signed and "manifest.json" in members and "SHA256SUMS" in members:
        others = {name: data for name, data in members.items() if name not in ("manifest.json", "SHA256SUMS")}
        lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in others.items()]
        members["SHA256SUMS"] = "".join(lines).encode()
        if members["manifest.json"].startswith(b"{"):
            manifest = json.loads(members["manifest.json"])
            manifest["sums"] = hashlib.sha256(members["SHA256SUMS"]).hexdigest()
            members["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return path


def said(**changes: Any) -> Callable[[Members], None]:
    """Changes of the manifest."""

    def change(members: Members) -> None:
        members["manifest.json"] = json.dumps({**json.loads(members["manifest.json"]), **changes}).encode()

    return change


def of_space(**changes: Any) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        manifest = json.loads(members["manifest.json"])
        manifest["space"].update(changes)
        members["manifest.json"] = json.dumps(manifest).encode()

    return change


def row(number: int = 3, **changes: Any) -> Callable[[Members], None]:
    """Changes of one image's line."""

    def change(members: Members) -> None:
        lines = members["images.jsonl"].splitlines(keepends=True)
        lines[number] = json.dumps({**json.loads(lines[number]), **changes}).encode() + b"\n"
        members["images.jsonl"] = b"".join(lines)

    return change


def raw_row(text: bytes) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        lines = members["images.jsonl"].splitlines(keepends=True)
        members["images.jsonl"] = b"".join([*lines[:3], text, b"\n", *lines[4:]])

    return change


def vectors(change: Callable[[np.ndarray], np.ndarray | None]) -> Callable[[Members], None]:
    def changed(members: Members) -> None:
        rows = np.load(io.BytesIO(members["vectors.npy"]))
        found = change(rows)
        out = io.BytesIO()
        np.save(out, rows if found is None else found)
        members["vectors.npy"] = out.getvalue()

    return changed


def with_member(name: str, data: bytes = b"evil") -> Callable[[Members], None]:
    return lambda members: members.update({name: data})


def thumb(data: bytes) -> Callable[[Members], None]:
    return lambda members: members.update({first(members, "thumbs/"): data})


def without(prefix: str) -> Callable[[Members], None]:
    return lambda members: members.pop(first(members, prefix)) and None


def first(members: Members, prefix: str) -> str:
    return next(name for name in members if name.startswith(prefix))


def earlier(members: Members) -> None:
    """As it was before archives held marks and drawings."""
    lines = [json.loads(line) for line in members["images.jsonl"].splitlines()]
    for line in lines:
        line.pop("tags", None)
        line.pop("given", None)
    members["images.jsonl"] = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    manifest = json.loads(members["manifest.json"])
    del manifest["saved"], manifest["drawing"], manifest["space"]["logit_bias"]
    members["manifest.json"] = json.dumps(manifest).encode()


def query(parts: Any, name: str = "a", **more: Any) -> Callable[[Members], None]:
    return said(saved={"query": {name: {"parts": parts, **more}}})


def view(body: Any, name: str = "a") -> Callable[[Members], None]:
    return said(saved={"view": {name: body}})


def drawn_as(**changes: Any) -> Callable[[Members], None]:
    return said(drawing={"n_neighbors": 15, "min_dist": 0.1, "seed": 0, **changes})


def nested(levels: int) -> list[Any]:
    """A list in lists."""
    found: list[Any] = []
    for _ in range(levels - 1):
        found = [found]
    return found


def swap_lines(members: Members) -> None:
    lines = members["images.jsonl"].splitlines(keepends=True)
    members["images.jsonl"] = b"".join([lines[1], lines[0], *lines[2:]])


def cut(name: str, count: int) -> Callable[[Members], None]:
    return lambda members: members.update({name: members[name][:-count]})


def stray_thumb(members: Members) -> None:
    members["thumbs/" + "f" * 64] = members[first(members, "thumbs/")]
    said(thumbs=COUNT + 1)(members)


def page_as_original(members: Members) -> None:
    page = b"<!doctype html><script>alert(1)</script>"
    lines = [json.loads(line) for line in members["images.jsonl"].splitlines()]
    old, lines[0]["id"] = lines[0]["id"], hashlib.sha256(page).hexdigest()
    lines.sort(key=lambda line: line["id"])
    members["images.jsonl"] = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    members[f"thumbs/{hashlib.sha256(page).hexdigest()}"] = members.pop(f"thumbs/{old}")
    del members[f"originals/{old}"]
    members[f"originals/{hashlib.sha256(page).hexdigest()}"] = page


def set_nan(rows: np.ndarray) -> None:
    rows[7, 1] = np.nan


def set_zero(rows: np.ndarray) -> None:
    rows[7] = 0


def set_huge(rows: np.ndarray) -> None:
    rows[7] = 3e38


HTML = b"<!doctype html><script>alert(1)</script>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"


def swap_in(members: Members, old: int, new: int) -> None:
    lines = members["images.jsonl"].splitlines(keepends=True)
    lines[new] = lines[old]
    members["images.jsonl"] = b"".join(lines)


def appended(name: str, data: bytes) -> Callable[[Members], None]:
    return lambda members: members.update({name: members[name] + data})


TAMPERED: dict[str, tuple[Callable[[Members], Any], str]] = {
    "vectors cut short": (cut("vectors.npy", 9), "vectors.npy does not hold 12 vectors of 4 numbers"),
    "one vector too many": (vectors(lambda rows: np.vstack([rows, rows[:1]])), "vectors.npy does not hold 12"),
    "vectors of another shape": (vectors(lambda rows: rows.reshape(6, 8)), "vectors.npy does not hold 12"),
    "float64": (vectors(lambda rows: rows.astype(np.float64)), "vectors.npy does not hold 12"),
    "objects": (with_member("vectors.npy", b"\x93NUMPY\x01\x00cos\nsystem\n"), "vectors.npy does not hold 12"),
    "no number in a vector": (vectors(set_nan), "vectors.npy holds a vector that is not of length 1"),
    "a zero vector": (vectors(set_zero), "vectors.npy holds a vector that is not of length 1"),
    "a vector without bound": (vectors(set_huge), "vectors.npy holds a vector that is not of length 1"),
    "texts cut short": (cut("texts.npy", 4), "texts.npy does not hold 2 vectors of 4"),
    "id that is no hash": (row(id="../../evil"), "line 4 of images.jsonl .*'../../evil' is not the sha256"),
    "id in capitals": (row(id="A" * 64), "is not the sha256"),
    "id with a line end": (row(id="a" * 64 + "\n"), "is not the sha256"),
    "ids out of order": (swap_lines, "line 2 of images.jsonl is not in the order of the ids"),
    "an id twice": (lambda members: swap_in(members, 3, 4), "line 5 of images.jsonl is not in the order"),
    "a line cut short": (cut("images.jsonl", 30), "images.jsonl is cut short"),
    "a line too many": (appended("images.jsonl", b"{}\n"), "images.jsonl holds more than belongs into it"),
    "a line without end": (
        raw_row(b" " * (layout.MOST_LINE + 2**13)),
        "images.jsonl is cut short, or holds a line without end",
    ),
    "a line that is no JSON": (raw_row(b"{"), "line 4 of images.jsonl lacks something"),
    "a line of lists in lists": (raw_row(b"[" * 100_000), "line 4 of images.jsonl lacks something"),
    "a line that is a list": (raw_row(b"[1]"), "line 4 of images.jsonl lacks something"),
    "no path": (raw_row(b'{"id": "%s", "names": [], "width": 1, "height": 1}' % (b"5" * 64)), "lacks .*'path'"),
    "a path that cannot be stored": (row(path="a\ud800.png"), "not text that can be stored"),
    "a path without end": (row(path="a" * 5000), "is too long"),
    "a width of text": (row(width="8"), "where a count belongs"),
    "a height below 0": (row(height=-8), "where a count belongs"),
    "metadata in metadata": (row(meta={"a": {"b": 1}}), "'a' is neither text nor number"),
    "metadata of nothing": (row(meta={"a": None}), "'a' is neither text nor number"),
    "metadata that is no number": (row(meta={"a": float("nan")}), "'a' is nan"),
    "metadata without bound": (
        lambda members: (
            row(meta={"a": 5e300})(members)
            or members.update({"images.jsonl": members["images.jsonl"].replace(b"5e+300", b"1e999")})
        ),
        "'a' is inf",
    ),
    "metadata too large for the index": (row(meta={"a": 2**63}), "'a' is neither text nor number"),
    "a place that is no number": (row(xy=[float("nan"), 0.0]), "where a number belongs"),
    "a place far off": (row(xy=[1e300, 0.0]), "where a number belongs"),
    "a place of three": (row(xy=[0.0, 0.0, 0.0]), "line 4 of images.jsonl lacks something or holds what cannot be"),
    "outside the folder": (with_member("../evil"), "'../evil' does not belong"),
    "outside the thumbnails": (with_member("thumbs/../../evil"), "does not belong"),
    "an absolute name": (with_member("/etc/evil"), "'/etc/evil' does not belong"),
    "a name of Windows": (with_member("thumbs\\evil"), "does not belong"),
    "a folder": (with_member("thumbs/", b""), "'thumbs/' does not belong"),
    "an id and more": (with_member("thumbs/" + "a" * 64 + ".html"), "does not belong"),
    "a thumbnail of no image": (stray_thumb, "pictures of images that are not in it"),
    "a thumbnail too many": (with_member("thumbs/" + "f" * 64), "12 members belong into thumbs/ and 13 are there"),
    "a thumbnail missing": (without("thumbs/"), "12 members belong into thumbs/ and 11 are there"),
    "an original missing": (without("originals/"), "12 members belong into originals/ and 11 are there"),
    "a page as a thumbnail": (thumb(HTML), "thumbs/[0-9a-f]{64} is "),
    "a drawing as a thumbnail": (thumb(SVG), "thumbs/[0-9a-f]{64} is "),
    "half a thumbnail": (thumb(encoded(Image.effect_noise((200, 200), 60), "JPEG")[:5000]), "is damaged"),
    "a thumbnail of too many pixels": (thumb(png(size=(257, 9))), "has 257 × 9 pixels"),
    "a thumbnail of too many bytes": (thumb(bytes(2**20 + 1)), "has 1,048,577 bytes, over the limit"),
    "another picture as an original": (
        lambda members: members.update({first(members, "originals/"): png("white")}),
        "is not the picture of that id",
    ),
    "a page as an original": (page_as_original, "originals/[0-9a-f]{64} is "),
    "a newer version": (said(version=2), r"newer version of Shared Space \(its format is 2, this program reads 1\)"),
    "no version": (said(version=None), "manifest.json is not that of an exported collection"),
    "another kind": (said(kind="something"), "manifest.json is not that of an exported collection"),
    "a manifest that is no JSON": (with_member("manifest.json", b"\xff\xfe"), "is not that of an exported collection"),
    "a manifest that is a list": (with_member("manifest.json", b"[]"), "is not that of an exported collection"),
    "a manifest without end": (
        with_member("manifest.json", b" " * (layout.MOST_MANIFEST + 1)),
        "over the limit",
    ),
    "no images": (said(images=0), "where a count belongs"),
    "more images than there are": (said(images=13), "vectors.npy does not hold 13 vectors"),
    "a count of text": (said(images="12"), "where a count belongs"),
    "anchors that are no texts": (said(anchors=[1]), "int where str belongs"),
    "an empty anchor": (said(anchors=[" "]), "is not a text of a map"),
    "more texts than vectors": (said(texts=["a", "b", "c"]), "texts.npy does not hold 3 vectors"),
    "a logit scale of 0": (of_space(logit_scale=0), "a logit scale of 0"),
    "a logit bias of text": (of_space(logit_bias="-12"), "'-12' where a number belongs"),
    "a logit bias that is no number": (of_space(logit_bias=float("inf")), "where a number belongs"),
    "a logit scale that is no number": (of_space(logit_scale=float("nan")), "where a number belongs"),
    "a space without a name": (of_space(fingerprint=None), "NoneType where str belongs"),
    "no dimension": (of_space(dimension=True), "where a count belongs"),
    "tags that are no list": (row(tags="hidden"), "line 4 of images.jsonl .*the tags of an image are a list"),
    "tags of nothing": (row(tags=None), "line 4 of images.jsonl .*the tags of an image are a list"),
    "a million tags": (row(tags=["a"] * 10**6), "line 4 .*the tags of an image are a list of at most 1,000"),
    "a tag without end": (row(tags=["a" * 10_000]), "line 4 .*The tag has 10000 characters: at most 80"),
    "an empty tag": (row(tags=[" "]), "line 4 .*The tag is empty"),
    "a tag of two lines": (row(tags=["a\nb"]), r"line 4 .*'a\\nb' is no tag as it is kept"),
    "a tag that cannot be stored": (row(tags=["a\ud800"]), "line 4 .*is no tag as it is kept"),
    "a tag that is a number": (row(tags=[5]), "line 4 .*a tag is a text, not int"),
    "values in a list": (row(given=["a"]), "line 4 .*the values given to an image are a JSON object"),
    "a million values": (
        row(given={f"f{n}": 1 for n in range(1001)}),
        "the values given to an image are a JSON object of at most 1,000 fields",
    ),
    "no value": (row(given={"a": None}), "line 4 .*'a' was given without a value"),
    "an empty value": (row(given={"a": " "}), "line 4 .*'a' was given without a value"),
    "a value of values": (row(given={"a": {"b": 1}}), "line 4 .*A value of 'a' is neither a text nor a number"),
    "a value without bound": (row(given={"a": 10**400}), "line 4 .*give a number of ordinary size"),
    "a value without end": (row(given={"a": "x" * 4001}), "line 4 .*A text of 'a' has 4,001 characters"),
    "a value called tag": (row(given={"tag": "a"}), "line 4 .*'tag' stands for something else here"),
    "a value with outer space": (row(given={" a": 1}), "line 4 .*' a' is no name of a field as it is kept"),
    "a value that cannot be filtered by": (row(given={"a=b": 1}), "line 4 .*'a=b' could not be filtered by"),
    "label sets in a list": (said(saved={"labels": [1]}), "what was saved of kind labels is a JSON object"),
    "a classifier that is a list": (
        said(saved={"classifier": {"a": []}}),
        "the saved classifier 'a': it is not a JSON",
    ),
    "a saved list": (said(saved=[]), "manifest.json .*what was saved is no JSON object"),
    "queries in a list": (said(saved={"query": [1]}), "what was saved of kind query is a JSON object"),
    "too many queries": (
        said(saved={"query": {str(n): {"parts": []} for n in range(1001)}}),
        "what was saved of kind query is a JSON object of at most 1,000 names",
    ),
    "a name without end": (view({}, "a" * 81), "The name of a saved view has 81 characters: at most 80"),
    "a name with outer space": (view({}, " a"), "' a' is no name of a saved view as it is kept"),
    "a view that is no object": (view([1]), "the saved view 'a': it is not a JSON object"),
    "a query that is no object": (said(saved={"query": {"a": 1}}), "the saved query 'a': it is not a JSON object"),
    "a view of lists in lists": (view({"a": nested(8)}), "'a': it is not a JSON object of at most 8 levels"),
    "a view that is too large": (view({"a": "a" * 2**23}), "'a': it has 8,388,617 bytes, over the limit"),
    "a view with no number": (view({"a": float("nan")}), "'a': it holds what cannot be stored"),
    "a view that cannot be stored": (view({"a": "\ud800"}), "'a': it holds what cannot be stored"),
    "a query without parts": (said(saved={"query": {"a": {}}}), "'a': A query is a list of at most 12 parts"),
    "a query of 13 parts": (query([{"text": "a"}] * 13), "'a': A query is a list of at most 12 parts"),
    "a query with a path": (query([{"path": "/etc/passwd"}]), "'a': This is no part of a query: {'path': '/etc/pas"),
    "a view with a path": (view({"parts": [{"path": "/etc"}]}), "the saved view 'a': This is no part of a query"),
    "a part with line ends": (query(["a\nb\x1b[2J"]), r"'a': This is no part of a query: 'a\\nb\\x1b\[2J'"),
    "a weight beyond float": (query([{"text": "a", "weight": 10**400}]), "the saved query 'a': "),
    "a picture of another model": (query([{"vector": [1.0] * 5}]), "'a': a picture of a query has 4 numbers"),
    "a picture without bound": (query([{"vector": [1e300] * 4}]), "'a': This is no part of a query"),
    "a drawing that is a list": (said(drawing=[]), "manifest.json .*list where dict belongs"),
    "half a drawing": (said(drawing={"seed": 0}), "manifest.json .*'min_dist'"),
    "a drawing of too many neighbours": (drawn_as(n_neighbors=201), "A map is drawn with 2 to 200 neighbours, not 201"),
    "a drawing of true neighbours": (drawn_as(n_neighbors=True), "True where a count belongs"),
    "a distance that is no number": (drawn_as(min_dist=float("nan")), "nan where a number belongs"),
    "a seed below 0": (drawn_as(seed=-1), "-1 where a count belongs"),
    "a seed beyond": (drawn_as(seed=2**32), "A seed is a whole number"),
    **{
        f"without {name}": (without(name), f"there is no {name} in it")
        for name in ("manifest.json", "SHA256SUMS", "vectors.npy", "images.jsonl", "texts.npy")
    },
}


def refused(workspace: Workspace, path: Path, reason: str) -> None:
    """An import is refused in one sentence, and neither a new nor an old collection has changed."""
    before = workspace.collections(), files(workspace), marks(workspace.collection("plain"))
    for name in ("shades", "plain"):
        with pytest.raises(Unreadable, match=reason) as caught:
            workspace.import_(path, name)
        assert str(caught.value).startswith(f"{path}: it cannot be imported: ")
        assert str(caught.value).removeprefix(str(path)).isprintable()
    assert (workspace.collections(), files(workspace), marks(workspace.collection("plain"))) == before


@pytest.fixture
def settled(workspace: Workspace, tmp_path: Path) -> Workspace:
    """A workspace with a collection "plain" of one picture."""
    (tmp_path / "one.png").write_bytes(png())
    workspace.ingest("plain", [tmp_path / "one.png"])
    return workspace


@pytest.mark.parametrize("case", TAMPERED)
def test_what_is_not_as_it_was_written_is_refused_and_nothing_is_taken(
    settled: Workspace, box: Path, tmp_path: Path, case: str
):
    change, reason = TAMPERED[case]
    members = read(box)
    change(members)

    refused(settled, written(tmp_path / "box.zip", members), reason)


@pytest.mark.parametrize("name", ["vectors.npy", "images.jsonl", "texts.npy", "thumbs/", "originals/", "SHA256SUMS"])
def test_a_byte_that_changed_is_found(settled: Workspace, box: Path, tmp_path: Path, name: str):
    members = read(box)
    name = first(members, name)
    data = bytearray(members[name])
    data[-2] ^= 1
    members[name] = bytes(data)

    reason = "is not what was exported|is not the picture of that id|is not in the order|is not the sha256"
    refused(settled, written(tmp_path / "box.zip", members, signed=False), f"{reason}|does not name|lacks something")


LONGEST = "\U0001f600"  # in JSON a character of 12 bytes


def test_the_longest_names_and_metadata_that_an_ingest_takes_can_be_exported_and_imported(
    workspace: Workspace, tmp_path: Path
):
    ends = [f"{n:03}.png" for n in range(102)]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for end in ends:
            archive.writestr(end, png())
    name = LONGEST * (4000 - len("/000.png"))
    meta = {"text": LONGEST * (2**17 - 4)}
    table = dict.fromkeys(ends, meta)
    workspace.ingest("a", [ingest.Source(tmp_path / "a.zip", name)], table=table)
    before = workspace.collection("a").snapshot().records
    assert len(before[0].names) >= 100
    assert before[0].meta == meta
    workspace.export("a", tmp_path / "out.zip")

    with closing(Workspace(tmp_path / "other", load=load_fake)) as other:
        other.import_(tmp_path / "out.zip")
        assert other.collection("a").snapshot().records == before


@pytest.mark.parametrize(
    ("limit", "most", "reason"),
    [
        ("MOST_LINE", 300, "names, metadata and tags are more than an import takes"),
        ("MOST_TEXT", 20, "names, metadata and tags are more than an import takes"),
        ("MOST_GIVEN", 1, "names, metadata and tags are more than an import takes .* 1 given values"),
        ("MOST_TAGS", 1, "names, metadata and tags are more than an import takes .* 1 tags"),
        ("MOST_SAVED", 1, "shades cannot be exported: what was saved of kind query .* at most 1 names"),
        ("MOST_BODY", 200, "shades cannot be exported: the saved query 'warm': it has [0-9]+ bytes.*Forget it first"),
        ("MOST_TEXT", 5, "has a name of more than 5 characters: rename it first"),
        ("MOST_MANIFEST", 100, "too many texts on the map"),
        ("MOST_ENTRIES", COUNT + 4, "too many pictures for one zip"),
    ],
)
def test_what_could_not_be_imported_is_not_exported(
    workspace_of: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, reason: str
):
    monkeypatch.setattr(layout, limit, most)

    with pytest.raises(BadInput, match=reason):
        workspace_of.export("shades", tmp_path / "out.zip")
    assert list(tmp_path.iterdir()) == []


def test_long_lines_are_not_held_together(box: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(layout, "LINES", 1)

    with closing(Archive(box)) as archive:
        assert [len(batch.records) for batch in archive.batches()] == [1] * COUNT


def test_a_table_of_contents_over_the_limit_is_not_even_read(
    settled: Workspace, box: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(layout, "MOST_ENTRIES", COUNT)
    monkeypatch.setattr(layout, "PER_ENTRY", 46)

    refused(settled, box, "more than 12 members")


def test_sums_alone_find_what_else_is_sound(settled: Workspace, box: Path, tmp_path: Path):
    members = read(box)
    name = first(members, "thumbs/")
    members[name] = png("white", (20, 20))

    refused(settled, written(tmp_path / "box.zip", members, signed=False), f"{name} is not what was exported")


def broken(data: bytes) -> dict[str, tuple[bytes, str]]:
    directory, flags = data.index(b"PK\1\2"), 8
    locked = bytearray(data)
    locked[directory + flags] |= 1
    flipped = bytearray(data)
    flipped[data.index(b"\x93NUMPY") + 150] ^= 1
    return {
        "empty": (b"", "the zip is damaged or cannot be read"),
        "no zip": (b"hello" * 99, "the zip is damaged or cannot be read"),
        "cut": (data[:-40], "the zip is damaged or cannot be read"),
        "a bit flipped": (bytes(flipped), "vectors.npy is damaged or cannot be read"),
        "encrypted": (bytes(locked), "vectors.npy is encrypted"),
    }


@pytest.mark.parametrize("case", ["empty", "no zip", "cut", "a bit flipped", "encrypted"])
def test_a_damaged_zip_is_refused(settled: Workspace, box: Path, tmp_path: Path, case: str):
    data, reason = broken(box.read_bytes())[case]
    (tmp_path / "box.zip").write_bytes(data)

    refused(settled, tmp_path / "box.zip", reason)


def test_of_a_strangers_thumbnail_only_the_picture_is_kept(box: Path, workspace: Workspace, tmp_path: Path):
    members = read(box)
    name = first(members, "thumbs/")
    members[name] = png("white", (20, 20)) + HTML
    workspace.import_(written(tmp_path / "box.zip", members))
    kept = workspace.home.thumbnail(name.removeprefix("thumbs/"))

    assert kept is not None
    assert HTML not in kept.read_bytes()
    with Image.open(kept) as picture:
        assert (picture.format, picture.size) == ("JPEG", (20, 20))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_twice_members_that_overlap_and_methods_that_are_not_ours_are_refused(
    settled: Workspace, box: Path, tmp_path: Path
):
    members = read(box)
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive:
        for name in [*members, "vectors.npy"]:
            archive.writestr(name, members[name])
    with zipfile.ZipFile(tmp_path / "over.zip", "w") as archive:
        for name in members:
            archive.writestr(name, members[name])
        archive.filelist[-1].compress_size = 10**9
    with zipfile.ZipFile(tmp_path / "lzma.zip", "w", zipfile.ZIP_LZMA) as archive:
        for name in members:
            archive.writestr(name, members[name])

    refused(settled, tmp_path / "twice.zip", "'vectors.npy' does not belong")
    refused(settled, tmp_path / "over.zip", "overlap|damaged")
    refused(settled, tmp_path / "lzma.zip", "packed in a way that is not ours")


def test_a_zip_of_pictures_is_told_where_it_belongs(settled: Workspace, tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        archive.writestr("red.png", png())
    refused(
        settled, tmp_path / "pictures.zip", "there is no manifest.json in it; a zip of pictures is added with `ingest`"
    )


def test_tables_and_what_is_not_there_are_no_imports(workspace: Workspace, tmp_path: Path):
    with pytest.raises(BadInput, match=r"a\.npz is a table: `ingest` takes"):
        workspace.import_(tmp_path / "a.npz")
    with pytest.raises(BadInput, match="there is no such file"):
        workspace.import_(tmp_path / "a.zip")


def test_a_dimension_that_is_not_that_of_the_vectors_or_of_the_model_is_refused(
    box: Path, workspace: Workspace, pictures: Path, tmp_path: Path
):
    members = read(box)
    of_space(dimension=5)(members)
    said(saved={})(members)  # one is a picture in 4 dimensions
    path = written(tmp_path / "box.zip", members)

    with pytest.raises(Unreadable, match=r"vectors\.npy does not hold 12 vectors of 5 numbers"):
        workspace.import_(path)
    assert workspace.collections() == []
    workspace.ingest("plain", [pictures])
    with pytest.raises(BadInput, match="have 5 numbers, and here they have 4"):
        workspace.import_(path)
    assert [info.name for info in workspace.collections()] == ["plain"]


def test_a_space_that_only_the_ledger_still_knows_is_no_other_one(box: Path, workspace: Workspace):
    workspace.home.ledger.delete(workspace.home.ledger.ensure("gone", Space("pocket-colours", "pocket", 7, 20.0)))

    with pytest.raises(BadInput, match="have 4 numbers, and here they have 7"):
        workspace.import_(box)
    assert workspace.collections() == []


# -- writing


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("shades.tar", r"has to end in \.zip or \.parquet or \.npz or \.csv"),
        ("shades", "has to end in"),
        ("nowhere/shades.zip", "cannot be written: No such file"),
        ("folder.zip", "cannot be written: Is a directory"),
        (f"{'long' * 80}.csv", "cannot be written: File name too long"),
    ],
)
def test_a_file_that_cannot_be_written_is_named(workspace_of: Workspace, tmp_path: Path, path: str, reason: str):
    (tmp_path / "folder.zip").mkdir()

    with pytest.raises(BadInput, match=reason):
        workspace_of.export("shades", tmp_path / path)
    assert [one.name for one in tmp_path.iterdir()] == ["folder.zip"]


@pytest.mark.parametrize("ending", ["zip", "parquet", "npz", "csv"])
def test_an_export_that_is_stopped_leaves_what_was_there(workspace_of: Workspace, tmp_path: Path, ending: str):
    path = tmp_path / f"shades.{ending}"
    path.write_bytes(b"before")
    told: list[Progress] = []

    with pytest.raises(Cancelled, match="was not written"):
        workspace_of.export("shades", path, on_progress=told.append, cancelled=lambda: len(told) == 2)
    assert told == [Progress(5, COUNT), Progress(10, COUNT)]
    assert (list(tmp_path.iterdir()), path.read_bytes()) == ([path], b"before")


def test_an_empty_collection_and_originals_in_a_table_are_refused(
    workspace_of: Workspace, workspace: Workspace, tmp_path: Path
):
    workspace.home.ledger.ensure("empty", FakeEncoder().space)
    with pytest.raises(EmptyCollection):
        workspace.export("empty", tmp_path / "a.zip")
    with pytest.raises(BadInput, match=r"cannot hold originals: only a \.zip can"):
        workspace_of.export("shades", tmp_path / "a.csv", originals=True)
    assert list(tmp_path.glob("a.*")) == []


# -- tables


@pytest.fixture(scope="module")
def expected(source: Collection) -> pd.DataFrame:
    """What a table holds, worked out from the metadata that was given."""
    rows = []
    for record in source.snapshot().records:
        meta = META[Path(record.path).name]
        plain = {"id": record.id, "path": record.path, "width": 8, "height": record.height}
        own = {"meta.path" if field == "path" else field: value for field, value in meta.items()}
        given = {field: values[len(rows)] for field, values in GIVEN.items() if len(rows) in values}
        rows.append({**plain, **own, **given})
    return pd.DataFrame(rows)


def plain(column: pd.Series) -> list[Any]:
    """The values, None where there is none."""
    return [None if pd.isna(value) else value for value in column.tolist()]


def test_parquet_holds_vectors_and_metadata_with_their_types(
    workspace_of: Workspace, source: Collection, expected: pd.DataFrame, tmp_path: Path
):
    from pyarrow import parquet

    workspace_of.export("shades", tmp_path / "a.parquet")
    table = parquet.read_table(tmp_path / "a.parquet")
    types = {field.name: str(field.type) for field in table.schema}

    assert list(types)[:5] == ["id", "path", "width", "height", "vector"]
    assert {name: types[name] for name in ("n", "share", "even", "who", "mixed", "meta.path")} == {
        "n": "int64",
        "share": "double",
        "even": "bool",
        "who": "string",
        "mixed": "string",
        "meta.path": "string",
    }
    assert types["vector"] == "fixed_size_list<element: float>[4]"
    frame = pd.read_parquet(tmp_path / "a.parquet")
    assert np.array_equal(np.stack(frame["vector"].tolist()), source.snapshot().vectors)
    for column in set(expected) - {"mixed"}:
        assert table[column].to_pylist() == plain(expected[column]), column
    assert set(table["mixed"].to_pylist()) == {None, "none", *map(str, range(1, 11))}
    space = json.loads(table.schema.metadata[b"sharedspace"])
    assert space["space"] == source.info.space.fingerprint
    assert (space["dimension"], space["model"], space["logit_scale"]) == (4, "pocket", 20.0)


def test_npz_holds_vectors_and_metadata_as_arrays(
    workspace_of: Workspace, source: Collection, expected: pd.DataFrame, tmp_path: Path
):
    workspace_of.export("shades", tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in arrays}

    assert np.array_equal(found["vectors"], source.snapshot().vectors)
    assert found["vectors"].dtype == np.float32
    assert found["ids"].tolist() == list(source.snapshot().ids)
    assert found["paths"].tolist() == list(source.snapshot().paths)
    for field in ("n", "share"):
        assert np.array_equal(found[field], expected[field].to_numpy(float), equal_nan=True)
    for field in ("who", "even", "meta.path"):
        assert found[field].tolist() == ["" if pd.isna(value) else str(value) for value in expected[field]]
    assert json.loads(str(found["space"]))["space"] == source.info.space.fingerprint


def test_csv_holds_metadata_and_no_formula(workspace_of: Workspace, expected: pd.DataFrame, tmp_path: Path):
    workspace_of.export("shades", tmp_path / "a.csv")
    frame = pd.read_csv(tmp_path / "a.csv", dtype={"mixed": str})

    assert [*frame][:4] == ["id", "path", "width", "height"]
    assert set(frame) - set(expected) == {"'=1+1"}
    assert frame["'=1+1"].dropna().tolist() == ["'=cmd()"]
    for column in ("id", "path", "width", "height", "n", "share", "who", "meta.path"):
        assert plain(frame[column]) == plain(expected[column]), column


@pytest.mark.parametrize("ending", ["parquet", "npz"])
def test_a_table_with_vectors_can_be_ingested(
    workspace_of: Workspace, source: Collection, workspace: Workspace, tmp_path: Path, ending: str
):
    workspace_of.export("shades", tmp_path / f"a.{ending}")
    result = workspace.ingest("again", [tmp_path / f"a.{ending}"])

    assert (result.added, result.rejected) == (COUNT, ())
    here = workspace.collection("again").snapshot()
    assert here.ids == source.snapshot().ids
    assert np.allclose(here.vectors, source.snapshot().vectors, atol=1e-6)


def test_columns_of_ours_keep_their_names_whatever_fields_are_called():
    meta = {"path": 1, "meta.path": 2, "meta.meta.path": 3, "a/b": 4, "a_b": 5, "embedding": 6, "file_name": 7}
    record = ImageRecord("0" * 64, "p", 1, 1, meta)
    found = tables.columns([record], unfit="/")

    assert {column.field: column.name for column in found} == {
        "path": "meta.meta.meta.path",
        "meta.path": "meta.path",
        "meta.meta.path": "meta.meta.path",
        "a/b": "meta.a_b",
        "a_b": "a_b",
        "embedding": "meta.embedding",
        "file_name": "meta.file_name",
    }
    assert [column.value(record) for column in found] == [meta[column.field] for column in found]


@pytest.mark.parametrize(
    ("values", "kind", "cells"),
    [
        ([1, 2], int, [1, 2]),
        ([1, 2.5], float, [1.0, 2.5]),
        ([True, False], bool, [True, False]),
        ([True, 2], str, ["True", "2"]),
        ([1, "a"], str, ["1", "a"]),
        ([1, 2**63], str, ["1", str(2**63)]),
        (["a\ud800", None], str, ["a?", None]),
    ],
)
def test_a_column_keeps_its_type_where_it_has_one(values: list[Any], kind: type, cells: list[Any]):
    records = [ImageRecord("0" * 64, "p", 1, 1, {} if value is None else {"f": value}) for value in values]
    (column,) = tables.columns(records)

    assert column.kind is kind
    assert [column.value(record) for record in records] == cells


def test_texts_that_would_fill_the_memory_of_who_reads_an_npz_are_refused(
    workspace_of: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tables, "MOST_TEXTS", 4 * COUNT * 64 - 1)
    with pytest.raises(BadInput, match=r"'ids' holds texts of up to 64 characters.*\.parquet"):
        workspace_of.export("shades", tmp_path / "a.npz")
    assert list(tmp_path.iterdir()) == []


# -- copies


def test_a_copy_has_everything_and_embeds_nothing(box: Path, workspace: Workspace):
    workspace.import_(box)
    there = workspace.collection("shades")
    here = workspace.copy("shades", "second")

    assert here.info.name == "second"
    assert here.snapshot().records == there.snapshot().records
    assert here.snapshot().vectors.tobytes() == there.snapshot().vectors.tobytes()
    assert (here.map().key, here.map().late, here.anchors()) == (there.map().key, there.map().late, there.anchors())
    assert (marks(here), here.map().drawing) == (marks(there), there.map().drawing)
    assert len(here.tags()) == len(TAGS)
    assert here.search("red").hits == there.search("red").hits
    assert workspace.home.encoder("pocket").seen["images"] == 0
    assert is_sound(workspace, "second")


def test_a_copy_goes_its_own_way(box: Path, workspace: Workspace):
    workspace.import_(box)
    here, there = workspace.copy("shades", "second"), workspace.collection("shades")
    before = there.info
    here.remove(here.snapshot().ids[:3])
    here.set_anchors([])
    here.redraw(Drawing(seed=1))

    assert (there.info, there.anchors()) == (before, ["red", "a blue sky"])
    assert len(there.map().ids) == COUNT
    workspace.delete("shades")
    assert here.info.images == COUNT - 3
    assert all(workspace.home.thumbnail(id) for id in here.snapshot().ids)


def test_a_copy_takes_no_name_that_is_taken(settled: Workspace, box: Path):
    settled.import_(box)
    settled.home.ledger.ensure("of another", FakeEncoder("another").space)
    before = settled.collections()

    for name in ("plain", "shades", "of another"):
        with pytest.raises(BadInput, match="already: choose another name"):
            settled.copy("shades", name)
    with pytest.raises(BadInput, match="needs a name"):
        settled.copy("shades", " ")
    assert settled.collections() == before


def test_an_empty_collection_can_be_copied_to_another_name_only(workspace: Workspace):
    workspace.home.ledger.ensure("empty", FakeEncoder().space)

    with pytest.raises(BadInput, match="already: choose another name"):
        workspace.copy("empty", "empty")
    assert workspace.copy("empty", "second").info.images == 0


def test_a_copy_that_was_cut_off_has_no_images_and_is_completed_by_the_same_command(
    box: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    workspace.import_(box)

    def cut_off(*given: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as cutting:
        cutting.setattr(workspace.home.ledger, "add", cut_off)
        with pytest.raises(KeyboardInterrupt):
            workspace.copy("shades", "second")
    assert {info.name: info.images for info in workspace.collections()} == {"second": 0, "shades": COUNT}

    assert workspace.copy("shades", "second").map().key == workspace.collection("shades").map().key


def test_a_copy_that_was_cut_off_after_its_images_came_has_everything(
    box: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    workspace.import_(box)
    add, there = workspace.home.ledger.add, workspace.collection("shades")

    def cut_off(*given: Any) -> Any:
        add(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as cutting:
        cutting.setattr(workspace.home.ledger, "add", cut_off)
        with pytest.raises(KeyboardInterrupt):
            workspace.copy("shades", "second")
    here = workspace.collection("second")

    assert (here.info.images, marks(here), here.anchors()) == (COUNT, marks(there), there.anchors())
    assert here.map().key == there.map().key


def test_a_copy_of_some_images_has_their_tags_and_neither_map_nor_what_was_saved(box: Path, workspace: Workspace):
    workspace.import_(box)
    ids = workspace.collection("shades").snapshot().ids
    here = workspace.copy("shades", "some", ids=ids[:4])

    given = {field: {ids[row]: value for row, value in own.items() if row < 4} for field, own in GIVEN.items()}
    assert marks(here) == ({ids[0]: {"hidden"}, ids[3]: TAGS[3]}, given, [], [], [], [])
    assert not here.is_drawn
    seventh = workspace.home.ledger.some_records(workspace.collection("shades").info.number, ids[7:8])
    workspace.home.ledger.add(here.info.number, seventh, np.eye(1, 4))
    assert here.column("class")[4:] == [None]
    assert ids[7] not in here.tags()  # of an image that was not chosen nothing was brought
