"""Each page alone, on the sample set, with the real pocket model."""

import io
import json
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from drawn import png
from PIL import Image
from shown import NAMES, drawn, html, ids, keys, new_home, open_page, press, run, texts
from streamlit.testing.v1 import AppTest

from sharedspace import projection, samples
from sharedspace.errors import Cancelled, NotFound, SharedSpaceError, Unreadable
from sharedspace.records import ImageRecord, Space
from sharedspace.ui import adding, cache, uploads
from sharedspace.workspace import Workspace


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with new_home(tmp_path_factory.mktemp("pages") / "home") as path:
        yield path


def parquet(table: dict[str, list]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    packed = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(table), packed)
    return packed.getvalue()


def finish_jobs(at: AppTest) -> None:
    while cache.jobs().active():  # one job may ask for another
        time.sleep(0.005)
    at.run()


def figures(at: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_opened_first_shows_the_sample_set(home: Path, name: str) -> None:
    at = open_page(name)

    assert at.sidebar.selectbox[0].value == "sample"
    assert not at.error
    assert any("pocket" in caption.value for caption in at.caption)


def test_search_shows_the_nearest_images_in_order(home: Path) -> None:
    at = open_page("search", q="snow")

    collection = cache.workspace().collection("sample")
    snapshot = collection.snapshot()
    scores = snapshot.vectors @ collection.encoder.texts(["snow"])[0]
    expected = [snapshot.ids[row] for row in np.argsort(-scores, kind="stable")[:12]]
    assert ids(at, "search.hits") == expected


def test_search_names_the_words_that_the_model_does_not_know(home: Path) -> None:
    at = open_page("search", q="a red dragon")

    assert "dragon" in at.warning[0].value
    assert "red" not in at.warning[0].value


def test_an_empty_query_says_what_to_do(home: Path) -> None:
    at = open_page("search", q="   ")

    assert "Describe a picture" in at.info[0].value


def test_a_picture_finds_itself_first(home: Path) -> None:
    at = open_page("search")
    sample = samples.load()
    run(at.chat_input(key="ask.picture.0").upload("x.webp", sample.files[7].read_bytes()))

    assert ids(at, "search.hits")[0] == sample.records[7].id


def test_a_text_of_markup_is_shown_as_text(home: Path) -> None:
    at = open_page("map", q='<img src=x onerror="alert(1)"> ![leak](http://evil.example/x.png)')

    assert "<span>&lt;</span>" in html(at)
    assert "<img" not in html(at)
    assert r"\<img src\=x onerror\=\"alert\(1\)\"\> \!\[leak\]\(http" in texts(at)
    assert "![leak]" not in texts(at)
    assert "<img" not in texts(at).replace(r"\<img", "")


def test_clusters_show_every_group(home: Path) -> None:
    at = open_page("clusters")
    at.segmented_control(key="method").set_value("k-means").run()
    at.slider(key="groups").set_value(5).run()

    assert "**5 groups**, 0 of 468 images in none" in texts(at)
    assert len([key for key in keys(at) if key.startswith("sheet.")]) == 5


def test_the_map_puts_the_star_where_the_core_places_the_query(home: Path) -> None:
    at = open_page("map", q="a dog")

    collection = cache.workspace().collection("sample")
    expected = collection.place(collection.embed(["a dog"])[0])
    assert drawn(at)["star"] == ["a dog", *map(pytest.approx, expected.xy)]
    assert drawn(at)["ring"] == [pytest.approx(expected.spread), expected.scattered]
    hits = collection.search("a dog").hits
    assert [collection.map().ids[row] for row in drawn(at)["hits"]] == [hit.id for hit in hits if hit.matched]
    assert ids(at, "map.hits") == [hit.id for hit in hits if hit.matched]


def test_a_click_on_the_map_shows_that_image_and_its_neighbours(home: Path) -> None:
    at = open_page("map")
    collection = cache.workspace().collection("sample")
    on_map, vectors = collection.map(), collection.snapshot().vectors
    xy = on_map.xy.astype(np.float64)
    place = np.linalg.norm(xy[:, None] - xy[None], axis=-1).argsort(axis=1).argsort(axis=1)  # 0 is the own
    true = (-(vectors @ vectors.T)).argsort(axis=1, kind="stable")[:, 1:16]
    near = np.take_along_axis(place, true, axis=1)
    row = int((((near > 30) & (near <= 45)).any(axis=1) & (near > 45).any(axis=1)).argmax())  # by which 3 k is told
    at.session_state[f"map-{collection.info.number}"] = {"clicked": row}
    run(at)

    assert f"/thumbs/{on_map.ids[row]}" in html(at)
    assert ids(at, "near") == [on_map.ids[other] for other in true[row]]
    # Not among the 3 times 15 drawn nearest: drawn far.
    assert drawn(at)["links"] == [[row, other, rank > 45] for other, rank in zip(true[row], near[row], strict=True)]


def test_a_lasso_shows_the_images_within_it(home: Path) -> None:
    at = open_page("map")
    collection = cache.workspace().collection("sample")
    on_map = collection.map()
    apart = np.abs(on_map.xy.astype(np.float64) - on_map.xy[0]).max(axis=1)
    reach = float(np.sort(apart)[[24, 25]].mean())  # of a square around the first image with 24 others in it
    (x, y) = on_map.xy[0].tolist()
    polygon = [[x + dx, y + dy] for dx, dy in ((-reach, -reach), (reach, -reach), (reach, reach), (-reach, reach))]
    gesture = {"url": drawn(at)["url"], "op": "replace", "polygon": polygon, "hidden": []}
    at.session_state[f"map-{collection.info.number}"] = {"gesture": gesture}
    run(at)

    assert "**25 selected**" in [markdown.value for markdown in at.markdown]
    assert ids(at, "selected") == [on_map.ids[row] for row in np.flatnonzero(apart < reach)]


def test_uploads_are_added_in_the_background_and_a_broken_one_is_refused_with_its_reason(home: Path) -> None:
    at = open_page("images")
    at.text_input(key="add.name").set_value("mine").run()
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(picture, "PNG")
    at.file_uploader(key="add.files.0").upload("red.png", picture.getvalue())
    at.file_uploader(key="add.files.0").upload("broken.jpg", b"no picture")
    at.run()
    next(button for button in at.button if button.label == "Add").click().run()
    finish_jobs(at)

    assert cache.workspace().collection("mine").info.images == 1
    assert "1 added" in at.success[0].value
    (refused,) = [markdown.value for markdown in at.markdown if markdown.value.startswith("- **")]
    assert refused.startswith("- **broken\\.jpg**: not a picture that can be read")
    assert at.sidebar.selectbox[0].value == "mine"
    assert not list((home / "incoming").iterdir())


def add_from_server(at: AppTest, name: str, path: str) -> None:
    at.segmented_control(key="add.source").set_value("on the server's machine").run()
    at.text_input(key="add.name").set_value(name).run()
    at.text_input(key="add.folder").set_value(path).run()
    press(at, "Add")


def lines(at: AppTest) -> list[str]:
    """What is told of work that has ended."""
    return [one.value.replace("\\", "") for one in at.markdown if one.value.startswith(":material/")]


@pytest.fixture
def red(tmp_path: Path) -> Path:
    """A folder with one picture that no other test has."""
    folder = tmp_path / "red"
    folder.mkdir()
    seed = int.from_bytes(str(tmp_path).encode())
    noise = np.random.default_rng(seed).integers(0, 256, (20, 20, 3))
    Image.fromarray(noise.astype(np.uint8)).save(folder / "one.png")
    return folder


def test_the_end_of_work_is_told_on_every_page_until_its_collection_is_opened(home: Path, red: Path) -> None:
    at = open_page("search", collection="sample")
    cache.jobs().submit("Adding to later", "later", lambda job: cache.workspace().ingest("later", [red]), lane="adding")
    finish_jobs(at)

    assert any(
        "Adding to later: 1 added, 0 already there, 0 refused in" in line.replace("**", "") for line in lines(at)
    )
    press(at, "Open later")
    assert at.sidebar.selectbox[0].value == "later"
    assert not any("later" in line for line in lines(at))
    assert not any("later" in line for line in lines(open_page("clusters", collection="sample")))


def test_work_that_ended_with_nobody_there_is_told_to_the_next_visitor_and_once_put_away_to_no_other(
    home: Path, red: Path
) -> None:
    job = cache.jobs().submit(
        "Adding to alone", "alone", lambda job: cache.workspace().ingest("alone", [red, "no such"]), lane="adding"
    )
    while job.active:
        time.sleep(0.005)
    first, second = open_page("search", collection="sample"), open_page("map", collection="sample")

    for at in (first, second):
        assert any("no such: there is no such file or folder" in line for line in lines(at))
    first.button(key=f"away-{job.id}").click().run()
    assert not any("alone" in line for line in lines(first))
    assert any("alone" in line for line in lines(second.run()))
    assert not any("alone" in line for line in lines(open_page("search", collection="sample")))


def test_the_page_of_images_tells_the_end_in_full_with_rate_and_precision_and_no_line_follows(
    home: Path, red: Path
) -> None:
    (red / "broken.jpg").write_bytes(b"no picture")
    at = open_page("images", collection="sample")
    add_from_server(at, "full", str(red))
    finish_jobs(at)

    (told,) = [box.value for box in at.success]
    assert re.fullmatch(
        r"\*\*Adding to full\*\*: 1 added, 0 already there, 1 refused in \d+\.\d s "
        r"\(.* images/s, (bfloat16|float32)\)\.",
        told,
    )
    assert not lines(at)
    job = next(job for job in cache.jobs().all() if job.title == "Adding to full")
    at.button(key=f"close-{job.id}").click().run()
    assert not at.success
    assert any("Adding to full" in caption.value for caption in at.caption)


def test_a_table_uploaded_with_its_pictures_becomes_their_metadata(home: Path) -> None:
    at = open_page("images")
    at.text_input(key="add.name").set_value("told").run()
    table = "file_name,age,kind\nred.png,3,warm\nblue.png,41,cold\n"
    uploader = at.file_uploader(key="add.files.0")
    uploader.upload("labels.csv", table.encode())
    for colour in ("red", "blue"):
        uploader.upload(f"{colour}.png", png(colour, (33, 21)))
    at.run()
    press(at, "Add")
    finish_jobs(at)

    records = {record.path: record.meta for record in cache.workspace().collection("told").snapshot().records}
    assert records == {"red.png": {"age": 3, "kind": "warm"}, "blue.png": {"age": 41, "kind": "cold"}}


def test_a_table_uploaded_without_its_pictures_is_refused_with_the_way_out(home: Path) -> None:
    at = open_page("images")
    at.file_uploader(key="add.files.0").upload("mine.csv", b"file_name,age\n/etc/passwd,3\n").run()
    press(at, "Add")

    assert "Upload them with it" in at.error[0].value
    assert not list((home / "incoming").iterdir())


def test_uploads_that_were_refused_are_still_in_the_form_to_add_them_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: object) -> None:
        raise Unreadable("labels.csv", "cannot be read now")

    at = open_page("images")
    at.text_input(key="add.name").set_value("again").run()
    uploader = at.file_uploader(key="add.files.0")
    large = cache.workspace().home.incoming() / "upload"
    large.write_bytes(b"file_name,age\nred.png,3\n")
    monkeypatch.setitem(uploads._tickets, b"ticket", uploads.Ticket(large, "address"))
    uploader.upload("labels.csv", b"ticket").upload("red.png", png("red", (31, 22)))
    at.run()
    with monkeypatch.context() as patch:
        patch.setattr(adding, "read_table_file", refuse)
        press(at, "Add")
    assert "cannot be read now" in at.error[0].value
    assert list((home / "incoming").iterdir()) == [large.parent]
    press(at, "Add")
    finish_jobs(at)

    assert not at.error
    (record,) = cache.workspace().collection("again").snapshot().records
    assert (record.path, record.meta) == ("red.png", {"age": 3})
    assert not list((home / "incoming").iterdir())


