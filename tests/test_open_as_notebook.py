"""What "Open as notebook" gives runs beside the app, and has what the page showed."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import streamlit as st
from cells import Kernel, play
from shown import drawn, ids, keys, new_home, new_page, open_page, press, run, texts, told
from streamlit.testing.v1 import AppTest

from sharedspace.collection import Collection
from sharedspace.lessons import projection
from sharedspace.notebook import Cell
from sharedspace.questions import Part
from sharedspace.ui import cache, colouring, layouts, state, text
from sharedspace.ui.learning import scale, training_live
from sharedspace.ui.learning.blocks import Code, Head, Prose, Quiz
from sharedspace.ui.lessons import LESSONS
from sharedspace.ui.notebooks import lessons
from sharedspace.ui.state import State
from sharedspace.vectors import unit

Saved = dict[str, Callable[[], str]]
HOSTILE = "</script>\"'\\{x}` $y$ <img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The app's home; the app has claimed it, so that nobody else may write to it."""
    with new_home(tmp_path_factory.mktemp("notebooks") / "home's <b>") as path:
        yield path


@pytest.fixture
def sample(home: Path) -> Iterator[Collection]:
    collection = cache.workspace().collection("sample")
    yield collection
    for field in collection.given():
        collection.take_back(field)
    for name in collection.saved("query"):
        collection.forget("query", name)


@pytest.fixture(autouse=True)
def saved(monkeypatch: pytest.MonkeyPatch) -> Saved:
    """What the notebook buttons of the last run would give, by page."""
    found: Saved = {}
    button = st.download_button

    def heard(label: str, data: Any, *args: Any, **more: Any) -> bool:
        if label == "Open as notebook":
            found[more["key"].removesuffix(".ipynb")] = data
        return button(label, data, *args, **more)

    monkeypatch.setattr(st, "download_button", heard)
    return found


def remembering(page: str, q: dict[str, str | list[str]], **changes: Any) -> AppTest:
    """A page at an address, of a session that remembers something."""
    at = new_page(page, collection="sample", **q)
    at.session_state[state._KEY] = State(**{"collection": "sample", "of": "sample", "also": (), **changes})
    return run(at)


def codes(at: AppTest) -> np.ndarray:
    """The colour of each point of the map."""
    return np.frombuffer(base64.b64decode(drawn(at)["categories"]), dtype=np.uint8)


def mask(text: str, n: int) -> np.ndarray:
    return np.unpackbits(np.frombuffer(base64.b64decode(text), np.uint8), bitorder="little")[:n].astype(bool)


# ---- Search


def query_of(sample: Collection) -> tuple[Part, ...]:
    rows = sample.snapshot()
    picture = Part(vector=tuple(map(float, rows.vectors[7])), name=HOSTILE, weight=0.5)
    return (Part("snow", weight=-0.75), Part(images=rows.ids[:2], name="two"), picture)


def shown_hits(at: AppTest) -> tuple[list[str], list[str]]:
    """The ids and scores of the results, as the galleries have them."""
    tiles = [tile for key in ("search.hits", "search.below") if key in keys(at) for tile in told(at, key)["tiles"]]
    return [tile[0] for tile in tiles], [tile[1] for tile in tiles]


def test_search_asks_the_whole_query_again(sample: Collection, saved: Saved):
    among = frozenset(sample.snapshot().ids[:300])
    where = ("setting=sea", "setting=snow", "count>=1")
    at = remembering("search", {"q": "a boat", "k": "16"}, also=query_of(sample), where=where, within=among)

    played = play(saved["search"]())

    wanted, scores = shown_hits(at)
    assert [hit.id for hit in played["result"]] == wanted
    assert len(wanted) == 16
    assert [f"{hit.score:+.2f}" for hit in played["result"]] == scores
    assert [term.weight for term in played["result"].terms] == [1, -0.75, 1, 0.5]
    assert played.shown[-1].ids == tuple(wanted)
    assert played["result"].searched == len(
        [one for one in sample.snapshot().records if one.id in among and one.meta.get("setting") in ("sea", "snow")]
    )


