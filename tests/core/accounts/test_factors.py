"""The second step: an app, recovery codes, and what the API asks."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client

from core.actors import Actor
from core.models import ApiToken, AuditEntry, Letter
from tests.conftest import PASSWORD
from tests.core.accounts.phone import code_of, confirmed, recovery_codes, signed_in, with_app


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    cache.clear()


@pytest.fixture(autouse=True)
def committing(monkeypatch: pytest.MonkeyPatch) -> None:
    """allauth tells of a new factor after the commit, which a test's transaction never comes to."""
    monkeypatch.setattr("django.db.transaction.on_commit", lambda call, *_, **__: call())
    monkeypatch.setattr("core.jobs.nudge", lambda *_, **__: None)


def test_with_an_app_the_password_alone_opens_nothing(agent: Actor) -> None:
    secret = with_app(signed_in())
    client = signed_in()

    assert client.get("/o/palm/inbox/").headers["Location"].startswith("/sign-in/")
    assert "That code is not right" in client.post("/sign-in/code/", {"code": "000000"}).content.decode()
    assert client.get("/o/palm/inbox/").status_code == 302
    assert client.post("/sign-in/code/", {"code": code_of(secret)}).headers["Location"] == "/"
    assert client.get("/o/palm/inbox/").status_code == 200

    trail = list(AuditEntry.objects.order_by("pk").values_list("action", "after"))
    assert ("core.second_factor_added", {"kind": "totp"}) in trail
    assert ("core.second_factor_refused", {}) in trail
    assert trail[-1][1]["by"] == ["password", "totp"]


def test_a_code_is_taken_once(agent: Actor) -> None:
    secret = with_app(signed_in())
    code = code_of(secret)

    first, second = signed_in(), signed_in()
    assert first.post("/sign-in/code/", {"code": code}).status_code == 302
    assert second.post("/sign-in/code/", {"code": code}).status_code == 200


def test_whoever_guesses_codes_is_stopped_while_the_right_one_comes_too_late(agent: Actor) -> None:
    secret = with_app(signed_in())
    client = signed_in()
    for guess in range(5):
        client.post("/sign-in/code/", {"code": f"{guess:06}"})

    assert client.post("/sign-in/code/", {"code": code_of(secret)}).status_code == 200
    assert client.get("/o/palm/inbox/").status_code == 302


def test_the_day_the_phone_is_gone_each_recovery_code_opens_once(agent: Actor) -> None:
    phone = signed_in()
    with_app(phone)
    code, *others = recovery_codes(phone)

    assert len(others) == 9
    assert signed_in().post("/sign-in/code/", {"code": code}).headers["Location"] == "/"
    assert signed_in().post("/sign-in/code/", {"code": code}).status_code == 200
    assert recovery_codes(phone) == others
    assert phone.get("/me/security/codes/file/").content.decode().split()[-9:] == others
    phone.post("/me/security/codes/new/")
    assert not set(recovery_codes(phone)) & set(others)


def test_nothing_about_signing_in_is_changed_without_showing_again_that_it_is_you(agent: Actor) -> None:
    client = signed_in()
    for path in ["app/", "passkeys/add/"]:
        assert client.get(f"/me/security/{path}").headers["Location"].startswith("/me/confirm/")
    with_app(client)

    left_open = Client()
    left_open.force_login(agent.user)
    for path in ["app/remove/", "codes/new/", "passkeys/add/"]:
        assert left_open.post(f"/me/security/{path}").headers["Location"].startswith("/me/confirm/"), path
    assert recovery_codes(left_open) == []
    assert left_open.get("/me/security/codes/file/").headers["Location"].startswith("/me/confirm/")
    assert Authenticator.objects.count() == 2

    assert left_open.post("/me/confirm/", {"password": "guess"}).status_code == 200
    assert left_open.get("/me/security/app/remove/").status_code == 302
    assert confirmed(left_open).post("/me/security/app/remove/").status_code == 302
    assert not Authenticator.objects.exists()  # codes without an app are for nothing


def test_whoever_owns_the_account_learns_of_it_by_e_mail(agent: Actor) -> None:
    with_app(signed_in())

    said = [letter.body for letter in Letter.objects.order_by("pk")]
    assert any("An authenticator app now asks for a code" in body and "127.0.0.1" in body for body in said)


def test_secrets_of_second_factors_are_encrypted_and_move_to_a_new_key(agent: Actor, settings: Any) -> None:
    secret = with_app(signed_in())
    assert secret not in str(Authenticator.objects.get(type="totp").data)
    old = settings.FIELD_KEYS

    settings.FIELD_KEYS = [Fernet.generate_key().decode(), *old]
    call_command("rotate_field_keys", verbosity=0)
    settings.FIELD_KEYS = settings.FIELD_KEYS[:1]

    assert signed_in().post("/sign-in/code/", {"code": code_of(secret)}).status_code == 302


def test_the_api_gives_a_token_for_password_and_code(agent: Actor) -> None:
    phone = signed_in()
    secret = with_app(phone)
    codes = recovery_codes(phone)

    def ask(**given: str) -> tuple[int, str]:
        body = {"email": "omar@palm.example", "password": PASSWORD, **given}
        answer = Client().post("/api/v1/palm/sign-in/", body, content_type="application/json")
        return answer.status_code, answer.json().get("code", "")

    assert ask() == (403, "second_factor_required")
    assert ask(code="123456") == (403, "second_factor_refused")
    assert not ApiToken.objects.exists()
    assert ask(code=code_of(secret))[0] == 201
    assert ask(code=codes[0])[0] == 201
    assert ask(code=codes[0]) == (403, "second_factor_refused")
    assert ask(password="guess", code=codes[1]) == (401, "credentials_invalid")
