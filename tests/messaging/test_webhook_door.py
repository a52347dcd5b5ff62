"""Who may speak to us, and what is kept of it."""

from __future__ import annotations

import json
import time

import pytest
from celery import current_app
from django.test import Client

from core.models import Organization
from core.tenancy import organization_scope
from messaging.models import Channel, Message, WebhookEvent
from tests.messaging import factories

ADDRESS = "/webhooks/whatsapp/palm/"
HANDSHAKE = {"hub.mode": "subscribe", "hub.challenge": "1158201444"}


def test_the_handshake_repeats_the_challenge_without_any_signature(client: Client, channel: Channel) -> None:
    answer = client.get(ADDRESS, {**HANDSHAKE, "hub.verify_token": factories.VERIFY_TOKEN})

    assert (answer.status_code, answer.content) == (200, b"1158201444")


@pytest.mark.parametrize("token", ["wrong", "", "palm-verify-tokem", "é"])
def test_a_wrong_verify_token_is_refused(client: Client, channel: Channel, token: str) -> None:
    answer = client.get(ADDRESS, {**HANDSHAKE, "hub.verify_token": token})

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
    assert client.put(ADDRESS).status_code == 405
    assert client.delete(ADDRESS).status_code == 405


def test_with_the_broker_down_a_webhook_is_kept_and_answered_quickly(
    client: Client, channel: Channel, django_capture_on_commit_callbacks, monkeypatch
) -> None:
    data = factories.body(factories.value(messages=[factories.text_message()]))
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    monkeypatch.setattr(app.conf, "broker_url", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(app, "_pool", None)
    monkeypatch.setattr(app.amqp, "_producer_pool", None)

    started = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True) as nudges:
        answer = factories.deliver(client, data)

    assert answer.status_code == 200
    assert len(nudges) == 1
    assert time.monotonic() - started < 3
    event = WebhookEvent.objects.get()
    assert (event.state, bytes(event.body), event.signature_verified) == ("stored", data, True)
