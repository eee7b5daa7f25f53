"""Verbs that ask: search, classify, cluster, map."""

from __future__ import annotations

import csv
import io
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from sharedspace import answers, clusters, images, limits, zeroshot
from sharedspace.cli.terminal import PARTLY, Answer, printable, say, table
from sharedspace.errors import BadInput
from sharedspace.records import SearchResult, SpaceMap, Tokens
from sharedspace.workspace import Collection, Workspace

Texts = list[tuple[str, float, float]]  # words and where they stand, map units


def _collection_option(parser: ArgumentParser) -> None:
    parser.add_argument("-c", "--collection", required=True, metavar="NAME")


def search_options(parser: ArgumentParser) -> None:
    """Options of `search`."""
    parser.add_argument("text", metavar="TEXT", nargs="?", help="what to look for")
    _collection_option(parser)
    parser.add_argument("--image", metavar="PATH", help="look for what is like this picture instead")
    parser.add_argument("-k", type=int, default=12, help="how many (default: 12)")
    parser.add_argument(
        "--index",
        choices=("exact", "chroma"),
        default="exact",
        help="compare with every image, or ask the index as other programs would (default: exact)",
    )


def search(workspace: Workspace, args: Namespace) -> Answer:
    """The images nearest to a text or a picture; status 1 when none of them matches."""
    if (args.text is None) == (args.image is None):
        raise BadInput("Give either a TEXT or --image PATH to look for.")
    collection = workspace.collection(args.collection)
    if args.image is not None:
        if args.index != "exact":
            raise BadInput("--index chroma answers texts only.")
        result, tokens = collection.search_image(_picture(args.image), args.image, args.k), Tokens((), 0, 0, ())
    else:
        result, tokens = collection.search(args.text, args.k, args.index), collection.encoder.tokens(args.text)
    _tell_unknown(collection, tokens.unknown)
    if tokens.cut:
        say(f"only the first {tokens.limit} tokens were read, the rest was cut off")
    return Answer(
        answers.search(result, tokens.unknown, tokens.cut), hit_lines(result), 0 if result.matched else PARTLY
    )


def hit_lines(result: SearchResult) -> list[str]:
    """The hits as a table; where a no-match line is known, it is said and every hit carries its side of it."""
    if result.no_match_line is None:
        return table([("rank", "score", "path"), *((hit.rank, f"{hit.score:.4f}", hit.path) for hit in result)], "rr")
    say(f"a score under {result.no_match_line:.4f} is not better than chance for this query")
    rows = [(hit.rank, f"{hit.score:.4f}", "yes" if hit.matched else "no", hit.path) for hit in result]
    return table([("rank", "score", "match", "path"), *rows], "rr")


def _picture(path: str) -> bytes:
    found = Path(path)
    if not found.is_file():  # a pipe or device would be waited for, or never end
        raise BadInput(f"{path} is not a file.")
    if reason := limits.current().file(found.stat().st_size):
        raise BadInput(f"{path}: {reason}.")
    return found.read_bytes()


def _tell_unknown(collection: Collection, words: Sequence[str]) -> None:
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
    out = None if args.out is None else _out(args.out, ".csv")
    collection = workspace.collection(args.collection)
    labels, templates = zeroshot.parse_labels(args.labels), args.template or [zeroshot.TEMPLATE]
    result = collection.classify(labels, templates, args.temperature, args.truth)
    known = (None, 0) if result.truth is None else zeroshot.accuracy(labels, result.best, result.truth)
    unknown = _unknown(collection, [*labels, *(template.replace("{}", " ") for template in templates)])
    _tell_unknown(collection, unknown)
    document = answers.classify(result, known, unknown)
    if out is not None:
        fields = ["id", "path", "label", "probability", *(["truth"] if args.truth else [])]
        _write_csv(out, fields, document["rows"])
    nothing = args.truth is not None and known[1] == 0
    if nothing:
        say(f"no image has one of these labels in {printable(args.truth)}: there is no accuracy to tell")
    return Answer(document, _classify_lines(document), PARTLY if nothing else 0)


