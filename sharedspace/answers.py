"""Results as documents of plain JSON values: one form for every face that answers in JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

import numpy as np

from sharedspace.records import (
    Agreement,
    Classification,
    Clustering,
    Duplicates,
    Exported,
    ImageRecord,
    Imported,
    IngestResult,
    Leaks,
    MetaValue,
    ModelInfo,
    Poor,
    Report,
    SearchResult,
    Space,
    SpaceMap,
    Strangers,
    Subset,
)

Document: TypeAlias = dict[str, Any]


def ingest(result: IngestResult) -> Document:
    """What became of an ingest."""
    return {
        "added": result.added,
        "already_there": result.already_there,
        "rejected": [{"item": rejected.item, "reason": rejected.reason} for rejected in result.rejected],
        "seconds": round(result.seconds, 3),
        "images_per_second": round(result.images_per_second, 1),
        "precision": result.precision,
        "cancelled": result.cancelled,
    }


def exported(done: Exported) -> Document:
    """What was written of a collection, sizes in bytes."""
    return {
        "out": done.out,
        "format": done.format,
        "images": done.images,
        "bytes": done.bytes,
        "thumbs": done.thumbs,
        "originals": done.originals,
    }


def imported(done: Imported) -> Document:
    """What became of an import; `space` is the fingerprint, `images` how many the file holds."""
    return {
        "name": done.name,
        "images": done.images,
        "added": done.added,
        "already_there": done.already_there,
        "space": done.space.fingerprint,
    }


def collection(name: str, space: Space, images: int) -> Document:
    """A collection, without its contents."""
    return {
        "name": name,
        "model": space.model,
        "space": space.fingerprint,
        "dimension": space.dimension,
        "images": images,
    }


def model(info: ModelInfo, on_disk: bool) -> Document:
    """A row of the table of models."""
    return {
        "name": info.name,
        "family": info.family,
        "modalities": info.modalities,
        "dimension": info.dimension,
        "licence": info.licence,
        "note": info.note,
        "on_disk": on_disk,
    }


def search(
    result: SearchResult,
    percentiles: Sequence[float],
    pair_percentile: Callable[[float], float] | None = None,
    unknown: Sequence[str] = (),
    cut: int = 0,
) -> Document:
    """The hits, best first, and what their scores mean.

    `percentiles` are the shares of the collection's images that score below each hit, 0 to 100; `pair_percentile` gives
    that of text-image pairs below a score, where it is known. `parts` of a hit stand there only for several terms.
    `unknown` and `cut` say what the model did not read of the query.
    """
    hits: list[Document] = [
        {
            "id": hit.id,
            "path": hit.path,
            "score": hit.score,
            "rank": hit.rank,
            "matched": hit.matched,
            "percentile": percentile,
            "pair_percentile": None if pair_percentile is None else pair_percentile(hit.score),
        }
        for hit, percentile in zip(result, percentiles, strict=True)
    ]
    if len(result.terms) > 1:
        for row, hit in zip(hits, result, strict=True):
            row["parts"] = [
                {"term": term.name, "part": part} for term, part in zip(result.terms, hit.parts, strict=True)
            ]
    return {
        "query": result.query,
        "terms": [{"kind": term.kind, "name": term.name, "weight": term.weight} for term in result.terms],
        "hits": hits,
        "no_match_line": result.no_match_line,
        "searched": result.searched,
        "unknown_words": list(unknown),
        "cut": cut,
    }


def classify(result: Classification, report: Report | None = None, unknown: Sequence[str] = ()) -> Document:
    """One row an image: the label it gets with its probability; null where none, with that of the likeliest.

    one: probabilities are over the given labels only. many: `labels` holds all that the image gets. `accuracy` is over
    the images whose truth is among the labels, as are the other figures of the report; each label's own stand in
    `by_label`.
    """
    place = {label: at for at, label in enumerate(result.labels)}
    given = result.answers
    rows: list[Document] = [
        {
            "id": id,
            "path": path,
            "label": own[0] if own else None,
            "probability": float(row[place[own[0]] if own else best]),
        }
        for id, path, own, row, best in zip(
            result.ids, result.paths, given, result.probabilities, result.best.tolist(), strict=True
        )
    ]
    document: Document = {
        "labels": list(result.labels),
        "mode": result.mode,
        "counts": dict(zip(result.labels, result.called.sum(axis=0).tolist(), strict=True)),
        "accuracy": None if report is None else report.top1,
        "accuracy_n": 0 if report is None else report.n,
        "unknown_words": list(unknown),
        "rows": rows,
    }
    if result.mode == "many":
        for row, own in zip(rows, given, strict=True):
            row["labels"] = list(own)
    if report is not None and result.truth is not None:
        for row, true in zip(rows, result.truth, strict=True):
            row["truth"] = true
        document |= {"top5": report.top5, "mean_recall": report.mean_recall, "by_label": _by_label(report)}
        document["confusion"] = report.confusion.tolist()
    return document


def _by_label(report: Report) -> list[Document]:
    """Of each label how many images truly have it, and of those how many get it; precision is over all that get it."""
    return [
        {
            "label": label,
            "n": n,
            "right": round(recall * n) if n else 0,
            "accuracy": recall if n else None,
            "precision": None if math.isnan(precision) else precision,
        }
        for label, n, recall, precision in zip(
            report.labels,
            report.confusion.sum(axis=1).tolist(),
            report.recall.tolist(),
            report.precision.tolist(),
            strict=True,
        )
    ]


def cluster(result: Clustering, agreement: Agreement | None = None) -> Document:
    """One row an image; cluster -1 is noise, 0 the largest. `names` is empty until groups are named, null is mixed.

    `agreement`, with a field of metadata, stands there only where one was given.
    """
    rows = [
        {"id": id, "path": path, "cluster": group}
        for id, path, group in zip(result.ids, result.paths, result.labels.tolist(), strict=True)
    ]
    names = {str(name.group): name.word for name in result.names}
    document: Document = {"method": result.method, "names": names, "rows": rows}
    if agreement is not None:
        document["agreement"] = asdict(agreement)
    return document


def duplicates(found: Duplicates, records: Sequence[ImageRecord]) -> Document:
    """Groups of near duplicates, in each the one to keep first; `exact` are images of several names, of equal bytes.

    `rows` is one an image, for a table. `alike` counts the pairs that are as near and not the same picture, `unseen`
    those that were not compared; with `cut` only pairs from `least` on are known.
    """
    groups = [
        {
            "images": [{"id": records[row].id, "path": records[row].path} for row in group.rows],
            "reason": group.reason,
            "least_cosine": group.cosines[0],
            "greatest_cosine": group.cosines[1],
        }
        for group in found.groups
    ]
    rows = [
        {
            "group": place,
            "id": records[row].id,
            "path": records[row].path,
            "keep": row == group.rows[0],
            "reason": group.reason if row == group.rows[0] else "",
        }
        for place, group in enumerate(found.groups)
        for row in group.rows
    ]
    exact = [
        {"id": records[row].id, "path": records[row].path, "names": list(records[row].names)} for row in found.exact
    ]
    return {
        "threshold": found.threshold,
        "groups": groups,
        "pairs": len(found.pairs),
        "alike": found.alike,
        "unseen": found.unseen,
        "exact": exact,
        "cut": found.pairs.cut,
        "least": found.pairs.least,
        "rows": rows,
    }


def leaks(
    found: Leaks, records: Sequence[ImageRecord], field: str, values: Sequence[MetaValue | None], threshold: float
) -> Document:
    """Near-duplicate pairs with two values of a field, the nearest first; `several` lie with equal bytes in both."""
    pairs = zip(found.pairs.a.tolist(), found.pairs.b.tolist(), found.pairs.cosine.tolist(), strict=True)
    return {
        "field": field,
        "threshold": threshold,
        "between": [
            {"values": list(leak.values), "pairs": leak.pairs, "images": list(leak.images)} for leak in found.between
        ],
        "pairs": [
            {
                "cosine": cosine,
                "id_a": records[a].id,
                "path_a": records[a].path,
                "value_a": values[a],
                "id_b": records[b].id,
                "path_b": records[b].path,
                "value_b": values[b],
            }
            for a, b, cosine in pairs
        ],
        "several": [
            {"id": records[row].id, "path": records[row].path, "names": list(records[row].names)}
            for row in found.several
        ],
    }


def outliers(found: Strangers, records: Sequence[ImageRecord], top: int) -> Document:
    """The strangest images: cosine distance to the k-th neighbour, Mahalanobis distance (`spread`), and their score."""
    columns = (found.score, found.distance, found.spread, found.percentile)
    rows = [
        {"rank": rank, "id": records[row].id, "path": records[row].path}
        | dict(zip(("score", "distance", "spread", "percentile"), (float(one[place]) for one in columns), strict=True))
        for rank, (place, row) in enumerate(
            zip(found.order[:top].tolist(), found.rows[found.order[:top]].tolist(), strict=True), start=1
        )
    ]
    return {"k": found.k, "images": len(found.rows), "rows": rows}


def subset(chosen: Subset, records: Sequence[ImageRecord], kind: str) -> Document:
    """Chosen images, each with how many it is nearest to; `worst` is the least cosine of an image with its nearest."""
    stands = np.bincount(chosen.nearest, minlength=len(chosen.rows)).tolist()
    rows = [
        {"id": records[row].id, "path": records[row].path, "stands_for": count}
        for row, count in zip(chosen.rows.tolist(), stands, strict=True)
    ]
    return {"kind": kind, "worst": chosen.worst, "rows": rows}


def looks(found: Sequence[Poor], records: Sequence[ImageRecord]) -> Document:
    """Poor pictures, the worst of each flaw first, each with what was measured."""
    rows = [
        {"flaw": poor.flaw, "id": records[row].id, "path": records[row].path, "measure": float(poor.measure[row])}
        for poor in found
        for row in poor.order.tolist()
    ]
    return {"counts": {poor.flaw: len(poor.order) for poor in found}, "rows": rows}


def space_map(drawn: SpaceMap, trust: float | None = None) -> Document:
    """A map without its points: how many there are and how it was drawn; `trust` is its mean, 0 to 1."""
    return {
        "map": drawn.key,
        "images": len(drawn.ids),
        "placed_later": drawn.placed,
        "drawing": asdict(drawn.drawing),
        "trust": trust,
    }


def cell(value: Any) -> Any:
    """A value as a cell of a CSV: before a text that a spreadsheet would run as a formula stands a quote."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value