def test_search_has_the_no_match_line_of_the_page(sample: Collection, saved: Saved):
    sample.save_query("night", [Part("at night")])
    at = remembering("search", {"q": "snow"})
    at = run(at.segmented_control(key="rate").set_value("strict"))
    at = run(at.segmented_control(key="shape").set_value("a table"))
    (table,) = at.dataframe

    played = play(saved["search"]())

    assert played["result"].no_match_line is not None
    assert f"{played['result'].no_match_line:.2f}" in texts(at)
    columns = played.shown[-1].columns
    assert list(columns["score"]) == table.value["score"].tolist()
    assert list(columns["matches"]) == table.value["matches"].tolist()
    assert np.allclose(columns["query night"], table.value["query night"])


def test_search_without_a_query_has_the_selection(sample: Collection, saved: Saved):
    chosen = sample.snapshot().ids[3:6]
    remembering("search", {}, selected=frozenset(chosen))

    played = play(saved["search"]())

    assert played.shown[-1].ids == chosen


@pytest.mark.parametrize("page", ["search", "zero_shot"])
def test_where_nothing_is_asked_the_notebook_says_so(page: str, sample: Collection, saved: Saved):
    open_page(page, collection="sample")

    (written,) = saved.values()

    assert play(written()).shown[-1] in ("nothing is asked yet", "there are no labels yet")


# ---- Map


def test_the_map_has_the_same_points_words_star_and_selection(sample: Collection, saved: Saved):
    chosen = sample.snapshot().ids[10:14]
    query = {"q": "a dog", "colour": "setting"}
    at = remembering("map", query, where=("setting!=sea",), selected=frozenset(chosen))
    data = drawn(at)

    played = play(saved["map"]())

    assert np.array_equal(played["xy"], sample.map().xy)
    assert np.array_equal(played["codes"], codes(at))
    assert played["names"] == data["legend"]
    assert np.array_equal(~played["shown"], mask(data["filtered"], len(played["xy"])))
    assert [word for word, *_ in played["texts"]] == [word for word, *_ in data["anchors"]]
    assert np.allclose([place for _, *place in played["texts"]], [place for _, *place in data["anchors"]], atol=1e-4)
    assert np.allclose(played["star"], data["star"][1:], atol=1e-4)
    figure = played["figure"]
    points = sum(len(trace.x) for trace in figure.data if trace.name in (*data["legend"], "other"))
    assert points == int(played["shown"].sum())
    (rings,) = [trace for trace in figure.data if trace.name == "selected"]
    rows = np.flatnonzero(mask(data["selected"], len(played["xy"])))
    assert np.allclose(np.column_stack([rings.x, rings.y]), sample.map().xy[rows])
    assert len(rows) == 4
    wanted = [sample.snapshot().ids[row] for row in data["hits"]]
    assert [hit.id for hit in played["result"] if hit.matched] == wanted
    assert wanted


@pytest.mark.parametrize("by", [colouring.SIMILAR, colouring.TRUST, colouring.CONTRAST, "query: sea <b>"])
def test_the_map_has_the_same_scale(by: str, sample: Collection, saved: Saved):
    sample.save_query("sea <b>", [Part("the sea")])
    at = open_page("map", collection="sample", q=HOSTILE, colour=by, a="a day", b="a {night}'\"")
    scale = drawn(at)["scale"]

    played = play(saved["map"]())

    assert np.allclose([played["low"], played["high"]], [scale["low"], scale["high"]])
    from sharedspace.plots import theme

    binned = theme.bins(played["values"], played["low"], played["high"])
    assert np.mean(binned == codes(at)) > 0.99  # some stand on the edge of two bins
    (points,) = [trace for trace in played["figure"].data if trace.name == "images"]
    assert np.array_equal(points.marker.color, played["values"])


@pytest.mark.parametrize("by", [colouring.GROUPS, colouring.TAGS, colouring.LABELS, colouring.NOTHING])
def test_the_map_has_the_same_categories(by: str, sample: Collection, saved: Saved):
    sample.tag(sample.snapshot().ids[:5], "good")
    labels = {"labels": "snow\nsea: the sea, a beach"}
    at = remembering("map", {"colour": by, **labels}, where=("setting!=sea",))

    played = play(saved["map"]())

    assert np.array_equal(played["codes"], codes(at))
    assert list(played["names"]) == drawn(at)["legend"]
    assert np.array_equal(~played["shown"], mask(drawn(at)["filtered"], len(played["xy"])))
    sample.untag(sample.snapshot().ids[:5], "good")


