"""What is left today of WhatsApp's allowance, for the numbers that a campaign writes from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from campaigns.models import Campaign
from core.actors import Actor
from core.roles import Capability
from messaging.models import Channel
from messaging.selectors import number_cards
from messaging.selectors.numbers import State


@dataclass(frozen=True, slots=True)
class Allowance:
    """One number. `begun` and `left` count people and are the whole portfolio's; `left` is None where there is no limit."""

    channel: Channel
    state: State
    begun: int
    limit: int | None

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(self.limit - self.begun, 0)


def allowances(*, actor: Actor, campaign: Campaign, at: datetime) -> list[Allowance]:
    """The campaign's numbers, in the order in which they take turns. Four queries."""
    actor.require(Capability.CAMPAIGNS_READ)
    links = campaign.campaign_channels.select_related("channel").order_by("pk")
    cards = number_cards(actor=actor, channels=[link.channel for link in links], at=at)
    return [Allowance(card.channel, card.state, card.begun, card.limit) for card in cards]
