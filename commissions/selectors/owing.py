"""Who owes the house money: what was clawed back or deducted, and neither set off nor repaid yet."""

from __future__ import annotations

from dataclasses import dataclass

from core.actors import Actor
from core.roles import Capability
from crm.models import Agent, Contact
from ledger.models import Account


@dataclass(frozen=True, slots=True)
class Debt:
    """`minor` is what is left, in minor units of the currency."""

    account_id: int
    person: Agent | Contact
    name: str
    currency: str
    minor: int


def debts(*, actor: Actor) -> list[Debt]:
    """The largest first; by the books, whose accounts are few: one for each person who ever owed something."""
    actor.require(Capability.COMMISSIONS_PAY)
    accounts = Account.objects.for_organization(actor.organization).filter(
        code__startswith="clawback:", balance_minor__gt=0
    )
    owed = [(account, *account.owner.split(":")) for account in accounts.order_by("-balance_minor", "pk")]
    agents = Agent.objects.for_organization(actor.organization).in_bulk(
        [int(key) for _, kind, key in owed if kind == "agent"]
    )
    contacts = Contact.objects.for_organization(actor.organization).in_bulk(
        [int(key) for _, kind, key in owed if kind == "contact"]
    )
    found: list[Debt] = []
    for account, kind, key in owed:
        agent, contact = (agents.get(int(key)), None) if kind == "agent" else (None, contacts.get(int(key)))
        person, name = (agent, agent.name) if agent else (contact, contact.display_name if contact else "")
        if person is not None:  # a contact that was erased on request owes nothing that anybody could collect
            found.append(Debt(account.pk, person, name, account.currency, account.natural_minor))
    return found
