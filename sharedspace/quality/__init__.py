"""What is wrong with a set of images: duplicates, strangers, leaks, poor pictures; and small sets that stand for it."""

from sharedspace.quality.alike import (
    LEAST,
    MOST,
    SAME,
    THRESHOLD,
    counts,
    duplicates,
    groups,
    leaks,
    pairs,
    same,
    suggest,
)
from sharedspace.quality.pictures import FLAWS, likeness, poor, view
from sharedspace.quality.strange import K, check, outliers, shown_cosines
from sharedspace.quality.subset import Kind, subset

__all__ = [
    "FLAWS",
    "LEAST",
    "MOST",
    "SAME",
    "THRESHOLD",
    "K",
    "Kind",
    "check",
    "counts",
    "duplicates",
    "groups",
    "leaks",
    "likeness",
    "outliers",
    "pairs",
    "poor",
    "same",
    "shown_cosines",
    "subset",
    "suggest",
    "view",
]
