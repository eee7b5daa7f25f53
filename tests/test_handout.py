"""The file of a lesson or view: what is written, what is hidden, what can be asked."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from drawn import PLAIN, shades, unit_rows
from shown import new_home, open_page, run

from sharedspace.collection import Collection
from sharedspace.errors import BadInput, ModelUnavailable
from sharedspace.home import Snapshot
from sharedspace.plots import bars
from sharedspace.records import ImageRecord
from sharedspace.testing import FakeEncoder
from sharedspace.ui import cache, recording
from sharedspace.ui.colouring import Colouring
from sharedspace.ui.gallery.component import Tile
from sharedspace.ui.handout import bank, pieces, write
from sharedspace.ui.handout.explorer import Explorer, Screen, chosen, explorer, plain_layout, told
from sharedspace.ui.handout.prose import html_of
from sharedspace.ui.learning import predicting
from sharedspace.ui.learning.blocks import Code, Drawn, Head, Picture, Pictures, Prose, Quiz, Table
from sharedspace.ui.learning.predicting import Guess
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.lessons import LESSONS
from sharedspace.ui.spacemap.payload import bits
from sharedspace.ui.text import plain
from sharedspace.workspace import Workspace

HOSTILE = "</script><script>window.bad=1</script><img src=x onerror=alert(1)> & \ud800 \"'"
ADDRESS = "data:image/png;base64,AAAA"


class Seen(HTMLParser):
    """What a browser would show of a page: text and tags by how many templates they lie in."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.depth, self.skip = 0, ""
        self.texts: dict[int, str] = {}
        self.tags: list[tuple[str, dict[str, str | None], int]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs), self.depth))
        self.depth += tag == "template"
        self.skip = tag if tag in ("script", "style") else self.skip

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == "template"
        self.skip = "" if tag == self.skip else self.skip

    def handle_data(self, data: str) -> None:
        if not self.skip:
            self.texts[self.depth] = self.texts.get(self.depth, "") + data


def held(page: str, name: str) -> object:
    """The JSON of a script element."""
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


# ---- prose ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("a **b** and *c*", "<p>a <strong>b</strong> and <em>c</em></p>\n"),
        ("`cos(a, b)`", "<p><code>cos(a, b)</code></p>\n"),
        ("- one\n- two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"),
        (":material/check: done", "<p>done</p>\n"),
        ("[words](https://evil.example)", "<p>words</p>\n"),
        ("<https://evil.example>", "<p>https://evil.example</p>\n"),
        ("<img src=x onerror=alert(1)>", "<p>&lt;img src=x onerror=alert(1)&gt;</p>\n"),
        ("<script>\nalert(1)\n</script>", "<p>&lt;script&gt;\nalert(1)\n&lt;/script&gt;</p>\n"),
        ("# big", "<h3>big</h3>"),
    ],
)
def test_prose_is_html_that_asks_for_nothing(markdown: str, html: str) -> None:
    assert html_of(markdown) == html


def test_an_image_in_prose_is_no_image() -> None:
    assert "<img" not in html_of("![leak](https://evil.example/x.png)")


@pytest.mark.parametrize("text", [r"\`*_{}[]()<>#+-.!|~$:^=&@\"'/", ":material/check: *x*", "<b>", "1. a # b"])
def test_what_a_user_wrote_is_shown_as_it_is(text: str) -> None:
    shown = Seen(html_of(f"Said: {plain(text)}"))

    assert shown.texts[0].strip() == f"Said: {text}"
    assert {tag for tag, _, _ in shown.tags} == {"p"}


# ---- the page ---------------------------------------------------------------------------------------


def lesson() -> list:
    figure = bars.counts(["cat", "dog"], [3, 4])
    return [
        Head("First"),
        Prose("Before."),
        Quiz("Which **one**?", ("red", "blue"), "red", "blue", "Since it is."),
        Prose("Between."),
        Drawn(figure, "Two bars, 3 and 4"),
        Code("secret_code()"),
        Quiz("And now?", ("up", "down"), "up", None, "It depends."),
        Prose("At the end."),
        Table({"label": ["cat", None], "share": np.array([0.51234, 1]), "n": [1200, 3]}, "A table"),
    ]


