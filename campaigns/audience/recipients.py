"""One row per person: an address and what the variables say, or why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from campaigns.audience.filters import AT_A_TIME, in_parts
from campaigns.audience.people import Person, agents_of, house_of, people_of
from campaigns.audience.suppression import Cap, caps_of, in_review, suppression_of
from campaigns.models import Campaign, SkipReason
from campaigns.prices import PriceList, prices_of
from campaigns.rendering import templates_of
from campaigns.splitting import SECOND, variant_of
from campaigns.variables import Facts, values_of
from core.money import Money, in_micros
from core.statistics import many_rows_expected
from messaging.models import Channel
from messaging.refusals import Address, Refusal, standings_of

__all__ = ["AT_A_TIME", "Recipient", "recipient_of", "recipients_of", "summed"]


@dataclass(slots=True)
class Recipient:
    """One person of the audience: to be written to, or skipped with a reason."""

    contact_id: int
    property_id: int | None
    recipient: str = ""
    skip_reason: str = SkipReason.NONE
    variables: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    name: str = ""
    variant: str = ""


@dataclass(frozen=True, slots=True)
class _House:
    """What is the same for everybody."""

    agents: Mapping[int | None, Mapping[str, str]]
    facts: Mapping[str, str]
    caps: Sequence[Cap]


def recipients_of(*, campaign: Campaign, at: datetime, channel: Channel | None = None) -> list[Recipient]:
    """Everybody the campaign is meant for, by contact id: who can be written to, and who is skipped and why.

    About a dozen queries for each 5,000 people. `campaign` may be one that is not saved yet.
    """
    found: list[Recipient] = []
    with many_rows_expected():
        people = people_of(campaign, at)
        house = _house(campaign)
        for some in in_parts(people):
            found += _examined(campaign, some, house, at)
    _leave_out_duplicates(found)
    if campaign.budget_minor is not None:
        _keep_within_budget(found, campaign, prices_of(campaign.organization), at)
    return found


def recipient_of(*, campaign: Campaign, contact_id: int, at: datetime) -> Recipient | None:
    """One person of the audience, as recipients_of would have them but for duplicates; None when not meant."""
    people = people_of(campaign, at, only=contact_id)
    return next(_examined(campaign, people, _house(campaign), at), None) if people else None


def _house(campaign: Campaign) -> _House:
    return _House(agents_of(campaign), house_of(campaign.organization), caps_of(campaign))


def _examined(campaign: Campaign, people: Sequence[Person], house: _House, at: datetime) -> Iterator[Recipient]:
    ids = [person.contact_id for person in people]
    standings = standings_of(organization=campaign.organization, contact_ids=ids, category=campaign.template.category)
    addresses = {key: found.value for key, found in standings.items() if isinstance(found, Address)}
    unread = in_review([key for key, found in standings.items() if found is Refusal.INVALID_NUMBER])
    suppressed = suppression_of(campaign, house.caps, ids, addresses, at)
    for person in people:
        facts = Facts(
            contact=person.contact,
            unit=person.unit,
            agent=house.agents.get(person.contact["assigned_to"]) or house.agents.get(None, {}),
            organization=house.facts,
        )
        variant = variant_of(campaign.pk, person.contact_id, campaign.second_percent)
        mapping = campaign.second_variables if variant == SECOND else campaign.variables
        values, missing = values_of(mapping, facts)
        name = person.contact["display_name"]
        row = Recipient(
            person.contact_id, person.property_id, variables=values, missing=missing, name=name, variant=variant
        )
        standing = standings[person.contact_id]
        if person.contact_id in unread:
            row.skip_reason = SkipReason.REVIEW
        elif isinstance(standing, Refusal):
            row.skip_reason = standing.value
        elif reason := suppressed.reason_for(person.contact_id, standing.value):
            row.skip_reason = reason
        elif missing:
            row.skip_reason = SkipReason.VARIABLE
        else:
            row.recipient = standing.value
        yield row


def _leave_out_duplicates(rows: list[Recipient]) -> None:
    """A number shared by several recipients is written to once: for the contact we have known longest."""
    rows.sort(key=lambda row: row.contact_id)
    taken: set[str] = set()
    for row in rows:
        if row.recipient in taken:
            row.skip_reason, row.recipient = SkipReason.DUPLICATE, ""
        elif row.recipient:
            taken.add(row.recipient)


def _keep_within_budget(rows: Sequence[Recipient], campaign: Campaign, prices: PriceList, at: datetime) -> None:
    """In their order, as long as the budget lasts. What a message costs must be known, in the budget's currency."""
    budget = Money(campaign.budget_minor or 0, campaign.budget_currency)
    left, templates = in_micros(budget), templates_of(campaign)
    for row in rows:
        if row.skip_reason:
            continue
        price = prices.price_of(row.recipient, templates[row.variant].category, at)
        if price is None or price.currency != budget.currency or price.micros > left:
            row.skip_reason, row.recipient = SkipReason.OVER_BUDGET, ""
        else:
            left -= price.micros


def summed(rows: Sequence[Recipient]) -> tuple[Counter[str], Counter[str]]:
    """How many by skip reason ("" for those to be written to), and how many lack each variable."""
    reasons = Counter(str(row.skip_reason) for row in rows)
    missing = Counter(key for row in rows if row.skip_reason == SkipReason.VARIABLE for key in row.missing)
    return reasons, missing
