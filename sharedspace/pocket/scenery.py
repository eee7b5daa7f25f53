"""The eight settings of the pocket world: sky, ground and what belongs to each."""

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]


def shade(colour: Colour, rng: np.random.Generator, spread: int = 14) -> Colour:
    """The colour, each channel off by up to `spread`."""
    red, green, blue = np.clip(np.array(colour) + rng.integers(-spread, spread + 1, 3), 0, 255).tolist()
    return red, green, blue


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """From a (share 0) to b (share 1)."""
    red, green, blue = (round(p * (1 - share) + q * share) for p, q in zip(a, b, strict=True))
    return red, green, blue


# fmt: off
_SKIES: dict[str, tuple[Colour, Colour, Colour]] = {  # top of the sky, horizon, ground
    "day": ((92, 170, 240), (190, 224, 250), (120, 190, 84)), "night": ((8, 10, 36), (34, 38, 84), (28, 40, 44)),
    "sunset": ((96, 50, 110), (255, 150, 70), (96, 60, 60)),
    "snow": ((176, 196, 216), (222, 230, 238), (240, 244, 250)),
    "sea": ((130, 190, 230), (200, 226, 240), (24, 96, 160)), "forest": ((50, 96, 60), (96, 140, 84), (58, 80, 36)),
    "desert": ((250, 206, 140), (252, 230, 180), (222, 176, 104)),
    "plain": ((206, 206, 206), (206, 206, 206), (206, 206, 206)),
}
# fmt: on


def background(setting: str, side: int, rng: np.random.Generator) -> Image.Image:
    """Sky, ground and what belongs to the setting, as an RGB image of side x side."""
    top, low, ground = (shade(c, rng, 9) for c in _SKIES[setting])
    horizon = rng.uniform(0.5, 0.75)
    rows = np.linspace(0, 1, side)[:, None]
    sky = np.array(top) + (np.array(low) - np.array(top)) * np.clip(rows / horizon, 0, 1)
    land = np.array(ground) * (1 - 0.25 * np.clip((rows - horizon) / (1 - horizon), 0, 1))
    if setting == "plain":
        sky = land = np.broadcast_to(mix(shade((206, 206, 206), rng, 22), top, 0.3), (side, 3))
    column = np.where(rows < horizon, sky, land).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(np.repeat(column[:, None, :], side, axis=1))
    _SCENERY[setting](ImageDraw.Draw(image), side, horizon, rng)
    return image


def spot(pen: ImageDraw.ImageDraw, side: int, x: float, y: float, radius: float, colour: Colour) -> None:
    """A disc; place and radius in parts of the side."""
    pen.ellipse([(x - radius) * side, (y - radius) * side, (x + radius) * side, (y + radius) * side], fill=colour)


def _day(pen: ImageDraw.ImageDraw, side: int, horizon: float, rng: np.random.Generator) -> None:
    spot(pen, side, rng.uniform(0.05, 0.95), rng.uniform(0.05, 0.2), 0.08, (255, 238, 130))
    for x, y in rng.uniform((0, 0.05), (1, 0.35), (rng.integers(1, 4), 2)):
        for shift in (-0.07, 0, 0.07):
            spot(pen, side, x + shift, y, 0.06 - abs(shift) / 3, (244, 248, 252))


def _night(pen: ImageDraw.ImageDraw, side: int, horizon: float, rng: np.random.Generator) -> None:
    for x, y in rng.uniform((0, 0), (1, horizon), (rng.integers(14, 30), 2)):
        spot(pen, side, x, y, rng.uniform(0.004, 0.012), (240, 240, 210))
    x, y = rng.uniform(0.08, 0.92), rng.uniform(0.08, 0.2)
    spot(pen, side, x, y, 0.08, (236, 232, 196))
    spot(pen, side, x + 0.035, y - 0.015, 0.065, (14, 16, 46))


def _sunset(pen: ImageDraw.ImageDraw, side: int, horizon: float, rng: np.random.Generator) -> None:
    x = rng.uniform(0.1, 0.9)
    pen.pieslice(
        [(x - 0.16) * side, (horizon - 0.16) * side, (x + 0.16) * side, (horizon + 0.16) * side],
        180,
        360,
        fill=(255, 224, 120),
    )
    for y in rng.uniform(0.1, horizon, 3):
        left = rng.uniform(-0.2, 0.7)
        pen.rectangle([left * side, y * side, (left + 0.5) * side, (y + 0.02) * side], fill=(210, 104, 90))


def _snow(pen: ImageDraw.ImageDraw, side: int, horizon: float, rng: np.random.Generator) -> None:
    for x in rng.uniform(0, 1, rng.integers(1, 4)):
        pen.polygon(
            [
                ((x - 0.25) * side, horizon * side),
                (x * side, (horizon - 0.25) * side),
                ((x + 0.25) * side, horizon * side),
            ],
            fill=(198, 210, 226),
        )
    for x, y in rng.uniform(0, 1, (rng.integers(30, 60), 2)):
        spot(pen, side, x, y, rng.uniform(0.006, 0.014), (255, 255, 255))


def _sea(pen: ImageDraw.ImageDraw, side: int, horizon: float, rng: np.random.Generator) -> None:
    for x, y in rng.uniform((-0.1, horizon + 0.03), (1, 1), (rng.integers(10, 18), 2)):
        for step in range(2):
            left = x + step * 0.09
            pen.arc(
                [left * side, y * side, (left + 0.09) * side, (y + 0.05) * side],
                0,
                180,
                fill=(150, 200, 232),
                width=max(1, side // 80),
            )


def _forest(pen: ImageDraw.ImageDraw, side: int, horizon: float, rng: np.random.Generator) -> None:
    for x in np.linspace(-0.05, 1.05, 8) + rng.uniform(-0.06, 0.06, 8):
        dark = shade((26, 66, 36), rng, 12)
        pen.rectangle([(x - 0.02) * side, 0.3 * side, (x + 0.02) * side, (horizon + 0.05) * side], fill=(56, 42, 26))
        for step in range(3):
            y = horizon - 0.1 - step * 0.16
            wide = 0.13 - step * 0.03
            corners = (x - wide, y), (x, y - 0.24), (x + wide, y)
            pen.polygon([(a * side, b * side) for a, b in corners], fill=dark)


def _desert(pen: ImageDraw.ImageDraw, side: int, horizon: float, rng: np.random.Generator) -> None:
    spot(pen, side, rng.uniform(0.1, 0.9), rng.uniform(0.08, 0.2), 0.07, (255, 250, 220))
    for level in range(2):
        y, phase = horizon + 0.16 * level, rng.uniform(0, 6.28)
        xs = np.linspace(0, 1, 20)
        ridge = y - 0.06 * np.sin(xs * 8 + phase)
        shape = [*zip(xs * side, ridge * side, strict=True), (side, side), (0, side)]
        pen.polygon(shape, fill=mix((222, 176, 104), (176, 128, 70), 0.35 * level + 0.15))


def _plain(pen: ImageDraw.ImageDraw, side: int, horizon: float, rng: np.random.Generator) -> None:
    """An empty backdrop: nothing to draw."""


_SCENERY = {
    "day": _day,
    "night": _night,
    "sunset": _sunset,
    "snow": _snow,
    "sea": _sea,
    "forest": _forest,
    "desert": _desert,
    "plain": _plain,
}
