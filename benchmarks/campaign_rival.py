"""What campaigns are measured against: the usual way, one Celery task a message, the ORM, and a client that waits.

    celery -A benchmarks.campaign_rival worker --queues rival

The rival is treated well: connections to WhatsApp and to the database are kept, the token is read once, the recipients are
there already, and it neither keeps a pace nor asks whether somebody said stop.
"""

from __future__ import annotations

import os
from functools import lru_cache

import requests
from celery import Celery
from django.utils import timezone

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("rival", broker=os.environ.get("REDIS_URL", ""), set_as_current=False)
app.conf.update(task_default_queue="rival", worker_prefetch_multiplier=50, task_ignore_result=True)


@lru_cache(1)
def session() -> requests.Session:
    return requests.Session()


@lru_cache(1)
def ready() -> None:
    import django

    django.setup()


@app.task(name="rival.send")
def send(organization_id: int, row_id: int) -> None:
    """Read the row, write the message, call WhatsApp, write what it said."""
    ready()
    from core.tenancy import organization_scope

    with organization_scope(organization_id):
        _send(row_id)


def _send(row_id: int) -> None:
    from campaigns.models import CampaignMessage, Status
    from messaging.models import Conversation, Message, Participant
    from messaging.templates import render

    row = CampaignMessage.objects.select_related("campaign__template", "campaign__organization", "contact").get(
        pk=row_id
    )
    template, channel = row.campaign.template, row.campaign.template.channel
    letter = render(template.components, row.variables)
    now = timezone.now()
    talk, is_new = Conversation.objects.get_or_create(
        organization=row.campaign.organization, channel=channel, contact=row.contact, defaults={"last_message_at": now}
    )
    if is_new:
        Participant.objects.create(
            organization=row.campaign.organization, conversation=talk, contact=row.contact, joined_at=now
        )
    message = Message.objects.create(
        organization=row.campaign.organization,
        conversation=talk,
        channel=channel,
        direction="outbound",
        type="template",
        template=template,
        body=letter.text,
        recipient=row.recipient,
        client_request_id=f"campaign:{row.pk}",
        status="sending",
        at=now,
    )
    answer = session().post(
        f"{os.environ['WHATSAPP_API_URL']}/v25.0/{channel.phone_number_id}/messages",
        headers={"Authorization": "Bearer sandbox-token"},
        timeout=30,
        json={
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": row.recipient,
            "type": "template",
            "template": {"name": template.name, "language": {"code": "en"}, "components": letter.components},
            "biz_opaque_callback_data": f"m{message.pk}.1",
        },
    )
    answer.raise_for_status()
    message.provider_id, message.status = answer.json()["messages"][0]["id"], "accepted"
    message.accepted_at = timezone.now()
    message.save(update_fields=["provider_id", "status", "accepted_at", "updated_at"])
    row.status, row.message, row.accepted_at = Status.ACCEPTED, message, message.accepted_at
    row.save(update_fields=["status", "message", "accepted_at", "updated_at"])
