"""Training of the pocket model from scratch: contrastive, seeded, resumable, a fixed number of steps."""

import math
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import log_softmax, normalize
from transformers import CLIPModel, PreTrainedTokenizerFast

from sharedspace.pocket.captions import match_matrix
from sharedspace.pocket.package import MAX_TOKENS, PIXELS, new_model, new_tokenizer, save_model
from sharedspace.pocket.paint import draw
from sharedspace.pocket.pool import Pool, render_shards
from sharedspace.pocket.shapes import KINDS
from sharedspace.pocket.vocabulary import SETTINGS
from sharedspace.pocket.world import COLOUR_NAMES, Scene, sample_scene

BATCH = 256
POOL_SHARDS = 160
WARM_UP = 150
DECAY = 0.3  # the last part of the steps, in which the learning rate falls to 0
PATCHES_DROPPED_UNTIL = 0.65
LEARNING_RATE = 3e-3
WATCH_EVERY = 250
WATCHED = 800
_VAL_SEED = 11

Optimisers = tuple[torch.optim.Optimizer, torch.optim.Optimizer]


@dataclass(frozen=True)
class Progress:
    """How a watched point of the training stands; the three shares are of held-out validation scenes."""

    step: int
    samples: int
    loss: float
    images_per_second: float
    object: float
    colour: float
    setting: float


def train(
    out: Path,
    *,
    steps: int,
    seed: int = 0,
    resume: bool = False,
    small: bool = False,
    report: Callable[[str], None] = print,
) -> Progress:
    """Train for `steps` batches of 256 and write the model folder `out/model`; checkpoints stand beside it.

    With `resume` the last checkpoint is continued, and gives what an unbroken run would have given on as many threads.
    `small` trains the architecture of the twin. The pictures that are drawn ahead take 4 GB in `out/pool`.
    """
    painter = multiprocessing.get_context("spawn").Process(
        target=render_shards, args=(out / "pool", seed, POOL_SHARDS, PIXELS), daemon=True
    )
    painter.start()
    try:
        return _train(out, steps, seed, resume, small, report)
    finally:
        painter.terminate()


def _train(out: Path, steps: int, seed: int, resume: bool, small: bool, report: Callable[[str], None]) -> Progress:
    torch.manual_seed(seed)
    model, tokenizer = new_model(small), new_tokenizer()
    model.set_attn_implementation("eager")  # twice as fast as sdpa in training under bfloat16 on a CPU
    optimisers = new_optimisers(model)
    start = _load(out / "checkpoint.pt", model, optimisers) if resume else 0
    pool, watch = Pool(out / "pool", seed, POOL_SHARDS), _watch_set(WATCHED)
    progress, losses, clock = Progress(start, start * BATCH, math.nan, 0, 0, 0, 0), [], time.monotonic()
    for step in range(start, steps):
        pool.grow(step)
        losses.append(train_step(model, optimisers, tokenizer, pool, step, steps, seed))
        if (step + 1) % WATCH_EVERY == 0 or step + 1 == steps:
            rate = len(losses) * BATCH / (time.monotonic() - clock)
            shares = zero_shot_shares(model, tokenizer, *watch)
            progress = Progress(step + 1, (step + 1) * BATCH, float(np.mean(losses)), rate, *shares)
            _save(out / "checkpoint.pt", model, optimisers, step + 1)
            report(progress_line(progress, steps))
            losses, clock = [], time.monotonic()
    save_model({name: value.detach() for name, value in model.state_dict().items()}, out / "model", small)
    return progress


def progress_line(at: Progress, steps: int) -> str:
    """One line of text on where the training stands."""
    return (
        f"step {at.step}/{steps}  samples {at.samples:,}  loss {at.loss:.3f}  {at.images_per_second:.0f} images/s  "
        f"val object {at.object:.3f}  colour {at.colour:.3f}  setting {at.setting:.3f}"
    )


def new_optimisers(model: CLIPModel) -> Optimisers:
    """Muon (Jordan 2024) for the matrices of the encoder layers, AdamW for everything else."""
    inner = [p for name, p in model.named_parameters() if ".layers." in name and p.ndim == 2]
    known = {id(p) for p in inner}
    others = [p for p in model.parameters() if id(p) not in known]
    return (
        torch.optim.Muon(inner, lr=LEARNING_RATE, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=LEARNING_RATE / 2, betas=(0.9, 0.98), weight_decay=0.02),
    )


def rate_factor(step: int, steps: int) -> float:
    """Learning-rate trapezoid: up over WARM_UP steps, level, down to 0 over the last DECAY of the steps."""
    return min(1.0, (step + 1) / WARM_UP, (steps - step) / (DECAY * steps))


