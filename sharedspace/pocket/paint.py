"""How a scene of the pocket world is drawn: objects, their patterns, the sign, nuisances."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sharedspace.pocket.parts import Part
from sharedspace.pocket.scenery import Colour, background, mix, shade, spot
from sharedspace.pocket.shapes import SHAPES
from sharedspace.pocket.vocabulary import COLOURS
from sharedspace.pocket.world import Scene


def draw(scene: Scene, size: int, *, nuisance: bool = True) -> Image.Image:
    """Draw a scene as an RGB image of size x size pixels (drawn at twice that and reduced).

    Without `nuisance` the clutter, light, blur and noise are left out that training pictures have a share of.
    """
    rng = np.random.default_rng([scene.seed, 7])
    canvas = background(scene.setting, 2 * size, rng)
    for kind, colour, (x, y, radius) in _placements(scene, rng):
        _object(canvas, kind, shade(COLOURS[colour], rng), scene.pattern, (x, y, radius), rng)
    if scene.word is not None:
        _sign(canvas, scene.word, rng)
    small = canvas.resize((size, size), (Image.Resampling.BOX, Image.Resampling.BICUBIC)[rng.integers(2)])
    return _nuisance(small, rng) if nuisance else small


_RADII = {"small": (0.21, 0.27), "medium": (0.29, 0.37), "big": (0.38, 0.45)}
_COUNT_RADIUS = {2: 0.235, 3: 0.2, 4: 0.18, 5: 0.165}
_COUNT_PLACES = {
    2: ((0.27, 0.5), (0.73, 0.5)),
    3: ((0.25, 0.3), (0.75, 0.32), (0.5, 0.72)),
    4: ((0.27, 0.28), (0.73, 0.28), (0.27, 0.72), (0.73, 0.72)),
    5: ((0.22, 0.25), (0.78, 0.25), (0.5, 0.5), (0.22, 0.77), (0.78, 0.77)),
}
_RELATION_STEP = {"left": (-1, 0), "right": (1, 0), "above": (0, -1), "below": (0, 1)}


def _placements(scene: Scene, rng: np.random.Generator) -> list[tuple[str, str, tuple[float, float, float]]]:
    """(kind, colour, (x, y, radius)) of each object; places and radii in parts of the picture's side."""
    if scene.second is not None and scene.second_colour is not None and scene.relation is not None:
        radius = rng.uniform(0.21, 0.25)
        dx, dy = np.array(_RELATION_STEP[scene.relation]) * 0.25
        jitter = rng.uniform(-0.035, 0.035, 4)
        return [
            (scene.kind, scene.colour, (0.5 + dx + jitter[0], 0.5 + dy + jitter[1], radius)),
            (scene.second, scene.second_colour, (0.5 - dx + jitter[2], 0.5 - dy + jitter[3], radius)),
        ]
    if scene.count > 1:
        radius = _COUNT_RADIUS[scene.count] * rng.uniform(0.9, 1.05)
        places = np.array(_COUNT_PLACES[scene.count]) + rng.uniform(-0.03, 0.03, (scene.count, 2))
        return [(scene.kind, scene.colour, (x, y, radius)) for x, y in places]
    radius = rng.uniform(*_RADII[scene.size])
    room = 0.52 - radius
    x, y = 0.5 + rng.uniform(-room, room, 2)
    return [(scene.kind, scene.colour, (x, y, radius))]


def _object(
    canvas: Image.Image,
    kind: str,
    colour: Colour,
    pattern: str,
    place: tuple[float, float, float],
    rng: np.random.Generator,
) -> None:
    """Paint one object; its points are turned by up to 12 degrees, stretched, and slightly bent out of square."""
    side = canvas.width
    x, y, radius = place
    turn, stretch = np.radians(rng.uniform(-12, 12)), rng.uniform(0.88, 1.0, 2)
    flip = -1.0 if rng.random() < 0.5 else 1.0
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) * stretch * radius * side
    paints = _paints(colour)
    pen = ImageDraw.Draw(canvas)
    cover = Image.new("L", canvas.size) if pattern != "plain" else None
    mask = ImageDraw.Draw(cover) if cover is not None else None
    rim = max(1, round(side * 0.012))
    parts = [(part, (part.points * (flip, 1)) @ matrix + (x * side, y * side)) for part in SHAPES[kind]]
    for part, points in parts:
        _paint(pen, part, points, paints["rim"], radius * side, rim)
    for part, points in parts:
        _paint(pen, part, points, paints[part.paint], radius * side, 0)
        if mask is not None:
            _paint(mask, part, points, 255 if part.paint == "main" else 0, radius * side, 0)
    if cover is not None:
        canvas.paste(_pattern(pattern, side, radius * side, paints, rng), mask=cover)