def test_the_map_along_two_phrases_and_across_the_gap(sample: Collection, saved: Saved):
    open_page("map", collection="sample", q="a dog", layout=layouts.WORDS, a="a {day}", b=HOSTILE)
    played = play(saved["map"]())
    wanted = sample.snapshot().vectors @ unit(sample.embed(["a {day}", HOSTILE])).T
    assert np.allclose(played["xy"], wanted, atol=1e-5)
    assert "star" not in played.names

    at = open_page("map", collection="sample", q="a dog", layout=layouts.REALLY)
    played = play(saved["map"]())
    assert np.array_equal(played["xy"], sample.joint().images)
    assert np.allclose(played["star"], drawn(at)["star"][1:], atol=1e-5)
    assert f"the modality gap is {sample.joint().gap:.2f}" in played.printed


def test_the_opened_image_has_its_neighbours(sample: Collection, saved: Saved):
    picked = sample.snapshot().ids[20]
    at = remembering("map", {}, picked=picked)

    played = play(saved["map"]())

    assert [id for id in played.shown[-1].ids if id != picked] == ids(at, "near")


# ---- Zero-shot

LABELS = {"labels": "snow\nsea: the sea, a beach\nforest\ndesert\\, dry", "truth": "setting"}


@pytest.mark.parametrize(
    "query",
    [
        {"ensemble": "7", "temperature": "0.5", "none": "true"},
        {"template": "a drawing of {}\na {} scene"},
        {"compete": "each by itself"},
    ],
    ids=["ensemble", "templates", "many"],
)
def test_labels_have_the_same_answers_and_accuracy(query: dict[str, str], sample: Collection, saved: Saved):
    at = open_page("zero_shot", collection="sample", part="Against the truth", **LABELS, **query)

    played = play(saved["zero-shot"]())

    report = played["report"]
    metrics = [metric.value for metric in at.metric]
    assert metrics == [f"{value:.1%}" for value in (report.top1, report.top5, report.mean_recall)]
    assert f"n = {report.n:,} of {len(sample.snapshot().ids):,} images" in texts(at)
    confusion = json.loads(at.get("plotly_chart")[0].proto.spec)
    (mine,) = [figure for figure in played.shown if getattr(figure, "data", None) and figure.data[0].type == "heatmap"]
    assert json.loads(mine.to_json())["data"][0]["text"] == confusion["data"][0]["text"]


def test_answers_have_the_same_pictures_and_probabilities(sample: Collection, saved: Saved):
    at = remembering("zero_shot", {**LABELS, "temperature": "2.0"}, where=("setting!=sea",))
    run(at.selectbox(key="bench.label").set_value("sea"))
    at = run(at.toggle(key="bench.unsure").set_value(True))
    tiles = told(at, "bench.gallery")["tiles"]

    played = play(saved["zero-shot"]())

    wanted = [one.id for one in sample.snapshot().records if one.meta.get("setting") != "sea"]
    assert list(played["labelled"].ids) == wanted
    table = next(one for one in played.shown if hasattr(one, "across"))
    assert list(table.ids) == [tile[0] for tile in tiles]
    assert len(tiles) == 24
    assert [f"{value:.0%}" for value in table.columns["probability"]] == [tile[1] for tile in tiles]


def test_clicks_count_in_the_notebook_too(sample: Collection, saved: Saved):
    snapshot = sample.snapshot()
    for label in ("snow", "sea"):
        rows = [one.id for one in snapshot.records if one.meta.get("setting") == label][:8]
        sample.judge(label, rows, True)
    at = new_page("zero_shot", collection="sample", labels="snow\nsea", truth="setting", part="Against the truth")
    at.session_state["uses"] = ["examples"]
    at = run(at)
    plain = open_page("zero_shot", collection="sample", labels="snow\nsea", truth="setting", part="Your clicks")

    played = play(saved["zero-shot"]())
    assert "tuned" not in played.names
    at = run(at)
    played = play(saved["zero-shot"]())

    assert played["tuned"].learned is not None
    assert at.metric[0].value == f"{played['report'].top1:.1%}"
    assert not plain.exception


