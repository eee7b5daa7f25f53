"""The verb that draws: the map as a page, a picture or a table."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sharedspace import answers, gap, images, projection
from sharedspace.cli.ask import tell_unknown, unknown_words
from sharedspace.cli.files import out_path, write, write_csv
from sharedspace.cli.terminal import Answer, printable, say
from sharedspace.collection import Collection
from sharedspace.errors import BadInput, EmptyCollection
from sharedspace.records import Drawing
from sharedspace.workspace import Workspace

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
    for flag, kind, name, words in KNOBS:
        default = getattr(Drawing(), name)
        parser.add_argument(flag, type=kind, dest=name, metavar="N", help=f"{words}; draws anew (default: {default})")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--joint", action="store_true", help="images and texts where they really are, across their gap")
    where.add_argument("--along", nargs=2, metavar=("A", "B"), help="images by their cosines with two phrases")
    parser.add_argument("--trust", action="store_true", help="say how far the map can be trusted, also of a large one")
    parser.add_argument("--out", required=True, metavar="FILE.(html|png|csv)")


@dataclass(frozen=True, slots=True)
class Shown:
    """What is drawn: of the map, of the plane across the gap, or along two phrases."""

    xy: np.ndarray  # (n, 2)
    document: answers.Document  # what this one alone has to tell
    lines: list[str]
    texts: list[answers.Document] = field(default_factory=list)
    trust: np.ndarray | None = None  # (n,) 0..1
    axes: tuple[str, str] | None = None  # phrases


def draw_map(workspace: Workspace, args: Namespace) -> Answer:
    """Write the map, with texts on it, as a page, a picture or a table."""
    out = out_path(args.out, ".html", ".png", ".csv")
    drawing = _drawing(args)
    collection = workspace.collection(args.collection)
    column = None if args.colour is None else collection.column(args.colour)
    if not collection.snapshot().records:
        raise EmptyCollection(collection.info.name)
    tell_unknown(collection, unknown_words(collection, [*args.text, *(args.along or ())]))
    if args.joint:
        shown = _joint(collection, args.text)
    elif args.along:
        shown = _along(collection, *args.along)
    else:
        shown = _map(collection, args, drawing)
    passed = collection.mask()  # without the hidden
    rows = np.arange(len(shown.xy)) if passed is None else np.flatnonzero(passed)
    if out.suffix.lower() == ".csv":
        _write_csv(out, collection, shown, rows)
    else:
        _write_picture(out, collection, shown, rows, column)
    what = f"{len(rows):,} images" + (f", texts: {', '.join(map(printable, args.text))}" if args.text else "")
    document = {"out": args.out, **shown.document, "images": len(rows), "texts": shown.texts}
    return Answer(document, [f"{printable(args.out)}: {what}", *shown.lines])


def _drawing(args: Namespace) -> Drawing | None:
    """How the map is to be drawn anew, None where it is not; raises BadInput for what does not go together."""
    given = {name: getattr(args, name) for _, _, name, _ in KNOBS if getattr(args, name) is not None}
    anew = args.redraw or bool(given)
    if (args.joint or args.along) and (anew or args.trust):
        raise BadInput(
            "--joint and --along are exact, nothing is drawn for them: leave out --trust and what draws anew."
        )
    if args.along and args.text:
        raise BadInput("--along shows images by their cosines with two phrases, and no texts: leave out --text.")
    drawing = Drawing(**given)
    projection.check(drawing)
    return drawing if anew else None


def _map(collection: Collection, args: Namespace, drawing: Drawing | None) -> Shown:
    vectors = collection.embed(args.text)
    drawn = collection.map() if drawing is None else collection.redraw(drawing)
    trust = collection.trust() if args.trust or collection.has_neighbours else None
    lines = [] if trust is None else [f"map trust {trust.mean():.2f}: the share of true neighbours that are drawn near"]
    texts = []
    for text, vector in zip(args.text, vectors, strict=True):
        placed = collection.place(vector)
        texts.append(_text(text, placed.xy) | {"spread": placed.spread, "scattered": placed.scattered})
        if placed.scattered:
            say(f"the images nearest to {printable(text)} are scattered: its place says little")
    document = answers.space_map(drawn, None if trust is None else float(trust.mean()))
    return Shown(drawn.xy, document, lines, texts, trust)


def _text(text: str, xy: Sequence[float]) -> answers.Document:
    return {"text": text, "x": xy[0], "y": xy[1]}


def _joint(collection: Collection, names: Sequence[str]) -> Shown:
    vectors = collection.embed(names)
    joint = collection.joint()
    document = {
        "gap": {
            "size": joint.gap,
            "image_image": joint.image_image,
            "text_text": joint.text_text,
            "image_text": joint.image_text,
            "separable": joint.separable,
            "shown": joint.shown,
        }
    }
    texts = [_text(name, xy) for name, xy in zip(names, joint.place(vectors).tolist(), strict=True)]
    lines = [f"modality gap {joint.gap:.2f} between the means of images and of texts"]
    return Shown(joint.images, document, lines, texts)


def _along(collection: Collection, x: str, y: str) -> Shown:
    if not x.strip() or not y.strip():
        raise BadInput("--along needs two phrases, each of a word or more.")
    cosines = gap.word_axes(collection.snapshot().vectors, *collection.embed([x, y]))
    nearer = int((cosines[:, 0] > cosines[:, 1]).sum())
    line = f"x is the cosine with {printable(x)}, y with {printable(y)}: {nearer:,} images are nearer to {printable(x)}"
    return Shown(cosines, {"along": {"x": x, "y": y, "nearer_to_x": nearer}}, [line], axes=(x, y))


def _write_csv(out: Path, collection: Collection, shown: Shown, rows: np.ndarray) -> None:
    table: list[answers.Document] = []
    for row in rows.tolist():
        record, (x, y) = collection.snapshot().records[row], shown.xy[row].tolist()
        table.append({"kind": "image", "id": record.id, "path": record.path, "x": x, "y": y})
        if shown.trust is not None:
            table[-1]["trust"] = round(float(shown.trust[row]), 4)
    table += [{"kind": "text", "id": "", "path": text["text"], "x": text["x"], "y": text["y"]} for text in shown.texts]
    write_csv(out, ["kind", "id", "path", "x", "y", *(["trust"] if shown.trust is not None else [])], table)


def _write_picture(
    out: Path, collection: Collection, shown: Shown, rows: np.ndarray, column: Sequence[object] | None
) -> None:
    from sharedspace.plots import spacemap, theme

    records, xy = [collection.snapshot().records[row] for row in rows], shown.xy[rows]
    column = None if column is None else [column[row] for row in rows]
    texts = [(text["text"], text["x"], text["y"]) for text in shown.texts]
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
    for axis, phrase in zip(("xaxis", "yaxis"), shown.axes or (), strict=False):
        figure.update_layout({axis: {"visible": True, "title": f"cosine with {theme.plain(phrase)}"}})
    write(out, spacemap.page(figure, f"{collection.info.name} · Shared Space").encode())
