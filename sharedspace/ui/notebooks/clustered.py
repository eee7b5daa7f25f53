"""The page Clusters as a notebook: the groups, their names, and how far to trust them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sharedspace.collection import Collection
from sharedspace.notebook import Cell
from sharedspace.ui import state
from sharedspace.ui.grouped import Version, Wanted
from sharedspace.ui.notebooks import download
from sharedspace.ui.notebooks.written import code, markdown

SHEET, SHEETS = 8, 24  # pictures of one group, and groups, that are shown
DIGITS = 16  # of an id, in hexadecimal: enough to tell images apart

_EDITED = """
from sharedspace.records import Clustering

group = {{id: number for number, ids in members.items() for id in ids.split()}}
snapshot, passed = collection.snapshot(), collection.mask()
rows = [row for row in range(len(snapshot.ids)) if passed is None or passed[row]]
groups = Clustering(
    tuple(snapshot.ids[row] for row in rows),
    tuple(snapshot.paths[row] for row in rows),
    np.array([group.get(snapshot.ids[row][:{digits}], -1) for row in rows]),  # -1: in no group
    "edited",
)
"""
_NAMED = """
from sharedspace import naming

numbers = sorted(set(groups.labels.tolist()) - {{-1}})
{named}titles = naming.titles(numbers, groups.names)
{titles}none = int((groups.labels == -1).sum())
print(f"{{len(numbers)}} groups, {{none:,}} of {{len(groups.ids):,}} images in none")
"""
_JUDGED = """
from sharedspace import clusters

rows = collection.rows(groups.ids)
vectors, inside = collection.snapshot().vectors[rows], groups.labels >= 0
if len(numbers) > 1:
    width = clusters.silhouette(vectors[inside], groups.labels[inside]).mean()
    print(f"mean silhouette {width:.2f} (1: far apart, 0: no gap between groups)")
"""
_AGREEMENT = """
field = {field!r}
agreement = clusters.agreement(groups.labels, [collection.column(field)[row] for row in rows])
said = f"adjusted Rand {{agreement.rand:.3f}}, purity {{agreement.purity:.0%}}, n = {{agreement.n:,}}"
print("agreement with", field, said)
"""
_STABLE = """
stability = collection.stability({how})
print(f"worked out five times anew: mean adjusted Rand {{stability:.2f}} (1: the same each time, 0: chance)")
"""
_SHEETS = """
from IPython.display import display

from sharedspace.notebook import pictures

for number in numbers[{first}:{last}]:
    members = np.flatnonzero(groups.labels == number)
    print(f"{{titles[number]}}: {{len(members):,}} images")
    typical = clusters.typical(vectors, members, {sheet})
    display(pictures(collection, [groups.ids[row] for row in typical], across={sheet}))
"""


@dataclass(frozen=True)
class Looked:
    """How the groups are looked at."""

    version: Version
    edited: bool
    named: bool
    words: tuple[str, ...]  # of the visitor's own
    field: str | None  # that the groups are compared with
    stable: bool  # whether the page says how stable they are
    page: int  # of groups, from 1


def button(
    collection: Collection, version: Version, edited: bool, named: bool, words: tuple[str, ...], wanted: Wanted
) -> None:
    """The groups that are on screen; `wanted` is how the page would look for groups now."""
    field, page = state.value("groups.truth"), int(state.value("groups.page", 1) or 1)
    compared = str(field) if field in collection.fields() else None
    stable = state.value("groups.stable") == (collection.info.number, wanted)
    look = Looked(version, edited, named, words, compared, stable, page)
    download(collection, "clusters", "Clusters", lambda: cells(look))


def cells(look: Looked) -> list[Cell]:
    """The groups as they are found, or as they were edited by hand."""
    wanted, titles = look.version.wanted, dict(look.version.titles)
    how = f"{wanted.method!r}, k={wanted.k!r}, min_size={wanted.min_size!r}"
    named = f"groups = collection.name_groups(groups, {list(look.words)!r})\n" if look.named else ""
    own = f"titles.update({titles!r})  # given by hand\n" if titles else ""
    judged = _JUDGED
    if look.field is not None:
        judged += _AGREEMENT.format(field=look.field)
    if look.stable:
        judged += _STABLE.format(how=how)
    return [
        markdown("## The groups" + (", as they were edited by hand" if look.edited else "")),
        code(_edited(look.version) if look.edited else f"groups = collection.cluster({how})"),
        code(_NAMED.format(named=named, titles=own)),
        markdown("## How far to trust them"),
        code(judged),
        markdown("## Contact sheets: the most typical of each"),
        code(_SHEETS.format(first=(look.page - 1) * SHEETS, last=look.page * SHEETS, sheet=SHEET)),
    ]


def _edited(version: Version) -> str:
    lines = [f"    {number}: {_members(version, number)!r}," for number in version.groups]
    return "members = {\n" + "\n".join(lines) + "\n}" + _EDITED.format(digits=DIGITS)


def _members(version: Version, group: int) -> str:
    return " ".join(version.ids[row][:DIGITS] for row in np.flatnonzero(version.labels == group).tolist())
