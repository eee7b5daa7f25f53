"""The page Map as a notebook: the same points, colours, words and star, as a plotly figure."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sharedspace.collection import Collection
from sharedspace.errors import BadInput
from sharedspace.notebook import Cell, literal
from sharedspace.ui import cache, colouring, labelling, layouts, state
from sharedspace.ui.asking import Question
from sharedspace.ui.labelling import Asked
from sharedspace.ui.notebooks import download, labelled
from sharedspace.ui.notebooks.asked import selection
from sharedspace.ui.notebooks.written import asked_for, code, filters, ids_of, listed, markdown, question

if TYPE_CHECKING:
    from sharedspace.ui.mapview import View

SELECTED = 60  # pictures of a selection that are shown
NEAR = 15  # neighbours of an opened image

_POINTS = """
snapshot, drawn = collection.view()
records = snapshot.records
"""
_AMONG = """
xy = drawn.xy  # the map as it was drawn: nothing is drawn anew
texts = [(word, *collection.place(vector).xy) for word, vector in zip(words, collection.embed(words))]
"""
_REALLY = """
joint = collection.joint()
xy = joint.images  # on a plane through the modality gap
texts = [(word, *map(float, place)) for word, place in zip(words, joint.place(collection.embed(words)))]
print(f"the modality gap is {joint.gap:.2f}: so far apart are the means of images and texts")
"""
_ALONG = """
xy = gap.word_axes(snapshot.vectors, *collection.embed(phrases))  # each picture's cosines with the two
texts = []
"""
_ENDS = "low, high = np.percentile(values[np.isfinite(values)], (2, 98))"
_SIMILAR = f"""
values = result.scores
{_ENDS}
label = f"cosine with {{result.query}}" if len(result.terms) == 1 else f"z-score of {{result.query}}"
"""
_TRUST = """
values, low, high = collection.trust(), 0, 1
label = "of its 15 neighbours, the share drawn near"
"""
_THEME = """
from sharedspace.plots import theme

"""
_CODES = "codes, names, _ = theme.categories(given)"
_GROUPS = f"""{_THEME}groups = collection.cluster("hdbscan")
group = dict(zip(groups.ids, groups.labels.tolist()))
given = [f"group {{group[id] + 1}}" if group.get(id, -1) >= 0 else None for id in snapshot.ids]
{_CODES}"""
_TAGS = f"""{_THEME}tags = collection.tags()
given = [", ".join(sorted(tags[id])) if id in tags else None for id in snapshot.ids]
{_CODES}"""
_LABELS = f"""{_THEME}label_of = dict(zip(labelled.ids, labelled.answers))
given = [" · ".join(label_of.get(id, ())) or None for id in snapshot.ids]
{_CODES}"""
_PASSED = """
passed = collection.mask(where, among)
shown = np.ones(len(records), dtype=bool) if passed is None else passed  # hidden and filtered pictures are not
"""
_SHOWN = """
from pathlib import Path

from sharedspace.plots import theme
from sharedspace.plots.spacemap import space_map

