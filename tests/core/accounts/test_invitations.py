"""Asking people in: by whom, with which role, by a link that works once and tells nothing of anybody."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client
from django.utils import timezone

from core import members
from core.accounts import invitations, letters
from core.actors import Actor
from core.errors import DomainError
from core.models import AuditEntry, Invitation, Letter, Membership, User
from core.roles import Role
from core.services import issue_token
from core.tenancy import organization_scope
from tests.conftest import PASSWORD, person
from tests.live import house

NEW = "a harbour full of dhows"


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    cache.clear()


def browser(actor: Actor) -> Client:
    client = Client()
    client.force_login(actor.user)
    return client


def invite(actor: Actor, email: str = "Noor@Palm.example", role: str = "agent", name: str = "Noor", **more: str) -> Any:
    return browser(actor).post("/o/palm/invitations/", {"email": email, "role": role, "name": name, **more})


def link() -> str:
    """The address in the letter that was sent last."""
    letters.sweep(timezone.now())
    return re.search(r"(/o/palm/invitation/\S+/)", mail.outbox[-1].body)[1]


def test_somebody_new_comes_in_by_the_link_with_a_password_of_her_own(manager: Actor) -> None:
    assert invite(manager).status_code == 302
    address, client = link(), Client()
    assert mail.outbox[-1].to == ["noor@palm.example"]

    assert "Mona invites you to work here" in client.get(address).content.decode()
    faults = [
        ("short", "short", "too short"),
        (NEW, "another", "not the same"),
        ("noor@palm.example", "noor@palm.example", "too similar"),
    ]
    for first, second, fault in faults:
        answer = client.post(address, {"name": "Noor", "password1": first, "password2": second})
        assert (answer.status_code, fault in answer.content.decode()) == (422, True)
    assert not User.objects.filter(email="noor@palm.example").exists()
    sent = client.post(address, {"name": "Noor Saleh", "password1": NEW, "password2": NEW})

    assert sent.headers["Location"] == "/o/palm/"
    assert client.get("/o/palm/inbox/").status_code == 200
    noor = Membership.objects.get(user__email="noor@palm.example")
    assert (noor.role, noor.user.name) == (Role.AGENT, "Noor Saleh")
    assert Client().get(address).status_code == 404
    assert Client().post(address, {"name": "X", "password1": NEW, "password2": NEW}).status_code == 404
    trail = dict(AuditEntry.objects.values_list("action", "user__name"))
    assert (trail["core.invitation_sent"], trail["core.invitation_accepted"]) == ("Mona", "Noor Saleh")


def test_an_invitation_says_nothing_of_accounts_in_other_houses(manager: Actor, outsider: Actor) -> None:
    known, unknown = invite(manager, outsider.user.email), invite(manager, "nobody@nowhere.example")

    assert (known.status_code, known.headers["Location"]) == (unknown.status_code, unknown.headers["Location"])
    bodies = [re.sub(r"\S+/invitation/\S+", "", letter.body) for letter in Letter.objects.all()]
    assert bodies[0] == bodies[1]


def test_who_has_an_account_joins_with_it_and_nobody_else_does(manager: Actor, agent: Actor, outsider: Actor) -> None:
    invite(manager, outsider.user.email)
    address = link()

    page = Client().get(address).content.decode()
    assert "You have an account in Majlis already" in page
    assert f"/sign-in/?next={address}" in page
    assert Client().post(address, {"name": "X", "password1": NEW, "password2": NEW}).status_code == 200
    assert "signed in as somebody else" in browser(agent).post(address).content.decode()
    assert not Membership.objects.filter(organization=manager.organization, user=outsider.user).exists()

    client = Client()
    signed = client.post("/sign-in/", {"login": outsider.user.email, "password": PASSWORD, "next": address})
    assert signed.headers["Location"] == address
    assert client.post(address).headers["Location"] == "/o/palm/"
    assert client.get("/o/palm/").status_code == 302
    outsider.user.refresh_from_db()
    assert outsider.user.check_password(PASSWORD)


def test_a_manager_gives_lower_roles_an_admin_every_one_and_an_agent_none(
    admin: Actor, manager: Actor, agent: Actor
) -> None:
    form = browser(manager).get("/o/palm/invitations/").content.decode()
    assert 'value="supervisor"' in form
    assert 'value="admin"' not in form
    for role in ["admin", "manager"]:
        assert invite(manager, role=role).status_code == 422
    assert invite(agent).status_code == 403
    assert browser(agent).get("/o/palm/invitations/").status_code == 403
    assert not Invitation.objects.exists()

    assert invite(admin, role="admin").status_code == 302
    made = Invitation.objects.get()
    browser(manager).post(f"/o/palm/invitations/{made.pk}/end/")
    made.refresh_from_db()
    assert made.revoked_at is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"email": "noor"}, "Type a whole e-mail address"),
        ({"name": "  "}, "Type the name"),
        ({"role": "owner"}, "Choose a role"),
        ({"email": "omar@palm.example"}, "is a member here already"),
    ],
)
def test_what_cannot_be_sent_is_said(manager: Actor, agent: Actor, given: dict[str, str], said: str) -> None:
    answer = invite(manager, **given)

    assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert not Invitation.objects.exists()
    assert not Letter.objects.exists()


def test_a_new_invitation_a_revoked_one_and_a_week_end_the_link(manager: Actor) -> None:
    invite(manager)
    first = link()
    invite(manager, role="viewer")
    second = link()
    assert [Client().get(each).status_code for each in (first, second)] == [404, 200]

    Invitation.objects.filter(revoked_at=None).update(expires_at=timezone.now())
    assert Client().get(second).status_code == 404
    invite(manager)
    third = link()
    row = Invitation.objects.latest("pk")
    browser(manager).post(f"/o/palm/invitations/{row.pk}/end/")

    pages = {Client().get(each).content.decode().split("<h1>")[1] for each in (first, second, third)}
    assert len({re.sub(r'value="[^"]*"', "", page) for page in pages}) == 1, "which of them it was is not told"
    shown = browser(manager).get("/o/palm/invitations/?state=revoked&q=noor").content.decode()
    assert shown.count("noor@palm.example") == 3
    assert "No invitations here" in browser(manager).get("/o/palm/invitations/?state=accepted").content.decode()


def test_the_link_ends_with_whoever_sent_it(admin: Actor, manager: Actor) -> None:
    invite(manager)
    address = link()

    members.suspend_member(actor=admin, membership=manager.membership, reason="left", at=timezone.now())

    assert Client().get(address).status_code == 404


def test_who_was_suspended_does_not_come_back_by_an_invitation(admin: Actor, manager: Actor, agent: Actor) -> None:
    members.suspend_member(actor=manager, membership=agent.membership, reason="left", at=timezone.now())

    assert "Let them in again" in invite(manager, "omar@palm.example").content.decode()


def test_a_hundred_a_day_and_no_more(manager: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invitations, "A_DAY_AT_MOST", 2)
    for number in range(2):
        invite(manager, f"noor{number}@palm.example")

    assert "Go on tomorrow" in invite(manager, "noor3@palm.example").content.decode()


def test_of_the_link_only_a_digest_is_kept(manager: Actor) -> None:
    invite(manager)
    token = link().split("/")[-2]

    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(i)::text FROM core_invitation i")
        kept = cursor.fetchall()
        cursor.execute("SELECT to_jsonb(a)::text FROM core_auditentry a")
        kept += cursor.fetchall()
        cursor.execute("SELECT to_jsonb(l)::text FROM core_letter l")
        kept += cursor.fetchall()

    assert len(kept) >= 3
    assert token not in str(kept)


def test_the_database_knows_what_an_invitation_may_be(manager: Actor) -> None:
    invite(manager)
    for change in [
        "email = 'Noor@palm.example'",
        "accepted_at = now()",
        "accepted_at = now(), revoked_at = now()",
        f"membership_id = {manager.membership.pk}",
    ]:
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE core_invitation SET {change}")


def test_of_eight_who_open_the_link_at_once_one_becomes_a_member(committed: str) -> None:
    organization, people = house()
    with organization_scope(organization.pk):
        manager = Actor(organization, people[Role.MANAGER])
        known = person("noor@cedar.example", "Noor")
        given = {"email": known.email, "name": "Noor", "role": "agent", "language": "en", "at": timezone.now()}
        invitations.invite(actor=manager, **given)
        path = re.search(r"/invitation/(\S+)/", Letter.objects.get().body)[1]
    outcomes: list[str] = []
    together = threading.Barrier(8)

    def join() -> None:
        together.wait()
        try:
            with organization_scope(organization.pk):
                now = timezone.now() + timedelta(seconds=1)
                invitations.accept(organization=organization, token=path, at=now, user=known)
            outcomes.append("joined")
        except DomainError as error:
            outcomes.append(error.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=join) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes.count("joined") == 1
    assert set(outcomes) <= {"joined", "already_member", "invitation_closed"}
    assert Membership.objects.filter(user=known).count() == 1


def test_over_the_api_a_token_asks_people_in_only_when_its_scopes_name_it(manager: Actor, agent: Actor) -> None:
    def caller(actor: Actor, *scopes: str) -> Client:
        _, secret = issue_token(actor=actor, name="hr", at=timezone.now(), scopes=list(scopes))
        return Client(headers={"Authorization": f"Bearer {secret}"})

    noor = {"email": "noor@palm.example", "name": "Noor", "role": "agent"}
    path, as_json = "/api/v1/palm/invitations/", {"content_type": "application/json"}
    assert caller(agent).post(path, noor, **as_json).status_code == 403
    refused = caller(manager).post(path, noor, **as_json)
    assert (refused.status_code, refused.json()["code"]) == (403, "capability_missing")
    assert not Invitation.objects.exists()

    hr = caller(manager, "agents.manage")
    assert hr.post(path, {**noor, "role": "manager"}, **as_json).json()["code"] == "role_too_high"
    made = hr.post(path, noor, **as_json)
    assert (made.status_code, made.json()["state"]) == (201, "open")
    assert "digest" not in made.json()
    address = link()
    assert hr.delete(f"{path}{made.json()['id']}/").status_code == 204
    assert [row["state"] for row in hr.get(f"{path}?role=agent").json()["results"]] == ["revoked"]
    assert Client().get(address).status_code == 404
