"""How every service of crm writes a row: what was found, what differs, and the database's refusal in our words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from core import audit
from core.actors import Actor
from core.encryption import EncryptedTextField
from core.errors import DomainError, NotFound
from core.models import Membership, TenantModel, TenantQuerySet
from core.money import to_minor
from crm.errors import (
    AgentNotActive,
    AlreadyAssigned,
    AlreadyThere,
    NotOfThisProject,
    NumberShared,
    PersonNeeded,
    PriceInvalid,
    ProjectArchived,
    PropertyHasNoKey,
    SharesExceedWhole,
    ValueInvalid,
)
from crm.models import Project
from crm.models.stock import ProjectStatus

RowT = TypeVar("RowT", bound=TenantModel)

# The rule is the constraint's; this says it to people.
REFUSALS: dict[str, tuple[type[DomainError], str]] = {
    "crm_project_number_once": (AlreadyThere, "Another project has this number; leave it out to get the next one."),
    "crm_project_name_once": (AlreadyThere, "Another project has this name."),
    "crm_project_budget_not_negative": (PriceInvalid, "A budget is zero or more."),
    "crm_property_type_name_once": (AlreadyThere, "There is a property type of this name."),
    "crm_property_p_number_once": (AlreadyThere, "Another unit has this P-number; change that one instead."),
    "crm_property_registration_once": (
        AlreadyThere,
        "Another unit of this project has this registration; change that one instead.",
    ),
    "crm_property_unit_once": (
        AlreadyThere,
        "This building or cluster has this unit number already; change that unit instead.",
    ),
    "crm_property_has_a_key": (
        PropertyHasNoKey,
        "A unit needs a P-number, or a registration, or a unit number with its building or cluster.",
    ),
    "crm_property_price_not_negative": (PriceInvalid, "An asking price is zero or more."),
    "crm_property_latitude_on_earth": (ValueInvalid, "A latitude is between -90 and 90 degrees."),
    "crm_property_longitude_on_earth": (ValueInvalid, "A longitude is between -180 and 180 degrees."),
    "crm_property_area_positive": (ValueInvalid, "An area is more than zero square metres."),
    "crm_ownership_ends_after_start": (
        ValueInvalid,
        "A present owner has the unit since a later day; new owners begin on that day or after it.",
    ),
    "crm_ownership_shares_at_most_whole": (
        SharesExceedWhole,
        "The shares of a unit sum to 100 % (10,000 basis points) at most.",
    ),
    "crm_contact_national_id_once": (AlreadyThere, "Another contact has this national id: it may be the same person."),
    "crm_contact_point_once": (AlreadyThere, "This contact has that number or address already."),
    "crm_agent_once_per_membership": (AlreadyThere, "This member is an agent already."),
    "crm_agent_whatsapp_number_once": (AlreadyThere, "Another agent has this WhatsApp number."),
    "crm_agent_commission_at_most_all": (ValueInvalid, "A commission is 10,000 basis points (100 %) at most."),
    "crm_saved_filter_name_once": (AlreadyThere, "You have a view of this name already."),
    "crm_saved_filter_has_a_name": (ValueInvalid, "A view needs a name."),
    "crm_saved_filter_shared_without_numbers": (
        NumberShared,
        "This view holds what looks like a number or an e-mail address, and those are not given to everybody: keep it for "
        "yourself, or take the number out of its filters and its name.",
    ),
    "crm_project_assignment_once": (AlreadyAssigned, "This agent has that project or unit already."),
    "crm_deal_agent_not_archived": (AgentNotActive, "An archived agent leads no open deal; choose another."),
    "crm_contact_assignee_not_suspended": (AgentNotActive, "This member is suspended; give the contact to another."),
    "core_membership_reports_to_no_cycle": (
        ValueInvalid,
        "That would make somebody report to themselves through others.",
    ),
    "crm_project_assignment_agent_not_archived": (AgentNotActive, "An archived agent takes no new work."),
    "crm_project_assignment_unit_of_the_project": (NotOfThisProject, "That unit is not of this project."),
}


def locked(rows: TenantQuerySet, row: RowT, noun: str) -> RowT:
    """The row as it is now, held until the transaction ends. Raises NotFound when it is not among `rows`.

    `rows` is narrowed to what the actor may see: a row of someone else is not there.
    """
    found: RowT | None = rows.select_for_update(of=("self",), no_key=True).filter(pk=row.pk).first()
    if found is None:
        raise NotFound(f"There is no such {noun} here.")
    return found


def at_work(project: Project) -> Project:
    """What nobody works on any more gets nothing new by hand. Raises ProjectArchived."""
    if project.status == ProjectStatus.ARCHIVED:
        raise ProjectArchived(
            f"{project.name} is archived and gets nothing new: take it up again first.", project=project.pk
        )
    return project


def add(*, actor: Actor, row: RowT, action: str) -> RowT:
    """Write a new row, and the trail of it. Raises ValueInvalid and whatever REFUSALS names."""
    _save(row)
    audit.record(actor=actor, action=action, target=row, after=audit.snapshot(row))
    return row


def change(*, actor: Actor, row: RowT, action: str, changes: Mapping[str, Any], **told: Any) -> RowT:
    """Write what differs, and the trail of it; nothing at all when nothing differs. Raises as `add`.

    `told` is kept in the trail beside the new values: a reason, a number of rows that came along.
    """
    differing = {name: value for name, value in changes.items() if getattr(row, name) != value}
    if not differing:
        return row
    before = audit.snapshot(row, list(differing))
    for name, value in differing.items():
        setattr(row, name, value)
    _save(row, [*differing, "updated_at"])
    audit.record(
        actor=actor, action=action, target=row, before=before, after={**audit.snapshot(row, list(differing)), **told}
    )
    return row


@contextmanager
def refusals() -> Iterator[None]:
    """The database's constraint, said in our words: see REFUSALS. What is not named there is a bug and surfaces."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""
        if name not in REFUSALS:
            raise
        refusal, message = REFUSALS[name]
        raise refusal(message, rule=name) from None


def amount(text: str | None, currency: str) -> int | None:
    """Minor units of a decimal string; nothing stays nothing. Raises AmountInvalid, CurrencyUnknown."""
    return to_minor(text, currency) if text not in (None, "") else None


def person(actor: Actor) -> Membership:
    """The member who acts. Raises PersonNeeded when Majlis does."""
    if actor.membership is None:
        raise PersonNeeded("Only a member can do this: it is kept under a name.")
    return actor.membership


def single_spaced(text: str) -> str:
    return " ".join(text.split())


def _save(row: TenantModel, fields: list[str] | None = None) -> None:
    keys = [field.name for field in row._meta.concrete_fields if isinstance(field, models.ForeignKey)]
    try:
        row.clean_fields(exclude=keys)
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        secret = isinstance(row._meta.get_field(name), EncryptedTextField)
        value = None if secret else str(getattr(row, name))[:100]
        raise ValueInvalid(f"{name}: {' '.join(messages)}", field=name, value=value) from None
    with refusals():
        row.save(update_fields=fields)