def test_the_doctor_says_the_same(sample: Collection, saved: Saved):
    labels = "dog\npuppy\nsnow"
    at = open_page("zero_shot", collection="sample", labels=labels, part="Label doctor", truth="object")

    played = play(saved["zero-shot"]())

    said = [line.split(": ", 1)[1] for line in played.printed.splitlines() if ": " in line and "n =" not in line]
    from sharedspace.ui.text import plain

    found = [line for line in said if plain(line) in texts(at)]
    assert len(found) >= 1


# ---- Clusters


@pytest.mark.parametrize(
    ("method", "knob"), [("k-means", ("groups", 5)), ("HDBSCAN", ("least", 12)), ("On the map", None)]
)
def test_clusters_are_the_same_with_their_names(
    method: str, knob: tuple[str, int] | None, sample: Collection, saved: Saved
):
    at = new_page("clusters", collection="sample")
    at.session_state["method"] = method
    at.session_state["groups.truth"] = "setting"
    if knob is not None:
        at.session_state[knob[0]] = knob[1]
    at = run(at)

    played = play(saved["clusters"]())

    for number in played["numbers"][:24]:  # of the first page
        title = f"**{played['titles'][number]}** · {int((played['groups'].labels == number).sum()):,} images"
        assert title in texts(at)
    assert f"**{len(played['numbers'])} groups**" in texts(at)
    agreement = played["agreement"]
    assert f"adjusted Rand {agreement.rand:.3f}" in texts(at)
    assert f"purity {agreement.purity:.0%}" in texts(at)
    last = played["numbers"][:24][-1]
    assert [played["groups"].ids[row] for row in played["typical"]] == ids(at, f"sheet.{last}")


def test_groups_that_were_edited_stay_so(sample: Collection, saved: Saved):
    at = new_page("clusters", collection="sample")
    at.session_state["method"] = "k-means"
    at.session_state["groups"] = 4
    at = run(at)
    merged = ids(at, "sheet.0")[:1] + ids(at, "sheet.2")[:1]
    at.multiselect(key="groups.merged").set_value([0, 2])
    at = press(at, "Merge them")
    at.text_input(key="groups.title.1").set_value("grandmother's {cake}")
    at = run(next(b for b in at.button if b.proto.form_id.startswith("groups.title.1")).click())

    played = play(saved["clusters"]())

    group = dict(zip(played["groups"].ids, played["groups"].labels.tolist(), strict=True))
    assert len(played["numbers"]) == 3
    assert group[merged[0]] == group[merged[1]]
    assert played["titles"][1] == "grandmother's {cake}"


# ---- Tidy


def test_duplicates_are_the_same(sample: Collection, saved: Saved):
    sample.alike()  # else a job works it out
    at = open_page("tidy", collection="sample", tidy="duplicates", cosine="0.95", same="false")

    played = play(saved["tidy"]())

    records = sample.snapshot().records
    groups = played["found"].groups
    assert f"**{len(groups):,} groups** of {sum(len(group.rows) for group in groups):,} images" in texts(at)
    assert ids(at, "copies.0") == [records[row].id for row in groups[0].rows]


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ({"tidy": "strangers", "neighbour": "3", "first": "most typical"}, "strangers"),
        ({"tidy": "subset", "kind": "typical", "few.n": "10"}, "few"),
        ({"tidy": "looks", "flaw": "dark"}, "poor"),
    ],
)
def test_other_parts_of_tidy_are_the_same(query: dict[str, str], key: str, sample: Collection, saved: Saved):
    at = open_page("tidy", collection="sample", **query)

    played = play(saved["tidy"]())

    wanted = ids(at, key) if key in keys(at) else []
    assert list(played.shown[-1].ids)[:48] == wanted


def test_leaks_are_the_same(sample: Collection, saved: Saved):
    sample.alike()
    at = open_page("tidy", collection="sample", tidy="leaks", parts="count", cosine="0.9", same="false")

    played = play(saved["tidy"]())

    for leak in played["found"].between[:6]:
        assert f"**{leak.pairs:,} pair" in texts(at)
    assert list(played.shown[-1].ids)[:2] == ids(at, "leaks.0")


# ---- Images


