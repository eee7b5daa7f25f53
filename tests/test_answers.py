import json
from dataclasses import replace

import numpy as np
import pytest

from sharedspace import answers
from sharedspace.records import (
    Classification,
    Clustering,
    Drawing,
    Hit,
    IngestResult,
    ModelInfo,
    Rejected,
    SearchResult,
    Space,
    SpaceMap,
    Term,
)
from sharedspace.zeroshot import report

RED = Term("text", "red", np.ones(4, dtype=np.float32))


def plain(document: answers.Document) -> answers.Document:
    """As a reader of the JSON has it; numpy's own numbers do not pass."""
    return json.loads(json.dumps(document, allow_nan=False))


def test_ingest_tells_each_rejected_file_with_its_reason():
    result = IngestResult(8, 3, (Rejected("a.jpg", "empty"),), 2.0, precision="bfloat16")

    assert plain(answers.ingest(result)) == {
        "added": 8,
        "already_there": 3,
        "rejected": [{"item": "a.jpg", "reason": "empty"}],
        "seconds": 2.0,
        "images_per_second": 4.0,
        "precision": "bfloat16",
        "cancelled": False,
    }


def test_collection_carries_the_fingerprint_of_its_space():
    space = Space("f00d", "pocket", 128, 26.8)

    assert plain(answers.collection("holiday", space, 7)) == {
        "name": "holiday",
        "model": "pocket",
        "space": "f00d",
        "dimension": 128,
        "images": 7,
    }


def test_model_has_every_column_of_the_table():
    found = answers.model(ModelInfo("pocket", "CLIP", "text, image", 128, "Apache-2.0", "ours"), on_disk=True)

    assert set(plain(found)) == {"name", "family", "modalities", "dimension", "licence", "note", "on_disk"}
    assert found["on_disk"] is True


def test_search_keeps_the_order_of_the_hits_and_what_was_not_read():
    hits = (Hit("1f", "b.png", 0.5, 1, True), Hit("2f", "a.png", 0.25, 2, False))
    result = SearchResult("red", hits, 0.3, (RED,), np.array([0.25, 0.5, 0], dtype=np.float32), 2)

    found = answers.search(result, [66.5, 33.5], lambda score: 100 * score, ("dragon",), cut=2)

    assert plain(found) == {
        "query": "red",
        "terms": [{"kind": "text", "name": "red", "weight": 1.0}],
        "hits": [
            {"id": "1f", "path": "b.png", "score": 0.5, "rank": 1, "matched": True}
            | {"percentile": 66.5, "pair_percentile": 50.0},
            {"id": "2f", "path": "a.png", "score": 0.25, "rank": 2, "matched": False}
            | {"percentile": 33.5, "pair_percentile": 25.0},
        ],
        "no_match_line": 0.3,
        "searched": 2,
        "unknown_words": ["dragon"],
        "cut": 2,
    }


def test_search_for_several_terms_tells_what_each_gave():
    terms = (RED, Term("image", "sea.png", np.ones(4, dtype=np.float32), -2.0))
    hits = (Hit("1f", "b.png", 0.5, 1, None, (1.5, -1.0)),)
    result = SearchResult("red − 2 × sea.png", hits, None, terms, np.array([0.5], dtype=np.float32), 1)

    found = plain(answers.search(result, [0.0]))

    assert found["terms"][1] == {"kind": "image", "name": "sea.png", "weight": -2.0}
    assert found["hits"][0]["parts"] == [{"term": "red", "part": 1.5}, {"term": "sea.png", "part": -1.0}]
    assert found["hits"][0]["pair_percentile"] is None


def classification(truth: tuple[str | None, ...] | None = None) -> Classification:
    probabilities = np.array([[0.75, 0.25], [0.5, 0.5], [0.125, 0.875]], dtype=np.float32)
    return Classification(("1", "2", "3"), ("a", "b", "c"), ("cat", "dog"), probabilities, probabilities, truth)


