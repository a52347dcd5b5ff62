"""Whose unit is it, and at what number: found among what the member may see, and given through crm's one disclosure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from core.errors import NotFound
from crm.errors import ContactHasNoNumber, DisclosureLimit
from crm.models import Contact, ContactPoint, Ownership, Property
from crm.models.contacts import PointKind, PointStatus
from crm.models.disclosures import Door
from crm.selectors import masked
from crm.services import disclose_owner_number
from messaging.assistant.reading import Unit
from messaging.assistant.wording import numbered, say
from messaging.models.assistant import Outcome
from messaging.selectors import Stop, stops_of
from messaging.services.assistant.replies import Asked, Reply

MOST_CHOICES = 10


def owner_of(*, asked: Asked, unit: Unit, at: datetime) -> Reply:
    """The owner's numbers when one unit fits, a list to choose from when several do."""
    if not unit.is_named:
        return Reply(say(asked.language, "ask_unit"), Outcome.PROMPTED)
    found = units_like(asked, unit)
    if len(found) == 1:
        return give(asked=asked, unit_id=found[0].pk, at=at)
    return (
        _choose(asked, found, "choose_unit") if found else Reply(say(asked.language, "unit_unknown"), Outcome.NOT_FOUND)
    )


def suggest(*, asked: Asked, unit: Unit) -> Reply | None:
    """Nobody asked for an owner, but these words look like a unit: ask, and give nothing yet."""
    found = units_like(asked, unit) if unit.house else []
    return _choose(asked, found, "did_you_mean") if found else None


def give(*, asked: Asked, unit_id: int, at: datetime) -> Reply:
    """The numbers of each present owner, the primary one first. Every owner is a disclosure of its own, counted and
    kept; where the limit is reached, what was given before it stands."""
    unit = Property.objects.visible_to(asked.actor).select_related("project").filter(pk=unit_id).first()
    if unit is None:
        return Reply(say(asked.language, "unit_unknown"), Outcome.NOT_FOUND)
    held = Ownership.objects.visible_to(asked.actor).current().filter(property=unit, contact__deleted_at__isnull=True)
    contacts = [each.contact for each in held.select_related("contact").order_by("-is_primary", "pk")]
    if not contacts:
        return Reply(say(asked.language, "no_owner", unit=label_of(unit)), Outcome.NOT_FOUND)
    stops = stops_of(organization_id=asked.actor.organization.pk, contacts=[contact.pk for contact in contacts])
    told: list[tuple[Contact, list[ContactPoint]]] = []
    limited = ""
    for contact in contacts:
        try:
            points = disclose_owner_number(
                actor=asked.actor,
                contact=contact,
                reason=f"{unit.label}: {' '.join(asked.text.split())}",
                at=at,
                door=Door.ASSISTANT,
            )
        except (ContactHasNoNumber, NotFound):
            points = []
        except DisclosureLimit as refusal:
            limited = say(asked.language, "limited", limit=refusal.details["limit"])
            break
        told.append((contact, points))
    if not any(points for _, points in told):
        words = limited or _told(asked, unit, told, stops, lambda point: "")
        return Reply(words, Outcome.LIMITED if limited else Outcome.NOT_FOUND)
    whole, hidden = (_told(asked, unit, told, stops, show) for show in (_whole, _masked))
    names = ", ".join(
        f"{contact.display_name} {' '.join(_masked(point) for point in points)}".strip() for contact, points in told
    )
    return Reply(
        words="\n\n".join(filter(None, [whole, limited])),
        shown="\n\n".join(filter(None, [hidden, limited])),
        outcome=Outcome.ANSWERED,
        summary=f"{label_of(unit)}: {names}"[:500],
    )


def units_like(asked: Asked, unit: Unit) -> list[Property]:
    """The units that are meant, at most one more than is offered. The first way of looking that finds any decides."""
    rows = Property.objects.visible_to(asked.actor).select_related("project")
    for narrowed in _ways(rows, unit):
        found = list(narrowed.order_by("place_key", "pk")[: MOST_CHOICES + 1])
        if found:
            return found
    return []


