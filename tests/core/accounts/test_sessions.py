"""Where one is signed in, and how that ends."""

from __future__ import annotations

import re

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from core.accounts.devices import device
from core.actors import Actor
from core.models import AuditEntry
from core.tasks import sweep_sessions
from tests.conftest import PASSWORD
from tests.core.accounts.phone import signed_in

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 "
    "Mobile/15E148 Safari/604.1"
)
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 "
    "Edg/141.0.0.0"
)


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    cache.clear()


def is_in(client: Client) -> bool:
    return client.get("/o/palm/inbox/").status_code == 200


def test_devices_are_called_as_people_call_them() -> None:
    assert device(IPHONE) == "Safari · iPhone"
    assert device(EDGE) == "Edge · Windows"
    assert device("curl/8.1") == "curl/8.1"
    assert device("") == "?"


def test_one_sees_where_one_is_signed_in_and_ends_one_of_them(agent: Actor, manager: Actor) -> None:
    phone, desk = signed_in(HTTP_USER_AGENT=IPHONE), signed_in(HTTP_USER_AGENT=EDGE, REMOTE_ADDR="10.0.0.9")
    other = signed_in("mona@palm.example")

    page = phone.get("/me/sessions/").content.decode()
    assert "Safari · iPhone · this device" in page
    assert "Edge · Windows" in page
    assert "10.0.0.9" in page
    (shown,) = re.findall(r'name="session" value="(\d+)"', page)
    theirs = UserSession.objects.get(user=manager.user).pk
    for number in [theirs, "x", "9" * 30]:
        phone.post("/me/sessions/", {"session": number})
    assert is_in(other)
    assert is_in(desk)

    phone.post("/me/sessions/", {"session": shown})

    assert (is_in(phone), is_in(desk), is_in(other)) == (True, False, True)
    ended = AuditEntry.objects.get(action="core.session_ended")
    assert (ended.user, ended.after["of"]) == (agent.user, "10.0.0.9")


def test_all_others_end_at_one_button(agent: Actor) -> None:
    here, there, elsewhere = signed_in(), signed_in(), signed_in()

    here.post("/me/sessions/")

    assert [is_in(each) for each in (here, there, elsewhere)] == [True, False, False]


def test_one_action_signs_out_everywhere_at_once(agent: Actor, manager: Actor) -> None:
    here, there, other = signed_in(), signed_in(), signed_in("mona@palm.example")
    unknown = Client()  # a session that the list does not know of
    unknown.force_login(agent.user)

    sent = here.post("/me/sessions/end/")

    assert sent.headers["Location"] == "/sign-in/"
    assert [is_in(each) for each in (here, there, unknown, other)] == [False, False, False, True]
    assert AuditEntry.objects.filter(action="core.signed_out_everywhere", user=agent.user).count() == 1
    assert is_in(signed_in())


def test_a_new_password_ends_every_other_session(agent: Actor) -> None:
    here, there = signed_in(), signed_in()
    new = {"oldpassword": PASSWORD, "password1": "a harbour full of dhows", "password2": "a harbour full of dhows"}

    assert here.post("/me/password/", {**new, "oldpassword": "guess"}).status_code == 200
    assert here.post("/me/password/", new).status_code == 302

    assert (is_in(here), is_in(there)) == (True, False)
    assert AuditEntry.objects.filter(action="core.password_changed").count() == 1


def test_a_session_gets_a_new_key_at_signing_in(agent: Actor) -> None:
    client = Client()
    client.get("/sign-in/")
    session = client.session
    session["planted"] = "yes"
    session.save()
    planted = str(session.session_key)
    client.cookies["sessionid"] = planted

    client.post("/sign-in/", {"login": "omar@palm.example", "password": "correct horse battery staple"})

    assert client.cookies["sessionid"].value != planted


def test_sessions_whose_time_is_over_are_thrown_away(agent: Actor, manager: Actor) -> None:
    old, new = signed_in(), signed_in("mona@palm.example")
    Session.objects.filter(session_key=old.session.session_key).update(expire_date=timezone.now())

    sweep_sessions()

    assert Session.objects.count() == 1
    assert UserSession.objects.get().session_key == new.session.session_key
