"""The verb that looks for groups: cluster."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace

import numpy as np

from sharedspace import answers, clusters, filters, naming
from sharedspace.cli.files import out_path, write_csv
from sharedspace.cli.terminal import Answer, printable, say, table
from sharedspace.collection import Collection
from sharedspace.errors import BadInput
from sharedspace.records import Agreement, Clustering
from sharedspace.workspace import Workspace

AUTO = "auto"


def _count(given: str) -> int | str:
    if given == AUTO:
        return AUTO
    try:
        return int(given)
    except ValueError as error:
        raise ArgumentTypeError(f"{given!r} is neither a number nor {AUTO}") from error


def options(parser: ArgumentParser) -> None:
    """Options of `cluster`."""
    parser.add_argument("-c", "--collection", required=True, metavar="NAME")
    parser.add_argument(
        "--method",
        choices=("hdbscan", "kmeans", "map"),
        default="hdbscan",
        help="map is hdbscan on the points of the map, the others go by the vectors (default: hdbscan)",
    )
    parser.add_argument(
        "-k",
        type=_count,
        metavar=f"N|{AUTO}",
        help=f"how many groups kmeans makes; {AUTO} is by silhouette (default: 8, or one an image)",
    )
    parser.add_argument(
        "--min-size", type=int, metavar="N", help="the smallest group of hdbscan and map (default: 5, or more)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="of kmeans (default: 0)")
    parser.add_argument(
        "--where", metavar="K=V", action="append", default=[], help="only images with this, as in search; repeatable"
    )
    parser.add_argument("--names", action="store_true", help="name the groups that a word fits; the others are mixed")
    parser.add_argument("--words", metavar='"A,B,C"', help="your own words for --names, beside the shipped ones")
    parser.add_argument("--truth", metavar="FIELD", help="tell how far the groups are those of this metadata field")
    parser.add_argument("--into", metavar="FIELD", help="give the groups to the images, as a field of their metadata")
    parser.add_argument("--out", metavar="FILE.csv", help="write one row an image")


def cluster(workspace: Workspace, args: Namespace) -> Answer:
    """Groups of the images by their vectors, or by their places on the map."""
    out = None if args.out is None else out_path(args.out, ".csv")
    _check(args)
    collection = workspace.collection(args.collection).pinned()
    where = [filters.parse(condition) for condition in args.where]
    k = _k(collection, args, where) if args.method == "kmeans" else None
    result = collection.cluster(args.method, k, args.min_size, where, seed=args.seed or 0)
    agreed = None if args.truth is None else _agreement(collection, result, args.truth)
    if args.names or args.words is not None:
        result = collection.name_groups(result, (args.words or "").split(","))
    document = answers.cluster(result, agreed)
    if args.into is not None:
        _give(collection, result, args.into)
    if out is not None:
        write_csv(out, ["id", "path", "cluster", *(["name"] if result.names else [])], _with_names(document))
    return Answer(document, _lines(collection, result, agreed))


def _check(args: Namespace) -> None:
    if args.k is not None and args.method != "kmeans":
        raise BadInput("-k belongs to --method kmeans; hdbscan finds the number of groups by itself.")
    if args.seed is not None and args.method != "kmeans":
        raise BadInput("--seed belongs to --method kmeans; the others have none and repeat themselves.")
    if args.min_size is not None and args.method == "kmeans":
        raise BadInput("--min-size belongs to --method hdbscan and map.")


def _k(collection: Collection, args: Namespace, where: list[filters.Condition]) -> int | None:
    if args.k == AUTO:
        return None
    passed = collection.mask(where)
    images = collection.info.images if passed is None else int(passed.sum())
    return min(8, max(1, images)) if args.k is None else int(args.k)


def _agreement(collection: Collection, result: Clustering, field: str) -> Agreement:
    column = dict(zip(collection.snapshot().ids, collection.column(field), strict=True))
    return clusters.agreement(result.labels, [column[id] for id in result.ids])


def _give(collection: Collection, result: Clustering, field: str) -> None:
    title = naming.titles(np.unique(result.labels[result.labels >= 0]).tolist(), result.names)
    given = {id: title.get(group) for id, group in zip(result.ids, result.labels.tolist(), strict=True)}
    collection.give(field, given)
    say(f"{printable(field)}: given to {sum(value is not None for value in given.values()):,} images")


def _with_names(document: answers.Document) -> list[answers.Document]:
    names = document["names"]
    return [{**row, "name": names.get(str(row["cluster"]))} for row in document["rows"]]


def _lines(collection: Collection, result: Clustering, agreed: Agreement | None) -> list[str]:
    vectors = collection.snapshot().vectors[collection.rows(result.ids)]
    word = {name.group: name.word or naming.MIXED for name in result.names}
    rows = [("cluster", "images", *(["name"] if word else []), "most typical")]
    for group in range(int(result.labels.max()) + 1):
        members = np.flatnonzero(result.labels == group)
        typical = clusters.typical(vectors, members, 1)[0]
        rows.append((str(group), f"{len(members):,}", *([word[group]] if word else []), result.paths[typical]))
    noise = int((result.labels == clusters.NOISE).sum())
    if noise:
        rows.append(("noise", f"{noise:,}", *([""] if word else []), ""))
    lines = table(rows, "rr")
    if agreed is not None:
        lines.append(
            f"adjusted Rand {agreed.rand:.3f}, purity {agreed.purity:.1%}, over {agreed.n:,} images with a value"
        )
    return lines
