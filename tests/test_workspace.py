"""The way of the data through a workspace, with an encoder whose answers can be worked out by eye."""

import io
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn import PLAIN, encoded, png, shades, zipped
from PIL import Image

import sharedspace
from sharedspace import intake, samples
from sharedspace import workspace as workspace_module
from sharedspace.errors import BadInput, EmptyCollection, ModelUnavailable, NotFound, SpaceMismatch, Unreadable
from sharedspace.images import fingerprint
from sharedspace.intake import FILES, FIRST
from sharedspace.records import ImageRecord, Progress
from sharedspace.samples import Sample
from sharedspace.testing import FakeEncoder, load_fake
from sharedspace.workspace import Collection, Workspace


def seen(opened: Workspace, model: str = "pocket") -> dict[str, int]:
    """What the model was asked to encode so far."""
    encoder = opened.home.encoder(model)
    assert isinstance(encoder, FakeEncoder)
    return dict(encoder.seen)


def records(opened: Workspace, name: str) -> tuple[ImageRecord, ...]:
    return opened.collection(name).snapshot().records


def names(result) -> list[str]:
    return [Path(hit.path).name for hit in result.hits]


@pytest.fixture
def filled(workspace: Workspace, pictures: Path) -> Collection:
    """The collection "plain" with the six plain pictures."""
    workspace.ingest("plain", [pictures])
    return workspace.collection("plain")


@pytest.fixture
def shaded(workspace: Workspace, tmp_path: Path) -> Collection:
    """The collection "shades" with 60 pictures of random colours, more than one batch."""
    workspace.ingest("shades", [folder_of(tmp_path / "shades", shades(60))])
    return workspace.collection("shades")


def folder_of(folder: Path, pictures: list[bytes]) -> Path:
    folder.mkdir()
    for row, data in enumerate(pictures):
        (folder / f"{row:03}.png").write_bytes(data)
    return folder


def test_the_package_offers_the_workspace_and_nothing_that_is_not_there():
    assert sharedspace.Workspace is Workspace
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = sharedspace.Nothing


# -- adding


def test_pictures_are_found_by_what_they_show(filled: Collection):
    assert filled.info.images == 6
    for colour in PLAIN:
        assert names(filled.search(f"a {colour} square", k=1)) == [f"{colour}.png"]


def test_ingesting_again_embeds_nothing_and_adds_nothing(workspace: Workspace, pictures: Path):
    first = workspace.ingest("plain", [pictures])
    assert (first.added, first.already_there, first.rejected, first.cancelled) == (6, 0, (), False)
    again = workspace.ingest("plain", [pictures])

    assert (again.added, again.already_there, again.rejected) == (0, 6, ())
    assert seen(workspace)["images"] == 6
    assert workspace.collection("plain").info.revision == 1


def test_adding_ten_embeds_ten(workspace: Workspace, shaded: Collection, tmp_path: Path):
    before = seen(workspace)["images"]
    for row, data in enumerate(shades(10, seed=1)):
        (tmp_path / "shades" / f"new {row}.png").write_bytes(data)
    result = workspace.ingest("shades", [tmp_path / "shades"])

    assert (before, seen(workspace)["images"]) == (60, 70)
    assert (result.added, result.already_there) == (10, 60)


def test_pictures_of_a_deleted_collection_or_of_another_one_are_not_embedded_again(
    filled: Collection, workspace: Workspace
):
    folder = Path(filled.snapshot().paths[0]).parent
    workspace.ingest("second", [folder])
    workspace.delete("plain")
    workspace.ingest("plain", [folder])

    assert seen(workspace)["images"] == 6
    assert [info.images for info in workspace.collections()] == [6, 6]


def test_what_was_added_is_there_in_the_next_process(filled: Collection, workspace: Workspace):
    hits = filled.search("blue cyan").hits
    workspace.close()

    with closing(Workspace(workspace.home.path, load=load_fake)) as again:
        assert again.collection("plain").search("blue cyan").hits == hits


HOSTILE = {
    "empty.png": (b"", "the file is empty"),
    "text.jpg": (b"hello", "not a picture that can be read"),
    "page.png": (b"<!doctype html><title>404</title>", "HTML, a web page and not a picture"),
    "drawing.png": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG, a drawing"),
    "half.jpg": (encoded(Image.effect_noise((300, 300), 60), "JPEG")[:9000], "damaged or cut short"),
}


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_each_refused_file_has_its_reason_and_the_rest_goes_on(workspace: Workspace, pictures: Path, kind: str):
    for name, (data, _) in HOSTILE.items():
        (pictures / name).write_bytes(data)
    source = pictures
    if kind == "zip":
        source = zipped(pictures.parent / "all.zip", {path.name: path.read_bytes() for path in pictures.iterdir()})
    result = workspace.ingest("plain", [source])

    assert result.added == 6
    reasons = {rejected.item: rejected.reason for rejected in result.rejected}
    assert reasons.keys() == {f"{source}/{name}" for name in HOSTILE}
    for name, (_, reason) in HOSTILE.items():
        assert reason in reasons[f"{source}/{name}"]
    assert result.already_there == 0


