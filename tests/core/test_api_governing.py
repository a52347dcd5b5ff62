"""How a house is governed, over the API: the trail, the trash, members, invitations, disclosures, appeals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.actors import Actor
from core.models import Deletion, Invitation, Membership
from core.services import issue_token, soft_delete
from crm import services
from crm.models import Contact, DisclosureAlert
from messaging.models import Appeal
from tests.crm import factories
from tests.crm.doors import Caller
from tests.messaging import factories as talking


@pytest.fixture
def boss(admin: Actor) -> Caller:
    client = Client()
    client.force_login(admin.user)  # type: ignore[arg-type]
    return Caller(client, admin)


def test_the_trail_is_read_with_numbers_hidden_and_written_by_nobody(
    boss: Caller, manager: Actor, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    contact = factories.contact(manager.organization)
    soft_delete(actor=manager, target=contact, at=timezone.now())

    found = boss.get(f"audit-entries/?target_type=crm.contact&target_id={contact.pk}").json()["results"]

    assert [entry["user"] for entry in found] == [manager.user.pk]  # type: ignore[union-attr]
    assert boss.get(f"audit-entries/{found[0]['id']}/").json() == found[0]
    assert boss.get("audit-entries/?since=2099-01-01T00:00:00Z").json()["results"] == []
    assert boss.post("audit-entries/").status_code == 405
    assert b"core.row_deleted,crm.contact" in boss.get("audit-entries/export/?format=csv").getvalue()


def test_what_was_deleted_comes_back(boss: Caller, manager: Actor) -> None:
    contact = factories.contact(manager.organization, "Huda Example")
    soft_delete(actor=manager, target=contact, at=timezone.now())
    [row] = boss.get("deletions/?is_restored=false").json()["results"]

    done = boss.post(f"deletions/{row['id']}/restoration/")

    assert (done.status_code, done.json()) == (201, {"rows": 1})
    assert Contact.objects.get(pk=contact.pk).deleted_at is None
    assert Deletion.objects.get().restored_at
    assert boss.get("deletions/?is_restored=false").json()["results"] == []
    assert boss.post(f"deletions/{row['id']}/restoration/").status_code == 409


def test_a_member_is_suspended_with_all_his_tokens_and_let_in_again(boss: Caller, agent: Actor) -> None:
    _, secret = issue_token(actor=agent, name="till", at=timezone.now())
    address = f"members/{agent.membership.pk}/suspension/"  # type: ignore[union-attr]
    till = Client(headers={"Authorization": f"Bearer {secret}"})
    assert till.get("/api/v1/palm/").status_code == 200

    assert boss.put(address, {"reason": "on leave"}).json()["suspended_at"]
    assert till.get("/api/v1/palm/").status_code == 401
    assert boss.client.delete(boss.base + address).status_code == 204
    assert Membership.objects.get(pk=agent.membership.pk).suspended_at is None  # type: ignore[union-attr]
    own = boss.put(f"members/{boss.actor.membership.pk}/suspension/", {"reason": "x"})  # type: ignore[union-attr]
    assert (own.status_code, own.json()["code"]) == (403, "own_membership")


def test_somebody_is_asked_in_and_the_link_is_in_the_letter_alone(boss: Caller) -> None:
    made = boss.post("invitations/", {"email": "New@Example.com", "name": "Nadia New", "role": "agent"})

    assert (made.status_code, made.json()["state"], made.json()["email"]) == (201, "open", "new@example.com")
    assert "digest" not in made.json()
    assert len(boss.get("invitations/?is_open=true").json()["results"]) == 1
    assert boss.client.delete(f"{boss.base}invitations/{made.json()['id']}/").status_code == 204
    assert Invitation.objects.get().revoked_at
    assert boss.get("invitations/?is_open=true").json()["results"] == []
    assert boss.post("invitations/", {"email": "x", "name": "", "role": "king"}).status_code == 400


def test_who_was_given_whose_numbers_and_who_looked_into_it(boss: Caller, manager: Actor, agent: Actor) -> None:
    contact = factories.contact(manager.organization)
    factories.point(contact, "+971501234567")
    services.disclose_owner_number(actor=manager, contact=contact, reason="call", at=timezone.now())
    [row] = boss.get(f"owner-disclosures/?contact={contact.pk}").json()["results"]
    assert (row["membership"], row["reason"]) == (manager.membership.pk, "call")  # type: ignore[union-attr]
    assert "+971501234567" not in str(row)
    assert boss.get("list-disclosures/").json()["results"] == []

    alert = DisclosureAlert.objects.create(
        organization=manager.organization, membership=agent.membership, hour=timezone.now(), door=row["door"], limit=30
    )
    assert boss.get("disclosure-alerts/?is_seen=false").json()["results"][0]["id"] == alert.pk
    assert boss.post(f"disclosure-alerts/{alert.pk}/inspection/").json()["seen_by"] == boss.actor.membership.pk  # type: ignore[union-attr]
    assert boss.get("disclosure-alerts/?is_seen=false").json()["results"] == []


def test_whatsapp_is_asked_to_lift_a_block(boss: Caller) -> None:
    channel = talking.channel(boss.actor.organization)
    fine = boss.post(f"channels/{channel.pk}/appeal/", {"reason": "a mistake"})
    assert (fine.status_code, fine.json()["code"]) == (409, "appeal_pointless")
    type(channel).objects.filter(pk=channel.pk).update(blocked_at=timezone.now())

    assert boss.post(f"channels/{channel.pk}/appeal/", {"reason": "a mistake"}).status_code == 201
    [row] = boss.get("appeals/?outcome=waiting").json()["results"]
    assert (row["channel"], row["note"]) == (channel.pk, "a mistake")
    assert boss.client.delete(f"{boss.base}channels/{channel.pk}/appeal/").status_code == 204
    assert Appeal.objects.get().outcome == "refused"


@pytest.mark.parametrize("noun", ["audit-entries", "owner-disclosures", "list-disclosures", "disclosure-alerts"])
def test_agents_see_nothing_of_it(client: Client, agent: Actor, noun: str) -> None:
    client.force_login(agent.user)  # type: ignore[arg-type]

    assert Caller(client, agent).get(f"{noun}/").status_code == 403
