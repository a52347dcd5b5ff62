"""Signing in: by e-mail, to the right first page, and not by guessing."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from core.actors import Actor
from core.models import Membership
from core.roles import Role
from tests.conftest import PASSWORD, member


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    cache.clear()


def sign_in(client: Client, email: str, password: str = PASSWORD) -> int:
    return client.post("/sign-in/", {"username": email, "password": password}).status_code


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
