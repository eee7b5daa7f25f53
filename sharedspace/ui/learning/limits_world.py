"""Lesson 8, drawings whose truth is known: a chart of abilities, and each of them looked at."""

from __future__ import annotations

import numpy as np
import streamlit as st

from sharedspace.collection import Collection
from sharedspace.encoders import IN_THE_BOX
from sharedspace.lessons.cannot import languages, world
from sharedspace.lessons.cannot.world import Ability, World
from sharedspace.plots import geometry
from sharedspace.pocket.shapes import KINDS
from sharedspace.ui import frame, state
from sharedspace.ui.learning.limits_kept import worked
from sharedspace.ui.learning.predicting import Guess
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.text import plain

BANDS = ("under 40%", "40% to 60%", "60% to 80%", "80% or more")
ENDS = (0.4, 0.6, 0.8)
CONTROL, SIDES, NO = "what it is", "left or right", "negation: no dog"
SAME_WORDS = (SIDES, "above or below", "which object has which colour", "how many, 1 to 5")
WORDS = 12  # that a model has no token for and that are named


def show(collection: Collection, sheet: Sheet) -> None:
    """Predict two abilities, then see them all."""
    sheet.head("Drawings whose truth is known")
    model = plain(collection.info.space.model)
    sheet.say(
        f"The program draws scenes and asks **{model}** about them. It compares each drawing with a few texts, one of "
        "them true, and takes the nearest. With 2 texts a guess is right in 1 of 2, with 40 in 1 of 40: chance is "
        "1 / number of texts."
    )
    n, seed = _knobs(collection)
    guesses = _predicted(sheet, n, f"{n}-{seed}")
    if guesses is None:
        return
    title = f"Asking {collection.info.space.model} about {7 * n:,} drawings, seed {seed},"
    found = worked(
        collection,
        ("world", n, seed),
        title,
        lambda report: world.measure(collection.now.encoder, n, seed, report),
    )
    if found is None:
        return
    for guess, name in zip(guesses, (SIDES, NO), strict=True):
        one = found.named(name)
        sheet.settle(guess, BANDS[int(np.searchsorted(ENDS, one.rate.share, side="right"))], _settled(one))
    _overview(sheet, found)
    _one(sheet, found)
    _along(sheet, found)


def _predicted(sheet: Sheet, n: int, about: str) -> tuple[Guess, Guess] | None:
    left = sheet.predict(
        "sides",
        f"{n} drawings of two objects beside each other, such as *a cup left of a cherry*. How often is that text "
        "nearer than *a cup right of a cherry*?",
        BANDS,
        about,
    )
    if left is None:
        return None
    no = sheet.predict(
        "no",
        f"{n} pairs of drawings, one with a dog (or another kind), one without. How often is the text *no dog* nearer "
        "to the drawing without?",
        BANDS,
        about,
    )
    return None if no is None else (left, no)


def _knobs(collection: Collection) -> tuple[int, int]:
    first = 200 if collection.info.space.model in IN_THE_BOX else 100
    with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
        n = st.select_slider(
            "Drawings of each kind of question", (100, 200, 300, 400), first, key="limits.n", persist_state="session"
        )
        seed = st.number_input("Seed: other drawings", 0, 99, 0, key="limits.seed", persist_state="session", width=180)
    return int(n), int(seed)


def _settled(one: Ability) -> str:
    why = {
        "at chance": "The interval holds chance: it may as well be guessing.",
        "above chance": "That is more than chance.",
        "below chance": "That is **less** than chance: it prefers the wrong answer.",
    }[one.standing]
    return f"*{plain(one.name)}*: {one.rate.words}, where chance is {one.chance:.1%}. {why}"


def _overview(sheet: Sheet, found: World) -> None:
    sheet.head("All of them")
    rows = found.abilities
    told = "; ".join(f"{one.name} {one.rate.share:.1%}, chance {one.chance:.1%}" for one in rows)
    sheet.figure(
        geometry.rates(
            [one.name for one in rows],
            [one.rate.share for one in rows],
            [one.rate.interval for one in rows],
            [one.chance for one in rows],
        ),
        "abilities",
        f"Right answers with 95% intervals, n = {found.n} each: {told}",
    )
    sheet.note(
        f"n = {found.n} drawings each, with 95% intervals (Wilson 1927). *At chance* means that the interval holds "
        f"chance; of {len(rows)} such intervals about one may miss it by luck alone. Of equally near texts a lot "
        "decides. The drawings are of combinations of object, colour and setting that are left out of pocket's "
        "training."
    )
    sheet.table(
        {
            "ability": [one.name for one in rows],
            "right": [f"{one.rate.share:.1%}" for one in rows],
            "interval": [f"{one.rate.interval[0]:.1%} to {one.rate.interval[1]:.1%}" for one in rows],
            "n": [one.rate.n for one in rows],
            "chance": [f"{one.chance:.1%}" for one in rows],
            "so": [one.standing for one in rows],
        },
        told,
    )
    sheet.code(
        "from sharedspace.lessons.cannot import world\n"
        f"found = world.measure(collection.encoder, {found.n}, {found.seed})\n"
        "[(one.name, one.rate.words, one.chance, one.standing) for one in found.abilities]"
    )


