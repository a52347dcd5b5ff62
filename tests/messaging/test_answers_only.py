"""A number that WhatsApp lets answer and not begin talk."""

from __future__ import annotations

import pytest
from django.utils import timezone

from messaging import errors, services
from messaging.models import Message
from messaging.services import delivery
from tests.crm import factories as crm
from tests.messaging import factories


def test_a_payment_problem_stops_templates_and_people_are_still_answered(
    sandbox, channel, organization, manager, majlis
) -> None:
    contact = crm.contact(organization, "Noura Example")
    crm.point(contact, "+971501234567")
    talk, template = factories.conversation(channel, contact), factories.template(channel)
    sandbox.ask("POST", "/faults", {"kind": "error", "code": 131042, "times": 1})

    def begin(request_id: str) -> Message:
        return services.send_template(
            actor=manager, conversation=talk, template=template, parameters={"1": "Noura", "2": "Vardon 12"},
            client_request_id=request_id, at=timezone.now(),
        )  # fmt: skip

    first = begin("t1")
    answer = services.send_text(
        actor=manager, conversation=talk, body="Yes, it is", client_request_id="r1", at=timezone.now()
    )

    for message in (first, answer):
        delivery.deliver_message(actor=majlis, message_id=message.pk, at=timezone.now())
        message.refresh_from_db()

    channel.refresh_from_db()
    assert (first.status, first.error_code, answer.status) == ("failed", 131042, "accepted")
    assert (channel.blocked_at, channel.answers_only_since is not None) == (None, True)
    talk.refresh_from_db()
    with pytest.raises(errors.AnswersOnly, match="payment method"):
        begin("t2")

    assert services.check_channel(actor=majlis, channel=channel, at=timezone.now()) == ""
    talk.channel.refresh_from_db()
    assert begin("t3").status == "queued"
