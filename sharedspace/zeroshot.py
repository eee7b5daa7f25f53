"""Zero-shot classification: labels as texts, prompt templates, probabilities at the model's own scale, its figures."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sharedspace import words
from sharedspace.errors import BadInput
from sharedspace.records import OTHER, Classification, Mode, Report, Space
from sharedspace.vectors import sigmoid, softmax, unit

TEMPLATE = "a photo of a {}"
TEMPLATES_7 = tuple(words.templates(7))
TEMPLATES_80 = tuple(words.templates(80))
MAX_LABELS = 1000
MAX_PROMPTS = 100_000  # of all labels together
ROUNDING = 1e-5  # of a cosine: a text in another batch, a product of other shape
BLOCK = 4096  # images whose cosines with the neutral captions stand in memory at once


@dataclass(frozen=True, slots=True)
class Label:
    """One class: its name, which goes into each template, or prompts of its own, which stand as they are."""

    name: str
    prompts: tuple[str, ...] = ()


# -- labels as text


def parse(text: str) -> tuple[Label, ...]:
    r"""Labels from a text: one a line, or several with commas between; `label: prompt, prompt` gives one its prompts.

    A colon counts before a space or the end of the line only, so that 10:30 is a label; \, \: and \\ stand for the
    character itself. A label that is repeated has the prompts of all its lines. Raises BadInput for prompts of none.
    """
    found: dict[str, dict[str, None]] = {}  # prompts by name, each once
    for line in text.split("\n"):
        own, parts = _parts(line)
        if own and not parts[0]:
            raise BadInput(f"Before the colon of {line.strip()!r} stands no label. Write it as label: prompt, prompt.")
        for name in parts[:1] if own else parts:
            found.setdefault(name, {})
        if own:
            found[parts[0]].update(dict.fromkeys(filter(None, parts[1:])))
    return tuple(Label(name, tuple(prompts)) for name, prompts in found.items() if name)


def write(labels: Iterable[Label]) -> str:
    """Labels as a text that `parse` reads, one a line."""
    lines = []
    for label in labels:
        name = re.sub(r"[\\,]|:(?=\s|$)", r"\\\g<0>", label.name)
        prompts = ", ".join(re.sub(r"[\\,]", r"\\\g<0>", prompt) for prompt in label.prompts)
        lines.append(f"{name}: {prompts}" if prompts else name)
    return "\n".join(lines)


def _parts(line: str) -> tuple[bool, list[str]]:
    """What commas separate, without outer and double space; the first is a label with its own prompts where True."""
    own, parts = False, [""]
    for escaped, colon, plain in re.findall(r"\\([\\,:])|(:)(?=\s|$)|(.)", line, re.DOTALL):
        if plain == ",":
            parts.append("")
        elif colon and not own:
            own, parts = True, [",".join(parts), ""]
        else:
            parts[-1] += escaped or colon or plain
    return own, [" ".join(part.split()) for part in parts]


def plain(labels: Iterable[Label], templates: Iterable[str]) -> dict[str, Any]:
    """A label set as JSON values: of each label its name and prompts."""
    return {"labels": [[label.name, *label.prompts] for label in labels], "templates": list(templates)}


def of(found: Mapping[str, Any]) -> tuple[tuple[Label, ...], tuple[str, ...]]:
    """Labels and templates from what `plain` gave; raises BadInput for anything that is no label set."""
    labels, templates = found.get("labels"), found.get("templates")
    lists = [*(labels if isinstance(labels, list) else [None]), templates]
    if not all(isinstance(one, list) and all(isinstance(text, str) for text in one) for one in lists):
        raise BadInput("This is no label set: it holds lists of texts, a label and its prompts each, and templates.")
    read = [Label(own[0], tuple(own[1:])) for own in labels or () if own]
    return check(read, templates or (), "many"), tuple(templates or ())


# -- labels as vectors


def prompts(label: str | Label, templates: Sequence[str]) -> list[str]:
    """A label's own prompts; where it has none, its name put into each template in place of its {}."""
    label = label if isinstance(label, Label) else Label(label)
    return list(label.prompts) or [template.replace("{}", label.name) for template in templates]


def check(
    labels: Sequence[str | Label], templates: Sequence[str], mode: Mode = "one", other: bool = False
) -> tuple[Label, ...]:
    """The labels of a set that can classify; raises BadInput for one that cannot, and for such templates."""
    found = tuple(label if isinstance(label, Label) else Label(label) for label in labels)
    _check_names([label.name for label in found], mode, other)
    if not templates and not all(label.prompts for label in found):
        raise BadInput(f"Give at least one prompt template, such as {TEMPLATE!r}.")
    for template in templates:
        if "{}" not in template:
            raise BadInput(f"The prompt template {template!r} has no {{}} where the label belongs.")
    count = sum(len(label.prompts) or len(templates) for label in found)
    if count > MAX_PROMPTS:
        raise BadInput(f"{count:,} prompts are over the limit of {MAX_PROMPTS:,}: take fewer templates or labels.")
    return found


def _check_names(names: Sequence[str], mode: Mode, other: bool) -> None:
    if mode not in ("one", "many"):
        raise BadInput(f"There is no way {mode!r} to give labels: use one (the best label) or many (each by itself).")
    if mode == "many" and other:
        raise BadInput(f"Where each label is judged by itself, {OTHER} needs no class: it is an image that gets none.")
    if not names or (len(names) < 2 and mode == "one" and not other):
        raise BadInput("Give at least two labels: a softmax over one label always answers it with certainty.")
    if len(names) > MAX_LABELS:
        raise BadInput(f"{len(names)} labels are over the limit of {MAX_LABELS}.")
    for name, count in Counter(names).items():
        if not name.strip():
            raise BadInput("One of the labels is empty: give it a name.")
        if count > 1:
            raise BadInput(f"{count} labels are called {name!r}: leave one, with the prompts of all.")
        if other and name == OTHER:
            raise BadInput(f"A label is called {OTHER!r}, as the class of all else is: give it another name.")


