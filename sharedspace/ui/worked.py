"""What the zero-shot bench has worked out, remembered between reruns by what it was worked out of."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from sharedspace import doctor, heads, tuning, zeroshot
from sharedspace.classifier import Classifier
from sharedspace.collection import Collection
from sharedspace.doctor import Finding, Rewording, TemplateGain
from sharedspace.heads import Curve
from sharedspace.records import Classification
from sharedspace.tuning import Tuned
from sharedspace.ui.labelling import Asked
from sharedspace.vectors import unit

NOUNS = 3  # of the vocabulary that are tried as a kind of the true label


def _now(collection: Collection) -> tuple[Any, ...]:
    """What answers depend on beside the question: images, metadata, which are hidden."""
    return (collection.info.number, collection.edition)


def outcome(collection: Collection, asked: Asked, uses: tuple[str, ...]) -> Classification:
    """What the labels make of the images; with `uses` what the classifier does that was tuned by clicks."""
    return _outcome(_now(collection), asked, uses, collection)


# Not by `cache_data`, which would copy 40 MB at each rerun; results are frozen.
@st.cache_resource(show_spinner=False, max_entries=4)
def _outcome(now: tuple[Any, ...], asked: Asked, uses: tuple[str, ...], _collection: Collection) -> Classification:
    if uses and tuning.judgements(_judged(_collection, asked)):
        return _collection.apply(tuned(_collection, asked, uses).classifier, asked.truth, asked.where, asked.within)
    return _collection.classify(
        asked.labels,
        asked.templates,
        asked.temperature,
        asked.truth,
        asked.mode,
        asked.other,
        asked.where,
        asked.within,
        remember=False,
    )


def classifier(collection: Collection, asked: Asked) -> Classifier:
    """The label set as a classifier of words alone."""
    return _classifier(collection.info.space.fingerprint, asked, collection)


@st.cache_resource(show_spinner=False, max_entries=4)
def _classifier(fingerprint: str, asked: Asked, _collection: Collection) -> Classifier:
    return _collection.classifier(asked.labels, asked.templates, asked.temperature, asked.mode, asked.other)


def _judged(collection: Collection, asked: Asked) -> np.ndarray:
    return collection.judged([label.name for label in asked.labels])


def tuned(collection: Collection, asked: Asked, uses: tuple[str, ...]) -> Tuned:
    """The classifier that the clicks make of the label set."""
    return _tuned(_now(collection), asked, uses, collection)


@st.cache_resource(show_spinner=False, max_entries=8)
def _tuned(now: tuple[Any, ...], asked: Asked, uses: tuple[str, ...], _collection: Collection) -> Tuned:
    snapshot = _collection.snapshot()
    judged = _judged(_collection, asked)
    return tuning.tune(classifier(_collection, asked), snapshot.vectors, snapshot.ids, judged, uses)


def odds(collection: Collection, asked: Asked, label: int) -> np.ndarray:
    """Log-odds (n,) of one label by the words alone, of all images of the collection, also hidden ones."""
    space = collection.info.space.fingerprint
    return _odds(space, collection.info.number, collection.snapshot().revision, asked, label, collection)


@st.cache_resource(show_spinner=False, max_entries=32)
def _odds(
    fingerprint: str, number: int, revision: int, asked: Asked, label: int, _collection: Collection
) -> np.ndarray:
    words = classifier(_collection, asked)
    return tuning.log_odds(words.logits(_collection.snapshot().vectors), words)[:, label].copy()


def _truth(collection: Collection, asked: Asked) -> np.ndarray:
    """The place of each image's true label, (n,) int, -1 where it has none."""
    names = [label.name for label in asked.labels]
    place = {name: at for at, name in enumerate(names)}
    values = zeroshot.match_truth(collection.column(str(asked.truth)), names)
    return np.array([-1 if value is None else place.get(value, -1) for value in values], dtype=np.intp)


def _seen(collection: Collection, asked: Asked) -> np.ndarray:
    """The vectors of the images that are not hidden and pass the filters."""
    vectors, passed = collection.snapshot().vectors, collection.mask(asked.where, asked.within)
    return vectors if passed is None else vectors[passed]


