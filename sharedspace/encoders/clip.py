"""Any CLIP through sentence-transformers: our pocket model and ViT-L/14 go the same way."""

from __future__ import annotations

import hashlib
import string
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sharedspace.encoders import clean
from sharedspace.encoders.pixels import Square
from sharedspace.encoders.tower import Precision, choose, lower, shorten
from sharedspace.errors import ModelUnavailable
from sharedspace.records import Space, Tokens
from sharedspace.vectors import unit

if TYPE_CHECKING:
    from PIL import Image

BATCH = 16  # images of a forward pass: what they leave behind still fits a processor's cache
TEXTS = 32  # texts of one
MARKS = string.punctuation


class ClipEncoder:
    """A CLIP-family model; see `Encoder` for the promises."""

    padding: Mapping[str, Any] = {"padding": True, "return_attention_mask": True}  # of texts in one batch

    def __init__(self, name: str, folder: Path, precision: Precision = "auto") -> None:
        from safetensors import SafetensorError
        from transformers.utils import logging

        # Each load would be reported at length on stderr; what we need of that is checked below.
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            clip, self._tokenizer, self._processor = self._open(name, folder)
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise ModelUnavailable(f"The model {name!r} in {folder} cannot be loaded: {error}") from error
        _check_complete(clip, folder, name)
        self._clip = clip
        self._square = Square.of(self._processor)
        self.side = int(clip.config.vision_config.image_size)
        self.precision: str = choose(clip) if precision == "auto" else precision
        if self.precision == "bfloat16":
            lower(clip)
        if clip.config.model_type == "clip":
            shorten(clip)
        # A processor's cores take a batch each; an accelerator does one after the other.
        self._turn: AbstractContextManager[Any] = nullcontext() if clip.device.type == "cpu" else threading.Lock()
        self._limit = int(clip.config.text_config.max_position_embeddings)
        self._tokenizer.model_max_length = self._limit
        self._one_reader = threading.Lock()  # it keeps where it cuts a text, and `tokens` and `texts` differ in that
        self._tokenizer.split_special_tokens = True  # a typed <|endoftext|> is text, and ends nothing
        bias = getattr(clip, "logit_bias", None)
        self.space = Space(
            fingerprint=_fingerprint(folder),
            model=name,
            dimension=self._dimension(clip.config),
            logit_scale=float(clip.logit_scale.detach().exp()),
            logit_bias=None if bias is None else float(bias.detach()),
        )

    def _open(self, name: str, folder: Path) -> tuple[Any, Any, Any]:
        """The transformers model with both towers, its tokenizer and its image processor."""
        from sentence_transformers import SentenceTransformer

        opened = SentenceTransformer(
            str(folder), local_files_only=True, model_kwargs={"use_safetensors": True}, device=device()
        )
        return _find_clip(opened, name), opened.tokenizer, getattr(opened[0].processor, "image_processor", None)

    def _dimension(self, config: Any) -> int:
        return int(config.projection_dim)

    @contextmanager
    def workers(self) -> Iterator[ThreadPoolExecutor]:
        """Threads that prepare and encode side by side, one a core."""
        import torch

        cores = _cores.take()
        try:
            # Cores that share one batch wait for each other; with a batch each they do not.
            with ThreadPoolExecutor(cores, "encoder", torch.set_num_threads, (1,)) as pool:
                yield pool
        finally:
            _cores.give_back()

    def prepare(self, picture: Image.Image) -> np.ndarray:
        """The pixels that the model reads of a picture."""
        if self._square is not None:
            return self._square.cut(picture)
        found = self._processor(images=[picture.convert("RGB")], return_tensors="np")["pixel_values"]
        return np.asarray(found[0], dtype=np.float32)

    def encode(self, prepared: Sequence[np.ndarray]) -> np.ndarray:
        """(n, d) float32 unit rows."""
        return unit(self.raw(prepared))

    def raw(self, prepared: Sequence[np.ndarray]) -> np.ndarray:
        """(n, d) float32 rows of any length."""
        if not prepared:
            return np.empty((0, self.space.dimension), dtype=np.float32)
        return np.concatenate([self._forward(prepared[at : at + BATCH]) for at in range(0, len(prepared), BATCH)])

    def images(self, pictures: Sequence[Image.Image]) -> np.ndarray:
        """(n, d) float32 unit rows."""
        return self.encode([self.prepare(picture) for picture in pictures])

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """(n, d) float32 unit rows."""
        return unit(self.raw_texts(texts))

    def raw_texts(self, texts: Sequence[str]) -> np.ndarray:
        """(n, d) float32 rows of any length."""
        if not texts:
            return np.empty((0, self.space.dimension), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))  # those of a batch end at the same place
        batches = [[clean(texts[place]) for place in order[at : at + TEXTS]] for at in range(0, len(order), TEXTS)]
        rows = np.concatenate([self._read(batch) for batch in batches])
        return np.asarray(rows[np.argsort(order)])

    def tokens(self, text: str) -> Tokens:
        """What the model sees: pieces, limit, cut pieces, unknown words."""
        text = clean(text)
        tokenizer = self._tokenizer
        with self._one_reader:
            found = tokenizer(text, truncation=False, return_special_tokens_mask=True, return_offsets_mapping=True)
        body = [
            (token, text[start:end].strip() or text[start:end])  # some tokenizers count the space before a word to it
            for token, special, (start, end) in zip(
                found["input_ids"], found["special_tokens_mask"], found["offset_mapping"], strict=True
            )
            if not special or (token == tokenizer.unk_token_id and end > start)
        ]
        room = self._limit - (len(found["input_ids"]) - len(body))
        return Tokens(
            pieces=tuple(piece for _, piece in body[:room]),
            limit=room,
            cut=max(0, len(body) - room),
            unknown=tuple(
                # Of punctuation nobody expects that the model knows it.
                dict.fromkeys(piece for token, piece in body if token == tokenizer.unk_token_id and piece.strip(MARKS))
            ),
        )

    def _read(self, texts: list[str]) -> np.ndarray:
        """(n, d) rows of a batch of texts."""
        import torch

        with self._one_reader:
            found = self._tokenizer(
                texts,
                truncation=True,
                max_length=self._limit,
                return_token_type_ids=False,
                return_tensors="pt",
                **self.padding,
            )
        with torch.inference_mode(), self._turn:
            rows = self._clip.get_text_features(**found.to(self._clip.device))
            return np.asarray(rows.pooler_output.float().cpu().numpy())

    def _forward(self, prepared: Sequence[np.ndarray]) -> np.ndarray:
        import torch

        with torch.inference_mode(), self._turn:
            device = self._clip.device
            if self._square is not None:
                pixels = self._square.normalise(prepared, device)
            else:
                pixels = torch.from_numpy(np.stack(prepared)).to(device)
            found = self._clip.get_image_features(pixel_values=pixels)
            return np.asarray(found.pooler_output.float().cpu().numpy())


