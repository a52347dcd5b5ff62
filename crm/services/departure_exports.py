"""A copy of what a former agent worked on: asked for by one person, allowed by another, taken within a day."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from core import audit, exporting, exports
from core.actors import Actor
from core.errors import Invalid, NotFound
from core.models import Export
from core.models.exports import ExportFormat
from core.roles import Capability
from crm.errors import DecidedAlready, DecidedByAnother, NotLeft, ValueInvalid
from crm.models import Contact, Deal, Departure, DepartureExport, ProjectAssignment
from crm.services.writing import person, single_spaced

TAKEN_WITHIN = timedelta(days=1)

# Names and work, never numbers: those are disclosed one by one.
LISTS: dict[str, exporting.Declared] = {
    "assignments": exporting.declare(
        ProjectAssignment,
        ["project.name", ("Unit", "property.label"), "status", ("Due", "due_on")],
        capability=Capability.CRM_READ,
        name="crm.departure.assignments",
    ),
    "deals": exporting.declare(
        Deal,
        [("Deal", "pk"), ("Unit", "property.label"), "stage", ("Closed on", "closed_on")],
        capability=Capability.CRM_READ,
        name="crm.departure.deals",
    ),
    "contacts": exporting.declare(
        Contact,
        [("Contact", "pk"), ("Name", "display_name"), "source"],
        capability=Capability.CRM_READ,
        name="crm.departure.contacts",
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
def take_departure_list(*, actor: Actor, export: DepartureExport, what: str, at: datetime) -> Export:
    """One of LISTS as CSV, for the one who asked, within a day of the decision. Raises NotLeft, Invalid, NotFound."""
    actor.require(Capability.CRM_EXPORT)
    asked = _locked(actor, export)
    if asked.requested_by_id != person(actor).pk:
        raise NotFound("There is no such export here.")
    if not asked.is_allowed or asked.decided_at is None or at > asked.decided_at + TAKEN_WITHIN:
        raise NotLeft("This copy was not allowed, or its day is over; ask again.")
    if what not in LISTS:
        raise Invalid(f"Choose one of {', '.join(LISTS)}.", field="list")
    listed = LISTS[what]
    if asked.taken_at is None:
        asked.taken_at = at
        asked.save(update_fields=["taken_at", "updated_at"])
    return exports.take_list(
        actor=actor,
        name=listed.name,
        rows=listed.rows(actor).filter(pk__in=asked.departure.moved.get(what, [])),
        format=ExportFormat.CSV,
        filters={"departure": asked.departure_id},
        at=at,
    )


def _locked(actor: Actor, export: DepartureExport) -> DepartureExport:
    rows = DepartureExport.objects.visible_to(actor).select_for_update(of=("self",), no_key=True)
    found: DepartureExport | None = rows.select_related("departure").filter(pk=export.pk).first()
    if found is None:
        raise NotFound("There is no such export here.")
    return found
