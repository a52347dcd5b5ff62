"""The list of numbers that nobody writes to: whether a contact has them yet or not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from core.actors import Actor
from core.errors import CapabilityMissing
from core.services import issue_token
from core.tenancy import organization_scope
from crm import services
from crm.errors import DoNotContact as Refused
from crm.errors import ValueInvalid
from crm.models import ContactPoint, DoNotContact, HistoryEntry, ListDisclosure
from messaging.errors import RecipientUnknown
from messaging.refusals import outbound_refusals
from messaging.services.gate import require_sendable
from tests.crm import factories
from tests.crm.doors import Caller
from tests.messaging.factories import channel as make_channel
from tests.messaging.factories import conversation as make_conversation

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NUMBER = "+971501234567"


def listed(actor: Actor, text: str = NUMBER, reason: str = "asked the developer") -> services.Listing:
    return services.list_do_not_contact(actor=actor, text=text, reason=reason, at=NOON)


def status(point: ContactPoint) -> str:
    return str(ContactPoint.objects.get(pk=point.pk).status)


def test_numbers_as_people_write_them_are_put_on_the_list_once(manager: Actor) -> None:
    contact = factories.contact(manager.organization)
    point = factories.point(contact, NUMBER)

    made = listed(manager, "Name,Phone\nNoor, 050 123 4567\n0044 7911 123456; Noor@Example.com\n050 123 4567\nnobody")

    assert (made.added, made.known, made.marked, made.unread) == (3, 0, 1, ["Name,Phone", "nobody"])
    assert set(DoNotContact.objects.values_list("value", flat=True)) == {NUMBER, "+447911123456", "noor@example.com"}
    assert status(point) == "do_not_contact"
    assert HistoryEntry.objects.filter(contact_id=contact.pk, field="consent").exists()
    assert listed(manager).known == 1


def test_a_contact_that_comes_later_is_marked_at_once_whoever_writes_the_row(manager: Actor) -> None:
    listed(manager)
    first = services.add_contact_point(
        actor=manager, contact=factories.contact(manager.organization), kind="phone", value=NUMBER
    )
    other = factories.point(factories.contact(manager.organization), "+971501234568")

    assert status(first) == "do_not_contact"
    assert status(other) == "valid"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crm_contactpoint (organization_id, created_at, updated_at, contact_id, kind, value, raw, country, "
            "line_type, status, is_primary, notes) VALUES (%s, now(), now(), %s, 'whatsapp', %s, '', '', '', 'valid', "
            "false, '') RETURNING id",
            [manager.organization.pk, other.contact_id, NUMBER],
        )
        (raw,) = cursor.fetchone()
    assert ContactPoint.objects.get(pk=raw).status == "do_not_contact"


def test_campaigns_and_conversations_ask_the_list_itself(manager: Actor) -> None:
    house = manager.organization
    contact, number = factories.contact(house), make_channel(house)
    point = factories.point(contact, NUMBER)
    talk = make_conversation(number, contact, address=NUMBER.removeprefix("+"))
    listed(manager)
    ContactPoint.objects.filter(pk=point.pk).update(status="valid")  # somebody's SQL

    refused = outbound_refusals(organization=house, channel=number, contact_ids=[contact.pk], category="MARKETING")
    assert refused == {contact.pk: "do_not_contact"}
    for needs_window in (True, False):
        with pytest.raises(RecipientUnknown):
            require_sendable(conversation=talk, category="", needs_window=needs_window, at=datetime.now(UTC))


def test_only_the_list_frees_what_the_list_stopped(manager: Actor) -> None:
    house = manager.organization
    stopped = factories.point(factories.contact(house), NUMBER)
    asked = factories.point(factories.contact(house), NUMBER, status="do_not_contact")
    listed(manager)
    with pytest.raises(Refused):
        services.lift_do_not_contact(actor=manager, point=stopped, reason="a slip")

    entry = DoNotContact.objects.get()
    with pytest.raises(ValueInvalid):
        services.unlist_do_not_contact(actor=manager, entry=entry, reason=" ", at=NOON)
    services.unlist_do_not_contact(actor=manager, entry=entry, reason="sold to another", at=NOON)

    assert (status(stopped), status(asked)) == ("unverified", "do_not_contact")
    assert listed(manager).added == 1
    assert DoNotContact.objects.count() == 2


def test_the_database_holds_who_why_and_once(manager: Actor) -> None:
    listed(manager)

    def refused(statement: str) -> str:
        with pytest.raises(IntegrityError) as refusal, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
        return str(refusal.value.__cause__.diag.constraint_name)

    copy = (
        "INSERT INTO crm_donotcontact (organization_id, created_at, updated_at, value, reason, source, added_by_id, "
        "removed_reason) SELECT organization_id, now(), now(), value, reason, '', added_by_id, '' FROM crm_donotcontact"
    )
    assert refused(copy) == "crm_do_not_contact_once"
    assert refused("UPDATE crm_donotcontact SET removed_at = now()") == (
        "crm_do_not_contact_removed_by_someone_for_a_reason"
    )
    assert refused("UPDATE crm_donotcontact SET reason = ''") == "crm_do_not_contact_has_a_reason"


def test_the_list_of_another_house_says_nothing_here(manager: Actor, outsider: Actor, agent: Actor) -> None:
    with organization_scope(outsider.organization.pk):
        listed(outsider)

    with organization_scope(manager.organization.pk):
        assert status(factories.point(factories.contact(manager.organization), NUMBER)) == "valid"
        with pytest.raises(CapabilityMissing):
            listed(agent)


def test_the_page(client: Client, manager: Actor, agent: Actor) -> None:
    address = reverse("do-not-contact-list", args=["palm"])
    client.force_login(agent.user)
    assert client.get(address).status_code == 403
    client.force_login(manager.user)
    assert "The list is empty" in client.get(address).content.decode()
    assert client.post(address, {"text": NUMBER}).status_code == 422
    assert client.post(address, {"text": "nobody", "reason": "x"}).status_code == 422
    file: Any = SimpleUploadedFile("bad.csv", f"phone\n{NUMBER}\n".encode())

    assert client.post(address, {"file": file, "reason": "complained"}).status_code == 302

    entry = DoNotContact.objects.get()
    assert (entry.source, entry.reason, entry.added_by) == ("bad.csv", "complained", manager.membership)
    page = client.get(address, {"q": "050 123 4567"}).content.decode()
    assert "complained" in page
    assert NUMBER not in page
    assert "It is not on the list" in client.get(address, {"q": "050 123 4568"}).content.decode()
    file = client.post(reverse("list-export", args=["palm", "do-not-contact"]), {"format": "csv"})
    assert "complained" in b"".join(file.streaming_content).decode()
    removal = reverse("do-not-contact-removal", args=["palm", entry.pk])
    client.post(removal, {"reason": ""})
    assert DoNotContact.objects.standing().exists()
    client.post(removal, {"reason": "a slip"})
    assert not DoNotContact.objects.standing().exists()


def test_the_api_lists_masks_takes_many_and_lets_go_for_a_reason(client: Client, manager: Actor, agent: Actor) -> None:
    office = Caller(client, manager)

    made = office.post("do-not-contact/", {"text": f"{NUMBER}\nnobody", "reason": "asked the developer"})

    assert (made.status_code, made.json()) == (201, {"added": 1, "known": 0, "marked": 0, "unread": ["nobody"]})
    (row,) = office.get("do-not-contact/?value=050 123 4567").json()["results"]
    assert row["value"] == "+97150•••67"
    assert office.get("do-not-contact/?value=050 123 45").json()["results"] == []
    assert Caller(client, agent).get("do-not-contact/").status_code == 403
    assert office.delete(f"do-not-contact/{row['id']}/").status_code == 422
    assert office.delete(f"do-not-contact/{row['id']}/?reason=a slip").status_code == 204
    assert office.get("do-not-contact/?is_standing=true").json()["results"] == []


def test_whole_numbers_of_the_list_leave_a_trace(client: Client, manager: Actor) -> None:
    listed(manager)
    scopes = ["stock.write", "numbers.read", "crm.export"]
    _token, secret = issue_token(actor=manager, name="dialler", at=datetime.now(UTC), scopes=scopes)
    bearer: Any = {"Authorization": f"Bearer {secret}"}
    read = Client().get("/api/v1/palm/do-not-contact/", headers=bearer).json()["results"]
    assert [row["value"] for row in read] == [NUMBER]
    client.force_login(manager.user)

    answer: Any = client.post(
        "/o/palm/admin/crm/donotcontact/", {"action": "export_csv", "_selected_action": [read[0]["id"]]}
    )

    assert NUMBER in b"".join(answer.streaming_content).decode()
    taken = ListDisclosure.objects.order_by("pk").values_list("door", "listed", "how_many")
    assert list(taken) == [("api", "crm.donotcontact", 1), ("export", "crm.donotcontact", 1)]


def test_the_back_office_searches_whole_values_only(client: Client, manager: Actor) -> None:
    listed(manager)
    client.force_login(manager.user)

    def found(text: str) -> bool:
        return "asked the developer" in client.get("/o/palm/admin/crm/donotcontact/", {"q": text}).content.decode()

    assert found("050 123 4567")
    assert not found("1234")
    assert NUMBER not in client.get("/o/palm/admin/crm/donotcontact/").content.decode()
    assert client.get("/o/palm/admin/crm/donotcontact/add/").headers["Location"] == "/o/palm/do-not-contact/"
