"""Kills an ingest again and again, and looks at what is left: prints one JSON document; exit status 1 for any loss.

.venv/bin/python scripts/kill_loop.py [--kills 50] [--images 24000] [--base 18000] [--seed 0] [--folder DIR]

Each round ingests thousands of tiny pictures as fast as it can, into a home that has `--base` of them already (the
larger the index, the longer Chroma takes to write it), and is ended by SIGKILL: at a random moment, or, in every other
round, 0 to 30 ms after Chroma began to write its vector index. Then another process opens the home by
itself. It must not die, every image that was acknowledged must be there once, with its vector and its thumbnail, and
exact search and the index must give the right answers. A home that is complete makes place for a new one; at the end
the same command runs to its end and the set must be whole.
"""

import argparse
import json
import logging
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sharedspace import Workspace
from sharedspace.testing import FakeEncoder
from sharedspace.vectors import top_k, unit

D = 512  # of the vectors: long enough that Chroma's files take a moment to write
NAME = "killed"


class Wide(FakeEncoder):
    """FakeEncoder with its four numbers turned into 512, so that Chroma has something to write."""

    def __init__(self, name: str = "wide") -> None:
        super().__init__(name)
        self.space = type(self.space)(fingerprint=f"{name}-colours", model=name, dimension=D, logit_scale=20.0)

    def _rows(self, colours: list[np.ndarray]) -> np.ndarray:
        return widen(np.stack(colours)) if colours else np.empty((0, D), dtype=np.float32)


def widen(colours: np.ndarray) -> np.ndarray:
    """Colours (n, 3) of 0 to 1 as unit rows (n, 512): waves of many lengths, so that near colours are near."""
    waves = np.random.default_rng(0).normal(scale=4, size=(3, D))
    return unit(np.cos(colours @ waves + np.arange(D)))


