"""Hits against numpy brute force."""

import numpy as np
import pytest
from drawn import unit_rows

from sharedspace.records import ImageRecord
from sharedspace.search import rank

RECORDS = [ImageRecord(f"{row:02x}", f"{row}.png", 1, 1) for row in range(50)]


@pytest.mark.parametrize("k", [1, 7, 50, 80])
def test_hits_equal_brute_force_best_first(k: int):
    vectors, query = unit_rows(50, 6), unit_rows(1, 6, seed=4)[0]
    hits = rank(RECORDS, vectors, query, k)

    cosines = [float(np.dot(row.astype(float), query)) for row in vectors]
    best = sorted(range(50), key=lambda row: -cosines[row])[:k]
    assert [hit.id for hit in hits] == [RECORDS[row].id for row in best]
    assert [hit.path for hit in hits] == [RECORDS[row].path for row in best]
    assert [hit.score for hit in hits] == pytest.approx([cosines[row] for row in best], abs=1e-6)
    assert [hit.rank for hit in hits] == list(range(1, min(k, 50) + 1))
    assert {hit.matched for hit in hits} == {None}  # there is no line to match


def test_of_equal_images_the_one_with_the_lower_id_comes_first():
    hits = rank(RECORDS[:6], np.repeat(unit_rows(1, 4), 6, axis=0), unit_rows(1, 4)[0], 3)

    assert [hit.id for hit in hits] == ["00", "01", "02"]
