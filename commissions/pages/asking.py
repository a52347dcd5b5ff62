"""What every page of commissions asks of its request."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any

from django.http import HttpRequest
from django.utils.dateparse import parse_date

from commissions.errors import CommissionUnknown
from core.actors import Actor
from crm.models import Agent


def actor_of(request: HttpRequest) -> Actor:
    """Who asks: the door has turned away everyone without."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def number_in(text: str) -> int | None:
    """A key as an address carries it; None for everything else."""
    return int(text) if text.isdecimal() and len(text) <= 18 else None


def day_in(text: str) -> date | None:
    """A day as an address carries it; None for everything else."""
    with suppress(ValueError):  # well written, and no such day
        return parse_date(text)
    return None


def asked_agent(actor: Actor, asked: Mapping[str, Any]) -> Agent | None:
    """The agent that `?agent=` names, or oneself; None for members who do not sell.

    Raises CommissionUnknown for an agent whom the actor may not see.
    """
    agents = Agent.objects.visible_to(actor)
    wanted = str(asked.get("agent", ""))
    if not wanted:
        mine: Agent | None = agents.filter(membership=actor.membership).first()
        return mine
    found: Agent | None = agents.filter(pk=number_in(wanted)).first()
    if found is None:
        raise CommissionUnknown("There is no such agent here.")
    return found
