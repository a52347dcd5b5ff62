"""A segment in a sentence, as a colleague would say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from campaigns.segments.compiling import rows_in
from campaigns.segments.fields import FIELDS, NEGATIVE, Kind
from core.money import format_money, to_minor
from crm.models.stock import PropertyStatus, Purpose

# What is said of a unit ("a unit that ...") or of people ("who ..."), and its opposite.
CLAUSES: dict[str, tuple[str, str]] = {
    "unit.project": (gettext_noop("is in %(what)s"), gettext_noop("is not in %(what)s")),
    "unit.status": (gettext_noop("is marked %(what)s"), gettext_noop("is not marked %(what)s")),
    "unit.purpose": (gettext_noop("is offered as %(what)s"), gettext_noop("is not offered as %(what)s")),
    "unit.cluster": (gettext_noop("is in cluster %(what)s"), gettext_noop("is not in cluster %(what)s")),
    "unit.building": (gettext_noop("is in building %(what)s"), gettext_noop("is not in building %(what)s")),
    "unit.layout": (gettext_noop("has layout %(what)s"), gettext_noop("has another layout than %(what)s")),
    "unit.bedrooms": (gettext_noop("has %(what)s bedrooms"), ""),
    "unit.price": (gettext_noop("costs %(what)s"), ""),
    "unit.size": (gettext_noop("has %(what)s square feet"), ""),
    "person.owns": (gettext_noop("own a unit"), gettext_noop("own no unit")),
    "person.language": (gettext_noop("speak %(what)s"), gettext_noop("do not speak %(what)s")),
    "person.nationality": (gettext_noop("are from %(what)s"), gettext_noop("are not from %(what)s")),
    "person.tag": (gettext_noop("carry the tag %(what)s"), gettext_noop("do not carry the tag %(what)s")),
    "person.agent": (gettext_noop("are with %(what)s"), gettext_noop("are not with %(what)s")),
    "person.bad": (gettext_noop("are marked as bad contacts"), gettext_noop("are not marked as bad contacts")),
    "person.first_seen": (gettext_noop("came to us %(when)s"), gettext_noop("did not come to us %(when)s")),
    "talk.wrote": (gettext_noop("wrote to us %(when)s"), gettext_noop("have not written to us %(when)s")),
    "talk.written_to": (gettext_noop("heard from us %(when)s"), gettext_noop("have not heard from us %(when)s")),
    "consent.opted_out": (gettext_noop("said stop"), gettext_noop("have not said stop")),
    "consent.do_not_contact": (gettext_noop("must not be contacted"), gettext_noop("may be contacted")),
    "campaign.sent": (gettext_noop("got %(what)s"), gettext_noop("did not get %(what)s")),
    "campaign.replied": (gettext_noop("answered %(what)s"), gettext_noop("did not answer %(what)s")),
    "campaign.silent": (
        gettext_noop("got %(what)s without answering"),
        gettext_noop("are not among those who got %(what)s without answering"),
    ),
    "campaign.read_silent": (
        gettext_noop("read %(what)s without answering"),
        gettext_noop("are not among those who read %(what)s without answering"),
    ),
}
LABELS = {"unit.status": PropertyStatus, "unit.purpose": Purpose}
Names = Mapping[str, Mapping[int, str]]


def ids_named(definition: Mapping[str, Any]) -> dict[str, set[int]]:
    """The rows that the sentence has to name, by field."""
    found: dict[str, set[int]] = {}
    for row in rows_in(definition):
        if FIELDS[row["field"]].kind in (Kind.ROWS, Kind.CAMPAIGNS) and row.get("value"):
            found.setdefault(row["field"], set()).update(row["value"])
    return found


def sentence(definition: Mapping[str, Any], names: Names, currency: str) -> str:
    """The whole segment in the language of the reader. `names` are those of the rows in `ids_named`, by field."""
    units, people = _clauses(definition, names, currency)
    join = _and if definition["match"] == "all" else _or
    if units and definition["match"] == "all":
        said = _("Owners of a unit that %(units)s") % {"units": join(units)}
        if people:
            said = _("%(owners)s, who %(people)s") % {"owners": said, "people": join(people)}
    else:
        said = _("People who %(people)s") % {"people": join([*_owning(units, join), *people])}
    return (_("Everybody but: %(people)s") % {"people": said} if definition.get("not") else said) + "."


def _clauses(group: Mapping[str, Any], names: Names, currency: str) -> tuple[list[str], list[str]]:
    units: list[str] = []
    people: list[str] = []
    for row in group["rows"]:
        if "rows" in row:
            people.append(_nested(row, names, currency))
        else:
            (units if FIELDS[row["field"]].is_of_unit else people).append(_clause(row, names, currency))
    return units, people


def _nested(group: Mapping[str, Any], names: Names, currency: str) -> str:
    units, people = _clauses(group, names, currency)
    join = _and if group["match"] == "all" else _or
    said = join([*_owning(units, join), *people])
    return (_("not (%(what)s)") if group.get("not") else "(%(what)s)") % {"what": said}


def _owning(units: list[str], join: Any) -> list[str]:
    return [_("own a unit that %(units)s") % {"units": join(units)}] if units else []


def _clause(row: Mapping[str, Any], names: Names, currency: str) -> str:
    field, value = row["field"], row.get("value")
    template = CLAUSES[field][row["is"] in NEGATIVE]
    kind = FIELDS[field].kind
    if kind is Kind.TIME:
        return _(template) % {"when": _when(row["is"], value)}
    return _(template) % {"what": _what(field, kind, row["is"], value, names, currency)}


def _what(field: str, kind: Kind, operator: str, value: Any, names: Names, currency: str) -> str:
    match kind:
        case Kind.CHOICE:
            return _or([_(str(LABELS[field](each).label)) for each in value])
        case Kind.WORDS:
            return _or(value)
        case Kind.ROWS | Kind.CAMPAIGNS if value:
            known = names.get(field, {})
            return _or([known.get(each) or _("one that is gone") for each in value])
        case Kind.CAMPAIGNS:
            return _("any campaign")
        case Kind.MONEY:
            return _measure(operator, format_money(to_minor(value, currency), currency))
        case Kind.SIZE:
            return _measure(operator, f"{Decimal(value):,}")
        case Kind.NUMBER:
            return _measure(operator, str(value))
    return ""


def _measure(operator: str, said: str) -> str:
    if operator == "is":
        return said
    return (_("at least %(measure)s") if operator == "at_least" else _("at most %(measure)s")) % {"measure": said}


def _when(operator: str, value: Any) -> str:
    if value is None:
        return _("at any time")
    if operator.endswith("days"):
        return ngettext("in the last %(days)d day", "in the last %(days)d days", value) % {"days": value}
    return _("since %(day)s") % {"day": date_format(date.fromisoformat(value), "j F Y")}


def _and(parts: Sequence[str]) -> str:
    return _listed(parts, _(" and "))


def _or(parts: Sequence[str]) -> str:
    return _listed(parts, _(" or "))


def _listed(parts: Sequence[str], last: str) -> str:
    return last.join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
