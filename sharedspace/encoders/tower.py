"""How the image tower computes: in the faster precision of this machine, and nothing that is not read."""

from __future__ import annotations

import copy
import time
from typing import Any, Literal

Precision = Literal["auto", "float32", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = ("auto", "float32", "bfloat16")

PAYS = 1.3  # how many times faster bfloat16 must be to be taken
WIDE = 512  # width of a tower under which a picture costs little more than its decoding, however it is computed


def choose(clip: Any) -> Literal["float32", "bfloat16"]:
    """The faster of the two on this machine, by a layer of this model's own run in both; takes some 0.1 s.

    Processors without units for bfloat16 are slower with it than with float32.
    """
    layer, vision = clip.vision_model.encoder.layers[0], clip.config.vision_config
    if vision.hidden_size < WIDE:
        return "float32"
    import torch

    rows = torch.randn(8, (vision.image_size // vision.patch_size) ** 2 + 1, vision.hidden_size, device=clip.device)
    half = copy.deepcopy(layer)
    _lower(half)
    faster = _seconds(layer, rows) > PAYS * _seconds(half, rows)
    return "bfloat16" if faster else "float32"


def lower(clip: Any) -> None:
    """Let the image tower multiply in bfloat16; sums, norms, and the text tower stay float32.

    With all of it in bfloat16 the error is ten times larger and the speed the same.
    """
    import torch

    clip.vision_model.embeddings.patch_embedding.to(torch.bfloat16)
    for layer in clip.vision_model.encoder.layers:
        _lower(layer)


def shorten(clip: Any) -> None:
    """Let the last layer compute only the token that is read, the first: the same vector, a twelfth less work."""
    from torch import nn
    from torch.nn.functional import scaled_dot_product_attention

    class FirstToken(nn.Module):
        def __init__(self, layer: Any) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, hidden: Any, attention_mask: None, **unused: Any) -> Any:
            layer, attention = self.layer, self.layer.self_attn
            tokens, first = layer.layer_norm1(hidden), hidden[:, :1]
            projected = attention.q_proj(tokens[:, :1]), attention.k_proj(tokens), attention.v_proj(tokens)
            heads = (rows.unflatten(-1, (attention.num_heads, -1)).transpose(1, 2) for rows in projected)
            found = scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2)
            first = first + attention.out_proj(found)
            return first + layer.mlp(layer.layer_norm2(first))

    layers = clip.vision_model.encoder.layers
    layers[-1] = FirstToken(layers[-1])


def _lower(layer: Any) -> None:
    import torch

    layer.self_attn.to(torch.bfloat16)
    layer.mlp.to(torch.bfloat16)
    for norm in (layer.layer_norm1, layer.layer_norm2):
        norm.register_forward_hook(lambda module, inputs, output: output.to(torch.bfloat16))


def _seconds(layer: Any, rows: Any) -> float:
    """The shortest of a few runs."""
    import torch

    runs = []
    with torch.inference_mode():
        for _ in range(4):  # the first also allocates
            start = time.perf_counter()
            layer(rows, attention_mask=None)
            if rows.device.type == "cuda":
                torch.cuda.synchronize()
            runs.append(time.perf_counter() - start)
    return min(runs)
