"""Predict first, alone and in a class; who may see what; large type for a room."""

import csv
import io
import json
import re
import threading
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import plotly.graph_objects as go
import pytest
import streamlit as st
from shown import new_home, open_page, press, run, texts
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.testing.v1 import AppTest

from sharedspace.classroom import Classroom, Question
from sharedspace.cli import run as cli
from sharedspace.ui import cache, figures, frame, routes, state, uploads, visitors
from sharedspace.ui.learning import teaching
from sharedspace.ui.lessons import LESSONS
from sharedspace.ui.text import plain

# A lesson of one question, so that these tests are of what surrounds all of them.
LESSON = """
import streamlit as st
from sharedspace.ui.learning import lesson
with lesson("learn_gap") as (collection, sheet):
    subject = st.query_params.get("about", "")
    number = st.slider("Number", 0, 9, 1, key="gap.test.number", persist_state="session")
    st.button("Press", key="gap.test.press")
    st.caption(f"stands at {number}")
    guess = sheet.predict("test", "Which is it?", ["left", "r*ght", "neither"], subject)
    if guess is not None:
        sheet.say("SECRET " + subject)
        sheet.settle(guess, "r*ght", "REASON")
"""
ASKED = Question("sample/learn_gap.test", "Which is it?", ("left", "r*ght", "neither"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with new_home(tmp_path_factory.mktemp("learning") / "home") as path:
        yield path


@pytest.fixture
def room(home: Path) -> Iterator[Classroom]:
    opened = cache.classrooms().open()
    yield opened
    cache.classrooms().close(opened)


def lesson(**query: str) -> AppTest:
    at = AppTest.from_string(LESSON, default_timeout=60)
    for name, value in {"collection": "sample", **query}.items():
        at.query_params[name] = value
    return run(at)


def commit(at: AppTest, place: int) -> AppTest:
    at.radio[0].set_value(place)
    return press(at, "Commit")


def everything(at: AppTest) -> str:
    """All that the browser was sent."""

    def sent(block: object) -> Iterator[str]:
        for child in getattr(block, "children", {}).values():
            yield str(getattr(child, "proto", ""))
            yield from sent(child)

    return "\n".join(sent(at._tree))


def labels(at: AppTest) -> list[str]:
    return [button.label for button in at.button]


def teacher(room: Classroom, **query: str) -> AppTest:
    at = AppTest.from_string(LESSON, default_timeout=60)
    at.query_params["collection"] = "sample"
    for name, value in query.items():
        at.query_params[name] = value
    at.session_state[state._KEY] = state.State(classroom=room.code, secret=room.secret)
    return run(at)


# ---- alone ------------------------------------------------------------------------------------------


def test_nothing_of_the_answer_is_sent_before_the_commitment(home: Path) -> None:
    at = lesson()
    assert "SECRET" not in everything(at)
    assert "REASON" not in everything(at)

    press(at, "Commit")  # nothing is chosen
    assert "SECRET" not in everything(at)
    assert "Choose one of them first" in texts(at)
    commit(at, 0)
    assert "SECRET" in everything(at)


@pytest.mark.parametrize(("place", "said"), [(0, "You said **left**; it is **r\\*ght**"), (1, "and so it is")])
def test_the_answer_stands_beside_what_was_predicted(home: Path, place: int, said: str) -> None:
    at = commit(lesson(), place)

    assert said in texts(at)
    assert not at.radio
    assert "Commit" not in labels(at)


def test_a_commitment_outlives_the_page_and_can_be_made_anew(home: Path) -> None:
    at = commit(lesson(), 2)
    kept = at.session_state[state._KEY].guesses
    other = AppTest.from_string(LESSON, default_timeout=60)
    other.session_state[state._KEY] = state.State(guesses=kept)
    run(other)
    assert "SECRET" in texts(other)

    press(other, "Predict anew")
    assert "SECRET" not in everything(other)
    assert other.radio[0].value is None


def test_another_subject_and_another_collection_are_asked_anew(home: Path) -> None:
    at = commit(lesson(about="a"), 0)
    at.query_params["about"] = "b"
    run(at)
    assert "SECRET" not in everything(at)
    at.query_params["about"] = "a"
    run(at)
    assert "SECRET a" in texts(at)

    guesses = {"other/learn_gap.test.a": "left"}
    elsewhere = AppTest.from_string(LESSON, default_timeout=60)
    elsewhere.session_state[state._KEY] = state.State(guesses=guesses)
    elsewhere.query_params["about"] = "a"
    assert "SECRET" not in everything(run(elsewhere))


# ---- in a class -------------------------------------------------------------------------------------


def said(option: str) -> str:
    return f"You said **{plain(option)}**"


def test_thirty_pupils_are_counted_apart_and_see_nothing_before_the_reveal(room: Classroom) -> None:
    model = cache.workspace().home.encoder("pocket")
    wanted = [ASKED.options[(7 * number) % 3] for number in range(30)]
    pages = [lesson(**{"class": room.code}) for _ in wanted]  # all are open before the first commits
    assert (room.present(), room.spread(ASKED).waiting) == (30, 30)

    for at, option in zip(pages, wanted, strict=True):
        assert "SECRET" not in everything(at)
        commit(at, ASKED.options.index(option))
    for at, option in zip(pages, wanted, strict=True):
        run(at)
        sent = everything(at)
        assert not [word for word in ("SECRET", "REASON", "The class said") if word in sent]
        assert [one for one in ASKED.options if said(one) in texts(at)] == [option]
    counted = Counter(wanted)
    assert room.spread(ASKED).counts == tuple(counted[option] for option in ASKED.options)

    room.reveal(room.secret, ASKED)
    for at, option in zip(pages[::6], wanted[::6], strict=True):
        run(at)
        assert "SECRET" in texts(at)
        assert said(option) in texts(at)
        assert "The class said left: 10, r*ght: 10, neither: 10" in everything(at)
    assert cache.workspace().home.encoder("pocket") is model


def test_who_had_not_committed_when_it_was_revealed_still_must(room: Classroom) -> None:
    late = lesson(**{"class": room.code})
    room.reveal(room.secret, ASKED)
    run(late)
    assert "SECRET" not in everything(late)

    commit(late, 1)
    assert "SECRET" in texts(late)


def test_what_was_predicted_alone_is_asked_anew_in_a_class(room: Classroom) -> None:
    at = commit(lesson(), 0)
    at.session_state[state._KEY] = state.State(guesses=at.session_state[state._KEY].guesses, classroom=room.code)
    run(at)

    assert "SECRET" not in everything(at)
    assert "Predict anew" not in labels(commit(at, 1))
    assert room.spread(ASKED).counts == (0, 1, 0)


def test_a_waiting_pupil_sees_how_many_have_answered_and_not_what(room: Classroom) -> None:
    room.join("another")
    at = commit(lesson(**{"class": room.code.lower()}), 0)

    assert "Your answer is in, 1 of 2 have answered" in texts(at)
    assert f"In class **{room.code}**" in texts(at)


def test_the_teacher_sees_the_spread_without_committing_and_the_answer_by_revealing_it(room: Classroom) -> None:
    room.commit("ann", ASKED, "left")
    room.commit("ben", ASKED, "neither")
    room.join("cem")
    at = teacher(room)
    assert "left: 1, r*ght: 0, neither: 1" in everything(at)
    assert "2 answered, 1 has not" in texts(at)
    assert "SECRET" not in everything(at)

    press(at, "Reveal to the class")
    assert room.revealed(ASKED.key)
    assert "It is **r\\*ght**. REASON" in texts(at)
    assert "(right)" in everything(at)


def test_the_class_is_sent_to_a_page_with_its_parameters(room: Classroom) -> None:
    at = teacher(room, about="x")
    link = next(block.value for block in at.code if "learn_gap" in block.value)
    assert f"class={room.code}" in link
    assert "about=x" in link
    at.slider(key="gap.test.number").set_value(7)
    press(at, "Send the class here")
    assert room.place is not None
    assert (room.place.page, room.place.query) == ("learn_gap", {"about": "x", "collection": "sample"})

    elsewhere, there = lesson(**{"class": room.code}), lesson(about="x", **{"class": room.code})
    assert "Go with the class: The modality gap" in labels(elsewhere)
    assert "Go with the class: The modality gap" not in labels(there)  # its slider is not drawn yet: after a reload
    assert "Go with the class: The modality gap" in labels(there.run())  # it stands elsewhere
    there.slider(key="gap.test.number").set_value(7).run()
    assert "Go with the class: The modality gap" not in labels(there)
    assert room.place.settings == {"gap.test.number": 7}


def test_who_goes_with_the_class_finds_the_page_as_it_was_sent(home: Path) -> None:
    at = AppTest.from_string(LESSON, default_timeout=60)
    at.session_state[state._KEY] = state.State(collection="sample", coming={"gap.test.number": 7})
    run(at)
    assert "stands at 7" in texts(at)
    at.slider(key="gap.test.number").set_value(3)
    assert "stands at 3" in texts(run(at))


def test_one_joins_by_the_code_and_leaves(room: Classroom) -> None:
    at = open_page("learn", collection="sample")
    at.text_input(key="class.code").set_value(f" {room.code.lower()}").run()
    assert f"In class **{room.code}**" in texts(at)
    assert at.query_params["class"] == room.code
    assert room.present() == 1

    press(at, "Leave")
    assert "In class" not in texts(at)
    assert "class" not in at.query_params
    assert room.present() == 0


def test_a_code_that_is_none_and_a_class_that_has_ended_are_told_and_the_lesson_goes_on(home: Path) -> None:
    at = lesson(**{"class": "QQQQ"})
    assert "There is no class 'QQQQ'" in at.error[0].value.replace("\\", "")
    assert "SECRET" in texts(commit(at, 0))

    room = cache.classrooms().open()
    at = commit(lesson(**{"class": room.code}), 0)
    cache.classrooms().close(room)
    run(at)
    assert "has ended" in at.error[0].value
    assert "SECRET" not in everything(at)


def test_a_class_is_opened_taken_over_after_a_reload_and_closed(home: Path) -> None:
    at = press(open_page("learn", collection="sample"), "Open a class")
    (room,) = cache.classrooms().all()
    assert f"# {room.code}" in texts(at)
    assert room.shown == {"sample"}
    assert "class" not in at.query_params  # who opens the teacher's address is not the teacher

    again = press(open_page("learn", collection="sample"), f"Take over the class {room.code}")
    assert f"# {room.code}" in texts(again)
    press(again, "Close it")
    assert not cache.classrooms().all()


def test_the_tally_is_a_table_that_no_spreadsheet_takes_for_formulas(room: Classroom) -> None:
    room.commit("ann", Question("k", "=1+1", ("@a", "b")), "@a")

    header, *rows = csv.reader(io.StringIO(teaching._csv(room).decode("utf-8-sig")))
    assert header == ["key", "question", "answer", "count", "n", "revealed"]
    assert rows == [["k", "'=1+1", "'@a", "1", "1", "False"], ["k", "'=1+1", "b", "0", "1", "False"]]


# ---- visitors at other machines ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("127.0.0.1", {"Host": "localhost:8501"}, False),
        (None, {"host": "127.0.0.1:8501"}, False),  # as Streamlit tells loopback
        ("::1", {"host": "localhost"}, False),
        ("192.0.2.7", {"host": "localhost:8501"}, True),  # a forged name
        ("192.0.2.7", {"host": "192.0.2.1:8501"}, True),
        ("127.0.0.1", {"host": "evil.example:8501"}, True),  # another site's name that points here
        ("127.0.0.1", {"host": "localhost", "X-Forwarded-For": "192.0.2.7"}, True),
        ("127.0.0.1", {"host": "localhost", "forwarded": "for=192.0.2.7"}, True),
        (None, {}, True),  # a visitor who has just gone
        ("testclient", {"host": "localhost"}, True),
    ],
)
def test_who_is_at_this_machine(peer: str | None, headers: dict[str, str], expected: bool) -> None:
    assert routes.is_guest(peer, headers) is expected


