"""What messaging does when crm announces something. Wired in config/wiring.py."""

from __future__ import annotations

from core.actors import system
from crm.events import ContactsMerged, ContactsUnmerged
from crm.models import Merge
from messaging.services import merging

# The keys to a contact that follow_contacts moves (tests/crm/test_merge_keys.py finds every key there is).
MOVES = frozenset(
    {("messaging.conversation", "contact"), ("messaging.participant", "contact"), ("messaging.optout", "contact")}
)


def follow_contacts(event: ContactsMerged) -> None:
    merging.follow_merge(merge=_merge(event))


def part_contacts(event: ContactsUnmerged) -> None:
    merge = _merge(event)
    merging.follow_unmerge(actor=system(merge.organization), merge=merge)


def _merge(event: ContactsMerged | ContactsUnmerged) -> Merge:
    found: Merge = Merge.objects.select_related("organization", "merged_contact").get(
        organization=event.organization_id, pk=event.merge_id
    )
    return found
