"""Whether the label doctor finds what is planted and is silent about what is sound: prints one JSON document.

.venv/bin/python benchmarks/doctor.py [--draws 60] [--seed 0]

Planted into the 40 objects of the sample set, one at a time: every synonym that pocket's vocabulary knows; a label that
is a mix with the mean image, which swallows; a word without content among ten objects; a label that is two objects at
once, as one text vector and as two prompts; the words that pocket has for groups of objects. Sound are the objects,
colours and settings, ten objects of which one has half of all images, and label sets of random size on their images.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sharedspace import doctor, encoders, samples, words
from sharedspace.pocket.vocabulary import COLOURS, HYPERNYMS, NAMES, SETTINGS
from sharedspace.vectors import unit
from sharedspace.zeroshot import TEMPLATES_7

ONE = ("a photo of a {}",)
KINDS = tuple(NAMES)


class Bench:
    """The sample set, and texts of pocket under some templates."""

    def __init__(self, templates: Sequence[str], seed: int) -> None:
        sample, self.encoder = samples.load(), encoders.load("pocket")
        self.images, self.scale = sample.vectors, sample.space.logit_scale
        self.column = {
            name: np.array([str(record.meta.get(name, "")) for record in sample.records])
            for name in ("object", "colour", "setting")
        }
        self.templates, self.rng = templates, np.random.default_rng(seed)
        self.nouns = [noun for noun in words.nouns() if not self.encoder.tokens(noun).unknown]
        self.vocabulary = (self.nouns, self.encoder.texts([f"a photo of a {noun}" for noun in self.nouns]))
        self.known: dict[str, np.ndarray] = {}

    def words(self, labels: Sequence[str]) -> np.ndarray:
        """Class vectors, (L, d)."""
        new = [label for label in labels if label not in self.known]
        if new:
            rows = self.encoder.texts([form.replace("{}", label) for label in new for form in self.templates])
            means = rows.reshape(len(new), len(self.templates), -1).mean(axis=1)
            self.known.update(zip(new, unit(means), strict=True))
        return np.stack([self.known[label] for label in labels])

    def examine(self, labels: Sequence[str], vectors: np.ndarray, rows: np.ndarray | None = None, **more: Any) -> Any:
        """Findings, on some of the images."""
        images = self.images if rows is None else self.images[rows]
        return doctor.examine(labels, vectors, images, self.scale, vocabulary=self.vocabulary, **more)

    def some(self, n: int, without: Sequence[str] = ()) -> list[str]:
        """n objects at random."""
        return [str(kind) for kind in self.rng.permutation([kind for kind in KINDS if kind not in without])[:n]]

    def rows(self, labels: Sequence[str]) -> np.ndarray:
        """The images of some objects."""
        return np.flatnonzero(np.isin(self.column["object"], labels))


def told(found: Sequence[doctor.Finding], kind: str, labels: Sequence[str]) -> bool:
    """Whether a finding of the kind names exactly these labels."""
    return any(one.kind == kind and set(one.labels) == set(labels) for one in found)


def alarms(found: Sequence[doctor.Finding], of: str | None = None) -> list[str]:
    """Kinds of the findings, of one kind only if named."""
    return [one.kind for one in found if of in (None, one.kind)]


def share(hits: Sequence[bool]) -> dict[str, float]:
    return {"n": len(hits), "found": float(np.mean(hits))}


def sound(bench: Bench, draws: int) -> dict[str, Any]:
    """False alarms on label sets in which nothing is wrong."""
    sets = {"objects": KINDS, "colours": tuple(COLOURS), "settings": SETTINGS}
    out: dict[str, Any] = {name: alarms(bench.examine(labels, bench.words(labels))) for name, labels in sets.items()}
    few = [bench.some(int(bench.rng.integers(3, 40))) for _ in range(draws)]
    out["random objects on their images"] = [
        kind for labels in few for kind in alarms(bench.examine(labels, bench.words(labels), bench.rows(labels)))
    ]
    # Images of other objects must go somewhere: what they fall to may well be told.
    out["random objects on all images"] = [
        kind for labels in few for kind in alarms(bench.examine(labels, bench.words(labels)))
    ]
    common = []
    for _ in range(draws):
        labels = bench.some(10)
        rows, own = bench.rows(labels), bench.rows(labels[:1])
        rows = np.concatenate([rows, bench.rng.choice(own, len(rows) - 2 * len(own))])
        common += alarms(bench.examine(labels, bench.words(labels), rows), "swallows")
    out["one object has half of the images"] = common
    return out


def synonyms(bench: Bench) -> dict[str, Any]:
    """Every synonym beside its object."""
    hits, others = [], []
    for kind, (_, names) in NAMES.items():
        for name in names:
            labels = [*KINDS, name]
            found = bench.examine(labels, bench.words(labels))
            hits.append(told(found, "synonyms", (kind, name)))
            others += [one.kind for one in found if name not in one.labels and kind not in one.labels]
    return {**share(hits), "false": others}


def nearby(bench: Bench, draws: int) -> dict[str, Any]:
    """One more label, part of the way from one object to another: whether it is told as a synonym of the first."""
    out = {}
    for part in (0.1, 0.2, 0.3, 0.4, 0.5):
        hits, near = [], []
        for _ in range(draws):
            x, y = bench.some(2)
            vectors = np.concatenate(
                [bench.words(KINDS), unit((1 - part) * bench.words([x]) + part * bench.words([y]))]
            )
            near.append(float(np.linalg.norm(vectors[-1] - bench.words([x])[0])))
            hits.append(told(bench.examine([*KINDS, "between"], vectors), "synonyms", [x, "between"]))
        out[f"{part} of the way"] = {**share(hits), "distance": float(np.median(near))}
    return out


def swallows(bench: Bench, draws: int) -> dict[str, Any]:
    """Labels pulled toward the mean image, and words without content."""
    mean, out = unit(bench.images.mean(axis=0)), {}
    for pull in (0.25, 0.5, 1.0, 2.0):
        hits, takes = [], []
        for at in range(len(KINDS)):
            vectors = bench.words(KINDS).copy()
            vectors[at] = unit(vectors[at] + pull * mean)
            best = (bench.images @ vectors.T).argmax(axis=1)
            takes.append(int((best == at).sum()))
            hits.append(told(bench.examine(KINDS, vectors), "swallows", KINDS[at : at + 1]))
        out[f"pulled by {pull}"] = {**share(hits), "takes": float(np.median(takes))}
    hits = []
    for _ in range(draws):
        for word in ("picture", "thing"):
            labels = [*bench.some(10), word]
            hits.append(told(bench.examine(labels, bench.words(labels)), "swallows", [word]))
    return {**out, "word without content": share(hits)}


def two_meanings(bench: Bench, draws: int) -> dict[str, Any]:
    """Two objects under one label, and the words for groups of objects."""
    hits, by_prompts, false = [], [], 0
    for _ in range(draws):
        x, y = bench.some(2)
        rest = [kind for kind in KINDS if kind not in (x, y)]
        labels, pair = [*rest, "both"], bench.words([x, y])
        vectors = np.concatenate([bench.words(rest), unit(pair.mean(axis=0, keepdims=True))])
        found = bench.examine(labels, vectors)
        hits.append(told(found, "two meanings", ["both"]))
        false += sum(one.kind == "two meanings" and one.labels != ("both",) for one in found)
        own = [np.empty((0, vectors.shape[1]), dtype=np.float32)] * len(rest)
        typed = bench.encoder.texts([f"a photo of a {x}", f"a picture of a {x}", f"a {y}"])
        few = doctor.examine(labels, vectors, bench.images, bench.scale, prompts=[*own, typed])
        by_prompts.append(told(few, "two meanings", ["both"]))
    groups = {}
    for name, (_, kinds) in HYPERNYMS.items():
        labels = [*(kind for kind in KINDS if kind not in kinds), name]
        found = bench.examine(labels, bench.words(labels))
        groups[name] = [one.message for one in found if one.kind == "two meanings"]
    made = [bench.encoder.texts([form.replace("{}", kind) for form in TEMPLATES_7]) for kind in KINDS]
    torn = doctor.examine(KINDS, bench.words(KINDS), bench.images, bench.scale, prompts=made)
    return {
        "two objects": share(hits),
        "others told beside them": false,
        "two objects by prompts": share(by_prompts),
        "prompts of seven templates": alarms(torn, "two meanings"),
        "group words": groups,
    }


def meaningless(seed: int) -> dict[str, Any]:
    """Findings of each kind in a space that knows nothing: 200 labels and images at random on two narrow cones."""
    rng = np.random.default_rng(seed)
    axes = unit(rng.normal(size=(2, 512)))
    labels = unit(axes[0] + 0.5 * unit(rng.normal(size=(200, 512))))
    nouns = unit(axes[0] + 0.5 * unit(rng.normal(size=(1000, 512))))
    images = unit(axes[1] + 0.7 * unit(rng.normal(size=(2000, 512))))
    names = [f"label {i}x" for i in range(200)]
    found = doctor.examine(names, labels, images, 14.3, vocabulary=([f"noun {i}" for i in range(1000)], nouns))
    return {kind: alarms(found).count(kind) for kind in dict.fromkeys(alarms(found))}


def seconds(n: int = 50_000, labels: int = 100, templates: int = 80, d: int = 512) -> dict[str, float]:
    rng = np.random.default_rng(0)
    images = unit(rng.normal(size=(n, d)).astype(np.float32))
    vectors = unit(rng.normal(size=(templates, labels, d)).astype(np.float32))
    nouns = unit(rng.normal(size=(1000, d)).astype(np.float32))
    truth, names = rng.integers(0, labels, n), [f"{i}x" for i in range(labels)]
    out = {}
    jobs: dict[str, Callable[[], object]] = {
        "examine": lambda: doctor.examine(names, vectors[0], images, 100.0, vocabulary=([""] * 1000, nouns)),
        "template_gain": lambda: doctor.template_gain(images, vectors, truth),
        "rewordings": lambda: doctor.rewordings(images, vectors[0], truth, 0, 1, [""] * 40, vectors[1, :40]),
    }
    for name, job in jobs.items():
        start = time.perf_counter()
        job()
        out[name] = round(time.perf_counter() - start, 2)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    document: dict[str, Any] = {}
    for name, templates in (("one template", ONE), ("seven templates", TEMPLATES_7)):
        bench = Bench(templates, given.seed)
        document[name] = {
            "sound": sound(bench, given.draws),
            "synonyms": synonyms(bench),
            "between two objects": nearby(bench, given.draws),
            "swallows": swallows(bench, given.draws),
            "two meanings": two_meanings(bench, given.draws),
        }
    document["meaningless space"] = meaningless(given.seed)
    document["seconds"] = seconds()
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
