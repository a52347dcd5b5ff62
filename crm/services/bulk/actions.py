"""What can be done to many rows at once. Each does what the service of one row does, and can set it back.

`foresee` says for the preview what would become of a row, without writing; the service has the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from core.actors import Actor
from core.errors import NotFound
from core.models import Deletion, SoftDeleteModel
from core.roles import Capability
from core.services import restore_deletion, soft_delete
from crm.errors import ContactHasNoNumber, ValueInvalid
from crm.models import Agent, Contact, ContactPoint, DoNotContact, Project, ProjectAssignment, Property
from crm.models.agents import AgentStatus, AssignmentStatus
from crm.models.bulk import BulkAction, BulkNoun
from crm.models.contacts import PointStatus
from crm.models.stock import PropertyStatus
from crm.services.assignments import assign_agent
from crm.services.bulk.sets import Columns
from crm.services.people import mark_bad_contact, mark_do_not_contact, update_contact
from crm.services.stock import PROPERTY_MOVES, check_move, update_property
from crm.services.writing import change, locked, single_spaced

MOST_TAGS = 20


@dataclass(frozen=True, slots=True)
class Checked:
    """A value as it is kept, and in words."""

    value: dict[str, Any]
    said: str


@dataclass(frozen=True, slots=True)
class OneByOne:
    """`do` returns before and after of what it wrote, or None when the row was so already. `undo` sets back what
    nobody changed since, and says whether it did."""

    do: Callable[[Actor, Any, Mapping[str, Any], datetime], tuple[dict[str, Any], dict[str, Any]] | None]
    undo: Callable[[Actor, int, Mapping[str, Any], Mapping[str, Any], datetime], bool]


@dataclass(frozen=True, slots=True)
class Act:
    """`by` is how it is done and undone: row by row through the service of one row, or many in one statement."""

    noun: BulkNoun
    capability: Capability
    check: Callable[[Actor, Mapping[str, Any]], Checked]
    foresee: Callable[[Any, Mapping[str, Any]], str | None]
    by: OneByOne | Columns
    # What `foresee` asks of other tables, told with the rows: a preview of many is no query a row.
    told: Callable[[QuerySet[Any], Mapping[str, Any]], QuerySet[Any]] = lambda rows, value: rows


SAME = ""  # what `foresee` answers when the row is so already; None is a change, a text a refusal


def actions_for(actor: Actor, noun: str) -> list[BulkAction]:
    """What this actor may do to many rows of a noun."""
    return [action for (of, action), act in ACTIONS.items() if of == noun and actor.can(act.capability)]


# ── units ────────────────────────────────────────────────────────────────────
def _check_status(actor: Actor, given: Mapping[str, Any]) -> Checked:
    status = str(given.get("status", ""))
    if status not in PropertyStatus.values:
        raise ValueInvalid(_("Choose a status."), field="status")
    return Checked({"status": status}, str(PropertyStatus(status).label))


def _foresee_status(unit: Property, value: Mapping[str, Any]) -> str | None:
    if unit.status == value["status"]:
        return SAME
    if value["status"] in PROPERTY_MOVES[unit.status]:
        return None
    return _("It is %(status)s and cannot become that.") % {"status": _(unit.get_status_display())}


def _check_price_note(actor: Actor, given: Mapping[str, Any]) -> Checked:
    note = single_spaced(str(given.get("price_note", "")))
    if len(note) > 200:
        raise ValueInvalid(_("A note has 200 letters at most."), field="price_note")
    return Checked({"price_note": note}, note or _("no note"))


def _check_project(actor: Actor, given: Mapping[str, Any]) -> Checked:
    found = Project.objects.visible_to(actor).filter(pk=_key(given.get("project"))).first()
    if found is None:
        raise ValueInvalid(_("Choose a project."), field="project")
    return Checked({"project": found.pk}, found.name)


def _do_project(actor: Actor, unit: Property, value: Mapping[str, Any], at: datetime) -> Any:
    if unit.project_id == value["project"]:
        return None
    before = {"project_id": unit.project_id}
    project = Project.objects.visible_to(actor).filter(pk=value["project"]).first()
    if project is None:
        raise NotFound(_("That project is not there any more."))
    update_property(actor=actor, property=unit, project=project)
    return before, {"project_id": value["project"]}


def _check_agent(actor: Actor, given: Mapping[str, Any]) -> Checked:
    ready = Agent.objects.visible_to(actor).filter(status=AgentStatus.ACTIVE)
    found = ready.filter(pk=_key(given.get("agent"))).first()
    if found is None:
        raise ValueInvalid(_("Choose an agent who is at work."), field="agent")
    return Checked({"agent": found.pk, "membership": found.membership_id}, found.name)


def _with_assigned(units: QuerySet[Any], value: Mapping[str, Any]) -> QuerySet[Any]:
    work = ProjectAssignment.objects.active().filter(agent=value["agent"], property=OuterRef("pk"))
    annotated: QuerySet[Any] = units.annotate(is_assigned=Exists(work))
    return annotated


def _foresee_unit_assigned(unit: Any, value: Mapping[str, Any]) -> str | None:
    return SAME if unit.is_assigned else None


def _assign_unit(actor: Actor, unit: Property, value: Mapping[str, Any], at: datetime) -> Any:
    if ProjectAssignment.objects.active().filter(agent=value["agent"], property=unit).exists():
        return None
    agent = Agent.objects.visible_to(actor).get(pk=value["agent"])
    made = assign_agent(actor=actor, agent=agent, project=unit.project, property=unit)
    return {}, {"assignment": made.pk}


def _unassign_unit(
    actor: Actor, unit_id: int, before: Mapping[str, Any], after: Mapping[str, Any], at: datetime
) -> bool:
    """Work that has ended or was handed over since stays as it is."""
    work = ProjectAssignment.objects.visible_to(actor).active().filter(pk=after["assignment"]).first()
    if work is None:
        return False
    values = {"status": AssignmentStatus.COMPLETED}
    change(actor=actor, row=work, action="crm.assignment_taken_back", changes=values)
    return True


# ── contacts ─────────────────────────────────────────────────────────────────
def _check_tags(actor: Actor, given: Mapping[str, Any]) -> Checked:
    tags = list(dict.fromkeys(filter(None, (single_spaced(tag) for tag in str(given.get("tags", "")).split(",")))))
    if not tags or len(tags) > MOST_TAGS or any(len(tag) > 40 for tag in tags):
        raise ValueInvalid(_("Write one tag or more, parted by commas, of 40 letters at most."), field="tags")
    return Checked({"tags": tags}, ", ".join(tags)[:200])


def _tagged(contact: Contact, value: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys([*contact.tags, *value["tags"]]))


def _untagged(contact: Contact, value: Mapping[str, Any]) -> list[str]:
    return [tag for tag in contact.tags if tag not in value["tags"]]


def _tags(to: Callable[[Contact, Mapping[str, Any]], list[str]]) -> dict[str, Any]:
    def foresee(contact: Contact, value: Mapping[str, Any]) -> str | None:
        return SAME if to(contact, value) == contact.tags else None

    return {
        "check": _check_tags,
        "foresee": foresee,
        "by": Columns("crm.contact_changed", lambda contact, value: {"tags": to(contact, value)}),
    }


def _check_reason(actor: Actor, given: Mapping[str, Any]) -> Checked:
    reason = single_spaced(str(given.get("reason", "")))[:300]
    if not reason:
        raise ValueInvalid(_("Say why, in a few words."), field="reason")
    return Checked({"reason": reason}, reason[:200])


def _mark_bad(actor: Actor, contact: Contact, value: Mapping[str, Any], at: datetime) -> Any:
    if contact.is_bad_contact:
        return None
    mark_bad_contact(actor=actor, contact=contact, reason=value["reason"])
    return {"is_bad_contact": False}, {"is_bad_contact": True}


def _with_points(contacts: QuerySet[Any], value: Mapping[str, Any]) -> QuerySet[Any]:
    points = ContactPoint.objects.live().filter(contact=OuterRef("pk"))
    annotated: QuerySet[Any] = contacts.annotate(
        has_points=Exists(points), has_open=Exists(points.exclude(status=PointStatus.DO_NOT_CONTACT))
    )
    return annotated


def _foresee_silence(contact: Any, value: Mapping[str, Any]) -> str | None:
    if not contact.has_points:
        return _("No number or address is known.")
    return None if contact.has_open else SAME


def _silence(actor: Actor, contact: Contact, value: Mapping[str, Any], at: datetime) -> Any:
    points = ContactPoint.objects.visible_to(actor).live().filter(contact=contact)
    before = {point.pk: point for point in points.order_by("pk")}
    if not before:
        raise ContactHasNoNumber(_("No number or address is known."), contact=contact.pk)
    was = {str(pk): point.status for pk, point in before.items() if point.status != PointStatus.DO_NOT_CONTACT}
    for pk in was:
        mark_do_not_contact(actor=actor, point=before[int(pk)], reason=value["reason"])
    return ({"points": was}, {"points": PointStatus.DO_NOT_CONTACT}) if was else None


def _unsilence(actor: Actor, pk: int, before: Mapping[str, Any], after: Mapping[str, Any], at: datetime) -> bool:
    """Each number and address as it was; none of them when one was changed since, or is on the list of the house."""
    rows = ContactPoint.objects.visible_to(actor).live().filter(contact=pk)
    points = [locked(rows, point, "number") for point in rows.filter(pk__in=before["points"]).order_by("pk")]
    changed = any(point.status != PointStatus.DO_NOT_CONTACT for point in points)
    if not points or changed or DoNotContact.objects.forbidden(actor.organization, [point.value for point in points]):
        return False
    for point in points:
        values = {"status": before["points"][str(point.pk)]}
        change(actor=actor, row=point, action="crm.contact_point_do_not_contact_lifted", changes=values, undone=True)
    return True


def _check_language(actor: Actor, given: Mapping[str, Any]) -> Checked:
    code = str(given.get("language", "")).strip().lower()
    if not (code.isascii() and code.isalpha() and len(code) in (2, 3)):
        raise ValueInvalid(_("Write the short name of a language, such as ar, en or ru."), field="language")
    return Checked({"language": code}, code)


def _assign_contact(actor: Actor, contact: Contact, value: Mapping[str, Any], at: datetime) -> Any:
    if contact.assigned_to_id == value["membership"]:
        return None
    before = contact.assigned_to_id
    membership = Agent.objects.visible_to(actor).select_related("membership").get(pk=value["agent"]).membership
    update_contact(actor=actor, contact=contact, assigned_to=membership)
    return {"assigned_to_id": before}, {"assigned_to_id": value["membership"]}


# ── both ─────────────────────────────────────────────────────────────────────
def _field(name: str) -> Columns:
    """One field of a unit, as update_property would set it."""

    def of(unit: Property, value: Mapping[str, Any]) -> dict[str, Any]:
        if name == "status":
            check_move(PropertyStatus, unit.status, value[name], PROPERTY_MOVES)
        return {name: value[name]}

    return Columns("crm.property_changed", of)


def _field_back(model: Any, action: str) -> Callable[..., bool]:
    """Set fields to what they were, if they still are what the change made of them. No move is asked: it is a return."""

    def undo(actor: Actor, pk: int, before: Mapping[str, Any], after: Mapping[str, Any], at: datetime) -> bool:
        row = model.objects.visible_to(actor).filter(pk=pk).first()
        if row is None:
            return False
        row = locked(model.objects.visible_to(actor), row, "row")
        if any(getattr(row, name) != value for name, value in after.items()):
            return False
        changes = dict(_as_field(model, name, value) for name, value in before.items())
        change(actor=actor, row=row, action=action, changes=changes, undone=True)
        return True

    return undo


def _as_field(model: Any, column: str, value: Any) -> tuple[str, Any]:
    """A column as the field it belongs to: keys as rows, because that is what the trail compares."""
    field = next(field for field in model._meta.concrete_fields if field.attname == column)
    if field.is_relation and value is not None:
        value = field.related_model._base_manager.filter(pk=value).first()
    return field.name, value


def _delete(actor: Actor, row: SoftDeleteModel, value: Mapping[str, Any], at: datetime) -> Any:
    return {}, {"deletion": soft_delete(actor=actor, target=row, at=at).pk}


def _undelete(actor: Actor, pk: int, before: Mapping[str, Any], after: Mapping[str, Any], at: datetime) -> bool:
    deletion = Deletion.objects.for_organization(actor.organization).filter(pk=after["deletion"]).first()
    if deletion is None or deletion.restored_at is not None:
        return False
    restore_deletion(actor=actor, deletion=deletion, at=at)
    return True


def _nothing(actor: Actor, given: Mapping[str, Any]) -> Checked:
    return Checked({}, "")


def _always(row: Any, value: Mapping[str, Any]) -> str | None:
    return None


def _key(text: object) -> int:
    return int(str(text)) if str(text).isdecimal() and len(str(text)) <= 18 else 0


def _differs(name: str) -> Callable[[Any, Mapping[str, Any]], str | None]:
    return lambda row, value: SAME if getattr(row, name) == value[name.removesuffix("_id")] else None


_UNIT, _CONTACT = BulkNoun.UNIT, BulkNoun.CONTACT
_DELETE: dict[str, Any] = {"check": _nothing, "foresee": _always, "by": OneByOne(_delete, _undelete)}
ACTIONS: dict[tuple[BulkNoun, BulkAction], Act] = {
    (_UNIT, BulkAction.STATUS): Act(_UNIT, Capability.STOCK_WRITE, _check_status, _foresee_status, _field("status")),
    (_UNIT, BulkAction.PRICE_NOTE): Act(
        _UNIT, Capability.STOCK_WRITE, _check_price_note, _differs("price_note"), _field("price_note")
    ),
    (_UNIT, BulkAction.PROJECT): Act(
        _UNIT,
        Capability.STOCK_WRITE,
        _check_project,
        _differs("project_id"),
        OneByOne(_do_project, _field_back(Property, "crm.property_changed")),
    ),
    (_UNIT, BulkAction.ASSIGN): Act(
        _UNIT,
        Capability.ASSIGNMENTS_WRITE,
        _check_agent,
        _foresee_unit_assigned,
        OneByOne(_assign_unit, _unassign_unit),
        told=_with_assigned,
    ),
    (_UNIT, BulkAction.DELETE): Act(_UNIT, Capability.CRM_DELETE, **_DELETE),
    (_CONTACT, BulkAction.ASSIGN): Act(
        _CONTACT,
        Capability.ASSIGNMENTS_WRITE,
        _check_agent,
        lambda contact, value: SAME if contact.assigned_to_id == value["membership"] else None,
        OneByOne(_assign_contact, _field_back(Contact, "crm.contact_changed")),
    ),
    (_CONTACT, BulkAction.TAG): Act(_CONTACT, Capability.CRM_WRITE, **_tags(_tagged)),
    (_CONTACT, BulkAction.UNTAG): Act(_CONTACT, Capability.CRM_WRITE, **_tags(_untagged)),
    (_CONTACT, BulkAction.BAD): Act(
        _CONTACT,
        Capability.CRM_WRITE,
        _check_reason,
        lambda contact, value: SAME if contact.is_bad_contact else None,
        OneByOne(_mark_bad, _field_back(Contact, "crm.contact_marked_good")),
    ),
    (_CONTACT, BulkAction.NO_CONTACT): Act(
        _CONTACT,
        Capability.CRM_WRITE,
        _check_reason,
        _foresee_silence,
        OneByOne(_silence, _unsilence),
        told=_with_points,
    ),
    (_CONTACT, BulkAction.LANGUAGE): Act(
        _CONTACT,
        Capability.CRM_WRITE,
        _check_language,
        _differs("language"),
        Columns("crm.contact_changed", lambda contact, value: {"language": value["language"]}),
    ),
    (_CONTACT, BulkAction.DELETE): Act(_CONTACT, Capability.CRM_DELETE, **_DELETE),
}
