"""Draw the sample set with every combination of UMAP's knobs for the lesson: writes sample_data/maps.npz.

Run it whenever sample_data/space.npz changes: `.venv/bin/python scripts/make_sample_maps.py`.
"""

from sharedspace import samples
from sharedspace.lessons import projection

OUT = samples.FOLDER / "maps.npz"


def main() -> None:
    projection.save(projection.draw(samples.load().vectors), OUT)
    print(f"{OUT.stat().st_size:,} bytes in {OUT}")


if __name__ == "__main__":
    main()