@st.fragment
def _one(sheet: Sheet, found: World) -> None:
    """One ability: what was asked of one drawing, and what it says."""
    with frame.errors(stop=False), sheet.part("one"):
        sheet.head("One by one")
        names = [one.name for one in found.abilities]
        if state.value("limits.ability") is None:
            state.set_value("limits.ability", SIDES)
        name = str(st.selectbox("Ability", names, key="limits.ability", persist_state="session"))
        one = found.named(name)
        picture, words = st.columns([1, 2], gap="medium")
        with picture:
            sheet.picture(one.example, f"A drawing that was asked about: {one.asked[0]}")
        with words:
            right = one.answer == one.asked[0]
            sheet.say("To choose from, the true one first:\n\n" + "\n".join(f"- {plain(text)}" for text in one.asked))
            sheet.say(f"The model chose **{plain(one.answer)}**, which is {'right' if right else 'wrong'}.")
            sheet.say(_settled(one))
            if one.unknown:
                sheet.say(_unknown(one))
            sheet.say(_meaning(found, one))
        sheet.code(f"one = found.named({name!r})\none.asked, one.answer, one.rate.words, one.unknown")


def _unknown(one: Ability) -> str:
    named = ", ".join(plain(word) for word in one.unknown[:WORDS])
    more = f" and {len(one.unknown) - WORDS} more" if len(one.unknown) > WORDS else ""
    return f"The model has no token for **{named}**{more}: whatever these words mean, it cannot know."


def _meaning(found: World, one: Ability) -> str:
    """What to make of a rate; said only where it was so."""
    if found.named(CONTROL).standing != "above chance":
        return "It does not even tell what is drawn, so that this says nothing about what it would know elsewhere."
    if one.name.startswith("negation") and one.standing == "below chance":
        return "The word *dog* finds dogs, and *no* does not turn that around: the text is near what it names."
    if one.name == "one of two alike kinds":
        pairs = ", ".join(f"{plain(a)} and {plain(b)}" for a, b in found.alike[:3])
        other = found.named("one of any two kinds").rate
        less = one.rate.interval[1] < other.interval[0]
        said = "fewer right, beyond both intervals" if less else "no difference that the intervals would show"
        return f"The kinds hardest to tell apart here: {pairs}. Beside any two kinds, {other.share:.1%}: {said}."
    if one.name.startswith("what it is, in ") and one.name != "what it is, in English":
        english = found.named("what it is, in English").rate
        less = one.rate.interval[1] < english.interval[0]
        same = ": the drawings are the same, only the words differ" if less else ""
        known = [word for word in languages.translated(KINDS)[one.name.split()[-1]] if word not in one.unknown]
        tokens = f" It has a token for: {', '.join(plain(word) for word in known[:WORDS])}." if one.unknown else ""
        return f"In English it is {english.share:.1%}{same}.{tokens}"
    if one.standing == "at chance" and one.name in SAME_WORDS:
        return "The texts hold the same words in another order, or differ in one. For this model that says nothing."
    if one.standing == "at chance":
        return "Whatever of this is in the drawing does not reach its answer."
    return ""


def _along(sheet: Sheet, found: World) -> None:
    """What to take along, of what was measured."""
    if found.named(CONTROL).standing != "above chance":
        sheet.say(
            "**Take along:** this model is at chance already at what is drawn: it knows nothing of such drawings. "
            "Whether it can count or tell sides has to be measured on pictures that it knows."
        )
        return
    asked = [one for one in found.abilities if not one.name.startswith("what it is")]
    groups = {
        kind: [plain(one.name) for one in asked if one.standing == kind] for kind in ("at chance", "below chance")
    }
    said = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in groups.items() if names)
    sheet.say(
        f"**Take along:** what is drawn it tells in {found.named(CONTROL).rate.share:.1%}. "
        + (f"But {said}. " if said else "Nothing was at chance here. ")
        + "A good score in one thing says nothing about another: measure what you want to use."
    )
