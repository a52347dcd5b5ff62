"""The sales profiles of members, and where they are paid."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypedDict, Unpack

from django.db import transaction
from stdnum import iban as ibans
from stdnum.exceptions import ValidationError as NumberError

from core import audit
from core.actors import Actor
from core.errors import NotFound
from core.models import Membership
from core.phones import normalize
from core.roles import Capability
from crm.errors import BankDetailsMissing, IbanInvalid, StatusMoveRefused, VerifiedByAnother
from crm.models import Agent, BankDetails, Departure
from crm.models.agents import AgentStatus
from crm.services.writing import add, change, locked, person, single_spaced


class AgentFields(TypedDict, total=False):
    """`commission_basis_points`: 250 is 2.5 %."""

    name: str
    whatsapp_number: str
    expertise_areas: list[str]
    commission_basis_points: int | None


@transaction.atomic
def create_agent(*, actor: Actor, membership: Membership, **fields: Unpack[AgentFields]) -> Agent:
    """The sales profile of a member; the name is the member's unless another is given.

    Raises AlreadyThere (a second profile, or the WhatsApp number of another agent), PhoneInvalid, ValueInvalid.
    """
    actor.require(Capability.AGENTS_MANAGE)
    if membership.organization_id != actor.organization.pk:
        raise NotFound("There is no such member here.")
    agent = Agent(organization=actor.organization, membership=membership)
    for name, value in _values(actor, fields).items():
        setattr(agent, name, value)
    agent.name = agent.name or membership.user.name
    return add(actor=actor, row=agent, action="crm.agent_added")


@transaction.atomic
def update_agent(*, actor: Actor, agent: Agent, status: str | None = None, **changes: Unpack[AgentFields]) -> Agent:
    """Change what is named. An agent is made inactive, active, or brought back from the archive by `status`.

    Raises StatusMoveRefused (archiving is archive_agent's), and as create_agent.
    """
    actor.require(Capability.AGENTS_MANAGE)
    agent = locked(Agent.objects.visible_to(actor), agent, "agent")
    values = _values(actor, changes)
    if status is not None and status != agent.status:
        if status not in {AgentStatus.ACTIVE, AgentStatus.INACTIVE}:
            raise StatusMoveRefused(
                "An agent is archived on its own page, where the work is handed over.",
                status=agent.status,
                wanted=status,
            )
        if Departure.objects.filter(agent=agent, returned_at__isnull=True).exists():
            raise StatusMoveRefused(f"{agent.name} has left; say on the agent's page that the person is back.")
        values["status"] = status
    return change(actor=actor, row=agent, action="crm.agent_changed", changes=values)


@transaction.atomic
def set_bank_details(
    *, actor: Actor, agent: Agent, holder: str, bank_name: str, iban: str, account_number: str = "", swift: str = ""
) -> BankDetails:
    """Write down where an agent is paid; any change makes the details unverified again.

    Numbers are encrypted, and the trail says only that they changed. Raises IbanInvalid, ValueInvalid, NotFound.
    """
    actor.require(Capability.AGENTS_MANAGE)
    member = person(actor)
    agent = locked(Agent.objects.visible_to(actor), agent, "agent")
    try:
        checked = ibans.validate(iban)
    except NumberError:
        raise IbanInvalid("This is not a valid IBAN: a digit is wrong, missing or too many.") from None
    values: dict[str, Any] = {
        "holder": single_spaced(holder),
        "bank_name": single_spaced(bank_name),
        "iban": checked,
        "account_number": "".join(account_number.split()),
        "swift": "".join(swift.split()).upper(),
    }
    details: BankDetails | None = BankDetails.objects.visible_to(actor).filter(agent=agent).first()
    if details is None:
        details = BankDetails(organization=actor.organization, agent=agent, entered_by=member, **values)
        return add(actor=actor, row=details, action="crm.bank_details_added")
    if all(getattr(details, name) == value for name, value in values.items()):
        return details
    values |= {"entered_by": member, "verified_by": None, "verified_at": None}
    return change(actor=actor, row=details, action="crm.bank_details_changed", changes=values)


@transaction.atomic
def verify_bank_details(*, actor: Actor, agent: Agent, at: datetime) -> BankDetails:
    """Another person has compared the details with the bank's paper. Neither who wrote them down, nor who is paid.

    Raises BankDetailsMissing, VerifiedByAnother, NotFound.
    """
    actor.require(Capability.BANK_DETAILS_READ)
    member = person(actor)
    agent = locked(Agent.objects.visible_to(actor), agent, "agent")
    details: BankDetails | None = (
        BankDetails.objects.visible_to(actor).select_for_update(no_key=True).filter(agent=agent).first()
    )
    if details is None:
        raise BankDetailsMissing(f"No bank details of {agent.name} are known yet.", agent=agent.pk)
    if member.pk in {details.entered_by_id, agent.membership_id}:
        raise VerifiedByAnother("Somebody else must verify these: not who wrote them down, and not who is paid.")
    if details.verified_at is not None:
        return details
    details.verified_by, details.verified_at = member, at
    details.save(update_fields=["verified_by", "verified_at", "updated_at"])
    audit.record(actor=actor, action="crm.bank_details_verified", target=details, at=at)
    return details


def _values(actor: Actor, fields: AgentFields) -> dict[str, Any]:
    values: dict[str, Any] = {**fields}
    if "name" in values:
        values["name"] = single_spaced(values["name"])
    if values.get("whatsapp_number"):
        values["whatsapp_number"] = normalize(values["whatsapp_number"], actor.organization.country)
    if "expertise_areas" in values:
        values["expertise_areas"] = [area for each in values["expertise_areas"] if (area := single_spaced(each))]
    return values
