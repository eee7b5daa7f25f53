"""Verbs for a messy set: duplicates and leaks between splits, strangers, poor pictures, a few that stand for all."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import closing

from sharedspace import answers, quality
from sharedspace.cli.files import out_path, write_csv
from sharedspace.cli.terminal import PARTLY, Answer, ProgressLine, say, table
from sharedspace.errors import BadInput
from sharedspace.workspace import Workspace

SHOWN = 20  # groups, pairs or images that people are told of; the document has all


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("-c", "--collection", required=True, metavar="NAME")
    parser.add_argument("--out", metavar="FILE.csv", help="write the rows as a table")


def duplicates_options(parser: ArgumentParser) -> None:
    """Options of `duplicates`."""
    _options(parser)
    parser.add_argument(
        "--threshold",
        type=float,
        default=quality.THRESHOLD,
        metavar="COSINE",
        help=f"from which two images are near duplicates (default: {quality.THRESHOLD:g})",
    )
    parser.add_argument(
        "--cosine-alone", action="store_true", help="do not ask whether the pictures themselves are the same"
    )
    parser.add_argument(
        "--leaks", metavar="FIELD", help="only those with two values of this field, such as the name of a split"
    )


def duplicates(workspace: Workspace, args: Namespace) -> Answer:
    """Groups of near duplicates, each with the one to keep; status 1 when there are none."""
    out = None if args.out is None else out_path(args.out, ".csv")
    collection, look = workspace.collection(args.collection).pinned(), not args.cosine_alone
    records = collection.snapshot().records
    with closing(ProgressLine()) as line:
        if args.leaks is not None:
            leaks = collection.leaks(args.leaks, args.threshold, look, line)
            document = answers.leaks(leaks, records, args.leaks, collection.column(args.leaks), args.threshold)
            lines, none = _leak_lines(document), not document["pairs"] and not document["several"]
            rows = document["pairs"]
        else:
            document = answers.duplicates(collection.duplicates(args.threshold, look, line), records)
            lines, none = _group_lines(document), not document["groups"] and not document["exact"]
            rows = document["rows"]
    if out is not None:
        write_csv(out, LEAK if args.leaks is not None else DUPLICATE, rows)
    if none:
        say("no near duplicates were found" + ("" if args.leaks is None else f" across {args.leaks}"))
    return Answer(document, lines, PARTLY if none else 0)


DUPLICATE = ("group", "id", "path", "keep", "reason")
LEAK = ("path_a", "value_a", "path_b", "value_b", "cosine", "id_a", "id_b")


def _group_lines(document: answers.Document) -> list[str]:
    rows = [("group", "images", "cosine", "keep", "since it is")]
    for place, group in enumerate(document["groups"][:SHOWN]):
        low, high = group["least_cosine"], group["greatest_cosine"]
        cosines = f"{low:.3f}" if low == high else f"{low:.3f}-{high:.3f}"
        keep = group["images"][0]
        rows.append((str(place), str(len(group["images"])), cosines, keep["path"], group["reason"]))
    lines = table(rows, "rrr") if document["groups"] else []
    inside = sum(len(group["images"]) for group in document["groups"])
    lines.append(
        f"{_counted(len(document['groups']), 'group')} of near duplicates with {inside:,} images, from cosine "
        f"{document['threshold']:g} on"
    )
    if len(document["groups"]) > SHOWN:
        lines.append(f"{len(document['groups']) - SHOWN:,} groups are not shown here: --json or --out has them all")
    if document["alike"]:
        pairs = _counted(document["alike"], "more pair")
        lines.append(f"{pairs} as near to the model, whose pictures are not the same")
    if document["unseen"]:
        lines.append(
            f"{_counted(document['unseen'], 'more pair')} not compared, for there are too many: see --threshold"
        )
    if document["exact"]:
        names = sum(len(one["names"]) for one in document["exact"])
        lines.append(f"{_counted(names, 'more file')} with the same bytes as one of the images")
    if document["cut"]:
        lines.append(f"there are too many pairs to keep: only those from {document['least']:.3f} on were looked at")
    return lines


def _leak_lines(document: answers.Document) -> list[str]:
    rows = [("between", "and", "pairs")]
    rows += [(*leak["values"], f"{leak['pairs']:,}") for leak in document["between"]]
    lines = table(rows, "  r") if document["between"] else []
    lines += table(
        [
            ("cosine", document["field"], "image", document["field"], "image"),
            *(
                (f"{one['cosine']:.3f}", one["value_a"], one["path_a"], one["value_b"], one["path_b"])
                for one in document["pairs"][:SHOWN]
            ),
        ]
    )[: 1 + SHOWN if document["pairs"] else 0]
    lines.append(f"{_counted(len(document['pairs']), 'near-duplicate pair')} across {document['field']}")
    if document["several"]:
        lines.append(f"{_counted(len(document['several']), 'image')} with the same bytes in several of them")
    return lines


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def outliers_options(parser: ArgumentParser) -> None:
    """Options of `outliers`."""
    _options(parser)
    parser.add_argument(
        "-k", type=int, default=quality.K, help=f"the neighbour whose distance counts (default: {quality.K})"
    )
    parser.add_argument("--top", type=int, default=SHOWN, metavar="N", help=f"how many (default: {SHOWN})")


def outliers(workspace: Workspace, args: Namespace) -> Answer:
    """The images that stand alone, the strangest first."""
    out = None if args.out is None else out_path(args.out, ".csv")
    if args.top < 1:
        raise BadInput(f"Ask for at least one image, not {args.top}.")
    collection = workspace.collection(args.collection).pinned()
    with closing(ProgressLine()) as line:
        found = collection.outliers(args.k, line)
    document = answers.outliers(found, collection.snapshot().records, args.top)
    if out is not None:
        write_csv(out, ("rank", "id", "path", "score", "distance", "spread", "percentile"), document["rows"])
    rows = [("rank", "distance", "spread", "stranger than", "image")]
    rows += [
        (one["rank"], f"{one['distance']:.3f}", f"{one['spread']:.1f}", f"{one['percentile']:.1f} %", one["path"])
        for one in document["rows"]
    ]
    return Answer(document, table(rows, "rrrr"))


def subset_options(parser: ArgumentParser) -> None:
    """Options of `subset`."""
    _options(parser)
    parser.add_argument("-n", type=int, default=SHOWN, metavar="N", help=f"how many (default: {SHOWN})")
    parser.add_argument(
        "--typical", action="store_true", help="the middles of N groups; else N that are as different as can be"
    )


def subset(workspace: Workspace, args: Namespace) -> Answer:
    """A few images that stand for all."""
    out = None if args.out is None else out_path(args.out, ".csv")
    collection = workspace.collection(args.collection).pinned()
    kind: quality.Kind = "typical" if args.typical else "diverse"
    with closing(ProgressLine()) as line:
        chosen = collection.subset(args.n, kind, line)
    document = answers.subset(chosen, collection.snapshot().records, kind)
    if out is not None:
        write_csv(out, ("id", "path", "stands_for"), document["rows"])
    lines = table(
        [("stands for", "image"), *((f"{one['stands_for']:,}", one["path"]) for one in document["rows"])], "r"
    )
    lines.append(f"every image has a cosine of {document['worst']:.3f} or more with one of them")
    return Answer(document, lines)


def looks_options(parser: ArgumentParser) -> None:
    """Options of `looks`."""
    _options(parser)


def looks(workspace: Workspace, args: Namespace) -> Answer:
    """Blurred, dark, tiny and odd-shaped pictures; status 1 when there are none."""
    out = None if args.out is None else out_path(args.out, ".csv")
    collection = workspace.collection(args.collection).pinned()
    with closing(ProgressLine()) as line:
        found = collection.looks(line)
    document = answers.looks(found, collection.snapshot().records)
    if out is not None:
        write_csv(out, ("flaw", "id", "path", "measure"), document["rows"])
    rows = [("flaw", "measure", "image")]
    rows += [(one["flaw"], f"{one['measure']:.3g}", one["path"]) for one in _first_of_each(document)]
    lines = table(rows, " r") if document["rows"] else []
    lines.append(", ".join(f"{count:,} {flaw}" for flaw, count in document["counts"].items()))
    if not document["rows"]:
        say("no poor pictures were found")
    return Answer(document, lines, 0 if document["rows"] else PARTLY)


def _first_of_each(document: answers.Document) -> list[answers.Document]:
    own = {flaw: [one for one in document["rows"] if one["flaw"] == flaw] for flaw in document["counts"]}
    return [one for rows in own.values() for one in rows[:SHOWN]]
