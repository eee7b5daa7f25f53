"""Results as documents of plain JSON values: one form for every face that answers in JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

from sharedspace.records import (
    Classification,
    Clustering,
    Exported,
    Imported,
    IngestResult,
    ModelInfo,
    SearchResult,
    Space,
    SpaceMap,
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


def classify(
    result: Classification, accuracy: tuple[float | None, int] = (None, 0), unknown: Sequence[str] = ()
) -> Document:
    """One row an image; probabilities are over the given labels only.

    `accuracy` is (share, n) over the images whose truth is among the labels; each label's own share stands in
    `by_label`.
    """
    best = result.best.tolist()
    rows = [
        {"id": id, "path": path, "label": result.labels[label], "probability": float(row[label])}
        for id, path, label, row in zip(result.ids, result.paths, best, result.probabilities, strict=True)
    ]
    document: Document = {
        "labels": list(result.labels),
        "counts": {label: best.count(place) for place, label in enumerate(result.labels)},
        "accuracy": accuracy[0],
        "accuracy_n": accuracy[1],
        "unknown_words": list(unknown),
        "rows": rows,
    }
    if result.truth is not None:
        for row, true in zip(rows, result.truth, strict=True):
            row["truth"] = true
        document["by_label"] = [_by_label(label, rows) for label in result.labels]
    return document


def _by_label(label: str, rows: Iterable[Document]) -> Document:
    true = [row for row in rows if row["truth"] == label]
    right = sum(row["label"] == label for row in true)
    return {"label": label, "n": len(true), "right": right, "accuracy": right / len(true) if true else None}


def cluster(result: Clustering) -> Document:
    """One row an image; cluster -1 is noise, 0 the largest. `names` is empty until groups are named."""
    rows = [
        {"id": id, "path": path, "cluster": group}
        for id, path, group in zip(result.ids, result.paths, result.labels.tolist(), strict=True)
    ]
    return {"method": result.method, "names": {}, "rows": rows}


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
