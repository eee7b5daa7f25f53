"""A classifier of the vectors of one space, as one small file that plain numpy can run."""

from __future__ import annotations

import base64
import binascii
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sharedspace.errors import BadInput
from sharedspace.records import OTHER, Mode, Space
from sharedspace.vectors import sigmoid, softmax

FORMAT = 1
MOST_BYTES = 64 * 2**20  # of a file, unpacked
MAX_LABELS = 1000
ARRAYS = {"weights": np.float32, "bias": np.float32, "label_of": np.int32, "thresholds": np.float32}


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """A linear head: of a vector x the logits weights · x + bias, of each label the highest of its rows.

    one: the probabilities of an image are the softmax over its labels, and over "none of these" where some rows stand
    for it. many: each label's is the sigmoid of its logit less that of none of these (0 without such rows). Scale,
    temperature and calibration are in weights and bias already. Raises BadInput for parts that do not fit together.
    """

    labels: tuple[str, ...]
    weights: np.ndarray  # (R, d) float32
    bias: np.ndarray  # (R,) float32
    label_of: np.ndarray  # (R,) int, place of the row's label; len(labels) is none of these
    space: Space
    mode: Mode = "one"
    thresholds: np.ndarray | None = None  # (L,) least probability with which an image gets the label
    templates: tuple[str, ...] = ()  # that it was made from, where it was made of words
    prompts: tuple[tuple[str, ...], ...] = ()  # each label's own; where empty, its name in the templates

    def __post_init__(self) -> None:
        with np.errstate(all="ignore"):  # what is too large becomes infinite, and is refused
            for name, array in self._arrays().items():
                object.__setattr__(self, name, np.ascontiguousarray(array, dtype=ARRAYS[name]))
        if reason := _fault(self):
            raise BadInput(f"This is no classifier: {reason}.")

    @property
    def other(self) -> bool:
        """Whether some rows stand for none of these."""
        return bool((self.label_of == len(self.labels)).any())

    @property
    def columns(self) -> tuple[str, ...]:
        """What the columns of `probabilities` stand for: the labels, and none of these where it is one of them."""
        return (*self.labels, OTHER) if self.other and self.mode == "one" else self.labels

    def logits(self, vectors: np.ndarray) -> np.ndarray:
        """Logits (n, L), or (n, L + 1) with none of these, of unit vectors (n, d); raises BadInput for another d."""
        if vectors.ndim != 2 or vectors.shape[1] != self.space.dimension:
            raise BadInput(f"The classifier takes vectors (n, {self.space.dimension}), not {vectors.shape}.")
        order = np.argsort(self.label_of, kind="stable")
        starts = np.flatnonzero(np.diff(self.label_of[order], prepend=-1))
        rows = vectors @ self.weights[order].T + self.bias[order]
        return np.asarray(rows if len(starts) == len(order) else np.maximum.reduceat(rows, starts, axis=1))

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """Probabilities (n, columns) float32 of unit vectors (n, d) of the space."""
        return self.probabilities_of(self.logits(vectors))

    def probabilities_of(self, logits: np.ndarray) -> np.ndarray:
        """The same from `logits`."""
        if self.mode == "one":
            return softmax(logits)
        return sigmoid(logits[:, :-1] - logits[:, -1:] if self.other else logits)

    def answer(self, vectors: np.ndarray) -> list[str | None]:
        """Each vector's likeliest label; None for none of these, and under the label's threshold.

        many: without thresholds the least is 0.5.
        """
        found = self.probabilities(vectors)
        least = np.zeros(found.shape[1]) if self.mode == "one" else np.full(found.shape[1], 0.5)
        if self.thresholds is not None:
            least[: len(self.labels)] = self.thresholds
        reached = np.where(found >= least, found, -1) if self.mode == "many" else found
        best = reached.argmax(axis=1)
        kept = (best < len(self.labels)) & (found[np.arange(len(best)), best] >= least[best])
        return [self.labels[place] if good else None for place, good in zip(best, kept, strict=True)]

    # -- as a file, and as a document

    def save(self, path: Path) -> None:
        """Write it as .npz: arrays, and `about`, a text of JSON; raises BadInput where that cannot be."""
        try:
            path.write_bytes(self.packed())
        except OSError as error:
            raise BadInput(f"{path} cannot be written: {error.strerror}.") from error

    def packed(self) -> bytes:
        """The bytes of its file."""
        out = io.BytesIO()
        np.savez_compressed(out, about=np.array(json.dumps(self._about())), **self._arrays())  # type: ignore[arg-type]
        return out.getvalue()

    def document(self) -> dict[str, Any]:
        """The same as plain JSON values; arrays as base64 of their bytes, float32 and int32, little-endian."""
        arrays = {
            name: base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode("ascii")
            for name, array in self._arrays().items()
        }
        return {**self._about(), **arrays}

    def _arrays(self) -> dict[str, np.ndarray]:
        return {name: getattr(self, name) for name in ARRAYS if getattr(self, name) is not None}

    def _about(self) -> dict[str, Any]:
        space = self.space
        return {
            "format": FORMAT,
            "labels": list(self.labels),
            "mode": self.mode,
            "templates": list(self.templates),
            "prompts": [list(own) for own in self.prompts],
            "space": space.fingerprint,
            "model": space.model,
            "dimension": space.dimension,
            "logit_scale": space.logit_scale,
            "logit_bias": space.logit_bias,
        }


