"""Lesson 8, other languages: the same pictures, the same labels, other words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from sharedspace.collection import Collection
from sharedspace.lessons.cannot import choices, languages
from sharedspace.lessons.rates import Rate
from sharedspace.plots import geometry
from sharedspace.ui.learning import limits_kept, reading
from sharedspace.ui.learning.limits_kept import Labels
from sharedspace.ui.learning.predicting import Guess
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.text import plain

TYPED, OWN = "the words on the left", "the words on the right"
NAMED = 8  # words without a token that are named
BANDS = ("under 10%", "10% to 50%", "50% or more")
ENDS = (0.1, 0.5)


@dataclass(frozen=True)
class Asked:
    """The labels in each language, and the true one of some pictures."""

    words: Mapping[str, tuple[str, ...]]  # by language, the first is what the others are compared with
    rows: tuple[int, ...]
    truth: tuple[int, ...] | None  # the place of each row's label; None where none is known


def show(collection: Collection, sheet: Sheet) -> None:
    """Accuracy of the bare word of each language, and how many words the model knows."""
    sheet.head("Other languages")
    sheet.say(
        "The pictures stay, only the words change: each label as its **bare word**, in English and in other languages. "
        "A table of translations comes with the program for the objects, colours and settings of its drawings; for "
        "labels of your own, type pairs such as *dog = Hund*."
    )
    labels = limits_kept.choose(collection, "limits.labels")
    if labels is None:
        return
    text = st.text_area("Pairs, one a line", key="limits.pairs", placeholder="dog = Hund\ncat = Katze")
    asked = _asked(collection, labels, languages.typed(text))
    if asked is None:
        sheet.say(
            "The table knows fewer than two of these labels, or no picture has one of them: type two pairs or more, or "
            "choose other labels. The part *Drawings* of this lesson asks in three languages in any case."
        )
        return
    guess = _predicted(sheet, asked)
    if guess is not None and reading.ready(collection, [word for own in asked.words.values() for word in own]):
        _rates(collection, sheet, labels, asked, guess)


def _asked(collection: Collection, labels: Labels, typed: Mapping[str, str]) -> Asked | None:
    """Typed pairs, else what the table knows of the labels; None where that is too little."""
    words = {TYPED: tuple(typed), OWN: tuple(typed.values())} if typed else languages.translated(labels.names)
    first = next(iter(words.values()), ())
    if len(first) < 2:
        return None
    place = {word.casefold(): at for at, word in enumerate(first)}
    seen = reading.visible(collection)
    told = [
        (row, place.get(labels.names[at].casefold(), -1)) for row, at in enumerate(labels.truth.tolist()) if at >= 0
    ]
    known = [(row, at) for row, at in told if at >= 0 and row in set(seen)]
    if known:
        return Asked(words, tuple(row for row, _ in known), tuple(at for _, at in known))
    return Asked(words, tuple(seen), None) if typed and seen else None


def _predicted(sheet: Sheet, asked: Asked) -> Guess | None:
    """Ask about the first of the other languages."""
    first, other = list(asked.words)[:2]
    named = ", ".join(f"*{plain(word)}*" for word in asked.words[other][:3])
    named += " and so on" if len(asked.words[other]) > 3 else ""
    what = "the right one" if asked.truth is not None else f"of the same pair as with {first}"
    return sheet.predict(
        "languages",
        f"{len(asked.rows):,} pictures, and {len(asked.words[other]):,} words to choose from: {named}. For how "
        f"many of the pictures is the nearest of these words {what}?",
        BANDS,
        repr((other, asked.words)),
    )


def _rates(collection: Collection, sheet: Sheet, labels: Labels, asked: Asked, guess: Guess) -> None:
    images = collection.snapshot().vectors[list(asked.rows)]
    answers = {name: choices.best(images @ collection.embed(list(own)).T) for name, own in asked.words.items()}
    first = next(iter(asked.words))
    truth = answers[first] if asked.truth is None else np.array(asked.truth)
    rates = {name: choices.rate(answer == truth) for name, answer in answers.items()}
    if asked.truth is None:
        rates.pop(first)
    unknown = {name: choices.unknown(collection.encoder, own) for name, own in asked.words.items()}
    lost = {
        name: sum(bool(set(word.split()) & set(unknown[name])) for word in own) for name, own in asked.words.items()
    }
    count = len(asked.words[first])
    told = "; ".join(f"{name} {rate.share:.1%}" for name, rate in rates.items())
    what = "right" if asked.truth is not None else f"of the same pair as with {first}"
    other = rates[list(asked.words)[1]]
    by_guessing = "" if asked.truth is None else f", where a guess would get {1 / count:.1%}"
    sheet.settle(
        guess, BANDS[int(np.searchsorted(ENDS, other.share, side="right"))], f"It is {other.words}{by_guessing}."
    )
    sheet.figure(
        geometry.rates(
            list(rates),
            [one.share for one in rates.values()],
            [one.interval for one in rates.values()],
            None if asked.truth is None else 1 / count,
        ),
        "languages",
        f"Pictures whose nearest label is {what}: {told}",
    )
    sheet.note(
        f"Pictures whose nearest of {count} bare words is {what}: n = {len(asked.rows):,}, 95% intervals (Wilson 1927)."
        + (f" Chance is 1 / {count} = {1 / count:.1%}. Of equally near words a lot decides." if asked.truth else "")
    )
    sheet.table(
        {
            "language": list(asked.words),
            "for example": [", ".join(own[:3]) for own in asked.words.values()],
            what: [rates[name].words if name in rates else "" for name in asked.words],
            "without a token": [f"{lost[name]} of {count}" for name in asked.words],
        },
        told,
    )
    sheet.say(_meaning(rates, unknown, lost, count, asked.truth is not None))
    _code(sheet, asked, labels.source)


def _meaning(
    rates: Mapping[str, Rate],
    unknown: Mapping[str, Sequence[str]],
    lost: Mapping[str, int],
    count: int,
    known: bool,
) -> str:
    """What was seen, per language, and what to take along."""
    lines, others = [], list(lost)[1:]
    for name in others:
        where = f", {choices.standing(rates[name], 1 / count)}" if known else ""
        no = f" It has no token in {lost[name]} of {count}" if unknown[name] else " It has a token for every word"
        words = ", ".join(plain(word) for word in unknown[name][:NAMED])
        more = ", and more" if len(unknown[name]) > NAMED else ""
        lines.append(f"- **{plain(name)}**: {rates[name].share:.1%}{where}.{no}{f': {words}{more}' if words else ''}.")
    along = (
        "**Take along:** a model knows the words of its training, and answers all the same when it does not know one."
    )
    return "\n".join(lines) + "\n\n" + (along if any(unknown[name] for name in others) else _compared(rates, others))


def _compared(rates: Mapping[str, Rate], others: Sequence[str]) -> str:
    low = min(others, key=lambda name: rates[name].share)
    return (
        f"**Take along:** the model has a token for every word, and a token is not yet a meaning: *{plain(low)}* "
        f"reaches {rates[low].share:.1%}."
    )


def _code(sheet: Sheet, asked: Asked, field: str) -> None:
    seen = "mask = collection.mask()  # hidden pictures are out\n"
    if asked.truth is None:
        rows = "rows = [row for row in range(len(collection.snapshot().records)) if mask is None or mask[row]]\n"
        truth = "truth = next(iter(answers.values()))\n"
    else:
        rows = (
            "labels = [word.strip().casefold() for word in next(iter(words.values()))]\n"
            f'column = [" ".join(str(value).split()).casefold() for value in collection.column({field!r})]\n'
            "rows = [row for row, value in enumerate(column) if value in labels and (mask is None or mask[row])]\n"
        )
        truth = "truth = np.array([labels.index(column[row]) for row in rows])\n"
    sheet.code(
        "from sharedspace.lessons.cannot import choices\n"
        f"words = {dict(asked.words)!r}\n"
        + seen
        + rows
        + "images = collection.snapshot().vectors[rows]\n"
        + "answers = {name: choices.best(images @ collection.embed(list(own)).T) for name, own in words.items()}\n"
        + truth
        + "{name: choices.rate(answer == truth).words for name, answer in answers.items()}"
    )