def _unknown(collection: Collection, texts: Iterable[str]) -> list[str]:
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
    out = None if args.out is None else _out(args.out, ".csv")
    if args.k is not None and args.method != "kmeans":
        raise BadInput("-k belongs to --method kmeans; hdbscan finds the number of groups by itself.")
    if args.min_size is not None and args.method != "hdbscan":
        raise BadInput("--min-size belongs to --method hdbscan.")
    collection = workspace.collection(args.collection)
    k = min(8, max(1, collection.info.images)) if args.k is None else args.k
    result = collection.cluster(args.method, k, args.min_size)
    document = answers.cluster(result)
    if out is not None:
        _write_csv(out, ["id", "path", "cluster"], document["rows"])
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


def map_options(parser: ArgumentParser) -> None:
    """Options of `map`."""
    _collection_option(parser)
    parser.add_argument(
        "--text", action="append", default=[], metavar="T", help="words to place on the map; repeatable"
    )
    parser.add_argument("--colour", metavar="FIELD", help="colour by a metadata field")
    parser.add_argument("--redraw", action="store_true", help="draw the map anew, with all present images")
    parser.add_argument("--out", required=True, metavar="FILE.(html|png|csv)")


def draw_map(workspace: Workspace, args: Namespace) -> Answer:
    """Write the map, with texts on it, as a page, a picture or a table."""
    out = _out(args.out, ".html", ".png", ".csv")
    collection = workspace.collection(args.collection)
    column = None if args.colour is None else collection.column(args.colour)
    vectors = collection.embed(args.text) if args.text else ()
    _tell_unknown(collection, _unknown(collection, args.text))
    drawn = collection.redraw() if args.redraw else collection.map()
    placed = [collection.place(vector).xy for vector in vectors]
    texts = [(text, x, y) for text, (x, y) in zip(args.text, placed, strict=True)]
    if out.suffix.lower() == ".csv":
        _write_map_csv(out, collection, drawn, texts)
    else:
        _write_map_picture(out, collection, drawn, texts, column)
    document = {"out": args.out, **answers.space_map(drawn, texts)}
    what = f"{len(drawn.ids):,} images" + (f", texts: {', '.join(map(printable, args.text))}" if texts else "")
    return Answer(document, [f"{printable(args.out)}: {what}"])


def _write_map_csv(out: Path, collection: Collection, drawn: SpaceMap, texts: Texts) -> None:
    points = zip(collection.snapshot().records, drawn.xy.tolist(), strict=True)
    rows: list[answers.Document] = [
        {"kind": "image", "id": record.id, "path": record.path, "x": x, "y": y} for record, (x, y) in points
    ]
    rows += [{"kind": "text", "id": "", "path": text, "x": x, "y": y} for text, x, y in texts]
    _write_csv(out, ["kind", "id", "path", "x", "y"], rows)


def _write_map_picture(
    out: Path, collection: Collection, drawn: SpaceMap, texts: Texts, column: Sequence[object] | None
) -> None:
    from sharedspace.plots import spacemap, theme

    records = collection.snapshot().records
    codes, names, _ = theme.categories([None] * len(records) if column is None else column)
    if column is None:
        codes = np.zeros(len(records), dtype=np.uint8)  # one colour, and no legend
    if out.suffix.lower() == ".png":
        legend = [(name, theme.colour(code)) for code, name in enumerate(names)]
        if names and theme.OTHER_CODE in codes:
            legend.append(("other", theme.OTHER))
        _write(out, images.scatter_png(drawn.xy, [theme.colour(code) for code in codes.tolist()], texts, legend))
        return
    captions = ["\n".join([record.path, *(f"{k}: {v}" for k, v in record.meta.items())]) for record in records]
    figure = spacemap.space_map(drawn.xy, captions, codes, names, texts)
    _write(out, spacemap.page(figure, f"{collection.info.name} · Shared Space").encode())


def _out(given: str, *endings: str) -> Path:
    """The file to write, looked at before the work begins."""
    path = Path(given)
    if path.suffix.lower() not in endings:
        raise BadInput(f"{given} cannot be written: its name has to end in {' or '.join(endings)}.")
    if not path.parent.is_dir():
        raise BadInput(f"{given} cannot be written: there is no folder {path.parent}.")
    return path


def _write_csv(path: Path, fields: Sequence[str], rows: Iterable[answers.Document]) -> None:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, fields, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({field: answers.cell(value) for field, value in row.items()} for row in rows)
    _write(path, out.getvalue().encode("utf-8", "backslashreplace"))


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from error
