"""A class: what counts, what is seen by whom, and that nobody can fill the memory."""

import threading
from collections import Counter

import pytest

from sharedspace import classroom
from sharedspace.classroom import Classroom, Classrooms, Question, Spread, reachable_at
from sharedspace.errors import BadInput

ASKED = Question("sample/learn_gap.nearest", "Which is nearest?", ("a dog", "a cat", "neither"))


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rooms(clock: Clock) -> Classrooms:
    return Classrooms(clock)


@pytest.fixture
def room(rooms: Classrooms) -> Classroom:
    return rooms.open()


def test_a_code_has_four_characters_of_which_none_is_taken_for_another(rooms: Classrooms) -> None:
    codes = {rooms.open().code for _ in range(classroom.MOST_CLASSES)}

    assert len(codes) == classroom.MOST_CLASSES
    assert {len(code) for code in codes} == {4}
    assert not set("0O1IL5S2Z8B") & set("".join(codes) + classroom.LETTERS)


def test_a_class_is_found_by_its_code_in_any_case(rooms: Classrooms, room: Classroom) -> None:
    assert rooms.find(f" {room.code.lower()} ") is room


def test_an_unknown_code_is_told_in_a_short_sentence(rooms: Classrooms) -> None:
    with pytest.raises(BadInput, match="There is no class 'QQQQQQQQ'") as told:
        rooms.find("q" * 10_000)
    assert len(str(told.value)) < 200


def test_the_first_answer_counts(room: Classroom) -> None:
    assert room.commit("ann", ASKED, "a dog") == "a dog"
    assert room.commit("ann", ASKED, "a cat") == "a dog"

    assert room.answer("ann", ASKED.key) == "a dog"
    assert room.answer("ben", ASKED.key) is None
    assert room.spread(ASKED) == Spread((1, 0, 0), 1, 0, False)


def test_what_was_not_to_choose_from_is_refused(room: Classroom) -> None:
    with pytest.raises(BadInput, match="none of the answers"):
        room.commit("ann", ASKED, "a horse")
    assert room.spread(ASKED).n == 0


def test_who_has_not_answered_is_waited_for_until_there_is_no_sign_of_them(room: Classroom, clock: Clock) -> None:
    for pupil in ("ann", "ben", "cem"):
        room.join(pupil)
    room.commit("ann", ASKED, "neither")
    assert room.spread(ASKED).waiting == 2
    room.leave("ben")
    assert (room.spread(ASKED).waiting, room.present()) == (1, 2)
    clock.now += classroom.PRESENT + 1

    assert room.spread(ASKED) == Spread((0, 0, 1), 1, 0, False)
    assert room.present() == 0


def test_only_the_teacher_reveals_sends_and_shows(room: Classroom) -> None:
    attempts = (
        lambda: room.reveal("guessed", ASKED),
        lambda: room.send("", "learn_gap", {}, {}),
        lambda: room.show("x", "mine"),
        lambda: room.ask("x", ASKED),
    )
    for attempt in attempts:
        with pytest.raises(BadInput, match="Only the teacher"):
            attempt()
    assert not room.revealed(ASKED.key)
    assert room.place is None
    assert not room.shown
    assert not room.table()


def test_one_question_is_revealed_and_the_others_are_not(room: Classroom) -> None:
    other = Question("sample/learn_gap.other", "And now?", ("yes", "no"))
    room.commit("ann", other, "no")
    room.reveal(room.secret, ASKED)

    assert room.revealed(ASKED.key)
    assert not room.revealed(other.key)
    assert room.spread(ASKED).revealed


def test_each_sending_is_told_from_the_one_before(room: Classroom) -> None:
    for expected in (1, 2):
        room.send(room.secret, "learn_gap", {"collection": "sample"}, {"gap.shift": 0.5})
        assert room.place is not None
        assert room.place.number == expected
    with pytest.raises(BadInput, match="too long"):
        room.send(room.secret, "learn_gap", {}, {"gap.typed": "x" * classroom.MOST_SENT})


def test_the_table_has_a_row_an_option_with_its_count(room: Classroom) -> None:
    room.commit("ann", ASKED, "a dog")
    room.commit("ben", ASKED, "a dog")
    room.commit("cem", ASKED, "neither")

    rows = [(option, count, n) for _, _, option, count, n, _ in room.table()]
    assert rows == [("a dog", 2, 3), ("a cat", 0, 3), ("neither", 1, 3)]


def test_a_class_without_a_sign_of_anybody_ends_and_one_with_pupils_stays(clock: Clock, rooms: Classrooms) -> None:
    idle, alive = rooms.open(), rooms.open()
    for _ in range(4):
        clock.now += classroom.IDLE / 3
        alive.join("ann")

    assert rooms.all() == [alive]
    with pytest.raises(BadInput, match="ended"):
        rooms.find(idle.code)


def test_a_closed_class_is_not_found(rooms: Classrooms, room: Classroom) -> None:
    rooms.close(room)
    with pytest.raises(BadInput):
        rooms.find(room.code)


def test_nobody_fills_the_memory(rooms: Classrooms, room: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(classroom.MOST_PUPILS):
        room.join(str(number))
    with pytest.raises(BadInput, match="full"):
        room.join("one more")
    for question in (
        Question("k", "q" * 2000, ("a", "b")),
        Question("k" * 2000, "q", ("a", "b")),
        Question("k", "q", ("a", "b" * 2000)),
        Question("k", "q", tuple(map(str, range(classroom.MOST_OPTIONS + 1)))),
    ):
        with pytest.raises(BadInput, match="shorten"):
            room.commit("0", question, question.options[0])
    monkeypatch.setattr(classroom, "MOST_QUESTIONS", 3)
    for number in range(3):
        room.commit("0", Question(str(number), "?", ("a", "b")), "a")
        room.commit("1", Question(str(number), "?", ("a", "b")), "a")
    with pytest.raises(BadInput, match="open a new one"):
        room.commit("0", Question("3", "?", ("a", "b")), "a")
    for _ in range(classroom.MOST_CLASSES - 1):
        rooms.open()
    with pytest.raises(BadInput, match="close one first"):
        rooms.open()


def test_a_question_that_one_pupil_alone_came_upon_makes_room_for_that_of_the_class(
    room: Classroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classroom, "MOST_QUESTIONS", 3)
    whole, own = Question("whole", "?", ("a", "b")), Question("own", "?", ("a", "b"))
    for pupil in ("ann", "ben"):
        room.commit(pupil, whole, "a")
    room.commit("ann", own, "b")
    room.reveal(room.secret, Question("shown", "?", ("a", "b")))
    room.ask(room.secret, ASKED)

    assert room.answer("ann", "own") is None
    assert room.answer("ann", "whole") == "a"
    assert room.revealed("shown")
    assert room.commit("ben", ASKED, ASKED.options[0]) == ASKED.options[0]


def test_many_commit_at_once_and_each_counts_once(room: Classroom) -> None:
    wanted = {f"pupil {number}": ASKED.options[number % 3] for number in range(48)}
    start = threading.Barrier(len(wanted))

    def pupil(name: str) -> None:
        start.wait()
        for option in (wanted[name], *ASKED.options):
            room.commit(name, ASKED, option)

    threads = [threading.Thread(target=pupil, args=(name,)) for name in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    counted = Counter(wanted.values())
    assert room.spread(ASKED).counts == tuple(counted[option] for option in ASKED.options)


def test_the_address_in_the_network_is_not_the_machines_own_name_for_itself() -> None:
    found = reachable_at()
    assert found is None or (found.count(".") == 3 and not found.startswith("127."))
