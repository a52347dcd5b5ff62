"""Templates written here: rules told before WhatsApp would, and what happens to them told without asking."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.errors import CapabilityMissing
from messaging import errors, services
from messaging.models import Channel, MessageTemplate, Notice
from messaging.template_rules import problems
from messaging.verdicts import read
from tests.messaging import factories

BODY: dict[str, Any] = {
    "type": "BODY",
    "text": "Good morning {{1}}, the viewing of {{2}} is tomorrow at noon.",
    "example": {"body_text": [["Noura", "12/A"]]},
}
GIVEN: dict[str, Any] = {"name": "viewing", "language": "en", "category": "UTILITY", "components": [BODY]}


def body(text: str, *examples: str) -> dict[str, Any]:
    return {"type": "BODY", "text": text, "example": {"body_text": [list(examples)]}}


def buttons(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"type": "BUTTONS", "buttons": list(rows)}


def quick(text: str) -> dict[str, Any]:
    return {"type": "QUICK_REPLY", "text": text}


URL = {"type": "URL", "text": "Look", "url": "https://palm.example/{{1}}", "example": ["https://palm.example/12"]}
TROUBLES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"name": "Viewing tomorrow"}, ["name"]),
    ({"language": ""}, ["language"]),
    ({"category": "AUTHENTICATION"}, ["category"]),
    ({"components": []}, ["body"]),
    ({"components": [body("x" * 1025)]}, ["body"]),
    ({"components": [body("{{1}} is a good day to come and look", "Noura")]}, ["body"]),
    ({"components": [body("Hello {{1}} {{2}} and good morning to all of you here", "a", "b")]}, ["body"]),
    ({"components": [body("Hi {{1}} bye", "Noura")]}, ["body"]),
    ({"components": [body("Good morning {{1}}, we look forward to it")]}, ["example.body.1"]),
    ({"components": [body("Good morning {{2}}, we look forward to it", "x")]}, ["body"]),
    ({"components": [body("Good morning {{1}, we look forward to it", "x")]}, ["body"]),
    ({"components": [body("One\n\n\ntwo")]}, ["body"]),
    ({"components": [body("Hi " + "🏠" * 11)]}, ["body"]),
    ({"components": [BODY, {"type": "HEADER", "format": "TEXT", "text": "*Bold*"}]}, ["header"]),
    ({"components": [BODY, {"type": "HEADER", "format": "TEXT", "text": "x" * 61}]}, ["header"]),
    ({"components": [BODY, {"type": "HEADER", "format": "IMAGE"}]}, ["header_file"]),
    ({"components": [BODY, {"type": "HEADER", "format": "LOCATION"}]}, []),
    ({"components": [BODY, {"type": "FOOTER", "text": "Palm {{1}}"}]}, ["footer"]),
    ({"components": [BODY, buttons(quick("Yes"), URL, quick("No"))]}, ["buttons"]),
    ({"components": [BODY, buttons(quick("Yes"), quick("Yes"))]}, ["button1.text"]),
    ({"components": [BODY, buttons(URL, URL | {"text": "b"}, URL | {"text": "c"})]}, ["buttons"]),
    ({"components": [BODY, buttons(URL | {"url": "palm.example"})]}, ["button0.value"]),
    ({"components": [BODY, buttons(URL | {"example": []})]}, ["button0.example"]),
    ({"components": [BODY, buttons({"type": "PHONE_NUMBER", "text": "Call", "phone_number": "call me"})]}, ["button0.value"]),
    ({"components": [BODY, buttons(*(quick(str(n)) for n in range(11)))]}, ["buttons", "buttons"]),
    ({"components": [BODY, buttons(quick("A label that is far too long"))]}, ["button0.text"]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "fields"), TROUBLES, ids=[str(index) for index in range(len(TROUBLES))])
def test_every_rule_names_its_field_and_the_sandbox_agrees(sandbox, channel: Channel, manager, changes, fields) -> None:
    wanted = {**GIVEN, **changes}

    assert [each.field for each in problems(**wanted, parameter_format="POSITIONAL")] == fields
    if not fields:
        made = services.create_template(actor=manager, channel=channel, at=timezone.now(), **wanted)
        assert made.status == "PENDING"
        return
    with pytest.raises(errors.TemplateInvalid) as refused:
        services.create_template(actor=manager, channel=channel, at=timezone.now(), **wanted)
    assert refused.value.details["field"] == fields[0]
    assert not MessageTemplate.objects.exists()
    assert not sandbox.received("message_templates")


def test_named_variables_and_arabic_are_taken(sandbox, channel: Channel, manager) -> None:
    text = "صباح الخير {{name}}، موعد معاينة الوحدة غدا ظهرا بإذن الله"
    example = {"body_text_named_params": [{"param_name": "name", "example": "نورة"}]}
    made = services.create_template(
        actor=manager,
        channel=channel,
        at=timezone.now(),
        name="viewing",
        language="ar",
        category="UTILITY",
        components=[{"type": "BODY", "text": text, "example": example}],
        parameter_format="NAMED",
    )

    assert (made.language, made.status) == ("ar", "PENDING")


def test_agents_read_templates_and_managers_write_them(sandbox, channel: Channel, agent, manager) -> None:
    with pytest.raises(CapabilityMissing):
        services.create_template(actor=agent, channel=channel, at=timezone.now(), **GIVEN)
    services.create_template(actor=manager, channel=channel, at=timezone.now(), **GIVEN)

    with pytest.raises(errors.TemplateInvalid) as refused:
        services.create_template(actor=manager, channel=channel, at=timezone.now(), **GIVEN)
    assert refused.value.details["field"] == "name"


def test_what_whatsapp_itself_refuses_lands_at_its_field(sandbox, channel: Channel, manager) -> None:
    made = services.create_template(actor=manager, channel=channel, at=timezone.now(), **GIVEN)
    services.delete_template(actor=manager, template=made, at=timezone.now())
    made.refresh_from_db()
    assert made.status == "DELETED"

    with pytest.raises(errors.WhatsAppRefused, match="4 weeks"):
        services.create_template(actor=manager, channel=channel, at=timezone.now(), **GIVEN)


def test_an_approved_template_is_changed_once_a_day(sandbox, channel: Channel, manager) -> None:
    at = timezone.now()
    made = services.create_template(actor=manager, channel=channel, at=at, **GIVEN)
    with pytest.raises(errors.TemplateLocked, match="in review"):
        services.edit_template(actor=manager, template=made, components=[BODY], at=at)

    def approve() -> None:
        sandbox.ask("POST", f"/templates/{made.provider_id}", {"status": "APPROVED"})
        services.sync_templates(actor=manager_as_admin, channel=channel, at=timezone.now())
        made.refresh_from_db()

    from core.actors import system

    manager_as_admin = system(manager.organization)
    approve()
    longer = {**BODY, "text": BODY["text"] + " See you."}
    services.edit_template(actor=manager, template=made, components=[longer], at=at)
    made.refresh_from_db()
    assert (made.status, made.components) == ("PENDING", [longer])

    approve()
    assert services.editable_from(made, at) == at + timedelta(hours=24)
    with pytest.raises(errors.TemplateLocked, match="once a day"):
        services.edit_template(actor=manager, template=made, components=[BODY], at=at + timedelta(hours=1))
    with pytest.raises(errors.TemplateInvalid) as refused:
        services.edit_template(
            actor=manager, template=made, components=[BODY], category="MARKETING", at=at + timedelta(hours=25)
        )
    assert refused.value.details["field"] == "category"
    assert [row.code for row in Notice.objects.filter(template=made).order_by("pk")] == [
        "SUBMITTED", "APPROVED", "EDITED", "APPROVED",
    ]  # fmt: skip


def test_a_paused_template_is_taken_out_of_its_pause(sandbox, channel: Channel, manager, majlis) -> None:
    services.sync_templates(actor=majlis, channel=channel, at=timezone.now())
    template = MessageTemplate.objects.get()
    with pytest.raises(errors.TemplateLocked):
        services.unpause_template(actor=manager, template=template, at=timezone.now())
    sandbox.ask("POST", f"/templates/{template.provider_id}", {"status": "PAUSED"})
    services.sync_templates(actor=majlis, channel=channel, at=timezone.now())
    template.refresh_from_db()
    assert template.status == "PAUSED"

    services.unpause_template(actor=manager, template=template, at=timezone.now())

    template.refresh_from_db()
    assert (template.status, template.paused_until) == ("APPROVED", None)


def test_status_quality_and_category_follow_by_webhook_and_stand_in_the_history(
    sandbox, relay, channel: Channel, majlis
) -> None:
    services.sync_templates(actor=majlis, channel=channel, at=timezone.now())
    template = MessageTemplate.objects.get()
    where = f"/templates/{template.provider_id}"
    sandbox.ask("POST", where, {"status": "PAUSED"})
    sandbox.ask("POST", where, {"category": "UTILITY"})
    sandbox.ask("POST", where, {"quality": "YELLOW"})
    relay(copies=3)

    template.refresh_from_db()
    assert (template.status, template.category, template.quality) == ("PAUSED", "UTILITY", "YELLOW")
    rows = Notice.objects.filter(template=template).order_by("pk")
    assert [row.code for row in rows] == ["PAUSED", "CATEGORY", "QUALITY"]
    paused, category, _quality = (read(row.kind, row.code, row.details) for row in rows)
    assert paused.meaning.startswith("Paused until")
    assert category.meaning.startswith("Its category is now utility instead of marketing")


def test_a_coming_category_is_told_before_it_comes(receive, channel: Channel) -> None:
    template = factories.template(channel)
    named = {"message_template_name": template.name, "message_template_language": template.language}
    soon = {**named, "correct_category": "MARKETING", "category_update_timestamp": 1782000000}
    receive(soon, field="template_category_update")

    notice = Notice.objects.get()
    assert (notice.code, notice.severity) == ("CATEGORY_SOON", "warning")
    assert "2026" in read(notice.kind, notice.code, notice.details).meaning


def test_the_example_of_a_header_is_handed_over(sandbox, channel: Channel, admin, manager) -> None:
    png = b"\x89PNG\r\n\x1a\n" + b"0" * 100
    give = {"actor": manager, "channel": channel, "kind": "IMAGE", "name": "view.png"}
    with pytest.raises(errors.TemplateInvalid):
        services.upload_example(content=png, **give)
    services.check_channel(actor=admin, channel=channel, at=timezone.now())
    channel.refresh_from_db()
    with pytest.raises(errors.MediaInvalid, match="JPEG or PNG"):
        services.upload_example(content=b"%PDF-1.7", **give)

    handle = services.upload_example(content=png, **give)

    header = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": [handle]}}
    made = services.create_template(
        actor=manager, channel=channel, at=timezone.now(), **{**GIVEN, "components": [header, BODY]}
    )
    assert made.components[0] == header
