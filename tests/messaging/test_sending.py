"""Writing to people: what may go out, what goes out once, and what becomes of it."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from core.errors import CapabilityMissing, NotFound
from core.models import AuditEntry
from messaging import errors, services
from messaging.models import Conversation, Message, MessageTemplate
from messaging.services import Upload, delivery
from tests.crm import factories as crm
from tests.messaging import factories

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 64


@pytest.fixture
def contact(organization):
    made = crm.contact(organization, "Noura Example")
    crm.point(made, "+971501234567")
    return made


@pytest.fixture
def talk(channel, contact) -> Conversation:
    return factories.conversation(channel, contact)


@pytest.fixture
def silent_talk(channel, contact) -> Conversation:
    return factories.conversation(channel, contact, is_open=False)


@pytest.fixture
def template(channel) -> MessageTemplate:
    return factories.template(channel)


def text(manager, talk, body="Yes, it is", request_id="r1", **fields) -> Message:
    return services.send_text(
        actor=manager, conversation=talk, body=body, client_request_id=request_id, at=timezone.now(), **fields
    )


def send(majlis, message, at=None):
    again = delivery.deliver_message(actor=majlis, message_id=message.pk, at=at or timezone.now())
    message.refresh_from_db()
    return again


def test_a_text_goes_out_and_carries_our_id(sandbox, talk, manager, majlis) -> None:
    message = text(manager, talk)
    assert message.status == "queued"

    send(majlis, message)

    assert message.status == "accepted"
    assert message.provider_id.startswith("wamid.")
    [request] = sandbox.received()
    assert request["body"] == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "971501234567",
        "type": "text",
        "text": {"preview_url": True, "body": "Yes, it is"},
        "biz_opaque_callback_data": f"m{message.pk}.1",
    }
    assert AuditEntry.objects.filter(action="messaging.message_queued", target_id=message.pk).count() == 1


def test_sending_twice_sends_once(sandbox, talk, manager, majlis) -> None:
    message = text(manager, talk)

    send(majlis, message)
    send(majlis, message)

    assert len(sandbox.received()) == 1


def test_the_same_press_makes_one_message(talk, manager) -> None:
    first, second = text(manager, talk), text(manager, talk)

    assert first == second
    assert Message.objects.count() == 1
    with pytest.raises(errors.RequestIdReused):
        text(manager, talk, body="something else")
    assert Message.objects.count() == 1


def test_a_quote_goes_along(sandbox, talk, manager, majlis) -> None:
    asked = factories.message(talk, "Sea view?", provider_id="wamid.asked")
    message = text(manager, talk, quoted=asked)

    send(majlis, message)

    assert sandbox.received()[0]["body"]["context"] == {"message_id": "wamid.asked"}


def test_after_25_hours_only_a_template_may_go(sandbox, silent_talk, template, manager, majlis) -> None:
    with pytest.raises(errors.WindowClosed) as refused:
        text(manager, silent_talk)

    assert refused.value.code == "window_closed"
    assert "Send an approved template" in refused.value.message
    assert refused.value.details["closed_at"] == silent_talk.window_expires_at.isoformat()
    assert Message.objects.count() == 0
    assert sandbox.received() == []

    message = services.send_template(
        actor=manager,
        conversation=silent_talk,
        template=template,
        parameters={"1": "Noura", "2": "Vardon 12"},
        client_request_id="t1",
        at=timezone.now(),
    )
    send(majlis, message)

    assert (message.status, message.body) == ("accepted", "Hello Noura, your unit Vardon 12 is wanted.")
    components = sandbox.received()[0]["body"]["template"]["components"]
    assert [each["text"] for each in components[0]["parameters"]] == ["Noura", "Vardon 12"]


def test_a_template_with_a_variable_missing_is_refused(silent_talk, template, manager) -> None:
    with pytest.raises(errors.VariableMissing) as refused:
        services.send_template(
            actor=manager,
            conversation=silent_talk,
            template=template,
            parameters={"1": "Noura", "2": " "},
            client_request_id="t1",
            at=timezone.now(),
        )

    assert refused.value.details == {"missing": ["2"]}
    assert Message.objects.count() == 0


def test_a_paused_template_is_refused(silent_talk, template, manager) -> None:
    MessageTemplate.objects.update(status="PAUSED")
    template.refresh_from_db()

    with pytest.raises(errors.TemplateUnusable, match="is paused"):
        services.send_template(
            actor=manager,
            conversation=silent_talk,
            template=template,
            parameters={"1": "a", "2": "b"},
            client_request_id="t1",
            at=timezone.now(),
        )


def test_the_window_is_asked_again_when_it_is_sent(sandbox, talk, manager, majlis) -> None:
    message = text(manager, talk)

    send(majlis, message, at=talk.window_expires_at + timedelta(seconds=1) - timedelta(hours=20))
    Message.objects.update(status="queued", provider_id="", queued_at=talk.window_expires_at)
    Message.objects.update(not_before=None)
    send(majlis, message, at=talk.window_expires_at + timedelta(seconds=1))

    assert (message.status, message.error_code) == ("failed", 131047)
    assert len(sandbox.received()) == 1


def test_an_agent_cannot_write_in_anothers_conversation(talk, agent, manager) -> None:
    with pytest.raises(NotFound):
        text(agent, talk)

    Conversation.objects.update(assigned_to=agent.membership)
    assert text(agent, talk).author == agent.membership


def test_nothing_can_be_sent_from_a_blocked_number(talk, channel, manager) -> None:
    channel.blocked_at = timezone.now()
    channel.status_reason = "the token is dead"
    channel.save()

    with pytest.raises(errors.ChannelUnable, match="the token is dead"):
        text(manager, talk)


def test_a_viewer_cannot_write(talk, organization) -> None:
    from core.actors import Actor
    from core.roles import Role
    from tests.conftest import member

    viewer = Actor(organization, member(organization, Role.VIEWER, "Vera"))
    with pytest.raises(CapabilityMissing):
        text(viewer, talk)


@pytest.mark.parametrize("body", ["", "  ", "x" * 4097])
def test_text_that_whatsapp_does_not_take_is_refused(talk, manager, body) -> None:
    with pytest.raises(errors.TextInvalid):
        text(manager, talk, body=body)


def test_somebody_known_by_user_id_alone_is_written_to_as_recipient(sandbox, channel, organization, manager, majlis):
    contact = crm.contact(organization, "Shy Example")
    crm.point(contact, "AE.123456789012345", kind="bsuid", line_type="")
    talk = factories.conversation(channel, contact, address="AE.123456789012345")
    sandbox.ask("POST", "/customers/AE.123456789012345/messages", {"text": "Hi"})

    message = text(manager, talk)
    send(majlis, message)

    body = sandbox.received()[0]["body"]
    assert body["recipient"] == "AE.123456789012345"
    assert "to" not in body
    assert message.status == "accepted"


def test_messages_of_a_conversation_go_out_in_order(sandbox, talk, manager, majlis) -> None:
    first, second = text(manager, talk, "one", "r1"), text(manager, talk, "two", "r2")

    send(majlis, second)
    assert second.status == "queued"
    send(majlis, first)
    send(majlis, second)

    assert [each["body"]["text"]["body"] for each in sandbox.received()] == ["one", "two"]


# -- what becomes of it ---------------------------------------------------------------------------------------------


def magic(talk: Conversation, code: int) -> Conversation:
    """A recipient for whom the sandbox answers with this code."""
    Conversation.objects.filter(pk=talk.pk).update(address=f"971501{code}")
    talk.refresh_from_db()
    return talk


@pytest.mark.parametrize("code", [130429, 80007])
def test_too_much_at_once_waits_and_is_sent_later(sandbox, talk, manager, majlis, code) -> None:
    sandbox.ask("POST", "/faults", {"kind": "error", "code": code, "times": 1})
    message = text(manager, talk)

    again = send(majlis, message)

    assert message.status == "queued"
    assert message.not_before
    assert message.not_before > timezone.now()
    assert 2 <= again.seconds <= 2 * 1.2
    time.sleep(2)  # the number rests in real time
    send(majlis, message, at=message.not_before)
    assert message.status == "accepted"


def test_too_fast_to_one_person_defers_that_pair(sandbox, talk, manager, majlis) -> None:
    message = text(manager, magic(talk, 131056))

    again = send(majlis, message)

    assert message.status == "queued"
    assert 4 <= again.seconds <= 4 * 1.2


def test_a_dead_token_stops_the_channel_and_burns_nobody(sandbox, talk, channel, manager, majlis) -> None:
    sandbox.ask("POST", "/faults", {"kind": "error", "code": 190})
    one, two = text(manager, talk, "one", "r1"), text(manager, talk, "two", "r2")

    send(majlis, one)
    send(majlis, two)

    channel.refresh_from_db()
    assert channel.blocked_at is not None
    assert "token" in channel.status_reason
    assert (one.status, two.status) == ("queued", "queued")
    assert len(sandbox.received()) == 1


@pytest.mark.parametrize(("code", "meaning"), [(131021, "our own"), (131051, "type"), (131009, "could not read")])
def test_a_final_refusal_fails_with_plain_words(sandbox, talk, manager, majlis, code, meaning) -> None:
    from messaging import selectors

    message = text(manager, magic(talk, code))

    send(majlis, message)

    assert (message.status, message.error_code) == ("failed", code)
    [bubble] = selectors.thread(actor=manager, conversation=talk).messages
    assert bubble.trouble
    assert meaning in bubble.trouble.meaning
    assert bubble.trouble.next_step


@pytest.mark.parametrize("kind", ["timeout", "reset", "half_body", "wrong_json", "empty", "http"])
def test_what_cannot_be_known_is_unknown_and_never_sent_again(sandbox, talk, manager, majlis, kind) -> None:
    sandbox.ask("POST", "/faults", {"kind": kind, "times": 1, "delay": 0.5})
    message = text(manager, talk)

    send(majlis, message)
    assert message.status == "unknown"

    send(majlis, message)
    delivery.sweep_messages(actor=majlis, at=timezone.now() + timedelta(hours=1))
    send(majlis, message)

    assert message.status == "unknown"
    assert len(sandbox.received()) <= 1


def test_what_was_never_written_is_tried_again(sandbox, talk, manager, majlis, settings) -> None:
    working = settings.WHATSAPP_API_URL
    settings.WHATSAPP_API_URL = "http://127.0.0.1:1"
    message = text(manager, talk)
    send(majlis, message)
    assert (message.status, message.attempts) == ("queued", 1)

    settings.WHATSAPP_API_URL = working
    send(majlis, message, at=message.not_before)

    assert (message.status, message.attempts) == ("accepted", 2)


def test_a_dead_workers_claim_becomes_unknown(sandbox, talk, manager, majlis) -> None:
    message = text(manager, talk)
    now = timezone.now()
    Message.objects.update(status="sending", lease_until=now + timedelta(seconds=30), attempts=1)

    delivery.sweep_messages(actor=majlis, at=now)
    message.refresh_from_db()
    assert message.status == "sending"

    delivery.sweep_messages(actor=majlis, at=now + timedelta(seconds=31))
    message.refresh_from_db()
    assert message.status == "unknown"
    assert sandbox.received() == []


def test_the_sweeper_finds_a_lost_nudge(talk, manager, majlis, django_capture_on_commit_callbacks) -> None:
    message = text(manager, talk)

    assert message.queued_at
    assert delivery.sweep_messages(actor=majlis, at=message.queued_at)["nudged"] == 0
    found = delivery.sweep_messages(actor=majlis, at=message.queued_at + timedelta(seconds=30))

    assert found == {"doubtful": 0, "nudged": 1, "settled": 0}


def test_a_file_is_recognised_kept_handed_over_and_sent(sandbox, talk, manager, majlis, settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path
    message = services.send_media(
        actor=manager,
        conversation=talk,
        upload=Upload(PNG, "..\\plan\u202egnp.exe"),
        caption="The plan",
        client_request_id="m1",
        at=timezone.now(),
    )

    send(majlis, message)

    assert (message.type, message.media_type, message.media_name) == ("image", "image/png", "plangnp.exe")
    assert (tmp_path / message.media_file).read_bytes() == PNG
    [request] = sandbox.received()
    body = request["body"]
    assert body["image"] == {"id": message.media_id, "caption": "The plan"}


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"MZ\x90\x00", "a.jpg"),
        (b"", "a.png"),
        (b"PK\x03\x04zip", "a.zip"),
        (PNG + b"0" * (5 * 1024 * 1024), "big.png"),
    ],
)
def test_files_that_whatsapp_does_not_take_are_refused_early(talk, manager, settings, tmp_path, content, name) -> None:
    settings.MEDIA_ROOT = tmp_path

    with pytest.raises(errors.MediaInvalid):
        services.send_media(
            actor=manager,
            conversation=talk,
            upload=Upload(content, name),
            client_request_id="m1",
            at=timezone.now(),
        )

    assert Message.objects.count() == 0
    assert list(tmp_path.rglob("*.*")) == []
