"""Lessons as notebooks: what was said as markdown, what was shown as the Python that makes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sharedspace.collection import Collection
from sharedspace.notebook import Cell, literal
from sharedspace.ui.learning.blocks import Block, Code, Head, Prose, Quiz
from sharedspace.ui.lessons import Lesson
from sharedspace.ui.notebooks import download
from sharedspace.ui.notebooks.written import code

_ICON = re.compile(r"(?<!\\):material/\w+:\s*")
_SHADE = re.compile(
    r"(?<!\\):(?:red|orange|yellow|green|blue|violet|gray|grey|rainbow|primary|small)\[((?:\\.|[^\]\\])*)\]"
)
_TAG = re.compile(r"(\\.)|<", re.DOTALL)


def button(collection: Collection, lesson: Lesson, blocks: Callable[[], Sequence[Block]]) -> None:
    """A lesson as far as it was taken, with its code; `blocks` gives what it has shown by then."""
    lead = literal(lesson.lead)
    download(collection, lesson.name.removeprefix("learn_"), lesson.title, lambda: cells(blocks()), lead)


def cells(blocks: Sequence[Block]) -> list[Cell]:
    """What a lesson has shown: prose and questions as markdown, code as code; figures are what the code makes."""
    found: list[Cell] = []
    said: list[str] = []
    for block in blocks:
        if isinstance(block, Code):
            found += [*_said(said), code(block.source)]
            said = []
        else:
            said += [words] if (words := _words(block)) else []
    return [*found, *_said(said)]


def _said(parts: Sequence[str]) -> list[Cell]:
    return [Cell("markdown", "\n\n".join(parts))] if parts else []


def _words(block: Block) -> str:
    if isinstance(block, Head):
        return f"## {prose(block.text)}"
    if isinstance(block, Prose):
        return prose(block.markdown)
    if isinstance(block, Quiz):
        return _quiz(block)
    return ""


def _quiz(quiz: Quiz) -> str:
    options = "\n".join(f"- {literal(option)}" for option in quiz.options)
    asked = f"**Predict first.** {prose(quiz.question)}\n\n{options}"
    if quiz.chosen is None:
        return asked
    right = f"**{literal(quiz.right)}**. " if quiz.right is not None else ""
    said = f"\n\nYou said: {literal(quiz.chosen)}." if quiz.chosen else ""  # a teacher sees it without
    answer = f"{right}{prose(quiz.why)}{said}"
    return f"{asked}\n\n<details><summary>The answer</summary>\n\n{answer}\n\n</details>"


def prose(markdown: str) -> str:
    """Streamlit's markdown as that of a notebook, which would also read HTML: none is left of it."""
    plain = _SHADE.sub(r"\1", _ICON.sub("", markdown))
    return _TAG.sub(lambda found: found[1] if found[1] and found[1] != r"\<" else "&lt;", plain)