def test_images_are_those_of_the_filter(sample: Collection, saved: Saved):
    at = open_page("images", collection="sample")
    at = run(at.text_input(key="filter").set_value("snow red"))

    played = play(saved["images"]())

    wanted = ids(at, "all")
    assert [record.id for record in played["page"]] == wanted
    assert wanted
    table = played.shown[-1]
    assert len(table) == len(played["records"])
    assert set(table["setting"]) == {"snow"}


# ---- beside the app


def test_a_notebook_only_reads_beside_the_app_that_holds_the_home(
    home: Path, sample: Collection, saved: Saved, kernel: Kernel
):
    open_page("search", collection="sample", q="a boat")
    written = saved["search"]()
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*.npy")}
    edition = sample.edition

    book = kernel.run(nbformat.reads(written, as_version=4))

    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs[-1].data["text/html"].count("<img") == 12
    assert sample.edition == edition
    assert before == {path: path.stat().st_mtime_ns for path in home.rglob("*.npy")}
    with cache.workspace().home.owned():  # still ours
        pass


def test_what_a_user_typed_is_no_markup_in_a_notebook(sample: Collection, saved: Saved):
    remembering("search", {"q": HOSTILE}, also=query_of(sample))

    cells = json.loads(saved["search"]())["cells"]

    said = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    assert "<" not in said
    assert "\\$y\\$" in said


# ---- lessons


def test_blocks_of_a_lesson_are_markdown_and_code_with_a_folded_answer():
    typed = text.plain(HOSTILE)
    blocks = [
        Head("The <b>gap</b>"),
        Prose(f":material/info: You typed {typed}, :gray[quietly]."),
        Quiz("Which?", ("a", HOSTILE), "a", HOSTILE, f"Since {typed}."),
        Code("x = 1\nx + 1"),
        Prose("Afterwards", quiet=True),
    ]

    first, code, last = lessons.cells(blocks)

    assert code == Cell("code", "x = 1\nx + 1")
    assert last == Cell("markdown", "Afterwards")
    assert first.source.startswith("## The &lt;b>gap&lt;/b>\n\nYou typed ")
    assert "quietly." in first.source
    assert "material" not in first.source
    tags = set(re.findall(r"<[^>]*>?", first.source))
    assert tags == {"<details>", "<summary>", "</summary>", "</details>"}
    assert first.source.index("- a\n- ") < first.source.index("<details>") < first.source.index("You said: a.")


def test_the_answer_of_a_question_that_is_open_is_not_in_the_notebook():
    (cell,) = lessons.cells([Quiz("Which?", ("a", "b"))])

    assert "details" not in cell.source


def settled(at: AppTest) -> AppTest:
    """The page once nothing is worked out any more: drawn when no job ran, and beginning none."""
    while True:
        while cache.jobs().active():
            time.sleep(0.05)
        known = {job.id for job in cache.jobs().all()}
        at = run(at)
        if {job.id for job in cache.jobs().all()} == known:
            return at


def taken(name: str) -> AppTest:
    """A lesson with all its predictions committed, and what it works out in the background at hand."""
    at = new_page(name, collection="sample")
    if name == "learn_limits":
        at.session_state["limits.n"] = 100  # drawings of each question, the fewest
    for _ in range(8):
        at = settled(at)
        questions = [radio for radio in at.radio if radio.key and radio.key.startswith("choice-")]
        if not questions:
            break
        questions[0].set_value(0)
        at = press(at, "Commit")
    return at


@pytest.mark.parametrize("name", [lesson.name for lesson in LESSONS])
def test_a_lesson_that_was_taken_runs_as_a_notebook(
    name: str, sample: Collection, saved: Saved, monkeypatch: pytest.MonkeyPatch
):
    less = [(training_live, "ENOUGH", 640), (scale, "CHOICES", (500, 1000)), (scale, "USUAL", 1000)]
    # The notebook draws all the maps of the lesson, 36; the page has those of the sample set ready.
    fewer = [(projection, "NEIGHBOURS", (15,)), (projection, "DISTANCES", (0.1,)), (projection, "SEEDS", (0,))]
    for module, constant, value in less:
        monkeypatch.setattr(module, constant, value)
    at = taken(name)
    assert not [button for button in at.button if button.label == "Commit"]
    assert not at.error
    for module, constant, value in fewer:
        monkeypatch.setattr(module, constant, value)

    played = play(saved[name.removeprefix("learn_")]())

    assert played.shown or played.printed
