"""Whom a change of a webhook is about, and what kind of webhook it is. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from messaging.incoming import Change
from messaging.models.intake import EventKind

TEMPLATE_FIELDS = (
    "message_template_status_update",
    "message_template_quality_update",
    "message_template_components_update",
    "template_category_update",
)
ACCOUNT_FIELDS = ("phone_number_quality_update", "business_capability_update", "account_update", "account_alerts")
KINDS = {
    "user_preferences": EventKind.PREFERENCES,
    "calls": EventKind.CALLS,
    "smb_message_echoes": EventKind.ECHOES,
    "history": EventKind.HISTORY,
    **dict.fromkeys(TEMPLATE_FIELDS, EventKind.TEMPLATE),
    **dict.fromkeys(ACCOUNT_FIELDS, EventKind.ACCOUNT),
}


def is_about(change: Change, numbers: Collection[str], accounts: Collection[str]) -> bool:
    """Whether the number that it names is among these; without one, whether its account is."""
    if change.phone_number_id:
        return change.phone_number_id in numbers
    return change.field != "messages" and change.waba_id in accounts


def kind_of(changes: Iterable[Change]) -> EventKind:
    """What the log calls a body: by its first change that is neither messages nor statuses, else by those."""
    found: set[EventKind] = set()
    for change in changes:
        if change.field == "messages":
            found |= {EventKind.MESSAGES} if change.value.get("messages") else set()
            found |= {EventKind.STATUSES} if change.value.get("statuses") else set()
        else:
            found.add(KINDS.get(change.field, EventKind.OTHER))
    talk = {EventKind.MESSAGES, EventKind.STATUSES}
    for kind in EventKind:
        if kind in found - talk:
            return kind
    if found >= talk:
        return EventKind.MIXED
    return found.pop() if found else EventKind.OTHER
