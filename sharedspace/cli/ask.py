"""Verbs that ask: classify, cluster."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence

import numpy as np

from sharedspace import answers, clusters, zeroshot
from sharedspace.cli.files import out_path, write_csv
from sharedspace.cli.terminal import PARTLY, Answer, printable, say, table
from sharedspace.collection import Collection
from sharedspace.errors import BadInput
from sharedspace.workspace import Workspace


def _collection_option(parser: ArgumentParser) -> None:
    parser.add_argument("-c", "--collection", required=True, metavar="NAME")


def tell_unknown(collection: Collection, words: Sequence[str]) -> None:
    """Say which words the model does not know."""
    if words:
        say(f"{printable(collection.info.space.model)} does not know: {', '.join(map(printable, words))}")


def classify_options(parser: ArgumentParser) -> None:
    """Options of `classify`."""
    _collection_option(parser)
    parser.add_argument("--labels", required=True, metavar='"A,B,C"', help="the labels, separated by commas")
    parser.add_argument(
        "--template",
        action="append",
        metavar="T",
        help=f"a prompt with {{}} for the label; several are averaged (default: {zeroshot.TEMPLATE!r})",
    )
    parser.add_argument("--temperature", type=float, default=1.0, metavar="T", help="1 is the model's own (default: 1)")
    parser.add_argument("--truth", metavar="FIELD", help="the metadata field with the right labels")
    parser.add_argument("--out", metavar="FILE.csv", help="write one row an image")


def classify(workspace: Workspace, args: Namespace) -> Answer:
    """Zero-shot labels of all images; status 1 when --truth names no label of any image."""
    out = None if args.out is None else out_path(args.out, ".csv")
    collection = workspace.collection(args.collection)
    labels, templates = zeroshot.parse_labels(args.labels), args.template or [zeroshot.TEMPLATE]
    result = collection.classify(labels, templates, args.temperature, args.truth)
    known = (None, 0) if result.truth is None else zeroshot.accuracy(labels, result.best, result.truth)
    unknown = unknown_words(collection, [*labels, *(template.replace("{}", " ") for template in templates)])
    tell_unknown(collection, unknown)
    document = answers.classify(result, known, unknown)
    if out is not None:
        fields = ["id", "path", "label", "probability", *(["truth"] if args.truth else [])]
        write_csv(out, fields, document["rows"])
    nothing = args.truth is not None and known[1] == 0
    if nothing:
        say(f"no image has one of these labels in {printable(args.truth)}: there is no accuracy to tell")
    return Answer(document, _classify_lines(document), PARTLY if nothing else 0)


def unknown_words(collection: Collection, texts: Iterable[str]) -> list[str]:
    """The words of some texts that the model does not know."""
    tokens = [collection.encoder.tokens(text) for text in texts if text.strip()]
    return list(dict.fromkeys(word for one in tokens for word in one.unknown))


def _classify_lines(document: answers.Document) -> list[str]:
    counts = document["counts"]
    if "by_label" not in document:
        return table([("label", "images"), *((label, f"{counts[label]:,}") for label in counts)], " r")
    rows = [
        (one["label"], counts[one["label"]], one["n"], one["right"], _percent(one["accuracy"]))
        for one in document["by_label"]
    ]
    lines = table([("label", "called so", "are so", "right", "accuracy"), *rows], " rrrr")
    lines.append(f"accuracy {_percent(document['accuracy'])} over {document['accuracy_n']:,} images")
    others = len(document["rows"]) - document["accuracy_n"]
    if others:
        lines.append(f'{others:,} more are none of these in truth: they count under "called so" only')
    return lines


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def cluster_options(parser: ArgumentParser) -> None:
    """Options of `cluster`."""
    _collection_option(parser)
    parser.add_argument("--method", choices=("hdbscan", "kmeans"), default="hdbscan")
    parser.add_argument("-k", type=int, help="how many groups kmeans makes (default: 8, or one an image)")
    parser.add_argument(
        "--min-size", type=int, metavar="N", help="the smallest group that hdbscan reports (default: 5 or 1 %%)"
    )
    parser.add_argument("--out", metavar="FILE.csv", help="write one row an image")


def cluster(workspace: Workspace, args: Namespace) -> Answer:
    """Groups of the images by their vectors."""
    out = None if args.out is None else out_path(args.out, ".csv")
    if args.k is not None and args.method != "kmeans":
        raise BadInput("-k belongs to --method kmeans; hdbscan finds the number of groups by itself.")
    if args.min_size is not None and args.method != "hdbscan":
        raise BadInput("--min-size belongs to --method hdbscan.")
    collection = workspace.collection(args.collection)
    k = min(8, max(1, collection.info.images)) if args.k is None else args.k
    result = collection.cluster(args.method, k, args.min_size)
    document = answers.cluster(result)
    if out is not None:
        write_csv(out, ["id", "path", "cluster"], document["rows"])
    return Answer(document, _cluster_lines(collection, result.labels))


def _cluster_lines(collection: Collection, groups: np.ndarray) -> list[str]:
    snapshot, rows = collection.snapshot(), [("cluster", "images", "most typical")]
    for group in range(int(groups.max()) + 1):
        members = np.flatnonzero(groups == group)
        typical = clusters.typical(snapshot.vectors, members, 1)[0]
        rows.append((str(group), f"{len(members):,}", snapshot.records[typical].path))
    noise = int((groups == clusters.NOISE).sum())
    if noise:
        rows.append(("noise", f"{noise:,}", ""))
    return table(rows, "rr")
