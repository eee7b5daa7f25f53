"""Zero-shot classification: labels as text, prompt templates, softmax at the model's own scale."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from sharedspace.errors import BadInput
from sharedspace.vectors import softmax, unit

TEMPLATE = "a photo of a {}"
MAX_LABELS = 1000


def parse_labels(text: str) -> list[str]:
    """Labels from a text, one a line or separated by commas; repeated and empty ones are left out."""
    labels = [" ".join(part.split()) for part in re.split(r"[,\n]", text)]
    return list(dict.fromkeys(label for label in labels if label))


def prompts(label: str, templates: Sequence[str]) -> list[str]:
    """The label put into each template in place of its {}."""
    return [template.replace("{}", label) for template in templates]


def check(labels: Sequence[str], templates: Sequence[str]) -> None:
    """Raises BadInput for a label set or templates that cannot classify."""
    if len(labels) < 2:
        raise BadInput("Give at least two labels: a softmax over one label always answers it with certainty.")
    if len(labels) > MAX_LABELS:
        raise BadInput(f"{len(labels)} labels are over the limit of {MAX_LABELS}.")
    if not templates:
        raise BadInput(f"Give at least one prompt template, such as {TEMPLATE!r}.")
    for template in templates:
        if "{}" not in template:
            raise BadInput(f"The prompt template {template!r} has no {{}} where the label belongs.")


def class_vectors(
    encode: Callable[[Sequence[str]], np.ndarray], labels: Sequence[str], templates: Sequence[str]
) -> np.ndarray:
    """One unit vector a label, (L, d): the normalised mean over its templates' unit vectors (Radford et al. 2021)."""
    check(labels, templates)
    texts = [prompt for label in labels for prompt in prompts(label, templates)]
    rows = encode(texts)  # (L·T, d), unit rows
    return unit(rows.reshape(len(labels), len(templates), -1).mean(axis=1))


def probabilities(cosines: np.ndarray, logit_scale: float, temperature: float = 1.0) -> np.ndarray:
    """Softmax over labels of (n, L) cosines at logit_scale / temperature; rows sum to 1 over these labels only."""
    if not 0.001 <= temperature <= 1000:
        raise BadInput(f"The temperature must be from 0.001 to 1000, not {temperature}.")
    return softmax(cosines * (logit_scale / temperature))


def match_truth(values: Sequence[object | None], labels: Sequence[str]) -> tuple[str | None, ...]:
    """A metadata column as labels: compared without case and outer space; what is no label stays as it is."""
    exact = set(labels)
    folded = {label.casefold().strip(): label for label in reversed(labels)}

    def label_of(value: str) -> str:  # of two labels that differ in case only, each is its own
        return value if value in exact else folded.get(value.casefold().strip(), value)

    return tuple(None if value is None else label_of(str(value)) for value in values)


def accuracy(labels: Sequence[str], best: np.ndarray, truth: Sequence[str | None]) -> tuple[float | None, int]:
    """Share of images whose best label is the true one, over those whose truth is among the labels: (share, n)."""
    known = set(labels)
    pairs = [(labels[i], true) for i, true in zip(best, truth, strict=True) if true in known]
    if not pairs:
        return None, 0
    return sum(given == true for given, true in pairs) / len(pairs), len(pairs)


def confusion(labels: Sequence[str], best: np.ndarray, truth: Sequence[str | None]) -> np.ndarray:
    """Counts (L, L): rows the true label, columns the given one; images without a true label among these are out."""
    place = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for given, true in zip(best, truth, strict=True):
        if true in place:
            counts[place[true], given] += 1
    return counts
