"""Labels typed, a classifier at once: no training, only words."""

from sharedspace.ui import bench, frame

with frame.page("Zero-shot", "Sort pictures by words alone, without any training.") as collection:
    bench.show(collection)