@pytest.fixture
def from_outside(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "guest", lambda: True)


@pytest.mark.parametrize("name", [name for name, _, _ in frame.PAGES])
def test_a_visitor_at_another_machine_is_refused_every_page_but_the_lessons(from_outside: None, name: str) -> None:
    at = open_page(name, collection="sample", q="a dog")

    assert "is for people at the machine" in at.error[0].value
    assert not at.get("bidi_component")
    assert not at.sidebar.selectbox
    assert labels(at) == ["To the lessons"]


def test_such_a_visitor_has_lessons_on_the_sample_set_and_what_the_class_looks_at(
    from_outside: None, room: Classroom
) -> None:
    numbers = cache.workspace().collections()
    cache.workspace().home.ledger.ensure("private", numbers[0].space)
    at = lesson(collection="private")
    assert at.sidebar.selectbox[0].options == ["sample"]
    assert "Which is it?" in texts(at)
    saved = {one.label for one in at.get("download_button")}
    assert saved == {"Save as a page"}  # a notebook would name the folders of this machine
    room.show(room.secret, "private")
    at = lesson(**{"class": room.code})
    assert set(at.sidebar.selectbox[0].options) == {"sample", "private"}

    at = open_page("learn")
    assert "Open a class" not in labels(at)
    assert not [label for label in labels(at) if label.startswith("Take over")]


