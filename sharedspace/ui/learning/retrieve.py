"""Lesson 11: retrieve, then describe."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from sharedspace import captioner, chance
from sharedspace.collection import Collection
from sharedspace.ui import cache, galleries
from sharedspace.ui.learning import reading, retrieve_answer, retrieve_sources
from sharedspace.ui.learning.retrieve_sources import Retrieved
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.text import plain

K = 6  # sources at most
COUNTS = ("none", "one", "two or three", "four or more")
ABSENT = ("a crocodile", "a telephone", "a violin", "a hospital", "a pineapple")  # the first that no caption names
NONE, SOME, ALL = "none", "some of them", "all of them, since a search always has its nearest"


def show(collection: Collection, sheet: Sheet) -> None:
    """Ask, predict what becomes a source, read the prompt, check an answer; then ask for what is not there."""
    sheet.say(
        "A chat model knows nothing of your pictures, and if asked about them it makes something up. So one searches "
        "first, and gives it what was found as numbered **sources** to answer from: *retrieval-augmented generation*, "
        "RAG. An answer can then be checked: each statement cites its source, and who doubts looks at the picture."
    )
    trouble = reading.obstacle(collection)
    if trouble:
        sheet.say(trouble)
        return
    if not collection.has_baseline and not cache.line_ready(collection):
        st.info("The no-match line of this model is being worked out, once; a bar tells how far it is.")
        return
    question = _question(collection)
    if not question:
        sheet.say("Ask about something that is to be seen in pictures.")
        return
    if _sources(collection, sheet, question):
        _absent(collection, sheet)


def _question(collection: Collection) -> str:
    start = f"a {_commonest(collection) or 'dog'}"
    typed = st.text_input("Your question, as what a picture shows", start, key=_key(collection, "question"))
    return " ".join(typed.split())


def _commonest(collection: Collection) -> str:
    """The noun of the shipped list that stands in the most captions; "" where there are none."""
    nouns = set(collection.vocabulary())
    counts = Counter(word for text in _captions(collection) for word in set(text.split()) if word in nouns)
    return counts.most_common(1)[0][0] if counts else ""


def _captions(collection: Collection) -> list[str]:
    return [text.casefold() for text in reading.captioned(collection, len(collection.snapshot().records))[1]]


def _most(collection: Collection) -> int:
    """How many pictures are looked at as sources."""
    return min(K, len(reading.visible(collection)))


def _key(collection: Collection, name: str) -> str:
    """What is asked of one collection says nothing to another."""
    return f"retrieve.{name}.{collection.info.number}"


def _sources(collection: Collection, sheet: Sheet, question: str) -> bool:
    """Predict how many sources there are, then see them, the prompt, and an answer; whether they were shown."""
    sheet.head("Who becomes a source?")
    asked = (
        f"“{plain(question)}”: of its {_most(collection)} nearest pictures those over the **no-match line** become "
        "sources; under it a picture fits no better than chance. How many will they be?"
    )
    guess = sheet.predict("sources", asked, COUNTS, question)
    if guess is None:
        return False
    found = retrieve_sources.retrieve(collection, question, K)
    if found is None:
        return False
    count = len(found.sources)
    right = COUNTS[min(count, 2) if count < 4 else 3]
    sheet.settle(guess, right, _why(found))
    _pictures(collection, sheet, found, "sources")
    if not captioner.on_disk():
        sheet.note(
            "No captioning model is on this machine, so that sources are told by their own captions and metadata and "
            "by the words that fit them best. To have one write a sentence for each, set "
            f"{plain('$' + captioner.CHOSEN)} to the folder of a BLIP."
        )
    retrieve_answer.show(collection, sheet, found)
    return True


def _why(found: Retrieved) -> str:
    result = found.result
    if result.no_match_line is None or not result.hits:
        return "There is no no-match line here, so that all hits are sources."
    return (
        f"{len(found.sources)} of {len(result.hits)}: the best cosine is {result.hits[0].score:.2f}, and the line is "
        f"at {result.no_match_line:.2f}."
    )


def _pictures(collection: Collection, sheet: Sheet, found: Retrieved, key: str) -> None:
    """The nearest pictures, each with its number as a source, or with why it is none."""
    records = {record.id: record for record in collection.snapshot().records}
    numbers = {source.id: f"[{source.number}]" for source in found.sources}
    shown = [records[hit.id] for hit in found.result.hits]
    words = [
        f"{numbers.get(hit.id, 'no source')} {hit.score:.2f} · {galleries.caption(records[hit.id])}"
        for hit in found.result.hits
    ]
    sheet.pictures(shown, key, words, f"The nearest {len(shown)} pictures: {'; '.join(words)}")


def _absent(collection: Collection, sheet: Sheet) -> None:
    """Predict how many sources there are of what is not there, and see what the line is for."""
    sheet.head("A thing that is not there")
    said = " ".join(_captions(collection))
    start = next((text for text in ABSENT if text.split()[-1] not in said), ABSENT[0])
    typed = st.text_input(
        "Something that no picture of this collection shows", start, key=_key(collection, "absent"), max_chars=200
    )
    question = " ".join(typed.split())
    if not question:
        return
    asked = f"“{plain(question)}”: how many of the {_most(collection)} nearest pictures become sources?"
    guess = sheet.predict("absent", asked, (NONE, SOME, ALL), question)
    if guess is None:
        return
    found = retrieve_sources.retrieve(collection, question, K)
    if found is None:
        return
    count, hits = len(found.sources), len(found.result.hits)
    sheet.settle(guess, NONE if not count else ALL if count == hits else SOME, _why(found))
    _pictures(collection, sheet, found, "absent")
    retrieve_answer.prompt(collection, sheet, found, "absent")
    sheet.say(_along(found, hits))


def _along(found: Retrieved, hits: int) -> str:
    """What to take along, as it came out here."""
    told = f"**To take along.** A search for {plain(found.question)} has its {hits} nearest pictures, like any other"
    if found.result.no_match_line is None:
        return f"{told}; without a no-match line all of them would be sources."
    if not found.sources:
        return (
            f"{told}; the no-match line kept all of them out, and the prompt says that there is nothing. Without it a "
            f"generator would have had {hits} sources to make an answer of. A citation says where to look, not that it "
            "is true: look."
        )
    return (
        f"{told}, and {len(found.sources)} of them passed the line, which lets about {chance.RATE:.0%} of the "
        "questions for what is not there pass. A citation says where to look, not that it is true: look."
    )
