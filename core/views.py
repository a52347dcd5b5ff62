"""Saved views of the back office's lists: kept, shared and dropped."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.http import QueryDict

from core import audit
from core.actors import Actor
from core.errors import Conflict, Invalid, NotFound
from core.models import SavedView
from core.roles import Capability

# Where one stands in a list is not how one likes to see it.
NOT_KEPT = ("p", "e", "all", "_popup", "_to_field")
KEPT = ["list_name", "name", "query", "is_shared"]


class NothingToKeep(Invalid):
    code = "nothing_to_keep"


class ViewNameTaken(Conflict):
    code = "view_name_taken"


class ViewNotThere(NotFound):
    code = "view_not_there"


def kept_of(query: str) -> str:
    """The part of a list's address that a view keeps; empty where nothing narrows or orders the list."""
    asked = QueryDict(query[:4_000], mutable=True)
    for name in NOT_KEPT:
        asked.pop(name, None)
    kept = QueryDict(mutable=True)
    for name, values in asked.lists():
        kept.setlist(name, [value for value in values if value])
    return kept.urlencode()[:2_000]


@transaction.atomic
def keep_view(*, actor: Actor, list_name: str, name: str, query: str, is_shared: bool) -> SavedView:
    """Keep how a list is narrowed and ordered now. Whoever answers for the stock shares with the house.

    Raises NothingToKeep, ViewNameTaken, CapabilityMissing.
    """
    actor.require(Capability.BACK_OFFICE)
    if is_shared:
        actor.require(Capability.STOCK_WRITE)
    name, query = " ".join(name.split())[:60], kept_of(query)
    if not name:
        raise NothingToKeep("Give the view a name.", field="name")
    if not query:
        raise NothingToKeep("There is nothing to keep: choose a filter, an order or a search first.", field="query")
    if is_shared and "q" in QueryDict(query):
        raise NothingToKeep(
            "A view with a search is kept for yourself: what was searched may be a number that others were not given.",
            field="is_shared",
        )
    view = SavedView(
        organization=actor.organization,
        membership=actor.membership,
        list_name=list_name,
        name=name,
        query=query,
        is_shared=is_shared,
    )
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError as error:
        if "core_saved_view_name_once" not in str(error):
            raise
        raise ViewNameTaken(f"You have a view “{name}” of this list: choose another name.", field="name") from None
    audit.record(actor=actor, action="core.view_kept", target=view, after=audit.snapshot(view, KEPT))
    return view


@transaction.atomic
def drop_view(*, actor: Actor, view_id: int) -> SavedView:
    """One's own only; the trail keeps what it was. Raises ViewNotThere."""
    actor.require(Capability.BACK_OFFICE)
    view: SavedView | None = SavedView.objects.visible_to(actor).filter(pk=view_id, membership=actor.membership).first()
    if view is None:
        raise ViewNotThere("There is no such view of yours.")
    audit.record(actor=actor, action="core.view_dropped", target=view, before=audit.snapshot(view, KEPT))
    view.delete()
    view.pk = view_id
    return view
