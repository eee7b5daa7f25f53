"""Lesson 7: two models of equal dimension that must not meet."""

from __future__ import annotations

import numpy as np
import streamlit as st

from sharedspace.classifier import Classifier
from sharedspace.collection import Collection
from sharedspace.encoders import IN_THE_BOX
from sharedspace.errors import SharedSpaceError, SpaceMismatch
from sharedspace.lessons.mixing import Mixing, Pair, measure
from sharedspace.lessons.retrieval import Recall
from sharedspace.plots import geometry
from sharedspace.ui import cache, frame, galleries, state
from sharedspace.ui.learning import mixing_pair, reading
from sharedspace.ui.learning.mixing_pair import MOST, Other
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.text import plain
from sharedspace.vectors import top_k

LEAST = 3  # pictures
FAILS = (
    "it stops: the two do not fit together",
    "it warns that the models differ",
    "nothing: numbers come out as ever",
)
GOOD, BETWEEN, CHANCE = "about as good as one model alone", "worse, but well above chance", "no better than chance"
NEARLY = 0.9  # of what one model alone finds: about as good
FOUND = 4  # pictures that a query brings
OFFERED = 100  # queries to choose from


def show(collection: Collection, sheet: Sheet) -> None:
    """Ask with one model in the index of another; predict what becomes of it, and see what guards against it."""
    sheet.say(
        "A text becomes a list of numbers, a picture too, and the search compares them one by one. Other models give "
        "lists of the same length. Can one model ask, and another have made the index?"
    )
    other = mixing_pair.find(collection)
    if len(other.rows) < LEAST:
        sheet.say(f"The lesson needs {LEAST} pictures, and here are {len(other.rows)}: choose another collection.")
        return
    if not mixing_pair.ready(collection, other):
        return
    sheet.say(other.words(collection))
    if not _fails(collection, sheet, other):
        return
    if _recall(collection, sheet, other):
        _one_query(collection, sheet, other)
        _guard(collection, sheet, other)


def _fails(collection: Collection, sheet: Sheet, other: Other) -> bool:
    """Predict whether anything fails when vectors of two models meet; whether it was shown."""
    space = collection.info.space
    question = (
        f"A query of the one model is compared with the pictures of the other, {space.dimension} numbers each. What "
        "does the arithmetic do?"
    )
    guess = sheet.predict("fails", question, FAILS, other.kind + other.name)
    if guess is None:
        return False
    pair = mixing_pair.pair(collection, other)
    score = float(pair.queries[0] @ pair.other_images[0])
    sheet.settle(
        guess,
        FAILS[2],
        f"The first query and its picture across the two models: {score:+.3f}, a cosine like any other. Equal length "
        "is no protection.",
    )
    _code(collection, sheet, other)
    return True


def _recall(collection: Collection, sheet: Sheet, other: Other) -> bool:
    """Predict what recall becomes, then see it beside either model alone; whether it was shown."""
    sheet.head("Ask with one, search in the other")
    n = len(other.rows)
    asked = "captions are asked for their pictures" if other.captions else "pictures are asked for themselves"
    question = f"{n:,} {asked}, by the one model in the index of the other. How often is the right one among the best?"
    guess = sheet.predict("recall", question, (GOOD, BETWEEN, CHANCE), other.kind + other.name)
    if guess is None:
        return False
    pair = mixing_pair.pair(collection, other)
    found = measure(pair)
    last, alone = found.mixed[-1], found.alone[-1]
    right = _band(last, alone)
    told = "" if right else " On so few pictures that cannot be told from one model alone."
    sheet.settle(
        guess,
        right,
        f"R@{last.k} is {last.rate.words}, where chance, {last.k} of {n:,}, is {last.chance:.1%}. Alone the two reach "
        f"{alone.rate.share:.1%} and {found.other_alone[-1].rate.share:.1%}.{told}",
    )
    _chart(sheet, pair, found)
    sheet.code("from sharedspace.lessons.mixing import measure\nfound = measure(pair)\n" + _REPORT)
    series = {"one model": found.own_cosines, "across the two": found.mixed_cosines}
    own, across = (float(values.mean()) for values in series.values())
    sheet.figure(
        geometry.histograms(series, "cosine of a query and its own picture"),
        "cosines",
        f"Cosines of {n:,} queries with their own pictures: in one model {own:.2f} on average, across the two "
        f"{across:z.2f}",
    )
    sheet.note(
        f"Of what belongs together, n = {n:,}: in one model the mean is {own:.2f}, across the two {across:z.2f} with a "
        f"standard deviation of {found.mixed_cosines.std():.2f}. Two random directions of {pair.space.dimension} "
        f"numbers have 0 ± {pair.space.dimension**-0.5:.2f} (1 / √d)."
    )
    return True


