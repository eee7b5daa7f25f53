"""The pocket world: repeatable, honest about what is held out, and true in what its captions claim."""

import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from sharedspace.pocket import pool
from sharedspace.pocket.captions import Caption, caption, match_matrix, vocabulary, words
from sharedspace.pocket.paint import draw
from sharedspace.pocket.shapes import KINDS
from sharedspace.pocket.vocabulary import NUMBERS, SETTINGS
from sharedspace.pocket.world import COLOUR_NAMES, OPPOSITE, Scene, sample_scene, splits, triples


def scenes(count: int, seed: int = 0) -> list[Scene]:
    rng = np.random.default_rng(seed)
    return [sample_scene(rng) for _ in range(count)]


def test_same_scene_gives_same_bytes_and_another_seed_others() -> None:
    for scene in scenes(20):
        assert draw(scene, 64).tobytes() == draw(scene, 64).tobytes()
    first = Scene("cat", "red", "snow", seed=1)
    assert draw(first, 64).tobytes() != draw(Scene("cat", "red", "snow", seed=2), 64).tobytes()


def test_same_seed_gives_same_stream_of_scenes_and_captions() -> None:
    def stream(seed: int) -> list[tuple[Scene, str]]:
        rng = np.random.default_rng(seed)
        return [(scene, caption(scene, rng).text) for scene in (sample_scene(rng) for _ in range(200))]

    assert stream(3) == stream(3)
    assert stream(3) != stream(4)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_fills_its_picture_with_its_colour(kind: str) -> None:
    pixels = np.asarray(draw(Scene(kind, "red", "plain", size="big", seed=3), 64, nuisance=False)).astype(int)
    red = (pixels[..., 0] > 150) & (pixels[..., 1] < 90) & (pixels[..., 2] < 90)
    assert red.mean() > 0.05


def test_every_kind_lacks_one_colour_and_ten_more_triples_and_colours_share_the_loss() -> None:
    barred: Counter[str] = Counter()
    for kind in KINDS:
        own = {at: split for at, split in splits().items() if at[0] == kind}
        assert len(own) == len(COLOUR_NAMES) * len(SETTINGS)
        unseen = {at[1] for at, split in own.items() if split.endswith("_pair")}
        assert len(unseen) == 1
        barred.update(unseen)
        assert Counter(own.values()) == {"train": 62, "val": 5, "test": 5, "val_pair": 4, "test_pair": 4}
    assert set(barred.values()) == {4}


def test_held_out_combinations_are_those_the_shipped_weights_never_saw() -> None:
    digest = hashlib.sha256(repr(sorted(splits().items())).encode()).hexdigest()
    assert digest.startswith("1b0268727f6d")


def test_training_stream_never_shows_a_held_out_combination() -> None:
    trained = set(triples("train"))
    for scene in (scene for shard in range(3) for scene in pool.shard_scenes(0, shard)):
        assert (scene.kind, scene.colour, scene.setting) in trained
        if scene.second is not None:
            assert (scene.second, scene.second_colour, scene.setting) in trained


@pytest.mark.parametrize("split", ["val", "test", "val_pair", "test_pair"])
def test_a_split_draws_from_itself_alone(split: str) -> None:
    rng = np.random.default_rng(0)
    for scene in (sample_scene(rng, split) for _ in range(300)):  # type: ignore[arg-type]
        assert splits()[scene.kind, scene.colour, scene.setting] == split


def is_true(told: Caption, scene: Scene) -> bool:
    """The truth of a caption, written out a field at a time."""
    views = [(scene.kind, scene.colour, scene.second, scene.second_colour, scene.relation)]
    if scene.second is not None:
        views.append((scene.second, scene.second_colour, scene.kind, scene.colour, OPPOSITE[scene.relation]))
    shared = {"pattern": scene.pattern, "size": scene.size, "count": NUMBERS[scene.count - 1], "setting": scene.setting}
    for kind, colour, second, second_colour, relation in views:
        facts = shared | {"kind": kind, "colour": colour, "second": second, "second_colour": second_colour}
        facts |= {"relation": relation, "word": scene.word}
        if all(facts[field] in values for field, values in told.claims.items()):
            return True
    return False


def test_match_matrix_equals_the_truth_checked_one_by_one() -> None:
    seen = scenes(250, seed=1)
    rng = np.random.default_rng(2)
    told = [caption(scene, rng) for scene in seen]
    expected = np.array([[is_true(c, s) for s in seen] for c in told])
    np.testing.assert_array_equal(match_matrix(told, seen), expected)
    assert expected.sum() > 2 * len(seen)  # several positives are the rule


def test_every_caption_is_true_of_its_scene() -> None:
    rng = np.random.default_rng(5)
    for scene in scenes(3000, seed=6):
        told = caption(scene, rng)
        assert is_true(told, scene), (told, scene)


def test_captions_use_the_whole_vocabulary_and_nothing_else() -> None:
    rng = np.random.default_rng(7)
    used = {word for scene in scenes(30_000, seed=8) for word in words(caption(scene, rng).text)}
    assert used == set(vocabulary())


@pytest.fixture
def small_pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pool.Pool:
    monkeypatch.setattr(pool, "SHARD", 1500)
    pool.render_shards(tmp_path, 0, 2, 4)
    made = pool.Pool(tmp_path, 0, 2)
    made.grow(0)
    return made


def test_batches_belong_to_their_number_and_captions_to_their_pictures(small_pool: pool.Pool) -> None:
    picks, told = small_pool.batch(np.random.default_rng([0, 9]), 256)
    again, told_again = small_pool.batch(np.random.default_rng([0, 9]), 256)
    assert (picks, told) == (again, told_again)
    assert len(picks) == len(told) == 256
    assert all(is_true(c, small_pool.scenes[i]) for c, i in zip(told, picks, strict=True))
    np.testing.assert_array_equal(small_pool.pictures(picks[:3])[1], np.asarray(draw(small_pool.scenes[picks[1]], 4)))


def test_hard_groups_differ_in_the_object_alone_or_the_colour_alone(small_pool: pool.Pool) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        group = [small_pool.scenes[i] for i in small_pool.same_surroundings(rng, 24)]
        assert len({(s.colour, s.setting) for s in group}) == 1
        assert len({s.kind for s in group}) == len(group) > 10
        group = [small_pool.scenes[i] for i in small_pool.same_object(rng)]
        assert len({s.colour for s in group}) == len(group)
        assert len({(s.kind, s.setting) for s in group}) <= 1


def test_waiting_for_pictures_that_never_come_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_PATIENCE", 0.1)
    with pytest.raises(TimeoutError, match=r"no pictures in .*0000\.npy"):
        pool.Pool(tmp_path, 0, 1).grow(0)


def test_importing_pocket_is_light() -> None:
    code = "import sys, sharedspace.pocket; print([m for m in ('torch', 'PIL', 'transformers') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