class _Cores:
    """The threads of torch, while some use them singly: whoever comes amid others would find but one, and leave it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._cores = 1

    def take(self) -> int:
        """How many there are."""
        import torch

        with self._lock:
            if self._users == 0:
                self._cores = torch.get_num_threads()
            self._users += 1
            return self._cores

    def give_back(self) -> None:
        """The last to do so restores them, for this thread and for all that are yet to come."""
        import torch

        with self._lock:
            self._users -= 1
            if self._users == 0:
                torch.set_num_threads(self._cores)


_cores = _Cores()


def device() -> str:
    """Where a model computes: "cuda", "mps" or "cpu"."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _find_clip(model: Any, name: str) -> Any:
    """The transformers model inside, the one that has both towers and the logit scale."""
    for module in model.modules():
        if all(hasattr(module, part) for part in ("logit_scale", "text_projection", "visual_projection")):
            return module
    raise ModelUnavailable(f"The model {name!r} is not of the CLIP family: it has no pair of text and image towers.")


def _check_complete(clip: Any, folder: Path, name: str) -> None:
    """A weight missing from the file would silently stay random: refuse the model instead."""
    from safetensors import safe_open

    stored: set[str] = set()
    for file in folder.rglob("*.safetensors"):
        with safe_open(file, framework="pt") as weights:
            stored.update(weights.keys())
    missing = sorted(key for key, _ in clip.named_parameters() if key not in stored)
    if missing:
        raise ModelUnavailable(f"The model {name!r} in {folder} lacks {len(missing)} weights, {missing[0]} the first.")


def _fingerprint(folder: Path) -> str:
    """Hash over everything that decides a vector: weights, configuration, preprocessing, tokenizer; 16 hex digits."""
    digest = hashlib.sha256()
    for file in sorted(_decisive(folder), key=lambda path: path.relative_to(folder).as_posix()):
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0")
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()[:16]


def _decisive(folder: Path) -> Iterator[Path]:
    for file in folder.rglob("*"):
        if file.suffix in {".json", ".txt", ".safetensors"} and file.is_file():
            yield file
