"""The assistant at the other doors: the member's page, the back office, the API."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from core.actors import Actor
from messaging.models import AssistantLine, AssistantTurn, Channel, MemberNumber
from tests.crm.doors import Caller
from tests.messaging import assistant, factories
from tests.messaging.assistant import PHONE, Phone


def desk(actor: Actor) -> Client:
    client = Client(raise_request_exception=True)
    client.force_login(actor.user)  # type: ignore[arg-type]
    return client


def test_an_agent_connects_his_phone_from_his_page_and_takes_it_off(sandbox, channel: Channel, agent: Actor) -> None:
    client, address = desk(agent), reverse("assistant", args=["palm"])
    assert "No number answers yet" in client.get(address).content.decode()
    assistant.line(channel)
    assert "Connect my phone" in client.get(address).content.decode()

    shown = client.post(address).content.decode()
    [code] = re.findall(r"LINK \d{4} \d{4}(?=</bdi>)", shown)
    assert "https://wa.me/971500000001?text=LINK%20" in shown
    assert code not in client.get(address).content.decode()

    phone = Phone(channel, sandbox.received)
    assert phone.write(code)[0].startswith("Connected, Omar.")
    assert f"+{PHONE}" in client.get(address).content.decode()
    assert "Asked lately" in client.get(address).content.decode()

    number = MemberNumber.objects.get()
    assert client.post(reverse("assistant-forgetting", args=["palm", number.pk])).status_code == 302
    assert phone.write("ping") == []


def test_nobody_takes_off_anothers_phone_by_its_address(agent: Actor, other_agent: Actor) -> None:
    number = assistant.connected(agent)

    answer = desk(other_agent).post(reverse("assistant-forgetting", args=["palm", number.pk]))

    assert (answer.status_code, MemberNumber.objects.live().count()) == (404, 1)


def test_a_line_is_opened_watched_and_closed_in_the_back_office(channel: Channel, admin: Actor, manager: Actor) -> None:
    client = desk(admin)
    add = "/o/palm/admin/messaging/assistantline/add/"
    answer = client.post(add, {"channel": channel.pk, "copy_template": "", "watchers": [manager.membership.pk]})
    assert answer.status_code == 302, answer.content.decode()[:2000]
    line = AssistantLine.objects.get()
    assert [each.membership for each in line.watchers.all()] == [manager.membership]
    assert "Members may ask on this number already." in client.post(add, {"channel": channel.pk}).content.decode()

    change = f"/o/palm/admin/messaging/assistantline/{line.pk}/change/"
    assert client.post(change, {"copy_template": "", "watchers": []}).status_code == 302
    assert line.watchers.count() == 0
    listed = "/o/palm/admin/messaging/assistantline/"
    client.post(listed, {"action": "close", "_selected_action": [line.pk]})
    assert not AssistantLine.objects.live().exists()


@pytest.mark.parametrize("model", ["assistantline", "assistantturn", "assistantcopy", "membernumber"])
def test_the_lists_of_the_back_office_open(sandbox, channel: Channel, admin: Actor, model: str) -> None:
    assistant.line(channel, [admin])
    assistant.connected(admin)
    Phone(channel, sandbox.received).write("ping", "P-1")

    answer = desk(admin).get(f"/o/palm/admin/messaging/{model}/")

    assert answer.status_code == 200


def test_the_api_opens_watches_and_closes_a_line_and_reads_the_log(
    sandbox, channel: Channel, admin: Actor, agent: Actor
) -> None:
    api = Caller(Client(), admin)
    line = api.post("assistant-lines/", {"channel": channel.pk}).json()
    assert api.post("assistant-lines/", {"channel": channel.pk}).json()["code"] == "assistant_there"
    watched = api.put(f"assistant-lines/{line['id']}/watchers/", {"members": [admin.membership.pk]}).json()
    assert watched["watchers"] == [admin.membership.pk]

    assistant.connected(agent)
    Phone(channel, sandbox.received).write("P-99", "ping")
    turns = api.get("assistant-turns/?outcome=not_found").json()["results"]
    assert [(turn["asked"], turn["membership"]) for turn in turns] == [("P-99", agent.membership.pk)]
    [number] = api.get("member-numbers/").json()["results"]
    assert api.delete(f"member-numbers/{number['id']}/").status_code == 204
    assert api.delete(f"assistant-lines/{line['id']}/").status_code == 204
    assert (AssistantLine.objects.live().count(), MemberNumber.objects.live().count()) == (0, 0)
    assert Caller(Client(), agent).get("assistant-turns/").status_code == 403


def test_what_is_sealed_is_not_shown_by_the_api(channel: Channel, admin: Actor) -> None:
    from messaging.sealing import sealed
    from tests.crm import factories as crm

    talk = factories.conversation(channel, crm.contact(channel.organization))
    message = factories.accepted(talk, payload=sealed("+971501234567"))

    assert Caller(Client(), admin).get(f"messages/{message.pk}/").json()["payload"] == {}
    assert AssistantTurn.objects.count() == 0
