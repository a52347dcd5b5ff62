"""Who may speak to us, and what is kept of it."""

from __future__ import annotations

import asyncio
import json

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import Client
from django.utils import timezone

from core.models import Organization
from core.tenancy import organization_scope
from messaging.models import Channel, Message, WebhookEvent
from messaging.webhooks import Door
from tests.live import house
from tests.messaging import factories
from tests.messaging.door import HungUp, ask, call

ADDRESS = "/webhooks/whatsapp/palm/"
HANDSHAKE = {"hub.mode": "subscribe", "hub.challenge": "1158201444"}


def test_the_handshake_repeats_the_challenge_without_any_signature(client: Client, channel: Channel) -> None:
    answer = call("GET", ADDRESS, query={**HANDSHAKE, "hub.verify_token": factories.VERIFY_TOKEN})

    assert (answer.status_code, answer.content) == (200, b"1158201444")


@pytest.mark.parametrize("token", ["wrong", "", "palm-verify-tokem", "é"])
def test_a_wrong_verify_token_is_refused(client: Client, channel: Channel, token: str) -> None:
    answer = call("GET", ADDRESS, query={**HANDSHAKE, "hub.verify_token": token})

    assert answer.status_code == 403
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "verify_token_invalid"
    assert b"1158201444" not in answer.content


@pytest.mark.parametrize("signature", ["", "sha256=00", "sha1=abc", "sha256=é"])
def test_a_missing_or_wrong_signature_is_refused_and_nothing_kept(
    client: Client, channel: Channel, signature: str
) -> None:
    data = factories.body(factories.value(messages=[factories.text_message()]))

    answer = factories.deliver(client, data, signature=signature)

    assert answer.status_code == 401
    assert answer.json()["code"] == "webhook_signature_invalid"
    assert WebhookEvent.objects.count() == Message.objects.count() == 0


def test_the_signature_is_over_the_raw_bytes(client: Client, channel: Channel) -> None:
    data = factories.body(factories.value(messages=[factories.text_message("مرحبا / hello")]))
    other_bytes = json.dumps(json.loads(data), ensure_ascii=False, indent=1).encode()

    assert factories.deliver(client, other_bytes, signature=factories.sign(data)).status_code == 401
    assert factories.deliver(client, other_bytes).status_code == 200


def test_without_an_app_secret_nothing_is_believed(client: Client, organization: Organization) -> None:
    factories.channel(organization, app_secret="")
    data = factories.body(factories.value(messages=[factories.text_message()]))

    assert factories.deliver(client, data, signature=factories.sign(data, "")).status_code == 401
    assert WebhookEvent.objects.count() == 0


@pytest.mark.parametrize(
    "cut", [b'{"object": "whatsapp_business_account", "entry": [{"id"', b"", b"[]", b'{"entry": 3}', b'{"entry": [3]}']
)
def test_half_a_body_is_refused_with_a_code(client: Client, channel: Channel, cut: bytes) -> None:
    answer = factories.deliver(client, cut)

    assert answer.status_code == 400
    assert answer.json()["code"] == "webhook_malformed"
    assert WebhookEvent.objects.count() == 0


def test_a_body_over_three_megabytes_is_refused(client: Client, channel: Channel) -> None:
    answer = factories.deliver(client, b'{"entry": [' + b" " * (3 * 1024 * 1024) + b"]}")

    assert answer.status_code == 413
    assert answer.json()["code"] == "webhook_too_large"
    assert WebhookEvent.objects.count() == 0


def test_a_number_that_nobody_owns_is_refused(client: Client, channel: Channel) -> None:
    data = factories.body(factories.value(number_id="555", messages=[factories.text_message()]))

    answer = factories.deliver(client, data)

    assert answer.status_code == 404
    assert answer.json()["code"] == "channel_unknown"
    assert WebhookEvent.objects.count() == 0


def test_a_message_never_lands_in_another_house(
    client: Client, channel: Channel, other_organization: Organization
) -> None:
    with organization_scope(other_organization.pk):
        factories.channel(other_organization, phone_number_id="777", waba_id="888", app_secret="cedar-secret")
    theirs = factories.body(factories.value(number_id="777", messages=[factories.text_message()]), waba_id="888")

    # Their body, well signed by them, at our door; and one signed by us that names their number.
    assert factories.deliver(client, theirs, signature=factories.sign(theirs, "cedar-secret")).status_code == 401
    assert factories.deliver(client, theirs).status_code == 404

    assert WebhookEvent.objects.count() == 0
    with organization_scope(other_organization.pk):
        assert WebhookEvent.objects.count() == Message.objects.count() == 0


def test_in_a_mixed_body_only_our_own_number_is_heard(receive, channel: Channel) -> None:
    ours = factories.value(messages=[factories.text_message("for us")])
    theirs = factories.value(number_id="777", messages=[factories.text_message("for them")])

    receive(theirs, ours)

    assert list(Message.objects.values_list("body", flat=True)) == ["for us"]
    assert WebhookEvent.objects.get().state == "done"


def test_an_unknown_house_is_not_found(client: Client, channel: Channel) -> None:
    data = factories.body(factories.value(messages=[factories.text_message()]))

    assert factories.deliver(client, data, slug="nobody").status_code == 404


def test_other_verbs_are_not_answered(client: Client, channel: Channel) -> None:
    for verb in ("PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"):
        answer = call(verb, ADDRESS)
        assert (answer.status_code, answer["Allow"]) == (405, "GET, POST")


