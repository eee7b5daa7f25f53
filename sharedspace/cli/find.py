"""The verb that searches: any number of texts and pictures, for and against, under filters."""

from __future__ import annotations

from argparse import Action, ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sharedspace import answers, chance, filters, limits
from sharedspace.cli.terminal import PARTLY, Answer, printable, say, table
from sharedspace.collection import Collection
from sharedspace.errors import BadInput
from sharedspace.questions import Part
from sharedspace.records import SearchResult, Term
from sharedspace.workspace import Workspace


@dataclass
class Given:
    """One part of the query as it was typed."""

    text: str | None
    image: str | None  # a path
    weight: float


class _AddPart(Action):
    """Puts a text or picture behind those before it, so that --weight belongs to the part before it."""

    def __call__(self, parser: ArgumentParser, namespace: Namespace, values: Any, option: str | None = None) -> None:
        if values is None:
            return  # a TEXT that is not there
        parts = [*(getattr(namespace, "parts", None) or ())]
        if self.const == "weight":
            if not parts:
                parser.error("--weight belongs behind the text or picture that it weighs")
            parts[-1].weight *= values
        else:
            sign, what = self.const
            text, image = (None, str(values)) if what == "image" else (str(values), None)
            parts.append(Given(text, image, sign))
        namespace.parts = parts


def options(parser: ArgumentParser) -> None:
    """Options of `search`."""
    parser.set_defaults(parts=())
    parser.add_argument(
        "text", metavar="TEXT", nargs="?", action=_AddPart, const=(1.0, "text"), help="what to look for"
    )
    parser.add_argument("-c", "--collection", required=True, metavar="NAME")
    for flag, metavar, const, words in (
        ("--also", "TEXT", (1.0, "text"), "more words for it"),
        ("--not", "TEXT", (-1.0, "text"), "words against it"),
        ("--image", "PATH", (1.0, "image"), "a picture for it"),
        ("--not-image", "PATH", (-1.0, "image"), "a picture against it"),
    ):
        parser.add_argument(
            flag, metavar=metavar, action=_AddPart, const=const, dest="parts", help=f"{words}; repeatable"
        )
    parser.add_argument(
        "--weight",
        metavar="W",
        type=float,
        action=_AddPart,
        const="weight",
        dest="parts",
        help="of the text or picture before it (default: 1); parts count alike at equal weights",
    )
    parser.add_argument(
        "--where",
        metavar="K=V",
        action="append",
        default=[],
        help="only images with this; also != > >= < <= ~; repeatable",
    )
    parser.add_argument("--saved", metavar="NAME", help="ask a query that was saved in the app")
    parser.add_argument("-k", type=int, default=12, help="how many (default: 12)")
    parser.add_argument(
        "--rate",
        type=float,
        default=chance.RATE,
        metavar="R",
        help=f"the share of absent queries that may pass the no-match line (default: {chance.RATE})",
    )
    parser.add_argument(
        "--index",
        choices=("exact", "chroma"),
        default="exact",
        help="compare with every image, or ask the index as other programs would (default: exact)",
    )


def search(workspace: Workspace, args: Namespace) -> Answer:
    """The images that fit a query best; status 1 when none of them matches."""
    collection, given = workspace.collection(args.collection), list(args.parts)
    where = [filters.parse(condition) for condition in args.where]
    if not given and args.saved is None:
        raise BadInput("Give a TEXT or --image PATH to look for.")
    terms = [] if args.saved is None else list(collection.terms(collection.saved_query(args.saved)))
    terms += [_term(collection, part) for part in given]
    if args.index == "chroma":
        if len(given) != 1 or given[0].text is None or given[0].weight <= 0 or args.saved is not None:
            raise BadInput("--index chroma answers a single text only.")
        result = collection.search(given[0].text, args.k, "chroma", where)
    else:
        result = collection.ask(terms, args.k, where, rate=args.rate)
    unknown, cut = _not_read(collection, [term.name for term in terms if term.kind == "text"])
    document = answers.search(result, unknown, cut) | {"searched": result.searched}
    return Answer(document, hit_lines(result), 0 if result.matched else PARTLY)


def _term(collection: Collection, given: Given) -> Term:
    if given.text is not None:
        return collection.terms([Part(given.text, weight=given.weight)])[0]
    path = str(given.image)
    return Term("image", path, collection.embed_picture(picture(path), path), given.weight)


def picture(path: str) -> bytes:
    """The bytes of a file that is to be a picture; raises BadInput where it cannot be read as one."""
    found = Path(path)
    if not found.is_file():  # a pipe or device would be waited for, or never end
        raise BadInput(f"{path} is not a file.")
    if reason := limits.current().file(found.stat().st_size):
        raise BadInput(f"{path}: {reason}.")
    return found.read_bytes()


def _not_read(collection: Collection, texts: Sequence[str]) -> tuple[list[str], int]:
    """Words that the model does not know, and how many tokens it did not read; both are said."""
    tokens = [collection.encoder.tokens(text) for text in texts]
    unknown = list(dict.fromkeys(word for one in tokens for word in one.unknown))
    if unknown:
        say(f"{printable(collection.info.space.model)} does not know: {', '.join(map(printable, unknown))}")
    for one in tokens:
        if one.cut:
            say(f"only the first {one.limit} tokens were read, the rest was cut off")
    return unknown, sum(one.cut for one in tokens)


def hit_lines(result: SearchResult) -> list[str]:
    """The hits as a table: which of them match where there is a line, who contributed where there are several parts."""
    if not result.hits:
        say("no image passes these filters")
        return []
    head, rows = ["rank", "score"], [[str(hit.rank), f"{hit.score:.4f}"] for hit in result]
    if result.no_match_line is not None:
        say(f"a score under {result.no_match_line:.4f} is not better than chance for this query")
        if not result.matched:
            say("nothing here matches; these are the nearest")
        head.append("match")
        for row, hit in zip(rows, result.hits, strict=True):
            row.append("yes" if hit.matched else "no")
    for place, term in enumerate(result.terms if len(result.terms) > 1 else ()):
        head.append(term.name if len(term.name) <= 24 else f"{term.name[:23]}…")
        for row, hit in zip(rows, result.hits, strict=True):
            row.append(f"{hit.parts[place]:+.2f}")
    for row, hit in zip(rows, result.hits, strict=True):
        row.append(hit.path)
    return table([[*head, "path"], *rows], "r" * len(head))
