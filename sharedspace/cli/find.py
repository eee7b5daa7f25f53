"""The verb that searches: any number of texts and pictures, for and against, under filters."""

from __future__ import annotations

import math
from argparse import Action, ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sharedspace import answers, chance, filters, limits
from sharedspace.cli.ask import tell_unknown, unknown_words
from sharedspace.cli.terminal import PARTLY, Answer, say, table
from sharedspace.collection import Collection
from sharedspace.errors import BadInput
from sharedspace.filters import Condition
from sharedspace.questions import Part
from sharedspace.records import SearchResult, Term
from sharedspace.workspace import Workspace

MOST = 100.0  # the greatest weight, as of a saved query


@dataclass
class Given:
    """One part of the query as it was typed."""

    text: str | None
    image: str | None  # a path
    sign: float  # 1 for it, -1 against it
    weight: float = 1.0


class _AddPart(Action):
    """Puts a text or picture behind those before it, so that --weight belongs to the part before it."""

    def __call__(self, parser: ArgumentParser, namespace: Namespace, values: Any, option: str | None = None) -> None:
        if values is None:
            return  # a TEXT that is not there
        parts = [*(getattr(namespace, "parts", None) or ())]
        if self.const == "weight":
            if not parts:
                parser.error("--weight belongs behind the text or picture that it weighs")
            if not abs(values) <= MOST:
                parser.error(f"--weight is a number from {-MOST:g} to {MOST:g}, not {values}")
            parts[-1].weight = values
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
    collection = workspace.collection(args.collection)
    where = [filters.parse(condition) for condition in args.where]
    if not args.parts and args.saved is None:
        raise BadInput("Give a TEXT, --image PATH or --saved NAME to look for.")
    result = _from_index(collection, args) if args.index == "chroma" else _exact(collection, args, where)
    unknown, cut = _not_read(collection, [term.name for term in result.terms if term.kind == "text"])
    pairs = None if result.no_match_line is None else collection.baseline().pair_percentile
    document = answers.search(result, _percentiles(collection, result), pairs, unknown, cut)
    return Answer(document, hit_lines(result), 0 if result.matched else PARTLY)


def _exact(collection: Collection, args: Namespace, where: Sequence[Condition]) -> SearchResult:
    terms = [] if args.saved is None else list(collection.terms(collection.saved_query(args.saved)))
    terms += [_term(collection, part) for part in args.parts]
    result = collection.ask(terms, args.k, where, rate=chance.RATE if args.rate is None else args.rate)
    if args.rate is not None and result.no_match_line is None:
        raise BadInput("--rate moves the no-match line, and only a single text has one: leave it out.")
    if result.no_match_line == math.inf:
        least = math.ceil(2e4 / (len(collection.baseline().reached) + 1)) / 1e4
        raise BadInput(
            f"The captions that the no-match line is drawn by are too few for --rate {args.rate}: the least is {least}."
        )
    return result


def _from_index(collection: Collection, args: Namespace) -> SearchResult:
    text = args.parts[0].text if len(args.parts) == 1 else None
    more = args.saved is not None or args.where or args.rate is not None
    if text is None or more or args.parts != [Given(text, None, 1.0)]:
        raise BadInput("--index chroma answers a single text only, without filters, weight and --rate.")
    return collection.search(text, args.k, "chroma")


def _percentiles(collection: Collection, result: SearchResult) -> list[float]:
    """Of each hit; by the exact scores, since the index rounds its own otherwise."""
    rows = {id: row for row, id in enumerate(collection.snapshot().ids)}
    return [chance.percentile(result.scores, float(result.scores[rows[hit.id]])) for hit in result]


def _term(collection: Collection, given: Given) -> Term:
    weight = given.sign * given.weight
    if given.text is not None:
        return collection.terms([Part(given.text, weight=weight)])[0]
    path = str(given.image)
    return Term("image", path, collection.embed_picture(picture(path), path), weight)


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
    unknown, tokens = unknown_words(collection, texts), [collection.encoder.tokens(text) for text in texts]
    tell_unknown(collection, unknown)
    for one in tokens:
        if one.cut:
            say(f"only the first {one.limit} tokens were read, the rest was cut off")
    return unknown, sum(one.cut for one in tokens)


def hit_lines(result: SearchResult) -> list[str]:
    """The hits as a table: which of them match where there is a line, who contributed where there are several parts."""
    if not result.hits:
        say("no image passes these filters; hidden ones pass only --where tag=hidden")
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
        head.append(_short(term, max(8, 44 // len(result.terms))))
        for row, hit in zip(rows, result.hits, strict=True):
            row.append(f"{hit.parts[place]:+.2f}")
    for row, hit in zip(rows, result.hits, strict=True):
        row.append(hit.path)
    return table([[*head, "path"], *rows], "r" * len(head))


def _short(term: Term, most: int) -> str:
    """The name of a column for a term, of at most so many characters; of a path its end tells more."""
    sign = "not " if term.weight < 0 else ""
    room = most - len(sign)
    if len(term.name) <= room:
        return sign + term.name
    return sign + (f"{term.name[: room - 1]}…" if term.kind == "text" else f"…{term.name[1 - room :]}")