def _ways(rows: QuerySet[Any], unit: Unit) -> list[QuerySet[Any]]:
    """From exact to vague."""
    if unit.municipality:
        of_it = rows.filter(municipality_number=unit.municipality)
        # One number is shared by hundreds of units: with a house number that none of them has, nothing fits.
        return [of_it.filter(_numbered(unit.house))] if unit.house else [of_it]
    if unit.p_number:
        return [rows.filter(p_number__iexact=unit.p_number), rows.filter(p_number__iexact=f"P-{unit.p_number}")]
    if unit.registration:
        return [rows.filter(registration__iexact=unit.registration), rows.search(unit.registration)]  # type: ignore[attr-defined]
    ways = []
    if unit.words:
        exact = Q(p_number__iexact=unit.words) | Q(registration__iexact=unit.words) | Q(municipality_number=unit.words)
        ways.append(rows.filter(exact))
    if unit.house and unit.place:
        of_it = rows.filter(_numbered(unit.house))
        ways.append(of_it.filter(Q(cluster__iexact=unit.place) | Q(building__iexact=unit.place)))
        within = Q(cluster__icontains=unit.place) | Q(building__icontains=unit.place)
        ways.append(of_it.filter(within | Q(project__name__icontains=unit.place)))
        return [*ways, rows.search(f"{unit.place} {unit.house}")]  # type: ignore[attr-defined]
    if unit.house:
        ways.append(rows.filter(_numbered(unit.house)))
    return [*ways, rows.search(unit.words)] if unit.words else ways  # type: ignore[attr-defined]


def _numbered(house: str) -> Q:
    """045 is 45, and villa V-45 is itself."""
    return Q(unit_number__iexact=house) | Q(unit_number__iexact=house.lstrip("0") or house)


def _choose(asked: Asked, units: list[Property], title: str) -> Reply:
    shown = units[:MOST_CHOICES]
    count: object = len(units)
    if len(units) > MOST_CHOICES:
        title, count = ("choose_first", f"{MOST_CHOICES}+") if title == "choose_unit" else (title, count)
    labels = [label_of(unit) for unit in shown]
    return Reply(
        numbered(say(asked.language, title, count=count), labels),
        Outcome.CHOICES,
        choices=[{"kind": "unit", "id": unit.pk, "name": label} for unit, label in zip(shown, labels, strict=True)],
    )


def label_of(unit: Property) -> str:
    """What a member tells units apart by: place, project, P-number, municipality number."""
    parts = [unit.label, unit.project.name if unit.project.name.casefold() not in unit.label.casefold() else ""]
    parts += [f"P-{unit.p_number}" if unit.p_number and unit.p_number not in unit.label else ""]
    return " · ".join(part for part in parts if part)


def _told(
    asked: Asked,
    unit: Property,
    told: list[tuple[Contact, list[ContactPoint]]],
    stops: dict[int, Stop],
    show: Callable[[ContactPoint], str],
) -> str:
    lines = [label_of(unit)]
    for contact, points in told:
        if not points:
            lines += ["", say(asked.language, "no_number", name=contact.display_name)]
            continue
        lines += ["", " ".join([contact.display_name, *_warnings(asked.language, contact, stops.get(contact.pk))])]
        for point in points:
            listed = point.status == PointStatus.DO_NOT_CONTACT
            lines.append(" ".join([show(point), *([say(asked.language, "do_not_contact")] if listed else [])]))
    return "\n".join(lines)


def _warnings(language: str, contact: Contact, stop: Stop | None) -> list[str]:
    words = [say(language, "bad_contact")] if contact.is_bad_contact else []
    if stop is not None:
        words.append(say(language, "stopped_all" if stop.is_of_all else "stopped_offers"))
    return words


def _whole(point: ContactPoint) -> str:
    return str(point.value)


def _masked(point: ContactPoint) -> str:
    return masked(PointKind(point.kind), point.value)
