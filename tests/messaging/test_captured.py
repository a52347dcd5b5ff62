"""Bodies as they were posted, byte for byte: escapes, batches and all. pywa, another client, reads them too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.test import Client

from messaging import incoming
from messaging.errors import WebhookMalformed
from messaging.models import Channel, Conversation, Message, OptOut, ParkedStatus, WebhookEvent
from tests.messaging import factories

PAYLOADS = Path(__file__).parent / "payloads"


def post(client: Client, process, name: str) -> bytes:
    data = (PAYLOADS / f"{name}.json").read_bytes()
    assert factories.deliver(client, data).status_code == 200
    process()
    return data


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("text", [("text", "مرحبا, is 12/A free?")]),
        ("image", [("image", "The view")]),
        ("quote_reaction_edit", [("reaction", "👍"), ("system", "is 12/B free?"), ("text", "this one")]),
        (
            "location_contacts_unsupported_audio",
            [("audio", ""), ("contacts", "Salma Example"), ("location", "The tower"), ("unsupported", "")],
        ),
        ("username_only", [("text", "Hi")]),
        (
            "number_changed",
            [("system", "User Noura Example changed from 971501234567 to 971502222222")],
        ),
        ("stop_marketing", []),
        ("statuses", []),
    ],
)
def test_everything_in_a_body_is_kept_and_again_changes_nothing(client, channel: Channel, process, name, kept) -> None:
    for _ in range(2):
        post(client, process, name)

    inbound = Message.objects.filter(direction="inbound").values_list("type", "body")
    assert sorted(inbound) == kept
    assert set(WebhookEvent.objects.values_list("state", "error")) == {("done", "")}


def test_a_whole_talk_in_reverse_order_ends_the_same(client, channel: Channel, process) -> None:
    for name in ["quote_reaction_edit", "text"]:
        post(client, process, name)

    original = Message.objects.get(type="text", quoted_provider_id="")
    assert original.payload["edited"]["body"] == "is 12/B free?"
    assert set(Message.objects.filter(quoted=original).values_list("type", flat=True)) == {"text", "reaction", "system"}
    assert Conversation.objects.count() == 1


def test_a_tap_and_early_statuses_are_heeded(client, channel: Channel, process) -> None:
    post(client, process, "stop_marketing")
    post(client, process, "statuses")

    assert OptOut.objects.get().source == "button"
    assert sorted(ParkedStatus.objects.values_list("status__status", flat=True)) == ["delivered", "read", "sent"]


@pytest.mark.parametrize("name", ["text", "image", "username_only", "statuses", "stop_marketing"])
def test_pywa_accepts_the_same_signature(name: str) -> None:
    from pywa.utils import webhook_updates_validator

    data = (PAYLOADS / f"{name}.json").read_bytes()

    assert webhook_updates_validator(factories.APP_SECRET, data, factories.sign(data))
    assert not webhook_updates_validator(factories.APP_SECRET, data + b" ", factories.sign(data))


@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("*.json")), ids=lambda path: path.stem)
def test_half_of_any_body_is_malformed_never_a_crash(path: Path) -> None:
    data = path.read_bytes()
    for end in range(0, len(data) - 1, 37):
        with pytest.raises(WebhookMalformed):
            incoming.parse(data[:end])
    assert incoming.parse(data) == incoming.parse(json.dumps(json.loads(data)).encode())
