"""Conditions on metadata and tags, as people write them, and which images meet them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from sharedspace.errors import BadInput, NotFound
from sharedspace.ledger.marks import named
from sharedspace.records import ImageRecord, MetaValue

TAG = "tag"  # the field that stands for an image's tags, and hides a column of that name
FOLDER = "folder"  # the field that stands for the folder of an image's path, where no column has that name
SAVED = "query:"  # before the name of a saved query, where it stands for a field
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
OPERATORS = (*_COMPARE, "!=", "~")
_OPERATOR = re.compile("!=|>=|<=|[=><~]")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a field; `str` writes it as `parse` reads it.

    `=` with no value is met where there is no value or an empty one. Raises BadInput where it says nothing.
    """

    field: str  # a column of the metadata, "tag", or "folder"
    op: str  # one of OPERATORS; ~ is "contains"
    value: str = ""  # without outer space

    def __post_init__(self) -> None:
        if not self.field or _read(str(self)) != (self.field, self.op, self.value):
            raise BadInput(
                f"{str(self)!r} is no condition: write a field whose name has none of = < > ~ in it, "
                f'one of {" ".join(OPERATORS)} (~ is "contains") and a value, such as colour=red.'
            )
        if not self.value and self.op not in ("=", "!="):
            raise BadInput(f"The condition {str(self)!r} says nothing to compare {self.field} with: add a value.")
        if self.field == TAG and self.op[0] in "<>":
            raise BadInput(f"Tags have no order, as {str(self)!r} would need: use {TAG}=, {TAG}!= or {TAG}~.")

    def __str__(self) -> str:
        return f"{self.field}{self.op}{self.value}"


def parse(text: str) -> Condition:
    """A condition from K=V, K!=V, K>V, K>=V, K<V, K<=V or K~V; the first operator counts, outer space does not.

    Raises BadInput for anything else.
    """
    read = _read(text)
    if read is None:
        raise BadInput(
            f'{text!r} compares nothing: write field=value, or another of {" ".join(OPERATORS)} (~ is "contains") '
            "in place of the =, such as colour=red."
        )
    return Condition(*read)


def _read(text: str) -> tuple[str, str, str] | None:
    found = _OPERATOR.search(text)
    return found and (text[: found.start()].strip(), found.group(), text[found.end() :].strip())


def mask(
    records: Sequence[ImageRecord], conditions: Sequence[Condition], tags: Mapping[str, Set[str]] | None = None
) -> np.ndarray:
    """Which images meet the conditions, (n,) bool; `tags` holds those of an image by its id.

    All conditions must be met, but of several `=` on one field only one. Numbers are compared as numbers, true and
    false as such, text without case and outer space, its order that of its letters. What has no value meets only
    `K=` and `K!=V`. Raises NotFound for a field that no image has.
    """
    passed = np.ones(len(records), dtype=bool)
    columns = {field: _column(records, field, tags or {}) for field in {condition.field for condition in conditions}}
    either: dict[str, np.ndarray] = {}  # by field: where one of its = is met
    for condition in conditions:
        met = _met(columns[condition.field], condition)
        if condition.op == "=":
            either[condition.field] = met | either.get(condition.field, False)
        else:
            passed &= met
    for met in either.values():
        passed &= met
    return passed


def new_field(text: str) -> str:
    """The name of a field to be given to images, as it is kept; raises BadInput for one that filters could not read."""
    name = named(text, "name of the field")
    if name in (TAG, FOLDER, "id", "path") or name.startswith(SAVED):
        raise BadInput(f"The field {name!r} stands for something else here: choose another name.")
    if set(name) & set("=<>~"):
        raise BadInput(f"The field {name!r} could not be filtered by: choose a name without = < > ~ in it.")
    return name


def can_be(name: str) -> bool:
    """Whether a given field can have this very name."""
    try:
        return new_field(name) == name
    except BadInput:
        return False


def column(records: Sequence[ImageRecord], field: str) -> list[MetaValue | None] | None:
    """Each image's value of a metadata field, or its folder; None where no image has any."""
    found: list[MetaValue | None] = [record.meta.get(field) for record in records]
    if field == FOLDER and all(value is None for value in found):
        found = [folder(record.path) for record in records]
    return None if records and all(value is None for value in found) else found


def folder(path: str) -> str | None:
    """The last folder of a path, written with / or \\; None where it has none."""
    parts = path.replace("\\", "/").split("/")
    return parts[-2] or None if len(parts) > 1 else None


def numbers(column: np.ndarray, condition: Condition) -> np.ndarray:
    """Where a column of numbers (n,), such as a saved query's z-scores, meets a condition: (n,) bool.

    Raises BadInput where the condition compares with no number.
    """
    number = _number(condition.value)
    if number is None or condition.op == "~":
        raise BadInput(f"{str(condition)!r} needs a number to compare with, such as {condition.field}>=1.")
    if condition.op == "!=":
        return np.asarray(column != number)
    return np.asarray(_COMPARE[condition.op](column, number))


def _column(records: Sequence[ImageRecord], field: str, tags: Mapping[str, Set[str]]) -> list[Any]:
    """Each image's value of a field, or the set of its tags; None where it has none."""
    if field == TAG:
        return [tags.get(record.id) or None for record in records]
    found = column(records, field)
    if found is not None:
        return found
    known = sorted({name for record in records for name in record.meta})
    for name in known:  # a table's header may have spaces after its commas
        if name.strip() == field:
            return [record.meta.get(name) for record in records]
    raise NotFound("field", field, [*known, TAG])


def _met(column: Sequence[Any], condition: Condition) -> np.ndarray:
    if condition.op == "!=":
        return ~_met(column, Condition(condition.field, "=", condition.value))
    test, without = _test(condition.op, condition.value), not condition.value
    if condition.field == TAG:
        meant = {tag for tag in set().union(*filter(None, column)) if test(tag)}  # each tag is looked at once
        return np.array([without if tags is None else not meant.isdisjoint(tags) for tags in column], dtype=bool)
    return np.array([without if value is None else test(value) for value in column], dtype=bool)


def _test(op: str, value: str) -> Callable[[MetaValue], bool]:
    """Whether one value stands in a relation to a written one."""
    text, number = value.casefold(), _number(value)
    if op == "~":
        return lambda have: text in str(have).casefold()
    compare = _COMPARE[op]

    def holds(have: MetaValue) -> bool:
        if isinstance(have, str):
            return compare(have.strip().casefold(), text)
        if isinstance(have, bool):
            return op == "=" and str(have).casefold() == text
        return number is not None and compare(have, number)

    return holds


def _number(text: str) -> int | float | None:
    if "_" in text:  # Python would read 1_0 as 10
        return None
    for kind in (int, float):  # a whole number above 2**53 is exact only as int
        try:
            return kind(text)
        except ValueError:
            continue
    return None
