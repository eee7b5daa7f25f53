"""Words that come with the program: what pictures show, captions that fit none better than another, prompts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).parent


def nouns() -> list[str]:
    """Common concrete nouns in the singular, lower case, each once: the vocabulary that images are described in."""
    return list(_lines("nouns.txt"))


def neutral() -> list[str]:
    """Captions that say nothing visible, or name what hardly any collection shows, of 1 to 15 words, each once.

    Unknown words are welcome in them: what users ask in words that a model cannot read must also lie under the line.
    """
    return list(_lines("neutral.txt"))


def templates(count: Literal[7, 80]) -> list[str]:
    """Prompt templates, {} where the label belongs: the 80 that CLIP was measured with on ImageNet, or 7 of them.

    The 7 were chosen by forward selection on ImageNet; from "Prompt Engineering for ImageNet", a notebook of
    https://github.com/openai/CLIP (MIT License) to Radford et al. 2021.
    """
    return list(_lines(f"templates_{count}.txt"))


@cache
def _lines(name: str) -> tuple[str, ...]:
    return tuple((FOLDER / name).read_text(encoding="utf-8").splitlines())
