"""What a lesson shows, drawn and kept at once, so that it can be taken along as one file or as a notebook."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from sharedspace.collection import Collection
from sharedspace.records import ImageRecord
from sharedspace.ui import galleries
from sharedspace.ui.figures import figure as draw_figure
from sharedspace.ui.gallery.component import Tile
from sharedspace.ui.learning import predicting
from sharedspace.ui.learning.blocks import Block, Code, Drawn, Head, Picture, Pictures, Prose, Quiz, Table
from sharedspace.ui.learning.predicting import Guess
from sharedspace.ui.lessons import Lesson

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class Sheet:
    """One visitor's lesson, as it stands on the screen. Its keys are unique within the lesson."""

    def __init__(self, collection: Collection, lesson: Lesson) -> None:
        self.collection, self.lesson = collection, lesson
        self._parts: dict[str, list[Block]] = {"": []}
        self._now = self._parts[""]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All that was shown, from the top."""
        return tuple(block for part in self._parts.values() for block in part)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """A part that replaces itself when it is shown anew: the body of a fragment stands in one."""
        self._parts[name] = self._now = []
        try:
            yield
        finally:  # also where it ends in an error that is told: what follows is no part of it
            self._now = self._parts.setdefault(f"{name} and after", [])

    def head(self, text: str) -> None:
        """The heading of a part."""
        st.header(text, anchor=False)
        self._now.append(Head(text))

    def say(self, markdown: str) -> None:
        """Sentences in markdown; what a user wrote goes through `text.plain`."""
        st.markdown(markdown)
        self._now.append(Prose(markdown))

    def note(self, markdown: str) -> None:
        """A quiet line, as below a figure."""
        st.caption(markdown)
        self._now.append(Prose(markdown, quiet=True))

    def listing(self, text: str) -> None:
        """Text as it is, to be copied."""
        st.code(text, language=None, wrap_lines=True)
        fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
        self._now.append(Prose(f"{fence}\n{text}\n{fence}"))

    def figure(self, drawn: Figure, key: str, alt: str) -> None:
        """A plotly figure; `alt` says what it shows, with its figures."""
        self._now.append(Drawn(drawn, alt))
        draw_figure(drawn, f"{self.lesson.name}.{key}", alt)

    def table(self, columns: Mapping[str, Sequence[object]], alt: str) -> None:
        """A table of columns by their heading."""
        st.dataframe(dict(columns), hide_index=True, height="content", alt=alt)
        self._now.append(Table(columns, alt))

    def pictures(self, records: Sequence[ImageRecord], key: str, captions: Sequence[str], alt: str) -> None:
        """Images of the collection with what stands below them; a click opens none."""
        tiles = [Tile(record.id, words=words) for record, words in zip(records, captions, strict=True)]
        galleries.show(tiles, f"{self.lesson.name}.{key}", label=alt)
        self._now.append(Pictures(tuple(record.id for record in records), tuple(captions), alt))

    def picture(self, png: bytes, alt: str, width: int = 256) -> None:
        """A picture that is not in the collection."""
        st.image(png, width=width, alt=alt)
        self._now.append(Picture(png, alt))

    def code(self, source: str) -> None:
        """Python for the notebook alone; it may use `ws`, `collection`, `np` and what earlier code made."""
        self._now.append(Code(source))

    def predict(self, key: str, question: str, options: Sequence[str], subject: str = "") -> Guess | None:
        """Ask for a commitment; None until it is made, and shown: whoever gets None shows nothing further.

        `subject` names what the question is about, where the reader can change that: another one is asked anew.
        """
        guess = predicting.predict(self.lesson, key, question, options, subject)
        self._now.append(Quiz(question, tuple(options), None if guess is None else guess.choice))
        return guess

    def settle(self, guess: Guess, right: str | None, why: str = "") -> None:
        """Say what the answer is; None where there is no one right one. Once for each guess, after `predict`."""
        predicting.settle(guess, right, why)
        for part in self._parts.values():
            for place, block in enumerate(part):
                if isinstance(block, Quiz) and block.question == guess.question and block.right is None:
                    part[place] = replace(block, right=right, why=why)
