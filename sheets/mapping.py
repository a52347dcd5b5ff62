"""Which column feeds which field: checked against the table and the header, and turned into a plan for reading rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sheets.cells import text_of
from sheets.errors import FieldMappedTwice, MappingEmpty, MappingIncomplete, MappingUnknown
from sheets.headers import fold
from sheets.tables import Table

Document = dict[str, dict[str, str]]
LONGEST_CONSTANT = 200


@dataclass(frozen=True, slots=True)
class Step:
    """One cell to read: where it stands, under which name its value goes, whether 0 is a value."""

    index: int
    name: str
    header: str
    keeps_zero: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """How to read every row of a sheet."""

    steps: tuple[Step, ...]
    options: Mapping[str, str]
    constants: Mapping[str, str]  # what every row says where the sheet has no column for it

    @property
    def salt(self) -> str:
        """What, besides the cells, decides what a row becomes."""
        decisive = (tuple(step.name for step in self.steps), sorted(self.options.items()))
        return repr((*decisive, sorted(self.constants.items())) if self.constants else decisive)


def checked(
    given: Mapping[str, Any], names: Sequence[str], table: Table, present: Mapping[str, Any] | None = None
) -> Document:
    """The mapping of every column of the header, after a person's changes to the present one. Headers compare folded.

    A constant that is empty is taken off. Raises MappingUnknown and FieldMappedTwice.
    """
    before = present or {}
    columns = dict.fromkeys(names, "") | before.get("columns", {})
    by_fold = {fold(name): name for name in names}
    for header, field in _dictionary(given.get("columns", {})).items():
        name = header if header in columns else by_fold.get(fold(str(header)))
        if name is None:
            raise MappingUnknown(f"There is no column {header!r} in this sheet.", column=header, columns=list(names))
        if field and table.field(str(field)) is None:
            known = [each.name for each in table.fields]
            raise MappingUnknown(
                f"{field!r} is nothing a column can become; choose one of {', '.join(known)}.", field=field
            )
        columns[name] = str(field or "")
    for field, times in Counter(filter(None, columns.values())).items():
        declared = table.field(field)
        if times > 1 and declared and not declared.many:
            twice = [name for name, mapped in columns.items() if mapped == field]
            raise FieldMappedTwice(
                f"{declared.label} can come from one column only: choose between {', '.join(twice)}."
            )
    constants = _constants(before.get("constants", {}) | dict(_dictionary(given.get("constants", {}))), table)
    for name, column in ((field, name) for name, field in columns.items() if field in constants):
        declared = table.field(name)
        label = declared.label if declared else name
        raise FieldMappedTwice(
            f"{label} comes from the column {column} and is the same for every row: choose one of them."
        )
    return {
        "columns": columns,
        "constants": constants,
        "options": _options(before.get("options", {}) | dict(_dictionary(given.get("options", {}))), table),
    }


def _dictionary(given: Any) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise MappingUnknown(
            'Write a mapping as {"columns": {"header": "field"}, "constants": {"field": "value"}, "options": {...}}.'
        )
    return given


def _constants(given: Mapping[str, Any], table: Table) -> dict[str, str]:
    constants: dict[str, str] = {}
    for name, value in given.items():
        field = table.field(str(name))
        if field is None or field.many:
            known = ", ".join(each.name for each in table.fields if not each.many)
            raise MappingUnknown(f"{name!r} cannot be the same for every row; choose one of {known}.", field=name)
        text = " ".join(text_of(value).split())
        if len(text) > LONGEST_CONSTANT or "\0" in text:
            raise MappingUnknown(f"{field.label}: write up to {LONGEST_CONSTANT} characters.", field=name)
        if text:
            constants[field.name] = text
    return constants


def _options(given: Mapping[str, Any], table: Table) -> dict[str, str]:
    options = {option.name: option.default for option in table.options}
    for name, choice in given.items():
        option = next((each for each in table.options if each.name == name), None)
        if option is None or choice not in option.choices:
            offered = ", ".join(option.choices) if option else ", ".join(options)
            raise MappingUnknown(f"{name} = {choice!r} is not offered; use one of: {offered}.", option=name)
        options[name] = str(choice)
    return options


def plan(document: Mapping[str, Any], names: Sequence[str], table: Table) -> Plan:
    """Raises MappingEmpty and MappingIncomplete when too little is mapped to take a single row in."""
    columns = document.get("columns", {})
    steps: list[Step] = []
    for index, name in enumerate(names):
        field = table.field(columns.get(name, ""))
        if field:
            steps.append(Step(index, f"{field.name}:{name}" if field.many else field.name, name, field.keeps_zero))
    if not steps:
        raise MappingEmpty("No column is mapped to anything: say at least what identifies a unit, and its project.")
    lacking = table.lacks(fields_of(document))
    if lacking:
        raise MappingIncomplete(lacking)
    return Plan(tuple(steps), dict(document.get("options", {})), dict(document.get("constants", {})))


def fields_of(document: Mapping[str, Any]) -> frozenset[str]:
    """Every field that gets a value, from a column or the same for every row."""
    return frozenset(filter(None, document.get("columns", {}).values())) | frozenset(document.get("constants", {}))


def placed(plan: Plan, positions: Mapping[str, int]) -> Plan:
    """The same plan for a sheet whose columns stand elsewhere now: header -> index."""
    steps = tuple(replace(step, index=positions[step.header]) for step in plan.steps)
    return replace(plan, steps=steps)
