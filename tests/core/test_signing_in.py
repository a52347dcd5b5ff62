"""Signing in: by e-mail, to the right first page, and not by guessing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.actors import Actor
from core.models import AuditEntry, Membership
from core.roles import Role
from core.tasks import note_refused_sign_in
from core.tenancy import organization_scope
from tests.conftest import PASSWORD, member


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    cache.clear()


def sign_in(client: Client, email: str, password: str = PASSWORD) -> int:
    return client.post("/sign-in/", {"login": email, "password": password}).status_code


def test_an_agent_lands_in_the_inbox_and_a_manager_in_the_back_office(agent: Actor, manager: Actor) -> None:
    phone, desk = Client(), Client()

    assert sign_in(phone, " Omar@Palm.example ") == 302
    assert phone.get("/").headers["Location"] == "/o/palm/"
    assert sign_in(desk, "mona@palm.example") == 302
    assert desk.get("/o/palm/admin/").status_code == 200
    assert phone.get("/o/palm/admin/").status_code == 403


def test_who_works_in_two_houses_chooses(agent: Actor, outsider: Actor) -> None:
    Membership.objects.create(organization=outsider.organization, user=agent.user, role=Role.VIEWER)
    client = Client()
    sign_in(client, "omar@palm.example")

    page = client.get("/").content.decode()
    assert "/o/palm/" in page
    assert "/o/cedar/" in page


def test_five_wrong_guesses_lock_that_address_out_even_with_the_right_password(agent: Actor) -> None:
    client = Client()
    for _ in range(5):
        assert sign_in(client, "omar@palm.example", "guess") == 200

    assert sign_in(client, "omar@palm.example") == 200
    assert client.get("/").headers["Location"] == "/sign-in/"
    assert sign_in(Client(REMOTE_ADDR="10.0.0.9"), "omar@palm.example") == 302


def test_a_right_password_forgets_the_wrong_ones(agent: Actor) -> None:
    client = Client()
    for _ in range(4):
        sign_in(client, "omar@palm.example", "guess")
    assert sign_in(client, "omar@palm.example") == 302

    assert sign_in(Client(), "omar@palm.example", "guess") == 200
    assert sign_in(Client(), "omar@palm.example") == 302


def test_the_page_says_the_same_of_a_wrong_password_and_of_an_address_that_nobody_has(agent: Actor) -> None:
    tries = [("omar@palm.example", "guess"), ("nobody@palm.example", "guess")]
    pages = [Client().post("/sign-in/", {"login": email, "password": word}).content.decode() for email, word in tries]

    costs = []
    for email, word in tries:
        with CaptureQueriesContext(connection) as asked:
            Client().post("/sign-in/", {"login": email, "password": word})
        costs.append(len(asked))
    assert costs[0] == costs[1], "what is asked of the database tells it by the time"
    known, unknown = (re.sub(r'(value|name="csrf\w+" value)="[^"]*"', "", page) for page in pages)
    assert known == unknown
    assert "do not match" in known


def test_who_is_locked_out_learns_what_to_do_whoever_he_is(agent: Actor) -> None:
    for email in ["omar@palm.example", "nobody@palm.example"]:
        client = Client()
        for _ in range(5):
            sign_in(client, email, "guess")

        page = client.post("/sign-in/", {"login": email, "password": PASSWORD}).content.decode()
        assert "Wait 15 minutes, or set a new password" in page


def test_every_sign_in_refusal_and_way_out_is_in_the_trail_of_each_house(agent: Actor, outsider: Actor) -> None:
    Membership.objects.create(organization=outsider.organization, user=agent.user, role=Role.VIEWER)
    client = Client(HTTP_USER_AGENT="Lanes Phone 7")
    sign_in(client, "omar@palm.example")
    client.post("/sign-out/")
    note_refused_sign_in(user_id=agent.user.pk, address="10.0.0.9", locks=1)
    note_refused_sign_in(user_id=0, address="10.0.0.9", locks=0)

    for house in [agent.organization, outsider.organization]:
        with organization_scope(house.pk):
            trail = list(AuditEntry.objects.order_by("pk").values_list("action", "user_id", "address", "after"))
        assert trail == [
            ("core.signed_in", agent.user.pk, "127.0.0.1", {"by": ["password"], "browser": "Lanes Phone 7"}),
            ("core.signed_out", agent.user.pk, "127.0.0.1", {}),
            ("core.sign_in_refused", agent.user.pk, "10.0.0.9", {"locked": True}),
        ]


def test_while_redis_is_away_the_office_still_comes_in(agent: Actor, settings: Any) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:9/0"}}

    assert sign_in(Client(), "omar@palm.example") == 302


def test_someone_whose_membership_is_suspended_has_nowhere_to_go(agent: Actor, manager: Actor) -> None:
    client = Client()
    sign_in(client, "omar@palm.example")
    Membership.objects.filter(pk=agent.membership.pk).update(suspended_at="2026-11-21T00:00Z")  # type: ignore[union-attr]

    assert client.get("/o/palm/").status_code == 404


def test_people_of_one_house_may_share_names_with_another(outsider: Actor, manager: Actor) -> None:
    member(outsider.organization, Role.AGENT, "Mona")

    client = Client()
    assert sign_in(client, "mona@cedar.example") == 302
    assert client.get("/o/palm/").status_code == 404