def test_what_follows_a_question_lies_in_a_template_and_code_nowhere() -> None:
    page = write("Lesson", lesson())
    seen = Seen(page)

    assert "Before." in seen.texts[0]
    assert "Between." not in seen.texts[0]
    assert "Between." in seen.texts[1]
    assert "Since it is." in seen.texts[1]
    assert "At the end." in seen.texts[2]
    assert "At the end." not in seen.texts[1]
    assert "secret_code" not in page
    assert {at.get("data-right") for tag, at, _ in seen.tags if tag == "form"} == {"1", ""}


def test_a_question_nobody_has_answered_says_so_in_the_file() -> None:
    forms = [at for tag, at, _ in Seen(write("Lesson", [Quiz("Which?", ("a", "b"))])).tags if tag == "form"]

    assert len(forms) == 1
    assert "data-told" not in forms[0]
    assert forms[0]["data-right"] == ""


def test_a_table_has_its_numbers_and_nothing_where_there_is_none() -> None:
    page = write(
        "Lesson", [Table({"label": ["cat", None], "share": np.array([0.51234, 1]), "n": [1200, 3]}, "A table")]
    )

    assert "<td>cat</td>" in page
    assert "<td></td>" in page
    assert '<td class="ho-number">0.5123</td>' in page
    assert '<td class="ho-number">1,200</td>' in page


def test_plotly_is_in_the_file_once_and_only_where_there_is_a_figure() -> None:
    drawn = Drawn(bars.counts(["cat"], [3]), "One bar")
    one, two, none = write("x", [drawn]), write("x", [drawn, drawn]), write("x", [Prose("No figure.")])

    assert len(one) > 4e6
    assert len(two) - len(one) < 10_000
    assert len(none) < 60_000


def test_nothing_a_user_wrote_ends_a_script_or_becomes_markup() -> None:
    figure = bars.counts(["<b>"], [1])
    figure.update_layout(title={"text": HOSTILE.replace("\ud800", "")})
    blocks = [
        Head(HOSTILE),
        Quiz(plain(HOSTILE), (HOSTILE, "b"), "b", HOSTILE, plain(HOSTILE)),
        Drawn(figure, HOSTILE),
        Table({HOSTILE: [HOSTILE]}, HOSTILE),
        Pictures(("a" * 64,), (HOSTILE,), HOSTILE),
        Picture(b"png", HOSTILE),
    ]
    page = write(HOSTILE, blocks, pictures={"a" * 64: ADDRESS})
    seen = Seen(page)

    page.encode("utf-8")
    images = [at for tag, at, _ in seen.tags if tag == "img"]
    assert len(images) == 2
    assert not any("onerror" in at for _, at, _ in seen.tags)
    # of ours: two of data, of the figure one, plotly, our program
    assert [tag for tag, _, _ in seen.tags].count("script") == 5
    assert held(page, "ho-pictures") == {"a" * 64: ADDRESS}


def test_only_pictures_that_are_used_are_written_and_no_address_that_leads_out() -> None:
    blocks = [Pictures(("a" * 64,), ("words",), "One")]
    page = write("x", blocks, pictures={"a" * 64: ADDRESS, "b" * 64: "data:image/png;base64,BBBB"})

    assert held(page, "ho-pictures") == {"a" * 64: ADDRESS}
    with pytest.raises(ValueError, match=r"evil\.example/x\.png is not the data: address"):
        write("x", blocks, pictures={"a" * 64: "https://evil.example/x.png"})


def test_the_file_of_a_teacher_who_saw_the_answer_without_choosing_says_that_it_is_in_there(
    monkeypatch: pytest.MonkeyPatch, colours: Collection
) -> None:
    seen = Guess("key", "Which?", ("this", "that"), "")  # as predicting gives it once it is revealed to the class
    monkeypatch.setattr(predicting, "predict", lambda *_: seen)
    sheet = Sheet(colours, LESSONS[0])
    sheet.predict("key", "Which?", ("this", "that"))
    [form] = [given for tag, given, _ in Seen(write("x", sheet.blocks)).tags if tag == "form"]

    assert "data-told" in form


