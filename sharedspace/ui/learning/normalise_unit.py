"""Lesson 2, the second half: a vector that is made longer, and what is left once all are unit vectors."""

from __future__ import annotations

from textwrap import shorten

import numpy as np
import streamlit as st

from sharedspace.collection import Collection
from sharedspace.lessons import normalise
from sharedspace.lessons.normalise import Ranked
from sharedspace.ui import frame, galleries
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.text import plain
from sharedspace.vectors import unit

NAME = 60  # characters of a caption within a sentence
STRETCHED = 20  # place of the picture whose vector is made longer
OTHERWISE, SAME = "otherwise than the cosine", "exactly as the cosine does"


@st.fragment
def stretch(
    collection: Collection, sheet: Sheet, rows: tuple[int, ...], vectors: np.ndarray, query: np.ndarray, found: Ranked
) -> None:
    """Make one picture's vector longer and see its ranks."""
    with frame.errors(stop=False), sheet.part("stretch"):
        sheet.head("Make one vector longer")
        row = int(found.places("cosine")[min(STRETCHED, len(rows) - 1)])
        words = plain(shorten(galleries.caption(collection.snapshot().records[rows[row]]), NAME, placeholder="…"))
        sheet.say(
            f"*{words}* has rank {found.rank('cosine', row)} by the cosine. Stretch its vector: the direction stays, "
            "and with it what the model says of the picture."
        )
        factor = float(st.slider("How many times as long", 0.5, 6.0, 1.0, 0.1, "%.1f", key="normalise.factor"))
        after = normalise.stretched(found, vectors, query, row, factor)
        names = ("cosine", "dot", "distance")
        sheet.table(
            {
                "measure": ["cosine", "dot product", "Euclidean distance"],
                "rank before": [found.rank(name, row) for name in names],
                "rank now": [after.rank(name, row) for name in names],
                "value now": [round(float(getattr(after, name)[row]), 3) for name in names],
            },
            f"Ranks of one picture of {len(rows):,} with a vector {factor:.1f} times as long: "
            + ", ".join(f"{after.rank(name, row)} by {name}" for name in names),
        )
        sheet.code(
            f"after = normalise.stretched(found, vectors, query, {row}, {factor})\n"
            f"[(name, found.rank(name, {row}), after.rank(name, {row})) for name in {names!r}]"
        )


def made_unit(sheet: Sheet, vectors: np.ndarray, query: np.ndarray, k: int) -> None:
    """Predict what the Euclidean distance does once all vectors are unit, then see it."""
    sheet.head("Now all have length 1")
    guess = sheet.predict(
        "unit",
        "Each vector, the query too, is divided by its length. How does the Euclidean distance rank the pictures then?",
        (OTHERWISE, SAME),
    )
    if guess is None:
        return
    rows, asked = unit(vectors), unit(query)
    found = normalise.ranked(rows, asked)
    # Where two are equal but for rounding, either may come first: ranks are compared by their cosines.
    orders = [found.cosine[found.places(name)] for name in ("cosine", "dot", "distance")]
    off = max(float(np.abs(order - orders[0]).max()) for order in orders[1:])
    away = normalise.identity(rows, asked)
    sheet.settle(
        guess,
        SAME if off < 1e-6 else OTHERWISE,
        f"Of unit vectors |a − b|² = 2 − 2 cos: here it holds to {away:.0e}. The three measures put all "
        f"{len(rows):,} pictures into one order.",
    )
    before = normalise.ranked(vectors, query)
    sheet.code(
        "from sharedspace.vectors import unit\n"
        "made = normalise.ranked(unit(vectors), unit(query))\n"
        'normalise.identity(unit(vectors), unit(query)), made.shared("cosine", "dot", k), '
        'made.shared("cosine", "distance", k)'
    )
    sheet.say(
        f"**To take along.** As the model gave them, {before.shared('cosine', 'dot', k)} of the {k} best by the cosine "
        f"are the same by the dot product and {before.shared('cosine', 'distance', k)} by the distance; as unit "
        f"vectors {found.shared('cosine', 'dot', k)} and {found.shared('cosine', 'distance', k)}. Store unit vectors, "
        "and no index, metric or tool can disagree about who is near."
    )
