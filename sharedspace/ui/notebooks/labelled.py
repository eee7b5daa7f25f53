"""The page Zero-shot as a notebook: the label set, what it makes of the pictures, and how right it is."""

from __future__ import annotations

from sharedspace import zeroshot
from sharedspace.collection import Collection
from sharedspace.notebook import Cell, literal
from sharedspace.ui import state
from sharedspace.ui.labelling import Asked
from sharedspace.ui.notebooks import download
from sharedspace.ui.notebooks.written import code, filters, listed, markdown

ENSEMBLES = {zeroshot.TEMPLATES_7: "zeroshot.TEMPLATES_7", zeroshot.TEMPLATES_80: "zeroshot.TEMPLATES_80"}
SHOWN = 24  # pictures
EVERY, NO_LABEL = "every label", "no label"  # instead of one, whose pictures are shown

_NOTHING = """
labels = []  # such as ["a boat", "a house"]
collection.classify(labels).answers if len(labels) > 1 else "there are no labels yet"
"""
_COUNTS = f"""
from sharedspace.plots import bars

counts = dict(zip(labelled.labels, labelled.called.sum(axis=0).tolist()))
none = int((~labelled.called.any(axis=1)).sum())
if none:
    counts[{NO_LABEL!r}] = none
bars.counts(list(counts), list(counts.values()))
"""
_PICTURES = """
from sharedspace.notebook import pictures

names = list(labelled.labels)
chosen = {chosen!r}
if chosen in names:
    sure, rows = labelled.probabilities[:, names.index(chosen)], np.flatnonzero(labelled.called[:, names.index(chosen)])
else:
    sure = labelled.probabilities.max(axis=1)
    rows = np.arange(len(sure)) if chosen == {every!r} else np.flatnonzero(~labelled.called.any(axis=1))
rows = rows[np.argsort({sign}sure[rows], kind="stable")][:{shown}]
columns = {{"label": [" · ".join(labelled.answers[row]) for row in rows], "probability": sure[rows]}}
pictures(collection, [labelled.ids[row] for row in rows], columns, across=8)
"""
_REPORT = """
report = zeroshot.report(labelled)
print(f"n = {report.n:,} of {len(labelled.ids):,} images whose true value is among the labels")
if report.top1 is not None:
    print(f"top-1 accuracy {report.top1:.1%}, top-{min(5, len(report.labels))} {report.top5:.1%}")
    print(f"mean per-class recall {report.mean_recall:.1%}; guessing would give {1 / len(report.labels):.1%}")
"""
_FIGURES = """
from sharedspace.plots import heat

heat.confusion(report.labels, report.confusion)
"""
_BY_LABEL = """
bars.recall_precision(list(report.labels), report.recall, report.precision, report.confusion.sum(axis=1))
"""
_DOCTOR = """
from sharedspace import doctor

names, vectors = [label.name for label in labels], collection.classes(labels, templates)
snapshot, passed = collection.snapshot(), collection.mask(where, among)
images = snapshot.vectors if passed is None else snapshot.vectors[passed]
nouns = collection.vocabulary()
bank = (nouns, collection.embed([templates[0].replace("{}", noun) for noun in nouns])) if nouns else None
prompts = [collection.embed(label.prompts) for label in labels]
true = None
if labelled.truth is not None:
    true = np.array([names.index(value) if value in names else -1 for value in labelled.truth])
scale = collection.info.space.logit_scale
for finding in doctor.examine(names, vectors, images, scale, prompts, bank, true):
    print(f"{finding.kind}: {finding.message}")
"""


def classification(asked: Asked, uses: tuple[str, ...]) -> str:
    """Lines that classify the images, as `labelled`; with `uses`, by the classifier that clicks have tuned."""
    lines = [
        "from sharedspace import tuning, zeroshot" if uses else "from sharedspace import zeroshot",
        "",
        filters(asked.where, asked.within),
        f"labels = zeroshot.parse({zeroshot.write(asked.labels)!r})",
        f"templates = {ENSEMBLES.get(asked.templates) or listed(asked.templates)}",
        f"truth = {asked.truth!r}",
    ]
    put = f"labels, templates, temperature={asked.temperature!r}, mode={asked.mode!r}, other={asked.other!r}"
    if not uses:
        put += ", truth=truth, where=where, among=among, remember=False"
        return "\n".join([*lines, f"labelled = collection.classify(\n    {put}\n)"])
    return "\n".join(
        [
            *lines,
            f"words = collection.classifier({put})",
            "judged = collection.judged([label.name for label in labels])  # the clicks",
            "snapshot = collection.snapshot()",
            f"tuned = tuning.tune(words, snapshot.vectors, snapshot.ids, judged, {uses!r})",
            "labelled = collection.apply(tuned.classifier, truth, where, among)",
        ]
    )


def button(collection: Collection, asked: Asked, uses: tuple[str, ...], doctor: bool) -> None:
    """The bench as it stands; with what the label doctor says where that is looked at."""
    chosen, unsure = str(state.value("bench.label") or EVERY), bool(state.value("bench.unsure"))
    download(collection, "zero-shot", "Zero-shot", lambda: cells(asked, uses, chosen, unsure, doctor))


def cells(asked: Asked, uses: tuple[str, ...], chosen: str, unsure: bool, doctor: bool) -> list[Cell]:
    """The bench: answers with the pictures of the chosen label, the truth where it is known, the doctor's findings."""
    if not asked.enough:
        return [
            markdown("No labels were typed when this was written. Type some below and run."),
            code(_NOTHING),
        ]
    names = ", ".join(label.name for label in asked.labels)
    found = [
        markdown(f"## The labels\n\n{literal(names)}"),
        code(classification(asked, uses)),
        markdown("## The answers\n\nA probability is over these labels only: one is always the likeliest."),
        code(_COUNTS),
        code(_PICTURES.format(chosen=chosen, every=EVERY, sign="" if unsure else "-", shown=SHOWN)),
    ]
    if asked.truth is not None:
        found += [markdown(f"## Against the field {literal(asked.truth)}"), code(_REPORT), code(_FIGURES)]
        found.append(code(_BY_LABEL))
    if doctor and len(asked.labels) > 1:
        found += [markdown("## What the label doctor says"), code(_DOCTOR)]
    return found
