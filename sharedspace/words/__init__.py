"""Words that come with the program: what a picture may show, and captions that fit no picture better than another."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


def nouns() -> list[str]:
    """Common concrete nouns in the singular, lower case, each once: the vocabulary that images are described in."""
    return list(_lines("nouns.txt"))


def neutral() -> list[str]:
    """Captions that say nothing visible, or name what hardly any collection shows, of 1 to 15 words, each once.

    Unknown words are welcome in them: what users ask in words that a model cannot read must also lie under the line.
    """
    return list(_lines("neutral.txt"))


@cache
def _lines(name: str) -> tuple[str, ...]:
    return tuple((FOLDER / name).read_text(encoding="utf-8").splitlines())
