"""What a house asks of those who sign in: a second step, from a day on, and not to leave a screen open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from core.accounts import rules
from core.actors import Actor
from core.models import ApiToken, AuditEntry, Letter, Membership, Organization
from core.roles import Role
from tests.conftest import PASSWORD
from tests.core.accounts.phone import code_of, confirmed, signed_in, with_app


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    cache.clear()


def set_rules(admin: Actor, *, second_step: str = "off", grace_days: int = 0, idle_minutes: str = "") -> Any:
    client = Client()
    client.force_login(admin.user)
    given = {"second_step": second_step, "grace_days": grace_days, "idle_minutes": idle_minutes}
    return client.post("/o/palm/security/", given)


def left_alone(client: Client, minutes: float) -> Client:
    """As if nothing had been done with this browser for so long."""
    session = client.session
    session[rules.SEEN] -= int(minutes * 60)
    session.save()
    return client


def test_whoever_has_no_second_step_is_led_to_it_before_anything_else(admin: Actor, agent: Actor) -> None:
    assert set_rules(admin, second_step="everybody").status_code == 302
    client = signed_in()

    for path in ["/o/palm/", "/o/palm/inbox/", "/o/palm/profile/"]:
        assert client.get(path).headers["Location"] == "/me/security/", path
    assert client.post("/o/palm/units/new/", {}).headers["Location"] == "/me/security/"
    assert "Palm Brokers asks you for a second step" in client.get("/me/security/").content.decode()
    api = client.get("/api/v1/palm/properties/")
    assert (api.status_code, api.json()["code"]) == (403, "second_factor_required")

    with_app(client)

    assert client.get("/o/palm/inbox/").status_code == 200
    assert client.get("/api/v1/palm/properties/").status_code == 200
    assert "asks you" not in client.get("/me/security/").content.decode()
    confirmed(client).post("/me/security/app/remove/")
    assert client.get("/o/palm/inbox/").headers["Location"] == "/me/security/"


def test_of_staff_alone_when_the_house_says_so(admin: Actor, manager: Actor, agent: Actor) -> None:
    set_rules(admin, second_step="staff")

    assert signed_in("mona@palm.example").get("/o/palm/admin/").headers["Location"] == "/me/security/"
    assert signed_in().get("/o/palm/inbox/").status_code == 200


def test_people_get_days_to_set_it_up_a_letter_and_a_reminder(admin: Actor, agent: Actor) -> None:
    set_rules(admin, second_step="everybody", grace_days=7)

    assert {letter.to for letter in Letter.objects.all()} >= {"omar@palm.example", "aisha@palm.example"}
    page = signed_in().get("/o/palm/inbox/")
    assert page.status_code == 200
    assert "Palm Brokers lets you in only with a second step" in page.content.decode()
    Organization.objects.update(second_step_from=timezone.now() - timedelta(seconds=1))
    assert signed_in().get("/o/palm/inbox/").status_code == 302


def test_saving_again_gives_nobody_more_days(admin: Actor) -> None:
    set_rules(admin, second_step="everybody", grace_days=7)
    Letter.objects.all().delete()
    day = Organization.objects.get().second_step_from

    set_rules(admin, second_step="everybody", grace_days=30, idle_minutes="60")

    house = Organization.objects.get()
    assert (house.second_step_from, house.idle_minutes) == (day, 60)
    assert not Letter.objects.exists()


def test_the_api_gives_no_token_to_whoever_has_to_set_it_up(admin: Actor, agent: Actor) -> None:
    set_rules(admin, second_step="everybody")
    body = {"email": "omar@palm.example", "password": PASSWORD}

    answer = Client().post("/api/v1/palm/sign-in/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_required")
    assert not ApiToken.objects.exists()

    secret = with_app(signed_in())
    answer = Client().post("/api/v1/palm/sign-in/", body | {"code": code_of(secret)}, content_type="application/json")
    assert answer.status_code == 201


def test_another_house_asks_nothing(admin: Actor, agent: Actor, outsider: Actor) -> None:
    Membership.objects.create(organization=outsider.organization, user=agent.user, role=Role.AGENT)
    set_rules(admin, second_step="everybody", idle_minutes="5")
    client = left_alone(signed_in(), 30)

    assert client.get("/o/cedar/inbox/").status_code == 200
    assert client.get("/o/palm/inbox/").headers["Location"] == "/me/security/"


def test_a_session_that_nobody_uses_ends(admin: Actor, agent: Actor) -> None:
    set_rules(admin, idle_minutes="30")
    used, unused, at_the_api, at_home = (signed_in() for _ in range(4))

    assert left_alone(used, 29).get("/o/palm/inbox/").status_code == 200
    sent = left_alone(unused, 31).get("/o/palm/inbox/?tab=mine")
    assert sent.headers["Location"] == "/sign-in/?next=/o/palm/inbox/%3Ftab%3Dmine"
    assert "nothing was done here for a while" in unused.get("/sign-in/").content.decode()
    assert unused.get("/o/palm/inbox/").status_code == 302
    desk = left_alone(signed_in("aisha@palm.example"), 31).get("/o/palm/admin/crm/contact/")
    assert desk.headers["Location"] == "/sign-in/?next=/o/palm/admin/crm/contact/"
    assert left_alone(at_the_api, 31).get("/api/v1/palm/properties/").status_code == 401
    assert left_alone(at_home, 31).get("/me/security/").status_code == 302, "the strictest of one's houses"
    assert AuditEntry.objects.filter(action="core.signed_out_idle", user=agent.user).count() == 3


def test_a_page_that_looks_for_news_by_itself_is_nobody_at_the_screen(admin: Actor, agent: Actor) -> None:
    set_rules(admin, idle_minutes="30")
    client = left_alone(signed_in(), 20)

    for headers in [{"HX-Request": "true"}, {"Sec-Fetch-Mode": "cors"}]:
        assert client.get("/o/palm/inbox/", headers=headers).status_code == 200
    assert left_alone(client, 11).get("/o/palm/inbox/").status_code == 302

    boosted = left_alone(signed_in(), 20)
    boosted.get("/o/palm/inbox/", headers={"HX-Request": "true", "HX-Boosted": "true"})
    assert left_alone(boosted, 11).get("/o/palm/inbox/").status_code == 200


def test_last_use_is_noted_once_a_minute(agent: Actor, django_assert_num_queries: Any) -> None:
    client = left_alone(signed_in(), 5)
    UserSession.objects.update(last_seen_at=timezone.now() - timedelta(minutes=5))

    client.get("/me/security/", REMOTE_ADDR="10.0.0.9")

    session = UserSession.objects.get()
    assert timezone.now() - session.last_seen_at < timedelta(minutes=1)
    assert session.ip == "10.0.0.9"
    # the session, the user: nothing is written
    with django_assert_num_queries(2):
        client.post("/language/", {"language": "xx"})


def test_only_an_admin_sets_the_rules_and_what_makes_no_sense_is_refused(admin: Actor, manager: Actor) -> None:
    client = Client()
    client.force_login(manager.user)
    assert client.get("/o/palm/security/").status_code == 403
    assert client.post("/o/palm/security/", {"second_step": "everybody"}).status_code == 403

    for given in [{"second_step": "some"}, {"grace_days": 31}, {"idle_minutes": "4"}, {"idle_minutes": "never"}]:
        assert set_rules(admin, **given).status_code == 422, given
    assert not AuditEntry.objects.exists()

    set_rules(admin, second_step="staff", grace_days=3, idle_minutes="45")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.before["second_step"], entry.after["second_step"], entry.after["idle_minutes"]) == (
        "core.sign_in_rules_changed", "off", "staff", 45,
    )  # fmt: skip


def test_the_database_knows_what_the_rules_may_be(organization: Organization) -> None:
    for change in ["second_step = 'some'", "second_step = 'staff'", "second_step_from = now()", "idle_minutes = 4"]:
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE core_organization SET {change}")


def test_whoever_lost_phone_and_codes_is_helped_by_an_admin(admin: Actor, manager: Actor, agent: Actor) -> None:
    phone = signed_in()
    with_app(phone)
    desk = Client()
    desk.force_login(admin.user)
    assert "Remove the second step" in desk.get("/o/palm/security/").content.decode()

    desk.post(f"/o/palm/members/{agent.membership.pk}/account/", {"do": "remove-second-step"})

    assert phone.get("/o/palm/inbox/").status_code == 302
    assert signed_in().get("/o/palm/inbox/").status_code == 200
    assert "removed the second step" in Letter.objects.latest("pk").body
    assert AuditEntry.objects.filter(action="core.second_step_removed", user=admin.user).exists()


def test_nobody_opens_a_higher_account_nor_one_that_is_another_houses_too(
    admin: Actor, manager: Actor, agent: Actor, outsider: Actor
) -> None:
    with_app(signed_in())
    with_app(signed_in("aisha@palm.example"))
    Membership.objects.create(organization=outsider.organization, user=agent.user, role=Role.AGENT)
    desk = Client()
    desk.force_login(manager.user)

    for member in [agent.membership, admin.membership, outsider.membership]:
        desk.post(f"/o/palm/members/{member.pk}/account/", {"do": "remove-second-step"})

    for email in ["omar@palm.example", "aisha@palm.example"]:
        assert signed_in(email).get("/o/palm/inbox/").headers["Location"].startswith("/sign-in/")
    desk.post(f"/o/palm/members/{agent.membership.pk}/account/", {"do": "sign-out"})
    assert AuditEntry.objects.filter(action="core.member_signed_out").count() == 1
