"""A model that says in a sentence what a picture shows, where one is on this machine."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sharedspace import encoders
from sharedspace.errors import ModelUnavailable

if TYPE_CHECKING:
    from PIL import Image

DEFAULT = "Salesforce/blip-image-captioning-base"  # Li et al. 2022, BSD-3-Clause, 1 GB
CHOSEN = "SHAREDSPACE_CAPTIONER"  # environment variable: a folder, or a hub name
KIND = "blip"  # what is told apart by its configuration
LONGEST = 40  # tokens of a sentence
BATCH = 8  # pictures of a forward pass


def chosen() -> str:
    """The name of the captioner: $SHAREDSPACE_CAPTIONER, else BLIP base."""
    return os.environ.get(CHOSEN) or DEFAULT


def on_disk(name: str | None = None) -> bool:
    """Whether a captioner can be loaded without a network, as far as its files tell."""
    try:
        return _kind(encoders.find(name or chosen(), offline=True)) == KIND
    except ModelUnavailable:
        return False


def load(name: str | None = None, fetch: bool = False) -> Captioner:
    """A BLIP by a folder or a hub name, or the chosen one; from the hub only where `fetch` allows it.

    Raises ModelUnavailable where it is not there, is of another kind, or is damaged.
    """
    wanted = name or chosen()
    try:
        folder = encoders.find(wanted, offline=not fetch)
    except ModelUnavailable as error:
        raise ModelUnavailable(
            f"The captioner {wanted!r} is not on this machine. Set ${CHOSEN} to a folder that holds a BLIP, or go "
            f"online once and fetch {DEFAULT}: `hf download {DEFAULT}`."
        ) from error
    return Captioner(wanted, folder)


class Captioner:
    """A BLIP (Li et al. 2022) that writes captions; made by `load`."""

    def __init__(self, name: str, folder: Path) -> None:
        from safetensors import SafetensorError
        from transformers.utils import logging

        kind = _kind(folder)
        if kind != KIND:
            raise ModelUnavailable(
                f"{name!r} is of the kind {kind!r} and writes no captions here: use a BLIP, such as {DEFAULT}."
            )
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        self.name = name
        self._turn = threading.Lock()
        try:
            self._open(folder)
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise ModelUnavailable(f"The captioner {name!r} in {folder} cannot be loaded: {error}") from error

    def _open(self, folder: Path) -> None:
        from transformers import AutoTokenizer, BlipForConditionalGeneration, BlipImageProcessorPil

        opened: Any = BlipForConditionalGeneration.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
        model, told = opened
        missing = sorted(told["missing_keys"])
        if missing:  # they would silently stay random
            raise ValueError(f"it lacks {len(missing)} weights, {missing[0]} the first")
        self._model: Any = model.eval()
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        # Not the automatic one, which would use torchvision where that is, and resize a little differently.
        self._processor: Any = BlipImageProcessorPil.from_pretrained(folder, local_files_only=True)

    def describe(self, pictures: Sequence[Image.Image]) -> list[str]:
        """One sentence a picture, in the order given: the likeliest next word each time, so always the same one."""
        return [
            sentence
            for start in range(0, len(pictures), BATCH)
            for sentence in self._describe(pictures[start : start + BATCH])
        ]

    def _describe(self, pictures: Sequence[Image.Image]) -> list[str]:
        import torch

        rgb = [picture.convert("RGB") for picture in pictures]
        with self._turn, torch.inference_mode():
            pixels = self._processor(images=rgb, return_tensors="pt")["pixel_values"]
            found = self._model.generate(pixel_values=pixels, max_new_tokens=LONGEST, do_sample=False, num_beams=1)
        return [" ".join(text.split()) for text in self._tokenizer.batch_decode(found, skip_special_tokens=True)]


def _kind(folder: Path) -> str | None:
    """The type of a model by its configuration; None where that cannot be read."""
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found.get("model_type") if isinstance(found, dict) else None
