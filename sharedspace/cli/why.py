"""The verb that explains: which words and which parts of a picture make its score."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from sharedspace import explain, images
from sharedspace.cli.files import out_path, write
from sharedspace.cli.find import picture
from sharedspace.cli.terminal import Answer, printable, say, table
from sharedspace.errors import BadInput
from sharedspace.records import Tokens


def options(parser: ArgumentParser) -> None:
    """Options of `explain`."""
    parser.add_argument("text", metavar="TEXT", help="what the picture is compared with")
    parser.add_argument("--image", required=True, metavar="PATH", help="the picture")
    parser.add_argument("-m", "--model", default="pocket", help="the model that compares them (default: pocket)")
    parser.add_argument("--out", metavar="FILE.png", help="write the picture with the heat of its parts over it")


def why(args: Namespace) -> Answer:
    """How much each word of a text and each part of a picture has to do with their score."""
    if not args.text.strip():
        raise BadInput('There is no text to explain: give at least one word, such as "a red boat".')
    out = None if args.out is None else out_path(args.out, ".png")
    data = picture(args.image)
    encoder = args.load(args.model)
    decoded = images.decode(data, args.image, encoder.side).image
    words = explain.words(encoder, args.text, encoder.images([decoded])[0])
    patches = explain.patches(encoder, decoded, words.vector)
    tokens = encoder.tokens(args.text)
    _say_unread(args.model, tokens)
    if out is not None:
        write(out, images.heat_png(decoded, patches.heat, patches.box))
    rows, columns = patches.heat.shape
    document = {
        "text": args.text,
        "image": args.image,
        "model": args.model,
        "score": words.score,
        "words": [{"word": one.word, "change": one.change} for one in words.words],
        "patches": {
            "rows": rows,
            "columns": columns,
            "heat": patches.heat.tolist(),
            "box": list(patches.box),
            "where": patches.where,
        },
        "method": explain.METHOD,
        "unknown_words": list(tokens.unknown),
        "cut": tokens.cut,
        "out": args.out,
    }
    return Answer(document, _lines(words, patches, args.out))


def _say_unread(model: str, tokens: Tokens) -> None:
    if tokens.unknown:
        say(f"{printable(model)} does not know: {', '.join(map(printable, tokens.unknown))}")
    if tokens.cut:
        say(f"only the first {tokens.limit} tokens were read, the rest was cut off")


def _lines(words: explain.WordReasons, patches: explain.PatchReasons, out: str | None) -> list[str]:
    shares = [f"{share:.0%}" if share else "" for share in words.shares]
    rows = [(one.word, f"{one.change:+.4f}", share) for one, share in zip(words.words, shares, strict=True)]
    place = f"mostly the {patches.where}" if patches.where else "nowhere: hiding no part lowers the score"
    lines = [
        f"score {words.score:.4f}",
        *table([("without it", "change", "share"), *rows], " rr"),
        f"where it looks: {place}",
    ]
    left, top, right, bottom = patches.box
    if patches.box != (0.0, 0.0, 1.0, 1.0):
        lines.append(
            f"the model sees only the middle of the picture: {left:.0%} to {right:.0%} of its width, "
            f"{top:.0%} to {bottom:.0%} of its height"
        )
    lines.append(f"method: {explain.METHOD} for places, for words the score without each of them")
    if out is not None:
        lines.append(f"{printable(out)}: the picture, the warmer the more a part has to do with it")
    return lines
