"""Labels for the images of a collection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Collection as Container
from functools import partial
from typing import TypeVar

import numpy as np

from sharedspace import words, zeroshot
from sharedspace.classifier import Classifier, from_document
from sharedspace.collection.asked import Asked
from sharedspace.encoders import clean
from sharedspace.filters import Condition
from sharedspace.home import Snapshot
from sharedspace.ledger import require_same
from sharedspace.records import OTHER, Classification, Mode, Progress
from sharedspace.zeroshot import Label

CLASSES = 5000  # labels whose vectors are remembered for each set of templates
PROMPTS = 20_000  # whose vectors are held in memory: 41 MB of 512 dimensions
READ = 256  # texts that are embedded, or pictures that are looked at, between two reports
T = TypeVar("T")


class Labelled(Asked):
    """A collection whose images are given labels: by words alone, or by a classifier."""

    def classify(
        self,
        labels: Sequence[str | Label],
        templates: Sequence[str] = (zeroshot.TEMPLATE,),
        temperature: float = 1.0,
        truth: str | None = None,
        mode: Mode = "one",
        other: bool = False,
        where: Sequence[Condition] = (),
        among: Container[str] | None = None,
        remember: bool = True,
    ) -> Classification:
        """Zero-shot labels of the images that pass the filters; `truth` names the metadata field with the right ones.

        one: the best label, and with `other` none of these where a neutral caption fits better than any. many: each
        label by itself. Without `remember` the prompts are not kept beyond this process.
        """
        named = zeroshot.check(labels, templates, mode, other)
        space, snapshot, passed = self.info.space, self._filled(), self.mask(where, among)
        zeroshot.sharpness(space.logit_scale, temperature)  # before the model is asked
        names = tuple(label.name for label in named)
        right = None if truth is None else _at(zeroshot.match_truth(self.column(truth), names, other), passed)
        cosines = _rows(snapshot.vectors, passed) @ self.classes(named, templates, remember).T
        neutral = _rows(self._neutral(snapshot), passed) if zeroshot.wants_neutral(space, mode, other) else None
        if other and neutral is not None:
            names, cosines = (*names, OTHER), np.column_stack([cosines, neutral])
        return Classification(
            ids=_at(snapshot.ids, passed),
            paths=_at(snapshot.paths, passed),
            labels=names,
            probabilities=zeroshot.probabilities(
                cosines, space.logit_scale, temperature, mode, space.logit_bias, neutral
            ),
            cosines=cosines,
            truth=right,
            mode=mode,
        )

    def classes(self, labels: Sequence[Label], templates: Sequence[str], remember: bool = True) -> np.ndarray:
        """The unit vector of each label, (L, d): of one label that changes, only its own prompts are looked up.

        `remember` keeps the prompts' vectors for later sessions; those of half-typed words nobody needs again.
        """
        known = self._known_classes(templates)
        found = {label: known.get(label) for label in labels}
        fresh = [label for label, row in found.items() if row is None]
        if fresh:
            rows = zeroshot.class_vectors(partial(self._prompts, remember=remember), fresh, templates)
            found.update(zip(fresh, rows, strict=True))
            for label in list(known)[: max(0, len(known) + len(fresh) - CLASSES)]:
                known.pop(label, None)
            known.update(zip(fresh, rows, strict=True))
        return np.stack([row for row in found.values() if row is not None])

    def _prompts(self, texts: Sequence[str], remember: bool) -> np.ndarray:
        """As `embed`; the latest are held in memory, since of a template that changes the others are asked for too."""
        known = self._known_prompts()
        found = {text: known.get(text) for text in texts}
        fresh = [text for text, row in found.items() if row is None]
        if fresh:
            rows = self.embed(fresh, remember)
            found.update(zip(fresh, rows, strict=True))
            for text in list(known)[: max(0, len(known) + len(fresh) - PROMPTS)]:
                known.pop(text, None)
            known.update(zip(fresh[-PROMPTS:], map(np.copy, rows[-PROMPTS:]), strict=True))  # no views of all rows
        return np.stack([row for row in (found[text] for text in texts) if row is not None])

    def _known_prompts(self) -> dict[str, np.ndarray]:
        of = self.info.space.fingerprint
        known: dict[str, np.ndarray] = self._home.derived(self._number, "prompts", of, dict, slots=1)
        return known

    def _known_classes(self, templates: Sequence[str]) -> dict[Label, np.ndarray]:
        of = (self.info.space.fingerprint, tuple(templates))
        known: dict[Label, np.ndarray] = self._home.derived(self._number, "classes", of, dict, slots=100)
        return known

    def _neutral(self, snapshot: Snapshot) -> np.ndarray:
        """What stands for none of these beside the cosines of labels, (n,) float32."""

        def make() -> np.ndarray:
            return zeroshot.none(snapshot.vectors, self.embed(words.neutral(), remember=True))

        return self._home.derived(self._number, "neutral", snapshot.revision, make)

    def unread(self, labels: Sequence[str | Label], templates: Sequence[str], other: bool = False) -> list[str]:
        """The texts that `classify` would ask the model for: a large one takes time, which `read` tells."""
        known, held = self._known_classes(templates), self._known_prompts()
        fresh = [label for label in zeroshot.check(labels, templates, "many") if label not in known]
        texts = [text for label in fresh for text in zeroshot.prompts(label, templates) if text not in held]
        texts = list(dict.fromkeys(map(clean, [*texts, *(words.neutral() if other else [])])))
        read = self._home.ledger.texts(self.info.space, texts)
        return [text for text in texts if text not in read]

    def read(self, texts: Sequence[str], on_progress: Callable[[Progress], None] = lambda progress: None) -> None:
        """Have texts embedded and remembered, READ at a time; `on_progress` may end it, and what was done is kept."""
        for start in range(0, len(texts), READ):
            on_progress(Progress(start, len(texts), "texts"))
            self.embed(texts[start : start + READ], remember=True)
        on_progress(Progress(len(texts), len(texts), "texts"))

    def classifier(
        self,
        labels: Sequence[str | Label],
        templates: Sequence[str] = (zeroshot.TEMPLATE,),
        temperature: float = 1.0,
        mode: Mode = "one",
        other: bool = False,
    ) -> Classifier:
        """What `classify` does with these labels, apart from this collection: its rows are those of a linear head."""
        named = zeroshot.check(labels, templates, mode, other)
        space = self.info.space
        sharp = zeroshot.sharpness(space.logit_scale, temperature)
        rows = self.classes(named, templates)
        bank = self.embed(words.neutral() if zeroshot.wants_neutral(space, mode, other) else [], remember=True)
        zero = (space.logit_bias or 0.0) / temperature if mode == "many" else 0.0
        return Classifier(
            labels=tuple(label.name for label in named),
            weights=np.concatenate([rows, bank]) * sharp,
            bias=np.repeat([zero, zeroshot.ROUNDING * sharp], [len(rows), len(bank)]),
            label_of=np.minimum(np.arange(len(rows) + len(bank)), len(rows)),
            space=space,
            mode=mode,
            templates=tuple(templates),
            prompts=tuple(label.prompts for label in named),
        )

    def apply(
        self,
        classifier: Classifier,
        truth: str | None = None,
        where: Sequence[Condition] = (),
        among: Container[str] | None = None,
    ) -> Classification:
        """The labels that a classifier gives to the images that pass the filters; raises SpaceMismatch."""
        space, snapshot, passed = self.info.space, self._filled(), self.mask(where, among)
        require_same(space, classifier.space)
        names, least = classifier.columns, classifier.thresholds
        other = len(names) > len(classifier.labels)
        right = None if truth is None else _at(zeroshot.match_truth(self.column(truth), names, other), passed)
        logits = classifier.logits(_rows(snapshot.vectors, passed))
        return Classification(
            ids=_at(snapshot.ids, passed),
            paths=_at(snapshot.paths, passed),
            labels=names,
            probabilities=classifier.probabilities_of(logits),
            cosines=logits[:, : len(names)] / space.logit_scale,
            truth=right,
            mode=classifier.mode,
            thresholds=None if least is None else np.append(least, np.zeros(int(other), np.float32)),
        )

    def save_labels(self, name: str, labels: Sequence[str | Label], templates: Sequence[str]) -> None:
        """Keep a label set with its templates under a name."""
        named = zeroshot.check(labels, templates, "many")
        texts = [text for label in named for text in zeroshot.prompts(label, templates)]
        self.embed(list(dict.fromkeys(texts)), remember=True)
        self.save("labels", name, zeroshot.plain(named, templates))

    def saved_labels(self, name: str) -> tuple[tuple[Label, ...], tuple[str, ...]]:
        """A kept label set: labels and templates; raises NotFound with the names there are."""
        return zeroshot.of(self._home.ledger.marks.one_saved(self._number, "labels", name))

    def save_classifier(self, name: str, classifier: Classifier) -> None:
        """Keep a classifier of this space under a name; raises SpaceMismatch."""
        require_same(self.info.space, classifier.space)
        self.save("classifier", name, classifier.document())

    def saved_classifier(self, name: str) -> Classifier:
        """A kept classifier; raises NotFound with the names there are."""
        return from_document(self._home.ledger.marks.one_saved(self._number, "classifier", name))


def _rows(array: np.ndarray, passed: np.ndarray | None) -> np.ndarray:
    return array if passed is None else array[passed]


def _at(values: Sequence[T], passed: np.ndarray | None) -> tuple[T, ...]:
    return tuple(values) if passed is None else tuple(values[row] for row in np.flatnonzero(passed).tolist())
