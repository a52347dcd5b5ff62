"""A forgotten password: a link by e-mail, for its owner alone, once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from core.accounts import letters
from core.actors import Actor
from core.models import AuditEntry, Letter
from core.tasks import send_password_reset
from tests.conftest import PASSWORD

NEW = "a harbour full of dhows"


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    cache.clear()


def link_for(actor: Actor) -> str:
    """What the worker does of a request, and the link in the letter it sends."""
    send_password_reset(user_id=actor.user.pk)
    letters.sweep(timezone.now())
    return re.search(r"http://\S+(/password/reset/\S+)", mail.outbox[-1].body)[1]


def open_link(client: Client, link: str) -> str:
    """The page behind the link: the key leaves the address before anything else is loaded."""
    sent = client.get(link)
    assert sent.status_code == 302, "the link is used up"
    assert sent.headers["Location"].endswith("-set-password/")
    return str(sent.headers["Location"])


def test_a_link_sets_a_new_password_signs_all_devices_out_and_works_once(agent: Actor) -> None:
    phone, found = Client(), Client()
    phone.post("/sign-in/", {"login": "omar@palm.example", "password": PASSWORD})
    link = link_for(agent)

    form = open_link(found, link)
    assert found.post(form, {"password1": "short", "password2": "short"}).status_code == 200
    assert found.post(form, {"password1": NEW, "password2": NEW}).headers["Location"] == "/password/reset/done/"

    assert phone.get("/o/palm/inbox/").headers["Location"].startswith("/sign-in/")
    assert Client().post("/sign-in/", {"login": "omar@palm.example", "password": PASSWORD}).status_code == 200
    assert Client().post("/sign-in/", {"login": "omar@palm.example", "password": NEW}).status_code == 302
    assert "no longer works" in Client().get(link).content.decode()
    letters.sweep(timezone.now())
    assert mail.outbox[-1].to == ["omar@palm.example"]
    assert "All devices are signed out" in mail.outbox[-1].body
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"core.password_reset_sent", "core.password_reset"} <= actions


def test_asking_says_the_same_of_an_address_that_nobody_has(agent: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("core.jobs.nudge", lambda name, given, **_: asked.append((name, given)))

    answers = []
    for email in ["omar@palm.example", "nobody@palm.example"]:
        with transaction.atomic():
            answers.append(Client().post("/password/reset/", {"email": email}))
            for _, job, _ in connection.run_on_commit:
                job()
            connection.run_on_commit.clear()

    assert [answer.headers["Location"] for answer in answers] == ["/password/reset/sent/"] * 2
    assert asked == [
        ("core.send_password_reset", {"user_id": agent.user.pk}),
        ("core.send_password_reset", {"user_id": 0}),
    ]
    send_password_reset(user_id=0)
    assert not Letter.objects.exists()


def test_who_asks_too_often_is_told_to_wait(agent: Actor) -> None:
    answers = [Client().post("/password/reset/", {"email": "omar@palm.example"}).status_code for _ in range(6)]

    assert answers == [302] * 5 + [429]


def test_the_letter_is_in_the_language_of_its_reader(agent: Actor) -> None:
    agent.user.language = "ar"
    agent.user.save()

    link_for(agent)

    assert mail.outbox[-1].subject == "تعيين كلمة مرور جديدة لمجلس"


def test_what_a_letter_said_is_forgotten_once_it_is_sent(agent: Actor) -> None:
    link_for(agent)

    letter = Letter.objects.get()
    assert (letter.body, letter.attempts) == (None, 1)
    assert letter.sent_at is not None
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE core_letter SET body = 'kept'")
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE core_letter SET given_up_at = now()")


def test_a_letter_waits_while_the_mail_server_is_away(agent: Actor, settings: Any) -> None:
    now = timezone.now()
    send_password_reset(user_id=agent.user.pk)
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = (
        "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1", 9,
    )  # fmt: skip

    assert letters.sweep(now + letters.LEASE) == 0

    letter = Letter.objects.get()
    assert (letter.error, letter.attempts, letter.sent_at) == ("ConnectionRefusedError", 1, None)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert letters.sweep(letter.due_at) == 1
