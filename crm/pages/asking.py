"""What every page of crm asks of its request."""

from __future__ import annotations

from django.http import HttpRequest

from core.actors import Actor


def actor_of(request: HttpRequest) -> Actor:
    """Who asks: the door has turned away everyone without."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def number_in(text: str) -> int | None:
    """A key or a count as an address carries it; None for everything else."""
    return int(text) if text.isdecimal() and len(text) <= 18 else None
