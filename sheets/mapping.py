"""Which column feeds which field: checked against the table and the header, and turned into a plan for reading rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sheets.errors import FieldMappedTwice, MappingEmpty, MappingIncomplete, MappingUnknown
from sheets.headers import fold
from sheets.tables import Table

Document = dict[str, dict[str, str]]


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

    @property
    def salt(self) -> str:
        """What, besides the cells, decides what a row becomes."""
        return repr((tuple(step.name for step in self.steps), sorted(self.options.items())))


def checked(
    given: Mapping[str, Any], names: Sequence[str], table: Table, present: Mapping[str, Any] | None = None
) -> Document:
    """The mapping of every column of the header, after a person's changes to the present one. Headers compare folded.

    Raises MappingUnknown and FieldMappedTwice.
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
    return {
        "columns": columns,
        "options": _options(before.get("options", {}) | dict(_dictionary(given.get("options", {}))), table),
    }


def _dictionary(given: Any) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise MappingUnknown('Write a mapping as {"columns": {"header": "field"}, "options": {"name": "choice"}}.')
    return given


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
    lacking = table.lacks(frozenset(step.name.partition(":")[0] for step in steps))
    if lacking:
        raise MappingIncomplete(lacking)
    return Plan(tuple(steps), dict(document.get("options", {})))
