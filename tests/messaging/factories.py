"""Numbers, templates and talk for tests, and webhooks as WhatsApp signs them."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.test import Client
from django.utils import timezone

from core.models import Organization
from crm.models import Contact
from messaging.models import Channel, Conversation, Message, MessageTemplate, OfficeHours, Participant
from tests.messaging.door import Answer, call

NUMBER_ID = "100200300400500"
WABA_ID = "900800700600500"
APP_SECRET = "palm-app-secret"
VERIFY_TOKEN = "palm-verify-token"
ACCESS_TOKEN = "EAApalmaccesstoken"
OUR_NUMBER = "+971500000001"
BODY = {"type": "BODY", "text": "Hello {{1}}, your unit {{2}} is wanted."}

_numbers = count(1)


def channel(organization: Organization, **fields: Any) -> Channel:
    values = {
        "name": "Palm main",
        "phone_number_id": NUMBER_ID,
        "waba_id": WABA_ID,
        "display_number": OUR_NUMBER,
        "access_token": ACCESS_TOKEN,
        "app_secret": APP_SECRET,
        "verify_token": VERIFY_TOKEN,
        "session_status": "connected",
    }
    return Channel.objects.create(organization=organization, **{**values, **fields})


def always_open(organization: Organization) -> OfficeHours:
    """Somebody is there day and night: whoever waits is overdue at whatever hour the test runs."""
    return OfficeHours.objects.create(organization=organization, week=[[["00:00", "24:00"]]] * 7)


def template(channel: Channel, **fields: Any) -> MessageTemplate:
    values = {
        "name": "unit_wanted",
        "language": "en",
        "category": "MARKETING",
        "status": "APPROVED",
        "components": [BODY],
    }
    return MessageTemplate.objects.create(organization=channel.organization, channel=channel, **{**values, **fields})


def conversation(channel: Channel, contact: Contact, *, is_open: bool = True, **fields: Any) -> Conversation:
    """Open talk: they wrote a minute ago. With is_open=False they wrote 25 hours ago."""
    now = timezone.now()
    wrote = now - (timedelta(minutes=1) if is_open else timedelta(hours=25))
    values = {
        "last_message_at": wrote,
        "last_inbound_at": wrote,
        "window_expires_at": wrote + timedelta(hours=24),
        "address": "971501234567",
    }
    values |= fields
    values.setdefault("waiting_since", values["last_inbound_at"])
    made = Conversation.objects.create(organization=channel.organization, channel=channel, contact=contact, **values)
    Participant.objects.create(organization=channel.organization, conversation=made, contact=contact, joined_at=wrote)
    return made


def message(conversation: Conversation, body: str = "Is it still available?", **fields: Any) -> Message:
    values = {
        "direction": "inbound",
        "status": "received",
        "provider_id": f"wamid.made{next(_numbers)}",
        "at": timezone.now(),
    }
    return Message.objects.create(
        organization=conversation.organization,
        conversation=conversation,
        channel=conversation.channel,
        body=body,
        **{**values, **fields},
    )


def accepted(conversation: Conversation, **fields: Any) -> Message:
    """A message of ours that WhatsApp has taken."""
    values = {"direction": "outbound", "status": "accepted", "recipient": "971501234567", "accepted_at": timezone.now()}
    return message(conversation, "Good morning", **{**values, **fields})


def text_message(body: str = "Hello", *, wa_id: str = "971501234567", **fields: Any) -> dict[str, Any]:
    return {
        "from": wa_id,
        "id": f"wamid.in{next(_numbers)}",
        "timestamp": str(int(datetime.now(UTC).timestamp())),
        "type": "text",
        "text": {"body": body},
        **fields,
    }


def status(provider_id: str, step: str, *, at: int | None = None, **fields: Any) -> dict[str, Any]:
    moment = int(datetime.now(UTC).timestamp()) if at is None else at
    return {"id": provider_id, "status": step, "timestamp": str(moment), "recipient_id": "971501234567", **fields}


def value(*, number_id: str = NUMBER_ID, contacts: list[Any] | None = None, **parts: Any) -> dict[str, Any]:
    people = [{"profile": {"name": "Noura Example"}, "wa_id": "971501234567"}] if contacts is None else contacts
    return {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": OUR_NUMBER[1:], "phone_number_id": number_id},
        "contacts": people,
        **parts,
    }


def body(*values: dict[str, Any], field: str = "messages", waba_id: str = WABA_ID) -> bytes:
    """One webhook body with a change for each value."""
    changes = [{"value": each, "field": field} for each in values]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": waba_id, "changes": changes}]}).encode()


def sign(data: bytes, secret: str = APP_SECRET) -> str:
    return "sha256=" + hmac.digest(secret.encode(), data, hashlib.sha256).hex()


def deliver(_client: Client, data: bytes, *, slug: str = "palm", signature: str | None = None) -> Answer:
    """Post a webhook as WhatsApp does, at the real door, on this test's own database connection."""
    headers = {
        "Content-Type": "application/json",
        "X-Hub-Signature-256": sign(data) if signature is None else signature,
    }
    return call("POST", f"/webhooks/whatsapp/{slug}/", data, headers=headers)
