"""What the pocket model can and cannot do, measured on held-out scenes through the path that users take."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sharedspace.pocket import tasks
from sharedspace.pocket.captions import Caption, full_caption, match_matrix, pair_caption
from sharedspace.pocket.paint import draw
from sharedspace.pocket.shapes import KINDS
from sharedspace.pocket.vocabulary import COLOURS, HYPERNYMS, NAMES, PLACES, SETTINGS
from sharedspace.pocket.world import COLOUR_NAMES, Scene, Split, sample_scene, triples

PIXELS = 256
_TEMPLATE = "a photo of a {}"
Vectors = NDArray[np.float32]


class _Judge:
    """The model as users meet it: SentenceTransformer, unit vectors, texts never taken for paths."""

    def __init__(self, folder: Path) -> None:
        from sentence_transformers import SentenceTransformer

        self.model = SentenceTransformer(str(folder), device="cpu")

    def images(self, scenes: Sequence[Scene], pixels: int = PIXELS) -> Vectors:
        pictures = [draw(scene, pixels) for scene in scenes]
        return np.asarray(
            self.model.encode(pictures, batch_size=64, normalize_embeddings=True, show_progress_bar=False)
        )

    def texts(self, texts: Iterable[str]) -> Vectors:
        items = [{"text": text} for text in texts]
        return np.asarray(self.model.encode(items, batch_size=64, normalize_embeddings=True, show_progress_bar=False))

    def hits(
        self, images: Vectors, labels: Sequence[str], truths: Sequence[str], template: str = _TEMPLATE
    ) -> list[bool]:
        """For each image: is the best of all labels in the template the true one?"""
        best = (images @ self.texts(template.format(label) for label in labels).T).argmax(1)
        return [labels[i] == truth for i, truth in zip(best, truths, strict=True)]


def evaluate(model_dir: Path, *, seed: int = 0, n: int = 1000) -> dict[str, Any]:
    """Measure the model in `model_dir` on scenes of the test combinations, which training and its watch never saw.

    `n` scenes for the zero-shot figures, as many pairs for retrieval, half as many for each weak point. Returns
    {"seed", "n", "logit_scale", "gap", "rows": [{"group", "name", "value", "n", "chance", "target"}, ...]}.
    """
    judge, rng = _Judge(model_dir), np.random.default_rng([seed, 99])
    rows = [
        *_zero_shot(judge, rng, n),
        *_retrieval(judge, rng, n),
        *_queries(judge, rng, n),
        *_weak_points(judge, rng, n // 2),
    ]
    gap, scale = _geometry(judge, rng, n // 2)
    return {"seed": seed, "n": n, "logit_scale": scale, "gap": gap, "rows": [row for row in rows if row["n"]]}


def format_table(table: dict[str, Any]) -> str:
    """The figures as aligned text, a figure under its target marked."""
    lines = [f"{'':13}{'measure':52}{'value':>7}{'n':>7}{'chance':>8}{'target':>8}"]
    for row in table["rows"]:
        chance, target = (f"{row[key]:.3f}" if row[key] is not None else "" for key in ("chance", "target"))
        short = "  short of it" if row["target"] is not None and row["value"] < row["target"] else ""
        lines.append(f"{row['group']:13}{row['name']:52}{row['value']:7.3f}{row['n']:7d}{chance:>8}{target:>8}{short}")
    lines.append(f"modality gap {table['gap']:.3f}   logit scale {table['logit_scale']:.1f}   seed {table['seed']}")
    return "\n".join(lines)


def _row(
    group: str,
    name: str,
    values: Sequence[float] | NDArray[Any],
    chance: float | None = None,
    target: float | None = None,
) -> dict[str, Any]:
    value = float(np.mean(values)) if len(values) else 0.0
    return {
        "group": group,
        "name": name,
        "value": round(value, 4),
        "n": len(values),
        "chance": chance,
        "target": target,
    }


def _scenes(rng: np.random.Generator, n: int, *parts: Split, alone: bool = True) -> list[Scene]:
    return [sample_scene(rng, parts[i % len(parts)], alone=alone) for i in range(n)]


def _zero_shot(judge: _Judge, rng: np.random.Generator, n: int) -> list[dict[str, Any]]:
    """Best of all labels in "a photo of a {}", one kind a picture."""
    scenes, unseen = _scenes(rng, n, "test"), _scenes(rng, n // 2, "test_pair")
    large, small = judge.images(scenes), judge.images(scenes, 64)
    kinds = judge.hits(large, KINDS, [s.kind for s in scenes])
    colours = judge.hits(large, COLOUR_NAMES, [s.colour for s in scenes])
    settings = judge.hits(large, SETTINGS, [s.setting for s in scenes])
    rows = [
        _row("zero-shot", "setting (8)", settings, 1 / 8, 0.98),
        _row("zero-shot", "colour (10)", colours, 1 / 10, 0.95),
        _row("zero-shot", "object (40)", kinds, 1 / 40, 0.85),
        _row(
            "zero-shot",
            "object, never-seen object x colour",
            judge.hits(judge.images(unseen), KINDS, [s.kind for s in unseen]),
            1 / 40,
            0.80,
        ),
        _row("zero-shot", "object, drawn at 64 px", judge.hits(small, KINDS, [s.kind for s in scenes]), 1 / 40),
    ]
    groups = [
        (f"object, one {size}", [s.count == 1 and s.size == size for s in scenes])
        for size in ("small", "medium", "big")
    ]
    groups += [
        ("object, two to five of them", [s.count > 1 for s in scenes]),
        ("object, a sign names another", [s.word not in (None, s.kind) for s in scenes]),
    ]
    return rows + [
        _row("zero-shot", name, [hit for hit, take in zip(kinds, chosen, strict=True) if take], 1 / 40)
        for name, chosen in groups
    ]


def _full(scene: Scene, rng: np.random.Generator) -> Caption:
    everything = frozenset({"colour", "setting", "pattern", "size", "count"})
    return pair_caption(scene, rng) if scene.second else full_caption(scene, rng, told=everything)


def unique_pairs(rng: np.random.Generator, n: int) -> list[tuple[Scene, Caption]]:
    """Scenes of test combinations with captions of which none is true of another of the scenes."""
    pairs: list[tuple[Scene, Caption]] = []
    for _ in range(40 * n):
        scene = sample_scene(rng, ("test", "test_pair")[rng.integers(2)])
        told = _full(scene, rng)
        others = match_matrix([told], [s for s, _ in pairs]).any() or match_matrix([c for _, c in pairs], [scene]).any()
        if not others:
            pairs.append((scene, told))
        if len(pairs) == n:
            break
    return pairs


def _recalls(name: str, scores: NDArray[np.float32], target: float | None) -> list[dict[str, Any]]:
    """Recall at 1 and 5 of the diagonal of (queries, candidates)."""
    ranks = (scores > scores.diagonal()[:, None]).sum(1)
    size = scores.shape[1]
    return [_row("retrieval", f"{name}, R@{k}", ranks < k, k / size, target if k == 5 else None) for k in (1, 5)]


def _retrieval(judge: _Judge, rng: np.random.Generator, n: int) -> list[dict[str, Any]]:
    pairs = unique_pairs(rng, n)
    images, texts = judge.images([s for s, _ in pairs]), judge.texts(c.text for _, c in pairs)
    rows = _recalls("caption to image, unique captions", texts @ images.T, 0.98)
    rows += _recalls("image to caption, unique captions", images @ texts.T, 0.98)
    finds: dict[str, list[bool]] = {}
    held = set(triples("test")) | set(triples("test_pair"))
    for colour, setting in [(c, s) for c in COLOUR_NAMES for s in SETTINGS][:: max(1, 800 // max(n, 10))]:
        gallery = [Scene(kind, colour, setting, seed=int(rng.integers(2**31))) for kind in KINDS]
        asked = [i for i, kind in enumerate(KINDS) if (kind, colour, setting) in held]
        captions = [full_caption(s, rng, told=frozenset({"colour", "setting"})).text for s in gallery]
        scores = judge.texts(captions) @ judge.images(gallery).T
        for name, ranks in (
            ("caption to image", (scores > scores.diagonal()[:, None]).sum(1)),
            ("image to caption", (scores > scores.diagonal()[None, :]).sum(0)),
        ):
            for k in (1, 5):
                finds.setdefault(f"{name}, 40 alike but for the object, R@{k}", []).extend((ranks[asked] < k).tolist())
    return rows + [_row("retrieval", name, hits, int(name[-1]) / len(KINDS)) for name, hits in finds.items()]


def _queries(judge: _Judge, rng: np.random.Generator, n: int) -> list[dict[str, Any]]:
    """Precision at 10 of single words over a gallery of 2 n scenes; a scene counts where the word is true of it.

    Never under 800 scenes, else most kinds are not there ten times.
    """
    gallery = _scenes(rng, max(2 * n, 800), "test", "test_pair", alone=False)
    images = judge.images(gallery)
    asked: dict[str, list[tuple[str, dict[str, tuple[str, ...]]]]] = {
        "object word": [(kind, {"kind": (kind,)}) for kind in KINDS],
        "synonym": [(word, {"kind": (kind,)}) for kind, (_, others) in NAMES.items() for word in others],
        "colour word": [(colour, {"colour": (colour,)}) for colour in COLOURS],
        "setting word": [(word, {"setting": (setting,)}) for setting in SETTINGS for word in PLACES[setting][0]],
        "hypernym": [(word, {"kind": kinds}) for word, (_, kinds) in HYPERNYMS.items()],
    }
    rows = []
    for name, queries in asked.items():
        truth = match_matrix([Caption(word, claims) for word, claims in queries], gallery)
        best = (-(judge.texts(word for word, _ in queries) @ images.T)).argsort(1, kind="stable")[:, :10]
        shares = np.take_along_axis(truth, best, 1).mean(1)
        target = 0.85 if name in ("object word", "synonym") else None
        rows.append(_row("P@10", name, shares, round(float(truth.mean()), 4), target))
    return rows


def _weak_points(judge: _Judge, rng: np.random.Generator, n: int) -> list[dict[str, Any]]:
    """What contrastive training on short captions is known not to give; measured so that it can be said."""
    counting = tasks.counting(_scenes(rng, n, "test"))
    two = [s for s in _scenes(rng, 8 * n, "test", alone=False) if s.second][:n]
    patterns, signs = tasks.patterns(_scenes(rng, n, "test")), tasks.signs(_scenes(rng, n, "test"))
    return [
        _task(judge, counting, judge.images(counting.scenes)),
        *_two_objects(judge, two),
        _task(judge, patterns, judge.images(patterns.scenes)),
        _task(judge, signs, judge.images(signs.scenes)),
    ]


def _task(judge: _Judge, task: tasks.Task, images: Vectors) -> dict[str, Any]:
    best = tasks.scores(task, images, judge.texts).argmax(1) if task.scenes else np.empty(0)
    return _row("weak", task.name, best == task.true, task.chance if task.scenes else None)


def _two_objects(judge: _Judge, scenes: list[Scene]) -> list[dict[str, Any]]:
    images, place = judge.images(scenes), {scene: row for row, scene in enumerate(scenes)}
    asked = (tasks.relation(scenes, ("left", "right")), tasks.relation(scenes, ("above", "below")))
    rows = [
        _task(judge, task, images[[place[scene] for scene in task.scenes]]) for task in (*asked, tasks.binding(scenes))
    ]
    order = np.argsort(-(images @ judge.texts(_TEMPLATE.format(kind) for kind in KINDS).T), axis=1)[:, :2]
    found = [{KINDS[i] for i in pair} == {s.kind, s.second} for pair, s in zip(order, scenes, strict=True)]
    return [*rows, _row("weak", "both of two objects are the best two (40)", found, 2 / (40 * 39))]


def _geometry(judge: _Judge, rng: np.random.Generator, n: int) -> tuple[float, float]:
    """Modality gap (distance of the mean image to the mean text vector, Liang et al. 2022) and logit scale."""
    scenes = _scenes(rng, n, "test", alone=False)
    images, texts = judge.images(scenes), judge.texts(_full(scene, rng).text for scene in scenes)
    scale = float(next(p for name, p in judge.model.named_parameters() if name.endswith("logit_scale")).detach().exp())
    return float(np.linalg.norm(images.mean(0) - texts.mean(0))), scale
