"""Connecting numbers, saying what is wrong with them, and templates kept true."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.models import AuditEntry
from messaging import errors, services, templates
from messaging.models import Channel, MessageTemplate
from tests.messaging import factories

SECRETS = {
    "access_token": factories.ACCESS_TOKEN,
    "app_secret": factories.APP_SECRET,
    "verify_token": factories.VERIFY_TOKEN,
}
GIVEN = {"name": "Palm main", "phone_number_id": factories.NUMBER_ID, "waba_id": factories.WABA_ID, **SECRETS}


def connect(actor, **changes) -> Channel:
    return services.connect_channel(actor=actor, at=timezone.now(), **{**GIVEN, **changes})


def test_a_number_is_tried_before_it_is_kept(sandbox, admin) -> None:
    channel = connect(admin)

    channel.refresh_from_db()
    assert (channel.session_status, channel.display_number, channel.quality) == ("connected", "+971500000001", "GREEN")
    assert channel.messaging_limit == 2_147_483_647
    assert channel.access_token == factories.ACCESS_TOKEN
    trail = AuditEntry.objects.get(action="messaging.channel_connected")
    assert factories.ACCESS_TOKEN not in str(trail.after)
    assert factories.APP_SECRET not in str(trail.after)
    with pytest.raises(errors.NumberTaken):
        connect(admin)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"access_token": "EAAwrong"}, errors.WhatsAppRefused),
        ({"phone_number_id": "404"}, errors.WhatsAppRefused),
        ({"app_secret": " "}, errors.TextInvalid),
        ({"phone_number_id": "../me"}, errors.TextInvalid),
    ],
)
def test_what_does_not_work_is_not_kept(sandbox, admin, changes, error) -> None:
    with pytest.raises(error):
        connect(admin, **changes)

    assert Channel.objects.count() == 0


def test_with_whatsapp_away_nothing_is_kept(admin, settings) -> None:
    settings.WHATSAPP_API_URL = "http://127.0.0.1:1"

    with pytest.raises(errors.WhatsAppUnavailable):
        connect(admin)

    assert Channel.objects.count() == 0


def test_a_check_says_in_words_what_is_wrong_and_unblocks_what_works(sandbox, channel: Channel, admin) -> None:
    def check() -> str:
        trouble = services.check_channel(actor=admin, channel=channel, at=timezone.now())
        channel.refresh_from_db()
        return trouble

    Channel.objects.update(blocked_at=timezone.now(), status_reason="the token was dead")
    assert check() == ""
    assert (channel.blocked_at, channel.session_status, channel.status_reason) == (None, "connected", "")

    Channel.objects.update(access_token=Channel(access_token="EAAold").access_token)
    services.change_tokens(actor=admin, channel=channel, access_token="EAAold", at=timezone.now())
    assert check()
    assert channel.session_status == "error"

    services.change_tokens(actor=admin, channel=channel, access_token=factories.ACCESS_TOKEN, at=timezone.now())
    sandbox.ask("POST", f"/numbers/{factories.NUMBER_ID}", {"status": "FLAGGED", "quality_rating": "RED"})
    assert "flagged" in check()
    assert channel.quality == "RED"


def test_only_an_admin_connects(sandbox, manager) -> None:
    from core.errors import CapabilityMissing

    with pytest.raises(CapabilityMissing):
        connect(manager)


def test_templates_follow_what_whatsapp_says(sandbox, channel: Channel, admin, receive) -> None:
    counts = services.sync_templates(actor=admin, channel=channel, at=timezone.now())
    assert counts == {"new": 1, "changed": 0, "gone": 0, "same": 0}
    template = MessageTemplate.objects.get()
    assert (template.name, template.status, template.category) == ("unit_wanted", "APPROVED", "MARKETING")
    assert services.sync_templates(actor=admin, channel=channel, at=timezone.now())["same"] == 1

    named = {"message_template_name": "unit_wanted", "message_template_language": "en"}
    update = {**named, "event": "PAUSED", "reason": "NONE", "other_info": {"title": "SECOND_PAUSE"}}
    receive(update, field="message_template_status_update")
    template.refresh_from_db()
    assert template.status == "PAUSED"
    assert template.paused_until
    assert 5 < (template.paused_until - timezone.now()).total_seconds() / 3600 < 6

    receive({**named, "event": "REJECTED", "reason": "INCORRECT_CATEGORY"}, field="message_template_status_update")
    receive({**named, "new_category": "UTILITY"}, field="template_category_update")
    receive({**named, "new_quality_score": "RED"}, field="message_template_quality_update")
    template.refresh_from_db()
    assert (template.status, template.rejected_reason) == ("REJECTED", "INCORRECT_CATEGORY")
    assert (template.category, template.quality) == ("UTILITY", "RED")
    assert not template.paused_until

    sandbox.ask("POST", "/configure", {"accounts": [{"id": factories.WABA_ID, "templates": []}]})
    assert services.sync_templates(actor=admin, channel=channel, at=timezone.now())["changed"] == 1


def test_many_templates_come_page_by_page(sandbox, channel: Channel, admin) -> None:
    made = [
        {
            "name": f"many_{index}",
            "language": "en",
            "category": "UTILITY",
            "components": [{"type": "BODY", "text": "x"}],
        }
        for index in range(450)
    ]
    sandbox.ask("POST", "/configure", {"accounts": [{"id": factories.WABA_ID, "templates": made}]})

    assert services.sync_templates(actor=admin, channel=channel, at=timezone.now())["new"] == 451


def test_a_template_is_handed_in_and_its_refusal_told(sandbox, channel: Channel, admin) -> None:
    wanted: dict[str, Any] = {
        "name": "viewing",
        "language": "en",
        "category": "UTILITY",
        "components": [{"type": "BODY", "text": "Hi"}],
    }

    made = services.create_template(actor=admin, channel=channel, at=timezone.now(), **wanted)
    assert (made.status, bool(made.provider_id)) == ("PENDING", True)

    with pytest.raises(errors.TemplateInvalid, match="1024"):
        services.create_template(
            actor=admin,
            channel=channel,
            at=timezone.now(),
            **{**wanted, "name": "long", "components": [{"type": "BODY", "text": "x" * 1025}]},
        )
    assert MessageTemplate.objects.count() == 1


def test_whatsapps_own_verdicts_reach_the_channel(receive, channel: Channel) -> None:
    flagged = {"display_phone_number": "971500000001", "event": "FLAGGED", "current_limit": "TIER_1K"}
    receive(flagged, field="phone_number_quality_update")
    channel.refresh_from_db()
    assert (channel.quality, channel.messaging_limit) == ("RED", 1000)

    receive({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}, field="account_update")
    channel.refresh_from_db()
    assert channel.blocked_at is not None
    assert "restricted" in channel.status_reason


def test_variables_of_every_place_are_asked_for_and_filled() -> None:
    components: list[dict[str, Any]] = [
        {"type": "HEADER", "format": "TEXT", "text": "For {{name}}"},
        {"type": "BODY", "text": "{{name}}, see {{unit}}", "example": {"body_text_named_params": []}},
        {"type": "FOOTER", "text": "Palm"},
        {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Look", "url": "https://x.example/{{1}}"}]},
    ]
    asked = [variable.key for variable in templates.variables(components)]
    assert asked == ["header.name", "name", "unit", "button0.1"]

    values = {"header.name": "Noura", "name": "Noura", "unit": "12\n B", "button0.1": "u12"}
    rendered = templates.render(components, values, is_named=True)

    assert rendered.text == "For Noura\nNoura, see 12 B\nPalm\n[Look]"
    assert rendered.components == [
        {"type": "header", "parameters": [{"type": "text", "text": "Noura", "parameter_name": "name"}]},
        {
            "type": "body",
            "parameters": [
                {"type": "text", "text": "Noura", "parameter_name": "name"},
                {"type": "text", "text": "12 B", "parameter_name": "unit"},
            ],
        },
        {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "u12"}]},
    ]
    with pytest.raises(errors.VariableMissing) as refused:
        templates.render(components, {"name": "x"})
    assert refused.value.details["missing"] == ["header.name", "unit", "button0.1"]


def test_the_back_office_connects_checks_and_never_shows_a_secret(sandbox, client: Client, admin) -> None:
    client.force_login(admin.user)
    secrets = {f"new_{name}": value for name, value in SECRETS.items()}
    form = {**GIVEN, **secrets, "messages_per_second": "80"}

    refused = client.post("/o/palm/admin/messaging/channel/add/", {**form, "new_access_token": "EAAwrong"})
    assert refused.status_code == 200
    assert b"WhatsApp refused" in refused.content
    assert Channel.objects.count() == 0

    made = client.post("/o/palm/admin/messaging/channel/add/", form)
    assert made.status_code == 302, made.content
    channel = Channel.objects.get()

    page = client.get(f"/o/palm/admin/messaging/channel/{channel.pk}/change/").content.decode()
    assert f"ends in {factories.ACCESS_TOKEN[-4:]}" in page
    assert factories.ACCESS_TOKEN not in page
    assert factories.APP_SECRET not in page

    kept = client.post(
        f"/o/palm/admin/messaging/channel/{channel.pk}/change/",
        {"name": "Palm reception", "messages_per_second": "20", "new_app_secret": "new-secret"},
    )
    assert kept.status_code == 302, kept.content
    channel.refresh_from_db()
    assert (channel.name, channel.app_secret, channel.access_token) == (
        "Palm reception", "new-secret", factories.ACCESS_TOKEN,
    )  # fmt: skip

    for action in ("look", "sync", "disconnect"):
        answer = client.post(
            "/o/palm/admin/messaging/channel/", {"action": action, "_selected_action": [channel.pk]}, follow=True
        )
        assert answer.status_code == 200
    channel.refresh_from_db()
    assert channel.session_status == "disconnected"
    assert MessageTemplate.objects.count() == 1


def test_who_may_not_change_a_number_reads_it_without_a_word_of_its_secrets(
    channel: Channel, client: Client, manager
) -> None:
    client.force_login(manager.user)

    page = client.get(f"/o/palm/admin/messaging/channel/{channel.pk}/change/")

    assert page.status_code == 200
    shown = page.content.decode()
    assert channel.phone_number_id in shown
    assert "New access token" not in shown
    assert f"ends in {factories.ACCESS_TOKEN[-4:]}" not in shown


def test_every_list_of_the_back_office_opens(receive, channel: Channel, client: Client, admin) -> None:
    receive(factories.value(messages=[factories.text_message("STOP")]))
    factories.template(channel)
    client.force_login(admin.user)

    for model in ("channel", "messagetemplate", "conversation", "message", "optout", "webhookevent"):
        page = client.get(f"/o/palm/admin/messaging/{model}/?q=stop")
        assert page.status_code == 200, model
    from messaging.models import Message, WebhookEvent

    message, event = Message.objects.get(direction="inbound"), WebhookEvent.objects.get()
    assert client.get(f"/o/palm/admin/messaging/message/{message.pk}/change/").status_code == 200
    shown = client.get(f"/o/palm/admin/messaging/webhookevent/{event.pk}/change/")
    assert b"wamid" in shown.content
    assert client.post(f"/o/palm/admin/messaging/message/{message.pk}/change/", {"body": "x"}).status_code == 403
    client.post("/o/palm/admin/messaging/webhookevent/", {"action": "replay", "_selected_action": [event.pk]})
    event.refresh_from_db()
    assert event.state == "stored"
