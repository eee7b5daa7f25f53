import re

import pytest

from sharedspace.ui.text import escaped, left, plain, short

HOSTILE = (
    "<img src=x onerror=alert(1)> ![leak](http://evil.example/x.png) [c](javascript:x) `a` $b$ :smile: **bold** | # h"
)


def test_plain_leaves_no_mark_unescaped_and_loses_no_character() -> None:
    shown = plain(HOSTILE)

    assert re.sub(r"\\(.)", r"\1", shown) == HOSTILE
    assert not re.search(r"(?<!\\)[<>\[\]!`$*#|]", shown)


def test_plain_puts_everything_on_one_line() -> None:
    assert plain("a\n\n# b\t c") == r"a \# b c"


def test_escaped_text_cannot_end_an_attribute_or_open_a_tag() -> None:
    shown = escaped(f'" onload="x {HOSTILE}')

    assert not set('<>"') & set(shown)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a/b/c.png", "c.png"), ("c.png", "c.png"), ("a\\b\\c.png", "c.png"), ("x" * 50, "…" + "x" * 39), ("a/b/", "b")],
)
def test_short_keeps_the_end_of_a_path(path: str, expected: str) -> None:
    assert short(path) == expected


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "a few seconds left"),
        (17.0, "about 20 s left"),
        (89.0, "about 90 s left"),
        (118.0, "about 2 min left"),
        (3600.0, "about 60 min left"),
        (5700.0, "about 1 h 40 min left"),
        (7200.0, "about 2 h left"),
        (50_000.0, "about 13 h left"),
    ],
)
def test_time_left_is_said_as_exactly_as_it_can_be_known(seconds: float, words: str) -> None:
    assert left(seconds) == words
