"""Who gets into the API, and what a refusal looks like."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from core import services
from core.actors import Actor
from core.models import ApiToken, AuditEntry, Membership, Organization
from core.services import TokenCannotMint, issue_token
from core.tenancy import organization_scope
from tests.conftest import PASSWORD


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
def secret(agent: Actor) -> str:
    return issue_token(actor=agent, name="till", at=timezone.now())[1]


def test_an_email_and_a_password_become_a_token_that_opens_the_door(client: Client, agent: Actor) -> None:
    assert agent.user
    answer = client.post(
        "/api/v1/palm/sign-in/",
        {"email": "OMAR@palm.example", "password": PASSWORD, "name": "phone"},
        content_type="application/json",
    )
    assert answer.status_code == 201
    secret = answer.json()["secret"]
    with organization_scope(agent.organization.pk):
        assert not ApiToken.objects.filter(digest=secret).exists()

    opened = client.get("/api/v1/palm/", headers=bearer(secret))
    assert opened.json()["name"] == "Palm Brokers"


def test_a_wrong_password_is_refused_as_a_problem_document(client: Client, agent: Actor) -> None:
    answer = client.post(
        "/api/v1/palm/sign-in/", {"email": "omar@palm.example", "password": "guess"}, content_type="application/json"
    )

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["status"]) == ("credentials_invalid", 401)
    assert not ApiToken.objects.exists()


def test_nobody_is_asked_to_sign_in(client: Client, organization: Organization) -> None:
    answer = client.get("/api/v1/palm/members/")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer.json()["code"] == "not_authenticated"


def test_a_token_of_another_organisation_is_not_valid_here(client: Client, secret: str, outsider: Actor) -> None:
    answer = client.get("/api/v1/cedar/", headers=bearer(secret))

    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


def test_an_outsider_who_is_signed_in_sees_nothing_there(
    client: Client, organization: Organization, outsider: Actor
) -> None:
    assert outsider.user
    client.force_login(outsider.user)

    assert client.get("/api/v1/palm/").status_code == 404
    assert client.get("/o/palm/").status_code == 404
    assert client.get("/o/palm/admin/").status_code == 404
    assert client.get("/api/v1/nowhere/").status_code == 404


def test_a_suspended_member_and_a_revoked_or_old_token_stay_outside(client: Client, agent: Actor, secret: str) -> None:
    token = ApiToken.objects.get()
    assert client.get("/api/v1/palm/", headers=bearer(secret)).status_code == 200

    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get("/api/v1/palm/", headers=bearer(secret)).status_code == 401

    ApiToken.objects.update(expires_at=timezone.now() + timedelta(days=1))
    services.revoke_token(actor=agent, token=token, at=timezone.now())
    assert client.get("/api/v1/palm/", headers=bearer(secret)).status_code == 401

    ApiToken.objects.update(revoked_at=None)
    Membership.objects.filter(pk=agent.membership.pk).update(suspended_at=timezone.now())  # type: ignore[union-attr]
    assert client.get("/api/v1/palm/", headers=bearer(secret)).status_code == 401


def test_no_token_makes_tokens(agent: Actor) -> None:
    token, _ = issue_token(actor=agent, name="till", at=timezone.now())
    by_token = Actor(agent.organization, agent.membership, token=token)

    with pytest.raises(TokenCannotMint):
        issue_token(actor=by_token, name="another", at=timezone.now())

    assert ApiToken.objects.count() == AuditEntry.objects.count() == 1


def test_scopes_narrow_what_the_member_may(agent: Actor) -> None:
    token, _ = issue_token(actor=agent, name="reader", at=timezone.now(), scopes=["crm.read"])

    assert {
        str(capability) for capability in Actor(agent.organization, agent.membership, token=token).capabilities
    } == {"crm.read"}


def test_a_page_of_members_costs_the_same_however_many(
    client: Client, manager: Actor, agent: Actor, other_agent: Actor, django_assert_num_queries: object
) -> None:
    _, secret = issue_token(actor=manager, name="till", at=timezone.now())
    client.get("/api/v1/palm/members/", headers=bearer(secret))

    # 1 organisation, 2 scope in and out, 1 token with its member, 1 page of members with their users
    with django_assert_num_queries(5):  # type: ignore[operator]
        answer = client.get("/api/v1/palm/members/", headers=bearer(secret))
    assert len(answer.json()["results"]) == 4


def test_the_schema_is_valid_openapi_and_the_document_renders(client: Client, db: None) -> None:
    schema = client.get("/api/schema/?format=json")
    assert schema.status_code == 200
    body = json.loads(schema.content)
    assert body["openapi"].startswith("3.1")
    problem = body["paths"]["/api/v1/{organization}/members/"]["get"]["responses"]["404"]
    assert problem == {"$ref": "#/components/responses/Refusal"}
    assert "application/problem+json" in body["components"]["responses"]["Refusal"]["content"]
    assert client.get("/api/docs/").status_code == 200


def test_what_is_not_json_is_refused_with_a_sentence(client: Client, organization: Organization) -> None:
    answer = client.post("/api/v1/palm/sign-in/", "{half", content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")
