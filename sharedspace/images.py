"""Pictures: bytes in, an upright bounded RGB picture and its thumbnail out. Owns Pillow."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sharedspace import limits
from sharedspace.errors import BadInput, Unreadable

if TYPE_CHECKING:
    from PIL import Image

# By name, so that Pillow never hands a file to a plug-in that runs other programs (EPS starts Ghostscript).
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"})
HEIC = {b"ftyp" + brand for brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")}
SIDE = 224  # pixels of the shorter side that most models read
# Times that much is decoded at least, and never less than LEAST: the smaller a model reads, the more it sees of it. So
# the worst of 230 photographs has cosine 0.99998 to the one that was decoded whole (pocket); with 192 pixels 0.993.
KEPT = 3
LEAST = 512
# Pixels from which pictures are decoded one at a time: 80 million take up to 0.9 GB, and every core may have one.
LARGE = 16_000_000
_one_at_a_time = threading.Lock()
ORIENTATION = 0x0112  # EXIF tag
# By its value the Image.Transpose that turns the picture upright. Pillow's own exif_transpose also writes the EXIF
# anew, and fails where that is damaged.
TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
QUARTERS = {5, 4, 6, 2}  # those of them that change width with height
THUMB_SIDE = 256  # pixels of the longer side
HEAT_SIDE = 512  # pixels of the longer side of a heat map
# From a little to the most heat, such that over black, white and every grey more heat is farther from it in Oklab.
HEAT = ((255, 200, 80), (252, 160, 40), (244, 100, 20), (225, 20, 45))
SKETCH = 64  # pixels of both sides of a sketch
LEAST_SLOPES = 1e-7  # variance of the steps between pixels, 0..1, under which a picture is one plain colour
SIDE_BY_SIDE = 384  # pixels of both sides of a picture in a difference
LATIN = 0x17F  # the last letter of Latin Extended-A


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: RGB, upright; a large one at a fraction of its size."""

    id: str  # sha256 of the bytes, hex
    image: Image.Image
    width: int  # pixels of the original, upright
    height: int


