"""How often one may call, in which order lists come, and which of their fields."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.actors import Actor
from core.services import issue_token
from crm.models import Project
from tests.crm import factories

API = "/api/v1/palm/"


def of(actor: Actor) -> Client:
    _, secret = issue_token(actor=actor, name="till", at=timezone.now())
    return Client(headers={"Authorization": f"Bearer {secret}"})


def test_a_script_that_calls_too_often_waits_and_its_colleagues_do_not(
    manager: Actor, second_manager: Actor, settings: Any
) -> None:
    settings.API_CALLS_PER_CALLER = 5
    script, colleague = of(manager), of(second_manager)

    answers = [script.get(API + "members/") for _ in range(5)]
    assert [int(answer["RateLimit-Remaining"]) for answer in answers] == [4, 3, 2, 1, 0]
    assert answers[0]["RateLimit-Limit"] == "5"
    assert 50 <= int(answers[-1]["RateLimit-Reset"]) <= 60

    refused = script.post(API + "projects/", {"name": "Vardon"}, "application/json")
    assert (refused.status_code, refused["Content-Type"]) == (429, "application/problem+json")
    assert (refused.json()["code"], refused["RateLimit-Remaining"]) == ("throttled", "0")
    assert 1 <= int(refused["Retry-After"]) <= 12
    assert not Project.objects.exists()
    assert colleague.get(API + "members/").status_code == 200


def test_a_house_has_a_limit_of_its_own_and_no_other_house_feels_it(
    manager: Actor, second_manager: Actor, outsider: Actor, settings: Any
) -> None:
    settings.API_CALLS_PER_ORGANIZATION = 4
    one, two, elsewhere = of(manager), of(second_manager), Client()
    elsewhere.force_login(outsider.user)  # type: ignore[arg-type]

    assert [client.get(API + "members/").status_code for client in (one, two, one, two, one, two)] == [
        *[200] * 4,
        *[429] * 2,
    ]
    assert elsewhere.get("/api/v1/cedar/members/").status_code == 200


def test_without_redis_nobody_is_held_back(manager: Actor, settings: Any) -> None:
    settings.API_CALLS_PER_CALLER, settings.REDIS_URL = 1, "redis://127.0.0.1:1/0"
    client = of(manager)

    assert [client.get(API + "members/").status_code for _ in range(3)] == [200] * 3


def test_a_list_is_copied_oldest_first_with_the_fields_that_matter(manager: Actor) -> None:
    client = of(manager)
    made = [factories.project(manager.organization, f"Project {number}").pk for number in range(3)]

    page = client.get(API + "projects/?ordering=id&fields=id&page_size=2").json()
    assert page["results"] == [{"id": made[0]}, {"id": made[1]}]
    assert client.get(page["next"]).json()["results"] == [{"id": made[2]}]
    assert client.get(f"{API}projects/{made[0]}/?fields=name,number").json().keys() == {"name", "number"}


@pytest.mark.parametrize("query", ["ordering=name", "fields=secret", "fields=", "fields=,"])
def test_an_order_or_a_field_that_there_is_not(manager: Actor, query: str) -> None:
    factories.project(manager.organization)

    answer = of(manager).get(f"{API}projects/?{query}")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, query.partition("=")[0])
