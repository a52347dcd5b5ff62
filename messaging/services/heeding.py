"""Webhooks that are not messages of a person nor statuses of ours: each field, and who heeds it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import InterfaceError, OperationalError

from core.actors import Actor
from core.roles import Capability
from messaging import calls, incoming
from messaging.contents import mapping
from messaging.envelopes import ACCOUNT_FIELDS, TEMPLATE_FIELDS
from messaging.incoming import Change
from messaging.models import Channel
from messaging.services.account_events import heed_account_change
from messaging.services.calling import note_call_state, take_call
from messaging.services.echoes import take_echo
from messaging.services.identities import heed_user_id
from messaging.services.noticing import note
from messaging.services.past import take_past, take_past_file, threads_of
from messaging.services.template_sync import heed_template_change

# What messaging/services/processing.py works through itself.
TALK_FIELDS = ("messages", "user_preferences")


def heed_change(*, actor: Actor, change: Change, channels: Sequence[Channel], at: datetime) -> list[str]:
    """One change of any other field; what nobody heeds stays in the stored webhook. Returns what went wrong.

    Each thing in it is done by itself, in a transaction of its own: one that is poisoned keeps nothing else back.
    """
    actor.require(Capability.CHANNELS_MANAGE)
    errors = []
    for step in _steps(actor, change, channels, at):
        try:
            step()
        except (OperationalError, InterfaceError):
            raise  # the database is away: the whole body is taken up again
        except Exception:
            errors.append(traceback.format_exc(limit=8))
    return errors


def _steps(actor: Actor, change: Change, channels: Sequence[Channel], at: datetime) -> Iterator[Callable[[], Any]]:
    """What a change asks to be done, one callable for each thing in it."""
    channel = next((each for each in channels if each.phone_number_id == change.phone_number_id), None)
    numbers = [each for each in channels if each.waba_id == change.waba_id]
    if change.field in TEMPLATE_FIELDS and numbers:
        yield partial(heed_template_change, actor=actor, channel=numbers[0], change=change, at=at)
    elif change.field in ACCOUNT_FIELDS and numbers:
        yield partial(heed_account_change, actor=actor, numbers=numbers, change=change, at=at)
    elif channel is not None:
        yield from _talk(actor, channel, change, at)


def _talk(actor: Actor, channel: Channel, change: Change, at: datetime) -> Iterator[Callable[[], Any]]:
    """What belongs into the threads of one number."""
    value = change.value
    if change.field == "smb_message_echoes":
        for raw in value.get("message_echoes") or []:
            yield partial(_echo, actor=actor, channel=channel, at=at, value=value, raw=mapping(raw))
    elif change.field == "history":
        for thread in threads_of(value):
            yield partial(take_past, actor=actor, channel=channel, at=at, value=value, thread=thread)
        if any(mapping(each).get("errors") for each in value.get("history") or []):
            key = f"{change.time}|{channel.pk}"
            yield partial(note, actor=actor, of=channel, kind="error", code="HISTORY_DECLINED", key=key, at=at)
        for raw in incoming.messages(value):
            yield partial(take_past_file, actor=actor, channel=channel, at=at, value=value, raw=raw)
    elif change.field == "calls":
        for call in calls.read_calls(value, received_at=at):
            yield partial(take_call, actor=actor, channel=channel, at=at, call=call)
        for provider_id, state in calls.read_call_states(value):
            yield partial(note_call_state, actor=actor, channel=channel, provider_id=provider_id, state=state)
    elif change.field == "user_id_update":
        for raw in value.get("user_id_update") or []:
            yield partial(heed_user_id, actor=actor, channel=channel, at=at, value=value, raw=mapping(raw))


def _echo(*, actor: Actor, channel: Channel, value: Any, raw: Any, at: datetime) -> None:
    said = incoming.read_message(value, raw, received_at=at, is_ours=True)
    take_echo(actor=actor, channel=channel, said=said, at=at)
