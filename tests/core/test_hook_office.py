"""Webhooks and tokens in the back office: the secret once, a test, the log with replays; keys are seen and ended."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery
from django.test import Client
from django.utils import timezone

from core import hooks
from core.actors import Actor
from core.admin.hooks import KINDS
from core.models import ApiToken, AuditEntry, HookDelivery, HookEndpoint
from core.roles import Role
from core.services import issue_token
from core.tenancy import organization_scope
from messaging.models import Conversation, Message
from tests.core.test_hooks import Receiver, endpoint, inside, receiver  # noqa: F401 - fixtures
from tests.live import Live, house, wait_for
from tests.messaging import factories
from tests.messaging.test_whole_way import CUSTOMER, api, configure

DESK = "/o/palm/admin/core/"
ENDPOINTS, LOG, TOKENS = f"{DESK}hookendpoint/", f"{DESK}hookdelivery/", f"{DESK}apitoken/"
GIVEN = {"name": "Books", "url": "https://books.example.com/in", "kinds": ["deal.closed", "message.received"]}


@pytest.fixture
def desk(client: Client, admin: Actor) -> Client:
    client.force_login(admin.user)  # type: ignore[arg-type]
    return client


def chosen(action: str, *rows: Any) -> dict[str, Any]:
    return {"action": action, "_selected_action": [row.pk for row in rows]}


def listed(desk: Client, address: str, query: str) -> set[int]:
    page = desk.get(f"{address}?{query}")
    assert page.status_code == 200
    return {row.pk for row in page.context["cl"].result_list}


def test_an_endpoint_is_made_and_its_secret_is_seen_once(desk: Client) -> None:
    page = desk.post(f"{ENDPOINTS}add/", GIVEN)

    made = HookEndpoint.objects.get()
    assert (made.name, made.kinds) == ("Books", ["deal.closed", "message.received"])
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    assert made.secret in page.content.decode()
    assert made.secret not in str(page.cookies)
    for address in [ENDPOINTS, f"{ENDPOINTS}{made.pk}/change/", f"{ENDPOINTS}{made.pk}/history/"]:
        assert "whsec_" not in desk.get(address).content.decode()
    assert AuditEntry.objects.get(action="core.hook_endpoint_added").target_id == made.pk


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"url": "http://books.example.com/"}, "begins with https://"),
        ({"kinds": []}, "This field is required"),
        ({"kinds": ["moon.rose"]}, "is not one of the available choices"),
    ],
)
def test_what_the_service_refuses_stands_on_the_form(desk: Client, wrong: dict[str, Any], told: str) -> None:
    page = desk.post(f"{ENDPOINTS}add/", {**GIVEN, **wrong})

    assert told in page.content.decode()
    assert not HookEndpoint.objects.exists()


def test_an_endpoint_is_changed_paused_taken_up_and_removed(desk: Client, admin: Actor) -> None:
    made, secret = hooks.add_endpoint(actor=admin, at=timezone.now(), **GIVEN)

    desk.post(f"{ENDPOINTS}{made.pk}/change/", {**GIVEN, "name": "New books", "is_active": "on"})
    made.refresh_from_db()
    assert (made.name, made.is_active, made.secret) == ("New books", True, secret)
    desk.post(ENDPOINTS, chosen("pause", made))
    assert not HookEndpoint.objects.get().is_active
    refused = desk.get(f"{ENDPOINTS}{made.pk}/send-test/", follow=True)
    assert "switched off" in refused.content.decode()
    desk.post(ENDPOINTS, chosen("resume", made))
    assert HookEndpoint.objects.get().is_active
    desk.post(f"{ENDPOINTS}{made.pk}/remove/")
    assert desk.get(f"{ENDPOINTS}{made.pk}/change/").status_code == 302
    assert HookEndpoint.objects.get().removed_at


def test_the_log_is_filtered_and_what_is_chosen_is_sent_again(desk: Client, admin: Actor) -> None:
    now = timezone.now()
    made, _ = hooks.add_endpoint(actor=admin, at=now, **GIVEN)
    other, _ = hooks.add_endpoint(actor=admin, at=now, **{**GIVEN, "name": "Other"})
    hooks.announce(organization_id=admin.organization.pk, kind="deal.closed", data={"deal_id": 7}, at=now)
    assert "is on its way" in desk.get(f"{ENDPOINTS}{made.pk}/send-test/", follow=True).content.decode()
    test, first, second = (HookDelivery.objects.get(**by) for by in [{"kind": "test"}, {"kind": "deal.closed", "endpoint": made}, {"endpoint": other}])  # fmt: skip
    HookDelivery.objects.filter(pk=first.pk).update(delivered_at=now, attempts=3)
    HookDelivery.objects.filter(pk=second.pk).update(given_up_at=now, error="ConnectionRefusedError")

    assert listed(desk, LOG, "standing=arrived") == {first.pk}
    assert listed(desk, LOG, "standing=waiting") == listed(desk, LOG, "kind=test") == {test.pk}
    assert listed(desk, LOG, "standing=given_up") == listed(desk, LOG, f"endpoint__id__exact={other.pk}") == {second.pk}
    assert "&quot;deal_id&quot;: 7" in desk.get(f"{LOG}{first.pk}/change/").content.decode()

    desk.post(LOG, chosen("send_again", first, second))
    again = HookDelivery.objects.filter(pk__in=[first.pk, second.pk])
    assert {(row.delivered_at, row.given_up_at, row.attempts) for row in again} == {(None, None, 0)}
    assert set(again.values_list("event_id", flat=True)) == {first.event_id, second.event_id}
    assert AuditEntry.objects.filter(action="core.hooks_replayed").count() == 2

    HookEndpoint.objects.filter(pk=other.pk).update(is_active=False)
    HookDelivery.objects.filter(pk=first.pk).update(delivered_at=now)
    refused = desk.post(LOG, chosen("send_again", first, second), follow=True)
    assert "Other is switched off" in refused.content.decode()
    assert HookDelivery.objects.get(pk=first.pk).delivered_at


def test_the_log_is_forgotten_after_thirty_days(admin: Actor) -> None:
    made, _ = hooks.add_endpoint(actor=admin, at=timezone.now(), **GIVEN)
    old, new = (hooks.send_test(actor=admin, endpoint=made, at=timezone.now()) for _ in range(2))
    HookDelivery.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=30, minutes=1))

    hooks.sweep(organization=admin.organization, at=timezone.now())

    assert [row.pk for row in HookDelivery.objects.all()] == [new.pk]


def test_every_kind_has_a_name_that_people_read() -> None:
    assert sorted(KINDS) == sorted(hooks.KINDS)


def test_keys_are_seen_with_their_last_use_and_ended(desk: Client, admin: Actor, manager: Actor) -> None:
    now = timezone.now()
    token, secret = issue_token(actor=manager, name="till", at=now, scopes=["crm.read"])
    old, _ = issue_token(actor=admin, name="old", at=now - timedelta(days=91))
    headers = {"Authorization": f"Bearer {secret}"}
    assert Client(headers=headers).get("/api/v1/palm/").status_code == 200

    page = desk.get(TOKENS).content.decode()
    assert "crm.read" in page
    assert secret not in page
    assert ApiToken.objects.get(pk=token.pk).last_used_at
    assert listed(desk, TOKENS, "standing=usable") == {token.pk}
    assert listed(desk, TOKENS, "standing=expired") == {old.pk}
    desk.post(TOKENS, chosen("revoke", token))
    assert listed(desk, TOKENS, "standing=revoked") == {token.pk}
    assert Client(headers=headers).get("/api/v1/palm/").status_code == 401

    desk.force_login(manager.user)  # type: ignore[arg-type]
    assert all(desk.get(address).status_code == 403 for address in [TOKENS, ENDPOINTS, LOG])


def test_a_member_makes_a_key_sees_it_once_and_ends_it(client: Client, agent: Actor, other_agent: Actor) -> None:
    client.force_login(agent.user)  # type: ignore[arg-type]
    page = "/o/palm/tokens/"
    assert "No tokens" in client.get(page).content.decode()
    assert client.post(page, {"name": " "}).status_code == 422

    made = client.post(page, {"name": "my sheet", "may": "read"})
    [secret] = re.findall(r"majlis_[\w-]{43}", made.content.decode())
    assert "no-store" in made["Cache-Control"]
    assert secret not in client.get(page).content.decode()
    token = ApiToken.objects.get()
    assert "crm.read" in token.scopes
    assert all(scope.endswith(".read") for scope in token.scopes)
    caller = Client(headers={"Authorization": f"Bearer {secret}"})
    assert caller.get("/api/v1/palm/contacts/").status_code == 200
    assert caller.post("/api/v1/palm/contacts/", {}, content_type="application/json").status_code == 403

    not_mine, _ = issue_token(actor=other_agent, name="theirs", at=timezone.now())
    assert client.post(f"{page}{not_mine.pk}/end/").status_code == 404
    client.post(f"{page}{token.pk}/end/")
    assert caller.get("/api/v1/palm/contacts/").status_code == 401
    assert "my sheet" not in client.get(page).content.decode()
    assert "my sheet" in client.get(f"{page}?all").content.decode()


def test_lists_ask_no_more_for_more_rows(desk: Client, admin: Actor, django_assert_max_num_queries: Any) -> None:
    made, _ = hooks.add_endpoint(actor=admin, at=timezone.now(), **GIVEN)
    for _ in range(6):
        hooks.send_test(actor=admin, endpoint=made, at=timezone.now())
        issue_token(actor=admin, name="till", at=timezone.now())

    for address in [LOG, TOKENS]:
        with django_assert_max_num_queries(16):
            desk.get(address)


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_receiver_that_hangs_delays_no_message(live: Live, receiver: Receiver, inside: None) -> None:  # noqa: F811
    organization, members = house()
    live.start_sandbox()
    live.start_web()
    live.programs.env["OUTSIDE_MAY_BE_INSIDE"] = "true"
    receiver.may_answer.clear()
    with organization_scope(organization.pk):
        admin = Actor(organization, members[Role.ADMIN])
        hanging = endpoint(admin, receiver)
        for _ in range(5):
            hooks.send_test(actor=admin, endpoint=hanging, at=timezone.now())
        configure(live)
        _, secret = issue_token(actor=admin, name="test", at=timezone.now())
        factories.channel(organization)
        live.start_worker(concurrency=1, queues="hooks")
        live.start_worker(concurrency=1, queues="celery")
        Celery(broker=live.redis_url).send_task("core.sweep_hooks")
        wait_for(lambda: receiver.calls, what="the call that hangs")

        live.sandbox("POST", f"/_sandbox/customers/{CUSTOMER}/messages", {"text": "Is it free?"})
        talk = wait_for(Conversation.objects.first, what="the question")
        api(live, secret, "messages/", {"conversation": talk.pk, "body": "It is.", "client_request_id": "one"})
        wait_for(Message.objects.filter(accepted_at__isnull=False).first, what="the answer to be taken")

        assert not HookDelivery.objects.filter(delivered_at__isnull=False).exists()
        assert len(receiver.calls) == 1
        receiver.may_answer.set()
