"""Filters against the sample's own values, plain Python, and their own text read back."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharedspace import filters
from sharedspace.errors import BadInput, NotFound
from sharedspace.filters import OPERATORS, Condition, mask, parse
from sharedspace.records import ImageRecord, Meta

ROWS: list[Meta] = [
    {"colour": "red", "count": 3, "price": 0.5, "sold": True, "taken": "2024-05-01"},
    {"colour": " Red", "count": 3.0, "price": 1.25, "sold": False, "taken": "2023-12-31"},
    {"colour": "dark red", "count": 10, "note": "3", "taken": "2024-01-01"},
    {"colour": "blue", "count": 2**60 + 1, "sold": True, "note": " "},
    {"colour": "Straße", "count": -1, "note": "true"},
    {},
]
TAGS = {"0": frozenset({"Best", "to print"}), "2": frozenset({"best"}), "3": frozenset({"old"}), "4": frozenset()}


def records(rows: list[Meta]) -> list[ImageRecord]:
    return [ImageRecord(f"{row}", f"{row}.png", 1, 1, meta) for row, meta in enumerate(rows)]


def met(*texts: str) -> list[int]:
    return np.flatnonzero(mask(records(ROWS), [parse(text) for text in texts], TAGS)).tolist()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("colour=red", [0, 1]),
        ("colour = RED ", [0, 1]),
        ("colour=STRASSE", [4]),
        ("colour!=red", [2, 3, 4, 5]),
        ("colour~red", [0, 1, 2]),
        ("colour=", [5]),
        ("colour!=", [0, 1, 2, 3, 4]),
        ("note=", [0, 1, 3, 5]),  # missing, and a blank one
    ],
)
def test_text_is_compared_without_case_and_outer_space(text: str, rows: list[int]):
    assert met(text) == rows


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("count=3", [0, 1]),
        ("count=3.0", [0, 1]),
        ("count=3e0", [0, 1]),
        ("count=1_0", []),
        ("count=ten", []),
        ("count>3", [2, 3]),
        ("count>=3", [0, 1, 2, 3]),
        ("count<3", [4]),
        ("count<=3", [0, 1, 4]),
        ("count>ten", []),
        (f"count={2**60 + 1}", [3]),
        (f"count={2**60}", []),  # the same double
        ("count~.0", [1]),  # as they are written
        ("price<0.6", [0]),
    ],
)
def test_numbers_are_compared_as_numbers(text: str, rows: list[int]):
    assert met(text) == rows


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("sold=true", [0, 3]),
        ("sold=False", [1]),
        ("sold=1", []),
        ("sold>0", []),
        ("sold>=true", []),
        ("note=3", [2]),
        ("note=3.0", []),
        ("note=true", [4]),
    ],
)
def test_true_and_false_are_no_numbers_and_text_that_looks_like_either_is_text(text: str, rows: list[int]):
    assert met(text) == rows


def test_the_order_of_text_is_that_of_its_letters():
    assert met("taken>=2024") == [0, 2]
    assert met("taken<2024-01-01") == [1]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("tag=best", [0, 2]),
        ("tag!=best", [1, 3, 4, 5]),
        ("tag~print", [0]),
        ("tag=", [1, 4, 5]),
        ("tag!=", [0, 2, 3]),
        ("tag=none such", []),
    ],
)
def test_tags_are_a_field(text: str, rows: list[int]):
    assert met(text) == rows


@pytest.mark.parametrize(
    ("texts", "rows"),
    [
        ((), [0, 1, 2, 3, 4, 5]),
        (("colour=red", "colour=blue"), [0, 1, 3]),
        (("tag=old", "tag=best"), [0, 2, 3]),
        (("colour!=red", "colour!=blue"), [2, 4, 5]),
        (("count>=3", "count<=10"), [0, 1, 2]),
        (("colour~red", "colour~dark"), [2]),
        (("colour=red", "colour=blue", "sold=true"), [0, 3]),
        (("colour=red", "colour=blue", "colour!=blue"), [0, 1]),
        (("colour=red", "tag=best"), [0]),
    ],
)
def test_several_equals_on_one_field_are_alternatives_and_all_else_must_hold(texts: tuple[str, ...], rows: list[int]):
    assert met(*texts) == rows


CELLS = st.one_of(
    st.text(alphabet="aA 1.ſß", max_size=3), st.booleans(), st.integers(-3, 3), st.sampled_from([0.5, 1.0, -2.5])
)
COLUMN = st.lists(st.one_of(st.none(), CELLS), min_size=1, max_size=12)


def as_records(column: list) -> list[ImageRecord]:
    """With a first row that has a value, so that the field is known."""
    return records([{"f": "known"}, *({} if value is None else {"f": value} for value in column)])


@given(COLUMN, CELLS)
def test_not_equal_is_the_complement_of_equal(column: list, value: object):
    equal, unequal = (mask(as_records(column), [parse(f"f{op}{value}")]) for op in ("=", "!="))

    assert (equal ^ unequal).all()


@given(COLUMN, CELLS)
def test_a_value_of_the_column_written_out_finds_every_image_that_has_it(column: list, value: object):
    column.append(value)
    found = mask(as_records(column), [parse(f"f={value}")])

    same = [False, *(type(cell) is type(value) and cell == value for cell in column)]
    assert found[np.flatnonzero(same)].all()


@given(st.lists(st.sampled_from(OPERATORS), max_size=6), st.data())
def test_conditions_together_equal_a_reading_of_the_rule_one_image_at_a_time(operators: list[str], data: st.DataObject):
    conditions = [
        Condition(data.draw(st.sampled_from(["colour", "count", "note"])), op, data.draw(st.sampled_from(["red", "3"])))
        for op in operators
    ]
    alone = {condition: mask(records(ROWS), [condition]) for condition in conditions}

    def passes(row: int) -> bool:
        needed = all(alone[condition][row] for condition in conditions if condition.op != "=")
        fields = {condition.field for condition in conditions if condition.op == "="}
        return needed and all(
            any(alone[one][row] for one in conditions if (one.field, one.op) == (f, "=")) for f in fields
        )

    assert mask(records(ROWS), conditions).tolist() == [passes(row) for row in range(len(ROWS))]


@given(st.text(), st.sampled_from(OPERATORS), st.text().filter(lambda text: not text.strip().startswith("=")))
def test_the_text_of_a_condition_reads_back_to_it(field: str, op: str, value: str):
    try:
        condition = parse(f"{field}{op}{value}")
    except BadInput:
        assert field.strip() in ("", "!") or any(mark in field for mark in "=<>~") or not value.strip()
        return

    assert parse(str(condition)) == condition


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a=b=c", Condition("a", "=", "b=c")),
        ("a>=1", Condition("a", ">=", "1")),
        ("a!=b>c", Condition("a", "!=", "b>c")),
        ("a b ~ 'c' ", Condition("a b", "~", "'c'")),
        ("a!b=", Condition("a!b", "=", "")),
    ],
)
def test_the_first_operator_parts_a_condition(text: str, read: Condition):
    assert parse(text) == read


@pytest.mark.parametrize("text", ["", "red", "colour red", "=red", " =", "a>", "a~ ", "tag>3", "tag<=x"])
def test_what_is_no_condition_is_refused_with_its_text_and_the_way_out(text: str):
    with pytest.raises(BadInput) as refused:
        parse(text)

    assert repr(text) in str(refused.value) or text.strip() in str(refused.value)
    assert any(way in str(refused.value) for way in ("colour=red", "add a value", "tag="))


@pytest.mark.parametrize(
    "given", [("a=b", "=", "c"), ("a!", "=", "c"), ("a", ">", "=3"), ("a", "?", "c"), ("a", "=", " c")]
)
def test_a_condition_whose_text_would_read_otherwise_cannot_be_made(given: tuple[str, str, str]):
    with pytest.raises(BadInput, match="is no condition"):
        Condition(*given)


def test_an_unknown_field_is_named_with_those_that_there_are():
    with pytest.raises(NotFound, match="No field named 'color'") as missing:
        met("colour=red", "color=red")

    assert missing.value.known == ["colour", "count", "note", "price", "sold", "taken", "tag"]


def test_a_field_is_found_also_where_its_table_wrote_spaces_around_it():
    assert mask(records([{" colour ": "red"}, {}]), [parse("colour=red")]).tolist() == [True, False]


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("photos/cats/1.png", "cats"),
        ("C:\\photos\\dogs\\1.png", "dogs"),
        ("/1.png", None),
        ("1.png", None),
        ("a/Ü ß/b.c/1", "b.c"),
        ("", None),
    ],
)
def test_the_folder_of_a_path_is_its_last(path: str, folder: str | None):
    assert filters.folder(path) == folder


def test_folders_are_a_field_where_no_column_has_that_name():
    records = [ImageRecord(str(row), path, 1, 1) for row, path in enumerate(["a/cats/1", "dogs\\2", "3", "b/Cats/4"])]

    assert filters.mask(records, [parse("folder=cats")]).tolist() == [True, False, False, True]
    assert filters.mask(records, [parse("folder!=cats"), parse("folder~o")]).tolist() == [False, True, False, False]
    assert filters.mask(records, [parse("folder=")]).tolist() == [False, False, True, False]
    records[1] = replace(records[1], meta={"folder": "cats"})
    assert filters.mask(records, [parse("folder=cats")]).tolist() == [False, True, False, False]
    with pytest.raises(NotFound, match="field"):
        filters.mask(records[2:3], [parse("folder=cats")])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("tag", "stands for something else here: choose another name"),
        (" folder ", "stands for something else here"),
        ("query:warm", "stands for something else here"),
        ("a=b", "could not be filtered by: choose a name without = < > ~"),
        ("share~", "could not be filtered by"),
        (" \n", "The name of the field is empty"),
        ("x" * 81, "81 characters: at most 80"),
    ],
)
def test_a_name_that_could_not_be_filtered_by_is_none_of_a_new_field(name: str, reason: str):
    with pytest.raises(BadInput, match=reason):
        filters.new_field(name)
    assert filters.new_field(" my  class! ") == "my class!"


def test_of_no_images_none_meets_any_condition():
    assert mask([], [parse("colour=red")]).tolist() == []
    assert mask([], []).dtype == bool


@pytest.mark.parametrize("op", ["=", "!=", ">", ">=", "<", "<="])
def test_a_column_of_numbers_is_compared_as_numpy_does(op):
    column = np.array([-1.5, 0, 0.5, 2], dtype=np.float32)
    expected = {"=": column == 0.5, "!=": column != 0.5, ">": column > 0.5, ">=": column >= 0.5, "<": column < 0.5}
    expected["<="] = column <= 0.5

    assert filters.numbers(column, filters.parse(f"query:warm{op}0.5")).tolist() == expected[op].tolist()


@pytest.mark.parametrize("written", ["query:warm=hot", "query:warm~1"])
def test_what_is_no_number_is_not_compared_with_numbers(written):
    with pytest.raises(BadInput, match=r"needs a number to compare with, such as query:warm>=1"):
        filters.numbers(np.zeros(2), filters.parse(written))
