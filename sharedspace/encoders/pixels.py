"""From a picture to the pixels that a model reads: the preprocessing of CLIP, bounded and bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Crop:
    """Shorter side to `side` pixels, the middle square cut out, scaled and normalised: what every CLIP does."""

    side: int
    resample: int  # Pillow's filter
    scale: float  # of a byte
    mean: tuple[float, ...]  # of each channel
    std: tuple[float, ...]

    @classmethod
    def of(cls, processor: Any) -> Crop | None:
        """What an image processor of transformers does; None where it is something else."""
        steps = ("do_resize", "do_center_crop", "do_rescale", "do_normalize")
        if not all(getattr(processor, step, False) for step in steps):
            return None
        side, cut = processor.size.shortest_edge, processor.crop_size
        if side is None or (cut.height, cut.width) != (side, side):
            return None
        return cls(
            side, processor.resample, processor.rescale_factor, tuple(processor.image_mean), tuple(processor.image_std)
        )

    def cut(self, picture: Image.Image) -> np.ndarray:
        """(side, side, 3) uint8: only the middle is resized, so that a picture of 1 × 20,000 stays small."""
        width, height = picture.size
        if width <= height:
            size = self.side, int(self.side * height / width)
        else:
            size = int(self.side * width / height), self.side
        left, top = ((length - self.side) // 2 for length in size)
        across, down = width / size[0], height / size[1]  # pixels of the picture for one of the result
        box = (left * across, top * down, (left + self.side) * across, (top + self.side) * down)
        # In one step from far above it would read every pixel with a filter as wide as the reduction.
        small = picture.convert("RGB").resize((self.side, self.side), self.resample, box, reducing_gap=6.0)
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