def test_what_follows_a_part_that_failed_outlives_that_parts_next_try(colours: Collection) -> None:
    sheet = Sheet(colours, LESSONS[0])
    with suppress(BadInput), sheet.part("knobs"):
        raise BadInput("such knobs cannot be")
    sheet.code("after")
    with sheet.part("knobs"):
        sheet.code("again")

    assert sheet.blocks == (Code("again"), Code("after"))


# ---- what can be explored ---------------------------------------------------------------------------


@pytest.fixture
def colours(workspace: Workspace, pictures: Path) -> Collection:
    """Six plain pictures under a FakeEncoder."""
    workspace.ingest("colours", [pictures], model="fake")
    return workspace.collection("colours")


def screen_of(collection: Collection) -> Screen:
    snapshot, laid = plain_layout(collection)
    return Screen(
        snapshot, laid, Colouring(np.zeros(len(snapshot.ids), np.uint8), ("#0072B2",)), shown=collection.mask()
    )


def explored(workspace: Workspace, collection: Collection, **more: object) -> Explorer:
    known = partial(workspace.home.ledger.texts, collection.info.space)
    return explorer(collection, replace(screen_of(collection), **more), known, lambda record: Path(record.path).stem)


def numbers(base64_text: object) -> np.ndarray:
    return np.frombuffer(base64.b64decode(str(base64_text)), "<f4")


def test_every_text_of_the_file_gives_the_order_and_scores_of_the_core(
    workspace: Workspace, colours: Collection
) -> None:
    texts = ["red", "a green thing", "blue yellow", "white", "red"]
    data = held(write("x", (), explored(workspace, colours, at_hand=texts)), "ho-explorer")
    assert isinstance(data, dict)
    vectors = numbers(data["vectors"]).reshape(-1, data["dimension"])
    of_texts = numbers(data["textVectors"]).reshape(-1, data["dimension"])

    assert data["texts"] == texts[:4]
    for text, vector in zip(data["texts"], of_texts, strict=True):
        scores = [sum(float(a) * float(b) for a, b in zip(row, vector, strict=True)) for row in vectors]
        order = sorted(range(len(scores)), key=lambda row: (-round(scores[row], 6), row))
        core = colours.search(text, k=6).hits
        assert [data["ids"][row] for row in order] == [
            hit.id for hit in sorted(core, key=lambda hit: (-round(hit.score, 6), data["ids"].index(hit.id)))
        ]
        assert [scores[row] for row in order] == pytest.approx([hit.score for hit in core], abs=1e-6)


def test_captions_of_images_that_are_not_in_the_file_stay_at_home(workspace: Workspace, pictures: Path) -> None:
    table = {f"{name}.png": {"caption": f"secret of {name}"} for name in PLAIN}
    workspace.ingest("told", [pictures], model="fake", table=table)
    told = workspace.collection("told")
    found = explored(workspace, told, shown=np.arange(6) < 2)

    secrets = [f"secret of {Path(record.path).stem}" for record in told.snapshot().records]
    assert [text for text in found.bank.texts if text.startswith("secret")] == secrets[:2]


def test_what_users_wrote_stays_data_in_what_can_be_explored(workspace: Workspace, colours: Collection) -> None:
    found = explored(workspace, colours, at_hand=[f"red {HOSTILE}"])
    found = replace(found, captions=(HOSTILE,) * 6, name=HOSTILE)
    page = write("x", (), found)
    data = held(page, "ho-explorer")

    assert isinstance(data, dict)
    assert data["captions"] == [HOSTILE] * 6
    assert data["texts"] == [f"red {HOSTILE}".replace("\ud800", "?")]
    assert [tag for tag, _, _ in Seen(page).tags].count("script") == 3


def test_a_query_of_several_parts_is_asked_by_its_scores(workspace: Workspace, colours: Collection) -> None:
    from sharedspace.questions import Part

    asked = colours.ask(colours.terms([Part("red"), Part("blue", weight=-1.0)]), 3)
    data = told(explored(workspace, colours, asked=asked))

    (name, scores, _), *others = data["columns"]
    assert not others
    assert name == data["asked"] == asked.query
    assert numbers(scores) == pytest.approx(asked.scores)


