"""Pictures: bytes in, an upright bounded RGB picture and its thumbnail out. Owns Pillow."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sharedspace.errors import Unreadable

if TYPE_CHECKING:
    from PIL import Image

# By name, so that Pillow never hands a file to a plug-in that runs other programs (EPS starts Ghostscript).
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"})
MAX_BYTES = 100 * 2**20
MAX_PIXELS = 80_000_000
MAX_SIDE = 1024  # pixels of the longer side that reach a model
ORIENTATION = 0x0112  # EXIF tag
LYING = (5, 6, 7, 8)  # its values that turn the picture by a quarter
THUMB_SIDE = 256  # pixels of the longer side


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: RGB, upright, its longer side at most MAX_SIDE pixels."""

    id: str  # sha256 of the bytes, hex
    image: Image.Image
    width: int  # pixels of the original, upright
    height: int


def fingerprint(data: bytes) -> str:
    """The one key of an image: sha256 of its bytes, 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def decode(data: bytes, item: str) -> Picture:
    """Decode a picture of any supported format; raises Unreadable with the reason."""
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = (
        None  # Pillow only warns up to twice its limit: ours is checked before any pixel is decoded
    )
    if not data:
        raise Unreadable(item, "the file is empty")
    if len(data) > MAX_BYTES:
        raise Unreadable(item, f"{len(data) / 2**20:.0f} MB is over the limit of {MAX_BYTES // 2**20} MB")
    try:
        opened = Image.open(io.BytesIO(data), formats=FORMATS)
    except (OSError, ValueError, SyntaxError, RuntimeError) as error:  # each format has its own
        raise Unreadable(item, "not a picture that can be read (JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF)") from error
    if opened.width * opened.height > MAX_PIXELS:
        millions = opened.width * opened.height / 1e6
        raise Unreadable(item, f"{millions:.0f} million pixels is over the limit of {MAX_PIXELS // 10**6} million")
    width, height = opened.size
    try:
        if opened.format != "TIFF" and opened.getexif().get(ORIENTATION) in LYING:  # TIFF gives its size upright
            width, height = height, width
        opened.draft("RGB", (MAX_SIDE, MAX_SIDE))  # JPEG decodes at a fraction of its size where that suffices
        picture = _rgb(ImageOps.exif_transpose(opened))
    except (OSError, ValueError, SyntaxError, EOFError, RuntimeError) as error:
        raise Unreadable(item, f"damaged or cut short ({error})") from error
    picture.thumbnail((MAX_SIDE, MAX_SIDE), reducing_gap=2.0)
    return Picture(fingerprint(data), picture, width, height)


def thumbnail(image: Image.Image) -> bytes:
    """A WebP picture, longer side at most THUMB_SIDE pixels, without any of the original's metadata."""
    small = image.copy()
    small.thumbnail((THUMB_SIDE, THUMB_SIDE), reducing_gap=2.0)
    out = io.BytesIO()
    small.save(out, "WEBP", quality=80, method=2)
    return out.getvalue()


def _rgb(image: Image.Image) -> Image.Image:
    from PIL import Image

    if image.mode.startswith("I;16") or image.mode == "I":
        # convert() alone clips 16 bits to white, and of big-endian ones point() knows nothing.
        image = image.convert("I").point(lambda value: value / 257).convert("L")
    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def scatter_png(
    xy: np.ndarray,
    colours: Sequence[str],
    texts: Sequence[tuple[str, float, float]] = (),
    legend: Sequence[tuple[str, str]] = (),
    size: tuple[int, int] = (1600, 1200),
) -> bytes:
    """A PNG of points xy (n, 2), y upward, in their colours, with texts as diamonds and a legend of (name, colour).

    Equal scales in both directions, on white. Letters are Pillow's own: what is not Latin comes out as boxes.
    """
    from PIL import Image, ImageDraw, ImageFont

    fine = 2  # drawn larger and reduced, for smooth edges
    width, height = size[0] * fine, size[1] * fine
    edge, dot, room = 40 * fine, 7 * fine, 260 * fine if legend else 0
    marks = np.array([*xy.tolist(), *((x, y) for _, x, y in texts)], dtype=np.float64).reshape(-1, 2)
    low, high = marks.min(axis=0), marks.max(axis=0)
    free = np.array([width - room, height])
    scale = min((free - 2 * edge) / np.maximum(high - low, 1e-9))
    at = ((marks - (low + high) / 2) * (scale, -scale) + free / 2).tolist()  # pixels
    picture = Image.new("RGB", (width, height), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(20 * fine)
    for (x, y), colour in zip(at[: len(xy)], colours, strict=True):
        draw.ellipse((x - dot, y - dot, x + dot, y + dot), fill=colour, outline="white", width=fine)
    for (text, _, _), (x, y) in zip(texts, at[len(xy) :], strict=True):
        arm, words = 2 * dot, _one_line(text, 60)
        draw.polygon(((x - arm, y), (x, y - arm), (x + arm, y), (x, y + arm)), "#222222", "white", fine)
        left = min(max(x - draw.textlength(words, font) / 2, 0), width - draw.textlength(words, font))
        draw.text((left, y - arm - 28 * fine), words, "#222222", font, stroke_width=3 * fine, stroke_fill="white")
    for row, (name, colour) in enumerate(legend):
        x, y = width - room, edge + row * 34 * fine
        draw.ellipse((x, y, x + 2 * dot, y + 2 * dot), fill=colour)
        draw.text((x + 4 * dot, y - 4 * fine), _one_line(name, 22), "#222222", font)
    out = io.BytesIO()
    picture.resize(size, Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()


def _one_line(text: str, longest: int) -> str:
    words = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    return words if len(words) <= longest else f"{words[: longest - 1]}…"
