"""Lesson 11, the prompt and the answer: what a generator is given, and what of its answer has a source."""

from __future__ import annotations

import streamlit as st

from sharedspace.collection import Collection
from sharedspace.lessons import retrieve as lesson
from sharedspace.lessons.retrieve import Checked
from sharedspace.ui import frame
from sharedspace.ui.learning import retrieve_sources
from sharedspace.ui.learning.retrieve_sources import Retrieved
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.text import plain

OURS, PASTED = "put together from the captions", "pasted from a chat model"
SHOWN = 12  # numbers of one list


def show(collection: Collection, sheet: Sheet, found: Retrieved) -> None:
    """The prompt for a question with its sources, then an answer that is checked."""
    sheet.head("What a generator is given")
    if found.sources:
        told = "; ".join(f"[{source.number}] {source.caption or source.name}" for source in found.sources)
        sheet.table(retrieve_sources.rows(found.sources), f"{len(found.sources)} sources: {told}")
    prompt(collection, sheet, found, "sources")
    _answer(sheet, found)


def prompt(collection: Collection, sheet: Sheet, found: Retrieved, key: str) -> None:
    """The whole prompt, to be copied or taken along, and the code that makes it."""
    text = lesson.prompt(found.question, found.sources)
    sheet.listing(text)
    st.download_button(
        "Download the prompt",
        text,
        "prompt.txt",
        "text/plain",
        icon=":material/download:",
        key=f"retrieve.download.{key}",
        on_click="ignore",
    )
    many = f"{len(found.sources)} source" + ("" if len(found.sources) == 1 else "s")
    sheet.note(
        f"{many}, {len(text):,} characters, made by this program. To have it answered, paste it "
        "into a chat model of yours: nothing is sent from here."
    )
    sentences = {source.id: source.sentence for source in found.sources if source.sentence}
    sheet.code(
        "from sharedspace.lessons import retrieve\n"
        f"question = {found.question!r}\n"
        f"sentences = {sentences!r}  # of a captioning model, by image\n"
        f"hits = [hit for hit in collection.search(question, k={max(1, len(found.result.hits))}) "
        "if hit.matched is not False]\n"
        "records = {record.id: record for record in collection.snapshot().records}\n"
        "rows = {id: row for row, id in enumerate(collection.snapshot().ids)}\n"
        "nouns = {hit.id: collection.describe(collection.snapshot().vectors[rows[hit.id]], k="
        f"{retrieve_sources.NOUNS}) for hit in hits}}\n"
        "sources = [retrieve.Source(number, hit.id, hit.path, hit.score, records[hit.id].meta, "
        'tuple((word.text, word.score) for word in nouns[hit.id]), sentences.get(hit.id, "")) '
        "for number, hit in enumerate(hits, start=1)]\n"
        "print(retrieve.prompt(question, sources))"
    )


@st.fragment
def _answer(sheet: Sheet, found: Retrieved) -> None:
    with frame.errors(stop=False), sheet.part("answer"):
        sheet.head("Check an answer")
        kind = st.segmented_control("The answer", (OURS, PASTED), default=OURS, required=True, key="retrieve.kind")
        if kind == OURS:
            answer = lesson.compose(found.question, found.sources)
            sheet.say(f"{plain(answer)}")
            sheet.note("Put together by rule: no model wrote it. Paste the answer of a chat model to check that one.")
        else:
            answer = st.text_area(
                "The answer of a chat model to the prompt above",
                key="retrieve.answer",
                height=140,
                placeholder="Cites its sources as [1] or [2, 3]",
            )
            if not answer.strip():
                return
            sheet.say(plain(answer))
        checked = lesson.check(answer, len(found.sources))
        _verdict(sheet, checked, len(found.sources))
        sheet.code(f"retrieve.check({answer!r}, {len(found.sources)})")


def _verdict(sheet: Sheet, found: Checked, sources: int) -> None:
    columns: dict[str, list[object]] = {
        "what": [
            "retrieved and cited",
            "retrieved, not cited",
            "cited, and there is no such source",
            "sentences that cite nothing",
        ],
        "how many": [len(found.cited), len(found.unused), len(found.invented), len(found.bare)],
        "which": [_list(found.cited), _list(found.unused), _list(found.invented), " / ".join(found.bare[:SHOWN])],
    }
    told = (
        f"Of {sources} sources {len(found.cited)} are cited and {len(found.unused)} are not; {len(found.invented)} "
        f"citations have no source, and {len(found.bare)} sentences cite nothing"
    )
    sheet.table(columns, told)
    if found.invented:
        sheet.say(f"**Made up:** {plain(_list(found.invented))} is cited, and no such source was given.")
    if not sources and not found.invented:
        sheet.say("There was no source to cite, and none is cited.")
    elif found.bare:
        bare = "1 sentence cites" if len(found.bare) == 1 else f"{len(found.bare)} sentences cite"
        sheet.say(f"**Unsupported:** {bare} nothing, so that nobody can look it up.")
    elif not found.invented:
        sheet.say("Each sentence has a source. Whether the source says so is for you to see: look at the picture.")


def _list(numbers: tuple[int, ...]) -> str:
    more = f" and {len(numbers) - SHOWN:,} more" if len(numbers) > SHOWN else ""
    return " ".join(f"[{number}]" for number in numbers[:SHOWN]) + more