def test_a_damaged_picture_in_a_format_with_errors_of_its_own_does_not_stop_the_rest(
    workspace: Workspace, pictures: Path
):
    whole = encoded(Image.new("RGB", (16, 16), "red"), "AVIF")
    (pictures / "a.avif").write_bytes(whole.replace(b"iloc", b"free"))  # AVIF without its table of contents
    result = workspace.ingest("plain", [pictures])

    assert (result.added, len(result.rejected)) == (6, 1)


def test_every_source_is_checked_before_anything_is_made(workspace: Workspace, pictures: Path):
    with pytest.raises(BadInput, match=r"nowhere: there is no such file"):
        workspace.ingest("plain", [pictures, pictures / "nowhere"])
    assert workspace.collections() == []


def test_the_same_bytes_under_two_names_are_one_image_with_the_metadata_of_both(workspace: Workspace, pictures: Path):
    (pictures / "zwin.png").write_bytes((pictures / "red.png").read_bytes())
    (pictures / "labels.csv").write_text("file,first,both\nred.png,1,a\nzwin.png,,b\n")
    (pictures / "metadata.csv").write_text("not read beside labels.csv")
    result = workspace.ingest("plain", [pictures])

    assert (result.added, result.already_there) == (6, 1)
    found = {Path(one.path).name: one.meta for one in workspace.collection("plain").snapshot().records}
    assert found["red.png"] == {"first": 1, "both": "b"}
    assert seen(workspace)["images"] == 6


def test_the_same_bytes_in_two_batches_are_one_image_with_two_names(workspace: Workspace, tmp_path: Path):
    folder = folder_of(tmp_path / "a", [*shades(FILES), *shades(FILES)])
    result = workspace.ingest("twice", [folder])

    assert (result.added, result.already_there) == (FILES, FILES)
    found = {(Path(one.path).name, *(Path(name).name for name in one.names)) for one in records(workspace, "twice")}
    assert found == {(f"{row:03d}.png", f"{row + FILES:03d}.png") for row in range(FILES)}


def test_a_changed_picture_under_the_same_name_is_a_new_image(workspace: Workspace, pictures: Path):
    workspace.ingest("plain", [pictures])
    (pictures / "red.png").write_bytes(png("white"))
    result = workspace.ingest("plain", [pictures])

    assert (result.added, result.already_there) == (1, 5)
    reds = [one for one in records(workspace, "plain") if Path(one.path).name == "red.png"]
    assert len(reds) == 2
    assert not any(one.names for one in reds)


def test_new_metadata_reaches_an_image_that_is_there_without_embedding_it(filled: Collection, workspace: Workspace):
    folder = Path(filled.snapshot().paths[0]).parent
    workspace.ingest("plain", [folder], table={"red.png": {"label": "warm"}, "blue.png": {"label": "cold", "n": 2}})

    column = dict(zip((Path(path).stem for path in filled.snapshot().paths), filled.column("label"), strict=True))
    assert column == {**dict.fromkeys(PLAIN), "red": "warm", "blue": "cold"}
    assert filled.fields() == ["label", "n"]
    assert seen(workspace)["images"] == 6
    assert not workspace.verify("plain").rebuilt  # the index has it too