captions = [str(one.meta.get("caption") or Path(one.path).name) for one in records]
captions = [captions[row] for row in np.flatnonzero(shown)]
"""
_SCALED = """
figure = space_map(xy[shown], captions, np.zeros(int(shown.sum()), dtype=int), texts=texts)
scale = {{"color": values[shown], "cmin": low, "cmax": high, "colorscale": list(theme.{scale}["light"])}}
bar = {{"showscale": True, "colorbar": {{"title": {{"text": theme.plain(label)}}}}}}
figure.update_traces(marker={{**scale, **bar}}, selector={{"name": "images"}})
"""
_STAR = """
star = {place}
figure.add_scatter(
    x=[star[0]], y=[star[1]], text=[theme.plain(result.query)], name="the query",
    mode="markers+text", textposition="top center", marker={{"symbol": "star", "size": 18, "color": "#D55E00"}},
)
"""
_DIRECTION = """
total = sum(term.weight * term.vector for term in result.terms)
direction = total if np.linalg.norm(total) > 0 else result.terms[0].vector
"""
_RINGS = """
rows = [row for row, id in enumerate(snapshot.ids) if id in selected]
figure.add_scatter(
    x=xy[rows, 0], y=xy[rows, 1], mode="markers", name="selected", hoverinfo="skip",
    marker={"symbol": "circle-open", "size": 13, "color": theme.INK, "line": {"width": 2}},
)
"""


@dataclass(frozen=True)
class Looked:
    """How the map is looked at."""

    asked: Question
    found: bool  # whether the query has a result
    k: int
    rate: float | None
    colour: str
    layout: str
    phrases: tuple[str, str]
    picked: str | None
    selected: frozenset[str]
    labels: Asked | None  # of the zero-shot bench, where they can be read
    uses: tuple[str, ...]

    @property
    def along(self) -> bool:
        """Whether the pictures stand along two phrases."""
        return self.layout == layouts.WORDS and all(self.phrases)


def button(collection: Collection, asked: Question, view: View, found: bool, k: int) -> None:
    """The map that is on screen; where the query was `found`, with its star and its best k images."""
    now = state.get()
    rate = cache.line_rate(collection, asked.parts) if found else None
    with suppress(BadInput):  # labels that cannot be read: the map has no colours by them either
        labels = None
        labels = replace(labelling.present(), truth=None, where=(), within=None)
    phrases, uses = (view.a, view.b), labelling.uses()
    look = Looked(asked, found, k, rate, view.colour, view.layout, phrases, now.picked, now.selected, labels, uses)
    download(collection, "map", "Map", lambda: cells(collection, look))


def cells(collection: Collection, look: Looked) -> list[Cell]:
    """The map as it is looked at, and the images beside it."""
    found = [markdown("## The points"), code(_points(collection, look))]
    if look.found:
        words = asked_for(look.asked.parts)
        found += [markdown(f"## The query: {words}"), code(question(look.asked, look.k, look.rate) + _PASSED)]
    else:
        found.append(code(filters(look.asked.where, look.asked.within) + _PASSED))
    scale, source = _colours(collection, look)
    found += [markdown(f"## The colours: {literal(look.colour)}"), code(source)]
    found += [markdown("## The map"), code(_figure(look, scale)), code("figure")]
    return [*found, *_beside(look)]


def _points(collection: Collection, look: Looked) -> str:
    if look.along:
        return f"from sharedspace import gap\n{_POINTS}phrases = {list(look.phrases)!r}{_ALONG}"
    words = f"words = {listed(collection.anchors())}"
    return f"{_POINTS}{words}{_REALLY if look.layout == layouts.REALLY else _AMONG}"


def _colours(collection: Collection, look: Looked) -> tuple[str, str]:
    """Lines that set `codes` and `names`; or, with the scale's name, those that set `values`, its ends and `label`."""
    by, name = look.colour, look.colour.removeprefix(colouring.QUERY)
    if by == colouring.SIMILAR and look.found:
        return "SEQUENTIAL", _SIMILAR
    if by == colouring.TRUST and collection.has_neighbours:
        return "SEQUENTIAL", _TRUST
    if by == colouring.CONTRAST and all(look.phrases):
        return "DIVERGING", _contrast(*look.phrases)
    if by.startswith(colouring.QUERY) and name in collection.saved("query"):
        label = f"z-score of {name}"
        return "SEQUENTIAL", f"values = collection.query_column({name!r})\n{_ENDS}\nlabel = {label!r}"
    if by == colouring.LABELS and look.labels is not None and look.labels.enough:
        return "", f"{labelled.classification(look.labels, look.uses)}\n{_LABELS}"
    if by in (colouring.GROUPS, colouring.TAGS):
        return "", _GROUPS if by == colouring.GROUPS else _TAGS
    different, numbers = cache.telling(collection).get(by, (0, False))
    if not different:
        return "", "codes, names = np.zeros(len(records), dtype=int), []"
    if numbers and different >= colouring.CONTINUOUS_FROM:
        column = f"[np.nan if value is None else value for value in collection.column({by!r})]"
        return "SEQUENTIAL", f"values = np.array({column}, dtype=float)\n{_ENDS}\nlabel = {by!r}"
    return "", f"{_THEME}given = collection.column({by!r})\n{_CODES}"


def _contrast(a: str, b: str) -> str:
    label = f"{a} minus {b}"
    return f"""
from sharedspace.search import contrast

values = contrast(snapshot.vectors, *collection.embed({[a, b]!r}))
high = float(np.percentile(np.abs(values), 98)) or 1.0
low, label = -high, {label!r}
"""


def _figure(look: Looked, scale: str) -> str:
    plain = "\nfigure = space_map(xy[shown], captions, codes[shown], names, texts)\n"
    lines = _SHOWN + (_SCALED.format(scale=scale) if scale else plain) + "figure.update_layout(height=640)\n"
    if look.along:
        for axis, phrase in zip("xy", look.phrases, strict=True):
            title = f"cosine with {phrase}"
            lines += f'figure.update_{axis}axes(visible=True, title={{"text": theme.plain({title!r})}})\n'
    if look.found and not look.along:
        if look.layout == layouts.REALLY:
            lines += _DIRECTION + _STAR.format(place="joint.place((direction / np.linalg.norm(direction))[None])[0]")
        else:
            place = "projection.place(result.scores[shown], xy[shown]).xy"
            lines += "\nfrom sharedspace import projection\n" + _STAR.format(place=place)
    if look.selected:
        lines += f"selected = {ids_of(look.selected)}{_RINGS}"
    return lines


def _beside(look: Looked) -> list[Cell]:
    """What stands beside the map: the opened image's neighbours, else the results; the selection."""
    shown: list[Cell] = []
    if look.picked is not None:
        shown += [
            markdown("## Nearest to the opened image"),
            code(
                f"""
                from sharedspace.notebook import pictures

                near = collection.similar({look.picked!r}, {NEAR + 1})  # itself first
                pictures(collection, [hit.id for hit in near], {{"cosine": [hit.score for hit in near]}}, across=8)
                """
            ),
        ]
    if look.found:
        shown += [
            markdown("## Nearest to the query"),
            code(
                """
                from sharedspace.notebook import pictures

                print(f"the best {len(result.hits)} of {result.searched:,}; no-match line: {result.no_match_line}")
                columns = {"score": [hit.score for hit in result], "matches": [hit.matched for hit in result]}
                pictures(collection, [hit.id for hit in result], columns)
                """
            ),
        ]
    return shown + selection(sorted(look.selected), SELECTED)
