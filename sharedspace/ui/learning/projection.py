"""Lesson 9: the map is a projection."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from sharedspace import projection
from sharedspace.collection import Collection
from sharedspace.lessons import projection as lesson
from sharedspace.lessons.projection import Agreement, Density, Order
from sharedspace.plots import geometry
from sharedspace.ui.learning import projection_maps, projection_three
from sharedspace.ui.learning.projection_maps import Drawn
from sharedspace.ui.learning.sheet import Sheet

STAYS = ("9 or 10", "7 or 8", "4 to 6", "3 or fewer")
STAY_ENDS = (3.5, 6.5, 8.5)
FLIPS = ("less than 1 in 20", "1 in 20 to 1 in 5", "1 in 5 to 2 in 5", "more than 2 in 5")
FLIP_ENDS = (0.05, 0.2, 0.4)


def show(collection: Collection, sheet: Sheet) -> None:
    """Predict what another seed changes, among neighbours and among strangers; then turn UMAP's knobs."""
    rows = projection_maps.chosen(collection)
    n, total = len(rows), len(collection.snapshot().records)
    dimension = collection.info.space.dimension
    sheet.say(
        f"Each picture is {dimension} numbers, and a map has room for two. So a map is a drawing of the space, and "
        "something is always lost. **UMAP** draws neighbours beside each other and begins from a random state, its "
        "*seed*. What stays when only the seed changes is of the pictures; what changes is of the drawing."
    )
    if n < projection.SMALLEST_UMAP:
        sheet.say(
            f"Here are {n} pictures, and UMAP needs {projection.SMALLEST_UMAP}. Fewer are drawn by their two principal "
            "components, which have no knobs: add pictures, or choose another collection, such as the sample set."
        )
        return
    if n < total:
        sheet.note(f"Drawn are {n:,} of {total:,} pictures, evenly chosen among those that are not hidden.")
    now = _seeds(collection, sheet, rows)
    if now is not None and _strangers(sheet, now):
        projection_three.three(collection, sheet, now)
        _sizes(sheet, now)


def _seeds(collection: Collection, sheet: Sheet, rows: tuple[int, ...]) -> Drawn | None:
    """Predict how many neighbours on the map stay with another seed, then see all maps."""
    sheet.head("Drawn a second time")
    k = lesson.NEAREST
    question = (
        f"The same {len(rows):,} vectors are drawn twice by UMAP, with another seed. Of the {k} pictures that are "
        f"drawn nearest to one, how many are among its {k} nearest on the second map too, on average?"
    )
    guess = sheet.predict("seed", question, STAYS)
    if guess is None:
        return None
    now = projection_maps.drawn(collection, rows)
    if now is None:
        return None
    kept = float(_kept(now.grid.of, now).mean())
    by_chance = k * k / (len(rows) - 1)
    right = STAYS[::-1][int(np.searchsorted(STAY_ENDS, kept, side="right"))]
    sheet.settle(
        guess,
        right,
        f"{kept:.2f} of {k}, over {len(rows):,} pictures; maps with nothing in common would share {by_chance:.1f} "
        f"(k² / (n − 1)). {_how(now)}",
    )
    projection_maps.look(collection, sheet, now)
    return now


def _how(now: Drawn) -> str:
    return f"Drawn with UMAP's defaults: {now.neighbours} neighbours, least distance {now.default.min_dist:g}."


@st.cache_data(show_spinner=False, max_entries=8)
def _kept(of: str, _now: Drawn) -> np.ndarray:
    return lesson.kept(*_now.grid.over_seeds(_now.default)[:2])


@st.cache_data(show_spinner="Comparing distances…", max_entries=8)
def _measured(of: str, _now: Drawn) -> tuple[tuple[Order, ...], Agreement, tuple[Density, ...]]:
    maps, grid = _now.grid.over_seeds(_now.default), _now.grid
    tight = lesson.densities(_now.vectors, grid.over_distances(_now.default), grid.distances)
    return lesson.orders(_now.vectors, maps), lesson.agreement(_now.vectors, maps), tight