@pytest.fixture
def each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every batch is made durable, and told, by itself."""
    monkeypatch.setattr(intake, "LASTING", 0.0)


@pytest.mark.usefixtures("each_batch")
def test_a_cancelled_ingest_keeps_what_is_done_and_running_it_again_completes_it(workspace: Workspace, tmp_path: Path):
    n = 20 * FILES
    folder = folder_of(tmp_path / "many", shades(n))
    told: list[Progress] = []
    first = workspace.ingest("many", [folder], on_progress=told.append, cancelled=lambda: len(told) >= 2)
    assert first.cancelled
    assert 0 < first.added < n
    assert workspace.collection("many").info.images == first.added == told[-1].done

    second = workspace.ingest("many", [folder])
    assert (second.added, second.already_there, second.cancelled) == (n - first.added, first.added, False)
    assert seen(workspace)["images"] == n
    assert len(workspace.collection("many").search("red", k=2 * n, index="chroma").hits) == n


@pytest.mark.usefixtures("each_batch")
def test_an_ingest_that_fails_midway_keeps_the_batches_before(workspace: Workspace, tmp_path: Path, monkeypatch):
    folder = folder_of(tmp_path / "many", shades(6 * FILES))
    encoder, last = workspace.home.encoder("pocket"), threading.Event()
    encode = encoder.encode

    def fail_late(prepared):
        if seen(workspace)["images"] >= 3 * FILES:
            last.set()
            raise MemoryError("the machine is full")
        return encode(prepared)

    monkeypatch.setattr(encoder, "encode", fail_late)
    with pytest.raises(MemoryError):
        workspace.ingest("many", [folder])
    kept = workspace.collection("many").info.images
    assert FILES <= kept <= 4 * FILES
    monkeypatch.undo()
    assert workspace.ingest("many", [folder]).added == 6 * FILES - kept


@pytest.mark.usefixtures("each_batch")
def test_progress_rises_to_the_count_of_files(workspace: Workspace, tmp_path: Path):
    told: list[Progress] = []
    folder = folder_of(tmp_path / "many", shades(2 * FILES + 5))
    workspace.ingest("many", [folder, zipped(tmp_path / "a.zip", {"x.png": png()})], on_progress=told.append)

    n = 2 * FILES + 6
    assert {one.total for one in told} == {n}
    done = [one.done for one in told]
    assert done == sorted(done)
    assert done[-1] == n
    assert len(set(done)) > 2


def test_what_was_told_is_durable_and_group_by_group_not_file_by_file(workspace: Workspace, tmp_path: Path):
    folder, counts = folder_of(tmp_path / "many", shades(30 * FILES)), []

    def look(progress: Progress) -> None:
        with sqlite3.connect(workspace.home.path / "ledger.sqlite3") as db:  # as another program would see it
            counts.append((progress.done, db.execute("SELECT count(*) FROM members").fetchone()[0]))
        db.close()

    workspace.ingest("many", [folder], on_progress=look)
    assert all(done == durable for done, durable in counts)
    assert len(counts) < 15


@pytest.mark.usefixtures("each_batch")
def test_questions_are_answered_while_pictures_are_added_and_in_the_end_by_all(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder, answered = folder_of(tmp_path / "many", shades(8 * FILES)), []

    class Never(dict):
        def get(self, key, default):
            return 0.0

    monkeypatch.setattr(workspace.home, "_due", Never())  # a busy machine would see few of them

    def ask(progress: Progress) -> None:
        collection = workspace.collection("many")
        if collection.snapshot().records:
            answered.append((len(collection.search("red", k=1000).hits), progress.done))
            assert {hit.id for hit in collection.search("red", index="chroma")} <= set(collection.snapshot().ids)

    workspace.ingest("many", [folder], on_progress=ask)
    assert len(answered) >= 6
    assert all(0 < hits <= done for hits, done in answered)
    assert len({hits for hits, _ in answered}) > 2  # they see what is added meanwhile
    assert len(workspace.collection("many").search("red", k=1000).hits) == 8 * FILES


def test_pictures_that_are_being_added_keep_their_files_when_another_collection_that_has_them_goes(
    workspace: Workspace, pictures: Path
):
    """They were there already, so they were not written; the ledger does not know yet who needs them."""
    workspace.ingest("first", [pictures], keep=True)
    encoder = workspace.home.encoder("pocket")

    alone = threading.Lock()

    class Meanwhile(FakeEncoder):
        def encode(self, prepared):  # in several threads at once
            with alone:
                if any(info.name == "first" for info in workspace.collections()):
                    workspace.delete("first")
            return super().encode(prepared)

    workspace.home._encoders["pocket"] = Meanwhile("pocket")
    workspace.ingest("second", [pictures], keep=True)
    workspace.home._encoders["pocket"] = encoder
    assert [info.name for info in workspace.collections()] == ["second"]
    assert all(workspace.home.thumbnail(one.id) for one in records(workspace, "second"))
    assert all(workspace.home.original(one.id) for one in records(workspace, "second"))
    workspace.delete("second")
    assert not [path for kind in ("thumbs", "originals") for path in (workspace.home.path / kind).glob("*/*")]


def test_readers_of_a_growing_collection_never_wait_for_a_new_snapshot(filled: Collection, workspace: Workspace):
    home, number = workspace.home, filled.info.number
    first = filled.snapshot()
    white = ImageRecord("f" * 64, "white.png", 1, 1)
    with home.growing(number):
        home.record(number, [white], filled.embed(["white"]))  # the best answer to the question below
        assert filled.snapshot() is first
        assert white.id not in {hit.id for hit in filled.search("white", k=7, index="chroma")}
        home.refresh(number)
        second = filled.snapshot()
        assert second.records == (*first.records, white)
        home.remove(number, [white.id])
        home._due[number] = time.monotonic() + 100  # it was refreshed a moment ago
        home.refresh(number)
        assert filled.snapshot() is second
    assert filled.snapshot().records == first.records


# -- vectors that are brought along


def own(path: Path, vectors: np.ndarray, **columns: list[str]) -> Path:
    np.savez(path, vectors=vectors, **{name: np.array(values) for name, values in columns.items()})
    return path


def test_vectors_of_ones_own_make_a_space_of_their_own(workspace: Workspace, tmp_path: Path):
    rows = np.random.default_rng(0).normal(size=(12, 6)).astype(np.float32)
    result = workspace.ingest("mine", [own(tmp_path / "a.npz", rows, kind=["x", "y"] * 6)], model="vectors:dino")
    collection = workspace.collection("mine")

    assert (result.added, result.rejected) == (12, ())
    assert (collection.info.space.model, collection.info.space.dimension) == ("vectors:dino", 6)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    found = collection.snapshot().vectors
    np.testing.assert_allclose(np.sort(found, axis=0), np.sort(unit, axis=0), atol=1e-6)
    record = collection.snapshot().records[0]
    row = int(np.argmax(unit @ found[0]))
    assert record.meta == {"kind": "xy"[row % 2]}
    expected = np.sort(unit @ unit[row])[::-1][:5]
    np.testing.assert_allclose([hit.score for hit in collection.similar(record.id, k=5)], expected, atol=1e-5)
    assert len(collection.map().ids) == 12
    with pytest.raises(ModelUnavailable, match=r"brought along .vectors:dino.*reads texts"):
        collection.search("red")
    assert workspace.ingest("mine", [tmp_path / "a.npz"], model="vectors:dino").already_there == 12


def test_vectors_of_ones_own_join_a_model_when_its_own_agree_on_the_pictures(workspace: Workspace, pictures: Path):
    files = sorted(path.name for path in pictures.glob("*.png"))
    right = workspace.home.encoder("pocket").images([Image.open(pictures / name) for name in files]) * 3
    before = seen(workspace)["images"]
    result = workspace.ingest("right", [own(pictures / "right.npz", right, paths=files)])

    assert result.added == len(files)
    assert seen(workspace)["images"] - before <= FIRST  # to compare, not to embed
    assert names(workspace.collection("right").search("blue", k=1)) == ["blue.png"]
    assert all(workspace.home.thumbnail(one.id) for one in records(workspace, "right"))
    with pytest.raises(BadInput, match=r"its vector is not that of pocket \(cosine -?0\.\d\d.*vectors:NAME"):
        workspace.ingest("wrong", [own(pictures / "wrong.npz", np.roll(right, 1, axis=0), paths=files)])
    assert [info.name for info in workspace.collections()] == ["right"]
    assert workspace.ingest("own", [pictures / "wrong.npz"], model="vectors:mine").added == len(files)
    assert {Path(one.path).name for one in records(workspace, "own")} == set(files)


def test_another_vector_for_the_same_picture_is_refused_and_goes_with_its_last_collection(
    workspace: Workspace, pictures: Path
):
    files = sorted(path.name for path in pictures.glob("*.png"))
    rows = np.random.default_rng(0).normal(size=(len(files), 6)).astype(np.float32)
    first = own(pictures / "first.npz", rows, paths=files)
    second = own(pictures / "second.npz", -rows, paths=files)
    workspace.ingest("mine", [first], model="vectors:mine")

    result = workspace.ingest("again", [second], model="vectors:mine")
    assert result.added == 0
    assert {one.reason for one in result.rejected} == {"it has another vector in vectors:mine already"}
    workspace.delete("again")
    workspace.delete("mine")
    workspace.ingest("mine", [second], model="vectors:mine")
    held = workspace.collection("mine").snapshot()
    by_name = {Path(path).name: vector for path, vector in zip(held.paths, held.vectors, strict=True)}
    unit = -rows / np.linalg.norm(rows, axis=1, keepdims=True)
    np.testing.assert_allclose(np.stack([by_name[name] for name in files]), unit, atol=1e-6)


def test_a_space_of_ones_own_is_that_of_its_home_and_no_other(workspace: Workspace, tmp_path: Path):
    source = own(tmp_path / "first.npz", np.eye(3, dtype=np.float32))
    for name in "ab":
        workspace.ingest(name, [source], model="vectors:mine")
    here = {workspace.collection(name).info.space.fingerprint for name in "ab"}
    with closing(Workspace(tmp_path / "elsewhere", load=load_fake)) as other:
        other.ingest("a", [source], model="vectors:mine")
        there = other.collection("a").info.space.fingerprint

    assert len(here) == 1
    assert there not in here


def test_vectors_of_another_length_are_refused_with_both_and_the_way_out(workspace: Workspace, tmp_path: Path):
    with pytest.raises(BadInput, match=r"have 6 numbers and those of pocket have 4: .*such as vectors:mine"):
        workspace.ingest("mine", [own(tmp_path / "a.npz", np.eye(6, dtype=np.float32))])
    (tmp_path / "red.png").write_bytes(png())
    with pytest.raises(BadInput, match="is for sources that bring vectors, and these bring none"):
        workspace.ingest("mine", [tmp_path / "red.png"], model="vectors:mine")
    assert workspace.collections() == []


def test_a_collection_of_another_model_is_refused_with_both_names_though_dimensions_agree(
    filled: Collection, workspace: Workspace, pictures: Path
):
    (pictures / "new.png").write_bytes(png("white"))

    with pytest.raises(SpaceMismatch, match=r"space of pocket \(4-d, .*\), and what was given in that of other \(4-d"):
        workspace.ingest("plain", [pictures], model="other")
    assert filled.info.images == 6
    assert seen(workspace, "other")["images"] == 0
    assert workspace.ingest("another", [pictures], model="other").added == 7


def test_thumbnails_are_made_and_made_again_where_they_were_lost_without_embedding(
    filled: Collection, workspace: Workspace
):
    folder = Path(filled.snapshot().paths[0]).parent
    for id in filled.snapshot().ids:
        thumb = workspace.home.thumbnail(id)
        assert Image.open(io.BytesIO(thumb.read_bytes())).size == (24, 16)
        thumb.unlink()
    workspace.ingest("plain", [folder])

    assert all(workspace.home.thumbnail(id) for id in filled.snapshot().ids)
    assert seen(workspace)["images"] == 6


def test_original_bytes_are_kept_only_when_asked(filled: Collection, workspace: Workspace, pictures: Path):
    red = fingerprint((pictures / "red.png").read_bytes())
    assert workspace.home.original(red) is None
    workspace.ingest("kept", [pictures / "red.png"], keep=True)

    assert workspace.home.original(red).read_bytes() == (pictures / "red.png").read_bytes()


def test_sources_of_every_kind_meet_in_one_collection(workspace: Workspace, pictures: Path, tmp_path: Path):
    archive = zipped(tmp_path / "a.zip", {"deep/white.png": png("white")}, zipfile.ZIP_STORED)
    (tmp_path / "black.png").write_bytes(png("black"))
    workspace.ingest("all", [pictures, str(archive), tmp_path / "black.png"])

    paths = workspace.collection("all").snapshot().paths
    assert {f"{pictures}/red.png", f"{archive}/deep/white.png", f"{tmp_path}/black.png"} < set(paths)
    assert len(paths) == 8


HOLD = """
import sys
import threading
from sharedspace.home import Home
with Home(sys.argv[1]).owned():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_writing_process_is_refused_and_leaves_nothing_while_reading_goes_on(
    filled: Collection, workspace: Workspace, pictures: Path
):
    path = workspace.home.path
    workspace.close()
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    holder.stdout.readline()
    try:
        with closing(Workspace(path, load=load_fake)) as second:
            with pytest.raises(sharedspace.errors.HomeInUse, match=f"process {holder.pid}"):
                second.ingest("new", [pictures])
            assert [info.name for info in second.collections()] == ["plain"]
            assert names(second.collection("plain").search("red", k=1)) == ["red.png"]
            assert second.collection("plain").map().xy.shape == (6, 2)
    finally:
        holder.kill()
        holder.communicate()


