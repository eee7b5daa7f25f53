"""Python as a notebook of ours writes it; what users typed stands in it by `repr` alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import dedent

from sharedspace.collection import Collection
from sharedspace.filters import Condition
from sharedspace.notebook import Cell, literal
from sharedspace.questions import Part, title
from sharedspace.ui.asking import Question

LINE = 100  # characters of a list that stands on one line
A_LINE = 4  # ids


def markdown(source: str) -> Cell:
    """A cell of markdown."""
    return Cell("markdown", source)


def code(source: str) -> Cell:
    """A cell of Python, without the indentation that all its lines have."""
    return Cell("code", dedent(source).strip())


def opening(home: Path, collection: Collection, head: str, lead: str) -> list[Cell]:
    """The heading, then the home of the app and the collection: every notebook begins so. `lead` is markdown."""
    info = collection.info
    about = f"{lead}\n\n" if lead else ""
    return [
        markdown(
            f"# {literal(head)}\n\n{about}"
            f"From the collection **{literal(info.name)}** ({info.images:,} images when this was written, model "
            f"{literal(info.space.model)}). Run all cells, with the Python that Shared Space is installed in; the app "
            "may run meanwhile, for nothing here adds or removes pictures."
        ),
        Cell(
            "code",
            "import numpy as np\n\nfrom sharedspace import Workspace\n\n"
            f"ws = Workspace({str(home.resolve())!r})\ncollection = ws.collection({info.name!r})",
        ),
    ]


def listed(values: Iterable[object]) -> str:
    """Values as a list in Python, one a line where it is long."""
    return written_list([repr(value) for value in values])


def written_list(values: Sequence[str]) -> str:
    """Expressions as a list in Python, one a line where it is long."""
    short = f"[{', '.join(values)}]"
    return short if len(short) <= LINE else "[\n" + "".join(f"    {value},\n" for value in values) + "]"


def ids_of(ids: Iterable[str]) -> str:
    """Ids as an expression that gives a set of them."""
    ordered = sorted(ids)
    lines = [" ".join(ordered[at : at + A_LINE]) for at in range(0, len(ordered), A_LINE)]
    return 'set("""\n' + "\n".join(lines) + '\n""".split())'


def filters(where: Sequence[Condition], within: frozenset[str] | None) -> str:
    """Lines that set `where` and `among`."""
    if not where and within is None:
        return "where, among = [], None  # no filters"
    lines = ["from sharedspace import filters", ""] if where else []
    parsed = written_list([f"filters.parse({str(one)!r})" for one in where])
    lines.append(f"where = {parsed}")
    lines.append("among = None" if within is None else f"among = {ids_of(within)}")
    return "\n".join(lines)


def question(asked: Question, k: int, rate: float | None) -> str:
    """Lines that ask a query anew, as `result`."""
    parts = written_list([part(one) for one in asked.parts])
    return (
        f"from sharedspace.questions import Part\n\n{filters(asked.where, asked.within)}\n"
        f"parts = {parts}\nresult = collection.ask(collection.terms(parts), {k}, where, among, rate={rate!r})"
    )


def part(one: Part) -> str:
    """One part of a query."""
    given = {"text": one.text, "images": one.images, "vector": one.vector, "name": one.name}
    inside = [f"{name}={value!r}" for name, value in given.items() if value]
    if one.weight != 1:
        inside.append(f"weight={one.weight!r}")
    return f"Part({', '.join(inside)})"


def asked_for(parts: Sequence[Part]) -> str:
    """A query as markdown."""
    return literal(title(parts))