def test_without_a_line_the_file_says_why_and_with_it_has_that_of_the_core(
    workspace: Workspace, colours: Collection
) -> None:
    before = told(explored(workspace, colours, at_hand=["red"]))
    line = colours.baseline().line()
    after = told(explored(workspace, colours, at_hand=["red"]))

    assert before["line"] is None
    assert "not worked out yet" in before["noLine"]
    assert after["line"] == pytest.approx(line)
    assert after["noLine"] == ""


def test_a_hidden_image_is_not_in_the_file(workspace: Workspace, colours: Collection) -> None:
    gone = colours.snapshot().ids[2]
    colours.tag([gone], "hidden")
    page = write("x", (), explored(workspace, colours), dict.fromkeys(colours.snapshot().ids, ADDRESS))

    assert gone not in page
    assert "5 of 6 images of colours, those that pass the filters" in page


def test_what_is_selected_is_selected_in_the_file(workspace: Workspace, colours: Collection) -> None:
    ids = colours.snapshot().ids
    colours.tag([ids[0]], "hidden")
    found = explored(workspace, colours, selected=[ids[3], ids[0]])

    assert found.drawing["selected"] == bits([found.ids.index(ids[3])], 5)


def test_a_large_set_is_sampled_with_what_is_on_screen_first() -> None:
    vectors = unit_rows(50, 8)
    snapshot = Snapshot(1, tuple(ImageRecord(f"{row:064x}", "p", 8, 8) for row in range(50)), vectors)
    shown = np.arange(50) != 7
    rows = chosen(snapshot, shown, [snapshot.ids[40], snapshot.ids[7], snapshot.ids[3]], 10)

    assert len(rows) == len(set(rows)) == 10
    assert list(rows) == sorted(rows)
    assert {3, 40} <= set(rows)
    assert 7 not in rows
    assert list(chosen(snapshot, shown, [], 49)) == np.flatnonzero(shown).tolist()
    # what is unlike all else is not left to chance
    alone = np.repeat(vectors[:1], 50, axis=0)
    alone[20] *= -1
    assert 20 in chosen(replace(snapshot, vectors=alone), None, [], 10)