_REPORT = (
    "{name: [one.rate.words for one in recalls] for name, recalls in (('alone', found.alone), "
    "('other alone', found.other_alone), ('mixed', found.mixed))}"
)


def _band(mixed: Recall, alone: Recall) -> str | None:
    """What the mixed recall is; None where so few pictures cannot tell it from one model alone."""
    if mixed.rate.interval[1] >= alone.rate.interval[0] and mixed.at_chance:
        return None
    if mixed.at_chance:
        return CHANCE
    return GOOD if mixed.rate.share >= NEARLY * alone.rate.share else BETWEEN


def _chart(sheet: Sheet, pair: Pair, found: Mixing) -> None:
    rows = [
        *((f"first alone, R@{one.k}", one) for one in found.alone),
        *((f"second alone, R@{one.k}", one) for one in found.other_alone),
        *((f"mixed, R@{one.k}", one) for one in found.mixed),
    ]
    names, recalls = [name for name, _ in rows], [one for _, one in rows]
    told = ", ".join(f"{name} {one.rate.share:.1%} (chance {one.chance:.1%})" for name, one in rows)
    figure = geometry.rates(
        names,
        [one.rate.share for one in recalls],
        [one.rate.interval for one in recalls],
        [one.chance for one in recalls],
    )
    sheet.figure(figure, "recall", f"Recall with 95% intervals, n = {recalls[0].rate.n:,}: {told}")
    held = [f"{one.k}" for one in found.mixed if one.at_chance]
    missed = [f"{one.k}" for one in found.mixed if not one.at_chance]
    said = f"The first is {plain(pair.space.model)}, the second {plain(pair.other.model)}."
    said += f" Mixed, the 95% interval (Wilson 1927) holds chance, k / n, at k = {', '.join(held)}." if held else ""
    said += f" At k = {', '.join(missed)} it does not." if missed else ""
    sheet.note(said)


@st.fragment
def _one_query(collection: Collection, sheet: Sheet, other: Other) -> None:
    """What one query brings in the index of its own model, and in that of the other."""
    with frame.errors(stop=False), sheet.part("query"):
        pair, records = mixing_pair.pair(collection, other), collection.snapshot().records
        named = other.captions or tuple(galleries.caption(records[row]) for row in other.rows)
        offered = dict.fromkeys(named[:OFFERED])
        if state.value("mixing.query") not in (None, *offered):
            state.set_value("mixing.query", named[0])  # of another collection
        chosen = st.selectbox("Ask for", list(offered), key="mixing.query", persist_state="session")
        at = named.index(chosen)
        for title, index, key in (
            (f"in the index of {pair.space.model}", pair.images, "own"),
            (f"in the index of {pair.other.model}", pair.other_images, "other"),
        ):
            scores = index @ pair.queries[at]
            best = top_k(scores, FOUND)
            sheet.say(f"Asked by **{plain(pair.space.model)}**, {plain(title)}:")
            words = [f"{scores[row]:+.2f} {named[row]}" for row in best.tolist()]
            shown = [records[other.rows[row]] for row in best.tolist()]
            sheet.pictures(shown, f"found.{key}", words, f"The best {len(shown)} for {chosen}, {title}")
        sheet.code(
            "records = [collection.snapshot().records[row] for row in rows]\n"
            f"best = {{name: np.argsort(-(index @ pair.queries[{at}]), kind='stable')[:{FOUND}] for name, index in "
            "(('own', pair.images), ('other', pair.other_images))}\n"
            "{name: [records[row].path for row in places] for name, places in best.items()}"
        )