def _strangers(sheet: Sheet, now: Drawn) -> bool:
    """Predict how often a seed turns the order of two far pictures around; whether it was shown."""
    sheet.head("Which of two is nearer?")
    question = (
        "Take a picture and two others that are both **far** from it: in the farther half of all pairs. One of the two "
        "is drawn nearer. In how many such cases is it the other one on the next map, with another seed?"
    )
    guess = sheet.predict("far", question, FLIPS)
    if guess is None:
        return False
    orders, agreement, _ = _measured(now.grid.of, now)
    mixed, near, far = orders
    if not far.flips.n:
        sheet.settle(guess, None, "Here all pictures are equally far from each other.")
        return True
    known = [one for one in (mixed, near, far) if one.flips.n]
    right = FLIPS[int(np.searchsorted(FLIP_ENDS, far.flips.share, side="right"))]
    chance = ", where chance is 50%" if far.true.holds(0.5) else ""
    sheet.settle(
        guess,
        right,
        f"In {far.flips.words}. And the order on the first map is that of the cosines in {far.true.words}{chance}.",
    )
    names = [name for one in known for name in (f"{one.kind}: flips with the seed", f"{one.kind}: as the cosines say")]
    rates = [rate for one in known for rate in (one.flips, one.true)]
    told = "; ".join(f"{name} {rate.share:.0%}" for name, rate in zip(names, rates, strict=True))
    sheet.figure(
        geometry.rates(names, [rate.share for rate in rates], [rate.interval for rate in rates], 0.5),
        "orders",
        f"Which of two pictures is drawn nearer to a third: {told}; chance is 50%",
    )
    sheet.note(
        "A picture and two others, at random, with 95% intervals (Wilson 1927). Near: one of its 15 nearest in the "
        f"space; far: in the farther half of all pairs. {_how(now)}"
    )
    sheet.say(_correlations(agreement))
    sheet.code(
        "from sharedspace.lessons import projection as lesson\n"
        "[(one.kind, one.flips.words, one.true.words) for one in lesson.orders(vectors, maps)]"
    )
    sheet.code("lesson.agreement(vectors, maps)")
    return True


def _correlations(found: Agreement) -> str:
    def span(values: tuple[float, ...]) -> str:
        low, high = (f"{value:.2f}" for value in (min(values), max(values)))
        return f"{low if low == high else f'{low} to {high}'} over {len(values)} seeds"

    return (
        "As a rank correlation (Spearman; 1 is the same order, 0 none) of the distance in the space, 1 − cosine, with "
        f"that on the map: {span(found.near)} for {found.near_pairs:,} near pairs, and {span(found.far)} for "
        f"{found.far_pairs:,} far ones."
    )


def _sizes(sheet: Sheet, now: Drawn) -> None:
    """What the least distance does to gaps and sizes while no vector changes; and what to take along."""
    sheet.head("Sizes and gaps")
    orders, agreement, tight = _measured(now.grid.of, now)
    first, last = tight[0], tight[-1]
    times = last.spacing / first.spacing if first.spacing > 0 else float("inf")
    sheet.say(
        f"The vectors stay, only the least distance goes from {first.min_dist:g} to {last.min_dist:g}: the nearest "
        f"drawn picture is then {times:.1f} times as far away, measured by the size of the map. Gaps and tight groups "
        "are drawn by that knob. And are pictures that lie tightly in the space drawn tightly? The column *tightness* "
        "is the rank correlation of the two: 1 would be always, 0 not at all."
    )
    columns: dict[str, list[Any]] = {
        "least distance": [one.min_dist for one in tight],
        "to the nearest drawn, of the map's radius": [round(one.spacing, 4) for one in tight],
        "tightness": [round(one.told, 2) for one in tight],
        "trust": [round(one.trust, 2) for one in tight],
    }
    told = "; ".join(
        f"least distance {one.min_dist:g}: nearest drawn at {one.spacing:.3f} of the radius, tightness {one.told:.2f}, "
        f"trust {one.trust:.2f}"
        for one in tight
    )
    sheet.table(columns, told)
    sheet.code(
        f"distances = {now.grid.distances!r}\n"
        f"by_distance = [projection.project(vectors, Drawing({now.neighbours}, apart, {now.default.seed}), near) "
        "for apart in distances]\n"
        "lesson.densities(vectors, np.stack(by_distance), distances)"
    )
    sheet.say(_along(orders, agreement, float(_kept(now.grid.of, now).mean()), now))


def _along(orders: tuple[Order, ...], agreement: Agreement, kept: float, now: Drawn) -> str:
    """What to take along, as it was measured here."""
    far = orders[-1]
    said = (
        f"**To take along.** Of {lesson.NEAREST} neighbours on the map {kept:.1f} stay when it is drawn anew, and its "
        f"trust is {now.trust(now.grid.at(now.default)):.2f}"
    )
    if far.flips.n:
        said += f"; which of two far pictures is nearer turns around in {far.flips.share:.0%}"
    wide = min(agreement.near) > max(agreement.far)
    end = "read neighbours off a map, and look up far distances, gaps and sizes in the vectors" if wide else ""
    return f"{said}. " + (f"So {end}." if end else "Here near distances are drawn no better than far ones.")