def fingerprint(data: bytes) -> str:
    """The one key of an image: sha256 of its bytes, 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def decode(data: bytes, item: str, side: int = SIDE) -> Picture:
    """Decode a picture of any supported format for a model that reads `side` pixels; raises Unreadable.

    A JPEG is decoded at a half, a quarter or an eighth where its shorter side keeps KEPT times what the model reads;
    what is larger than twice that is reduced in whole steps.
    """
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = (
        None  # Pillow only warns up to twice its limit: ours is checked before any pixel is decoded
    )
    if not data:
        raise Unreadable(item, "the file is empty")
    if reason := limits.current().file(len(data)):
        raise Unreadable(item, reason)
    try:
        opened = Image.open(io.BytesIO(data), formats=FORMATS)
        width, height = opened.size
    except Exception as error:  # each format has its own, struct.error and TypeError among them
        raise Unreadable(item, _what(data)) from error
    if reason := limits.current().size(width, height):
        raise Unreadable(item, reason)
    try:
        turn = _turn(opened)
        if turn in QUARTERS:
            width, height = height, width
        least = max(KEPT * side, LEAST)
        opened.draft("RGB", (least, least))
        with _one_at_a_time if opened.width * opened.height > LARGE else nullcontext():
            picture = _rgb(opened if turn is None else opened.transpose(Image.Transpose(turn)))
            if (times := min(picture.size) // max(2 * KEPT * side, LEAST)) > 1:
                picture = picture.reduce(times)
    except MemoryError:
        raise
    except Exception as error:
        raise Unreadable(item, f"damaged or cut short ({error})") from error
    return Picture(fingerprint(data), picture, width, height)


def _turn(opened: Image.Image) -> int | None:
    """How a picture has to be turned, a value of Image.Transpose; None for not at all."""
    if opened.format == "TIFF":  # Pillow turns it by itself, and gives its size upright
        return None
    return TURNS.get(opened.getexif().get(ORIENTATION, 1))


def _what(data: bytes) -> str:
    """What a file is that cannot be read as a picture, and the way out, as far as its first bytes tell."""
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if data[4:12] in HEIC:
        return "HEIC, which is not read here: convert it to JPEG first"
    if b"<svg" in head or head.startswith(b"<?xml"):
        return "SVG, a drawing and not a picture of pixels: export it as PNG"
    if head.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script")):
        return "HTML, a web page and not a picture"
    return "not a picture that can be read (JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF)"


def thumbnail(image: Image.Image) -> bytes:
    """A JPEG, longer side at most THUMB_SIDE pixels, without any of the original's metadata.

    Next to WebP it is a fifth larger and ten times faster to write: 0.1 ms instead of 1.3.
    """
    from PIL import Image

    small = image.copy()
    small.thumbnail((THUMB_SIDE, THUMB_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    small.info = {}  # Pillow would write a comment of the original's into it
    out = io.BytesIO()
    small.save(out, "JPEG", quality=85)
    return out.getvalue()


def media_type(thumbnail: Path) -> str:
    """What a thumbnail is: a JPEG, or a WebP of the sample set."""
    with thumbnail.open("rb") as opened:
        return "image/jpeg" if opened.read(3) == b"\xff\xd8\xff" else "image/webp"


def _rgb(image: Image.Image) -> Image.Image:
    from PIL import Image

    if image.mode.startswith("I;16"):
        # convert() alone clips 16 bits to white, and of big-endian ones point() knows nothing.
        image = image.convert("I").point(lambda value: value / 257).convert("L")
    elif image.mode in ("I", "F"):  # numbers of any range: their own extremes become black and white
        values = np.array(image, dtype=np.float32)
        finite = np.isfinite(values)
        if not finite.any():
            raise ValueError("no pixel is a number")
        low, high = float(values[finite].min()), float(values[finite].max())
        values = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) * (255 / (high - low or 1))
        image = Image.fromarray(values.astype(np.uint8))
    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def heat_png(picture: Image.Image, heat: np.ndarray, box: tuple[float, float, float, float]) -> bytes:
    """A PNG of an upright picture, paler, with a heat map (r, c) over its box (left, top, right, bottom; parts, 0..1).

    What is above 0 is drawn, from a breath of yellow to red at the highest; what lies outside the box is dimmed.
    """
    from PIL import Image

    small = picture.convert("RGB")
    small.thumbnail((HEAT_SIDE, HEAT_SIDE), Image.Resampling.LANCZOS)
    pixels = np.asarray(small, dtype=np.float32)
    ground = 0.35 * pixels + 0.65 * np.asarray(small.convert("L"), dtype=np.float32)[..., None]
    width, height = small.size
    left, right = (round(share * width) for share in box[::2])
    top, bottom = (round(share * height) for share in box[1::2])
    size = max(right - left, 1), max(bottom - top, 1)
    shares = np.maximum(heat, 0) / max(float(heat.max()), 1e-12)
    smooth = Image.fromarray(shares.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    strength = np.asarray(smooth).clip(0, 1)  # (h, w)
    ramp = np.array(HEAT, dtype=np.float32)
    stops = np.linspace(0, 1, len(ramp))
    colours = np.stack([np.interp(strength, stops, channel) for channel in ramp.T], axis=-1)
    cover = 0.85 * strength[..., None]
    seen = slice(top, top + size[1]), slice(left, left + size[0])
    painted = 0.4 * ground + 0.6 * 128  # of what the model does not see
    painted[seen] = (1 - cover) * ground[seen] + cover * colours
    return png(Image.fromarray(np.rint(painted).astype(np.uint8)))


@dataclass(frozen=True, slots=True)
class Looks:
    """How a picture looks, by its pixels in grey, longer side at most THUMB_SIDE."""

    brightness: float  # mean, 0 black to 1 white
    contrast: float  # standard deviation, 0 to 0.5
    sharpness: float  # variance of the Laplacian (Pech-Pacheco et al. 2000) over that of the slopes; 0 of a plain one


def looks(data: bytes, item: str) -> Looks:
    """Brightness, contrast and sharpness of a picture; raises Unreadable.

    Over the variance of the slopes, the Laplacian's says how fine the detail is, not how much of it there is: of 120
    photographs and 156 drawings the least is 0.76, and blurred by 3 pixels of 256 nearly all have less than 0.5.
    """
    grey = _grey(data, item, THUMB_SIDE)
    grey.thumbnail((THUMB_SIDE, THUMB_SIDE))
    pixels = np.asarray(grey, dtype=np.float32) / 255
    inner = pixels[1:-1, 1:-1]
    around = pixels[:-2, 1:-1] + pixels[2:, 1:-1] + pixels[1:-1, :-2] + pixels[1:-1, 2:]
    slopes = float(np.diff(pixels, axis=0).var() + np.diff(pixels, axis=1).var()) if inner.size else 0.0
    sharp = float((around - 4 * inner).var()) / slopes if slopes > LEAST_SLOPES else 0.0
    return Looks(float(pixels.mean()), float(pixels.std()), sharp)


def sketch(data: bytes, item: str) -> np.ndarray:
    """A picture in grey, squeezed into a square, (SKETCH, SKETCH) uint8; raises Unreadable."""
    from PIL import Image

    grey = _grey(data, item, SKETCH)
    return np.asarray(grey.resize((SKETCH, SKETCH), Image.Resampling.BOX))


def _grey(data: bytes, item: str, side: int) -> Image.Image:
    return decode(data, item, side).image.convert("L")


def difference_png(one: bytes, other: bytes, times: float = 3.0) -> bytes:
    """Two pictures and beside them where they differ, `times` as strong, as a PNG; raises Unreadable.

    The second is stretched to the shape of the first: black is where both are the same.
    """
    from PIL import Image, ImageChops

    first = decode(one, "the first picture", SIDE_BY_SIDE).image
    first.thumbnail((SIDE_BY_SIDE, SIDE_BY_SIDE))
    second = decode(other, "the second picture", SIDE_BY_SIDE).image.resize(first.size)
    between = ImageChops.difference(first, second).point(lambda value: min(255, round(value * times)))
    sheet = Image.new("RGB", (3 * first.width, first.height))
    for place, part in enumerate((first, second, between)):
        sheet.paste(part, (place * first.width, 0))
    return png(sheet)


def png(picture: Image.Image) -> bytes:
    """A picture as the bytes of a PNG."""
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def stamp(picture: Image.Image, word: str, written: bool = True) -> Image.Image:
    """A copy with a white plate near the lower edge and a word in black on it; if not `written`, an empty plate.

    The plate is that of the word either way. Raises BadInput for a word of other than Latin letters: of those alone
    Pillow's own font has pictures.
    """
    from PIL import ImageDraw, ImageFont

    if not word.strip() or any(ord(letter) > LATIN for letter in word):
        raise BadInput(f"The word {word!r} cannot be stamped: give one in Latin letters.")
    stamped = picture.convert("RGB")
    draw = ImageDraw.Draw(stamped)
    wide = max(draw.textlength(word, ImageFont.load_default(100)), 1.0)  # in pixels, of letters 100 high
    font = ImageFont.load_default(max(1.0, min(0.2 * stamped.height, 0.86 * stamped.width * 100 / wide)))
    middle = (stamped.width / 2, 0.84 * stamped.height)
    left, top, right, bottom = draw.textbbox(middle, word, font, anchor="mm")
    edge = 0.03 * min(stamped.size)
    draw.rectangle((left - edge, top - edge, right + edge, bottom + edge), "white", "black")
    if written:
        draw.text(middle, word, "black", font, anchor="mm")
    return stamped


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
    return png(picture.resize(size, Image.Resampling.LANCZOS))


def _one_line(text: str, longest: int) -> str:
    words = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    return words if len(words) <= longest else f"{words[: longest - 1]}…"