def test_a_body_may_come_in_pieces_and_half_of_one_leaves_nothing(channel: Channel) -> None:
    data = factories.body(factories.value(messages=[factories.text_message()]))
    headers = {"X-Hub-Signature-256": factories.sign(data)}

    assert call("POST", ADDRESS, [data[:7], data[7:50], data[50:]], headers=headers).status_code == 200
    with pytest.raises(HungUp):
        call("POST", ADDRESS, data[:50], headers=headers, is_whole=False)

    assert [bytes(event.body) for event in WebhookEvent.objects.all()] == [data]


def test_a_body_that_does_not_come_is_not_waited_for(channel: Channel, monkeypatch) -> None:
    monkeypatch.setattr("messaging.webhooks.door.PATIENCE_SECONDS", 0.05)

    answer = call("POST", ADDRESS, b'{"entry"', is_whole=False, hangs=True)

    assert (answer.status_code, answer.json()["code"]) == (408, "webhook_too_slow")
    assert answer["Connection"] == "close"


def test_a_number_that_was_connected_a_moment_ago_is_heard_and_a_changed_secret_is_not_believed(
    channel: Channel, organization: Organization
) -> None:
    door = Door()
    data = factories.body(factories.value(messages=[factories.text_message()]))
    other = factories.body(factories.value(number_id="556", messages=[factories.text_message()]), waba_id="9")

    def post(body: bytes, secret: str) -> tuple[int, str]:
        answer = call("POST", ADDRESS, body, headers={"X-Hub-Signature-256": factories.sign(body, secret)}, door=door)
        return answer.status_code, answer.json().get("code", "")

    assert post(data, factories.APP_SECRET) == (200, "")
    assert post(other, "new-secret") == (401, "webhook_signature_invalid")
    factories.channel(organization, phone_number_id="556", waba_id="9", app_secret="new-secret")
    assert post(other, "new-secret") == (200, "")

    # The door still remembers the old secret; the transaction that would keep the body does not.
    channel.app_secret = "rotated"
    channel.save()
    assert post(data, factories.APP_SECRET) == (401, "webhook_signature_invalid")
    assert post(data, "rotated") == (200, "")

    channel.deleted_at = timezone.now()
    channel.save()
    assert post(data, "rotated") == (401, "webhook_signature_invalid")
    Organization.objects.filter(pk=organization.pk).update(status="suspended")
    assert post(other, "new-secret") == (404, "not_found")
    assert WebhookEvent.objects.count() == 3


def test_one_number_does_not_speak_for_another_of_the_same_house(channel: Channel, organization: Organization) -> None:
    factories.channel(organization, phone_number_id="556", waba_id="9", app_secret="other-app")
    data = factories.body(factories.value(number_id="556", messages=[factories.text_message()]), waba_id="9")

    answer = factories.deliver(Client(), data, signature=factories.sign(data, factories.APP_SECRET))

    assert (answer.status_code, answer.json()["code"]) == (404, "channel_unknown")
    assert WebhookEvent.objects.count() == 0


def test_when_too_much_waits_it_is_refused_with_a_time_to_come_again(channel: Channel, monkeypatch) -> None:
    data = factories.body(factories.value(messages=[factories.text_message()]))
    monkeypatch.setattr("messaging.webhooks.door.MOST_HELD_BYTES", len(data) - 1)

    answer = factories.deliver(Client(), data)

    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "intake_busy", "5")
    assert WebhookEvent.objects.count() == 0


@pytest.mark.parametrize(
    ("field", "parts", "kind"),
    [
        ("messages", {"messages": [{"id": "m"}]}, "messages"),
        ("messages", {"statuses": [{"id": "m"}]}, "statuses"),
        ("messages", {"messages": [{"id": "m"}], "statuses": [{"id": "m"}]}, "mixed"),
        ("user_preferences", {"user_preferences": []}, "preferences"),
        ("message_template_status_update", {}, "template"),
        ("phone_number_quality_update", {}, "account"),
        ("something_new", {}, "other"),
    ],
)
def test_the_log_knows_what_kind_of_webhook_it_was(channel: Channel, field: str, parts: dict, kind: str) -> None:
    factories.deliver(Client(), factories.body(factories.value(**parts), field=field))

    assert WebhookEvent.objects.get().kind == kind


def test_many_at_once_share_a_transaction_and_each_gets_its_own_answer(committed: str) -> None:
    palm, _ = house()
    cedar, _ = house("cedar", "Cedar Homes")
    for organization in (palm, cedar):
        with organization_scope(organization.pk):
            factories.channel(organization)
    door = Door()
    bodies = [factories.body(factories.value(messages=[factories.text_message(f"{index}")])) for index in range(60)]

    async def post(index: int) -> tuple[int, int]:
        slug = ("palm", "cedar")[index % 2]
        signature = factories.sign(bodies[index], "forged" if index % 10 == 9 else factories.APP_SECRET)
        answer = await ask(
            "POST",
            f"/webhooks/whatsapp/{slug}/",
            bodies[index],
            headers={"X-Hub-Signature-256": signature},
            door=door,
        )
        return answer.status_code, answer.json().get("event", 0)

    async def post_all() -> list[tuple[int, int]]:
        return await asyncio.gather(*(post(index) for index in range(60)))

    answers = async_to_sync(post_all)()

    assert [status for status, _ in answers] == [401 if index % 10 == 9 else 200 for index in range(60)]
    transactions = set()
    for parity, organization in enumerate((palm, cedar)):
        with organization_scope(organization.pk):
            kept = {event.pk: bytes(event.body) for event in WebhookEvent.objects.all()}
            with connection.cursor() as cursor:
                cursor.execute("SELECT DISTINCT xmin::text FROM messaging_webhookevent")
                transactions |= {xmin for (xmin,) in cursor.fetchall()}
        assert kept == {
            event: bodies[index] for index, (status, event) in enumerate(answers) if index % 2 == parity and event
        }
    # The first alone, and then whatever had come meanwhile.
    assert len(transactions) <= 3