# -- collections


def test_collections_are_listed_renamed_and_deleted_by_name(filled: Collection, workspace: Workspace, pictures: Path):
    workspace.ingest("Another", [pictures / "red.png"])
    assert [info.name for info in workspace.collections()] == ["Another", "plain"]
    workspace.rename("plain", "北 sea / ü")
    assert workspace.collection("北 sea / ü").info.images == 6
    assert names(filled.search("red", k=1)) == ["red.png"]  # held by number

    with pytest.raises(NotFound, match=r"No collection named 'plain'. There is: Another, 北 sea / ü\."):
        workspace.collection("plain")
    workspace.delete("北 sea / ü")
    assert [info.name for info in workspace.collections()] == ["Another"]
    with pytest.raises(NotFound, match="There is: Another"):
        workspace.rename("plain", "x")


def test_removed_images_are_gone_from_every_answer(filled: Collection, workspace: Workspace):
    filled.map()
    red = filled.search("red", k=1).hits[0].id
    assert filled.remove([red, "not there"]) == 1

    assert filled.info.images == 5
    for index in ("exact", "chroma"):
        assert red not in [hit.id for hit in filled.search("red", k=9, index=index).hits]
    assert red not in filled.map().ids
    assert filled.remove([red]) == 0
    assert filled.remove([]) == 0


