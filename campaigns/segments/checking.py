"""A definition in its one form, or a refusal that names the condition, the field and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import QuerySet

from campaigns.errors import SegmentInvalid
from campaigns.models import Campaign
from campaigns.segments.fields import FIELDS, OPERATORS, WITHOUT_VALUE, Kind
from core.actors import Actor
from core.errors import Invalid
from core.models import Membership
from core.money import to_minor
from crm.models import Project
from crm.models.stock import PropertyStatus, Purpose

MOST_ROWS, MOST_VALUES, LONGEST_VALUE = 30, 200, 100
LONGEST_AGO_IN_DAYS = 3650
CHOICES: dict[str, list[str]] = {"unit.status": PropertyStatus.values, "unit.purpose": Purpose.values}


def checked_definition(*, actor: Actor, given: object) -> dict[str, Any]:
    """The definition with everything in it known, of the right kind, and visible to the actor. Raises SegmentInvalid.

    One query for each condition that names rows (projects, agents, campaigns).
    """
    checked = _group(actor, given, "the segment", may_nest=True)
    if _count(checked) > MOST_ROWS:
        raise SegmentInvalid(f"A segment has at most {MOST_ROWS} conditions; this one has {_count(checked)}.")
    return checked


def _group(actor: Actor, given: object, place: str, *, may_nest: bool) -> dict[str, Any]:
    if not isinstance(given, Mapping) or not isinstance(given.get("rows"), list):
        raise SegmentInvalid(f'{place}: write {{"match": "all" or "any", "rows": [conditions]}}.', place=place)
    if not given["rows"]:
        raise SegmentInvalid(f"{place}: add at least one condition.", place=place)
    if given.get("match", "all") not in ("all", "any"):
        raise SegmentInvalid(f"{place}: match is {given['match']!r}; choose all or any.", place=place)
    rows = []
    for number, row in enumerate(given["rows"][: MOST_ROWS + 1], start=1):
        here = f"condition {number}" if may_nest else f"{place}.{number}"
        if isinstance(row, Mapping) and "rows" in row:
            if not may_nest:
                raise SegmentInvalid(f"{here}: a group within a group cannot hold another group.", place=here)
            rows.append(_group(actor, row, here, may_nest=False))
        else:
            rows.append(_row(actor, row, here))
    group: dict[str, Any] = {"match": given.get("match", "all"), "rows": rows}
    if given.get("not") is True:
        group["not"] = True
    return group


def _row(actor: Actor, given: object, place: str) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise SegmentInvalid(f'{place}: write {{"field": ..., "is": ..., "value": ...}}.', place=place)
    name, operator = given.get("field"), given.get("is")
    if not isinstance(name, str) or name not in FIELDS:
        raise SegmentInvalid(f"{place}: {name!r} is not a field; choose one of {', '.join(FIELDS)}.", place=place)
    kind = FIELDS[name].kind
    if operator not in OPERATORS[kind]:
        known = ", ".join(OPERATORS[kind])
        raise SegmentInvalid(f"{place}, {name}: {operator!r} cannot be asked; choose {known}.", place=place, field=name)
    if operator in WITHOUT_VALUE:
        return {"field": name, "is": operator}
    try:
        return {"field": name, "is": operator, "value": _value(actor, name, kind, str(operator), given.get("value"))}
    except ValueError as error:
        raise SegmentInvalid(f"{place}, {name}: {error}", place=place, field=name) from None


def _value(actor: Actor, name: str, kind: Kind, operator: str, given: Any) -> Any:
    """Raises ValueError, whose words say what to write instead."""
    match kind:
        case Kind.CHOICE | Kind.WORDS:
            return _texts(given, CHOICES.get(name))
        case Kind.ROWS | Kind.CAMPAIGNS:
            return _ids(given, rows_for(name, actor))
        case Kind.NUMBER:
            return _whole(given, 0, 100)
        case Kind.MONEY:
            return _money(given, actor.organization.currency)
        case Kind.SIZE:
            return _size(given)
        case Kind.TIME:
            return _whole(given, 1, LONGEST_AGO_IN_DAYS) if operator.endswith("days") else _day(given)
        case Kind.YES:
            raise ValueError("a yes or no has no value.")


def rows_for(name: str, actor: Actor) -> QuerySet[Any]:
    """The rows that a field may name, of those that the actor sees."""
    if name == "unit.project":
        projects: QuerySet[Any] = Project.objects.visible_to(actor)
        return projects
    if name == "person.agent":
        return Membership.objects.filter(organization=actor.organization)
    campaigns: QuerySet[Any] = Campaign.objects.visible_to(actor)
    return campaigns


def _texts(given: Any, choices: list[str] | None) -> list[str]:
    texts = given if isinstance(given, list) else []
    if not texts or len(texts) > MOST_VALUES or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"the value must be a list of 1 to {MOST_VALUES} texts.")
    found = sorted({" ".join(text.replace("\x00", "").split())[:LONGEST_VALUE] for text in texts} - {""})
    if not found:
        raise ValueError("write at least one text that is not empty.")
    if choices and (unknown := [text for text in found if text not in choices]):
        raise ValueError(f"{unknown[0]!r} does not exist; choose from {', '.join(choices)}.")
    return found


def _ids(given: Any, rows: QuerySet[Any]) -> list[int]:
    ids = given if isinstance(given, list) else []
    if not ids or len(ids) > MOST_VALUES or not all(_is_whole(one) and 0 < one < 2**63 for one in ids):
        raise ValueError(f"the value must be a list of 1 to {MOST_VALUES} ids.")
    strangers = set(ids) - set(rows.filter(pk__in=ids).values_list("pk", flat=True))
    if strangers:
        raise ValueError(f"{min(strangers)} is not among those you may choose; choose another.")
    return sorted(set(ids))


def _whole(given: Any, least: int, most: int) -> int:
    if not _is_whole(given) or not least <= given <= most:
        raise ValueError(f"{given!r} will not do; write a whole number from {least} to {most}.")
    return int(given)


def _is_whole(given: Any) -> bool:
    return isinstance(given, int) and not isinstance(given, bool)


def _money(given: Any, currency: str) -> str:
    if not isinstance(given, str | int) or isinstance(given, bool):
        raise ValueError(f"{given!r} is no amount; write it as a text, as 1500000.")
    try:
        if not 0 <= to_minor(given, currency) < 2**63:
            raise ValueError(f"{given!r} is no price.")
    except Invalid as error:
        raise ValueError(error.message) from None
    return str(given).replace(",", "").strip()


def _size(given: Any) -> str:
    try:
        size = Decimal(str(given).replace(",", ""))
    except InvalidOperation:
        raise ValueError(f"{given!r} is no size; write square feet, as 1200.") from None
    if not size.is_finite() or not 0 <= size <= 10_000_000:
        raise ValueError(f"{given!r} is no size; write square feet from 0 to 10,000,000.")
    return f"{size:f}"


def _day(given: Any) -> str:
    try:
        return date.fromisoformat(given).isoformat()
    except (TypeError, ValueError):
        raise ValueError(f"{given!r} is no day; write it as 2026-05-01.") from None


def _count(group: Mapping[str, Any]) -> int:
    return sum(_count(row) if "rows" in row else 1 for row in group["rows"])