def _paints(colour: Colour) -> dict[str, Colour]:
    """The shades that stand beside an object's colour, chosen so that they can be told from it."""
    bright = sum(colour) / 3
    ink = (24, 22, 26) if bright > 60 else (104, 104, 112)
    pale = (246, 246, 240) if bright < 200 else (176, 180, 188)
    return {
        "main": colour,
        "dark": mix(colour, (0, 0, 0), 0.32) if bright > 60 else (66, 66, 74),
        "light": mix(colour, (255, 255, 255), 0.4) if bright < 200 else (214, 216, 220),
        "ink": ink,
        "pale": pale,
        "rim": mix(colour, ink, 0.75) if bright > 60 else (128, 128, 136),
    }


def _paint(
    pen: ImageDraw.ImageDraw, part: Part, points: NDArray[np.float64], fill: Colour | int, scale: float, rim: int
) -> None:
    """One part; `rim` pixels wider where it is the outline that lies beneath the colours."""
    path = [(float(x), float(y)) for x, y in points]
    if part.width:
        pen.line(path, fill=fill, width=max(1, round(part.width * scale)) + 2 * rim, joint="curve")
    elif rim:
        pen.line([*path, path[0]], fill=fill, width=2 * rim)
    else:
        pen.polygon(path, fill=fill)


def _pattern(pattern: str, side: int, scale: float, paints: dict[str, Colour], rng: np.random.Generator) -> Image.Image:
    """A sheet of stripes or dots in the object's colour and its pale paint."""
    sheet = Image.new("RGB", (side, side), paints["main"])
    pen = ImageDraw.Draw(sheet)
    step = scale * 0.34
    start = rng.uniform(0, step)
    for i in range(int(2 * side / step) + 2):
        at = start + (i - 1) * step
        if pattern == "striped":
            pen.line([(at - side, 0), (at, side)], fill=paints["pale"], width=max(1, round(step * 0.36)))
        else:
            for j in range(int(side / step) + 1 if at < side else 0):
                x, y = at + (j % 2) * step / 2, start + j * step
                pen.ellipse([x - step * 0.22, y - step * 0.22, x + step * 0.22, y + step * 0.22], fill=paints["pale"])
    return sheet


@cache
def _font(pixels: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(pixels)


def _sign(canvas: Image.Image, word: str, rng: np.random.Generator) -> None:
    """A white board with a dark word, near the upper or lower edge."""
    side = canvas.width
    pen = ImageDraw.Draw(canvas)
    font = _font(round(side * 0.13))
    wide = pen.textlength(word, font=font) / side + 0.06
    left = rng.uniform(0.02, max(0.03, 0.98 - wide))
    top = (0.02, 0.8)[rng.integers(2)]
    pen.rectangle(
        [left * side, top * side, (left + wide) * side, (top + 0.18) * side],
        fill=(250, 250, 244),
        outline=(30, 26, 24),
        width=max(1, side // 90),
    )
    pen.text(((left + wide / 2) * side, (top + 0.09) * side), word, fill=(20, 18, 20), font=font, anchor="mm")


def _nuisance(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Clutter, shades, blur and noise, each on a share of the pictures."""
    size = image.width
    chance = rng.random(3)
    if chance[0] < 0.2:
        pen = ImageDraw.Draw(image)
        for x, y, tone in rng.uniform((0, 0, 40), (1, 1, 220), (rng.integers(2, 6), 3)):
            spot(pen, size, x, y, 0.018, (round(tone), round(tone * 0.9), round(tone * 0.8)))
    if chance[1] < 0.15:
        small = image.resize((max(24, round(size * 0.6)),) * 2, Image.Resampling.BILINEAR)
        image = small.resize((size, size), Image.Resampling.BILINEAR)
    if chance[2] < 0.6:
        pixels = np.asarray(image, np.float32) * rng.uniform(0.85, 1.12) + rng.uniform(-12, 12)
        if chance[2] < 0.35:
            pixels = pixels + rng.standard_normal((size, size, 1), np.float32) * rng.uniform(3, 12)
        image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    return image
