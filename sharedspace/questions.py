"""A query written down: its parts as plain values, for addresses, saved queries and history."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sharedspace.errors import BadInput

MOST = 12  # parts of one query
MOST_IMAGES = 5000  # of one part
LARGEST = 1e9  # of a number in a query; what is no number is not under it either
HEX = set("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a query: words, or images of the collection (several stand for their mean), or another picture."""

    text: str = ""
    images: tuple[str, ...] = ()  # ids
    vector: tuple[float, ...] = ()  # of a picture that is not in the collection, (d,)
    name: str = ""  # what the images or the picture are called
    weight: float = 1.0  # below 0: away from it

    @property
    def words(self) -> str:
        """What it says or is called, with its weight but without its sign."""
        times = "" if abs(self.weight) == 1 else f"{abs(self.weight):g} × "
        return f"{times}{self.text or self.name or 'a picture'}"


def title(parts: Sequence[Part]) -> str:
    """A query in words."""
    if not parts:
        return ""
    first, *rest = parts
    begin = first.words if first.weight > 0 else f"not {first.words}"
    return begin + "".join(f" {'+' if part.weight > 0 else '−'} {part.words}" for part in rest)


def plain(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """Parts as JSON values; what is at its default is left out."""
    return [
        {
            **({"text": part.text} if part.text else {}),
            **({"images": list(part.images)} if part.images else {}),
            **({"vector": list(part.vector)} if part.vector else {}),
            **({"name": part.name} if part.name else {}),
            **({"weight": part.weight} if part.weight != 1 else {}),
        }
        for part in parts
    ]


def write(parts: Sequence[Part]) -> str:
    """Parts as one line of JSON."""
    return json.dumps(plain(parts), ensure_ascii=False, separators=(",", ":"))


def read(written: str) -> tuple[Part, ...]:
    """Parts from what `write` gave, or what somebody made of an address; raises BadInput."""
    try:
        found = json.loads(written)
    except ValueError as error:
        raise BadInput(f"This is no query: {_cut(written)}. Ask anew, or take a link that was not cut off.") from error
    return of(found)


def of(found: Any) -> tuple[Part, ...]:
    """Parts from JSON values; raises BadInput for anything that is no query."""
    if not isinstance(found, list) or len(found) > MOST:
        raise BadInput(f"A query is a list of at most {MOST} parts, not {_cut(found)}.")
    return tuple(_part(one) for one in found)


def _part(found: Any) -> Part:
    if not isinstance(found, Mapping) or not set(found) <= {"text", "images", "vector", "name", "weight"}:
        raise BadInput(f"This is no part of a query: {_cut(found)}.")
    text, name, weight = found.get("text", ""), found.get("name", ""), found.get("weight", 1.0)
    images, vector = found.get("images", []), found.get("vector", [])
    good = (
        isinstance(text, str)
        and isinstance(name, str)
        and _is_number(weight)
        and weight != 0
        and abs(weight) <= 100
        and isinstance(images, list)
        and len(images) <= MOST_IMAGES
        and all(isinstance(id, str) and len(id) == 64 and set(id) <= HEX for id in images)
        and isinstance(vector, list)
        and all(map(_is_number, vector))
    )
    if not good or (bool(text.strip()), bool(images), bool(vector)).count(True) != 1:
        raise BadInput(f"This is no part of a query: {_cut(found)}. It is one text, or images, or one picture.")
    return Part(text, tuple(images), tuple(map(float, vector)), name, float(weight))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def _cut(value: object) -> str:
    words = repr(value)  # on one line, without power over a terminal
    return words if len(words) <= 80 else f"{words[:79]}…"