def _guard(collection: Collection, sheet: Sheet, other: Other) -> None:
    """What the program says where it knows of which model a vector is."""
    sheet.head("The guard")
    pair = mixing_pair.pair(collection, other)
    sheet.say(
        "A bare list of numbers does not say who made it. So this program keeps name and fingerprint of the model with "
        "every collection, classifier and export, and compares fingerprints before vectors meet. A classifier "
        "made with the second model, put to this collection, is answered:"
    )
    sheet.say(f"> {plain(_refusal(collection, pair))}")
    if other.kind == "box":
        name = plain(other.name)
        if st.button(f"Add a picture of this collection again, with {name}", key="mixing.add", icon=":material/add:"):
            _add(collection, other)
    found = measure(pair)
    mixed = found.mixed[-1]
    held = "less than either alone" if _worse(pair) else "something"
    if mixed.at_chance:
        few = _band(mixed, found.alone[-1]) is None
        held = "on so few pictures that may be chance, or not" if few else "what chance finds"
    sheet.say(
        f"**Take along:** equal length means nothing. Across two models the numbers came out without a complaint, and "
        f"{mixed.rate.share:.1%} of the right pictures were among the best {mixed.k}: {held}. Keep with every vector "
        "which model made it."
    )
    sheet.code(
        "from sharedspace.errors import SpaceMismatch\n"
        "from sharedspace.ledger import require_same\n"
        "try:\n"
        "    require_same(pair.space, pair.other)\n"
        "except SpaceMismatch as error:\n"
        "    print(error)"
    )


def _worse(pair: Pair) -> bool:
    found = measure(pair)
    return found.mixed[-1].rate.interval[1] < min(found.alone[-1].rate.share, found.other_alone[-1].rate.share)


def _refusal(collection: Collection, pair: Pair) -> str:
    """What is really answered to a classifier of the other space: two of its vectors as the two labels."""
    foreign = Classifier(
        labels=("one", "other"),
        weights=pair.other_images[:2] * pair.other.logit_scale,
        bias=np.zeros(2, dtype=np.float32),
        label_of=np.arange(2),
        space=pair.other,
    )
    try:
        collection.apply(foreign)
    except SpaceMismatch as error:
        return str(error)
    return "Nothing: it was taken."


def _add(collection: Collection, other: Other) -> None:
    """Really try to add a picture with the other model; the collection refuses before anything is embedded."""
    thumbnail = cache.workspace().home.thumbnail(collection.snapshot().records[other.rows[0]].id)
    if thumbnail is None:
        return
    try:
        cache.workspace().ingest(collection.info.name, [thumbnail], model=other.name)
    except SharedSpaceError as error:
        st.error(plain(str(error)), icon=":material/block:")


def _code(collection: Collection, sheet: Sheet, other: Other) -> None:
    """Queries and pictures by both models, as `pair`."""
    rows = reading.code(collection, bool(other.captions), MOST)
    if other.kind == "collection":  # of the pictures that both collections hold
        rows = f"rows = {list(other.rows)!r}\n" + (f"texts = {list(other.captions)!r}\n" if other.captions else "")
    rows += "images = collection.snapshot().vectors[rows]\n"
    queries = "queries = collection.embed(texts)\n" if other.captions else "queries = images\n"
    if other.kind == "turned":
        made = (
            "from sharedspace.lessons.mixing import turned\n"
            + rows
            + queries
            + "pair = turned(collection.info.space, queries, images)\n"
        )
    elif other.kind == "box" and other.name in IN_THE_BOX:
        made = (
            "from sharedspace import encoders, images as pictures\nfrom sharedspace.lessons.mixing import Pair\n"
            + rows
            + queries
            + f"twin = encoders.load({other.name!r})\n"
            "records = [collection.snapshot().records[row] for row in rows]\n"
            "files = [pictures.decode(collection.picture(one), one.path, twin.side).image for one in records]\n"
            "theirs = twin.images(files)\n"
            f"asked = {'twin.texts(texts)' if other.captions else 'theirs'}\n"
            "pair = Pair(collection.info.space, twin.space, queries, images, asked, theirs)\n"
        )
    else:
        made = (
            "from sharedspace.lessons.mixing import Pair\n"
            + rows
            + queries
            + f"beside = ws.collection({other.name!r})\n"
            "place = {id: row for row, id in enumerate(beside.snapshot().ids)}\n"
            "theirs = beside.snapshot().vectors[[place[collection.snapshot().ids[row]] for row in rows]]\n"
            f"asked = {'beside.embed(texts)' if other.captions else 'theirs'}\n"
            "pair = Pair(collection.info.space, beside.info.space, queries, images, asked, theirs)\n"
        )
    sheet.code(made + "float(pair.queries[0] @ pair.other_images[0])")