def _seen_truth(collection: Collection, asked: Asked) -> np.ndarray:
    found, passed = _truth(collection, asked), collection.mask(asked.where, asked.within)
    return found if passed is None else found[passed]


def findings(collection: Collection, asked: Asked) -> tuple[Finding, ...]:
    """What the label doctor says."""
    return _findings(_now(collection), asked, collection)


@st.cache_data(show_spinner="The doctor looks at the labels…", max_entries=16)
def _findings(now: tuple[Any, ...], asked: Asked, _collection: Collection) -> tuple[Finding, ...]:
    nouns = _collection.vocabulary()
    template = asked.templates[0]
    vocabulary = _collection.embed([template.replace("{}", noun) for noun in nouns], remember=True)
    prompts = [_collection.embed(list(label.prompts)) for label in asked.labels]
    return doctor.examine(
        [label.name for label in asked.labels],
        _collection.classes(asked.labels, asked.templates),
        _seen(_collection, asked),
        _collection.info.space.logit_scale,
        prompts,
        (nouns, vocabulary) if nouns else None,
        _seen_truth(_collection, asked) if asked.truth else None,
    )


def template_gain(collection: Collection, asked: Asked) -> TemplateGain | None:
    """What each template gives to the labels without prompts of their own; None where these are fewer than two."""
    return _template_gain(_now(collection), asked, collection)


@st.cache_data(show_spinner="Trying each template…", max_entries=16)
def _template_gain(now: tuple[Any, ...], asked: Asked, _collection: Collection) -> TemplateGain | None:
    plain = [label for label in asked.labels if not label.prompts]
    if len(plain) < 2:
        return None
    vectors = np.stack([_collection.classes(plain, [template]) for template in asked.templates])
    images = _seen(_collection, asked)
    if asked.truth is None:
        return doctor.template_gain(images, vectors, np.full(len(images), -1))
    place = {at: new for new, at in enumerate(asked.labels.index(label) for label in plain)}
    truth = np.array([place.get(int(true), -1) for true in _seen_truth(_collection, asked)], dtype=np.intp)
    return doctor.template_gain(images, vectors, truth)


def rewordings(collection: Collection, asked: Asked, a: int, b: int) -> tuple[Rewording, ...]:
    """What other wordings of either label make of images that are a and called b, the best first."""
    return _rewordings(_now(collection), asked, a, b, collection)


@st.cache_data(show_spinner="Trying other wordings…", max_entries=16)
def _rewordings(now: tuple[Any, ...], asked: Asked, a: int, b: int, _collection: Collection) -> tuple[Rewording, ...]:
    words = _collection.classes(asked.labels, asked.templates)
    nouns = _collection.vocabulary()
    texts: list[str] = []
    replaces: list[int] = []
    for side in (a, b):
        near: list[str] = []
        if nouns and side == a:
            fit = _collection.embed(nouns, remember=True) @ words[side]
            near = [nouns[place] for place in np.argsort(-fit, kind="stable")[:NOUNS]]
        own = doctor.suggestions(asked.labels[side].name, near)
        texts += own
        replaces += [side] * len(own)
    vectors = unit(_collection.embed(texts, remember=True))
    truth = _seen_truth(_collection, asked)
    return doctor.rewordings(_seen(_collection, asked), words, truth, a, b, texts, vectors, replaces)


def learning_curve(collection: Collection, asked: Asked) -> Curve:
    """What clicks would bring; raises BadInput where the truth says too little."""
    return _learning_curve(_now(collection), asked, collection)


@st.cache_data(show_spinner="Trying 1, 2, 4, 8, 16 clicks…", max_entries=16)
def _learning_curve(now: tuple[Any, ...], asked: Asked, _collection: Collection) -> Curve:
    words = _collection.classes(asked.labels, asked.templates)
    scale = _collection.info.space.logit_scale / asked.temperature
    return heads.curve(_seen(_collection, asked), _seen_truth(_collection, asked), words, scale)
