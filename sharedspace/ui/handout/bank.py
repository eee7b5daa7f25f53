"""Texts that were embedded beforehand: what can be asked in a file that has no model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sharedspace import words
from sharedspace.collection import Collection
from sharedspace.collection.asked import VOCABULARY
from sharedspace.encoders import IN_THE_BOX, clean
from sharedspace.encoders.own import OWN
from sharedspace.errors import ModelUnavailable

MOST = 600  # texts of a bank
CAPTIONS = 480  # of them at most
AT_ONCE = 48  # texts that a model which is not in the box reads while one waits, a second or two
LONGEST = 200  # characters of a text that is offered

Known = Callable[[Sequence[str]], Mapping[str, np.ndarray]]  # those of some texts that are embedded already


@dataclass(frozen=True)
class Bank:
    """Texts with their vectors, each once."""

    texts: tuple[str, ...]
    vectors: np.ndarray  # (m, d) float32, unit rows


def gather(
    collection: Collection, images: np.ndarray, captions: Iterable[str], at_hand: Iterable[str], known: Known
) -> Bank:
    """At most 600 texts: those `at_hand` first, then captions, then nouns, those first that fit best.

    `images` (n, d) and `captions` are those of the images in the file. Of a model that is not in the box, texts that
    are not `known` are read as far as one can wait; where the model is not on this machine, and of vectors of one's
    own, none is.
    """
    space = collection.info.space
    if space.model.startswith(OWN):
        return Bank((), np.empty((0, space.dimension), dtype=np.float32))
    own = _clean(at_hand)[: MOST // 2]
    told = _clean(captions)
    told = told[:: -(-len(told) // CAPTIONS) or 1]
    found = dict(known([*own, *told]))
    unread = [text for text in (*own, *told) if text not in found]
    try:
        nouns = [VOCABULARY.replace("{}", noun) for noun in words.nouns()]
        if space.model in IN_THE_BOX:
            nouns = [VOCABULARY.replace("{}", noun) for noun in collection.vocabulary()]
            collection.embed(nouns, remember=True)
        else:
            unread = unread[:AT_ONCE]
        found |= dict(zip(unread, collection.embed(unread), strict=True))
    except ModelUnavailable:
        pass  # what was embedded before is all there is
    texts = [text for text in dict.fromkeys((*own, *told)) if text in found]
    of_nouns = known([noun for noun in nouns if noun not in found])
    texts += _fitting(images, of_nouns, MOST - len(texts))
    found |= of_nouns
    vectors = np.stack([found[text] for text in texts]) if texts else np.empty((0, space.dimension), np.float32)
    return Bank(tuple(texts), np.asarray(vectors, dtype=np.float32))


def _clean(texts: Iterable[str]) -> list[str]:
    """On one line each, as an input of a page gives them back, without those that are too long."""
    lines = (" ".join(clean(text).split()) for text in texts)
    return list(dict.fromkeys(line for line in lines if line and len(line) <= LONGEST))


def _fitting(images: np.ndarray, texts: Mapping[str, np.ndarray], most: int) -> list[str]:
    """Those of the texts that an image fits best, by its cosine: the rest are for what is not there."""
    if not texts or most < 1:
        return []
    best = (np.stack(list(texts.values())) @ images.T).max(axis=1)
    return [list(texts)[place] for place in np.argsort(-best, kind="stable")[:most]]
