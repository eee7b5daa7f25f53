"""The verb that draws: the map as a page, a picture or a table."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from sharedspace import answers, gap, images
from sharedspace.cli.ask import tell_unknown, unknown_words
from sharedspace.cli.files import out_path, write, write_csv
from sharedspace.cli.terminal import Answer, printable, say
from sharedspace.collection import Collection
from sharedspace.errors import BadInput
from sharedspace.records import Drawing, Placement, SpaceMap
from sharedspace.workspace import Workspace

Texts = list[tuple[str, float, float]]  # words and where they stand, map units
KNOBS = (
    ("--neighbours", int, "n_neighbors", "how many neighbours hold the map together: few show detail"),
    ("--min-dist", float, "min_dist", "how tightly groups are packed, 0 to 0.99"),
    ("--seed", int, "seed", "the same seed gives the same map"),
)


def options(parser: ArgumentParser) -> None:
    """Options of `map`."""
    parser.add_argument("-c", "--collection", required=True, metavar="NAME")
    parser.add_argument(
        "--text", action="append", default=[], metavar="T", help="words to place on the map; repeatable"
    )
    parser.add_argument("--colour", metavar="FIELD", help="colour by a metadata field")
    parser.add_argument("--redraw", action="store_true", help="draw the map anew, with all present images")
    for flag, kind, field, words in KNOBS:
        default = getattr(Drawing(), field)
        parser.add_argument(flag, type=kind, dest=field, metavar="N", help=f"{words}; draws anew (default: {default})")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--joint", action="store_true", help="images and texts where they really are, across their gap")
    where.add_argument("--along", nargs=2, metavar=("A", "B"), help="images by their cosines with two phrases")
    parser.add_argument("--trust", action="store_true", help="say how far the map can be trusted, also of a large one")
    parser.add_argument("--out", required=True, metavar="FILE.(html|png|csv)")


def draw_map(workspace: Workspace, args: Namespace) -> Answer:
    """Write the map, with texts on it, as a page, a picture or a table."""
    out = out_path(args.out, ".html", ".png", ".csv")
    collection = workspace.collection(args.collection)
    column = None if args.colour is None else collection.column(args.colour)
    phrases = list(args.along or ())
    tell_unknown(collection, unknown_words(collection, [*args.text, *phrases]))
    drawn = _drawn(collection, args)
    document = {"out": args.out, **answers.space_map(drawn), "drawing": asdict(drawn.drawing)}
    trust = collection.trust() if args.trust or collection.has_neighbours else None
    document["trust"] = None if trust is None else float(trust.mean())
    vectors = collection.embed(args.text)
    if args.joint:
        xy, texts, placed = _joint(collection, args.text, vectors, document)
    elif phrases:
        xy, texts, placed = _along(collection, phrases, document), [], []
    else:
        placed = [collection.place(vector) for vector in vectors]
        xy, texts = drawn.xy, [(text, *one.xy) for text, one in zip(args.text, placed, strict=True)]
    document["texts"] = [
        {"text": text, "x": x, "y": y} | ({} if not placed else _spread(placed[row]))
        for row, (text, x, y) in enumerate(texts)
    ]
    if out.suffix.lower() == ".csv":
        _write_csv(out, collection, xy, texts, None if args.joint or phrases else trust)
    else:
        _write_picture(out, collection, xy, texts, column)
    return Answer(document, _lines(args, document, texts))


def _drawn(collection: Collection, args: Namespace) -> SpaceMap:
    given = {field: getattr(args, field) for _, _, field, _ in KNOBS if getattr(args, field) is not None}
    return collection.redraw(Drawing(**given)) if args.redraw or given else collection.map()


def _spread(placed: Placement) -> answers.Document:
    return {"spread": placed.spread, "scattered": placed.scattered}


def _joint(
    collection: Collection, names: Sequence[str], vectors: np.ndarray, document: answers.Document
) -> tuple[np.ndarray, Texts, list[Placement]]:
    joint = collection.joint()
    document["gap"] = {
        "size": joint.gap,
        "image_image": joint.image_image,
        "text_text": joint.text_text,
        "image_text": joint.image_text,
        "separable": joint.separable,
        "shown": joint.shown,
    }
    places = joint.place(vectors).tolist() if len(names) else []
    return joint.images, [(name, x, y) for name, (x, y) in zip(names, places, strict=True)], []


def _along(collection: Collection, phrases: Sequence[str], document: answers.Document) -> np.ndarray:
    if not all(phrase.strip() for phrase in phrases):
        raise BadInput("--along needs two phrases, each of a word or more.")
    a, b = collection.embed(phrases)
    cosines = gap.word_axes(collection.snapshot().vectors, a, b)
    document["along"] = {"x": phrases[0], "y": phrases[1], "nearer_to_x": int((cosines[:, 0] > cosines[:, 1]).sum())}
    return cosines


def _lines(args: Namespace, document: answers.Document, texts: Texts) -> list[str]:
    what = f"{document['images']:,} images" + (f", texts: {', '.join(map(printable, args.text))}" if texts else "")
    lines = [f"{printable(args.out)}: {what}"]
    if document["trust"] is not None and not (args.joint or args.along):
        lines.append(f"map trust {document['trust']:.2f}: the share of true neighbours that are drawn near")
    if args.joint:
        lines.append(f"modality gap {document['gap']['size']:.2f} between the means of images and of texts")
    for text in document["texts"]:
        if text.get("scattered"):
            say(f"the images nearest to {printable(text['text'])} are scattered: its place says little")
    return lines


def _write_csv(out: Path, collection: Collection, xy: np.ndarray, texts: Texts, trust: np.ndarray | None) -> None:
    points = zip(collection.snapshot().records, xy.tolist(), strict=True)
    rows: list[answers.Document] = [
        {"kind": "image", "id": record.id, "path": record.path, "x": x, "y": y} for record, (x, y) in points
    ]
    for row, value in zip(rows, () if trust is None else trust.tolist(), strict=False):
        row["trust"] = round(value, 4)
    rows += [{"kind": "text", "id": "", "path": text, "x": x, "y": y} for text, x, y in texts]
    write_csv(out, ["kind", "id", "path", "x", "y", *(["trust"] if trust is not None else [])], rows)


def _write_picture(
    out: Path, collection: Collection, xy: np.ndarray, texts: Texts, column: Sequence[object] | None
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
        write(out, images.scatter_png(xy, [theme.colour(code) for code in codes.tolist()], texts, legend))
        return
    captions = ["\n".join([record.path, *(f"{k}: {v}" for k, v in record.meta.items())]) for record in records]
    figure = spacemap.space_map(xy, captions, codes, names, texts)
    write(out, spacemap.page(figure, f"{collection.info.name} · Shared Space").encode())