def paint(folder: Path, n: int) -> None:
    """n plain pictures of 8 × 8 pixels, each of a colour of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for row, colour in enumerate(colours(n)):
        Image.new("RGB", (8, 8), tuple(colour.tolist())).save(folder / f"{row:06}.png")


def colours(n: int) -> np.ndarray:
    """n different colours, (n, 3) of 0 to 255."""
    found = np.random.default_rng(1).permutation(2**24)[:n]
    return np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1)


# -- the process that is killed


def ingest(home: Path, pictures: Path) -> None:
    """Ingest, and say after each batch how many files are safe."""
    workspace = Workspace(home, load=Wide)
    workspace.ingest(NAME, [pictures], "wide", on_progress=lambda progress: print(progress.done, flush=True))
    workspace.home.index(workspace.collection(NAME).info.number)
    workspace.close()


# -- the process that opens the home afterwards


def check(home: Path, pictures: Path, acknowledged: int) -> dict[str, Any]:
    """What is in a home, against what was painted: counts of what is wrong, all zero when nothing was lost."""
    messages: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("sharedspace").addHandler(handler)
    opened = time.perf_counter()
    workspace = Workspace(home, load=Wide)
    if NAME not in [info.name for info in workspace.collections()]:
        return {"images": 0, "lost": acknowledged, "wrong": 0, "damaged": 0, "messages": messages}
    collection = workspace.collection(NAME)
    snapshot = collection.snapshot()
    files = sorted(pictures.glob("*.png"))
    right = {path.name: row for path, row in zip(files, widen(colours(len(files)) / 255), strict=True)}
    names = [Path(path).name for path in snapshot.paths]
    held = Counter(names)
    wrong = sum(count > 1 for count in held.values())
    wrong += sum(
        not np.allclose(row, right[name], atol=1e-6) for name, row in zip(names, snapshot.vectors, strict=True)
    )
    lost = sum(path.name not in held for path in files[:acknowledged])
    bare = sum(workspace.home.thumbnail(id) is None for id in snapshot.ids)
    answered = time.perf_counter()
    if snapshot.records:
        wrong += _wrong_answers(collection, snapshot, right)
    found = workspace.verify(NAME)
    workspace.close()
    return {
        "images": len(snapshot.records),
        "lost": lost + bare,
        "wrong": wrong + found.rebuilt,  # what the search brought up to date must agree by now
        "damaged": sum("damaged" in message for message in messages),
        "mended": found.mended,
        "messages": messages,
        "seconds_to_exact": round(answered - opened, 3),
        "seconds_to_all": round(time.perf_counter() - opened, 3),
    }


def _wrong_answers(collection: Any, snapshot: Any, right: dict[str, np.ndarray]) -> int:
    """Queries that exact search or the index answer otherwise than numpy over the painted colours."""
    names = [Path(path).name for path in snapshot.paths]
    rows = np.stack([right[name] for name in names])
    wrong = 0
    for row in np.random.default_rng(len(names)).permutation(len(names))[:10]:
        best = sorted((rows @ rows[row])[top_k(rows @ rows[row], 5)])
        for index in ("exact", "chroma"):
            hits = collection.search_vector("q", rows[row], 5, index=index).hits
            scores = sorted(float(right[Path(hit.path).name] @ rows[row]) for hit in hits)
            wrong += not (len(scores) == len(best) and np.allclose(scores, best, atol=1e-5))
    return wrong


# -- the loop


def run(kills: int, images: int, base: int, seed: int, folder: Path) -> dict[str, Any]:
    """Kill that often; the summary."""
    rng = random.Random(seed)
    paint(folder / "pictures", images)
    _begin(folder, base)
    total: Counter[str] = Counter(kills=0, aimed=0, damaged=0, lost=0, wrong=0, crashed=0, homes=1)
    home = _copy(folder, 0)
    there, slowest = base, 0.0
    while total["kills"] < kills:
        aimed = total["kills"] % 2 == 1
        acknowledged, ended = _killed(home, folder / "pictures", there, rng, aimed)
        total["ended_before_the_kill" if ended else "kills"] += 1
        total["aimed"] += aimed and not ended
        found = _checked(home, folder / "pictures", acknowledged, total)
        there = found.get("images", 0)
        slowest = max(slowest, found.get("seconds_to_all", 0.0))
        print(
            json.dumps({"kill": total["kills"], "aimed": aimed, "acknowledged": acknowledged, **found}), file=sys.stderr
        )
        if there >= images:
            shutil.rmtree(home)
            home, there = _copy(folder, total["homes"]), base
            total["homes"] += 1
    subprocess.run(_self("--ingest", home, folder / "pictures"), check=True, stdout=subprocess.DEVNULL)
    complete = _checked(home, folder / "pictures", images, total).get("images") == images
    return {**total, "complete_at_the_end": complete, "slowest_seconds_to_mend": slowest}


def _begin(folder: Path, base: int) -> None:
    """A home that has the first `base` of the pictures."""
    first = folder / "first"
    first.mkdir(exist_ok=True)
    for picture in sorted((folder / "pictures").iterdir())[:base]:
        (first / picture.name).hardlink_to(picture)
    subprocess.run(_self("--ingest", folder / "base", first), check=True, stdout=subprocess.DEVNULL)


def _copy(folder: Path, number: int) -> Path:
    return Path(shutil.copytree(folder / "base", folder / f"home-{number}"))


def _killed(home: Path, pictures: Path, there: int, rng: random.Random, aimed: bool) -> tuple[int, bool]:
    """Start an ingest and kill it once it is past what is there: files acknowledged, and whether it ended before."""
    process = subprocess.Popen(_self("--ingest", home, pictures), stdout=subprocess.PIPE, text=True)
    lines: list[str] = []
    assert process.stdout is not None
    reader = threading.Thread(target=lambda out: lines.extend(out), args=(process.stdout,))
    reader.start()
    while (not lines or int(lines[-1]) < there) and process.poll() is None:
        time.sleep(0.005)
    _wait_for_moment(process, home / "chroma", rng, aimed)
    ended = process.poll() is not None
    process.send_signal(signal.SIGKILL)
    process.wait()
    reader.join()
    return max([0, *(int(line) for line in lines if line.endswith("\n"))]), ended


def _wait_for_moment(process: subprocess.Popen[str], chroma: Path, rng: random.Random, aimed: bool) -> None:
    end = time.monotonic() + 60
    until = end if aimed else time.monotonic() + rng.uniform(0, 3)
    written = _stamps(chroma)
    while process.poll() is None and time.monotonic() < until:
        now = _stamps(chroma)
        if aimed and any(stamp != written[path] for path, stamp in now.items() if path in written):
            time.sleep(0.03 * rng.random() ** 2)  # more often sooner: a persist of few vectors is over soon
            return
        written = now
        time.sleep(0.0003 if aimed else 0.01)


def _stamps(chroma: Path) -> dict[Path, int]:
    """When the header of each vector index was last written: it is the first file of each persist."""
    return {path: path.stat().st_mtime_ns for path in chroma.glob("*/header.bin")}


def _checked(home: Path, pictures: Path, acknowledged: int, total: Counter[str]) -> dict[str, Any]:
    """Open the home in a process of its own, which may die of it."""
    command = _self("--check", home, pictures, acknowledged)
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        total["crashed"] += 1
        return {"crashed": done.returncode, "error": done.stderr[-2000:]}
    found: dict[str, Any] = json.loads(done.stdout)
    total.update({key: found[key] for key in ("lost", "wrong", "damaged")})
    total["rebuilt_or_caught_up"] += any("index" in line for line in (*found["messages"], *found.get("mended", ())))
    return found


def _self(*arguments: object) -> Sequence[str]:
    return [sys.executable, __file__, *map(str, arguments)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--images", type=int, default=24_000)
    parser.add_argument("--base", type=int, default=18_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where homes and pictures go (default: a temporary one)")
    parser.add_argument("--ingest", nargs=2, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--check", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ingest:
        ingest(*given.ingest)
        return 0
    if given.check:
        print(json.dumps(check(Path(given.check[0]), Path(given.check[1]), int(given.check[2]))))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        summary = run(given.kills, given.images, given.base, given.seed, given.folder or Path(temporary))
    print(json.dumps(summary, indent=2))
    return int(any(summary[key] for key in ("lost", "wrong", "crashed")) or not summary["complete_at_the_end"])


if __name__ == "__main__":
    sys.exit(main())
