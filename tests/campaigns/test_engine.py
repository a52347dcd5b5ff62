"""The engine against the sandbox, whose record is the judge: everybody once, nobody twice, and it is known what happened."""

from __future__ import annotations

import pytest

from campaigns.engine.engine import Verdict
from campaigns.models import CampaignMessage
from messaging.models import Conversation, Message, Participant
from tests.campaigns.conftest import Stage

pytestmark = [pytest.mark.live]


def test_everybody_gets_it_once(stage: Stage) -> None:
    stage.prepare(200)
    stage.start()

    assert stage.slice() is Verdict.DONE

    assert stage.status() == "completed"
    assert stage.counts() == {"accepted": 200}
    assert stage.accepted() == 200
    assert Conversation.objects.count() == Participant.objects.count() == Message.objects.count() == 200
    first = CampaignMessage.objects.select_related("message").order_by("id")[0]
    assert first.message.body == "Dear Owner0, is your unit 0 available?\nReply STOP to hear no more"
    assert (first.message.status, first.attempts, first.lease_until, first.claimed_by) == ("accepted", 1, None, None)
    assert first.message.provider_id.startswith("wamid.")
