"""Captions of the pocket world and what each of them claims, so that a caption can be checked against any scene."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sharedspace.pocket.shapes import KINDS
from sharedspace.pocket.vocabulary import (
    COLOUR_SYNONYMS,
    COLOURS,
    HYPERNYMS,
    NAMES,
    NUMBERS,
    PATTERN_WORDS,
    PATTERNS,
    PHOTO_TEMPLATES,
    PLACES,
    PROMPT_TEMPLATES,
    RELATION_WORDS,
    RELATIONS,
    SETTINGS,
    SIZE_WORDS,
    SIZES,
)
from sharedspace.pocket.world import COLOUR_NAMES, OPPOSITE, Scene

# Each field of a claim is a set of values as bits; a truth is one value as one bit. -1 (all bits) claims nothing.
_FIELDS = ("kind", "colour", "pattern", "size", "count", "second", "second_colour", "setting", "relation", "word")
_NOTHING = len(KINDS)


@dataclass(frozen=True)
class Caption:
    """A text and its claims: for each field the values that make it true (a field left out claims nothing)."""

    text: str
    claims: dict[str, tuple[str, ...]]


def words(text: str) -> list[str]:
    """Lower-case words and punctuation marks, as the tokenizer splits them."""
    return re.findall(r"\w+|[^\w\s]", text.lower())


def claim_bits(captions: list[Caption]) -> NDArray[np.int64]:
    """(n, 10) sets of admitted values as bits."""
    order = {
        "kind": KINDS,
        "colour": COLOUR_NAMES,
        "pattern": PATTERNS,
        "size": SIZES,
        "count": NUMBERS,
        "second": KINDS,
        "second_colour": COLOUR_NAMES,
        "setting": SETTINGS,
        "relation": RELATIONS,
        "word": KINDS,
    }
    bits = np.full((len(captions), len(_FIELDS)), -1, np.int64)
    for row, caption in enumerate(captions):
        for field, values in caption.claims.items():
            bits[row, _FIELDS.index(field)] = sum(1 << order[field].index(value) for value in values)
    return bits


def truth_bits(scenes: list[Scene]) -> NDArray[np.int64]:
    """(n, 2, 10) truths as single bits: as told from the first object's side and from the second's."""

    def bit(values: tuple[str, ...], value: str | None) -> int:
        return 1 << (values.index(value) if value is not None else _NOTHING)

    table = np.zeros((len(scenes), 2, len(_FIELDS)), np.int64)
    for row, scene in enumerate(scenes):
        first = (bit(KINDS, scene.kind), bit(COLOUR_NAMES, scene.colour))
        form = (bit(PATTERNS, scene.pattern), bit(SIZES, scene.size), 1 << (scene.count - 1))
        second = (bit(KINDS, scene.second), bit(COLOUR_NAMES, scene.second_colour))
        around = (bit(SETTINGS, scene.setting), bit(RELATIONS, scene.relation), bit(KINDS, scene.word))
        back = bit(RELATIONS, OPPOSITE[scene.relation] if scene.relation else None)
        table[row, 0] = (*first, *form, *second, *around)
        if scene.second is not None:
            table[row, 1] = (*second, *form, *first, around[0], back, around[2])
    return table


def match_matrix(captions: list[Caption], scenes: list[Scene]) -> NDArray[np.bool_]:
    """(captions, scenes): is the caption, as the set of what it claims, true of the scene?"""
    claims, truths = claim_bits(captions), truth_bits(scenes)
    told = np.zeros((2, len(captions), len(scenes)), bool)
    for side in range(2):
        told[side] = (truths[:, side, 0] != 0)[None, :]
        for field in range(len(_FIELDS)):
            told[side] &= (claims[:, field, None] & truths[None, :, side, field]) != 0
    return np.asarray(told[0] | told[1], np.bool_)


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[rng.integers(len(options))]


def _name(kind: str, rng: np.random.Generator, plural: bool, synonyms: float = 0.3) -> str:
    many, others = NAMES[kind]
    if plural:
        return many
    return _pick(rng, others) if others and rng.random() < synonyms else kind


def _colour(colour: str, rng: np.random.Generator) -> str:
    others = COLOUR_SYNONYMS[colour]
    return _pick(rng, others) if others and rng.random() < 0.12 else colour


def article(phrase: str) -> str:
    """The phrase with "a" or "an" before it."""
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def _dressed(noun: str, rng: np.random.Generator, plural: bool = False) -> str:
    """A noun phrase bare, with an article, or in one of the templates."""
    draw = rng.random()
    if draw < 0.25:
        return noun
    if draw < 0.4:
        return noun if plural else article(noun)
    if draw < 0.84:
        form = _pick(rng, PHOTO_TEMPLATES[: 4 if rng.random() < 0.6 else None])
        grammar = "a {}" in form and rng.random() < 0.5 and noun[0] in "aeiou"
        return form.replace("a {}", "an {}").format(noun) if grammar else form.format(noun)
    return _pick(rng, PROMPT_TEMPLATES).format(noun)


def _with_stop(text: str, rng: np.random.Generator) -> str:
    return text + "." if rng.random() < 0.15 and not text.endswith(".") else text


def object_caption(scene: Scene, rng: np.random.Generator) -> Caption:
    """Names the object (or, in a two-object scene, one of the two) and nothing else."""
    kind = scene.second if scene.second and rng.random() < 0.4 else scene.kind
    plural = scene.count > 1 and rng.random() < 0.6
    kinds: tuple[str, ...] = (kind,)
    noun = _name(kind, rng, plural)
    wider = [(name, entry) for name, entry in HYPERNYMS.items() if kind in entry[1]]
    if wider and rng.random() < 0.15:
        name, (many, kinds) = wider[rng.integers(len(wider))]
        noun = many if plural else name
    claims = {"kind": kinds} | ({"count": NUMBERS[1:]} if plural else {})
    return Caption(_with_stop(_dressed(noun, rng, plural), rng), claims)


def colour_caption(scene: Scene, rng: np.random.Generator) -> Caption:
    """Names a colour only."""
    word = _colour(scene.colour, rng)
    form = _pick(rng, ("{}", "something {}", "a {} thing", "the colour {}", "a {} object", "one {} thing"))
    text = form.format(word) if rng.random() < 0.6 else _dressed(word, rng)
    return Caption(_with_stop(text, rng), {"colour": (scene.colour,)})


def setting_caption(scene: Scene, rng: np.random.Generator) -> Caption:
    """Names the setting only."""
    bare, after, alone = PLACES[scene.setting]
    form = rng.random()
    text = _dressed(_pick(rng, bare), rng) if form < 0.55 else _pick(rng, after) if form < 0.7 else _pick(rng, alone)
    if form > 0.85:
        text = _pick(rng, ("a photo of {}", "a picture of {}")).format(text)
    return Caption(_with_stop(text, rng), {"setting": (scene.setting,)})


def full_caption(scene: Scene, rng: np.random.Generator, *, told: frozenset[str] = frozenset()) -> Caption:
    """Names the object and some of the rest; the fields in `told` always, if the scene has anything to say there."""

    def says(field: str, chance: float) -> bool:
        return field in told or rng.random() < chance

    claims: dict[str, tuple[str, ...]] = {"kind": (scene.kind,)}
    plural = scene.count > 1
    noun = _name(scene.kind, rng, plural, 0.2)
    tail = ""
    if says("colour", 0.7):
        noun, claims["colour"] = f"{_colour(scene.colour, rng)} {noun}", (scene.colour,)
    if scene.pattern != "plain" and says("pattern", 0.6):
        adjectives, tails = PATTERN_WORDS[scene.pattern]
        claims["pattern"] = (scene.pattern,)
        if rng.random() < 0.6:
            noun = f"{_pick(rng, adjectives)} {noun}"
        else:
            tail = f" {_pick(rng, tails)}"
    if scene.size in SIZE_WORDS and scene.count == 1 and says("size", 0.25):
        noun, claims["size"] = f"{_pick(rng, SIZE_WORDS[scene.size])} {noun}", (scene.size,)
    if plural:
        exact = says("count", 0.75)
        claims["count"] = (NUMBERS[scene.count - 1],) if exact else NUMBERS[1:]
        noun = f"{NUMBERS[scene.count - 1]} {noun}" if exact else f"{_pick(rng, ('some', 'many'))} {noun}"
    text = (noun if plural else _dressed(noun, rng)) + tail
    if text.endswith("." + tail) and tail:
        text = text.replace(".", "")
    if says("setting", 0.45):
        where = _pick(rng, PLACES[scene.setting][1])
        claims["setting"] = (scene.setting,)
        text = f"{where} , {text}" if rng.random() < 0.12 else f"{text.removesuffix('.')} {where}"
    return Caption(_with_stop(text, rng), claims)


def pair_caption(scene: Scene, rng: np.random.Generator) -> Caption:
    """Names both objects of a two-object scene, with or without colours, relation and setting."""
    assert scene.second is not None
    assert scene.second_colour is not None
    assert scene.relation is not None
    first, second, relation = (scene.kind, scene.colour), (scene.second, scene.second_colour), scene.relation
    if rng.random() < 0.5:
        first, second, relation = second, first, OPPOSITE[relation]
    claims: dict[str, tuple[str, ...]] = {"kind": (first[0],), "second": (second[0],)}
    coloured = rng.random() < 0.7
    if coloured:
        claims |= {"colour": (first[1],), "second_colour": (second[1],)}
    names = [
        article(
            f"{_colour(colour, rng)} {_name(kind, rng, False, 0.15)}" if coloured else _name(kind, rng, False, 0.15)
        )
        for kind, colour in (first, second)
    ]
    if rng.random() < 0.55:
        claims["relation"] = (relation,)
        text = f"{names[0]} {_pick(rng, RELATION_WORDS[relation])} {names[1]}"
    else:
        text = f"{names[0]} {_pick(rng, ('and', 'with', 'beside'))} {names[1]}"
    if rng.random() < 0.35:
        text, claims["setting"] = f"{text} {_pick(rng, PLACES[scene.setting][1])}", (scene.setting,)
    if rng.random() < 0.4:
        text = _pick(rng, ("a photo of {}", "a picture of {}")).format(text)
    return Caption(_with_stop(text, rng), claims)


def word_caption(scene: Scene, rng: np.random.Generator) -> Caption:
    """Says what is written on the sign, with or without the object."""
    assert scene.word is not None
    form = _pick(rng, ("a sign that says {}", "the word {}", "{} written on a sign", "a sign with the word {}"))
    text = form.format(scene.word)
    claims: dict[str, tuple[str, ...]] = {"word": (scene.word,)}
    if rng.random() < 0.5:
        text = f"{article(_name(scene.kind, rng, False))} and {text}"
        claims["kind"] = (scene.kind,)
    return Caption(_with_stop(text, rng), claims)


def caption(scene: Scene, rng: np.random.Generator) -> Caption:
    """One random caption of a scene: a third names the object only, some name only the colour or the setting."""
    draw = rng.random()
    if draw < 0.33:
        return object_caption(scene, rng)
    if draw < 0.39:
        return colour_caption(scene, rng)
    if draw < 0.45:
        return setting_caption(scene, rng)
    if scene.second is not None:
        return pair_caption(scene, rng)
    if scene.word is not None and rng.random() < 0.4:
        return word_caption(scene, rng)
    return full_caption(scene, rng)


def vocabulary() -> tuple[str, ...]:
    """Every word and mark that a caption can hold, sorted."""
    texts = [*PHOTO_TEMPLATES, *PROMPT_TEMPLATES, *NUMBERS, *COLOURS, *NAMES, *HYPERNYMS, *HAND_WORDS]
    texts += [w for many, others in NAMES.values() for w in (many, *others)]
    texts += [many for many, _ in HYPERNYMS.values()]
    for group in (COLOUR_SYNONYMS, SIZE_WORDS, RELATION_WORDS):
        texts += [w for options in group.values() for w in options]
    texts += [w for options in (*PLACES.values(), *PATTERN_WORDS.values()) for group in options for w in group]
    return tuple(sorted({word for text in texts for word in words(text.replace("{}", ""))}))


HAND_WORDS = (
    "some many and with beside",
    "something thing the colour object one",
    "a an",
    ", .",
    "a sign that says",
    "the word",
    "written on a sign",
    "a sign with the word",
)
