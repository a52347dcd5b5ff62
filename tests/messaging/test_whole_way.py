"""The whole way, with real processes: a customer writes, an agent answers, the bubble goes to read."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from django.utils import timezone

from core.actors import Actor
from core.roles import Role
from core.services import issue_token
from core.tenancy import organization_scope
from messaging.models import Conversation, Message, WebhookEvent
from tests.live import Live, house, wait_for
from tests.messaging import factories

CUSTOMER = "971501234567"


def configure(live: Live) -> None:
    live.sandbox(
        "POST",
        "/_sandbox/configure",
        {
            "reset": True,
            "behaviours": {"read": 1},
            "pace": {"sent": 0.05, "delivered": 0.1, "read": 0.2},
            "webhooks": {"order": "shuffled", "copies": 3},
            "accounts": [
                {
                    "id": factories.WABA_ID,
                    "app_secret": factories.APP_SECRET,
                    "verify_token": factories.VERIFY_TOKEN,
                    "token": factories.ACCESS_TOKEN,
                    "callback_url": f"{live.base_url}/webhooks/whatsapp/palm/",
                    "numbers": [{"id": factories.NUMBER_ID, "display_phone_number": factories.OUR_NUMBER}],
                }
            ],
        },
    )


def api(live: Live, secret: str, path: str, body: object = None) -> Any:
    request = urllib.request.Request(
        f"{live.base_url}/api/v1/palm/{path}",
        method="GET" if body is None else "POST",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_customer_writes_and_is_answered_though_workers_come_late(live: Live) -> None:
    organization, members = house()
    live.start_sandbox()
    live.start_web()
    with organization_scope(organization.pk):
        factories.channel(organization)
        _, secret = issue_token(actor=Actor(organization, members[Role.MANAGER]), name="test", at=timezone.now())
        configure(live)

        # No worker runs yet: the webhooks are stored and answered all the same.
        said = {"text": "Is the villa free?", "name": "Noura Example"}
        live.sandbox("POST", f"/_sandbox/customers/{CUSTOMER}/messages", said)
        wait_for(lambda: WebhookEvent.objects.count() == 3, what="three copies of the webhook")
        assert Message.objects.count() == 0

        live.start_worker()
        live.start_scheduler()
        wait_for(lambda: Message.objects.count() == 1, seconds=60, what="the message")
        states = WebhookEvent.objects.values_list("state", flat=True)
        wait_for(lambda: set(states.all()) == {"done"}, seconds=60, what="all copies")
        talk = Conversation.objects.get()
        assert (talk.unread_count, talk.contact.display_name) == (1, "Noura Example")

        body = {"conversation": talk.pk, "body": "It is. When do you want to see it?", "client_request_id": "one"}
        api(live, secret, "messages/", body)
        api(live, secret, "messages/", body)
        read = Message.objects.filter(direction="outbound", status="read")
        wait_for(lambda: read.count() == 1, seconds=60, what="the answer to be read")
        [message] = api(live, secret, f"messages/?conversation={talk.pk}&direction=outbound")["results"]
        assert message["delivered_at"]
        assert message["sent_at"]
        received = live.sandbox("GET", "/_sandbox/received?kind=messages")["received"]
        assert len([each for each in received if each["to"] == CUSTOMER]) == 1