def test_verify_finds_and_mends_an_index_that_differs(filled: Collection, workspace: Workspace):
    assert not workspace.verify("plain").rebuilt
    with workspace.home.owned() as store:
        store.remove(filled.info.number, [filled.snapshot().ids[0]])
    assert len(filled.search("red", index="chroma").hits) == 5

    assert workspace.verify("plain").rebuilt
    assert len(filled.search("red", index="chroma").hits) == 6
    assert not workspace.verify("plain").rebuilt


def test_questions_to_an_empty_collection_say_so(filled: Collection, workspace: Workspace):
    filled.remove(filled.snapshot().ids)

    for ask in (
        lambda: filled.search("red"),
        lambda: filled.search("red", index="chroma"),
        lambda: filled.classify(["red", "blue"]),
        filled.cluster,
        filled.map,
        filled.redraw,
    ):
        with pytest.raises(EmptyCollection, match="'plain' holds no images yet: add some first"):
            ask()
    assert filled.fields() == []


# -- search


@pytest.mark.parametrize("text", ["red", "blue green", "a dark cyan", "nothing known"])
def test_the_index_gives_the_same_hits_as_exact_search_and_both_as_numpy(shaded: Collection, text: str):
    exact, chroma = (shaded.search(text, k=10, index=index) for index in ("exact", "chroma"))
    snapshot = shaded.snapshot()
    cosines = snapshot.vectors.astype(np.float64) @ FakeEncoder().texts([text])[0]

    best = np.argsort(-cosines)[:10]
    assert [hit.id for hit in exact.hits] == [snapshot.ids[row] for row in best]
    assert [hit.id for hit in chroma.hits] == [hit.id for hit in exact.hits]
    assert [hit.path for hit in chroma.hits] == [hit.path for hit in exact.hits]
    np.testing.assert_allclose([hit.score for hit in exact.hits], cosines[best], atol=1e-6)
    np.testing.assert_allclose([hit.score for hit in chroma.hits], cosines[best], atol=1e-5)
    assert [hit.rank for hit in chroma.hits] == list(range(1, 11))
    assert exact.no_match_line == chroma.no_match_line
    assert (exact.matched, exact.query) == (sum(cosines[best] >= exact.no_match_line), text)


@pytest.mark.parametrize("index", ["exact", "chroma"])
def test_more_results_than_images_are_all_images(filled: Collection, index):
    assert len(filled.search("red", k=1000, index=index).hits) == 6


