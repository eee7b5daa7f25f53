"""The errors that users meet: the tree as drawn, and texts that can be shown as they are."""

import inspect
import re

import pytest

from sharedspace import errors
from sharedspace.errors import EmptyCollection, NotFound, SharedSpaceError, SpaceMismatch, Unreadable

DRAWN = re.findall(r"^([ │├└─]*)(\w+)", "\n".join(line for line in errors.__doc__.splitlines()[2:]), re.MULTILINE)


def test_the_tree_drawn_at_the_top_is_the_tree():
    found = {name: kind for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, Exception)}
    assert {name for _, name in DRAWN} == found.keys()

    above: list[type] = [Exception]
    for indent, name in DRAWN:
        depth = len(indent) // 4
        above[depth + 1 :] = [found[name]]
        assert found[name].__base__ is above[depth], name


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (Unreadable("a.jpg", "the file is empty"), "a.jpg: the file is empty"),
        (NotFound("collection", "x"), "No collection named 'x'."),
        (NotFound("collection", "x", ["a", "b"]), "No collection named 'x'. There is: a, b."),
        (EmptyCollection("x"), "The collection 'x' holds no images yet: add some first."),
    ],
)
def test_an_error_says_what_was_expected_and_the_way_out(error: SharedSpaceError, text: str):
    assert str(error) == text


def test_errors_carry_their_data():
    assert (Unreadable("a", "b").item, Unreadable("a", "b").reason) == ("a", "b")
    assert NotFound("thing", "x", tuple("ab")).known == ["a", "b"]
    mismatch = SpaceMismatch("this", "that")
    assert (mismatch.have, mismatch.given) == ("this", "that")
    assert str(mismatch).startswith("This collection lives in the space of this, and what was given in that of that.")


def test_a_long_list_of_what_is_there_is_cut_in_the_text_and_whole_in_the_data():
    error = NotFound("image", "x", [f"n{i}" for i in range(40)])

    assert "n11." in str(error)
    assert "n12" not in str(error)
    assert len(error.known) == 40
