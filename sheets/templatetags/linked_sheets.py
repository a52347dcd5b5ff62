"""How fresh the linked sheets are, in one line, on pages of what came from them."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone

from core.actors import Actor
from core.roles import Capability
from sheets import selectors

register = template.Library()


@register.inclusion_tag("sheets/_freshness.html", takes_context=True)
def sheets_freshness(context: dict[str, Any]) -> dict[str, Any]:
    """For who may sync them; one query. Nothing is shown while no sheet is linked."""
    actor: Actor | None = context.get("actor")
    found = None
    if actor is not None and actor.can(Capability.SHEETS_IMPORT):
        found = selectors.freshness(actor=actor, at=timezone.now())
    return {"organization": context.get("organization"), "freshness": found}
