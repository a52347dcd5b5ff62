"""Every change to a segment."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from campaigns.errors import NameTaken, SegmentInUse, SegmentInvalid
from campaigns.models import Campaign, Segment
from campaigns.models.campaigns import EDITABLE
from campaigns.segments import checked_definition
from core import audit
from core.actors import Actor
from core.errors import NotFound
from core.roles import Capability
from core.services import soft_delete

LONGEST_NAME = 150


@transaction.atomic
def create_segment(*, actor: Actor, name: str, definition: object, at: datetime) -> Segment:
    """Keep a question under a name. Raises SegmentInvalid, NameTaken."""
    actor.require(Capability.CAMPAIGNS_WRITE)
    segment = Segment(organization=actor.organization, created_by=actor.membership)
    return _written(actor, segment, {"name": name, "definition": definition}, "campaigns.segment_created", at)


@transaction.atomic
def update_segment(*, actor: Actor, segment: Segment, at: datetime, **changes: Any) -> Segment:
    """Rename it, or ask something else (`name`, `definition`). What was approved with it must be approved again.

    Raises NotFound, SegmentInvalid, NameTaken.
    """
    actor.require(Capability.CAMPAIGNS_WRITE)
    return _written(actor, _locked(actor, segment), changes, "campaigns.segment_changed", at)


@transaction.atomic
def delete_segment(*, actor: Actor, segment: Segment, at: datetime) -> None:
    """Hide it, with a way back. Raises NotFound, SegmentInUse while a campaign that has yet to start is for it."""
    actor.require(Capability.CAMPAIGNS_WRITE)
    segment = _locked(actor, segment)
    waiting = Campaign.objects.live().filter(organization=actor.organization, segment=segment, status__in=EDITABLE)
    if (campaign := waiting.order_by("pk").first()) is not None:
        raise SegmentInUse(
            f"The campaign {campaign.name!r} is for this segment and has yet to start; aim it elsewhere or cancel it first.",
            campaign=campaign.pk,
        )
    soft_delete(actor=actor, target=segment, at=at)


def _locked(actor: Actor, segment: Segment) -> Segment:
    found: Segment | None = Segment.objects.visible_to(actor).select_for_update().filter(pk=segment.pk).first()
    if found is None:
        raise NotFound("There is no such segment here.")
    return found


def _written(actor: Actor, segment: Segment, values: dict[str, Any], action: str, at: datetime) -> Segment:
    fields = ["name", "definition"]
    before = audit.snapshot(segment, fields) if segment.pk else {}
    if "name" in values:
        segment.name = " ".join(str(values["name"]).split())
        if not 1 <= len(segment.name) <= LONGEST_NAME:
            raise SegmentInvalid(f"Give the segment a name of 1 to {LONGEST_NAME} letters.", field="name")
    if "definition" in values:
        segment.definition = checked_definition(actor=actor, given=values["definition"])
    try:
        with transaction.atomic():
            segment.save()
    except IntegrityError as error:
        if "campaigns_segment_name_once" not in str(error):
            raise
        raise NameTaken(
            f"There is a segment called {segment.name!r} already; choose another name.", field="name"
        ) from error
    audit.record(
        actor=actor, action=action, target=segment, before=before, after=audit.snapshot(segment, fields), at=at
    )
    return segment