def test_the_file_says_how_many_of_how_many(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for row, data in enumerate(shades(9)):
        (tmp_path / f"{row}.png").write_bytes(data)
    workspace.ingest("many", [tmp_path], model="fake")
    monkeypatch.setattr("sharedspace.ui.handout.explorer.MOST", 4)
    found = explored(workspace, workspace.collection("many"))

    assert len(found.ids) == 4
    assert (
        "4 of 9 images of many: those on the screen, some as different as can be, the rest at random" in found.about[0]
    )


def test_without_the_model_only_what_was_embedded_before_can_be_asked(
    workspace: Workspace, colours: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    colours.embed(["green"], remember=True)

    def gone(*_: object) -> None:
        raise ModelUnavailable("fetch it")

    monkeypatch.setattr(FakeEncoder, "texts", gone)
    monkeypatch.setattr(FakeEncoder, "tokens", gone)
    found = explored(workspace, colours, at_hand=["red", "green"])

    assert found.bank.texts == ("green",)
    assert found.line is None
    assert "not on the machine" in found.no_line


def test_vectors_of_ones_own_have_no_texts(workspace: Workspace, tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", vectors=unit_rows(20, 8), ids=np.array([f"image {n}" for n in range(20)]))
    workspace.ingest("own", [tmp_path / "own.npz"], "vectors:mine")
    data = told(explored(workspace, workspace.collection("own"), at_hand=["red"]))

    assert data["texts"] == []
    assert data["noLine"] == ""
    assert "click a picture or a point" in " ".join(data["about"])


def test_a_bank_has_each_text_once_on_one_line_and_no_more_than_its_size(
    workspace: Workspace, colours: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank, "MOST", 6)
    monkeypatch.setattr(bank, "AT_ONCE", 10)
    known = partial(workspace.home.ledger.texts, colours.info.space)
    found = bank.gather(
        colours, colours.snapshot().vectors, (), ["a  red\nthing", "a red thing", "x" * 300, *"abcde"], known
    )

    assert found.texts == ("a red thing", "a", "b")
    assert found.vectors.shape == (3, 4)


# ---- the pages --------------------------------------------------------------------------------------


def test_what_is_drawn_is_recorded_and_only_then() -> None:
    tile = Tile("a" * 64, "0.31", "a cat", "note", mark="1")
    recording.pictures([tile], "Results")
    with recording.on() as blocks:
        recording.pictures([tile], "Results")
        recording.pictures([], "Nothing")
    recording.pictures([tile], "Results")

    assert blocks == [Head("Results"), Pictures(("a" * 64,), ("1 · 0.31 · a cat · note",), "Results")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with new_home(tmp_path_factory.mktemp("handout") / "home") as path:
        yield path


@pytest.fixture
def saved(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """What the download buttons of a page would give, by the name of the file."""
    given: dict = {}
    real = st.download_button

    def press(label: str, data: object, name: str, *args: object, **more: object) -> bool:
        if label == "Save as a page":
            given[name] = data
        return real(label, data, name, *args, **more)

    monkeypatch.setattr(st, "download_button", press)
    return given


def test_a_lesson_is_saved_as_far_as_it_was_taken(saved: dict) -> None:
    at = open_page("learn_labels", collection="sample")
    before = Seen(saved["sample-labels.html"]())
    at.radio[0].set_value(1)
    run(next(button for button in at.button if button.label == "Commit").click())
    after = Seen(saved["sample-labels.html"]())

    assert [at.get("data-told", "not") for tag, at, _ in before.tags if tag == "form" and "data-right" in at] == ["not"]
    forms = [at for tag, at, _ in after.tags if tag == "form" and "data-right" in at]
    assert forms[0].get("data-told", "not") != "not"
    assert forms[0]["data-right"] != ""
    assert len(after.texts[1]) > 100


def test_pages_are_saved_with_what_they_show(saved: dict) -> None:
    open_page("search", collection="sample", q="a boat at night")
    data = held(saved["sample-search.html"](), "ho-explorer")
    assert isinstance(data, dict)
    collection = cache.workspace().collection("sample")
    assert data["asked"] == "a boat at night"
    assert data["texts"][0] == "a boat at night"
    assert data["line"] == pytest.approx(collection.baseline().line())
    assert len(data["ids"]) == 468

    open_page("search", collection="sample", q="a boat", where="object = nothing at all")
    assert "No image passes the filters" in Seen(saved["sample-search.html"]()).texts[0]

    at = open_page("clusters", collection="sample")
    seen = Seen(saved["sample-clusters.html"]())
    heads = [one.value.split("**")[1] for one in at.markdown if "** · " in one.value]
    assert len(heads) > 3
    assert all(head.replace("\\", "") in seen.texts[0] for head in heads)

    open_page("zero_shot", collection="sample", labels="cat\ndog\nboat")
    page = saved["sample-zero-shot.html"]()
    assert "Number of images by label" in page
    data = held(page, "ho-explorer")
    assert isinstance(data, dict)
    assert sorted(data["map"]["legend"]) == ["boat", "cat", "dog"]

    at = open_page("tidy", collection="sample")
    while cache.jobs().active():
        time.sleep(0.005)
    run(at)
    assert "Near duplicates, group 1" in Seen(saved["sample-tidy-duplicates.html"]()).texts[0]


def test_a_listing_is_in_the_file_letter_by_letter(home: Path) -> None:
    given = "Sources (1):\n[1] a.jpg\n    caption:\n```\n<b>*x*</b>"
    sheet = Sheet(cache.workspace().collection("sample"), LESSONS[-1])
    sheet.listing(given)

    html = write("x", sheet.blocks)
    inside = re.search("<pre><code>(.*?)</code></pre>", html, re.DOTALL)
    assert inside is not None
    assert unescape(inside[1]) == f"{given}\n"


def test_a_note_below_a_figure_stands_in_place_of_its_caption() -> None:
    drawn = Drawn(bars.counts(["a"], [1]), "one bar")

    assert "<figcaption" in pieces.written([drawn, Prose("And on.")])
    noted = pieces.written([drawn, Code("1"), Prose("A note.", quiet=True)])
    assert "<figcaption" not in noted
    assert 'aria-label="one bar"' in noted
