"""Every address of Majlis, found from the routes themselves, tried by those who do not belong there."""

from __future__ import annotations

import pytest
from django.test import Client

from core.actors import Actor
from core.models import AuditEntry, Organization
from tests.routes import OPEN, filled, routes

VERBS = ["get", "post", "put", "patch", "delete"]
SAMPLES = {"organization": "palm", "app_label": "crm", "content_type_id": "1", "object_id": "1", "format": "json"}


def address(route: str) -> str:
    """The route with something in every place: the organisation that the visitor does not belong to, and row 1."""
    return filled(route, lambda name: SAMPLES.get(name, "1"))


ALL = sorted({route for route, _ in routes()})
API = [route for route in ALL if route.startswith("api/v1/") and route not in OPEN]
PAGES = [route for route in ALL if route.startswith("o/") and route not in OPEN]
ADMIN = [route for route in ALL if route.startswith("admin/")]
OWN = [route for route in ALL if route.startswith("me/")]  # one's own account, the same whatever one's role
WEBHOOKS = [route for route in ALL if route.startswith("webhooks/")]


def test_every_address_is_behind_one_of_the_doors() -> None:
    assert not set(ALL) - OPEN - set(API) - set(PAGES) - set(ADMIN) - set(OWN) - set(WEBHOOKS)
    assert len(API) > 30


@pytest.mark.parametrize("route", API)
def test_the_api_is_closed_to_strangers_and_to_other_organisations(
    route: str, organization: Organization, outsider: Actor
) -> None:
    stranger, visitor = Client(raise_request_exception=True), Client(raise_request_exception=True)
    visitor.force_login(outsider.user)  # type: ignore[arg-type]

    for verb in VERBS:
        assert getattr(stranger, verb)(address(route)).status_code == 401, verb
        assert getattr(visitor, verb)(address(route)).status_code == 404, verb

    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("route", PAGES)
def test_pages_send_strangers_to_sign_in_and_do_not_exist_for_outsiders(
    route: str, organization: Organization, outsider: Actor
) -> None:
    stranger, visitor = Client(), Client()
    visitor.force_login(outsider.user)  # type: ignore[arg-type]

    for verb in ["get", "post"]:
        sent = getattr(stranger, verb)(address(route))
        assert (sent.status_code, sent.headers.get("Location", "").startswith("/sign-in/")) in {
            (302, True),
            (405, False),
        }
        assert getattr(visitor, verb)(address(route)).status_code in {404, 405}

    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("route", OWN)
def test_nobody_comes_to_an_account_without_signing_in(route: str, db: None) -> None:
    for verb in ["get", "post"]:
        sent = getattr(Client(), verb)(address(route))
        assert sent.status_code == 302
        assert sent.headers["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("route", ADMIN)
def test_the_back_office_is_closed_to_strangers_outsiders_and_agents(
    route: str, organization: Organization, outsider: Actor, agent: Actor
) -> None:
    stranger, visitor, member = Client(), Client(), Client()
    visitor.force_login(outsider.user)  # type: ignore[arg-type]
    member.force_login(agent.user)  # type: ignore[arg-type]

    for verb in ["get", "post"]:
        assert getattr(stranger, verb)(address(route)).status_code in {302, 404, 405}
        assert getattr(visitor, verb)(address(route)).status_code in {302, 404, 405}
        answer = getattr(member, verb)(address(route), follow=True)
        assert answer.status_code in {200, 403, 404, 405}
        assert b"/admin/crm/" not in answer.content

    assert not AuditEntry.objects.exists()
