"""The lessons: their order, titles, and what each is for. Needs no Streamlit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson: a page of the section Learn."""

    name: str  # of the page's file, and of its address
    title: str
    lead: str  # what one finds out
    minutes: int


LESSONS = (
    Lesson("learn_one_space", "One space", "A picture and a sentence become vectors of one space; which are near?", 10),
    Lesson("learn_normalise", "Why normalise", "The same search with and without unit vectors.", 8),
    Lesson("learn_training", "Contrastive training, live", "A small CLIP learns before your eyes, from nothing.", 15),
    Lesson("learn_grid", "The batch as a grid", "N pictures against N captions: the loss, by hand.", 12),
    Lesson("learn_labels", "Labels as a classifier", "Words alone sort pictures, and wording matters.", 12),
    Lesson("learn_gap", "The modality gap", "Where pictures and texts lie in the one space, in figures.", 12),
    Lesson("learn_mixing", "Do not mix models", "One model asks, another made the index: what comes of it?", 8),
    Lesson("learn_limits", "What it cannot do", "Counting, left and right, reading: measured, with intervals.", 15),
    Lesson("learn_projection", "The map is a projection", "What distance on the map means, and what it does not.", 12),
    Lesson("learn_scale", "From toy to scale", "Exact search against an index, as the set grows.", 10),
    Lesson("learn_retrieve", "Retrieve, then describe", "Hits as context for a generator, with citations.", 10),
)


def named(name: str) -> Lesson:
    """A lesson by the name of its page; KeyError where there is none."""
    return {lesson.name: lesson for lesson in LESSONS}[name]


def beside(lesson: Lesson) -> tuple[Lesson | None, Lesson | None]:
    """The lessons before and after one."""
    at = LESSONS.index(lesson)
    return (LESSONS[at - 1] if at else None, LESSONS[at + 1] if at + 1 < len(LESSONS) else None)
