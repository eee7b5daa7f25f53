"""Small pictures, archives and vectors made on the spot."""

import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

PLAIN = ("red", "green", "blue", "yellow", "cyan", "magenta")
# Pillow's "green" is half as bright as the one that FakeEncoder knows.
RGB = {"green": "#00ff00"}


def png(colour: Any = "red", size: tuple[int, int] = (24, 16)) -> bytes:
    """The bytes of a plain picture."""
    return encoded(Image.new("RGB", size, RGB.get(colour, colour)), "PNG")


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    """The bytes of a picture in a format."""
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def shades(n: int, seed: int = 0) -> list[bytes]:
    """n different plain pictures of random colours."""
    colours = np.random.default_rng(seed).integers(0, 256, (n, 3))
    return [png(tuple(int(part) for part in colour), (8, 8 + row)) for row, colour in enumerate(colours)]


def zipped(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip with the members as they are named, however oddly."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return path


def tarred(path: Path, members: dict[str, bytes], mode: Literal["w", "w:gz", "w:bz2", "w:xz"] = "w") -> Path:
    """A tar with the members in this order, as they are named."""
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def unit_rows(n: int, d: int, seed: int = 0) -> np.ndarray:
    """n random unit rows, (n, d) float32."""
    rows = np.random.default_rng(seed).normal(size=(n, d))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
