"""The shipped words: what they promise, and what pocket knows of them."""

import re
from collections.abc import Callable

import pytest

from sharedspace import words
from sharedspace.pocket.shapes import KINDS
from sharedspace.pocket.vocabulary import COLOURS


@pytest.mark.parametrize("texts", [words.nouns, words.neutral])
def test_every_line_is_a_text_of_its_own(texts: Callable[[], list[str]]):
    given = texts()

    assert [text.strip() for text in given] == given
    assert all(given)
    assert len({text.casefold() for text in given}) == len(given)


def test_nouns_are_a_common_vocabulary_with_all_that_pocket_draws():
    nouns = words.nouns()

    assert 800 <= len(nouns) <= 1500
    assert set(KINDS) <= set(nouns)
    assert not [noun for noun in nouns if not re.fullmatch(r"[a-z]+([ -][a-z]+){0,2}", noun)]


def test_neutral_captions_name_no_noun_of_the_vocabulary_that_pocket_draws_and_no_colour():
    visible = {*KINDS, *COLOURS}
    found = {caption: visible & set(re.findall(r"\w+", caption.lower())) for caption in words.neutral()}

    assert {caption: names for caption, names in found.items() if names} == {}


def test_neutral_captions_are_many_enough_for_a_rate_of_one_in_a_hundred_and_of_every_length():
    lengths = [len(caption.split()) for caption in words.neutral()]

    assert len(lengths) >= 2 * 100 - 1  # each of the two banks of the line has half the rate
    assert set(range(1, 13)) <= set(lengths)


def test_a_list_given_out_is_the_callers_own():
    words.nouns().clear()

    assert words.nouns()