@pytest.mark.parametrize("k", [0, -3])
def test_less_than_one_result_is_refused(filled: Collection, k: int):
    with pytest.raises(BadInput, match=f"at least one result, not {k}"):
        filled.search("red", k=k)


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_an_empty_text_is_refused_before_the_model_is_asked(filled: Collection, workspace: Workspace, text: str):
    before = seen(workspace)["texts"]

    with pytest.raises(BadInput, match="The text is empty: describe what to look for"):
        filled.search(text)
    assert seen(workspace)["texts"] == before


def test_a_picture_finds_pictures_like_it(filled: Collection):
    assert names(filled.search_image(png("cyan", (5, 5)), k=1)) == ["cyan.png"]
    with pytest.raises(Unreadable, match=r"mine\.png: not a picture"):
        filled.search_image(b"text", "mine.png")


def test_images_similar_to_one_begin_with_itself(filled: Collection):
    snapshot = filled.snapshot()
    for row, id in enumerate(snapshot.ids):
        found = filled.similar(id, k=3)
        assert found.hits[0].id == id
        assert found.hits[0].score == pytest.approx(1, abs=1e-6)
        second = np.argsort(-(snapshot.vectors @ snapshot.vectors[row]), kind="stable")[1:]
        assert found.hits[1].score == pytest.approx(float(snapshot.vectors[second[0]] @ snapshot.vectors[row]))
    with pytest.raises(NotFound, match="No image named 'ffff'"):
        filled.similar("ffff")


def test_a_model_whose_files_have_changed_is_not_asked(filled: Collection, workspace: Workspace, monkeypatch):
    encoder = workspace.home.encoder("pocket")
    monkeypatch.setattr(encoder, "space", replace(encoder.space, fingerprint="new weights"))

    with pytest.raises(ModelUnavailable, match=r"pocket \(4-d, pocket-c\), and .* is now pocket \(4-d, new weig\)"):
        filled.search("red")
    assert len(filled.similar(filled.snapshot().ids[0]).hits) == 6  # needs no model


def test_a_model_that_cannot_be_loaded_leaves_no_collection(tmp_path: Path, pictures: Path):
    def load(name: str) -> FakeEncoder:
        raise ModelUnavailable(f"{name} is not here")

    with closing(Workspace(tmp_path / "home", load=load)) as opened:
        with pytest.raises(ModelUnavailable, match="far-away is not here"):
            opened.ingest("plain", [pictures], model="far-away")
        assert opened.collections() == []


# -- labels and groups


def test_zero_shot_labels_equal_the_formula_and_are_right(filled: Collection, workspace: Workspace, pictures: Path):
    labels = ["red", "green", "blue", "yellow", "cyan", "magenta"]
    table = {f"{colour}.png": {"truth": colour.upper()} for colour in PLAIN}
    workspace.ingest("plain", [pictures], table=table)
    found = filled.classify(labels, ["a photo of a {}", "{}"], truth="truth")

    space, vectors = workspace.home.encoder("pocket").space, filled.snapshot().vectors
    logits = space.logit_scale * vectors.astype(np.float64) @ FakeEncoder().texts(labels).T
    np.testing.assert_allclose(found.probabilities, np.exp(logits) / np.exp(logits).sum(1, keepdims=True), rtol=1e-4)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-6)
    assert [labels[row] for row in found.best] == [Path(path).stem for path in found.paths]
    assert found.truth == tuple(Path(path).stem for path in found.paths)
    assert found.ids == filled.snapshot().ids


def test_a_truth_that_is_no_field_is_refused_with_the_fields_before_the_model_is_asked(
    filled: Collection, workspace: Workspace, pictures: Path
):
    workspace.ingest("plain", [pictures], table={"red.png": {"label": "a", "n": 1}})
    before = seen(workspace)

    with pytest.raises(NotFound, match=r"No metadata field named 'truth'. There is: label, n"):
        filled.classify(["red", "blue"], truth="truth")
    assert seen(workspace) == before


def test_clusters_are_those_of_the_vectors(filled: Collection):
    assert sorted(filled.cluster("kmeans", k=6).labels.tolist()) == list(range(6))
    found = filled.cluster("hdbscan", min_size=2)
    assert (found.method, found.ids, len(found.labels)) == ("hdbscan", filled.snapshot().ids, 6)
    with pytest.raises(BadInput, match="no clustering method 'magic': use hdbscan, kmeans or map"):
        filled.cluster("magic")


# -- the map


def test_the_map_is_drawn_once_and_kept(shaded: Collection, workspace: Workspace, monkeypatch):
    drawn = shaded.map()
    workspace.close()
    for change in ("draw", "extend"):
        monkeypatch.setattr(workspace_module.projection, change, lambda *_, **__: pytest.fail("changed"))

    with closing(Workspace(workspace.home.path, load=load_fake)) as again:
        kept = again.collection("shades").map()
        assert (kept.key, kept.ids, kept.revision) == (drawn.key, drawn.ids, drawn.revision)
        assert np.array_equal(kept.xy, drawn.xy)
        assert again.home.ledger.find_map(drawn.key).key == drawn.key


