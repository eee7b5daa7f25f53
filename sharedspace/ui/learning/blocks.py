"""What a lesson has shown, piece by piece: for the page as one file and as a notebook. Needs no Streamlit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@dataclass(frozen=True, slots=True)
class Head:
    """The heading of a part."""

    text: str


@dataclass(frozen=True, slots=True)
class Prose:
    """Sentences in markdown; what a user wrote in them is escaped."""

    markdown: str
    quiet: bool = False  # in small letters, as below a figure


@dataclass(frozen=True, slots=True)
class Drawn:
    """A plotly figure, and what it shows in words."""

    figure: Figure
    alt: str


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of equal length by their heading, and what they show in words."""

    columns: Mapping[str, Sequence[object]]
    alt: str


@dataclass(frozen=True, slots=True)
class Pictures:
    """Images of the collection by id, each with what stands below it."""

    ids: tuple[str, ...]
    captions: tuple[str, ...]
    alt: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that is not in the collection, as the bytes of a PNG."""

    png: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class Quiz:
    """A question that is answered before what follows is shown."""

    question: str  # markdown, as Prose
    options: tuple[str, ...]  # plain text
    chosen: str | None = None  # None: not answered; "": seen without, by a teacher
    right: str | None = None  # None: not shown yet, or there is no one right answer
    why: str = ""  # markdown


@dataclass(frozen=True, slots=True)
class Code:
    """Python that works out what was shown, for the notebook alone."""

    source: str


Block: TypeAlias = Head | Prose | Drawn | Table | Pictures | Picture | Quiz | Code