def test_such_a_visitor_sees_the_work_on_no_other_collection(from_outside: None) -> None:
    go = threading.Event()
    jobs = [cache.jobs().submit(f"Adding to {name}", name, lambda job: go.wait(20)) for name in ("private", "sample")]
    try:
        bars = "import streamlit as st\nfrom sharedspace.ui import running\nrunning.bars(st.container(), {})"
        seen = [run(AppTest.from_string(bars.format(of))).get("progress") for of in ("None", 'frozenset({"sample"})')]
        told = [{bar.proto.text.split("  ")[0] for bar in some} for some in seen]
        assert told == [{"**Adding to private**", "**Adding to sample**"}, {"**Adding to sample**"}]
    finally:
        go.set()
        for job in jobs:
            while job.active:
                time.sleep(0.01)


def test_such_a_visitor_is_told_how_large_a_picture_may_be(from_outside: None) -> None:
    at = open_page("learn_one_space", collection="sample")

    assert at.get("file_uploader")[0].proto.max_upload_size_mb == uploads.LARGE // 2**20


def test_such_a_visitor_is_shown_the_lessons_in_the_navigation_and_only_them(from_outside: None) -> None:
    at = run(
        AppTest.from_string(
            "import streamlit as st\nfrom sharedspace.ui import frame\n"
            "st.json([[page.title, page.visibility] for part in frame.pages().values() for page in part])"
        )
    )

    shown = [title for title, visibility in json.loads(at.json[0].value) if visibility == "visible"]
    assert shown == ["All lessons", *(f"{number}. {one.title}" for number, one in enumerate(LESSONS, 1))]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """Another machine, asking an app that listens on all addresses."""
    monkeypatch.setattr(
        routes.st, "get_option", lambda name: "0.0.0.0" if name == "server.address" else st_option(name)
    )
    app = Starlette(routes=routes.routes(), middleware=routes._middleware())
    return TestClient(app, base_url="http://192.0.2.1:8501", client=("192.0.2.7", 50000))