def train_step(
    model: CLIPModel,
    optimisers: Optimisers,
    tokenizer: PreTrainedTokenizerFast,
    pool: Pool,
    step: int,
    steps: int,
    seed: int,
) -> float:
    """One step on the batch that belongs to its number; returns the loss."""
    rng = np.random.default_rng([seed, 2, step])
    torch.manual_seed(int(rng.integers(2**31)))
    picks, captions = pool.batch(rng, BATCH)
    pixels = augment(pool.pictures(picks), rng)
    matches = torch.from_numpy(match_matrix(captions, [pool.scenes[i] for i in picks])).float()
    dropped = 0.5 if step < PATCHES_DROPPED_UNTIL * steps else 0.0
    with torch.autocast("cpu", torch.bfloat16):
        images = image_vectors(model, pixels, dropped)
        texts = text_vectors(model, tokenizer, [c.text for c in captions])
    loss = contrastive_loss(images, texts, matches, model.logit_scale)
    for optimiser in optimisers:
        base = optimiser.defaults["lr"]
        for group in optimiser.param_groups:
            group["lr"] = base * rate_factor(step, steps)
        optimiser.zero_grad()
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimiser in optimisers:
        optimiser.step()
    with torch.no_grad():
        model.logit_scale.clamp_(0, math.log(100))
    return loss.item()


def contrastive_loss(images: Tensor, texts: Tensor, matches: Tensor, logit_scale: Tensor) -> Tensor:
    """Symmetric InfoNCE with several positives: targets are even over the true ones of each row and column.

    `matches` is (texts, images), 1 where the caption is true of the image. With the diagonal alone this is CLIP's
    loss (Radford et al. 2021); soft targets as in UniCL (Yang et al. 2022).
    """
    logits = logit_scale.exp() * texts.float() @ images.float().T
    by_text = -(log_softmax(logits, 1) * matches / matches.sum(1, keepdim=True)).sum(1).mean()
    by_image = -(log_softmax(logits, 0) * matches / matches.sum(0, keepdim=True)).sum(0).mean()
    return (by_text + by_image) / 2


def augment(pictures: NDArray[np.uint8], rng: np.random.Generator, reach: int = 3) -> Tensor:
    """(n, 3, side, side) in -1 to 1, each shifted by up to `reach` pixels (edges repeated) and slightly relit."""
    count, side = pictures.shape[:2]
    padded = np.pad(pictures, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="edge")
    shifts = rng.integers(0, 2 * reach + 1, (count, 2))
    cut = np.stack([image[y : y + side, x : x + side] for image, (y, x) in zip(padded, shifts, strict=True)])
    light = rng.uniform([0.92, -0.06], [1.08, 0.06], (count, 2)).astype(np.float32)
    pixels = torch.from_numpy(cut).permute(0, 3, 1, 2).float() / 127.5 - 1
    gain, lift = torch.from_numpy(light).view(count, 2, 1, 1, 1).unbind(1)
    return pixels * gain + lift


def image_vectors(model: CLIPModel, pixels: Tensor, dropped: float = 0.0) -> Tensor:
    """(n, d) unit vectors; a share `dropped` of the patches of each image is left out (Li et al. 2023, FLIP)."""
    vision = model.vision_model
    states = vision.embeddings(pixels)
    if dropped:
        count, tokens, width = states.shape
        kept = torch.rand(count, tokens - 1).topk(round((tokens - 1) * (1 - dropped))).indices + 1
        states = torch.cat([states[:, :1], states.gather(1, kept[:, :, None].expand(-1, -1, width))], dim=1)
    states = vision.encoder(inputs_embeds=vision.pre_layrnorm(states)).last_hidden_state
    return normalize(model.visual_projection(vision.post_layernorm(states[:, 0])).float(), dim=-1)


def text_vectors(model: CLIPModel, tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> Tensor:
    """(n, d) unit vectors."""
    tokens = tokenizer(texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
    pooled = model.text_model(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]).pooler_output
    return normalize(model.text_projection(pooled).float(), dim=-1)


def _watch_set(count: int) -> tuple[list[Scene], Tensor]:
    """Validation scenes with one kind each, and their pixels; the test combinations are not among them."""
    rng = np.random.default_rng(_VAL_SEED)
    scenes = [sample_scene(rng, "val", alone=True) for _ in range(count)]
    pictures = np.stack([np.asarray(draw(scene, PIXELS)) for scene in scenes])
    return scenes, torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


@torch.no_grad()
def zero_shot_shares(
    model: CLIPModel, tokenizer: PreTrainedTokenizerFast, scenes: list[Scene], pixels: Tensor
) -> tuple[float, float, float]:
    """Shares of scenes whose kind, colour and setting are the best of all labels in "a photo of a {}"."""
    with torch.autocast("cpu", torch.bfloat16):
        images = torch.cat([image_vectors(model, part) for part in torch.split(pixels, BATCH)])
        shares = []
        for labels, field in ((KINDS, "kind"), (COLOUR_NAMES, "colour"), (SETTINGS, "setting")):
            texts = text_vectors(model, tokenizer, [f"a photo of a {label}" for label in labels])
            best = (images @ texts.T).argmax(1).tolist()
            shares.append(float(np.mean([labels[i] == getattr(s, field) for i, s in zip(best, scenes, strict=True)])))
    return shares[0], shares[1], shares[2]


def _save(file: Path, model: CLIPModel, optimisers: Optimisers, step: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    torch.save({"step": step, "model": model.state_dict(), "optimisers": [o.state_dict() for o in optimisers]}, part)
    part.rename(file)


def _load(file: Path, model: CLIPModel, optimisers: Optimisers) -> int:
    state = torch.load(file, weights_only=True)
    model.load_state_dict(state["model"])
    for optimiser, kept in zip(optimisers, state["optimisers"], strict=True):
        optimiser.load_state_dict(kept)
    return int(state["step"])
