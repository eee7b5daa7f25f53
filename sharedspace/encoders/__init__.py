"""Models that map pictures and texts into one space: the table, the protocol, the loader."""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sharedspace.encoders.tower import PRECISIONS as PRECISIONS
from sharedspace.encoders.tower import Precision
from sharedspace.errors import BadInput, ModelUnavailable
from sharedspace.records import ModelInfo, Space, Tokens

if TYPE_CHECKING:
    from PIL import Image

POCKET = Path(__file__).parent.parent / "pocket" / "model"
IN_THE_BOX = {"pocket": POCKET, "pocket-twin": POCKET.parent / "twin"}  # folders of models that come with the program

MODELS = (
    ModelInfo("pocket", "CLIP", "text, image", 128, "Apache-2.0", "ours, in the box; knows drawings of its own world"),
    ModelInfo("pocket-twin", "CLIP", "text, image", 128, "Apache-2.0", "ours, smaller, of another space: to compare"),
    ModelInfo("clip-ViT-B-32", "CLIP", "text, image", 512, "MIT", "OpenAI's first, the field's usual start, 0.6 GB"),
    ModelInfo("clip-ViT-B-16", "CLIP", "text, image", 512, "MIT", "finer patches: better and 4 times slower, 0.6 GB"),
    ModelInfo("clip-ViT-L-14", "CLIP", "text, image", 768, "MIT", "larger: better and 15 times slower, 1.7 GB"),
    ModelInfo(
        "laion/CLIP-ViT-B-32-laion2B-s34B-b79K", "OpenCLIP", "text, image", 512, "MIT", "trained on open data, 0.6 GB"
    ),
    ModelInfo(
        "google/siglip-base-patch16-224",
        "SigLIP",
        "text, image",
        768,
        "Apache-2.0",
        "sigmoid: each label alone, 0.8 GB",
    ),
    ModelInfo(
        "google/siglip2-base-patch16-224",
        "SigLIP 2",
        "text, image",
        768,
        "Apache-2.0",
        "sigmoid, many languages, 1.5 GB",
    ),
)


MAX_CHARACTERS = 4000  # of a text; far over every model's limit of tokens, and tokenising a megabyte takes seconds


def clean(text: str) -> str:
    """A text as a tokenizer takes it: without lone surrogates, which crash it, and of bounded length."""
    return text[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


class Encoder(Protocol):
    """Maps pictures and texts into one space."""

    space: Space
    side: int  # pixels of the shorter side of a picture that reach the model
    precision: str  # what it multiplies pictures in: float32 or bfloat16

    def workers(self) -> AbstractContextManager[ThreadPoolExecutor]:
        """Threads for `prepare` and `encode` side by side, as many as this machine keeps busy."""

    def prepare(self, picture: Image.Image) -> np.ndarray:
        """The pixels that the model reads of a picture: small, and ready for `encode`."""

    def encode(self, prepared: Sequence[np.ndarray]) -> np.ndarray:
        """(n, d) float32 unit rows of prepared pictures, in the order given; none give (0, d)."""

    def images(self, pictures: Sequence[Image.Image]) -> np.ndarray:
        """(n, d) float32 unit rows, in the order given; no pictures give (0, d)."""

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """(n, d) float32 unit rows; a text is only ever text, also where it looks like a path or address."""

    def raw(self, prepared: Sequence[np.ndarray]) -> np.ndarray:
        """What `encode` scales to length 1: (n, d) float32 rows as they leave the model, of any length."""

    def raw_texts(self, texts: Sequence[str]) -> np.ndarray:
        """What `texts` scales to length 1: (n, d) float32 rows of any length."""

    def tokens(self, text: str) -> Tokens:
        """What the model sees of a text."""


def load(name: str, precision: Precision | None = None) -> Encoder:
    """Load a model by its name in MODELS, by any hub name of a CLIP or SigLIP, or by a folder.

    `precision` is that of $SHAREDSPACE_PRECISION where none is given, else "auto": the faster one, as measured.
    Raises ModelUnavailable when it is not on this machine and cannot be fetched, or is damaged.
    """
    # Idle OpenMP threads spin by default: beside a busy neighbour a text then takes 250 ms instead of 5.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    _keep_freed_memory()
    from sharedspace.encoders.clip import ClipEncoder
    from sharedspace.encoders.siglip import SiglipEncoder

    wanted = precision or os.environ.get("SHAREDSPACE_PRECISION") or "auto"
    if wanted not in PRECISIONS:
        raise BadInput(f"There is no precision {wanted!r}: use {', '.join(PRECISIONS)}.")
    folder = find(name)
    kind = _kind(folder)
    if kind == "siglip2":
        raise ModelUnavailable(
            f"The model {name!r} is a SigLIP 2 that reads each picture in its own shape (NaFlex). Use one of a fixed "
            "resolution, such as 'google/siglip2-base-patch16-224'."
        )
    return (SiglipEncoder if kind == "siglip" else ClipEncoder)(name, folder, wanted)


def _kind(folder: Path) -> str | None:
    """The type of a model by its configuration; None where the hub's layout has that elsewhere, or it is damaged."""
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found.get("model_type") if isinstance(found, dict) else None


def _keep_freed_memory() -> None:
    """Where the C library is glibc: reuse what a layer frees for the next one.

    By default blocks of some MB go back to the system and are cleared anew each time, 7 % of a ViT-B/32's time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(-3, 32 * 2**20)  # M_MMAP_THRESHOLD: the most it takes
        mallopt(-1, 256 * 2**20)  # M_TRIM_THRESHOLD


def find(name: str, offline: bool = False) -> Path:
    """The folder of a model, downloaded once if it must and may be; raises ModelUnavailable.

    What is on disk stays what it is: a newer revision on the hub would be another space.
    """
    if name in IN_THE_BOX:
        return IN_THE_BOX[name]
    if Path(name).is_dir():
        return Path(name)
    stored = _hub_folder(name, offline=True)
    if stored is not None:
        return stored
    fetched = None if offline else _hub_folder(name, offline=False)
    if fetched is None:
        raise ModelUnavailable(
            f"The model {name!r} is not on this machine and could not be fetched from the Hugging Face hub. "
            "Go online once, give a folder that holds it, or use 'pocket', which is always here."
        )
    return fetched


def _hub_folder(name: str, offline: bool) -> Path | None:
    """Where a hub model with its weights lies; None where it cannot be had."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    repository = name if "/" in name else f"sentence-transformers/{name}"
    unused = ["*.bin", "*.onnx", "*.h5", "*.msgpack", "*.ot", "onnx/*", "openvino/*"]
    try:
        folder = Path(snapshot_download(repository, ignore_patterns=unused, local_files_only=offline))
    except HFValidationError as error:
        raise ModelUnavailable(f"{name!r} is neither a folder nor a model's name on the Hugging Face hub.") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError):
        return None
    return folder if any(folder.rglob("*.safetensors")) else None


def on_disk(name: str) -> bool:
    """Whether a model can be loaded without a network."""
    try:
        return find(name, offline=True).is_dir()
    except ModelUnavailable:
        return False