def test_what_was_added_is_told_also_when_its_map_cannot_be_drawn(
    home: Path, red: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (red / "broken.jpg").write_bytes(b"no picture")

    def draw(*given: object) -> None:
        raise SharedSpaceError("no memory left")

    monkeypatch.setattr(projection, "draw", draw)
    at = open_page("images", collection="sample")
    add_from_server(at, "unmapped", str(red))
    finish_jobs(at)

    assert any("1 added, 0 already there, 1 refused" in box.value for box in at.success)
    assert any("broken" in one.value for one in at.markdown if one.value.startswith("- **"))
    (failed,) = [box.value for box in at.error]
    assert "Drawing the map of unmapped" in failed
    assert "no memory left" in failed


@pytest.mark.parametrize("what", ["rename", "delete"])
def test_what_was_added_is_told_also_when_its_collection_is_renamed_or_deleted_before_its_map(
    home: Path, red: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    at, workspace = open_page("images", collection="sample"), cache.workspace()
    ingest, name = workspace.ingest, f"{what} me"

    def then(*given: object) -> object:
        result = ingest(*given)
        workspace.delete(name) if what == "delete" else workspace.rename(name, "now another")
        return result

    monkeypatch.setattr(workspace, "ingest", then)
    add_from_server(at, name, str(red))
    finish_jobs(at)

    job = next(job for job in cache.jobs().all() if job.collection == name)
    assert (job.state, job.result.added, job.error) == ("done", 1, "")
    assert not any(job.state == "failed" and job.collection == name for job in cache.jobs().all())


def test_a_collection_deleted_while_pictures_come_is_told_by_its_name(
    home: Path, red: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, workspace = open_page("images", collection="sample"), cache.workspace()

    def gone(*given: object) -> None:
        raise NotFound("collection", "number 7")

    monkeypatch.setattr(workspace, "ingest", gone)
    add_from_server(at, "vanished", str(red))
    finish_jobs(at)

    assert cache.jobs().last("vanished").error == "vanished was deleted while pictures were added to it."


@pytest.mark.parametrize(("what", "method"), [("Copy", "copy"), ("Check", "verify")])
def test_a_copy_and_a_check_end_when_they_are_cancelled(
    home: Path, monkeypatch: pytest.MonkeyPatch, what: str, method: str
) -> None:
    at, workspace = open_page("images", collection="sample"), cache.workspace()
    real = getattr(workspace, method)

    def late(*given: object) -> object:  # the visitor is quicker than the work
        cache.jobs().cancel()
        return real(*given)

    before = len(cache.jobs().all())
    with closing(sqlite3.connect(home / "ledger.sqlite3")) as ledger, ledger:
        ledger.execute("UPDATE collections SET revision = revision + 1 WHERE name = 'sample'")
    monkeypatch.setattr(workspace, method, late)
    press(at, what)
    finish_jobs(at)

    (job,) = cache.jobs().all()[before:]
    assert job.state == "cancelled"
    assert job.result is None
    if what == "Copy":
        workspace.delete("sample copy")


def test_an_uploaded_table_reaches_no_file_of_the_server(home: Path, red: Path) -> None:
    table = {"file_name": [str(red / "one.png"), "../../x.png"], "vector": [[1.0, 0.0], [0.0, 1.0]]}
    at = open_page("images")
    at.text_input(key="add.name").set_value("reaching").run()
    at.selectbox(key="add.model").set_value("none: the file holds vectors").run()
    at.file_uploader(key="add.files.0").upload("mine.parquet", parquet(table)).run()
    press(at, "Add")
    finish_jobs(at)

    records = cache.workspace().collection("reaching").snapshot().records if at.success else []
    assert all((record.width, record.height) == (0, 0) for record in records)


def test_vectors_of_ones_own_are_mapped_and_compared(home: Path) -> None:
    rng = np.random.default_rng(0)
    packed = io.BytesIO()
    np.savez(packed, vectors=rng.normal(size=(12, 7)).astype(np.float32), kind=np.arange(12) % 3)
    at = open_page("images")
    at.text_input(key="add.name").set_value("own").run()
    at.selectbox(key="add.model").set_value("none: the file holds vectors").run()
    at.file_uploader(key="add.files.0").upload("mine.npz", packed.getvalue()).run()
    press(at, "Add")
    finish_jobs(at)

    assert "12 added" in at.success[0].value
    assert cache.workspace().collection("own").info.space.dimension == 7
    assert not open_page("map", collection="own").error


def test_an_export_can_be_downloaded_and_imported_again_and_goes_when_it_is_put_away(home: Path) -> None:
    at = open_page("images", collection="sample")
    press(at, "Export")
    finish_jobs(at)
    job = cache.jobs().last("sample")
    exported = Path(job.result.out)

    (link,) = at.get("link_button")
    assert link.proto.url == f"/exports/{job.id}"
    at.segmented_control(key="import.source").set_value("on the server's machine").run()
    at.text_input(key="import.path").set_value(str(exported)).run()
    at.text_input(key="import.name").set_value("back").run()
    press(at, "Import")
    finish_jobs(at)
    back, sample = (cache.workspace().collection(name).snapshot() for name in ("back", "sample"))
    assert back.ids == sample.ids
    assert np.array_equal(back.vectors, sample.vectors)
    at = open_page("images", collection="sample")
    at.button(key=f"close-{job.id}").click().run()
    assert not exported.parent.exists()


def test_a_file_that_is_no_export_is_refused_in_a_sentence(home: Path) -> None:
    at = open_page("images", collection="sample")
    at.file_uploader(key="import.file.0").upload("mine.zip", b"PK no zip").run()
    press(at, "Import")
    finish_jobs(at)

    assert any("Importing mine.zip" in line for line in lines(at))
    assert not at.exception


def test_a_copy_holds_the_same_and_a_check_finds_nothing_wrong(home: Path) -> None:
    at = open_page("images", collection="sample")
    press(at, "Copy")
    finish_jobs(at)
    press(at, "Check")
    finish_jobs(at)

    assert at.sidebar.selectbox[0].value == "sample copy"
    copied, sample = (cache.workspace().collection(name).snapshot() for name in ("sample copy", "sample"))
    assert copied.ids == sample.ids
    assert any("468 images, and everything agrees" in box.value for box in at.success)


def test_a_check_tells_what_it_found_and_mended(home: Path) -> None:
    at = open_page("images", collection="sample")
    id = cache.workspace().collection("sample").snapshot().ids[0]
    cache.workspace().home.thumbnail(id).unlink()
    press(at, "Check")
    finish_jobs(at)

    shown = " ".join(box.value for box in [*at.success, *at.warning]).replace("\\", "")
    assert "thumbnail" in shown


def test_a_name_that_is_taken_is_told_and_nothing_else_changes(home: Path, red: Path) -> None:
    cache.workspace().ingest("named", [red])
    at = open_page("images", collection="named")
    number = cache.workspace().collection("named").info.number
    at.text_input(key=f"rename-{number}").set_value("sample").run()
    press(at, "Rename")

    assert "sample" in at.error[0].value
    assert at.sidebar.selectbox[0].value == "named"
    assert not at.run().error


def test_a_folder_that_is_not_there_is_refused_on_the_page(home: Path) -> None:
    at = open_page("images")
    at.segmented_control(key="add.source").set_value("on the server's machine").run()
    at.text_input(key="add.folder").set_value("/no/such/folder").run()
    next(button for button in at.button if button.label == "Add").click().run()

    assert "no such file or folder" in at.error[0].value.replace("\\", "")


def test_filtering_the_gallery_counts_what_is_left(home: Path) -> None:
    at = open_page("images", collection="sample")
    at.text_input(key="filter").set_value("snow").run()

    records = cache.workspace().collection("sample").snapshot().records
    expected = sum("snow" in json.dumps(record.meta) for record in records)
    assert any(caption.value.startswith(f"{expected} of {len(records)}") for caption in at.caption)


def test_an_emptied_home_says_how_to_begin(home: Path) -> None:
    for info in cache.workspace().collections():
        cache.workspace().delete(info.name)

    at = open_page("map")

    assert "no collection yet" in at.info[0].value
    assert not at.error


def test_the_sample_set_comes_back_in_one_click(home: Path) -> None:
    at = open_page("images")
    next(button for button in at.button if "sample set" in button.label).click().run()

    assert at.sidebar.selectbox[0].value == "sample"
    assert cache.workspace().collection("sample").info.images == len(samples.load().records)


def test_cached_workspaces_are_of_this_home(home: Path) -> None:
    assert isinstance(cache.workspace(), Workspace)
    assert cache.workspace().home.path == home


def test_a_home_that_cannot_be_read_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "ledger.sqlite3").write_bytes(b"no ledger " * 1000)
    monkeypatch.setenv("SHAREDSPACE_HOME", str(damaged))
    st.cache_resource.clear()

    at = open_page("search")

    assert "cannot be read as a ledger" in at.error[0].value
    st.cache_resource.clear()


def test_a_map_that_cannot_be_drawn_says_why_and_waits_to_be_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHAREDSPACE_HOME", str(tmp_path / "home"))
    st.cache_resource.clear()
    collection = cache.workspace().collection("sample")
    cache.workspace().home.ledger._db.execute("DELETE FROM maps")
    asked = []

    def draw(*given: object) -> None:
        asked.append(given)
        raise SharedSpaceError("no memory left")

    monkeypatch.setattr(projection, "draw", draw)
    at = open_page("map")
    finish_jobs(at)
    at.run()

    assert "no memory left" in at.error[0].value
    assert len(asked) == 1
    monkeypatch.undo()
    next(button for button in at.button if button.label == "Draw the map again").click().run()
    finish_jobs(at)
    assert collection.is_drawn
    cache.jobs().stop()
    cache.workspace().close()
    st.cache_resource.clear()


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "images"])
def test_every_page_works_on_a_handful_of_pictures(home: Path, name: str, count: int) -> None:
    workspace, files = cache.workspace(), samples.load().files
    workspace.ingest(f"few {count}", files[:count])
    at = open_page(name, collection=f"few {count}", q="a dog", labels="dog, cat")
    if name == "map":
        finish_jobs(at)
    if name == "clusters":
        at.segmented_control(key="method").set_value("k-means").run()

    assert at.sidebar.selectbox[0].value == f"few {count}"
    assert not at.exception
    assert not at.error