def class_vectors(
    encode: Callable[[Sequence[str]], np.ndarray], labels: Sequence[str | Label], templates: Sequence[str]
) -> np.ndarray:
    """One unit vector a label, (L, d): the normalised mean over its prompts' unit vectors (Radford et al. 2021).

    `encode` is asked once, for each different prompt.
    """
    texts = [prompts(label, templates) for label in labels]
    place = {text: row for row, text in enumerate(dict.fromkeys(text for own in texts for text in own))}
    rows = unit(encode(list(place)))  # (distinct prompts, d)
    return unit(np.stack([rows[[place[text] for text in own]].mean(axis=0) for own in texts]))


def wants_neutral(space: Space, mode: Mode, other: bool) -> bool:
    """Whether labels are compared with neutral captions: as a class, or where a softmax model judges each by itself."""
    return other or (mode == "many" and space.logit_bias is None)


def none(vectors: np.ndarray, bank: np.ndarray) -> np.ndarray:
    """What stands for "none of these" beside the cosines of labels: the highest with a neutral caption, (n,) float32.

    vectors (n, d) and bank (m, d) are unit rows. It is ROUNDING higher, so that a label that reads like such a caption
    does not win by chance. On drawings whose label was left out it wins as reliably as the best constant, which has to
    be fitted, and also against words that the model cannot read, to which the mean of the bank loses.
    """
    best = [(vectors[start : start + BLOCK] @ bank.T).max(axis=1) for start in range(0, len(vectors), BLOCK)]
    return np.concatenate(best) + np.float32(ROUNDING) if best else np.empty(0, np.float32)


def sharpness(logit_scale: float, temperature: float) -> float:
    """The factor on logits, logit_scale / temperature; raises BadInput for a temperature without probabilities."""
    if not 0.001 <= temperature <= 1000:
        raise BadInput(f"The temperature must be from 0.001 to 1000, not {temperature}.")
    return logit_scale / temperature


def probabilities(
    cosines: np.ndarray,
    logit_scale: float,
    temperature: float = 1.0,
    mode: Mode = "one",
    bias: float | None = None,
    neutral: np.ndarray | None = None,
) -> np.ndarray:
    """Probabilities (n, L) of labels by their cosines (n, L), at logit_scale / temperature.

    one: softmax, rows sum to 1 over these labels only. many: each label by itself, the sigmoid of its logit. A model
    that was trained so (Zhai et al. 2023) has a `bias`, in logits. Others have no natural zero: theirs is `neutral`
    (n,), cosines of `none`, so that a probability is that of the label in a choice between it and a neutral caption.
    """
    sharp = sharpness(logit_scale, temperature)
    if mode == "one":
        return softmax(cosines * sharp)
    if bias is not None:
        return sigmoid(cosines * sharp + bias / temperature)
    if neutral is None:
        raise ValueError("without a bias, independent labels are compared with `neutral`")
    return sigmoid((cosines - neutral[:, None]) * sharp)


# -- against the truth


def match_truth(values: Sequence[object | None], labels: Sequence[str], other: bool = False) -> tuple[str | None, ...]:
    """A metadata column as labels: compared without case and outer space; what is no label stays as it is.

    With `other` it is none of these.
    """
    exact = set(labels)
    folded = {label.casefold().strip(): label for label in reversed(labels)}

    def label_of(value: str) -> str:  # of two labels that differ in case only, each is its own
        return value if value in exact else folded.get(value.casefold().strip(), OTHER if other else value)

    return tuple(None if value is None else label_of(str(value)) for value in values)


def report(result: Classification) -> Report:
    """How a classification agrees with its truth, over the images whose true value is among the labels.

    Labels are ranked by cosine, equal ones in their order.
    """
    labels, truth = result.labels, result.truth or ()
    place = {label: at for at, label in enumerate(labels)}
    true = np.array([place.get(value, -1) if value is not None else -1 for value in truth], dtype=np.intp)
    rows = np.flatnonzero(true >= 0)
    true, scores, count = true[rows], result.cosines[rows], len(labels)
    own = scores[np.arange(len(rows)), true][:, None]
    before = (scores > own) | ((scores == own) & (np.arange(count) < true[:, None]))
    rank = before.sum(axis=1)  # 0 is best
    called: np.ndarray = result.called[rows]
    n = np.bincount(true, minlength=count)
    hits = np.bincount(true[called[np.arange(len(rows)), true]], minlength=count)
    recall = _shares(hits, n)
    return Report(
        labels=labels,
        n=len(rows),
        top1=float(np.mean(rank == 0)) if len(rows) else None,
        top5=float(np.mean(rank < 5)) if len(rows) else None,
        mean_recall=float(np.nanmean(recall)) if len(rows) else None,
        recall=recall,
        precision=_shares(hits, called.sum(axis=0)),
        confusion=np.bincount(true * count + scores.argmax(axis=1), minlength=count**2).reshape(count, count),
        others=dict(Counter(value for value in truth if value is not None and value not in place).most_common()),
        unknown=sum(value is None for value in truth) if truth else len(result.ids),
    )


def _shares(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0))