def test_classify_answers_each_image_with_its_most_probable_label():
    document = plain(answers.classify(classification(), unknown=["dog"]))

    assert document["rows"] == [
        {"id": "1", "path": "a", "label": "cat", "probability": 0.75},
        {"id": "2", "path": "b", "label": "cat", "probability": 0.5},
        {"id": "3", "path": "c", "label": "dog", "probability": 0.875},
    ]
    assert document["counts"] == {"cat": 2, "dog": 1}
    assert (document["accuracy"], document["accuracy_n"]) == (None, 0)
    assert document["unknown_words"] == ["dog"]
    assert "by_label" not in document


def test_classify_with_truth_tells_each_labels_own_share():
    result = classification(("cat", "dog", None))
    document = plain(answers.classify(result, report(result)))

    assert (document["accuracy"], document["accuracy_n"]) == (0.5, 2)
    assert (document["top5"], document["mean_recall"]) == (1.0, 0.5)
    assert [row["truth"] for row in document["rows"]] == ["cat", "dog", None]
    assert document["by_label"] == [
        {"label": "cat", "n": 1, "right": 1, "accuracy": 1.0, "precision": 0.5},
        {"label": "dog", "n": 1, "right": 0, "accuracy": 0.0, "precision": None},
    ]
    assert document["confusion"] == [[1, 0], [1, 0]]


def test_a_label_that_is_true_of_no_image_has_no_accuracy():
    result = classification(("cat", "cat", "cow"))
    document = plain(answers.classify(result, report(result)))

    assert document["by_label"][1] == {"label": "dog", "n": 0, "right": 0, "accuracy": None, "precision": None}


def test_an_image_under_the_threshold_has_no_label_and_one_with_several_all_of_them():
    least = np.array([0.6, 0.4], dtype=np.float32)
    one = plain(answers.classify(replace(classification(), thresholds=least)))
    many = plain(answers.classify(replace(classification(), thresholds=np.array([0.5, 0.2]), mode="many")))

    assert [(row["label"], row["probability"]) for row in one["rows"]] == [("cat", 0.75), (None, 0.5), ("dog", 0.875)]
    assert one["counts"] == {"cat": 1, "dog": 1}
    assert [row["labels"] for row in many["rows"]] == [["cat", "dog"], ["cat", "dog"], ["dog"]]
    assert (many["mode"], many["counts"]) == ("many", {"cat": 2, "dog": 3})
    assert "labels" not in one["rows"][0]


def test_the_label_of_an_image_is_the_likeliest_that_it_gets_and_the_probability_is_of_that_one():
    many = replace(classification(), thresholds=np.array([0.9, 0.2]), mode="many")

    row = plain(answers.classify(many))["rows"][0]
    assert (row["label"], row["probability"]) == ("dog", 0.25)


def test_cluster_rows_are_plain_integers():
    result = Clustering(("1", "2"), ("a", "b"), np.array([0, -1]), "hdbscan")

    assert plain(answers.cluster(result)) == {
        "method": "hdbscan",
        "names": {},
        "rows": [{"id": "1", "path": "a", "cluster": 0}, {"id": "2", "path": "b", "cluster": -1}],
    }


def test_space_map_says_how_it_was_drawn_and_how_far_to_trust_it():
    drawn = SpaceMap("k", ("1", "2"), np.zeros((2, 2), dtype=np.float32), 1, late=("2",), drawing=Drawing(5, 0.5, 9))

    assert plain(answers.space_map(drawn, trust=0.75)) == {
        "map": "k",
        "images": 2,
        "placed_later": 1,
        "drawing": {"n_neighbors": 5, "min_dist": 0.5, "seed": 9},
        "trust": 0.75,
    }


@pytest.mark.parametrize("text", ["=1+1", "+1", "-cmd", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_that_a_spreadsheet_would_run_gets_a_quote_first(text: str):
    assert answers.cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["a=b", "", " =1", -1.5, 3, True, None])
def test_any_other_cell_stays_as_it_is(value: object):
    assert answers.cell(value) is value