def test_new_images_are_placed_and_nothing_that_is_drawn_moves(
    shaded: Collection, workspace: Workspace, tmp_path: Path
):
    before = shaded.map()
    workspace.ingest("shades", [folder_of(tmp_path / "more", shades(10, seed=7))])
    after = shaded.map()

    places = dict(zip(after.ids, after.xy.tolist(), strict=True))
    assert [places[id] for id in before.ids] == before.xy.tolist()
    assert (len(after.ids), after.placed, after.revision) == (70, 10, shaded.info.revision)
    redrawn = shaded.redraw()
    assert (redrawn.placed, redrawn.key != after.key) == (0, True)
    assert shaded.map().key == redrawn.key


def test_metadata_alone_leaves_the_map_as_it_is(shaded: Collection, workspace: Workspace, tmp_path: Path):
    before = shaded.map()
    workspace.ingest("shades", [tmp_path / "shades"], table={"000.png": {"n": 1}})

    assert shaded.map().key == before.key


def test_a_map_of_which_every_image_was_replaced_is_drawn_anew(
    filled: Collection, workspace: Workspace, tmp_path: Path
):
    filled.map()
    filled.remove(filled.snapshot().ids)
    workspace.ingest("plain", [folder_of(tmp_path / "others", shades(3))])

    assert filled.map().ids == filled.snapshot().ids
    assert filled.map().placed == 0


def test_a_query_stands_among_its_nearest_images_and_moves_nothing(shaded: Collection):
    before = shaded.map()
    query = shaded.embed(["red"])[0]
    placement = shaded.place(query)

    assert [before.ids[row] for row in placement.neighbours[:5]] == [hit.id for hit in shaded.search("red", k=5).hits]
    near = before.xy[list(placement.neighbours)]
    assert (near.min(axis=0) - 1e-4 <= placement.xy).all()
    assert (placement.xy <= near.max(axis=0) + 1e-4).all()
    assert shaded.map().key == before.key


def test_anchors_are_kept_once_each_and_empty_ones_left_out(filled: Collection):
    filled.set_anchors(["red", " ", "a boat", "red"])

    assert filled.anchors() == ["red", "a boat"]


def test_labels_and_anchors_need_the_model_once_and_then_none_at_all(filled: Collection, workspace: Workspace):
    first = filled.classify(["red", "blue"], ["a {}", "{}"])
    filled.set_anchors(["green sea"])
    before = seen(workspace)["texts"]
    assert np.array_equal(filled.classify(["blue", "red"], ["{}", "a {}"]).cosines[:, ::-1], first.cosines)
    assert seen(workspace)["texts"] == before
    workspace.close()

    def no_model(name: str) -> FakeEncoder:
        raise ModelUnavailable("no model may be loaded here")

    with closing(Workspace(workspace.home.path, load=no_model)) as again:
        kept = again.collection("plain")
        assert np.array_equal(kept.classify(["red", "blue"], ["a {}", "{}"]).probabilities, first.probabilities)
        np.testing.assert_array_equal(kept.embed(kept.anchors()), FakeEncoder().texts(["green sea"]))
        with pytest.raises(ModelUnavailable, match="no model may be loaded"):
            kept.search("never asked")


def test_texts_of_searches_are_not_kept_and_the_order_of_texts_is(filled: Collection, workspace: Workspace):
    filled.search("red")
    before = seen(workspace)["texts"]  # with the bank of the no-match line, which is kept
    filled.search("red")
    filled.search("red")
    assert seen(workspace)["texts"] == before + 2

    texts = ["blue", "red", "blue", "green"]
    filled.embed(["red"], remember=True)
    np.testing.assert_array_equal(filled.embed(texts), FakeEncoder().texts(texts))
    assert filled.embed([]).shape == (0, 4)


# -- the sample


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    """A sample set of three pictures, written and read as the shipped one is."""
    folder = tmp_path / "sample"
    folder.mkdir()
    rows = sorted((fingerprint(png(colour)), colour) for colour in ("red", "green", "blue"))
    for _, colour in rows:
        (folder / f"{colour}.png").write_bytes(png(colour))
    (folder / "labels.csv").write_text("file,setting,n\n" + "".join(f"{c}.png,{c},{len(c)}\n" for _, c in rows))
    encoder = FakeEncoder("pocket")
    made = Sample(
        space=encoder.space,
        records=tuple(
            sharedspace.records.ImageRecord(id, f"sample_data/{c}.png", 24, 16, {"setting": c, "n": len(c)})
            for id, c in rows
        ),
        files=tuple(folder / f"{colour}.png" for _, colour in rows),
        vectors=encoder.texts([colour for _, colour in rows]),
        xy=np.array([[0, 1], [2, 3], [4, 5]], dtype=np.float32),
        anchors=("red sea", "blue"),
        anchor_vectors=encoder.texts(["red sea", "blue"]),
    )
    samples.save(made, folder)
    return made


def test_a_saved_sample_set_is_read_as_it_was(sample: Sample):
    read = samples.load(sample.files[0].parent)

    assert (read.space, read.records, read.files) == (sample.space, sample.records, sample.files)
    assert np.array_equal(read.vectors, sample.vectors)
    assert np.array_equal(read.xy, sample.xy)
    assert read.anchors == sample.anchors
    assert np.array_equal(read.anchor_vectors, sample.anchor_vectors)