st_option = st.get_option


def test_such_a_visitor_gets_no_export_and_no_room_on_the_disk(home: Path, client: TestClient) -> None:
    assert client.get("/exports/anything").status_code == 403
    much = client.put("/_stcore/upload_file/a/b", content=b"x" * (uploads.LARGE + 1))
    assert much.status_code == 403
    assert client.put("/_stcore/upload_file/a/b", content=iter([b"x"])).status_code == 403  # of no told length
    assert client.put("/_stcore/upload_file/a/b", content=b"x").status_code == 404  # on to Streamlit, which is not here

    (record, *_) = cache.workspace().collection("sample").snapshot().records
    assert client.get(f"/thumbs/{record.id}").status_code == 200


@pytest.mark.parametrize(
    ("peer", "host", "heard"), [("192.0.2.7", "192.0.2.1", "app_heartbeat"), ("127.0.0.1", "localhost", "clear_cache")]
)
def test_such_a_visitor_cannot_clear_the_memory_of_all(client: TestClient, peer: str, host: str, heard: str) -> None:
    async def listen(socket: WebSocket) -> None:
        await socket.accept()
        told = [BackMsg.FromString(await socket.receive_bytes()).WhichOneof("type") for _ in range(2)]
        await socket.send_json(told)

    app = Starlette(routes=[WebSocketRoute("/_stcore/stream", listen)], middleware=routes._middleware())
    asked = [BackMsg(clear_cache=True), BackMsg(app_heartbeat=True), BackMsg(app_heartbeat=True)]
    outside = TestClient(app, base_url=f"http://{host}:8501", client=(peer, 50000))
    with outside.websocket_connect(f"ws://{host}:8501/_stcore/stream") as socket:
        for message in asked:
            socket.send_bytes(message.SerializeToString())
        told = socket.receive_json()

    assert told == [heard, "app_heartbeat"]


def test_a_browser_is_known_again_by_a_cookie_that_no_script_reads(client: TestClient) -> None:
    first = client.get("/nowhere", headers={"accept": "text/html"})
    cookie = first.headers["set-cookie"]
    assert cookie.startswith(f"{routes.PUPIL}=")
    assert "HttpOnly" in cookie
    assert len(first.cookies[routes.PUPIL]) == 32

    assert "set-cookie" not in client.get("/nowhere", headers={"accept": "text/html"}).headers


