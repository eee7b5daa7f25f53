"""The chips: which arrangements of the browser are taken, and what stays of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

WORDS = ["a", "red", "boat"]


def page(words: list[str]) -> None:
    """A page with a row of chips, as AppTest runs it."""
    import streamlit as st

    from sharedspace.ui.chips import chips

    st.text(" ".join(chips("The caption", words, key="row")))


def new(words: list[str]) -> AppTest:
    return run(AppTest.from_function(page, args=(words,), default_timeout=60))


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, app.exception
    return app


def told(app: AppTest) -> dict[str, Any]:
    """What the page gives to the browser."""
    data: dict[str, Any] = json.loads(app.get("bidi_component")[0].proto.json)
    return data


def arrange(app: AppTest, order: object, out: object, **more: object) -> str:
    """What the page makes of an arrangement that the browser sends."""
    app.session_state["row"] = {"arranged": {"version": told(app)["version"], "order": order, "out": out, **more}}
    return run(app).text[0].value


def test_at_first_the_words_stand_as_they_were_given() -> None:
    app = new(WORDS)

    assert app.text[0].value == "a red boat"
    assert (told(app)["words"], told(app)["order"], told(app)["out"]) == (WORDS, [0, 1, 2], [])


@pytest.mark.parametrize(
    ("order", "out", "words"), [([2, 0, 1], [], "boat a red"), ([0, 2], [1], "a boat"), ([], [0, 1, 2], "")]
)
def test_words_come_in_the_order_of_the_browser_without_those_taken_out(
    order: list[int], out: list[int], words: str
) -> None:
    app = new(WORDS)

    assert arrange(app, order, out) == words
    assert told(app)["order"] == order  # for a browser that draws them anew


@pytest.mark.parametrize(
    ("order", "out"),
    [([0, 1], []), ([0, 1, 1], []), ([0, 1, 2], [2]), ([0, 1, 3], []), ([0, 1, "2"], []), ([True, 0, 2], []), (3, [])],
)
def test_an_arrangement_of_other_words_than_these_is_not_heard(order: object, out: object) -> None:
    assert arrange(new(WORDS), order, out) == "a red boat"


def test_an_arrangement_of_words_that_were_there_before_is_too_late() -> None:
    app = new(WORDS)
    before = told(app)["version"]

    assert arrange(new(["two", "green", "cars"]), [2, 1, 0], [], version=before) == "two green cars"


def test_an_arrangement_outlives_a_change_of_page_and_other_words_begin_anew() -> None:
    app = new(WORDS)
    arrange(app, [2, 0], [1])
    app.session_state["row"] = None  # as Streamlit leaves it when the page comes back

    assert run(app).text[0].value == "boat a"
    assert new(["red", "boat"]).text[0].value == "red boat"


def test_equal_words_are_told_apart_by_their_places() -> None:
    app = new(["a", "dog", "a", "cat"])

    assert arrange(app, [1, 2, 3], [0]) == "dog a cat"
