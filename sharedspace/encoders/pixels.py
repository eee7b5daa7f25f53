"""From a picture to the pixels that a model reads: the preprocessing of CLIP and SigLIP, bounded and bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor


LONG = 8  # a side over the other, up to which a picture is resized whole: exact, and at most so many times the work


@dataclass(frozen=True, slots=True)
class Square:
    """A picture as a square of `side` pixels, scaled and normalised: its middle (CLIP) or all of it (SigLIP)."""

    side: int
    whole: bool  # squeezed into the square; else its shorter side fills it, and what is over is cut off
    resample: int  # Pillow's filter
    scale: float  # of a byte
    mean: tuple[float, ...]  # of each channel
    std: tuple[float, ...]

    @classmethod
    def of(cls, processor: Any) -> Square | None:
        """What an image processor of transformers does; None where it is something else."""
        if not all(getattr(processor, step, False) for step in ("do_resize", "do_rescale", "do_normalize")):
            return None
        size, whole = processor.size, not getattr(processor, "do_center_crop", False)
        side = size.height if whole else size.shortest_edge
        square = size if whole else processor.crop_size
        if side is None or (square.height, square.width) != (side, side):
            return None
        mean, std = tuple(processor.image_mean), tuple(processor.image_std)
        return cls(side, whole, processor.resample, processor.rescale_factor, mean, std)

    def cut(self, picture: Image.Image) -> np.ndarray:
        """(side, side, 3) uint8: the bytes of transformers, but for a picture more than LONG times as long as wide.

        Of that only what is read is resized, and in two steps, so that one of 1 × 20,000 pixels stays small.
        """
        (width, height), side, shorter = picture.size, self.side, min(picture.size)
        size = (side, side) if self.whole else (int(side * width / shorter), int(side * height / shorter))
        left, top = ((length - side) // 2 for length in size)
        rgb = picture.convert("RGB")
        if max(picture.size) <= LONG * shorter:
            small = rgb.resize(size, self.resample).crop((left, top, left + side, top + side))
        else:
            across, down = width / size[0], height / size[1]  # pixels of the picture for one of the result
            box = (left * across, top * down, (left + side) * across, (top + side) * down)
            small = rgb.resize((side, side), self.resample, box, reducing_gap=6.0)
        return np.asarray(small)

    def normalise(self, pixels: Sequence[np.ndarray], device: Any) -> Tensor:
        """(n, 3, side, side) float32 on a device, from what `cut` gave."""
        import torch

        stacked = torch.from_numpy(np.stack(pixels))
        if device.type == "cuda":
            stacked = stacked.pin_memory()
        given = stacked.to(device, non_blocking=True).permute(0, 3, 1, 2).float() * self.scale
        mean, std = (given.new_tensor(values).view(1, 3, 1, 1) for values in (self.mean, self.std))
        return (given - mean) / std
