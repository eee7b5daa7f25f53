"""Each page alone, on the sample set, with the real pocket model."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from sharedspace import projection, samples
from sharedspace.errors import SharedSpaceError
from sharedspace.ui import cache
from sharedspace.workspace import Workspace

PAGES = Path(__file__).parent.parent / "pages"
NAMES = sorted(path.stem for path in PAGES.glob("*.py"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("pages") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHAREDSPACE_HOME", str(path))
        st.cache_resource.clear()
        st.cache_data.clear()
        cache.workspace()
        yield path
        cache.jobs().stop()
        cache.workspace().close()
        st.cache_resource.clear()


def open_page(name: str, **query: str) -> AppTest:
    at = AppTest.from_file(PAGES / f"{name}.py", default_timeout=120)
    for key, value in query.items():
        at.query_params[key] = value
    at.run()
    assert not at.exception, at.exception
    return at


def finish_jobs(at: AppTest) -> None:
    for job in cache.jobs().all():
        while job.active:
            pass
    at.run()


def html(at: AppTest) -> str:
    return "".join(element.proto.body for element in at.get("html"))


def figures(at: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_opened_first_shows_the_sample_set(home: Path, name: str) -> None:
    at = open_page(name)

    assert at.sidebar.selectbox[0].value == "sample"
    assert not at.error
    assert any("pocket" in caption.value for caption in at.caption)


def test_search_shows_the_nearest_images_in_order(home: Path) -> None:
    at = open_page("search", q="a dog")

    collection = cache.workspace().collection("sample")
    snapshot = collection.snapshot()
    scores = snapshot.vectors @ collection.encoder.texts(["a dog"])[0]
    expected = [snapshot.ids[row] for row in np.argsort(-scores, kind="stable")[:12]]
    shown = [part.split(".webp")[0] for part in html(at).split("/thumbs/")[1:]]
    assert shown == expected


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
    at.segmented_control(key="by").set_value("a picture").run()
    at.file_uploader(key="search.picture").upload("x.webp", sample.files[7].read_bytes()).run()

    assert html(at).split("/thumbs/")[1].startswith(sample.records[7].id)


def test_a_text_of_markup_is_shown_as_text(home: Path) -> None:
    at = open_page("search", q='<img src=x onerror="alert(1)"> ![leak](http://evil.example/x.png)')

    shown = " ".join(element.value for element in [*at.markdown, *at.caption, *at.warning])
    assert "<img" not in html(at).replace('<img loading="lazy"', "")
    assert "![leak]" not in shown


def test_zero_shot_counts_and_accuracy_are_those_of_the_core(home: Path) -> None:
    at = open_page("zero_shot", labels="snow, sea, forest, desert", truth="setting", template="a photo of a {}")

    collection = cache.workspace().collection("sample")
    result = collection.classify(["snow", "sea", "forest", "desert"])
    truth = np.array([str(value) for value in collection.column("setting")])
    known = np.isin(truth, result.labels)
    right = np.array(result.labels)[result.best] == truth
    assert at.metric[0].value == f"{right[known].mean():.1%}"
    bars = figures(at)[0]["data"][0]
    assert list(bars["x"]) == np.bincount(result.best, minlength=4).tolist()


def test_one_label_asks_for_another(home: Path) -> None:
    at = open_page("zero_shot", labels="dog")

    assert "two labels" in at.info[0].value
    assert not figures(at)


def test_a_template_without_a_place_for_the_label_is_refused_with_the_reason(home: Path) -> None:
    at = open_page("zero_shot", labels="dog, cat", template="a photo")

    assert "has no" in at.error[0].value


def test_the_values_of_a_field_become_labels_in_one_click(home: Path) -> None:
    at = open_page("zero_shot", truth="setting")
    next(button for button in at.button if "as labels" in button.label).click().run()

    settings = {str(value) for value in cache.workspace().collection("sample").column("setting") if value is not None}
    assert {label.strip() for label in at.text_area(key="labels").value.split(",")} == settings


def test_clusters_show_every_group(home: Path) -> None:
    at = open_page("clusters")
    at.segmented_control(key="method").set_value("k-means").run()
    at.slider(key="groups").set_value(5).run()

    assert sum("**Group " in markdown.value for markdown in at.markdown) == 5


def test_the_map_puts_the_star_where_the_core_places_the_query(home: Path) -> None:
    at = open_page("map", q="a boat at sea")

    collection = cache.workspace().collection("sample")
    expected = collection.place(collection.embed(["a boat at sea"])[0]).xy
    data = component(at)
    assert data["star"][0] == "a boat at sea"
    assert data["star"][1:] == pytest.approx(expected)
    best = collection.search("a boat at sea").hits[0]
    assert collection.map().ids[data["hits"][0]] == best.id


def test_a_click_on_the_map_shows_that_image_and_its_neighbours(home: Path) -> None:
    at = open_page("map")
    collection = cache.workspace().collection("sample")
    at.session_state[f"map-{collection.info.number}"] = {"clicked": 3, "lasso": None}
    at.run()

    ids = [part.split(".webp")[0] for part in html(at).split("/thumbs/")[1:]]
    drawn = collection.map()
    assert ids[0] == drawn.ids[3]
    assert ids[1:] == [hit.id for hit in collection.similar(drawn.ids[3], 13).hits if hit.id != drawn.ids[3]]


def test_a_lasso_shows_the_images_within_it(home: Path) -> None:
    at = open_page("map")
    collection = cache.workspace().collection("sample")
    drawn = collection.map()
    (x0, y0), (x1, y1) = np.quantile(drawn.xy, 0.4, axis=0), np.quantile(drawn.xy, 0.6, axis=0)
    polygon = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
    at.session_state[f"map-{collection.info.number}"] = {
        "clicked": None,
        "lasso": {"url": component(at)["url"], "polygon": [[float(x), float(y)] for x, y in polygon], "hidden": []},
    }
    at.run()

    within = ((drawn.xy > [x0, y0]) & (drawn.xy < [x1, y1])).all(axis=1)
    assert within.sum() > 3
    assert f"**{within.sum()} selected**" in [markdown.value for markdown in at.markdown]
    shown = [part.split(".webp")[0] for part in html(at).split("/thumbs/")[1:]]
    assert shown == [drawn.ids[row] for row in np.flatnonzero(within)[:60]]


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


def test_a_folder_that_is_not_there_is_refused_on_the_page(home: Path) -> None:
    at = open_page("images")
    at.segmented_control(key="add.source").set_value("folder on the server").run()
    at.text_input(key="add.folder").set_value("/no/such/folder").run()
    next(button for button in at.button if button.label == "Add").click().run()

    assert "no such folder" in at.error[0].value.replace("\\", "")


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


def component(at: AppTest) -> dict:
    """What the map component is given."""
    (element,) = at.get("bidi_component")
    return json.loads(element.proto.json)


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