# ---- the page of all lessons, and presentation ------------------------------------------------------


def test_the_page_of_all_lessons_has_a_card_each_and_says_what_they_run_on(home: Path) -> None:
    at = open_page("learn", collection="sample")

    assert [label for label in labels(at) if label[0].isdigit()] == [
        f"{number}. {one.title}" for number, one in enumerate(LESSONS, 1)
    ]
    assert all(one.lead in texts(at) for one in LESSONS)
    assert "run on **sample**: 468 images, model pocket" in texts(at)


def test_presentation_is_kept_in_the_address_and_can_be_ended(home: Path) -> None:
    at = open_page("learn", collection="sample")
    at.toggle(key="present.begin").set_value(True).run()
    assert at.query_params["present"] == "true"
    assert any("font-size: 22.4px" in element.proto.body for element in at.get("html"))

    linked = open_page("search", collection="sample", present="true")
    assert not linked.sidebar.toggle
    linked.toggle(key="present.end").set_value(False).run()
    assert "present" not in linked.query_params
    assert not any("font-size: 22.4px" in element.proto.body for element in linked.get("html"))


def test_all_writing_of_a_figure_is_larger_and_the_figure_itself_as_it_was() -> None:
    drawn = go.Figure(
        data=[{"type": "bar", "y": [1], "textfont": {"size": 10}, "marker": {"colorbar": {"tickfont": {"size": 8}}}}],
        layout={
            "font": {"size": 12},
            "height": 200,
            "annotations": [{"text": "a"}, {"text": "b", "font": {"size": 16}}],
        },
    )
    before = drawn.to_json()
    shown = figures.larger(drawn)

    assert drawn.to_json() == before
    assert shown.layout.font.size == 12 * figures.LARGER
    assert shown.layout.xaxis.tickfont.size == shown.layout.legend.font.size == 12 * figures.LARGER
    assert [one.font.size for one in shown.layout.annotations] == [12 * figures.LARGER, 16 * figures.LARGER]
    assert [one.text for one in shown.layout.annotations] == ["a", "b"]
    assert shown.data[0].textfont.size == 10 * figures.LARGER
    assert shown.data[0].marker.colorbar.tickfont.size == 8 * figures.LARGER
    assert shown.layout.height == 200 * figures.TALLER
    assert list(shown.data[0].y) == [1]


# ---- the lessons themselves -------------------------------------------------------------------------

SHOWN = ("plotly_chart", "bidi_component", "arrow_data_frame", "imgs", "alert")


@pytest.mark.parametrize("name", [one.name for one in LESSONS])
def test_a_pupil_who_waits_is_sent_no_more_than_before_the_commitment(room: Classroom, name: str) -> None:
    at = open_page(name, collection="sample", **{"class": room.code})
    before = {kind: len(at.get(kind)) for kind in SHOWN}
    choice = next(one for one in at.radio if str(one.key).startswith("choice-"))
    choice.set_value(0)
    press(at, "Commit")

    assert "Your answer is in" in texts(at)
    assert {kind: len(at.get(kind)) for kind in SHOWN} == before


# ---- the command ------------------------------------------------------------------------------------


def test_sharing_listens_for_the_network_and_says_where_the_lessons_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "reachable_at", lambda: "192.0.2.1")
    told = Namespace(port=0, home="mine", no_browser=True, json=False, share=True)

    answer = cli.app(told)
    assert re.fullmatch(r"http://192\.0\.2\.1:\d+", answer.document["shared"])
    assert answer.document["shared"] in "\n".join(answer.lines)
    assert "--server.address=0.0.0.0" in cli.app_command(8501, browser=False, share=True)
    assert not [word for word in cli.app_command(8501, browser=False) if "address" in word.lower()]

    monkeypatch.setattr(cli, "reachable_at", lambda: None)
    answer = cli.app(told)
    assert answer.document["shared"] is None
    assert "in no network" in "\n".join(answer.lines)


@pytest.mark.parametrize(("present", "hidden"), [("true", False), ("", True)])
def test_work_that_runs_is_on_the_page_where_a_presentation_hides_the_sidebar(
    home: Path, present: str, hidden: bool
) -> None:
    at = open_page("learn", collection="sample", present=present)

    assert any(".st-key-narrow" in one.proto.body for one in at.get("html")) is hidden
