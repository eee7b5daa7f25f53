"""The page Tidy as a notebook: the part that is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sharedspace import quality
from sharedspace.collection import Collection
from sharedspace.notebook import Cell, literal
from sharedspace.ui import state
from sharedspace.ui.notebooks import download
from sharedspace.ui.notebooks.written import code, markdown

_RECORDS = """
from sharedspace import quality
from sharedspace.notebook import pictures

records = collection.snapshot().records
"""
_DUPLICATES = """
threshold, same = {cosine!r}, {same!r}
found = collection.duplicates(threshold, look=same)  # `look`: the pictures themselves have to agree too
inside = sum(len(group.rows) for group in found.groups)
print(f"{{len(found.groups)}} groups of {{inside}} images; {{len(found.exact)}} images came under several names")
"""
_STEPS = """
from sharedspace.plots.steps import steps

pairs = collection.alike()
pairs = pairs.where(quality.same(pairs)) if same else pairs
cosines = [round(quality.LEAST + 0.005 * step, 3) for step in range(41)]
counts = quality.counts(pairs, cosines, len(records))
lines = [("groups", [one.groups for one in counts]), ("images in them", [one.images for one in counts])]
steps(cosines, lines, threshold, "cosine of at least")
"""
_GROUPS = """
from IPython.display import display

for group in found.groups[:8]:
    low, high = group.cosines
    print(f"cosine {low:.3f} to {high:.3f}; keep {records[group.rows[0]].path}, {group.reason}")
    display(pictures(collection, [records[row].id for row in group.rows[:24]], across=8))
"""
_STRANGERS = """
found = collection.outliers({k!r})
places = found.order{turned}[:{many!r}]
columns = {{
    "less strange, %": found.percentile[places],
    "cosine of its neighbour": 1 - found.distance[places],
    "spreads away": found.spread[places],
}}
pictures(collection, [records[row].id for row in found.rows[places]], columns)
"""
_LEAKS = """
field = {field!r}
found = collection.leaks(field, {cosine!r}, look={same!r})
for leak in found.between:
    print(f"{{leak.pairs}} pairs between {{leak.values[0]}} and {{leak.values[1]}}")
values = collection.column(field)
pairs = list(zip(found.pairs.a.tolist(), found.pairs.b.tolist(), found.pairs.cosine.tolist()))[:24]
columns = {{
    field: [values[row] for a, b, _ in pairs for row in (a, b)],
    "cosine": [cosine for *_, cosine in pairs for _ in range(2)],
}}
pictures(collection, [records[row].id for a, b, _ in pairs for row in (a, b)], columns, across=2)
"""
_SUBSET = """
chosen = collection.subset({n!r}, {kind!r})
stands = np.bincount(chosen.nearest, minlength=len(chosen.rows))
print(f"every image has a cosine of {{chosen.worst:.2f}} or more with one of them")
pictures(collection, [records[row].id for row in chosen.rows], {{"stands for": stands}}, across=8)
"""
_LOOKS = """
found = {{one.flaw: one for one in collection.looks()}}
print(", ".join(f"{{len(one.order)}} {{one.flaw}}" for one in found.values()))
poor = found[{flaw!r}]
rows = poor.order[:48]
pictures(collection, [records[row].id for row in rows], {{"measure": poor.measure[rows]}}, across=8)
"""

Values = Mapping[str, Any]  # what the widgets of the page are set to, by key


def _duplicates(values: Values) -> list[Cell]:
    return [
        markdown("## Near duplicates"),
        code(_RECORDS + _DUPLICATES.format(cosine=values["cosine"], same=values["same"])),
        code(_STEPS),
        code(_GROUPS),
    ]


def _strangers(values: Values) -> list[Cell]:
    turned = "" if values["first"] == "strangest" else "[::-1]"
    return [
        markdown(f"## The {values['first']} images"),
        code(_RECORDS + _STRANGERS.format(k=values["neighbour"], many=values["many"], turned=turned)),
    ]


def _leaks(values: Values) -> list[Cell]:
    field = values["parts"]
    if field is None:
        return [markdown("No metadata field had two values or more when this was written: there are no leaks to find.")]
    return [
        markdown(f"## Leaks between the values of {literal(field)}"),
        code(_RECORDS + _LEAKS.format(field=field, cosine=values["cosine"], same=values["same"])),
    ]


def _subset(values: Values) -> list[Cell]:
    return [
        markdown(f"## A few that stand for all: {values['kind']}"),
        code(_RECORDS + _SUBSET.format(n=int(values["few.n"]), kind=values["kind"])),
    ]


def _looks(values: Values) -> list[Cell]:
    return [
        markdown(f"## Pictures that are {values['flaw']}"),
        code(_RECORDS + _LOOKS.format(flaw=values["flaw"])),
    ]


_PARTS: Mapping[str, Callable[[Values], list[Cell]]] = {
    "duplicates": _duplicates,
    "strangers": _strangers,
    "leaks": _leaks,
    "subset": _subset,
    "looks": _looks,
}
# What the widgets are set to where the page has not drawn them.
DEFAULTS: Values = {
    "cosine": quality.THRESHOLD,
    "same": True,
    "first": "strangest",
    "many": 24,
    "neighbour": quality.K,
    "parts": None,
    "kind": "diverse",
    "few.n": 24,
    "flaw": quality.FLAWS[0],
}


def button(collection: Collection, part: str) -> None:
    """The part of the page that is on screen."""
    values = {key: state.value(key) for key in DEFAULTS}
    download(collection, "tidy", "Tidy", lambda: cells(part, values))


def cells(part: str, values: Values) -> list[Cell]:
    """One part of the page, by the values of its widgets; what is lacking stands at its default."""
    given = {key: value for key, value in values.items() if value is not None}
    return _PARTS[part]({**DEFAULTS, **given})
