"""Queries written down: for addresses, saved queries and history."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharedspace.errors import BadInput
from sharedspace.questions import MOST, Part, of, plain, read, title, write

ID = "ab" * 32
weights = st.floats(-100, 100).filter(lambda weight: abs(weight) > 1e-9)
texts = st.builds(Part, text=st.text(min_size=1).filter(str.strip), weight=weights)
images = st.builds(Part, images=st.just((ID, "cd" * 32)), name=st.text(), weight=weights)
vectors = st.builds(Part, vector=st.tuples(st.floats(-1, 1), st.floats(-1, 1)), name=st.text(), weight=weights)


@given(st.lists(st.one_of(texts, images, vectors), max_size=MOST))
def test_what_is_written_is_read_back_as_it_was(parts):
    assert read(write(parts)) == tuple(parts)


def test_a_plain_text_is_short_in_an_address():
    assert write([Part("a dog")]) == '[{"text":"a dog"}]'


@pytest.mark.parametrize(
    "written",
    [
        "",
        "{",
        "3",
        '{"text": "a"}',
        "[3]",
        "[{}]",
        '[{"text": "  "}]',
        '[{"text": "a", "images": ["' + ID + '"]}]',
        '[{"images": ["../../etc"]}]',
        '[{"images": "' + ID + '"}]',
        '[{"text": "a", "weight": 0}]',
        '[{"text": "a", "weight": "2"}]',
        '[{"text": "a", "weight": NaN}]',
        '[{"text": "a", "weight": 1e9}]',
        '[{"text": "a", "weight": 1' + "0" * 400 + "}]",
        '[{"vector": [1' + "0" * 400 + "]}]",
        '[{"vector": [1, "a"], "name": "x"}]',
        '[{"vector": [true]}]',
        '[{"text": "a", "path": "/etc/passwd"}]',
        json.dumps([{"text": "a"}] * (MOST + 1)),
    ],
)
def test_what_is_no_query_is_refused_with_its_beginning(written):
    with pytest.raises(BadInput, match=r"no query|no part of a query|a list of at most"):
        read(written)


def test_a_query_in_words_says_what_is_for_and_against():
    parts = [Part("a dog"), Part(images=(ID,), name="3 images", weight=0.5), Part("snow", weight=-2)]

    assert title(parts) == "a dog + 0.5 × 3 images − 2 × snow"
    assert of(plain(parts)) == tuple(parts)
    assert title([Part("cats + not dogs", weight=-1)]) == "not cats + not dogs"
    assert title([]) == ""