def load(path: Path) -> Classifier:
    """A classifier from the file that `Classifier.save` wrote; raises BadInput for any other."""
    try:
        size = path.stat().st_size
        if not path.is_file() or size > MOST_BYTES:
            raise BadInput(f"{path} is no classifier: it is no file, or larger than {MOST_BYTES // 2**20} MB.")
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
    return unpack(data, str(path))


def unpack(data: bytes, name: str) -> Classifier:
    """A classifier from the bytes of its file, whose `name` errors tell; raises BadInput."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(member.file_size for member in archive.infolist()) > MOST_BYTES:
                raise BadInput(f"it unpacks to more than {MOST_BYTES // 2**20} MB.")
        with np.load(io.BytesIO(data), allow_pickle=False) as pack:
            about = json.loads(str(pack["about"]))
            return _made(about, {key: pack[key] for key in ARRAYS if key in pack.files})
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from error
    except (KeyError, *DAMAGED) as error:
        raise BadInput(f"{name} is no classifier that was saved here: {_said(error)}.") from error


def from_document(document: Mapping[str, Any]) -> Classifier:
    """A classifier from what `Classifier.document` gave; raises BadInput for anything else."""
    try:
        arrays = {
            key: np.frombuffer(base64.b64decode(document[key], validate=True), np.dtype(kind).newbyteorder("<"))
            for key, kind in ARRAYS.items()
            if key in document
        }
        arrays["weights"] = arrays["weights"].reshape(len(arrays["bias"]), -1)
        return _made(document, arrays)
    except (KeyError, *DAMAGED) as error:
        raise BadInput(f"This is no classifier that was saved here: {_said(error)}.") from error


# What zipfile, numpy, json and base64 say of bytes that are none of theirs.
DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    MemoryError,
    NotImplementedError,
    RecursionError,
    zipfile.BadZipFile,
    zlib.error,
    binascii.Error,
)


def _said(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"it has no {str(error.args[0]).split()[0]}"
    return f"{str(error)[:80] or type(error).__name__}"


def _made(about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Classifier:
    if about["format"] != FORMAT:
        raise ValueError(f"its format is {about['format']!r}, and {FORMAT} is read")
    numbers = [about["logit_scale"], *([] if about["logit_bias"] is None else [about["logit_bias"]])]
    words = [about["space"], about["model"]]
    if not all(isinstance(word, str) for word in words) or not all(map(_is_number, [*numbers, about["dimension"]])):
        raise ValueError("it does not say which space it belongs to")
    lists = [about["labels"], about["templates"], about["prompts"], *about["prompts"]]
    if not all(isinstance(one, list) for one in lists):
        raise ValueError("its labels and prompts are no lists")
    return Classifier(
        labels=tuple(about["labels"]),
        weights=arrays["weights"],
        bias=arrays["bias"],
        label_of=arrays["label_of"],
        space=Space(about["space"], about["model"], about["dimension"], *map(float, numbers)),
        mode=about["mode"],
        thresholds=arrays.get("thresholds"),
        templates=tuple(about["templates"]),
        prompts=tuple(map(tuple, about["prompts"])),
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**31


def _fault(found: Classifier) -> str | None:
    """What does not fit together in a classifier, if anything."""
    count, rows = len(found.labels), len(found.weights)
    texts = [*found.labels, *found.templates, *(prompt for own in found.prompts for prompt in own)]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        return "one of its labels or prompts is no text"
    if not 1 <= count <= MAX_LABELS or len(set(found.labels)) < count or OTHER in found.labels:
        return f"it has to have 1 to {MAX_LABELS} different labels, none of them {OTHER!r}"
    if found.mode not in ("one", "many"):
        return f"its mode is {found.mode!r}, neither one nor many"
    if found.weights.shape != (rows, found.space.dimension) or found.bias.shape != (rows,):
        return (
            f"weights {found.weights.shape} and bias {found.bias.shape} are not of {found.space.dimension} dimensions"
        )
    if found.label_of.shape != (rows,) or {*found.label_of.tolist(), count} != {*range(count), count}:
        return "its rows do not stand for its labels"
    if count == 1 and found.mode == "one" and not found.other:
        return "a softmax over one label always answers it with certainty"
    if not (np.isfinite(found.weights).all() and np.isfinite(found.bias).all()):
        return "some of its weights are no numbers"
    if found.prompts and len(found.prompts) != count:
        return "its prompts are not those of its labels"
    least = found.thresholds
    if least is not None and not (least.shape == (count,) and ((least >= 0) & (least <= 1)).all()):
        return "its thresholds are not one probability a label"
    return None