def test_the_sample_stands_with_its_map_without_any_model(tmp_path: Path, sample: Sample, monkeypatch):
    monkeypatch.setattr(samples, "load", lambda: sample)

    def no_model(name: str) -> FakeEncoder:
        raise ModelUnavailable("no model may be loaded here")

    with closing(Workspace(tmp_path / "home", load=no_model)) as opened:
        found = opened.add_sample()
        assert (found.info.name, found.info.images) == ("sample", 3)
        drawn = found.map()
        assert (drawn.ids, drawn.xy.tolist()) == (found.snapshot().ids, sample.xy.tolist())
        assert found.column("setting") == [record.meta["setting"] for record in sample.records]
        assert all(opened.home.thumbnail(id) for id in drawn.ids)
        assert len(found.similar(drawn.ids[0]).hits) == 3
        assert found.anchors() == ["red sea", "blue"]
        assert np.array_equal(found.embed(found.anchors()), sample.anchor_vectors)
        again = opened.add_sample()
        assert (again.info.revision, again.map().key) == (1, drawn.key)
        opened.verify("sample")
        assert not opened.verify("sample").rebuilt


def test_a_program_without_its_sample_set_says_where_it_should_be(tmp_path: Path):
    with pytest.raises(NotFound, match=f"No sample set named '{tmp_path}"):
        samples.load(tmp_path)


def test_a_collection_of_ones_own_named_sample_is_left_alone(workspace: Workspace, pictures: Path):
    workspace.ingest("sample", [pictures], model="fake")
    before = workspace.collection("sample").snapshot()

    workspace.add_sample()
    assert workspace.collection("sample").snapshot().ids == before.ids
    assert workspace.collection("sample").info.space.model == "fake"


def test_images_taken_out_of_the_sample_set_do_not_come_back(workspace: Workspace):
    first = workspace.add_sample()
    gone = first.snapshot().ids[:3]
    first.remove(gone)

    workspace.add_sample()
    assert not set(gone) & set(workspace.collection("sample").snapshot().ids)


def test_the_sample_set_of_an_earlier_model_is_made_anew(workspace: Workspace):
    sample = samples.load()
    old = replace(sample.space, fingerprint="an earlier pocket")
    number = workspace.home.ledger.ensure("sample", old)
    workspace.home.ledger.add(number, sample.records[:5], sample.vectors[:5])

    info = workspace.add_sample().info
    assert (info.space, info.images) == (sample.space, len(sample.records))


def test_pictures_of_a_deleted_collection_are_gone_but_for_those_that_another_holds(
    workspace: Workspace, pictures: Path
):
    workspace.ingest("all", [pictures], model="fake", keep=True)
    workspace.ingest("one", [pictures / "red.png"], model="fake")
    ids = workspace.collection("all").snapshot().ids
    (kept,) = workspace.collection("one").snapshot().ids
    workspace.delete("all")

    assert [id for id in ids if workspace.home.thumbnail(id)] == [kept]
    assert [id for id in ids if workspace.home.original(id)] == [kept]
    assert workspace.ingest("again", [pictures], model="fake").added == 6
    assert all(workspace.home.thumbnail(id) for id in ids)


def test_images_and_map_are_of_one_moment_while_an_ingest_goes_on(workspace: Workspace, tmp_path: Path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number, row in enumerate(np.random.default_rng(0).integers(0, 256, (150, 3), dtype=np.uint8)):
        (folder / f"{number:03}.png").write_bytes(png(tuple(int(value) for value in row)))
    workspace.ingest("c", [folder / f"{number:03}.png" for number in range(12)], model="fake")
    collection = workspace.collection("c")
    collection.map()
    work = threading.Thread(target=lambda: workspace.ingest("c", [folder], model="fake"))
    work.start()
    seen = set()
    while work.is_alive() or len(seen) < 2:
        snapshot, drawn = collection.view()
        assert snapshot.ids == drawn.ids
        assert len(drawn.xy) == len(snapshot.vectors)
        seen.add(len(drawn.ids))
    work.join()

    assert len(collection.view()[1].ids) == 150


def test_a_model_that_takes_long_to_load_does_not_hold_up_another(tmp_path: Path):
    go = threading.Event()

    def load(name: str) -> FakeEncoder:
        if name == "slow":
            assert go.wait(10)
        return FakeEncoder(name)

    opened = Workspace(tmp_path / "home", load=load)
    slow = threading.Thread(target=lambda: opened.home.encoder("slow"))
    slow.start()
    assert opened.home.encoder("quick").space.model == "quick"
    go.set()
    slow.join()
    opened.close()


def test_an_image_that_was_placed_and_removed_is_not_counted_as_placed(workspace: Workspace, pictures: Path):
    workspace.ingest("c", [pictures / "red.png", pictures / "blue.png"], model="fake")
    collection = workspace.collection("c")
    first = collection.map()
    workspace.ingest("c", [pictures], model="fake")
    assert collection.map().placed == 4
    late = [id for id in collection.map().ids if id not in first.ids]
    collection.remove(late[:3])

    assert collection.map().placed == 1
