"""Embed the sample set and draw its map, so that the first page needs no model: writes sample_data/space.npz.

Run it whenever the sample pictures or the pocket model change: `.venv/bin/python scripts/make_sample_pack.py`.
"""

import tempfile

from sharedspace import Workspace, samples

ANCHORS = (
    "animal",
    "boat",
    "cake",
    "car",
    "castle",
    "dog",
    "fish",
    "flower",
    "fruit",
    "house",
    "rocket",
    "train",
    "tree",
)


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        workspace = Workspace(home)
        result = workspace.ingest("sample", [samples.FOLDER])
        assert not result.rejected, result.rejected
        collection = workspace.collection("sample")
        snapshot, drawn = collection.snapshot(), collection.map()
        prefix = f"{samples.FOLDER}/"
        files = tuple(samples.FOLDER / record.path.removeprefix(prefix) for record in snapshot.records)
        samples.save(
            samples.Sample(
                collection.info.space,
                snapshot.records,
                files,
                snapshot.vectors,
                drawn.xy,
                ANCHORS,
                collection.embed(ANCHORS),
            )
        )
        workspace.close()
    print(f"{result.added} images in {samples.FOLDER / samples.PACK}")


if __name__ == "__main__":
    main()