def test_punctuation_is_not_called_an_unknown_word(home: Path) -> None:
    cache.workspace().add_sample()
    at = open_page("search", collection="sample", q="a red dragon & <boat>?!")

    assert "**dragon**" in at.warning[0].value
    assert at.warning[0].value.count("**") == 2


# ---- what can go wrong with a home, as sentences ----------------------------------------------------


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A new home of this test alone, not yet opened."""
    path = tmp_path / "own" / "home"
    monkeypatch.setenv("SHAREDSPACE_HOME", str(path))
    st.cache_resource.clear()
    yield path
    cache.jobs().stop()
    cache.close()
    st.cache_resource.clear()


def claimed(home: Path) -> bool:
    """Whether another process finds a home in use."""
    script = f"from sharedspace.home import Home\nwith Home({str(home)!r}).owned(): pass"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    return "HomeInUse" in done.stderr


def test_the_app_holds_its_home_before_anything_comes_in(own_home: Path) -> None:
    cache.workspace()

    assert claimed(own_home)


def test_a_workspace_that_is_dropped_lets_go_of_its_home(own_home: Path) -> None:
    opened = cache.workspace()
    st.cache_resource.clear()

    assert not claimed(own_home)
    with pytest.raises(Cancelled), opened.home.owned():
        pass


def test_an_index_that_lacks_little_is_mended_in_silence_and_one_that_lacks_much_with_progress(
    own_home: Path,
) -> None:
    home = cache.workspace().home
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(1200, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    records = [ImageRecord(f"{number:064x}", f"{number}.png", 8, 8) for number in range(1200)]
    numbers = {name: home.ledger.ensure(name, Space("0" * 16, "nobody/gone", 4, 20.0)) for name in ("few", "many")}
    home.ledger.add(numbers["few"], records[:300], vectors[:300])
    home.ledger.add(numbers["many"], records, vectors)

    cache._warm_home()
    while cache.jobs().active():
        time.sleep(0.005)

    (job,) = cache.jobs().all()
    assert (job.collection, job.lane, job.state, job.error) == ("many", "other", "done", "")
    assert job.progress.done == job.progress.total
    with home.owned() as store:
        for name, number in numbers.items():
            assert len(store.shown(number)) == home.ledger.info(number).images, name


HOLD = """
import sys
from sharedspace.home import Home
home = Home(sys.argv[1])
home.announce("http://localhost:1234")
with home.owned():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_home_that_another_process_writes_to_is_read_and_what_would_change_it_says_who_has_it(
    own_home: Path, red: Path
) -> None:
    cache.workspace().close()
    st.cache_resource.clear()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(own_home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        at = open_page("search", q="snow")
        assert len(ids(at, "search.hits")) == 12
        at = open_page("images")
        add_from_server(at, "more", str(red))
        finish_jobs(at)
        (line,) = lines(at)
        at.checkbox[-1].check().run()
        press(at, "Delete")
        holder.communicate()

    for told in (line, at.error[0].value.replace("\\", "")):
        assert f"(process {holder.pid}" in told
        assert "http://localhost:1234" in told
    assert cache.workspace().collection("sample").info.images > 400


def test_a_home_of_a_newer_version_is_told_in_a_sentence(own_home: Path) -> None:
    cache.workspace().close()
    st.cache_resource.clear()
    with closing(sqlite3.connect(own_home / "ledger.sqlite3")) as ledger, ledger:
        ledger.execute("PRAGMA user_version = 99")

    for name in NAMES:
        at = open_page(name)
        assert "newer" in at.error[0].value

    with closing(sqlite3.connect(own_home / "ledger.sqlite3")) as ledger, ledger:
        ledger.execute("PRAGMA user_version = 2")


def test_a_full_disk_is_told_and_after_space_is_freed_the_same_goes_on(
    own_home: Path, red: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page("images")
    monkeypatch.setattr("sharedspace.home.RESERVE", 10**18)
    add_from_server(at, "much", str(red))
    finish_jobs(at)
    told = [box.value for box in at.error] + lines(at)
    monkeypatch.undo()
    monkeypatch.setenv("SHAREDSPACE_HOME", str(own_home))
    press(at, "Add")
    finish_jobs(at)

    assert any("is too full" in one for one in told)
    assert "1 added" in at.success[0].value


def test_a_model_that_is_not_here_is_told_where_it_is_needed(own_home: Path, red: Path) -> None:
    workspace = cache.workspace()
    number = workspace.home.ledger.ensure("gone", Space("0" * 16, "nobody/gone", 4, 20.0))
    record = ImageRecord("0" * 64, "x.png", 8, 8)
    workspace.home.record(number, [record], np.eye(1, 4, dtype=np.float32))

    at = open_page("search", collection="gone", q="a dog")
    assert "nobody/gone" in at.error[0].value.replace("\\", "")
    assert "not on this machine" in at.error[0].value
    at = open_page("images", collection="gone")
    add_from_server(at, "gone", str(red))
    finish_jobs(at)
    assert any("not on this machine" in box.value for box in at.error)


def test_other_names_of_the_same_picture_are_shown(own_home: Path, red: Path) -> None:
    (red / "two.png").write_bytes((red / "one.png").read_bytes())
    cache.workspace().ingest("twice", [red])
    at = open_page("map", collection="twice")
    finish_jobs(at)
    number = cache.workspace().collection("twice").info.number
    at.session_state[f"map-{number}"] = {"clicked": 0}
    run(at)

    facts = at.dataframe[0].value
    assert facts.set_index("field").loc["also called", "value"].endswith("two.png")


def test_a_link_to_a_collection_that_is_not_here_says_which_one_is_shown(home: Path) -> None:
    at = open_page("search", collection="<b>gone</b>")

    assert at.error[0].value == "There is no collection \\<b\\>gone\\<\\/b\\> here\\: sample is shown in its place\\."
    assert not run(at).error
