"""Lists as members like to see them, kept under a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from core import audit
from core.actors import Actor
from core.roles import Capability
from crm.errors import ValueInvalid
from crm.models import SavedFilter
from crm.models.search import SharedWith
from crm.services.writing import add, change, locked, person, single_spaced

MOST_VALUES, LONGEST_VALUE = 50, 200
# Who shares with whom: the team is what a supervisor leads, the house what a manager answers for.
NEEDED = {SharedWith.TEAM: Capability.ASSIGNMENTS_WRITE, SharedWith.ORGANIZATION: Capability.STOCK_WRITE}


@transaction.atomic
def save_filter(
    *,
    actor: Actor,
    name: str,
    list: str,
    parameters: Mapping[str, Any],
    shared_with: str = SharedWith.NOBODY,
    is_default: bool = False,
) -> SavedFilter:
    """Keep the present filters under a name. Raises AlreadyThere, ValueInvalid, CapabilityMissing for sharing."""
    _may_share(actor, shared_with)
    row = SavedFilter(
        organization=actor.organization,
        membership=person(actor),
        name=single_spaced(name),
        list=list,
        parameters=_parameters(parameters),
        shared_with=shared_with,
        is_default=is_default,
    )
    if is_default:
        _no_other_default(row)
    return add(actor=actor, row=row, action="crm.filter_saved")


@transaction.atomic
def update_filter(*, actor: Actor, saved: SavedFilter, **changes: Any) -> SavedFilter:
    """Rename, share, make it the default, or keep other parameters. One's own only. Raises as save_filter, NotFound."""
    row = locked(SavedFilter.objects.filter(membership=person(actor)), saved, "saved view")
    _may_share(actor, changes.get("shared_with", SharedWith.NOBODY))
    if "name" in changes:
        changes["name"] = single_spaced(changes["name"])
    if "parameters" in changes:
        changes["parameters"] = _parameters(changes["parameters"])
    if changes.get("is_default"):
        _no_other_default(row)
    return change(actor=actor, row=row, action="crm.filter_changed", changes=changes)


@transaction.atomic
def delete_filter(*, actor: Actor, saved: SavedFilter) -> None:
    """One's own only; the trail keeps what it was. Raises NotFound."""
    row = locked(SavedFilter.objects.filter(membership=person(actor)), saved, "saved view")
    before = audit.snapshot(row, ["name", "list", "parameters", "shared_with"])
    audit.record(actor=actor, action="crm.filter_deleted", target=row, before=before)
    row.delete()


def _may_share(actor: Actor, shared_with: str) -> None:
    actor.require(Capability.CRM_READ)
    if shared_with in NEEDED:
        actor.require(NEEDED[SharedWith(shared_with)])


def _parameters(given: Mapping[str, Any]) -> dict[str, list[str]]:
    kept = {
        name: [str(each)[:LONGEST_VALUE] for each in values if str(each)][:MOST_VALUES]
        for name, values in given.items()
    }
    kept = {name: values for name, values in kept.items() if values}
    if not kept:
        raise ValueInvalid("There is nothing to keep: choose a filter or an order first.", field="parameters")
    return kept


def _no_other_default(row: SavedFilter) -> None:
    others = SavedFilter.objects.filter(membership=row.membership_id, list=row.list, is_default=True)
    others.exclude(pk=row.pk).update(is_default=False)
