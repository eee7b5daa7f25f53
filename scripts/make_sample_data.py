"""Draw the sample set: 480 pictures of the pocket world at 256 px and labels.csv, the same bytes on every run."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sharedspace.pocket.captions import article
from sharedspace.pocket.paint import draw
from sharedspace.pocket.shapes import KINDS
from sharedspace.pocket.vocabulary import NAMES, NUMBERS, PATTERNS, PLACES, SIZES
from sharedspace.pocket.world import Scene, splits, triples

FOLDER = Path(__file__).parent.parent / "sample_data"
COLUMNS = ("file", "caption", "object", "colour", "setting", "count", "split", "special", "of")
PIXELS = 256
SEED = 5
PER_KIND, EXACT, NEAR, CONTRADICTING = 10, 12, 30, 24

Row = dict[str, str]


def scenes(rng: np.random.Generator) -> list[Scene]:
    """Ten scenes of each kind, from test combinations only; one in five shows several, one in ten has a pattern."""
    held = sorted({*triples("test"), *triples("test_pair")})
    made = []
    for kind in KINDS:
        own = [held[i] for i in rng.permutation(len(held)) if held[i][0] == kind]
        for i in range(PER_KIND):
            scene = Scene(
                *own[i % len(own)], size=SIZES[rng.choice(3, p=[0.1, 0.5, 0.4])], seed=int(rng.integers(2**31))
            )
            if i % 5 == 4:
                scene = replace(scene, count=int(rng.integers(2, 6)), size="medium")
            elif rng.random() < 0.12:
                scene = replace(scene, pattern=PATTERNS[rng.integers(1, 3)])
            made.append(scene)
    return made


def contradicting(rng: np.random.Generator) -> list[Scene]:
    """Scenes of one object with a sign that names another."""
    held = triples("test")
    chosen = [held[i] for i in rng.permutation(len(held))[:CONTRADICTING]]
    return [
        Scene(*triple, word=str(rng.choice([k for k in KINDS if k != triple[0]])), seed=int(rng.integers(2**31)))
        for triple in chosen
    ]


def label(scene: Scene, rng: np.random.Generator, special: str = "") -> Row:
    """The row of a scene, without its file."""
    noun = scene.kind if scene.count == 1 else NAMES[scene.kind][0]
    pattern = "" if scene.pattern == "plain" else f"{scene.pattern} "
    number = "a" if scene.count == 1 else NUMBERS[scene.count - 1]
    phrase = f"{pattern}{scene.colour} {noun}"
    caption = f"{article(phrase) if number == 'a' else f'{number} {phrase}'} {rng.choice(PLACES[scene.setting][1])}"
    if scene.word is not None:
        caption = f"{caption} and a sign that says {scene.word}"
    return {
        "caption": caption,
        "object": scene.kind,
        "colour": scene.colour,
        "setting": scene.setting,
        "count": str(scene.count),
        "split": splits()[scene.kind, scene.colour, scene.setting],
        "special": special,
        "of": "",
    }


def encoded(picture: Image.Image) -> bytes:
    """The picture as WebP."""
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=82, method=6)
    return buffer.getvalue()


def nearly(picture: Image.Image, turn: int, rng: np.random.Generator) -> Image.Image:
    """A slightly cropped, relit or noisy copy."""
    if turn % 3 == 0:
        left, top = (int(v) for v in rng.integers(4, 16, 2))
        return picture.crop((left, top, PIXELS - 20 + left, PIXELS - 20 + top)).resize((PIXELS, PIXELS))
    pixels = np.asarray(picture, np.float32)
    change = rng.choice([0.82, 1.15]) - 1 if turn % 3 == 1 else 0
    pixels = pixels * (1 + change) if change else pixels + rng.standard_normal(pixels.shape) * 12
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _sheet(colour: tuple[int, int, int] = (250, 250, 248)) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (PIXELS, PIXELS), colour)
    return image, ImageDraw.Draw(image)


def _noise(rng: np.random.Generator) -> Image.Image:
    return Image.fromarray(rng.integers(0, 256, (PIXELS // 4, PIXELS // 4, 3), np.uint8)).resize((PIXELS, PIXELS), 0)


def _static(rng: np.random.Generator) -> Image.Image:
    return (
        Image.fromarray(rng.integers(0, 256, (PIXELS // 2, PIXELS // 2), np.uint8))
        .resize((PIXELS, PIXELS), 0)
        .convert("RGB")
    )


def _clouds(rng: np.random.Generator) -> Image.Image:
    return Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8)).resize((PIXELS, PIXELS), Image.Resampling.BICUBIC)


def _gradient(rng: np.random.Generator) -> Image.Image:
    return Image.linear_gradient("L").convert("RGB").rotate(float(rng.integers(0, 4) * 90))


def _checkerboard(rng: np.random.Generator) -> Image.Image:
    board = ((np.indices((8, 8)).sum(0) % 2) * 215 + 20).astype(np.uint8)
    return Image.fromarray(board).resize((PIXELS, PIXELS), 0).convert("RGB")


def _bar_chart(rng: np.random.Generator) -> Image.Image:
    image, pen = _sheet()
    pen.line([(30, 20), (30, 226), (240, 226)], fill=(40, 40, 40), width=3)
    for i, height in enumerate(rng.integers(30, 190, 6)):
        pen.rectangle([44 + i * 33, 226 - int(height), 66 + i * 33, 224], fill=(70, 110, 180))
    return image


def _line_chart(rng: np.random.Generator) -> Image.Image:
    image, pen = _sheet()
    pen.line([(30, 20), (30, 226), (240, 226)], fill=(40, 40, 40), width=3)
    for shade in ((200, 80, 60), (60, 140, 90)):
        heights = np.cumsum(rng.normal(0, 22, 22)) + 125
        pen.line([(32 + i * 9.5, float(h)) for i, h in enumerate(heights.clip(25, 220))], fill=shade, width=3)
    return image


def _pie_chart(rng: np.random.Generator) -> Image.Image:
    image, pen = _sheet()
    ends = np.concatenate([[0], np.cumsum(rng.dirichlet(np.full(5, 3.0)))]) * 360
    for i, shade in enumerate(((220, 90, 70), (240, 180, 60), (90, 160, 90), (70, 120, 190), (150, 90, 170))):
        pen.pieslice(
            [38, 38, 218, 218], float(ends[i]), float(ends[i + 1]), fill=shade, outline=(250, 250, 248), width=3
        )
    return image


def _page_of_text(rng: np.random.Generator) -> Image.Image:
    image, pen = _sheet()
    font = ImageFont.load_default(12)
    for y in range(16, 236, 16):
        words = " ".join("".join(chr(97 + int(c)) for c in rng.integers(0, 26, rng.integers(2, 9))) for _ in range(6))
        pen.text((18, y), words[:36], fill=(40, 40, 40), font=font)
    return image


def _rings(rng: np.random.Generator) -> Image.Image:
    image, pen = _sheet((30, 30, 34))
    for radius in range(120, 0, -15):
        pen.ellipse([128 - radius, 128 - radius, 128 + radius, 128 + radius], outline=(230, 230, 230), width=4)
    return image


def _test_card(rng: np.random.Generator) -> Image.Image:
    image, pen = _sheet()
    shades = (
        (235, 235, 235),
        (235, 235, 20),
        (20, 235, 235),
        (20, 235, 20),
        (235, 20, 235),
        (235, 20, 20),
        (20, 20, 235),
    )
    for i, shade in enumerate(shades):
        pen.rectangle([i * 37, 0, i * 37 + 37, PIXELS], fill=shade)
    return image


def _maze(rng: np.random.Generator) -> Image.Image:
    blocks = (rng.random((21, 21)) < 0.5) * np.uint8(230) + np.uint8(12)
    return Image.fromarray(blocks.astype(np.uint8)).resize((PIXELS, PIXELS), 0).convert("RGB")


def _graph_paper(rng: np.random.Generator) -> Image.Image:
    image, pen = _sheet((244, 248, 255))
    for at in range(0, PIXELS, 16):
        pen.line([(at, 0), (at, PIXELS)], fill=(150, 180, 220))
        pen.line([(0, at), (PIXELS, at)], fill=(150, 180, 220))
    return image


def _scribble(rng: np.random.Generator) -> Image.Image:
    image, pen = _sheet()
    path = np.cumsum(rng.normal(0, 26, (90, 2)), axis=0) % PIXELS
    pen.line([(float(x), float(y)) for x, y in path], fill=(30, 40, 120), width=2)
    return image


OUTLIERS: tuple[Callable[[np.random.Generator], Image.Image], ...] = (
    _noise,
    _static,
    _clouds,
    _gradient,
    _checkerboard,
    _bar_chart,
    _line_chart,
    _pie_chart,
    _page_of_text,
    _rings,
    _test_card,
    _maze,
    _graph_paper,
    _scribble,
)


def pictures() -> list[tuple[bytes, Row, int | None]]:
    """(bytes, row, place of the original) of all pictures, in the order in which they are made."""
    rng = np.random.default_rng(SEED)
    drawn, made = [], []
    for scene in scenes(rng):
        drawn.append(draw(scene, PIXELS, nuisance=rng.random() < 0.3))
        made.append((encoded(drawn[-1]), label(scene, rng), None))
    for scene in contradicting(rng):
        made.append((encoded(draw(scene, PIXELS, nuisance=False)), label(scene, rng, "contradicting-word"), None))
    chosen = [int(i) for i in rng.permutation(len(drawn))[: EXACT + NEAR]]
    for place in chosen[:EXACT]:
        made.append((made[place][0], made[place][1] | {"special": "exact-duplicate"}, place))
    for turn, place in enumerate(chosen[EXACT:]):
        made.append((encoded(nearly(drawn[place], turn, rng)), made[place][1] | {"special": "near-duplicate"}, place))
    for paint in OUTLIERS:
        row = dict.fromkeys(COLUMNS[1:], "") | {
            "caption": paint.__name__.replace("_", " ").strip(),
            "special": "outlier",
        }
        made.append((encoded(paint(rng)), row, None))
    return made


def main() -> None:
    """Write sample_data/images and sample_data/labels.csv."""
    made = pictures()
    numbers = np.random.default_rng([SEED, 1]).permutation(len(made)) + 1
    files = [f"images/{number:04d}.webp" for number in numbers]
    (FOLDER / "images").mkdir(parents=True, exist_ok=True)
    for old in (FOLDER / "images").glob("*.webp"):
        old.unlink()
    rows = []
    for file, (data, row, original) in zip(files, made, strict=True):
        (FOLDER / file).write_bytes(data)
        rows.append(row | {"file": file, "of": files[original] if original is not None else ""})
    with (FOLDER / "labels.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: row["file"]))
    print(f"{len(made)} pictures, {sum(len(data) for data, _, _ in made) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
