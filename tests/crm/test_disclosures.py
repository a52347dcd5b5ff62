"""Numbers through any door: authorised, limited, kept, and reported."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.actors import Actor
from core.errors import CapabilityMissing
from core.models import AuditEntry, Organization
from core.roles import Role
from core.services import issue_token
from crm import services
from crm.errors import DisclosureLimit
from crm.models import Contact, DisclosureAlert, ListDisclosure, OwnerDisclosure
from crm.selectors import masked
from crm.selectors.disclosures import Wanted, disclosure_report
from tests.conftest import member
from tests.crm import factories
from tests.crm.doors import Caller

NUMBER = "+971501112233"
MASKED = "+97150•••33"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def owner(organization: Organization) -> Contact:
    made = factories.contact(organization, "Noura")
    factories.point(made, NUMBER, is_primary=True)
    unit = factories.unit(factories.project(organization))
    factories.ownership(unit, made, is_primary=True)
    return made


def given() -> list[tuple[str, str, bool]]:
    return list(OwnerDisclosure.objects.order_by("pk").values_list("door", "reason", "by_opening"))


@pytest.mark.parametrize("path", ["contacts/", "contact-points/", "contacts/?search=1112233"])
def test_lists_of_the_api_show_masks_to_everybody(client: Client, manager: Actor, owner: Contact, path: str) -> None:
    text = Caller(client, manager).get(path).content.decode()

    assert MASKED in text.encode().decode("unicode_escape") or "+97150" in text
    assert NUMBER not in text
    assert given() == []


def test_one_contact_shows_its_numbers_and_that_is_kept_once_a_day(
    client: Client, manager: Actor, owner: Contact
) -> None:
    office = Caller(client, manager)

    for _ in range(3):
        assert office.get(f"contacts/{owner.pk}/").json()["points"][0]["value"] == NUMBER
    assert office.get(f"contact-points/{owner.points.get().pk}/").json()["value"] == NUMBER

    assert given() == [("api", "opened the contact", True)]


def test_the_pages_and_the_back_office_keep_it_too(client: Client, manager: Actor, owner: Contact) -> None:
    client.force_login(manager.user)
    lists = ["/o/palm/admin/crm/contact/", "/o/palm/admin/crm/contactpoint/", "/o/palm/admin/crm/contact/?q=1112233"]
    for address in lists:
        page = client.get(address).content.decode()
        assert MASKED in page
        assert NUMBER not in page
    assert given() == []

    assert NUMBER in client.get(f"/o/palm/admin/crm/contact/{owner.pk}/change/").content.decode()
    assert given() == [("back_office", "opened the contact", True)]
    assert NUMBER in client.get(reverse("owner", args=["palm", owner.pk])).content.decode()
    assert len(given()) == 1


def test_the_trail_shows_no_number_whole_and_keeps_all(client: Client, manager: Actor, owner: Contact) -> None:
    client.force_login(manager.user)
    point = services.add_contact_point(actor=manager, contact=owner, kind="whatsapp", value="050 444 5566")
    services.save_filter(actor=manager, name="Mine", list="owners", parameters={"q": ["0504445566", "Noura"]})
    entry = AuditEntry.objects.get(action="crm.contact_point_added")

    told = [
        client.get(f"/o/palm/admin/crm/contactpoint/{point.pk}/history/"),
        client.get(f"/o/palm/admin/core/auditentry/{entry.pk}/change/"),
        client.post(
            "/o/palm/admin/core/auditentry/",
            {"action": "export_csv", "_selected_action": list(AuditEntry.objects.values_list("pk", flat=True))},
            follow=True,
        ),
    ]

    for answer in told:
        text = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert answer.status_code == 200
        assert "4445566" not in text.decode().replace(" ", "")
    assert "+97150•••66" in told[0].content.decode()
    assert "+97150•••66" in told[1].content.decode()
    assert entry.after["value"] == "+971504445566"


def test_parts_of_a_number_find_nothing(client: Client, manager: Actor, owner: Contact) -> None:
    client.force_login(manager.user)
    for part in ("11122", "2233", "+97150"):
        assert "Noura" not in client.get("/o/palm/admin/crm/contactpoint/", {"q": part}).content.decode()
        assert "Noura" not in client.get("/o/palm/admin/crm/contact/", {"q": part}).content.decode()


@pytest.mark.parametrize(
    ("written", "shown"),
    [(NUMBER, MASKED), ("501112233", "50•••33"), ("0501112233", "05•••33"), ("971501112233", "97•••33")],
)
def test_a_mask_hides_the_middle_of_a_number_however_it_is_written(written: str, shown: str) -> None:
    assert masked("phone", written) == shown


def test_viewers_and_tokens_without_the_scope_see_masks(
    client: Client, organization: Organization, manager: Actor, owner: Contact
) -> None:
    viewer = Actor(organization, member(organization, Role.VIEWER, "Vera"))
    assert Caller(client, viewer).get(f"contacts/{owner.pk}/").json()["points"][0]["value"] == MASKED
    now = timezone.now()
    _token, plain = issue_token(actor=manager, name="sync", at=now, scopes=["crm.read"])
    _token, reading = issue_token(actor=manager, name="dialler", at=now, scopes=["crm.read", "numbers.read"])

    def listed(secret: str) -> str:
        answer = Client().get("/api/v1/palm/contact-points/", headers={"Authorization": f"Bearer {secret}"})
        return str(answer.json()["results"][0]["value"])

    assert listed(plain) == MASKED
    assert given() == []
    assert listed(reading) == NUMBER
    taken = ListDisclosure.objects.get()
    assert (taken.membership, taken.token.name, taken.how_many, taken.door) == (manager.membership, "dialler", 1, "api")


def test_more_than_three_hundred_an_hour_stay_hidden_and_somebody_is_told(
    client: Client, admin: Actor, manager: Actor, owner: Contact
) -> None:
    now = timezone.now()
    OwnerDisclosure.objects.bulk_create(
        OwnerDisclosure(
            organization=manager.organization,
            membership=manager.membership,
            contact=factories.contact(manager.organization),
            points=[],
            reason="opened the contact",
            door="page",
            by_opening=True,
            at=now - timedelta(minutes=1),
        )
        for _ in range(300)
    )
    client.force_login(manager.user)

    for _ in range(2):
        assert NUMBER not in client.get(reverse("owner", args=["palm", owner.pk])).content.decode()

    alert = DisclosureAlert.objects.get()
    assert (alert.membership, alert.limit, alert.seen_at) == (manager.membership, 300, None)
    assert AuditEntry.objects.filter(action="crm.disclosure_limit_reached").count() == 1
    address = reverse("disclosure-alert", args=["palm", alert.pk])
    client.post(address)  # by the one whom it is about
    alert.refresh_from_db()
    assert alert.seen_at is None
    client.force_login(admin.user)
    assert "Mona" in client.get(reverse("disclosures", args=["palm"])).content.decode()
    assert "Numbers: limit reached" in client.get("/o/palm/admin/").content.decode()
    client.post(address)
    alert.refresh_from_db()
    assert alert.seen_by == admin.membership


def test_an_agents_limit_survives_the_refusal(admin: Actor, agent: Actor, owner: Contact) -> None:
    Contact.objects.filter(pk=owner.pk).update(assigned_to=agent.membership)
    for minute in range(30):
        at = NOON + timedelta(minutes=minute)
        services.disclose_owner_number(actor=agent, contact=owner, reason="calls", at=at)

    for _ in range(3):
        with pytest.raises(DisclosureLimit):
            services.disclose_owner_number(actor=agent, contact=owner, reason="calls", at=NOON + timedelta(minutes=31))

    alert = DisclosureAlert.objects.get()
    assert (alert.limit, alert.hour) == (30, NOON)
    with pytest.raises(CapabilityMissing):
        services.see_alert(actor=agent, alert=alert, at=NOON)
    with pytest.raises(IntegrityError, match="seen_by_another"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE crm_disclosurealert SET seen_by_id = membership_id, seen_at = now()")


def test_an_agent_who_opens_a_contact_sees_masks(client: Client, agent: Actor, owner: Contact) -> None:
    Contact.objects.filter(pk=owner.pk).update(assigned_to=agent.membership)
    assert Caller(client, agent).get(f"contacts/{owner.pk}/").json()["points"][0]["value"] == MASKED
    assert given() == []


def test_a_list_is_kept_with_how_many_and_which(manager: Actor, agent: Actor) -> None:
    taken = {"listed": "crm.contact", "filters": {"kind": "person"}, "door": "export", "file": "palm.xlsx", "at": NOON}

    services.disclose_list(actor=manager, how_many=1200, **taken)
    assert services.disclose_list(actor=manager, how_many=0, **taken) is None
    with pytest.raises(CapabilityMissing):
        services.disclose_list(actor=agent, how_many=1, **taken)

    kept = ListDisclosure.objects.get()
    assert (kept.how_many, kept.filters, kept.file) == (1200, {"kind": "person"}, "palm.xlsx")


def test_the_report_says_who_whose_why_and_what_is_unusual(
    client: Client, manager: Actor, agent: Actor, other_agent: Actor, owner: Contact, django_assert_max_num_queries: Any
) -> None:
    house = manager.organization
    others = [factories.contact(house, f"Owner {number}") for number in range(14)]

    def show(actor: Actor, contact: Contact, at: datetime) -> None:
        OwnerDisclosure.objects.create(
            organization=house, membership=actor.membership, contact=contact, points=[1], reason="viewing", door="page", at=at
        )  # fmt: skip

    for back in range(1, 6):
        show(agent, owner, NOON - timedelta(days=back))
    for contact in [owner, *others]:
        show(agent, contact, NOON)
    show(other_agent, owner, NOON)
    show(other_agent, owner, datetime(2026, 3, 2, 21, tzinfo=UTC))  # the 3rd in Dubai
    services.disclose_list(actor=manager, listed="crm.contact", how_many=70, filters={}, door="export", at=NOON)

    with django_assert_max_num_queries(8):
        report = disclosure_report(actor=manager, wanted=Wanted(date(2026, 3, 2), date(2026, 3, 2)))

    assert [(row.name, row.contacts, row.listed, row.unusual_days) for row in report.members] == [
        ("Mona", 0, 70, 0),
        ("Omar", 15, 0, 1),
        ("Huda", 1, 0, 0),
    ]
    assert (report.total, report.listed) == (16, 70)
    assert [(name, count) for _pk, name, count in report.projects] == [("Vardon", 1)]
    client.force_login(manager.user)
    address = reverse("disclosures", args=["palm"])
    page = client.get(address, {"since": "2026-03-02", "until": "2026-03-02", "member": agent.membership.pk})
    assert "viewing" in page.content.decode()
    assert "unusual" in page.content.decode()
    assert (
        client.get(address, {"since": "x", "until": "2026-13-99", "door": "y", "project": "9" * 30}).status_code == 200
    )
    file = client.post(
        reverse("disclosures-file", args=["palm"]) + "?since=2026-03-02&until=2026-03-02", {"format": "csv"}
    )
    lines = b"".join(file.streaming_content).decode()
    assert lines.count("\n") == 17
    assert NUMBER not in lines
    client.force_login(agent.user)
    assert client.get(address).status_code == 403


def test_whoever_only_reads_asks_for_no_number(organization: Organization) -> None:
    """Else a viewer could collect them one by one."""
    viewer = Actor(organization, member(organization, Role.VIEWER, "Vera"))
    contact = factories.contact(organization, "Fatima")
    factories.point(contact, "+971501234567")
    client = Client()
    client.force_login(viewer.user)

    assert "Show numbers" not in client.get(f"/o/palm/owners/{contact.pk}/").content.decode()
    refused = client.post(f"/o/palm/owners/{contact.pk}/disclosure/", {"reason": "to call"})
    assert refused.status_code == 403
    assert "1234567" not in refused.content.decode()
    assert not OwnerDisclosure.objects.exists()
