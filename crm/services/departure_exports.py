"""A copy of what a former agent worked on: asked for by one person, allowed by another, taken within a day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core import audit
from core.actors import Actor
from core.errors import Invalid, NotFound
from core.roles import Capability
from crm.errors import DecidedAlready, DecidedByAnother, NotLeft, ValueInvalid
from crm.models import Contact, Deal, Departure, DepartureExport, ProjectAssignment
from crm.services.exports import Columns, export_rows
from crm.services.writing import person, single_spaced

TAKEN_WITHIN = timedelta(days=1)

# Names and work, never numbers: those are disclosed one by one.
LISTS: dict[str, tuple[Any, tuple[str, ...], Columns]] = {
    "assignments": (
        ProjectAssignment,
        ("project", "property"),
        {
            "Project": lambda row: row.project.name,
            "Unit": lambda row: row.property and row.property.label,
            "Status": lambda row: row.get_status_display(),
            "Due": lambda row: row.due_on,
        },
    ),
    "deals": (
        Deal,
        ("property",),
        {
            "Deal": lambda row: row.pk,
            "Unit": lambda row: row.property.label,
            "Stage": lambda row: row.get_stage_display(),
            "Closed on": lambda row: row.closed_on,
        },
    ),
    "contacts": (
        Contact,
        (),
        {"Contact": lambda row: row.pk, "Name": lambda row: row.display_name, "Source": lambda row: row.source},
    ),
}


@transaction.atomic
def request_departure_export(*, actor: Actor, departure: Departure, reason: str, at: datetime) -> DepartureExport:
    """Ask for the copy. Somebody else decides. Raises ValueInvalid (no reason), NotFound."""
    actor.require(Capability.CRM_EXPORT)
    why = single_spaced(reason)[:300]
    if not why:
        raise ValueInvalid("Say what the copy is for.", field="reason")
    if not Departure.objects.visible_to(actor).filter(pk=departure.pk).exists():
        raise NotFound("There is no such departure here.")
    asked = DepartureExport.objects.create(
        organization=actor.organization,
        departure=departure,
        requested_by=person(actor),
        reason=why,
        requested_at=at,
    )
    audit.record(actor=actor, action="crm.departure_export_requested", target=asked, after={"reason": why}, at=at)
    return asked


@transaction.atomic
def decide_departure_export(
    *, actor: Actor, export: DepartureExport, is_allowed: bool, at: datetime
) -> DepartureExport:
    """Another admin says yes or no, once. Raises DecidedByAnother, DecidedAlready, NotFound."""
    actor.require(Capability.MEMBERS_MANAGE)
    member = person(actor)
    asked = _locked(actor, export)
    if asked.requested_by_id == member.pk:
        raise DecidedByAnother("You asked for this copy, so somebody else must allow it.")
    if asked.decided_at is not None:
        raise DecidedAlready("This was decided already.")
    asked.decided_by, asked.decided_at, asked.is_allowed = member, at, is_allowed
    asked.save(update_fields=["decided_by", "decided_at", "is_allowed", "updated_at"])
    action = "crm.departure_export_allowed" if is_allowed else "crm.departure_export_refused"
    audit.record(actor=actor, action=action, target=asked, at=at)
    return asked


@transaction.atomic
def departure_lines(*, actor: Actor, export: DepartureExport, what: str, at: datetime) -> Iterator[str]:
    """One of LISTS as CSV, for the one who asked, within a day of the decision. Raises NotLeft, Invalid, NotFound."""
    actor.require(Capability.CRM_EXPORT)
    asked = _locked(actor, export)
    if asked.requested_by_id != person(actor).pk:
        raise NotFound("There is no such export here.")
    if not asked.is_allowed or asked.decided_at is None or at > asked.decided_at + TAKEN_WITHIN:
        raise NotLeft("This copy was not allowed, or its day is over; ask again.")
    if what not in LISTS:
        raise Invalid(f"Choose one of {', '.join(LISTS)}.", field="list")
    model, joined, columns = LISTS[what]
    ids = asked.departure.moved.get(what, [])
    rows = model.objects.for_organization(actor.organization).filter(pk__in=ids).select_related(*joined)
    if asked.taken_at is None:
        asked.taken_at = at
        asked.save(update_fields=["taken_at", "updated_at"])
    return export_rows(actor=actor, rows=rows, columns=columns)


def _locked(actor: Actor, export: DepartureExport) -> DepartureExport:
    rows = DepartureExport.objects.visible_to(actor).select_for_update(of=("self",), no_key=True)
    found: DepartureExport | None = rows.select_related("departure").filter(pk=export.pk).first()
    if found is None:
        raise NotFound("There is no such export here.")
    return found
